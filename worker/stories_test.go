package worker_test

import (
	"compress/gzip"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
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
	// steps is how many local activities the histories of all its runs may hold, so that an extra step is noticed: more than one number
	// where the agent may become able before or after the contact looked for one. runs is how many runs.
	steps     []int
	runs      int
	impatient bool // on a server that suggests continue-as-new early
	options   store.Options
}

// canary is a word that every mail of the stories holds, and no history may.
const canary = "Zwergspitz"

func TestStories(t *testing.T) {
	for _, s := range slices.Concat(stories, lifeStories, supervisedStories, sendingStories, composeStories) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			centre := testkit.NewCentre(t, s.rona, s.options)
			server := testkit.NewTemporal
			if s.impatient {
				server = testkit.NewImpatientTemporal
			}
			w := testkit.NewWorking(t, centre, server(t))
			contact := s.tell(t, w)
			if result := w.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
				t.Fatalf("ended in phase %q", result.Phase)
			}
			runs := historyOf(t, w.Client, workflows.ContactWorkflowID(contact))
			if got := count(runs, enums.EVENT_TYPE_MARKER_RECORDED); !slices.Contains(s.steps, got) || len(runs) != s.runs {
				t.Errorf("%d steps in %d runs, want %v in %d", got, len(runs), s.steps, s.runs)
			}
			testkit.NoWordIn(t, runs, canary)
			save(t, s.name, runs)
		})
	}
}

var stories = []story{
	{name: "replied", rona: time.Minute, runs: 1, steps: []int{6}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("About your " + canary)})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
		complete(t, w, "mina", contact, offer)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, err := mail.Await(ctx, "kim@customer.example", 1); err != nil || len(got) != 1 {
			t.Fatalf("the customer has %d mails: %v", len(got), err)
		}
		return contact
	}},
	{name: "continued", rona: time.Minute, runs: 2, steps: []int{7}, impatient: true, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "closed", rona: time.Minute, runs: 1, steps: []int{6}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "wrapped-up-by-itself", rona: time.Minute, runs: 1, steps: []int{7}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 5, wrapup_extensions = 1, default_wrapup_code = 'solved'")
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.ExtendWrapUp(t.Context(), testkit.On("mina", contact, offer)))(t)
		return contact
	}},
	{name: "declined", rona: time.Minute, runs: 1, steps: []int{8, 9}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		w.Ready(t, "tom")
		testkit.Done(w.Gateway.Decline(t.Context(), testkit.On("mina", contact, offer)))(t)
		handleAndClose(t, w, "tom", contact)
		return contact
	}},
	{name: "rona-twice", rona: time.Second, runs: 1, steps: []int{10, 11}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
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
	{name: "withdrawn", rona: time.Minute, runs: 1, steps: []int{8, 9}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		w.AwaitOffer(t, "mina", contact)
		w.Choose(t, "mina", postroom.AgentIdle, "lunch") // nobody is told: the reconciler has to
		w.AwaitPhase(t, contact, postroom.ContactWaiting)
		w.AwaitTold(t, contact)
		w.Choose(t, "mina", postroom.AgentAvailable, "")
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
	{name: "unreachable", rona: time.Second, runs: 1, steps: []int{8, 9}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Ready(t, "mina")
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

// A mailbox's workflow keeps its watch, begins it again when its settings change, and ends when it is removed.
func TestStoryOfAMailbox(t *testing.T) {
	t.Parallel()
	const mailbox = postroom.MailboxID("shop")
	w, mail := watched(t, mailbox)
	arrive := func(n int) {
		t.Helper()
		if _, err := mail.Send(devmail.Letter{From: "kim@customer.example", To: []string{"support@shop.example"}, Subject: canary, Text: canary}); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the mail to open a contact", func() bool { return w.Count(t, "SELECT count(*) FROM contact") == n })
	}
	arrive(1)
	w.Exec(t, "UPDATE mailbox SET name = 'Shop', version = version + 1, tell_at = NULL WHERE id = $1", mailbox)
	testkit.Eventually(t, "the mailbox to be told", func() bool {
		return w.Count(t, "SELECT count(*) FROM mailbox WHERE id = $1 AND told = version", mailbox) == 1
	})
	arrive(2)
	w.Exec(t, "UPDATE mailbox SET active = false, version = version + 1, tell_at = NULL WHERE id = $1", mailbox)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var state workflows.MailboxState
	id := workflows.MailboxWorkflowID(mailbox)
	testkit.Eventually(t, "the workflow to end", func() bool {
		run, err := w.Client.DescribeWorkflowExecution(ctx, id, "")
		return err == nil && run.WorkflowExecutionInfo.Status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	if err := w.Client.GetWorkflow(ctx, id, "").Get(ctx, &state); err != nil {
		t.Fatal(err)
	}
	runs := historyOf(t, w.Client, id)
	testkit.NoWordIn(t, runs, canary)
	save(t, "mailbox", runs)
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
