package e2e

import (
	"testing"
	"time"

	"github.com/postroom/postroom/internal/devmail"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// What is told of an offer in the rows, so that a test asserts on counts.
const (
	ronaOf    = "SELECT count(*) FROM agent_log WHERE offer_id = $1 AND to_state = 'rona'"
	requeueOf = "SELECT count(*) FROM segment WHERE caused_by_offer_id = $1 AND kind = 'queue'"
	stateOf   = "SELECT state || ' ' || coalesce(end_cause, '') FROM offer WHERE id = $1"
	// lateOf is by how many milliseconds an offer ended after its deadline.
	lateOf = "SELECT (extract(epoch FROM ended_at - expires_at) * 1000)::int FROM offer WHERE id = $1"
)

// The timer is durable, the deadline is a column (R6, R9, I4).
func TestAnOfferEndsOnceAtItsOwnDeadlineThoughEverybodyWhoWatchedItWasKilled(t *testing.T) {
	t.Parallel()
	const rona, customer = 20 * time.Second, "kim@deadline.example"
	s := testkit.NewStack(t, testkit.StackOptions{RONA: rona})
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	s.Write(t, devmail.Letter{From: customer, Subject: "Hello", Text: "Is anybody there?"})
	card := mina.AwaitOffer(t, customer)
	deadline := s.Text(t, "SELECT expires_at::text FROM offer WHERE id = $1", card.OfferId)

	testkit.Kill(s.KillWorker, s.KillTemporal)
	s.StartTemporal(t)
	s.StartWorker(t)
	s.AwaitReady(t)
	left := s.Count(t, "SELECT (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::int FROM offer WHERE id = $1 AND state = 'live'", card.OfferId)
	if left < 2000 {
		t.Fatalf("this machine was too slow: the restart ended %d ms before the deadline", left)
	}
	t.Logf("worker and Temporal were back %d ms before the deadline", left)

	mina.AwaitState(t, agentv1.State_STATE_RONA)
	if got := s.Text(t, stateOf, card.OfferId); got != "expired rona" {
		t.Errorf("the offer is %q", got)
	}
	if got := s.Text(t, "SELECT expires_at::text FROM offer WHERE id = $1", card.OfferId); got != deadline {
		t.Errorf("the deadline was %s and is %s", deadline, got)
	}
	if late := s.Count(t, lateOf, card.OfferId); late < 0 {
		t.Errorf("the offer ended %d ms before its deadline", -late)
	} else {
		t.Logf("the offer ended %d ms after its deadline", late)
	}
	once(t, s, card.OfferId, 1)

	// A person ends RONA; the contact is offered again.
	mina.Available(t)
	again := mina.Answer(t, customer, "Here I am.")
	if again.ContactId != card.ContactId || again.OfferId == card.OfferId {
		t.Errorf("offered again: %v", again)
	}
	if !again.ArrivedAt.AsTime().Equal(card.ArrivedAt.AsTime()) {
		t.Error("the arrival time has changed (I8)")
	}
	awaitCompleted(t, s, card.ContactId)
	once(t, s, card.OfferId, 1)
	settled(t, s)
}

// once tests that an offer ended unanswered once: one requeue, and as many RONA as there should be (I4).
func once(t *testing.T, s *testkit.Stack, offer string, rona int) {
	t.Helper()
	if n := s.Count(t, ronaOf, offer); n != rona {
		t.Errorf("%d times RONA by the offer, want %d", n, rona)
	}
	if n := s.Count(t, requeueOf, offer); n != 1 {
		t.Errorf("%d requeues by the offer, want 1", n)
	}
}

// An outage of ours blames nobody (R12).
func TestAnOfferThatExpiredWhileOurServersWereDownBlamesNobody(t *testing.T) {
	t.Parallel()
	const customer = "kim@outage.example"
	s := testkit.NewStack(t, testkit.StackOptions{RONA: 6 * time.Second})
	mina := s.SignIn(t, "mina")
	mina.Available(t)

	// Control: with everything up, the same offer is RONA.
	s.Write(t, devmail.Letter{From: customer, Subject: "First", Text: "Is anybody there?"})
	control := mina.AwaitOffer(t, customer)
	mina.AwaitState(t, agentv1.State_STATE_RONA)
	if got := s.Text(t, stateOf, control.OfferId); got != "expired rona" {
		t.Errorf("control: the offer is %q", got)
	}
	mina.Available(t)
	mina.AwaitState(t, agentv1.State_STATE_AVAILABLE)

	card := mina.AwaitOffer(t, customer)
	testkit.Kill(s.KillWorker, s.KillTemporal)
	mina.Silence()
	testkit.Eventually(t, "the deadline to be long past", func() bool {
		return s.Count(t, "SELECT count(*) FROM offer WHERE id = $1 AND state = 'live' AND clock_timestamp() > expires_at + interval '5500 milliseconds'", card.OfferId) == 1
	})
	s.SetRONA(t, time.Minute)
	s.StartTemporal(t)
	s.StartWorker(t)

	idle := mina.AwaitState(t, agentv1.State_STATE_IDLE)
	if idle.IdleCode != "disconnected" {
		t.Errorf("Idle as %q", idle.IdleCode)
	}
	if got := s.Text(t, stateOf, card.OfferId); got != "unreachable noticed_late" {
		t.Errorf("the offer is %q", got)
	}
	once(t, s, card.OfferId, 0)

	mina.Beat(t)
	mina.AwaitState(t, agentv1.State_STATE_AVAILABLE)
	again := mina.Answer(t, customer, "Here I am.")
	if again.ContactId != card.ContactId {
		t.Errorf("offered again: %v", again)
	}
	awaitCompleted(t, s, card.ContactId)
	once(t, s, card.OfferId, 0)
	settled(t, s)
}
