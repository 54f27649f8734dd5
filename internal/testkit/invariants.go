package testkit

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Invariant is a property of the whole database: its query gives a line for each row that breaks it.
type Invariant struct {
	Name  string
	Query string
}

// Invariants are what holds in the database at every moment, whoever did what and was killed while doing it: I1–I4 and I7–I10 of the
// requirements as far as rows can show them, and the story of each row. They read the clock's columns, so all writers must have used
// the same clock or later ones. Capacity must not have been taken away from anybody.
func Invariants() []Invariant {
	return []Invariant{
		{"I1: a contact is held as its phase says, once or not at all", `
			SELECT format('contact %s is %s with %s holders %s', c.id, c.phase, count(o.id), array_agg(o.state))
			FROM contact c
			LEFT JOIN offer o ON o.contact_id = c.id AND (o.state IN ('live', 'accepted') OR (o.state = 'wrapup' AND NOT o.segment_only))
			GROUP BY c.id
			HAVING count(o.id) <> CASE WHEN c.phase IN ('offered', 'owned', 'wrapup') THEN 1 ELSE 0 END
			    OR bool_or(o.state <> CASE c.phase WHEN 'offered' THEN 'live' WHEN 'owned' THEN 'accepted' ELSE 'wrapup' END)`},
		{"I1: a contact stays where its phase says", `
			SELECT format('contact %s is %s with segments %s', c.id, c.phase, array_agg(g.kind || ' ' || g.state))
			FROM contact c LEFT JOIN segment g ON g.contact_id = c.id AND g.state <> 'ended'
				AND NOT EXISTS (SELECT FROM offer o WHERE o.id = g.offer_id AND o.segment_only)
			GROUP BY c.id
			HAVING coalesce(min(g.kind || ' ' || g.state), '') <> CASE c.phase WHEN 'waiting' THEN 'queue open' WHEN 'owned' THEN 'agent open'
			           WHEN 'wrapup' THEN 'agent wrapup' ELSE '' END
			    OR count(g.id) > 1`},
		{"I1: what was passed on is wrapped up beside its contact, and holds a slot as long", `
			SELECT format('offer %s is %s, its segment %s %s', o.id, o.state, g.state, g.outcome)
			FROM offer o JOIN segment g ON g.offer_id = o.id
			WHERE o.segment_only <> (coalesce(g.outcome, '') = 'transferred')
			   OR (o.segment_only AND (o.state = 'wrapup') <> (g.state = 'wrapup'))`},
		{"I2: no claim went beyond capacity", `
			SELECT format('offer %s was number %s of %s', o.id, count(h.id), o.agent_id)
			FROM offer o JOIN offer h ON h.agent_id = o.agent_id AND h.channel = o.channel AND h.offered_at <= o.offered_at
				AND coalesce(h.ended_at, 'infinity') > o.offered_at
			JOIN agent_capacity k ON k.agent_id = o.agent_id AND k.channel = o.channel
			GROUP BY o.id, k.capacity HAVING count(h.id) > k.capacity`},
		// Whom a supervisor gives a contact, or who picks one, may be Idle; nobody is RONA or signed out (R33).
		{"I3: an offer goes to somebody Available", `
			SELECT format('offer %s went to %s who was %s', o.id, o.agent_id, l.to_state)
			FROM offer o LEFT JOIN LATERAL (SELECT to_state FROM agent_log l WHERE l.agent_id = o.agent_id AND l.at <= o.offered_at
				ORDER BY l.id DESC LIMIT 1) l ON true
			WHERE coalesce(l.to_state, 'logged_out') <> 'available' AND coalesce(o.reason->>'rule', '') <> 'closed'
				AND (o.accepted_at = o.offered_at AND l.to_state = 'idle') IS NOT TRUE`},
		{"R45: a parked contact is nobody's", `
			SELECT format('contact %s is %s until %s, waits for %s', id, phase, parked_until, target_agent_id)
			FROM contact WHERE (phase = 'parked') <> (parked_until IS NOT NULL) OR (target_agent_id IS NOT NULL AND phase NOT IN ('waiting', 'offered'))`},
		// Idle (Disconnected) may come from one offer that did not reach the agent, while he still has another.
		{"R12: who chose Idle or signed out has no live offer", `
			SELECT format('offer %s is live and %s is %s %s', o.id, o.agent_id, s.state, s.idle_code)
			FROM offer o JOIN agent_state s USING (agent_id)
			WHERE o.state = 'live' AND (s.state = 'logged_out' OR (s.state = 'idle' AND s.idle_code <> 'disconnected'))`},
		{"I4: an offer that ended unanswered put its contact back once", `
			SELECT format('offer %s is %s and caused %s stays and %s requeues', o.id, o.state, stays.n, requeues.n)
			FROM offer o
			CROSS JOIN LATERAL (SELECT count(*) AS n FROM segment g WHERE g.caused_by_offer_id = o.id) stays
			CROSS JOIN LATERAL (SELECT count(*) AS n FROM contact_event e WHERE e.offer_id = o.id AND e.event = 'requeued') requeues
			CROSS JOIN LATERAL (SELECT CASE WHEN o.state IN ('declined', 'expired', 'unreachable', 'withdrawn')
				OR (o.state = 'released' AND o.end_cause <> 'parked' AND NOT o.segment_only) THEN 1 ELSE 0 END AS n) want
			WHERE stays.n <> want.n OR requeues.n <> want.n`},
		{"I4: an offer makes RONA once, and only if the agent is to blame", `
			SELECT format('offer %s ended as %s and made RONA %s times', o.id, o.end_cause, count(l.id))
			FROM offer o LEFT JOIN agent_log l ON l.offer_id = o.id AND l.event = 'misses an offer'
			GROUP BY o.id HAVING count(l.id) <> CASE WHEN o.end_cause = 'rona' THEN 1 ELSE 0 END`},
		{"R8: nothing is accepted late, and nothing expires early", `
			SELECT format('offer %s: %s at %s, until %s', id, state, coalesce(accepted_at, ended_at), expires_at)
			FROM offer WHERE accepted_at >= expires_at OR (end_cause IN ('rona', 'never_shown', 'noticed_late') AND ended_at < expires_at)`},
		{"I7: a mail that opened or joined a contact is a message of one contact", `
			SELECT format('uid %s %s %s', r.uid, r.arrival, r.message_id)
			FROM received r LEFT JOIN message m ON m.id = r.message_id
			WHERE r.arrival IN ('opened', 'appended') AND m.contact_id IS NULL`},
		{"I7: contacts opened, carried, reopened by bounces, begun, split and released are those that are open, completed and merged", `
			SELECT format('%s opened by mails + %s carried + %s by bounces + %s begun by agents + %s split + %s released, %s open + %s completed + %s merged',
				opened, carried, bounced, begun, split, released, open, completed, merged) FROM (
				SELECT (SELECT count(*) FROM received WHERE arrival = 'opened') AS opened, carried, bounced,
				       (SELECT count(*) FROM contact WHERE begun_from IS NOT NULL) - bounced + (SELECT count(*) FROM contact WHERE begun_by IS NOT NULL) AS begun,
				       (SELECT count(*) FROM contact WHERE split_from IS NOT NULL) AS split, released,
				       (SELECT count(*) FROM contact WHERE phase <> 'done') AS open,
				       (SELECT count(*) FROM contact WHERE phase = 'done' AND outcome IS DISTINCT FROM 'merged') AS completed,
				       (SELECT count(*) FROM contact_merge) AS merged
				FROM (SELECT count(*) FILTER (WHERE actor = 'system:carry') AS carried, count(*) FILTER (WHERE actor = 'system:bounce') AS bounced,
				             count(*) FILTER (WHERE detail ? 'released') AS released FROM contact_event WHERE event = 'opened') e) n
			WHERE opened + carried + bounced + begun + split + released <> open + completed + merged`},
		{"I7: what is merged is completed as that, and has no mail left", `
			SELECT format('contact %s is %s as %s, with %s mails', c.id, c.phase, c.outcome, count(x.id))
			FROM contact c LEFT JOIN contact_merge m ON m.from_contact = c.id LEFT JOIN message x ON x.contact_id = c.id
			WHERE c.outcome = 'merged' OR m.from_contact IS NOT NULL GROUP BY c.id, m.from_contact
			HAVING c.outcome IS DISTINCT FROM 'merged' OR c.phase <> 'done' OR m.from_contact IS NULL OR count(x.id) > 0`},
		{"R34: a screened mail has a reason, and a contact if it was released", `
			SELECT format('message %s, %s, released at %s', r.message_id, r.reason, r.released_at) FROM received r JOIN message m ON m.id = r.message_id
			WHERE r.arrival = 'screened' AND (r.reason = '' OR (r.released_at IS NULL) <> (m.contact_id IS NULL))`},
		{"I7: a mail is in the thread of its contact", `
			SELECT format('message %s of contact %s', m.id, c.id) FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.thread_id <> c.thread_id`},
		{"R34: a bounce is the end of a mail that was sent, and says when", `
			SELECT format('reply %s is %s, bounced at %s', id, state, bounced_at) FROM outbox
			WHERE (state = 'bounced') <> (bounced_at IS NOT NULL)`},
		{"I7: a contact that was taken up again is one that was completed in the same thread", `
			SELECT format('contact %s begun from %s', c.id, c.begun_from) FROM contact c JOIN contact b ON b.id = c.begun_from
			WHERE b.phase <> 'done' OR (b.thread_id <> c.thread_id AND b.outcome <> 'merged')`},
		{"R22: no mail is buried in a completed contact", `
			SELECT format('message %s came after contact %s was handled', m.id, c.id)
			FROM message m JOIN contact c ON c.id = m.contact_id
			WHERE c.phase = 'done' AND m.direction = 'in' AND m.received_at > (SELECT max(handled_at) FROM segment g WHERE g.contact_id = c.id)`},
		{"I9: the agent himself ends RONA, nobody and nothing else", `
			SELECT format('%s left RONA for %s: %s by %s', agent_id, to_state, event, actor)
			FROM agent_log WHERE from_state = 'rona' AND to_state <> 'rona'
				AND NOT (event = 'signs out' OR (event IN ('chooses Available', 'chooses Idle') AND actor = 'agent:' || agent_id))`},
		{"I9: RONA outlives a sign-out", `
			SELECT format('%s signed out of RONA, then %s', agent_id, next) FROM (
				SELECT agent_id, from_state, to_state, lead(event) OVER (PARTITION BY agent_id ORDER BY id) AS next FROM agent_log) l
			WHERE from_state = 'rona' AND to_state = 'logged_out' AND next <> 'signs in after RONA'`},
		{"I10: what is done was wrapped up", `
			SELECT format('contact %s is done', c.id) FROM contact c WHERE c.phase = 'done' AND c.outcome IS DISTINCT FROM 'merged' AND NOT EXISTS (
				SELECT FROM segment g JOIN wrapup w ON w.segment_id = g.id WHERE g.contact_id = c.id AND g.state = 'ended')
			UNION ALL
			SELECT format('offer %s is finished', o.id) FROM offer o WHERE o.state = 'finished' AND NOT EXISTS (
				SELECT FROM segment g JOIN wrapup w ON w.segment_id = g.id WHERE g.offer_id = o.id AND g.state = 'ended')`},
		{"R24: no wrap-up completes itself before its time", `
			SELECT format('segment %s was due at %s and completed itself at %s', g.id, g.wrapup_due_at, w.completed_at)
			FROM wrapup w JOIN segment g ON g.id = w.segment_id WHERE w.automatic AND w.completed_at < coalesce(g.wrapup_due_at, 'infinity')`},
		{"R24: a wrap-up is completed once", `
			SELECT format('offer %s is %s and was wrapped up %s times', o.id, o.state, count(w.segment_id))
			FROM offer o JOIN segment g ON g.offer_id = o.id LEFT JOIN wrapup w ON w.segment_id = g.id
			GROUP BY o.id HAVING count(w.segment_id) <> CASE WHEN o.state = 'finished' THEN 1 ELSE 0 END`},
		{"R25: a reminder fires once each time that it is set", `
			SELECT format('reminder %s is %s, fired %s times and was set or changed %s times', r.id, r.state, e.fired, e.changed)
			FROM reminder r CROSS JOIN LATERAL (
				SELECT count(*) FILTER (WHERE event = 'reminder fired') AS fired,
				       count(*) FILTER (WHERE event IN ('reminder set', 'reminder changed')) AS changed
				FROM contact_event e WHERE e.contact_id = r.contact_id AND e.detail ->> 'reminder' = r.id::text) e
			WHERE e.fired > e.changed OR (r.state = 'fired' AND e.fired = 0)`},
		{"a contact's story has no gap and ends where it is", `
			SELECT format('contact %s: version %s at place %s, %s after %s', contact_id, version, place, from_phase, before) FROM (
				SELECT contact_id, version, from_phase, row_number() OVER w AS place, lag(to_phase, 1, 'new') OVER w AS before
				FROM contact_event WHERE event NOT IN ('looked at', 'note added', 'reply bounced') WINDOW w AS (PARTITION BY contact_id ORDER BY id)) e
			WHERE version <> place OR from_phase <> before
			UNION ALL
			SELECT format('contact %s is %s at version %s, its story ends with %s at %s', c.id, c.phase, c.version, e.to_phase, e.version)
			FROM contact c LEFT JOIN LATERAL (SELECT to_phase, version FROM contact_event e
				WHERE e.contact_id = c.id AND e.event NOT IN ('looked at', 'note added', 'reply bounced') ORDER BY id DESC LIMIT 1) e
				ON true
			WHERE (c.phase, c.version) IS DISTINCT FROM (e.to_phase, e.version)`},
		{"an agent's log has no gap and ends where he is", `
			SELECT format('%s: %s from %s after %s', agent_id, event, from_state, before) FROM (
				SELECT agent_id, event, from_state, lag(to_state, 1, 'logged_out') OVER (PARTITION BY agent_id ORDER BY id) AS before
				FROM agent_log) l
			WHERE from_state <> before
			UNION ALL
			SELECT format('%s is %s, his log ends with %s', s.agent_id, s.state, l.to_state)
			FROM agent_state s LEFT JOIN LATERAL (SELECT to_state FROM agent_log l WHERE l.agent_id = s.agent_id ORDER BY id DESC LIMIT 1) l ON true
			WHERE s.state <> coalesce(l.to_state, 'logged_out')`},
		{"a stream is numbered from 1 without gaps", `
			SELECT format('%s: %s events up to %s, head %s', s.id, count(e.seq), max(e.seq), s.seq)
			FROM stream s LEFT JOIN event e ON e.stream_id = s.id
			GROUP BY s.id HAVING count(e.seq) <> s.seq OR coalesce(max(e.seq), 0) <> s.seq`},
	}
}

// Querier is a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Broken evaluates the invariants and describes what breaks them. In a transaction of level repeatable read or above all see the same
// moment; else nobody may write meanwhile.
func Broken(ctx context.Context, q Querier) ([]string, error) {
	var broken []string
	for _, invariant := range Invariants() {
		rows, err := q.Query(ctx, invariant.Query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", invariant.Name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", invariant.Name, err)
		}
		for _, line := range lines {
			broken = append(broken, invariant.Name+": "+line)
		}
	}
	return broken, nil
}

// Violations evaluates the invariants, all at the same moment, and describes what breaks them.
func (d Database) Violations(t testing.TB) []string {
	t.Helper()
	var broken []string
	d.owner(t, func(ctx context.Context, c *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) (err error) {
			broken, err = Broken(ctx, tx)
			return err
		})
	})
	return broken
}

// MustHold fails the test for every invariant that is broken.
func (d Database) MustHold(t testing.TB) {
	t.Helper()
	for _, line := range d.Violations(t) {
		t.Error(line)
	}
}
