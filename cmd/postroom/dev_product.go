package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
)

// prepare brings the schema up to date, makes keys and secrets, and gives a new database the sample contact centre. Whatever is there
// already stays: a second start changes nothing.
func (d *dev) prepare(ctx context.Context) error {
	if _, err := store.Migrate(ctx, d.postgres.URL(stack.RoleOwner, stack.Database), "", d.log); err != nil {
		return err
	}
	var err error
	if d.secrets, err = d.dir.Sub("secrets"); err != nil {
		return err
	}
	if d.blobs, err = d.dir.Sub("blobs"); err != nil {
		return err
	}
	if _, err := keyring.Init(d.secrets, time.Now()); err != nil {
		return err
	}
	password, err := d.dir.Secret(sampleSecret)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.secrets, sampleSecret), []byte(password), 0o600); err != nil {
		return err
	}
	s, err := store.Open(ctx, d.postgres.URL(stack.RoleApp, stack.Database), store.Options{MaxConns: 2}, d.log)
	if err != nil {
		return err
	}
	defer s.Close()
	_, version, err := s.Configuration(ctx)
	if err != nil || version > 0 {
		return err
	}
	return d.applySample(ctx, s)
}

// applySample applies the sample configuration and gives its agents random passwords.
func (d *dev) applySample(ctx context.Context, s *store.Store) error {
	by := postroom.System("dev")
	sample := config.Sample(config.SampleServers{Host: stack.Loopback, IMAPPort: d.set.Dev.Ports.IMAP, SMTPPort: d.set.Dev.Ports.SMTP, Secret: sampleSecret})
	if _, err := api.Apply(ctx, s, pci.New(), api.Application{Actor: by, File: "sample.yaml", Document: sample}); err != nil {
		return err
	}
	configuration, _, err := s.Configuration(ctx)
	if err != nil {
		return err
	}
	for _, a := range configuration.Agents {
		password, err := d.samplePassword(a.ID)
		if err != nil {
			return err
		}
		hash, err := auth.HashPassword(password)
		if err != nil {
			return err
		}
		if err := s.SetPassword(ctx, postroom.Command{}, by, store.Password{Agent: a.ID, Hash: hash, Sample: true}); err != nil {
			return err
		}
	}
	return nil
}

// samplePassword is a random password, the same at every start on this state directory.
func (d *dev) samplePassword(agent postroom.AgentID) (string, error) {
	secret, err := d.dir.Secret("sample-" + string(agent))
	if err != nil {
		return "", err
	}
	return strings.Join([]string{secret[:4], secret[4:8], secret[8:12], secret[12:16]}, "-"), nil
}

// startProduct starts mail server, worker and API as processes of their own, so that each can be killed and comes back, as in production.
func (d *dev) startProduct(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	password, err := d.dir.Secret(sampleSecret)
	if err != nil {
		return err
	}
	shared := []string{
		"PATH=" + d.getenv("PATH"), "HOME=" + d.getenv("HOME"), "TMPDIR=" + d.getenv("TMPDIR"),
		"POSTROOM_LOG_LEVEL=" + d.set.Log.Level.String(), "POSTROOM_LOG_FORMAT=" + string(d.set.Log.Format),
	}
	product := append(shared[:len(shared):len(shared)],
		"POSTROOM_DATABASE_URL="+d.postgres.URL(stack.RoleApp, stack.Database),
		"POSTROOM_TEMPORAL_ADDRESS="+d.temporal.Address(), "POSTROOM_TEMPORAL_NAMESPACE="+stack.Namespace,
		"POSTROOM_SECRETS_DIR="+d.secrets, "POSTROOM_BLOB_URL=file://"+d.blobs,
		"POSTROOM_API_LISTEN="+at(d.set.Dev.Ports.API), "POSTROOM_WORKER_LISTEN="+at(d.set.Dev.Ports.Worker))
	mail := append(shared[:len(shared):len(shared)],
		"POSTROOM_STATE_DIR="+d.dir.Path(), "POSTROOM_SECRET_MAILBOX="+password,
		"POSTROOM_DEV_IMAP_PORT="+itoa(d.set.Dev.Ports.IMAP), "POSTROOM_DEV_SMTP_PORT="+itoa(d.set.Dev.Ports.SMTP),
		"POSTROOM_DEV_MAIL_PORT="+itoa(d.set.Dev.Ports.Mail))
	for _, child := range []struct {
		name string
		env  []string
	}{{"devmail", mail}, {"worker", product}, {"api", product}} {
		process, err := stack.StartProcess(stack.ProcessSpec{Name: child.name, Path: self, Args: []string{child.name}, Env: child.env, Dir: d.dir.Path(),
			Output: d.logs, RestartAfter: restartAfter, Logger: d.log})
		if err != nil {
			return err
		}
		d.children = append(d.children, process)
		go func() {
			<-process.Done()
			d.ended <- child.name
		}()
	}
	if err := d.awaitHealthy(ctx, "the worker", at(d.set.Dev.Ports.Worker)); err != nil {
		return err
	}
	return d.awaitHealthy(ctx, "the API", at(d.set.Dev.Ports.API))
}

// healthyTime is how long a process may take until it is well; a busy machine is slow.
const healthyTime = 2 * time.Minute

func (d *dev) awaitHealthy(ctx context.Context, name, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthyTime)
	defer cancel()
	client := http.Client{Timeout: 5 * time.Second}
	last := "it does not answer"
	for {
		if response, err := client.Get("http://" + address + "/readyz"); err == nil {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			last = strings.TrimSpace(string(body))
		}
		select {
		case <-ctx.Done():
			return postroom.Unavailable("not_healthy", fmt.Sprintf("%s is not well: %s; the log is %s/postroom.log", name, last, d.dir.Path()), nil)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// welcome prints where everything is.
func (d *dev) welcome() error {
	ports := d.set.Dev.Ports
	d.say("")
	d.say("Postroom runs. Everything is on this machine only, and kept in %s.", d.dir.Path())
	d.say("")
	d.say("  Agent Desktop and API   http://localhost:%d", ports.API)
	d.say("  write as a customer     http://localhost:%d   (to %s)", ports.Mail, config.SampleAddress)
	d.say("  Temporal UI             http://localhost:%d", ports.TemporalUI)
	d.say("  health                  http://localhost:%d/readyz  http://localhost:%d/readyz", ports.API, ports.Worker)
	d.say("  logs                    %s/postroom.log", d.dir.Path())
	d.say("")
	d.say("  account  password              role")
	for _, a := range []struct {
		id   postroom.AgentID
		role postroom.Role
	}{{"mina", "agent"}, {"jiwoo", "agent"}, {"tom", "agent"}, {"sora", "supervisor"}, {"admin", "administrator"}} {
		password, err := d.samplePassword(a.id)
		if err != nil {
			return err
		}
		d.say("  %-8s %-21s %s", a.id, password, a.role)
	}
	d.say("")
	d.say("README.md has a guided first contact. Ctrl-C stops everything.")
	return nil
}
