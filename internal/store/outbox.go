package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
)

// Sending is an attempt to send a reply that is under way. Token is this attempt's: whoever holds another one may not send.
type Sending struct {
	Outbox       postroom.OutboxID
	Contact      postroom.ContactID
	Mailbox      postroom.MailboxID
	Token        string
	Attempt      int
	Age          time.Duration // since the reply was queued
	BlobKey      string
	EnvelopeFrom string
	EnvelopeTo   []string // those who still need it: nobody who got it is in a second attempt
}

// TakenToSend is the answer to TakeToSend.
type TakenToSend struct {
	Take     bool              // send it, with Sending
	Sending  Sending           //
	Delivery postroom.Delivery // the state of the reply, after this call
	Wait     time.Duration     // if it is not due yet
	ProbeIn  time.Duration     // if its fate is unknown: until somebody looks for it
}

type outboxRow struct {
	Contact  postroom.ContactID
	Mailbox  postroom.MailboxID
	State    postroom.Delivery
	Dot      bool
	Attempts int
	Due      float64
	Age      float64
	Blob     string
	From     string
	To       []string
	Held     bool
	Probe    *float64 // until the next look for it, in seconds, if its fate is unknown
}

var lockOutbox = statement(`
	SELECT contact_id, mailbox_id, state, dot_sent_at IS NOT NULL, attempts, extract(epoch FROM due_at - postroom_now())::float8,
	       extract(epoch FROM postroom_now() - coalesce(released_at, send_at, created_at))::float8, blob_key, envelope_from, ` + stillToSend + `, held_at IS NOT NULL,
	       extract(epoch FROM probe_at - postroom_now())::float8
	FROM outbox x WHERE id = $1 FOR NO KEY UPDATE`)
var startAttempt = statement(`
	UPDATE outbox SET state = 'sending', attempt_token = $2, attempts = attempts + 1, dot_sent_at = NULL, probe_at = NULL, probes = 0 WHERE id = $1`)
var beginProbing = statement(`
	UPDATE outbox SET probe_at = postroom_now() + $2::interval, probes = 0 WHERE id = $1 AND state = 'sending' AND probe_at IS NULL`)

// TakeToSend begins an attempt, if the reply is due and nobody knows its fate. An earlier attempt that died before its final dot is
// taken over with a new token, so that it can never send any more; one that died after it may have been accepted: the reply is looked for
// (ProbeIn), and never sent again without a person's word (R21). One that is held is not sent either, until somebody says so (R22).
func (s *Store) TakeToSend(ctx context.Context, id postroom.OutboxID) (TakenToSend, error) {
	var taken TakenToSend
	err := s.write(ctx, "take a reply to send", func(ctx context.Context, tx *txn) error {
		taken = TakenToSend{}
		r, found, err := one[outboxRow](ctx, tx, lockOutbox, id)
		if err != nil {
			return err
		}
		if !found {
			return postroom.NotFound("unknown_reply", "there is no such reply")
		}
		taken.Delivery = r.State
		if r.State.Settled() {
			return nil
		}
		if r.State == postroom.DeliverySending && r.Dot {
			if taken.ProbeIn = s.ProbeAfter(); r.Probe != nil {
				taken.ProbeIn = max(overdue, seconds(*r.Probe))
				return nil
			}
			tx.later(beginProbing, id, s.ProbeAfter())
			return nil
		}
		if r.Held {
			return nil
		}
		if wait := seconds(r.Due); wait > 0 {
			taken.Wait = wait
			return nil
		}
		token := uuid.NewString()
		tx.later(startAttempt, id, token)
		tx.maybe(startRecipients, id)
		taken.Take, taken.Delivery = true, postroom.DeliverySending
		taken.Sending = Sending{Outbox: id, Contact: r.Contact, Mailbox: r.Mailbox, Token: token, Attempt: r.Attempts + 1, Age: seconds(r.Age),
			BlobKey: r.Blob, EnvelopeFrom: r.From, EnvelopeTo: r.To}
		return nil
	})
	return taken, err
}

var markDot = statement(`
	UPDATE outbox SET dot_sent_at = postroom_now() WHERE id = $1 AND attempt_token = $2 AND state = 'sending' AND dot_sent_at IS NULL`)

// BeforeDot records that the final dot is about to be sent, and whom the server has refused until then: of them it is known what became, even if the
// answer to the dot is lost. It is Refused when this attempt has been given up on: the connection must be closed without the dot.
func (s *Store) BeforeDot(ctx context.Context, id postroom.OutboxID, token string, refused ...Tried) error {
	superseded := func(rows int64) error {
		if rows == 0 {
			return postroom.Refused("attempt_superseded", "another attempt has taken over")
		}
		return nil
	}
	if len(refused) == 0 {
		tag, err := s.pool.Exec(ctx, markDot, id, token)
		if err != nil {
			return translate("record the final dot", err)
		}
		return superseded(tag.RowsAffected())
	}
	return s.write(ctx, "record the final dot", func(ctx context.Context, tx *txn) error {
		tag, err := tx.Exec(ctx, markDot, id, token)
		if err != nil {
			return err
		}
		tried(tx, id, refused)
		return superseded(tag.RowsAffected())
	})
}

// Attempted is how an attempt ended.
type Attempted struct {
	Delivery postroom.Delivery // sent, deferred, failed; or sending, if the dot was sent and no answer came: it is looked for
	Code     int               // SMTP reply code, 0 if there was none
	Enhanced string            // RFC 3463, "" if there was none
	Text     postroom.Text     // the server's own words: customer text, scanned (R36)
	Retry    time.Duration     // until the next attempt, for deferred
	// Recipients are those of the attempt, each with what became of it; none: all as the whole.
	Recipients []Tried
}

var lockAttempt = statement(`SELECT id::text FROM outbox WHERE id = $1 AND attempt_token = $2 AND state = 'sending' FOR NO KEY UPDATE`)

var endAttempt = statement(`
	UPDATE outbox x SET state = $3, reply_code = nullif($4, 0), enhanced_code = $5, server_text = $6, due_at = postroom_now() + $7,
		dot_sent_at = CASE WHEN $3 = 'deferred' THEN NULL ELSE x.dot_sent_at END,
		probe_at = CASE WHEN $3 = 'sending' THEN coalesce(x.probe_at, postroom_now() + $8::interval) END,
		settled_at = CASE WHEN $3 IN ('deferred', 'sending') THEN NULL ELSE postroom_now() END
	FROM segment g WHERE g.id = x.segment_id AND x.id = $1 AND x.attempt_token = $2 AND x.state = 'sending'
	RETURNING x.contact_id, coalesce(g.agent_id, ''), coalesce(g.offer_id::text, '')`)

// EndAttempt records how an attempt ended, and shows it to the agent who answered. An attempt that was given up on records nothing. While anybody
// is deferred the mail is, and only they are in the next attempt. It returns what became of the mail as a whole.
func (s *Store) EndAttempt(ctx context.Context, id postroom.OutboxID, token string, a Attempted) (postroom.Delivery, error) {
	delivery := a.Delivery
	err := s.write(ctx, "record how a reply was sent", func(ctx context.Context, tx *txn) error {
		delivery = a.Delivery
		_, ours, err := value[string](ctx, tx, lockAttempt, id, token)
		if err != nil || !ours {
			return err
		}
		tried(tx, id, a.Recipients)
		if len(a.Recipients) == 0 {
			tx.maybe(writeAlike, id, string(a.Delivery), a.Code, a.Enhanced, a.Text.Reveal())
		}
		w, known, err := whole(ctx, tx, id)
		if err != nil {
			return err
		}
		if !known {
			w = wholeRow{a.Delivery, a.Code, a.Enhanced, a.Text.Reveal()}
		}
		delivery = w.State
		if delivery != postroom.DeliveryDeferred {
			a.Retry = 0
		}
		return s.settle(ctx, tx, id, endAttempt, token, string(w.State), w.Code, w.Enhanced, w.Text, a.Retry, s.ProbeAfter())
	})
	return delivery, err
}

type answeredRow struct {
	Contact postroom.ContactID
	Agent   postroom.AgentID
	Offer   postroom.OfferID
}

// settle changes the state of a reply and tells the agent who answered.
func (s *Store) settle(ctx context.Context, tx *txn, id postroom.OutboxID, sql string, args ...any) error {
	a, changed, err := one[answeredRow](ctx, tx, sql, append([]any{id}, args...)...)
	if err != nil || !changed {
		return err
	}
	if a.Agent == "" { // no person wrote it
		return showHolder(ctx, tx, a.Contact)
	}
	tx.publish(a.Agent, Event{Kind: EventContact, Contact: a.Contact, Offer: a.Offer})
	return nil
}
