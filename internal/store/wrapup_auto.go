package store

import (
	"context"

	"github.com/postroom/postroom"
)

type dueRow struct {
	Remaining *float64 // seconds until it completes itself; NULL if it does not
	Default   postroom.WrapUpCode
	Note      string
}

var readDue = statement(`
	SELECT extract(epoch FROM g.wrapup_due_at - postroom_now())::float8, coalesce(q.default_wrapup_code, ''), g.wrapup_note
	FROM segment g JOIN queue q ON q.id = g.queue_id WHERE g.offer_id = $1 AND g.state = 'wrapup'`)

var dropDue = statement(`UPDATE segment SET wrapup_due_at = NULL WHERE offer_id = $1 AND state = 'wrapup'`)

// AutoWrapUp completes a wrap-up whose time has come by PostgreSQL's clock, with the queue's default code and the note as far as it was
// saved, recorded as automatic (R24). It asks nothing of the agent, who may be signed out, lost or retired by then. Before its time, and
// after it was completed by hand, nothing changes, and the snapshot says how it stands. A queue that meanwhile has no default code any more
// leaves the wrap-up to the agent.
func (s *Store) AutoWrapUp(ctx context.Context, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "complete a wrap-up whose time has come", func(ctx context.Context, tx *txn) error {
		o, contact, err := lockOffer(ctx, tx, id)
		if err != nil {
			return err
		}
		due, found, err := one[dueRow](ctx, tx, readDue, id)
		if err != nil {
			return err
		}
		if !found || o.State != postroom.OfferWrapUp || due.Remaining == nil || *due.Remaining > 0 {
			tx.answer(o.Contact, &result)
			return nil
		}
		by := postroom.System("timer")
		state := postroom.OfferFinished
		if due.Default == "" {
			state = o.State
			tx.later(dropDue, id)
			contact.note(tx, change{event: "wrap-up left to the agent", actor: by, agent: o.Agent, offer: id, tell: tellLater})
		} else if err := wrapUp(ctx, tx, by, o, contact, postroom.WrapUp{Code: due.Default, Automatic: true}, due.Note); err != nil {
			return err
		}
		tx.answer(o.Contact, &result)
		tx.publish(o.Agent, Event{Kind: EventContact, Contact: o.Contact, Offer: id, State: state})
		return nil
	})
	return result, err
}

var extendWrapUp = statement(`
	UPDATE segment g SET wrapup_due_at = g.wrapup_due_at + make_interval(secs => q.auto_wrapup_seconds), wrapup_extensions = g.wrapup_extensions + 1
	FROM queue q
	WHERE g.offer_id = $1 AND g.state = 'wrapup' AND q.id = g.queue_id AND q.auto_wrapup_seconds > 0
	  AND g.wrapup_extensions < q.wrapup_extensions AND postroom_now() < g.wrapup_due_at
	RETURNING g.wrapup_extensions::int`)

// ExtendWrapUp gives an agent the queue's auto wrap-up time once more, as often as the queue allows (R24); after that it is Refused with
// reason no_extension. A wrap-up whose time is up is a Conflict with reason wrapped_up_automatically, whether or not that was carried out
// yet.
func (s *Store) ExtendWrapUp(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "extend a wrap-up",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State == postroom.OfferFinished {
				if err := unlessAutomatic(ctx, tx, id); err != nil {
					return "", err
				}
			}
			if o.State != postroom.OfferWrapUp {
				return "", notInWrapUp(o)
			}
			extensions, extended, err := value[int](ctx, tx, extendWrapUp, id)
			if err != nil {
				return "", err
			}
			if !extended {
				return "", whyNotExtended(ctx, tx, id)
			}
			contact.note(tx, change{event: "wrap-up extended", actor: person(c), agent: o.Agent, offer: id, tell: tellLater,
				detail: map[string]int{"extensions": extensions}})
			return o.State, nil
		},
	})
}

func whyNotExtended(ctx context.Context, tx *txn, id postroom.OfferID) error {
	due, _, err := one[dueRow](ctx, tx, readDue, id)
	switch {
	case err != nil:
		return err
	case due.Remaining == nil:
		return postroom.Refused(postroom.ReasonNoExtension, "this wrap-up does not complete itself: there is nothing to extend")
	case *due.Remaining <= 0:
		return timeIsUp()
	}
	return postroom.Refused(postroom.ReasonNoExtension, "this wrap-up has been extended as often as its queue allows")
}

var readAutomatic = statement(`SELECT w.automatic FROM wrapup w JOIN segment g ON g.id = w.segment_id WHERE g.offer_id = $1`)

// unlessAutomatic is nil for a wrap-up that was completed by hand: a repeat of that is answered like the first.
func unlessAutomatic(ctx context.Context, tx *txn, id postroom.OfferID) error {
	automatic, _, err := value[bool](ctx, tx, readAutomatic, id)
	if err != nil || !automatic {
		return err
	}
	return timeIsUp()
}

func timeIsUp() error {
	return postroom.Conflict(postroom.ReasonWrappedUp, "the time for this wrap-up was up: it completes itself with the queue's default code")
}
