package api_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/gateway"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// mustBlameNobody lets an offer expire now, and fails the test if the agent is blamed for it.
func mustBlameNobody(t *testing.T, a *testkit.API, agent postroom.AgentID, offer postroom.OfferID) {
	t.Helper()
	a.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() WHERE id = $1", offer)
	end := got(a.ExpireOffer(t.Context(), offer))(t)
	cause := a.Text(t, "SELECT end_cause FROM offer WHERE id = $1", offer)
	state := got(a.AgentStatus(t.Context(), agent))(t)
	if end.Ended != postroom.OfferUnreachable || cause != "accept_outage" || state.State != postroom.AgentIdle || state.IdleCode != postroom.IdleDisconnected {
		t.Errorf("the offer ended as %s (%s), the agent is %+v", end.Ended, cause, state)
	}
}

// offered is a live offer of mina's, whose card is in her page.
func offered(t *testing.T, a *testkit.API) (me desk, offer postroom.OfferID) {
	t.Helper()
	a.SignIn(t, "mina")
	offer = a.Claim(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	me = as(t, a, "mina")
	got(me.contact.MarkOfferShown(soon(t), &contactv1.MarkOfferShownRequest{OfferId: string(offer)}))(t)
	return me, offer
}

// R12: an Accept that meets our outage is answered as unknown, and nobody is blamed.
func TestAcceptWithoutTemporalIsUnknownAndBlamesNobody(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "tom")
	me, offer := offered(t, a)
	_, err := me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "an accept without Temporal", err, connect.CodeUnavailable, postroom.ReasonOutcomeUnknown)
	mustBlameNobody(t, a, "mina", offer)

	owned := a.Own(t, a.Arrive(t, "lee@customer.example", "Another"), "tom")
	answer := got(as(t, a, "tom").contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(owned)}))(t)
	if answer.Contact.Phase != contactv1.Phase_PHASE_OWNED {
		t.Errorf("what another click accepted already: %v", answer)
	}
	a.MustHold(t)
}

// The deadline may pass while he waits, and he may wait no longer than his browser: it is noted before the answer.
func TestAcceptThatHangsIsNotedBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"he waits", "he goes away"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never says a word
			must(t, err)
			t.Cleanup(func() { _ = mute.Close() })
			asking := make(chan struct{})
			go func() {
				if c, err := mute.Accept(); err == nil {
					close(asking)
					t.Cleanup(func() { _ = c.Close() })
				}
			}()
			a := offline(t).Serve(t, func(o *api.Options) { o.Gateway = gateway.New(testkit.Dial(t, mute.Addr().String()), "nobody") })
			me, offer := offered(t, a)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			answered := make(chan error, 1)
			go func() {
				_, err := me.contact.AcceptOffer(ctx, &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
				answered <- err
			}()
			<-asking
			if name == "he goes away" {
				cancel()
			}
			testkit.Eventually(t, "the note", func() bool {
				return a.Count(t, "SELECT count(*) FROM offer WHERE id = $1 AND accept_tried_at IS NOT NULL", offer) == 1
			})
			select {
			case err := <-answered:
				if name == "he waits" {
					t.Errorf("noted after the answer: %v", err)
				}
			default:
			}
			mustBlameNobody(t, a, "mina", offer)
		})
	}
}

// A worker that is not there is waited for: the answer comes when it is back.
func TestAcceptIsAnsweredWhenTheWorkerIsBack(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	offer := a.AwaitOffer(t, "mina", a.Begin(t, "kim@customer.example", "Parcel"))
	me := as(t, a, "mina")
	a.StopWorker()
	answered := make(chan error, 1)
	go func() {
		_, err := me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
		answered <- err
	}()
	testkit.Eventually(t, "the accept to be waiting", func() bool {
		return a.Count(t, "SELECT count(*) FROM offer WHERE id = $1 AND accept_tried_at IS NOT NULL", offer) == 1
	})
	a.StartWorker(t)
	must(t, <-answered)
	if state := a.Text(t, "SELECT state FROM offer WHERE id = $1", offer); state != "accepted" {
		t.Errorf("the offer is %s", state)
	}
	a.MustHold(t)
}

// losing carries every update out, and loses the answer.
type losing struct{ client.Client }

func (l losing) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if _, err := l.Client.UpdateWorkflow(ctx, o); err != nil {
		return nil, err
	}
	return nil, serviceerror.NewUnavailable(canary)
}

// An answer that was lost is read from the row: what was carried out is a success.
func TestLostAnswerIsReadFromTheRow(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, _, offer := owned(t, a)
	lossy := a.Serve(t, func(o *api.Options) { o.Gateway = gateway.New(losing{a.Client}, "unused") })
	me = at(lossy.URL, me.token)
	closed := got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer)}))(t).Contact
	if closed.Phase != contactv1.Phase_PHASE_WRAPUP {
		t.Errorf("closed: %v", closed)
	}
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: string(offer), Code: "solved"}))(t)

	second := a.AwaitOffer(t, "mina", a.Begin(t, "lee@customer.example", "Another"))
	accepted := got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(second)}))(t).Contact
	if accepted.Phase != contactv1.Phase_PHASE_OWNED || accepted.OfferId != string(second) {
		t.Errorf("accepted: %v", accepted)
	}
	// What was refused is not known to have been done: that stays unknown, and the text of the failure stays here.
	_, err := me.contact.DeclineOffer(soon(t), &contactv1.DeclineOfferRequest{RequestId: newID(), OfferId: string(second)})
	mustRefuse(t, "a refusal that was lost", err, connect.CodeUnavailable, postroom.ReasonOutcomeUnknown)
	silent(t, "the answer", err.Error(), canary)
	a.MustHold(t)
}

// fragile is the API whose way to the database a test can cut.
func fragile(t *testing.T) (*testkit.API, *testkit.Proxy) {
	t.Helper()
	w := offline(t).Working
	at := mustURL(t, w.AppURL)
	proxy := testkit.NewProxy(t, at.Host)
	at.Host = proxy.Addr
	through := w.Database
	through.AppURL = at.String()
	s := through.Open(t, store.Options{})
	return w.Serve(t, func(o *api.Options) { o.Store = s }), proxy
}

func TestOutageOfTheDatabaseIsSaidAndPasses(t *testing.T) {
	t.Parallel()
	a, proxy := fragile(t)
	a.Enrol(t, "mina")
	me, boss := as(t, a, "mina"), as(t, a, "admin")
	stream := me.watch(t, nil)
	token := stream.begin(t).Token
	ready := func() (int, string) {
		response, body := desk{}.ask(t, a.URL, asked{method: http.MethodGet, path: "/readyz"})
		return response.StatusCode, body
	}
	if status, body := ready(); status != http.StatusOK {
		t.Errorf("before: %d %s", status, body)
	}

	proxy.Cut()
	for what, call := range map[string]func() error{
		"a state": func() error { _, err := me.agent.GetState(soon(t), &agentv1.GetStateRequest{}); return err },
		"a contact": func() error {
			_, err := me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: newID()})
			return err
		},
		"a sign-in": func() error { _, err := signIn(t, a, "mina", testkit.Password); return err },
		"an export": func() error {
			_, err := boss.admin.ExportConfiguration(soon(t), &adminv1.ExportConfigurationRequest{})
			return err
		},
		"a stream": func() error { w := me.watch(t, token); return (<-w.heard).err },
	} {
		mustRefuse(t, what, call(), connect.CodeUnavailable, postroom.ReasonDatabaseDown)
	}
	if response, body := me.ask(t, a.URL, asked{method: http.MethodGet, path: contentURL + newID()}); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a content: %s %s", response.Status, body)
	}
	if status, body := ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, `"database":"the database`) {
		t.Errorf("meanwhile: %d %s", status, body)
	}
	if _, end, ok := stream.ended(patience); !ok || end != (refusal{connect.CodeUnavailable, postroom.ReasonDatabaseDown}) {
		t.Errorf("the stream ended with %s", end)
	}
	flip(t, a, "mina") // by another process, which reaches the database
	silent(t, "the log", a.Log.String(), mustURL(t, a.AppURL).User.String(), testkit.Password, me.token.Reveal())

	proxy.Mend()
	testkit.Eventually(t, "the API to be ready", func() bool { status, _ := ready(); return status == http.StatusOK })
	got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
	if r := me.watch(t, token).next(t); r.GetStateChanged() == nil || r.Token.Seq != token.Seq+1 {
		t.Errorf("resumed: %v", r)
	}
}
