package workflows_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// row is the one fake of workflows.Activities: a small, honest model of what the store keeps of one contact, its offers and its replies.
// Phases change by the product's own state machine and nothing else; every deadline is compared with its own clock, which need not be the
// workflow's; every step is conditional, is carried out once per request, and answers with the row as it is now.
type row struct {
	t     *testing.T
	clock func() time.Time // PostgreSQL's, before skew
	skew  time.Duration

	mu       sync.Mutex
	now      postroom.ContactSnapshot // without what depends on the clock
	unknown  bool                     // the database does not know the contact
	able     []postroom.AgentID       // who would take it, best first
	rona     time.Duration
	look     time.Duration // LookAgain of a waiting contact
	undo     time.Duration // the undo window of a reply
	offers   map[postroom.OfferID]postroom.OfferState
	requests map[string]bool
	outbox   []*letter
	passedOn map[postroom.OfferID]postroom.AgentID // offers whose contact went on elsewhere
	until    time.Time                             // parked until; zero: until the customer writes

	auto       time.Duration                  // until a wrap-up completes itself; 0: never
	extensions int                            // how often that may still be put off
	wrapDue    map[postroom.OfferID]time.Time // when open wrap-ups complete themselves
	automatic  int                            // how many did

	steps     []string // what was asked of the row, in order
	sent      []postroom.OutboxID
	probed    []time.Time
	scheduled bool // replies wait for a time of their own, not for the end of an undo window
	lost      int  // of how many looks replies are made that nobody knows the fate of
	inside    int  // steps on the row under way
	most      int  // the most of them at once

	// before runs before a step with its name, after when it has committed and has not answered yet; both may block, and before may fail.
	before func(step string) error
	after  func(step string)
	// answer may put another snapshot in place of a step's own, as a late reader would.
	answer func(step string, own postroom.ContactSnapshot) postroom.ContactSnapshot
	// deliver is what becomes of an attempt to send; nil: the mail server takes it.
	deliver func(attempt int) error
}

// letter is a reply in the outbox.
type letter struct {
	id        postroom.OutboxID
	due       time.Time
	attempts  int
	settled   bool
	scheduled bool
	probes    int // how often it is looked for; 0: what became of it is known
}

var _ workflows.Activities = (*row)(nil)

const (
	theContact = postroom.ContactID("0192f3a4-0000-7000-8000-000000000001")
	theQueue   = postroom.QueueID("general")
)

// id is the n-th id of a kind, the same in every run of a test.
func id(kind byte, n int) string { return fmt.Sprintf("0192f3a4-0000-7%c00-8000-%012d", kind, n) }

func newRow(t *testing.T) *row {
	return &row{t: t, rona: 90 * time.Second, offers: map[postroom.OfferID]postroom.OfferState{}, wrapDue: map[postroom.OfferID]time.Time{}, requests: map[string]bool{},
		passedOn: map[postroom.OfferID]postroom.AgentID{},
		now:      postroom.ContactSnapshot{Contact: theContact, Epoch: "life-1", Version: 1, Phase: postroom.ContactNew}}
}

// time is PostgreSQL's. The lock is held.
func (r *row) time() time.Time { return r.clock().Add(r.skew) }

// step makes one step on the row; do runs under the row's lock, as one transaction.
func (r *row) step(name string, do func() error) (postroom.ContactSnapshot, error) {
	r.mu.Lock()
	r.steps = append(r.steps, name)
	r.inside++
	r.most = max(r.most, r.inside)
	before, after := r.before, r.after
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.inside--
	}()
	if before != nil {
		if err := before(name); err != nil {
			return postroom.ContactSnapshot{}, err
		}
	}
	own, err := r.commit(name, do)
	if after != nil {
		after(name)
	}
	return own, err
}

func (r *row) commit(name string, do func() error) (postroom.ContactSnapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unknown {
		return postroom.ContactSnapshot{}, refusal(postroom.NotFound(postroom.ReasonUnknownContact, "there is no such contact"))
	}
	if err := do(); err != nil {
		return postroom.ContactSnapshot{}, err
	}
	own := r.snapshot()
	if r.answer != nil {
		own = r.answer(name, own)
	}
	return own, nil
}

// snapshot is the row as a transaction returns it. The lock is held.
func (r *row) snapshot() postroom.ContactSnapshot {
	s := r.now
	if s.Phase == postroom.ContactOffered {
		s.Remaining = s.ExpiresAt.Sub(r.time())
	}
	if s.Phase == postroom.ContactWaiting {
		s.LookAgain = r.look
	}
	if s.Phase == postroom.ContactParked && !r.until.IsZero() {
		s.ResumeIn = max(time.Millisecond, r.until.Sub(r.time()))
	}
	for _, l := range r.outbox {
		if !l.settled {
			s.Sends = append(s.Sends, postroom.PendingSend{Outbox: l.id, DueIn: max(l.due.Sub(r.time()), 0)})
		}
	}
	for _, offer := range slices.Sorted(maps.Keys(r.offers)) {
		due, auto := r.wrapDue[offer]
		if auto {
			s.WrapUps = append(s.WrapUps, postroom.PendingWrapUp{Offer: offer, DueIn: max(due.Sub(r.time()), 1)})
		} else if r.passedOn[offer] != "" && r.offers[offer] == postroom.OfferWrapUp {
			s.WrapUps = append(s.WrapUps, postroom.PendingWrapUp{Offer: offer})
		}
	}
	return s
}

// move changes the phase by the state machine. The lock is held.
func (r *row) move(event postroom.ContactEvent) {
	r.now.Phase = postroom.ContactMachine.Must(r.now.Phase, event)
	r.now.Version++
}

// offer claims an offer to an agent. The lock is held.
func (r *row) offer(agent postroom.AgentID) {
	r.move(postroom.ContactOfferedTo)
	r.now.Offer, r.now.Agent, r.now.ExpiresAt = postroom.OfferID(id('0', len(r.offers)+1)), agent, r.time().Add(r.rona)
	r.offers[r.now.Offer] = postroom.OfferLive
}

// end ends the offer that holds the contact, which goes back to its queue. The lock is held.
func (r *row) end(event postroom.OfferEvent) {
	r.offers[r.now.Offer] = postroom.OfferMachine.Must(r.offers[r.now.Offer], event)
	r.move(postroom.ContactRequeued)
	r.now.Offer, r.now.Agent, r.now.ExpiresAt = "", "", time.Time{}
}

// LoadContact reads the row.
func (r *row) LoadContact(_ context.Context, _ postroom.ContactID) (postroom.ContactSnapshot, error) {
	return r.step("LoadContact", func() error { return nil })
}

// RouteContact leads a new contact to its queue.
func (r *row) RouteContact(_ context.Context, _ postroom.ContactID) (postroom.ContactSnapshot, error) {
	return r.step("RouteContact", func() error {
		if r.now.Phase == postroom.ContactNew {
			r.move(postroom.ContactRouted)
			r.now.Queue = theQueue
		}
		return nil
	})
}

// OfferContact claims an offer to the first agent who is able.
func (r *row) OfferContact(_ context.Context, _ postroom.ContactID) (postroom.ContactSnapshot, error) {
	return r.step("OfferContact", func() error {
		if r.now.Phase == postroom.ContactWaiting && len(r.able) > 0 {
			r.offer(r.able[0])
			r.able = r.able[1:]
		}
		return nil
	})
}

// ExpireOffer ends an offer whose deadline has passed by the row's clock.
func (r *row) ExpireOffer(_ context.Context, in workflows.OfferRef) (postroom.ContactSnapshot, error) {
	return r.step("ExpireOffer", func() error {
		if r.offers[in.Offer] == postroom.OfferLive && !r.time().Before(r.now.ExpiresAt) {
			r.end(postroom.OfferExpire)
		}
		return nil
	})
}

// AcceptOffer makes the agent the owner, if the offer is live and in time.
func (r *row) AcceptOffer(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("AcceptOffer", in, postroom.OfferLive, func() error {
		if !r.time().Before(r.now.ExpiresAt) {
			return refusal(postroom.Conflict(postroom.ReasonOfferExpired, "this offer has expired"))
		}
		r.offers[in.Offer] = postroom.OfferMachine.Must(r.offers[in.Offer], postroom.OfferAccept)
		r.move(postroom.ContactAccepted)
		r.now.ExpiresAt = time.Time{}
		return nil
	})
}

// DeclineOffer gives the contact back.
func (r *row) DeclineOffer(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("DeclineOffer", in, postroom.OfferLive, func() error {
		r.end(postroom.OfferDecline)
		return nil
	})
}

// Reply puts a reply into the outbox and begins the wrap-up.
func (r *row) Reply(_ context.Context, in workflows.ReplyCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("Reply", in.OfferCommand, postroom.OfferAccepted, func() error {
		due := r.time().Add(r.undo)
		if !in.SendAt.IsZero() {
			due = in.SendAt
		}
		r.outbox = append(r.outbox, &letter{id: postroom.OutboxID(id('1', len(r.outbox)+1)), due: due, scheduled: !in.SendAt.IsZero()})
		r.handle(in.Offer, postroom.ContactReplied)
		return nil
	})
}

// CloseContact begins the wrap-up with nothing sent.
func (r *row) CloseContact(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("CloseContact", in, postroom.OfferAccepted, func() error {
		r.handle(in.Offer, postroom.ContactClosed)
		return nil
	})
}

func (r *row) handle(offer postroom.OfferID, event postroom.ContactEvent) {
	r.offers[offer] = postroom.OfferMachine.Must(r.offers[offer], postroom.OfferHandle)
	r.move(event)
	if r.auto > 0 {
		r.wrapDue[offer] = r.time().Add(r.auto)
	}
}

// CompleteWrapUp ends the contact.
func (r *row) CompleteWrapUp(_ context.Context, in workflows.WrapUpCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("CompleteWrapUp", in.OfferCommand, postroom.OfferWrapUp, func() error {
		r.finish(in.Offer)
		return nil
	})
}

// ExtendWrapUp puts off when the wrap-up completes itself, as often as the row allows.
func (r *row) ExtendWrapUp(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("ExtendWrapUp", in, postroom.OfferWrapUp, func() error {
		if r.extensions == 0 {
			return refusal(postroom.Refused(postroom.ReasonNoExtension, "not again"))
		}
		r.extensions--
		r.wrapDue[in.Offer] = r.wrapDue[in.Offer].Add(r.auto)
		r.now.Version++
		return nil
	})
}

// AutoWrapUp completes a wrap-up whose time has come by the row's clock.
func (r *row) AutoWrapUp(_ context.Context, in workflows.OfferRef) (postroom.ContactSnapshot, error) {
	return r.step("AutoWrapUp", func() error {
		due, open := r.wrapDue[in.Offer]
		if !open || r.time().Before(due) {
			return nil
		}
		r.automatic++
		r.finish(in.Offer)
		return nil
	})
}

// finish ends a wrap-up; the contact is done unless it went on without it. The lock is held.
func (r *row) finish(offer postroom.OfferID) {
	for _, l := range r.outbox { // the undo window ends
		if !l.scheduled && !r.scheduled && l.due.After(r.time()) {
			l.due = r.time()
		}
	}
	delete(r.wrapDue, offer)
	r.offers[offer] = postroom.OfferMachine.Must(r.offers[offer], postroom.OfferCompleteWrap)
	if r.now.Offer != offer {
		r.now.Version++
		return
	}
	r.move(postroom.ContactCompleted)
}

// onOffer is a step of an agent: once per request, and on an offer of his that is in the state.
func (r *row) onOffer(name string, in workflows.OfferCommand, state postroom.OfferState, do func() error) (postroom.ContactSnapshot, error) {
	return r.step(name, func() error {
		if r.requests[in.RequestID] {
			return nil
		}
		have, known := r.offers[in.Offer]
		switch {
		case !known:
			return refusal(postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer"))
		case have != state:
			return refusal(postroom.Conflict(postroom.ReasonOfferEnded, "this offer has ended"))
		case in.Actor != r.now.Agent && in.Actor != r.passedOn[in.Offer]:
			return refusal(postroom.Forbidden("this offer is another agent's"))
		}
		if err := do(); err != nil {
			return err
		}
		r.requests[in.RequestID] = true
		return nil
	})
}

// UndoReply takes the last reply back, if it was not tried yet.
func (r *row) UndoReply(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("UndoReply", in, postroom.OfferWrapUp, func() error {
		last := r.outbox[len(r.outbox)-1]
		if last.attempts > 0 || last.settled {
			return refusal(postroom.Conflict(postroom.ReasonReplyGone, "the reply is on its way already"))
		}
		last.settled = true
		r.offers[in.Offer] = postroom.OfferAccepted
		delete(r.wrapDue, in.Offer)
		r.move(postroom.ContactReturned)
		return nil
	})
}

// ProbeReply looks for a reply: the probes find it, or give it up.
func (r *row) ProbeReply(_ context.Context, outbox postroom.OutboxID) (workflows.Sent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.outbox[slices.IndexFunc(r.outbox, func(l *letter) bool { return l.id == outbox })]
	r.probed = append(r.probed, r.time())
	if l.probes--; l.probes > 0 {
		return workflows.Sent{Delivery: postroom.DeliverySending, ProbeIn: 3 * time.Minute}, nil
	}
	l.settled = true
	return workflows.Sent{Delivery: postroom.DeliveryUnknown}, nil
}

// SendReply makes one attempt, if the reply is due.
func (r *row) SendReply(_ context.Context, outbox postroom.OutboxID) (workflows.Sent, error) {
	r.mu.Lock()
	at := slices.IndexFunc(r.outbox, func(l *letter) bool { return l.id == outbox })
	l := r.outbox[at]
	if l.settled {
		r.mu.Unlock()
		return workflows.Sent{Delivery: postroom.DeliveryCancelled}, nil
	}
	if wait := l.due.Sub(r.time()); wait > 0 {
		r.mu.Unlock()
		return workflows.Sent{}, temporal.NewApplicationErrorWithOptions("the reply is not due yet", "not_due", temporal.ApplicationErrorOptions{NextRetryDelay: wait})
	}
	l.attempts++
	attempt, deliver := l.attempts, r.deliver
	r.sent = append(r.sent, outbox)
	r.mu.Unlock()
	if deliver != nil {
		if err := deliver(attempt); err != nil {
			return workflows.Sent{}, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost > 0 {
		l.probes = r.lost
		return workflows.Sent{Delivery: postroom.DeliverySending, ProbeIn: 90 * time.Second}, nil
	}
	l.settled = true
	return workflows.Sent{Delivery: postroom.DeliverySent}, nil
}

// WatchMailbox belongs to the mailbox's workflow, which has a watch of its own (mailbox_test.go).
func (r *row) WatchMailbox(context.Context, postroom.MailboxID) (workflows.Watched, error) {
	r.t.Error("a contact watches a mailbox")
	return workflows.Watched{}, nil
}

// LoadReminder and FireReminder belong to a reminder's workflow, which has a row of its own (reminder_test.go).
func (r *row) LoadReminder(context.Context, postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	r.t.Error("a contact looks at a reminder")
	return postroom.ReminderSnapshot{}, nil
}

func (r *row) FireReminder(context.Context, postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	r.t.Error("a contact fires a reminder")
	return postroom.ReminderSnapshot{}, nil
}

// refusal is how package activities hands an error of the product to Temporal: its kind is the detail.
func refusal(e *postroom.Error) error {
	return temporal.NewNonRetryableApplicationError(e.Message, string(e.Reason), nil, e.Kind)
}

// down is a database that does not answer: the step is tried again.
func down() error {
	return temporal.NewApplicationError("the database is not available", string(postroom.ReasonDatabaseDown), postroom.KindUnavailable)
}

// The following changes come from outside: another process commits them, and may or may not tell the workflow.

func (r *row) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// withdraw takes a live offer back, as when its agent goes Idle.
// atOnce is the most steps that were on the row at the same time.
func (r *row) atOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

func (r *row) withdraw() { r.change(func() { r.end(postroom.OfferWithdraw) }) }

// release takes an owned contact back to its queue, as a supervisor may.
func (r *row) release() { r.change(func() { r.end(postroom.OfferRelease) }) }

// customerWrites resumes a parked contact.
func (r *row) customerWrites() { r.change(func() { r.move(postroom.ContactTakenUp) }) }

// claim offers the waiting contact to an agent who became able.
func (r *row) claim(agent postroom.AgentID) { r.change(func() { r.offer(agent) }) }

// read reads the row beside the workflow.
func (r *row) read() postroom.ContactSnapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshot()
}

// ended counts the offers in a state.
func (r *row) ended(state postroom.OfferState) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.offers {
		if s == state {
			n++
		}
	}
	return n
}

// attempts lists the attempts to send that were made so far.
func (r *row) attempts() []postroom.OutboxID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// made lists the steps made so far; count counts those of one name.
func (r *row) made() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.steps)
}

func (r *row) count(step string) (n int) {
	for _, s := range r.made() {
		if s == step {
			n++
		}
	}
	return n
}
