package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/stack"
)

func (p program) devCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, on loopback, with a sample contact centre",
		Long: "Dev starts a private PostgreSQL, the Temporal server with its UI, a mail server with a page to write as a customer, the worker, and the\n" +
			"API with the Agent Desktop. Everything is kept in POSTROOM_STATE_DIR (.postroom); Ctrl-C stops it, the next start resumes, also after\n" +
			"kill -9. Ports can be changed (docs/settings.md). The first start builds the Temporal server, which takes some minutes.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.Dev, p.getenv)
			if err != nil {
				return err
			}
			d := &dev{program: p, set: set, log: set.Log.Logger(p.stderr)}
			return d.run(c.Context())
		},
	}
	c.AddCommand(p.devEnvCommand())
	return c
}

// dev is everything on one machine. Its fields are filled in the order in which things start.
type dev struct {
	program
	set      settings.Settings
	log      *slog.Logger
	dir      *stack.StateDir
	logs     io.Writer
	postgres *stack.Postgres
	temporal *stack.Temporal
	secrets  string // directory
	blobs    string // directory
	children []*stack.Process
	ended    chan string
}

// restartAfter is how soon a process that died is started again.
const restartAfter = 500 * time.Millisecond

// run starts everything, waits for the end, and stops in order: what others stand on goes last.
func (d *dev) run(ctx context.Context) (err error) {
	if err := (stack.Installer{Output: d.stderr}).Ensure(ctx, stack.NeedPostgres); err != nil {
		return err
	}
	if d.dir, err = stack.OpenStateDir(d.set.Dev.StateDir); err != nil {
		return err
	}
	defer d.dir.Close()
	if err := d.checkPorts(); err != nil {
		return err
	}
	if d.logs, err = d.openLog(); err != nil {
		return err
	}
	d.ended = make(chan string, 8)
	defer func() {
		if stopErr := d.stop(); err == nil {
			err = stopErr
		}
	}()
	for _, step := range []struct {
		say string
		do  func(context.Context) error
	}{
		{"PostgreSQL", d.startPostgres},
		{"database schema, keys and sample configuration", d.prepare},
		{"Temporal", d.startTemporal},
		{"mail server, worker and API", d.startProduct},
	} {
		d.say("starting %s …", step.say)
		if err := step.do(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // Ctrl-C
			}
			return err
		}
	}
	if err := d.welcome(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		d.say("\nstopping …")
		return nil
	case name := <-d.ended:
		return postroom.Unavailable("process_ended", name+" ended and could not be started again; its log is in "+d.dir.Path()+"/postroom.log", nil)
	}
}

func (d *dev) say(format string, args ...any) { fmt.Fprintf(d.stdout, format+"\n", args...) }

// checkPorts names a port that is taken before anything is started.
func (d *dev) checkPorts() error {
	ports := d.set.Dev.Ports
	for _, port := range []struct {
		number           int
		purpose, setting string
	}{
		{ports.Database, "PostgreSQL", "POSTROOM_DEV_DATABASE_PORT"},
		{ports.Temporal, "Temporal", "POSTROOM_DEV_TEMPORAL_PORT"},
		{ports.TemporalUI, "the Temporal UI", "POSTROOM_DEV_TEMPORAL_UI_PORT"},
		{ports.API, "the API", "POSTROOM_DEV_API_PORT"},
		{ports.Worker, "the worker's health", "POSTROOM_DEV_WORKER_PORT"},
		{ports.Mail, "the customer's page", "POSTROOM_DEV_MAIL_PORT"},
		{ports.IMAP, "IMAP", "POSTROOM_DEV_IMAP_PORT"},
		{ports.SMTP, "SMTP", "POSTROOM_DEV_SMTP_PORT"},
	} {
		if err := stack.CheckPort(port.number, port.purpose, port.setting); err != nil {
			return err
		}
	}
	return nil
}

// openLog opens the file that all processes write their logs to. It begins anew when it has grown large.
func (d *dev) openLog() (io.Writer, error) {
	name := d.dir.Path() + "/postroom.log"
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if info, err := os.Stat(name); err == nil && info.Size() > 64<<20 {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(name, flags, 0o600)
}

func (d *dev) startPostgres(ctx context.Context) error {
	d.postgres = stack.NewPostgres(d.dir, stack.PostgresOptions{Port: d.set.Dev.Ports.Database, RestartAfter: restartAfter, Output: d.logs, Logger: d.log})
	return d.postgres.Start(ctx)
}

func (d *dev) startTemporal(ctx context.Context) error {
	var last time.Time
	d.temporal = stack.NewTemporal(d.postgres, stack.TemporalOptions{
		Port: d.set.Dev.Ports.Temporal, UIPort: d.set.Dev.Ports.TemporalUI, RestartAfter: restartAfter, Output: d.logs, Logger: d.log,
		Progress: func(p stack.BuildProgress) {
			if time.Since(last) < 5*time.Second {
				return
			}
			if last.IsZero() {
				d.say("  building the Temporal server: this takes some minutes, the first time only")
			}
			last = time.Now()
			d.say("  %s", p)
		},
	})
	return d.temporal.Start(ctx)
}

// stop stops in the reverse order of the start, each by its process id.
func (d *dev) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for i := len(d.children) - 1; i >= 0; i-- {
		keep(d.children[i].Stop(ctx))
	}
	if d.temporal != nil {
		keep(d.temporal.Stop(ctx))
	}
	if d.postgres != nil {
		keep(d.postgres.Stop(ctx))
	}
	return first
}

func itoa(n int) string { return strconv.Itoa(n) }
