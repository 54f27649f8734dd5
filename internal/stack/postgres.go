package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
)

// Durability says what a cluster's data are worth.
type Durability string

// The durabilities.
const (
	// Durable survives the loss of power, as PostgreSQL does by default.
	Durable Durability = ""
	// Disposable is for tests: it survives the kill of any process but not the loss of power, and is quick and small.
	Disposable Durability = "disposable"
)

const (
	// Database is the product's database.
	Database = "postroom"

	readyTime = 60 * time.Second
	askTime   = 30 * time.Second
	pingTime  = 3 * time.Second
)

// PostgresOptions are the choices of a cluster. The zero value is a durable one on a free port.
type PostgresOptions struct {
	// Port on loopback; 0 chooses a free one at the first start, and keeps it.
	Port       int
	Durability Durability
	// RestartAfter is as in ProcessSpec.
	RestartAfter time.Duration
	// Output gets what the server prints before its log file is open; nil drops it.
	Output io.Writer
	Logger *slog.Logger
}

// Postgres is the private PostgreSQL cluster of a state directory. It listens on loopback only and has no Unix socket. Its
// data and its log are in "postgres" below the state directory. When we are root, the server runs as account "postgres" or
// "nobody"; should that account not be able to enter the state directory, because one above it is closed, the data are kept in
// /var/lib/postroom/<hash of the path>, which belongs to the state directory and goes when StateDir.Remove is called.
//
// Its methods are for one goroutine at a time, except URL.
type Postgres struct {
	dir     *StateDir
	options PostgresOptions

	mu        sync.Mutex
	port      int
	passwords map[Role]string
	cluster   cluster
	process   *Process
}

// NewPostgres describes the cluster of a state directory. Nothing is started.
func NewPostgres(dir *StateDir, options PostgresOptions) *Postgres {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Postgres{dir: dir, options: options, port: options.Port}
}

// Start makes the cluster if there is none, starts the server and returns when it takes connections and has the roles and
// the product's database. After Kill or Stop it starts again on the same port and data.
func (p *Postgres) Start(ctx context.Context) error {
	if p.process != nil {
		select {
		case <-p.process.Done():
		default:
			return nil
		}
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return err
	}
	return errors.Join(p.ensureRoles(ctx), p.CreateDatabase(ctx, Database))
}

func (p *Postgres) prepare(ctx context.Context) error {
	passwords := map[Role]string{}
	for _, role := range []Role{RoleSuperuser, RoleOwner, RoleApp, RoleTemporal} {
		password, err := p.dir.Secret(role.SecretName())
		if err != nil {
			return err
		}
		passwords[role] = password
	}
	opened, err := openCluster(ctx, p.dir)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(opened.place, p.dir.path) {
		p.options.Logger.Warn("the data of PostgreSQL are outside the state directory, which its account cannot enter",
			"account", opened.account.Name, "data", opened.place)
	}
	if err := opened.endPrevious(ctx); err != nil {
		return err
	}
	port, err := p.choosePort()
	if err != nil {
		return err
	}
	if err := opened.initialise(ctx, passwords[RoleSuperuser], p.options.Durability); err != nil {
		return err
	}
	p.mu.Lock()
	p.port, p.passwords, p.cluster = port, passwords, opened
	p.mu.Unlock()
	return opened.configure(port, p.options.Durability)
}

func (p *Postgres) choosePort() (int, error) {
	if p.port == 0 {
		return FreePort()
	}
	return p.port, CheckPort(p.port, "PostgreSQL", "the port of PostgreSQL")
}

// run starts the server and waits until it answers. A server that was killed leaves children, who end by themselves shortly
// after it; as long as one of them holds the shared memory, a new server gives up at once and is tried again.
func (p *Postgres) run(ctx context.Context) error {
	return poll(ctx, readyTime, func(ctx context.Context) error {
		process, err := StartProcess(ProcessSpec{
			Name:    "postgres",
			Path:    p.cluster.binaries.Postgres(),
			Args:    []string{"-D", p.cluster.data()},
			Env:     serverEnvironment(),
			Dir:     p.cluster.place,
			Account: p.cluster.account,
			// SIGINT is the "fast" shutdown: connections are ended, the data are left in order.
			StopSignal:   syscall.SIGINT,
			DeathSignal:  syscall.SIGINT,
			Grace:        30 * time.Second,
			RestartAfter: p.options.RestartAfter,
			Output:       p.options.Output,
			Logger:       p.options.Logger,
		})
		if err != nil {
			return final{err}
		}
		p.process = process
		if err = p.ready(ctx); err == nil {
			return nil
		}
		ended := process.Err()
		process.Kill()
		if ended != nil && strings.Contains(ended.Error(), "shared memory") {
			return ended
		}
		return final{errors.Join(err, ended)}
	})
}

// ready returns when the server answers, or has ended.
func (p *Postgres) ready(ctx context.Context) error {
	return poll(ctx, readyTime, func(ctx context.Context) error {
		select {
		case <-p.process.Done():
			return final{postroom.Unavailable(ReasonProcessEnded,
				"PostgreSQL ended before it took connections; its log is in "+p.LogDir(), nil)}
		default:
			ctx, cancel := context.WithTimeout(ctx, pingTime)
			defer cancel()
			return p.asSuperuser(ctx, maintenanceDatabase, func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) })
		}
	})
}

// Stop ends all connections and shuts down in order. Stop Temporal before.
func (p *Postgres) Stop(ctx context.Context) error {
	if p.process == nil {
		return nil
	}
	return p.process.Stop(ctx)
}

// Kill sends SIGKILL to the server, as a crash would. Start starts it again.
func (p *Postgres) Kill() {
	if p.process != nil {
		p.process.Kill()
	}
}

// Done is closed when the server has ended and is not started again. Call it after Start.
func (p *Postgres) Done() <-chan struct{} { return p.process.Done() }

// Err says, after Done, why the server ended; nil if it was asked to.
func (p *Postgres) Err() error { return p.process.Err() }

// PID is the process id of the server. Call it after Start.
func (p *Postgres) PID() int { return p.process.PID() }

// Port is the port on Loopback; 0 before the first Start if it was to be chosen.
func (p *Postgres) Port() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.port
}

// LogDir is where the server's log files are, for people to read and for tests to search. Call it after Start.
func (p *Postgres) LogDir() string { return p.cluster.log() }

// DataDir is PostgreSQL's data directory. Call it after Start.
func (p *Postgres) DataDir() string { return p.cluster.data() }

// URL returns the address with which a role connects to a database, password included. Call it after Start.
func (p *Postgres) URL(role Role, database string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return LoopbackURL(role, p.passwords[role], p.port, database)
}

// LoopbackURL is the address with which a role connects to a database of this machine, password included.
func LoopbackURL(role Role, password string, port int, database string) string {
	target := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(string(role), password),
		Host:     address(port),
		Path:     database,
		RawQuery: "sslmode=disable", // loopback
	}
	return target.String()
}

// Password returns the password of a role. Call it after Start.
func (p *Postgres) Password(role Role) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passwords[role]
}

func (p *Postgres) asSuperuser(ctx context.Context, database string, do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL(RoleSuperuser, database))
	if err != nil {
		return postroom.Unavailable(postroom.ReasonDatabaseDown,
			fmt.Sprintf("PostgreSQL on port %d does not answer: %v", p.Port(), err), err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(ctx, conn)
}
