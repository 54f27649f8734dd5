package testkit

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	errorv1 "github.com/postroom/postroom/internal/gen/postroom/error/v1"
	"github.com/postroom/postroom/internal/gen/postroom/sending/v1/sendingv1connect"
)

// Desktop is an agent at work: typed clients of the API in his name, a stream that resumes as the browser's does, and a heartbeat. It
// shows nothing and answers nothing by itself.
type Desktop struct {
	Agent    postroom.AgentID
	Agents   agentv1connect.AgentServiceClient
	Contacts contactv1connect.ContactServiceClient
	Replies  sendingv1connect.SendingServiceClient

	stop context.CancelFunc
	done sync.WaitGroup

	mu        sync.Mutex
	silent    bool
	cards     map[string]*contactv1.ContactCard // the active contact list, as the stream tells it
	state     *agentv1.AgentState
	token     *agentv1.StreamToken
	snapshots int
	streams   int // how often the stream was opened
}

// beatEvery is more often than the 10 s of the browser: a test's processes are down for longer parts of its time.
const beatEvery = 3 * time.Second

// SignIn signs an agent in, Idle, with a stream and a heartbeat until the test ends.
func (s *Stack) SignIn(t testing.TB, agent postroom.AgentID) *Desktop {
	t.Helper()
	return SignIn(t, s.APIURL(), agent, s.passwords[agent])
}

// SignIn signs an agent in at an API.
func SignIn(t testing.TB, url string, agent postroom.AgentID, password string) *Desktop {
	t.Helper()
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	token, err := signIn(t.Context(), client, url, agent, password)
	if err != nil {
		t.Fatalf("%s signs in: %v", agent, err)
	}
	bearer := connect.WithInterceptors(bearer(token))
	ctx, cancel := context.WithCancel(context.Background())
	d := &Desktop{Agent: agent, stop: cancel, cards: map[string]*contactv1.ContactCard{},
		Agents:   agentv1connect.NewAgentServiceClient(client, url, bearer),
		Contacts: contactv1connect.NewContactServiceClient(client, url, bearer),
		Replies:  sendingv1connect.NewSendingServiceClient(client, url, bearer)}
	d.done.Go(func() { d.watch(ctx) })
	d.done.Go(func() { d.beat(ctx) })
	t.Cleanup(func() {
		cancel()
		d.done.Wait()
		transport.CloseIdleConnections()
	})
	Eventually(t, string(agent)+"'s stream", func() bool { return d.State() != nil })
	return d
}

// CanSignIn reports whether a password opens a session.
func (s *Stack) CanSignIn(t testing.TB, agent postroom.AgentID, password string) bool {
	t.Helper()
	_, err := signIn(t.Context(), http.DefaultClient, s.APIURL(), agent, password)
	if err != nil && ReasonOf(err) != postroom.ReasonSignInFailed {
		t.Fatalf("%s signs in: %v", agent, err)
	}
	return err == nil
}

// Password is the password that an agent was given when the stack was started.
func (s *Stack) Password(agent postroom.AgentID) string { return s.passwords[agent] }

// MailboxPassword is the password of the mailbox, which no export and no log may show.
func (s *Stack) MailboxPassword() string { return s.password }

func signIn(ctx context.Context, client *http.Client, url string, agent postroom.AgentID, password string) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := authv1connect.NewAuthServiceClient(client, url).SignIn(ctx, &authv1.SignInRequest{Agent: string(agent), Password: password, Bearer: true})
	if err != nil {
		return "", err
	}
	return answer.Token, nil
}

// bearer sends a session's token with every call.
type bearer string

// WrapUnary adds the token to a call.
func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+string(b))
		return next(ctx, r)
	}
}

// WrapStreamingClient adds the token to a stream.
func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+string(b))
		return conn
	}
}

// WrapStreamingHandler is for servers.
func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// watch follows the stream and resumes it where it was, until ctx ends.
func (d *Desktop) watch(ctx context.Context) {
	for ctx.Err() == nil {
		d.follow(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (d *Desktop) follow(ctx context.Context) {
	d.mu.Lock()
	after := d.token
	d.mu.Unlock()
	stream, err := d.Agents.Watch(ctx, &agentv1.WatchRequest{After: after})
	if err != nil {
		return
	}
	defer stream.Close()
	for first := true; stream.Receive(); first = false {
		d.take(stream.Msg(), first)
	}
}

func (d *Desktop) take(m *agentv1.WatchResponse, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first {
		d.streams++
	}
	d.token = m.Token
	switch e := m.Event.(type) {
	case *agentv1.WatchResponse_Snapshot:
		d.snapshots++
		d.state = e.Snapshot.State
		clear(d.cards)
		for _, c := range e.Snapshot.Contacts {
			d.cards[c.ContactId] = c
		}
	case *agentv1.WatchResponse_StateChanged:
		d.state = e.StateChanged
	case *agentv1.WatchResponse_ContactChanged:
		if e.ContactChanged.Card == nil {
			delete(d.cards, e.ContactChanged.ContactId)
			return
		}
		d.cards[e.ContactChanged.ContactId] = e.ContactChanged.Card
	}
}

// beat renews the lease until ctx ends, except while the desktop is silent.
func (d *Desktop) beat(ctx context.Context) {
	for ctx.Err() == nil {
		d.mu.Lock()
		silent := d.silent
		d.mu.Unlock()
		if !silent {
			_ = d.heartbeat(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(beatEvery):
		}
	}
}

func (d *Desktop) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	_, err := d.Agents.Heartbeat(ctx, &agentv1.HeartbeatRequest{})
	return err
}

// Silence stops the heartbeat until Beat, as a laptop that is closed does. The stream stays.
func (d *Desktop) Silence() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = true
}

// TryBeat sends one heartbeat, which may be refused.
func (d *Desktop) TryBeat(ctx context.Context) error { return d.heartbeat(ctx) }

// Beat sends one heartbeat now, which must be answered, and goes on sending them.
func (d *Desktop) Beat(t testing.TB) {
	t.Helper()
	if err := d.heartbeat(t.Context()); err != nil {
		t.Fatalf("%s's heartbeat: %v", d.Agent, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = false
}

// State is the agent's state as the stream last told it; nil before it told any.
func (d *Desktop) State() *agentv1.AgentState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// Cards is the active contact list as the stream last told it, oldest first.
func (d *Desktop) Cards() []*contactv1.ContactCard {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.cards), func(a, b *contactv1.ContactCard) int {
		return a.ArrivedAt.AsTime().Compare(b.ArrivedAt.AsTime())
	})
}

// Streams says how often the stream was opened, and how many snapshots it sent: a stream that was resumed sends none.
func (d *Desktop) Streams() (opened, snapshots int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.streams, d.snapshots
}

// Choose chooses a state as a click on what the agent sees now. What the system changes between his look and his click (it notices that his
// desktop is back, or away) he sees, and clicks again.
func (d *Desktop) Choose(ctx context.Context, to agentv1.State, code string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		now, err := d.Agents.GetState(ctx, &agentv1.GetStateRequest{})
		if err != nil {
			return err
		}
		_, err = d.Agents.SetState(ctx, &agentv1.SetStateRequest{RequestId: uuid.NewString(), State: to, IdleCode: code, SeenVersion: now.State.Version})
		if connect.CodeOf(err) != connect.CodeAborted {
			return err
		}
	}
}

// Available makes the agent take offers.
func (d *Desktop) Available(t testing.TB) {
	t.Helper()
	if err := d.Choose(t.Context(), agentv1.State_STATE_AVAILABLE, ""); err != nil {
		t.Fatalf("%s chooses Available: %v", d.Agent, err)
	}
}

// Idle makes the agent take no offers.
func (d *Desktop) Idle(t testing.TB) {
	t.Helper()
	if err := d.Choose(t.Context(), agentv1.State_STATE_IDLE, "break"); err != nil {
		t.Fatalf("%s chooses Idle: %v", d.Agent, err)
	}
}

// AwaitState waits until the stream tells a state.
func (d *Desktop) AwaitState(t testing.TB, state agentv1.State) *agentv1.AgentState {
	t.Helper()
	Eventually(t, string(d.Agent)+" to be "+state.String(), func() bool { return d.State().GetState() == state })
	return d.State()
}

// ReasonOf is the stable reason of an error of the API, "" if it has none.
func ReasonOf(err error) postroom.Reason {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return ""
	}
	for _, d := range failed.Details() {
		if v, err := d.Value(); err == nil {
			if detail, ok := v.(*errorv1.ErrorDetail); ok {
				return postroom.Reason(detail.Reason)
			}
		}
	}
	return ""
}
