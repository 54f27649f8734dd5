package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	namespace = "default"
	retention = 30 * 24 * time.Hour
)

// searchAttributes are what people filter Postroom's workflows by in the UI. They carry keys of the configuration and names
// of states, never customer data: search attributes are stored in the clear.
var searchAttributes = map[string]enums.IndexedValueType{
	"ContactState": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"Queue":        enums.INDEXED_VALUE_TYPE_KEYWORD,
	"Agent":        enums.INDEXED_VALUE_TYPE_KEYWORD,
}

// createNamespace writes the namespace into the store before the first start, so that the server finds it there when it
// comes up; registering it through the API would need several seconds until all services know it. It does nothing when the
// namespace exists. The function that it uses lives in a package named after SQLite and works on any SQL store.
func createNamespace(store *config.SQL) error {
	detail, err := sqlite.NewNamespaceConfig(clusterName, namespace, false, searchAttributes)
	if err != nil {
		return fmt.Errorf("describing namespace %q: %w", namespace, err)
	}
	detail.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(store, detail); err != nil {
		return fmt.Errorf("creating namespace %q: %w", namespace, err)
	}
	return nil
}

// ensureSearchAttributes waits until the frontend serves the namespace and adds the search attributes that an older
// namespace lacks. It returns when the server lists all of them.
func ensureSearchAttributes(ctx context.Context, frontend string) error {
	sdk, err := client.NewLazyClient(client.Options{HostPort: frontend, Namespace: namespace, Logger: quiet{}})
	if err != nil {
		return fmt.Errorf("preparing a client: %w", err)
	}
	defer sdk.Close()
	for {
		err := addMissing(ctx, sdk.OperatorService())
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the frontend: %w (%w)", err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// addMissing reports an error as long as one of the search attributes is not listed with its type.
func addMissing(ctx context.Context, operator operatorservice.OperatorServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list := &operatorservice.ListSearchAttributesRequest{Namespace: namespace}
	have, err := operator.ListSearchAttributes(ctx, list)
	if err != nil {
		return err
	}
	missing := maps.Clone(searchAttributes)
	for name, kind := range have.GetCustomAttributes() {
		want, ours := missing[name]
		if ours && want != kind {
			return fmt.Errorf("search attribute %s of namespace %q has type %v and must have %v", name, namespace, kind, want)
		}
		delete(missing, name)
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return err
	}
	return fmt.Errorf("%d search attributes were just added", len(missing))
}

// quiet drops the SDK's log: what it would say while the frontend comes up is not worth reading.
type quiet struct{}

var _ sdklog.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
