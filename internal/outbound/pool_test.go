package outbound_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/outbound"
)

// counting counts the connections of a sender, and can cut them.
type counting struct {
	dials atomic.Int32
	mu    sync.Mutex
	conns []net.Conn
}

func (c *counting) keeping(config *outbound.Config) {
	config.IdleTime = patience
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c.dials.Add(1)
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conns = append(c.conns, conn)
		return conn, err
	}
}

func (c *counting) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

func TestConnectionIsKeptForTheNextMailAndClosedInTheEnd(t *testing.T) {
	t.Parallel()
	s, c := script(t, nil), &counting{}
	out := sender(t, s, c.keeping)
	for range 5 {
		got, err := out.Send(t.Context(), reply(), goOn)
		must(t, err)
		if got.Outcome != outbound.OutcomeAccepted {
			t.Fatalf("got %v", got)
		}
	}
	if n := c.dials.Load(); n != 1 || s.told("QUIT") {
		t.Errorf("%d connections for five mails", n)
	}
	out.Close()
	got, err := out.Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomeAccepted || c.dials.Load() != 2 || !s.told("QUIT") {
		t.Errorf("after Close: %v over %d connections", got, c.dials.Load())
	}
}

// A kept connection that died before MAIL was answered is not an attempt: the mail goes over a new one, once.
func TestKeptConnectionThatDiedCostsANewConnectionAndNoAttempt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, mail string }{{"cut", ""}, {"timed out", "421 4.4.2 idle too long"}, {"hung up on", hangUp}, {"silent", silent}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, conns := script(t, nil), &counting{}
			out := sender(t, s, func(config *outbound.Config) {
				conns.keeping(config)
				if c.mail == silent {
					config.CommandTimeout = 300 * time.Millisecond
				}
			})
			defer out.Close()
			must(t, first(out.Send(t.Context(), reply(), goOn)))
			if c.mail == "" {
				conns.cut()
			} else {
				s.second("MAIL", c.mail)
			}
			dots := 0
			got, err := out.Send(t.Context(), reply(), func(context.Context) error { dots++; return nil })
			must(t, err)
			if got.Outcome != outbound.OutcomeAccepted || conns.dials.Load() != 2 || dots != 1 {
				t.Errorf("got %v over %d connections, asked %d times", got, conns.dials.Load(), dots)
			}
		})
	}
}

// The control: over a connection of its own the same answers to MAIL are what became of the attempt.
func TestNewConnectionThatDiesIsAnAttempt(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"421 4.4.2 idle too long", hangUp} {
		s, c := script(t, map[string]string{"MAIL": answer}), &counting{}
		got, err := sender(t, s, c.keeping).Send(t.Context(), reply(), goOn)
		must(t, err)
		if got.Outcome != outbound.OutcomeTemporary || c.dials.Load() != 1 {
			t.Errorf("%s: %v over %d connections", answer, got, c.dials.Load())
		}
	}
}

// What a server says of a mail over a kept connection counts, and a connection over which something failed is not kept.
func TestRefusalOverAKeptConnectionCountsAndEndsIt(t *testing.T) {
	t.Parallel()
	s, c := script(t, nil), &counting{}
	out := sender(t, s, c.keeping)
	defer out.Close()
	must(t, first(out.Send(t.Context(), reply(), goOn)))
	s.second("MAIL", "550 5.7.1 no")
	got, err := out.Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomePermanent || got.Stage != outbound.StageFrom || c.dials.Load() != 1 {
		t.Errorf("got %v over %d connections", got, c.dials.Load())
	}
	must(t, first(out.Send(t.Context(), reply(), goOn)))
	if c.dials.Load() != 2 {
		t.Errorf("%d connections: the one that was refused over was kept", c.dials.Load())
	}
}

func TestManySendersShareAFewConnections(t *testing.T) {
	t.Parallel()
	s, c := script(t, nil), &counting{}
	s.heard = nil
	out := sender(t, s, c.keeping)
	defer out.Close()
	for range 3 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got, err := out.Send(t.Context(), reply(), goOn); err != nil || got.Outcome != outbound.OutcomeAccepted {
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		all.Wait()
	}
	if n := c.dials.Load(); n > 8+2*4 {
		t.Errorf("%d connections for 24 mails", n)
	}
}

func TestHangBeforeTheMailEndsInTime(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "dot"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			s := script(t, map[string]string{verb: silent})
			began := time.Now()
			got, err := sender(t, s, func(c *outbound.Config) {
				impatient(c)
				c.Username, c.Password = "user", "pass"
			}).Send(t.Context(), reply(), goOn)
			must(t, err)
			want := outbound.OutcomeTemporary
			if verb == "dot" {
				want = outbound.OutcomeAmbiguous
			}
			if took := time.Since(began); got.Outcome != want || took > patience/2 {
				t.Errorf("got %v after %v", got, took)
			}
		})
	}
}

func first(got outbound.Result, err error) error {
	if err == nil && got.Outcome != outbound.OutcomeAccepted {
		return errors.New(got.String())
	}
	return err
}
