package routing

import (
	"time"

	"github.com/postroom/postroom"
)

// Change is what time alone has changed about a wait, and when it will again.
type Change struct {
	// Step is the stage that the wait has reached. A stage once reached is kept: a clock that is set back takes nothing away.
	Step int `json:"step"`
	// DropTarget: the contact no longer waits for its target alone; his time is over, or he is not there any more.
	DropTarget bool `json:"drop_target,omitzero"`
	// Overflow is the queue that it goes to, because it waited for the maximum time; empty: it stays.
	Overflow postroom.QueueID `json:"overflow,omitzero"`
	// Next is how long until time changes something again, by the clock on the wall; zero: never.
	Next time.Duration `json:"next,omitzero"`
}

// Progress says where a wait stands at a time (R32). Thresholds count the queue's open hours since the contact came into it; a target's
// time is by the clock on the wall.
func Progress(w postroom.Wait, now time.Time) Change {
	steps := w.Queue.Steps()
	c := Change{Step: min(max(w.Step, 0), len(steps)-1)}
	reached := func(threshold time.Duration) bool {
		at := After(w.Hours, w.QueuedAt, threshold)
		if at.After(now) {
			c.Next = sooner(c.Next, at.Sub(now))
		}
		return !at.IsZero() && !at.After(now)
	}
	if q := w.Queue; q.MaxTime > 0 && q.Overflow != "" && q.Overflow != q.ID && reached(q.MaxTime) {
		return Change{Step: c.Step, DropTarget: w.Target != "", Overflow: q.Overflow}
	}
	for c.Step+1 < len(steps) && reached(steps[c.Step+1].After) {
		c.Step++
	}
	switch {
	case w.Target == "":
	case !w.TargetThere || !now.Before(w.TargetUntil):
		c.DropTarget = true
	default:
		c.Next = sooner(c.Next, w.TargetUntil.Sub(now))
	}
	return c
}
