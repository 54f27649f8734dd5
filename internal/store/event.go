package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// EventKind says what an event in an agent's stream is about. An event says "look": what a reader shows is the row as it is
// when he reads it, so that a late or repeated event does no harm.
type EventKind string

// The kinds of event.
const (
	EventContact EventKind = "contact" // a contact that the agent holds, held or is offered has changed
	EventAgent   EventKind = "agent"   // his own state has changed
	// EventReminder: a reminder that he is to get, or has got, has changed.
	EventReminder EventKind = "reminder"
)

// Event is one entry of a stream. Seq grows by one from entry to entry.
type Event struct {
	Seq     int64
	At      time.Time
	Kind    EventKind
	Contact postroom.ContactID
	Offer   postroom.OfferID
	State   postroom.OfferState // of the offer, as the event found it
	// Reminder is what an EventReminder is about.
	Reminder postroom.ReminderID
}

// Channels of PostgreSQL's NOTIFY. A notification is a hint and may be lost: readers look on connect and every few seconds too.
const (
	NotifyEvents  = "postroom_event"   // payload: the stream's id
	NotifyLook    = "postroom_look"    // payload: the agent for whom work is looked for
	NotifySession = "postroom_session" // payload: the agent whose sessions ended
	NotifyConfig  = "postroom_config"  // payload: the configuration's version
)

var appendEvent = statement(`
	WITH numbered AS (
		UPDATE stream SET seq = seq + 1 WHERE id = $1 RETURNING seq
	), appended AS (
		INSERT INTO event (stream_id, seq, at, kind, contact_id, offer_id, state, reminder_id)
		SELECT $1, seq, postroom_now(), $2, nullif($3, '')::uuid, nullif($4, '')::uuid, $5, nullif($6, '')::uuid FROM numbered RETURNING seq
	)
	SELECT pg_notify('postroom_event', $1) FROM appended`)

type publication struct {
	agent postroom.AgentID
	event Event
}

// publish has an event appended to an agent's stream at the end of the transaction.
func (tx *txn) publish(agent postroom.AgentID, e Event) {
	tx.events = append(tx.events, publication{agent, e})
}

// flush queues the transaction's events, its last statements: a stream's row stays locked from here to the commit, so that commit order
// is the order of numbers. Streams are locked in the order of their ids.
func (tx *txn) flush() {
	slices.SortStableFunc(tx.events, func(a, b publication) int { return cmp.Compare(a.agent, b.agent) })
	for _, p := range tx.events {
		e := p.event
		tx.later(appendEvent, AgentStream(p.agent), string(e.Kind), string(e.Contact), string(e.Offer), string(e.State), string(e.Reminder))
	}
}

// AgentStream is the id of an agent's stream.
func AgentStream(agent postroom.AgentID) string { return "agent/" + string(agent) }

// Head is the end of a stream: its life and its last number.
type Head struct {
	Epoch string
	Seq   int64
}

var readHead = statement(`SELECT i.epoch::text, s.seq FROM installation i, stream s WHERE s.id = $1`)

// StreamHead reads where a stream ends now. An agent who does not exist is NotFound.
func (s *Store) StreamHead(ctx context.Context, stream string) (Head, error) {
	head, found, err := one[Head](ctx, s.pool, readHead, stream)
	if err == nil && !found {
		return head, postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such event stream")
	}
	return head, translate("read a stream's head", err)
}

var readEvents = statement(`
	SELECT seq, at, kind, coalesce(contact_id::text, ''), coalesce(offer_id::text, ''), state, coalesce(reminder_id::text, '')
	FROM event WHERE stream_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`)

// EventsAfter reads at most limit events of a stream after number seq, in order. If the next one is missing because it was
// swept, or seq is beyond the stream's head, resume is false: the reader takes a snapshot and starts from its head.
func (s *Store) EventsAfter(ctx context.Context, stream string, seq int64, limit int) (events []Event, resume bool, err error) {
	head := seq
	for { // twice at most: nothing there, then the head says whether there should be
		events, err = all[Event](ctx, s.pool, readEvents, stream, seq, limit)
		if err != nil {
			return nil, false, translate("read events", err)
		}
		if len(events) > 0 {
			return events, events[0].Seq == seq+1, nil
		}
		if head > seq {
			return nil, false, nil // they were there, and not even the last of them is any more
		}
		now, err := s.StreamHead(ctx, stream)
		if err != nil || now.Seq <= seq {
			return nil, err == nil && now.Seq == seq, err
		}
		head = now.Seq
	}
}

var sweepEvents = statement(`DELETE FROM event WHERE at < postroom_now() - $1::interval`)
var sweepRequests = statement(`DELETE FROM request WHERE at < postroom_now() - $1::interval`)

// How long events can be resumed from, and how long a request is remembered.
const (
	eventRetention   = 24 * time.Hour
	requestRetention = 7 * 24 * time.Hour
)

// Sweep deletes events and requests past their time, and says how many.
func (s *Store) Sweep(ctx context.Context) (int64, error) {
	var swept int64
	err := s.write(ctx, "sweep", func(ctx context.Context, tx *txn) error {
		swept = 0
		for sql, age := range map[string]time.Duration{sweepEvents: eventRetention, sweepRequests: requestRetention, sweepAcknowledged: AcknowledgeAgain} {
			tag, err := tx.Exec(ctx, sql, age)
			if err != nil {
				return err
			}
			swept += tag.RowsAffected()
		}
		return nil
	})
	return swept, err
}
