// Command send measures how soon a reply is at the mail server after Send: from the click's call to the answer to the final dot, without an undo
// window, through the workflow, the rendering, the scanner, the blobs and SMTP on this machine.
//
//	go run ./bench/send [-n 200]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/worker"
	"github.com/postroom/postroom/workflows"
)

// target is how long half of the replies may take.
const target = 50 * time.Millisecond

const (
	agent    = postroom.AgentID("mina")
	password = "a password for the bench"
)

var quiet = slog.New(slog.DiscardHandler)

func main() {
	n := flag.Int("n", 200, "replies")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *n); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n int) (err error) {
	c, err := start(ctx)
	defer c.stop()
	if err != nil {
		return err
	}
	if _, _, err := c.replies(ctx, 20, "warm-up"); err != nil {
		return err
	}
	answered, accepted, err := c.replies(ctx, n, "measured")
	if err != nil {
		return err
	}
	fmt.Printf("%d replies; from Send to\n", n)
	fmt.Printf("| | p50 | p95 | max |\n|---|---:|---:|---:|\n| the agent's answer (wrap-up) | %s\n| the mail server's 250 | %s\n", row(answered), row(accepted))
	if p50 := at(accepted, 50); p50 > target {
		return fmt.Errorf("half of the replies take more than %v: %v", target, p50)
	}
	return nil
}

func row(times []time.Duration) string {
	return fmt.Sprintf("%v | %v | %v |", at(times, 50).Round(100*time.Microsecond), at(times, 95).Round(100*time.Microsecond), times[len(times)-1].Round(100*time.Microsecond))
}

func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100]
}

// centre is a contact centre with a worker in this process.
type centre struct {
	dir      *stack.StateDir
	postgres *stack.Postgres
	temporal *stack.Temporal
	mail     *devmail.Server
	store    *store.Store
	blobs    *blob.Store
	secrets  *keyring.Secrets
	client   client.Client
	gateway  *gateway.Gateway
	scanner  pci.Scanner
	worker   chan error
	end      context.CancelFunc
}

func start(ctx context.Context) (c *centre, err error) {
	c = &centre{scanner: pci.New(), end: func() {}}
	for _, step := range []func(context.Context) error{c.servers, c.product, c.work} {
		if err := step(ctx); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *centre) servers(ctx context.Context) (err error) {
	if c.dir, err = stack.TemporaryStateDir(); err != nil {
		return err
	}
	c.postgres = stack.NewPostgres(c.dir, stack.PostgresOptions{})
	if err := c.postgres.Start(ctx); err != nil {
		return err
	}
	c.temporal = stack.NewTemporal(c.postgres, stack.TemporalOptions{Progress: func(p stack.BuildProgress) { fmt.Println("  building Temporal:", p) }})
	if err := c.temporal.Start(ctx); err != nil {
		return err
	}
	c.mail, err = devmail.Start(devmail.Options{Dir: filepath.Join(c.dir.Path(), "mail"), Accounts: map[string]string{config.SampleAddress: password}})
	return err
}

func (c *centre) product(ctx context.Context) error {
	if _, err := store.Migrate(ctx, c.postgres.URL(stack.RoleOwner, stack.Database), "", quiet); err != nil {
		return err
	}
	secrets, err := c.dir.Sub("secrets")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(secrets, "mailbox"), []byte(password), 0o600); err != nil {
		return err
	}
	blobs, err := c.dir.Sub("blobs")
	if err != nil {
		return err
	}
	keys, err := keyring.Init(secrets, time.Now())
	if err != nil {
		return err
	}
	if c.secrets, err = keyring.OpenSecrets(secrets); err != nil {
		return err
	}
	if c.blobs, err = blob.Open("file://" + blobs); err != nil {
		return err
	}
	if c.store, err = store.Open(ctx, c.postgres.URL(stack.RoleApp, stack.Database), store.Options{}, quiet); err != nil {
		return err
	}
	document := config.Sample(config.SampleServers{Host: stack.Loopback, IMAPPort: port(c.mail.IMAPAddr()), SMTPPort: port(c.mail.SMTPAddr()), Secret: "mailbox"})
	document = strings.ReplaceAll(document, "    wrap_up_codes:", "    undo: 0s\n    wrap_up_codes:")
	if _, err := api.Apply(ctx, c.store, c.scanner, api.Application{Actor: postroom.System("bench"), File: "bench.yaml", Document: document}); err != nil {
		return err
	}
	if c.client, err = client.Dial(client.Options{HostPort: c.temporal.Address(), Namespace: stack.Namespace, Logger: quiet}); err != nil {
		return err
	}
	c.gateway = gateway.New(c.client, workflows.TaskQueue)
	working, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end, c.worker = end, make(chan error, 1)
	w := worker.New(worker.Options{Client: c.client, TaskQueue: workflows.TaskQueue, Store: c.store, Gateway: c.gateway, Log: quiet,
		Activities: &activities.Activities{Store: c.store, Blobs: c.blobs, Gateway: c.gateway, Matcher: activities.NewMatcher(c.store, c.gateway, quiet),
			Scanner: c.scanner, Keys: keys, Secrets: c.secrets, Log: quiet, Mail: &activities.MailHealth{}}})
	go func() { c.worker <- w.Run(working) }()
	return nil
}

// work makes the agent Available.
func (c *centre) work(ctx context.Context) error {
	if err := c.store.OpenSession(ctx, []byte("a token of thirty-two characters"), agent); err != nil {
		return err
	}
	now, err := c.store.AgentStatus(ctx, agent)
	if err != nil {
		return err
	}
	_, _, err = c.store.SetAgentState(ctx, command(), store.AgentChange{Agent: agent, To: postroom.AgentAvailable, Seen: now.Version})
	return err
}

func (c *centre) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed error
	c.end()
	if c.worker != nil {
		failed = errors.Join(failed, <-c.worker)
	}
	if c.client != nil {
		c.client.Close()
	}
	if c.store != nil {
		c.store.Close()
	}
	if c.mail != nil {
		failed = errors.Join(failed, c.mail.Close())
	}
	if c.temporal != nil {
		failed = errors.Join(failed, c.temporal.Stop(ctx))
	}
	if c.postgres != nil {
		failed = errors.Join(failed, c.postgres.Stop(ctx))
	}
	if c.dir != nil {
		failed = errors.Join(failed, c.dir.Remove())
	}
	if failed != nil {
		fmt.Fprintln(os.Stderr, "stop:", failed)
	}
}

// replies answers n contacts, one after the other, and says how long each took, sorted.
func (c *centre) replies(ctx context.Context, n int, label string) (answered, accepted []time.Duration, err error) {
	for i := range n {
		a, b, err := c.reply(ctx, fmt.Sprintf("%s-%d@customer.example", label, i))
		if err != nil {
			return nil, nil, fmt.Errorf("reply %d: %w", i, err)
		}
		answered, accepted = append(answered, a), append(accepted, b)
	}
	slices.Sort(answered)
	slices.Sort(accepted)
	return answered, accepted, nil
}

func (c *centre) reply(ctx context.Context, from string) (answered, accepted time.Duration, err error) {
	if _, err := c.store.Heartbeat(ctx, agent); err != nil {
		return 0, 0, err
	}
	contact, offer, err := c.own(ctx, from)
	if err != nil {
		return 0, 0, err
	}
	body, _ := c.scanner.Draft(pci.PlaceDraft, strings.Repeat("It is on its way, and arrives on Friday. ", 20))
	draft, err := c.store.SaveDraft(ctx, command(), store.DraftSave{Offer: offer, Body: body})
	if err != nil {
		return 0, 0, err
	}
	on := func() workflows.OfferCommand {
		return workflows.OfferCommand{Command: command(), OfferRef: workflows.OfferRef{Contact: contact, Offer: offer}}
	}
	arrived := make(chan time.Time, 1)
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	go func() {
		_, _ = c.mail.Await(waiting, from, 1)
		arrived <- time.Now()
	}()
	began := time.Now()
	if _, err := c.gateway.Reply(ctx, workflows.ReplyCommand{OfferCommand: on(), DraftVersion: draft.Version}); err != nil {
		return 0, 0, err
	}
	answered = time.Since(began)
	accepted = (<-arrived).Sub(began)
	if len(c.mail.Messages(from, 1)) != 1 {
		return 0, 0, errors.New("the reply did not arrive")
	}
	_, err = c.gateway.CompleteWrapUp(ctx, workflows.WrapUpCommand{OfferCommand: on(), Code: "information"})
	return answered, accepted, err
}

// own has a mail arrive, and the agent accept it.
func (c *centre) own(ctx context.Context, from string) (postroom.ContactID, postroom.OfferID, error) {
	text := func(s string) postroom.Text { t, _ := c.scanner.Text(pci.PlaceText, s); return t }
	arrival := uuid.Must(uuid.NewV7())
	got, err := c.store.Ingest(ctx, store.Arrived{
		Source: store.Source{Mailbox: "support", Folder: "INBOX", UIDValidity: 1, UID: uint32(time.Now().UnixMicro()), Size: 100, Digest: arrival[:]},
		ID:     postroom.MessageID(arrival.String()), From: postroom.Address{Address: text(from)}, Subject: text("Where is my parcel?"),
		Recipients: []store.Recipient{{Field: "to", Address: postroom.Address{Address: text(config.SampleAddress)}}},
		Body:       text(strings.Repeat("I ordered it two weeks ago and have not heard from you since.\n", 10)),
		MessageID:  text(arrival.String() + "@customer.example")})
	if err != nil {
		return "", "", err
	}
	if err := c.gateway.StartContact(ctx, got.Contact); err != nil {
		return "", "", err
	}
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		card, found, err := c.store.ActiveContact(ctx, agent, got.Contact)
		if err != nil {
			return "", "", err
		}
		if found && card.State == postroom.OfferLive {
			if err := c.store.OfferShown(ctx, agent, card.Offer); err != nil {
				return "", "", err
			}
			_, err := c.gateway.Accept(ctx, workflows.OfferCommand{Command: command(), OfferRef: workflows.OfferRef{Contact: got.Contact, Offer: card.Offer}})
			return got.Contact, card.Offer, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return "", "", errors.New("the contact was not offered")
}

func command() postroom.Command {
	return postroom.Command{Actor: agent, RequestID: uuid.NewString(), RPC: "bench", BodyHash: []byte("bench")}
}

func port(address string) int {
	n, err := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	if err != nil {
		panic(err)
	}
	return n
}
