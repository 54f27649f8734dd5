package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

// parts are the collaborators that worker and API share.
type parts struct {
	store   *store.Store
	blobs   *blob.Store
	keys    *keyring.Ring
	secrets *keyring.Secrets
	client  client.Client
	clamd   *clamd.Client // nil: there is none
	close   func()
}

// openParts opens them. What is on this machine must be there; database and Temporal are waited for later.
func openParts(ctx context.Context, set settings.Settings, log *slog.Logger) (*parts, error) {
	p := &parts{close: func() {}}
	var err error
	if p.store, err = store.Open(ctx, set.Database.URL.Reveal(), store.Options{}, log); err != nil {
		return nil, err
	}
	p.closing(p.store.Close)
	if p.keys, err = keyring.Open(set.Files.Secrets); err != nil {
		return nil, errors.Join(err, p.closed())
	}
	if p.secrets, err = keyring.OpenSecrets(set.Files.Secrets); err != nil {
		return nil, errors.Join(err, p.closed())
	}
	p.closing(func() { _ = p.secrets.Close() })
	if p.blobs, err = blob.Open(set.Files.Blobs); err != nil {
		return nil, errors.Join(err, p.closed())
	}
	p.closing(func() { _ = p.blobs.Close() })
	if set.Clamd.Address != "" {
		if p.clamd, err = clamd.New(clamd.Config{Address: set.Clamd.Address, MaxSize: int64(set.Clamd.MaxMB) << 20}); err != nil {
			return nil, errors.Join(err, p.closed())
		}
	}
	if p.client, err = client.NewLazyClient(temporalOptions(set)); err != nil {
		return nil, errors.Join(postroom.Unavailable(postroom.ReasonTemporalDown, "the Temporal client cannot be made", err), p.closed())
	}
	p.closing(p.client.Close)
	return p, nil
}

func (p *parts) closing(f func()) {
	before := p.close
	p.close = func() { f(); before() }
}

func (p *parts) closed() error {
	p.close()
	return nil
}

// temporalOptions says how to reach Temporal. The SDK's own log is left to errors: what it says of payloads and failures is in the
// histories, and ours says the rest.
func temporalOptions(set settings.Settings) client.Options {
	return client.Options{HostPort: set.Temporal.Address, Namespace: set.Temporal.Namespace, Logger: quietTemporal()}
}

func quietTemporal() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// serve serves until ctx ends, then lets requests finish for a moment; streams are cut, and resume elsewhere.
func serve(ctx context.Context, server *http.Server, listen string, log *slog.Logger, tls settings.APISettings) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return postroom.Unavailable("port_taken", "cannot listen on "+listen, err)
	}
	server.ReadHeaderTimeout = 10 * time.Second
	server.IdleTimeout = 2 * time.Minute
	server.MaxHeaderBytes = 64 << 10
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	ended := make(chan error, 1)
	go func() {
		if tls.Certificate != "" {
			ended <- server.ServeTLS(listener, tls.Certificate, tls.Key)
			return
		}
		ended <- server.Serve(listener)
	}()
	log.InfoContext(ctx, "listening", "address", listener.Addr().String())
	select {
	case err := <-ended:
		return postroom.Unavailable("server_ended", "the HTTP server ended", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return server.Close()
	}
	return nil
}

// healthHandler serves the health of a process that serves nothing else.
func healthHandler(checks func() map[string]error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { api.WriteHealth(w, checks()) })
	return mux
}
