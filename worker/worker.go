package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// Options are what a worker works with.
type Options struct {
	Client     client.Client // may be lazy: Run waits for Temporal
	TaskQueue  string
	Store      *store.Store
	Gateway    *gateway.Gateway // over Client, so that contacts start eagerly
	Activities *activities.Activities
	Log        *slog.Logger
}

// Worker executes workflows and activities. Make one with New.
type Worker struct {
	Options
	hub *events.Hub

	mu   sync.Mutex
	down map[string]error // what is not well, by name
}

// New makes a worker.
func New(o Options) *Worker {
	return &Worker{Options: o, down: map[string]error{"temporal": errStarting, "database": errStarting},
		hub: events.New(o.Store.Pool(), o.Log, store.NotifyLook, store.NotifyConfig)}
}

var errStarting = postroom.Unavailable("starting", "starting", nil)

// drainTime is how long running activities may take to end when the worker stops.
const drainTime = 15 * time.Second

// Run works until ctx ends, and then lets running activities finish. A database or a Temporal server that is down is waited for, said in
// the log and in Health; the error is one that waiting cannot mend.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.await(ctx, "database", w.Store.Ready); err != nil {
		return nil // only ctx ends the wait
	}
	if err := w.await(ctx, "temporal", w.reachTemporal); err != nil {
		return nil
	}
	fatal := make(chan error, 1)
	engine := worker.New(w.Client, w.TaskQueue, worker.Options{
		WorkerStopTimeout:                  drainTime,
		DisableRegistrationAliasing:        true,
		MaxConcurrentActivityExecutionSize: 200,
		OnFatalError:                       func(err error) { fatal <- err },
	})
	Register(engine, w.Activities)
	if err := engine.Start(); err != nil {
		return postroom.Unavailable(postroom.ReasonTemporalDown, "the Temporal server refused the worker", err)
	}
	defer engine.Stop()

	loops, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for _, loop := range []func(context.Context){w.hub.Run, w.reconcile, w.look, w.turnHours, w.sweep, w.watchHealth} {
		running.Go(func() { loop(loops) })
	}
	w.Log.InfoContext(ctx, "working", "task_queue", w.TaskQueue)
	select {
	case <-ctx.Done():
		w.Log.InfoContext(context.WithoutCancel(ctx), "stopping: running activities finish")
		return nil
	case err := <-fatal:
		return postroom.Unavailable(postroom.ReasonTemporalDown, "the worker stopped", err)
	}
}

// Register makes workflows and activities known to a Temporal worker.
func Register(r worker.Registry, a workflows.Activities) {
	for name, w := range Workflows {
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

// Workflows are the workflows that workers execute, by name. Each has a recorded history in workflows/testdata/histories.
var Workflows = map[string]any{
	"Contact":  workflows.Contact,
	"Mailbox":  workflows.Mailbox,
	"Reminder": workflows.Reminder,
}

// await tries until check succeeds or ctx ends. It logs the first failure, and the recovery.
func (w *Worker) await(ctx context.Context, name string, check func(context.Context) error) error {
	failed := false
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancel()
		w.set(name, err)
		if err == nil {
			if failed {
				w.Log.InfoContext(ctx, "available again", "what", name)
			}
			return nil
		}
		if !failed {
			w.Log.WarnContext(ctx, "waiting", "what", name, "error", err)
			failed = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (w *Worker) reachTemporal(ctx context.Context) error {
	if _, err := w.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return postroom.Unavailable(postroom.ReasonTemporalDown, "the Temporal server is not available", err)
	}
	return nil
}

func (w *Worker) set(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[name] = err
}

// Health says what is well (nil) and what is not, by name: the database, Temporal, and each mailbox.
func (w *Worker) Health() map[string]error {
	w.mu.Lock()
	defer w.mu.Unlock()
	checks := map[string]error{}
	for name, err := range w.down {
		checks[name] = err
	}
	for name, err := range w.Activities.Mail.States() {
		checks["mailbox "+name] = err
	}
	return checks
}
