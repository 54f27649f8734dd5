package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/stack"
)

// StackOptions are the choices of a Stack.
type StackOptions struct {
	// RONA is the RONA time of every queue; 0 is the sample's own, 90 s.
	RONA time.Duration
}

// Stack is the whole product on real parts: a private PostgreSQL, the Temporal server, a mail server in this process, and the program's
// own processes `postroom worker` and `postroom api`, each of which can be killed and started again on the same port. It is set up as
// an operator would, by commands: migrate, keyring init, apply, account password.
//
// Its configuration is the sample's: agents mina, jiwoo (three emails each) and tom (one), supervisor sora, administrator admin.
type Stack struct {
	Database           // as the owner sees it: Count, Exec, MustHold …
	Postgres           *stack.Postgres
	Temporal           *stack.Temporal
	Mail               *devmail.Server // the outside world; StopMail and StartMail replace it
	Dir                string          // everything, and below it …
	Secrets, Blob, Tmp string          // … the key ring and secrets, attachments, temporary files of worker and API
	LogFile            string          // what all processes but PostgreSQL print, each line with the process before it
	Env                []string        // the environment of worker, api and every command

	dir       *stack.StateDir
	program   string
	log       *os.File
	ports     stackPorts
	passwords map[postroom.AgentID]string
	password  string // of the mailbox
	worker    *stack.Process
	api       *stack.Process
}

type stackPorts struct{ postgres, temporal, ui, api, worker, imap, smtp, page int }

// mailboxSecret is the name of the file with the mailbox's password.
const mailboxSecret = "mailbox-support"

// NewStack starts a stack of the test's own, which is stopped and removed when the test ends.
func NewStack(t testing.TB, o StackOptions) *Stack {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stackStartTime)
	defer cancel()
	s, err := startStack(ctx, o)
	t.Cleanup(func() {
		if t.Failed() {
			s.tell(t)
		}
		if err := s.close(); err != nil {
			t.Errorf("stop the stack: %v", err)
		}
	})
	if err != nil {
		t.Fatalf("start the stack: %v", err)
	}
	return s
}

// stackStartTime includes the first build of the Temporal server.
const stackStartTime = 20 * time.Minute

// sharedStack is one stack for all tests of a process that kill nothing, used by one at a time.
var sharedStack oneStack

type oneStack struct {
	inUse sync.Mutex
	stack *Stack
	err   error
}

// SharedStack gives the test the process's shared stack for itself until it ends. What earlier tests left there, stays there.
func SharedStack(t testing.TB) *Stack {
	t.Helper()
	sharedStack.inUse.Lock()
	t.Cleanup(sharedStack.inUse.Unlock)
	s, err := sharedStack.start()
	if err != nil {
		t.Fatalf("start the shared stack: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.tell(t)
		}
	})
	return s
}

func (o *oneStack) start() (*Stack, error) {
	if o.stack == nil {
		ctx, cancel := context.WithTimeout(context.Background(), stackStartTime)
		defer cancel()
		o.stack, o.err = startStack(ctx, StackOptions{})
	}
	return o.stack, o.err
}

func (o *oneStack) stop() error {
	if o.stack == nil {
		return nil
	}
	return o.stack.close()
}

// startStack starts everything. What was started is in the Stack also when there is an error.
func startStack(ctx context.Context, o StackOptions) (*Stack, error) {
	s := &Stack{passwords: map[postroom.AgentID]string{}, password: uuid.NewString()}
	var err error
	if s.program, err = built.path(); err != nil {
		return s, err
	}
	if err := s.prepare(); err != nil {
		return s, err
	}
	s.Postgres = stack.NewPostgres(s.dir, stack.PostgresOptions{Port: s.ports.postgres, Durability: stack.Disposable, Output: s.log})
	if err := s.Postgres.Start(ctx); err != nil {
		return s, err
	}
	s.Database = Database{OwnerURL: s.Postgres.URL(stack.RoleOwner, stack.Database), AppURL: s.Postgres.URL(stack.RoleApp, stack.Database),
		Schema: "public", LogDir: s.Postgres.LogDir()}
	s.Temporal = stack.NewTemporal(s.Postgres, stack.TemporalOptions{Port: s.ports.temporal, UIPort: s.ports.ui, Output: s.log, Progress: BuildProgress()})
	if err := s.startMail(); err != nil {
		return s, err
	}
	group, starting := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Temporal.Start(starting) })
	group.Go(func() error { return s.setUp(starting, o) })
	if err := group.Wait(); err != nil {
		return s, err
	}
	s.Env = append(s.Env, "POSTROOM_TEMPORAL_ADDRESS="+s.Temporal.Address())
	if err := errors.Join(s.startWorker(), s.startAPI()); err != nil {
		return s, err
	}
	return s, s.awaitReady(ctx)
}

// prepare makes the directories, chooses the ports, and writes the mailbox's password where the configuration names it.
func (s *Stack) prepare() error {
	var err error
	if s.dir, err = stack.TemporaryStateDir(); err != nil {
		return err
	}
	s.Dir = s.dir.Path()
	for _, d := range []struct {
		path *string
		name string
	}{{&s.Secrets, "secrets"}, {&s.Blob, "blobs"}, {&s.Tmp, "tmp"}} {
		if *d.path, err = s.dir.Sub(d.name); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(s.Secrets, mailboxSecret), []byte(s.password), 0o600); err != nil {
		return err
	}
	s.LogFile = filepath.Join(s.Dir, "postroom.log")
	if s.log, err = os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	for _, port := range []*int{&s.ports.postgres, &s.ports.temporal, &s.ports.ui, &s.ports.api, &s.ports.worker, &s.ports.imap, &s.ports.smtp, &s.ports.page} {
		if *port, err = FreePort(); err != nil {
			return err
		}
	}
	return nil
}

// setUp does what an operator does once: schema, keys, configuration, passwords.
func (s *Stack) setUp(ctx context.Context, o StackOptions) error {
	s.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + s.Tmp,
		"POSTROOM_OWNER_DATABASE_URL=" + s.OwnerURL, "POSTROOM_DATABASE_URL=" + s.AppURL,
		"POSTROOM_TEMPORAL_NAMESPACE=" + stack.Namespace,
		"POSTROOM_SECRETS_DIR=" + s.Secrets, "POSTROOM_BLOB_URL=file://" + s.Blob,
		"POSTROOM_API_LISTEN=" + loopback(s.ports.api), "POSTROOM_WORKER_LISTEN=" + loopback(s.ports.worker),
		"POSTROOM_DEV_SMTP_PORT=" + strconv.Itoa(s.ports.smtp),
	}
	for _, step := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"migrate"}},
		{"", []string{"keyring", "init"}},
		{s.Sample(o.RONA), []string{"apply", "-f", "-"}},
	} {
		if err := RunProgram(ctx, s.Env, step.stdin, step.args...).must(step.args...); err != nil {
			return err
		}
	}
	for _, agent := range []postroom.AgentID{"mina", "jiwoo", "tom", "sora", "admin"} {
		s.passwords[agent] = uuid.NewString()
		args := []string{"account", "password", string(agent)}
		if err := RunProgram(ctx, s.Env, s.passwords[agent]+"\n", args...).must(args...); err != nil {
			return err
		}
	}
	return nil
}

// Sample is the sample configuration for this stack, as a document, with a RONA time for every queue; 0 leaves the sample's own.
func (s *Stack) Sample(rona time.Duration) string {
	sample := config.Sample(config.SampleServers{Host: stack.Loopback, IMAPPort: s.ports.imap, SMTPPort: s.ports.smtp, Secret: mailboxSecret})
	sample = strings.ReplaceAll(sample, "    wrap_up_codes:", "    undo: 0s\n    wrap_up_codes:") // what is sent is awaited: without a wait of its own
	if rona == 0 {
		return sample
	}
	return strings.ReplaceAll(sample, "rona_time: 90s", fmt.Sprintf("rona_time: %ds", int(rona.Seconds())))
}

// SetRONA applies the sample configuration with another RONA time, which holds for later offers (R9).
func (s *Stack) SetRONA(t testing.TB, rona time.Duration) {
	t.Helper()
	s.Run(t, s.Sample(rona), "apply", "-f", "-")
}

// Run runs a command of the program that must succeed, in the stack's environment, and returns what it printed.
func (s *Stack) Run(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	ran := s.Try(t, stdin, args...)
	if err := ran.must(args...); err != nil {
		t.Fatal(err)
	}
	return ran.Stdout
}

// Try runs a command that may fail.
func (s *Stack) Try(t testing.TB, stdin string, args ...string) Ran {
	t.Helper()
	return RunProgram(t.Context(), s.Env, stdin, args...)
}

// APIURL is where the API is.
func (s *Stack) APIURL() string { return "http://" + loopback(s.ports.api) }

// WorkerURL is where the worker says how it is.
func (s *Stack) WorkerURL() string { return "http://" + loopback(s.ports.worker) }

// SMTPAddr is where mail is handed in, host:port, also while the mail server is down.
func (s *Stack) SMTPAddr() string { return loopback(s.ports.smtp) }

// tell shows the end of the log after a failure.
func (s *Stack) tell(t testing.TB) {
	content, err := os.ReadFile(s.LogFile)
	if err != nil {
		return
	}
	lines := strings.Split(string(content), "\n")
	lines = lines[max(0, len(lines)-80):]
	for i, l := range lines {
		lines[i] = l[:min(300, len(l))]
	}
	t.Logf("the end of the log:\n%s", strings.Join(lines, "\n"))
}

// LogLines reads what a process has printed so far, line by line: "worker", "api", "temporal".
func (s *Stack) LogLines(t testing.TB, process string) []string {
	t.Helper()
	content, err := os.ReadFile(s.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, process+" | "); ok {
			lines = append(lines, strings.TrimSpace(rest))
		}
	}
	return lines
}

// close stops everything in order and removes it.
func (s *Stack) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed []error
	for _, p := range []*stack.Process{s.api, s.worker} {
		if p != nil {
			failed = append(failed, p.Stop(ctx))
		}
	}
	if s.Mail != nil {
		failed = append(failed, s.Mail.Close())
	}
	if s.Temporal != nil {
		failed = append(failed, s.Temporal.Stop(ctx))
	}
	if s.Postgres != nil {
		failed = append(failed, s.Postgres.Stop(ctx))
	}
	if s.log != nil {
		failed = append(failed, s.log.Close())
	}
	if s.dir != nil {
		failed = append(failed, s.dir.Remove())
	}
	return errors.Join(failed...)
}

func loopback(port int) string { return net.JoinHostPort(stack.Loopback, strconv.Itoa(port)) }
