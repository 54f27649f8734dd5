package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Closing is how a supervisor closes a contact that waits: nothing is sent, and the wrap-up is recorded as his (R33).
type Closing struct {
	Supervision
	Agent    postroom.AgentID // in whose name: the supervisor
	Code     postroom.WrapUpCode
	Note     postroom.Text
	Findings []postroom.Finding // in the note
}

var insertClosed = statement(`
	INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, rona_seconds, reason, offered_at, expires_at)
	SELECT $1, $2, $3, q.id, $5, $6, 'live', q.rona_seconds, $7, $8::timestamptz, $8::timestamptz + make_interval(secs => q.rona_seconds) FROM queue q WHERE q.id = $4`)
var finishClosed = statement(`
	UPDATE offer SET state = 'finished', ended_at = offered_at, end_cause = 'wrapped_up' WHERE id = $1 AND state = 'wrapup'`)
var readNow = statement(`SELECT postroom_now()`)

// CloseWaiting closes a contact that waits, without reply: in one transaction its supervisor owns it, closes it and wraps it up. It takes
// no capacity of his, as it is over in the moment in which it begins. What does not wait any more is Refused with reason not_waiting; the code must be
// one of the queue's, with a note if it needs one (R24).
func (s *Store) CloseWaiting(ctx context.Context, c Closing) (postroom.ContactSnapshot, error) {
	return s.supervise(ctx, "close a waiting contact", c.Supervision, []postroom.AgentID{c.Agent},
		func(ctx context.Context, tx *txn, contact *contactRow, _ []heldOffer) error {
			if contact.Phase != postroom.ContactWaiting {
				return postroom.Refused(postroom.ReasonNotWaiting, "the contact does not wait any more")
			}
			return closeWaiting(ctx, tx, contact, c)
		})
}

func closeWaiting(ctx context.Context, tx *txn, contact *contactRow, c Closing) error {
	room, found, err := one[roomRow](ctx, tx, readRoom, c.Agent, string(contact.Channel))
	if err != nil {
		return err
	}
	if !found || !room.Active {
		return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	}
	if room.Slot == 0 {
		return postroom.Refused(postroom.ReasonNoCapacity, "you hold ten contacts: finish one first")
	}
	now, _, err := value[time.Time](ctx, tx, readNow)
	if err != nil {
		return err
	}
	offer := postroom.OfferID(newID())
	tx.maybe(dropTarget, contact.ID)
	tx.later(insertClosed, offer, contact.ID, c.Agent, contact.Queue, string(contact.Channel), room.Slot, marshal(map[string]string{"rule": RuleClosed}), now)
	tx.later(acceptNow, offer)
	contact.leaveQueue(tx)
	tx.later(openAgentSegment, newID(), contact.ID, contact.Queue, c.Agent, offer)
	by := change{actor: c.By, agent: c.Agent, offer: offer, tell: tellSoon}
	by.detail = map[string]string{"rule": RuleClosed}
	if err := contact.move(tx, postroom.ContactAssigned, by); err != nil {
		return err
	}
	tx.later(offerToWrapUp, offer)
	tx.later(segmentToWrapUp, offer, string(postroom.OutcomeClosedWithoutReply))
	by.outcome = postroom.OutcomeClosedWithoutReply
	if err := contact.move(tx, postroom.ContactClosed, by); err != nil {
		return err
	}
	if err := recordClosing(ctx, tx, contact.ID, offer, c); err != nil {
		return err
	}
	by.detail, by.outcome = nil, ""
	return contact.move(tx, postroom.ContactCompleted, by)
}

// recordClosing writes the wrap-up, after its code was tested.
func recordClosing(ctx context.Context, tx *txn, id postroom.ContactID, offer postroom.OfferID, c Closing) error {
	code, found, err := one[codeRow](ctx, tx, readCode, offer, string(c.Code))
	if err != nil {
		return err
	}
	if !found {
		return postroom.Invalid(postroom.ReasonUnknownCode, "this wrap-up code is not one of the queue's")
	}
	note := c.Note.Reveal()
	if code.NoteRequired && note == "" {
		return postroom.Refused(postroom.ReasonNoteRequired, "this wrap-up code needs a note")
	}
	writeFindings(tx, id, "", c.Findings)
	tx.later(finishClosed, offer)
	tx.later(endSegment, offer, c.Agent, string(c.Code), "", "", note, false)
	return nil
}
