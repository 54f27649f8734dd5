package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// In every phase: a change from outside is not known until somebody says look; then the workflow loads the row and follows it.
func TestSyncInEveryPhaseLoadsTheRowAndFollowsIt(t *testing.T) {
	t.Parallel()
	accepted := func(s *stage) { s.at(time.Second, func() { s.accept() }) }
	closed := func(s *stage) { accepted(s); s.at(2*time.Second, func() { s.close() }) }
	for name, c := range map[string]struct {
		reach         func(*stage) // comes to the phase in less than 10 s, with mina as the only agent
		outside       func(*stage)
		before, after string
	}{
		"waiting": {reach: func(s *stage) { s.row.able = nil }, outside: func(s *stage) { s.row.claim("tom") },
			before: "Waiting in queue general.", after: "Offered to tom until 09:01:40 (queue general)."},
		"offered": {reach: func(*stage) {}, outside: func(s *stage) { s.row.withdraw() },
			before: "Offered to mina until 09:01:30 (queue general).", after: "Waiting in queue general."},
		"offered, and offered again": {reach: func(*stage) {}, outside: func(s *stage) { s.row.withdraw(); s.row.claim("mina") },
			before: "Offered to mina until 09:01:30 (queue general).", after: "Offered to mina until 09:01:40 (queue general)."},
		"owned": {reach: accepted, outside: func(s *stage) { s.row.release() },
			before: "Owned by mina (queue general).", after: "Waiting in queue general."},
		"owned, and offered again": {reach: accepted, outside: func(s *stage) { s.row.release(); s.row.claim("tom") },
			before: "Owned by mina (queue general).", after: "Offered to tom until 09:01:40 (queue general)."},
		"wrap-up": {reach: closed, outside: func(s *stage) { s.row.change(func() { s.row.now.Queue = "billing"; s.row.now.Version++ }) },
			before: "Wrap-up by mina (queue general).", after: "Wrap-up by mina (queue billing)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			c.reach(s)
			loaded := 0
			s.at(10*time.Second, func() { s.believes(c.before); c.outside(s); loaded = s.row.count("LoadContact") })
			s.at(11*time.Second, func() { s.believes(c.before); s.sync() })
			s.at(12*time.Second, func() {
				s.believes(c.after)
				if n := s.row.count("LoadContact"); n != loaded+1 {
					t.Errorf("loaded %d times", n-loaded)
				}
				s.env.CancelWorkflow()
			})
			s.cut(workflows.Contact)
		})
	}
}

// A sync that comes while the first steps are still tried is not forgotten: the row is loaded once they are through.
func TestSyncBeforeTheContactIsRoutedIsLookedAtAfterwards(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.before = func(step string) error {
		if step == "RouteContact" && s.env.Now().Before(s.began.Add(10*time.Second)) {
			return down()
		}
		return nil
	}
	s.at(5*time.Second, s.sync)
	s.at(30*time.Second, func() {
		made := s.row.made()
		if at := slices.Index(made, "OfferContact"); at < 0 || !slices.Contains(made[at:], "LoadContact") {
			t.Errorf("steps %v: nobody looked after the sync", made)
		}
		s.row.claim("mina")
		s.sync()
	})
	s.handleAt(31 * time.Second)
	s.done()
}

// A completed contact whose reply is on its way still looks when it is told to, and does not end.
func TestSyncWhileAReplyIsOnItsWayDoesNotEndTheContact(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo, s.row.scheduled = []postroom.AgentID{"mina"}, 30*time.Second, true
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(3*time.Second, func() { s.complete() })
	s.at(4*time.Second, func() { s.believes("Completed; 1 replies on their way."); s.sync() })
	s.at(5*time.Second, func() {
		if s.env.IsWorkflowCompleted() || s.row.count("LoadContact") != 2 {
			t.Errorf("ended %t, steps %v", s.env.IsWorkflowCompleted(), s.row.made())
		}
	})
	s.done()
	if len(s.row.attempts()) != 1 {
		t.Errorf("sent %v", s.row.attempts())
	}
}

// Nobody says look. What the workflow does next for reasons of its own shows it the row, and it follows: a lost message costs time only.
func TestLostSyncIsMadeGoodByTheNextStep(t *testing.T) {
	t.Parallel()
	t.Run("the timer", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.row.able = []postroom.AgentID{"mina"}
		s.at(10*time.Second, func() { s.row.withdraw() })
		s.at(20*time.Second, func() { s.row.claim("tom") })
		s.at(91*time.Second, func() { s.believes("Offered to tom until 09:01:50 (queue general).") })
		s.handleAt(100 * time.Second)
		s.done()
		if n := s.row.ended(postroom.OfferExpired); n != 0 {
			t.Errorf("%d offers expired: the timer of the first ended the second", n)
		}
	})
	t.Run("an agent who knows more", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		var accepted *answer
		s.at(10*time.Second, func() { s.row.claim("mina"); accepted = s.accept() })
		s.at(11*time.Second, func() {
			s.carriedOut(accepted, postroom.ContactOwned)
			s.believes("Owned by mina (queue general).")
			s.close()
		})
		s.at(12*time.Second, func() { s.complete() })
		s.done()
	})
}

// Whatever syncs come, doubled, late, before anything has changed or in one heap, the contact's life is the same: the same offers with the
// same ends, and the same answers to its agents.
func TestDoubledLateAndReorderedSyncsChangeNothing(t *testing.T) {
	t.Parallel()
	life := func(t *testing.T, syncs func(*stage)) []postroom.OfferState {
		s := newStage(t)
		s.row.able = []postroom.AgentID{"mina", "tom", "jiwoo"}
		syncs(s)
		s.at(40*time.Second, func() { s.row.withdraw(); s.sync() })
		s.at(150*time.Second, func() {
			if now := s.row.read(); now.Agent != "jiwoo" {
				t.Errorf("with %q, not with jiwoo", now.Agent)
			}
		})
		s.handleAt(160 * time.Second)
		s.done()
		if n := s.row.count("ExpireOffer"); n != 1 || s.row.atOnce() != 1 {
			t.Errorf("asked %d times whether an offer expired; %d steps at once", n, s.row.atOnce())
		}
		var ends []postroom.OfferState
		for n := range len(s.row.offers) {
			ends = append(ends, s.row.offers[postroom.OfferID(id('0', n+1))])
		}
		return ends
	}
	want := []postroom.OfferState{postroom.OfferWithdrawn, postroom.OfferExpired, postroom.OfferFinished}
	for seed := range 25 {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			got := life(t, func(s *stage) {
				for range random.IntN(12) {
					at, heap := time.Duration(random.Int64N(int64(162*time.Second))), 1+random.IntN(3)
					s.at(at, func() {
						for range heap {
							s.sync()
						}
					})
				}
			})
			if !slices.Equal(got, want) {
				t.Errorf("the offers ended %v, want %v", got, want)
			}
		})
	}
}

// A snapshot that is older than what is known changes nothing: not what the workflow believes, and no timer.
func TestOlderSnapshotNeverOverwritesANewerOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var offered postroom.ContactSnapshot
	s.at(5*time.Second, func() { offered = s.row.read(); s.accept() })
	s.at(10*time.Second, func() {
		s.row.change(func() {
			s.row.answer = func(string, postroom.ContactSnapshot) postroom.ContactSnapshot { return offered }
		})
		s.sync()
	})
	s.at(11*time.Second, func() {
		s.believes("Owned by mina (queue general).")
		s.row.change(func() { s.row.answer = nil })
	})
	s.at(10*time.Minute, func() {
		if len(s.timers) != 1 || s.row.count("ExpireOffer") != 0 {
			t.Errorf("timers %v, steps %v", s.timers, s.row.made())
		}
	})
	s.handleAt(11 * time.Minute) // accept is answered alike
	s.done()
}

// After a restore the row lives another life: however low its version is, it counts.
func TestSnapshotOfAnotherEpochOverwritesWhatIsKnown(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(5*time.Second, func() { s.accept() })
	s.at(10*time.Second, func() {
		s.believes("Owned by mina (queue general).")
		s.row.change(func() {
			clear(s.row.offers)
			s.row.now = postroom.ContactSnapshot{Contact: theContact, Epoch: "life-2", Version: 2, Phase: postroom.ContactWaiting, Queue: theQueue}
		})
		s.sync()
	})
	s.at(11*time.Second, func() { s.believes("Waiting in queue general."); s.row.claim("tom"); s.sync() })
	s.handleAt(12 * time.Second)
	s.done()
}
