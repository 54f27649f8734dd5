package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/realmail"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/worker"
	"github.com/postroom/postroom/workflows"
)

// second is another mailbox, so that two are read at once.
const second = "sales@postroom.example"

var quiet = slog.New(slog.DiscardHandler)

// options say which mail server there is.
type options string

const (
	withDovecot options = "dovecot"
	withDevmail options = "devmail"
)

// centre is a contact centre over servers on this machine.
type centre struct {
	dir      *stack.StateDir
	postgres *stack.Postgres
	temporal *stack.Temporal
	dovecot  *realmail.Servers
	devmail  *devmail.Server
	door     *realmail.Door
	store    *store.Store
	secrets  *keyring.Secrets
	client   client.Client
	apart    *stack.Process
	worker   chan error
	end      context.CancelFunc
}

func start(ctx context.Context, with options) (c *centre, err error) {
	c = &centre{end: func() {}}
	if c.dir, err = stack.TemporaryStateDir(); err != nil {
		return c, err
	}
	c.postgres = stack.NewPostgres(c.dir, stack.PostgresOptions{})
	if err := c.postgres.Start(ctx); err != nil {
		return c, err
	}
	c.temporal = stack.NewTemporal(c.postgres, stack.TemporalOptions{Progress: func(p stack.BuildProgress) { fmt.Println("  building Temporal:", p) }})
	if err := c.temporal.Start(ctx); err != nil {
		return c, err
	}
	servers := config.SampleServers{Host: stack.Loopback, Secret: "mailbox", SMTPPort: 1}
	if with == withDovecot {
		if c.dovecot, err = realmail.Start(ctx, realmail.Options{}); err != nil {
			return c, err
		}
		if c.door, err = c.dovecot.Open(); err != nil {
			return c, err
		}
		servers.IMAPPort = c.dovecot.IMAP
	} else {
		if c.devmail, err = devmail.Start(devmail.Options{Dir: filepath.Join(c.dir.Path(), "mail"), Accounts: map[string]string{config.SampleAddress: realmail.Password, second: realmail.Password}}); err != nil {
			return c, err
		}
		servers.IMAPPort = port(c.devmail.IMAPAddr())
	}
	return c, c.product(ctx, servers)
}

func (c *centre) product(ctx context.Context, servers config.SampleServers) error {
	if _, err := store.Migrate(ctx, c.postgres.URL(stack.RoleOwner, stack.Database), "", quiet); err != nil {
		return err
	}
	secrets, err := c.dir.Sub("secrets")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(secrets, "mailbox"), []byte(realmail.Password), 0o600); err != nil {
		return err
	}
	if _, err := c.dir.Sub("blobs"); err != nil {
		return err
	}
	if _, err := keyring.Init(secrets, time.Now()); err != nil {
		return err
	}
	if c.secrets, err = keyring.OpenSecrets(secrets); err != nil {
		return err
	}
	if c.store, err = store.Open(ctx, c.postgres.URL(stack.RoleApp, stack.Database), store.Options{}, quiet); err != nil {
		return err
	}
	document := config.Sample(servers)
	text, _ := pci.New().Text(pci.PlaceText, document)
	parsed, err := config.Parse("bench.yaml", text)
	if err != nil {
		return err
	}
	other := parsed.Mailboxes[0]
	other.ID, other.Address, other.IMAP.Username, other.SMTP.Username = "sales", second, second, second
	parsed.Mailboxes = append(parsed.Mailboxes, other)
	parsed.EntryPoints = append(parsed.EntryPoints, postroom.EntryPoint{Address: second, Mailbox: "sales", Queue: parsed.EntryPoints[0].Queue})
	written, err := config.Format(parsed)
	if err != nil {
		return err
	}
	_, err = api.Apply(ctx, c.store, pci.New(), api.Application{Actor: postroom.System("bench"), File: "bench.yaml", Document: string(written)})
	return err
}

// work starts a worker in this process.
func (c *centre) work(ctx context.Context) (err error) {
	keys, err := keyring.Open(filepath.Join(c.dir.Path(), "secrets"))
	if err != nil {
		return err
	}
	blobs, err := blob.Open("file://" + filepath.Join(c.dir.Path(), "blobs"))
	if err != nil {
		return err
	}
	if c.client, err = client.Dial(client.Options{HostPort: c.temporal.Address(), Namespace: stack.Namespace, Logger: quiet}); err != nil {
		return err
	}
	gate := gateway.New(c.client, workflows.TaskQueue)
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end, c.worker = end, make(chan error, 1)
	w := worker.New(worker.Options{Client: c.client, TaskQueue: workflows.TaskQueue, Store: c.store, Gateway: gate, Log: quiet,
		Activities: &activities.Activities{Store: c.store, Blobs: blobs, Gateway: gate, Matcher: activities.NewMatcher(c.store, gate, quiet),
			Scanner: pci.New(), Keys: keys, Secrets: c.secrets, Log: quiet, Mail: &activities.MailHealth{}}})
	go func() { c.worker <- w.Run(working) }()
	return nil
}

// workApart starts the program's worker, as a process of its own.
func (c *centre) workApart(context.Context) (err error) {
	free, err := stack.FreePort()
	if err != nil {
		return err
	}
	program, err := filepath.Abs(".cache/bin/postroom")
	if err != nil {
		return err
	}
	c.apart, err = stack.StartProcess(stack.ProcessSpec{Name: "worker", Path: program, Args: []string{"worker"}, Output: io.Discard, Env: []string{
		"POSTROOM_DATABASE_URL=" + c.postgres.URL(stack.RoleApp, stack.Database), "POSTROOM_TEMPORAL_ADDRESS=" + c.temporal.Address(),
		"POSTROOM_TEMPORAL_NAMESPACE=" + stack.Namespace, "POSTROOM_BLOB_URL=file://" + filepath.Join(c.dir.Path(), "blobs"),
		"POSTROOM_SECRETS_DIR=" + filepath.Join(c.dir.Path(), "secrets"), "POSTROOM_WORKER_LISTEN=" + fmt.Sprintf("%s:%d", stack.Loopback, free)}})
	return err
}

// peak is the most memory that the worker's process ever had resident.
func (c *centre) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.apart.PID()))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if kilobytes, ok := strings.CutPrefix(string(line), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kilobytes), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("the kernel does not say how much memory the worker has")
}

// fill puts mails into the mailboxes, by turns where they are large.
func (c *centre) fill(n int, of func(int) []byte) error {
	for i := range n {
		to := config.SampleAddress
		mail := of(i)
		if len(mail) > 1<<20 && i%2 == 1 {
			to = second
		}
		if err := c.door.Deliver(fmt.Sprintf("customer-%d@customer.example", i), to, mail); err != nil {
			return err
		}
	}
	return nil
}

// deliver puts one mail into the mailbox.
func (c *centre) deliver(mail []byte) error {
	if c.door != nil {
		return c.door.Deliver("customer@customer.example", config.SampleAddress, mail)
	}
	out, err := outbound.New(outbound.Config{Host: stack.Loopback, Port: port(c.devmail.SMTPAddr()), Security: outbound.SecurityNone})
	if err != nil {
		return err
	}
	got, err := out.Send(context.Background(), outbound.Submission{From: "customer@customer.example", To: []string{config.SampleAddress}, Mail: mail},
		func(context.Context) error { return nil })
	if err == nil && got.Outcome != outbound.OutcomeAccepted {
		err = fmt.Errorf("the mail was not taken: %v", got)
	}
	return err
}

// How many mails have come to a point; what a bench asks is no statement of the product.
const (
	stored = "SELECT count(*)::int, coalesce(max(at), now()) FROM received WHERE arrival IN ('opened', 'appended')"
	told   = "SELECT count(*)::int, now() FROM contact WHERE told = version"
)

// await waits until n mails have come to a point, and says when the last one did.
func (c *centre) await(ctx context.Context, n int, what, count string) (time.Time, error) {
	for deadline, last, progress := time.Now().Add(2*time.Minute), 0, time.Now(); ; {
		var got int
		var at time.Time
		if err := c.store.Pool().QueryRow(ctx, count).Scan(&got, &at); err != nil {
			return at, err
		}
		if got >= n {
			return at, nil
		}
		if got > last {
			last, deadline = got, time.Now().Add(2*time.Minute)
		}
		if time.Now().After(deadline) {
			return at, fmt.Errorf("%d of %d mails %s after %v", got, n, what, time.Since(progress))
		}
		pause := 50 * time.Millisecond
		if n-got == 1 {
			pause = 2 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return at, ctx.Err()
		case err := <-c.worker:
			return at, errors.Join(errors.New("the worker ended"), err)
		case <-time.After(pause):
		}
	}
}

func (c *centre) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed []error
	c.end()
	if c.worker != nil {
		failed = append(failed, <-c.worker)
	}
	if c.apart != nil {
		failed = append(failed, c.apart.Stop(ctx))
	}
	if c.client != nil {
		c.client.Close()
	}
	if c.store != nil {
		c.store.Close()
	}
	if c.door != nil {
		failed = append(failed, c.door.Close())
	}
	if c.dovecot != nil {
		failed = append(failed, c.dovecot.Stop())
	}
	if c.devmail != nil {
		failed = append(failed, c.devmail.Close())
	}
	if c.temporal != nil {
		failed = append(failed, c.temporal.Stop(ctx))
	}
	if c.postgres != nil {
		failed = append(failed, c.postgres.Stop(ctx))
	}
	if c.dir != nil {
		failed = append(failed, c.dir.Remove())
	}
	if err := errors.Join(failed...); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
	}
}

func port(address string) int {
	n, err := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	if err != nil {
		panic(err)
	}
	return n
}
