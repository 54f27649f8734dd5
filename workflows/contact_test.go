package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

func TestContactIsRoutedOfferedAcceptedClosedAndWrappedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var accepted, closed, completed *answer
	s.at(10*time.Second, func() { accepted = s.accept() })
	s.at(20*time.Second, func() {
		s.carriedOut(accepted, postroom.ContactOwned)
		if s.cancelled != 1 {
			t.Error("the timer of the offer runs on, to wake the workflow for nothing")
		}
		closed = s.close()
	})
	s.at(30*time.Second, func() { s.carriedOut(closed, postroom.ContactWrapUp); completed = s.complete() })
	s.done()
	s.carriedOut(completed, postroom.ContactDone)
	s.made("LoadContact", "RouteContact", "OfferContact", "AcceptOffer", "CloseContact", "CompleteWrapUp")
	if !slices.Equal(s.timers, []time.Duration{90 * time.Second}) {
		t.Errorf("timers %v", s.timers)
	}
}

func TestUnansweredOfferExpiresAndIsOfferedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina", "tom"}
	s.at(89*time.Second, func() { s.believes("Offered to mina until 09:01:30 (queue general).") })
	s.at(91*time.Second, func() { s.believes("Offered to tom until 09:03:00 (queue general).") })
	s.handleAt(100 * time.Second)
	s.done()
	s.made("LoadContact", "RouteContact", "OfferContact", "ExpireOffer", "OfferContact", "AcceptOffer", "CloseContact", "CompleteWrapUp")
	if n := s.row.ended(postroom.OfferExpired); n != 1 {
		t.Errorf("%d offers expired, want 1", n)
	}
}

// PostgreSQL's clock goes back after the claim, so that the workflow's timer fires too early. The row says how long is left; the timer is
// set for that again, but never for less than a quarter of a second, and the offer expires once.
func TestTimerThatFiresTooEarlyIsSetAgainAndTheOfferExpiresOnce(t *testing.T) {
	t.Parallel()
	for back, again := range map[time.Duration]time.Duration{
		time.Nanosecond:        250 * time.Millisecond,
		100 * time.Millisecond: 250 * time.Millisecond,
		250 * time.Millisecond: 250 * time.Millisecond,
		300 * time.Millisecond: 300 * time.Millisecond,
		5 * time.Second:        5 * time.Second,
	} {
		t.Run(back.String(), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			s.at(30*time.Second, func() { s.row.change(func() { s.row.skew = -back }) })
			s.at(99*time.Second, func() { s.believes("Waiting in queue general."); s.row.claim("tom"); s.sync() })
			s.handleAt(100 * time.Second)
			s.done()
			if n := s.row.count("ExpireOffer"); n != 2 {
				t.Errorf("asked %d times whether the offer expired, want 2", n)
			}
			if n := s.row.ended(postroom.OfferExpired); n != 1 {
				t.Errorf("%d offers expired, want 1", n)
			}
			if s.timers[0] != 90*time.Second || s.timers[1] != again {
				t.Errorf("timers %v, want 1m30s and then %v", s.timers, again)
			}
		})
	}
}

// The two clocks are five seconds apart all the time. Only what is left counts, so the offer ends when its agent was told that it would: not
// before, and not five seconds after.
func TestOfferEndsInTimeWhenTheClocksAreFiveSecondsApart(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"PostgreSQL behind": -5 * time.Second, "PostgreSQL ahead": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.skew = skew
			s.row.able = []postroom.AgentID{"mina"}
			s.at(90*time.Second-time.Millisecond, func() {
				if s.row.read().Phase != postroom.ContactOffered {
					t.Error("the offer ended before its deadline")
				}
			})
			s.at(90*time.Second+time.Millisecond, func() {
				if s.row.read().Phase != postroom.ContactWaiting {
					t.Error("the offer did not end at its deadline")
				}
				s.row.claim("tom")
				s.sync()
			})
			s.handleAt(100 * time.Second)
			s.done()
			if n := s.row.count("ExpireOffer"); n != 1 {
				t.Errorf("asked %d times whether the offer expired, want 1", n)
			}
		})
	}
}

// An offer that was overdue when the workflow heard of it is ended at once: no timer is set for the past.
func TestOfferThatIsOverdueAlreadyIsEndedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(10*time.Second, func() {
		s.row.change(func() { s.row.skew = time.Hour })
		s.sync()
	})
	s.at(11*time.Second, func() { s.believes("Waiting in queue general."); s.row.claim("tom"); s.sync() })
	s.handleAt(12 * time.Second)
	s.done()
	s.made("LoadContact", "RouteContact", "OfferContact", "LoadContact", "ExpireOffer", "OfferContact", "LoadContact", "AcceptOffer",
		"CloseContact", "CompleteWrapUp")
	if slices.Min(s.timers) < 90*time.Second {
		t.Errorf("timers %v", s.timers)
	}
}

func TestAcceptAfterTheDeadlineLosesThoughTheTimerHasNotFired(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina", "tom"}
	var late *answer
	s.at(89*time.Second, func() {
		s.row.change(func() { s.row.skew = 2 * time.Second })
		late = s.accept()
	})
	s.at(100*time.Second, func() {
		s.refused(late, postroom.KindConflict, postroom.ReasonOfferExpired)
		s.believes("Offered to tom until 09:03:02 (queue general).")
	})
	s.handleAt(101 * time.Second)
	s.done()
}

// Nobody tells the workflow: time alone makes an agent eligible, and the row said when to look.
func TestWaitingContactLooksAgainWhenTimeMayHaveMadeSomebodyEligible(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.look = 30 * time.Second
	s.at(5*time.Second, func() { s.row.change(func() { s.row.able = []postroom.AgentID{"mina"} }) })
	s.at(29*time.Second, func() { s.believes("Waiting in queue general.") })
	s.at(31*time.Second, func() { s.believes("Offered to mina until 09:02:00 (queue general).") })
	s.handleAt(40 * time.Second)
	s.done()
	if !slices.Equal(s.timers, []time.Duration{30 * time.Second, 90 * time.Second}) {
		t.Errorf("timers %v", s.timers)
	}
}

// When time cannot make anybody eligible the workflow sleeps without a timer, for as long as it takes.
func TestWaitingContactForWhomTimeDoesNothingSetsNoTimer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.at(72*time.Hour, func() {
		if len(s.timers) > 0 || s.row.count("OfferContact") != 1 {
			t.Errorf("timers %v, %d looks", s.timers, s.row.count("OfferContact"))
		}
		s.row.claim("mina")
		s.sync()
	})
	s.handleAt(72*time.Hour + time.Second)
	s.done()
}

func TestDeclinedOfferIsOfferedToTheNextAgentAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina", "tom"}
	var declined *answer
	s.at(10*time.Second, func() { declined = s.decline() })
	s.at(11*time.Second, func() {
		s.carriedOut(declined, postroom.ContactWaiting)
		s.believes("Offered to tom until 09:01:40 (queue general).")
	})
	s.handleAt(20 * time.Second)
	s.done()
	if n := s.row.ended(postroom.OfferExpired); n != 0 {
		t.Errorf("%d offers expired", n)
	}
}

// A database that is down is waited for, whatever the step: the contact does not fail.
func TestStepIsTriedUntilTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"LoadContact", "RouteContact", "OfferContact", "ExpireOffer"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina", "tom"}
			failures := 0
			s.row.before = func(name string) error {
				if name != step || failures == 20 {
					return nil
				}
				failures++
				return down()
			}
			s.at(time.Hour, func() {
				s.believes("Waiting in queue general.")
				s.row.claim("jiwoo")
				s.sync()
			})
			s.handleAt(time.Hour + time.Second)
			s.done()
			if failures != 20 {
				t.Errorf("%d failures", failures)
			}
		})
	}
}
