package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

func TestReadyProcessesAreHealthy(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	for _, process := range []string{"worker", "api"} {
		if got := s.Run(t, "", "health", process); got != "ready\n" {
			t.Errorf("health %s: %q", process, got)
		}
	}
}

// asAPI is the environment of an API that listens on an address, and lets itself be asked under a name.
func asAPI(listen, host string) []string {
	return append(bare(), "POSTROOM_DATABASE_URL=postgres://nobody@localhost/none", "POSTROOM_BLOB_URL=file:///nowhere", "POSTROOM_SECRETS_DIR=/nowhere",
		"POSTROOM_API_LISTEN="+listen, "POSTROOM_ALLOWED_HOSTS="+host+",elsewhere.example")
}

func TestHealthAsksUnderANameThatTheAPIAllows(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host + r.URL.Path }))
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	env := append(asAPI(":"+port, "desk.shop.example"), "POSTROOM_API_TLS_CERT=/nowhere/cert.pem", "POSTROOM_API_TLS_KEY=/nowhere/key.pem")
	if ran := run(t, env, "health", "api"); ran.Err != nil || ran.Stdout != "ready\n" {
		t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
	}
	if got := <-asked; got != "desk.shop.example/readyz" {
		t.Errorf("asked for %s", got)
	}
}

func TestWhatIsNotReadySaysWhatItLacks(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Bool // what answers is another program
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if elsewhere.Load() {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"database":"ok","temporal":"the Temporal server does not answer","a":"b"}`))
	}))
	env := asAPI(server.Listener.Addr().String(), "localhost")
	ran := run(t, env, "health", "api")
	refused(t, ran, "not ready: a: b; temporal: the Temporal server does not answer")
	if strings.Contains(ran.Stderr, "database") {
		t.Errorf("what is well is named: %s", ran.Stderr)
	}
	elsewhere.Store(true)
	refused(t, run(t, env, "health", "api"), "404")
	server.Close()
	refused(t, run(t, env, "health", "api"), "it does not answer")
	refused(t, run(t, bare(), "health", "worker"), "POSTROOM_DATABASE_URL: ")
	refused(t, run(t, env, "health", "devmail"), "devmail")
}
