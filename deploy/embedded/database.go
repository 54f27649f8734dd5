package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

const (
	// maintenanceDatabase exists in every PostgreSQL cluster: databases are looked for and created from there.
	maintenanceDatabase = "postgres"
	connectTime         = 5 * time.Second
	retryTime           = 250 * time.Millisecond
	// remindTime is how often the program says that it still waits for PostgreSQL.
	remindTime = 10 * time.Second
	// Connections per store. Each of the four services has its own pools, so PostgreSQL sees at most 4 × (main + visibility).
	mainConnections       = 16
	visibilityConnections = 8
)

// databaseName keeps names that need no quoting, and leaves room for the suffixes (PostgreSQL cuts names at 63 bytes).
var databaseName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// database says where PostgreSQL is and as whom to use it.
type database struct {
	Host, User, Password, Name string
	Port                       int
}

func (d database) visibilityName() string { return d.Name + "_visibility" }

// store is the configuration of one of the two stores in the server's terms.
func (d database) store(name string, connections int) *config.SQL {
	return &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		ConnectAddr:     address(d.Host, d.Port),
		ConnectProtocol: "tcp",
		User:            d.User,
		Password:        d.Password,
		DatabaseName:    name,
		MaxConns:        connections,
		MaxIdleConns:    connections,
		MaxConnLifetime: time.Hour,
	}
}

// prepare waits for PostgreSQL, creates what is missing and brings both schemas up to date. It is safe to repeat, also after
// it was killed.
func (d database) prepare(ctx context.Context, progress io.Writer) error {
	conn, err := d.wait(ctx, progress)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	// PostgreSQL finishes the statement of a client that was killed before it notices. The lock belongs to that client's
	// connection, so to wait for it is to wait until nothing of an earlier start happens any more.
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", "temporal schema of "+d.Name); err != nil {
		return fmt.Errorf("waiting for an earlier start: %w", err)
	}
	if err := d.prepareStore(ctx, conn, d.Name, "postgresql/v12/temporal"); err != nil {
		return err
	}
	return d.prepareStore(ctx, conn, d.visibilityName(), "postgresql/v12/visibility")
}

// wait connects, and tries again for as long as nobody listens or PostgreSQL is still starting or recovering. Any other
// answer, a wrong password for example, is final.
func (d database) wait(ctx context.Context, progress io.Writer) (*pgx.Conn, error) {
	var reminded time.Time
	for {
		conn, err := d.connect(ctx)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !comesUp(err) {
			return nil, fmt.Errorf("PostgreSQL at %s refuses role %q: %w", address(d.Host, d.Port), d.User, err)
		}
		if time.Since(reminded) > remindTime {
			fmt.Fprintf(progress, "temporal: waiting for PostgreSQL at %s\n", address(d.Host, d.Port))
			reminded = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryTime):
		}
	}
}

func (d database) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	target := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(d.User, d.Password),
		Host:     address(d.Host, d.Port),
		Path:     maintenanceDatabase,
		RawQuery: "sslmode=disable&application_name=temporal",
	}
	return pgx.Connect(ctx, target.String())
}

// comesUp tells a PostgreSQL that is not there yet from one that says no: nobody listens, it did not answer in time, or it
// answers 57P03 (cannot_connect_now), 57P01 (admin_shutdown) or 53300 (too_many_connections).
func comesUp(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code == "57P03" || answer.Code == "57P01" || answer.Code == "53300"
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

func (d database) prepareStore(ctx context.Context, conn *pgx.Conn, name, schemaName string) error {
	var exists bool
	err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
	if err != nil {
		return fmt.Errorf("looking for database %q: %w", name, err)
	}
	if exists {
		return d.migrate(name, name, schemaName)
	}
	return d.create(ctx, conn, name, schemaName)
}

// create builds the database under another name and renames it when its schema is complete. The statements of the schema
// run one by one and cannot all be repeated; a start that dies among them must not leave a half-made database behind.
func (d database) create(ctx context.Context, conn *pgx.Conn, name, schemaName string) error {
	unfinished := name + "_unfinished"
	for _, statement := range []string{
		"drop database if exists " + unfinished + " with (force)",
		"create database " + unfinished + " template template0 encoding 'UTF8'",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("creating database %q: %w", name, err)
		}
	}
	if err := d.migrate(unfinished, name, schemaName); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "alter database "+unfinished+" rename to "+name); err != nil {
		return fmt.Errorf("naming database %q: %w", name, err)
	}
	return nil
}

// migrate brings the schema of a database to the version that the server carries.
func (d database) migrate(connectTo, name, schemaName string) error {
	conn, err := sql.NewConnection(d.store(connectTo, 1), log.NewNoopLogger())
	if err != nil {
		return fmt.Errorf("opening database %q: %w", connectTo, err)
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil {
		setup := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, log.NewNoopLogger())
		if err := setup.Run(); err != nil {
			return fmt.Errorf("preparing the schema of database %q: %w", name, err)
		}
	}
	update := schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{DBName: connectTo, SchemaName: schemaName}, log.NewNoopLogger())
	if err := update.Run(); err != nil {
		return fmt.Errorf("updating the schema of database %q: %w", name, err)
	}
	// The version is kept under the name of the database, and looked for under the name that it will have.
	if err := conn.Exec("update schema_version set db_name = $1 where db_name <> $1", name); err != nil {
		return fmt.Errorf("recording the schema version of database %q: %w", name, err)
	}
	return nil
}
