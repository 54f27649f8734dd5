package devmail

import (
	"net"
	"sync"
	"time"
)

// Fault is one way in which the server fails on purpose, for tests of the programs that talk to it.
type Fault string

// The faults. Each strikes once for every time it was injected, at whoever comes next.
const (
	FaultRefuseConnection Fault = "refuse_connection" // an SMTP connection is greeted with 421 and closed
	FaultCutInData        Fault = "cut_in_data"       // the connection is cut while DATA is read; the mail is not kept
	FaultCutAfterDot      Fault = "cut_after_dot"     // the mail is kept, and the connection is cut in place of the answer
	FaultSilentAfterDot   Fault = "silent_after_dot"  // the mail is kept, and no answer ever comes
)

// Inject makes the next n connections or mails fail by f. For tests.
func (s *Server) Inject(f Fault, n int) { s.faults.add(f, n) }

// DropConnections cuts every IMAP and SMTP connection that is open now, as a failing network does. For tests.
func (s *Server) DropConnections() {
	for _, conn := range s.connections() {
		_ = conn.Close()
	}
}

type faults struct {
	mu   sync.Mutex
	left map[Fault]int
}

func (f *faults) add(fault Fault, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = map[Fault]int{}
	}
	f.left[fault] += n
}

// take reports whether fault strikes now.
func (f *faults) take(fault Fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left[fault] == 0 {
		return false
	}
	f.left[fault]--
	return true
}

// refusingListener greets with 421 where FaultRefuseConnection strikes (RFC 5321 section 3.8).
type refusingListener struct {
	net.Listener
	faults *faults
}

// Accept returns the next connection that is not refused.
func (l refusingListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.faults.take(FaultRefuseConnection) {
			return conn, err
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("421 4.3.2 " + hostname + " closing transmission channel\r\n"))
		_ = conn.Close()
	}
}
