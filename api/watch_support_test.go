package api_test

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/events"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// watching is a stream that somebody reads.
type watching struct {
	heard chan heard
	cut   context.CancelFunc
}

// heard is one thing that a stream says, or, without a response, how it ended.
type heard struct {
	response *agentv1.WatchResponse
	err      error
}

// watch reads a stream from a token, until the test ends or cuts it.
func (d desk) watch(t testing.TB, after *agentv1.StreamToken) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	w := &watching{make(chan heard, 1), cancel}
	stream, err := d.agent.Watch(ctx, &agentv1.WatchRequest{After: after})
	must(t, err)
	go func() {
		defer stream.Close()
		for stream.Receive() {
			if !w.hear(ctx, heard{response: stream.Msg()}) {
				return
			}
		}
		w.hear(ctx, heard{err: stream.Err()})
	}()
	return w
}

func (w *watching) hear(ctx context.Context, h heard) bool {
	select {
	case w.heard <- h:
		return true
	case <-ctx.Done():
		return false
	}
}

// patience is for what must happen soon, on a machine that has much to do.
const patience = 30 * time.Second

// next is the next thing that the stream says. A token, a clock: every response has them.
func (w *watching) next(t testing.TB) *agentv1.WatchResponse {
	t.Helper()
	select {
	case h := <-w.heard:
		if h.response == nil {
			t.Fatalf("the stream ended: %v (%s)", h.err, refusalOf(h.err))
		}
		if h.response.Token.GetEpoch() == "" || h.response.ServerNow == nil {
			t.Errorf("a response without token or clock: %v", h.response)
		}
		return h.response
	case <-time.After(patience):
		t.Fatal("the stream says nothing")
	}
	return nil
}

// news is the next thing that is not a keep-alive.
func (w *watching) news(t testing.TB) *agentv1.WatchResponse {
	t.Helper()
	for {
		if r := w.next(t); r.GetKeepAlive() == nil {
			return r
		}
	}
}

// begin takes the snapshot that a new stream begins with.
func (w *watching) begin(t testing.TB) *agentv1.WatchResponse {
	t.Helper()
	r := w.next(t)
	if r.GetSnapshot() == nil {
		t.Fatalf("the stream begins with %v", r)
	}
	return r
}

// ended waits until the stream has ended, and returns what was said last and how it ended; ok is false if it did not within d.
func (w *watching) ended(d time.Duration) (last *agentv1.WatchResponse, end refusal, ok bool) {
	late := time.After(d)
	for {
		select {
		case h := <-w.heard:
			if h.response == nil {
				return last, refusalOf(h.err), true
			}
			last = h.response
		case <-late:
			return last, refusal{}, false
		}
	}
}

// mustEnd fails the test unless the stream says why it ends, ends so, and said it in time after since: within 5 s (R40), by the server's clock.
func (w *watching) mustEnd(t testing.TB, what string, since time.Time, reason postroom.Reason) {
	t.Helper()
	last, end, ok := w.ended(patience)
	if !ok {
		t.Fatalf("%s: the stream goes on", what)
	}
	if end != (refusal{connect.CodeUnauthenticated, reason}) || last.GetSessionEnded().GetReason() != string(reason) {
		t.Errorf("%s: the stream ended with %s, after %v", what, end, last)
	}
	if took := last.GetServerNow().AsTime().Sub(since); took > 5*time.Second {
		t.Errorf("%s: the stream ended after %v", what, took)
	}
}

// deaf is the API with a hub that hears nothing: every notification is lost.
func deaf(t *testing.T, w *testkit.Working) *testkit.API {
	t.Helper()
	return w.Serve(t, func(o *api.Options) {
		o.Hub = events.New(w.Pool(), testkit.Silent(), store.NotifyEvents, store.NotifySession)
	})
}

// flip changes the agent's state, which makes one event.
func flip(t testing.TB, a *testkit.API, agent postroom.AgentID) {
	t.Helper()
	now := got(a.AgentStatus(t.Context(), agent))(t)
	to, code := postroom.AgentAvailable, postroom.IdleCode("")
	if now.State == postroom.AgentAvailable {
		to, code = postroom.AgentIdle, "lunch"
	}
	a.Choose(t, agent, to, code)
}
