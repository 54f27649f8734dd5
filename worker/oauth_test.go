package worker_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// provider is a token endpoint that gives another refresh token with each use, and takes the second use of one for theft.
type provider struct {
	mu      sync.Mutex
	down    bool
	good    string // the refresh token
	spent   []string
	access  string // the access token that the mail server takes
	n       int
	stolen  bool
	revoked bool
}

// ServeHTTP answers a use of the refresh token.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	given := r.FormValue("refresh_token")
	w.Header().Set("Content-Type", "application/json")
	p.stolen = p.stolen || slices.Contains(p.spent, given)
	switch {
	case p.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case p.revoked, given != p.good:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	default:
		p.n++
		p.spent = append(p.spent, given)
		p.good, p.access = fmt.Sprint("refresh-", p.n), fmt.Sprint("access-", p.n)
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600,"refresh_token":%q}`, p.access, p.good)
	}
}

func (p *provider) takes(_, token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return token == p.access && token != ""
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// An access token ends in the middle of a session, refresh tokens are replaced, the endpoint is down, and access is withdrawn: each time mail goes on
// coming in when it may, and what is wrong is said without a token.
func TestMailboxIsSignedInToWithOAuthForAsLongAsItIsAuthorized(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	p := &provider{good: "handed-in"}
	endpoint := httptest.NewServer(p)
	t.Cleanup(endpoint.Close)
	var log bytes.Buffer
	var writing sync.Mutex
	w.SetLog(t, slog.New(slog.NewTextHandler(lockedWriter{&writing, &log}, nil)))

	c := testkit.Sample(time.Minute)
	const mailbox = postroom.MailboxID("authorized")
	c.Mailboxes[0].ID, c.Queues[0].Mailbox, c.EntryPoints[0].Mailbox = mailbox, mailbox, mailbox
	c.Mailboxes[0].IMAP.Secret, c.Mailboxes[0].SMTP.Secret = "", ""
	c.Mailboxes[0].OAuth = postroom.OAuth{TokenURL: endpoint.URL + "/token", ClientID: "postroom"}
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("authorized")); err != nil {
		t.Fatal(err)
	}
	mail := w.ConnectMailWith(t, devmail.Options{Token: p.takes, Mechanisms: []string{"OAUTHBEARER", "XOAUTH2"}})
	anew := func() { // as a change of the settings does: else each attempt waits longer than the one before
		t.Helper()
		w.Exec(t, "UPDATE mailbox SET version = version + 1, tell_at = NULL WHERE id = $1", mailbox)
		w.Exec(t, "SELECT pg_notify('postroom_config', '0')")
	}
	anew()
	state := func() store.MailboxState {
		t.Helper()
		states, err := w.MailboxStates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return states[slices.IndexFunc(states, func(s store.MailboxState) bool { return s.Mailbox == mailbox })]
	}
	health := func(reason postroom.Reason) {
		t.Helper()
		testkit.Eventually(t, "the mailbox to be "+string(reason), func() bool { return postroom.ReasonOf(w.MailHealth()[string(mailbox)]) == reason })
	}
	arrives := func(n int) {
		t.Helper()
		write(t, mail, devmail.Letter{From: "kim@customer.example", Subject: fmt.Sprint("Mail ", n), Text: "Where is it?"})
		testkit.Eventually(t, fmt.Sprintf("mail %d to come in", n), func() bool { return w.Count(t, "SELECT count(*) FROM received WHERE arrival <> 'quarantined'") == n })
	}
	authorize := func(token string) {
		t.Helper()
		watched, err := w.Mailbox(t.Context(), mailbox)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := w.Keys.SealRefreshToken(watched.Mailbox, token)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Authorize(t.Context(), postroom.System("test"), mailbox, sealed); err != nil {
			t.Fatal(err)
		}
	}

	health(store.ReasonNotAuthorized)
	authorize("handed-in")
	arrives(1)

	// The provider ends the access token, and the mail server the session: a new token is had, with the refresh token that came in place of the first.
	p.set(func() { p.access = "" })
	mail.DropConnections()
	arrives(2)

	// The endpoint is down when the next one is needed.
	p.set(func() { p.access, p.down = "", true })
	mail.DropConnections()
	anew()
	health("token_endpoint_unavailable")
	p.set(func() { p.down = false })
	anew()
	arrives(3)

	p.set(func() { p.access, p.revoked = "", true })
	mail.DropConnections()
	anew()
	health(store.ReasonWithdrawn)
	if s := state(); s.Problem != "invalid_grant" || !s.OAuth {
		t.Errorf("the state is %+v", s)
	}
	p.set(func() { p.revoked, p.good = false, "handed-in-again" })
	authorize("handed-in-again")
	arrives(4)
	if s := state(); s.Problem != "" || s.Renewed == nil {
		t.Errorf("the state is %+v", s)
	}
	p.set(func() {
		if p.stolen {
			t.Error("a refresh token was used twice")
		}
	})
	for _, stored := range []string{"handed-in", "refresh-", "access-"} {
		if n := w.Count(t, "SELECT count(*) FROM mailbox_authorization WHERE position($1::bytea IN sealed) > 0", []byte(stored)); n > 0 {
			t.Errorf("%s is stored as it is", stored)
		}
		writing.Lock()
		if strings.Contains(log.String(), stored) {
			t.Errorf("%s is in the log", stored)
		}
		writing.Unlock()
	}
	w.MustHold(t)
}

// lockedWriter lets several goroutines write.
type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

// Write writes.
func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}
