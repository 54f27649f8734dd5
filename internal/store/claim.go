package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
)

// Claim is a wish: offer this contact to this agent. Reason says why him (R35) and is stored with the offer as JSON, with the version of
// the configuration whose rules it follows.
type Claim struct {
	Contact postroom.ContactID
	// Version is the contact's when it was chosen: changed meanwhile, it is to be chosen again. Zero: whatever it is now.
	Version int64
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
	LostAgent   Lost = "agent_not_able"      // not Available any more, about to be Idle, without room, or his lanes do not admit it
	LostContact Lost = "contact_not_waiting" // offered to somebody else, done, changed, or its queue is closed
	LostLocked  Lost = "contact_locked"      // another transaction holds the contact's row: it may win it, or not
)

type ableRow struct {
	State    postroom.AgentState
	After    postroom.IdleCode // he becomes Idle after what he holds, and gets no more (R13)
	Room     int               // by capacity and mode (R2)
	Capacity int
	Slot     int  // lowest free slot, 0 if none
	Open     bool // the queue
	Admits   bool // a lane of his, or the contact waits for him
}

var lockAgent = statement(`SELECT version FROM agent_state WHERE agent_id = $1 FOR NO KEY UPDATE`)

// Nobody waits for a contact that somebody else is taking: when many want the same one they go on to the next.
var takeContactRow = statement(`
	SELECT id, phase, version, coalesce(queue_id, ''), mailbox_id, thread_id, channel FROM contact WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED`)

// readAble runs after lockAgent and sees what committed while that waited; so does agent_room, which changes under the same lock only.
var readAble = statement(`
	SELECT s.state, s.idle_after_contact, coalesce(r.room, 0)::int,
	       coalesce((SELECT capacity FROM agent_capacity k WHERE k.agent_id = s.agent_id AND k.channel = c.channel), 0)::int,
	       coalesce((SELECT min(n) FROM generate_series(1, 10) n WHERE NOT EXISTS (
	           SELECT FROM offer o WHERE o.agent_id = s.agent_id AND o.channel = c.channel AND o.slot = n
	                                 AND o.state IN ('live', 'accepted', 'wrapup'))), 0)::int,
	       ` + open + `,
	       CASE WHEN c.target_agent_id IS NULL THEN EXISTS (
	           SELECT FROM agent_lane l WHERE l.agent_id = s.agent_id AND l.queue_id = c.queue_id AND l.step = c.step)
	       ELSE c.target_agent_id = s.agent_id END
	FROM agent_state s CROSS JOIN contact c JOIN queue q ON q.id = c.queue_id
	LEFT JOIN agent_room r ON r.agent_id = s.agent_id AND r.channel = c.channel
	WHERE s.agent_id = $1 AND c.id = $2`)

var insertOffer = statement(`
	INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, rona_seconds, reason, offered_at, expires_at)
	SELECT $1, $2, $3, q.id, $5, $6, 'live', q.rona_seconds,
	       CASE WHEN jsonb_typeof($7) = 'object' THEN $7 || jsonb_build_object('configuration', (SELECT max(version) FROM configuration)) ELSE $7 END,
	       t.now, t.now + make_interval(secs => q.rona_seconds)
	FROM queue q CROSS JOIN (SELECT postroom_now() AS now) t WHERE q.id = $4`)

// ClaimOffer offers a waiting contact to an Available agent who has room and may take it: the protocol's claim. The agent is locked first,
// in a statement of its own, then the contact, without waiting for it, and only then both are read: what was chosen without locks is
// tested again. Three things make a wrong offer impossible even if this were wrong: one holder per contact (I1), one offer per slot (I2),
// slots 1–10.
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
	var able []ableRow
	var contacts []contactRow
	gather(tx, &able, &contacts, c) // one journey for the three of them
	if err := tx.send(ctx); err != nil {
		return LostContact, err
	}
	if len(able) == 0 || len(contacts) == 0 {
		return missing(ctx, tx, c, len(contacts) > 0)
	}
	contact := &contacts[0]
	if contact.Phase != postroom.ContactWaiting || (c.Version != 0 && contact.Version != c.Version) || !able[0].Open {
		return LostContact, nil
	}
	if a := able[0]; a.State != postroom.AgentAvailable || a.After != "" || a.Room <= 0 || a.Slot == 0 || a.Slot > a.Capacity || !a.Admits {
		return LostAgent, nil
	}
	offer, reason := postroom.OfferID(newID()), marshal(c.Reason)
	tx.later(insertOffer, offer, c.Contact, c.Agent, contact.Queue, string(contact.Channel), able[0].Slot, reason)
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

// gather locks the agent, then the contact, and then reads what the claim tests, each as it is after the locks were waited for.
func gather(tx *txn, able *[]ableRow, contacts *[]contactRow, c Claim) {
	tx.queued.Queue(lockAgent, c.Agent)
	tx.queued.Queue(takeContactRow, c.Contact).Query(func(rows pgx.Rows) (err error) {
		*contacts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[contactRow])
		return err
	})
	tx.queued.Queue(readAble, c.Agent, c.Contact).Query(func(rows pgx.Rows) (err error) {
		*able, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ableRow])
		return err
	})
}

var contactPhase = statement(`SELECT phase FROM contact WHERE id = $1`)

// missing says why there was nothing to test: a contact that is locked or unknown, or not in a queue yet, or an agent that is unknown.
func missing(ctx context.Context, tx *txn, c Claim, locked bool) (Lost, error) {
	phase, found, err := value[postroom.ContactPhase](ctx, tx, contactPhase, c.Contact)
	switch {
	case err != nil:
		return LostContact, err
	case !found:
		return LostContact, unknownContact()
	case phase != postroom.ContactWaiting:
		return LostContact, nil
	case !locked:
		return LostLocked, nil
	}
	return LostAgent, nil
}
