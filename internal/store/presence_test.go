package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// away is later than a lease lasts.
const away = postroom.LeaseTime + time.Second

func TestWhatALostConnectionAndAnOldClickDo(t *testing.T) {
	t.Parallel()
	atDesks(t, []deskTest{
		{"a lost connection takes live offers back and leaves work in hand", aLostConnectionTakesLiveOffersBackAndLeavesWorkInHand},
		{"a chosen Idle outlives the connection", aChosenIdleOutlivesTheConnection},
		{"RONA outlives everything but a choice", rONAOutlivesEverythingButAChoice},
		{"an old click does not end RONA", anOldClickDoesNotEndRONA},
	})
}

func aLostConnectionTakesLiveOffersBackAndLeavesWorkInHand(t *testing.T, d desk) {
	owned := d.Own(t, d.Arrive(t, "kim@customer.example", "Mine"), d.agent)
	contact := d.Arrive(t, "lee@customer.example", "Offered")
	live := d.Claim(t, contact, d.agent)

	if withdrawn, err := d.LoseLease(t.Context(), d.agent); err != nil || withdrawn != nil {
		t.Fatalf("a fresh lease was lost: %v, %v", withdrawn, err)
	}
	later := clock(t, d.Centre, away)
	stale, err := later.StaleLeases(t.Context())
	must(t, err)
	if !slices.Contains(stale, d.agent) {
		t.Fatalf("stale: %v", stale)
	}
	withdrawn, err := later.LoseLease(t.Context(), d.agent)
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0].Contact != contact {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	if got := d.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "unreachable lease_lost" {
		t.Errorf("the live offer is %s", got)
	}
	if got := d.Text(t, "SELECT state FROM offer WHERE id = $1", owned); got != "accepted" {
		t.Errorf("the owned contact's offer is %s", got)
	}
	now, err := d.AgentStatus(t.Context(), d.agent)
	must(t, err)
	if now.State != postroom.AgentIdle || now.IdleCode != postroom.IdleDisconnected {
		t.Errorf("the state is %s %s", now.State, now.IdleCode)
	}
	if again, err := later.LoseLease(t.Context(), d.agent); err != nil || again != nil {
		t.Errorf("lost again: %v, %v", again, err)
	}
	if stale, err := later.StaleLeases(t.Context()); err != nil || slices.Contains(stale, d.agent) {
		t.Errorf("still stale: %v, %v", stale, err)
	}
	oneTransaction(t, d.Database, live)
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

func aChosenIdleOutlivesTheConnection(t *testing.T, d desk) {
	d.Choose(t, d.agent, postroom.AgentIdle, "lunch")
	later := clock(t, d.Centre, away)
	_, err := later.LoseLease(t.Context(), d.agent)
	must(t, err)
	got, err := later.Heartbeat(t.Context(), d.agent)
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

// I9, R10: neither a lost connection nor coming back, signing out nor in again, nor the end of a session ends RONA.
func rONAOutlivesEverythingButAChoice(t *testing.T, d desk) {
	inRONA(t, d.Centre, d.agent)
	later := clock(t, d.Centre, away)
	token := []byte(uuid.NewString()[:32])
	for _, step := range []struct {
		name string
		do   func() error
		want postroom.AgentState
	}{
		{"another session", func() error { return d.OpenSession(t.Context(), token, d.agent) }, postroom.AgentRONA},
		{"the connection is lost", func() error { _, err := later.LoseLease(t.Context(), d.agent); return err }, postroom.AgentRONA},
		{"it comes back", func() error { _, err := later.Heartbeat(t.Context(), d.agent); return err }, postroom.AgentRONA},
		{"one of two sessions ends", func() error { _, err := d.CloseSession(t.Context(), token, d.agent); return err }, postroom.AgentRONA},
		{"all sessions are revoked", func() error {
			return d.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), d.agent)
		}, postroom.AgentRONA},
		{"he signs out", func() error { _, err := d.CloseSession(t.Context(), token, d.agent); return err }, postroom.AgentLoggedOut},
		{"he signs out again", func() error { _, err := d.CloseSession(t.Context(), token, d.agent); return err }, postroom.AgentLoggedOut},
		{"he signs in", func() error { return d.OpenSession(t.Context(), []byte(uuid.NewString()[:32]), d.agent) }, postroom.AgentRONA},
	} {
		must(t, step.do())
		if got := status(t, d.Centre, d.agent); got != step.want {
			t.Fatalf("%s: the state is %s, want %s", step.name, got, step.want)
		}
	}
	d.Choose(t, d.agent, postroom.AgentAvailable, "")
	if got := status(t, d.Centre, d.agent); got != postroom.AgentAvailable {
		t.Errorf("after her choice she is %s", got)
	}
}

// I9: a click that did not see the RONA, or that was carried out before it, does not end it.
func anOldClickDoesNotEndRONA(t *testing.T, d desk) {
	before, err := d.AgentStatus(t.Context(), d.agent)
	must(t, err)
	click := testkit.Command(d.agent)
	choice := store.AgentChange{Agent: d.agent, To: postroom.AgentAvailable, Seen: before.Version}
	_, _, err = d.SetAgentState(t.Context(), click, choice)
	must(t, err)
	inRONA(t, d.Centre, d.agent)

	repeated, _, err := d.SetAgentState(t.Context(), click, choice)
	if err != nil || repeated.State != postroom.AgentRONA {
		t.Errorf("the same click again: %+v, %v", repeated, err)
	}
	for _, to := range []postroom.AgentState{postroom.AgentAvailable, postroom.AgentIdle} {
		for _, seen := range []int64{before.Version, before.Version + 1} {
			_, _, err := d.SetAgentState(t.Context(), testkit.Command(d.agent), store.AgentChange{Agent: d.agent, To: to, Code: "lunch", Seen: seen})
			wantReason(t, "a late click", err, postroom.KindConflict, postroom.ReasonStaleState)
		}
	}
	if got := status(t, d.Centre, d.agent); got != postroom.AgentRONA {
		t.Errorf("the state is %s", got)
	}
}
