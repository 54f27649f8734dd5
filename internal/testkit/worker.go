package testkit

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/worker"
	"github.com/postroom/postroom/workflows"
)

// Working is the sample contact centre with a worker of its own on a real Temporal server.
type Working struct {
	*Centre
	Client  client.Client
	Gateway *gateway.Gateway
	Keys    *keyring.Ring
	Blobs   *blob.Store
	Secrets string // the secrets directory

	queue   string
	options worker.Options
	stop    func()
}

// NewWorking makes a contact centre and starts its worker.
func NewWorking(t testing.TB, centre *Centre, c client.Client) *Working {
	t.Helper()
	w := &Working{Centre: centre, Client: c, queue: "test-" + uuid.NewString(), Secrets: t.TempDir()}
	w.Gateway = gateway.New(c, w.queue)
	var err error
	if w.Blobs, err = blob.Open("mem://"); err != nil {
		t.Fatal(err)
	}
	if w.Keys, err = keyring.Init(w.Secrets, time.Now()); err != nil {
		t.Fatal(err)
	}
	secrets, err := keyring.OpenSecrets(w.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = secrets.Close() })
	w.options = worker.Options{Client: c, TaskQueue: w.queue, Store: centre.Store, Gateway: w.Gateway, Log: Silent(),
		Activities: &activities.Activities{Store: centre.Store, Blobs: w.Blobs, Gateway: w.Gateway, Matcher: activities.NewMatcher(centre.Store, w.Gateway, Silent()),
			Scanner: pci.New(), Keys: w.Keys, Secrets: secrets, Log: Silent(), Mail: &activities.MailHealth{}}}
	centre.Exec(t, "UPDATE mailbox SET told = version") // nobody watches it
	w.StartWorker(t)
	t.Cleanup(w.StopWorker)
	return w
}

// StartWorker starts a worker; after StopWorker it is a new one.
func (w *Working) StartWorker(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.New(w.options).Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the worker: %v", err)
		}
		w.stop = func() {}
	}
}

// StopWorker stops the worker in order.
func (w *Working) StopWorker() { w.stop() }

// SetZones has the next worker read the rules of time zones from zones.
func (w *Working) SetZones(zones func(postroom.WallTime) (*time.Location, error)) {
	w.options.Activities.Zones = zones
}

// SetRetry says when replies that were put off are tried again.
func (w *Working) SetRetry(t testing.TB, after func(n int) time.Duration) {
	t.Helper()
	w.StopWorker()
	w.options.Activities.RetryAfter = after
	w.StartWorker(t)
}

// Begin ingests a mail and starts its contact's workflow, as the watch over a mailbox does.
func (w *Working) Begin(t testing.TB, from, subject string) postroom.ContactID {
	t.Helper()
	got, err := w.Ingest(t.Context(), w.Mail(from, subject))
	if err != nil || got.Arrival != postroom.ArrivalOpened {
		t.Fatalf("ingest: %+v, %v", got, err)
	}
	if err := w.Gateway.StartContact(t.Context(), got.Contact); err != nil {
		t.Fatalf("start: %v", err)
	}
	return got.Contact
}

// Ready signs an agent in, Available, and waits until nobody looks for work for him any more: what comes next is offered by its own
// workflow.
func (w *Working) Ready(t testing.TB, agent postroom.AgentID) {
	t.Helper()
	w.SignIn(t, agent)
	Eventually(t, "the look for "+string(agent)+" to end", func() bool {
		return w.Count(t, "SELECT count(*) FROM agent_state WHERE agent_id = $1 AND wants_work", agent) == 0
	})
}

// AwaitOffer waits until an agent has a live offer of a contact, and says that its card is shown.
func (w *Working) AwaitOffer(t testing.TB, agent postroom.AgentID, contact postroom.ContactID) postroom.OfferID {
	t.Helper()
	var offer postroom.OfferID
	Eventually(t, "an offer for "+string(agent), func() bool {
		card, found, err := w.ActiveContact(t.Context(), agent, contact)
		offer = card.Offer
		return err == nil && found && card.State == postroom.OfferLive
	})
	if err := w.OfferShown(t.Context(), agent, offer); err != nil {
		t.Fatal(err)
	}
	return offer
}

// AwaitPhase waits until a contact is in a phase.
func (w *Working) AwaitPhase(t testing.TB, contact postroom.ContactID, phase postroom.ContactPhase) postroom.ContactSnapshot {
	t.Helper()
	var now postroom.ContactSnapshot
	Eventually(t, "phase "+string(phase), func() bool {
		var err error
		now, err = w.LoadContact(t.Context(), contact)
		return err == nil && now.Phase == phase
	})
	return now
}

// AwaitEnd waits until a contact's workflow has ended, and returns its result.
func (w *Working) AwaitEnd(t testing.TB, contact postroom.ContactID) workflows.ContactResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var result workflows.ContactResult
	if err := w.Client.GetWorkflow(ctx, workflows.ContactWorkflowID(contact), "").Get(ctx, &result); err != nil {
		t.Fatalf("the workflow of %s: %v", contact, err)
	}
	return result
}

// On is a command of an agent on an offer.
func On(agent postroom.AgentID, contact postroom.ContactID, offer postroom.OfferID) workflows.OfferCommand {
	return workflows.OfferCommand{Command: Command(agent), OfferRef: workflows.OfferRef{Contact: contact, Offer: offer}}
}

// Done is for a step that must not be refused: Done(step())(t).
func Done(now postroom.ContactSnapshot, err error) func(testing.TB) postroom.ContactSnapshot {
	return func(t testing.TB) postroom.ContactSnapshot {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
}

// AwaitState waits until an agent is in a state.
func (w *Working) AwaitState(t testing.TB, agent postroom.AgentID, state postroom.AgentState) {
	t.Helper()
	Eventually(t, string(agent)+" to be "+string(state), func() bool {
		now, err := w.AgentStatus(t.Context(), agent)
		return err == nil && now.State == state
	})
}

// AwaitTold waits until a contact's workflow is known to know its row as it is now.
func (w *Working) AwaitTold(t testing.TB, contact postroom.ContactID) {
	t.Helper()
	Eventually(t, "the workflow to be told", func() bool {
		return w.Count(t, "SELECT count(*) FROM contact WHERE id = $1 AND told = version", contact) == 1
	})
}

// SetLog has the next worker, and the activities, log to log.
func (w *Working) SetLog(t testing.TB, log *slog.Logger) {
	t.Helper()
	w.StopWorker()
	w.options.Log, w.options.Activities.Log = log, log
	w.StartWorker(t)
}

// MailHealth is what the worker knows of the mailboxes' servers.
func (w *Working) MailHealth() map[string]error { return w.options.Activities.Mail.States() }

// ConnectMail gives the centre's mailbox real servers: IMAP and SMTP of a mail server for trying out.
func (w *Working) ConnectMail(t testing.TB) *devmail.Server {
	t.Helper()
	return w.ConnectMailWith(t, devmail.Options{})
}

// ConnectMailWith does so with a server that is not as usual.
func (w *Working) ConnectMailWith(t testing.TB, options devmail.Options) *devmail.Server {
	t.Helper()
	const password = "a password of the mailbox"
	options.Dir, options.Accounts = t.TempDir(), map[string]string{"support@shop.example": password}
	server, err := devmail.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := os.WriteFile(filepath.Join(w.Secrets, "mailbox-support"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, "UPDATE mailbox SET imap = jsonb_set(imap, '{port}', to_jsonb($1::int)), smtp = jsonb_set(smtp, '{port}', to_jsonb($2::int))",
		portOf(t, server.IMAPAddr()), portOf(t, server.SMTPAddr()))
	return server
}

func portOf(t testing.TB, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
