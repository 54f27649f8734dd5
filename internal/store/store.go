package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postroom/postroom"
)

// Store runs the product's transactions against one database. It is safe for use by many goroutines.
type Store struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	options Options
	loops   LoopLimits
}

// Options are the settings of a Store. Zero values mean the defaults.
type Options struct {
	MaxConns int32  // connections kept, 16 by default
	Schema   string // search_path, the database's own by default; tests give each its own
	// Shift moves the clock of this store's connections, for tests of times that nobody waits for.
	Shift time.Duration
	// ProbeAfter and ProbeAgain are when a reply whose fate is unknown is looked for first, and after each look; 0: DefaultProbeAfter and
	// DefaultProbeAgain.
	ProbeAfter, ProbeAgain time.Duration
	Loops                  LoopLimits
	AcknowledgedPerHour    int // from one mailbox; 0: DefaultAcknowledgedPerHour
}

// Open prepares a store for the database at url (postgres://…). It does not connect: a database that is down is reported by
// the first call, as Unavailable, and by Ready. An url that cannot be parsed is Invalid; its text is not repeated, as it may hold
// a password.
func Open(ctx context.Context, url string, o Options, log *slog.Logger) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "the database URL cannot be read")
	}
	config.MaxConns = o.MaxConns
	if o.MaxConns == 0 {
		config.MaxConns = 16
	}
	if o.Schema != "" {
		config.ConnConfig.RuntimeParams["search_path"] = o.Schema
	}
	if o.Shift != 0 {
		config.ConnConfig.RuntimeParams["postroom.shift"] = o.Shift.String()
	}
	config.ConnConfig.RuntimeParams["application_name"] = "postroom"
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.MaxConnIdleTime = 5 * time.Minute
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, translate("open the database", err)
	}
	return &Store{pool: pool, options: o, log: log, loops: o.Loops.orDefaults()}, nil
}

// Close ends all connections.
func (s *Store) Close() { s.pool.Close() }

// Pool gives the connections to the packages that listen for notifications.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// statements are all SQL texts of the package, in order of declaration; TestEveryStatementIsValidSQL prepares them.
var statements []string

// statement registers a SQL text and returns it.
func statement(sql string) string {
	statements = append(statements, sql)
	return sql
}

// attempts is how often a transaction is started again after PostgreSQL gave it up for another one.
const attempts = 4

// deadline bounds every transaction: a lock that is held longer is somebody's defect.
const deadline = 15 * time.Second

// txn is one transaction. Statements whose answer nobody waits for are sent together with the next one whose answer is wanted, in order:
// that halves the journeys between us and PostgreSQL.
type txn struct {
	pgx.Tx
	queued pgx.Batch
	events []publication // appended to their streams at the end
}

// later has a statement carried out before the next Query or Exec, at the latest before the commit. It must change one row or more.
func (tx *txn) later(sql string, args ...any) {
	tx.queued.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return postroom.Internal("a statement on locked rows changed none of them", nil)
		}
		return nil
	})
}

// maybe is later for a statement that may find nothing to change.
func (tx *txn) maybe(sql string, args ...any) { tx.queued.Queue(sql, args...) }

// send carries out what is queued.
func (tx *txn) send(ctx context.Context) error {
	if tx.queued.Len() == 0 {
		return nil
	}
	queued := tx.queued
	tx.queued = pgx.Batch{}
	return tx.Tx.SendBatch(ctx, &queued).Close()
}

// Query sends what is queued, and then reads.
func (tx *txn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := tx.send(ctx); err != nil {
		return nil, err
	}
	return tx.Tx.Query(ctx, sql, args...)
}

// Exec sends what is queued, and then executes.
func (tx *txn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := tx.send(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return tx.Tx.Exec(ctx, sql, args...)
}

// write runs f in one transaction (READ COMMITTED), again if PostgreSQL gave it up for another one or if a row that f had not seen
// was inserted meanwhile: the second run sees it. what names the operation in errors.
func (s *Store) write(ctx context.Context, what string, f func(ctx context.Context, tx *txn) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var err error
	for range attempts {
		err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			t := &txn{Tx: tx}
			if err := f(ctx, t); err != nil {
				return err
			}
			t.flush()
			return t.send(ctx)
		})
		if !worthAnother(err) {
			break
		}
	}
	return translate(what, err)
}

// read runs f in one read-only transaction in which all statements see the same moment.
func (s *Store) read(ctx context.Context, what string, f func(ctx context.Context, tx *txn) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return translate(what, pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error { return f(ctx, &txn{Tx: tx}) }))
}

// db is what runs a single statement: a pool or a transaction.
type db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// one runs a statement that gives at most one row and scans it into T by position; found is false if there is none.
func one[T any](ctx context.Context, d db, sql string, args ...any) (row T, found bool, err error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return row, false, err
	}
	row, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return row, false, nil
	}
	return row, err == nil, err
}

// value runs a statement that gives at most one value.
func value[T any](ctx context.Context, d db, sql string, args ...any) (v T, found bool, err error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return v, false, err
	}
	v, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return v, false, nil
	}
	return v, err == nil, err
}

// all runs a statement and scans every row into T by position.
func all[T any](ctx context.Context, d db, sql string, args ...any) ([]T, error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// values runs a statement that gives rows of one value.
func values[T any](ctx context.Context, d db, sql string, args ...any) ([]T, error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
