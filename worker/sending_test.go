package worker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// soonProbed has replies looked for soon.
var soonProbed = store.Options{ProbeAfter: 300 * time.Millisecond, ProbeAgain: 100 * time.Millisecond}

// sendingStories are what becomes of a reply after Send.
var sendingStories = []story{
	{name: "undone", rona: time.Minute, runs: 1, steps: []int{8}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Exec(t, "UPDATE queue SET undo_seconds = 60")
		contact, offer := send(t, w)
		testkit.Done(w.Gateway.Undo(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		if got := w.Text(t, "SELECT state FROM outbox"); got != "cancelled" || len(mail.Messages("kim@customer.example", 10)) != 0 {
			t.Errorf("the reply is %s", got)
		}
		return contact
	}},
	{name: "wrapped-up-in-the-undo-window", rona: time.Minute, runs: 1, steps: []int{6}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Exec(t, "UPDATE queue SET undo_seconds = 60")
		contact, offer := send(t, w)
		complete(t, w, "mina", contact, offer)
		received(t, mail, 1) // at once
		return contact
	}},
	{name: "scheduled", rona: time.Minute, runs: 1, steps: []int{6}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		w.Exec(t, "UPDATE queue SET undo_seconds = 60")
		at := time.Now().Add(4 * time.Second)
		contact, offer := sendAt(t, w, at)
		complete(t, w, "mina", contact, offer)
		w.StopWorker() // what waits does not depend on a process
		if n := len(mail.Messages("kim@customer.example", 10)); n != 0 {
			t.Errorf("%d mails before their time", n)
		}
		w.StartWorker(t)
		if got := received(t, mail, 1); got[0].Received.Before(at) {
			t.Errorf("it came %v early", at.Sub(got[0].Received))
		}
		return contact
	}},
	{name: "acknowledged", rona: time.Minute, runs: 1, steps: []int{7}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		acknowledging(t, w)
		mail := w.ConnectMail(t)
		w.Ready(t, "mina")
		contact := acknowledged(t, w)
		received(t, mail, 1) // before anybody accepts it
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		complete(t, w, "mina", contact, offer)
		return contact
	}},
	{name: "looked-for-in-vain", rona: time.Minute, runs: 1, steps: []int{6}, options: soonProbed, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		mail := w.ConnectMail(t)
		mail.Inject(devmail.FaultCutAfterDot, 1)
		contact, offer := send(t, w)
		complete(t, w, "mina", contact, offer)
		if result := w.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
			t.Errorf("ended as %+v", result)
		}
		if got := w.Text(t, "SELECT concat_ws(' ', state, attempts, probes) FROM outbox"); got != "unknown 1 3" {
			t.Errorf("the reply is %s", got)
		}
		return contact
	}},
}

// R21: the same lost answer, with a copy in the Sent folder: the reply was sent. It is never sent again by itself, and a person sends the same
// bytes under the same Message-ID.
func TestReplyThatTheSentFolderHoldsWasSentAndOneThatItLacksAPersonSendsAgain(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"", "Sent"} { // named by the configuration, or by the server
		for _, kept := range []bool{true, false} {
			w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, soonProbed), testkit.NewTemporal(t))
			mail := w.ConnectMail(t)
			w.Exec(t, "UPDATE mailbox SET sent_folder = $1", folder)
			w.Exec(t, "UPDATE queue SET undo_seconds = 1") // so that the copy is there first
			mail.Inject(devmail.FaultCutAfterDot, 1)
			contact, offer := send(t, w)
			id := w.Text(t, "SELECT internet_message_id FROM outbox")
			if kept {
				keep(t, mail, "Message-ID: <"+id+">\r\nSubject: a copy\r\n\r\nHello\r\n")
			}
			want := map[bool]string{true: "sent", false: "unknown"}[kept]
			testkit.Eventually(t, "the reply to be "+want, func() bool { return w.Text(t, "SELECT state FROM outbox") == want })
			if n := len(mail.Messages("kim@customer.example", 10)); n != 1 {
				t.Errorf("the customer has %d mails", n)
			}
			complete(t, w, "mina", contact, offer)
			w.AwaitEnd(t, contact)
			if kept {
				continue
			}
			message := postroom.MessageID(w.Text(t, "SELECT message_id::text FROM outbox"))
			if _, err := w.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, contact, message, store.DecideResend); err != nil {
				t.Fatal(err)
			}
			must(t, w.Gateway.SyncContact(t.Context(), contact))
			twice := received(t, mail, 2)
			if twice[0].MessageID != id || twice[1].MessageID != id || twice[0].Text != twice[1].Text {
				t.Errorf("not the same mail: %q %q", twice[0].MessageID, twice[1].MessageID)
			}
			testkit.Eventually(t, "the resent reply to be sent", func() bool { return w.Text(t, "SELECT state FROM outbox") == "sent" })
		}
	}
}

// keep puts a copy into the Sent folder, as providers do with what is submitted to them.
func keep(t *testing.T, mail *devmail.Server, copied string) {
	t.Helper()
	host, port, err := net.SplitHostPort(mail.IMAPAddr())
	must(t, err)
	n, err := strconv.Atoi(port)
	must(t, err)
	s, err := mailbox.Open(t.Context(), mailbox.Config{Host: host, Port: n, Security: mailbox.SecurityNone, Username: "support@shop.example",
		Password: "a password of the mailbox"})
	must(t, err)
	must(t, s.Append(t.Context(), "Sent", []byte(copied), time.Now()))
	must(t, s.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send has mina answer a new contact of kim's, and returns the contact and the offer.
func send(t *testing.T, w *testkit.Working) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	return sendAt(t, w, time.Time{})
}

func sendAt(t *testing.T, w *testkit.Working, at time.Time) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", canary)
	offer := w.AwaitOffer(t, "mina", contact)
	testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
	draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("About your " + canary)})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version, SendAt: at}))(t)
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

// R21: the server is down for 50 replies, and is back: each arrives once, over a few connections.
func TestFiftyRepliesThatFoundTheServerDownAllArriveOnceWhenItIsBack(t *testing.T) {
	t.Parallel()
	const replies = 50
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	w.SetRetry(t, func(int) time.Duration { return 500 * time.Millisecond })
	mail := w.ConnectMail(t)
	up := w.Text(t, "SELECT smtp->>'port' FROM mailbox")
	w.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', '1')") // nobody listens there
	agents := w.Hire(t, 10, 5)
	for _, a := range agents {
		w.SignIn(t, a)
	}
	for n := range replies {
		agent := agents[n%len(agents)]
		contact := w.Arrive(t, fmt.Sprintf("kim%d@customer.example", n), canary)
		offer := w.Own(t, contact, agent)
		draft, err := w.SaveDraft(t.Context(), testkit.Command(agent), store.DraftSave{Offer: offer, Body: postroom.SealText("It arrives today.")})
		must(t, err)
		testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On(agent, contact, offer), DraftVersion: draft.Version}))(t)
	}
	testkit.Eventually(t, "every reply to be put off", func() bool {
		return w.Count(t, "SELECT count(*) FROM outbox WHERE attempts >= 1 AND state IN ('deferred', 'sending')") == replies
	})
	w.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', to_jsonb($1::text::int))", up)
	testkit.Eventually(t, "every reply to be sent", func() bool { return w.Count(t, "SELECT count(*) FROM outbox WHERE state = 'sent'") == replies })
	for n := range replies {
		if got := mail.Messages(fmt.Sprintf("kim%d@customer.example", n), 10); len(got) != 1 {
			t.Errorf("customer %d has %d mails", n, len(got))
		}
	}
}

// R21: a reply that the server puts off is tried for 48 hours, by the clock of its row, and then given up; and one that was scheduled for last
// week's tomorrow has its own 48.
func TestReplyIsGivenUpAfterFortyEightHours(t *testing.T) {
	t.Parallel()
	for age, want := range map[string]string{"47 hours": "deferred", "47 hours 59 minutes 30 seconds": "failed"} {
		w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
		w.ConnectMail(t)
		w.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', '1')")
		w.Exec(t, "UPDATE queue SET undo_seconds = 2")
		send(t, w)
		w.Exec(t, "UPDATE outbox SET created_at = created_at - $1::interval", age)
		testkit.Eventually(t, "the reply to be "+want, func() bool { return w.Text(t, "SELECT state FROM outbox") == want })
	}
}

// A reply has both forms, the queue's signature and the customer's mail below, and is signed for the mailbox's domain where it says so.
func TestReplyHasBothFormsTheSignatureAndTheMailThatItAnswers(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	mail := w.ConnectMail(t)
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(w.Secrets, "dkim"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	w.Exec(t, `UPDATE mailbox SET dkim = '{"selector": "mail", "secret": "dkim"}'`)
	w.Exec(t, "UPDATE queue SET signature = E'Kind regards\\nShop Support'")
	send(t, w)
	got := received(t, mail, 1)[0]
	for _, part := range []string{"About your " + canary, "-- \r\nKind regards\r\nShop Support\r\n", "kim@customer.example> wrote:\r\n> Hello, where is my parcel?"} {
		if !strings.Contains(got.Text, part) {
			t.Errorf("the text lacks %q:\n%s", part, got.Text)
		}
	}
	if !strings.Contains(got.HTML, "<blockquote") || !strings.Contains(got.HTML, "Hello, where is my parcel?") {
		t.Errorf("the HTML is\n%s", got.HTML)
	}
	if signature := strings.Join(got.Headers["Dkim-Signature"], ""); !strings.Contains(signature, "d=shop.example") || !strings.Contains(signature, "s=mail") {
		t.Errorf("the signature is %q", signature)
	}
	if automatic := got.Headers["Auto-Submitted"]; automatic != nil {
		t.Errorf("a person's reply says Auto-Submitted: %v", automatic)
	}
	if body := w.Text(t, "SELECT body FROM message WHERE direction = 'out'"); body != "About your "+canary {
		t.Errorf("the desktop shows %q", body)
	}
}
