package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Draft is the reply that an agent is writing on a contact. It belongs to the contact, and outlives offer, agent and session (R19).
type Draft struct {
	Version int64 // 0: there is none
	Body    string
	Author  postroom.AgentID
	At      time.Time
}

var readDraft = statement(`SELECT version, body, author, updated_at FROM draft WHERE contact_id = $1`)

// Draft reads a contact's draft; the zero Draft if there is none.
func (s *Store) Draft(ctx context.Context, id postroom.ContactID) (Draft, error) {
	d, _, err := one[Draft](ctx, s.pool, readDraft, id)
	return d, translate("read a draft", err)
}

var writeDraft = statement(`
	INSERT INTO draft (contact_id, version, body, author, updated_at) VALUES ($1, 1, $2, $3, postroom_now())
	ON CONFLICT (contact_id) DO UPDATE SET version = draft.version + 1, body = excluded.body, author = excluded.author,
		updated_at = excluded.updated_at
	RETURNING version, body, author, updated_at`)

// DraftSave is a new text of a draft. Base is the version it was written on; another one meanwhile is a Conflict with reason
// draft_moved: two windows, and the person has to choose.
type DraftSave struct {
	Offer    postroom.OfferID
	Base     int64
	Body     postroom.Text
	Findings []postroom.Finding
	// Composed is what its author decided beside it, when he sends it; nil if he only saves it, or decides nothing.
	Composed *Composition
}

// SaveDraft saves a draft, and what was decided beside it, of the agent who owns the contact. The same request again is answered with the draft as it is.
func (s *Store) SaveDraft(ctx context.Context, c postroom.Command, d DraftSave) (Draft, error) {
	var saved Draft
	err := s.write(ctx, "save a draft", func(ctx context.Context, tx *txn) error {
		o, err := ownOffer(ctx, tx, d.Offer, c.Actor)
		if err != nil {
			return err
		}
		done, err := repeated(ctx, tx, c)
		if err != nil {
			return err
		}
		if done {
			saved, _, err = one[Draft](ctx, tx, readDraft, o.Contact)
			return err
		}
		if _, err := lockContact(ctx, tx, o.Contact); err != nil {
			return err
		}
		remember(tx, c, o.Contact) // before the base is compared: the same request a moment ago has moved it
		if o, err = getOffer(ctx, tx, d.Offer); err != nil {
			return err
		}
		if o.State != postroom.OfferAccepted {
			return notYours(o)
		}
		now, _, err := one[Draft](ctx, tx, readDraft, o.Contact)
		if err != nil {
			return err
		}
		if now.Version != d.Base {
			return postroom.Conflict(postroom.ReasonDraftMoved, "the draft was changed elsewhere since it was loaded")
		}
		writeFindings(tx, o.Contact, "", d.Findings)
		if saved, _, err = one[Draft](ctx, tx, writeDraft, o.Contact, d.Body.Reveal(), c.Actor); err != nil || d.Composed == nil {
			return err
		}
		return d.Composed.write(ctx, tx, o.Contact, saved.Version)
	})
	return saved, err
}

// notYours explains why work on an offer that is not owned any more is refused.
func notYours(o offerRow) error {
	switch o.State {
	case postroom.OfferLive:
		return postroom.Refused("not_accepted", "accept the contact first")
	case postroom.OfferWrapUp, postroom.OfferFinished:
		return postroom.Conflict("already_handled", "this contact was answered or closed already")
	}
	return postroom.Conflict(postroom.ReasonOfferEnded, "this contact is not yours any more")
}
