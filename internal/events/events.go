// Package events hears PostgreSQL's notifications on one connection and wakes whoever waits for them.
//
// A notification is a hint: it may be lost while the connection is down, and says only where to look. So a subscriber reads after he has
// subscribed, whenever he is woken, and every few seconds too. After the connection was lost and is back, everybody is woken.
package events

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Hub hears notifications for a process.
type Hub struct {
	pool     *pgxpool.Pool
	channels []string
	log      *slog.Logger

	mu          sync.Mutex
	subscribers map[string]map[*Subscription]bool // by channel
}

// New makes a hub that hears the given channels on a connection of the pool.
func New(pool *pgxpool.Pool, log *slog.Logger, channels ...string) *Hub {
	h := &Hub{pool: pool, channels: channels, log: log, subscribers: map[string]map[*Subscription]bool{}}
	for _, c := range channels {
		h.subscribers[c] = map[*Subscription]bool{}
	}
	return h
}

// Everything is the payload that a subscriber finds when anything may have happened: the connection was lost, and is back.
const Everything = ""

// Subscription is what one subscriber has not looked at yet. C has a value when there is something.
type Subscription struct {
	C    <-chan struct{}
	wake chan struct{}
	only string // one payload, or Everything for all

	mu      sync.Mutex
	pending map[string]bool
}

// Subscribe waits for notifications of a channel: those with payload only, or all if only is Everything. Close ends it.
func (h *Hub) Subscribe(channel, only string) (s *Subscription, unsubscribe func()) {
	wake := make(chan struct{}, 1)
	s = &Subscription{C: wake, wake: wake, only: only, pending: map[string]bool{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[channel][s] = true
	return s, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers[channel], s)
	}
}

// Take returns the payloads that came since it was last called, each once, in no order.
func (s *Subscription) Take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	payloads := make([]string, 0, len(s.pending))
	for p := range s.pending {
		payloads = append(payloads, p)
	}
	clear(s.pending)
	return payloads
}

func (s *Subscription) add(payload string) {
	if s.only != Everything && payload != Everything && payload != s.only {
		return
	}
	s.mu.Lock()
	s.pending[payload] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // he has not looked yet, and will find this too
	}
}

// Run hears until ctx ends. A lost connection is logged once, and made again with a growing pause.
func (h *Hub) Run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		started := time.Now()
		err := h.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > longestPause {
			pause = firstPause
		}
		if pause == firstPause {
			h.log.WarnContext(ctx, "the connection for notifications was lost", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause + rand.N(pause)):
		}
		pause = min(2*pause, longestPause)
	}
}

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	connectTime  = 5 * time.Second
)

func (h *Hub) hear(ctx context.Context) error {
	connecting, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := h.pool.Acquire(connecting)
	if err != nil {
		return err
	}
	raw := conn.Hijack() // it listens, so it must not go back into the pool
	defer closeInTime(context.WithoutCancel(ctx), raw)
	for _, c := range h.channels {
		if _, err := raw.Exec(connecting, "LISTEN "+c); err != nil {
			return err
		}
	}
	for _, c := range h.channels {
		h.deliver(c, Everything)
	}
	for {
		n, err := raw.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		h.deliver(n.Channel, n.Payload)
	}
}

func closeInTime(ctx context.Context, c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	_ = c.Close(ctx)
}

func (h *Hub) deliver(channel, payload string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subscribers[channel] {
		s.add(payload)
	}
}
