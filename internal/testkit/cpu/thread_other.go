//go:build !linux

package cpu

import "time"

var began = time.Now()

// thread is the time on the clock, where a thread's own cannot be had.
func thread() time.Duration { return time.Since(began) }
