package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/postroom/postroom"
)

const (
	// Namespace is where Postroom's workflows are.
	Namespace = "default"

	temporalDatabase  = "temporal"
	temporalReadyTime = 90 * time.Second
	temporalGrace     = 25 * time.Second // the program itself gives up after 20 s
)

// TemporalOptions are the choices of a Temporal server. The zero value is one on free ports.
type TemporalOptions struct {
	// Port is that of the frontend (gRPC), UIPort that of the UI; 0 chooses a free one at the first start, and keeps it.
	Port, UIPort int
	// Database is its name in the cluster ("temporal" if empty): lower-case letters, digits and underscores, 40 at most.
	// "_visibility" is added for the second one. Servers with different names have nothing to do with each other.
	Database string
	// Dynamic is dynamic configuration, for example limit.historyCount.suggestContinueAsNew: "60". An unknown key or a value
	// of the wrong type keeps the server from starting.
	Dynamic map[string]string
	// LogLevel is debug, info, warn or error ("error" if empty).
	LogLevel string
	// RestartAfter is as in ProcessSpec.
	RestartAfter time.Duration
	// Output gets what the server prints; nil drops it.
	Output io.Writer
	Logger *slog.Logger
	// Progress hears of the build of the program, if it must be built; see TemporalBinary. Nil is allowed.
	Progress func(BuildProgress)
}

// Temporal is a Temporal server with its UI, with its data in a cluster of ours.
//
// Its methods are for one goroutine at a time.
type Temporal struct {
	postgres *Postgres
	options  TemporalOptions
	binary   string
	process  *Process
	serving  *atomic.Bool
}

// NewTemporal describes a server on a cluster. Nothing is started.
func NewTemporal(postgres *Postgres, options TemporalOptions) *Temporal {
	if options.Database == "" {
		options.Database = temporalDatabase
	}
	if options.LogLevel == "" {
		options.LogLevel = "error"
	}
	return &Temporal{postgres: postgres, options: options}
}

// Start builds the program if need be, starts the server and returns when its frontend serves the namespace. The cluster must
// have been started. After Kill or Stop it starts again on the same ports and data.
func (t *Temporal) Start(ctx context.Context) error {
	if t.process != nil {
		select {
		case <-t.process.Done():
		default:
			return nil
		}
	}
	if err := t.prepare(ctx); err != nil {
		return err
	}
	t.serving = new(atomic.Bool)
	process, err := StartProcess(ProcessSpec{
		Name:         "temporal",
		Path:         t.binary,
		Args:         t.arguments(),
		Env:          t.environment(),
		Dir:          t.postgres.dir.Path(),
		Grace:        temporalGrace,
		RestartAfter: t.options.RestartAfter,
		Output:       announcement{t.options.Output, t.serving},
		Logger:       t.options.Logger,
	})
	if err != nil {
		return err
	}
	t.process = process
	if err := t.ready(ctx); err != nil {
		process.Kill()
		return err
	}
	return nil
}

func (t *Temporal) prepare(ctx context.Context) error {
	var err error
	if t.binary == "" {
		if t.binary, err = TemporalBinary(ctx, t.options.Progress); err != nil {
			return err
		}
	}
	for _, port := range []struct {
		number           *int
		purpose, setting string
	}{
		{&t.options.Port, "Temporal", "the port of Temporal"},
		{&t.options.UIPort, "the Temporal UI", "the port of the Temporal UI"},
	} {
		if *port.number != 0 {
			if err := CheckPort(*port.number, port.purpose, port.setting); err != nil {
				return err
			}
			continue
		}
		if *port.number, err = FreePort(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Temporal) arguments() []string {
	args := []string{
		"--address", Loopback,
		"--port", strconv.Itoa(t.options.Port),
		"--ui-port", strconv.Itoa(t.options.UIPort),
		"--db-host", Loopback,
		"--db-port", strconv.Itoa(t.postgres.Port()),
		"--db-user", string(RoleTemporal),
		"--db-name", t.options.Database,
		"--log-level", t.options.LogLevel,
	}
	for _, key := range slices.Sorted(maps.Keys(t.options.Dynamic)) {
		args = append(args, "--dynamic", key+"="+t.options.Dynamic[key])
	}
	return args
}

// environment carries the password, which does not belong on a command line, and the wishes for Go's memory management.
func (t *Temporal) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "TEMPORAL_DB_PASSWORD=" + t.postgres.Password(RoleTemporal)}
	for _, name := range []string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (t *Temporal) ready(ctx context.Context) error {
	return poll(ctx, temporalReadyTime, func(ctx context.Context) error {
		select {
		case <-t.process.Done():
			return final{t.process.Err()}
		default:
		}
		if err := t.serves(ctx); err != nil {
			return postroom.Unavailable(postroom.ReasonTemporalDown,
				fmt.Sprintf("Temporal on port %d does not answer: %v", t.options.Port, err), err)
		}
		return nil
	})
}

// serves waits for the program's own line, which it prints when the search attributes are known and the UI answers, and asks
// for the frontend's health and for the namespace.
func (t *Temporal) serves(ctx context.Context) error {
	if !t.serving.Load() {
		return errors.New("it is still starting")
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	sdk, err := client.DialContext(ctx, client.Options{HostPort: t.Address(), Namespace: Namespace, Logger: quiet{}})
	if err != nil {
		return err
	}
	defer sdk.Close()
	if _, err := sdk.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return err
	}
	_, err = sdk.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: Namespace})
	return err
}

// Stop shuts the server down in order. Stop PostgreSQL after it.
func (t *Temporal) Stop(ctx context.Context) error {
	if t.process == nil {
		return nil
	}
	return t.process.Stop(ctx)
}

// Kill sends SIGKILL to the server, as a crash would. Start starts it again.
func (t *Temporal) Kill() {
	if t.process != nil {
		t.process.Kill()
	}
}

// Done is closed when the server has ended and is not started again. Call it after Start.
func (t *Temporal) Done() <-chan struct{} { return t.process.Done() }

// Err says, after Done, why the server ended; nil if it was asked to.
func (t *Temporal) Err() error { return t.process.Err() }

// PID is the process id of the server. Call it after Start.
func (t *Temporal) PID() int { return t.process.PID() }

// Address is the host and port of the frontend, for client.Options.HostPort. Call it after Start.
func (t *Temporal) Address() string { return address(t.options.Port) }

// UIURL is the address of the UI. Call it after Start.
func (t *Temporal) UIURL() string { return "http://" + address(t.options.UIPort) }

// announcement passes lines on and notes the one that says that the server serves.
type announcement struct {
	to   io.Writer // may be nil
	seen *atomic.Bool
}

// Write satisfies io.Writer.
func (a announcement) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("temporal: serving on ")) {
		a.seen.Store(true)
	}
	if a.to == nil {
		return len(line), nil
	}
	return a.to.Write(line)
}

// quiet drops the SDK's log: what it would say while the server comes up is not worth reading.
type quiet struct{}

var _ sdklog.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
