package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
)

// herd is how many agents become Available at once; alone is how many do one after the other, after warmup that do not count.
const herd, alone, warmup = 200, 200, 20

// liveRun starts a Temporal server and a worker, and has agents become Available: first one after the other, then many at once.
func liveRun(ctx context.Context, dir *stack.StateDir, postgres *stack.Postgres, c *centre) (failed error) {
	if err := c.exec(ctx, "UPDATE agent_state SET state = 'idle', idle_code = 'break', wants_work = false"); err != nil {
		return err
	}
	temporal := stack.NewTemporal(postgres, stack.TemporalOptions{})
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		failed = errors.Join(failed, temporal.Stop(ctx))
	}()
	if err := temporal.Start(ctx); err != nil {
		return err
	}
	worker, err := startWorker(ctx, dir, postgres, temporal)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		failed = errors.Join(failed, worker.Stop(ctx))
	}()
	hub := events.New(c.Pool(), quiet, store.NotifyEvents)
	go hub.Run(ctx)
	all := c.ordinaryAgents()
	w := watch{centre: c, hub: hub}
	if err := w.warm(ctx, all[:warmup]); err != nil {
		return err
	}
	var one []time.Duration
	for _, id := range all[warmup : warmup+alone] {
		took, err := w.offered(ctx, id)
		if err != nil {
			return err
		}
		one = append(one, took)
		time.Sleep(100 * time.Millisecond) // ten in a second
	}
	many, err := w.together(ctx, all[warmup+alone:warmup+alone+herd])
	if err != nil {
		return err
	}
	fmt.Printf("\n%-34s %12s %12s %12s\n", "Available to offered, ms", "median", "p95", "slowest")
	fmt.Printf("%-34s %12.1f %12.1f %12.1f\n", "one after the other, ten a second", ms(at(one, 50)), ms(at(one, 95)), ms(at(one, 100)))
	fmt.Printf("%-34s %12.1f %12.1f %12.1f\n", strconv.Itoa(herd)+" at once", ms(at(many, 50)), ms(at(many, 95)), ms(at(many, 100)))
	if p := at(one, 95); p > offerLimit {
		failed = fmt.Errorf("an agent who becomes Available: p95 %v, more than %v", p, offerLimit)
	}
	return errors.Join(failed, w.nothingLost(ctx))
}

func startWorker(ctx context.Context, dir *stack.StateDir, postgres *stack.Postgres, temporal *stack.Temporal) (*stack.Process, error) {
	binary := filepath.Join(dir.Path(), "postroom")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/postroom").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	secrets, err := dir.Sub("secrets")
	if err != nil {
		return nil, err
	}
	if _, err := keyring.Init(secrets, time.Now()); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(secrets, "mailbox"), []byte("a password"), 0o600); err != nil {
		return nil, err
	}
	blobs, err := dir.Sub("blobs")
	if err != nil {
		return nil, err
	}
	port, err := stack.FreePort()
	if err != nil {
		return nil, err
	}
	return stack.StartProcess(stack.ProcessSpec{Name: "worker", Path: binary, Args: []string{"worker"}, Output: os.Stderr, Env: []string{
		"POSTROOM_DATABASE_URL=" + postgres.URL(stack.RoleApp, stack.Database), "POSTROOM_TEMPORAL_ADDRESS=" + temporal.Address(),
		"POSTROOM_SECRETS_DIR=" + secrets, "POSTROOM_BLOB_URL=file://" + blobs, "POSTROOM_LOG_LEVEL=error",
		"POSTROOM_WORKER_LISTEN=127.0.0.1:" + strconv.Itoa(port), "HOME=" + os.Getenv("HOME"),
	}})
}

func (c *centre) ordinaryAgents() []postroom.AgentID {
	ids := make([]postroom.AgentID, agents-2*apart)
	for i := range ids {
		ids[i] = postroom.AgentID(fmt.Sprintf("agent-%d", i))
	}
	return ids
}

// watch hears of offers as an API does: by the notification of the agent's stream.
type watch struct {
	*centre
	hub *events.Hub
}

// warm waits until the worker works.
func (w watch) warm(ctx context.Context, ids []postroom.AgentID) error {
	for _, id := range ids {
		if _, err := w.offered(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// offered makes an agent Available and waits until his stream says that he was offered something: from his click to the notification.
func (w watch) offered(ctx context.Context, id postroom.AgentID) (time.Duration, error) {
	heard, unsubscribe := w.hub.Subscribe(store.NotifyEvents, store.AgentStream(id))
	defer unsubscribe()
	began := time.Now()
	if err := w.choose(ctx, id, postroom.AgentAvailable); err != nil {
		return 0, err
	}
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-deadline.C:
			return 0, fmt.Errorf("%s was offered nothing within a minute", id)
		case <-heard.C:
		}
		took := time.Since(began)
		heard.Take()
		var n int
		if err := w.Pool().QueryRow(ctx, "SELECT count(*) FROM offer WHERE agent_id = $1 AND state = 'live'", id).Scan(&n); err != nil {
			return 0, err
		}
		if n > 0 {
			return took, nil
		}
	}
}

// together makes many agents Available at the same moment.
func (w watch) together(ctx context.Context, ids []postroom.AgentID) ([]time.Duration, error) {
	took, failed := make([]time.Duration, len(ids)), make([]error, len(ids))
	start := make(chan struct{})
	var done sync.WaitGroup
	for i, id := range ids {
		done.Go(func() {
			<-start
			took[i], failed[i] = w.offered(ctx, id)
		})
	}
	close(start)
	done.Wait()
	return took, errors.Join(failed...)
}

// nothingLost fails if somebody with room stands beside a contact that he could take.
func (w watch) nothingLost(ctx context.Context) error {
	var n int
	err := w.Pool().QueryRow(ctx, `SELECT count(DISTINCT r.agent_id) FROM agent_room r JOIN agent_lane l USING (agent_id)
		JOIN contact c ON c.queue_id = l.queue_id AND c.step = l.step AND c.phase = 'waiting' AND c.target_agent_id IS NULL WHERE r.room > 0`).Scan(&n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d agents are free beside contacts that they could take", n)
	}
	return err
}
