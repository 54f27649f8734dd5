package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// Activities is the contract between workflows and the outside world; package activities implements it. Every step is safe to run
// twice: it is conditional on the row, and answers with the row as it is now.
type Activities interface {
	// LoadContact reads the row. A contact that does not exist is NotFound.
	LoadContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error)
	// RouteContact chooses the queue of a new contact by rules and entry points (R31).
	RouteContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error)
	// OfferContact looks for the best agent for a waiting contact and claims an offer. If nobody can take it now, the contact still
	// waits, and LookAgain says when time alone may change that.
	OfferContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error)
	// ExpireOffer ends an offer whose deadline has passed by PostgreSQL's clock (R9, R12).
	ExpireOffer(ctx context.Context, in OfferRef) (postroom.ContactSnapshot, error)

	// What agents do. Each is carried out once per request, and refused with a reason that the agent can act on.
	AcceptOffer(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)
	DeclineOffer(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)
	Reply(ctx context.Context, in ReplyCommand) (postroom.ContactSnapshot, error)
	CloseContact(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)
	CompleteWrapUp(ctx context.Context, in WrapUpCommand) (postroom.ContactSnapshot, error)
	ExtendWrapUp(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)
	// AutoWrapUp completes a wrap-up whose time has come by PostgreSQL's clock (R24).
	AutoWrapUp(ctx context.Context, in OfferRef) (postroom.ContactSnapshot, error)
	TransferContact(ctx context.Context, in TransferCommand) (postroom.ContactSnapshot, error)
	ParkContact(ctx context.Context, in ParkCommand) (postroom.ContactSnapshot, error)
	ReturnToContact(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)

	// ResumeContact has a parked contact wait again whose time has come by PostgreSQL's clock (R45).
	ResumeContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error)

	// AcknowledgeContact sends the customer whose mail opened a contact the template of its queue, or records why it does not (R34).
	AcknowledgeContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error)

	// UndoReply takes back the reply that the agent sent last, if no attempt holds it (R20).
	UndoReply(ctx context.Context, in OfferCommand) (postroom.ContactSnapshot, error)

	// SendReply sends one reply by SMTP, effectively once (R21). A temporary failure is an error that says when to retry.
	SendReply(ctx context.Context, id postroom.OutboxID) (Sent, error)
	// ProbeReply looks for a reply whose final dot was not answered, where acceptance shows (R21).
	ProbeReply(ctx context.Context, id postroom.OutboxID) (Sent, error)
	// LoadReminder reads a reminder's row, and what its time means by its zone's rules as they are now. One that does not exist is NotFound.
	LoadReminder(ctx context.Context, id postroom.ReminderID) (postroom.ReminderSnapshot, error)
	// FireReminder tells whom it concerns that the time has come, if it has by PostgreSQL's clock, once (R25).
	FireReminder(ctx context.Context, id postroom.ReminderID) (postroom.ReminderSnapshot, error)
	// WatchMailbox fetches and ingests mail until it is time to begin a new activity, the mailbox is removed from the configuration,
	// or it is cancelled. It heartbeats.
	WatchMailbox(ctx context.Context, id postroom.MailboxID) (Watched, error)
}

// OfferRef names an offer of a contact.
type OfferRef struct {
	Contact postroom.ContactID `json:"contact"`
	Offer   postroom.OfferID   `json:"offer"`
}

// OfferCommand is what an agent asks for on an offer.
type OfferCommand struct {
	postroom.Command
	OfferRef
}

// ReplyCommand asks to send the contact's draft, in the version that the agent saw.
type ReplyCommand struct {
	OfferCommand
	DraftVersion int64 `json:"draft_version"`
	// SendAt schedules it for a time; zero: it goes after the undo window of its queue (R20).
	SendAt time.Time `json:"send_at,omitzero"`
	// Composition names what its author decided beside the text: recipients, sender, HTML. Empty: it goes to the customer alone.
	Composition postroom.CompositionID `json:"composition,omitzero"`
}

// WrapUpCommand asks to complete a wrap-up. Its note, if any, was saved before: text does not travel here.
type WrapUpCommand struct {
	OfferCommand
	Code      postroom.WrapUpCode   `json:"code"`
	Status    postroom.WrapUpStatus `json:"status,omitzero"`
	Sentiment postroom.Sentiment    `json:"sentiment,omitzero"`
}

// TransferCommand asks to pass a contact on: to a queue, to an agent, or to an agent for a queue (R23). A note, if any, was saved before.
type TransferCommand struct {
	OfferCommand
	Queue postroom.QueueID `json:"queue,omitzero"`
	Agent postroom.AgentID `json:"agent,omitzero"`
}

// ParkCommand asks to put a contact aside: until a time, or, if that is zero, until the customer writes (R45).
type ParkCommand struct {
	OfferCommand
	Until time.Time `json:"until,omitzero"`
}

// Sent says how far a reply has come.
type Sent struct {
	Delivery postroom.Delivery `json:"delivery"`
	// ProbeIn is when to look for it, if its fate is unknown; zero if it is not, or will not be looked for any more.
	ProbeIn time.Duration `json:"probe_in,omitzero"`
}

// Watched says why a watch ended, and what it fetched.
type Watched struct {
	Removed bool `json:"removed,omitzero"` // the configuration does not name the mailbox any more
	Fetched int  `json:"fetched"`
}

// call is one line of the call table: an activity, with how long it may take and how it is tried again.
type call[In, Out any] struct {
	name    string
	options func(summary string) callOptions
}

type callOptions struct {
	local  *workflow.LocalActivityOptions
	remote *workflow.ActivityOptions
}

// The call table. Database steps are local activities: short, idempotent, a tenth of the cost of a normal one. Mail is a normal activity.
var (
	loadContact        = call[postroom.ContactID, postroom.ContactSnapshot]{"LoadContact", step}
	routeContact       = call[postroom.ContactID, postroom.ContactSnapshot]{"RouteContact", step}
	offerContact       = call[postroom.ContactID, postroom.ContactSnapshot]{"OfferContact", step}
	expireOffer        = call[OfferRef, postroom.ContactSnapshot]{"ExpireOffer", step}
	acceptOffer        = call[OfferCommand, postroom.ContactSnapshot]{"AcceptOffer", step}
	declineOffer       = call[OfferCommand, postroom.ContactSnapshot]{"DeclineOffer", step}
	reply              = call[ReplyCommand, postroom.ContactSnapshot]{"Reply", step}
	closeContact       = call[OfferCommand, postroom.ContactSnapshot]{"CloseContact", step}
	completeWrapUp     = call[WrapUpCommand, postroom.ContactSnapshot]{"CompleteWrapUp", step}
	extendWrapUp       = call[OfferCommand, postroom.ContactSnapshot]{"ExtendWrapUp", step}
	autoWrapUp         = call[OfferRef, postroom.ContactSnapshot]{"AutoWrapUp", step}
	transferContact    = call[TransferCommand, postroom.ContactSnapshot]{"TransferContact", step}
	parkContact        = call[ParkCommand, postroom.ContactSnapshot]{"ParkContact", step}
	returnToContact    = call[OfferCommand, postroom.ContactSnapshot]{"ReturnToContact", step}
	resumeContact      = call[postroom.ContactID, postroom.ContactSnapshot]{"ResumeContact", step}
	undoReply          = call[OfferCommand, postroom.ContactSnapshot]{"UndoReply", step}
	acknowledgeContact = call[postroom.ContactID, postroom.ContactSnapshot]{"AcknowledgeContact", courtesy}
	sendReply          = call[postroom.OutboxID, Sent]{"SendReply", mail}
	probeReply         = call[postroom.OutboxID, Sent]{"ProbeReply", probe}
	loadReminder       = call[postroom.ReminderID, postroom.ReminderSnapshot]{"LoadReminder", step}
	fireReminder       = call[postroom.ReminderID, postroom.ReminderSnapshot]{"FireReminder", step}
	watchMailbox       = call[postroom.MailboxID, Watched]{"WatchMailbox", watch}
)

// step is a transaction. It is tried until the database is back: a contact waits, it does not fail.
func step(summary string) callOptions {
	return callOptions{local: &workflow.LocalActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    20 * time.Second,
		ScheduleToCloseTimeout: 30 * 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	}}
}

// courtesy is a transaction that may be left out: nobody waits for it, so it is not tried for ever.
func courtesy(summary string) callOptions {
	o := step(summary)
	o.local.ScheduleToCloseTimeout = 24 * time.Hour
	return o
}

// mail is a submission by SMTP. The activity itself says when to try again and when to give up (48 h); the policy is for a worker that
// dies, and for a database that is down.
func mail(summary string) callOptions {
	return callOptions{remote: &workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    10 * time.Minute,
		HeartbeatTimeout:       time.Minute,
		ScheduleToCloseTimeout: 4 * 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
	}}
}

// probe is a look into a mailbox. One that fails is made again soon; what it did not find is looked for later, by a timer of the workflow.
func probe(summary string) callOptions {
	return callOptions{remote: &workflow.ActivityOptions{
		Summary:                summary,
		StartToCloseTimeout:    2 * time.Minute,
		HeartbeatTimeout:       time.Minute,
		ScheduleToCloseTimeout: 4 * 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
	}}
}

// watch runs for about half an hour at a time. Its heartbeat comes from a ticker every 5 s: when a worker is killed, mail waits for the
// heartbeat's timeout until another one fetches it.
func watch(summary string) callOptions {
	return callOptions{remote: &workflow.ActivityOptions{
		Summary:             summary,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    20 * time.Second,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
	}}
}

// run makes the call and waits for its result. summary is what the Temporal UI shows beside it.
func (c call[In, Out]) run(ctx workflow.Context, summary string, in In) (Out, error) {
	var out Out
	o := c.options(summary)
	if o.local != nil {
		err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, *o.local), c.name, in).Get(ctx, &out)
		return out, err
	}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, *o.remote), c.name, in).Get(ctx, &out)
	return out, err
}
