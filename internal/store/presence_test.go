package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// away is later than a lease lasts.
const away = postroom.LeaseTime + time.Second

func TestALostConnectionTakesLiveOffersBackAndLeavesWorkInHand(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	owned := c.Own(t, c.Arrive(t, "kim@customer.example", "Mine"), "mina")
	contact := c.Arrive(t, "lee@customer.example", "Offered")
	live := c.Claim(t, contact, "mina")

	if withdrawn, err := c.LoseLease(t.Context(), "mina"); err != nil || withdrawn != nil {
		t.Fatalf("a fresh lease was lost: %v, %v", withdrawn, err)
	}
	later := clock(t, c, away)
	stale, err := later.StaleLeases(t.Context())
	must(t, err)
	if len(stale) != 1 || stale[0] != "mina" {
		t.Fatalf("stale: %v", stale)
	}
	withdrawn, err := later.LoseLease(t.Context(), "mina")
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0].Contact != contact {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	if got := c.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "unreachable lease_lost" {
		t.Errorf("the live offer is %s", got)
	}
	if got := c.Text(t, "SELECT state FROM offer WHERE id = $1", owned); got != "accepted" {
		t.Errorf("the owned contact's offer is %s", got)
	}
	now, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	if now.State != postroom.AgentIdle || now.IdleCode != postroom.IdleDisconnected {
		t.Errorf("mina is %s %s", now.State, now.IdleCode)
	}
	if again, err := later.LoseLease(t.Context(), "mina"); err != nil || again != nil {
		t.Errorf("lost again: %v, %v", again, err)
	}
	if stale, err := later.StaleLeases(t.Context()); err != nil || len(stale) != 0 {
		t.Errorf("still stale: %v, %v", stale, err)
	}
	oneTransaction(t, c.Database, live)
	c.MustHold(t)
}

// R12: who comes back within five minutes is Available again, and work is looked for; later he has to choose.
func TestWhoReconnectsInTimeIsAvailableAgain(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	for _, agent := range []postroom.AgentID{"mina", "jiwoo"} {
		c.SignIn(t, agent)
		_, err := clock(t, c, away).LoseLease(t.Context(), agent)
		must(t, err)
	}
	for _, test := range []struct {
		agent postroom.AgentID
		after time.Duration
		want  postroom.AgentState
	}{
		{"mina", postroom.ReturnTime - 5*time.Second, postroom.AgentAvailable},
		{"jiwoo", postroom.ReturnTime + time.Second, postroom.AgentIdle},
	} {
		c.Exec(t, "UPDATE agent_state SET wants_work = false")
		got, err := clock(t, c, away+test.after).Heartbeat(t.Context(), test.agent)
		must(t, err)
		if got.State != test.want || !got.Connected {
			t.Errorf("%s after %v: %+v", test.agent, test.after, got)
		}
		if _, wants, err := c.WantOf(t.Context(), test.agent); err != nil || wants != (test.want == postroom.AgentAvailable) {
			t.Errorf("%s wants work: %v, %v", test.agent, wants, err)
		}
	}
	c.MustHold(t)
}

func TestAChosenIdleOutlivesTheConnection(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	later := clock(t, c, away)
	_, err := later.LoseLease(t.Context(), "mina")
	must(t, err)
	got, err := later.Heartbeat(t.Context(), "mina")
	must(t, err)
	if got.State != postroom.AgentIdle || got.IdleCode != "lunch" {
		t.Errorf("after the return she is %s %s", got.State, got.IdleCode)
	}
}

// inRONA makes an agent miss an offer.
func inRONA(t testing.TB, c *testkit.Centre, agent postroom.AgentID) {
	t.Helper()
	offer := c.Claim(t, c.Arrive(t, "missed@customer.example", "Missed"), agent)
	must(t, c.OfferShown(t.Context(), agent, offer))
	c.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() - interval '1 second' WHERE id = $1", offer)
	got, err := c.ExpireOffer(t.Context(), offer)
	must(t, err)
	if got.Ended != postroom.OfferExpired {
		t.Fatalf("expire: %+v", got)
	}
}

// I9, R10: neither a lost connection nor coming back, signing out nor in again, an old session nor sweeping ends RONA.
func TestRONAOutlivesEverythingButAChoice(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, 100*time.Second, store.Options{})
	c.SignIn(t, "mina")
	inRONA(t, c, "mina")
	later := clock(t, c, away)
	token := []byte(uuid.NewString()[:32])
	for _, step := range []struct {
		name string
		do   func() error
		want postroom.AgentState
	}{
		{"another session", func() error { return c.OpenSession(t.Context(), token, "mina") }, postroom.AgentRONA},
		{"the connection is lost", func() error { _, err := later.LoseLease(t.Context(), "mina"); return err }, postroom.AgentRONA},
		{"it comes back", func() error { _, err := later.Heartbeat(t.Context(), "mina"); return err }, postroom.AgentRONA},
		{"one of two sessions ends", func() error { _, err := c.CloseSession(t.Context(), token, "mina"); return err }, postroom.AgentRONA},
		{"all sessions are revoked", func() error {
			return c.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), "mina")
		}, postroom.AgentRONA},
		{"he signs out", func() error { _, err := c.CloseSession(t.Context(), token, "mina"); return err }, postroom.AgentLoggedOut},
		{"he signs out again", func() error { _, err := c.CloseSession(t.Context(), token, "mina"); return err }, postroom.AgentLoggedOut},
		{"he signs in", func() error { return c.OpenSession(t.Context(), []byte(uuid.NewString()[:32]), "mina") }, postroom.AgentRONA},
		{"old rows are swept", func() error { _, err := clock(t, c, 400*24*time.Hour).Sweep(t.Context()); return err }, postroom.AgentRONA},
	} {
		must(t, step.do())
		if got := status(t, c, "mina"); got != step.want {
			t.Fatalf("%s: mina is %s, want %s", step.name, got, step.want)
		}
	}
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	if got := status(t, c, "mina"); got != postroom.AgentAvailable {
		t.Errorf("after her choice she is %s", got)
	}
}

// I9: a click that did not see the RONA, or that was carried out before it, does not end it.
func TestAnOldClickDoesNotEndRONA(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, 100*time.Second, store.Options{})
	c.SignIn(t, "mina")
	before, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	click := testkit.Command("mina")
	choice := store.AgentChange{Agent: "mina", To: postroom.AgentAvailable, Seen: before.Version}
	_, _, err = c.SetAgentState(t.Context(), click, choice)
	must(t, err)
	inRONA(t, c, "mina")

	repeated, _, err := c.SetAgentState(t.Context(), click, choice)
	if err != nil || repeated.State != postroom.AgentRONA {
		t.Errorf("the same click again: %+v, %v", repeated, err)
	}
	for _, to := range []postroom.AgentState{postroom.AgentAvailable, postroom.AgentIdle} {
		for _, seen := range []int64{before.Version, before.Version + 1} {
			_, _, err := c.SetAgentState(t.Context(), testkit.Command("mina"), store.AgentChange{Agent: "mina", To: to, Code: "lunch", Seen: seen})
			wantReason(t, "a late click", err, postroom.KindConflict, postroom.ReasonStaleState)
		}
	}
	if got := status(t, c, "mina"); got != postroom.AgentRONA {
		t.Errorf("mina is %s", got)
	}
}
