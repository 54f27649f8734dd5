// Package cpu measures work by processor time: tests that hold something to a time would else fail on a machine that is busy with
// other things.
package cpu

import (
	"runtime"
	"time"
)

// Thread is the processor time that this thread has used so far. It means something between two calls only, with the goroutine locked to its
// thread.
func Thread() time.Duration { return thread() }

// Spent is the processor time that f takes, what it starts on other threads left out.
func Spent(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := thread()
	f()
	return thread() - began
}

// Best is the shortest of several times of f: caches and the collector of garbage only make one longer.
func Best(f func()) time.Duration {
	shortest := Spent(f)
	for range 2 {
		shortest = min(shortest, Spent(f))
	}
	return shortest
}
