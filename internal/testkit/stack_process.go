package testkit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/stack"
)

// startTime is how long a server may take to start on a busy machine.
const startTime = 2 * time.Minute

func (s *Stack) process(name string) (*stack.Process, error) {
	return stack.StartProcess(stack.ProcessSpec{Name: name, Path: s.program, Args: []string{name}, Env: s.Env, Dir: s.Dir, Output: s.log})
}

func (s *Stack) startWorker() (err error) {
	s.worker, err = s.process("worker")
	return err
}

func (s *Stack) startAPI() (err error) {
	s.api, err = s.process("api")
	return err
}

// startMail starts the mail server on the ports and the directory that it had before.
func (s *Stack) startMail() (err error) {
	s.Mail, err = devmail.Start(devmail.Options{Dir: filepath.Join(s.Dir, "mail"), IMAP: loopback(s.ports.imap), SMTP: loopback(s.ports.smtp),
		HTTP: loopback(s.ports.page), Accounts: map[string]string{config.SampleAddress: s.password}})
	return err
}

// StartWorker starts the worker again after KillWorker or StopWorker.
func (s *Stack) StartWorker(t testing.TB) { t.Helper(); mustStart(t, "worker", s.startWorker()) }

// StartAPI starts the API again.
func (s *Stack) StartAPI(t testing.TB) { t.Helper(); mustStart(t, "API", s.startAPI()) }

// StartMail starts the mail server again, with everything that it had.
func (s *Stack) StartMail(t testing.TB) { t.Helper(); mustStart(t, "mail server", s.startMail()) }

// StartTemporal starts the Temporal server again.
func (s *Stack) StartTemporal(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	mustStart(t, "Temporal", s.Temporal.Start(ctx))
}

// StartPostgres starts PostgreSQL again.
func (s *Stack) StartPostgres(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	mustStart(t, "PostgreSQL", s.Postgres.Start(ctx))
}

func mustStart(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("start the %s: %v", what, err)
	}
}

// KillWorker sends SIGKILL to the worker and waits for its end.
func (s *Stack) KillWorker() { s.worker.Kill() }

// KillAPI sends SIGKILL to the API.
func (s *Stack) KillAPI() { s.api.Kill() }

// KillTemporal sends SIGKILL to the Temporal server.
func (s *Stack) KillTemporal() { s.Temporal.Kill() }

// KillPostgres sends SIGKILL to PostgreSQL.
func (s *Stack) KillPostgres() { s.Postgres.Kill() }

// Kill sends SIGKILL to several processes at once: Kill(s.KillWorker, s.KillTemporal).
func Kill(kills ...func()) {
	var all sync.WaitGroup
	for _, kill := range kills {
		all.Go(kill)
	}
	all.Wait()
}

// StopWorker stops the worker in order.
func (s *Stack) StopWorker(t testing.TB) { t.Helper(); stopProcess(t, s.worker) }

// StopAPI stops the API in order.
func (s *Stack) StopAPI(t testing.TB) { t.Helper(); stopProcess(t, s.api) }

func stopProcess(t testing.TB, p *stack.Process) {
	t.Helper()
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// StopMail cuts every connection of the mail server and stops it.
func (s *Stack) StopMail(t testing.TB) {
	t.Helper()
	if err := s.Mail.Close(); err != nil {
		t.Fatalf("stop the mail server: %v", err)
	}
}

// PIDs are the process ids of worker and API: they stay the same while something else is down.
func (s *Stack) PIDs() (worker, api int) { return s.worker.PID(), s.api.PID() }

// MustRun fails the test if worker or API has ended.
func (s *Stack) MustRun(t testing.TB) {
	t.Helper()
	for _, p := range []*stack.Process{s.worker, s.api} {
		select {
		case <-p.Done():
			t.Fatalf("a process has ended: %v", p.Err())
		default:
		}
	}
}

// Health asks a process how it is: GET /readyz. status is 0 when it does not answer.
func Health(ctx context.Context, url string) (status int, parts map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return 0, nil
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&parts); err != nil {
		return 0, nil
	}
	return response.StatusCode, parts
}

// AwaitReady waits until worker and API say that nothing is missing.
func (s *Stack) AwaitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	if err := s.awaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}

func (s *Stack) awaitReady(ctx context.Context) error {
	for name, url := range map[string]string{"worker": s.WorkerURL(), "API": s.APIURL()} {
		for {
			status, parts := Health(ctx, url)
			if status == http.StatusOK {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the %s is not ready: %d %v", name, status, parts)
			case <-s.worker.Done():
				return s.worker.Err()
			case <-s.api.Done():
				return s.api.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// AwaitMissing waits until a process names a part as missing, and returns all that it says. It must not name any other.
func AwaitMissing(t testing.TB, url, part string) {
	t.Helper()
	Eventually(t, url+" to miss "+part, func() bool {
		status, parts := Health(t.Context(), url)
		return status == http.StatusServiceUnavailable && parts[part] != "" && parts[part] != "ok"
	})
}

// Missing lists what a process says is missing.
func Missing(ctx context.Context, url string) map[string]string {
	_, parts := Health(ctx, url)
	maps.DeleteFunc(parts, func(_, state string) bool { return state == "ok" })
	return parts
}
