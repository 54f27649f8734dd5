package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// When a reply is looked for whose final dot was not answered, and how often (R21): a copy in the Sent folder takes moments, a receiver's
// greylisting is no matter, as it was the server's answer that was lost.
const (
	DefaultProbeAfter = 90 * time.Second
	DefaultProbeAgain = 3 * time.Minute
	MaxProbes         = 3
)

// ProbeAfter is how long after its attempt a reply is looked for first.
func (s *Store) ProbeAfter() time.Duration { return orElse(s.options.ProbeAfter, DefaultProbeAfter) }

// Unanswered is a reply whose final dot was sent and not answered, as those need it who look for it.
type Unanswered struct {
	Outbox    postroom.OutboxID
	Mailbox   postroom.MailboxID
	MessageID string
	Since     time.Time // when its final dot was sent
	Look      bool      // look for it now
	Wait      time.Duration
	Delivery  postroom.Delivery
}

type lostRow struct {
	Mailbox   postroom.MailboxID
	MessageID string
	Since     *time.Time
	State     postroom.Delivery
	Wait      *float64
}

var readLost = statement(`
	SELECT mailbox_id, internet_message_id, dot_sent_at, state, extract(epoch FROM probe_at - postroom_now())::float8 FROM outbox WHERE id = $1`)

// UnansweredReply reads a reply that is to be looked for; Look is false if it is not, or not yet.
func (s *Store) UnansweredReply(ctx context.Context, id postroom.OutboxID) (Unanswered, error) {
	r, found, err := one[lostRow](ctx, s.pool, readLost, id)
	if err != nil {
		return Unanswered{}, translate("read a reply that is looked for", err)
	}
	if !found {
		return Unanswered{}, postroom.NotFound(postroom.ReasonUnknownReply, "there is no such reply")
	}
	l := Unanswered{Outbox: id, Mailbox: r.Mailbox, MessageID: r.MessageID, Delivery: r.State}
	if r.Since != nil {
		l.Since = *r.Since
	}
	if r.State == postroom.DeliverySending && r.Wait != nil {
		l.Wait = seconds(*r.Wait)
		l.Look = l.Wait <= 0
	}
	return l, nil
}

var readOwnCopy = statement(`
	SELECT EXISTS (SELECT FROM message m WHERE m.internet_message_id = $1 AND m.direction = 'in')
	    OR EXISTS (SELECT FROM delivery_report d JOIN outbox x ON x.id = d.outbox_id WHERE x.internet_message_id = $1 AND d.matched_by <> 'recipient')`)

// OwnCopy reports whether a mail with a reply's Message-ID has come back to one of our mailboxes, as a copy or as a report: then a server took
// it.
func (s *Store) OwnCopy(ctx context.Context, messageID string) (bool, error) {
	found, _, err := value[bool](ctx, s.pool, readOwnCopy, messageID)
	return found, translate("look for a copy of a reply", err)
}

var settleFound = statement(`
	UPDATE outbox x SET state = $2, settled_at = CASE WHEN $2 = 'deferred' THEN NULL ELSE postroom_now() END, probe_at = NULL,
		dot_sent_at = CASE WHEN $2 = 'deferred' THEN NULL ELSE x.dot_sent_at END, due_at = CASE WHEN $2 = 'deferred' THEN postroom_now() ELSE x.due_at END
	FROM segment g WHERE g.id = x.segment_id AND x.id = $1 AND x.state = 'sending' AND x.probe_at IS NOT NULL
	RETURNING x.contact_id, coalesce(g.agent_id, ''), coalesce(g.offer_id::text, '')`)
var settleUnknown = statement(`
	UPDATE outbox x SET state = 'unknown', settled_at = postroom_now(), probe_at = NULL, probes = x.probes + 1
	FROM segment g WHERE g.id = x.segment_id AND x.id = $1 AND x.state = 'sending' AND x.probe_at IS NOT NULL AND x.probes + 1 >= $2
	RETURNING x.contact_id, coalesce(g.agent_id, ''), coalesce(g.offer_id::text, '')`)
var settleLost = statement(`
	UPDATE outbox_recipient r SET state = 'unknown' FROM outbox x WHERE x.id = $1 AND x.state = 'unknown' AND r.outbox_id = x.id AND r.state = 'sending'`)
var lockProbed = statement(`SELECT state = 'sending' AND probe_at IS NOT NULL FROM outbox WHERE id = $1 FOR NO KEY UPDATE`)
var lookAgain = statement(`
	UPDATE outbox SET probes = probes + 1, probe_at = postroom_now() + $2::interval WHERE id = $1 AND state = 'sending' AND probe_at IS NOT NULL`)

// Probed records a look for a reply: found, it was sent; not found, it is looked for again, and after the last time its fate is unknown for good.
// An attempt whose answer came late was faster: then nothing changes.
func (s *Store) Probed(ctx context.Context, id postroom.OutboxID, found Found) (Unanswered, error) {
	err := s.write(ctx, "record a look for a reply", func(ctx context.Context, tx *txn) error {
		var looking bool
		var err error
		if looking, _, err = value[bool](ctx, tx, lockProbed, id); err != nil || !looking {
			return err
		}
		if found == FoundIt { // who was refused before the dot is not among those who are being sent to
			settled(tx, id, postroom.DeliverySent, postroom.DeliverySending)
			w, known, err := whole(ctx, tx, id)
			if err != nil {
				return err
			}
			if !known {
				w.State = postroom.DeliverySent
			}
			return s.settle(ctx, tx, id, settleFound, string(w.State))
		}
		if err := s.settle(ctx, tx, id, settleUnknown, MaxProbes); err != nil {
			return err
		}
		tx.maybe(settleLost, id)
		tx.maybe(lookAgain, id, orElse(s.options.ProbeAgain, DefaultProbeAgain))
		return nil
	})
	if err != nil {
		return Unanswered{}, err
	}
	return s.UnansweredReply(ctx, id)
}

// Found says whether a look found a reply.
type Found string

// What a look found.
const (
	FoundNothing Found = ""
	FoundIt      Found = "found"
)
