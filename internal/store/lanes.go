package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/postroom/postroom"
)

// lane is that an agent may take contacts of a queue from a stage of their wait on, and how well he suits them.
type lane struct {
	Agent postroom.AgentID
	Queue postroom.QueueID
	Step  int16
	Score int16
}

var readLanes = statement(`SELECT agent_id, queue_id, step, score FROM agent_lane ORDER BY agent_id, queue_id, step`)
var clearSteps = statement(`DELETE FROM queue_step`)
var insertSteps = statement(`INSERT INTO queue_step (queue_id, step, after_seconds) SELECT * FROM unnest($1::text[], $2::smallint[], $3::int[])`)
var deleteLanes = statement(`
	DELETE FROM agent_lane l USING unnest($1::text[], $2::text[], $3::smallint[]) AS g (agent_id, queue_id, step)
	WHERE l.agent_id = g.agent_id AND l.queue_id = g.queue_id AND l.step = g.step`)
var insertLanes = statement(`
	INSERT INTO agent_lane (agent_id, queue_id, step, score) SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[])`)

// drawLanes writes who may take what, by the stages of each queue (R32). Whoever may take more wants work.
func drawLanes(ctx context.Context, tx *txn, c postroom.Configuration) error {
	wanted := lanesOf(c)
	current, err := all[lane](ctx, tx, readLanes)
	if err != nil {
		return err
	}
	drawSteps(tx, c.Queues)
	gone, fresh := difference(current, wanted), difference(wanted, current)
	if a, q, s, _ := columns(gone); len(gone) > 0 {
		tx.later(deleteLanes, a, q, s)
	}
	if a, q, s, score := columns(fresh); len(fresh) > 0 {
		tx.later(insertLanes, a, q, s, score)
		for _, agent := range slices.Compact(slices.Clone(a)) { // a is still to be sent
			wantWork(tx, postroom.AgentID(agent))
		}
	}
	return nil
}

func drawSteps(tx *txn, queues []postroom.Queue) {
	var ids []string
	var steps []int16
	var after []int32
	for _, q := range queues {
		for i, s := range q.Steps() {
			ids, steps, after = append(ids, string(q.ID)), append(steps, int16(i)), append(after, int32(s.After.Seconds()))
		}
	}
	tx.maybe(clearSteps)
	tx.maybe(insertSteps, ids, steps, after)
}

// lanesOf lists every lane of a configuration, in order.
func lanesOf(c postroom.Configuration) []lane {
	var lanes []lane
	for _, a := range c.Agents {
		for _, q := range c.Queues {
			for i, s := range q.Steps() {
				if score, ok := s.Admits(a); ok {
					lanes = append(lanes, lane{a.ID, q.ID, int16(i), int16(score)})
				}
			}
		}
	}
	slices.SortFunc(lanes, compareLanes)
	return lanes
}

func compareLanes(a, b lane) int {
	return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Step, b.Step))
}

// difference lists what is in a and not, in just the same way, in b.
func difference(a, b []lane) []lane {
	in := make(map[lane]bool, len(b))
	for _, l := range b {
		in[l] = true
	}
	var only []lane
	for _, l := range a {
		if !in[l] {
			only = append(only, l)
		}
	}
	return only
}

func columns(lanes []lane) (agents, queues []string, steps, scores []int16) {
	for _, l := range lanes {
		agents, queues = append(agents, string(l.Agent)), append(queues, string(l.Queue))
		steps, scores = append(steps, l.Step), append(scores, l.Score)
	}
	return agents, queues, steps, scores
}
