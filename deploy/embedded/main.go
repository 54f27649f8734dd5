package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

const (
	// passwordVariable names the environment variable that holds the password of the database role.
	passwordVariable = "TEMPORAL_DB_PASSWORD"
	// memoryLimit makes the garbage collector work harder above it, in bytes; GOMEMLIMIT overrides it. Under load the server
	// stays at 250–350 MB, so this is a bound for bursts and not a budget.
	memoryLimit = 1 << 30
	// stopTime is how long an orderly stop may take. It takes about one second while PostgreSQL is up.
	stopTime = 20 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// After the first signal the default is restored, so that a second one ends the process at once.
	context.AfterFunc(ctx, stop)

	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "temporal: stopped before it served")
	default:
		fmt.Fprintf(os.Stderr, "temporal: %v\n", err)
		os.Exit(1)
	}
}

// run is the program: it returns when ctx is done and everything has stopped, or with the one sentence that says why not.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	began := time.Now()
	opts, err := parseOptions(args, getenv, stderr)
	if err != nil {
		return err
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if err := opts.checkPorts(); err != nil {
		return err
	}
	if err := opts.Database.prepare(ctx, stderr); err != nil {
		return err
	}
	srv, err := newServer(opts)
	if err != nil {
		return err
	}
	if err := srv.start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "temporal: serving on %s, UI on http://%s, namespace %q, database %q (ready after %.1f s)\n",
		opts.frontend(), opts.ui(), namespace, opts.Database.Name, time.Since(began).Seconds())

	<-ctx.Done()
	return srv.stop(stopTime)
}

// options is the whole configuration.
type options struct {
	Address  string
	Port     int
	UIPort   int
	Shards   int
	LogLevel string
	Dynamic  dynamicValues
	Database database
}

func (o options) frontend() string { return address(o.Address, o.Port) }

func (o options) ui() string { return address(o.Address, o.UIPort) }

func address(host string, port int) string { return net.JoinHostPort(host, fmt.Sprint(port)) }

func parseOptions(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	opts := options{Dynamic: dynamicValues{}}
	flags := flag.NewFlagSet("embedded", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.Address, "address", "127.0.0.1", "loopback `address` to serve on, for gRPC and the UI")
	flags.IntVar(&opts.Port, "port", 7233, "gRPC `port` of the frontend")
	flags.IntVar(&opts.UIPort, "ui-port", 8233, "HTTP `port` of the UI")
	flags.IntVar(&opts.Shards, "shards", 4, "`number` of history shards; counts on a new database only")
	flags.StringVar(&opts.LogLevel, "log-level", "error", "debug, info, warn or error: the least `level` that is logged, to standard error as JSON")
	flags.StringVar(&opts.Database.Host, "db-host", "127.0.0.1", "`host` of PostgreSQL")
	flags.IntVar(&opts.Database.Port, "db-port", 5432, "`port` of PostgreSQL")
	flags.StringVar(&opts.Database.User, "db-user", "temporal", "`role` that owns the databases, or may create them")
	flags.StringVar(&opts.Database.Name, "db-name", "temporal", "`name` of the main database; \"_visibility\" is added for the other")
	flags.Var(opts.Dynamic, "dynamic", "dynamic configuration as `key=value`, for example limit.historyCount.suggestContinueAsNew=60; repeatable")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stderr, "Runs a Temporal server with its UI on loopback, on PostgreSQL.\n"+
			"The environment variable %s holds the password of the database role.\n\n", passwordVariable)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return options{}, err
	case err != nil:
		return options{}, err
	}
	opts.Database.Password = getenv(passwordVariable)
	return opts, opts.validate(flags.Args())
}

func (o options) validate(rest []string) error {
	ip := net.ParseIP(o.Address)
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not an option; see --help", rest[0])
	case ip == nil || !ip.IsLoopback():
		return fmt.Errorf("--address %s is not a loopback address, and this server asks nobody for a password", o.Address)
	case o.Shards < 1 || o.Shards > 512:
		return fmt.Errorf("--shards %d is not between 1 and 512", o.Shards)
	case !databaseName.MatchString(o.Database.Name):
		return fmt.Errorf("--db-name %q must consist of 1 to 40 lower-case letters, digits and underscores", o.Database.Name)
	}
	return nil
}

// checkPorts finds a taken port before anything is started: inside the server the same discovery ends the process with a
// stack trace.
func (o options) checkPorts() error {
	for flagName, port := range map[string]int{"--port": o.Port, "--ui-port": o.UIPort} {
		listener, err := net.Listen("tcp", address(o.Address, port))
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("port %d on %s is in use by another program; choose another with %s", port, o.Address, flagName)
		}
		if err != nil {
			return fmt.Errorf("cannot listen on port %d (%s): %w", port, flagName, err)
		}
		listener.Close()
	}
	return nil
}
