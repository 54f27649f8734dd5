package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// waitThenCount waits for a signal and then makes history until the server suggests to continue as new.
func waitThenCount(ctx workflow.Context) (int, error) {
	workflow.GetSignalChannel(ctx, "go on").Receive(ctx, nil)
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	return workflow.GetInfo(ctx).GetCurrentHistoryLength(), nil
}

func dialTemporal(t *testing.T, server *Temporal) client.Client {
	t.Helper()
	sdk, err := client.DialContext(t.Context(), client.Options{HostPort: server.Address(), Namespace: Namespace, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sdk.Close)
	return sdk
}

// buildTemporal takes minutes when nobody has built the server on this machine.
func buildTemporal(t *testing.T) {
	t.Helper()
	report := func(p BuildProgress) { t.Logf("building the Temporal server: %v", p) }
	if _, err := TemporalBinary(t.Context(), report); err != nil {
		t.Fatal(err)
	}
}

func TestWorkflowOutlivesTheKillOfItsServer(t *testing.T) {
	t.Parallel()
	buildTemporal(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	pg := startPostgres(t, stateDir(t))
	var out shared
	server := NewTemporal(pg, TemporalOptions{
		Dynamic: map[string]string{"limit.historyCount.suggestContinueAsNew": "20"},
		Output:  &out,
	})
	t.Cleanup(server.Kill)
	began := time.Now()
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("the first start on a new cluster took %v", time.Since(began))
	first := server.Address()

	const id = "outlives"
	run, err := dialTemporal(t, server).ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: "test",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword("ContactState").ValueSet("waiting"),
			temporal.NewSearchAttributeKeyKeyword("Queue").ValueSet("billing"),
			temporal.NewSearchAttributeKeyKeyword("Agent").ValueSet("nobody")),
	}, waitThenCount)
	if err != nil {
		t.Fatal(err)
	}

	server.Kill()
	began = time.Now()
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("the start after SIGKILL took %v", time.Since(began))
	if server.Address() != first {
		t.Errorf("it serves on %s, want %s as before", server.Address(), first)
	}
	sdk := dialTemporal(t, server)
	found, err := sdk.DescribeWorkflowExecution(ctx, id, run.GetRunID())
	if err != nil || found.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Fatalf("the workflow from before the kill is %v (%v), want it running", found.GetWorkflowExecutionInfo(), err)
	}

	w := worker.New(sdk, "test", worker.Options{})
	w.RegisterWorkflow(waitThenCount)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if err := sdk.SignalWorkflow(ctx, id, run.GetRunID(), "go on", nil); err != nil {
		t.Fatal(err)
	}
	var events int
	if err := sdk.GetWorkflow(ctx, id, run.GetRunID()).Get(ctx, &events); err != nil {
		t.Fatal(err)
	}
	if events < 20 || events > 40 {
		t.Errorf("continue-as-new was suggested at %d events, want it soon after 20, as configured", events)
	}
	wantListed(t, sdk, `Queue = "billing" and ContactState = "waiting" and Agent = "nobody"`, id)
	wantUI(t, server)

	w.Stop()
	began = time.Now()
	if err := server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("the stop took %v", time.Since(began))
	if strings.Count(out.String(), "temporal | temporal: serving on "+first) != 2 {
		t.Errorf("it did not say twice that it serves:\n%s", out.String())
	}
	if log := readAll(t, pg.LogDir()); strings.Contains(log, "billing") {
		t.Errorf("PostgreSQL's log quotes a row:\n%s", log)
	}

	unknown := NewTemporal(pg, TemporalOptions{Dynamic: map[string]string{"no.such.key": "1"}})
	wantReason(t, unknown.Start(ctx), ReasonProcessEnded, "no.such.key")
	taken := NewTemporal(pg, TemporalOptions{Port: pg.Port()})
	wantReason(t, taken.Start(ctx), ReasonPortTaken, fmt.Sprint(pg.Port()), "Temporal")
}

func wantListed(t *testing.T, sdk client.Client, query, id string) {
	t.Helper()
	eventually(t, "the workflow is listed by its search attributes", func() bool {
		page, err := sdk.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		return err == nil && len(page.GetExecutions()) == 1 && page.GetExecutions()[0].GetExecution().GetWorkflowId() == id
	})
}

func wantUI(t *testing.T, server *Temporal) {
	t.Helper()
	response, err := http.Get(server.UIURL())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the UI answers %s", response.Status)
	}
}

func TestTemporalKilledWhileItMakesItsDatabasesStartsAfterwards(t *testing.T) {
	t.Parallel()
	buildTemporal(t)
	pg := startPostgres(t, stateDir(t))
	for i := range 4 {
		server := NewTemporal(pg, TemporalOptions{Database: fmt.Sprintf("killed_%d", i)})
		t.Cleanup(server.Kill)
		short, cancel := context.WithTimeout(t.Context(), time.Duration(100+150*i)*time.Millisecond)
		err := server.Start(short) // kills the server when the time is up
		cancel()
		if err == nil {
			t.Logf("the server was quicker than %d ms", 100+150*i)
			server.Kill()
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.Kill()
	}
}

func TestTemporalWithoutPostgresSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	buildTemporal(t)
	pg := startPostgres(t, stateDir(t))
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out shared
	server := NewTemporal(pg, TemporalOptions{Output: &out})
	t.Cleanup(server.Kill)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- server.Start(ctx) }()
	eventually(t, "it says what it waits for", func() bool {
		return strings.Contains(out.String(), "temporal: waiting for PostgreSQL at "+address(pg.Port()))
	})
	cancel()
	if err := <-result; !errors.Is(err, &postroom.Error{Kind: postroom.KindUnavailable}) {
		t.Errorf("got %v, want that Temporal is not available", err)
	}
}
