package events_test

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/testkit"
)

// Channels of these tests. A notification is heard in the whole database: each test has payloads of its own.
const news, more = "test_news", "test_more"

// listening is a hub that hears, and a connection that notifies.
type listening struct {
	*events.Hub
	testkit.Database
	name    string
	log     *testkit.LogBook
	conn    *pgx.Conn
	network *testkit.Proxy // between the hub and PostgreSQL
}

func listen(t *testing.T) *listening {
	t.Helper()
	d := testkit.NewDatabase(t)
	l := &listening{Database: d, name: "hub " + uuid.NewString(), log: &testkit.LogBook{}, conn: d.Connect(t)}
	at, err := url.Parse(d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	l.network = testkit.NewProxy(t, at.Host)
	at.Host = l.network.Addr
	d.AppURL = at.String()
	l.Hub = events.New(d.NamedPool(t, l.name), slog.New(slog.NewJSONHandler(l.log, nil)), news, more)
	last, unsubscribe := l.Subscribe(more, uuid.NewString())
	defer unsubscribe()
	run(t, l.Hub)
	await(t, last, events.Everything) // now it hears, and has told everybody so
	return l
}

// run runs a hub until the test ends.
func run(t *testing.T, h *events.Hub) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

func (l *listening) notify(t *testing.T, channel, payload string) {
	t.Helper()
	if _, err := l.conn.Exec(t.Context(), "SELECT pg_notify($1, $2)", channel, payload); err != nil {
		t.Fatal(err)
	}
}

// await collects what a subscriber is told until all of want was among it.
func await(t *testing.T, s *events.Subscription, want ...string) (told []string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case <-s.C:
			told = append(told, s.Take()...)
		case <-late:
			t.Fatalf("told %q, want %q", told, want)
		}
		if !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(told, w) }) {
			return told
		}
	}
}

func TestSubscriberIsToldWhatHeAskedFor(t *testing.T) {
	t.Parallel()
	l := listen(t)
	mine, end := uuid.NewString(), uuid.NewString()
	one, unsubscribe := l.Subscribe(news, mine)
	defer unsubscribe()
	all, unsubscribe := l.Subscribe(news, events.Everything)
	defer unsubscribe()
	elsewhere, unsubscribe := l.Subscribe(more, mine)
	defer unsubscribe()
	gone, unsubscribe := l.Subscribe(news, events.Everything)
	unsubscribe()

	l.notify(t, news, "somebody else's")
	l.notify(t, news, mine)
	l.notify(t, news, end)
	await(t, all, "somebody else's", mine, end)
	if told := one.Take(); !slices.Equal(told, []string{mine}) {
		t.Errorf("who asked for one payload is told %q", told)
	}
	if told := elsewhere.Take(); len(told) != 0 {
		t.Errorf("who listens to another channel is told %q", told)
	}
	if told := gone.Take(); len(told) != 0 {
		t.Errorf("who is gone is told %q", told)
	}
}

// What comes before he looks is one wake-up, with each payload once.
func TestNotificationsWaitForASlowSubscriber(t *testing.T) {
	t.Parallel()
	l := listen(t)
	fence := uuid.NewString()
	slow, unsubscribe := l.Subscribe(news, events.Everything)
	defer unsubscribe()
	quick, unsubscribe := l.Subscribe(news, fence)
	defer unsubscribe()
	prefix := uuid.NewString()
	for i := range 1000 {
		l.notify(t, news, prefix+strconv.Itoa(i%10))
	}
	l.notify(t, news, fence)
	await(t, quick, fence)
	<-slow.C
	told := slices.DeleteFunc(slow.Take(), func(p string) bool { return !strings.HasPrefix(p, prefix) })
	if len(told) != 10 {
		t.Errorf("told %d payloads: %q", len(told), told)
	}
	if again := slices.DeleteFunc(slow.Take(), func(p string) bool { return !strings.HasPrefix(p, prefix) }); len(again) != 0 {
		t.Errorf("and again: %q", again)
	}
}

// While the connection is down notifications are lost: who subscribed is told that anything may have happened, once it is back.
func TestLostConnectionIsMadeAgainAndEverybodyIsWoken(t *testing.T) {
	t.Parallel()
	l := listen(t)
	lost, mine := uuid.NewString(), uuid.NewString()
	s, unsubscribe := l.Subscribe(news, lost)
	defer unsubscribe()
	other, unsubscribe := l.Subscribe(more, mine)
	defer unsubscribe()
	for range 3 {
		s.Take()
		l.network.Cut()
		l.notify(t, news, lost)
		l.network.Mend()
		told := await(t, s, events.Everything)
		if slices.Contains(told, lost) {
			t.Errorf("told %q: the notification was not lost, and this test shows nothing", told)
		}
		await(t, other, events.Everything)
		l.AwaitListening(t, l.name, more)
	}
	l.notify(t, news, lost)
	await(t, s, lost)
	if n := strings.Count(l.log.String(), "the connection for notifications was lost"); n < 1 || n > 3 {
		t.Errorf("said %d times: %s", n, l.log)
	}
}

// Whoever reads after he subscribed and whenever he is woken always ends with the last word, while connections die and others come and go.
func TestLastWordIsHeardWhateverHappens(t *testing.T) {
	t.Parallel()
	l := listen(t)
	payload := uuid.NewString()
	l.Exec(t, "CREATE TABLE word (n int NOT NULL)")
	l.Exec(t, "INSERT INTO word VALUES (0)")
	l.Exec(t, "GRANT SELECT ON word TO postroom_app")
	const last = 200
	var readers sync.WaitGroup
	for i := range 8 {
		pool := l.NamedPool(t, "reader "+uuid.NewString())
		readers.Go(func() { readUntil(t, l.Hub, pool, payload, last, i%2 == 0) })
	}
	for n := range last {
		l.Exec(t, "WITH written AS (UPDATE word SET n = $1 RETURNING 1) SELECT pg_notify($2, $3) FROM written", n+1, news, payload)
		if n%50 == 25 {
			l.AwaitListening(t, l.name, more)
			l.Terminate(t, l.name)
		}
	}
	readers.Wait()
}

// readUntil reads the word whenever it is woken, until it is the last one; a restless reader subscribes anew each time.
func readUntil(t *testing.T, h *events.Hub, pool *pgxpool.Pool, payload string, last int, restless bool) {
	deadline := time.After(time.Minute)
	s, unsubscribe := h.Subscribe(news, payload)
	defer func() { unsubscribe() }()
	for {
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT n FROM word").Scan(&n); err != nil {
			t.Error(err)
			return
		}
		if n == last {
			return
		}
		select {
		case <-s.C:
			s.Take()
		case <-deadline:
			t.Errorf("the last word read is %d", n)
			return
		}
		if restless {
			unsubscribe()
			s, unsubscribe = h.Subscribe(news, payload)
		}
	}
}

// A database that is away is waited for, said once, and without the password that is in its URL.
func TestHubWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	config, err := pgxpool.ParseConfig(d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := testkit.NewProxy(t, config.ConnConfig.Host+":"+strconv.Itoa(int(config.ConnConfig.Port)))
	proxy.Cut()
	host, port, _ := strings.Cut(proxy.Addr, ":")
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.Host, config.ConnConfig.Port = host, uint16(number)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	log := &testkit.LogBook{}
	h := events.New(pool, slog.New(slog.NewJSONHandler(log, nil)), news)
	s, unsubscribe := h.Subscribe(news, uuid.NewString())
	defer unsubscribe()
	run(t, h)
	testkit.Eventually(t, "the outage to be said", func() bool { return log.String() != "" })
	proxy.Mend()
	await(t, s, events.Everything)
	if said := log.String(); strings.Count(said, "\n") != 1 || (config.ConnConfig.Password != "" && strings.Contains(said, config.ConnConfig.Password)) {
		t.Errorf("said: %s", said)
	}

	stopped, cancel := context.WithCancel(t.Context())
	proxy.Cut()
	over := make(chan struct{})
	go func() { h.Run(stopped); close(over) }()
	cancel()
	select {
	case <-over:
	case <-time.After(30 * time.Second):
		t.Error("a hub without a database cannot be stopped")
	}
}
