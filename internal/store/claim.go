package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Claim is a wish: offer this contact to this agent. Reason says why him (R35) and is stored with the offer as JSON.
type Claim struct {
	Contact postroom.ContactID
	Agent   postroom.AgentID
	Reason  any
	By      postroom.Actor
	// FromOutside says that the contact's workflow does not make this claim itself, so that it has to be told soon.
	FromOutside bool
}

// Lost says why a claim did not succeed. None of them is an error: somebody was first, or something changed since the choice.
type Lost string

// The ways to lose a claim; LostNothing means that it succeeded.
const (
	LostNothing Lost = ""
	LostAgent   Lost = "agent_not_able"      // not Available any more, about to be Idle, or no free slot
	LostContact Lost = "contact_not_waiting" // offered to somebody else, or done
)

type ableRow struct {
	State    postroom.AgentState
	After    postroom.IdleCode // he becomes Idle after what he holds, and gets no more (R13)
	Capacity int
	Held     int
	Slot     int // lowest free slot, 0 if none
}

var lockAgent = statement(`SELECT version FROM agent_state WHERE agent_id = $1 FOR NO KEY UPDATE`)

// readAble runs after lockAgent and sees what committed while that waited.
var readAble = statement(`
	SELECT s.state, s.idle_after_contact, coalesce((SELECT capacity FROM agent_capacity k WHERE k.agent_id = s.agent_id AND k.channel = $2), 0)::int,
	       (SELECT count(*) FROM offer o WHERE o.agent_id = s.agent_id AND o.channel = $2 AND o.state IN ('live', 'accepted', 'wrapup'))::int,
	       coalesce((SELECT min(n) FROM generate_series(1, 10) n WHERE NOT EXISTS (
	           SELECT FROM offer o WHERE o.agent_id = s.agent_id AND o.channel = $2 AND o.slot = n
	                                 AND o.state IN ('live', 'accepted', 'wrapup'))), 0)::int
	FROM agent_state s WHERE s.agent_id = $1`)

var insertOffer = statement(`
	INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, rona_seconds, reason, offered_at, expires_at)
	SELECT $1, $2, $3, q.id, $5, $6, 'live', q.rona_seconds, $7, t.now, t.now + make_interval(secs => q.rona_seconds)
	FROM queue q CROSS JOIN (SELECT postroom_now() AS now) t WHERE q.id = $4`)

// ClaimOffer offers a waiting contact to an Available agent with a free slot: the protocol's claim. The agent is locked first, in a
// statement of its own, then read, then the contact is taken if it still waits. Three things make a wrong offer impossible
// even if this were wrong: one holder per contact (I1), one offer per slot (I2), slots 1–10.
func (s *Store) ClaimOffer(ctx context.Context, c Claim) (postroom.ContactSnapshot, Lost, error) {
	var result postroom.ContactSnapshot
	var lost Lost
	err := s.write(ctx, "claim an offer", func(ctx context.Context, tx *txn) error {
		var err error
		if lost, err = claim(ctx, tx, c); err != nil {
			return err
		}
		tx.answer(c.Contact, &result)
		return nil
	})
	return result, lost, err
}

func claim(ctx context.Context, tx *txn, c Claim) (Lost, error) {
	if _, found, err := value[int64](ctx, tx, lockAgent, c.Agent); err != nil || !found {
		return LostAgent, err
	}
	contact, err := lockContact(ctx, tx, c.Contact)
	if err != nil {
		return LostContact, err
	}
	if contact.Phase != postroom.ContactWaiting {
		return LostContact, nil
	}
	able, _, err := one[ableRow](ctx, tx, readAble, c.Agent, string(contact.Channel))
	if err != nil {
		return LostAgent, err
	}
	if able.State != postroom.AgentAvailable || able.After != "" || able.Held >= able.Capacity || able.Slot == 0 || able.Slot > able.Capacity {
		return LostAgent, nil
	}
	offer, reason := postroom.OfferID(newID()), marshal(c.Reason)
	tx.later(insertOffer, offer, c.Contact, c.Agent, contact.Queue, string(contact.Channel), able.Slot, reason)
	contact.leaveQueue(tx)
	tell := tellLater
	if c.FromOutside {
		tell = tellSoon
	}
	if err := contact.move(tx, postroom.ContactOfferedTo, change{actor: c.By, agent: c.Agent, offer: offer, tell: tell}); err != nil {
		return LostNothing, err
	}
	tx.publish(c.Agent, Event{Kind: EventContact, Contact: c.Contact, Offer: offer, State: postroom.OfferLive})
	return LostNothing, nil
}
