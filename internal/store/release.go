package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// heldOffer is an offer that holds a slot, as those see it who take contacts away.
type heldOffer struct {
	ID          postroom.OfferID
	Contact     postroom.ContactID
	Agent       postroom.AgentID
	State       postroom.OfferState
	SegmentOnly bool // the wrap-up of a segment whose contact has gone on
}

// taking is how a contact is taken from whoever is offered it, owns it or wraps it up.
type taking struct {
	cause postroom.EndCause
	by    postroom.Actor
	queue postroom.QueueID // where it goes instead of its own queue, or ""
	tell  time.Duration
}

var releaseOffer = statement(`
	UPDATE offer SET state = 'released', ended_at = postroom_now(), end_cause = $2 WHERE id = $1 AND state IN ('accepted', 'wrapup')`)
var endHeldSegment = statement(`
	UPDATE segment SET state = 'ended', ended_at = postroom_now() WHERE offer_id = $1 AND state IN ('open', 'wrapup')`)

// takeBack ends an offer that is live, accepted or in wrap-up, under the locks of its agent and its contact, and puts the contact back
// into a queue: with its draft, its arrival and its priority (I8). After an owner the wait begins anew; after an offer that was not accepted it
// goes on, unless the queue is another one. The agent's slot is free then: the caller calls freed, or changes his state.
func takeBack(ctx context.Context, tx *txn, o heldOffer, contact *contactRow, t taking) error {
	event := postroom.OfferRelease
	if o.State == postroom.OfferLive {
		event = postroom.OfferWithdraw
	}
	state, err := postroom.OfferMachine.Next(o.State, event)
	if err != nil {
		return err
	}
	c := change{actor: t.by, agent: o.Agent, offer: o.ID, tell: t.tell, queue: t.queue,
		detail: map[string]string{"offer": string(state), "cause": string(t.cause)}}
	if o.State == postroom.OfferLive {
		tx.later(endLiveOffer, o.ID, string(state), string(t.cause))
	} else {
		tx.later(releaseOffer, o.ID, string(t.cause))
		tx.later(endHeldSegment, o.ID)
		if c.queue == "" {
			c.queue = contact.Queue
		}
	}
	if err := contact.move(tx, postroom.ContactRequeued, c); err != nil {
		return err
	}
	contact.waitAgain(tx, o.ID)
	tx.publish(o.Agent, Event{Kind: EventContact, Contact: contact.ID, Offer: o.ID, State: state})
	if t.queue != "" {
		return contact.dueThere(ctx, tx)
	}
	return nil
}

// dueThere sets when a contact that came into another queue should be answered, by that queue's service level. Where somebody put it, it stays,
// however many wait there: it does not overflow.
func (r *contactRow) dueThere(ctx context.Context, tx *txn) error {
	into, found, err := one[entryRow](ctx, tx, readEntry, string(r.Queue))
	if err != nil || !found {
		return err
	}
	tx.maybe(setDue, r.ID, into.due())
	return nil
}

// dropSegment ends a wrap-up whose contact has gone on: its segment ends without one.
func dropSegment(tx *txn, o heldOffer, cause postroom.EndCause) {
	tx.later(releaseOffer, o.ID, string(cause))
	tx.later(endHeldSegment, o.ID)
	tx.publish(o.Agent, Event{Kind: EventContact, Contact: o.Contact, Offer: o.ID, State: postroom.OfferReleased})
}

var lockAgents = statement(`SELECT agent_id FROM agent_state WHERE agent_id = ANY ($1) ORDER BY agent_id FOR NO KEY UPDATE`)
var heldOfContact = statement(`
	SELECT id, contact_id, agent_id, state, segment_only FROM offer WHERE contact_id = $1 AND state IN ('live', 'accepted', 'wrapup') ORDER BY id`)
var heldOfAgent = statement(`
	SELECT id, contact_id, agent_id, state, segment_only FROM offer WHERE agent_id = $1 AND state IN ('live', 'accepted', 'wrapup')
	ORDER BY contact_id, id`)

// heldAgain reads an offer again after its contact was locked; found is false if it holds nothing any more.
func heldAgain(ctx context.Context, tx *txn, id postroom.OfferID) (heldOffer, bool, error) {
	return one[heldOffer](ctx, tx, readHeld, id)
}

var readHeld = statement(`
	SELECT id, contact_id, agent_id, state, segment_only FROM offer WHERE id = $1 AND state IN ('live', 'accepted', 'wrapup')`)
