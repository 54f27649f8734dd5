// Package gateway is how the rest of the product speaks to workflows: it hides ids, options and policies of Temporal behind a few calls,
// and translates its failures. It is the one package below api, activities and worker that knows the names in package workflows.
package gateway

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// Gateway starts, tells and asks workflows.
type Gateway struct {
	client    client.Client
	taskQueue string
}

// New makes a gateway over a client. Workflows are started for workers of taskQueue.
func New(c client.Client, taskQueue string) *Gateway { return &Gateway{c, taskQueue} }

// rpcTime bounds one call to Temporal; updateTime bounds an update with the step that it waits for.
const (
	rpcTime    = 10 * time.Second
	updateTime = 20 * time.Second
)

// start are the options under which a contact's workflow begins: there is one open run at most, an open one is joined, and a new one may
// begin after the last has ended (it loads the row first, and ends at once if nothing is left to do).
func (g *Gateway) start(id postroom.ContactID) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       workflows.ContactWorkflowID(id),
		TaskQueue:                g.taskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "Email contact",
	}
}

// StartContact starts a contact's workflow, or does nothing if it is open. Called with the worker's own client it starts eagerly: the
// first task comes back with the answer.
func (g *Gateway) StartContact(ctx context.Context, id postroom.ContactID) error {
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	options := g.start(id)
	options.EnableEagerStart = true
	_, err := g.client.ExecuteWorkflow(ctx, options, workflows.Contact, workflows.ContactState{Contact: id})
	return translate(err)
}

// SyncContact tells a contact's workflow to look at its row, and starts it if it is not open.
func (g *Gateway) SyncContact(ctx context.Context, id postroom.ContactID) error {
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	_, err := g.client.SignalWithStartWorkflow(ctx, workflows.ContactWorkflowID(id), workflows.SyncSignal, nil, g.start(id),
		workflows.Contact, workflows.ContactState{Contact: id})
	return translate(err)
}

// SyncMailbox tells a mailbox's workflow that its settings have changed, and starts it if it is not open.
func (g *Gateway) SyncMailbox(ctx context.Context, id postroom.MailboxID) error {
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	options := g.start("")
	options.ID, options.StaticSummary = workflows.MailboxWorkflowID(id), "Mailbox watch"
	_, err := g.client.SignalWithStartWorkflow(ctx, options.ID, workflows.SyncSignal, nil, options, workflows.Mailbox,
		workflows.MailboxState{Mailbox: id})
	return translate(err)
}

// SyncReminder tells a reminder's workflow to look at its row, and starts it if it is not open.
func (g *Gateway) SyncReminder(ctx context.Context, id postroom.ReminderID) error {
	ctx, cancel := context.WithTimeout(ctx, rpcTime)
	defer cancel()
	options := g.start("")
	options.ID, options.StaticSummary = workflows.ReminderWorkflowID(id), "Reminder"
	_, err := g.client.SignalWithStartWorkflow(ctx, options.ID, workflows.SyncSignal, nil, options, workflows.Reminder,
		workflows.ReminderRun{Reminder: id})
	return translate(err)
}

// Accept asks a contact's workflow to accept an offer.
func (g *Gateway) Accept(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.AcceptUpdate, in)
}

// Decline asks a contact's workflow to decline an offer.
func (g *Gateway) Decline(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.DeclineUpdate, in)
}

// Reply asks a contact's workflow to send the draft.
func (g *Gateway) Reply(ctx context.Context, in workflows.ReplyCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in.OfferCommand, workflows.ReplyUpdate, in)
}

// Close asks a contact's workflow to close without reply.
func (g *Gateway) Close(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.CloseUpdate, in)
}

// CompleteWrapUp asks a contact's workflow to complete a wrap-up.
func (g *Gateway) CompleteWrapUp(ctx context.Context, in workflows.WrapUpCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in.OfferCommand, workflows.CompleteUpdate, in)
}

// ExtendWrapUp asks a contact's workflow for more time for a wrap-up.
func (g *Gateway) ExtendWrapUp(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.ExtendUpdate, in)
}

// Transfer asks a contact's workflow to pass the contact on.
func (g *Gateway) Transfer(ctx context.Context, in workflows.TransferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in.OfferCommand, workflows.TransferUpdate, in)
}

// Park asks a contact's workflow to put the contact aside.
func (g *Gateway) Park(ctx context.Context, in workflows.ParkCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in.OfferCommand, workflows.ParkUpdate, in)
}

// Return asks a contact's workflow to go from wrap-up back to work.
func (g *Gateway) Return(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.ReturnUpdate, in)
}

// Undo asks a contact's workflow to take the last reply back.
func (g *Gateway) Undo(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return g.update(ctx, in, workflows.UndoUpdate, in)
}

// update asks and waits for the answer. The update's id is the actor's and the request's: Temporal answers a repeat within a run, SQL
// one across runs. A workflow that is not open is started with the question in its first task, so that it cannot end before it answers: it
// was lost although its row is open, or the row is done, and the row says what to answer.
func (g *Gateway) update(ctx context.Context, in workflows.OfferCommand, name string, arg any) (postroom.ContactSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, updateTime)
	defer cancel()
	answer, err := g.ask(ctx, in, name, arg)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		answer, err = g.startAndAsk(ctx, in, name, arg)
	}
	return answer, translate(err)
}

func (g *Gateway) ask(ctx context.Context, in workflows.OfferCommand, name string, arg any) (answer postroom.ContactSnapshot, err error) {
	handle, err := g.client.UpdateWorkflow(ctx, question(in, name, arg))
	if err != nil {
		return answer, err
	}
	return answer, handle.Get(ctx, &answer)
}

func (g *Gateway) startAndAsk(ctx context.Context, in workflows.OfferCommand, name string, arg any) (answer postroom.ContactSnapshot, err error) {
	handle, err := g.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: g.client.NewWithStartWorkflowOperation(g.start(in.Contact), workflows.Contact,
			workflows.ContactState{Contact: in.Contact}),
		UpdateOptions: question(in, name, arg),
	})
	if err != nil {
		return answer, err
	}
	return answer, handle.Get(ctx, &answer)
}

func question(in workflows.OfferCommand, name string, arg any) client.UpdateWorkflowOptions {
	return client.UpdateWorkflowOptions{
		WorkflowID:   workflows.ContactWorkflowID(in.Contact),
		UpdateID:     string(in.Actor) + ":" + in.RequestID,
		UpdateName:   name,
		WaitForStage: client.WorkflowUpdateStageCompleted,
		Args:         []any{arg},
	}
}

// translate turns a failure of Temporal, or an activity's refusal that came through it, into the product's error. What may or may not
// have happened is Unavailable with reason outcome_unknown: the caller reads the request and the offer, and answers from them.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var refusal *temporal.ApplicationError
	if errors.As(err, &refusal) && refusal.HasDetails() {
		var kind postroom.Kind
		if refusal.Details(&kind) == nil && kind != "" {
			return &postroom.Error{Kind: kind, Reason: postroom.Reason(refusal.Type()), Message: refusal.Message()}
		}
	}
	if errors.As(err, &refusal) && refusal.Type() == string(postroom.ReasonMalformed) {
		return postroom.Invalid(postroom.ReasonMalformed, refusal.Message())
	}
	return postroom.Unavailable(postroom.ReasonOutcomeUnknown, "the server did not answer in time; the outcome is not known yet", err)
}
