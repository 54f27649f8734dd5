package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"log/slog"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
)

const bareQueue = "bare"

// Bare is a contact without a product: route and offer as local activities, a timer that accept cancels, three updates with a local activity
// each.
func Bare(ctx workflow.Context, _ string) error {
	step := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
	nothing := func() error { return workflow.ExecuteLocalActivity(step, Nothing, "step").Get(ctx, nil) }
	done := map[string]bool{}
	for _, name := range []string{"accept", "reply", "complete"} {
		err := workflow.SetUpdateHandler(ctx, name, func(ctx workflow.Context, _ string) error {
			err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second}),
				Nothing, name).Get(ctx, nil)
			done[name] = true
			return err
		})
		if err != nil {
			return err
		}
	}
	for range 2 {
		if err := nothing(); err != nil {
			return err
		}
	}
	timing, cancel := workflow.WithCancel(ctx)
	timer := workflow.NewTimer(timing, 90*time.Second)
	if err := workflow.Await(ctx, func() bool { return done["accept"] || timer.IsReady() }); err != nil {
		return err
	}
	cancel()
	if err := workflow.Await(ctx, func() bool { return done["complete"] }); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// Nothing is a step that does nothing.
func Nothing(context.Context, string) error { return nil }

// serveBare is the bare worker with its client: a process of its own, so that its CPU can be told apart. POST /N runs N contacts.
func serveBare(ctx context.Context, temporal string, together int) error {
	c, err := client.Dial(client.Options{HostPort: temporal, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, bareQueue, worker.Options{})
	w.RegisterWorkflow(Bare)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("BENCH_BARE_PORT"), ReadHeaderTimeout: time.Second}
	server.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(together)
		for range n {
			group.Go(func() error { return bareContact(ctx, c) })
		}
		if err := group.Wait(); err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	go func() { <-ctx.Done(); server.Close() }()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

func bareContact(ctx context.Context, c client.Client) error {
	id := "bare/" + uuid.NewString()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: bareQueue, EnableEagerStart: true}, Bare, id)
	if err != nil {
		return err
	}
	for _, name := range []string{"accept", "reply", "complete"} {
		h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateID: uuid.NewString(), UpdateName: name, Args: []any{name},
			WaitForStage: client.WorkflowUpdateStageCompleted})
		if err != nil {
			return err
		}
		if err := h.Get(ctx, nil); err != nil {
			return err
		}
	}
	return run.Get(ctx, nil)
}

func (s *setup) bareContacts(ctx context.Context, n int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+s.barePort+"/"+strconv.Itoa(n), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s", response.Status, b)
	}
	return nil
}

// checkBare asserts that the bare workflow still is what others were measured against: 27 events, give or take 3, and 5 state transitions.
func (s *setup) checkBare(ctx context.Context) error {
	c, err := client.Dial(client.Options{HostPort: s.temporal.Address(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	for _, kind := range []string{"Bare", "Contact"} {
		events, transitions, err := shape(ctx, c, kind)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d events, %d state transitions\n", kind, events, transitions)
		if kind == "Bare" && (events < 24 || events > 30 || transitions != 5) {
			return fmt.Errorf("the bare workflow has %d events and %d state transitions, not 27 ± 3 and 5", events, transitions)
		}
	}
	return nil
}
