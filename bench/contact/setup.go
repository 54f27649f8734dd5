package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"log/slog"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
)

// setup is the stack that is measured.
type setup struct {
	dir       *stack.StateDir
	postgres  *stack.Postgres
	temporal  *stack.Temporal
	mail      *devmail.Server
	store     *store.Store
	children  map[string]*stack.Process
	processes []string
	apiURL    string
	barePort  string
	agents    []*agent
}

const password = "a password for the bench"

var quiet = slog.New(slog.DiscardHandler)

// start starts PostgreSQL as in production (durable), Temporal, a mail server in this process, and worker, API and bare worker as processes
// of their own.
func start(ctx context.Context, together int) (*setup, error) {
	s := &setup{children: map[string]*stack.Process{}, processes: []string{"postgresql", "temporal", "worker", "api", "bare worker and client", "driver and mail server"}}
	steps := []func(context.Context) error{s.startServers, s.prepare, func(ctx context.Context) error { return s.configure(ctx, together) },
		func(ctx context.Context) error { return s.startChildren(ctx, together) }, s.signIn}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, nil
}

func (s *setup) startServers(ctx context.Context) (err error) {
	if s.dir, err = stack.TemporaryStateDir(); err != nil {
		return err
	}
	s.postgres = stack.NewPostgres(s.dir, stack.PostgresOptions{})
	if err := s.postgres.Start(ctx); err != nil {
		return err
	}
	s.temporal = stack.NewTemporal(s.postgres, stack.TemporalOptions{Progress: func(p stack.BuildProgress) { fmt.Println("  building Temporal:", p) }})
	if err := s.temporal.Start(ctx); err != nil {
		return err
	}
	s.mail, err = devmail.Start(devmail.Options{Dir: filepath.Join(s.dir.Path(), "mail"), Accounts: map[string]string{config.SampleAddress: password}})
	return err
}

func (s *setup) prepare(ctx context.Context) error {
	if _, err := store.Migrate(ctx, s.postgres.URL(stack.RoleOwner, stack.Database), "", quiet); err != nil {
		return err
	}
	secrets, err := s.dir.Sub("secrets")
	if err != nil {
		return err
	}
	if _, err := keyring.Init(secrets, time.Now()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(secrets, "mailbox"), []byte(password), 0o600); err != nil {
		return err
	}
	s.store, err = store.Open(ctx, s.postgres.URL(stack.RoleApp, stack.Database), store.Options{}, quiet)
	return err
}

// configure makes as many agents as contacts are in flight, each for one at a time.
func (s *setup) configure(ctx context.Context, together int) error {
	document := config.Sample(config.SampleServers{Host: stack.Loopback, IMAPPort: port(s.mail.IMAPAddr()), SMTPPort: port(s.mail.SMTPAddr()), Secret: "mailbox"})
	var agents bytes.Buffer
	for i := range together {
		fmt.Fprintf(&agents, "  - {key: agent-%d, name: Agent %d, email: agent-%d@postroom.example, team: front, profile: focused}\n", i, i, i)
	}
	document = strings.Replace(document, "agents:\n", "agents:\n"+agents.String(), 1)
	if _, err := api.Apply(ctx, s.store, pci.New(), api.Application{Actor: postroom.System("bench"), File: "bench.yaml", Document: document}); err != nil {
		return err
	}
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	for i := range together {
		id := postroom.AgentID("agent-" + strconv.Itoa(i))
		if err := s.store.SetPassword(ctx, postroom.Command{}, postroom.System("bench"), store.Password{Agent: id, Hash: hash}); err != nil {
			return err
		}
		s.agents = append(s.agents, &agent{id: string(id)})
	}
	return nil
}

func (s *setup) startChildren(ctx context.Context, together int) error {
	binary := filepath.Join(s.dir.Path(), "postroom")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/postroom").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	blobs, err := s.dir.Sub("blobs")
	if err != nil {
		return err
	}
	ports := make([]string, 3)
	for i := range ports {
		p, err := stack.FreePort()
		if err != nil {
			return err
		}
		ports[i] = strconv.Itoa(p)
	}
	s.apiURL, s.barePort = "http://127.0.0.1:"+ports[0], ports[2]
	env := []string{
		"POSTROOM_DATABASE_URL=" + s.postgres.URL(stack.RoleApp, stack.Database), "POSTROOM_TEMPORAL_ADDRESS=" + s.temporal.Address(),
		"POSTROOM_SECRETS_DIR=" + filepath.Join(s.dir.Path(), "secrets"), "POSTROOM_BLOB_URL=file://" + blobs, "POSTROOM_LOG_LEVEL=warn",
		"POSTROOM_API_LISTEN=127.0.0.1:" + ports[0], "POSTROOM_WORKER_LISTEN=127.0.0.1:" + ports[1], "BENCH_BARE_PORT=" + ports[2], "HOME=" + os.Getenv("HOME"),
	}
	for name, spec := range map[string]stack.ProcessSpec{
		"worker":                 {Path: binary, Args: []string{"worker"}},
		"api":                    {Path: binary, Args: []string{"api"}},
		"bare worker and client": {Path: self, Args: []string{"-bare-worker", s.temporal.Address(), "-c", strconv.Itoa(together)}},
	} {
		spec.Name, spec.Env, spec.Output = name, env, os.Stderr
		if s.children[name], err = stack.StartProcess(spec); err != nil {
			return err
		}
	}
	return nil
}

func (s *setup) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed error
	for _, c := range s.children {
		failed = errors.Join(failed, c.Stop(ctx))
	}
	if s.store != nil {
		s.store.Close()
	}
	if s.mail != nil {
		failed = errors.Join(failed, s.mail.Close())
	}
	if s.temporal != nil {
		failed = errors.Join(failed, s.temporal.Stop(ctx))
	}
	if s.postgres != nil {
		failed = errors.Join(failed, s.postgres.Stop(ctx))
	}
	if s.dir != nil {
		failed = errors.Join(failed, s.dir.Remove())
	}
	if failed != nil {
		fmt.Fprintln(os.Stderr, "stop:", failed)
	}
}

func port(address string) int {
	n, err := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	if err != nil {
		panic(err)
	}
	return n
}

// shape reads how many events and state transitions the last completed workflow of a kind had.
func shape(ctx context.Context, c client.Client, kind string) (events, transitions int64, err error) {
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1,
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Completed'", kind)})
	if err != nil {
		return 0, 0, err
	}
	if len(list.Executions) == 0 {
		return 0, 0, fmt.Errorf("no workflow of type %s has completed", kind)
	}
	e := list.Executions[0].Execution
	run, err := c.DescribeWorkflowExecution(ctx, e.WorkflowId, e.RunId)
	if err != nil {
		return 0, 0, err
	}
	return run.WorkflowExecutionInfo.HistoryLength, run.WorkflowExecutionInfo.StateTransitionCount, nil
}
