package workflows_test

import (
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// wrappingUp is a stage on which mina has closed her contact after two seconds, in a queue that completes wrap-ups after auto.
func wrappingUp(t *testing.T, auto time.Duration, extensions int) *stage {
	t.Helper()
	s := newStage(t)
	s.row.able, s.row.auto, s.row.extensions = []postroom.AgentID{"mina"}, auto, extensions
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.close() })
	return s
}

// R24: auto wrap-up.
func TestWrapUpThatNobodyCompletesCompletesItselfAtItsTime(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 30*time.Second, 0)
	s.done()
	if ended := s.env.Now().Sub(s.began); ended != 32*time.Second || s.row.automatic != 1 {
		t.Errorf("completed %d times by itself, after %v", s.row.automatic, ended)
	}
	s.made("LoadContact", "RouteContact", "OfferContact", "AcceptOffer", "CloseContact", "AutoWrapUp")
}

// R24: a queue without auto wrap-up waits for the agent for ever, and the workflow has no timer for it.
func TestWithoutAutoWrapUpNothingCompletesItself(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 0, 0)
	s.at(30*24*time.Hour, func() { s.complete() })
	s.done()
	if !slices.Equal(s.timers, []time.Duration{90 * time.Second}) || s.row.automatic != 0 {
		t.Errorf("timers %v, %d automatic", s.timers, s.row.automatic)
	}
}

// R24: the timer is taken back when the agent was first.
func TestWrapUpThatTheAgentCompletesIsNotCompletedAgain(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 30*time.Second, 0)
	var completed *answer
	s.at(10*time.Second, func() { completed = s.complete() })
	s.done()
	s.carriedOut(completed, postroom.ContactDone)
	if ended := s.env.Now().Sub(s.began); ended != 10*time.Second || s.row.automatic != 0 || s.row.count("AutoWrapUp") != 0 {
		t.Errorf("ended after %v, %d automatic; steps %v", ended, s.row.automatic, s.row.made())
	}
	if s.cancelled != 1 { // the environment does not count the wrap-up's, which goes with the workflow's end
		t.Errorf("%d timers were taken back", s.cancelled)
	}
}

// R24: the timer fires while the agent's completion is at the row: the row decides, and both see that it is done.
func TestManualAndAutomaticCompletionAtOnceAreOne(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"CompleteWrapUp", "AutoWrapUp"} {
		t.Run(first+" first", func(t *testing.T) {
			t.Parallel()
			s := wrappingUp(t, 30*time.Second, 0)
			var completed *answer
			release := make(chan struct{})
			s.row.before = func(step string) error {
				if step == first && first == "AutoWrapUp" { // the agent's comes while the timer's is at the row
					s.env.RegisterDelayedCallback(func() {
						completed = s.complete()
						s.at(20*time.Millisecond, func() { close(release) }) // by the real clock, as a step is under way
					}, 0)
					<-release
				}
				return nil
			}
			if first == "CompleteWrapUp" {
				s.at(32*time.Second, func() { completed = s.complete() })
			}
			s.done()
			if finished := s.row.ended(postroom.OfferFinished); finished != 1 || s.row.atOnce() != 1 {
				t.Errorf("%d offers finished, %d steps at once", finished, s.row.atOnce())
			}
			if !completed.over {
				t.Error("the agent has no answer")
			}
		})
	}
}

// R24: the timer fires before the time has come by PostgreSQL's clock; what remains is waited for.
func TestWrapUpWhoseTimerFiredTooEarlyIsWaitedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contact any
		ends    int
	}{"the contact": {workflows.Contact, 1}, "control: trusts its timer": {impatient, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wrappingUp(t, 30*time.Second, 0)
			s.at(20*time.Second, func() { s.row.change(func() { s.row.skew = -5 * time.Second }) })
			s.at(time.Hour-time.Second, func() {
				if s.row.automatic != c.ends {
					t.Errorf("completed %d times, want %d", s.row.automatic, c.ends)
				}
			})
			if c.ends == 0 {
				s.at(time.Hour, s.env.CancelWorkflow)
				s.cut(c.contact)
				return
			}
			s.planned-- // it ends before the last act
			s.env.ExecuteWorkflow(c.contact, workflows.ContactState{Contact: theContact})
			if ended := s.env.Now().Sub(s.began); ended < 37*time.Second || ended > 38*time.Second || s.row.automatic != 1 {
				t.Errorf("ended after %v, %d automatic", ended, s.row.automatic)
			}
		})
	}
}

// impatient asks once, when its timer fires.
func impatient(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
	if err := workflow.SetUpdateHandler(ctx, workflows.AcceptUpdate, func(ctx workflow.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
		return onRow(ctx, "AcceptOffer", in)
	}); err != nil {
		return workflows.ContactResult{}, err
	}
	if err := workflow.SetUpdateHandler(ctx, workflows.CloseUpdate, func(ctx workflow.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
		now, err := onRow(ctx, "CloseContact", in)
		workflow.Go(ctx, func(ctx workflow.Context) {
			if workflow.Sleep(ctx, now.WrapUps[0].DueIn) == nil {
				_, _ = onRow(ctx, "AutoWrapUp", in.OfferRef)
			}
		})
		return now, err
	}); err != nil {
		return workflows.ContactResult{}, err
	}
	if _, err := begun(ctx, state.Contact); err != nil {
		return workflows.ContactResult{}, err
	}
	return workflows.ContactResult{}, workflow.Await(ctx, func() bool { return false })
}

// R24: extendable where allowed, and refused with a reason afterwards.
func TestExtendedWrapUpCompletesItselfLater(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 30*time.Second, 2)
	extend := func() *answer { return s.ask(workflows.ExtendUpdate, s.on()) }
	var first, second, third *answer
	s.at(10*time.Second, func() { first = extend() })
	s.at(50*time.Second, func() { second = extend() })
	s.at(80*time.Second, func() { third = extend() })
	s.done()
	s.carriedOut(first, postroom.ContactWrapUp)
	s.carriedOut(second, postroom.ContactWrapUp)
	s.refused(third, postroom.KindRefused, postroom.ReasonNoExtension)
	if ended := s.env.Now().Sub(s.began); ended != 92*time.Second || s.row.automatic != 1 {
		t.Errorf("ended after %v, %d automatic", ended, s.row.automatic)
	}
	// One timer for each time that it was put off, and none for the answers in between.
	if want := []time.Duration{90 * time.Second, 30 * time.Second, 30 * time.Second, 30 * time.Second}; !slices.Equal(s.timers, want) {
		t.Errorf("timers %v, want %v", s.timers, want)
	}
}

// R24: many snapshots name a wrap-up until it is completed; one timer waits for it.
func TestManySnapshotsOfOneWrapUpHaveOneTimer(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 30*time.Second, 0)
	for n := range 10 {
		s.at(time.Duration(3+n)*time.Second, s.sync)
	}
	s.done()
	if len(s.timers) != 2 || s.row.count("AutoWrapUp") != 1 {
		t.Errorf("timers %v; steps %v", s.timers, s.row.made())
	}
}

// R24: a stay that the contact has left is wrapped up too, while the contact waits elsewhere, and the workflow does not end before it.
func TestStayThatTheContactLeftCompletesItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina", "tom"}
	left := postroom.OfferID(id('0', 77))
	s.at(time.Second, func() {
		s.row.change(func() {
			s.row.offers[left] = postroom.OfferWrapUp
			s.row.wrapDue[left] = s.row.time().Add(time.Minute)
			s.row.now.Version++
		})
		s.sync()
	})
	s.handleAt(2 * time.Second)
	s.at(30*time.Second, func() { s.believes("Completed; 0 replies on their way.") })
	s.done()
	if ended := s.env.Now().Sub(s.began); ended != 61*time.Second || s.row.automatic != 1 {
		t.Errorf("ended after %v, %d automatic", ended, s.row.automatic)
	}
}

// R24: the run that comes next waits for the wrap-up that the last one left.
func TestWrapUpOutlivesContinueAsNew(t *testing.T) {
	t.Parallel()
	s := wrappingUp(t, 30*time.Second, 0)
	s.at(10*time.Second, func() { s.env.SetContinueAsNewSuggested(true); s.sync() })
	s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
	state, _, ok := s.next()
	if !ok {
		t.Fatalf("ended with %v", s.env.GetWorkflowError())
	}
	second := newStageOver(t, s.row)
	s.row.change(func() { s.row.wrapDue[s.row.now.Offer] = second.began.Add(22 * time.Second) })
	if result := second.playFrom(workflows.Contact, state); result.Phase != postroom.ContactDone {
		t.Errorf("ended in phase %q", result.Phase)
	}
	if ended := second.env.Now().Sub(second.began); ended != 22*time.Second || s.row.automatic != 1 {
		t.Errorf("ended after %v, %d automatic", ended, s.row.automatic)
	}
}
