package gateway_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// working is the sample contact centre with a worker on a real Temporal server, whose offers last an hour.
func working(t *testing.T) *testkit.Working {
	t.Helper()
	c := testkit.NewTemporal(t)
	return testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{}), c)
}

// run is the present run of a workflow: its id and status.
func run(t *testing.T, c client.Client, workflow string) (string, enums.WorkflowExecutionStatus) {
	t.Helper()
	described, err := c.DescribeWorkflowExecution(t.Context(), workflow, "")
	must(t, err)
	return described.WorkflowExecutionInfo.Execution.RunId, described.WorkflowExecutionInfo.Status
}

// count counts the events of a type in a workflow's present run.
func count(t *testing.T, c client.Client, workflow string, kind enums.EventType) (n int) {
	t.Helper()
	events := c.GetWorkflowHistory(t.Context(), workflow, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		must(t, err)
		if e.EventType == kind {
			n++
		}
	}
	return n
}

func TestContactThatIsOpenIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	w := working(t)
	contact := w.Begin(t, "kim@customer.example", "Parcel")
	workflow := workflows.ContactWorkflowID(contact)
	first, _ := run(t, w.Client, workflow)
	var starting sync.WaitGroup
	for range 8 {
		starting.Go(func() {
			if err := w.Gateway.StartContact(t.Context(), contact); err != nil {
				t.Errorf("start: %v", err)
			}
		})
	}
	starting.Wait()
	if again, status := run(t, w.Client, workflow); again != first || status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("the run was %s, and is %s (%s)", first, again, status)
	}
	if n := count(t, w.Client, workflow, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED); n != 0 {
		t.Errorf("starting told it %d times", n)
	}
}

func TestSyncTellsAContactThatIsOpenAndStartsOneThatIsNot(t *testing.T) {
	t.Parallel()
	w := working(t)
	contact := w.Begin(t, "kim@customer.example", "Parcel")
	workflow := workflows.ContactWorkflowID(contact)
	w.AwaitPhase(t, contact, postroom.ContactWaiting)
	first, _ := run(t, w.Client, workflow)
	must(t, w.Gateway.SyncContact(t.Context(), contact))
	testkit.Eventually(t, "the signal to be recorded", func() bool { // after the task that runs
		return count(t, w.Client, workflow, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 1
	})
	must(t, w.Client.TerminateWorkflow(t.Context(), workflow, "", "by hand"))
	must(t, w.Gateway.SyncContact(t.Context(), contact))
	if again, status := run(t, w.Client, workflow); again == first || status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("after its end the run is %s (%s)", again, status)
	}
	w.Ready(t, "mina") // and it works: it offers the contact
	w.AwaitOffer(t, "mina", contact)
	w.MustHold(t)
}

// What an agent asks does not fail because somebody ended the workflow by hand, or because Temporal's data are older than ours.
func TestUpdateStartsTheWorkflowThatItNeeds(t *testing.T) {
	t.Parallel()
	w := working(t)
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Parcel")
	offer := w.AwaitOffer(t, "mina", contact)
	must(t, w.Client.TerminateWorkflow(t.Context(), workflows.ContactWorkflowID(contact), "", "by hand"))
	now := testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
	if now.Phase != postroom.ContactOwned || now.Agent != "mina" {
		t.Errorf("%+v", now)
	}
	testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
	testkit.Done(w.Gateway.CompleteWrapUp(t.Context(), workflows.WrapUpCommand{OfferCommand: testkit.On("mina", contact, offer), Code: "solved"}))(t)
	if result := w.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
		t.Errorf("it ended as %+v", result)
	}
	// Asked again after the end, by another request: the row answers, in the first task of a run that then ends.
	for range 10 {
		now, err := w.Gateway.CompleteWrapUp(t.Context(), workflows.WrapUpCommand{OfferCommand: testkit.On("mina", contact, offer), Code: "solved"})
		if err != nil || now.Phase != postroom.ContactDone {
			t.Errorf("completing what is complete: %+v, %v", now, err)
		}
	}
	w.MustHold(t)
}

// A refusal comes through Temporal as what it was; a form that the workflow's validator refuses is Invalid.
func TestRefusalsKeepTheirKindAndReason(t *testing.T) {
	t.Parallel()
	w := working(t)
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Parcel")
	offer := w.AwaitOffer(t, "mina", contact)
	_, err := w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer))
	_, direct := w.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	if direct == nil || postroom.KindOf(err) != postroom.KindOf(direct) || postroom.ReasonOf(err) != postroom.ReasonOf(direct) || postroom.KindOf(err) == postroom.KindUnavailable {
		t.Errorf("closing what was not accepted: %v, from the store %v", err, direct)
	}
	_, err = w.Gateway.Accept(t.Context(), testkit.On("mina", contact, postroom.OfferID(testkit.NewID())))
	if postroom.KindOf(err) != postroom.KindNotFound || postroom.ReasonOf(err) != postroom.ReasonUnknownOffer {
		t.Errorf("an offer that never was: %v", err)
	}
	malformed := testkit.On("mina", contact, offer)
	malformed.RequestID = "once"
	if _, err = w.Gateway.Accept(t.Context(), malformed); postroom.KindOf(err) != postroom.KindInvalid || postroom.ReasonOf(err) != postroom.ReasonMalformed {
		t.Errorf("a malformed request: %v", err)
	}
}

// The workflow of a contact that the database does not know ends, and whoever asks it hears no success.
func TestContactThatTheDatabaseDoesNotKnowIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := working(t)
	contact := postroom.ContactID(testkit.NewID())
	_, err := w.Gateway.Accept(t.Context(), testkit.On("mina", contact, postroom.OfferID(testkit.NewID())))
	if postroom.ReasonOf(err) != postroom.ReasonUnknownOffer {
		t.Errorf("accept: %v", err)
	}
	if result := w.AwaitEnd(t, contact); result.Phase != "" {
		t.Errorf("the orphan ended as %+v", result)
	}
}

func TestMailboxIsWatchedByOneWorkflow(t *testing.T) {
	t.Parallel()
	w := working(t)
	id := postroom.MailboxID("nobody-" + testkit.NewID()) // its watch ends by itself: there is no such mailbox
	w.StopWorker()
	must(t, w.Gateway.SyncMailbox(t.Context(), id))
	first, _ := run(t, w.Client, workflows.MailboxWorkflowID(id))
	must(t, w.Gateway.SyncMailbox(t.Context(), id))
	if again, _ := run(t, w.Client, workflows.MailboxWorkflowID(id)); again != first {
		t.Errorf("the run was %s, and is %s", first, again)
	}
	if n := count(t, w.Client, workflows.MailboxWorkflowID(id), enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED); n != 2 {
		t.Errorf("it was told %d times", n)
	}
	w.StartWorker(t)
	testkit.Eventually(t, "the watch to end", func() bool {
		_, status := run(t, w.Client, workflows.MailboxWorkflowID(id))
		return status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
}

// calls are what the gateway does, by name.
func calls(g *gateway.Gateway) map[string]func(context.Context) error {
	contact, offer := postroom.ContactID(testkit.NewID()), postroom.OfferID(testkit.NewID())
	on := testkit.On("mina", contact, offer)
	answered := func(_ postroom.ContactSnapshot, err error) error { return err }
	return map[string]func(context.Context) error{
		"start":        func(ctx context.Context) error { return g.StartContact(ctx, contact) },
		"sync":         func(ctx context.Context) error { return g.SyncContact(ctx, contact) },
		"sync mailbox": func(ctx context.Context) error { return g.SyncMailbox(ctx, "support") },
		"accept":       func(ctx context.Context) error { return answered(g.Accept(ctx, on)) },
		"decline":      func(ctx context.Context) error { return answered(g.Decline(ctx, on)) },
		"reply": func(ctx context.Context) error {
			return answered(g.Reply(ctx, workflows.ReplyCommand{OfferCommand: on, DraftVersion: 1}))
		},
		"close": func(ctx context.Context) error { return answered(g.Close(ctx, on)) },
		"complete": func(ctx context.Context) error {
			return answered(g.CompleteWrapUp(ctx, workflows.WrapUpCommand{OfferCommand: on, Code: "solved"}))
		},
	}
}

const canary = "a sentence of the server"

// witness notes until when each call may last, and answers as a server that is gone.
type witness struct {
	client.Client
	mu    sync.Mutex
	until []time.Duration
}

func (w *witness) gone(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := time.Duration(-1)
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	w.until = append(w.until, left)
	return serviceerror.NewUnavailable(canary)
}

func (w *witness) ExecuteWorkflow(ctx context.Context, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	return nil, w.gone(ctx)
}

func (w *witness) SignalWithStartWorkflow(ctx context.Context, _, _ string, _ any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	return nil, w.gone(ctx)
}

func (w *witness) UpdateWorkflow(ctx context.Context, _ client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return nil, w.gone(ctx)
}

// Whoever calls without a deadline gets one; what a server that is gone says stays in the wrapped error.
func TestEveryCallHasADeadlineAndAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name := range calls(nil) {
		seen := &witness{}
		err := calls(gateway.New(seen, "nobody"))[name](context.Background())
		if postroom.KindOf(err) != postroom.KindUnavailable || postroom.ReasonOf(err) != postroom.ReasonOutcomeUnknown {
			t.Errorf("%s: %v", name, err)
		}
		var said *postroom.Error
		if !errors.As(err, &said) || strings.Contains(said.Message, canary) {
			t.Errorf("%s: the message is %v", name, err)
		}
		if len(seen.until) != 1 || seen.until[0] <= 0 || seen.until[0] > 20*time.Second {
			t.Errorf("%s: it may last %v", name, seen.until)
		}
	}
}

// A caller who waits for less is answered then, also by a server that takes connections and never says a word.
func TestCallerMayWaitForLess(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = mute.Close() })
	g := gateway.New(testkit.Dial(t, mute.Addr().String()), "nobody")
	for name, call := range calls(g) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := call(ctx)
			if postroom.ReasonOf(err) != postroom.ReasonOutcomeUnknown || time.Since(began) > 5*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
