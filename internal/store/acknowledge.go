package store

import (
	"cmp"
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Remarks in a contact's story on its first mail (R34).
const (
	EventAcknowledged   = "acknowledged"
	EventUnacknowledged = "not acknowledged" // and why, in its detail
)

// Silence is why a customer's mail is not acknowledged; "" if it may be.
type Silence string

// Why nothing is sent.
const (
	SilenceOff        Silence = "off"             // its queue acknowledges nothing
	SilenceMoved      Silence = "not_its_first"   // its first mail is in another contact by now
	SilenceAnswered   Silence = "answered"        // a person was faster
	SilenceLate       Silence = "late"            // it came a day ago: nobody wonders any more
	SilenceUnverified Silence = "weak_identity"   // who sent it takes no part in its thread, or did not send it (R48)
	SilenceReplyTo    Silence = "reply_to"        // answers should go elsewhere than where it came from
	SilenceOwn        Silence = "own_address"     // it came from an address of ours
	SilenceBad        Silence = "address_bad"     // mail to him came back
	SilenceBlocked    Silence = "blocked"         // by a supervisor (R49)
	SilenceSender     Silence = "sender_limit"    // he was sent one within 24 hours
	SilenceMailbox    Silence = "mailbox_limit"   // so many went out from the mailbox in this hour that something must be wrong
	SilenceTemplate   Silence = "no_template"     // the template is gone, or something of it cannot be filled in
	SilenceAddress    Silence = "no_mail_address" // what is in From cannot be written to
)

// How many acknowledgements go out.
const (
	AcknowledgeAgain           = 24 * time.Hour // to one sender
	acknowledgeLate            = 24 * time.Hour // after the mail
	DefaultAcknowledgedPerHour = 500            // from one mailbox
)

// Acknowledging is what an acknowledgement is made from.
type Acknowledging struct {
	Due      bool // it is still to be decided
	Silence  Silence
	Template string // its key
	Subjects Subjects

	Mailbox        postroom.MailboxID
	FromName, From string
	PlusAddressing bool
	DKIM           postroom.DKIM
	Thread         postroom.ThreadID

	// Of the mail that opened the contact. It goes to whom that is from, and nowhere else (RFC 3834 section 4).
	ToName, To, MessageID string
	Refs                  []string
}

// Who may be sent one is decided here and nowhere else: before the mail is made, and again when it is queued. That nothing in the mail itself
// forbids it contact.acknowledge says.
var readAcknowledging = statement(`
	SELECT c.acknowledge AND c.phase <> 'new',
	       CASE WHEN q.acknowledgement = '' THEN 'off'
	            WHEN m.id IS NULL THEN 'not_its_first'
	            WHEN c.phase IN ('wrapup', 'done') OR EXISTS (SELECT FROM outbox x WHERE x.contact_id = c.id) THEN 'answered'
	            WHEN c.arrived_at < postroom_now() - $2::interval THEN 'late'
	            WHEN m.standing <> '' OR m.identity = 'refuted' THEN 'weak_identity'
	            WHEN m.reply_to <> '' AND lower(m.reply_to) <> lower(m.from_address) THEN 'reply_to'
	            WHEN regexp_replace(lower(m.from_address), '\+[^@]*@', '@') IN (SELECT lower(address) FROM mailbox UNION ALL SELECT address FROM entry_point) THEN 'own_address'
	            WHEN EXISTS (SELECT FROM address_mark k WHERE k.address = lower(m.from_address) AND k.bad_since IS NOT NULL) THEN 'address_bad'
	            WHEN EXISTS (SELECT FROM acknowledged a WHERE a.address = lower(m.from_address) AND a.at > postroom_now() - $3::interval) THEN 'sender_limit'
	            ELSE '' END,
	       q.acknowledgement, c.id::text, coalesce(m.from_name, ''), coalesce(m.from_address, ''), q.name, q.name_ko, coalesce(m.subject, ''),
	       coalesce(m.received_at, c.arrived_at), coalesce(h.time_zone, ''), coalesce(m.body, ''),
	       b.id, b.name, b.address, b.plus_addressing, b.dkim, c.thread_id, coalesce(m.internet_message_id, ''), coalesce(m.refs, '{}')
	FROM contact c
	JOIN queue q ON q.id = c.queue_id
	JOIN mailbox b ON b.id = q.mailbox_id
	LEFT JOIN business_hours h ON h.id = q.hours_id
	LEFT JOIN LATERAL (SELECT m.* FROM message m JOIN received r ON r.message_id = m.id AND r.arrival = 'opened'
		WHERE m.contact_id = c.id ORDER BY m.received_at, m.id LIMIT 1) m ON true
	WHERE c.id = $1`)

// Acknowledging reads what the acknowledgement of a contact's first mail is made from, or why there is none.
func (s *Store) Acknowledging(ctx context.Context, id postroom.ContactID) (Acknowledging, error) {
	a, err := acknowledging(ctx, s.pool, id)
	return a, translate("read what an acknowledgement is made from", err)
}

func acknowledging(ctx context.Context, d db, id postroom.ContactID) (Acknowledging, error) {
	var a Acknowledging
	rows, err := d.Query(ctx, readAcknowledging, id, acknowledgeLate, AcknowledgeAgain)
	if err != nil {
		return a, err
	}
	defer rows.Close()
	if !rows.Next() {
		return a, cmp.Or(rows.Err(), unknownContact())
	}
	on := &a.Subjects
	if err := rows.Scan(&a.Due, &a.Silence, &a.Template, &on.Contact, &on.CustomerName, &on.CustomerAddress, &on.Queue, &on.QueueKo, &on.Subject,
		&on.Received, &on.TimeZone, &on.Text, &a.Mailbox, &a.FromName, &a.From, &a.PlusAddressing, &a.DKIM, &a.Thread, &a.MessageID, &a.Refs); err != nil {
		return a, err
	}
	rows.Close()
	on.Mailbox, a.ToName, a.To = a.From, on.CustomerName, on.CustomerAddress
	if a.Silence != "" {
		return a, rows.Err()
	}
	_, blocked, err := value[string](ctx, d, readBlocked, patterns(a.To))
	if blocked {
		a.Silence = SilenceBlocked
	}
	return a, err
}

// The limits. Whoever sends holds the mailbox's row, then takes the sender's: of two at once the second sees what the first did.
var lockRate = statement(`
	INSERT INTO acknowledgement_rate (mailbox_id, since, sent) VALUES ($1, postroom_now(), 0)
	ON CONFLICT (mailbox_id) DO UPDATE SET
		since = CASE WHEN acknowledgement_rate.since <= postroom_now() - interval '1 hour' THEN postroom_now() ELSE acknowledgement_rate.since END,
		sent = CASE WHEN acknowledgement_rate.since <= postroom_now() - interval '1 hour' THEN 0 ELSE acknowledgement_rate.sent END
	RETURNING sent`)
var countRate = statement(`UPDATE acknowledgement_rate SET sent = sent + 1 WHERE mailbox_id = $1`)
var takeSender = statement(`
	INSERT INTO acknowledged (address, at, contact_id) VALUES (lower($1), postroom_now(), $2)
	ON CONFLICT (address) DO UPDATE SET at = excluded.at, contact_id = excluded.contact_id WHERE acknowledged.at <= postroom_now() - $3::interval
	RETURNING address`)
var sweepAcknowledged = statement(`DELETE FROM acknowledged WHERE at < postroom_now() - $1::interval`)

// limited says which limit an acknowledgement would pass; if none, it counts.
func (s *Store) limited(ctx context.Context, tx *txn, a Acknowledging, id postroom.ContactID) (Silence, error) {
	sent, _, err := value[int](ctx, tx, lockRate, a.Mailbox)
	if err != nil {
		return "", err
	}
	if sent >= cmp.Or(s.options.AcknowledgedPerHour, DefaultAcknowledgedPerHour) {
		return SilenceMailbox, nil
	}
	_, first, err := value[string](ctx, tx, takeSender, a.To, id, AcknowledgeAgain)
	if err != nil {
		return "", err
	}
	if !first {
		return SilenceSender, nil
	}
	tx.later(countRate, a.Mailbox)
	return "", nil
}

var decided = statement(`UPDATE contact SET acknowledge = false WHERE id = $1`)
var insertAcknowledgement = statement(`
	INSERT INTO message (id, thread_id, contact_id, direction, from_name, from_address, recipients, subject, body, internet_message_id,
		in_reply_to, refs, size, blob_key, automatic, sent_at, received_at)
	SELECT $1, c.thread_id, c.id, 'out', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'acknowledgement', postroom_now(), postroom_now() FROM contact c WHERE c.id = $2`)

// It belongs to the contact's first stay in a queue: no agent wrote it.
var queueAcknowledgement = statement(`
	INSERT INTO outbox (id, contact_id, segment_id, message_id, mailbox_id, request_id, envelope_from, envelope_to, internet_message_id,
		blob_key, state, due_at, purpose, created_at)
	SELECT $1, g.contact_id, g.id, $3, $4, $1, $5, $6, $7, $8, 'queued', postroom_now(), 'acknowledgement', postroom_now()
	FROM segment g WHERE g.contact_id = $2 AND g.kind = 'queue' ORDER BY g.started_at, g.id LIMIT 1`)

// Acknowledge puts the acknowledgement of a contact's first mail into the outbox, or records why there is none: silence, if it is not empty, else what
// speaks against it now, the limits last. Decided once, it changes nothing any more.
func (s *Store) Acknowledge(ctx context.Context, id postroom.ContactID, r Reply, silence Silence) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "acknowledge a mail", func(ctx context.Context, tx *txn) error {
		contact, err := lockContact(ctx, tx, id)
		if err != nil {
			return err
		}
		now, err := acknowledging(ctx, tx, id)
		if err == nil && now.Due {
			now.Silence = cmp.Or(now.Silence, silence)
			err = s.acknowledge(ctx, tx, contact, now, r)
		}
		tx.answer(id, &result)
		return err
	})
	return result, err
}

func (s *Store) acknowledge(ctx context.Context, tx *txn, contact *contactRow, now Acknowledging, r Reply) error {
	silence, err := now.Silence, error(nil)
	if silence == "" {
		if silence, err = s.limited(ctx, tx, now, contact.ID); err != nil {
			return err
		}
	}
	tx.later(decided, contact.ID)
	if silence != "" {
		contact.note(tx, change{event: EventUnacknowledged, actor: postroom.System("acknowledgement"), tell: tellLater,
			detail: map[string]string{"why": string(silence)}})
		return nil
	}
	writeAcknowledgement(tx, contact.ID, r)
	contact.note(tx, change{event: EventAcknowledged, actor: postroom.System("acknowledgement"), tell: tellLater,
		detail: map[string]string{"outbox": string(r.Outbox)}})
	return showHolder(ctx, tx, contact.ID)
}

func writeAcknowledgement(tx *txn, id postroom.ContactID, r Reply) {
	refs := make([]string, len(r.Refs))
	for i, ref := range r.Refs {
		refs[i] = ref.Reveal()
	}
	tx.later(insertAcknowledgement, r.Message, id, r.From.Name.Reveal(), r.From.Address.Reveal(), recipientsJSON(r.Recipients), r.Subject.Reveal(),
		r.Body.Reveal(), r.MessageID, r.InReplyTo.Reveal(), refs, r.Size, r.BlobKey)
	tx.later(queueAcknowledgement, r.Outbox, id, r.Message, r.Mailbox, r.EnvelopeFrom, addressesOf(r.Recipients), r.MessageID, r.BlobKey)
	writeRecipients(tx, r.Outbox, r.Recipients)
}

// showHolder tells whoever has the contact, or is offered it, that it has changed.
func showHolder(ctx context.Context, tx *txn, id postroom.ContactID) error {
	now, err := snapshot(ctx, tx, id)
	if err == nil && now.Agent != "" {
		tx.publish(now.Agent, Event{Kind: EventContact, Contact: id, Offer: now.Offer})
	}
	return err
}
