package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// DraftFile is a file of a contact's draft: uploaded, or taken from one of its mails.
type DraftFile struct {
	ID        postroom.AttachmentID
	Contact   postroom.ContactID
	Upload    string
	Agent     postroom.AgentID
	Filename  string
	MediaType string
	Size      int64
	Inline    bool
	ContentID string
	Digest    []byte
	Malware   postroom.Malware
	BlobKey   string
	At        time.Time
}

const draftFileColumns = `SELECT id, contact_id, upload_id::text, agent_id, filename, media_type, size, inline, content_id, digest, malware, blob_key, created_at
	FROM draft_attachment `

var readDraftFiles = statement(draftFileColumns + `WHERE contact_id = $1 ORDER BY created_at, id`)
var readDraftFile = statement(draftFileColumns + `WHERE id = $1`)

// DraftFiles reads the files of a contact's draft, oldest first.
func (s *Store) DraftFiles(ctx context.Context, id postroom.ContactID) ([]DraftFile, error) {
	files, err := all[DraftFile](ctx, s.pool, readDraftFiles, id)
	return files, translate("read the files of a draft", err)
}

// DraftFile reads a file of a draft.
func (s *Store) DraftFile(ctx context.Context, id postroom.AttachmentID) (DraftFile, error) {
	f, found, err := one[DraftFile](ctx, s.pool, readDraftFile, id)
	if err == nil && !found {
		return f, UnknownFile()
	}
	return f, translate("read a file of a draft", err)
}

// UnknownFile is the error for a file that does not exist.
func UnknownFile() error {
	return postroom.NotFound(postroom.ReasonUnknownFile, "there is no such file")
}

// NewFile is a file that passed every check; its blob is written.
type NewFile struct {
	ID        postroom.AttachmentID
	Upload    string // whoever uploads's own id for it: the same one again is the same file
	Filename  postroom.Text
	MediaType postroom.Text
	Size      int64
	ContentID postroom.Text // not empty: it is shown within the text
	Digest    []byte        // keyed
	Malware   postroom.Malware
	BlobKey   string
	Findings  []postroom.Finding // in its name
}

var insertDraftFile = statement(`
	INSERT INTO draft_attachment (id, contact_id, upload_id, agent_id, filename, media_type, size, inline, content_id, digest, malware, blob_key, created_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8 <> '', $8, $9, $10, $11, postroom_now())`)

// AddFile adds a file to the draft of the contact that an agent owns. The same upload again is answered with the file as it is, and added is false: nobody names
// the new blob. With another content it is Invalid, with reason upload_reused. More than the limits of R16 is Refused.
func (s *Store) AddFile(ctx context.Context, agent postroom.AgentID, offer postroom.OfferID, f NewFile) (file DraftFile, added bool, err error) {
	err = s.write(ctx, "add a file to a draft", func(ctx context.Context, tx *txn) error {
		file, added = DraftFile{}, false
		o, err := workedOffer(ctx, tx, offer, agent)
		if err != nil {
			return err
		}
		files, err := all[DraftFile](ctx, tx, readDraftFiles, o.Contact)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(files, func(x DraftFile) bool { return x.Upload == f.Upload }); i >= 0 {
			if file = files[i]; !bytes.Equal(file.Digest, f.Digest) {
				return postroom.Invalid(postroom.ReasonUploadReused, "this upload's id was used for another file")
			}
			return nil
		}
		if err := Fits(files, f.Size); err != nil {
			return err
		}
		tx.later(insertDraftFile, f.ID, o.Contact, f.Upload, agent, f.Filename.Reveal(), f.MediaType.Reveal(), f.Size, f.ContentID.Reveal(), f.Digest, string(f.Malware), f.BlobKey)
		writeFindings(tx, o.Contact, "", f.Findings)
		tx.publish(agent, Event{Kind: EventContact, Contact: o.Contact, Offer: offer})
		added = true
		file, _, err = one[DraftFile](ctx, tx, readDraftFile, f.ID)
		return err
	})
	return file, added, err
}

// Fits refuses a file of size bytes beside others, if they are too many or too large together (R16).
func Fits(files []DraftFile, size int64) error {
	for _, f := range files {
		size += f.Size
	}
	switch {
	case len(files) >= postroom.MaxFiles:
		return postroom.Refused(postroom.ReasonTooManyFiles, "a reply may have at most 10 files")
	case size > postroom.MaxFileBytes:
		return postroom.Refused(postroom.ReasonFilesTooLarge, "the files of a reply may have at most 25 MB together")
	}
	return nil
}

// workedOffer locks the contact of an offer that an agent has accepted and works on.
func workedOffer(ctx context.Context, tx *txn, id postroom.OfferID, agent postroom.AgentID) (offerRow, error) {
	o, err := ownOffer(ctx, tx, id, agent)
	if err != nil {
		return o, err
	}
	if _, err := lockContact(ctx, tx, o.Contact); err != nil {
		return o, err
	}
	if o, err = getOffer(ctx, tx, id); err != nil {
		return o, err
	}
	if o.State != postroom.OfferAccepted {
		return o, notYours(o)
	}
	return o, nil
}

// FilesOfOffer reads the files of the draft of an agent's own offer, whatever its state.
func (s *Store) FilesOfOffer(ctx context.Context, agent postroom.AgentID, offer postroom.OfferID) ([]DraftFile, error) {
	contact, err := s.ContactOfOffer(ctx, offer, agent)
	if err != nil {
		return nil, err
	}
	return s.DraftFiles(ctx, contact)
}

// MayUpload reads the files of the draft, and refuses now what AddFile would refuse after the upload: an offer that is not in work.
func (s *Store) MayUpload(ctx context.Context, agent postroom.AgentID, offer postroom.OfferID) ([]DraftFile, error) {
	var files []DraftFile
	err := s.read(ctx, "read what may be uploaded", func(ctx context.Context, tx *txn) error {
		o, err := ownOffer(ctx, tx, offer, agent)
		if err != nil {
			return err
		}
		if o.State != postroom.OfferAccepted {
			return notYours(o)
		}
		files, err = all[DraftFile](ctx, tx, readDraftFiles, o.Contact)
		return err
	})
	return files, err
}

var deleteDraftFile = statement(`DELETE FROM draft_attachment WHERE id = $1 AND contact_id = $2`)

// RemoveFile removes a file from the draft of the contact that an agent owns, once per request. Its blob is swept.
func (s *Store) RemoveFile(ctx context.Context, c postroom.Command, offer postroom.OfferID, id postroom.AttachmentID) error {
	return s.write(ctx, "remove a file from a draft", func(ctx context.Context, tx *txn) error {
		if done, err := repeated(ctx, tx, c); err != nil || done {
			return err
		}
		o, err := workedOffer(ctx, tx, offer, c.Actor)
		if err != nil {
			return err
		}
		remember(tx, c, o.Contact)
		tx.maybe(deleteDraftFile, id, o.Contact)
		tx.publish(c.Actor, Event{Kind: EventContact, Contact: o.Contact, Offer: offer})
		return nil
	})
}

// What may be taken along is what passed, in a mail of the contact or of its thread.
var takeFiles = statement(`
	INSERT INTO draft_attachment (id, contact_id, upload_id, agent_id, filename, media_type, size, inline, content_id, malware, blob_key, created_at)
	SELECT gen_random_uuid(), c.id, t.id, $3, t.filename, t.media_type, t.size, false, '', t.malware, t.blob_key, postroom_now() + t.ordinal * interval '1 microsecond'
	FROM attachment t JOIN message m ON m.id = t.message_id JOIN contact c ON c.id = $1
	WHERE m.id = $2 AND (m.contact_id = c.id OR m.thread_id = c.thread_id) AND t.verdict = 'passed' AND t.malware IN ('clean', 'unscanned')
	  AND (cardinality($4::uuid[]) = 0 OR t.id = ANY ($4::uuid[]))
	ON CONFLICT (contact_id, upload_id) DO NOTHING`)

// TakeFiles adds files of a mail of the contact to its draft, once per request: those that are named, or all that passed. Their blobs are not copied.
func (s *Store) TakeFiles(ctx context.Context, c postroom.Command, offer postroom.OfferID, message postroom.MessageID, files []postroom.AttachmentID) ([]DraftFile, error) {
	var taken []DraftFile
	if files == nil {
		files = []postroom.AttachmentID{}
	}
	err := s.write(ctx, "take files of a mail along", func(ctx context.Context, tx *txn) error {
		done, err := repeated(ctx, tx, c)
		if err != nil {
			return err
		}
		o, err := workedOffer(ctx, tx, offer, c.Actor)
		if err != nil {
			return err
		}
		if !done {
			remember(tx, c, o.Contact)
			tx.maybe(takeFiles, o.Contact, message, c.Actor, files)
		}
		if taken, err = all[DraftFile](ctx, tx, readDraftFiles, o.Contact); err != nil {
			return err
		}
		var size int64
		for _, f := range taken {
			size += f.Size
		}
		switch {
		case len(taken) > postroom.MaxFiles:
			return postroom.Refused(postroom.ReasonTooManyFiles, "a reply may have at most 10 files")
		case size > postroom.MaxFileBytes:
			return postroom.Refused(postroom.ReasonFilesTooLarge, "the files of a reply may have at most 25 MB together")
		}
		return nil
	})
	return taken, err
}

// What a reply takes are rows of its own, which name the same blobs; the draft has them no more.
var sendFiles = statement(`
	WITH gone AS (DELETE FROM draft_attachment WHERE contact_id = $1 RETURNING *)
	INSERT INTO attachment (id, message_id, ordinal, filename, media_type, size, inline, content_id, verdict, malware, blob_key)
	SELECT gen_random_uuid(), $2, row_number() OVER (ORDER BY created_at, id) - 1, filename, media_type, size, inline, content_id, 'passed', malware, blob_key
	FROM gone`)

// takeDraftFiles moves the files of a contact's draft to the reply that was made from them. Others are a Conflict with reason files_changed: somebody added or
// removed one meanwhile, and the reply is made again.
func takeDraftFiles(ctx context.Context, tx *txn, contact postroom.ContactID, message postroom.MessageID, made []postroom.AttachmentID) error {
	files, err := all[DraftFile](ctx, tx, readDraftFiles, contact)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(files, made, func(f DraftFile, id postroom.AttachmentID) bool { return f.ID == id }) {
		return postroom.Conflict(postroom.ReasonFilesChanged, "the files of the reply were changed while it was sent; send it again")
	}
	if len(files) > 0 {
		tx.later(sendFiles, contact, message)
	}
	return nil
}

// A reply that was taken back gives its files back to the draft of its contact, as long as that is open and has no other files. Those of a mail that was
// passed on are no draft's.
var returnFiles = statement(`
	INSERT INTO draft_attachment (id, contact_id, upload_id, agent_id, filename, media_type, size, inline, content_id, malware, blob_key, created_at)
	SELECT gen_random_uuid(), x.contact_id, t.id, g.agent_id, t.filename, t.media_type, t.size, t.inline, t.content_id,
	       CASE t.malware WHEN 'clean' THEN 'clean' ELSE 'unscanned' END, t.blob_key, postroom_now() + t.ordinal * interval '1 microsecond'
	FROM outbox x JOIN segment g ON g.id = x.segment_id JOIN contact c ON c.id = x.contact_id AND c.phase <> 'done'
	JOIN attachment t ON t.message_id = x.message_id AND t.verdict = 'passed'
	WHERE x.id = $1 AND x.purpose <> 'forward' AND NOT EXISTS (SELECT FROM draft_attachment d WHERE d.contact_id = c.id)
	ON CONFLICT (contact_id, upload_id) DO NOTHING`)

var sweepDrafts = statement(`
	DELETE FROM draft_attachment d USING contact c WHERE c.id = d.contact_id AND c.completed_at < postroom_now() - $1::interval AND d.created_at < postroom_now() - $1::interval`)

// SweepDraftFiles deletes the files that were never sent of contacts that were completed before the time keep; their blobs are swept like others. It says how many.
func (s *Store) SweepDraftFiles(ctx context.Context, keep time.Duration) (int64, error) {
	tag, err := s.pool.Exec(ctx, sweepDrafts, keep)
	return tag.RowsAffected(), translate("sweep the files of drafts", err)
}
