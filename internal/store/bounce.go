package store

import (
	"context"
	"strings"
	"time"

	"github.com/postroom/postroom"
)

// MatchedBy says what led from a report to one of our mails.
type MatchedBy string

// What leads to our mails, the strongest first.
const (
	ByToken      MatchedBy = "token"       // the address that the report was sent to (VERP), verified
	ByEnvelopeID MatchedBy = "envelope_id" // Original-Envelope-Id (RFC 3464): the outbox row's id, which only the mail and its envelope name
	ByMessageID  MatchedBy = "message_id"  // our Message-ID in the mail that came back, verified
	ByRecipient  MatchedBy = "recipient"   // somebody says that mail to this address failed; anybody could
)

// Trace is one way that leads from a report to one of our mails.
type Trace struct {
	Outbox postroom.OutboxID
	By     MatchedBy
}

// Report is what a bounce, a receipt or a feedback report says about one of our mails (R34).
type Report struct {
	Kind string // bounce, receipt or feedback-report
	// Traces lead to the mail, the strongest first; what needed proof was proved by the caller.
	Traces     []Trace
	Recipients []Reported
}

// Reported is what a report says about one recipient. All of it was written by strangers.
type Reported struct {
	Address    postroom.Text // as we wrote it, where the report tells that
	Action     string        // failed, delayed …; displayed …; abuse …
	Status     string        // RFC 3463
	Class      string        // of the status
	Failed     bool          // not delivered, and not tried again
	Hard       bool          // the address itself is wrong or gone
	ReplyCode  int
	Diagnostic postroom.Text
}

// reportedReply is the mail that a report is about.
type reportedReply struct {
	Outbox  postroom.OutboxID
	Contact postroom.ContactID
	Thread  postroom.ThreadID
	Message postroom.MessageID
	Agent   postroom.AgentID
	Offer   postroom.OfferID
	To      []string
	Ours    bool // no person wrote it
}

const reportedColumns = `
	SELECT x.id, x.contact_id, m.thread_id, m.id, coalesce(g.agent_id, ''), coalesce(g.offer_id::text, ''), x.envelope_to, x.purpose = 'acknowledgement'
	FROM outbox x JOIN message m ON m.id = x.message_id LEFT JOIN segment g ON g.id = x.segment_id`

var findReported = statement(reportedColumns + ` WHERE x.id = $1`)

// What names nothing but a recipient is about the last mail that went there, if it is younger than this.
var findReportedByRecipient = statement(reportedColumns + `
	WHERE x.envelope_to && $1 AND x.created_at > postroom_now() - $2::interval AND x.dot_sent_at IS NOT NULL ORDER BY x.created_at DESC LIMIT 1`)

const bounceTime = 5 * 24 * time.Hour // mail servers give up after that (RFC 5321 section 4.5.4.1)

// trace finds the mail that a report is about, and what led there; found is false if it is about none of ours.
func (r Report) trace(ctx context.Context, tx *txn) (reply reportedReply, by MatchedBy, found bool, err error) {
	for _, t := range r.Traces {
		reply, found, err = one[reportedReply](ctx, tx, findReported, t.Outbox)
		if err != nil || found {
			return reply, t.By, found, err
		}
	}
	var addresses []string
	for _, to := range r.Recipients {
		if a := to.Address.Reveal(); a != "" {
			addresses = append(addresses, a, strings.ToLower(a))
		}
	}
	if len(addresses) == 0 {
		return reply, "", false, nil
	}
	reply, found, err = one[reportedReply](ctx, tx, findReportedByRecipient, addresses, bounceTime)
	return reply, ByRecipient, found, err
}

var insertReport = statement(`
	INSERT INTO delivery_report (outbox_id, message_id, kind, matched_by, address, action, status, class, hard, reply_code, diagnostic, at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, postroom_now())`)

// report stores a report, and draws its conclusions for the mail that it is about. One that is about none of ours, or names only a
// recipient, is kept and changes nothing: anybody can write such a mail.
func report(ctx context.Context, tx *txn, a Arrived) (Ingested, error) {
	result := Ingested{Arrival: postroom.ArrivalReport}
	reply, by, found, err := a.Report.trace(ctx, tx)
	if err != nil {
		return result, err
	}
	proved := found && by != ByRecipient
	thread := postroom.ThreadID("")
	if proved {
		thread = reply.Thread
		if _, err := tx.Exec(ctx, lockThread, thread); err != nil {
			return result, err
		}
	}
	a.Standing = StandingReport
	writeMessage(tx, a, thread, "")
	a.Source.received(tx, result.Arrival, "", a.ID, "", a.Pending)
	if !found {
		return result, nil
	}
	recipients := a.Report.Recipients
	if len(recipients) == 0 { // a bounce that says nothing is a bounce all the same
		recipients = []Reported{{Action: "failed", Failed: a.Report.Kind == "bounce"}}
	}
	for _, r := range recipients {
		tx.later(insertReport, reply.Outbox, a.ID, a.Report.Kind, string(by), r.Address.Reveal(), r.Action, r.Status, r.Class, r.Hard, r.ReplyCode,
			r.Diagnostic.Reveal())
	}
	if !proved {
		return result, nil
	}
	switch a.Report.Kind {
	case "bounce":
		return bounce(ctx, tx, reply, recipients)
	case "receipt":
		return result, read(tx, reply, recipients)
	case "feedback-report":
		complained(tx, reply, recipients)
	}
	return result, nil
}

var markRead = statement(`UPDATE message SET read_at = postroom_now() WHERE id = $1 AND read_at IS NULL`)

// read notes that a mail was displayed. It says nothing about who read it, and is never shown as an answer.
func read(tx *txn, reply reportedReply, recipients []Reported) error {
	for _, r := range recipients {
		if r.Action == "displayed" {
			tx.maybe(markRead, reply.Message)
			if reply.Agent != "" {
				tx.publish(reply.Agent, Event{Kind: EventContact, Contact: reply.Contact, Offer: reply.Offer})
			}
			return nil
		}
	}
	return nil
}

var markBad = statement(`
	INSERT INTO address_mark (address, bad_since, bad_status) VALUES (lower($1), postroom_now(), $2)
	ON CONFLICT (address) DO UPDATE SET bad_since = coalesce(address_mark.bad_since, excluded.bad_since), bad_status = excluded.bad_status`)
var markNoBulk = statement(`
	INSERT INTO address_mark (address, no_bulk_since, no_bulk_why) VALUES (lower($1), postroom_now(), $2)
	ON CONFLICT (address) DO UPDATE SET no_bulk_since = coalesce(address_mark.no_bulk_since, excluded.no_bulk_since), no_bulk_why = excluded.no_bulk_why`)
var markGood = statement(`UPDATE address_mark SET bad_since = NULL, bad_status = '' WHERE address = lower($1) AND bad_since IS NOT NULL`)

// sentTo is the address as we wrote it, of a recipient that a report names; found is false if the mail did not go there.
func (r reportedReply) sentTo(address string) (string, bool) {
	for _, to := range r.To {
		if strings.EqualFold(to, address) {
			return to, true
		}
	}
	return "", false
}

// complained has the mail's recipients left out of bulk mail. A report often hides who complained; then it is everybody whom the mail went to.
func complained(tx *txn, reply reportedReply, recipients []Reported) {
	named := false
	for _, r := range recipients {
		if to, ours := reply.sentTo(r.Address.Reveal()); ours {
			tx.later(markNoBulk, to, r.Action)
			named = true
		}
	}
	if named || len(reply.To) != 1 {
		return
	}
	tx.later(markNoBulk, reply.To[0], recipients[0].Action)
}

// A mail that the server took, or may have taken, and that came back. What had failed before stays as it is.
var markBounced = statement(`
	UPDATE outbox SET state = 'bounced', bounced_at = postroom_now(), settled_at = coalesce(settled_at, postroom_now()), enhanced_code = $2,
		held_at = NULL, probe_at = NULL,
		reply_code = nullif($3, 0), server_text = $4
	WHERE id = $1 AND (state IN ('sent', 'unknown') OR (state = 'sending' AND dot_sent_at IS NOT NULL)
		OR (state = 'failed' AND EXISTS (SELECT FROM outbox_recipient r WHERE r.outbox_id = $1 AND r.state = 'bounced'))) RETURNING id`)

// EventReplyBounced is the remark in a contact's story that a reply came back.
const EventReplyBounced = "reply bounced"

var insertBounced = statement(`
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, queue_id, agent_id, detail)
	SELECT id, postroom_now(), 'reply bounced', phase, phase, version, 'system:mail', queue_id, nullif($2, ''), $3 FROM contact WHERE id = $1`)

// bounce draws the conclusions of a bounce (R34): the reply is shown as bounced, an address that is wrong is marked, and the agent who answered
// is told. The customer has no answer then, so somebody has to have the matter: the open contact of the thread, or else a new one, which waits
// first for who answered (I5). A delay is no failure, and a second bounce of the same reply says nothing new.
func bounce(ctx context.Context, tx *txn, reply reportedReply, recipients []Reported) (Ingested, error) {
	result := Ingested{Arrival: postroom.ArrivalReport}
	var failed *Reported
	for i, r := range recipients {
		if !r.Failed {
			continue
		}
		if failed == nil || r.Hard && !failed.Hard {
			failed = &recipients[i]
		}
		to, ours := reply.sentTo(r.Address.Reveal())
		if ours && r.Hard {
			tx.later(markBad, to, r.Status)
		}
		tx.maybe(bounceRecipients, reply.Outbox, to, r.ReplyCode, r.Status, r.Diagnostic.Reveal())
	}
	if failed == nil {
		return result, nil
	}
	open, err := lockOpenContact(ctx, tx, reply.Thread)
	if err != nil {
		return result, err
	}
	_, news, err := value[string](ctx, tx, markBounced, reply.Outbox, failed.Status, failed.ReplyCode, failed.Diagnostic.Reveal())
	if err != nil || !news {
		return result, err
	}
	tx.later(insertBounced, reply.Contact, string(reply.Agent), marshal(map[string]string{"outbox": string(reply.Outbox), "status": failed.Status}))
	if reply.Agent != "" {
		tx.publish(reply.Agent, Event{Kind: EventContact, Contact: reply.Contact, Offer: reply.Offer})
	}
	if reply.Ours { // nobody waits for it: it is shown, and the address is marked
		return result, showHolder(ctx, tx, reply.Contact)
	}
	if open == nil {
		result.Contact, result.Version, err = unanswered(ctx, tx, reply.Contact)
		return result, err
	}
	return noticed(ctx, tx, reply, open)
}

// noticed shows a bounce to whoever holds the open contact of the thread; one that was put aside is taken up again.
func noticed(ctx context.Context, tx *txn, reply reportedReply, open *contactRow) (Ingested, error) {
	result := Ingested{Arrival: postroom.ArrivalReport, Contact: open.ID}
	if open.Phase == postroom.ContactParked {
		if err := open.resume(ctx, tx, postroom.System("mail"), tellSoon); err != nil {
			return result, err
		}
	}
	result.Version = open.Version
	now, err := snapshot(ctx, tx, open.ID)
	if err == nil && now.Agent != "" && (now.Agent != reply.Agent || open.ID != reply.Contact) {
		tx.publish(now.Agent, Event{Kind: EventContact, Contact: open.ID, Offer: now.Offer})
	}
	return result, err
}

var openUnanswered = statement(`
	WITH opened AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, begun_from, tell_at)
		SELECT $2, t.id, t.customer_id, channel, mailbox_id, subject, postroom_now(), 'new', c.id, postroom_now()
		FROM contact c JOIN thread o ON o.id = c.thread_id JOIN thread t ON t.id = coalesce(o.merged_into, o.id) WHERE c.id = $1
		RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, 'system:bounce', jsonb_build_object('from', $1) FROM opened`)

// RuleBounced is the rule by which a contact is in its queue that was opened because the reply of an earlier one came back.
const RuleBounced = "bounced"

// preferredAfterBounce is how long the matter waits for who answered, where the queue sets no time of its own (R22).
const preferredAfterBounce = 15 * time.Minute

// unanswered opens a new contact for a completed one whose reply came back: in its thread and queue, for the agent who answered first.
func unanswered(ctx context.Context, tx *txn, from postroom.ContactID) (postroom.ContactID, int64, error) {
	earlier, found, err := one[earlierRow](ctx, tx, readEarlier, from)
	if err != nil || !found {
		return "", 0, err
	}
	contact := &contactRow{ID: postroom.ContactID(newID()), Phase: postroom.ContactNew, Version: 1, Mailbox: earlier.Mailbox, Thread: earlier.Thread,
		Channel: earlier.Channel}
	tx.later(openUnanswered, from, contact.ID)
	why := map[string]string{"rule": RuleBounced}
	rules, err := contact.enter(ctx, tx, postroom.ContactRouted,
		change{actor: postroom.System("mail"), queue: earlier.Queue, why: why, detail: why, tell: tellSoon}, "")
	if err != nil {
		return "", 0, err
	}
	tx.maybe(preferLastAgent, contact.ID, orElse(rules.PreferredTime, preferredAfterBounce))
	return contact.ID, contact.Version, nil
}

var bouncedInWrapUp = statement(`
	SELECT x.id::text FROM outbox x JOIN segment g ON g.offer_id = $2 WHERE x.contact_id = $1 AND x.bounced_at > g.handled_at AND x.purpose <> 'acknowledgement' LIMIT 1`)

// unansweredUnseen is unanswered for a contact whose wrap-up completed itself after a reply came back: perhaps nobody saw it.
func unansweredUnseen(ctx context.Context, tx *txn, by postroom.Actor, o offerRow) error {
	if by.Kind != postroom.ActorSystem {
		return nil
	}
	_, bounced, err := value[string](ctx, tx, bouncedInWrapUp, o.Contact, o.ID)
	if err != nil || !bounced {
		return err
	}
	_, _, err = unanswered(ctx, tx, o.Contact)
	return err
}
