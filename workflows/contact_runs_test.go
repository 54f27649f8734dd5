package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// What a run carries from the one before it may be old: the first thing that it does is to load the row, and it acts on nothing else.
func TestRunThatBeginsFromCarriedStateLoadsFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		carried postroom.ContactSnapshot
		row     func(*row)
		then    []string // the steps after the load, until an agent acts
	}{
		"offered then, waiting now": {
			carried: postroom.ContactSnapshot{Epoch: "life-1", Version: 3, Phase: postroom.ContactOffered, Offer: postroom.OfferID(id('0', 9)), Agent: "mina"},
			row:     func(r *row) { r.now.Phase, r.now.Version, r.now.Queue = postroom.ContactWaiting, 4, theQueue },
			then:    []string{"OfferContact"}},
		"owned then, offered now": {
			carried: postroom.ContactSnapshot{Epoch: "life-1", Version: 3, Phase: postroom.ContactOwned, Offer: postroom.OfferID(id('0', 9)), Agent: "mina"},
			row: func(r *row) {
				r.now.Phase, r.now.Version, r.now.Queue = postroom.ContactWaiting, 4, theQueue
				r.offer("tom")
			}},
		"of another life": {
			carried: postroom.ContactSnapshot{Epoch: "life-0", Version: 100, Phase: postroom.ContactOwned, Offer: postroom.OfferID(id('0', 9)), Agent: "mina"},
			row:     func(r *row) { r.now.Phase, r.now.Version, r.now.Queue = postroom.ContactWaiting, 2, theQueue },
			then:    []string{"OfferContact"}},
		"nothing known": {
			row:  func(r *row) { r.now.Phase, r.now.Version, r.now.Queue = postroom.ContactWaiting, 2, theQueue },
			then: []string{"OfferContact"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"tom"}
			s.row.change(func() { c.row(s.row) })
			s.at(time.Second, func() {
				s.made(append([]string{"LoadContact"}, c.then...)...)
				s.believes("Offered to tom until 09:01:30 (queue general).")
			})
			s.handleAt(2 * time.Second)
			if result := s.playFrom(workflows.Contact, workflows.ContactState{Contact: theContact, Known: c.carried, Run: 1}); result.Phase != postroom.ContactDone {
				t.Errorf("ended in phase %q", result.Phase)
			}
		})
	}
}

// A workflow that is started for a contact which is completed ends at once: a start that was sent twice, or late, does no harm.
func TestRunOfACompletedContactEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.now.Phase, s.row.now.Version = postroom.ContactDone, 7
	s.done()
	s.made("LoadContact")
	if len(s.upserts) > 0 {
		t.Errorf("set search attributes %d times", len(s.upserts))
	}
}

// A history that has grown long is left behind, with nothing but ids, keys, states and times. A reply that waits for its time is the next
// run's: it may wait for months.
func TestContinueAsNewCarriesWhatIsKnownAndTheNextRunSendsTheReply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo, s.row.scheduled = []postroom.AgentID{"mina"}, 10*time.Second, true
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply(); s.env.SetContinueAsNewSuggested(true) })
	s.at(3*time.Second, s.sync)
	s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
	state, payload, ok := s.next()
	if !ok || len(s.row.attempts()) > 0 {
		t.Fatalf("ended with %v, sent %v", s.env.GetWorkflowError(), s.row.attempts())
	}
	want := `{"contact":"` + string(theContact) + `","known":{"contact":"` + string(theContact) + `","epoch":"life-1","version":5,"phase":"wrapup","queue":"general","offer":"` +
		id('0', 1) + `","agent":"mina","sends":[{"outbox":"` + id('1', 1) + `","due_in":9000000000}]},"run":1}`
	if string(payload) != want {
		t.Errorf("carried\n%s, want\n%s", payload, want)
	}

	second := newStageOver(t, s.row)
	second.asked = s.asked // requests are told apart by their ids
	s.row.steps = nil
	second.at(time.Second, func() { second.complete() })
	if result := second.playFrom(workflows.Contact, state); result.Phase != postroom.ContactDone {
		t.Errorf("the second run ended in phase %q", result.Phase)
	}
	second.made("LoadContact", "CompleteWrapUp")
	if len(s.row.attempts()) != 1 {
		t.Errorf("sent %v: the second run sends it, once", s.row.attempts())
	}
}

// The server suggests to continue as new while an agent's reply is being written down. The run goes on until the agent has his answer, and
// until the reply, which began meanwhile, is settled.
func TestContinueAsNewWaitsForTheReplyThatAnUpdateUnderWayBegins(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(time.Second, func() { s.accept() })
	loading := make(chan struct{})
	var replied *answer
	s.at(2*time.Second, func() {
		s.row.change(func() {
			s.row.before = func(step string) error {
				if step == "LoadContact" {
					<-loading
				}
				return nil
			}
		})
		s.env.SetContinueAsNewSuggested(true)
		s.sync()
		s.at(0, func() { // the main flow is at the row; the handler waits behind it
			replied = s.reply()
			s.at(0, func() { close(loading) })
		})
	})
	s.at(20*time.Second, s.sync)
	s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
	state, _, ok := s.next()
	if !ok {
		t.Fatalf("ended with %v", s.env.GetWorkflowError())
	}
	s.carriedOut(replied, postroom.ContactWrapUp)
	if len(s.row.attempts()) != 1 || len(s.row.read().Sends) > 0 {
		t.Errorf("sent %v: the run left a reply on its way", s.row.attempts())
	}
	if state.Known.Phase != postroom.ContactWrapUp {
		t.Errorf("carried phase %q", state.Known.Phase)
	}
}

// Cancelled in any phase, the workflow ends cancelled, and whoever waits for an answer has one.
func TestCancelledWorkflowAnswersItsUpdatesAndEndsCancelled(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"LoadContact", "RouteContact", "OfferContact", "AcceptOffer", "CloseContact"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			reached, release := make(chan struct{}), make(chan struct{})
			once := false
			s.row.before = func(step string) error {
				if step == at && !once {
					once = true
					close(reached)
					<-release
				}
				return nil
			}
			var waiting []*answer
			s.at(10*time.Second, func() { waiting = append(waiting, s.accept()) })
			s.at(20*time.Second, func() { waiting = append(waiting, s.close()) })
			go func() {
				<-reached
				s.env.RegisterDelayedCallback(func() {
					waiting = append(waiting, s.decline())
					s.env.CancelWorkflow()
					s.at(20*time.Millisecond, func() { close(release) }) // by the real clock, as a step is under way
				}, 0)
			}()
			s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
			if err := s.env.GetWorkflowError(); !temporal.IsCanceledError(err) {
				t.Errorf("ended with %v", err)
			}
			for i, a := range waiting {
				if !a.over {
					t.Errorf("update %d of %d has no answer", i+1, len(waiting))
				}
			}
		})
	}
}

// A workflow whose contact the database does not know was started after a restore, or by hand. It ends by itself, and says what it was.
func TestOrphanEndsVisibly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.unknown = true
	var accepted *answer
	s.at(0, func() { accepted = s.accept() })
	if result := s.play(workflows.Contact); result.Phase != "" {
		t.Errorf("ended in phase %q", result.Phase)
	}
	s.believes("Orphan: the database does not know this contact.")
	s.refused(accepted, postroom.KindNotFound, postroom.ReasonUnknownContact)
}

// Any other failure that waiting cannot mend is a failure of the workflow, which operations people see.
func TestContactThatCannotBeLoadedFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.before = func(string) error { return refusal(postroom.Forbidden("not you")) }
	s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
	var failure *temporal.ApplicationError
	if err := s.env.GetWorkflowError(); !errors.As(err, &failure) || failure.Type() != string(postroom.ReasonForbidden) {
		t.Errorf("ended with %v", err)
	}
}

// answered has mina accept, reply and wrap up, and gives when the workflow ended.
func answered(s *stage) time.Duration {
	s.row.able = []postroom.AgentID{"mina"}
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(5*time.Second, func() { s.complete() })
	s.done()
	return s.env.Now().Sub(s.began)
}

// Every snapshot names a reply until it is settled; it is let go once.
func TestReplyIsSentOnceThoughManySnapshotsNameIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.undo, s.row.scheduled = 10*time.Second, true
	for n := range 8 {
		s.at(time.Duration(2500+500*n)*time.Millisecond, s.sync)
	}
	s.at(11*time.Second, func() {
		if len(s.row.attempts()) > 0 {
			t.Error("sent before the undo window was over")
		}
	})
	if ended := answered(s); ended != 12*time.Second {
		t.Errorf("ended after %v, want 12s: two and the undo window", ended)
	}
	if !slices.Equal(s.row.attempts(), []postroom.OutboxID{postroom.OutboxID(id('1', 1))}) {
		t.Errorf("sent %v", s.row.attempts())
	}
	if !slices.Equal(s.timers, []time.Duration{90 * time.Second, 10 * time.Second}) {
		t.Errorf("timers %v", s.timers)
	}
}

func TestReplyWithoutAnUndoWindowIsSentAtOnceWithoutATimer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.at(3*time.Second, func() {
		if len(s.row.attempts()) != 1 {
			t.Errorf("sent %v", s.row.attempts())
		}
	})
	answered(s)
	if len(s.timers) != 1 || len(s.row.attempts()) != 1 {
		t.Errorf("timers %v, sent %v", s.timers, s.row.attempts())
	}
}

// The mail server puts a reply off. Wrap-up does not wait for it; the workflow's end does.
func TestWorkflowDoesNotEndBeforeItsReplyIsSettled(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.deliver = func(attempt int) error {
		if attempt > 3 {
			return nil
		}
		return temporal.NewApplicationErrorWithOptions("the mail server put the reply off", "deferred", temporal.ApplicationErrorOptions{NextRetryDelay: time.Hour})
	}
	s.at(6*time.Second, func() { s.believes("Completed; 1 replies on their way.") })
	if ended := answered(s); ended < 3*time.Hour || ended > 3*time.Hour+time.Minute {
		t.Errorf("ended after %v", ended)
	}
	if len(s.row.attempts()) != 4 {
		t.Errorf("%d attempts", len(s.row.attempts()))
	}
}

// What becomes of a reply is in the outbox, for people to see. The contact goes on.
func TestReplyThatCannotBeSettledDoesNotStopTheContact(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.deliver = func(int) error { return refusal(postroom.Internal("a defect", nil)) }
	if ended := answered(s); ended != 5*time.Second {
		t.Errorf("ended after %v", ended)
	}
}
