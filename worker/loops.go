package worker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/store"
)

// The pace of the loops.
const (
	reconcileEvery = 2 * time.Second
	sweepEvery     = 5 * time.Second
	cleanEvery     = time.Hour
	healthEvery    = 5 * time.Second
	turnAtLeast    = 10 * time.Minute
	untoldAtOnce   = 200
	fitAtOnce      = 500
	together       = 8 // how many contacts or agents a loop deals with at the same time
)

// every runs do at a pace until ctx ends; failures are logged when they begin and when they end.
func (w *Worker) every(ctx context.Context, name string, pace time.Duration, do func(context.Context) error) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	failing := false
	for {
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			w.Log.WarnContext(ctx, "a loop is held up", "loop", name, "error", err)
		case err == nil && failing:
			w.Log.InfoContext(ctx, "a loop goes on", "loop", name)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reconcile tells workflows what they may not have heard, starts those that are missing, and looks for agents whom nobody looked for:
// every message between the database and Temporal may be lost, and none is missed for longer than a few seconds.
func (w *Worker) reconcile(ctx context.Context) {
	configured, unsubscribe := w.hub.Subscribe(store.NotifyConfig, events.Everything)
	defer unsubscribe()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-configured.C:
				configured.Take()
				if err := w.tellMailboxes(ctx); err != nil && ctx.Err() == nil {
					w.Log.WarnContext(ctx, "mailboxes were not told of their settings; the reconciler will", "error", err)
				}
				if err := w.fitContacts(ctx); err != nil && ctx.Err() == nil {
					w.Log.WarnContext(ctx, "contacts do not wait by their queue's new rules yet; the reconciler sees to it", "error", err)
				}
			}
		}
	}()
	go w.every(ctx, "clean", cleanEvery, func(ctx context.Context) error {
		if _, err := w.Store.Sweep(ctx); err != nil {
			return err
		}
		if _, err := w.Store.SweepDraftFiles(ctx, activities.BlobsKept); err != nil {
			return err
		}
		swept, err := w.Activities.SweepBlobs(ctx, time.Now().Add(-activities.BlobsKept))
		if swept > 0 {
			w.Log.InfoContext(ctx, "blobs that no row names were deleted", "blobs", swept)
		}
		return err
	})
	w.every(ctx, "reconcile", reconcileEvery, func(ctx context.Context) error {
		if _, err := w.Store.ForgetOverdue(ctx); err != nil {
			return err
		}
		if err := w.fitContacts(ctx); err != nil {
			return err
		}
		if err := w.tellContacts(ctx); err != nil {
			return err
		}
		if err := w.tellMailboxes(ctx); err != nil {
			return err
		}
		if err := w.tellReminders(ctx); err != nil {
			return err
		}
		return w.lookFor(ctx, reconcileEvery)
	})
}

// fitContacts makes waiting contacts follow the rules of their queues where those have changed.
func (w *Worker) fitContacts(ctx context.Context) error {
	for {
		more, err := w.Store.FitContacts(ctx, fitAtOnce)
		if err != nil || !more {
			return err
		}
	}
}

func (w *Worker) tellContacts(ctx context.Context) error {
	for {
		untold, err := w.Store.TakeUntold(ctx, untoldAtOnce)
		if err != nil || len(untold) == 0 {
			return err
		}
		if err := w.tell(ctx, untold); err != nil || len(untold) < untoldAtOnce {
			return err
		}
	}
}

// tell signals workflows, and notes what Temporal has taken: the version that was read before the signal was sent.
func (w *Worker) tell(ctx context.Context, untold []store.Untold) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	told := make([]bool, len(untold))
	for i, u := range untold {
		group.Go(func() error {
			err := w.Gateway.SyncContact(ctx, u.Contact)
			told[i] = err == nil
			return err
		})
	}
	failed := group.Wait()
	var taken []store.Untold
	for i, u := range untold {
		if told[i] {
			taken = append(taken, u)
		}
	}
	if err := w.Store.MarkTold(context.WithoutCancel(ctx), taken...); err != nil {
		return err
	}
	return failed
}

func (w *Worker) tellMailboxes(ctx context.Context) error {
	untold, err := w.Store.TakeUntoldMailboxes(ctx)
	if err != nil {
		return err
	}
	for _, m := range untold {
		if err := w.Gateway.SyncMailbox(ctx, m.Mailbox); err != nil {
			return err
		}
		if err := w.Store.MarkMailboxTold(ctx, m.Mailbox, m.Version); err != nil {
			return err
		}
	}
	return nil
}

// look finds work for agents as soon as they become able: the notification names them. One who becomes able again while somebody looks
// for him is looked for once more.
func (w *Worker) look(ctx context.Context) {
	able, unsubscribe := w.hub.Subscribe(store.NotifyLook, events.Everything)
	defer unsubscribe()
	looking := turnstile{again: map[string]bool{}, places: make(chan struct{}, together)}
	defer looking.done.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-able.C:
		}
		for _, agent := range able.Take() {
			looking.enter(ctx, agent, func() {
				err := w.lookForOne(ctx, agent)
				if err != nil && ctx.Err() == nil {
					w.Log.WarnContext(ctx, "a look for work failed; the reconciler will look", "error", err)
				}
			})
		}
	}
}

func (w *Worker) lookForOne(ctx context.Context, agent string) error {
	if agent == events.Everything {
		return w.lookFor(ctx, 0)
	}
	return w.Activities.Matcher.Look(ctx, postroom.AgentID(agent))
}

// turnstile lets a few looks run at a time, and one for each agent.
type turnstile struct {
	places chan struct{}
	done   sync.WaitGroup
	mu     sync.Mutex
	again  map[string]bool // who is being looked for, and whether to look once more
}

// enter runs look when there is a place, and returns then; if a look for this agent runs already, that one is repeated.
func (t *turnstile) enter(ctx context.Context, agent string, look func()) {
	t.mu.Lock()
	_, running := t.again[agent]
	t.again[agent] = running
	t.mu.Unlock()
	if running {
		return
	}
	select {
	case <-ctx.Done():
		return
	case t.places <- struct{}{}:
	}
	t.done.Go(func() {
		defer func() { <-t.places }()
		for more := true; more; {
			look()
			t.mu.Lock()
			more = t.again[agent] && ctx.Err() == nil
			t.again[agent] = false
			if !more {
				delete(t.again, agent)
			}
			t.mu.Unlock()
		}
	})
}

// turnHours opens and closes queues by their business hours: at each turn, and when the configuration changes.
func (w *Worker) turnHours(ctx context.Context) {
	configured, unsubscribe := w.hub.Subscribe(store.NotifyConfig, events.Everything)
	defer unsubscribe()
	for failing := false; ; {
		next, err := w.Store.TurnHours(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !failing {
				w.Log.WarnContext(ctx, "a loop is held up", "loop", "hours", "error", err)
			}
			next = time.Second
		case next <= 0 || next > turnAtLeast:
			next = turnAtLeast
		}
		failing = err != nil
		timer := time.NewTimer(next + time.Millisecond) // not a moment too early by PostgreSQL's clock
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-configured.C:
			configured.Take()
		}
		timer.Stop()
	}
}

// lookFor looks for every agent for whom work has been wanted for longer than age.
func (w *Worker) lookFor(ctx context.Context, age time.Duration) error {
	wants, err := w.Store.Wants(ctx, age)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for _, want := range wants {
		group.Go(func() error { return w.Activities.Matcher.Look(ctx, want.Agent) })
	}
	return group.Wait()
}

// sweep ends the offers of agents whose desktops are gone, and in time what they own. It calls nobody disconnected before it has itself been well, and an API has been
// up, for as long as a lease lasts: otherwise it would blame desktops for our own outage (R12).
func (w *Worker) sweep(ctx context.Context) {
	var well, last time.Time
	w.every(ctx, "sweep", sweepEvery, func(ctx context.Context) error {
		now := time.Now()
		if now.Sub(last) > 3*sweepEvery { // just started, or frozen for a while
			well = now
		}
		last = now
		steady, err := w.Store.Steady(ctx, store.KindAPI, postroom.LeaseTime)
		if err != nil {
			well = time.Now()
			return err
		}
		if !steady || now.Sub(well) < postroom.LeaseTime {
			return nil
		}
		if err := w.endStaleLeases(ctx); err != nil {
			return err
		}
		return w.releaseAbsent(ctx)
	})
}

// releaseAbsent puts back into their queues what is owned by agents whose desktops have stayed away for too long (R12).
func (w *Worker) releaseAbsent(ctx context.Context) error {
	absent, err := w.Store.AbsentOwners(ctx)
	if err != nil {
		return err
	}
	for _, agent := range absent {
		released, err := w.Store.LoseOwner(ctx, agent)
		if err != nil {
			return err
		}
		w.Log.InfoContext(ctx, "an owner stayed away", "agent", agent, "contacts", len(released))
		if err := w.tellChanged(ctx, released); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) tellChanged(ctx context.Context, changed []store.Withdrawn) error {
	untold := make([]store.Untold, len(changed))
	for i, c := range changed {
		untold[i] = store.Untold(c)
	}
	return w.tell(ctx, untold)
}

func (w *Worker) endStaleLeases(ctx context.Context) error {
	stale, err := w.Store.StaleLeases(ctx)
	if err != nil {
		return err
	}
	for _, agent := range stale {
		withdrawn, err := w.Store.LoseLease(ctx, agent)
		if err != nil {
			return err
		}
		w.Log.InfoContext(ctx, "a desktop is gone", "agent", agent, "offers", len(withdrawn))
		if err := w.tellChanged(ctx, withdrawn); err != nil {
			return err
		}
	}
	return nil
}

// watchHealth keeps Health true while the worker runs.
func (w *Worker) watchHealth(ctx context.Context) {
	for name, check := range map[string]func(context.Context) error{"database": w.Store.Ready, "temporal": w.reachTemporal} {
		go w.every(ctx, name, healthEvery, func(ctx context.Context) error {
			attempt, cancel := context.WithTimeout(ctx, healthEvery)
			defer cancel()
			err := check(attempt)
			if ctx.Err() == nil {
				w.set(name, err)
			}
			return err
		})
	}
	<-ctx.Done()
}
