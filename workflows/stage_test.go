package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// stage is a contact's workflow in the SDK's test environment, which skips time whenever nothing runs, over a row. Acts are put on it
// with at, and play runs it to its end.
type stage struct {
	*testing.T
	env    *testsuite.TestWorkflowEnvironment
	row    *row
	began  time.Time
	timers []time.Duration // every timer that the workflow has set
	// cancelled counts those that it has taken back.
	cancelled int
	// upserts are the search attributes as they were set.
	upserts []temporal.SearchAttributes
	asked   int
	planned int // acts that are not played yet
}

// busy is how long a test may take on a busy machine.
const busy = time.Minute

// nine is 09:00 of this day: the SDK compares deadlines of local activities with the real clock, so the test's may not be far from it.
func nine() time.Time { return time.Now().UTC().Truncate(24 * time.Hour).Add(9 * time.Hour) }

// newStage is a stage with a new contact.
func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageOver(t, newRow(t))
}

// newStageOver is a stage for the next run over a row.
func newStageOver(t *testing.T, r *row) *stage {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet)
	s := &stage{T: t, env: suite.NewTestWorkflowEnvironment(), row: r, began: nine()}
	s.row.clock = s.env.Now
	s.env.SetStartTime(s.began)
	s.env.SetTestTimeout(busy)
	s.env.SetWorkerOptions(sdkworker.Options{DeadlockDetectionTimeout: busy})
	s.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.ContactWorkflowID(theContact)})
	s.env.RegisterWorkflowWithOptions(workflows.Contact, workflow.RegisterOptions{Name: "Contact"})
	s.env.RegisterActivityWithOptions(s.row, activity.RegisterOptions{})
	s.env.SetOnTimerScheduledListener(func(_ string, d time.Duration) { s.timers = append(s.timers, d) })
	s.env.SetOnTimerCanceledListener(func(string) { s.cancelled++ })
	s.env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		s.upserts = append(s.upserts, args.Get(0).(temporal.SearchAttributes))
	}).Return(nil)
	return s
}

// at does something when the workflow has run for d, and nothing else runs.
func (s *stage) at(d time.Duration, do func()) {
	s.planned++
	s.env.RegisterDelayedCallback(func() { s.planned--; do() }, d)
}

// play runs the workflow, or another one in its place, from a new contact.
func (s *stage) play(contact any) workflows.ContactResult {
	s.Helper()
	return s.playFrom(contact, workflows.ContactState{Contact: theContact})
}

// playFrom runs it from a state, to an end that is no error, and that comes when all acts have been played: what a later one would have tested
// was not tested otherwise.
func (s *stage) playFrom(contact any, state workflows.ContactState) workflows.ContactResult {
	s.Helper()
	s.env.ExecuteWorkflow(contact, state)
	var result workflows.ContactResult
	if err := s.env.GetWorkflowResult(&result); err != nil {
		s.Fatalf("the workflow: %v; steps %v", err, s.row.made())
	}
	if s.planned > 0 {
		s.Errorf("the workflow ended after %v, before %d acts were played; steps %v", s.env.Now().Sub(s.began), s.planned, s.row.made())
	}
	return result
}

// cut runs a workflow that its last act cancels.
func (s *stage) cut(contact any) {
	s.Helper()
	s.env.ExecuteWorkflow(contact, workflows.ContactState{Contact: theContact})
	if err := s.env.GetWorkflowError(); !temporal.IsCanceledError(err) || s.planned > 0 {
		s.Errorf("ended with %v, %d acts before its end; steps %v", err, s.planned, s.row.made())
	}
}

// done is play with a contact that must end completed.
func (s *stage) done() {
	s.Helper()
	if result := s.play(workflows.Contact); result.Phase != postroom.ContactDone {
		s.Errorf("ended in phase %q", result.Phase)
	}
}

// answer is what became of an update.
type answer struct {
	rejected error // by the validator
	now      postroom.ContactSnapshot
	err      error // of the handler
	over     bool
}

// ask sends an update, with an id of its own.
func (s *stage) ask(name string, in any) *answer {
	s.asked++
	return s.askAs(id('a', s.asked), name, in)
}

func (s *stage) askAs(update, name string, in any) *answer {
	a := &answer{}
	s.env.UpdateWorkflow(name, update, &testsuite.TestUpdateCallback{
		OnReject: func(err error) { a.rejected, a.over = err, true },
		OnComplete: func(success any, err error) {
			if now, ok := success.(postroom.ContactSnapshot); ok {
				a.now = now
			}
			a.err, a.over = err, true
		},
	}, in)
	return a
}

// carriedOut fails unless the update was answered with a row in the phase.
func (s *stage) carriedOut(a *answer, phase postroom.ContactPhase) {
	s.Helper()
	if !a.over || a.rejected != nil || a.err != nil || a.now.Phase != phase {
		s.Errorf("the update: %+v, want phase %q", a, phase)
	}
}

// refused fails unless the update was refused by the row, with what the agent is to be told.
func (s *stage) refused(a *answer, kind postroom.Kind, reason postroom.Reason) {
	s.Helper()
	var failure *temporal.ApplicationError
	if !a.over || a.rejected != nil || !errors.As(a.err, &failure) {
		s.Fatalf("the update: %+v, want a refusal", a)
	}
	var got postroom.Kind
	if err := failure.Details(&got); err != nil || got != kind || failure.Type() != string(reason) || !failure.NonRetryable() {
		s.Errorf("refused with %q %q (%v), want %q %q", got, failure.Type(), err, kind, reason)
	}
}

// on is what the agent who holds the contact now asks for, with a request of its own.
func (s *stage) on() workflows.OfferCommand {
	now := s.row.read()
	if now.Offer == "" { // nobody holds it: it is well formed all the same
		now.Offer, now.Agent = postroom.OfferID(id('0', 99)), "mina"
	}
	s.asked++
	return workflows.OfferCommand{OfferRef: workflows.OfferRef{Contact: theContact, Offer: now.Offer},
		Command: postroom.Command{Actor: now.Agent, RequestID: id('b', s.asked), RPC: "/test", BodyHash: []byte{1}}}
}

func (s *stage) accept() *answer  { return s.ask(workflows.AcceptUpdate, s.on()) }
func (s *stage) decline() *answer { return s.ask(workflows.DeclineUpdate, s.on()) }
func (s *stage) close() *answer   { return s.ask(workflows.CloseUpdate, s.on()) }
func (s *stage) reply() *answer {
	return s.ask(workflows.ReplyUpdate, workflows.ReplyCommand{OfferCommand: s.on(), DraftVersion: 1})
}
func (s *stage) complete() *answer { return s.ask(workflows.CompleteUpdate, s.wrapUp()) }

func (s *stage) wrapUp() workflows.WrapUpCommand {
	return workflows.WrapUpCommand{OfferCommand: s.on(), Code: "solved"}
}

// handleAt has the agent accept, close and wrap up, a second apart.
func (s *stage) handleAt(d time.Duration) {
	s.at(d, func() { s.accept() })
	s.at(d+time.Second, func() { s.close() })
	s.at(d+2*time.Second, func() { s.complete() })
}

// sync says look.
func (s *stage) sync() { s.env.SignalWorkflow(workflows.SyncSignal, nil) }

// details is what the Temporal UI shows of the workflow now: what it believes.
func (s *stage) details() string {
	s.Helper()
	value, err := s.env.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		s.Errorf("ask for the details: %v", err)
		return ""
	}
	var metadata sdkpb.WorkflowMetadata
	if err := value.Get(&metadata); err != nil {
		s.Errorf("read the details: %v", err)
	}
	return metadata.CurrentDetails
}

// believes fails unless the workflow's details are as wanted.
func (s *stage) believes(want string) {
	s.Helper()
	if got := s.details(); got != want {
		s.Errorf("at %v the details are %q, want %q", s.env.Now().Sub(s.began), got, want)
	}
}

// made fails unless exactly these steps were asked of the row.
func (s *stage) made(want ...string) {
	s.Helper()
	if got := s.row.made(); !slices.Equal(got, want) {
		s.Errorf("steps:\n got %v\nwant %v", got, want)
	}
}

// next is the state that a run which continued as new hands on; ok is false if it ended otherwise.
func (s *stage) next() (workflows.ContactState, []byte, bool) {
	s.Helper()
	var again *workflow.ContinueAsNewError
	if !errors.As(s.env.GetWorkflowError(), &again) {
		return workflows.ContactState{}, nil, false
	}
	var state workflows.ContactState
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &state); err != nil {
		s.Fatal(err)
	}
	return state, again.Input.Payloads[0].Data, true
}
