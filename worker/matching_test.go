package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// freeBesideWaiting counts agents who have room and stand beside a contact that they could take.
func freeBesideWaiting(t *testing.T, w *testkit.Working) int {
	t.Helper()
	return w.Count(t, `SELECT count(DISTINCT r.agent_id) FROM agent_room r JOIN agent_lane l USING (agent_id)
		JOIN contact c ON c.queue_id = l.queue_id AND c.step = l.step AND c.phase = 'waiting' AND c.target_agent_id IS NULL WHERE r.room > 0`)
}

// The herd: two hundred agents become Available at once, and look for work at once, in as many goroutines. One contact waits: one of them
// is offered it, and the others neither wait for it nor ask for ever. Then as many contacts wait as agents: nobody is left beside one.
func TestOfAHerdOfAgentsOneIsOfferedTheOldestContactAndNobodyIsLeftBesideOne(t *testing.T) {
	t.Parallel()
	const herd = 200
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{MaxConns: 32}), testkit.NewTemporal(t))
	agents := w.Hire(t, herd, 1)
	w.StopWorker() // what follows is looked for by this test alone
	matcher := activities.NewMatcher(w.Store, w.Gateway, testkit.Silent())
	contacts := []postroom.ContactID{w.Arrive(t, "first@customer.example", "Hello")}
	available := func() {
		w.Exec(t, `UPDATE agent_state SET state = 'available', idle_code = '', since = clock_timestamp(), wants_work = true, wants_seq = wants_seq + 1,
			wants_since = clock_timestamp() WHERE agent_id LIKE 'agent-%'`)
	}
	// look has everybody look until nobody is wanted to any more, as the reconciler would, and says how often.
	look := func() (rounds int) {
		for rounds = 1; rounds <= 10; rounds++ {
			for _, err := range testkit.Together(herd, func(i int) error { return matcher.Look(context.WithoutCancel(t.Context()), agents[i]) }) {
				if err != nil {
					t.Error(err)
				}
			}
			if w.Count(t, "SELECT count(*) FROM agent_state WHERE wants_work") == 0 {
				return rounds
			}
		}
		return rounds
	}
	available()
	rounds := look()
	if n := w.Count(t, "SELECT count(*) FROM offer"); n != 1 {
		t.Errorf("%d offers of one contact", n)
	}
	if rounds > 3 {
		t.Errorf("the herd looked %d times for one contact", rounds)
	}
	for i := range herd - 1 {
		contacts = append(contacts, w.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello"))
	}
	available()
	rounds = look()
	t.Logf("%d agents looked %d times for %d contacts", herd, rounds, len(contacts))
	if n := freeBesideWaiting(t, w); n != 0 {
		t.Errorf("%d agents are free beside contacts that they could take", n)
	}
	if n := w.Count(t, "SELECT count(*) FROM offer WHERE state = 'live'"); n != herd {
		t.Errorf("%d of %d contacts are offered", n, herd)
	}
}

// Two hundred agents change their states at once, back and forth, while contacts come in and a worker works: afterwards nobody who is free
// stands beside a contact that he could take.
func TestAgentsWhoAllChangeTheirStatesAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	const herd = 200
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{MaxConns: 32}), testkit.NewTemporal(t))
	agents := w.Hire(t, herd, 1)
	const arriving = 20
	ids := make([]postroom.ContactID, arriving)
	for i := range ids {
		got, err := w.Ingest(t.Context(), w.Mail(fmt.Sprintf("kim%d@customer.example", i), "Hello"))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = got.Contact
	}
	choose := func(ctx context.Context, agent postroom.AgentID, to postroom.AgentState) error {
		now, err := w.AgentStatus(ctx, agent)
		if err != nil {
			return err
		}
		change := store.AgentChange{Agent: agent, To: to, Seen: now.Version}
		if to == postroom.AgentIdle {
			change.Code = "lunch"
		}
		if _, _, err = w.SetAgentState(ctx, testkit.Command(agent), change); postroom.KindOf(err) == postroom.KindConflict {
			return nil
		}
		return err
	}
	for _, err := range testkit.Together(herd+arriving, func(i int) error {
		ctx := context.WithoutCancel(t.Context())
		if i >= herd {
			return w.Gateway.StartContact(ctx, ids[i-herd])
		}
		if err := w.OpenSession(ctx, []byte(fmt.Sprintf("%-32.32s", agents[i]+"-session-of-the-herd")), agents[i]); err != nil {
			return err
		}
		if err := choose(ctx, agents[i], postroom.AgentAvailable); err != nil || i%2 == 0 {
			return err
		}
		return errors.Join(choose(ctx, agents[i], postroom.AgentIdle), choose(ctx, agents[i], postroom.AgentAvailable))
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	testkit.Eventually(t, "every contact to be offered, and nobody to want work", func() bool {
		return w.Count(t, "SELECT count(*) FROM contact WHERE phase = 'offered'") == arriving &&
			w.Count(t, "SELECT count(*) FROM agent_state WHERE wants_work") == 0
	})
	if n := freeBesideWaiting(t, w); n != 0 {
		t.Errorf("%d agents are free beside contacts that they could take", n)
	}
	w.MustHold(t)
}

// A control of both: an agent for whom nobody looks stays free beside a contact, and the check sees it.
func TestAnAgentForWhomNobodyLooksStaysFreeBesideAContact(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{}), testkit.NewTemporal(t))
	w.StopWorker()
	w.Arrive(t, "kim@customer.example", "Hello")
	w.SignIn(t, "mina")
	w.Exec(t, "UPDATE agent_state SET wants_work = false")
	if n := freeBesideWaiting(t, w); n != 1 {
		t.Errorf("the check should be red: it says %d", n)
	}
}

// R11: a contact that an agent declined comes back to him after his back-off if nobody else is there, also when it had looked before he
// became able again: nobody is forgotten beside it.
func TestAContactThatAnAgentDeclinedComesBackToHimWhenNobodyElseIsThere(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{}), testkit.NewTemporal(t))
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Hello")
	offer := w.AwaitOffer(t, "mina", contact)
	if _, err := w.Gateway.Decline(t.Context(), testkit.On("mina", contact, offer)); err != nil {
		t.Fatal(err)
	}
	w.AwaitPhase(t, contact, postroom.ContactWaiting)
	w.Choose(t, "mina", postroom.AgentIdle, "lunch")
	// The back-off of 30 s has a second left, and the contact's workflow, which saw nobody, has no timer.
	w.Exec(t, "UPDATE offer SET ended_at = ended_at - interval '28 seconds' WHERE id = $1", offer)
	w.Exec(t, "UPDATE contact SET queued_at = queued_at - interval '1 minute', told = version - 1, tell_at = clock_timestamp()")
	w.AwaitTold(t, contact)
	w.Choose(t, "mina", postroom.AgentAvailable, "")
	again := w.AwaitOffer(t, "mina", contact)
	if again == offer {
		t.Error("the same offer")
	}
	if only := w.Text(t, "SELECT reason ->> 'only_one' FROM offer WHERE id = $1", again); only != "true" {
		t.Errorf("why it came back: only_one is %q", only)
	}
}
