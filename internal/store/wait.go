package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
)

type waitRow struct {
	Version     int64
	Arrived     time.Time
	Queued      time.Time
	Step        int
	Target      postroom.AgentID
	TargetUntil *time.Time
	TargetThere bool
	Queue       postroom.QueueID
	Channel     postroom.Channel
	Priority    int // of the queue
	Own         int // the contact's, or the one that a supervisor gave
	Rules       postroom.QueueRules
	Teams       []postroom.TeamID
	TimeZone    string
	Open        []postroom.OpenTime
	Holidays    []postroom.Holiday
	Now         time.Time
}

var readWait = statement(`
	SELECT c.version, c.arrived_at, c.queued_at, c.step::int, coalesce(c.target_agent_id, ''), c.target_until,
	       c.target_agent_id IS NOT NULL AND EXISTS (SELECT FROM agent a JOIN agent_state s ON s.agent_id = a.id
	           WHERE a.id = c.target_agent_id AND a.active AND s.state <> 'logged_out')
	           AND NOT EXISTS (SELECT FROM offer o WHERE o.agent_id = c.target_agent_id AND ` + refusal + `),
	       q.id, q.channel, q.priority::int, coalesce(c.assigned_priority, c.priority)::int, q.rules, coalesce((SELECT array_agg(team_id ORDER BY team_id) FROM queue_team t WHERE t.queue_id = q.id), '{}'),
	       coalesce(h.time_zone, ''), coalesce(h.open, '[]'), coalesce(h.holidays, '[]'), postroom_now()
	FROM contact c JOIN queue q ON q.id = c.queue_id LEFT JOIN business_hours h ON h.id = q.hours_id
	WHERE c.id = $1 AND c.phase = 'waiting'`)

// Wait reads how a contact waits: what routing.Progress needs, in one statement. waiting is false if it does not. now is PostgreSQL's clock.
func (s *Store) Wait(ctx context.Context, id postroom.ContactID) (wait postroom.Wait, now time.Time, waiting bool, err error) {
	r, waiting, err := one[waitRow](ctx, s.pool, readWait, id)
	if err != nil || !waiting {
		return wait, now, false, translate("read a contact's wait", err)
	}
	wait = postroom.Wait{Contact: id, Version: r.Version, ArrivedAt: r.Arrived, QueuedAt: r.Queued, Step: r.Step, Priority: r.Own + r.Priority, Target: r.Target,
		TargetThere: r.TargetThere, Hours: hours(r.TimeZone, r.Open, r.Holidays),
		Queue: postroom.Queue{ID: r.Queue, Channel: r.Channel, Priority: r.Priority, Teams: r.Teams, QueueRules: r.Rules}}
	if r.TargetUntil != nil {
		wait.TargetUntil = *r.TargetUntil
	}
	return wait, r.Now, true, nil
}

var setStep = statement(`UPDATE contact SET step = $2 WHERE id = $1`)

// targetDropped is the note in a contact's story that it does not wait for one agent alone any more.
const targetDropped = "target dropped"

// Advance writes what time has changed about a wait: the stage that it has reached, a target that is over, or that it overflows (R32). It
// does nothing if the contact has changed since the wait was read, and says so. Commit this first, then look for agents.
func (s *Store) Advance(ctx context.Context, w postroom.Wait, c routing.Change) (advanced bool, err error) {
	err = s.write(ctx, "move a contact's wait on", func(ctx context.Context, tx *txn) error {
		advanced = false
		contact, err := lockContact(ctx, tx, w.Contact)
		if err != nil || contact.Phase != postroom.ContactWaiting || contact.Version != w.Version {
			return err
		}
		advanced = true
		if c.Overflow != "" {
			into, err := contact.overflow(ctx, tx, c.Overflow, "max_time", tellLater)
			if err != nil {
				return err
			}
			return contact.flowOn(ctx, tx, into, tellLater)
		}
		if c.DropTarget {
			tx.maybe(dropTarget, w.Contact)
			contact.note(tx, change{event: targetDropped, actor: postroom.System("routing"), agent: w.Target, tell: tellLater})
		}
		if c.Step != w.Step {
			tx.later(setStep, w.Contact, c.Step)
		}
		return nil
	})
	return advanced, err
}

// What waits for an agent who is not there any more waits for anybody, at once.
var dropTargetsOf = statement(`
	WITH his AS (
		SELECT id FROM contact WHERE target_agent_id = $1 AND phase = 'waiting' ORDER BY id FOR NO KEY UPDATE
	), dropped AS (
		UPDATE contact c SET target_agent_id = NULL, target_until = NULL, version = version + 1, tell_at = postroom_now(), tell_attempts = 0
		FROM his WHERE c.id = his.id RETURNING c.id, c.version, c.queue_id
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, queue_id, agent_id)
	SELECT id, postroom_now(), 'target dropped', 'waiting', 'waiting', version, $2, queue_id, $1 FROM dropped`)

var nudge = statement(`
	UPDATE contact SET told = version - 1, tell_at = postroom_now() + interval '2 seconds', tell_attempts = 0
	WHERE id IN (SELECT id FROM contact WHERE id = ANY ($1::uuid[]) AND phase = 'waiting' ORDER BY id FOR NO KEY UPDATE) RETURNING id, version`)

// Nudge notes that the workflows of waiting contacts have to look again, and returns those to tell; who is not told is told by the
// reconciler.
func (s *Store) Nudge(ctx context.Context, contacts ...postroom.ContactID) ([]Untold, error) {
	ids := make([]string, len(contacts))
	for i, c := range contacts {
		ids[i] = string(c)
	}
	told, err := all[Untold](ctx, s.pool, nudge, ids)
	return told, translate("note that contacts have to look again", err)
}
