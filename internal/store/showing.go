package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Showing is how a mail may be shown beside its text.
type Showing struct {
	HTML postroom.Text // the source of its HTML, not sanitised; empty if there is none that may be kept
	// Quoted says which lines of the text are quoted: the first, and the one behind the last, of each stretch in order, counted from 0.
	Quoted []int32
}

var insertShowing = statement(`INSERT INTO message_showing (message_id, html, quoted) VALUES ($1, $2, $3)`)

func (s Showing) write(tx *txn, id postroom.MessageID) {
	if s.HTML.Empty() && len(s.Quoted) == 0 {
		return
	}
	quoted := s.Quoted
	if quoted == nil {
		quoted = []int32{}
	}
	tx.later(insertShowing, id, s.HTML.Reveal(), quoted)
}

// Formatted is the HTML of a mail as it is kept.
type Formatted struct {
	Contact postroom.ContactID
	Source  string // not sanitised; "" if there is none
}

var readFormatted = statement(`
	SELECT coalesce(m.contact_id::text, ''), coalesce(s.html, '')
	FROM message m LEFT JOIN message_showing s ON s.message_id = m.id WHERE m.id = $1`)

// Formatted reads the HTML of a mail.
func (s *Store) Formatted(ctx context.Context, id postroom.MessageID) (Formatted, error) {
	f, found, err := one[Formatted](ctx, s.pool, readFormatted, id)
	if err == nil && !found {
		return f, postroom.NotFound("unknown_message", "there is no such message")
	}
	return f, translate("read the HTML of a message", err)
}

var readContactOfMessage = statement(`SELECT coalesce(contact_id::text, '') FROM message WHERE id = $1`)

// ContactOfMessage reads which contact a mail is in; "" if it is in none.
func (s *Store) ContactOfMessage(ctx context.Context, id postroom.MessageID) (postroom.ContactID, error) {
	contact, found, err := value[postroom.ContactID](ctx, s.pool, readContactOfMessage, id)
	if err == nil && !found {
		return "", postroom.NotFound("unknown_message", "there is no such message")
	}
	return contact, translate("read the contact of a message", err)
}

// InlineImage is an image that came with a mail to be shown within it, and passed the scanner.
type InlineImage struct {
	ContentID string
	BlobKey   string
	Size      int64
	Malware   postroom.Malware
}

var readInlineImages = statement(`
	SELECT content_id, blob_key, size, malware FROM attachment
	WHERE message_id = $1 AND verdict = 'passed' AND content_id <> '' ORDER BY ordinal`)

// InlineImages reads what the HTML of a mail may refer to by Content-ID.
func (s *Store) InlineImages(ctx context.Context, id postroom.MessageID) ([]InlineImage, error) {
	images, err := all[InlineImage](ctx, s.pool, readInlineImages, id)
	return images, translate("read the images of a message", err)
}
