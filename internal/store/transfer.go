package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Notes in a contact's story that are no change of its phase.
const (
	EventCustomerWrote  = "customer wrote"
	EventSegmentWrapped = "segment wrapped up" // of an agent who passed the contact on
	EventLookedAt       = "looked at"          // by a colleague who does not hold it (R47)
	EventNoteAdded      = "note added"
)

// Transfer says where an agent passes a contact on to (R23): a queue, an agent, or an agent for a queue. Without a queue it stays in its
// own.
type Transfer struct {
	Queue postroom.QueueID
	Agent postroom.AgentID
}

type transferQueueRow struct {
	Fits      bool // it is active and of the contact's channel
	Preferred int64
}

var readTransferQueue = statement(`
	SELECT q.active AND q.channel = $2, coalesce((q.rules->>'preferred_time')::bigint, 0) FROM queue q WHERE q.id = $1`)

type transferAgentRow struct {
	Active   bool
	State    postroom.AgentState
	Capacity int
}

var readTransferAgent = statement(`
	SELECT a.active, coalesce(s.state, 'logged_out'), coalesce(k.capacity, 0)::int
	FROM agent a LEFT JOIN agent_state s ON s.agent_id = a.id LEFT JOIN agent_capacity k ON k.agent_id = a.id AND k.channel = $2 WHERE a.id = $1`)

// check refuses a transfer that leads nowhere, and says for whom the contact waits first. Whether that agent has room is for the claim to
// say: he may have, before the time is over.
func (t Transfer) check(ctx context.Context, d db, from postroom.AgentID, channel postroom.Channel) (target, error) {
	if t.Agent == from {
		return target{}, postroom.Refused(postroom.ReasonTransferToSelf, "you have this contact already")
	}
	queue, found, err := one[transferQueueRow](ctx, d, readTransferQueue, string(t.Queue), string(channel))
	if err != nil {
		return target{}, err
	}
	if !found || !queue.Fits {
		return target{}, postroom.Invalid(postroom.ReasonUnknownQueue, "there is no such queue for this contact")
	}
	if t.Agent == "" {
		return target{}, nil
	}
	agent, found, err := one[transferAgentRow](ctx, d, readTransferAgent, string(t.Agent), string(channel))
	switch {
	case err != nil:
		return target{}, err
	case !found || !agent.Active:
		return target{}, postroom.Invalid(postroom.ReasonUnknownAgent, "there is no such agent")
	case agent.State == postroom.AgentLoggedOut:
		return target{}, postroom.Refused(postroom.ReasonNotSignedIn, "this agent is not signed in")
	case agent.Capacity == 0:
		return target{}, postroom.Refused(postroom.ReasonNoCapacity, "this agent takes no contacts of this channel")
	}
	return target{t.Agent, orElse(time.Duration(queue.Preferred), postroom.TransferTime)}, nil
}

// orElse is what a queue says, or what holds where it does not.
func orElse(said, otherwise time.Duration) time.Duration {
	if said == 0 {
		return otherwise
	}
	return said
}

type transferFromRow struct {
	State   postroom.OfferState
	Queue   postroom.QueueID
	Channel postroom.Channel
}

var readTransferFrom = statement(`SELECT o.state, coalesce(c.queue_id, ''), c.channel FROM offer o JOIN contact c ON c.id = o.contact_id WHERE o.id = $1 AND o.agent_id = $2`)

// CheckTransfer refuses a transfer that could not be carried out, before anything is written for it. TransferContact tests again.
func (s *Store) CheckTransfer(ctx context.Context, agent postroom.AgentID, id postroom.OfferID, to Transfer) error {
	from, found, err := one[transferFromRow](ctx, s.pool, readTransferFrom, id, agent)
	if err == nil && !found {
		return unknownOffer()
	}
	if err == nil && from.State != postroom.OfferAccepted {
		return notYours(offerRow{State: from.State})
	}
	if err == nil {
		_, err = to.within(from.Queue).check(ctx, s.pool, agent, from.Channel)
	}
	return translate("read where a transfer leads", err)
}

// within fills in the queue of a transfer that names none: the contact's own.
func (t Transfer) within(own postroom.QueueID) Transfer {
	if t.Queue == "" {
		t.Queue = own
	}
	return t
}

var offerPassedOn = statement(`UPDATE offer SET state = 'wrapup', segment_only = true WHERE id = $1 AND state = 'accepted'`)

// TransferContact passes an owned contact on to a queue, or to an agent for whom it waits until a deadline, and then in the queue (R23). The
// draft stays with the contact (R19), its arrival time too (I8). The agent wraps up his segment while the contact waits elsewhere: his offer
// keeps its slot, and does not hold the contact any more (I1).
func (s *Store) TransferContact(ctx context.Context, c postroom.Command, id postroom.OfferID, to Transfer) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "transfer a contact",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferAccepted {
				return "", notYours(o)
			}
			into := to.within(contact.Queue)
			first, err := into.check(ctx, tx, o.Agent, contact.Channel)
			if err != nil {
				return "", err
			}
			tx.later(offerPassedOn, o.ID)
			tx.later(segmentToWrapUp, o.ID, string(postroom.OutcomeTransferred))
			_, err = contact.enter(ctx, tx, postroom.ContactPassedOn, change{actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater,
				queue: into.Queue, target: first, detail: map[string]string{"from": string(contact.Queue), "to_agent": string(into.Agent)}}, "")
			return postroom.OfferWrapUp, err
		},
	})
}
