package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// send has mina answer a new contact of kim's, and returns the contact and the offer.
func send(t *testing.T, w *testkit.Working) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", canary)
	offer := w.AwaitOffer(t, "mina", contact)
	testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
	draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("About your " + canary)})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
	return contact, offer
}

// received waits until kim has n mails.
func received(t *testing.T, mail *devmail.Server, n int) []*devmail.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := mail.Await(ctx, "kim@customer.example", n)
	if err != nil || len(got) != n {
		t.Fatalf("the customer has %d mails, not %d: %v", len(got), n, err)
	}
	return got
}

// R21, R34: where the mailbox takes plus addresses, answers and reports find their thread and their reply by the address alone.
func TestRepliesCarryTokensWhereTheMailboxTakesPlusAddresses(t *testing.T) {
	t.Parallel()
	for _, plus := range []bool{true, false} {
		centre := testkit.NewCentre(t, time.Minute, store.Options{})
		w := testkit.NewWorking(t, centre, testkit.NewTemporal(t))
		mail := w.ConnectMail(t)
		w.Exec(t, "UPDATE mailbox SET plus_addressing = $1", plus)
		contact, offer := send(t, w)
		headers := received(t, mail, 1)[0].Headers
		returnPath, replyTo := strings.Join(headers["Return-Path"], ""), strings.Join(headers["Reply-To"], "")
		thread := w.Text(t, "SELECT thread_id::text FROM contact WHERE id = $1", contact)
		outbox := w.Text(t, "SELECT id::text FROM outbox WHERE contact_id = $1", contact)
		mailbox := w.Text(t, "SELECT address FROM mailbox")
		back, report := w.Keys.OpenPlus(mailbox, replyTo), w.Keys.OpenPlus(mailbox, returnPath)
		want, wantReport := keyring.Plus{}, keyring.Plus{}
		if plus {
			want, wantReport = keyring.Plus{Ours: true, Thread: postroom.ThreadID(thread)}, keyring.Plus{Ours: true, Outbox: postroom.OutboxID(outbox)}
		}
		if back != want || report != wantReport {
			t.Errorf("plus addressing %v: Reply-To %q is %+v, Return-Path %q is %+v", plus, replyTo, back, returnPath, report)
		}
		complete(t, w, "mina", contact, offer)
		w.AwaitEnd(t, contact)
	}
}
