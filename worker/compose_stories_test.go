package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// composition is what an agent decides beside a text; addresses are customers' data, and stand in no history.
func composition(purpose postroom.Purpose, recipients ...store.Recipient) store.Composition {
	return store.Composition{ID: postroom.CompositionID(testkit.NewID()), Purpose: purpose, Recipients: recipients}
}

func to(field, address string) store.Recipient {
	return store.Recipient{Field: field, Address: postroom.Address{Name: postroom.SealText(canary), Address: postroom.SealText(address)}}
}

// composeStories are contacts whose mails go to chosen recipients (R15), are passed on, or come first (R23).
var composeStories = []story{
	{name: "forwarded", rona: time.Minute, runs: 1, steps: []int{7}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Ready(t, "mina")
		contact := w.Begin(t, "kim@customer.example", canary)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		k := composition(postroom.PurposeForward, to("to", canary+"@carrier.example"))
		k.Original, k.Body = postroom.MessageID(w.Text(t, "SELECT id::text FROM message")), postroom.SealText("Where is this "+canary+"?")
		must(t, w.Compose(t.Context(), testkit.Command("mina"), offer, k))
		forward := workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), Composition: k.ID}
		for range 2 { // asked twice, it goes once
			if now := testkit.Done(w.Gateway.Reply(t.Context(), forward))(t); now.Phase != postroom.ContactOwned {
				t.Errorf("after it was passed on the contact is %s", now.Phase)
			}
		}
		arrived(t, mail.Await, strings.ToLower(canary)+"@carrier.example", 1)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "begun-with-a-mail", rona: time.Minute, runs: 1, steps: []int{3, 4}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Ready(t, "mina")
		k := composition(postroom.PurposeNew, to("to", "kim@customer.example"), to("cc", canary+"@customer.example"), to("bcc", "boss@partner.example"))
		k.Subject = postroom.SealText("Your " + canary)
		begun, err := w.BeginMail(t.Context(), testkit.Command("mina"), store.Beginning{Queue: "general", Customer: k.Recipients[0].Address, Subject: k.Subject,
			Body: postroom.SealText("About your " + canary), Composed: k})
		must(t, err)
		sent := testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", begun.Contact, begun.Offer), DraftVersion: begun.Draft,
			Composition: k.ID}))(t)
		if sent.Phase != postroom.ContactWrapUp {
			t.Errorf("after its first mail the contact is %s", sent.Phase)
		}
		for _, who := range []string{"kim@customer.example", strings.ToLower(canary) + "@customer.example", "boss@partner.example"} {
			arrived(t, mail.Await, who, 1)
		}
		complete(t, w, "mina", begun.Contact, begun.Offer)
		return begun.Contact
	}},
}

// arrived waits until an address has n mails, and no more.
func arrived[M any](t *testing.T, await func(context.Context, string, int) ([]M, error), address string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := await(ctx, address, n); err != nil || len(got) != n {
		t.Fatalf("%s has %d mails, not %d: %v", address, len(got), n, err)
	}
}
