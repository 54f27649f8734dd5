package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Notes in a contact's story about a reply that somebody decided on after it was written.
const (
	EventReplyCancelled = "reply cancelled"
	EventReplyReleased  = "reply sent now" // one that was scheduled or held
	EventReplyResent    = "reply sent again"
)

type heldRow struct {
	Contact postroom.ContactID
	Agent   postroom.AgentID
	Offer   postroom.OfferID
}

var holdScheduled = statement(`
	WITH held AS (
		UPDATE outbox x SET held_at = postroom_now() FROM contact c
		WHERE c.id = x.contact_id AND c.thread_id = $1 AND x.state = 'queued' AND x.send_at IS NOT NULL AND x.held_at IS NULL AND x.released_at IS NULL
		RETURNING x.contact_id, x.segment_id
	)
	SELECT h.contact_id, g.agent_id, g.offer_id FROM held h JOIN segment g ON g.id = h.segment_id`)

// holdScheduled keeps the scheduled replies of a thread, in which the customer has just written, until somebody decides on them, and shows that
// to whoever scheduled them (R22).
func holdReplies(ctx context.Context, tx *txn, thread postroom.ThreadID) error {
	held, err := all[heldRow](ctx, tx, holdScheduled, thread)
	for _, h := range held {
		tx.publish(h.Agent, Event{Kind: EventContact, Contact: h.Contact, Offer: h.Offer})
	}
	return err
}

// Send is a reply as those see it who may still decide on it.
type Send struct {
	Outbox   postroom.OutboxID
	Message  postroom.MessageID
	Contact  postroom.ContactID
	Agent    postroom.AgentID // who wrote it
	Delivery postroom.Delivery
	Attempts int
	Due      time.Time
	SendAt   *time.Time // it was scheduled for then
	HeldAt   *time.Time // the customer has written since, and it waits for somebody's decision
	ProbeAt  *time.Time // what became of it is not known, and it is looked for then
	Queued   time.Time
}

const sendColumns = `
	SELECT x.id, x.message_id, x.contact_id, coalesce(g.agent_id, ''), x.state, x.attempts, x.due_at, x.send_at, x.held_at, x.probe_at, x.created_at
	FROM outbox x JOIN segment g ON g.id = x.segment_id `

var readSends = statement(sendColumns + `WHERE x.contact_id = $1 ORDER BY x.created_at, x.id`)
var readOpenSends = statement(sendColumns + `WHERE (x.settled_at IS NULL OR x.state = 'unknown') ORDER BY x.due_at, x.id LIMIT 1000`)

// Sends reads the replies of a contact, the first one first.
func (s *Store) Sends(ctx context.Context, id postroom.ContactID) ([]Send, error) {
	sends, err := all[Send](ctx, s.pool, readSends, id)
	return sends, translate("read the replies of a contact", err)
}

// OpenSends reads the replies that are not settled, or whose fate is unknown, by when they are due; at most 1,000.
func (s *Store) OpenSends(ctx context.Context) ([]Send, error) {
	sends, err := all[Send](ctx, s.pool, readOpenSends)
	return sends, translate("read the replies on their way", err)
}

// Decision is what somebody decides on a reply that he may still decide on.
type Decision string

// The decisions.
const (
	DecideCancel Decision = "cancel" // a scheduled one, or one that is deferred: it is never sent
	DecideSend   Decision = "send"   // a scheduled or held one: at once
	DecideResend Decision = "resend" // one whose fate is unknown: the same bytes once more
)

// decisions are what each decision does, and in which states: the row's lock decides against an attempt.
var decisions = map[Decision]struct{ sql, event string }{
	DecideCancel: {statement(`
		UPDATE outbox SET state = CASE WHEN EXISTS (SELECT FROM outbox_recipient r WHERE r.outbox_id = $1 AND r.state = 'failed') THEN 'failed'
				WHEN EXISTS (SELECT FROM outbox_recipient r WHERE r.outbox_id = $1 AND r.state = 'sent') THEN 'sent' ELSE 'cancelled' END,
			settled_at = postroom_now()
		WHERE id = $1 AND (state = 'deferred' OR (state = 'queued' AND send_at IS NOT NULL))`), EventReplyCancelled},
	DecideSend: {statement(`
		UPDATE outbox SET due_at = postroom_now(), held_at = NULL, released_at = postroom_now() WHERE id = $1 AND state = 'queued' AND send_at IS NOT NULL`), EventReplyReleased},
	DecideResend: {statement(`
		UPDATE outbox SET state = 'queued', due_at = postroom_now(), settled_at = NULL, attempt_token = NULL, dot_sent_at = NULL,
			send_at = NULL, held_at = NULL, probe_at = NULL, probes = 0, released_at = postroom_now()
		WHERE id = $1 AND state = 'unknown'`), EventReplyResent},
}

type decidedRow struct {
	Outbox postroom.OutboxID
	Agent  postroom.AgentID
	Offer  postroom.OfferID
	State  postroom.Delivery
}

var readDecided = statement(`
	SELECT x.id, coalesce(g.agent_id, ''), coalesce(g.offer_id::text, ''), x.state FROM outbox x JOIN segment g ON g.id = x.segment_id WHERE x.contact_id = $1 AND x.message_id = $2`)

// Decide carries out what somebody decided on a reply, once per request, and records it in the contact's story and in the audit. Only who wrote it
// and his supervisors may (anybody says whether the caller supervises): else it is Forbidden. One that is beyond the decision is a
// Conflict with reason reply_gone, or not_resendable where its fate is known.
func (s *Store) Decide(ctx context.Context, c postroom.Command, anybody Supervises, id postroom.ContactID, message postroom.MessageID, d Decision) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "decide on a reply", func(ctx context.Context, tx *txn) error {
		contact, err := lockContact(ctx, tx, id)
		if err != nil {
			return err
		}
		asked, done, err := one[Request](ctx, tx, readRequest, c.Actor, c.RequestID)
		if err != nil {
			return err
		}
		if done {
			tx.answer(id, &result)
			return same(c, asked.RPC, asked.BodyHash)
		}
		reply, found, err := one[decidedRow](ctx, tx, readDecided, id, message)
		switch {
		case err != nil:
			return err
		case !found:
			return postroom.NotFound(postroom.ReasonUnknownReply, "there is no such reply")
		case reply.Agent != c.Actor && anybody != SupervisesHim:
			return postroom.Forbidden("only who wrote a reply and his supervisors decide on it")
		}
		tag, err := tx.Exec(ctx, decisions[d].sql, reply.Outbox)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 && d == DecideResend {
			return postroom.Conflict(postroom.ReasonNotResendable, "what became of this reply is known, or it is being looked for")
		}
		if tag.RowsAffected() == 0 {
			return postroom.Conflict(postroom.ReasonReplyGone, "the reply is not waiting any more")
		}
		switch d {
		case DecideCancel: // for those who have not got it
			settled(tx, reply.Outbox, postroom.DeliveryCancelled, postroom.DeliveryQueued, postroom.DeliveryDeferred)
		case DecideResend:
			settled(tx, reply.Outbox, postroom.DeliveryQueued, postroom.DeliveryUnknown)
		}
		remember(tx, c, id)
		if d == DecideCancel {
			tx.maybe(returnFiles, reply.Outbox)
		}
		detail := map[string]string{"outbox": string(reply.Outbox), "was": string(reply.State)}
		contact.note(tx, change{event: decisions[d].event, actor: person(c), agent: reply.Agent, offer: reply.Offer, tell: tellSoon, detail: detail})
		audit(tx, person(c), "reply: "+string(d), "contact/"+string(id), nil, detail)
		if reply.Agent != "" {
			tx.publish(reply.Agent, Event{Kind: EventContact, Contact: id, Offer: reply.Offer})
		}
		tx.answer(id, &result)
		return nil
	})
	return result, err
}

// Supervises says whether somebody decides as a supervisor.
type Supervises string

// Whether he does.
const (
	SupervisesNobody Supervises = ""
	SupervisesHim    Supervises = "supervisor"
)
