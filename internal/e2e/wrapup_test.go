package e2e

import (
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/testkit"
)

// R24: the timer is durable, the deadline is a column. The agent is not needed: her desktop is closed meanwhile.
func TestWrapUpCompletesItselfOnceAtItsTimeThoughTheWorkerWasKilled(t *testing.T) {
	t.Parallel()
	const atOnce, late = "kim@timer.example", "kim@late.example"
	s := testkit.NewStack(t, testkit.StackOptions{})
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	wrap := func(customer string, auto int) (contact, due string) {
		t.Helper()
		s.Exec(t, "UPDATE queue SET auto_wrapup_seconds = $1, default_wrapup_code = 'information'", auto)
		s.Write(t, devmail.Letter{From: customer, Subject: "Hello", Text: "Is anybody there?"})
		card := mina.AwaitOffer(t, customer)
		mina.Accept(t, card.OfferId)
		mina.Reply(t, card.OfferId, "Here I am.")
		return card.ContactId, s.Text(t, "SELECT wrapup_due_at::text FROM segment WHERE offer_id = $1", card.OfferId)
	}
	lateOne, lateDue := wrap(late, 5)        // its time comes while nobody works
	inTimeOne, inTimeDue := wrap(atOnce, 40) // its time comes later
	s.KillWorker()
	mina.Silence()
	testkit.Eventually(t, "the first one's time to pass", func() bool {
		return s.Count(t, "SELECT count(*) FROM segment WHERE contact_id = $1 AND wrapup_due_at < clock_timestamp() - interval '1 second'", lateOne) == 1
	})
	s.StartWorker(t)
	s.AwaitReady(t)
	left := s.Count(t, "SELECT (extract(epoch FROM wrapup_due_at - clock_timestamp()) * 1000)::int FROM segment WHERE contact_id = $1 AND kind = 'agent'", inTimeOne)
	if left < 2000 {
		t.Fatalf("this machine was too slow: the restart ended %d ms before the time", left)
	}
	for contact, due := range map[string]string{lateOne: lateDue, inTimeOne: inTimeDue} {
		awaitCompleted(t, s, contact)
		const how = "SELECT count(*) FROM wrapup w JOIN segment g ON g.id = w.segment_id WHERE g.contact_id = $1 AND w.automatic AND w.code = 'information'"
		if n := s.Count(t, how, contact); n != 1 {
			t.Errorf("recorded %d times", n)
		}
		if got := s.Text(t, "SELECT wrapup_due_at::text FROM segment WHERE contact_id = $1 AND kind = 'agent'", contact); got != due {
			t.Errorf("the time was %s and is %s", due, got)
		}
		after := s.Count(t, `SELECT (extract(epoch FROM w.completed_at - g.wrapup_due_at) * 1000)::int
			FROM wrapup w JOIN segment g ON g.id = w.segment_id WHERE g.contact_id = $1`, contact)
		if after < 0 {
			t.Errorf("completed %d ms before its time", -after)
		} else {
			t.Logf("completed %d ms after its time", after)
		}
	}
	settled(t, s)
}
