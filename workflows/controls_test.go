package workflows_test

import (
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// Controls: workflows that break one rule of the protocol each, on the same stage and with the same acts as the product's. They go wrong there,
// so the stage can tell.

// onRow makes a step on the row, in a workflow that is not the product's.
func onRow(ctx workflow.Context, step string, in any) (postroom.ContactSnapshot, error) {
	var now postroom.ContactSnapshot
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: busy})
	err := workflow.ExecuteLocalActivity(ctx, step, in).Get(ctx, &now)
	return now, err
}

// begun loads, routes and offers, as every workflow here does.
func begun(ctx workflow.Context, contact postroom.ContactID) (now postroom.ContactSnapshot, err error) {
	for _, step := range []string{"LoadContact", "RouteContact", "OfferContact"} {
		if now, err = onRow(ctx, step, contact); err != nil {
			return now, err
		}
	}
	workflow.SetCurrentDetails(ctx, string(now.Phase))
	return now, nil
}

// loadsAndThenDrains looks in the wrong order: it loads, and then drains the signals that came meanwhile.
func loadsAndThenDrains(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
	syncs := workflow.GetSignalChannel(ctx, workflows.SyncSignal)
	if _, err := begun(ctx, state.Contact); err != nil {
		return workflows.ContactResult{}, err
	}
	for {
		if err := workflow.Await(ctx, func() bool { return syncs.Len() > 0 }); err != nil {
			return workflows.ContactResult{}, err
		}
		now, err := onRow(ctx, "LoadContact", state.Contact)
		if err != nil {
			return workflows.ContactResult{}, err
		}
		for syncs.ReceiveAsync(nil) {
		}
		workflow.SetCurrentDetails(ctx, string(now.Phase))
	}
}

// A change, and the word of it, come while the row is being loaded for the change before.
func TestWordThatComesDuringALoadIsNotLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contact any
		follows bool
	}{"the contact": {workflows.Contact, true}, "control: loads, and then drains": {loadsAndThenDrains, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			told := false
			s.at(10*time.Second, func() {
				s.row.claim("mina")
				s.row.change(func() {
					s.row.after = func(step string) {
						if step == "LoadContact" && !told {
							told = true
							s.row.withdraw()
							s.sync()
						}
					}
				})
				s.sync()
			})
			s.at(20*time.Second, func() {
				believed, is := strings.ToLower(s.details()), string(s.row.read().Phase)
				if strings.HasPrefix(believed, is) != c.follows {
					t.Errorf("it believes %q, and the row is %q", believed, is)
				}
				s.env.CancelWorkflow()
			})
			s.cut(c.contact)
		})
	}
}

// wishful concludes from what it asked for: when the timer has fired and it has asked for the offer's end, the offer must have ended.
func wishful(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
	now, err := begun(ctx, state.Contact)
	if err != nil {
		return workflows.ContactResult{}, err
	}
	if err := workflow.Sleep(ctx, now.Remaining); err != nil {
		return workflows.ContactResult{}, err
	}
	if _, err := onRow(ctx, "ExpireOffer", workflows.OfferRef{Contact: state.Contact, Offer: now.Offer}); err != nil {
		return workflows.ContactResult{}, err
	}
	workflow.SetCurrentDetails(ctx, string(postroom.ContactWaiting))
	return workflows.ContactResult{}, workflow.Await(ctx, func() bool { return false })
}

// The timer fires before the deadline by PostgreSQL's clock, and nobody ever says look.
func TestOfferWhoseTimerFiredTooEarlyIsNotLeftForEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contact any
		ends    int
	}{"the contact": {workflows.Contact, 1}, "control: trusts its wish": {wishful, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			s.at(30*time.Second, func() { s.row.change(func() { s.row.skew = -5 * time.Second }) })
			s.at(24*time.Hour, func() {
				believed, is := strings.ToLower(s.details()), string(s.row.read().Phase)
				if ended := s.row.ended(postroom.OfferExpired); ended != c.ends || strings.HasPrefix(believed, is) != (c.ends == 1) {
					t.Errorf("%d offers ended, want %d; it believes %q, and the row is %q", ended, c.ends, believed, is)
				}
				s.env.CancelWorkflow()
			})
			s.cut(c.contact)
		})
	}
}

// unlocked lets its handlers to the row whenever they want.
func unlocked(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
	handle := func(update, step string) error {
		return workflow.SetUpdateHandler(ctx, update, func(ctx workflow.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
			return onRow(ctx, step, in)
		})
	}
	if err := handle(workflows.AcceptUpdate, "AcceptOffer"); err != nil {
		return workflows.ContactResult{}, err
	}
	if err := handle(workflows.DeclineUpdate, "DeclineOffer"); err != nil {
		return workflows.ContactResult{}, err
	}
	if _, err := begun(ctx, state.Contact); err != nil {
		return workflows.ContactResult{}, err
	}
	return workflows.ContactResult{}, workflow.Await(ctx, func() bool { return false })
}

// Two steps at once are seen by the row: here they meet, and nothing but their meeting ends the wait of either.
func TestWithoutTheMutexTwoRequestsMeetOnTheRow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	crowd(s)
	s.at(10*time.Second, func() { s.accept(); s.decline() })
	s.at(11*time.Second, s.env.CancelWorkflow)
	s.cut(unlocked)
	if s.row.atOnce() != 2 {
		t.Errorf("%d steps were on the row at once, want 2", s.row.atOnce())
	}
}
