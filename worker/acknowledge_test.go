package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// polite is a centre that acknowledges, with two mailboxes on real servers that are watched.
func polite(t *testing.T, name postroom.MailboxID) (*testkit.Working, *devmail.Server) {
	t.Helper()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	acknowledging(t, w, name)
	w.Exec(t, "UPDATE mailbox SET told = version")
	mail := w.ConnectMail(t)
	w.Exec(t, "UPDATE mailbox SET version = version + 1, tell_at = NULL WHERE id <> 'support'")
	return w, mail
}

func acknowledging(t *testing.T, w *testkit.Working, names ...postroom.MailboxID) {
	t.Helper()
	c := testkit.Sample(time.Minute)
	for _, name := range names {
		c.Mailboxes[0].ID, c.Queues[0].Mailbox, c.EntryPoints[0].Mailbox = name, name, name
	}
	c.Mailboxes[0].PlusAddressing = true
	c.Queues[0].Acknowledgement = "received"
	c.Templates = []postroom.Template{
		{ID: "received", Language: "en", Name: postroom.Name{English: "Received"}, Body: "Dear {{customer.name}},\nwe have \"{{subject}}\" of {{received}}.\n{{queue.name}}\n"},
		{ID: "received", Language: "ko", Name: postroom.Name{English: "Received"}, Body: "{{customer.name}}님, 메일을 받았습니다. {{queue.name}}\n"},
	}
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("polite")); err != nil {
		t.Fatal(err)
	}
}

// acknowledged begins a contact by a mail that may be acknowledged.
func acknowledged(t *testing.T, w *testkit.Working) postroom.ContactID {
	t.Helper()
	a := w.Mail("kim@customer.example", canary)
	a.MayAcknowledge = true
	got, err := w.Ingest(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	must(t, w.Gateway.StartContact(t.Context(), got.Contact))
	return got.Contact
}

// R34, RFC 3834: what a customer gets by itself says so, goes by the same way as a reply, quotes nothing, and is his language's.
func TestAcknowledgementSaysWhatItIs(t *testing.T) {
	t.Parallel()
	w, mail := polite(t, "polite")
	write(t, mail, devmail.Letter{From: "Kim Minji <kim@customer.example>", Subject: "Parcel", Text: "Where is the parcel that I ordered?", References: []string{"a@customer.example"}})
	got := received(t, mail, 1)[0]
	day := time.Now().UTC().Format("2 January 2006")
	if want := "Dear Kim Minji,\nwe have \"Parcel\" of " + day + ".\nGeneral\n"; strings.ReplaceAll(got.Text, "\r\n", "\n") != want {
		t.Errorf("it says %q, want %q", got.Text, want)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All", "X-Loop": "support@shop.example"} {
		if values := got.Headers[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q", name, values)
		}
	}
	id := w.Text(t, "SELECT internet_message_id FROM message WHERE direction = 'in'")
	if refs := got.Headers["References"]; len(got.Headers["In-Reply-To"]) != 1 || got.Headers["In-Reply-To"][0] != "<"+id+">" || len(refs) != 1 || !strings.HasSuffix(refs[0], "<"+id+">") {
		t.Errorf("In-Reply-To %q, References %q", got.Headers["In-Reply-To"], refs)
	}
	if _, ours := w.Keys.VerifyMessageID(postroom.InternetMessageID(got.MessageID)); !ours || got.Subject != "Re: Parcel" || got.HTML != "" {
		t.Errorf("Message-ID %q, subject %q, HTML %q", got.MessageID, got.Subject, got.HTML)
	}
	if from := w.Text(t, "SELECT envelope_from FROM outbox"); !strings.HasPrefix(from, "support+") { // plus addressing: reports come back to it
		t.Errorf("from %q", from)
	}
	testkit.Eventually(t, "it to be shown as sent", func() bool { return w.Text(t, "SELECT purpose || ' ' || state FROM outbox") == "acknowledgement sent" })

	write(t, mail, devmail.Letter{From: "Lee <lee@customer.example>", Subject: "소포", Text: "소포가 아직 오지 않았습니다."})
	testkit.Eventually(t, "the Korean one", func() bool { return len(mail.Messages("lee@customer.example", 10)) == 1 })
	if got := mail.Messages("lee@customer.example", 10)[0]; !strings.Contains(got.Text, "Lee님, 메일을 받았습니다. 일반") {
		t.Errorf("in Korean it says %q", got.Text)
	}

	// Without plus addressing nothing about it may come back: no sender in the envelope.
	w.Exec(t, "UPDATE mailbox SET plus_addressing = false")
	write(t, mail, devmail.Letter{From: "park@customer.example", Subject: "Parcel", Text: "And mine?"})
	testkit.Eventually(t, "the third", func() bool { return len(mail.Messages("park@customer.example", 10)) == 1 })
	if path := mail.Messages("park@customer.example", 10)[0].Headers["Return-Path"]; len(path) != 1 || path[0] != "<>" {
		t.Errorf("Return-Path %q", path)
	}
	w.MustHold(t)
}

// R34: a program that answers everything, and hides that it is one, gets one acknowledgement; its answers to that join its contact, and are
// acknowledged by nothing. Control: without the limit for a sender and the rule that what joins is not acknowledged, this goes on for ever.
func TestProgramThatAnswersEverythingIsAcknowledgedOnce(t *testing.T) {
	t.Parallel()
	w, mail := polite(t, "loops")
	write(t, mail, devmail.Letter{From: "kim@customer.example", Subject: "Hello", Text: "Hello"})
	answered := 0
	answer := func(m *devmail.Message, to []string, refers bool) {
		answered++
		l := devmail.Letter{From: "kim@customer.example", To: to, Subject: m.Subject, Text: "You wrote: " + m.Text}
		if refers {
			l.InReplyTo = m.MessageID
		}
		write(t, mail, l)
	}
	first := received(t, mail, 1)[0]
	answer(first, nil, true) // it joins
	for range 4 {            // new matters, of the same sender
		answer(first, nil, false)
	}
	testkit.Eventually(t, "all answers to be read", func() bool { return w.Count(t, "SELECT count(*) FROM received") == answered+1 })
	testkit.Eventually(t, "all of them to be decided", func() bool { return w.Count(t, "SELECT count(*) FROM contact WHERE acknowledge") == 0 })
	testkit.Eventually(t, "what is sent to be sent", func() bool { return w.Count(t, "SELECT count(*) FROM outbox WHERE settled_at IS NULL") == 0 })
	if n := len(mail.Messages("kim@customer.example", 100)); n != 1 || w.Count(t, "SELECT count(*) FROM outbox") != 1 {
		t.Errorf("%d acknowledgements", n)
	}
	// Two that both acknowledge: what comes back is one itself, and opens nothing.
	contacts := w.Count(t, "SELECT count(*) FROM contact")
	write(t, mail, devmail.Letter{From: "help@other.example", Subject: "Re: Hello", Text: "We have it.",
		Headers: map[string]string{"Auto-Submitted": "auto-replied", "X-Loop": "help@other.example", "X-Auto-Response-Suppress": "All"}})
	testkit.Eventually(t, "it to be screened", func() bool {
		return w.Count(t, "SELECT count(*) FROM received WHERE arrival = 'screened' AND reason = 'auto-reply'") == 1
	})
	if w.Count(t, "SELECT count(*) FROM contact") != contacts || len(mail.Messages("help@other.example", 10)) != 0 {
		t.Error("it was taken for a person's")
	}
	w.MustHold(t)
}

// R21, R34: an acknowledgement that the mail server puts off is tried again like a reply.
func TestAcknowledgementWaitsForTheMailServer(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	w.SetRetry(t, func(int) time.Duration { return 100 * time.Millisecond })
	mail := w.ConnectMail(t)
	port := w.Text(t, "SELECT smtp->>'port' FROM mailbox")
	acknowledging(t, w)
	w.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', '1')")
	a := w.Mail("kim@customer.example", "Parcel")
	a.MayAcknowledge = true
	got, err := w.Ingest(t.Context(), a)
	must(t, err)
	must(t, w.Gateway.StartContact(t.Context(), got.Contact))
	testkit.Eventually(t, "it to be put off", func() bool {
		return w.Count(t, "SELECT count(*) FROM outbox WHERE state = 'deferred' AND attempts > 1") == 1
	})
	w.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', to_jsonb($1::int)), imap = jsonb_set(imap, '{port}', '1')", port)
	received(t, mail, 1)
	testkit.Eventually(t, "it to be sent", func() bool { return w.Text(t, "SELECT state FROM outbox") == "sent" })
	w.MustHold(t)
}
