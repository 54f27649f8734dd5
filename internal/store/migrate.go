package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/postroom/postroom"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema of the database at url, opened by its owner, to this program's version, and returns that version.
// Migrations go forward only and each runs in a transaction; the previous program runs on the new schema. schema is the
// search_path, empty for the database's own.
func Migrate(ctx context.Context, url, schema string, log *slog.Logger) (int64, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, postroom.Invalid(postroom.ReasonMalformed, "the database URL cannot be read")
	}
	if schema != "" {
		config.RuntimeParams["search_path"] = schema
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := migrator(db)
	if err != nil {
		return 0, err
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return 0, translate("migrate", err)
	}
	for _, m := range applied {
		log.InfoContext(ctx, "migrated", "migration", m.Source.Path, "took", m.Duration)
	}
	version, err := provider.GetDBVersion(ctx)
	return version, translate("read the schema's version", err)
}

// SchemaVersion is the version of the newest migration in this program.
func SchemaVersion() int64 {
	provider, err := migrator(nil)
	if err != nil {
		panic(err)
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, postroom.Internal("read the migrations", err)
	}
	if db == nil { // only listing: goose wants a handle all the same, and does not use it
		db = stdlib.OpenDB(pgx.ConnConfig{})
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return nil, postroom.Internal("read the migrations", err)
	}
	return provider, nil
}

var readVersion = statement(`SELECT max(version_id) FROM goose_db_version WHERE is_applied`)

// Ready tests that the database answers and that its schema is not older than this program. An older one is Unavailable with
// reason database_version; a newer one is fine: the previous program runs on the new schema.
func (s *Store) Ready(ctx context.Context) error {
	version, _, err := value[*int64](ctx, s.pool, readVersion)
	if err != nil {
		return translate("read the schema's version", err)
	}
	if version == nil || *version < SchemaVersion() {
		return postroom.Unavailable(postroom.ReasonDatabaseVersion, fmt.Sprintf(
			"the database schema is older than this program, which needs version %d: run `postroom migrate`", SchemaVersion()), nil)
	}
	return nil
}

var readLogSettings = statement(`
	SELECT current_setting('log_error_verbosity'), current_setting('log_parameter_max_length_on_error'), current_setting('log_statement')`)

// LogsNoRow tests that PostgreSQL's own log cannot show a row: terse errors, no parameters, no statements. It is Refused with the
// setting to change otherwise (R36).
func (s *Store) LogsNoRow(ctx context.Context) error {
	type settings struct{ Verbosity, Parameters, Statements string }
	got, _, err := one[settings](ctx, s.pool, readLogSettings)
	if err != nil {
		return translate("read PostgreSQL's log settings", err)
	}
	want := settings{"terse", "0", "none"}
	if got != want {
		return postroom.Refused("database_logs_rows",
			"PostgreSQL would log rows: set log_error_verbosity=terse, log_parameter_max_length_on_error=0, log_statement=none")
	}
	return nil
}
