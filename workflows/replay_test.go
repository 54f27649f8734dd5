package workflows_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/worker"
	"github.com/postroom/postroom/workflows"
)

// canary is a word that every mail of the recorded stories held (worker/stories_test.go).
const canary = "Zwergspitz"

func recorded(t *testing.T) map[string]*historypb.History {
	t.Helper()
	files, err := filepath.Glob("testdata/histories/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	histories := map[string]*historypb.History{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		h, err := client.HistoryFromJSON(z, client.HistoryJSONOptions{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		histories[strings.TrimSuffix(filepath.Base(file), ".json.gz")] = h
	}
	return histories
}

func replayer(contact any) sdkworker.WorkflowReplayer {
	r := sdkworker.NewWorkflowReplayer()
	for name, w := range worker.Workflows {
		if name == "Contact" && contact != nil {
			w = contact
		}
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	return r
}

var quiet = sdklog.NewStructuredLogger(testkit.Silent())

func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	for name, h := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := replayer(nil).ReplayWorkflowHistory(quiet, h); err != nil {
				t.Error(err)
			}
		})
	}
}

// The control: a workflow that gives other commands does not replay any of the contacts' histories.
func TestAChangedWorkflowDoesNotReplay(t *testing.T) {
	t.Parallel()
	changed := func(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
		if err := workflow.Sleep(ctx, 1); err != nil {
			return workflows.ContactResult{}, err
		}
		return workflows.Contact(ctx, state)
	}
	for name, h := range recorded(t) {
		if h.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name != "Contact" {
			continue
		}
		if err := replayer(changed).ReplayWorkflowHistory(quiet, h); err == nil {
			t.Errorf("%s: a changed workflow replayed alike", name)
		}
	}
}

func TestEveryRegisteredWorkflowHasAHistory(t *testing.T) {
	t.Parallel()
	var kinds []string
	for _, h := range recorded(t) {
		kinds = append(kinds, h.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name)
	}
	for name := range worker.Workflows {
		if !slices.Contains(kinds, name) {
			t.Errorf("workflow %s has no recorded history: add a story and run make histories", name)
		}
	}
	for _, path := range []string{"replied", "closed", "declined", "rona-twice", "withdrawn", "unreachable", "continued", "mailbox", "wrapped-up-by-itself", "reminder",
		"transferred-to-queue", "transferred-to-agent", "parked-until-time", "parked-and-customer-writes", "returned", "reopened"} {
		if _, ok := recorded(t)[path+"-1"]; !ok {
			t.Errorf("path %s has no recorded history", path)
		}
	}
}

// Payloads carry references, not mail: no payload, failure, summary or attribute of any history holds a word of its mails, and the search
// finds one that is planted (NoWordIn).
func TestNoHistoryHoldsAWordOfItsMails(t *testing.T) {
	t.Parallel()
	for name, h := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			testkit.NoWordIn(t, []*historypb.History{h}, canary)
			testkit.NoWordIn(t, []*historypb.History{h}, "customer.example")
		})
	}
}

// The second run of a chain begins from the state that the first carried, loads the row, and ends the contact.
func TestTheSecondRunGoesOnWhereTheFirstEnded(t *testing.T) {
	t.Parallel()
	all := recorded(t)
	first, second := all["continued-1"], all["continued-2"]
	if first == nil || second == nil {
		t.Fatal("the chain is not recorded")
	}
	last := first.Events[len(first.Events)-1]
	if last.EventType != enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW {
		t.Fatalf("the first run ends with %s", last.EventType)
	}
	carried := last.GetWorkflowExecutionContinuedAsNewEventAttributes().Input.Payloads[0].Data
	started := second.Events[0].GetWorkflowExecutionStartedEventAttributes().Input.Payloads[0].Data
	if string(carried) != string(started) || !strings.Contains(string(started), `"run":1`) {
		t.Fatalf("carried %s, started with %s", carried, started)
	}
	for _, e := range second.Events {
		if marker := e.GetMarkerRecordedEventAttributes(); marker != nil {
			if b := string(marker.Details["data"].Payloads[0].Data); !strings.Contains(b, "LoadContact") {
				t.Fatalf("the second run begins with %s", b)
			}
			return
		}
	}
	t.Fatal("the second run made no step")
}
