package workflows_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// watching is a mailbox's workflow in the test environment. Each watch lasts half an hour by its clock, unless it is cancelled.
type watching struct {
	*testing.T
	env   *testsuite.TestWorkflowEnvironment
	start time.Time
	// watch is what becomes of the n-th attempt to watch, from 1.
	watch func(n int) (workflows.Watched, error)

	mu      sync.Mutex
	began   []time.Duration // when attempts began
	stopped int             // watches that were cancelled
}

const theMailbox = postroom.MailboxID("support")

func newWatching(t *testing.T, watch func(n int) (workflows.Watched, error)) *watching {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet)
	w := &watching{T: t, env: suite.NewTestWorkflowEnvironment(), start: nine(), watch: watch}
	w.env.SetStartTime(w.start)
	w.env.SetTestTimeout(busy)
	w.env.SetWorkerOptions(sdkworker.Options{DeadlockDetectionTimeout: busy})
	w.env.RegisterWorkflowWithOptions(workflows.Mailbox, workflow.RegisterOptions{Name: "Mailbox"})
	w.env.RegisterActivityWithOptions(newRow(t), activity.RegisterOptions{})
	w.env.SetOnActivityCanceledListener(func(*activity.Info) { w.stopped++ })
	w.env.OnActivity("WatchMailbox", mock.Anything, theMailbox).After(30 * time.Minute).Return(
		func(context.Context, postroom.MailboxID) (workflows.Watched, error) {
			w.mu.Lock()
			w.began = append(w.began, w.env.Now().Sub(w.start)-30*time.Minute)
			n := len(w.began)
			w.mu.Unlock()
			return w.watch(n)
		})
	return w
}

// run runs the workflow from a state to an end that is no error.
func (w *watching) run(state workflows.MailboxState) workflows.MailboxState {
	w.Helper()
	w.env.ExecuteWorkflow(workflows.Mailbox, state)
	var end workflows.MailboxState
	if err := w.env.GetWorkflowResult(&end); err != nil {
		w.Fatal(err)
	}
	return end
}

// removedAt fetches two mails a watch, and finds the mailbox removed at the n-th.
func removedAt(n int) func(int) (workflows.Watched, error) {
	return func(i int) (workflows.Watched, error) {
		if i == n {
			return workflows.Watched{Removed: true}, nil
		}
		return workflows.Watched{Fetched: 2}, nil
	}
}

func TestWatchBeginsAgainEveryHalfHourUntilTheMailboxIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWatching(t, removedAt(4))
	end := w.run(workflows.MailboxState{Mailbox: theMailbox})
	if want := []time.Duration{0, 30 * time.Minute, time.Hour, 90 * time.Minute}; !slices.Equal(w.began, want) {
		t.Errorf("watches began at %v, want %v", w.began, want)
	}
	if end != (workflows.MailboxState{Mailbox: theMailbox, Fetched: 6}) {
		t.Errorf("ended with %+v", end)
	}
}

// The settings have changed: the watch is cancelled, and another one begins with the new ones; once, however often that is said at a time.
func TestSyncCancelsTheWatchAndBeginsAnew(t *testing.T) {
	t.Parallel()
	w := newWatching(t, removedAt(2))
	w.env.RegisterDelayedCallback(func() {
		for range 3 {
			w.env.SignalWorkflow(workflows.SyncSignal, nil)
		}
	}, 10*time.Minute)
	w.run(workflows.MailboxState{Mailbox: theMailbox})
	if w.stopped != 1 {
		t.Errorf("%d watches were cancelled, want 1", w.stopped)
	}
	if !slices.Contains(w.began, 10*time.Minute) {
		t.Errorf("watches began at %v, want one at 10m", w.began)
	}
}

// A mailbox is removed and comes back at the same moment: the word of it is not lost.
func TestMailboxThatComesBackAsItIsRemovedIsWatchedOn(t *testing.T) {
	t.Parallel()
	var w *watching
	w = newWatching(t, func(n int) (workflows.Watched, error) {
		if n == 1 {
			w.env.SignalWorkflowSkippingWorkflowTask(workflows.SyncSignal, nil) // it comes with the result
		}
		return workflows.Watched{Removed: n == 1 || n == 3, Fetched: 1}, nil
	})
	w.run(workflows.MailboxState{Mailbox: theMailbox})
	if len(w.began) != 3 {
		t.Errorf("%d watches, want 3", len(w.began))
	}
}

// A mail server that is down is tried again by Temporal, with no end: the workflow does not even notice.
func TestWatchThatIsCutOffIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWatching(t, func(n int) (workflows.Watched, error) {
		if n <= 5 {
			return workflows.Watched{}, temporal.NewApplicationError("the watch was cut off", "mail_server_unavailable")
		}
		return workflows.Watched{Removed: true, Fetched: 1}, nil
	})
	if end := w.run(workflows.MailboxState{Mailbox: theMailbox}); end.Fetched != 1 || len(w.began) != 6 {
		t.Errorf("ended with %+v after %d attempts", end, len(w.began))
	}
}

func TestWatchThatNothingCanMendFailsVisibly(t *testing.T) {
	t.Parallel()
	w := newWatching(t, func(int) (workflows.Watched, error) {
		return workflows.Watched{}, refusal(postroom.Forbidden("not you"))
	})
	w.env.ExecuteWorkflow(workflows.Mailbox, workflows.MailboxState{Mailbox: theMailbox})
	var failure *temporal.ApplicationError
	if err := w.env.GetWorkflowError(); !errors.As(err, &failure) || failure.Type() != string(postroom.ReasonForbidden) {
		t.Errorf("ended with %v", err)
	}
}

// About a day of watches is the history of one run; the next one goes on counting.
func TestMailboxContinuesAsNewAfterFiftyWatchesWithItsCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suggested bool
		watches   int
		carried   string
	}{
		"after fifty watches":         {false, 50, `{"mailbox":"support","fetched":107,"run":4}`},
		"when the server suggests it": {true, 1, `{"mailbox":"support","fetched":9,"run":4}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatching(t, removedAt(0))
			w.env.SetContinueAsNewSuggested(c.suggested)
			w.env.ExecuteWorkflow(workflows.Mailbox, workflows.MailboxState{Mailbox: theMailbox, Fetched: 7, Run: 3})
			var again *workflow.ContinueAsNewError
			if err := w.env.GetWorkflowError(); !errors.As(err, &again) {
				t.Fatalf("ended with %v", err)
			}
			var state workflows.MailboxState
			if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &state); err != nil {
				t.Fatal(err)
			}
			if got := string(again.Input.Payloads[0].Data); got != c.carried || len(w.began) != c.watches {
				t.Errorf("carried %s after %d watches, want %s after %d", got, len(w.began), c.carried, c.watches)
			}
			if end := newWatching(t, removedAt(1)).run(state); end != state {
				t.Errorf("the next run began with %+v and ended with %+v", state, end)
			}
		})
	}
}

func TestCancelledMailboxEndsCancelled(t *testing.T) {
	t.Parallel()
	w := newWatching(t, removedAt(0))
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 10*time.Minute)
	w.env.ExecuteWorkflow(workflows.Mailbox, workflows.MailboxState{Mailbox: theMailbox})
	if err := w.env.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v", err)
	}
}
