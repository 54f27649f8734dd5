package routing

import (
	"time"

	"github.com/postroom/postroom"
)

// Change is what time alone has changed about a wait, and when it will again.
type Change struct {
	// Step is the stage that the wait has reached. A stage once reached is kept: a clock that is set back takes nothing away.
	Step int
	// DropTarget: the contact no longer waits for its target alone; his time is over, or he is not there any more.
	DropTarget bool
	// Overflow is the queue that it goes to, because it waited for the maximum time; empty: it stays.
	Overflow postroom.QueueID
	// Next is how long until time changes something again, by the clock on the wall; zero: never.
	Next time.Duration
}

// Progress says where a wait stands at a time (R32). Thresholds count the queue's open hours since the contact came into it; a target's
// time is by the clock on the wall.
func Progress(w postroom.Wait, now time.Time) Change {
	c := Change{DropTarget: w.Target != "" && (!w.TargetThere || !now.Before(w.TargetUntil))}
	next := func(at time.Time) {
		if at.After(now) {
			c.Next = sooner(c.Next, at.Sub(now))
		}
	}
	reached := func(threshold time.Duration) bool {
		at := After(w.Hours, w.QueuedAt, threshold)
		next(at)
		return !at.IsZero() && !at.After(now)
	}
	steps := w.Queue.Steps()
	for i, s := range steps {
		if i == 0 || reached(s.After) {
			c.Step = i
		}
	}
	c.Step = max(c.Step, min(w.Step, len(steps)-1))
	if w.Queue.MaxTime > 0 && w.Queue.Overflow != "" && w.Queue.Overflow != w.Queue.ID && reached(w.Queue.MaxTime) {
		return Change{Step: c.Step, DropTarget: w.Target != "", Overflow: w.Queue.Overflow}
	}
	if w.Target != "" && !c.DropTarget {
		next(w.TargetUntil)
	}
	return c
}
