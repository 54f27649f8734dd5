package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// ownCluster is a PostgreSQL of a test's own, which may be stopped and killed, with the sample contact centre in it.
func ownCluster(t *testing.T) (*stack.Postgres, *store.Store) {
	t.Helper()
	dir, err := stack.TemporaryStateDir()
	must(t, err)
	pg := stack.NewPostgres(dir, stack.PostgresOptions{Durability: stack.Disposable})
	t.Cleanup(func() {
		if err := errors.Join(pg.Stop(context.Background()), dir.Remove()); err != nil {
			t.Error(err)
		}
	})
	must(t, pg.Start(t.Context()))
	_, err = store.Migrate(t.Context(), pg.URL(stack.RoleOwner, stack.Database), "", testkit.Silent())
	must(t, err)
	s := connect(t, pg)
	_, err = s.Apply(t.Context(), postroom.Command{}, postroom.System("test"), testkit.Sample(time.Hour), postroom.SealText("sample"))
	must(t, err)
	return pg, s
}

func connect(t *testing.T, pg *stack.Postgres) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), pg.URL(stack.RoleApp, stack.Database), store.Options{}, testkit.Silent())
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// When the database is away every call says so, in the same words, and the same store goes on when it is back.
func TestAnOutageOfTheDatabaseIsUnavailableAndPasses(t *testing.T) {
	t.Parallel()
	pg, s := ownCluster(t)
	must(t, s.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), "mina"))

	must(t, pg.Stop(t.Context()))
	for name, call := range calls(t, s, testkit.NewID()) {
		wantReason(t, name+" without a database", call(t.Context()), postroom.KindUnavailable, postroom.ReasonDatabaseDown)
	}
	must(t, pg.Start(t.Context()))
	if _, err := s.Heartbeat(t.Context(), "mina"); err != nil {
		t.Errorf("when it is back: %v", err)
	}

	beats, stop := atomic.Int64{}, make(chan struct{})
	ended := make(chan error, 8)
	for range cap(ended) {
		go func() {
			for {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				if _, err := s.Heartbeat(t.Context(), "mina"); err != nil {
					ended <- err
					return
				}
				beats.Add(1)
			}
		}()
	}
	testkit.Eventually(t, "everybody to be at work", func() bool { return beats.Load() > 100 })
	pg.Kill()
	for range cap(ended) {
		wantReason(t, "a call during a crash", <-ended, postroom.KindUnavailable, postroom.ReasonDatabaseDown)
	}
	close(stop)
	must(t, pg.Start(t.Context()))
	if now, err := s.AgentStatus(t.Context(), "mina"); err != nil || now.State != postroom.AgentIdle {
		t.Errorf("after the crash: %+v, %v", now, err)
	}
}

// R36: a server that would write rows into its log is refused, whichever setting would do it.
func TestAServerThatWouldLogRowsIsRefused(t *testing.T) {
	t.Parallel()
	pg, s := ownCluster(t)
	must(t, s.LogsNoRow(t.Context()))
	super, err := pgx.Connect(t.Context(), pg.URL(stack.RoleSuperuser, stack.Database))
	must(t, err)
	defer super.Close(context.Background())
	for _, setting := range []string{"log_min_messages = error", "log_min_messages = warning", "log_min_error_statement = error",
		"log_error_verbosity = 'default'", "log_error_verbosity = verbose", "log_statement = mod", "log_parameter_max_length = -1",
		"log_parameter_max_length_on_error = -1", "log_parameter_max_length_on_error = 10"} {
		_, err := super.Exec(t.Context(), "ALTER ROLE "+string(stack.RoleApp)+" SET "+setting)
		must(t, err)
		err = connect(t, pg).LogsNoRow(t.Context())
		wantReason(t, setting, err, postroom.KindRefused, "database_logs_rows")
		if name, _, _ := strings.Cut(setting, " "); err == nil || !strings.Contains(err.Error(), name+"=") {
			t.Errorf("%s: %v does not say what to change", setting, err)
		}
		_, err = super.Exec(t.Context(), "ALTER ROLE "+string(stack.RoleApp)+" RESET ALL")
		must(t, err)
	}
	must(t, connect(t, pg).LogsNoRow(t.Context()))
}

// What provokes errors of PostgreSQL that hold a value, through the store; each must fail, or it provokes nothing.
func provocations(c *testkit.Centre, canary string, offer postroom.OfferID) map[string]func(ctx context.Context) error {
	again := c.Mail(canary+"@customer.example", canary)
	again.Body = postroom.SealText(canary)
	nul := c.Mail(canary+"@customer.example", canary+"\x00")
	return map[string]func(context.Context) error{
		"a bad cast": func(ctx context.Context) error { _, err := c.LoadContact(ctx, postroom.ContactID(canary)); return err },
		"a check": func(ctx context.Context) error {
			_, err := c.CompleteWrapUp(ctx, testkit.Command("mina"), offer, postroom.WrapUp{Code: "solved", Status: postroom.WrapUpStatus(canary)})
			return err
		},
		"a foreign key": func(ctx context.Context) error {
			return c.MoveCursor(ctx, postroom.MailboxID(canary), canary, store.Cursor{UIDValidity: 1, LastUID: 1})
		},
		"a key that is there": func(ctx context.Context) error {
			_, err := c.Ingest(ctx, again)
			other := again
			other.Source.UID, other.Source.Digest = 9999, []byte(canary)
			_, twice := c.Ingest(ctx, other) // the same message again, under its old key
			return errors.Join(err, twice)
		},
		"a text that is none": func(ctx context.Context) error { _, err := c.Ingest(ctx, nul); return err },
		"a token that is there": func(ctx context.Context) error {
			token := []byte((canary + strings.Repeat("-", 32))[:32])
			return errors.Join(c.OpenSession(ctx, token, "mina"), c.OpenSession(ctx, token, "mina"))
		},
	}
}

// R36: PostgreSQL's own log holds no row and no parameter, whatever fails and whoever asks.
func TestPostgreSQLsLogHoldsNoRow(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	must(t, c.LogsNoRow(t.Context()))
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	canary := "canary" + strings.ReplaceAll(testkit.NewID(), "-", "")
	for name, provoke := range provocations(c, canary, offer) {
		err := provoke(t.Context())
		if err == nil {
			t.Errorf("%s provoked nothing", name)
		}
		if strings.Contains(texts(err), canary) {
			t.Errorf("%s: the error holds a value: %s", name, texts(err))
		}
	}
	app := c.Connect(t)
	for _, sql := range []string{
		"SELECT '" + canary + "'::int", "SELECT '" + canary + "'::timestamptz", canary, "SELECT " + canary, "SELECT 1 / 0 AS " + canary,
		"INSERT INTO customer_address SELECT '" + canary + "', id FROM customer, generate_series(1, 2)",
		"INSERT INTO customer_address VALUES (upper('" + canary + "'), NULL)",
		"UPDATE contact SET phase = '" + canary + "'", "UPDATE contact SET subject = '" + canary + "'",
		"UPDATE agent_state SET idle_code = '" + canary + "'",
		"DO $$ BEGIN RAISE EXCEPTION '" + canary + "' USING DETAIL = '" + canary + "', HINT = '" + canary + "'; END $$",
		"SELECT pg_sleep(0) FROM pg_terminate_backend('" + canary + "')", "SET log_statement = 'all'", "SET log_min_messages = debug5",
		"SET postroom.shift = '" + canary + "'; SELECT postroom_now()",
	} {
		if _, err := app.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s provoked nothing", sql)
		}
	}
	if _, err := app.Exec(t.Context(), "SELECT $1::int + 1", canary); err == nil {
		t.Error("a parameter that is no number provoked nothing")
	}

	planted := "planted" + strings.ReplaceAll(testkit.NewID(), "-", "") // the control: what is written there is found there
	c.Exec(t, "DO $$ BEGIN RAISE LOG '"+planted+"'; END $$")
	var log string
	testkit.Eventually(t, "the planted word in the log", func() bool {
		log = logText(t, c.LogDir)
		return strings.Contains(log, planted)
	})
	for line := range strings.Lines(log) {
		if strings.Contains(strings.ToLower(line), canary) {
			t.Errorf("the log holds a value: %s", line)
		}
	}
	if slices.Contains(strings.Fields(log), "STATEMENT:") {
		t.Error("the log holds statements")
	}
}
