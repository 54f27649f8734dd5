package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// EventReplyUndone is a remark in a contact's story: its reply was taken back before it was sent (R20).
const EventReplyUndone = "reply undone"

// A row that an attempt holds is 'sending': the row's lock decides between the two. What somebody got already cannot be taken back.
var cancelReply = statement(`
	UPDATE outbox SET state = 'cancelled', settled_at = postroom_now()
	WHERE state IN ('queued', 'deferred') AND NOT EXISTS (SELECT FROM outbox_recipient r WHERE r.outbox_id = outbox.id AND r.state = 'sent') AND id = (SELECT x.id FROM outbox x JOIN segment g ON g.id = x.segment_id WHERE g.offer_id = $1
		ORDER BY x.created_at DESC, x.id DESC LIMIT 1)
	RETURNING id::text`)

// What was cancelled was no answer, nor is what was passed on to somebody else.
var forgetOutcome = statement(`
	WITH stay AS (
		UPDATE segment g SET outcome = NULL WHERE g.offer_id = $1 AND g.outcome = 'replied'
			AND NOT EXISTS (SELECT FROM outbox x WHERE x.segment_id = g.id AND x.state <> 'cancelled' AND x.purpose IN ('reply', 'new') AND x.id <> $3)
	)
	UPDATE contact c SET outcome = NULL WHERE c.id = $2 AND c.outcome = 'replied'
		AND NOT EXISTS (SELECT FROM outbox x WHERE x.contact_id = c.id AND x.state <> 'cancelled' AND x.purpose IN ('reply', 'new') AND x.id <> $3)`)

// UndoReply takes back the reply that the agent sent last on an offer, unless an attempt holds it or held it to the end: then it is a Conflict
// with reason reply_gone. From wrap-up the agent is back at work, with the text as his draft (R20).
func (s *Store) UndoReply(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "undo a reply",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferWrapUp && o.State != postroom.OfferAccepted {
				return "", notInWrapUp(o)
			}
			if o.SegmentOnly {
				return "", postroom.Conflict(postroom.ReasonPassedOn, "this contact was passed on, and is somebody else's now")
			}
			reply, undone, err := value[string](ctx, tx, cancelReply, id)
			if err != nil {
				return "", err
			}
			if !undone {
				return "", postroom.Conflict(postroom.ReasonReplyGone, "the reply is on its way already")
			}
			settled(tx, postroom.OutboxID(reply), postroom.DeliveryCancelled, postroom.DeliveryQueued, postroom.DeliveryDeferred)
			tx.maybe(forgetOutcome, o.ID, o.Contact, reply)
			tx.maybe(returnFiles, reply)
			by := change{event: EventReplyUndone, actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater, detail: map[string]string{"outbox": reply}}
			if o.State == postroom.OfferAccepted {
				contact.note(tx, by)
				return o.State, nil
			}
			tx.later(offerToWork, o.ID)
			tx.later(segmentToWork, o.ID)
			return postroom.OfferAccepted, contact.move(tx, postroom.ContactReturned, by)
		},
	})
}

// What waits for nothing but somebody's second thoughts goes at once when he has completed his work.
var endUndo = statement(`
	UPDATE outbox x SET due_at = postroom_now() FROM segment g
	WHERE g.offer_id = $1 AND x.segment_id = g.id AND x.state = 'queued' AND x.send_at IS NULL AND x.due_at > postroom_now()`)

var readSendTime = statement(`SELECT $1::timestamptz > postroom_now() AND $1::timestamptz <= postroom_now() + $2::interval`)

// checkSendAt refuses a time for a scheduled reply that has passed or is too far ahead by PostgreSQL's clock.
func checkSendAt(ctx context.Context, tx *txn, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	fits, _, err := value[bool](ctx, tx, readSendTime, at, postroom.MaxSchedule)
	if err == nil && !fits {
		return postroom.Invalid(postroom.ReasonSendTime, "a reply can be scheduled for a time within the next 90 days")
	}
	return err
}
