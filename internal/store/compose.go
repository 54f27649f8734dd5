package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Composition is what the author of a mail decided beside its text, which is his draft.
type Composition struct {
	ID         postroom.CompositionID
	Purpose    postroom.Purpose
	Mailbox    postroom.MailboxID // whom it is from; "": the queue's
	Recipients []Recipient        // those in Bcc too
	Subject    postroom.Text      // empty: made from the mail that is answered or passed on
	HTML       postroom.Text      // sanitised; empty: he wrote text
	Body       postroom.Text      // of a mail that is passed on: the draft is an answer's
	Original   postroom.MessageID // the mail that is passed on, of the contact's thread
	// Attachments are those of Original that go along, all passed by the scanner.
	Attachments []postroom.AttachmentID
}

type composableRow struct {
	Mailbox, Original bool
	Files             int // of the attachments, how many may be passed on
	Size              int64
}

// A mailbox that was removed from the configuration sends nothing more.
var readComposable = statement(`
	SELECT $2 = '' OR EXISTS (SELECT FROM mailbox b WHERE b.id = $2 AND b.active AND (b.id = q.mailbox_id OR b.id = ANY(q.from_mailboxes))),
	       $3 = '' OR EXISTS (SELECT FROM message m WHERE m.id = nullif($3, '')::uuid AND m.thread_id = c.thread_id AND m.standing <> 'report'),
	       f.n, f.size
	FROM contact c JOIN queue q ON q.id = c.queue_id
	CROSS JOIN (SELECT count(*)::int AS n, coalesce(sum(size), 0)::bigint AS size FROM attachment t WHERE t.id = ANY($4::uuid[])
		AND t.message_id = nullif($3, '')::uuid AND t.verdict = 'passed' AND t.malware IN ('clean', 'unscanned')) f
	WHERE c.id = $1`)

var insertComposition = statement(`
	INSERT INTO composition (id, contact_id, draft_version, purpose, mailbox_id, recipients, subject, html, original, attachments, body)
	VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, nullif($9, '')::uuid, $10, CASE WHEN $4 = 'forward' THEN $11 END)`)

// Compose keeps what an agent decided on a mail that is not the draft: one that he passes on from a contact that he owns. Once per request.
func (s *Store) Compose(ctx context.Context, c postroom.Command, id postroom.OfferID, k Composition) error {
	return s.write(ctx, "keep what is passed on", func(ctx context.Context, tx *txn) error {
		o, err := ownOffer(ctx, tx, id, c.Actor)
		if err != nil {
			return err
		}
		if done, err := repeated(ctx, tx, c); err != nil || done {
			return err
		}
		if _, err := lockContact(ctx, tx, o.Contact); err != nil {
			return err
		}
		remember(tx, c, o.Contact)
		if o, err = getOffer(ctx, tx, id); err != nil {
			return err
		}
		if o.State != postroom.OfferAccepted {
			return notYours(o)
		}
		return k.write(ctx, tx, o.Contact, 0)
	})
}

// write keeps a composition with the version of the draft that it sends. A mailbox from which the queue does not write is Refused with reason
// sender_not_allowed; a mail or attachment that is not the contact's is NotFound.
func (k *Composition) write(ctx context.Context, tx *txn, contact postroom.ContactID, draft int64) error {
	may, _, err := one[composableRow](ctx, tx, readComposable, contact, k.Mailbox, string(k.Original), texts(k.Attachments))
	switch {
	case err != nil:
		return err
	case !may.Mailbox:
		return postroom.Refused(postroom.ReasonSenderNotAllowed, "this queue does not write from that mailbox")
	case !may.Original:
		return postroom.NotFound(postroom.ReasonUnknownMessage, "there is no such message in this conversation")
	case may.Files != len(k.Attachments):
		return postroom.NotFound(postroom.ReasonUnknownAttachment, "there is no such attachment that may be passed on")
	case may.Files > postroom.MaxFiles:
		return postroom.Refused(postroom.ReasonTooManyFiles, "a mail may have at most 10 files")
	case may.Size > postroom.MaxFileBytes:
		return postroom.Refused(postroom.ReasonFilesTooLarge, "the files of a mail may have at most 25 MB together")
	}
	tx.later(insertComposition, string(k.ID), contact, draft, string(k.Purpose), string(k.Mailbox), recipientsJSON(k.Recipients), k.Subject.Reveal(),
		k.HTML.Reveal(), string(k.Original), texts(k.Attachments), k.Body.Reveal())
	return nil
}

var readCompositionFiles = statement(`
	SELECT t.id, k.contact_id, t.id::text, '', t.filename, t.media_type, t.size, false, '', NULL::bytea, t.malware, t.blob_key, k.created_at
	FROM composition k JOIN attachment t ON t.id = ANY(k.attachments) AND t.verdict = 'passed' WHERE k.id = $1 ORDER BY t.ordinal`)

// CompositionFiles reads the files that go along with a mail that is passed on.
func (s *Store) CompositionFiles(ctx context.Context, id postroom.CompositionID) ([]DraftFile, error) {
	files, err := all[DraftFile](ctx, s.pool, readCompositionFiles, string(id))
	return files, translate("read the files of a mail that is passed on", err)
}

// Blobs are never copied: the mail that passes a file on has a row of its own, which names the same.
var forwardFiles = statement(`
	INSERT INTO attachment (id, message_id, ordinal, filename, media_type, size, inline, content_id, verdict, malware, blob_key)
	SELECT gen_random_uuid(), $1, row_number() OVER (ORDER BY ordinal) - 1, filename, media_type, size, false, '', 'passed', malware, blob_key
	FROM attachment WHERE id = ANY($2::uuid[]) AND verdict = 'passed'`)

// Answerable is what recipients of an answer are proposed from.
type Answerable struct {
	Message    postroom.MessageID // the mail that is answered; "" if there is none yet
	Ours       bool               // we wrote it
	From       RecipientView
	ReplyTo    string
	Recipients []RecipientView // its To and Cc; if there is no mail yet, those of the one that was taken back, Bcc too
	Subject    string          // its subject; the contact's if there is no mail yet
	Senders    []SenderView    // from whom the answer may be, the queue's own mailbox first
}

// SenderView is a mailbox that agents may write from.
type SenderView struct {
	Mailbox postroom.MailboxID `json:"mailbox"`
	Name    string             `json:"name"`
	Address string             `json:"address"`
}

// sendersOf are the mailboxes from which the agents of queue q may write.
const sendersOf = `(SELECT jsonb_agg(jsonb_build_object('mailbox', b.id, 'name', b.name, 'address', b.address)
		ORDER BY b.id <> q.mailbox_id, array_position(q.from_mailboxes, b.id))
	FROM mailbox b WHERE b.active AND (b.id = q.mailbox_id OR b.id = ANY(q.from_mailboxes)))`

var readAnswerable = statement(`
	SELECT coalesce(m.id::text, ''), coalesce(m.direction = 'out', false),
	       jsonb_build_object('field', 'from', 'name', coalesce(m.from_name, ''), 'address', coalesce(m.from_address, '')),
	       coalesce(m.reply_to, ''), coalesce(m.recipients, (SELECT x.recipients FROM composition x WHERE x.contact_id = c.id AND x.purpose = 'new'
	           ORDER BY x.created_at DESC LIMIT 1), '[]'),
	       coalesce(m.subject, c.subject), coalesce(` + sendersOf + `, '[]')
	FROM offer o
	JOIN contact c ON c.id = o.contact_id
	JOIN queue q ON q.id = c.queue_id
	CROSS JOIN (SELECT NULL::uuid AS original) k
	LEFT JOIN LATERAL (` + answeredMail + `) m ON true
	WHERE o.id = $1`)

// Answerable reads what recipients of an answer on an offer are proposed from.
func (s *Store) Answerable(ctx context.Context, id postroom.OfferID) (Answerable, error) {
	a, found, err := one[Answerable](ctx, s.pool, readAnswerable, id)
	if err == nil && !found {
		return a, unknownOffer()
	}
	return a, translate("read to whom an answer may go", err)
}

var readOwnAddresses = statement(`SELECT address FROM mailbox UNION SELECT address FROM entry_point`)

// OwnAddresses reads the addresses at which we get mail, those included that the configuration named once.
func (s *Store) OwnAddresses(ctx context.Context) ([]string, error) {
	own, err := values[string](ctx, s.pool, readOwnAddresses)
	return own, translate("read our own addresses", err)
}

var readBadAddresses = statement(`
	SELECT a FROM unnest($1::text[]) a WHERE EXISTS (SELECT FROM address_mark k WHERE k.address = lower(a) AND k.bad_since IS NOT NULL)`)

// BadAddresses reads which of the addresses mail came back from because they are wrong (R34).
func (s *Store) BadAddresses(ctx context.Context, addresses []string) ([]string, error) {
	bad, err := values[string](ctx, s.pool, readBadAddresses, addresses)
	return bad, translate("read what is known of addresses", err)
}
