package outbound

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// maxIdle is how many connections to one server are kept.
const maxIdle = 4

// pool are connections over which a mail was accepted and the next one may go.
type pool struct {
	mu     sync.Mutex
	idle   []*kept
	closed bool
}

// kept is a connection at rest. Its timer closes it.
type kept struct {
	conn   net.Conn
	client *smtp.Client
	timer  *time.Timer
}

// Close closes the connections that are kept. Attempts under way go on.
func (s *Sender) Close() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.closed = true
	for _, k := range s.pool.idle {
		k.timer.Stop()
		_ = k.conn.Close()
	}
	s.pool.idle = nil
}

// take takes the connection that has rested least; nil if none is kept.
func (p *pool) take() *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		k := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if k.timer.Stop() {
			return k
		}
	}
	return nil
}

// keep keeps a connection for d; false if there are enough.
func (p *pool) keep(conn net.Conn, client *smtp.Client, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdle {
		return false
	}
	k := &kept{conn: conn, client: client}
	k.timer = time.AfterFunc(d, func() {
		_ = conn.Close()
		p.forget(k)
	})
	p.idle = append(p.idle, k)
	return true
}

func (p *pool) forget(gone *kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range p.idle {
		if k == gone {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			return
		}
	}
}

// reuse begins an attempt over a kept connection: it says MAIL, and err is what came of that. fresh is true if a new connection is needed: none is
// kept, or all that were are dead. What the server says about the mail, and not about the connection (421), counts.
func (s *Sender) reuse(ctx context.Context, a *attempt) (fresh bool, err error) {
	for ctx.Err() == nil {
		k := s.pool.take()
		if k == nil {
			break
		}
		a.conn, a.client = k.conn, k.client
		a.stop = context.AfterFunc(ctx, func() { _ = k.conn.Close() })
		err := a.from(ctx)
		var answer *smtp.SMTPError
		if err == nil || (errors.As(err, &answer) && answer.Code != 421) {
			return false, err
		}
		a.close()
		a.conn, a.client, a.stop = nil, nil, nil
	}
	return true, nil
}

// part ends an attempt whose mail was accepted: its connection is kept, or closed with QUIT.
func (s *Sender) part(ctx context.Context, a *attempt) {
	if s.config.IdleTime > 0 && ctx.Err() == nil {
		a.stop()
		a.stop = nil
		if s.pool.keep(a.conn, a.client, s.config.IdleTime) {
			a.conn = nil
			return
		}
	}
	_ = a.within(quitPatience, a.client.Quit)
}
