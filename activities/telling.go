package activities

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
)

// How contacts are told of.
const (
	tellers      = 4    // contacts that are told of at once
	untoldMails  = 8192 // how far storing runs ahead
	announceTime = 3 * time.Second
	silence      = 10 * time.Second // Ingest does not wait for a Temporal server that is gone: for this time nobody is told
	// backlogPace is how many contacts a second are told of while mails wait to be stored: what is in the database is safe, what is in a mailbox only
	// is not seen yet, and workflows take more of a machine than storing does.
	backlogPace = 10
	toldAtOnce  = 50 // how many at most are written down together that they were told
)

// telling tells contacts' workflows of stored mails, beside the transactions of a watch: those of one contact in their order. What fails, or is cut
// off by a crash, is made good by the reconciler.
type telling struct {
	watch   *watch
	ways    [tellers]chan store.Ingested
	pace    *rate.Limiter
	backlog atomic.Bool  // mails wait to be stored
	waiting atomic.Int64 // mails that nobody was told of yet
	silent  atomic.Int64 // until then, in nanoseconds, Temporal is not told of contacts
	working sync.WaitGroup
	mu      sync.Mutex
	told    []store.Untold
}

// beginTelling has contacts told of until ctx ends, or end is called.
func (w *watch) beginTelling(ctx context.Context) *telling {
	t := &telling{watch: w, pace: rate.NewLimiter(backlogPace, tellers)}
	for i := range t.ways {
		way := make(chan store.Ingested, untoldMails/tellers)
		t.ways[i] = way
		t.working.Go(func() {
			for got := range way {
				t.wait(ctx)
				t.tell(ctx, got)
				if t.waiting.Add(-1)%toldAtOnce == 0 {
					t.note(ctx)
				}
			}
		})
	}
	return t
}

// say has a contact's workflow started or told, if a mail changed it. It waits where storing has run too far ahead.
func (t *telling) say(ctx context.Context, got store.Ingested) {
	if got.Arrival != postroom.ArrivalOpened && got.Arrival != postroom.ArrivalAppended {
		return
	}
	sum := 0
	for _, c := range []byte(got.Contact) {
		sum += int(c)
	}
	t.waiting.Add(1)
	select {
	case t.ways[sum%tellers] <- got:
	case <-ctx.Done():
		t.waiting.Add(-1)
	}
}

// wait keeps the pace while there is a backlog, unless half of what storing may run ahead is used up.
func (t *telling) wait(ctx context.Context) {
	if t.backlog.Load() && t.waiting.Load() < untoldMails/2 {
		_ = t.pace.Wait(ctx) // its only error is that the context ends, and then nobody is told
	}
}

// tell starts the workflow of a new contact, eagerly, or tells that of an open one.
func (t *telling) tell(ctx context.Context, got store.Ingested) {
	if ctx.Err() != nil || time.Now().UnixNano() < t.silent.Load() { // Temporal was gone a moment ago: mail goes on coming in, and the reconciler tells of it
		return
	}
	announce := t.watch.Gateway.SyncContact
	if got.Arrival == postroom.ArrivalOpened {
		announce = t.watch.Gateway.StartContact
	}
	telling, cancel := context.WithTimeout(ctx, announceTime)
	defer cancel()
	if err := announce(telling, got.Contact); err != nil {
		t.watch.log.WarnContext(ctx, "a contact's workflow was not told; the reconciler will", "contact", got.Contact, "error", err)
		t.silent.Store(time.Now().Add(silence).UnixNano())
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = append(t.told, store.Untold{Contact: got.Contact, Version: got.Version})
}

// note writes down who was told since the last time. Losing that costs one more signal.
func (t *telling) note(ctx context.Context) {
	t.mu.Lock()
	told := t.told
	t.told = nil
	t.mu.Unlock()
	if len(told) == 0 {
		return
	}
	if err := t.watch.Store.MarkTold(ctx, told...); err != nil && ctx.Err() == nil {
		t.watch.log.WarnContext(ctx, "it was not written down which contacts' workflows were told; the reconciler tells them again", "contacts", len(told), "error", err)
	}
}

// end tells the rest, unless the context has ended, and writes it down.
func (t *telling) end(ctx context.Context) {
	t.backlog.Store(false)
	for _, way := range t.ways {
		close(way)
	}
	t.working.Wait()
	t.note(ctx)
}
