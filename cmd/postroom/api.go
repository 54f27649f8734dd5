package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/web"
)

func (p program) apiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "Serve the API and the Agent Desktop",
		Long: "Api serves Connect, gRPC and gRPC-Web, and the Agent Desktop. Any number may run. Off loopback it needs TLS and no sample account.\n" +
			"It is told by environment variables (docs/settings.md).",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.API, p.getenv)
			if err != nil {
				return err
			}
			log := set.Log.Logger(p.stderr)
			parts, err := openParts(c.Context(), set, log)
			if err != nil {
				return err
			}
			defer parts.close()
			if err := awaitReady(c.Context(), parts.store, log); err != nil {
				return nil // only a signal ends the wait
			}
			if err := mayBeReached(c.Context(), set, parts.store); err != nil {
				return err
			}
			return p.serveAPI(c.Context(), set, parts, log)
		},
	}
}

func (p program) serveAPI(ctx context.Context, set settings.Settings, parts *parts, log *slog.Logger) error {
	hub := events.New(parts.store.Pool(), log, store.NotifyEvents, store.NotifySession)
	temporal := &temporalHealth{client: parts.client, outage: outage{log: log, what: "temporal"}}
	desktop, err := web.New()
	if err != nil {
		return err
	}
	if !desktop.Built() {
		log.WarnContext(ctx, "the Agent Desktop was not built into this program: run `make build`")
	}
	server := api.New(api.Options{
		Store: parts.store, Gateway: gateway.New(parts.client, set.Temporal.TaskQueue), Hub: hub, Blobs: parts.blobs, Scanner: pci.New(), Antivirus: parts.clamd, Keys: parts.keys,
		Log: log, Hosts: set.API.Hosts, Secure: set.API.Certificate != "", Desktop: desktop,
		Health: map[string]func() error{"temporal": temporal.state},
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // gRPC clients on loopback
	return together(ctx,
		func(ctx context.Context) error { hub.Run(ctx); return nil },
		func(ctx context.Context) error { temporal.watch(ctx); return nil },
		func(ctx context.Context) error { stayAlive(ctx, parts.store, log); return nil },
		func(ctx context.Context) error {
			return serve(ctx, &http.Server{Handler: server.Handler(), Protocols: protocols}, set.API.Listen, log, set.API)
		})
}

// awaitReady waits for a database with a schema that fits.
func awaitReady(ctx context.Context, s *store.Store, log *slog.Logger) error {
	said := false
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.Ready(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if !said {
			log.WarnContext(ctx, "waiting for the database", "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// mayBeReached refuses to serve off loopback without TLS, or with sample accounts (R41), and everywhere if PostgreSQL would log rows (R36).
func mayBeReached(ctx context.Context, set settings.Settings, s *store.Store) error {
	if err := s.LogsNoRow(ctx); err != nil {
		return err
	}
	if isLoopback(set.API.Listen) {
		return nil
	}
	if set.API.Certificate == "" {
		return postroom.Refused("tls_required", "off loopback the API needs TLS: set POSTROOM_API_TLS_CERT and POSTROOM_API_TLS_KEY")
	}
	samples, err := s.SampleAccounts(ctx)
	if err != nil {
		return err
	}
	if samples > 0 {
		return postroom.Refused("sample_accounts", "off loopback the API serves no sample accounts: give them passwords of your own (postroom account password)")
	}
	return nil
}

func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && address.IsLoopback())
}

// stayAlive says every few seconds that desktops can reach this process: only then may anybody be called disconnected (R12).
func stayAlive(ctx context.Context, s *store.Store, log *slog.Logger) {
	id := uuid.NewString()
	database := outage{log: log, what: "database"}
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		database.note(ctx, s.ProcessAlive(attempt, id, store.KindAPI))
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// outage says in the log once that something is gone, and once that it is back.
type outage struct {
	log  *slog.Logger
	what string
	gone bool
}

// note takes the result of the latest attempt.
func (o *outage) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !o.gone:
		o.log.WarnContext(ctx, "waiting", "what", o.what, "error", err)
	case err == nil && o.gone:
		o.log.InfoContext(ctx, "available again", "what", o.what)
	}
	o.gone = err != nil
}

// temporalHealth knows whether Temporal answered lately.
type temporalHealth struct {
	client client.Client
	well   atomic.Bool
	outage outage
}

func (t *temporalHealth) watch(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 3*time.Second)
		_, err := t.client.CheckHealth(attempt, &client.CheckHealthRequest{})
		cancel()
		t.well.Store(err == nil)
		t.outage.note(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (t *temporalHealth) state() error {
	if t.well.Load() {
		return nil
	}
	return errors.New("the Temporal server does not answer")
}
