package store

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// When the rules of a queue change, its contacts still wait by those of before: at a stage that may not be there any more, in an order by
// another ageing, and with timers of their workflows for other thresholds. So many may wait that the transaction of Apply cannot set them all right;
// it notes that on the queue, and [Store.FitContacts] does it in small steps.

var markRules = statement(`UPDATE queue SET rules_changed = rules_changed + 1, refit_at = coalesce(refit_at, postroom_now()) WHERE id = $1`)

// changeRules notes the queues whose contacts wait by other rules now.
func changeRules(tx *txn, current, wanted postroom.Configuration) {
	was := map[postroom.QueueID]postroom.Queue{}
	for _, q := range current.Queues {
		was[q.ID] = q
	}
	hours := hoursChanged(current, wanted)
	tx.maybe(forgetSpans, slices.Sorted(maps.Keys(hours)))
	for _, q := range wanted.Queues {
		before, known := was[q.ID]
		if !known {
			continue
		}
		if hours[q.Hours] || !reflect.DeepEqual(settledRules(before.QueueRules), settledRules(q.QueueRules)) {
			tx.later(markRules, q.ID)
		}
	}
}

func hoursChanged(current, wanted postroom.Configuration) map[postroom.HoursID]bool {
	was, changed := map[postroom.HoursID]postroom.BusinessHours{}, map[postroom.HoursID]bool{}
	for _, h := range current.Hours {
		was[h.ID] = settledHours(h)
	}
	for _, h := range wanted.Hours {
		before, known := was[h.ID]
		if known && !reflect.DeepEqual(before, settledHours(h)) {
			changed[h.ID] = true
		}
	}
	return changed
}

// standing is a contact that is made to follow new rules.
type standing struct {
	ID     postroom.ContactID
	Queued time.Time
}

var takeSome = statement(`
	SELECT id, coalesce(queued_at, arrived_at) FROM contact WHERE queue_id = $1 AND phase <> 'done' AND fitted < $2 LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED`)

type refitRow struct {
	Queue   postroom.QueueID
	Changed int64
}

var takeRefit = statement(`SELECT id, rules_changed FROM queue WHERE refit_at IS NOT NULL ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`)

// A contact that stands at a stage which its queue does not have any more is at the last one. Workflows of those that wait are told, 50 in a
// second: they look by the new thresholds. Who waits, or has a due time, gets the one of the new service level and hours.
var fitSome = statement(`
	UPDATE contact c SET fitted = $2, step = least(c.step, l.last),
		due_at = CASE WHEN c.phase IN ('waiting', 'offered') OR c.due_at IS NOT NULL THEN f.due ELSE c.due_at END,
		rank_at = CASE WHEN c.rank_at IS NULL THEN NULL
		          ELSE c.arrived_at - coalesce(c.assigned_priority, c.priority) * make_interval(secs => q.ageing_seconds) END,
		told = CASE WHEN c.phase = 'waiting' THEN least(c.told, c.version - 1) ELSE c.told END,
		tell_at = CASE WHEN c.phase = 'waiting' THEN greatest(q.refit_at, postroom_now()) + random() * $3 * interval '20 milliseconds' ELSE c.tell_at END,
		tell_attempts = CASE WHEN c.phase = 'waiting' THEN 0 ELSE c.tell_attempts END
	FROM queue q
	CROSS JOIN LATERAL (SELECT coalesce(max(step), 0) AS last FROM queue_step s WHERE s.queue_id = q.id) l
	CROSS JOIN unnest($4::uuid[], $5::timestamptz[]) AS f (id, due)
	WHERE q.id = $1 AND c.id = f.id`)
var tellNextLater = statement(`UPDATE queue SET refit_at = greatest(refit_at, postroom_now()) + $2 * interval '20 milliseconds' WHERE id = $1`)
var unfitted = statement(`SELECT EXISTS (SELECT FROM contact WHERE queue_id = $1 AND phase <> 'done' AND fitted < $2)`)
var clearRefit = statement(`UPDATE queue SET refit_at = NULL WHERE id = $1 AND rules_changed = $2`)
var agentsOfQueue = statement(`SELECT DISTINCT agent_id FROM agent_lane WHERE queue_id = $1 ORDER BY agent_id`)

// FitContacts makes at most limit contacts of a queue whose rules have changed follow them, and says whether there may be more. When a
// queue's last one is done, its agents look for work: a contact may have come to a stage that admits others.
func (s *Store) FitContacts(ctx context.Context, limit int) (more bool, err error) {
	err = s.write(ctx, "fit contacts to their queue's rules", func(ctx context.Context, tx *txn) error {
		queue, found, err := one[refitRow](ctx, tx, takeRefit)
		if more = found; err != nil || !found {
			return err
		}
		some, err := all[standing](ctx, tx, takeSome, queue.Queue, queue.Changed, limit)
		if err != nil {
			return err
		}
		if len(some) > 0 {
			return fit(ctx, tx, queue, some, limit)
		}
		left, _, err := value[bool](ctx, tx, unfitted, queue.Queue, queue.Changed)
		if err != nil {
			return err
		}
		if left { // somebody else has them locked: the next call
			more = false
			return nil
		}
		agents, err := values[postroom.AgentID](ctx, tx, agentsOfQueue, queue.Queue)
		for _, a := range agents {
			wantWork(tx, a)
		}
		tx.later(clearRefit, queue.Queue, queue.Changed)
		return err
	})
	return more, err
}

// fit makes locked contacts follow the rules that their queue has now.
func fit(ctx context.Context, tx *txn, queue refitRow, some []standing, limit int) error {
	rules, _, err := one[entryRow](ctx, tx, readEntry, string(queue.Queue))
	if err != nil {
		return err
	}
	ids, due := make([]postroom.ContactID, len(some)), make([]*time.Time, len(some))
	for i, s := range some {
		rules.Now = s.Queued
		ids[i], due[i] = s.ID, rules.due()
	}
	tx.later(fitSome, queue.Queue, queue.Changed, limit, texts(ids), due)
	tx.later(tellNextLater, queue.Queue, len(some))
	return nil
}
