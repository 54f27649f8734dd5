package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/compose/v1/composev1connect"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	errorv1 "github.com/postroom/postroom/internal/gen/postroom/error/v1"
	"github.com/postroom/postroom/internal/gen/postroom/mail/v1/mailv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/routing/v1/routingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/sending/v1/sendingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/supervisor/v1/supervisorv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/template/v1/templatev1connect"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// card is a card number of the kind that issuers publish for tests.
const card = "4111 1111 1111 1111"

// offline is the API over the sample contact centre, without workflows.
func offline(t *testing.T) *testkit.API {
	t.Helper()
	return testkit.NewOffline(t, testkit.NewCentre(t, time.Hour, store.Options{})).Serve(t)
}

// working is the API over the sample contact centre, whose queue has that RONA time, with a worker on a real Temporal server.
func working(t *testing.T, rona time.Duration) *testkit.API {
	t.Helper()
	return testkit.NewWorking(t, testkit.NewCentre(t, rona, store.Options{}), testkit.NewTemporal(t)).Serve(t)
}

// desk is somebody who speaks to the API.
type desk struct {
	auth    authv1connect.AuthServiceClient
	agent   agentv1connect.AgentServiceClient
	contact contactv1connect.ContactServiceClient
	admin   adminv1connect.AdminServiceClient
	lead    supervisorv1connect.SupervisorServiceClient
	routing routingv1connect.RoutingServiceClient
	sending sendingv1connect.SendingServiceClient
	mail    mailv1connect.MailServiceClient
	compose composev1connect.ComposeServiceClient
	token   auth.Token

	template templatev1connect.TemplateServiceClient
}

// at speaks to the API at a URL with a session's token.
func at(url string, token auth.Token, options ...connect.ClientOption) desk {
	c := &http.Client{Transport: bearer{token, http.DefaultTransport}}
	return desk{authv1connect.NewAuthServiceClient(c, url, options...), agentv1connect.NewAgentServiceClient(c, url, options...),
		contactv1connect.NewContactServiceClient(c, url, options...), adminv1connect.NewAdminServiceClient(c, url, options...),
		supervisorv1connect.NewSupervisorServiceClient(c, url, options...), routingv1connect.NewRoutingServiceClient(c, url, options...),
		sendingv1connect.NewSendingServiceClient(c, url, options...), mailv1connect.NewMailServiceClient(c, url, options...),
		composev1connect.NewComposeServiceClient(c, url, options...), token, templatev1connect.NewTemplateServiceClient(c, url, options...)}
}

// http is what carries a desk's calls.
func (d desk) http() *http.Client {
	return &http.Client{Transport: bearer{d.token, http.DefaultTransport}}
}

// as speaks to the API in a new session of an agent.
func as(t testing.TB, a *testkit.API, agent postroom.AgentID) desk {
	t.Helper()
	return at(a.URL, a.NewSession(t, agent))
}

// bearer is how programs show their token.
type bearer struct {
	token auth.Token
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	}
	return b.next.RoundTrip(r)
}

// refusal is how the API says no: a Connect code, and the reason that clients branch on.
type refusal struct {
	code   connect.Code
	reason postroom.Reason
}

func (r refusal) String() string {
	if r.code == 0 {
		return "ok"
	}
	return fmt.Sprintf("%s/%s", r.code, r.reason)
}

// refusalOf reads the refusal in an error of a client; of nil it is the zero refusal.
func refusalOf(err error) refusal {
	if err == nil {
		return refusal{}
	}
	return refusal{connect.CodeOf(err), postroom.Reason(detailOf(err).GetReason())}
}

func detailOf(err error) *errorv1.ErrorDetail {
	var e *connect.Error
	if !errors.As(err, &e) {
		return nil
	}
	for _, d := range e.Details() {
		if v, err := d.Value(); err == nil {
			if detail, ok := v.(*errorv1.ErrorDetail); ok {
				return detail
			}
		}
	}
	return nil
}

// mustRefuse fails the test unless err is that refusal.
func mustRefuse(t testing.TB, what string, err error, code connect.Code, reason postroom.Reason) {
	t.Helper()
	if got, want := refusalOf(err), (refusal{code, reason}); got != want {
		t.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}

// got returns the answer of a call that must not be refused.
func got[T any](answer T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v (%s)", err, refusalOf(err))
		}
		return answer
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%s)", err, refusalOf(err))
	}
}

func newID() string { return uuid.NewString() }

// soon bounds what a test does on its own connections.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// silent fails the test for every word that a text holds and must not.
func silent(t testing.TB, where, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(text, w) {
			t.Errorf("%s shows %q", where, w)
		}
	}
}

// tablesWith names the tables in which a text stands, in any column.
func tablesWith(t testing.TB, a *testkit.API, text string) string {
	t.Helper()
	return a.Text(t, `SELECT coalesce(string_agg(table_name, ', '), '') FROM information_schema.tables
		WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND
			(xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I AS x WHERE strpos(x::text, %L) > 0',
				table_schema, table_name, $1::text), false, true, '')))[1]::text <> '0'`, text)
}
