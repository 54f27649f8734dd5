package mailbox

import (
	"cmp"
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Wake says why Idle returned.
type Wake string

// The reasons to wake.
const (
	WakeMail  Wake = "mail"  // the server told of a change: call Next
	WakeCycle Wake = "cycle" // the time is over and the server is well: call Next too, for some servers tell of nothing
)

// Idle waits until the server tells of new mail (RFC 2177), or for one cycle. What came since the last Next counts. Where the server
// has no IDLE it asks every Config.PollEvery.
//
// When the context ends, Idle returns its error, and the session can still be used if the server answers soon.
func (s *Session) Idle(ctx context.Context) (Wake, error) {
	if s.rung() {
		s.woken = true
		return WakeMail, nil
	}
	timer := time.NewTimer(s.config.cycle())
	defer timer.Stop()
	if !s.caps.Has(imap.CapIdle) {
		return s.poll(ctx, timer.C)
	}
	if ctx.Err() != nil {
		return "", failure(ctx, "wait for mail", context.Cause(ctx))
	}
	// The end of the context leaves the server a moment, so that the session can be used for what is left to do.
	lingering, done := linger(ctx)
	defer done()
	var idle *imapclient.IdleCommand
	err := s.guard(lingering, s.config.CommandTimeout, func() (err error) {
		idle, err = s.client.Idle()
		return err
	})
	if err != nil {
		return "", failure(ctx, "wait for mail", err)
	}
	wake, err := s.wait(ctx, timer.C)
	// DONE and its answer also prove that the server lives.
	doneErr := s.guard(lingering, s.config.CommandTimeout, func() error {
		if err := idle.Close(); err != nil {
			return err
		}
		return idle.Wait()
	})
	if err = cmp.Or(err, doneErr); err != nil {
		return "", failure(ctx, "wait for mail", err)
	}
	return wake, nil
}

// linger returns a context that ends a moment after ctx.
func linger(ctx context.Context) (lingering context.Context, done func()) {
	lingering, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(farewell, func() { end(context.Cause(ctx)) })
		context.AfterFunc(lingering, func() { timer.Stop() })
	})
	return lingering, func() {
		stop()
		end(nil)
	}
}

// wait waits for the server, the clock, the connection's end or the context's.
func (s *Session) wait(ctx context.Context, cycle <-chan time.Time) (Wake, error) {
	select {
	case <-s.wake:
		s.woken = true
		return WakeMail, nil
	case <-cycle:
		return WakeCycle, nil
	case <-s.client.Closed():
		return "", errLost
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// poll is Idle by NOOP.
func (s *Session) poll(ctx context.Context, cycle <-chan time.Time) (Wake, error) {
	ticker := time.NewTicker(s.config.PollEvery)
	defer ticker.Stop()
	for {
		wake, err := s.wait(ctx, ticker.C)
		if err != nil {
			return "", failure(ctx, "wait for mail", err)
		}
		if wake == WakeMail {
			return wake, nil
		}
		if err := s.guard(ctx, s.config.CommandTimeout, func() error { return s.client.Noop().Wait() }); err != nil {
			return "", failure(ctx, "wait for mail", err)
		}
		if s.rung() {
			s.woken = true
			return WakeMail, nil
		}
		select {
		case <-cycle:
			return WakeCycle, nil
		default:
		}
	}
}
