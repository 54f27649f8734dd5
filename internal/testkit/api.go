package testkit

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// API is the handler of package api over a contact centre, on a loopback listener as `postroom api` serves it: HTTP/1.1, and HTTP/2 without
// TLS.
type API struct {
	*Working
	Server *api.Server
	URL    string // http://127.0.0.1:PORT
	Log    *LogBook

	hub string // the application_name of the connection that hears notifications
}

// NewOffline makes a contact centre without a worker, whose Temporal server is down.
func NewOffline(t testing.TB, centre *Centre) *Working {
	t.Helper()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	w := &Working{Centre: centre, Client: Dial(t, address), queue: "test-" + uuid.NewString(), Secrets: t.TempDir(), stop: func() {}}
	w.Gateway = gateway.New(w.Client, w.queue)
	if w.Blobs, err = blob.Open("mem://"); err != nil {
		t.Fatal(err)
	}
	if w.Keys, err = keyring.Init(w.Secrets, time.Now()); err != nil {
		t.Fatal(err)
	}
	return w
}

// Serve serves the API until the test ends. change may exchange what it works with; a hub of the test's own is the test's to run.
func (w *Working) Serve(t testing.TB, change ...func(*api.Options)) *API {
	t.Helper()
	a := &API{Working: w, Log: &LogBook{}, hub: "hub " + uuid.NewString()}
	log := slog.New(slog.NewJSONHandler(a.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hub := events.New(w.NamedPool(t, a.hub), log, store.NotifyEvents, store.NotifySession)
	options := api.Options{Store: w.Store, Gateway: w.Gateway, Hub: hub, Blobs: w.Blobs, Scanner: pci.New(), Keys: w.Keys, Log: log,
		Hosts: []string{"127.0.0.1"}}
	for _, c := range change {
		c(&options)
	}
	if options.Hub == hub {
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { hub.Run(ctx) })
		t.Cleanup(func() { cancel(); running.Wait() })
		a.AwaitHub(t)
	}
	a.Server = api.New(options)
	a.URL = "http://" + a.listen(t, log)
	return a
}

func (a *API) listen(t testing.TB, log *slog.Logger) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: a.Server.Handler(), Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; err != http.ErrServerClosed {
			t.Errorf("the API's server: %v", err)
		}
	})
	return listener.Addr().String()
}

// NamedPool is a pool of connections that PostgreSQL shows under a name.
func (d Database) NamedPool(t testing.TB, name string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 2
	config.ConnConfig.RuntimeParams["search_path"] = d.Schema
	config.ConnConfig.RuntimeParams["application_name"] = name
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// AwaitHub waits until the API hears notifications.
func (a *API) AwaitHub(t testing.TB) {
	t.Helper()
	a.AwaitListening(t, a.hub, store.NotifySession)
}

// CutHub ends the connection on which the API hears notifications. The hub makes another.
func (a *API) CutHub(t testing.TB) {
	t.Helper()
	a.Terminate(t, a.hub)
}

// AwaitListening waits until a connection of that name listens to a channel, the last of those that it listens to.
func (d Database) AwaitListening(t testing.TB, name, channel string) {
	t.Helper()
	c := d.Connect(t)
	Eventually(t, name+" to listen", func() bool {
		var n int
		err := c.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle' AND query = 'LISTEN '||$2`,
			name, channel).Scan(&n)
		return err == nil && n == 1
	})
}

// Terminate ends the connections of a name, as an administrator of PostgreSQL would, and returns when they are gone.
func (d Database) Terminate(t testing.TB, name string) {
	t.Helper()
	c := d.Connect(t)
	var n int
	if err := c.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = $1`, name).Scan(&n); err != nil || n == 0 {
		t.Fatalf("terminate %d connections of %s: %v", n, name, err)
	}
}

// Password is the password of the accounts that Enrol makes.
const Password = "correct horse battery"

var passwordHash = sync.OnceValues(func() (string, error) { return auth.HashPassword(Password) })

// Enrol gives agents accounts, with Password.
func (c *Centre) Enrol(t testing.TB, agents ...postroom.AgentID) {
	t.Helper()
	hash, err := passwordHash()
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range agents {
		if err := c.SetPassword(t.Context(), postroom.Command{}, postroom.System("test"), store.Password{Agent: agent, Hash: hash}); err != nil {
			t.Fatalf("enrol %s: %v", agent, err)
		}
	}
}

// NewSession opens a session as a sign-in does, and returns its token.
func (c *Centre) NewSession(t testing.TB, agent postroom.AgentID) auth.Token {
	t.Helper()
	token := auth.NewToken()
	if err := c.OpenSession(t.Context(), token.Hash(), agent); err != nil {
		t.Fatalf("open a session of %s: %v", agent, err)
	}
	return token
}

// LogBook keeps what was logged. The zero value is ready.
type LogBook struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

// Write appends a line.
func (l *LogBook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

// String is all that was logged so far.
func (l *LogBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}
