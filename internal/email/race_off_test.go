//go:build !race

package email_test

// raceFactor is how much slower the race detector makes things: it is off.
const raceFactor = 1
