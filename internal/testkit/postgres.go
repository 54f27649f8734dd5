package testkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdklog "go.temporal.io/sdk/log"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
)

// Main runs the tests of a package that use a database, and stops the cluster that they started: func TestMain(m *testing.M) {
// testkit.Main(m) }.
func Main(m *testing.M) {
	code := m.Run()
	if err := errors.Join(stopTemporal(), shared.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "stop the servers of the tests:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// shared is the one cluster of a test process, started by the first test that needs it.
var shared cluster

type cluster struct {
	once     sync.Once
	dir      *stack.StateDir
	postgres *stack.Postgres
	err      error
	schemas  atomic.Int64
}

func (c *cluster) start() {
	if c.dir, c.err = stack.TemporaryStateDir(); c.err != nil {
		return
	}
	c.postgres = stack.NewPostgres(c.dir, stack.PostgresOptions{Durability: stack.Disposable})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c.err = c.postgres.Start(ctx)
}

func (c *cluster) stop() error {
	if c.postgres == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.postgres.Stop(ctx); err != nil {
		return err
	}
	return c.dir.Remove()
}

// Database is a migrated schema of a test's own.
type Database struct {
	OwnerURL string
	AppURL   string
	Schema   string
	LogDir   string // PostgreSQL's own log
}

// NewDatabase makes a migrated schema for a test, in a private cluster that the test process shares.
func NewDatabase(t testing.TB) Database {
	t.Helper()
	shared.once.Do(shared.start)
	if shared.err != nil {
		t.Fatalf("start PostgreSQL: %v", shared.err)
	}
	d := Database{
		OwnerURL: shared.postgres.URL(stack.RoleOwner, stack.Database),
		AppURL:   shared.postgres.URL(stack.RoleApp, stack.Database),
		Schema:   fmt.Sprintf("test_%d", shared.schemas.Add(1)),
		LogDir:   shared.postgres.LogDir(),
	}
	d.Exec(t, "CREATE SCHEMA "+d.Schema)
	if _, err := store.Migrate(t.Context(), d.OwnerURL, d.Schema, Silent()); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return d
}

// Exec runs statements as the owner of the schema.
func (d Database) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	d.owner(t, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql, args...)
		return err
	})
}

// Count runs a statement that gives one number, as the owner of the schema.
func (d Database) Count(t testing.TB, sql string, args ...any) int {
	t.Helper()
	var n int
	d.owner(t, func(ctx context.Context, c *pgx.Conn) error { return c.QueryRow(ctx, sql, args...).Scan(&n) })
	return n
}

// Text runs a statement that gives one text, as the owner of the schema.
func (d Database) Text(t testing.TB, sql string, args ...any) string {
	t.Helper()
	var s string
	d.owner(t, func(ctx context.Context, c *pgx.Conn) error { return c.QueryRow(ctx, sql, args...).Scan(&s) })
	return s
}

func (d Database) owner(t testing.TB, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	config, err := pgx.ParseConfig(d.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["search_path"] = d.Schema
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := do(ctx, c); err != nil {
		t.Fatalf("%s: %v", strings.TrimSpace(t.Name()), err)
	}
}

// Open opens a store over the schema, as the application's role.
func (d Database) Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.Schema = d.Schema
	if o.Loops == (store.LoopLimits{}) {
		o.Loops = store.LoopLimits{PerThread: 10_000, PerSender: 10_000} // crowds in tests write more than people do
	}
	s, err := store.Open(context.Background(), d.AppURL, o, Silent())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Silent is a logger that drops everything.
func Silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// SilentTemporal is the same for the Temporal SDK.
func SilentTemporal() sdklog.Logger { return sdklog.NewStructuredLogger(Silent()) }
