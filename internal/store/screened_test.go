package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func releasing(mail store.Arrived) store.Releasing {
	return store.Releasing{Command: testkit.Command("sora"), By: sora, Team: "front", Message: mail.ID}
}

// R34: automatic mail is in no queue, and in a list with its reason; released, it is a customer's mail: of its thread, if it proved to be.
func TestScreenedMailIsListedAndReleased(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	news := c.Mail("news@shop.example.org", "Offers")
	news.Automatic = "list"
	if got := ingest(t, c, news); got.Arrival != postroom.ArrivalScreened || got.Contact != "" {
		t.Fatalf("%+v", got)
	}
	list := func(f store.ScreenedFilter) []store.ScreenedMail {
		t.Helper()
		f.Limit = 10
		mails, err := c.Screened(t.Context(), f)
		must(t, err)
		return mails
	}
	for name, f := range map[string]store.ScreenedFilter{"all": {}, "the team's": {Team: "front"}, "by reason": {Reason: "list", Arrival: postroom.ArrivalScreened, Mailbox: "support"}} {
		if mails := list(f); len(mails) != 1 || mails[0].Message != news.ID || mails[0].Reason != "list" || mails[0].From != "news@shop.example.org" {
			t.Errorf("%s: %+v", name, mails)
		}
	}
	if mails := list(store.ScreenedFilter{Team: "nobody"}); len(mails) != 0 {
		t.Errorf("another team sees %+v", mails)
	}
	foreign := releasing(news)
	foreign.Team = "nobody"
	_, err := c.ReleaseScreened(t.Context(), foreign)
	wantReason(t, "another team", err, postroom.KindNotFound, "unknown_message")

	var contact postroom.ContactID
	for n := range 3 { // by two people, and the same click twice
		r := releasing(news)
		now, err := c.ReleaseScreened(t.Context(), r)
		if err != nil || now.Phase != postroom.ContactNew || n > 0 && now.Contact != contact {
			t.Fatalf("released: %+v, %v", now, err)
		}
		contact = now.Contact
	}
	if _, err := c.RouteContact(t.Context(), contact, "general", map[string]string{"why": "test"}); err != nil {
		t.Fatal(err)
	}
	c.MustHold(t)
	offer := c.Own(t, contact, "mina")
	if source, err := c.ReplySource(t.Context(), offer, ""); err != nil || source.To != "news@shop.example.org" {
		t.Errorf("it is answered to %q, %v", source.To, err)
	}
	if n := c.Count(t, "SELECT count(*) FROM audit WHERE action = 'release mail' AND actor = 'agent:sora'"); n != 1 {
		t.Errorf("%d entries in the audit", n)
	}
	ours := c.Reply(t, offer, "mina")
	_, err = c.ReturnToContact(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	holiday := c.FollowUp("news@shop.example.org", ours)
	holiday.Automatic = "auto-reply"
	ingest(t, c, holiday)
	if now, err := c.ReleaseScreened(t.Context(), releasing(holiday)); err != nil || now.Contact != contact {
		t.Errorf("an answer by a machine: %+v, %v", now, err)
	}
	c.MustHold(t)
}

// R34: two programs that answer each other end: by thread, and by sender where each mail begins a new thread.
func TestPingPongOfTwoProgramsEnds(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{Loops: store.LoopLimits{PerThread: 5, PerSender: 12}})
	first := c.Mail("robot@customer.example", "I am away")
	got := ingest(t, c, first)
	thread := threadOf(t, c, first)
	arrivals := map[postroom.Arrival]int{}
	var last store.Arrived
	for range 30 {
		last = c.Mail("robot@customer.example", "Re: Re: I am away")
		last.Evidence.Threads = []postroom.ThreadID{postroom.ThreadID(thread)}
		arrivals[ingest(t, c, last).Arrival]++
	}
	if arrivals[postroom.ArrivalAppended] != 4 || arrivals[postroom.ArrivalScreened] != 26 {
		t.Errorf("in one thread: %v", arrivals)
	}
	if reason := c.Text(t, "SELECT DISTINCT reason FROM received WHERE arrival = 'screened'"); reason != "loop" {
		t.Errorf("screened as %q", reason)
	}
	if now, err := c.ReleaseScreened(t.Context(), releasing(last)); err != nil || now.Contact != got.Contact {
		t.Errorf("released: %+v, %v", now, err)
	}
	for n := range 30 {
		arrivals[ingest(t, c, c.Mail("other@customer.example", fmt.Sprint("Away ", n))).Arrival]++
	}
	if arrivals[postroom.ArrivalOpened] != 12 || arrivals[postroom.ArrivalScreened] != 26+18 {
		t.Errorf("in threads of their own: %v", arrivals)
	}
	c.Exec(t, "UPDATE message SET received_at = received_at - interval '61 minutes'")
	if got := ingest(t, c, c.Mail("other@customer.example", "Back")); got.Arrival != postroom.ArrivalOpened {
		t.Errorf("an hour later: %+v", got)
	}
	c.MustHold(t)
}

// R49: who is blocked is screened with that reason, until he is not blocked any more.
func TestBlockedSenderIsScreenedUntilUnblocked(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	for _, pattern := range []string{"Spam@Evil.example", "@bad.example"} {
		for range 2 {
			must(t, c.Block(t.Context(), testkit.Command("sora"), sora, pattern))
		}
	}
	for from, blocked := range map[string]bool{"spam@evil.example": true, "SPAM@evil.EXAMPLE": true, "other@evil.example": false, "x@bad.example": true,
		"x@mail.bad.example": true, "x@notbad.example": false} {
		got := ingest(t, c, c.Mail(from, "Hello"))
		if (got.Arrival == postroom.ArrivalScreened) != blocked {
			t.Errorf("%s: %+v", from, got)
		}
	}
	if n := c.Count(t, "SELECT count(*) FROM received WHERE reason = 'blocked'"); n != 4 {
		t.Errorf("%d mails are screened as blocked", n)
	}
	must(t, c.Unblock(t.Context(), testkit.Command("sora"), sora, "@bad.example"))
	if got := ingest(t, c, c.Mail("x@bad.example", "Hello")); got.Arrival != postroom.ArrivalOpened {
		t.Errorf("unblocked: %+v", got)
	}
	wantReason(t, "unblocked twice", c.Unblock(t.Context(), testkit.Command("sora"), sora, "@bad.example"), postroom.KindNotFound, "unknown_sender")
	for _, own := range []string{"support@shop.example", "@shop.example"} {
		wantReason(t, own, c.Block(t.Context(), testkit.Command("sora"), sora, own), postroom.KindRefused, "own_address")
	}
	for _, nothing := range []string{"", "x", "@", "@com", "a b@c.example", "a@b@c.example"} {
		wantReason(t, nothing, c.Block(t.Context(), testkit.Command("sora"), sora, nothing), postroom.KindInvalid, postroom.ReasonMalformed)
	}
	if n := c.Count(t, "SELECT count(*) FROM audit WHERE action IN ('block sender', 'unblock sender')"); n != 3 {
		t.Errorf("%d entries in the audit", n)
	}
	c.MustHold(t)
}

// Two mails from nobody's address are not one customer's: a released one would be shown with what strangers wrote.
func TestReleasedMailsWithoutAnAddressShareNoCustomer(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	customers := map[string]int{}
	for _, address := range []string{"", "", "MAILER-DAEMON", "mailer-daemon", "kim@customer.example", "KIM@customer.example"} { // the last two are one
		mail := c.Mail(address, "Undelivered mail")
		mail.Automatic = "auto-reply"
		ingest(t, c, mail)
		now, err := c.ReleaseScreened(t.Context(), store.Releasing{By: postroom.System("test"), Message: mail.ID})
		must(t, err)
		customers[c.Text(t, "SELECT customer_id::text FROM contact WHERE id = $1", now.Contact)]++
	}
	if len(customers) != 5 {
		t.Errorf("they are %d customers: %v", len(customers), customers)
	}
	c.MustHold(t)
}
