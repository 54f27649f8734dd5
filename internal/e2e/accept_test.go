package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/enums/v1"
	sdkpb "go.temporal.io/api/sdk/v1"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// The hardest moment of the protocol: PostgreSQL has the accept, Temporal has nothing of it, and everything dies (docs/decisions/0003).
func TestAnAcceptThatOnlyTheDatabaseKnowsOutlivesEveryProcess(t *testing.T) {
	t.Parallel()
	s := testkit.NewStack(t, testkit.StackOptions{})
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	rounds := []struct {
		customer string
		kills    []func()
		repeat   bool // the agent clicks again; otherwise nobody tells the workflow but the reconciler
	}{
		{"kim@everything.example", []func(){s.KillAPI, s.KillWorker, s.KillTemporal, s.KillPostgres}, true},
		{"kim@half.example", []func(){s.KillWorker, s.KillTemporal}, false},
	}
	for _, r := range rounds { // before the first kill: the watch over the mailbox is given up on only after its heartbeat timeout
		s.Write(t, devmail.Letter{From: r.customer, Subject: "Hello", Text: "Is anybody there?"})
		mina.AwaitOffer(t, r.customer)
	}
	hits := 0
	for _, r := range rounds {
		card := mina.AwaitOffer(t, r.customer)
		if acceptAndKill(t, s, mina, card, r.kills...) {
			hits++
		}
		for _, start := range []func(testing.TB){s.StartPostgres, s.StartTemporal} {
			start(t) // does nothing if it runs
		}
		if len(r.kills) == 4 {
			s.StartAPI(t)
		}
		s.StartWorker(t)
		s.AwaitReady(t)

		if n := s.Count(t, "SELECT count(*) FROM offer WHERE contact_id = $1 AND state = 'accepted' AND agent_id = 'mina'", card.ContactId); n != 1 {
			t.Errorf("%s: %d owners", r.customer, n)
		}
		if n := s.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1 AND event = 'accepted'", card.ContactId); n != 1 {
			t.Errorf("%s: accepted %d times", r.customer, n)
		}
		if !r.repeat {
			// It tells a contact's workflow a minute after an accept that was not answered; a test need not wait for that.
			s.Exec(t, "UPDATE contact SET tell_at = clock_timestamp() WHERE id = $1 AND told < version", card.ContactId)
			awaitBelief(t, s, card.ContactId, "Owned by mina")
		}
		// The same click again is the same accept.
		contact := mina.Accept(t, card.OfferId)
		if contact.Phase != contactv1.Phase_PHASE_OWNED || contact.Agent != "mina" {
			t.Errorf("%s: the repeat says %s by %q", r.customer, contact.Phase, contact.Agent)
		}
		awaitBelief(t, s, card.ContactId, "Owned by mina")
		mina.Reply(t, card.OfferId, "Here I am.")
		mina.WrapUp(t, card.OfferId)
		s.AwaitMail(t, r.customer, 1)
		awaitCompleted(t, s, card.ContactId)
	}
	if hits != len(rounds) {
		t.Errorf("the moment was met %d times in %d", hits, len(rounds))
	}
	if by := answers(s, []string{rounds[0].customer, rounds[1].customer}); by[1] != 2 {
		t.Errorf("customers by the number of answers: %v", by)
	}
	settled(t, s)
}

// acceptAndKill kills processes in the moment in which an accept has been committed and its workflow task has not been completed. A lock
// on the agent holds the accept's transaction up until Temporal is frozen; then it commits, and the worker has nobody to tell. It
// reports whether the workflow's history knows nothing of the accept.
func acceptAndKill(t *testing.T, s *testkit.Stack, d *testkit.Desktop, card *contactv1.ContactCard, kills ...func()) bool {
	t.Helper()
	before := updatesIn(t, s, card.ContactId)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	lock, err := s.Connect(t).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(ctx, "SELECT FROM agent_state WHERE agent_id = $1 FOR UPDATE", string(d.Agent)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := d.TryAccept(ctx, card.OfferId)
		answered <- err
	}()
	testkit.Eventually(t, "the accept to wait for the lock", func() bool {
		var waits bool
		superuser(t, s, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM agent_state%')", &waits)
		return waits
	})
	if err := syscall.Kill(s.Temporal.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := lock.Rollback(ctx); err != nil && err != pgx.ErrTxClosed {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the accept to be committed", func() bool {
		return s.Text(t, "SELECT state FROM offer WHERE id = $1", card.OfferId) == "accepted"
	})
	testkit.Kill(kills...)
	cancel()
	if err := <-answered; err == nil {
		t.Error("the accept was answered, though the workflow could not complete it")
	}
	s.StartPostgres(t)
	s.StartTemporal(t)
	return updatesIn(t, s, card.ContactId) == before
}

// updatesIn counts the updates that a contact's workflow has recorded. Nobody works on it meanwhile.
func updatesIn(t *testing.T, s *testkit.Stack, contact string) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events := testkit.Dial(t, s.Temporal.Address()).GetWorkflowHistory(ctx, workflows.ContactWorkflowID(postroom.ContactID(contact)), "", false,
		enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.EventType == enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED {
			n++
		}
	}
	return n
}

// awaitBelief waits until a contact's workflow says of itself where it is; operations people read the same in the Temporal UI.
func awaitBelief(t *testing.T, s *testkit.Stack, contact, belief string) {
	t.Helper()
	c := testkit.Dial(t, s.Temporal.Address())
	testkit.Eventually(t, "the workflow to say "+belief, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		value, err := c.QueryWorkflow(ctx, workflows.ContactWorkflowID(postroom.ContactID(contact)), "", "__temporal_workflow_metadata")
		if err != nil {
			return false
		}
		var m sdkpb.WorkflowMetadata
		return value.Get(&m) == nil && strings.HasPrefix(m.CurrentDetails, belief)
	})
}
