package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/postroom/postroom"
)

// Reasons for which a person's mail is screened; automatic mail has its kind as its reason.
const (
	ScreenedLoop    = "loop"    // more mails in an hour than people write
	ScreenedBlocked = "blocked" // its sender is blocked (R49)
	ScreenedSpam    = "spam"    // the own mail server took it for spam, and the mailbox is told to believe that
)

// LoopLimits say how many mails in an hour are let through; what comes beyond is screened with reason loop (R34). Two programs that answer each
// other end there.
type LoopLimits struct {
	PerThread int // 30 by default
	PerSender int // 100 by default
}

func (l LoopLimits) orDefaults() LoopLimits {
	return LoopLimits{cmp.Or(l.PerThread, 30), cmp.Or(l.PerSender, 100)}
}

// What came is counted up to the limit only.
var countOfSender = statement(`
	SELECT count(*)::int FROM (SELECT FROM message WHERE direction = 'in' AND md5(lower(from_address)) = md5(lower($1))
		AND received_at > postroom_now() - interval '1 hour' LIMIT $2) n`)
var countOfThread = statement(`
	SELECT count(*)::int FROM (SELECT FROM message WHERE direction = 'in' AND thread_id = $1 AND standing <> 'report'
		AND received_at > postroom_now() - interval '1 hour' LIMIT $2) n`)
var readBlocked = statement(`SELECT pattern FROM blocked_sender WHERE pattern = ANY($1) LIMIT 1`)

// patterns are the blocks that an address would fall under: itself, its domain, and the domains above that.
func patterns(address string) []string {
	address = strings.ToLower(strings.TrimSpace(address))
	_, domain, ok := strings.Cut(address, "@")
	all := []string{address}
	for ok && domain != "" && len(all) < 20 {
		all = append(all, "@"+domain)
		_, domain, ok = strings.Cut(domain, ".")
	}
	return all
}

// looping reports whether a count is at its limit.
func looping(ctx context.Context, tx *txn, sql string, of any, limit int) (bool, error) {
	n, _, err := value[int](ctx, tx, sql, of, limit)
	return n >= limit, err
}

// screen keeps a mail out of the queues, visibly. thread is where it proved to belong.
func screen(tx *txn, a Arrived, reason string, thread postroom.ThreadID) Ingested {
	writeMessage(tx, a, "", "")
	a.Source.Proved = thread
	a.Source.received(tx, postroom.ArrivalScreened, reason, a.ID, "", a.Pending)
	return Ingested{Arrival: postroom.ArrivalScreened}
}

// ScreenedMail is a mail that was kept out of the queues, or left in its mailbox.
type ScreenedMail struct {
	Message  postroom.MessageID // "" for a mail that was left in its mailbox
	Mailbox  postroom.MailboxID
	Arrival  postroom.Arrival // screened or quarantined
	Reason   string
	FromName string
	From     string
	Subject  string
	At       time.Time
	Size     int64
	Released *time.Time
	Contact  postroom.ContactID // of a released one
	UID      int64
}

// ScreenedFilter says which mails are listed.
type ScreenedFilter struct {
	Team    postroom.TeamID // of the queues of its mailboxes; empty: all
	Mailbox postroom.MailboxID
	Arrival postroom.Arrival // screened or quarantined
	Reason  string
	Before  time.Time // only older ones; zero: all
	Limit   int
}

// A mailbox is a team's where the team serves a queue that answers with it, or to which its entry points lead.
const teamsMailbox = `($1 = '' OR EXISTS (SELECT FROM queue q JOIN queue_team t ON t.queue_id = q.id
	LEFT JOIN entry_point e ON e.queue_id = q.id AND e.mailbox_id = r.mailbox_id
	WHERE t.team_id = $1 AND q.active AND (q.mailbox_id = r.mailbox_id OR e.address IS NOT NULL)))`

var readScreened = statement(`
	SELECT coalesce(m.id::text, ''), r.mailbox_id, r.arrival, r.reason, coalesce(m.from_name, ''), coalesce(m.from_address, ''), coalesce(m.subject, ''), r.at,
	       r.size, r.released_at, coalesce(r.contact_id::text, ''), r.uid
	FROM received r LEFT JOIN message m ON m.id = r.message_id
	WHERE r.arrival IN ('screened', 'quarantined') AND ` + teamsMailbox + ` AND ($2 = '' OR r.mailbox_id = $2) AND ($3 = '' OR r.arrival = $3)
	  AND ($4 = '' OR r.reason = $4) AND ($5::timestamptz IS NULL OR r.at < $5)
	ORDER BY r.at DESC LIMIT $6`)

// Screened lists mails that were kept out of the queues or left in their mailboxes, the newest first.
func (s *Store) Screened(ctx context.Context, f ScreenedFilter) ([]ScreenedMail, error) {
	var before *time.Time
	if !f.Before.IsZero() {
		before = &f.Before
	}
	mails, err := all[ScreenedMail](ctx, s.pool, readScreened, string(f.Team), string(f.Mailbox), string(f.Arrival), f.Reason, before, f.Limit)
	return mails, translate("list screened mail", err)
}

type screenedRow struct {
	Mailbox   postroom.MailboxID
	Contact   postroom.ContactID
	Reason    string
	Thread    postroom.ThreadID
	FromName  string
	From      string
	MessageID string
	InReplyTo string
	Refs      []string
	To        []string
	Identity  Identity
}

var lockScreened = statement(`
	SELECT r.mailbox_id, coalesce(r.contact_id::text, ''), r.reason, coalesce(r.thread_id::text, ''), m.from_name, m.from_address, m.internet_message_id, m.in_reply_to, m.refs,
	       ARRAY(SELECT jsonb_array_elements(m.recipients)->>'address'), m.identity
	FROM received r JOIN message m ON m.id = r.message_id
	WHERE r.message_id = $2 AND r.arrival = 'screened' AND ` + teamsMailbox + ` FOR NO KEY UPDATE OF r`)
var releaseMail = statement(`UPDATE received SET contact_id = $2, released_at = postroom_now() WHERE message_id = $1 AND contact_id IS NULL`)
var placeMail = statement(`UPDATE message SET contact_id = $2, thread_id = $3, standing = $4 WHERE id = $1`)
var openReleased = statement(`
	WITH opened AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, tell_at)
		SELECT $1, t.id, t.customer_id, 'email', $3, m.subject, m.received_at, 'new', postroom_now() FROM thread t, message m WHERE t.id = $2 AND m.id = $4
		RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, $5, jsonb_build_object('released', $4) FROM opened`)

// EventReleased says in a contact's story that a screened mail joined it.
const EventReleased = "mail released"

// Releasing is the wish to release a screened mail.
type Releasing struct {
	Command postroom.Command // the zero Command at the command line
	By      postroom.Actor
	Team    postroom.TeamID // whose supervisor asks; empty: any mailbox
	Message postroom.MessageID
}

// ReleaseScreened has a screened mail join or open a contact as a person's mail does (R34). Released again, it answers with the same contact. A mail
// that was not screened, or not in a mailbox of the team, is NotFound with reason unknown_message.
func (s *Store) ReleaseScreened(ctx context.Context, r Releasing) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "release a screened mail", func(ctx context.Context, tx *txn) error {
		if r.Command.RequestID != "" {
			if _, err := repeated(ctx, tx, r.Command); err != nil {
				return err
			}
		}
		mail, found, err := one[screenedRow](ctx, tx, lockScreened, string(r.Team), r.Message)
		if err != nil {
			return err
		}
		if !found {
			return postroom.NotFound("unknown_message", "there is no such screened mail")
		}
		contact := mail.Contact
		if contact == "" {
			if contact, err = release(ctx, tx, r, mail); err != nil {
				return err
			}
		}
		tx.answer(contact, &result)
		return nil
	})
	return result, err
}

func release(ctx context.Context, tx *txn, r Releasing, mail screenedRow) (postroom.ContactID, error) {
	customer, err := customerOf(ctx, tx, mail.FromName, mail.From)
	if err != nil {
		return "", err
	}
	l := letter{message: r.Message, from: mail.From, ids: append([]string{mail.InReplyTo}, reversed(mail.Refs)...), own: mail.MessageID, recipients: mail.To,
		identity: mail.Identity}
	if mail.Thread != "" {
		l.evidence.Threads = []postroom.ThreadID{mail.Thread}
	}
	at, err := placeOf(ctx, tx, l, customer)
	if err != nil {
		return "", err
	}
	if err := holdReplies(ctx, tx, at.thread); err != nil {
		return "", err
	}
	contact := postroom.ContactID(newID())
	if at.open != nil {
		contact = at.open.ID
		if at.open.Phase == postroom.ContactWrapUp { // it is older than the answer, and would be buried
			return "", postroom.Refused(postroom.ReasonNotWaiting, "its conversation is in wrap-up: release it when that is completed")
		}
		if err := at.open.changedBy(ctx, tx, r.By, EventReleased, map[string]string{"message": string(r.Message)}); err != nil {
			return "", err
		}
	} else {
		tx.later(openReleased, contact, at.thread, mail.Mailbox, r.Message, r.By.String())
	}
	tx.later(placeMail, r.Message, contact, at.thread, string(at.standing))
	at.remembered(tx, l)
	tx.later(releaseMail, r.Message, contact)
	if r.Command.RequestID != "" {
		remember(tx, r.Command, contact)
	}
	audit(tx, r.By, "release mail", "message/"+string(r.Message), map[string]string{"reason": mail.Reason}, map[string]string{"contact": string(contact)})
	return contact, nil
}

func reversed(refs []string) []string {
	refs = slices.Clone(refs)
	slices.Reverse(refs)
	return refs
}

// Blocked is a sender who may not write to us.
type Blocked struct {
	Pattern string
	At      time.Time
	Actor   string
}

var listBlocked = statement(`SELECT pattern, at, actor FROM blocked_sender ORDER BY pattern LIMIT 1000`)
var block = statement(`INSERT INTO blocked_sender (pattern, at, actor) VALUES ($1, postroom_now(), $2) ON CONFLICT DO NOTHING RETURNING pattern`)
var unblock = statement(`DELETE FROM blocked_sender WHERE pattern = $1 RETURNING pattern`)
var ownAddress = statement(`
	SELECT address FROM (SELECT lower(address) AS address FROM mailbox UNION ALL SELECT address FROM entry_point) a
	WHERE address = $1 OR split_part(address, '@', 2) = substr($1, 2) LIMIT 1`)

// Blocked lists who is blocked.
func (s *Store) Blocked(ctx context.Context) ([]Blocked, error) {
	list, err := all[Blocked](ctx, s.pool, listBlocked)
	return list, translate("list blocked senders", err)
}

// Block has mail from an address, or with "@domain" from a domain and those below it, screened with reason blocked, until Unblock (R49). What is
// neither is Invalid; an address of our own is Refused with reason own_address.
func (s *Store) Block(ctx context.Context, c postroom.Command, by postroom.Actor, pattern string) error {
	pattern = strings.ToLower(strings.TrimSpace(pattern))
	local, domain, ok := strings.Cut(pattern, "@")
	malformed := !ok || strings.ContainsAny(pattern, " \t<>,;") || domain == "" || strings.Contains(domain, "@") || len(pattern) > 320 ||
		(local == "" && !strings.Contains(domain, "."))
	return s.write(ctx, "block a sender", func(ctx context.Context, tx *txn) error {
		todo, err := once(ctx, tx, c)
		if err != nil || !todo {
			return err
		}
		if malformed {
			return postroom.Invalid(postroom.ReasonMalformed, "block an address, or @domain")
		}
		_, own, err := value[string](ctx, tx, ownAddress, pattern)
		if err != nil {
			return err
		}
		if own {
			return postroom.Refused("own_address", "this is an address of ours")
		}
		_, changed, err := value[string](ctx, tx, block, pattern, by.String())
		if changed {
			audit(tx, by, "block sender", "sender/"+pattern, nil, nil)
		}
		return err
	})
}

// Unblock ends a block. One that is not there is NotFound.
func (s *Store) Unblock(ctx context.Context, c postroom.Command, by postroom.Actor, pattern string) error {
	pattern = strings.ToLower(strings.TrimSpace(pattern))
	return s.write(ctx, "unblock a sender", func(ctx context.Context, tx *txn) error {
		todo, err := once(ctx, tx, c)
		if err != nil || !todo {
			return err
		}
		_, changed, err := value[string](ctx, tx, unblock, pattern)
		if err != nil {
			return err
		}
		if !changed {
			return postroom.NotFound("unknown_sender", "nobody is blocked by this name")
		}
		audit(tx, by, "unblock sender", "sender/"+pattern, nil, nil)
		return nil
	})
}
