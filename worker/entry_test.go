package worker_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R31: a mail is led to a queue by the first rule whose conditions its recipient, sender, subject and headers meet, else by the address that it
// was sent to; and its story says which.
func TestMailsAreLedToQueuesByRulesAndAddresses(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Hour, store.Options{}), testkit.NewTemporal(t))
	c := testkit.Sample(time.Hour)
	for _, id := range []postroom.QueueID{"bank", "billing", "campaign", "alias", "sales"} {
		q := c.Queues[0]
		q.ID = id
		c.Queues = append(c.Queues, q)
	}
	c.EntryPoints = append(c.EntryPoints, postroom.EntryPoint{Address: "sales@shop.example", Mailbox: c.Mailboxes[0].ID, Queue: "sales"})
	c.Rules = []postroom.RoutingRule{
		{ID: "bank", Sender: "*@bank.example", Queue: "bank"},
		{ID: "invoices", SubjectContains: "invoice", Queue: "billing"},
		{ID: "spring", Header: "X-Campaign", HeaderContains: "spring", Queue: "campaign"},
		{ID: "vip", Recipient: "vip@shop.example", Queue: "alias"},
	}
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.Actor{Kind: postroom.ActorCommand, ID: "test"}, c, postroom.SealText("document")); err != nil {
		t.Fatal(err)
	}
	to := func(a *store.Arrived, address string) {
		a.Recipients = []store.Recipient{{Field: "to", Address: postroom.Address{Address: postroom.SealText(address)}}}
	}
	for name, mail := range map[string]struct {
		from, subject string
		change        func(*store.Arrived)
		queue, why    string
	}{
		"sender":              {"kim@bank.example", "Invoice 7", nil, "bank", "bank"},
		"subject":             {"kim@customer.example", "Your INVOICE 7", nil, "billing", "invoices"},
		"header":              {"kim@customer.example", "Hello", func(a *store.Arrived) { a.Headers = postroom.SealText("X-Campaign: Spring 26\n") }, "campaign", "spring"},
		"recipient by header": {"kim@customer.example", "Hello", func(a *store.Arrived) { a.Headers = postroom.SealText("Delivered-To: vip@shop.example\n") }, "alias", "vip"},
		"address":             {"kim@customer.example", "Hello", func(a *store.Arrived) { to(a, "Sales@shop.example") }, "sales", "sales@shop.example"},
		"nothing of these":    {"kim@customer.example", "Hello", func(a *store.Arrived) { to(a, "info@elsewhere.example") }, "general", "support@shop.example"},
	} {
		arrived := w.Mail(mail.from, mail.subject)
		if mail.change != nil {
			mail.change(&arrived)
		}
		got, err := w.Ingest(t.Context(), arrived)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Gateway.StartContact(t.Context(), got.Contact); err != nil {
			t.Fatal(err)
		}
		w.AwaitPhase(t, got.Contact, postroom.ContactWaiting)
		queue := w.Text(t, "SELECT queue_id FROM contact WHERE id = $1", string(got.Contact))
		why := w.Text(t, "SELECT coalesce(detail ->> 'rule', detail ->> 'entry_point') FROM contact_event WHERE contact_id = $1 AND event = 'routed'", string(got.Contact))
		if queue != mail.queue || why != mail.why {
			t.Errorf("%s: it is in %s because of %s; want %s, %s", name, queue, why, mail.queue, mail.why)
		}
	}
}
