package store

import (
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
)

// overflowed is the note in a contact's story that it went on to another queue (R32).
const overflowed = "overflowed"

// entryRow is what of a queue decides about a contact that comes into it.
type entryRow struct {
	Rules    postroom.QueueRules
	TimeZone string
	Open     []postroom.OpenTime
	Holidays []postroom.Holiday
	Now      time.Time
}

var readEntry = statement(`
	SELECT q.rules, coalesce(h.time_zone, ''), coalesce(h.open, '[]'), coalesce(h.holidays, '[]'), postroom_now()
	FROM queue q LEFT JOIN business_hours h ON h.id = q.hours_id WHERE q.id = $1`)

// What waits is counted up to the limit only.
var countWaiting = statement(`SELECT count(*)::int FROM (SELECT FROM contact WHERE queue_id = $1 AND phase = 'waiting' LIMIT $2) w`)

var setDue = statement(`UPDATE contact SET due_at = $2 WHERE id = $1 AND due_at IS DISTINCT FROM $2`)

// hours are the business hours of a row that may have none.
func hours(zone string, open []postroom.OpenTime, holidays []postroom.Holiday) *postroom.BusinessHours {
	if zone == "" {
		return nil
	}
	return &postroom.BusinessHours{TimeZone: zone, Open: open, Holidays: holidays}
}

// enter puts a locked contact into the queue c.queue, and opens its stay there; cause is the offer that ended unanswered, if one did. Its
// due time is by the queue's service level, in open hours. While as many contacts wait there as may, it goes on to the queue that it
// overflows to, and so on; a chain of full queues ends with its last (R32). Contacts that come at the same moment may be a few too many.
func (r *contactRow) enter(ctx context.Context, tx *txn, event postroom.ContactEvent, c change, cause postroom.OfferID) (postroom.QueueRules, error) {
	into, found, err := one[entryRow](ctx, tx, readEntry, string(c.queue))
	if err != nil {
		return into.Rules, err
	}
	if !found {
		return into.Rules, postroom.Invalid(postroom.ReasonMalformed, "there is no such queue")
	}
	before := r.Phase
	if before == postroom.ContactWaiting && c.target.agent == "" {
		tx.maybe(dropTarget, r.ID)
	}
	if err := r.move(tx, event, c); err != nil {
		return into.Rules, err
	}
	r.waitAgain(tx, cause)
	if due := into.due(); due != nil || before != postroom.ContactNew {
		tx.maybe(setDue, r.ID, due)
	}
	if c.target.agent != "" {
		return into.Rules, nil // it waits for somebody, and takes nobody's place
	}
	return into.Rules, r.flowOn(ctx, tx, into, c.tell)
}

// flowOn moves a contact that just came into a full queue on, from queue to queue.
func (r *contactRow) flowOn(ctx context.Context, tx *txn, at entryRow, tell time.Duration) error {
	seen := []postroom.QueueID{r.Queue}
	for at.Rules.MaxWaiting > 0 && at.Rules.Overflow != "" && !slices.Contains(seen, at.Rules.Overflow) {
		waiting, _, err := value[int](ctx, tx, countWaiting, string(r.Queue), at.Rules.MaxWaiting+1) // it is one of them
		if err != nil || waiting <= at.Rules.MaxWaiting {
			return err
		}
		seen = append(seen, at.Rules.Overflow)
		if at, err = r.overflow(ctx, tx, at.Rules.Overflow, "max_waiting", tell); err != nil {
			return err
		}
	}
	return nil
}

// overflow moves a waiting contact into the next queue of its chain, where its wait begins anew; when it arrived stays (I8).
func (r *contactRow) overflow(ctx context.Context, tx *txn, to postroom.QueueID, why string, tell time.Duration) (entryRow, error) {
	into, found, err := one[entryRow](ctx, tx, readEntry, string(to))
	if err != nil {
		return into, err
	}
	if !found {
		return into, postroom.Internal("overflow into a queue that does not exist", nil)
	}
	r.leaveQueue(tx)
	r.note(tx, change{event: overflowed, actor: postroom.System("routing"), queue: to, tell: tell,
		detail: map[string]string{"from": string(r.Queue), "why": why}})
	tx.maybe(dropTarget, r.ID)
	r.waitAgain(tx, "")
	tx.maybe(setDue, r.ID, into.due())
	return into, nil
}

var dropTarget = statement(`UPDATE contact SET target_agent_id = NULL, target_until = NULL WHERE id = $1 AND target_agent_id IS NOT NULL`)

// due is when a contact that comes in now should be answered, or nil.
func (e entryRow) due() *time.Time {
	if e.Rules.ServiceLevel == 0 {
		return nil
	}
	due := routing.After(hours(e.TimeZone, e.Open, e.Holidays), e.Now, e.Rules.ServiceLevel)
	if due.IsZero() {
		return nil
	}
	return &due
}

// A customer who writes again waits first for whoever completed his last contact of the thread, if he is there (R22); who only claims to be he does not
// (R48).
var preferLastAgent = statement(`
	UPDATE contact c SET target_agent_id = l.agent_id, target_until = postroom_now() + $2
	FROM contact me CROSS JOIN LATERAL (
		SELECT g.agent_id FROM contact p JOIN segment g ON g.contact_id = p.id AND g.kind = 'agent' AND g.state = 'ended'
		WHERE p.thread_id = me.thread_id AND p.phase = 'done' AND p.id <> me.id ORDER BY p.completed_at DESC, g.ended_at DESC LIMIT 1) l
	JOIN agent a ON a.id = l.agent_id AND a.active JOIN agent_state s ON s.agent_id = a.id AND s.state <> 'logged_out'
	JOIN agent_capacity k ON k.agent_id = a.id AND k.capacity > 0
	WHERE me.id = $1 AND c.id = me.id AND k.channel = me.channel AND c.phase = 'waiting'
	  AND NOT EXISTS (SELECT FROM message m WHERE m.contact_id = me.id AND m.direction = 'in' AND m.identity = 'refuted')`)
