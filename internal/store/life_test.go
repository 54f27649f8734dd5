package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func TestAContactIsOfferedAcceptedAnsweredAndWrappedUp(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Where is my parcel?")
	offer := c.Claim(t, contact, "mina")
	if err := c.OfferShown(t.Context(), "mina", offer); err != nil {
		t.Fatal(err)
	}
	owned, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offer)
	if err != nil || owned.Phase != postroom.ContactOwned || owned.Agent != "mina" {
		t.Fatalf("accept: %+v, %v", owned, err)
	}
	draft, err := c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("It is on its way.")})
	if err != nil || draft.Version != 1 {
		t.Fatalf("draft: %+v, %v", draft, err)
	}
	source, err := c.ReplySource(t.Context(), offer, "")
	if err != nil || source.To != "kim@customer.example" || source.From != "support@shop.example" {
		t.Fatalf("reply source: %+v, %v", source, err)
	}
	reply := store.Reply{Outbox: postroom.OutboxID(testkit.NewID()), Message: postroom.MessageID(testkit.NewID()), Mailbox: source.Mailbox,
		DraftVersion: 1, From: postroom.Address{Address: postroom.SealText(source.From)}, Recipients: []store.Recipient{{Field: "to", Address: postroom.Address{Address: postroom.SealText(source.To)}}},
		Subject: postroom.SealText("Re: Where is my parcel?"), Body: postroom.SealText(source.Body), MessageID: "c.1@shop.example",
		EnvelopeFrom: source.From, BlobKey: "blob", Size: 10}
	wrapping, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply)
	if err != nil || wrapping.Phase != postroom.ContactWrapUp || len(wrapping.Sends) != 1 {
		t.Fatalf("reply: %+v, %v", wrapping, err)
	}
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	if err != nil || !taken.Take || taken.Sending.EnvelopeTo[0] != source.To {
		t.Fatalf("take: %+v, %v", taken, err)
	}
	if err := c.BeforeDot(t.Context(), reply.Outbox, taken.Sending.Token); err != nil {
		t.Fatal(err)
	}
	if err := noted(c.EndAttempt(t.Context(), reply.Outbox, taken.Sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Code: 250})); err != nil {
		t.Fatal(err)
	}
	if err := c.SaveWrapUpNote(t.Context(), "mina", offer, postroom.SealText("parcel"), nil); err != nil {
		t.Fatal(err)
	}
	done, err := c.CompleteWrapUp(t.Context(), testkit.Command("mina"), offer, postroom.WrapUp{Code: "other", Status: postroom.StatusResolved})
	if err != nil || done.Phase != postroom.ContactDone || len(done.Sends) != 0 {
		t.Fatalf("complete: %+v, %v", done, err)
	}
	view, messages, _, err := c.ContactView(t.Context(), contact)
	if err != nil || view.Outcome != string(postroom.OutcomeReplied) || len(messages) != 2 || messages[1].Delivery != postroom.DeliverySent {
		t.Fatalf("view: %+v, %+v, %v", view, messages, err)
	}
	story, err := c.Story(t.Context(), contact)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range story {
		told = append(told, e.Event)
	}
	want := []string{"opened", "routed", "offered", "accepted", "replied", "completed"}
	if len(told) != len(want) {
		t.Fatalf("story %v, want %v", told, want)
	}
	snap, err := c.AgentSnapshot(t.Context(), "mina")
	if err != nil || len(snap.Cards) != 0 || snap.Status.State != postroom.AgentAvailable {
		t.Fatalf("snapshot: %+v, %v", snap, err)
	}
	events, resume, err := c.EventsAfter(t.Context(), store.AgentStream("mina"), 0, 100)
	if err != nil || !resume || int64(len(events)) != snap.Head.Seq {
		t.Fatalf("events: %d of %d, %v", len(events), snap.Head.Seq, err)
	}
}

func TestAnOfferThatNobodyAnswersMakesTheAgentRONAOnce(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Second, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Claim(t, contact, "mina")
	if err := c.OfferShown(t.Context(), "mina", offer); err != nil {
		t.Fatal(err)
	}
	early, err := c.ExpireOffer(t.Context(), offer)
	if err != nil || early.Ended != "" || early.Snapshot.Remaining <= 0 {
		t.Fatalf("too early: %+v, %v", early, err)
	}
	later := c.Database.Open(t, store.Options{Shift: 2 * time.Second})
	ended, err := later.ExpireOffer(t.Context(), offer)
	if err != nil || ended.Ended != postroom.OfferExpired || ended.Snapshot.Phase != postroom.ContactWaiting {
		t.Fatalf("expire: %+v, %v", ended, err)
	}
	again, err := later.ExpireOffer(t.Context(), offer)
	if err != nil || again.Ended != "" {
		t.Fatalf("expire again: %+v, %v", again, err)
	}
	status, err := c.AgentStatus(t.Context(), "mina")
	if err != nil || status.State != postroom.AgentRONA {
		t.Fatalf("status: %+v, %v", status, err)
	}
	if _, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offer); postroom.ReasonOf(err) != postroom.ReasonOfferExpired {
		t.Fatalf("a late accept: %v", err)
	}
}
