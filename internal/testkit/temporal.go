package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom/internal/stack"
)

// temporalServer is the one Temporal server of a test process, on the shared cluster.
var temporalServer struct {
	once    sync.Once
	running *stack.Temporal
	err     error
}

// NewTemporal dials the Temporal server that the test process shares, started by the first test that needs it. The first build on a
// machine takes minutes; its progress is printed. Tests share its namespace too, and a mailbox's workflow has the mailbox's id: a test that
// has mail fetched gives its mailbox a name of its own, or it may meet another test's workflow, whose worker is gone.
func NewTemporal(t testing.TB) client.Client {
	t.Helper()
	shared.once.Do(shared.start)
	if shared.err != nil {
		t.Fatalf("start PostgreSQL: %v", shared.err)
	}
	temporalServer.once.Do(startTemporal)
	if temporalServer.err != nil {
		t.Fatalf("start Temporal: %v", temporalServer.err)
	}
	return Dial(t, temporalServer.running.Address())
}

// impatientServer is a second server, which suggests continue-as-new after a few events.
var impatientServer struct {
	once    sync.Once
	running *stack.Temporal
	err     error
}

// NewImpatientTemporal is like NewTemporal, with a server that suggests continue-as-new after 15 events: so that a test need not make
// thousands.
func NewImpatientTemporal(t testing.TB) client.Client {
	t.Helper()
	NewTemporal(t) // builds the program, once
	impatientServer.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		impatientServer.running = stack.NewTemporal(shared.postgres, stack.TemporalOptions{Database: "impatient",
			Dynamic: map[string]string{"limit.historyCount.suggestContinueAsNew": "15"}})
		impatientServer.err = impatientServer.running.Start(ctx)
	})
	if impatientServer.err != nil {
		t.Fatalf("start Temporal: %v", impatientServer.err)
	}
	return Dial(t, impatientServer.running.Address())
}

func startTemporal() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	temporalServer.running = stack.NewTemporal(shared.postgres, stack.TemporalOptions{Progress: BuildProgress()})
	temporalServer.err = temporalServer.running.Start(ctx)
}

// BuildProgress prints how far the build of the Temporal server has come, now and then.
func BuildProgress() func(stack.BuildProgress) {
	var last time.Time
	return func(p stack.BuildProgress) {
		if time.Since(last) > 20*time.Second {
			last = time.Now()
			fmt.Fprintln(os.Stderr, "building the Temporal server (first time only):", p)
		}
	}
}

// Dial makes a client of a Temporal server, closed with the test.
func Dial(t testing.TB, address string) client.Client {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{HostPort: address, Namespace: stack.Namespace, Logger: SilentTemporal()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func stopTemporal() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed error
	for _, running := range []*stack.Temporal{impatientServer.running, temporalServer.running} {
		if running != nil {
			failed = errors.Join(failed, running.Stop(ctx))
		}
	}
	return failed
}
