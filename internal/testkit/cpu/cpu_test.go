package cpu_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/testkit/cpu"
)

var sink atomic.Uint64

func work(n int) {
	for range n {
		sink.Add(1)
	}
}

// What others do is not counted, and what is done is: the control.
func TestOnlyItsOwnWorkIsCounted(t *testing.T) {
	t.Parallel()
	const n = 1_000_000
	alone := cpu.Best(func() { work(n) })
	done := make(chan struct{})
	waited := cpu.Spent(func() {
		go func() { defer close(done); work(4 * n) }()
		<-done
	})
	if alone < time.Millisecond || waited > alone {
		t.Errorf("the work takes %v, and to wait for four times as much %v", alone, waited)
	}
	if square := cpu.Best(func() { work(4 * n) }); square < 2*alone {
		t.Errorf("four times the work takes %v, once %v", square, alone)
	}
}
