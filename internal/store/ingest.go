package store

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/postroom/postroom"
)

// Source is where a mail was fetched from.
type Source struct {
	Mailbox     postroom.MailboxID
	Folder      string
	UIDValidity uint32
	UID         uint32
	Size        int64
	Digest      []byte   // HMAC of the bytes as fetched; nil if they could not be fetched
	OldDigests  [][]byte // the same under keys that were rotated out
	// Logical are HMACs of what is the same in a mail that came by two ways: Message-ID, date, sender, text; under all keys, the current one
	// first. None if it has no Message-ID.
	Logical [][]byte

	Proved postroom.ThreadID // the store's own: where a screened mail proved to belong
}

// Recipient is one address of the To or Cc field, or, of our own mail, of Bcc, which is no field.
type Recipient struct {
	Field   string // "to", "cc" or "bcc"
	Address postroom.Address
}

// Arrived is one fetched mail, re-built from the parts that the scanner passed.
type Arrived struct {
	Source      Source
	ID          postroom.MessageID
	Automatic   string   // "" for a person's mail, else what kind of automatic mail it is (R34)
	Report      *Report  // what a bounce, a receipt or a feedback report says; nil for all else
	Standing    Standing // the store's own word on it
	Trust       Trust
	From        postroom.Address
	ReplyTo     postroom.Text
	Recipients  []Recipient
	Subject     postroom.Text
	Body        postroom.Text
	Showing     Showing
	Headers     postroom.Text
	MessageID   postroom.Text // the Message-ID field
	InReplyTo   postroom.Text
	References  []postroom.Text
	Evidence    Evidence
	SentAt      time.Time // the Date field; zero if it has none
	Attachments []ArrivedAttachment
	Findings    []postroom.Finding
	Pending     string // what is to be done in the mailbox afterwards: "mark", "move" or "expunge"

	// Copy is the mail of ours whose proved Message-ID it carries: it may be our own copy of it. Empty: none.
	Copy postroom.OutboxID
	// MayAcknowledge says that nothing in the mail forbids an automatic answer (RFC 3834 section 2).
	MayAcknowledge bool
	// Backlog says that many more wait behind it, so that its contact's workflow is told in its turn; the reconciler is in no hurry with it.
	Backlog bool
}

// Standing says what a message is to its thread.
type Standing string

// The standings of messages.
const (
	StandingOrdinary Standing = ""
	StandingReport   Standing = "report" // a mail system about our own mail; nobody answers it
	// StandingUnverified is of somebody who takes no part in the thread, but knew its token or one of our Message-IDs: he is shown, and no reply
	// goes to him by itself.
	StandingUnverified Standing = "unverified"
	// StandingSpoofed is of a mail that proves to belong to the thread and names somebody who takes part in it, whom the own mail server does not
	// believe to have written it: it is shown with a warning, and nothing is done because of it (R48).
	StandingSpoofed Standing = "spoofed"
)

// ArrivedAttachment is an attachment of a fetched mail; what did not pass has no BlobKey (R29).
type ArrivedAttachment struct {
	ID        postroom.AttachmentID
	Filename  postroom.Text
	MediaType postroom.Text
	Size      int64
	Inline    bool
	ContentID postroom.Text
	Verdict   postroom.AttachmentVerdict
	Reason    string
	BlobKey   string
	Malware   postroom.Malware // what the virus scanner said of what is stored; empty: unscanned
	Name      postroom.Text    // what it calls what it found
}

// Ingested says what became of a fetched mail.
type Ingested struct {
	Arrival postroom.Arrival
	Contact postroom.ContactID // of opened and appended mail, and the one that a bounce concerns
	Version int64              // of that contact
}

type receivedRow struct {
	Arrival postroom.Arrival
	Contact postroom.ContactID
	SameUID bool // else the same bytes under another UID
}

var readReceived = statement(`
	SELECT arrival, coalesce(contact_id::text, ''), mailbox_id = $1 AND folder = $2 AND uidvalidity = $3 AND uid = $4 AS same_uid
	FROM received WHERE (mailbox_id = $1 AND folder = $2 AND uidvalidity = $3 AND uid = $4)
	                 OR (mailbox_id = $1 AND digest = ANY($5) AND arrival <> 'duplicate') OR (logical = ANY($6) AND arrival <> 'duplicate')
	ORDER BY same_uid DESC LIMIT 1`)

var writeReceived = statement(`
	INSERT INTO received (mailbox_id, folder, uidvalidity, uid, size, digest, arrival, reason, message_id, contact_id, at, pending, logical, thread_id)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, '')::uuid, nullif($10, '')::uuid, postroom_now(), $11, $12, nullif($13, '')::uuid)`)

func (src Source) received(tx *txn, arrival postroom.Arrival, reason string, message postroom.MessageID,
	contact postroom.ContactID, pending string) {
	var logical []byte
	if len(src.Logical) > 0 {
		logical = src.Logical[0]
	}
	tx.later(writeReceived, src.Mailbox, src.Folder, int64(src.UIDValidity), int64(src.UID), src.Size, src.Digest, string(arrival),
		reason, string(message), string(contact), pending, logical, string(src.Proved))
}

// seen reports whether this UID, or the same bytes under another, or the same mail by another way, were ingested before; all but the first is
// recorded as a duplicate.
func (src Source) seen(ctx context.Context, tx *txn) (Ingested, bool, error) {
	row, found, err := one[receivedRow](ctx, tx, readReceived, src.Mailbox, src.Folder, int64(src.UIDValidity), int64(src.UID),
		append([][]byte{src.Digest}, src.OldDigests...), src.Logical)
	if err != nil || !found || row.SameUID {
		return Ingested{Arrival: row.Arrival, Contact: row.Contact}, found, err
	}
	src.received(tx, postroom.ArrivalDuplicate, "", "", "", "mark")
	return Ingested{Arrival: postroom.ArrivalDuplicate}, true, nil
}

// Ingest stores a fetched mail, once: it opens a contact, or joins the open contact of its thread (R22), or is screened as
// automatic (R34). It is safe to repeat: the second time it answers what the first did. The intent to start the contact's
// workflow is in the same transaction: told < version.
func (s *Store) Ingest(ctx context.Context, a Arrived) (Ingested, error) {
	var result Ingested
	err := s.write(ctx, "ingest a mail", func(ctx context.Context, tx *txn) error {
		var known bool
		var err error
		if result, known, err = a.Source.seen(ctx, tx); err != nil || known {
			return err
		}
		if a.Report != nil {
			result, err = report(ctx, tx, a)
			return err
		}
		var own bool
		if result, own, err = ownCopy(ctx, tx, a); err != nil || own {
			return err
		}
		result, err = s.deliver(ctx, tx, a)
		return err
	})
	return result, err
}

var readCustomer = statement(`SELECT customer_id::text FROM customer_address WHERE address = lower($1)`)
var insertCustomer = statement(`
	WITH made AS (INSERT INTO customer (id, name) VALUES ($1, $2) RETURNING id)
	INSERT INTO customer_address (address, customer_id) SELECT lower($3), id FROM made`)

var insertNameless = statement(`INSERT INTO customer (id, name) VALUES ($1, $2)`)

// customerOf finds the customer who has an address, or makes one. Two at once: the second transaction runs again. Who has no address, as many mail
// systems when they write, is a customer of his own each time: nothing says that two of them are one.
func customerOf(ctx context.Context, tx *txn, name, address string) (postroom.CustomerID, error) {
	if !strings.Contains(address, "@") {
		id := postroom.CustomerID(newID())
		tx.later(insertNameless, id, name)
		return id, nil
	}
	id, found, err := value[postroom.CustomerID](ctx, tx, readCustomer, address)
	if err != nil || found {
		return id, err
	}
	id = postroom.CustomerID(newID())
	tx.later(insertCustomer, id, name, address)
	return id, nil
}

var lockThread = statement(`SELECT id::text FROM thread WHERE id = $1 FOR NO KEY UPDATE`)
var insertThread = statement(`INSERT INTO thread (id, customer_id) VALUES ($1, $2)`)
var openContactOf = statement(`SELECT id::text FROM contact WHERE thread_id = $1 AND phase <> 'done'`)

var insertContact = statement(`
	WITH opened AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, tell_at, acknowledge)
		SELECT $1, id, customer_id, 'email', $3, $4, postroom_now(), 'new', postroom_now() + $5,
		       $7 AND EXISTS (SELECT FROM queue WHERE active AND acknowledgement <> '') FROM thread WHERE id = $2 RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, $6, '{}' FROM opened`)

// deliver stores a mail in its thread and contact, if a person wrote it who may write to us and does not write as programs do; else it is
// screened (R34, R49).
func (s *Store) deliver(ctx context.Context, tx *txn, a Arrived) (Ingested, error) {
	l := a.letter()
	reason, err := s.screens(ctx, tx, a, l)
	if err != nil {
		return Ingested{}, err
	}
	if reason != "" {
		var proved found
		if l.evidence.strong() {
			if proved, _, err = l.proved(ctx, tx); err != nil {
				return Ingested{}, err
			}
		}
		return screen(tx, a, reason, proved.Thread), nil
	}
	if a.Trust.Identity != IdentityRefuted {
		tx.maybe(markGood, l.from) // who writes from it can be written to
	}
	customer, err := customerOf(ctx, tx, a.From.Name.Reveal(), l.from)
	if err != nil {
		return Ingested{}, err
	}
	at, err := placeOf(ctx, tx, l, customer)
	if err != nil {
		return Ingested{}, err
	}
	if at.known {
		loops, err := looping(ctx, tx, countOfThread, at.thread, s.loops.PerThread)
		if err != nil {
			return Ingested{}, err
		}
		if loops {
			return screen(tx, a, ScreenedLoop, at.thread), nil
		}
	}
	if err := holdReplies(ctx, tx, at.thread); err != nil {
		return Ingested{}, err
	}
	a.Standing = at.standing
	if at.open != nil {
		return join(ctx, tx, a, l, customer, at)
	}
	id := postroom.ContactID(newID())
	by := postroom.Actor{Kind: postroom.ActorCustomer, ID: string(customer)}
	tx.later(insertContact, id, at.thread, a.Source.Mailbox, a.Subject.Reveal(), a.tell(), by.String(), a.MayAcknowledge && at.standing == StandingOrdinary)
	writeMessage(tx, a, at.thread, id)
	at.remembered(tx, l)
	a.Source.received(tx, postroom.ArrivalOpened, "", a.ID, id, a.Pending)
	return Ingested{postroom.ArrivalOpened, id, 1}, nil
}

// screens says why a mail is screened before it is placed; "" if it is not.
func (s *Store) screens(ctx context.Context, tx *txn, a Arrived, l letter) (string, error) {
	if _, blocked, err := value[string](ctx, tx, readBlocked, patterns(l.from)); err != nil || blocked {
		return ScreenedBlocked, err
	}
	if a.Automatic != "" {
		return a.Automatic, nil
	}
	if a.Trust.Spam {
		return ScreenedSpam, nil
	}
	loops, err := looping(ctx, tx, countOfSender, l.from, s.loops.PerSender)
	if err != nil || !loops {
		return "", err
	}
	return ScreenedLoop, nil
}

// lockOpenContact locks the open contact of a locked thread; nil if it has none. A contact that was completed while we waited for
// its lock is not open any more, and its completion may have opened another.
func lockOpenContact(ctx context.Context, tx *txn, thread postroom.ThreadID) (*contactRow, error) {
	for {
		id, found, err := value[postroom.ContactID](ctx, tx, openContactOf, thread)
		if err != nil || !found {
			return nil, err
		}
		contact, err := lockContact(ctx, tx, id)
		if err != nil || contact.Phase != postroom.ContactDone {
			return contact, err
		}
	}
}

// tell is how soon the reconciler tells of a mail.
func (a Arrived) tell() time.Duration {
	if a.Backlog {
		return tellInTurn
	}
	return tellSoon
}

// join adds a mail to the open contact of its thread, and shows it to whoever holds it (R22).
func join(ctx context.Context, tx *txn, a Arrived, l letter, customer postroom.CustomerID, at place) (Ingested, error) {
	contact, id := at.open, at.open.ID
	writeMessage(tx, a, at.thread, id)
	at.remembered(tx, l)
	by := postroom.Actor{Kind: postroom.ActorCustomer, ID: string(customer)}
	wrote := change{event: EventCustomerWrote, actor: by, tell: a.tell()}
	if a.Standing != StandingOrdinary {
		wrote.detail = map[string]string{"standing": string(a.Standing)}
	}
	contact.note(tx, wrote)
	if contact.Phase == postroom.ContactParked {
		if err := contact.resume(ctx, tx, by, a.tell()); err != nil {
			return Ingested{}, err
		}
	}
	a.Source.received(tx, postroom.ArrivalAppended, "", a.ID, id, a.Pending)
	now, err := snapshot(ctx, tx, id)
	if err != nil {
		return Ingested{}, err
	}
	if now.Agent != "" {
		tx.publish(now.Agent, Event{Kind: EventContact, Contact: id, Offer: now.Offer})
	}
	return Ingested{postroom.ArrivalAppended, id, contact.Version}, nil
}

var insertMessage = statement(`
	INSERT INTO message (id, thread_id, contact_id, direction, from_name, from_address, reply_to, recipients, subject, body, headers,
		internet_message_id, in_reply_to, refs, automatic, masked, size, sent_at, standing, trust, identity, reply_elsewhere, received_at)
	VALUES ($1, nullif($2, '')::uuid, nullif($3, '')::uuid, 'in', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
		postroom_now())`)
var insertAttachment = statement(`
	INSERT INTO attachment (id, message_id, ordinal, filename, media_type, size, inline, content_id, verdict, reason, blob_key, malware, malware_name)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
var insertFinding = statement(`
	INSERT INTO finding (contact_id, message_id, place, kind, brand, last4, detector)
	VALUES (nullif($1, '')::uuid, nullif($2, '')::uuid, $3, $4, $5, $6, $7)`)

func writeMessage(tx *txn, a Arrived, thread postroom.ThreadID, contact postroom.ContactID) {
	refs := make([]string, len(a.References))
	for i, r := range a.References {
		refs[i] = r.Reveal()
	}
	var sent *time.Time
	if !a.SentAt.IsZero() {
		sent = &a.SentAt
	}
	tx.later(insertMessage, a.ID, string(thread), string(contact), a.From.Name.Reveal(), a.From.Address.Reveal(),
		a.ReplyTo.Reveal(), recipientsJSON(a.Recipients), a.Subject.Reveal(), a.Body.Reveal(), a.Headers.Reveal(), a.MessageID.Reveal(),
		a.InReplyTo.Reveal(), refs, a.Automatic, len(a.Findings) > 0, a.Source.Size, sent, string(a.Standing), a.Trust.row(), string(a.Trust.Identity),
		a.Trust.Elsewhere)
	for i, t := range a.Attachments {
		tx.later(insertAttachment, t.ID, a.ID, i, t.Filename.Reveal(), t.MediaType.Reveal(), t.Size, t.Inline,
			t.ContentID.Reveal(), string(t.Verdict), t.Reason, t.BlobKey, string(cmp.Or(t.Malware, postroom.MalwareUnscanned)), t.Name.Reveal())
	}
	a.Showing.write(tx, a.ID)
	writeFindings(tx, contact, a.ID, a.Findings)
}

func writeFindings(tx *txn, contact postroom.ContactID, message postroom.MessageID, findings []postroom.Finding) {
	for _, f := range findings {
		tx.later(insertFinding, string(contact), string(message), f.Place, string(f.Kind), f.Brand, f.Last4, f.Detector)
	}
}

// recipientRow is a recipient as the database keeps it.
type recipientRow struct {
	Field   string `json:"field"`
	Name    string `json:"name"`
	Address string `json:"address"`
}

func recipientsJSON(recipients []Recipient) []byte {
	rows := make([]recipientRow, len(recipients))
	for i, r := range recipients {
		rows[i] = recipientRow{r.Field, r.Address.Name.Reveal(), r.Address.Address.Reveal()}
	}
	b, err := json.Marshal(rows)
	if err != nil {
		panic(err) // strings only
	}
	return b
}

// Quarantine records a mail that could not be fetched, read or inspected: a pointer and a reason, no byte of it (R36).
func (s *Store) Quarantine(ctx context.Context, src Source, reason postroom.Reason) (Ingested, error) {
	var result Ingested
	err := s.write(ctx, "quarantine a mail", func(ctx context.Context, tx *txn) error {
		var known bool
		var err error
		if result, known, err = src.seen(ctx, tx); err != nil || known {
			return err
		}
		result = Ingested{Arrival: postroom.ArrivalQuarantined}
		src.received(tx, postroom.ArrivalQuarantined, string(reason), "", "", "mark")
		return nil
	})
	return result, err
}
