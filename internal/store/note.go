package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
)

// Note is an internal note on a contact (R47): what colleagues tell each other, and no customer reads. It is never changed.
type Note struct {
	ID     postroom.NoteID
	Author postroom.AgentID
	Name   string // the author's
	At     time.Time
	Body   string
}

const noteColumns = `SELECT n.id, n.author, a.name, n.at, n.body FROM note n JOIN agent a ON a.id = n.author`

var readNotes = statement(noteColumns + ` WHERE n.contact_id = $1 ORDER BY n.at, n.id`)
var readNote = statement(noteColumns + ` WHERE n.id = $1`)
var insertNote = statement(`INSERT INTO note (id, contact_id, author, at, body) VALUES ($1, $2, $3, postroom_now(), $4)`)

// A remark is no change: it does not grow the version, so that nobody's decision is refused because a colleague looked (R47).
var insertRemark = statement(`
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, queue_id, agent_id)
	SELECT id, postroom_now(), $2, phase, phase, version, $3, queue_id, $4 FROM contact WHERE id = $1`)
var holdersOf = statement(`SELECT agent_id FROM offer WHERE contact_id = $1 AND agent_id <> $2 AND state IN ('live', 'accepted', 'wrapup') ORDER BY agent_id`)

// AddNote appends a note to a contact, whatever its phase, once per request; who holds the contact is told.
func (s *Store) AddNote(ctx context.Context, c postroom.Command, id postroom.ContactID, body postroom.Text, findings []postroom.Finding) (Note, error) {
	var added Note
	err := s.write(ctx, "add a note", func(ctx context.Context, tx *txn) error {
		request, err := uuid.Parse(c.RequestID)
		if err != nil {
			return postroom.Invalid(postroom.ReasonMalformed, "a request id is a UUID")
		}
		note := uuid.NewSHA1(request, []byte(c.Actor)).String()
		done, err := repeated(ctx, tx, c)
		if err != nil {
			return err
		}
		if !done {
			holders, err := values[postroom.AgentID](ctx, tx, holdersOf, id, c.Actor)
			if err != nil {
				return err
			}
			remember(tx, c, id)
			if err := appendRemark(ctx, tx, id, EventNoteAdded, c.Actor); err != nil {
				return err
			}
			tx.later(insertNote, note, id, c.Actor, body.Reveal())
			writeFindings(tx, id, "", findings)
			for _, holder := range holders {
				tx.publish(holder, Event{Kind: EventContact, Contact: id})
			}
		}
		var found bool
		if added, found, err = one[Note](ctx, tx, readNote, note); err == nil && !found {
			return unknownContact()
		}
		return err
	})
	return added, err
}

// Notes reads the notes of a contact, oldest first.
func (s *Store) Notes(ctx context.Context, id postroom.ContactID) ([]Note, error) {
	notes, err := all[Note](ctx, s.pool, readNotes, id)
	return notes, translate("read notes", err)
}

// RecordLook writes into a contact's story that a colleague has looked at it, before he does (R47).
func (s *Store) RecordLook(ctx context.Context, agent postroom.AgentID, id postroom.ContactID) error {
	return s.write(ctx, "record a look", func(ctx context.Context, tx *txn) error { return appendRemark(ctx, tx, id, EventLookedAt, agent) })
}

func appendRemark(ctx context.Context, tx *txn, id postroom.ContactID, event string, agent postroom.AgentID) error {
	by := postroom.Actor{Kind: postroom.ActorAgent, ID: string(agent)}
	tag, err := tx.Exec(ctx, insertRemark, id, event, by.String(), string(agent))
	if err == nil && tag.RowsAffected() == 0 {
		return unknownContact()
	}
	return err
}
