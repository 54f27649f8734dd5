package api_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/postroom/postroom/api"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	errorv1 "github.com/postroom/postroom/internal/gen/postroom/error/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// curl runs curl, and reads what it prints as JSON.
func curl(t *testing.T, args ...string) (status string, body map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "curl", append([]string{"--silent", "--show-error", "--write-out", "\n%{http_code}"}, args...)...).Output()
	if err != nil {
		t.Fatalf("curl (is it installed?): %v", err)
	}
	text, status, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("curl printed %q: %v", text, err)
	}
	return status, body
}

func TestCurlWithJSONIsEnough(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	status, body := curl(t, a.URL+authv1connect.AuthServiceSignInProcedure, "--json", `{"agent":"mina","password":"`+testkit.Password+`","bearer":true}`)
	token, _ := body["token"].(string)
	if who, _ := body["session"].(map[string]any); status != "200" || token == "" || who["agent"] != "mina" || who["role"] != "agent" || who["name"] != "김미나" {
		t.Fatalf("sign in: %s %v", status, body)
	}
	bearer := "Authorization: Bearer " + token

	status, body = curl(t, a.URL+agentv1connect.AgentServiceGetStateProcedure, "-H", bearer, "--json", "{}")
	if state, _ := body["state"].(map[string]any); status != "200" || state["state"] != "STATE_IDLE" || state["idleCode"] != "signed-in" || state["version"] != "2" {
		t.Errorf("state: %s %v", status, body)
	}
	a.Choose(t, "mina", "available", "")
	contact := a.Arrive(t, "kim@customer.example", "소포")
	offer := a.Claim(t, contact, "mina")
	status, body = curl(t, a.URL+contactv1connect.ContactServiceListActiveContactsProcedure, "-H", bearer, "--json", "{}")
	cards, _ := body["contacts"].([]any)
	if status != "200" || len(cards) != 1 {
		t.Fatalf("list: %s %v", status, body)
	}
	if card, _ := cards[0].(map[string]any); card["contactId"] != string(contact) || card["offerId"] != string(offer) || card["subject"] != "소포" ||
		card["state"] != "OFFER_STATE_LIVE" || card["customerAddress"] != "kim@customer.example" || card["expiresAt"] == nil {
		t.Errorf("card: %v", card)
	}
	status, body = curl(t, a.URL+contactv1connect.ContactServiceGetContactProcedure, "-H", bearer, "--json", `{"contactId":"`+testkit.NewID()+`"}`)
	if status != "404" || body["code"] != "not_found" || body["message"] != "there is no such contact" {
		t.Errorf("an unknown contact: %s %v", status, body)
	}
	status, body = curl(t, a.URL+agentv1connect.AgentServiceGetStateProcedure, "--json", "{}")
	if status != "401" || body["code"] != "unauthenticated" {
		t.Errorf("without a token: %s %v", status, body)
	}
}

// A call without side effects can be made with GET, its parameters hold ids, keys of the configuration and numbers only, and no cache keeps it (R40).
func TestGetIsForReadingAndIsNotStored(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	get := func(procedure, message string) *http.Response {
		request, err := http.NewRequestWithContext(soon(t), http.MethodGet,
			a.URL+procedure+"?connect=v1&encoding=json&message="+url.QueryEscape(message), nil)
		must(t, err)
		request.Header.Set("Authorization", "Bearer "+me.token.Reveal())
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	for path, method := range procedures() {
		safe := method.Options().(*descriptorpb.MethodOptions).GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
		for i := range method.Input().Fields().Len() {
			switch f := method.Input().Fields().Get(i).Name(); {
			case safe && !slices.Contains([]protoreflect.Name{"contact_id", "offer_id", "before_id", "before_version", "version", "limit", "team", "key", "language", "answer_to"}, f):
				t.Errorf("%s: %s would stand in a URL", path, f)
			case safe && f == "request_id":
				t.Errorf("%s has a request_id and is called free of side effects", path)
			}
		}
		response := get(path, `{}`)
		if allowed := response.StatusCode != http.StatusMethodNotAllowed; allowed != safe {
			t.Errorf("GET %s: %s", path, response.Status)
		}
		if safe && response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: %s with Cache-Control %q", path, response.Status, response.Header.Values("Cache-Control"))
		}
	}
	if r := get(agentv1connect.AgentServiceGetStateProcedure, `{}`); r.StatusCode != http.StatusOK {
		t.Errorf("GET GetState: %s", r.Status)
	}
	if r := get(contactv1connect.ContactServiceGetContactProcedure, `{"contactId":"`+testkit.NewID()+`"}`); r.StatusCode != http.StatusNotFound {
		t.Errorf("GET of an unknown contact: %s", r.Status)
	}
}

func TestGRPCClientsAreAnsweredInTheirOwnWords(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	conn, err := grpc.NewClient(strings.TrimPrefix(a.URL, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })

	var in authv1.SignInResponse
	must(t, conn.Invoke(soon(t), authv1connect.AuthServiceSignInProcedure, &authv1.SignInRequest{Agent: "mina", Password: testkit.Password, Bearer: true}, &in))
	ctx := metadata.AppendToOutgoingContext(soon(t), "authorization", "Bearer "+in.Token)
	var state agentv1.GetStateResponse
	must(t, conn.Invoke(ctx, agentv1connect.AgentServiceGetStateProcedure, &agentv1.GetStateRequest{}, &state))
	if state.State.GetState() != agentv1.State_STATE_IDLE {
		t.Errorf("state: %v", &state)
	}
	var list contactv1.ListActiveContactsResponse
	must(t, conn.Invoke(ctx, contactv1connect.ContactServiceListActiveContactsProcedure, &contactv1.ListActiveContactsRequest{}, &list))

	err = conn.Invoke(ctx, contactv1connect.ContactServiceGetContactProcedure, &contactv1.GetContactRequest{ContactId: testkit.NewID()}, &contactv1.GetContactResponse{})
	refused := status.Convert(err)
	if details := refused.Details(); refused.Code() != codes.NotFound || len(details) != 1 || details[0].(*errorv1.ErrorDetail).Reason != "unknown_contact" {
		t.Errorf("an unknown contact: %v, %v", err, refused.Details())
	}

	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, agentv1connect.AgentServiceWatchProcedure)
	must(t, err)
	must(t, stream.SendMsg(&agentv1.WatchRequest{}))
	must(t, stream.CloseSend())
	var first, second agentv1.WatchResponse
	must(t, stream.RecvMsg(&first))
	if first.GetSnapshot().GetState().GetAgent() != "mina" {
		t.Errorf("the stream begins with %v", &first)
	}
	a.Choose(t, "mina", "available", "")
	must(t, stream.RecvMsg(&second))
	if second.GetStateChanged().GetState() != agentv1.State_STATE_AVAILABLE {
		t.Errorf("and goes on with %v", &second)
	}
}

func TestGRPCWebClientsAreAnswered(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := at(a.URL, a.NewSession(t, "mina"), connect.WithGRPCWeb())
	got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
	_, err := me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: testkit.NewID()})
	mustRefuse(t, "an unknown contact", err, connect.CodeNotFound, "unknown_contact")
}

// browser signs in at a server as a page would, and returns its client, which keeps cookies, with the cookie that it was sent.
func browser(t *testing.T, server string, transport http.RoundTripper) (*http.Client, *http.Cookie) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	c := &http.Client{Jar: jar, Transport: transport}
	request, err := http.NewRequestWithContext(soon(t), http.MethodPost, server+authv1connect.AuthServiceSignInProcedure,
		strings.NewReader(`{"agent":"mina","password":"`+testkit.Password+`"}`))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := c.Do(request)
	must(t, err)
	defer response.Body.Close()
	var body map[string]any
	must(t, json.NewDecoder(response.Body).Decode(&body))
	if _, shown := body["token"]; shown || len(response.Cookies()) != 1 {
		t.Fatalf("sign in: %v with cookies %v", body, response.Cookies())
	}
	return c, response.Cookies()[0]
}

func TestBrowsersKeepTheSessionInACookieThatScriptsCannotRead(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	c, cookie := browser(t, a.URL, http.DefaultTransport)
	if cookie.Name != "postroom_session" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Secure ||
		cookie.Domain != "" {
		t.Errorf("the cookie: %s", cookie.Raw)
	}
	if left := time.Until(cookie.Expires); left < 11*time.Hour || left > 12*time.Hour+time.Minute {
		t.Errorf("the cookie lasts %v", left)
	}
	me := authv1connect.NewAuthServiceClient(c, a.URL)
	if who := got(me.GetSession(soon(t), &authv1.GetSessionRequest{}))(t); who.Session.Agent != "mina" || who.Session.Locked {
		t.Errorf("the session: %v", who)
	}
	got(me.SignOut(soon(t), &authv1.SignOutRequest{}))(t)
	if left := c.Jar.Cookies(mustURL(t, a.URL)); len(left) != 0 {
		t.Errorf("after signing out the browser has %v", left)
	}
	_, err := withCookie(a.URL, cookie).GetSession(soon(t), &authv1.GetSessionRequest{})
	mustRefuse(t, "the old cookie", err, connect.CodeUnauthenticated, "session_ended")
}

func TestOverTLSTheCookieIsSecureAndNoOtherCounts(t *testing.T) {
	t.Parallel()
	a := testkit.NewOffline(t, offline(t).Centre).Serve(t, func(o *api.Options) { o.Secure = true })
	a.Enrol(t, "mina")
	server := httptest.NewUnstartedServer(a.Server.Handler())
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	if transport.TLSClientConfig.MinVersion == 0 {
		transport.TLSClientConfig.MinVersion = tls.VersionTLS12
	}
	c, cookie := browser(t, server.URL, transport)
	if cookie.Name != "__Host-postroom_session" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode ||
		cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("the cookie: %s", cookie.Raw)
	}
	if who := got(authv1connect.NewAuthServiceClient(c, server.URL).GetSession(soon(t), &authv1.GetSessionRequest{}))(t); who.Session.Agent != "mina" {
		t.Errorf("the session: %v", who)
	}
	// A neighbour's host can set a cookie of the plain name for ours: with his own session in it a victim would work as him.
	planted := &http.Cookie{Name: "postroom_session", Value: cookie.Value}
	_, err := withCookie(a.URL, planted).GetSession(soon(t), &authv1.GetSessionRequest{})
	mustRefuse(t, "a cookie without __Host-", err, connect.CodeUnauthenticated, "session_ended")
	got(withCookie(a.URL, cookie).GetSession(soon(t), &authv1.GetSessionRequest{}))(t)
}

// withCookie speaks with a cookie and nothing else.
func withCookie(server string, cookie *http.Cookie) authv1connect.AuthServiceClient {
	return authv1connect.NewAuthServiceClient(&http.Client{Transport: cookieTransport{cookie}}, server)
}

type cookieTransport struct{ cookie *http.Cookie }

func (c cookieTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.AddCookie(&http.Cookie{Name: c.cookie.Name, Value: c.cookie.Value})
	return http.DefaultTransport.RoundTrip(r)
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}
