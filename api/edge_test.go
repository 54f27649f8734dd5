package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/gateway"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
)

const (
	getState = agentv1connect.AgentServiceGetStateProcedure
	setState = agentv1connect.AgentServiceSetStateProcedure
	apply    = adminv1connect.AdminServiceApplyConfigurationProcedure
)

// asked is a request that is made by hand: a header may be any, "Host" too.
type asked struct {
	method, path string
	header       map[string]string
	body         io.Reader
}

// ask makes a request to an API in a session, and returns its answer with its body.
func (d desk) ask(t testing.TB, url string, q asked) (*http.Response, string) {
	t.Helper()
	if q.method == "" {
		q.method, q.header = http.MethodPost, with(q.header, "Content-Type", "application/json")
	}
	request, err := http.NewRequestWithContext(soon(t), q.method, url+q.path, q.body)
	must(t, err)
	if d.token != "" {
		request.Header.Set("Authorization", "Bearer "+d.token.Reveal())
	}
	for k, v := range q.header {
		request.Header.Set(k, v)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response, string(body)
}

func with(header map[string]string, key, value string) map[string]string {
	more := map[string]string{key: value}
	for k, v := range header {
		more[k] = v
	}
	return more
}

// R41: a foreign page cannot reach a loopback address under a name of its own.
func TestForeignHostNamesAreRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost", "[::1]", "127.0.0.1@evil.example", "0.0.0.0"} {
		response, body := me.ask(t, a.URL, asked{path: getState, header: map[string]string{"Host": host}, body: strings.NewReader("{}")})
		if response.StatusCode == http.StatusOK || (response.StatusCode != http.StatusBadRequest && saysJSON([]byte(body)) != "invalid_argument/wrong_host") {
			t.Errorf("%s: %s %s", host, response.Status, body)
		}
		for _, path := range []string{"/healthz", "/readyz", contentURL + testkit.NewID()} {
			if response, body := me.ask(t, a.URL, asked{method: http.MethodGet, path: path, header: map[string]string{"Host": host}}); response.StatusCode/100 != 4 {
				t.Errorf("%s%s: %s %s", host, path, response.Status, body)
			}
		}
	}
	for _, host := range []string{"127.0.0.1", "127.0.0.1:1234"} {
		if response, body := me.ask(t, a.URL, asked{path: getState, header: map[string]string{"Host": host}, body: strings.NewReader("{}")}); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", host, response.Status, body)
		}
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	available := func() io.Reader {
		return strings.NewReader(`{"requestId":"` + newID() + `","state":"STATE_AVAILABLE","seenVersion":"2"}`)
	}
	for _, foreign := range []map[string]string{
		{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"}, {"Origin": a.URL, "Sec-Fetch-Site": "cross-site"},
	} {
		response, body := me.ask(t, a.URL, asked{path: setState, header: foreign, body: available()})
		if response.StatusCode != http.StatusBadRequest || saysJSON([]byte(body)) != "invalid_argument/cross_origin" {
			t.Errorf("%v: %s %s", foreign, response.Status, body)
		}
	}
	for _, gRPC := range []string{"application/grpc-web+proto", "application/connect+json"} {
		response, body := me.ask(t, a.URL, asked{path: agentv1connect.AgentServiceWatchProcedure, method: http.MethodPost, body: strings.NewReader("\x00\x00\x00\x00\x02{}"),
			header: map[string]string{"Origin": "https://evil.example", "Content-Type": gRPC}})
		if !strings.Contains(body+response.Header.Get("Grpc-Message"), "requests of other sites are refused") {
			t.Errorf("%s of another site: %s %q", gRPC, response.Status, body)
		}
	}
	if state := a.Text(t, "SELECT state FROM agent_state WHERE agent_id = 'mina'"); state != "idle" {
		t.Errorf("another site made her %s", state)
	}
	for _, own := range []map[string]string{{"Origin": a.URL}, {"Sec-Fetch-Site": "same-origin", "Origin": a.URL}, {"Sec-Fetch-Site": "none"}} {
		if response, body := me.ask(t, a.URL, asked{path: getState, header: own, body: strings.NewReader("{}")}); response.StatusCode != http.StatusOK {
			t.Errorf("%v: %s %s", own, response.Status, body)
		}
	}
}

func TestRequestThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	huge := `{"requestId":"` + newID() + `","document":"` + strings.Repeat("x", 2<<20) + `"}`
	response, body := boss.ask(t, a.URL, asked{path: apply, body: strings.NewReader(huge)})
	if saysJSON([]byte(body)) != "invalid_argument/too_large" {
		t.Errorf("with its length: %s %.200s", response.Status, body)
	}
	response, body = boss.ask(t, a.URL, asked{path: apply, body: io.MultiReader(strings.NewReader(huge))}) // nobody knows how long
	if response.StatusCode/100 != 4 || !strings.Contains(body, "resource_exhausted") {
		t.Errorf("in pieces: %s %.200s", response.Status, body)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		_, err := z.Write(make([]byte, 1<<20))
		must(t, err)
	}
	must(t, z.Close())
	response, body = boss.ask(t, a.URL, asked{path: apply, header: map[string]string{"Content-Encoding": "gzip"}, body: &bomb})
	if response.StatusCode/100 != 4 || !strings.Contains(body, "resource_exhausted") {
		t.Errorf("a bomb: %s %.200s", response.Status, body)
	}
	if n := a.Count(t, "SELECT count(*) FROM configuration"); n != 1 {
		t.Errorf("%d versions", n)
	}
}

func TestRequestThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	post := func(contentType string) map[string]string { return map[string]string{"Content-Type": contentType} }
	for name, q := range map[string]struct {
		asked
		status int
	}{
		"malformed JSON":       {asked{path: getState, body: strings.NewReader(`{"a`)}, 400},
		"JSON of another kind": {asked{path: setState, body: strings.NewReader(`{"seenVersion":"` + card + `"}`)}, 400},
		"malformed protobuf":   {asked{http.MethodPost, setState, post("application/proto"), strings.NewReader("\xff\xff\xff")}, 400},
		"no UTF-8":             {asked{http.MethodPost, setState, post("application/proto"), strings.NewReader("\x0a\x02\xff\xfe")}, 400},
		"another format":       {asked{http.MethodPost, getState, post("text/plain"), strings.NewReader("{}")}, 415},
		"another method":       {asked{http.MethodPut, getState, post("application/json"), strings.NewReader("{}")}, 405},
		"a write with GET":     {asked{method: http.MethodGet, path: setState + "?connect=v1&encoding=json&message=%7B%7D"}, 405},
		"an unknown procedure": {asked{path: "/postroom.agent.v1.AgentService/Dance", body: strings.NewReader("{}")}, 404},
		"an unknown service":   {asked{path: "/postroom.agent.v1.DanceService/Dance", body: strings.NewReader("{}")}, 404},
		"another page":         {asked{method: http.MethodGet, path: "/"}, 404},
		"another content":      {asked{method: http.MethodGet, path: contentURL}, 404},
		"content with POST":    {asked{path: contentURL + testkit.NewID(), body: strings.NewReader("{}")}, 405},
	} {
		response, body := me.ask(t, a.URL, q.asked)
		if response.StatusCode != q.status {
			t.Errorf("%s: %s %s", name, response.Status, body)
		}
	}
	silent(t, "the log", a.Log.String(), "4111")
}

func TestEveryAnswerCarriesTheHeadersThatProtect(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	for name, q := range map[string]asked{
		"an answer":  {path: getState, body: strings.NewReader("{}")},
		"a refusal":  {path: setState, body: strings.NewReader("{}")},
		"a stranger": {path: getState, header: map[string]string{"Host": "evil.example"}, body: strings.NewReader("{}")},
		"a content":  {method: http.MethodGet, path: contentURL + testkit.NewID()},
		"a page":     {method: http.MethodGet, path: "/nothing"},
		"healthz":    {method: http.MethodGet, path: "/healthz"},
		"readyz":     {method: http.MethodGet, path: "/readyz"},
	} {
		response, _ := me.ask(t, a.URL, q)
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := response.Header.Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s (%s): %s is %q, want %q", name, response.Status, header, got, want)
			}
		}
		if got := response.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s lets %s read it", name, got)
		}
	}
}

// panicking is a Temporal client that breaks, with a word of a customer in its mouth.
type panicking struct{ client.Client }

func (panicking) UpdateWorkflow(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	panic(canary)
}

// canary is a word that nobody outside may hear.
const canary = "Zwergspitz"

func TestPanicIsAnsweredWithAReferenceAndNoText(t *testing.T) {
	t.Parallel()
	w := offline(t).Working
	a := w.Serve(t, func(o *api.Options) {
		o.Gateway = gateway.New(panicking{w.Client}, "nobody")
		o.Blobs = nil
		o.Health = map[string]func() error{"broken": func() error { panic(canary) }}
	})
	a.SignIn(t, "mina")
	offer := a.Claim(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	me := as(t, a, "mina")
	_, err := me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
	reference := detailOf(err).GetReference()
	mustRefuse(t, "a call that panics", err, connect.CodeInternal, "internal")
	if err == nil || reference == "" || !strings.Contains(err.Error(), reference) || !strings.Contains(a.Log.String(), reference) {
		t.Errorf("the reference %q is not in %v and the log", reference, err)
	}
	response, body := me.ask(t, a.URL, asked{method: http.MethodGet, path: "/readyz"})
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "reference") {
		t.Errorf("a page that panics: %s %q", response.Status, body)
	}
	silent(t, "an answer", err.Error()+body, canary)
	silent(t, "the log", a.Log.String(), canary)
	got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t) // the server goes on
}

// A defect leaves as a reference; what PostgreSQL said about it stays here, and out of the log too.
func TestInternalErrorShowsAReferenceAndNothingElse(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	a.Exec(t, `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '`+canary+`' USING DETAIL = '`+canary+`'; END $$`)
	a.Exec(t, `CREATE TRIGGER broken BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION broken()`)
	_, err := boss.admin.RevokeSessions(soon(t), &adminv1.RevokeSessionsRequest{RequestId: newID(), Agent: "mina"})
	mustRefuse(t, "a call that meets a defect", err, connect.CodeInternal, "internal")
	reference := detailOf(err).GetReference()
	if want := "internal: something went wrong on our side; reference " + reference; err == nil || reference == "" || err.Error() != want {
		t.Errorf("it says %v", err)
	}
	if log := a.Log.String(); !strings.Contains(log, reference) || !strings.Contains(log, "revoke sessions: postgresql P0001") {
		t.Errorf("the log does not say what happened: %s", log)
	}
	silent(t, "the log", a.Log.String(), canary)
}

// recording notes when each write must be over, and how long it is.
type recording struct {
	httptest.ResponseRecorder
	deadlines []time.Time
	writes    []int
}

func (r *recording) SetWriteDeadline(d time.Time) error {
	r.deadlines = append(r.deadlines, d)
	return nil
}

func (r *recording) Write(b []byte) (int, error) {
	r.writes = append(r.writes, len(b))
	return r.ResponseRecorder.Write(b)
}

// A large attachment over a slow line takes longer than one write may: each piece has its own time.
func TestLongAnswerIsWrittenInPiecesThatEachHaveTheirTime(t *testing.T) {
	t.Parallel()
	r := &recording{ResponseRecorder: *httptest.NewRecorder()}
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	n, err := api.SlowWriter(r).Write(content)
	if err != nil || n != len(content) || !bytes.Equal(r.Body.Bytes(), content) {
		t.Fatalf("wrote %d of %d: %v", n, len(content), err)
	}
	if len(r.writes) != 4 || len(r.deadlines) != 4 || r.writes[0] != 64<<10 {
		t.Errorf("in pieces of %v, with %d deadlines", r.writes, len(r.deadlines))
	}
	if n, err := api.SlowWriter(r).Write(nil); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
}

func TestHealthSaysWhichPartIsNotWell(t *testing.T) {
	t.Parallel()
	w := offline(t).Working
	well := true
	a := w.Serve(t, func(o *api.Options) {
		o.Health = map[string]func() error{"temporal": func() error {
			if well {
				return nil
			}
			return postroom.Unavailable(postroom.ReasonTemporalDown, "the Temporal server does not answer", io.ErrUnexpectedEOF)
		}}
	})
	nobody := desk{}
	health := func() (int, string) {
		response, body := nobody.ask(t, a.URL, asked{method: http.MethodGet, path: "/readyz"})
		return response.StatusCode, strings.TrimSpace(body)
	}
	if status, body := health(); status != 200 || body != `{"database":"ok","temporal":"ok"}` {
		t.Errorf("well: %d %s", status, body)
	}
	well = false
	if status, body := health(); status != 503 || !strings.Contains(body, `"temporal":"the Temporal server does not answer`) || strings.Contains(body, "EOF") {
		t.Errorf("not well: %d %s", status, body)
	}
	if response, body := nobody.ask(t, a.URL, asked{method: http.MethodGet, path: "/healthz"}); response.StatusCode != 200 || body != "ok\n" {
		t.Errorf("alive: %s %q", response.Status, body)
	}
}
