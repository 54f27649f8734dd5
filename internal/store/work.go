package store

import (
	"cmp"
	"context"
	"time"

	"github.com/postroom/postroom"
)

// ReplySource is what a reply is made from: the customer's last mail, the mailbox that answers, the draft, and what its author decided beside it.
type ReplySource struct {
	Contact   postroom.ContactID
	Mailbox   postroom.MailboxID
	FromName  string
	From      string
	ToName    string
	To        string // Reply-To, else From, of the customer's last mail (R15)
	Subject   string
	MessageID string   // of the mail that is answered
	Refs      []string // of the mail that is answered
	Version   int64    // of the draft
	Body      string   // of the draft

	Thread         postroom.ThreadID
	PlusAddressing bool // of the mailbox
	Undo           int  // of the queue, in seconds

	// The mail that is answered, for the quotation.
	QuotedName    string
	QuotedAddress string
	QuotedAt      time.Time
	Quoted        string

	Signature   string // of the queue
	SignatureKo string
	DKIM        postroom.DKIM // of the mailbox

	Composed   bool             // its author decided on what follows
	Purpose    postroom.Purpose // reply, if he did not
	Recipients []RecipientView  // those in Bcc too
	NewSubject string           // "": made from Subject
	HTML       string           // of the author; "": he wrote text
	Original   postroom.MessageID
	QuotedTo   []RecipientView // To and Cc of the mail that is answered or passed on

	// Weak says that the mail which is answered may not be from whom it names, or that the answer goes to somebody who is in the thread unverified:
	// nothing that was said before goes there (R48).
	Weak bool

	TimeZone string // of the queue's business hours; "" if it has none
}

// Somebody whom the author chose wrote into the thread, and takes no part in it: as unverified, or as where answers to a forged mail would go.
const toStranger = `EXISTS (SELECT FROM jsonb_array_elements(k.recipients) r JOIN message w ON w.thread_id = c.thread_id AND w.standing IN ('unverified', 'spoofed')
		AND lower(r->>'address') IN (lower(w.from_address), lower(w.reply_to))
	WHERE NOT EXISTS (SELECT FROM customer_address y WHERE y.address = lower(r->>'address') AND y.customer_id = c.customer_id)
	  AND NOT EXISTS (SELECT FROM thread_participant y WHERE y.thread_id = c.thread_id AND y.address = lower(r->>'address')))`

// The mailbox that answers is the queue's, or the one that the author chose. The mail that is answered is the thread's last of a customer: a contact
// that was taken up again has none of its own yet (R46). If all the mails are ours it is our last, and if there is none there is nothing to answer: an
// agent began (R23). What went to others, or was taken back, nobody answers.
var readReplySource = statement(`
	SELECT c.id, b.id, b.name, b.address,
	       coalesce(CASE WHEN m.direction = 'out' THEN m.recipients->0->>'name' ELSE m.from_name END, ''),
	       coalesce(CASE WHEN m.direction = 'out' THEN m.recipients->0->>'address' ELSE nullif(m.reply_to, '') END, m.from_address,
	           (SELECT min(y.address) FROM customer_address y WHERE y.customer_id = c.customer_id), ''),
	       coalesce(m.subject, c.subject), coalesce(m.internet_message_id, ''),
	       coalesce(m.refs, '{}'), coalesce(d.version, 0), coalesce(k.body, d.body, ''), c.thread_id, b.plus_addressing, q.undo_seconds::int,
	       coalesce(m.from_name, ''), coalesce(m.from_address, ''), coalesce(m.sent_at, m.received_at, c.arrived_at), coalesce(m.body, ''),
	       q.signature, q.signature_ko, b.dkim,
	       k.id IS NOT NULL, coalesce(k.purpose, 'reply'), coalesce(k.recipients, '[]'), coalesce(k.subject, ''), coalesce(k.html, ''),
	       coalesce(k.original::text, ''), coalesce(m.recipients, '[]'),
	       k.purpose IS DISTINCT FROM 'forward' AND (coalesce(m.identity = 'refuted', false) OR ` + toStranger + `),
	       coalesce(h.time_zone, '')
	FROM offer o
	JOIN contact c ON c.id = o.contact_id
	JOIN queue q ON q.id = c.queue_id
	LEFT JOIN composition k ON k.id = nullif($2, '')::uuid AND k.contact_id = c.id
	JOIN mailbox b ON b.id = coalesce(k.mailbox_id, q.mailbox_id)
	LEFT JOIN LATERAL (` + answeredMail + `) m ON true
	LEFT JOIN draft d ON d.contact_id = c.id
	LEFT JOIN business_hours h ON h.id = q.hours_id
	WHERE o.id = $1`)

// answeredMail is the mail of contact c that an answer is to, or the one that composition k passes on.
const answeredMail = `SELECT * FROM message m WHERE m.thread_id = c.thread_id
		AND CASE WHEN k.original IS NOT NULL THEN m.id = k.original ELSE m.standing = '' AND NOT EXISTS (SELECT FROM outbox f
			WHERE f.message_id = m.id AND (f.purpose IN ('forward', 'acknowledgement') OR f.state = 'cancelled')) END
		ORDER BY m.direction = 'in' DESC, m.received_at DESC, m.id DESC LIMIT 1`

// ReplySource reads what a reply on an offer is made from. composition is what its author decided beside the text; "" if he decided nothing: it goes to
// whom the mail that is answered says, from the queue's mailbox.
func (s *Store) ReplySource(ctx context.Context, id postroom.OfferID, composition postroom.CompositionID) (ReplySource, error) {
	r, found, err := one[ReplySource](ctx, s.pool, readReplySource, id, string(composition))
	if err == nil && !found {
		return r, postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer")
	}
	if err == nil && r.Composed != (composition != "") {
		return r, postroom.NotFound(postroom.ReasonUnknownReply, "there is no such composition of this contact")
	}
	return r, translate("read what a reply is made from", err)
}

// Reply is a rendered reply: its bytes are in blob storage under BlobKey, its Message-ID is fixed (R21).
type Reply struct {
	Outbox       postroom.OutboxID
	Message      postroom.MessageID
	Mailbox      postroom.MailboxID
	DraftVersion int64
	From         postroom.Address
	Purpose      postroom.Purpose // "": reply
	HTML         postroom.Text    // what its author wrote; empty: he wrote text
	Recipients   []Recipient      // 1 to 50, those in Bcc too; no address twice
	Subject      postroom.Text
	Body         postroom.Text
	MessageID    string
	InReplyTo    postroom.Text
	Refs         []postroom.Text
	EnvelopeFrom string
	BlobKey      string
	Size         int64
	DueIn        time.Duration           // the undo window; zero sends at once
	SendAt       time.Time               // when it was scheduled for, in place of that; zero: it was not (R20)
	Files        []postroom.AttachmentID // of the draft, in order, that are in its bytes; of the original, if it passes that on
}

var insertReply = statement(`
	INSERT INTO message (id, thread_id, contact_id, direction, from_name, from_address, recipients, subject, body, internet_message_id,
		in_reply_to, refs, size, blob_key, sent_at, received_at)
	SELECT $1, c.thread_id, c.id, 'out', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, postroom_now(), postroom_now() FROM contact c WHERE c.id = $2`)
var insertOutbox = statement(`
	INSERT INTO outbox (id, contact_id, segment_id, message_id, mailbox_id, request_id, envelope_from, envelope_to, internet_message_id,
		blob_key, state, due_at, send_at, purpose, created_at)
	SELECT $1, g.contact_id, g.id, $3, $4, $5, $6, $7, $8, $9, 'queued', coalesce($11::timestamptz, postroom_now() + $10::interval), $11, $12, postroom_now() FROM segment g WHERE g.offer_id = $2`)

// QueueReply puts a rendered reply into the outbox and begins the wrap-up of the agent's segment, in one transaction. The draft
// must still be the one that was rendered. A mail of the customer that is newer than what the agent saw is a Conflict with reason
// unseen_message (R22).
func (s *Store) QueueReply(ctx context.Context, c postroom.Command, id postroom.OfferID, r Reply) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "queue a reply",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferAccepted {
				return "", notYours(o)
			}
			if err := contact.overtakes(ctx, tx, c.Seen); err != nil {
				return "", err
			}
			draft, _, err := one[Draft](ctx, tx, readDraft, o.Contact)
			if err != nil {
				return "", err
			}
			if draft.Version != r.DraftVersion {
				return "", postroom.Conflict(postroom.ReasonDraftMoved, "the draft was changed elsewhere since it was sent")
			}
			if err := checkSendAt(ctx, tx, r.SendAt); err != nil {
				return "", err
			}
			writeReply(tx, c, o, r)
			if err := takeDraftFiles(ctx, tx, o.Contact, r.Message, r.Files); err != nil {
				return "", err
			}
			return handle(ctx, tx, c, o, contact, postroom.ContactReplied, postroom.OutcomeReplied)
		},
	})
}

// EventForwarded is a remark in a contact's story: a mail of it was passed on to an outside address (R23).
const EventForwarded = "forwarded"

// QueueForward puts a mail that passes another one on into the outbox. The contact stays with its agent, and is not answered by it (R23).
func (s *Store) QueueForward(ctx context.Context, c postroom.Command, id postroom.OfferID, r Reply) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "queue a mail that is passed on",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferAccepted {
				return "", notYours(o)
			}
			if err := checkSendAt(ctx, tx, r.SendAt); err != nil {
				return "", err
			}
			writeReply(tx, c, o, r)
			if len(r.Files) > 0 {
				tx.later(forwardFiles, r.Message, texts(r.Files))
			}
			contact.note(tx, change{event: EventForwarded, actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater,
				detail: map[string]string{"outbox": string(r.Outbox), "message": string(r.Message)}})
			return o.State, nil
		},
	})
}

func never(postroom.OfferState) bool { return false }

func writeReply(tx *txn, c postroom.Command, o offerRow, r Reply) {
	refs := make([]string, len(r.Refs))
	for i, ref := range r.Refs {
		refs[i] = ref.Reveal()
	}
	tx.later(insertReply, r.Message, o.Contact, r.From.Name.Reveal(), r.From.Address.Reveal(),
		recipientsJSON(visible(r.Recipients)), r.Subject.Reveal(), r.Body.Reveal(), r.MessageID, r.InReplyTo.Reveal(), refs,
		r.Size, r.BlobKey)
	var at *time.Time
	if !r.SendAt.IsZero() {
		at = &r.SendAt
	}
	tx.later(insertOutbox, r.Outbox, o.ID, r.Message, r.Mailbox, c.RequestID, r.EnvelopeFrom, addressesOf(r.Recipients), r.MessageID,
		r.BlobKey, r.DueIn, at, cmp.Or(string(r.Purpose), string(postroom.PurposeReply)))
	writeRecipients(tx, r.Outbox, r.Recipients)
	Showing{HTML: r.HTML}.write(tx, r.Message)
}

var offerToWrapUp = statement(`UPDATE offer SET state = 'wrapup' WHERE id = $1 AND state = 'accepted'`)

// A queue with auto wrap-up says how long the agent has: a later change of the queue acts on later wrap-ups (R24).
var segmentToWrapUp = statement(`
	UPDATE segment g SET state = 'wrapup', handled_at = t.now,
		outcome = CASE WHEN $2 = 'closed_without_reply' AND g.outcome = 'replied' THEN g.outcome ELSE $2 END,
		wrapup_due_at = CASE WHEN q.auto_wrapup_seconds > 0 THEN t.now + make_interval(secs => q.auto_wrapup_seconds) END
	FROM queue q CROSS JOIN (SELECT postroom_now() AS now) t
	WHERE g.offer_id = $1 AND g.state = 'open' AND q.id = g.queue_id`)

// handle begins the wrap-up after Send or Close: offer, segment and contact together (R24).
func handle(ctx context.Context, tx *txn, c postroom.Command, o offerRow, contact *contactRow, event postroom.ContactEvent,
	outcome postroom.Outcome) (postroom.OfferState, error) {
	tx.later(offerToWrapUp, o.ID)
	tx.later(segmentToWrapUp, o.ID, string(outcome))
	return postroom.OfferWrapUp, contact.move(tx, event,
		change{actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater, outcome: outcome})
}

// CloseWithoutReply begins the wrap-up with nothing sent (R17), unless a mail came that the agent has not seen (R22). The draft is kept.
func (s *Store) CloseWithoutReply(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "close a contact without reply",
		same: never,
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferAccepted {
				return "", notYours(o)
			}
			if err := contact.overtakes(ctx, tx, c.Seen); err != nil {
				return "", err
			}
			return handle(ctx, tx, c, o, contact, postroom.ContactClosed, postroom.OutcomeClosedWithoutReply)
		},
	})
}
