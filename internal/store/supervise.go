package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Supervision is what a supervisor, or somebody at the command line, does to one contact (R33). It changes the row, in one transaction, and
// works whatever has become of the contact's workflow; that has to be told afterwards.
type Supervision struct {
	Command postroom.Command // the zero Command at the command line
	By      postroom.Actor
	Contact postroom.ContactID
	// Seen is the contact's version that he saw when he decided. Another one by now is a Conflict with reason contact_moved.
	Seen int64
}

// tellNow is for what a workflow may be dead for: the reconciler does not wait.
const tellNow = time.Millisecond

// supervise carries out one act: once per request, under the locks of everybody who holds the contact, of those named, and of the contact
// itself. held are the offers by which it is held.
func (s *Store) supervise(ctx context.Context, what string, v Supervision, others []postroom.AgentID,
	act func(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer) error) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, what, func(ctx context.Context, tx *txn) error {
		locked, err := lockHolders(ctx, tx, v.Contact, others)
		if err != nil {
			return err
		}
		contact, err := lockContact(ctx, tx, v.Contact)
		if err != nil {
			return err
		}
		if v.Command.RequestID != "" {
			done, err := repeated(ctx, tx, v.Command) // under the lock: the same click a moment ago has changed what this one saw
			if err != nil {
				return err
			}
			if done {
				tx.answer(v.Contact, &result)
				return nil
			}
			remember(tx, v.Command, v.Contact)
		}
		if contact.Phase == postroom.ContactDone {
			return postroom.Refused(postroom.ReasonContactDone, "this contact is completed")
		}
		if contact.Version != v.Seen { // so that nobody holds it who did not when the holders were locked
			return postroom.Conflict(postroom.ReasonContactMoved, "the contact has changed since it was shown")
		}
		held, err := all[heldOffer](ctx, tx, heldOfContact, v.Contact)
		if err != nil {
			return err
		}
		var ours []heldOffer
		for _, o := range held {
			if locked[o.Agent] {
				ours = append(ours, o)
			}
		}
		if err := act(ctx, tx, contact, ours); err != nil {
			return err
		}
		tx.answer(v.Contact, &result)
		return nil
	})
	return result, err
}

// lockHolders locks the agents who hold a contact, and others, in the order of their ids.
func lockHolders(ctx context.Context, tx *txn, id postroom.ContactID, others []postroom.AgentID) (map[postroom.AgentID]bool, error) {
	held, err := all[heldOffer](ctx, tx, heldOfContact, id)
	if err != nil {
		return nil, err
	}
	agents := make([]string, 0, len(held)+len(others))
	for _, o := range held {
		agents = append(agents, string(o.Agent))
	}
	for _, a := range others {
		agents = append(agents, string(a))
	}
	locked := map[postroom.AgentID]bool{}
	if len(agents) == 0 {
		return locked, nil
	}
	names, err := values[postroom.AgentID](ctx, tx, lockAgents, agents)
	for _, a := range names {
		locked[a] = true
	}
	return locked, err
}

// holder is the offer by which the contact itself is held: live, accepted, or in wrap-up.
func holder(held []heldOffer) (heldOffer, bool) {
	for _, o := range held {
		if !o.SegmentOnly {
			return o, true
		}
	}
	return heldOffer{}, false
}

// RequeueContact puts a contact back into its queue: from whoever is offered it or owns it, or from being parked. What waits already is
// Refused with reason already_there; what is in wrap-up only UnstickContact takes back.
func (s *Store) RequeueContact(ctx context.Context, v Supervision) (postroom.ContactSnapshot, error) {
	return s.supervise(ctx, "requeue a contact", v, nil, func(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer) error {
		return toQueue(ctx, tx, contact, held, taking{cause: postroom.CauseSupervisor, by: v.By, tell: tellSoon})
	})
}

// MoveContact puts a contact into another queue, where its wait begins anew: from its queue, from whoever is offered it or owns it, or from
// being parked. It waits for nobody in particular there. A queue that is not there, is retired or of another channel is Invalid with reason
// unknown_queue.
func (s *Store) MoveContact(ctx context.Context, v Supervision, to postroom.QueueID) (postroom.ContactSnapshot, error) {
	return s.supervise(ctx, "move a contact", v, nil, func(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer) error {
		if contact.Queue == to {
			return postroom.Refused(postroom.ReasonAlreadyThere, "the contact is in this queue already")
		}
		if err := queueTakes(ctx, tx, to, contact); err != nil {
			return err
		}
		tx.maybe(dropTarget, contact.ID)
		if contact.Phase == postroom.ContactWaiting {
			return contact.moveTo(ctx, tx, to, v.By, tellSoon)
		}
		return toQueue(ctx, tx, contact, held, taking{cause: postroom.CauseSupervisor, by: v.By, queue: to, tell: tellSoon})
	})
}

// toQueue makes a contact wait that is offered, owned or parked.
func toQueue(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer, t taking) error {
	switch contact.Phase {
	case postroom.ContactOffered, postroom.ContactOwned:
		o, found := holder(held)
		if !found {
			return postroom.Internal("a contact is held by nobody", nil)
		}
		if err := takeBack(ctx, tx, o, contact, t); err != nil {
			return err
		}
		return freed(ctx, tx, o.Agent)
	case postroom.ContactParked:
		return contact.resumeInto(ctx, tx, t)
	case postroom.ContactWaiting:
		return postroom.Refused(postroom.ReasonAlreadyThere, "the contact waits in its queue already")
	}
	return postroom.Refused(postroom.ReasonNotWaiting, "a contact that is new or in wrap-up can only be unstuck")
}

// resumeInto makes a parked contact wait, for nobody in particular (R45).
func (r *contactRow) resumeInto(ctx context.Context, tx *txn, t taking) error {
	to := t.queue
	if to == "" {
		to = r.Queue
	}
	if err := r.move(tx, postroom.ContactTakenUp, change{actor: t.by, tell: t.tell, queue: to,
		detail: map[string]string{"cause": string(t.cause)}}); err != nil {
		return err
	}
	r.waitAgain(tx, "")
	if t.queue != "" {
		return r.dueThere(ctx, tx)
	}
	return nil
}

// moveTo takes a waiting contact from one queue to another.
func (r *contactRow) moveTo(ctx context.Context, tx *txn, to postroom.QueueID, by postroom.Actor, tell time.Duration) error {
	from := r.Queue
	r.leaveQueue(tx)
	r.note(tx, change{event: "moved", actor: by, queue: to, tell: tell, detail: map[string]string{"from": string(from)}})
	r.waitAgain(tx, "")
	return r.dueThere(ctx, tx)
}

var queueOfChannel = statement(`SELECT channel FROM queue WHERE id = $1 AND active`)

// queueTakes tests that a contact may go into a queue.
func queueTakes(ctx context.Context, tx *txn, to postroom.QueueID, contact *contactRow) error {
	channel, found, err := value[postroom.Channel](ctx, tx, queueOfChannel, string(to))
	if err == nil && (!found || channel != contact.Channel) {
		return postroom.Invalid(postroom.ReasonUnknownQueue, "there is no such queue for this contact")
	}
	return err
}

type priorityRow struct {
	Own      int16
	Assigned *int16
}

var readPriority = statement(`SELECT priority, assigned_priority FROM contact WHERE id = $1`)
var assignPriority = statement(`
	UPDATE contact c SET assigned_priority = $2,
		rank_at = CASE WHEN c.rank_at IS NULL THEN NULL ELSE c.arrived_at - coalesce($2, c.priority) * make_interval(secs => q.ageing_seconds) END
	FROM contact x LEFT JOIN queue q ON q.id = x.queue_id WHERE x.id = c.id AND c.id = $1`)

// ReprioritiseContact gives a contact a priority of 0 to 9 instead of its own, or, with nil, its own again. Its arrival stays (I8).
func (s *Store) ReprioritiseContact(ctx context.Context, v Supervision, priority *int) (postroom.ContactSnapshot, error) {
	if priority != nil && (*priority < 0 || *priority > 9) {
		return postroom.ContactSnapshot{}, postroom.Invalid(postroom.ReasonMalformed, "a priority is a number from 0 to 9")
	}
	return s.supervise(ctx, "reprioritise a contact", v, nil, func(ctx context.Context, tx *txn, contact *contactRow, _ []heldOffer) error {
		was, _, err := one[priorityRow](ctx, tx, readPriority, v.Contact)
		if err != nil {
			return err
		}
		tx.later(assignPriority, v.Contact, priority)
		contact.note(tx, change{event: "reprioritised", actor: v.By, tell: tellSoon, detail: map[string]any{"from": was.Assigned, "to": priority, "own": was.Own}})
		return nil
	})
}

var forgetTold = statement(`UPDATE contact SET told = 0 WHERE id = $1`)

// UnstickContact takes a contact from any phase but done back to its queue, or to another one, and keeps its history, its draft and its
// replies that are on their way: a live offer is withdrawn, an owner and a wrap-up are released. It works when the contact's workflow is dead:
// the row is untold then, so that whoever tells workflows starts another. A wrap-up of a segment whose contact has gone on is released too if
// its agent has signed out. A new contact that no rule led anywhere needs a queue: without it, it is Invalid with reason unknown_queue.
func (s *Store) UnstickContact(ctx context.Context, v Supervision, to postroom.QueueID) (postroom.ContactSnapshot, error) {
	return s.supervise(ctx, "unstick a contact", v, nil, func(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer) error {
		if to == "" {
			to = contact.Queue
		}
		if to != contact.Queue || to == "" {
			if err := queueTakes(ctx, tx, to, contact); err != nil {
				return err
			}
		}
		from := contact.Phase
		if err := dropWrapUps(ctx, tx, held); err != nil {
			return err
		}
		tx.maybe(dropTarget, contact.ID)
		if err := unstick(ctx, tx, contact, held, to, v.By); err != nil {
			return err
		}
		contact.note(tx, change{event: "unstuck", actor: v.By, tell: tellNow, detail: map[string]string{"from": string(from)}})
		tx.later(forgetTold, contact.ID)
		return nil
	})
}

// unstick makes a contact wait in a queue, whatever it does now.
func unstick(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer, to postroom.QueueID, by postroom.Actor) error {
	t := taking{cause: postroom.CauseUnstuck, by: by, tell: tellNow}
	if to != contact.Queue {
		t.queue = to
	}
	switch contact.Phase {
	case postroom.ContactNew:
		if err := contact.move(tx, postroom.ContactRouted, change{actor: by, queue: to, tell: tellNow,
			detail: map[string]string{"rule": string(postroom.CauseUnstuck)}}); err != nil {
			return err
		}
		contact.waitAgain(tx, "")
		return contact.dueThere(ctx, tx)
	case postroom.ContactWaiting:
		if to != contact.Queue {
			return contact.moveTo(ctx, tx, to, by, tellNow)
		}
		return nil
	case postroom.ContactParked:
		return contact.resumeInto(ctx, tx, t)
	}
	o, found := holder(held)
	if !found {
		return postroom.Internal("a contact is held by nobody", nil)
	}
	if err := takeBack(ctx, tx, o, contact, t); err != nil {
		return err
	}
	return freed(ctx, tx, o.Agent)
}

// dropWrapUps releases the wrap-ups of segments whose agent is not there to complete them.
func dropWrapUps(ctx context.Context, tx *txn, held []heldOffer) error {
	for _, o := range held {
		if !o.SegmentOnly {
			continue
		}
		agent, err := lockAgentState(ctx, tx, o.Agent)
		if err != nil {
			return err
		}
		if agent.State == postroom.AgentLoggedOut {
			dropSegment(tx, o, postroom.CauseUnstuck)
		}
	}
	return nil
}
