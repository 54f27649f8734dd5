package worker_test

import (
	"compress/gzip"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// record writes the histories of stories that have none yet (make histories). Committed ones are never touched.
var record = flag.Bool("record", false, "record the histories that are missing in workflows/testdata/histories")

const historiesDir = "../workflows/testdata/histories"

// story is a path that a contact can take, told on a real database and a real Temporal server. Its history is committed, and replayed by
// every build.
type story struct {
	name string
	rona time.Duration
	tell func(t *testing.T, w *testkit.Working) postroom.ContactID
	// events are what the histories of all its runs must hold, so that an extra step is noticed.
	markers int
}

// canary is a word that every mail of the stories holds, and no history may.
const canary = "Zwergspitz"

func TestStories(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			centre := testkit.NewCentre(t, s.rona, store.Options{})
			w := testkit.NewWorking(t, centre, testkit.NewTemporal(t))
			contact := s.tell(t, w)
			if result := w.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
				t.Fatalf("ended in phase %q", result.Phase)
			}
			runs := historyOf(t, w.Client, workflows.ContactWorkflowID(contact))
			if got := count(runs, enums.EVENT_TYPE_MARKER_RECORDED); got != s.markers {
				t.Errorf("%d steps, want %d", got, s.markers)
			}
			save(t, s.name, runs)
		})
	}
}

var stories = []story{
	{name: "closed", rona: time.Minute, markers: 6, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "declined", rona: time.Minute, markers: 8, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		w.SignIn(t, "tom")
		testkit.Done(w.Gateway.Decline(t.Context(), testkit.On("mina", contact, offer)))(t)
		handleAndClose(t, w, "tom", contact)
		return contact
	}},
	{name: "rona-twice", rona: time.Second, markers: 11, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		w.AwaitOffer(t, "mina", contact)
		w.SignIn(t, "tom")
		w.AwaitOffer(t, "tom", contact)
		w.AwaitState(t, "mina", postroom.AgentRONA)
		w.AwaitState(t, "tom", postroom.AgentRONA)
		w.AwaitPhase(t, contact, postroom.ContactWaiting)
		w.Exec(t, "UPDATE queue SET rona_seconds = 60")
		w.Choose(t, "tom", postroom.AgentAvailable, "")
		handleAndClose(t, w, "tom", contact)
		return contact
	}},
	{name: "withdrawn", rona: time.Minute, markers: 9, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		w.AwaitOffer(t, "mina", contact)
		w.Choose(t, "mina", postroom.AgentIdle, "lunch") // nobody is told: the reconciler has to
		w.AwaitPhase(t, contact, postroom.ContactWaiting)
		w.AwaitTold(t, contact)
		w.Choose(t, "mina", postroom.AgentAvailable, "")
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
	{name: "unreachable", rona: time.Second, markers: 9, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary) // never shown
		w.AwaitState(t, "mina", postroom.AgentIdle)
		w.Exec(t, "UPDATE queue SET rona_seconds = 60")
		if status, err := w.Heartbeat(t.Context(), "mina"); err != nil || status.State != postroom.AgentAvailable {
			t.Fatalf("back within five minutes: %+v, %v", status, err)
		}
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
}

func handleAndClose(t *testing.T, w *testkit.Working, agent postroom.AgentID, contact postroom.ContactID) {
	t.Helper()
	offer := w.AwaitOffer(t, agent, contact)
	testkit.Done(w.Gateway.Accept(t.Context(), testkit.On(agent, contact, offer)))(t)
	testkit.Done(w.Gateway.Close(t.Context(), testkit.On(agent, contact, offer)))(t)
	complete(t, w, agent, contact, offer)
}

func complete(t *testing.T, w *testkit.Working, agent postroom.AgentID, contact postroom.ContactID, offer postroom.OfferID) {
	t.Helper()
	testkit.Done(w.Gateway.CompleteWrapUp(t.Context(), workflows.WrapUpCommand{OfferCommand: testkit.On(agent, contact, offer), Code: "solved"}))(t)
}

// historyOf reads the histories of all runs of a workflow, the first run first.
func historyOf(t *testing.T, c client.Client, id string) []*historypb.History {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var runs []*historypb.History
	for run := ""; ; {
		h := &historypb.History{}
		events := c.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			h.Events = append(h.Events, e)
		}
		runs = append([]*historypb.History{h}, runs...)
		if run = h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); run == "" {
			return runs
		}
	}
}

func count(runs []*historypb.History, kind enums.EventType) (n int) {
	for _, h := range runs {
		for _, e := range h.Events {
			if e.EventType == kind {
				n++
			}
		}
	}
	return n
}

// save writes the histories of a story, if it was asked for and they are not there yet.
func save(t *testing.T, name string, runs []*historypb.History) {
	t.Helper()
	if !*record {
		return
	}
	for i, h := range runs {
		file := filepath.Join(historiesDir, name+"-"+strconv.Itoa(i+1)+".json.gz")
		if _, err := os.Stat(file); err == nil {
			t.Logf("%s is there already and stays", file)
			continue
		}
		b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("recorded %s", file)
	}
}
