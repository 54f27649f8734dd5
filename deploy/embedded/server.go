package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	clusterName = "active"
	// serveTime bounds the time from starting the services to their first answer.
	serveTime = 60 * time.Second
)

// embedded is the server and its UI.
type embedded struct {
	options  options
	temporal temporal.Server
	ui       *server.Server
}

func newServer(opts options) (*embedded, error) {
	cfg, hosts, err := opts.configuration()
	if err != nil {
		return nil, err
	}
	dynamic, err := opts.Dynamic.client()
	if err != nil {
		return nil, err
	}
	if err := createNamespace(cfg.Persistence.DataStores[mainStore].SQL); err != nil {
		return nil, err
	}
	srv, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		// With static hosts the services find each other without a gossip ring and its ports.
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Level: opts.LogLevel}))),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(dynamic),
	)
	if err != nil {
		return nil, fmt.Errorf("preparing the server: %w", err)
	}
	ui := server.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		Host:                opts.Address,
		Port:                opts.UIPort,
		TemporalGRPCAddress: opts.frontend(),
		DefaultNamespace:    namespace,
		EnableUI:            true,
		HideLogs:            true,
		DisableNewsFetch:    true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on loopback
	}))
	return &embedded{options: opts, temporal: srv, ui: ui}, nil
}

// start returns when the frontend serves the namespace with all search attributes, and the UI answers.
func (e *embedded) start(ctx context.Context) error {
	if err := e.temporal.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	go e.ui.Start()

	ctx, cancel := context.WithTimeout(ctx, serveTime)
	defer cancel()
	err := ensureSearchAttributes(ctx, e.options.frontend())
	if err == nil {
		err = answers(ctx, "http://"+e.options.ui()+"/healthz")
	}
	if err != nil {
		return errors.Join(err, e.stop(stopTime))
	}
	return nil
}

// stop ends the UI and then the server. A server whose database has gone first may hang; then it gives up after limit.
func (e *embedded) stop(limit time.Duration) error {
	e.ui.Stop()
	stopped := make(chan error, 1)
	go func() { stopped <- e.temporal.Stop() }()
	select {
	case err := <-stopped:
		return err
	case <-time.After(limit):
		return fmt.Errorf("the server did not stop within %v", limit)
	}
}

const (
	mainStore       = "default"
	visibilityStore = "visibility"
)

// configuration describes one cluster of one host, all four services in this process, archival and metrics off.
func (o options) configuration() (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for _, name := range []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		port := o.Port
		if name != primitives.FrontendService {
			free, err := freePort(o.Address)
			if err != nil {
				return nil, nil, err
			}
			port = free
		}
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: o.Address}}
		hosts[name] = static.SingleLocalHost(address(o.Address, port))
	}
	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: o.Address}},
		Persistence: config.Persistence{
			DefaultStore:     mainStore,
			VisibilityStore:  visibilityStore,
			NumHistoryShards: int32(o.Shards),
			DataStores: map[string]config.DataStore{
				mainStore:       {SQL: o.Database.store(o.Database.Name, mainConnections)},
				visibilityStore: {SQL: o.Database.store(o.Database.visibilityName(), visibilityConnections)},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: o.frontend()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: o.frontend()},
	}, hosts, nil
}

// freePort finds a port for a service that only this process calls. It looks below the range from which the system takes
// the ports of outgoing connections, so that none of the many that the services open now gets the port first. Should
// another program take it all the same, the process ends, and succeeds when it is started again.
func freePort(host string) (int, error) {
	var err error
	for range 50 {
		port := 20000 + rand.IntN(12000)
		listener, failure := net.Listen("tcp", address(host, port))
		if failure == nil {
			return port, listener.Close()
		}
		err = failure
	}
	return 0, fmt.Errorf("finding a free port on %s: %w", host, err)
}

// answers waits until a GET of url is answered with 200.
func answers(ctx context.Context, url string) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the UI does not answer: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
