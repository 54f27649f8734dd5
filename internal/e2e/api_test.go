package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/devmail"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// The desktop's stream resumes where it was, and the card keeps its true remaining time (R6).
func TestAnOfferStaysAcceptableWhenTheAPIWasKilled(t *testing.T) {
	t.Parallel()
	const before, during = "kim@before.example", "lee@during.example"
	s := testkit.NewStack(t, testkit.StackOptions{})
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	s.Write(t, devmail.Letter{From: before, Subject: "Hello", Text: "Is anybody there?"})
	card := mina.AwaitOffer(t, before)
	opened, snapshots := mina.Streams()

	s.KillAPI()
	s.Write(t, devmail.Letter{From: during, Subject: "Hello", Text: "Is anybody there?"})
	testkit.Eventually(t, "an offer of which no desktop has heard", func() bool {
		return s.Count(t, "SELECT count(*) FROM offer WHERE agent_id = 'mina' AND state = 'live'") == 2
	})
	s.StartAPI(t)

	missed := mina.AwaitCard(t, during, live)
	if o, n := mina.Streams(); o <= opened || n != snapshots {
		t.Errorf("the stream was opened %d times (before: %d) with %d snapshots (before: %d): it was not resumed", o, opened, n, snapshots)
	}
	if again := mina.AwaitCard(t, before, live); again.OfferId != card.OfferId || !again.ExpiresAt.AsTime().Equal(card.ExpiresAt.AsTime()) {
		t.Errorf("the card was %v and is %v", card, again)
	}
	// Control: a token of another life of the database is not resumed, it is answered with a snapshot.
	if !snapshotFor(t, mina, &agentv1.StreamToken{Epoch: "another", Seq: 1}) {
		t.Error("a foreign token was resumed")
	}
	for _, c := range []string{card.OfferId, missed.OfferId} {
		mina.Accept(t, c)
		mina.Reply(t, c, "Here I am.")
		mina.WrapUp(t, c)
	}
	for _, c := range []string{before, during} {
		s.AwaitMail(t, c, 1)
	}
	awaitCompleted(t, s, card.ContactId)
	awaitCompleted(t, s, missed.ContactId)
	settled(t, s)
}

// snapshotFor reports whether a stream after a token begins with a snapshot.
func snapshotFor(t *testing.T, d *testkit.Desktop, after *agentv1.StreamToken) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := d.Agents.Watch(ctx, &agentv1.WatchRequest{After: after})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	return stream.Msg().GetSnapshot() != nil
}
