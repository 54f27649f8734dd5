package oauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/oauth"
)

// endpoint answers each request as answer says.
func endpoint(t *testing.T, answer func(w http.ResponseWriter, form url.Values, r *http.Request)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		answer(w, r.Form, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/token"
}

func says(status int, body string) func(http.ResponseWriter, url.Values, *http.Request) {
	return func(w http.ResponseWriter, _ url.Values, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

const canary = "Zwergspitz" // what no error may repeat

func TestRefreshTokenIsUsedAsTheStandardSays(t *testing.T) {
	t.Parallel()
	at := endpoint(t, func(w http.ResponseWriter, form url.Values, r *http.Request) {
		id, secret, basic := r.BasicAuth()
		if !basic || id != "postroom" || secret != "s3cret" || form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "r1" ||
			form.Get("scope") != "mail offline_access" {
			t.Errorf("asked with %v", form)
		}
		says(200, `{"access_token":"a1","token_type":"Bearer","expires_in":3600,"refresh_token":"r2"}`)(w, form, r)
	})
	client := oauth.Client{TokenURL: at, ID: "postroom", Secret: postroom.NewSecret("s3cret"), Scope: "mail offline_access"}
	got, err := client.Renew(t.Context(), postroom.NewSecret("r1"))
	if err != nil || got.Access != "a1" || got.Refresh != "r2" || time.Until(got.Expires) < 59*time.Minute {
		t.Errorf("got %+v, %v", got, err)
	}
	at = endpoint(t, func(w http.ResponseWriter, form url.Values, r *http.Request) {
		if form.Get("client_id") != "postroom" || form.Has("scope") || r.Header.Get("Authorization") != "" {
			t.Errorf("a client without a secret asked with %v", form)
		}
		says(200, `{"access_token":"a1","token_type":"Bearer","refresh_token":"r1"}`)(w, form, r)
	})
	if got, err := (oauth.Client{TokenURL: at, ID: "postroom"}).Renew(t.Context(), postroom.NewSecret("r1")); err != nil || got.Refresh != "" || !got.Expires.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatAnEndpointSaysIsToldApartAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{400, `{"error":"invalid_grant","error_description":"` + canary + `"}`, oauth.ErrWithdrawn},
		{401, `{"error":"invalid_client","error_description":"` + canary + `"}`, postroom.Refused(oauth.ReasonClientRefused, "")},
		{400, `{"error":"invalid_scope"}`, postroom.Refused(oauth.ReasonClientRefused, "")},
		{400, `{"error":"` + canary + `"}`, postroom.Unavailable(oauth.ReasonEndpointDown, "", nil)},
		{503, canary, postroom.Unavailable(oauth.ReasonEndpointDown, "", nil)},
		{429, `{"error":"slow_down"}`, postroom.Unavailable(oauth.ReasonEndpointDown, "", nil)},
		{200, `{"token_type":"Bearer"}`, postroom.Unavailable(oauth.ReasonEndpointDown, "", nil)},
		{200, canary, postroom.Unavailable(oauth.ReasonEndpointDown, "", nil)},
	} {
		_, err := oauth.Client{TokenURL: endpoint(t, says(c.status, c.body)), ID: "p"}.Renew(t.Context(), postroom.NewSecret(canary))
		if !errors.Is(err, c.want) {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), canary) {
				t.Errorf("%d: the error repeats the answer: %v", c.status, e)
			}
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := (oauth.Client{TokenURL: gone.URL, ID: "p"}).Renew(t.Context(), postroom.NewSecret("r")); postroom.ReasonOf(err) != oauth.ReasonEndpointDown {
		t.Errorf("nobody there: %v", err)
	}
}

func TestRefreshTokenGoesToItsEndpointOnlyAndNeverInPlainOffThisMachine(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	thief := endpoint(t, func(http.ResponseWriter, url.Values, *http.Request) { elsewhere.Add(1) })
	at := endpoint(t, func(w http.ResponseWriter, _ url.Values, r *http.Request) {
		http.Redirect(w, r, thief, http.StatusTemporaryRedirect)
	})
	if _, err := (oauth.Client{TokenURL: at, ID: "p"}).Renew(t.Context(), postroom.NewSecret("r")); postroom.ReasonOf(err) != oauth.ReasonClientRefused || elsewhere.Load() > 0 {
		t.Errorf("redirected: %v", err)
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer"}`))
	}))
	t.Cleanup(secure.Close)
	if _, err := (oauth.Client{TokenURL: secure.URL, ID: "p"}).Renew(t.Context(), postroom.NewSecret("r")); postroom.ReasonOf(err) != oauth.ReasonEndpointDown {
		t.Errorf("with a certificate that nobody trusts: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	if _, err := (oauth.Client{TokenURL: secure.URL, ID: "p", Certificates: &tls.Config{RootCAs: roots}}).Renew(t.Context(), postroom.NewSecret("r")); err != nil {
		t.Errorf("with a certificate that is trusted: %v", err)
	}
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestTokenIsRenewedBeforeItExpiresAndOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	var asked atomic.Int32
	gate := make(chan struct{})
	s := oauth.NewSource(func(context.Context) (oauth.Grant, error) {
		<-gate
		n := asked.Add(1)
		return oauth.Grant{Access: strings.Repeat("a", int(n)), Expires: c.Now().Add(time.Hour)}, nil
	}, c.Now)
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			if token, err := s.Token(t.Context()); token != "a" || err != nil {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Token(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait gets %v", err)
	}
	close(gate)
	asking.Wait()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{54 * time.Minute, "a"}, {2 * time.Minute, "aa"}, {54 * time.Minute, "aa"}} {
		c.move(step.after)
		if token, err := s.Token(t.Context()); token != step.want || err != nil {
			t.Errorf("after %v: %q, %v", step.after, token, err)
		}
	}
}

func TestTokenThatTheMailServerRefusesIsReplacedAndAFreshOneIsNot(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Now()}
	n := 0
	s := oauth.NewSource(func(context.Context) (oauth.Grant, error) {
		n++
		return oauth.Grant{Access: strings.Repeat("a", n), Expires: c.Now().Add(time.Hour)}, nil
	}, c.Now)
	first, _ := s.Token(t.Context())
	c.move(10 * time.Minute)
	s.Reject(first)
	second, err := s.Token(t.Context())
	if second != "aa" || err != nil {
		t.Fatalf("got %q, %v", second, err)
	}
	s.Reject(first) // said late by another connection
	if token, _ := s.Token(t.Context()); token != second {
		t.Errorf("a late word on the first one cost the second: %q", token)
	}
	s.Reject(second)
	if _, err := s.Token(t.Context()); postroom.ReasonOf(err) != oauth.ReasonTokenRefused {
		t.Errorf("after a fresh one was refused: %v", err)
	}
	c.move(time.Minute)
	if token, err := s.Token(t.Context()); token != "aaa" || err != nil || n != 3 {
		t.Errorf("later: %q, %v", token, err)
	}
}

func TestEndpointThatFailsIsAskedAgainAfterAPauseThatGrows(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Now()}
	n, down := 0, postroom.Unavailable(oauth.ReasonEndpointDown, "down", nil)
	s := oauth.NewSource(func(context.Context) (oauth.Grant, error) {
		n++
		if n == 13 {
			return oauth.Grant{Access: "a"}, nil
		}
		return oauth.Grant{}, down
	}, c.Now)
	_, _ = s.Token(t.Context())
	for i, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		c.move(pause*time.Second - time.Millisecond)
		if _, err := s.Token(t.Context()); !errors.Is(err, down) || n != i+1 {
			t.Errorf("just before attempt %d: asked %d times, %v", i+2, n, err)
		}
		c.move(time.Millisecond)
		if _, err := s.Token(t.Context()); !errors.Is(err, down) || n != i+2 {
			t.Errorf("attempt %d: asked %d times, %v", i+2, n, err)
		}
	}
	c.move(5 * time.Minute)
	if token, err := s.Token(t.Context()); token != "a" || err != nil {
		t.Errorf("back again: %q, %v", token, err)
	}
}
