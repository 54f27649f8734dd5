package worker_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/realmail"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// The life of a mail with Debian's servers: a customer writes through Postfix, it comes in by Dovecot, the reply goes through Postfix into his mailbox,
// his answer comes to the same contact; and a reply to an address that does not exist comes back as Postfix's own report, and is bounced (R22, R34).
func TestMailComesAndGoesThroughPostfixAndDovecot(t *testing.T) {
	t.Parallel()
	servers := testkit.NewRealMail(t, realmail.Options{Postfix: true})
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	const ours, watchedAs = "support@shop.example", postroom.MailboxID("postfix")
	c := testkit.Sample(time.Minute)
	c.Mailboxes[0].ID, c.Queues[0].Mailbox, c.EntryPoints[0].Mailbox = watchedAs, watchedAs, watchedAs
	c.Mailboxes[0].PlusAddressing = true
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("postfix")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Secrets, "mailbox-support"), []byte(realmail.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, `UPDATE mailbox SET imap = jsonb_set(imap, '{port}', to_jsonb($1::int)), smtp = jsonb_set(smtp, '{port}', to_jsonb($2::int)),
		version = version + 1, tell_at = NULL`, servers.IMAP, servers.SMTP)
	w.Ready(t, "mina")
	customer, err := outbound.New(outbound.Config{Host: "127.0.0.1", Port: servers.SMTP, Security: outbound.SecurityNone})
	if err != nil {
		t.Fatal(err)
	}
	writes := func(from, subject, more string) {
		t.Helper()
		mail := fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@customer.example>\r\n%s\r\nWhere is my parcel?\r\n", from, ours, subject, rand.Text(), more)
		got, err := customer.Send(t.Context(), outbound.Submission{From: from, To: []string{ours}, Mail: []byte(mail)}, func(context.Context) error { return nil })
		if err != nil || got.Outcome != outbound.OutcomeAccepted {
			t.Fatalf("%v, %v", got, err)
		}
	}
	answered := func(from string) (postroom.ContactID, string) {
		t.Helper()
		writes(from, "Parcel of "+from, "")
		var id string
		testkit.Eventually(t, "the mail to open a contact", func() bool {
			id = w.Text(t, "SELECT coalesce((SELECT id::text FROM contact WHERE subject = $1), '')", "Parcel of "+from)
			return id != ""
		})
		contact := postroom.ContactID(id)
		offer := w.AwaitOffer(t, "mina", contact)
		testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
		draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("It is on its way.")})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
		complete(t, w, "mina", contact, offer)
		return contact, "SELECT x.state || CASE x.state WHEN 'bounced' THEN ' ' || x.enhanced_code ELSE '' END FROM outbox x WHERE x.contact_id = '" + id + "'"
	}

	kim, delivery := answered("kim@customer.example")
	var reply string
	testkit.Eventually(t, "the customer to have the reply", func() bool {
		mails := inboxOf(t, servers, "kim@customer.example")
		if len(mails) == 1 {
			reply = mails[0]
		}
		return len(mails) == 1
	})
	if !strings.Contains(reply, "It is on its way.") || w.Text(t, delivery) != "sent" {
		t.Errorf("the reply is %s, and he has\n%s", w.Text(t, delivery), reply)
	}
	id := regexp.MustCompile(`(?i)\r\nMessage-ID:\s*(<[^>]+>)`).FindStringSubmatch(reply)[1]
	writes("kim@customer.example", "Re: Parcel of kim@customer.example", "In-Reply-To: "+id+"\r\nReferences: "+id+"\r\n")
	testkit.Eventually(t, "the answer to come into the conversation", func() bool {
		return w.Count(t, "SELECT count(*) FROM message WHERE direction = 'in' AND thread_id = (SELECT thread_id FROM contact WHERE id = $1)", kim) == 2
	})

	_, delivery = answered("bounce-lee@customer.example")
	testkit.Eventually(t, "the reply to come back", func() bool { return w.Text(t, delivery) == "bounced 5.1.1" })
	if by := w.Text(t, "SELECT DISTINCT matched_by FROM delivery_report"); by != "token" {
		t.Errorf("it was found by %q", by)
	}
	w.MustHold(t)
}

// inboxOf reads an inbox at Dovecot.
func inboxOf(t *testing.T, servers *realmail.Servers, account string) (mails []string) {
	t.Helper()
	session, err := mailbox.Open(t.Context(), mailbox.Config{Host: "127.0.0.1", Port: servers.IMAP, Security: mailbox.SecurityNone, Username: account, Password: realmail.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	list, err := session.Next(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		mails = append(mails, string(m.Raw))
	}
	return mails
}
