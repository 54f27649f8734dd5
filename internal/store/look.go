package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// foreseen is how many candidates a choice reads: those who refused lately come last, so that whoever is left out would not be chosen.
const foreseen = 64

// atOnce bounds what a look reads of what waits for the agent alone, and of what he refused.
const atOnce = 32

type candidateRow struct {
	Type     postroom.RoutingType
	Agent    postroom.AgentID
	Free     time.Time
	Score    int
	Declined int
	Missed   int
	Last     *time.Time
	LookDue  bool
	Now      time.Time
}

// open is whether a queue's contacts are offered now. One that has hours and no span is closed until the span is written.
const open = `(q.hours_id IS NULL OR coalesce(q.open_from <= postroom_now() AND postroom_now() < q.open_until, false))`

// Who of the lane that the contact stands in has room, or its target alone. Refusals count since it came into its queue (R11).
var readCandidates = statement(`
	WITH c AS MATERIALIZED (
		SELECT c.id, c.queue_id, c.step, c.channel, c.queued_at, c.target_agent_id, q.rules ->> 'type' AS type, postroom_now() AS now
		FROM contact c JOIN queue q ON q.id = c.queue_id WHERE c.id = $1 AND c.phase = 'waiting' AND ` + open + `
	), refused AS MATERIALIZED (
		SELECT o.agent_id, count(*) FILTER (WHERE o.state = 'declined') AS declined, count(*) FILTER (WHERE o.state <> 'declined') AS missed,
		       max(o.ended_at) AS last
		FROM c JOIN offer o ON o.contact_id = c.id AND o.ended_at >= c.queued_at AND o.state IN ('declined', 'expired', 'unreachable') GROUP BY 1
	), able AS (
		SELECT l.agent_id, l.score FROM c JOIN agent_lane l ON l.queue_id = c.queue_id AND l.step = c.step WHERE c.target_agent_id IS NULL
		UNION ALL
		SELECT c.target_agent_id, 0 FROM c WHERE c.target_agent_id IS NOT NULL
	)
	SELECT c.type, r.agent_id, r.free_since, l.score::int, coalesce(f.declined, 0)::int, coalesce(f.missed, 0)::int, f.last,
	       (SELECT s.wants_work FROM agent_state s WHERE s.agent_id = r.agent_id), c.now
	FROM c CROSS JOIN able l JOIN agent_room r ON r.agent_id = l.agent_id AND r.channel = c.channel AND r.room > 0
	LEFT JOIN refused f ON f.agent_id = r.agent_id
	ORDER BY coalesce(f.last > c.now - $2::interval, false), CASE WHEN c.type = 'skills_best_available' THEN -l.score ELSE 0 END,
	         r.free_since, r.agent_id
	LIMIT $3`)

// Candidates reads who could take a waiting contact now, and by which rule one is chosen, without a lock: a claim tests it again. They come
// in the order of that rule, those who refused it lately last, and not endlessly many. Nobody can while the queue is closed. now is
// PostgreSQL's clock, zero if there is nobody.
func (s *Store) Candidates(ctx context.Context, id postroom.ContactID) (by postroom.RoutingType, candidates []postroom.Candidate, now time.Time, err error) {
	rows, err := all[candidateRow](ctx, s.pool, readCandidates, id, postroom.ExclusionTime, foreseen)
	if err != nil {
		return by, nil, now, translate("read candidates", err)
	}
	for _, r := range rows {
		candidates = append(candidates, postroom.Candidate{Agent: r.Agent, FreeSince: r.Free, Score: r.Score,
			Refusals: refusals(r.Declined, r.Missed, r.Last), LookDue: r.LookDue})
		by, now = r.Type, r.Now
	}
	return by, candidates, now, nil
}

func refusals(declined, missed int, last *time.Time) postroom.Refusals {
	r := postroom.Refusals{Declined: declined, Missed: missed}
	if last != nil {
		r.Last = *last
	}
	return r
}

type headRow struct {
	Contact  postroom.ContactID
	Version  int64
	Queue    postroom.QueueID
	Type     postroom.RoutingType
	Step     int
	Score    int
	Priority int
	Ageing   int
	Arrived  time.Time
	Targeted bool
	Declined int
	Missed   int
	Last     *time.Time
	Others   int
	Now      time.Time
}

// refusal is what counts against offering a contact c to an agent again (R11).
const refusal = `o.contact_id = c.id AND o.ended_at >= c.queued_at AND o.state IN ('declined', 'expired', 'unreachable')`

// Per lane of the agent the first contact that he has not refused lately; what waits for him alone; and what he refused and still waits,
// for which he may be the only one. Each is a probe of an index, however many contacts wait; refusals are counted for what he refused only.
var readHeads = statement(`
	WITH refused AS MATERIALIZED (
		SELECT DISTINCT c.id FROM offer o JOIN contact c ON c.id = o.contact_id
		WHERE o.agent_id = $1 AND o.ended_at > postroom_now() - $2::interval AND c.phase = 'waiting' AND ` + refusal + `
	), aside AS MATERIALIZED (
		SELECT coalesce(array_agg(id), '{}') || $3::uuid[] AS ids FROM refused
	), serves AS MATERIALIZED (
		SELECT q.* FROM queue q JOIN agent_room r ON r.agent_id = $1 AND r.channel = q.channel AND r.room > 0 WHERE ` + open + `
	), heads AS (
		SELECT c.*, l.score, 0 AS others
		FROM agent_lane l JOIN serves q ON q.id = l.queue_id CROSS JOIN aside a
		CROSS JOIN LATERAL (SELECT * FROM contact c WHERE c.queue_id = l.queue_id AND c.step = l.step AND c.phase = 'waiting'
			AND c.target_agent_id IS NULL AND c.id <> ALL (a.ids) ORDER BY c.rank_at, c.id LIMIT 1) c
		WHERE l.agent_id = $1
		UNION ALL
		SELECT c.*, 0, 0 FROM aside a
		CROSS JOIN LATERAL (SELECT * FROM contact c WHERE c.target_agent_id = $1 AND c.phase = 'waiting' AND c.id <> ALL (a.ids)
			ORDER BY c.rank_at, c.id LIMIT $4) c
		UNION ALL
		(SELECT c.*, coalesce(l.score, 0), CASE WHEN c.target_agent_id IS NULL THEN (SELECT count(*) FROM (
			SELECT FROM agent_lane x JOIN agent_room y ON y.agent_id = x.agent_id AND y.channel = c.channel AND y.room > 0
			WHERE x.queue_id = c.queue_id AND x.step = c.step AND x.agent_id <> $1 AND NOT EXISTS (SELECT FROM offer o
				WHERE o.agent_id = x.agent_id AND o.ended_at > postroom_now() - $2::interval AND ` + refusal + `) LIMIT 1) one) ELSE 0 END
		FROM refused f JOIN contact c ON c.id = f.id AND c.phase = 'waiting'
		LEFT JOIN agent_lane l ON l.agent_id = $1 AND l.queue_id = c.queue_id AND l.step = c.step
		WHERE c.id <> ALL ($3::uuid[]) AND (c.target_agent_id = $1 OR (c.target_agent_id IS NULL AND l.agent_id IS NOT NULL))
		ORDER BY c.rank_at, c.id LIMIT $4)
	)
	SELECT c.id, c.version, q.id, q.rules ->> 'type', c.step::int, c.score::int, (coalesce(c.assigned_priority, c.priority) + q.priority)::int,
	       q.ageing_seconds, c.arrived_at, c.target_agent_id IS NOT NULL, coalesce(r.declined, 0)::int, coalesce(r.missed, 0)::int, r.last,
	       c.others::int, postroom_now()
	FROM heads c JOIN serves q ON q.id = c.queue_id
	LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state = 'declined') AS declined, count(*) FILTER (WHERE o.state <> 'declined') AS missed,
		max(o.ended_at) AS last FROM offer o WHERE c.id IN (SELECT id FROM refused) AND o.agent_id = $1 AND ` + refusal + `) r ON true`)

// Heads reads from what an agent with room may be offered something now, without a lock: the first contact of each of his lanes, those that
// wait for him alone, and those that he refused lately. except are left out: another claim holds their rows. That nothing is there counts
// only without exceptions. now is PostgreSQL's clock, zero if there are none.
func (s *Store) Heads(ctx context.Context, id postroom.AgentID, except ...postroom.ContactID) (waiting []postroom.WaitingContact, now time.Time, err error) {
	held := make([]string, len(except))
	for i, c := range except {
		held[i] = string(c)
	}
	rows, err := all[headRow](ctx, s.pool, readHeads, id, postroom.ExclusionTime, held, atOnce)
	if err != nil {
		return nil, now, translate("read waiting contacts", err)
	}
	for _, r := range rows {
		waiting = append(waiting, postroom.WaitingContact{Contact: r.Contact, Version: r.Version, Queue: r.Queue, Type: r.Type, Step: r.Step,
			Score: r.Score, Priority: r.Priority, AgeingStep: time.Duration(r.Ageing) * time.Second, ArrivedAt: r.Arrived, Targeted: r.Targeted,
			Refusals: refusals(r.Declined, r.Missed, r.Last), Others: r.Others})
		now = r.Now
	}
	return waiting, now, nil
}
