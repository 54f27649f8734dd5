package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postroom/postroom"
)

var releaseParked = statement(`
	UPDATE offer SET state = 'released', ended_at = postroom_now(), end_cause = 'parked' WHERE id = $1 AND state = 'accepted'`)
var endParkedSegment = statement(`UPDATE segment SET state = 'ended', ended_at = postroom_now() WHERE offer_id = $1 AND state = 'open'`)
var isParkTime = statement(`SELECT $1::timestamptz > postroom_now() AND $1::timestamptz <= postroom_now() + $2::interval`)

// ParkContact puts an owned contact aside until a time, or, without one, until the customer writes (R45). The agent's slot is free, and an
// Idle that waited for it takes effect; his segment ends without a wrap-up, as the matter is not handled. A time that has passed, or is more
// than postroom.MaxParking away, is Invalid with reason park_time.
func (s *Store) ParkContact(ctx context.Context, c postroom.Command, id postroom.OfferID, until time.Time) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "park a contact",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferAccepted {
				return "", notYours(o)
			}
			parked := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
			if !until.IsZero() {
				parked = pgtype.Timestamptz{Time: until, Valid: true}
				if ahead, _, err := value[bool](ctx, tx, isParkTime, parked, postroom.MaxParking); err != nil || !ahead {
					return "", parkTime(err)
				}
			}
			tx.later(releaseParked, o.ID)
			tx.later(endParkedSegment, o.ID)
			if err := contact.move(tx, postroom.ContactPutAside, change{actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater,
				parked: parked}); err != nil {
				return "", err
			}
			return postroom.OfferReleased, freed(ctx, tx, o.Agent)
		},
	})
}

func parkTime(err error) error {
	if err != nil {
		return err
	}
	return postroom.Invalid(postroom.ReasonParkTime, "a contact is parked until a time to come, at most a year from now")
}

type parkedRow struct {
	Over      bool
	Owner     postroom.AgentID // who parked it, if he can still be offered something
	Preferred int64
}

var readParked = statement(`
	SELECT c.parked_until <= postroom_now(), coalesce((
	           SELECT o.agent_id FROM (SELECT * FROM offer WHERE contact_id = c.id AND end_cause = 'parked' ORDER BY ended_at DESC LIMIT 1) o
	           JOIN agent a ON a.id = o.agent_id AND a.active
	           JOIN agent_state s ON s.agent_id = a.id AND s.state <> 'logged_out'
	           JOIN agent_capacity k ON k.agent_id = a.id AND k.channel = c.channel AND k.capacity > 0), ''),
	       coalesce((q.rules->>'preferred_time')::bigint, 0)
	FROM contact c JOIN queue q ON q.id = c.queue_id WHERE c.id = $1`)

// ResumeContact has a parked contact wait again whose time has come by PostgreSQL's clock. Before, and for one that is not parked any more,
// it changes nothing, and the snapshot says how long it still takes.
func (s *Store) ResumeContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "resume a parked contact", func(ctx context.Context, tx *txn) error {
		contact, err := lockContact(ctx, tx, id)
		if err != nil {
			return err
		}
		if contact.Phase == postroom.ContactParked {
			parked, _, err := one[parkedRow](ctx, tx, readParked, id)
			if err != nil {
				return err
			}
			if parked.Over {
				if err := contact.takeUp(ctx, tx, parked, postroom.System("timer"), tellLater); err != nil {
					return err
				}
			}
		}
		tx.answer(id, &result)
		return nil
	})
	return result, err
}

// resume has a parked contact wait again before its time: its customer wrote.
func (r *contactRow) resume(ctx context.Context, tx *txn, by postroom.Actor, tell time.Duration) error {
	parked, _, err := one[parkedRow](ctx, tx, readParked, r.ID)
	if err != nil {
		return err
	}
	return r.takeUp(ctx, tx, parked, by, tell)
}

// takeUp puts a parked contact back into its queue, where its wait begins anew, first for whoever parked it.
func (r *contactRow) takeUp(ctx context.Context, tx *txn, parked parkedRow, by postroom.Actor, tell time.Duration) error {
	c := change{actor: by, agent: parked.Owner, tell: tell, queue: r.Queue}
	if parked.Owner != "" {
		c.target = target{parked.Owner, orElse(time.Duration(parked.Preferred), postroom.ParkedTime)}
	}
	_, err := r.enter(ctx, tx, postroom.ContactTakenUp, c, "")
	return err
}

var offerToWork = statement(`UPDATE offer SET state = 'accepted' WHERE id = $1 AND state = 'wrapup' AND NOT segment_only`)
var segmentToWork = statement(`UPDATE segment SET state = 'open', handled_at = NULL, wrapup_due_at = NULL WHERE offer_id = $1 AND state = 'wrapup'`)

// ReturnToContact takes an agent from wrap-up back to work, while the wrap-up is not completed (R22). A reply that is on its way goes on. A
// segment that was passed on has nothing to go back to: Conflict with reason passed_on.
func (s *Store) ReturnToContact(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "return from wrap-up",
		same: func(s postroom.OfferState) bool { return s == postroom.OfferAccepted },
		apply: func(_ context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferWrapUp {
				return "", notInWrapUp(o)
			}
			if o.SegmentOnly {
				return "", postroom.Conflict(postroom.ReasonPassedOn, "this contact was passed on, and is somebody else's now")
			}
			tx.later(offerToWork, o.ID)
			tx.later(segmentToWork, o.ID)
			return postroom.OfferAccepted, contact.move(tx, postroom.ContactReturned,
				change{actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater})
		},
	})
}
