package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// answeredMail is a contact that mina answered, and the reply on its way.
type answeredMail struct {
	*testkit.Centre
	contact postroom.ContactID
	offer   postroom.OfferID
	reply   postroom.OutboxID
}

// answerFor has mina answer a mail, and the server take the reply.
func answerFor(t *testing.T, c *testkit.Centre, from string) answeredMail {
	t.Helper()
	a := answeredMail{Centre: c, contact: c.Arrive(t, from, "Hello")}
	a.offer = c.Own(t, a.contact, "mina")
	c.Reply(t, a.offer, "mina")
	a.reply = postroom.OutboxID(c.Text(t, "SELECT id::text FROM outbox WHERE contact_id = $1", a.contact))
	taken, err := c.TakeToSend(t.Context(), a.reply)
	must(t, err)
	must(t, c.BeforeDot(t.Context(), a.reply, taken.Sending.Token))
	must(t, noted(c.EndAttempt(t.Context(), a.reply, taken.Sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Code: 250})))
	return a
}

// bounce is a report that says that mail to an address failed for good.
func (a answeredMail) bounce(to string, traces ...store.Trace) store.Arrived {
	mail := a.Mail("mailer-daemon@isp.example", "Undelivered mail")
	mail.Automatic = "bounce"
	mail.Report = &store.Report{Kind: "bounce", Traces: traces, Recipients: []store.Reported{{Address: postroom.SealText(to), Action: "failed",
		Status: "5.1.1", Class: "5", Failed: true, Hard: true, ReplyCode: 550, Diagnostic: postroom.SealText("No such mailbox here")}}}
	return mail
}

func (a answeredMail) delivery(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(a.Text(t, "SELECT concat_ws(' ', state, reply_code, enhanced_code, server_text) FROM outbox WHERE id = $1", a.reply))
}

const bouncedDelivery = "bounced 550 5.1.1 No such mailbox here"

// R34: a bounce goes to the reply that caused it, whatever leads there; what proves nothing is kept and changes nothing.
func TestBounceFindsTheReplyThatCausedIt(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.Exec(t, "UPDATE agent_capacity SET capacity = 10")
	c.SignIn(t, "mina")
	another := func(answeredMail) store.Trace {
		return store.Trace{Outbox: postroom.OutboxID(testkit.NewID()), By: store.ByEnvelopeID}
	}
	tests := []struct {
		name    string
		traces  func(a answeredMail) []store.Trace
		to      string
		matched string // how the report says that it was matched, "" for not at all
		bounced bool
	}{
		{"by the token of its address", func(a answeredMail) []store.Trace { return []store.Trace{{Outbox: a.reply, By: store.ByToken}} }, "", "token", true},
		{"by its envelope's id", func(a answeredMail) []store.Trace { return []store.Trace{{Outbox: a.reply, By: store.ByEnvelopeID}} }, "", "envelope_id", true},
		{"by the Message-ID that came back", func(a answeredMail) []store.Trace {
			return []store.Trace{another(a), {Outbox: a.reply, By: store.ByMessageID}}
		}, "", "message_id", true},
		{"its recipient alone proves nothing", func(answeredMail) []store.Trace { return nil }, "", "recipient", false},
		{"nothing leads to a reply from somebody else's mail", func(a answeredMail) []store.Trace { return []store.Trace{another(a)} }, "stranger@other.example", "", false},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			from := string(rune('a'+i)) + "@customer.example"
			a := answerFor(t, c, from)
			if test.to == "" {
				test.to = strings.ToUpper(from)
			}
			got, err := c.Ingest(t.Context(), a.bounce(test.to, test.traces(a)...))
			must(t, err)
			if got.Arrival != postroom.ArrivalReport {
				t.Errorf("it counts as %q", got.Arrival)
			}
			if matched := c.Text(t, "SELECT coalesce(min(matched_by), '') FROM delivery_report WHERE outbox_id = $1", a.reply); matched != test.matched {
				t.Errorf("matched by %q, want %q", matched, test.matched)
			}
			want, bad := "sent 250", 0
			if test.bounced {
				want, bad = bouncedDelivery, 1
			}
			if got := a.delivery(t); got != want {
				t.Errorf("the reply is %q, want %q", got, want)
			}
			if n := c.Count(t, "SELECT count(*) FROM address_mark WHERE address = $1 AND bad_since IS NOT NULL", from); n != bad {
				t.Errorf("the address is marked bad %d times, want %d", n, bad)
			}
			_, messages, _, err := c.ContactView(t.Context(), a.contact)
			if shown := err == nil && len(messages) == 3; shown != test.bounced {
				t.Errorf("the contact shows %d messages, %v", len(messages), err)
			}
			c.WrapUp(t, a.offer, "mina")
			c.MustHold(t)
		})
	}
}

// R34, I5: the customer has no answer then. While the contact is open, who holds it is told; when it is completed, the matter is opened again,
// once, and waits first for who answered.
func TestBouncedReplyIsSomebodysMatter(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	told := func() int {
		return c.Count(t, "SELECT count(*) FROM event WHERE stream_id = 'agent/mina' AND kind = 'contact'")
	}

	open := answerFor(t, c, "kim@customer.example")
	before := told()
	if got, err := c.Ingest(t.Context(), open.bounce("kim@customer.example", store.Trace{Outbox: open.reply, By: store.ByToken})); err != nil || got.Contact != open.contact {
		t.Errorf("a bounce of an open contact: %+v, %v", got, err)
	}
	if told() == before {
		t.Error("mina was not told")
	}
	view, _, _, err := c.ContactView(t.Context(), open.contact)
	if err != nil || !view.AddressBad {
		t.Errorf("the address is not shown as bad: %v", err)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact"); n != 1 {
		t.Errorf("%d contacts", n)
	}
	c.WrapUp(t, open.offer, "mina")

	done := answerFor(t, c, "lee@customer.example")
	c.WrapUp(t, done.offer, "mina")
	var again postroom.ContactID
	for n := range 3 { // mail systems repeat themselves
		got, err := c.Ingest(t.Context(), done.bounce("lee@customer.example", store.Trace{Outbox: done.reply, By: store.ByToken}))
		if err != nil || (got.Contact != "") != (n == 0) {
			t.Fatalf("bounce %d: %+v, %v", n, got, err)
		}
		if n == 0 {
			again = got.Contact
		}
	}
	if got := fact(t, c, again, "phase, target_agent_id, begun_from, told, queue_id"); got != "waiting mina "+string(done.contact)+" 0 general" {
		t.Errorf("the new contact is %s", got)
	}
	view, messages, _, err := c.ContactView(t.Context(), again)
	if err != nil || len(messages) != 5 || !view.AddressBad { // the mail, the reply, three reports
		t.Errorf("it shows %d messages, %v", len(messages), err)
	}
	c.MustHold(t)

	offer := c.Own(t, again, "mina")
	source, err := c.ReplySource(t.Context(), offer, "")
	if err != nil || source.To != "lee@customer.example" {
		t.Errorf("the next reply would go to %q, %v", source.To, err)
	}
	if _, err := c.Ingest(t.Context(), c.Mail("lee@customer.example", "Here I am")); err != nil {
		t.Fatal(err)
	}
	if view, _, _, err = c.ContactView(t.Context(), again); err != nil || view.AddressBad {
		t.Errorf("the address is still bad although mail came from it, %v", err)
	}
}

// A reply that came back while its contact was in wrap-up is not buried by a wrap-up that completes itself.
func TestBounceDuringAnAutomaticWrapUpIsNotBuried(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 5, default_wrapup_code = 'solved'")
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	_, err := c.Ingest(t.Context(), a.bounce("kim@customer.example", store.Trace{Outbox: a.reply, By: store.ByToken}))
	must(t, err)
	c.Exec(t, "UPDATE segment SET wrapup_due_at = clock_timestamp() WHERE offer_id = $1", a.offer)
	now, err := c.AutoWrapUp(t.Context(), a.offer)
	if err != nil || now.Phase != postroom.ContactDone {
		t.Fatalf("wrapped up: %+v, %v", now, err)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact WHERE phase = 'waiting' AND begun_from = $1", a.contact); n != 1 {
		t.Errorf("%d contacts were opened for the bounce", n)
	}
	c.MustHold(t)
}

// A delay is no failure; a receipt says when; a complaint keeps bulk mail away and nothing else.
func TestOtherReportsSayWhatTheySay(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	trace := store.Trace{Outbox: a.reply, By: store.ByMessageID}
	delay := a.bounce("kim@customer.example", trace)
	delay.Report.Recipients[0].Action, delay.Report.Recipients[0].Failed, delay.Report.Recipients[0].Hard = "delayed", false, false
	receipt, complaint := a.bounce("kim@customer.example", trace), a.bounce("", trace)
	receipt.Report.Kind, receipt.Report.Recipients = "receipt", []store.Reported{{Action: "displayed"}}
	complaint.Report.Kind, complaint.Report.Recipients = "feedback-report", []store.Reported{{Action: "abuse"}}
	for _, mail := range []store.Arrived{delay, receipt, complaint} {
		got, err := c.Ingest(t.Context(), mail)
		must(t, err)
		if got.Arrival != postroom.ArrivalReport || got.Contact != "" {
			t.Errorf("%s: %+v", mail.Report.Kind, got)
		}
	}
	if got := a.delivery(t); got != "sent 250" {
		t.Errorf("the reply is %q", got)
	}
	_, messages, _, err := c.ContactView(t.Context(), a.contact)
	must(t, err)
	if i := len(messages) - 4; i < 0 || messages[i].ReadAt == nil {
		t.Errorf("the reply was not read, of %d messages", len(messages))
	}
	if got := c.Text(t, "SELECT concat_ws(' ', address, bad_since IS NULL, no_bulk_why) FROM address_mark"); got != "kim@customer.example t abuse" {
		t.Errorf("what is known of the address: %s", got)
	}
	c.MustHold(t)
}

// A reply whose fate was unknown, and on which somebody had to decide, has been sent after all: it came back.
func TestBounceSettlesAReplyWhoseFateWasUnknown(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	c.Exec(t, "UPDATE outbox SET state = 'unknown', held_at = clock_timestamp(), probe_at = clock_timestamp()")
	_, err := c.Ingest(t.Context(), a.bounce("kim@customer.example", store.Trace{Outbox: a.reply, By: store.ByToken}))
	must(t, err)
	if got := a.delivery(t); got != bouncedDelivery {
		t.Errorf("the reply is %q", got)
	}
	c.MustHold(t)
}

// No address of any length stops the watch over a mailbox.
func TestMailWithEndlessAddressesIsStored(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	var long strings.Builder
	for range 500 {
		long.WriteString(testkit.NewID())
	}
	mail := c.Mail("kim@customer.example", "Hello")
	mail.Recipients = append(mail.Recipients, store.Recipient{Field: "cc", Address: postroom.Address{Address: postroom.SealText(long.String() + "@x.example")}})
	mail.References = []postroom.Text{postroom.SealText(long.String())}
	if got := ingest(t, c, mail); got.Arrival != postroom.ArrivalOpened {
		t.Errorf("%+v", got)
	}
	list := c.Mail(long.String()+"@x.example", "Hello")
	list.Automatic = "list"
	if got := ingest(t, c, list); got.Arrival != postroom.ArrivalScreened {
		t.Errorf("%+v", got)
	}
}
