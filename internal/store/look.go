package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

type candidateRow struct {
	Agent    postroom.AgentID
	Free     time.Time
	Type     postroom.RoutingType
	Declined int
	Missed   int
	Last     *time.Time
	Now      time.Time
}

// Refusals count since the contact came into its queue; routing says for how long.
var readCandidates = statement(`
	SELECT s.agent_id, greatest(s.since, coalesce(f.offered_at, s.since)), q.rules ->> 'type',
	       r.declined::int, r.missed::int, r.last, postroom_now()
	FROM contact c
	JOIN queue q ON q.id = c.queue_id
	JOIN queue_team t ON t.queue_id = c.queue_id
	JOIN agent a ON a.team_id = t.team_id AND a.active
	JOIN agent_state s ON s.agent_id = a.id AND s.state = 'available' AND s.idle_after_contact = ''
	JOIN agent_capacity k ON k.agent_id = a.id AND k.channel = c.channel
	CROSS JOIN LATERAL (SELECT count(*) AS held FROM offer o
		WHERE o.agent_id = a.id AND o.channel = c.channel AND o.state IN ('live', 'accepted', 'wrapup')) h
	LEFT JOIN LATERAL (SELECT offered_at FROM offer o WHERE o.agent_id = a.id ORDER BY offered_at DESC LIMIT 1) f ON true
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state = 'declined') AS declined,
			count(*) FILTER (WHERE o.state IN ('expired', 'unreachable')) AS missed, max(o.ended_at) AS last
		FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a.id AND o.state IN ('declined', 'expired', 'unreachable')
			AND o.ended_at >= c.queued_at) r
	WHERE c.id = $1 AND h.held < k.capacity
	ORDER BY s.agent_id`)

// Candidates reads who could take a waiting contact now, without a lock: a claim tests it again. now is PostgreSQL's clock,
// zero if there is nobody.
func (s *Store) Candidates(ctx context.Context, id postroom.ContactID) (by postroom.RoutingType, candidates []postroom.Candidate, now time.Time, err error) {
	rows, err := all[candidateRow](ctx, s.pool, readCandidates, id)
	if err != nil {
		return by, nil, now, translate("read candidates", err)
	}
	for _, r := range rows {
		candidates = append(candidates, postroom.Candidate{Agent: r.Agent, FreeSince: r.Free, Refusals: refusals(r.Declined, r.Missed, r.Last)})
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

type waitingRow struct {
	Contact  postroom.ContactID
	Version  int64
	Queue    postroom.QueueID
	Type     postroom.RoutingType
	Priority int
	Ageing   int
	Arrived  time.Time
	Declined int
	Missed   int
	Last     *time.Time
	Others   int
	Now      time.Time
}

// The heads of the agent's queues, also of one that was retired while a contact was on its way into it. Who else is free is counted only for contacts that he refused: it decides nothing otherwise.
var readWaiting = statement(`
	SELECT c.id, c.version, c.queue_id, q.rules ->> 'type', (c.priority + q.priority)::int, q.ageing_seconds, c.arrived_at, r.declined::int, r.missed::int, r.last,
	       CASE WHEN r.last IS NULL THEN 0 ELSE (
	           SELECT count(*) FROM queue_team t2
	           JOIN agent a2 ON a2.team_id = t2.team_id AND a2.active AND a2.id <> a.id
	           JOIN agent_state s2 ON s2.agent_id = a2.id AND s2.state = 'available' AND s2.idle_after_contact = ''
	           JOIN agent_capacity k2 ON k2.agent_id = a2.id AND k2.channel = c.channel
	           WHERE t2.queue_id = q.id
	             AND (SELECT count(*) FROM offer o WHERE o.agent_id = a2.id AND o.channel = c.channel
	                  AND o.state IN ('live', 'accepted', 'wrapup')) < k2.capacity
	             AND NOT EXISTS (SELECT FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a2.id
	                  AND o.state IN ('declined', 'expired', 'unreachable') AND o.ended_at > postroom_now() - $3::interval)
	       ) END::int, postroom_now()
	FROM agent a
	JOIN queue_team t ON t.team_id = a.team_id
	JOIN queue q ON q.id = t.queue_id
	CROSS JOIN LATERAL (SELECT * FROM contact w WHERE w.queue_id = q.id AND w.phase = 'waiting'
		ORDER BY w.priority DESC, w.arrived_at, w.id LIMIT $2 OFFSET $4) c
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE o.state = 'declined') AS declined,
			count(*) FILTER (WHERE o.state IN ('expired', 'unreachable')) AS missed, max(o.ended_at) AS last
		FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a.id AND o.state IN ('declined', 'expired', 'unreachable')
			AND o.ended_at >= c.queued_at) r
	WHERE a.id = $1 AND a.active`)

// Waiting reads the first contacts of each queue that an agent serves, skip of them left out, without a lock. now is
// PostgreSQL's clock, zero if there are none.
func (s *Store) Waiting(ctx context.Context, id postroom.AgentID, perQueue, skip int) (waiting []postroom.WaitingContact, now time.Time, err error) {
	rows, err := all[waitingRow](ctx, s.pool, readWaiting, id, perQueue, postroom.ExclusionTime, skip)
	if err != nil {
		return nil, now, translate("read waiting contacts", err)
	}
	for _, r := range rows {
		waiting = append(waiting, postroom.WaitingContact{Contact: r.Contact, Version: r.Version, Queue: r.Queue, Type: r.Type,
			Priority: r.Priority, AgeingStep: time.Duration(r.Ageing) * time.Second, ArrivedAt: r.Arrived,
			Refusals: refusals(r.Declined, r.Missed, r.Last), Others: r.Others})
		now = r.Now
	}
	return waiting, now, nil
}

// Want is the note that work is wanted for an agent: the number of the note, to clear it by.
type Want struct {
	Agent postroom.AgentID
	Seq   int64
}

var readWants = statement(`
	SELECT agent_id, wants_seq FROM agent_state WHERE wants_work AND wants_since < postroom_now() - $1::interval ORDER BY wants_since LIMIT 200`)

// Wants lists the agents for whom work has been wanted for longer than age.
func (s *Store) Wants(ctx context.Context, age time.Duration) ([]Want, error) {
	wants, err := all[Want](ctx, s.pool, readWants, age)
	return wants, translate("read who wants work", err)
}

var readWant = statement(`SELECT agent_id, wants_seq FROM agent_state WHERE agent_id = $1 AND wants_work`)

// WantOf reads the note of one agent; found is false if nobody needs to look for him.
func (s *Store) WantOf(ctx context.Context, id postroom.AgentID) (want Want, found bool, err error) {
	want, found, err = one[Want](ctx, s.pool, readWant, id)
	return want, found, translate("read who wants work", err)
}

var clearWant = statement(`UPDATE agent_state SET wants_work = false WHERE agent_id = $1 AND wants_seq = $2 AND wants_work`)

// Looked clears a note after a look that found nothing more, unless it was set again since it was read.
func (s *Store) Looked(ctx context.Context, w Want) error {
	_, err := s.pool.Exec(ctx, clearWant, w.Agent, w.Seq)
	return translate("clear a note that work is wanted", err)
}
