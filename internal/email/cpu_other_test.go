//go:build !linux

package email_test

import "time"

var began = time.Now()

// threadTime is the time on the clock, where a thread's own cannot be had.
func threadTime() time.Duration { return time.Since(began) }
