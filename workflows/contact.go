package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// ContactState is what a contact's workflow starts from and carries into its next run: the contact, and what was known of it. The next
// run loads the row before it does anything else.
type ContactState struct {
	Contact postroom.ContactID       `json:"contact"`
	Known   postroom.ContactSnapshot `json:"known,omitzero"`
	Run     int                      `json:"run,omitzero"`
}

// ContactResult says how a contact's workflow ended.
type ContactResult struct {
	// Phase is done; or empty for an orphan: a workflow whose contact the database does not know.
	Phase postroom.ContactPhase `json:"phase,omitzero"`
}

// minimumWait is how long a timer sleeps at least, when PostgreSQL's clock is behind Temporal's and said "too early".
const minimumWait = 250 * time.Millisecond

// Contact is an email's life: it is routed to a queue, offered to one agent until a deadline, accepted, answered or closed, and
// wrapped up.
func Contact(ctx workflow.Context, state ContactState) (ContactResult, error) {
	c := &contact{ContactState: state, syncs: workflow.GetSignalChannel(ctx, SyncSignal), row: workflow.NewMutex(ctx),
		sends: newSends(), wrapUps: newWrapUps()}
	if err := c.begin(ctx); err != nil {
		return ContactResult{}, c.settle(ctx, orphan(ctx, err))
	}
	for !c.over() {
		if err := c.advance(ctx); err != nil {
			return ContactResult{}, c.settle(ctx, err)
		}
		if c.tired(ctx) && c.settle(ctx, nil) == nil && c.tired(ctx) { // tested again: a handler may have begun a reply
			return ContactResult{}, c.next(ctx)
		}
	}
	c.show(ctx)
	return ContactResult{Phase: c.Known.Phase}, c.settle(ctx, nil)
}

// advance does what the contact's phase asks for, and returns when something has changed.
func (c *contact) advance(ctx workflow.Context) error {
	switch c.Known.Phase {
	case postroom.ContactNew:
		return take(ctx, c, routeContact, "Route to a queue", c.Contact)
	case postroom.ContactWaiting:
		return c.wait(ctx)
	case postroom.ContactOffered:
		return c.offered(ctx)
	case postroom.ContactParked:
		return c.parked(ctx)
	}
	return c.sleep(ctx, 0, "") // owned, wrap-up, or done with a reply on its way or a stay to wrap up: an agent, a delivery or a timer moves it on
}

// wait looks for an agent, and then sleeps until somebody says look or time alone may have made one eligible.
func (c *contact) wait(ctx workflow.Context) error {
	if err := take(ctx, c, offerContact, "Offer to an agent", c.Contact); err != nil || c.Known.Phase != postroom.ContactWaiting {
		return err
	}
	return c.sleep(ctx, c.Known.LookAgain, "Another agent becomes eligible")
}

// offered sleeps until the offer is answered or its deadline passes, and then asks PostgreSQL whether it really has.
func (c *contact) offered(ctx workflow.Context) error {
	offer := OfferRef{c.Contact, c.Known.Offer}
	if left := c.deadline.Sub(workflow.Now(ctx)); left > 0 {
		if err := c.sleep(ctx, max(left, minimumWait), "Offer to "+string(c.Known.Agent)+" expires"); err != nil {
			return err
		}
	}
	if c.Known.Offer != offer.Offer || c.Known.Phase != postroom.ContactOffered || workflow.Now(ctx).Before(c.deadline) {
		return nil
	}
	return take(ctx, c, expireOffer, "End the expired offer", offer)
}

// parked sleeps until the time that the agent chose, if he chose one, and then asks PostgreSQL whether it has come. The customer's mail, which
// resumes it at once, is told from outside.
func (c *contact) parked(ctx workflow.Context) error {
	if c.Known.ResumeIn == 0 {
		return c.sleep(ctx, 0, "")
	}
	if left := c.deadline.Sub(workflow.Now(ctx)); left > 0 {
		if err := c.sleep(ctx, max(left, minimumWait), "Parked"); err != nil {
			return err
		}
	}
	if c.Known.Phase != postroom.ContactParked || c.Known.ResumeIn == 0 || workflow.Now(ctx).Before(c.deadline) {
		return nil
	}
	return take(ctx, c, resumeContact, "Resume the parked contact", c.Contact)
}

// contact is a running workflow: the state it carries, and the tools of its coroutines.
type contact struct {
	ContactState
	syncs    workflow.ReceiveChannel
	row      workflow.Mutex // around every step that touches the row
	deadline time.Time      // of the live offer or of the parking, by workflow time
	changes  int            // grows with every step that answered
	sends
	acknowledging acknowledging
	wrapUps
	shown   attributes
	details string
}

// over reports whether nothing is left to do: the row is done, its replies are settled, and every stay with an agent is wrapped up.
func (c *contact) over() bool {
	return c.Known.Phase == postroom.ContactDone && len(c.sending) == 0 && len(c.Known.WrapUps) == 0 && len(c.wrapping) == 0 &&
		!c.acknowledging.running
}

// begin registers what agents may ask, and loads the row. Updates that came with the first task wait until it is loaded: the row is
// locked before their handlers exist.
func (c *contact) begin(ctx workflow.Context) error {
	if err := c.row.Lock(ctx); err != nil {
		return err
	}
	defer c.row.Unlock()
	if err := c.listen(ctx); err != nil {
		return err
	}
	now, err := loadContact.run(ctx, "Load", c.Contact)
	if err != nil {
		return err
	}
	c.follow(ctx, now)
	return nil
}

// look drains the sync signals, and then loads the row: in the other order a signal between the two would be lost.
func (c *contact) look(ctx workflow.Context) error {
	for c.syncs.ReceiveAsync(nil) {
	}
	return take(ctx, c, loadContact, "Load", c.Contact)
}

// sleep waits until a step changed something, until somebody says look (and looks), or, if d is not zero, for d.
func (c *contact) sleep(ctx workflow.Context, d time.Duration, summary string) error {
	c.show(ctx)
	c.acknowledge(ctx)
	before := c.changes
	awake := func() bool { return c.changes != before || c.syncs.Len() > 0 || c.over() }
	if d == 0 {
		if err := workflow.Await(ctx, awake); err != nil {
			return err
		}
	} else if err := awaitUntil(ctx, d, summary, awake); err != nil {
		return err
	}
	if c.syncs.Len() > 0 {
		return c.look(ctx)
	}
	return nil
}

// awaitUntil waits for a condition, at most for d. It cancels its timer when the condition holds; the SDK's AwaitWithTimeout (1.50) leaves
// it running, to wake the workflow for nothing minutes later.
func awaitUntil(ctx workflow.Context, d time.Duration, summary string, awake func() bool) error {
	timing, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(timing, d, workflow.TimerOptions{Summary: summary})
	return workflow.Await(ctx, func() bool { return awake() || timer.IsReady() })
}

// take makes a step on the row, alone, and follows the row that it returned.
func take[In any](ctx workflow.Context, c *contact, step call[In, postroom.ContactSnapshot], summary string, in In) error {
	if err := c.row.Lock(ctx); err != nil {
		return err
	}
	defer c.row.Unlock()
	now, err := step.run(ctx, summary, in)
	if err != nil {
		return err
	}
	c.follow(ctx, now)
	return nil
}

// follow takes over a snapshot, unless it is older than what is known, and starts the replies that it names.
func (c *contact) follow(ctx workflow.Context, now postroom.ContactSnapshot) {
	if c.Known.Newer(now) && c.Known.Epoch == now.Epoch {
		return
	}
	if now.Newer(c.Known) {
		c.changes++
	}
	c.Known = now
	switch now.Phase {
	case postroom.ContactOffered:
		c.deadline = workflow.Now(ctx).Add(now.Remaining)
	case postroom.ContactParked:
		c.deadline = workflow.Now(ctx).Add(now.ResumeIn)
	}
	c.followSends(ctx, now.Sends)
	c.followWrapUps(ctx, now.WrapUps)
}

// tired reports whether the run's history has grown so long that the next run should take over. Attempts to send are waited for; a reply that
// waits for its time the next run finds in the row.
func (c *contact) tired(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && len(c.sending) == len(c.resting) && !c.completing && !c.acknowledging.running && !c.over()
}

// next is the next run, from what this one knows.
func (c *contact) next(ctx workflow.Context) error {
	return workflow.NewContinueAsNewError(ctx, Contact, ContactState{Contact: c.Contact, Known: c.Known, Run: c.Run + 1})
}

// settle lets handlers finish before the run ends, also when it was cancelled; then nothing yields any more.
func (c *contact) settle(ctx workflow.Context, end error) error {
	calm, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	if err := workflow.Await(calm, func() bool { return workflow.AllHandlersFinished(calm) }); err != nil {
		return err
	}
	return end
}

// orphan ends a workflow whose contact the database does not know, visibly: it was started after a restore, or by hand.
func orphan(ctx workflow.Context, err error) error {
	var failure *temporal.ApplicationError
	if !errors.As(err, &failure) || failure.Type() != string(postroom.ReasonUnknownContact) {
		return err
	}
	workflow.SetCurrentDetails(ctx, "Orphan: the database does not know this contact.")
	return nil
}

// show tells operations people, in the Temporal UI, where the contact is: details whenever they change, and search attributes when it
// goes to a queue or to an agent. An attribute costs as much as a step, so an offer and a wrap-up have none of their own: a contact that is
// offered still waits, one in wrap-up still is its agent's, and what is completed the status says.
func (c *contact) show(ctx workflow.Context) {
	if details := c.describe(); details != c.details {
		c.details = details
		workflow.SetCurrentDetails(ctx, details)
	}
	now := attributes{postroom.ContactWaiting, c.Known.Queue, ""}
	switch c.Known.Phase {
	case postroom.ContactOwned, postroom.ContactWrapUp:
		now.state, now.agent = postroom.ContactOwned, c.Known.Agent
	case postroom.ContactParked:
		now.state = postroom.ContactParked
	case postroom.ContactDone:
		return
	}
	if now == c.shown {
		return
	}
	c.shown = now
	updates := []temporal.SearchAttributeUpdate{AttributeState.ValueSet(string(now.state)), AttributeQueue.ValueSet(string(now.queue)), AttributeAgent.ValueUnset()}
	if now.agent != "" {
		updates[2] = AttributeAgent.ValueSet(string(now.agent))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("search attributes were not set", "error", err)
	}
}

// attributes are a contact's search attributes.
type attributes struct {
	state postroom.ContactPhase
	queue postroom.QueueID
	agent postroom.AgentID
}

// describe says in one sentence where the contact is.
func (c *contact) describe() string {
	k := c.Known
	switch k.Phase {
	case postroom.ContactWaiting:
		return fmt.Sprintf("Waiting in queue %s.", k.Queue)
	case postroom.ContactOffered:
		return fmt.Sprintf("Offered to %s until %s (queue %s).", k.Agent, k.ExpiresAt.UTC().Format(time.TimeOnly), k.Queue)
	case postroom.ContactOwned:
		return fmt.Sprintf("Owned by %s (queue %s).", k.Agent, k.Queue)
	case postroom.ContactParked:
		if k.ResumeIn == 0 {
			return fmt.Sprintf("Parked until the customer writes (queue %s).", k.Queue)
		}
		return fmt.Sprintf("Parked until %s (queue %s).", c.deadline.UTC().Format(time.DateTime), k.Queue)
	case postroom.ContactWrapUp:
		return fmt.Sprintf("Wrap-up by %s (queue %s).", k.Agent, k.Queue)
	case postroom.ContactDone:
		return fmt.Sprintf("Completed; %d replies on their way.", len(c.sending))
	}
	return "New."
}
