package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
)

// forgetSpans closes the queues whose hours have changed until their span is written anew.
var forgetSpans = statement(`UPDATE queue SET open_from = NULL, open_until = NULL, opened_for = NULL WHERE hours_id = ANY ($1::text[])`)

type turningRow struct {
	Queue    postroom.QueueID
	TimeZone string
	Open     []postroom.OpenTime
	Holidays []postroom.Holiday
	Now      time.Time
}

var readTurning = statement(`
	SELECT q.id, h.time_zone, h.open, h.holidays, postroom_now()
	FROM queue q JOIN business_hours h ON h.id = q.hours_id WHERE q.active AND coalesce(q.open_until <= postroom_now(), true)
	ORDER BY q.id FOR NO KEY UPDATE OF q SKIP LOCKED`)
var setSpan = statement(`UPDATE queue SET open_from = $2, open_until = $3 WHERE id = $1`)

// A queue has opened since agents were made to look for it: those with room look, and those for whom its contacts wait.
var readOpened = statement(`
	UPDATE queue SET opened_for = open_from WHERE id IN (SELECT id FROM queue
		WHERE hours_id IS NOT NULL AND open_from <= postroom_now() AND postroom_now() < open_until AND opened_for IS DISTINCT FROM open_from
		ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
	RETURNING id`)
var wantWorkFor = statement(`
	WITH concerned AS (
		SELECT s.agent_id FROM agent_state s WHERE s.state = 'available' AND s.idle_after_contact = '' AND s.agent_id IN (
			SELECT l.agent_id FROM agent_lane l JOIN agent_room r ON r.agent_id = l.agent_id AND r.room > 0 WHERE l.queue_id = ANY ($1::text[])
			UNION
			SELECT c.target_agent_id FROM contact c WHERE c.phase = 'waiting' AND c.target_agent_id IS NOT NULL AND c.queue_id = ANY ($1::text[]))
		ORDER BY s.agent_id FOR NO KEY UPDATE OF s
	), wanted AS (
		UPDATE agent_state s SET wants_work = true, wants_seq = wants_seq + 1, wants_since = postroom_now()
		FROM concerned c WHERE s.agent_id = c.agent_id RETURNING s.agent_id
	)
	SELECT pg_notify('postroom_look', agent_id) FROM wanted`)

var readNextTurn = statement(`
	SELECT coalesce(greatest(0.001, extract(epoch FROM min(CASE WHEN open_from > postroom_now() THEN open_from ELSE open_until END) - postroom_now())), 0)::float8
	FROM queue WHERE active AND hours_id IS NOT NULL AND open_until < 'infinity'`)

// TurnHours writes the present or next open span of every queue whose span is over or unknown, and has the agents look for whom a queue has
// opened (R32). It answers how long until a queue opens or closes; zero: none has hours. Any number of processes may call it.
func (s *Store) TurnHours(ctx context.Context) (next time.Duration, err error) {
	err = s.write(ctx, "open and close queues", func(ctx context.Context, tx *txn) error {
		turning, err := all[turningRow](ctx, tx, readTurning)
		if err != nil {
			return err
		}
		for _, q := range turning {
			from, until := routing.OpenSpan(&postroom.BusinessHours{TimeZone: q.TimeZone, Open: q.Open, Holidays: q.Holidays}, q.Now)
			tx.later(setSpan, q.Queue, from, until)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, "have agents look for queues that opened", func(ctx context.Context, tx *txn) error {
		opened, err := values[string](ctx, tx, readOpened)
		if err != nil {
			return err
		}
		if len(opened) > 0 {
			tx.maybe(wantWorkFor, opened)
		}
		left, _, err := value[float64](ctx, tx, readNextTurn)
		next = seconds(left)
		return err
	})
	return next, err
}
