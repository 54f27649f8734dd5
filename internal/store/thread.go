package store

import (
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// Evidence is what of a mail may lead into a thread. Threads and Replies are proved: the caller verified that our keys made what names them. All
// else only suggests, as others may know it.
type Evidence struct {
	Threads     []postroom.ThreadID // by the token in an address that the mail was sent to
	Replies     []postroom.OutboxID // by our own Message-IDs: In-Reply-To, then References from right to left
	ThreadIndex string              // the first 22 bytes of Thread-Index, in hexadecimal: a moment and a GUID of the first mail
}

// strong reports whether anything is proved.
func (e Evidence) strong() bool { return len(e.Threads)+len(e.Replies) > 0 }

// threadLife is how long after its last mail a thread without an open contact is gone on with. Later mail begins a new one, and points there.
const threadLife = 90 * 24 * time.Hour

// maxKeys bounds the ids that lead into a thread, of one mail.
const maxKeys = 24

// letter is what of a mail says where it belongs: when it comes, and again when it is released.
type letter struct {
	message    postroom.MessageID
	from       string
	ids        []string // what it refers to, the newest first
	own        string   // its Message-ID
	recipients []string
	evidence   Evidence
	identity   Identity
}

func (a Arrived) letter() letter {
	l := letter{message: a.ID, from: a.From.Address.Reveal(), ids: []string{a.InReplyTo.Reveal()}, own: a.MessageID.Reveal(), evidence: a.Evidence,
		identity: a.Trust.Identity}
	for _, r := range slices.Backward(a.References) {
		l.ids = append(l.ids, r.Reveal())
	}
	for _, r := range a.Recipients {
		l.recipients = append(l.recipients, r.Address.Address.Reveal())
	}
	return l
}

// keys are the weak evidence of a mail: what it refers to; its own id, as an answer to it may have come before it; and the conversation that
// Outlook counts it to.
func (l letter) keys() []string {
	var keys []string
	for _, id := range l.ids {
		if usable(id) && !slices.Contains(keys, id) && len(keys) < maxKeys-2 {
			keys = append(keys, id)
		}
	}
	if usable(l.own) && !slices.Contains(keys, l.own) {
		keys = append(keys, l.own)
	}
	if l.evidence.ThreadIndex != "" {
		keys = append(keys, "thread-index:"+l.evidence.ThreadIndex)
	}
	slices.Sort(keys) // everybody inserts them in one order
	return keys
}

func usable(id string) bool { return id != "" && len(id) <= 500 }

// place is where a mail belongs.
type place struct {
	thread   postroom.ThreadID
	known    bool        // it was there before
	open     *contactRow // the thread's open contact, locked
	standing Standing
	hints    []hint
}

// hint is a thread that a mail may belong to as well.
type hint struct {
	thread   postroom.ThreadID
	evidence string // reference, thread_index or old
}

// found is a thread that evidence leads to.
type found struct {
	Thread postroom.ThreadID
	Takes  bool // the sender takes part in it
	Fresh  bool // it has an open contact, or its last mail is not old
}

// A sender takes part in the thread whose customer he is, to which somebody who takes part has added him, or in which we have written to him; to whom a mail
// was passed on does not: it was not his (R23).
const takesPart = `(EXISTS (SELECT FROM customer_address k WHERE k.address = lower($2) AND k.customer_id = t.customer_id)
	OR EXISTS (SELECT FROM thread_participant p WHERE p.thread_id = t.id AND p.address = lower($2))
	OR EXISTS (SELECT FROM message s JOIN outbox x ON x.message_id = s.id WHERE s.thread_id = t.id AND x.purpose <> 'forward'
		AND x.envelope_to && ARRAY[$2, lower($2)]))`

const isFresh = `(EXISTS (SELECT FROM contact c WHERE c.thread_id = t.id AND c.phase <> 'done')
	OR EXISTS (SELECT FROM message m WHERE m.thread_id = t.id AND m.received_at > postroom_now() - $3::interval))`

var findProved = statement(`
	WITH named AS (
		SELECT id, n FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)
		UNION ALL
		SELECT m.thread_id, 1000 + u.n FROM unnest($4::uuid[]) WITH ORDINALITY AS u (id, n) JOIN outbox x ON x.id = u.id JOIN message m ON m.id = x.message_id
	)
	SELECT t.id, ` + takesPart + ` AS takes, ` + isFresh + ` AS fresh
	FROM named JOIN thread o ON o.id = named.id JOIN thread t ON t.id = coalesce(o.merged_into, o.id) ORDER BY named.n LIMIT 1`)

// The sender's own threads come first, so that nobody can hide them behind others with the same ids.
var findSuggested = statement(`
	SELECT DISTINCT ON (takes, t.id) t.id, ` + takesPart + ` AS takes, ` + isFresh + ` AS fresh
	FROM thread_key y JOIN thread o ON o.id = y.thread_id JOIN thread t ON t.id = coalesce(o.merged_into, o.id)
	WHERE y.key = ANY($1) ORDER BY takes DESC, t.id LIMIT 5`)

var lockCustomer = statement(`SELECT id::text FROM customer WHERE id = $1 FOR NO KEY UPDATE`)
var lockThreadOnce = statement(`SELECT coalesce(merged_into, id)::text FROM thread WHERE id = $1 FOR NO KEY UPDATE`)

// placeOf finds the thread of a person's mail, in the order of the evidence (R22):
//
//  1. what is proved: the mail joins, and if its sender takes no part in the thread, as unverified: a token lets one append, never read;
//  2. what suggests, if the sender takes part: the mail joins;
//  3. what suggests, and anybody else: a new thread, with a hint.
//
// Who only claims to take part, and is refuted by the own mail server, is shown as that where the mail proves to belong, and is anybody else otherwise
// (R48). A thread that is over since long gets a hint only. The customer is locked, so that his mails are placed one after the other: of two that come
// at once, one would not see the thread that the other makes.
func placeOf(ctx context.Context, tx *txn, l letter, customer postroom.CustomerID) (place, error) {
	if _, err := tx.Exec(ctx, lockCustomer, customer); err != nil {
		return place{}, err
	}
	from := l.from
	var p place
	if l.evidence.strong() {
		proved, is, err := l.proved(ctx, tx)
		if err != nil {
			return p, err
		}
		if is && proved.Fresh {
			err := p.join(ctx, tx, proved)
			if l.identity == IdentityRefuted && p.standing == StandingOrdinary {
				p.standing = StandingSpoofed
			}
			return p, err
		}
		if is {
			p.hints = append(p.hints, hint{proved.Thread, "old"})
		}
	}
	suggested, err := all[found](ctx, tx, findSuggested, l.keys(), from, threadLife)
	if err != nil {
		return p, err
	}
	for _, f := range suggested {
		if f.Takes && f.Fresh && len(p.hints) == 0 && l.identity != IdentityRefuted {
			return p, p.join(ctx, tx, f)
		}
		evidence := "reference"
		if !f.Fresh {
			evidence = "old"
		}
		if !slices.ContainsFunc(p.hints, func(h hint) bool { return h.thread == f.Thread }) {
			p.hints = append(p.hints, hint{f.Thread, evidence})
		}
	}
	p.thread = postroom.ThreadID(newID())
	tx.later(insertThread, p.thread, customer)
	return p, nil
}

// proved finds the thread that a mail proves to belong to.
func (l letter) proved(ctx context.Context, tx *txn) (found, bool, error) {
	return one[found](ctx, tx, findProved, texts(l.evidence.Threads), l.from, threadLife, texts(l.evidence.Replies))
}

// join locks a thread and its open contact. A thread that was merged into another while we waited is followed.
func (p *place) join(ctx context.Context, tx *txn, f found) error {
	p.thread, p.known, p.hints = f.Thread, true, nil
	for range 3 {
		now, _, err := value[postroom.ThreadID](ctx, tx, lockThreadOnce, p.thread)
		if err != nil {
			return err
		}
		if now == p.thread {
			break
		}
		p.thread = now
	}
	if !f.Takes {
		p.standing = StandingUnverified
	}
	var err error
	p.open, err = lockOpenContact(ctx, tx, p.thread)
	return err
}

var insertKeys = statement(`INSERT INTO thread_key (key, thread_id) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING`)
var insertHint = statement(`INSERT INTO thread_hint (message_id, thread_id, evidence) VALUES ($1, $2, $3)`)

// Our own addresses take no part, with a tag or without.
var insertParticipants = statement(`
	INSERT INTO thread_participant (thread_id, address) SELECT DISTINCT $1::uuid, lower(a) FROM unnest($2::text[]) a
	WHERE a LIKE '%@%' AND length(a) <= 320 AND regexp_replace(lower(a), '\+[^@]*@', '@') NOT IN (SELECT lower(address) FROM mailbox UNION ALL SELECT address FROM entry_point)
	ON CONFLICT DO NOTHING`)

// remembered writes what leads into a mail's thread from now on. Who is not verified leads nobody there.
func (p place) remembered(tx *txn, l letter) {
	for _, h := range p.hints {
		tx.later(insertHint, l.message, h.thread, h.evidence)
	}
	if p.standing != StandingOrdinary {
		return
	}
	if keys := l.keys(); len(keys) > 0 {
		tx.maybe(insertKeys, p.thread, keys)
	}
	tx.maybe(insertParticipants, p.thread, append([]string{l.from}, l.recipients[:min(len(l.recipients), 50)]...))
}

// texts are ids as PostgreSQL's driver takes them.
func texts[T ~string](ids []T) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
