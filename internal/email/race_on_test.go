//go:build race

package email_test

// raceFactor is how much slower the race detector makes things.
const raceFactor = 10
