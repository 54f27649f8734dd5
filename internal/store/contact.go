package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postroom/postroom"
)

// How long after a change the reconciler tells the contact's workflow of it, unless it is known to have heard before.
const (
	tellSoon   = 2 * time.Second  // the change came from outside the workflow
	tellInTurn = 20 * time.Second // it is one of many mails that wait, and whoever stores them tells of them at a pace of his own
	tellLater  = 60 * time.Second // the workflow made the change itself; only its record of it may have been lost
	tellNobody = 0                // a remark that is nothing to the workflow: one that knew everything still does
)

// contactRow is a contact under lock.
type contactRow struct {
	ID      postroom.ContactID
	Phase   postroom.ContactPhase
	Version int64
	Queue   postroom.QueueID
	Mailbox postroom.MailboxID
	Thread  postroom.ThreadID
	Channel postroom.Channel
}

var lockContactRow = statement(`
	SELECT id, phase, version, coalesce(queue_id, ''), mailbox_id, thread_id, channel FROM contact WHERE id = $1 FOR NO KEY UPDATE`)

// lockContact locks a contact and reads it. An id that does not exist is NotFound.
func lockContact(ctx context.Context, tx *txn, id postroom.ContactID) (*contactRow, error) {
	row, found, err := one[contactRow](ctx, tx, lockContactRow, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, unknownContact()
	}
	return &row, nil
}

func unknownContact() error {
	return postroom.NotFound(postroom.ReasonUnknownContact, "there is no such contact")
}

// change is one change of a contact, as contact_event tells it. Phases are filled in by move and note.
type change struct {
	event   string
	actor   postroom.Actor
	agent   postroom.AgentID
	offer   postroom.OfferID
	detail  any           // a value that becomes JSON: ids, codes and numbers, never text of a mail
	tell    time.Duration // tellSoon, tellLater or tellNobody
	outcome postroom.Outcome
	queue   postroom.QueueID   // the queue that the contact comes into, when it does
	why     any                // the routing decision
	parked  pgtype.Timestamptz // until when, if it is put aside; infinity: until the customer writes
	target  target             // for whom it waits first
}

// target is the agent for whom a contact waits alone, and for how long.
type target struct {
	agent postroom.AgentID
	until time.Duration
}

var moveContact = statement(`
	WITH moved AS (
		UPDATE contact SET
			phase = $3, version = version + 1, tell_at = postroom_now() + $4, tell_attempts = 0,
			told = CASE WHEN $4 = interval '0' AND told = version THEN version + 1 ELSE told END,
			outcome = CASE WHEN $5 = 'closed_without_reply' AND outcome = 'replied' THEN outcome ELSE coalesce(nullif($5, ''), outcome) END,
			queue_id = coalesce(nullif($6, ''), queue_id),
			queued_at = CASE WHEN $6 <> '' THEN postroom_now() ELSE queued_at END,
			step = CASE WHEN $6 <> '' THEN 0 ELSE step END,
			rank_at = CASE WHEN $6 <> '' THEN arrived_at - coalesce(assigned_priority, priority) *
				(SELECT make_interval(secs => ageing_seconds) FROM queue WHERE id = $6) ELSE rank_at END,
			routed_by = coalesce($7, routed_by),
			target_agent_id = CASE WHEN $3 IN ('waiting', 'offered') THEN coalesce(nullif($14, ''), target_agent_id) END,
			target_until = CASE WHEN $3 IN ('waiting', 'offered') THEN CASE WHEN $14 <> '' THEN postroom_now() + $15::interval ELSE target_until END END,
			parked_until = CASE WHEN $3 = 'parked' THEN coalesce($16, parked_until) END,
			completed_at = CASE WHEN $3 = 'done' THEN coalesce(completed_at, postroom_now()) END
		WHERE id = $1 AND version = $2
		RETURNING id, version, queue_id
	), told AS (
		INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, queue_id, agent_id, offer_id, detail)
		SELECT id, postroom_now(), $8, $9, $3, version, $10, queue_id, nullif($11, ''), nullif($12, '')::uuid, coalesce($13::jsonb, '{}') FROM moved
	)
	SELECT version FROM moved`)

// move changes the phase of a locked contact as postroom.ContactMachine says for event, and records it. It is a Conflict if the
// event does not apply in the phase.
func (r *contactRow) move(tx *txn, event postroom.ContactEvent, c change) error {
	to, err := postroom.ContactMachine.Next(r.Phase, event)
	if err != nil {
		return err
	}
	c.event = string(event)
	r.record(tx, to, c)
	return nil
}

// note records something that happened to a locked contact and left its phase as it was.
func (r *contactRow) note(tx *txn, c change) {
	r.record(tx, r.Phase, c)
}

func (r *contactRow) record(tx *txn, to postroom.ContactPhase, c change) {
	tx.later(moveContact, r.ID, r.Version, string(to), c.tell, string(c.outcome), string(c.queue), marshal(c.why),
		c.event, string(r.Phase), c.actor.String(), string(c.agent), string(c.offer), marshal(c.detail),
		string(c.target.agent), c.target.until, c.parked)
	r.Phase, r.Version = to, r.Version+1
	if c.queue != "" {
		r.Queue = c.queue
	}
}

var openQueueSegment = statement(`
	INSERT INTO segment (id, contact_id, kind, queue_id, caused_by_offer_id, state, started_at)
	VALUES ($1, $2, 'queue', $3, nullif($4, '')::uuid, 'open', postroom_now())`)

// waitAgain opens a stay in the contact's queue; cause is the offer that ended unanswered, if one did. An offer causes one
// stay at most, by constraint (I4).
func (r *contactRow) waitAgain(tx *txn, cause postroom.OfferID) {
	tx.later(openQueueSegment, newID(), r.ID, r.Queue, string(cause))
}

var endQueueSegment = statement(`
	UPDATE segment SET state = 'ended', ended_at = postroom_now() WHERE contact_id = $1 AND kind = 'queue' AND state = 'open'`)

// leaveQueue ends the contact's stay in its queue.
func (r *contactRow) leaveQueue(tx *txn) { tx.later(endQueueSegment, r.ID) }

type snapshotRow struct {
	Version   int64
	Phase     postroom.ContactPhase
	Queue     postroom.QueueID
	Epoch     string
	Offer     postroom.OfferID
	Agent     postroom.AgentID
	State     postroom.OfferState
	ExpiresAt *time.Time
	Remaining float64
	ResumeIn  *float64 // of a parked contact that has a time
	Sends     []pendingRow
	WrapUps   []wrappingRow

	Acknowledge bool
}

type pendingRow struct {
	ID  postroom.OutboxID `json:"id"`
	Due float64           `json:"due"`
}

type wrappingRow struct {
	Offer postroom.OfferID `json:"offer"`
	Due   *float64         `json:"due"` // nil: it does not complete itself
}

var readSnapshot = statement(`
	SELECT c.version, c.phase, coalesce(c.queue_id, ''), i.epoch::text,
	       coalesce(o.id::text, ''), coalesce(o.agent_id, ''), coalesce(o.state, ''), o.expires_at,
	       coalesce(extract(epoch FROM o.expires_at - postroom_now()), 0)::float8,
	       CASE WHEN c.parked_until < 'infinity' THEN extract(epoch FROM c.parked_until - postroom_now()) END::float8,
	       coalesce((SELECT jsonb_agg(jsonb_build_object('id', x.id, 'due', extract(epoch FROM x.due_at - postroom_now())) ORDER BY x.id)
	                 FROM outbox x WHERE x.contact_id = c.id AND x.settled_at IS NULL AND x.held_at IS NULL), '[]'),
	       coalesce((SELECT jsonb_agg(jsonb_build_object('offer', w.id, 'due', extract(epoch FROM g.wrapup_due_at - postroom_now())) ORDER BY w.id)
	                 FROM offer w JOIN segment g ON g.offer_id = w.id
	                 WHERE w.contact_id = c.id AND w.state = 'wrapup' AND (w.segment_only OR g.wrapup_due_at IS NOT NULL)), '[]'),
	       c.acknowledge AND c.phase NOT IN ('new', 'done')
	FROM contact c
	CROSS JOIN installation i
	LEFT JOIN offer o ON o.contact_id = c.id AND (o.state IN ('live', 'accepted') OR (o.state = 'wrapup' AND NOT o.segment_only))
	WHERE c.id = $1`)

// snapshot reads a contact as it is now.
func snapshot(ctx context.Context, d db, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	row, found, err := one[snapshotRow](ctx, d, readSnapshot, id)
	if err != nil {
		return postroom.ContactSnapshot{}, err
	}
	if !found {
		return postroom.ContactSnapshot{}, unknownContact()
	}
	return row.snapshot(id), nil
}

func (row snapshotRow) snapshot(id postroom.ContactID) postroom.ContactSnapshot {
	s := postroom.ContactSnapshot{Contact: id, Epoch: row.Epoch, Version: row.Version, Phase: row.Phase, Queue: row.Queue,
		Offer: row.Offer, Agent: row.Agent, Acknowledge: row.Acknowledge}
	if row.State == postroom.OfferLive {
		s.ExpiresAt, s.Remaining = row.ExpiresAt.UTC(), seconds(row.Remaining)
	}
	if row.ResumeIn != nil {
		s.ResumeIn = max(overdue, seconds(*row.ResumeIn))
	}
	for _, p := range row.Sends {
		s.Sends = append(s.Sends, postroom.PendingSend{Outbox: p.ID, DueIn: max(0, seconds(p.Due))})
	}
	for _, w := range row.WrapUps {
		pending := postroom.PendingWrapUp{Offer: w.Offer}
		if w.Due != nil {
			pending.DueIn = max(overdue, seconds(*w.Due))
		}
		s.WrapUps = append(s.WrapUps, pending)
	}
	return s
}

// overdue is how soon something is due whose time has passed: zero would say that it has none.
const overdue = time.Millisecond

// answer has a contact read as the transaction leaves it, into what to points at.
func (tx *txn) answer(id postroom.ContactID, to *postroom.ContactSnapshot) {
	tx.queued.Queue(readSnapshot, id).Query(func(rows pgx.Rows) error {
		row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[snapshotRow])
		if errors.Is(err, pgx.ErrNoRows) {
			return unknownContact()
		}
		*to = row.snapshot(id)
		return err
	})
}

// LoadContact reads a contact as it is now.
func (s *Store) LoadContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	got, err := snapshot(ctx, s.pool, id)
	return got, translate("load a contact", err)
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// marshal turns a value of our own into JSON, and nil into NULL.
func marshal(v any) []byte {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own ids, codes and numbers come here
	}
	return b
}
