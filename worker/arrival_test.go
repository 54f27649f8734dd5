package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// watched is a centre whose mailbox, under a name of its own, is on real servers and watched.
func watched(t *testing.T, mailbox postroom.MailboxID) (*testkit.Working, *devmail.Server) {
	t.Helper()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	c := testkit.Sample(time.Minute)
	c.Mailboxes[0].ID, c.Queues[0].Mailbox, c.EntryPoints[0].Mailbox = mailbox, mailbox, mailbox
	c.Mailboxes[0].PlusAddressing = true
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("renamed")); err != nil {
		t.Fatal(err)
	}
	w.Exec(t, "UPDATE mailbox SET told = version")
	mail := w.ConnectMail(t)
	w.Exec(t, "UPDATE mailbox SET version = version + 1, tell_at = NULL WHERE id = $1", mailbox)
	return w, mail
}

// write sends a letter to the centre.
func write(t *testing.T, mail *devmail.Server, l devmail.Letter) {
	t.Helper()
	if l.To == nil {
		l.To = []string{"support@shop.example"}
	}
	if _, err := mail.Send(l); err != nil {
		t.Fatal(err)
	}
}

// R34, end to end: the reply to an address that refuses mail comes back as a real report, and is bounced; a report that an outsider made up
// changes nothing.
func TestBounceOfARealServerReachesItsReply(t *testing.T) {
	t.Parallel()
	w, mail := watched(t, "returns")
	w.Ready(t, "mina")
	reply := func(from string) (postroom.ContactID, string) {
		t.Helper()
		write(t, mail, devmail.Letter{From: from, Subject: "Parcel " + from, Text: "Where is it?"})
		var id string
		testkit.Eventually(t, "the mail to open a contact", func() bool {
			id = w.Text(t, "SELECT coalesce((SELECT id::text FROM contact WHERE subject = $1), '')", "Parcel "+from)
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
		return contact, "SELECT x.state || CASE x.state WHEN 'bounced' THEN ' ' || x.enhanced_code ELSE '' END FROM outbox x WHERE x.contact_id = '" + string(contact) + "'"
	}
	bounced, delivery := reply("bounce-kim@customer.example")
	testkit.Eventually(t, "the reply to come back", func() bool { return w.Text(t, delivery) == "bounced 5.1.1" })
	if by := w.Text(t, "SELECT DISTINCT matched_by FROM delivery_report"); by != "token" {
		t.Errorf("it was found by %q", by)
	}
	if n := w.Count(t, "SELECT count(*) FROM address_mark WHERE address = 'bounce-kim@customer.example' AND bad_since IS NOT NULL"); n != 1 {
		t.Errorf("the address is marked bad %d times", n)
	}
	testkit.Eventually(t, "the matter to be somebody's", func() bool {
		return w.Count(t, "SELECT count(*) FROM contact WHERE thread_id = (SELECT thread_id FROM contact WHERE id = $1) AND phase <> 'done'", bounced) == 1
	})

	_, delivery = reply("lee@customer.example")
	testkit.Eventually(t, "the second reply to be sent", func() bool { return w.Text(t, delivery) == "sent" })
	reports := w.Count(t, "SELECT count(*) FROM received WHERE arrival = 'report'")
	forgeries := []string{"c." + uuid.NewString() + ".aaaaaaaaaaaaaaaa@shop.example",
		w.Text(t, "SELECT 'c.' || id || '.aaaaaaaaaaaaaaaa@shop.example' FROM outbox WHERE state = 'sent'")}
	for i, forged := range forgeries {
		write(t, mail, devmail.Letter{From: "MAILER-DAEMON@evil.example", Subject: "Undelivered mail", Text: "It failed.", Attachments: []devmail.File{
			{Name: "status", Type: "message/delivery-status", Content: []byte("Reporting-MTA: dns; evil.example\r\n\r\nFinal-Recipient: rfc822; lee@customer.example\r\n" +
				"Action: failed\r\nStatus: 5.1.1\r\n")},
			{Name: "mail", Type: "text/rfc822-headers", Content: []byte(fmt.Sprintf("Message-ID: <%s>\r\nSubject: Re: %d\r\n", forged, i))},
		}})
	}
	testkit.Eventually(t, "the forgeries to be read", func() bool {
		return w.Count(t, "SELECT count(*) FROM received WHERE arrival = 'report'") == reports+len(forgeries)
	})
	if got := w.Text(t, delivery); got != "sent" {
		t.Errorf("a forged report made the reply %q", got)
	}
	if n := w.Count(t, "SELECT count(*) FROM address_mark WHERE address LIKE 'lee%'"); n != 0 {
		t.Error("a forged report marked an address")
	}
	w.MustHold(t)
}
