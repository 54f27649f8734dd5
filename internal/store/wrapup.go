package store

import (
	"context"

	"github.com/postroom/postroom"
)

var saveWrapUpNote = statement(`UPDATE segment SET wrapup_note = $2 WHERE offer_id = $1 AND state = 'wrapup' RETURNING id::text`)

// SaveWrapUpNote keeps the note of a wrap-up that is being filled in, so that the completion carries ids and codes only.
func (s *Store) SaveWrapUpNote(ctx context.Context, agent postroom.AgentID, id postroom.OfferID, note postroom.Text, findings []postroom.Finding) error {
	return s.write(ctx, "save a wrap-up note", func(ctx context.Context, tx *txn) error {
		o, err := ownOffer(ctx, tx, id, agent)
		if err != nil {
			return err
		}
		_, saved, err := value[string](ctx, tx, saveWrapUpNote, id, note.Reveal())
		if err != nil {
			return err
		}
		if !saved && o.State == postroom.OfferFinished {
			return nil // the completion was first; a repeat of it is answered like the first
		}
		if !saved {
			return notInWrapUp(o)
		}
		writeFindings(tx, o.Contact, "", findings)
		return nil
	})
}

func notInWrapUp(o offerRow) error {
	if o.State == postroom.OfferAccepted || o.State == postroom.OfferLive {
		return postroom.Refused("not_in_wrapup", "reply or close the contact before wrapping up")
	}
	return postroom.Conflict(postroom.ReasonOfferEnded, "this wrap-up has been completed already")
}

type codeRow struct {
	NoteRequired bool
	Note         string
}

// A code must be one of the queue's (R24).
var readCode = statement(`
	SELECT w.note_required, g.wrapup_note
	FROM segment g JOIN queue_wrapup_code qc ON qc.queue_id = g.queue_id AND qc.code = $2 JOIN wrapup_code w ON w.id = qc.code AND w.active
	WHERE g.offer_id = $1`)

var offerFinished = statement(`
	UPDATE offer SET state = 'finished', ended_at = postroom_now(), end_cause = 'wrapped_up' WHERE id = $1 AND state = 'wrapup'`)
var endSegment = statement(`
	WITH ended AS (UPDATE segment SET state = 'ended', ended_at = postroom_now() WHERE offer_id = $1 AND state = 'wrapup' RETURNING id)
	INSERT INTO wrapup (segment_id, agent_id, code, status, sentiment, note, automatic, completed_at)
	SELECT id, $2, $3, $4, $5, $6, $7, postroom_now() FROM ended`)

// CompleteWrapUp records the wrap-up, ends offer and segment, frees the slot, and completes the contact (R24, I10). Mail of the
// customer that came since the reply becomes a new contact of the thread in the same transaction, so that nothing is buried (R22).
// An Idle that was to wait for this contact takes effect here (R13). One that has completed itself meanwhile is a Conflict with reason
// wrapped_up_automatically: what the agent chose was not recorded, and he is told so. A segment that was passed on ends alone: its
// contact is elsewhere (R23). Mail that is newer than what the agent saw is a Conflict with reason unseen_message: he may go back to work,
// or confirm.
func (s *Store) CompleteWrapUp(ctx context.Context, c postroom.Command, id postroom.OfferID, w postroom.WrapUp) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "complete a wrap-up",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State == postroom.OfferFinished {
				return postroom.OfferFinished, unlessAutomatic(ctx, tx, id)
			}
			if o.State != postroom.OfferWrapUp {
				return "", notInWrapUp(o)
			}
			code, found, err := one[codeRow](ctx, tx, readCode, id, string(w.Code))
			if err != nil {
				return "", err
			}
			if !found {
				return "", postroom.Invalid(postroom.ReasonUnknownCode, "this wrap-up code is not one of the queue's")
			}
			if code.NoteRequired && code.Note == "" {
				return "", postroom.Refused(postroom.ReasonNoteRequired, "this wrap-up code needs a note")
			}
			if !o.SegmentOnly {
				if err := contact.overtakes(ctx, tx, c.Seen); err != nil {
					return "", err
				}
			}
			return postroom.OfferFinished, wrapUp(ctx, tx, person(c), o, contact, w, code.Note)
		},
	})
}

// wrapUp ends offer and segment with what is recorded, and frees the agent. It completes the contact, unless that went on without the
// segment.
func wrapUp(ctx context.Context, tx *txn, by postroom.Actor, o offerRow, contact *contactRow, w postroom.WrapUp, note string) error {
	tx.later(offerFinished, o.ID)
	tx.maybe(endUndo, o.ID)
	tx.later(endSegment, o.ID, o.Agent, string(w.Code), string(w.Status), string(w.Sentiment), note, w.Automatic)
	if o.SegmentOnly {
		contact.note(tx, change{event: EventSegmentWrapped, actor: by, agent: o.Agent, offer: o.ID, tell: tellLater})
	} else if err := complete(ctx, tx, by, o, contact); err != nil {
		return err
	}
	return freed(ctx, tx, o.Agent)
}

var readUnseen = statement(`
	SELECT m.id::text FROM message m
	WHERE m.contact_id = $1 AND m.direction = 'in' AND m.received_at > (SELECT handled_at FROM segment WHERE offer_id = $2)
	ORDER BY m.received_at, m.id`)
var carryContact = statement(`
	WITH opened AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, tell_at)
		SELECT $2, c.thread_id, c.customer_id, c.channel, c.mailbox_id, m.subject, m.received_at, 'new', postroom_now()
		FROM contact c JOIN message m ON m.id = $3 WHERE c.id = $1 RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, 'system:carry', jsonb_build_object('from', $1) FROM opened`)
var carryMessages = statement(`UPDATE message SET contact_id = $2 WHERE id = ANY($1)`)

// complete ends the contact, and carries what the customer wrote since the reply into a new one.
func complete(ctx context.Context, tx *txn, by postroom.Actor, o offerRow, contact *contactRow) error {
	unseen, err := values[string](ctx, tx, readUnseen, o.Contact, o.ID)
	if err != nil {
		return err
	}
	if err := contact.move(tx, postroom.ContactCompleted,
		change{actor: by, agent: o.Agent, offer: o.ID, tell: tellLater}); err != nil {
		return err
	}
	if len(unseen) == 0 {
		return unansweredUnseen(ctx, tx, by, o)
	}
	next := newID()
	tx.later(carryContact, o.Contact, next, unseen[0])
	tx.later(carryMessages, unseen, next)
	return nil
}

// freed is what follows from a freed slot: an Idle that waited takes effect, else the agent wants work.
func freed(ctx context.Context, tx *txn, id postroom.AgentID) error {
	agent, err := lockAgentState(ctx, tx, id)
	if err != nil {
		return err
	}
	if agent.After == "" {
		wantWork(tx, id)
		return nil
	}
	held, err := heldBy(ctx, tx, id)
	if err != nil || held > 0 {
		return err
	}
	return agent.move(tx, postroom.AgentChoosesIdle, agent.After, "", postroom.System("idle after contact"))
}
