package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands before a server on loopback, so that a test can take the server away from who speaks to it by the proxy, and from nobody else.
type Proxy struct {
	Addr string // HOST:PORT

	target string
	mu     sync.Mutex
	cut    bool
	open   map[net.Conn]bool
}

// NewProxy starts a proxy before target, HOST:PORT, until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: listener.Addr().String(), target: target, open: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.pass(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		serving.Wait()
	})
	return p
}

// pass copies in both directions until either side ends, or Cut does it.
func (p *Proxy) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer far.Close()
	if !p.register(near, far) {
		return
	}
	done := make(chan struct{}, 2)
	for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
		go func() {
			_, _ = io.Copy(to, from)
			_, _ = near.Close(), far.Close()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, near)
	delete(p.open, far)
}

func (p *Proxy) register(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.open[c] = true
	}
	return !p.cut
}

// Cut ends all connections, and those that come, at once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.open {
		_ = c.Close()
	}
}

// Mend lets new connections through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}
