package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

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

// What PostgreSQL may have written in its log. The message of an error may quote a value ("invalid input syntax for type uuid: …"), its
// detail quotes rows, and a slow statement is logged with its parameters: so no errors, no parameters, no statements.
var readLogSettings = statement(`
	SELECT name || '=' || wanted FROM (VALUES
		('log_min_messages', 'log', ARRAY['log', 'fatal', 'panic']),
		('log_min_error_statement', 'panic', ARRAY['log', 'fatal', 'panic']),
		('log_error_verbosity', 'terse', ARRAY['terse']),
		('log_statement', 'none', ARRAY['none']),
		('log_parameter_max_length', '0', ARRAY['0']),
		('log_parameter_max_length_on_error', '0', ARRAY['0'])) AS s (name, wanted, allowed)
	WHERE current_setting(name) <> ALL (allowed) ORDER BY name`)

// LogsNoRow tests that PostgreSQL's own log cannot show a row. It is Refused with the settings to change otherwise (R36).
func (s *Store) LogsNoRow(ctx context.Context) error {
	change, err := values[string](ctx, s.pool, readLogSettings)
	if err != nil {
		return translate("read PostgreSQL's log settings", err)
	}
	if len(change) > 0 {
		return postroom.Refused("database_logs_rows", "PostgreSQL would log rows: set "+strings.Join(change, ", "))
	}
	return nil
}
