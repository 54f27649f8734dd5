package api_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func TestStreamBeginsWithASnapshotAndGoesOnInOrder(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	held := a.AwaitOffer(t, "mina", a.Begin(t, "kim@customer.example", "Held"))
	got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(held)}))(t)

	w := me.watch(t, nil)
	first := w.begin(t)
	snapshot := first.GetSnapshot()
	if snapshot.State.State != agentv1.State_STATE_AVAILABLE || len(snapshot.Contacts) != 1 || snapshot.Contacts[0].OfferId != string(held) ||
		first.Token.Epoch != a.Text(t, "SELECT epoch::text FROM installation") {
		t.Fatalf("the snapshot: %v", first)
	}
	seq := first.Token.Seq
	expect := func(what string, contact string, state contactv1.OfferState, listed bool) {
		t.Helper()
		r := w.news(t)
		c := r.GetContactChanged()
		if seq++; r.Token.Seq != seq || c.GetContactId() != contact || c.GetOfferState() != state || (c.GetCard() != nil) != listed {
			t.Errorf("%s: %v, want number %d", what, r, seq)
		}
	}
	contact := a.Begin(t, "lee@customer.example", "Offered")
	offer := string(a.AwaitOffer(t, "mina", contact))
	expect("offered", string(contact), contactv1.OfferState_OFFER_STATE_LIVE, true)
	got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: offer}))(t)
	expect("accepted", string(contact), contactv1.OfferState_OFFER_STATE_ACCEPTED, true)
	got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: offer}))(t)
	expect("closed", string(contact), contactv1.OfferState_OFFER_STATE_WRAPUP, true)
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: offer, Code: "solved"}))(t)
	expect("completed", string(contact), contactv1.OfferState_OFFER_STATE_FINISHED, false)
	a.Choose(t, "mina", postroom.AgentIdle, "lunch")
	if r := w.news(t); r.Token.Seq != seq+1 || r.GetStateChanged().GetIdleCode() != "lunch" {
		t.Errorf("his own state: %v", r)
	}
}

// I1–I4 of a stream: whoever reads from token to token misses nothing and hears nothing twice, however often he is cut.
func TestStreamIsResumedWithoutLossOrRepeat(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	w := me.watch(t, nil)
	token := w.begin(t).Token
	w.cut()
	const changes = 100
	last := token.Seq + changes
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range changes {
			flip(t, a, "mina")
		}
	}()
	defer func() { <-written }()
	cuts := 0
	for random := rand.New(rand.NewPCG(1, 2)); token.Seq < last; cuts++ {
		w := me.watch(t, token)
		for range 1 + random.IntN(8) {
			r := w.next(t)
			if r.GetKeepAlive() != nil { // all that there was is said
				if r.Token.Seq != token.Seq {
					t.Fatalf("the stream moves to %d from %d without a word", r.Token.Seq, token.Seq)
				}
				continue
			}
			if r.GetStateChanged() == nil || r.Token.Seq != token.Seq+1 || r.Token.Epoch != token.Epoch {
				t.Fatalf("after %v: %v", token, r)
			}
			if token = r.Token; token.Seq == last {
				break
			}
		}
		w.cut()
	}
	if cuts < 10 {
		t.Errorf("cut %d times only", cuts)
	}
}

func TestTokenThatCannotBeResumedBeginsWithASnapshot(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	for range 6 {
		flip(t, a, "mina")
	}
	head := me.watch(t, nil).begin(t).Token
	resume := func(seq int64) *agentv1.StreamToken { return &agentv1.StreamToken{Epoch: head.Epoch, Seq: seq} }
	for what, token := range map[string]*agentv1.StreamToken{
		"another life of the database": {Epoch: testkit.NewID(), Seq: head.Seq},
		"no life at all":               {Seq: head.Seq},
		"ahead of the stream":          resume(head.Seq + 1),
		"before its beginning":         resume(-1),
	} {
		if r := me.watch(t, token).next(t); r.GetSnapshot() == nil || r.Token.Seq != head.Seq || r.Token.Epoch != head.Epoch {
			t.Errorf("%s: %v", what, r)
		}
	}
	if r := me.watch(t, head).next(t); r.GetKeepAlive() == nil || r.Token.Seq != head.Seq {
		t.Errorf("at its end: %v", r)
	}
	if r := me.watch(t, resume(0)).next(t); r.GetStateChanged() == nil || r.Token.Seq != 1 {
		t.Errorf("from its beginning: %v", r)
	}
	a.Exec(t, "DELETE FROM event WHERE seq <= 3")
	if r := me.watch(t, resume(2)).next(t); r.GetSnapshot() == nil || r.Token.Seq != head.Seq {
		t.Errorf("what comes next was swept: %v", r)
	}
	if r := me.watch(t, resume(3)).next(t); r.GetStateChanged() == nil || r.Token.Seq != 4 {
		t.Errorf("what comes next was not swept: %v", r)
	}
	a.Exec(t, "DELETE FROM event")
	if r := me.watch(t, resume(3)).next(t); r.GetSnapshot() == nil || r.Token.Seq != head.Seq {
		t.Errorf("all was swept: %v", r)
	}
}

// Every notification may be lost, and a sweep may overtake the reader: he looks every ten seconds all the same, and hears that the line holds.
func TestStreamLooksWithoutBeingToldAndKeepsAlive(t *testing.T) {
	t.Parallel()
	a := deaf(t, offline(t).Working)
	untold, overtaken := as(t, a, "mina").watch(t, nil), as(t, a, "tom").watch(t, nil)
	from, lost := untold.begin(t).Token.Seq, overtaken.begin(t).Token.Seq
	flip(t, a, "mina")
	flip(t, a, "tom")
	flip(t, a, "tom")
	a.Exec(t, "DELETE FROM event WHERE stream_id = 'agent/tom' AND seq = $1", lost+1)
	if r := untold.next(t); r.GetStateChanged() == nil || r.Token.Seq != from+1 {
		t.Errorf("what nobody was told of: %v", r)
	}
	if r := untold.next(t); r.GetKeepAlive() == nil || r.Token.Seq != from+1 {
		t.Errorf("after it: %v", r)
	}
	if r := overtaken.next(t); r.GetSnapshot() == nil || r.Token.Seq != lost+2 {
		t.Errorf("what was swept before it was read: %v", r)
	}
}

func TestEveryStreamOfAnAgentIsToldAndNobodyElses(t *testing.T) {
	t.Parallel()
	a := offline(t)
	one, two := as(t, a, "mina").watch(t, nil), as(t, a, "mina").watch(t, nil)
	other := as(t, a, "tom").watch(t, nil)
	from := one.begin(t).Token.Seq
	if two.begin(t).Token.Seq != from {
		t.Fatal("two windows of one agent do not begin alike")
	}
	other.begin(t)
	for i := range int64(5) {
		flip(t, a, "mina")
		for _, w := range []*watching{one, two} {
			if r := w.news(t); r.GetStateChanged().GetAgent() != "mina" || r.Token.Seq != from+i+1 {
				t.Errorf("change %d: %v", i, r)
			}
		}
	}
	flip(t, a, "tom")
	if r := other.news(t); r.GetStateChanged().GetAgent() != "tom" {
		t.Errorf("the colleague hears %v", r)
	}
}

func TestStreamGoesOnWhenTheConnectionForNotificationsWasLost(t *testing.T) {
	t.Parallel()
	a := offline(t)
	w := as(t, a, "mina").watch(t, nil)
	seq := w.begin(t).Token.Seq
	for range 3 {
		a.CutHub(t)
		flip(t, a, "mina") // while nobody hears
		if r := w.news(t); r.GetStateChanged() == nil || r.Token.Seq != seq+1 {
			t.Fatalf("said %v after %d", r, seq)
		}
		seq++
		a.AwaitHub(t)
	}
	flip(t, a, "mina")
	if r := w.news(t); r.GetStateChanged() == nil || r.Token.Seq != seq+1 {
		t.Errorf("at the end: %v", r)
	}
}

// A stream says how a contact stands now, also when the event is older: the last word is always the truth.
func TestLastWordOfAStreamIsTheTruth(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	contact := a.Arrive(t, "kim@customer.example", "Parcel")
	start := got(a.StreamHead(t.Context(), store.AgentStream("mina")))(t)
	offer := a.Own(t, contact, "mina")
	got(a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer))(t)
	w := as(t, a, "mina").watch(t, &agentv1.StreamToken{Epoch: start.Epoch, Seq: start.Seq})
	for _, state := range []contactv1.OfferState{contactv1.OfferState_OFFER_STATE_LIVE, contactv1.OfferState_OFFER_STATE_ACCEPTED, contactv1.OfferState_OFFER_STATE_WRAPUP} {
		c := w.news(t).GetContactChanged()
		if c.GetOfferState() != state || c.GetCard().GetState() != contactv1.OfferState_OFFER_STATE_WRAPUP {
			t.Errorf("want %s on a card in wrap-up: %v", state, c)
		}
	}
}
