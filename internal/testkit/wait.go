package testkit

import (
	"testing"
	"time"
)

// patience is how long anything in a test may take on a busy machine.
const patience = time.Minute

// Eventually waits until a condition holds; what names it in the failure.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
