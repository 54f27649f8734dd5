package worker_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// lifeStories are the paths beyond the first answer: passed on (R23), parked (R45), back from wrap-up (R22), taken up again (R46).
var lifeStories = []story{
	{name: "transferred-to-queue", rona: time.Minute, runs: 1, steps: []int{10, 11}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		contact, offer := ownedByMina(t, w)
		w.Choose(t, "mina", postroom.AgentIdle, "lunch")
		w.Ready(t, "tom")
		testkit.Done(w.Gateway.Transfer(t.Context(), workflows.TransferCommand{OfferCommand: testkit.On("mina", contact, offer), Queue: "general"}))(t)
		handleAndClose(t, w, "tom", contact)
		complete(t, w, "mina", contact, offer) // the contact is done, and its workflow has waited for this
		return contact
	}},
	{name: "transferred-to-agent", rona: time.Minute, runs: 1, steps: []int{11, 12}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.Exec(t, `UPDATE queue SET rules = rules || '{"preferred_time": 2000000000}'`)
		contact, offer := ownedByMina(t, w)
		w.Choose(t, "mina", postroom.AgentIdle, "lunch")
		w.SignIn(t, "jiwoo")
		w.Choose(t, "jiwoo", postroom.AgentIdle, "lunch")
		w.Ready(t, "tom")
		testkit.Done(w.Gateway.Transfer(t.Context(), workflows.TransferCommand{OfferCommand: testkit.On("mina", contact, offer), Agent: "jiwoo"}))(t)
		complete(t, w, "mina", contact, offer)
		second := w.AwaitOffer(t, "tom", contact) // jiwoo did not come in time
		if waited := w.Text(t, `SELECT (o.offered_at >= e.at + interval '2 seconds')::text FROM offer o, contact_event e
			WHERE o.id = $1 AND e.contact_id = o.contact_id AND e.event = 'transferred'`, second); waited != "true" {
			t.Error("tom was offered it while it waited for jiwoo")
		}
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("tom", contact, second)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("tom", contact, second)))(t)
		complete(t, w, "tom", contact, second)
		return contact
	}},
	{name: "parked-until-time", rona: time.Minute, runs: 1, steps: []int{10, 11}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		contact, offer := ownedByMina(t, w)
		testkit.Done(w.Gateway.Park(t.Context(), workflows.ParkCommand{OfferCommand: testkit.On("mina", contact, offer), Until: time.Now().Add(2 * time.Second)}))(t)
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
	{name: "parked-and-customer-writes", rona: time.Minute, runs: 1, steps: []int{12, 13}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.ConnectMail(t)
		contact, offer := ownedByMina(t, w)
		draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("About your " + canary)})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
		testkit.Done(w.Gateway.Return(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Park(t.Context(), workflows.ParkCommand{OfferCommand: testkit.On("mina", contact, offer)}))(t)
		answer := w.Text(t, "SELECT internet_message_id FROM message WHERE direction = 'out'")
		if in, err := w.Ingest(t.Context(), w.FollowUp("kim@customer.example", answer)); err != nil || in.Contact != contact {
			t.Fatalf("the customer's mail: %+v, %v", in, err)
		}
		if err := w.Gateway.SyncContact(t.Context(), contact); err != nil {
			t.Fatal(err)
		}
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
	{name: "returned", rona: time.Minute, runs: 1, steps: []int{8}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		contact, offer := ownedByMina(t, w)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Return(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "reopened", rona: time.Minute, runs: 1, steps: []int{3, 4}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		earlier, offer := ownedByMina(t, w)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", earlier, offer)))(t)
		complete(t, w, "mina", earlier, offer)
		begun := testkit.Done(w.ReopenContact(t.Context(), testkit.Command("mina"), earlier))(t)
		if err := w.Gateway.SyncContact(t.Context(), begun.Contact); err != nil {
			t.Fatal(err)
		}
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", begun.Contact, begun.Offer)))(t)
		complete(t, w, "mina", begun.Contact, begun.Offer)
		return begun.Contact
	}},
}

// ownedByMina is a contact that mina has accepted.
func ownedByMina(t *testing.T, w *testkit.Working) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", canary)
	offer := w.AwaitOffer(t, "mina", contact)
	testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
	return contact, offer
}
