package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// polite is a centre whose queue acknowledges.
func polite(t *testing.T, o store.Options) *testkit.Centre {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, o)
	c.Exec(t, "UPDATE queue SET acknowledgement = 'received'")
	return c
}

// acknowledgeable is a mail that nothing in itself forbids to acknowledge.
func acknowledgeable(c *testkit.Centre, from string) store.Arrived {
	mail := c.Mail(from, "Parcel")
	mail.MayAcknowledge = true
	return mail
}

// opened ingests a mail, which must open a contact, and routes it.
func opened(t testing.TB, c *testkit.Centre, mail store.Arrived) postroom.ContactSnapshot {
	t.Helper()
	got, err := c.Ingest(t.Context(), mail)
	if err != nil || got.Arrival != postroom.ArrivalOpened {
		t.Fatalf("ingest: %+v, %v", got, err)
	}
	now, err := c.RouteContact(t.Context(), got.Contact, "general", map[string]string{"rule": "test"})
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// politely acknowledges a contact as the activity does, and says why it was not, or "sent".
func politely(t testing.TB, c *testkit.Centre, id postroom.ContactID) string {
	t.Helper()
	source, err := c.Acknowledging(t.Context(), id)
	if err != nil || !source.Due {
		t.Fatalf("%+v, %v", source, err)
	}
	now, err := c.Acknowledge(t.Context(), id, acknowledgement(source), source.Silence)
	if err != nil || now.Acknowledge {
		t.Fatalf("%+v, %v", now, err)
	}
	return decision(t, c, id)
}

func acknowledgement(source store.Acknowledging) store.Reply {
	id := postroom.OutboxID(testkit.NewID())
	return store.Reply{Outbox: id, Message: postroom.MessageID(testkit.NewID()), Mailbox: source.Mailbox,
		From: postroom.Address{Address: postroom.SealText(source.From)}, Recipients: []store.Recipient{recipient("to", source.ToName, source.To)},
		Subject: postroom.SealText("Re: Parcel"), Body: postroom.SealText("We have it."), MessageID: string(id) + "@shop.example", BlobKey: testkit.NewID(), Size: 10}
}

func decision(t testing.TB, c *testkit.Centre, id postroom.ContactID) string {
	t.Helper()
	return c.Text(t, `SELECT coalesce(string_agg(CASE event WHEN 'acknowledged' THEN 'sent' ELSE detail->>'why' END, ' '), '')
		FROM contact_event WHERE contact_id = $1 AND event IN ('acknowledged', 'not acknowledged')`, id)
}

// R34: the mail that opened a contact is acknowledged once: no undo window, no human answer, and the next run asks for nothing more.
func TestMailThatOpensAContactIsAcknowledgedOnce(t *testing.T) {
	t.Parallel()
	c := polite(t, store.Options{})
	c.SignIn(t, "mina")
	now := opened(t, c, acknowledgeable(c, "kim@customer.example"))
	if !now.Acknowledge {
		t.Fatalf("routed: %+v", now)
	}
	if got := politely(t, c, now.Contact); got != "sent" {
		t.Fatalf("it is %s", got)
	}
	again, err := c.Acknowledge(t.Context(), now.Contact, store.Reply{}, "")
	if err != nil || len(again.Sends) != 1 || again.Sends[0].DueIn > 0 || again.Phase != postroom.ContactWaiting {
		t.Errorf("afterwards: %+v, %v", again, err)
	}
	offer := c.Own(t, now.Contact, "mina")
	_, messages, _, err := c.ContactView(t.Context(), now.Contact)
	if err != nil || len(messages) != 2 || !messages[1].Automatic || messages[0].Automatic || messages[1].Direction != postroom.Outbound {
		t.Errorf("messages %+v, %v", messages, err)
	}
	// It is nobody's answer: it cannot be taken back as one, and what is closed is closed without reply.
	if _, err := c.UndoReply(t.Context(), testkit.Command("mina"), offer); postroom.ReasonOf(err) != postroom.ReasonReplyGone {
		t.Errorf("undo: %v", err)
	}
	reply := c.Render(t, offer, "mina")
	reply.DueIn = time.Minute
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UndoReply(t.Context(), testkit.Command("mina"), offer); err != nil {
		t.Fatal(err)
	}
	if outcome := c.Text(t, "SELECT coalesce(outcome, '') FROM contact"); outcome != "" {
		t.Errorf("after the undo the outcome is %s", outcome)
	}
	c.MustHold(t)
}

// R34: who is not sent one, and why. Each line fails if its line of the rule is taken out.
func TestWhoIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	for why, spoil := range map[store.Silence]func(c *testkit.Centre, mail *store.Arrived) (after func(postroom.ContactID)){
		store.SilenceOff: func(c *testkit.Centre, _ *store.Arrived) func(postroom.ContactID) {
			return func(postroom.ContactID) { c.Exec(t, "UPDATE queue SET acknowledgement = ''") }
		},
		store.SilenceAnswered: func(c *testkit.Centre, _ *store.Arrived) func(postroom.ContactID) {
			return func(id postroom.ContactID) { c.SignIn(t, "mina"); c.Reply(t, c.Own(t, id, "mina"), "mina") }
		},
		store.SilenceLate: func(c *testkit.Centre, _ *store.Arrived) func(postroom.ContactID) {
			return func(postroom.ContactID) {
				c.Exec(t, "UPDATE contact SET arrived_at = arrived_at - interval '25 hours'")
			}
		},
		store.SilenceUnverified: func(_ *testkit.Centre, mail *store.Arrived) func(postroom.ContactID) {
			mail.Trust.Identity = store.IdentityRefuted
			return nil
		},
		store.SilenceReplyTo: func(_ *testkit.Centre, mail *store.Arrived) func(postroom.ContactID) {
			mail.ReplyTo = postroom.SealText("victim@elsewhere.example")
			return nil
		},
		store.SilenceOwn: func(_ *testkit.Centre, mail *store.Arrived) func(postroom.ContactID) {
			mail.From.Address = postroom.SealText("Support+x@shop.example")
			return nil
		},
		store.SilenceBad: func(c *testkit.Centre, _ *store.Arrived) func(postroom.ContactID) {
			return func(postroom.ContactID) {
				c.Exec(t, "INSERT INTO address_mark (address, bad_since) VALUES ('kim@customer.example', now())")
			}
		},
		store.SilenceBlocked: func(c *testkit.Centre, _ *store.Arrived) func(postroom.ContactID) {
			return func(postroom.ContactID) {
				c.Exec(t, "INSERT INTO blocked_sender (pattern, at, actor) VALUES ('@customer.example', now(), 'test')")
			}
		},
	} {
		t.Run(string(why), func(t *testing.T) {
			t.Parallel()
			c := polite(t, store.Options{})
			mail := acknowledgeable(c, "kim@customer.example")
			after := spoil(c, &mail)
			now := opened(t, c, mail)
			if after != nil {
				after(now.Contact)
			}
			if got := politely(t, c, now.Contact); got != string(why) {
				t.Errorf("it is %s", got)
			}
			if n := c.Count(t, "SELECT count(*) FROM outbox WHERE purpose = 'acknowledgement'"); n != 0 {
				t.Error("it was sent")
			}
			c.MustHold(t)
		})
	}
}

// R34: what is asked of no row: mail that forbids it itself, a queue that acknowledges nothing, released mail, and mail that joins.
func TestNothingIsAskedOfWhatIsNotToBeAcknowledged(t *testing.T) {
	t.Parallel()
	c := polite(t, store.Options{})
	forbids := c.Mail("kim@customer.example", "Parcel")
	if now := opened(t, c, forbids); now.Acknowledge {
		t.Error("a mail that forbids it")
	}
	follow := c.FollowUp("kim@customer.example", forbids.MessageID.Reveal())
	follow.MayAcknowledge = true
	if got, err := c.Ingest(t.Context(), follow); err != nil || got.Arrival != postroom.ArrivalAppended || c.Count(t, "SELECT count(*) FROM contact WHERE acknowledge") != 0 {
		t.Errorf("a mail that joins: %+v, %v", got, err)
	}
	bulk := acknowledgeable(c, "lee@customer.example")
	bulk.Automatic = "list"
	if _, err := c.Ingest(t.Context(), bulk); err != nil {
		t.Fatal(err)
	}
	released, err := c.ReleaseScreened(t.Context(), store.Releasing{By: postroom.System("test"), Message: bulk.ID})
	if err != nil || released.Acknowledge || c.Count(t, "SELECT count(*) FROM contact WHERE acknowledge") != 0 {
		t.Errorf("a released mail: %+v, %v", released, err)
	}
	c.Exec(t, "UPDATE queue SET acknowledgement = ''")
	if now := opened(t, c, acknowledgeable(c, "park@customer.example")); now.Acknowledge || c.Count(t, "SELECT count(*) FROM contact WHERE acknowledge") != 0 {
		t.Error("a queue that acknowledges nothing")
	}
	c.MustHold(t)
}

// R34: one to a sender in 24 hours, and so many from a mailbox in an hour, however many are decided at once.
func TestLimitsHoldWhenManyAreAcknowledgedAtOnce(t *testing.T) {
	t.Parallel()
	const senders, each, most = 12, 4, 7
	c := polite(t, store.Options{AcknowledgedPerHour: most})
	acknowledgeAtOnce(t, c, senders, each)
	if sent, to := acknowledgedTo(t, c); sent != most || to != most {
		t.Errorf("%d went out to %d, want %d", sent, to, most)
	}
	if n := c.Count(t, "SELECT sent FROM acknowledgement_rate"); n != most {
		t.Errorf("%d are counted", n)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact_event WHERE event = 'not acknowledged' AND detail->>'why' IN ('sender_limit', 'mailbox_limit')"); n != senders*each-most {
		t.Errorf("%d were not", n)
	}
	// Within the next hour, and to the same after a day.
	c.Exec(t, "UPDATE acknowledgement_rate SET since = since - interval '61 minutes'")
	first := c.Text(t, "SELECT envelope_to[1] FROM outbox ORDER BY created_at LIMIT 1")
	again := opened(t, c, acknowledgeable(c, first))
	if got := politely(t, c, again.Contact); got != string(store.SilenceSender) {
		t.Errorf("the same sender within a day: %s", got)
	}
	c.Exec(t, "UPDATE acknowledged SET at = at - interval '25 hours'")
	if got := politely(t, c, opened(t, c, acknowledgeable(c, first)).Contact); got != "sent" {
		t.Errorf("the same sender after a day: %s", got)
	}
	c.MustHold(t)
}

// Controls of it: of two that are decided at the same moment one goes out; who reads how many went out without the lock of the mailbox's row, or takes
// the sender's row whatever it says, sends both.
func TestWithoutItsRowsALimitIsPassed(t *testing.T) {
	for _, limit := range []struct {
		name    string
		options store.Options
		second  string
		without func() func()
	}{
		{"the mailbox's", store.Options{AcknowledgedPerHour: 1}, "lee@customer.example", store.WithoutRateLock},
		{"the sender's", store.Options{}, "kim@customer.example", store.WithoutSenderLimit},
	} {
		t.Run(limit.name, func(t *testing.T) {
			both := func() int {
				c := polite(t, limit.options)
				c.Exec(t, "INSERT INTO acknowledgement_rate (mailbox_id, since, sent) VALUES ('support', postroom_now(), 0)")
				return acknowledgeTwo(t, c, "kim@customer.example", limit.second)
			}
			if sent := both(); sent != 1 {
				t.Errorf("%d went out, want 1", sent)
			}
			defer limit.without()()
			if sent := both(); sent != 2 {
				t.Errorf("control: %d went out, want 2", sent)
			}
		})
	}
}

// acknowledgeTwo opens a contact of each sender, and has both acknowledgements read the limits before either is committed: the outbox is held until both
// wait, for it or for each other. It returns how many went out.
func acknowledgeTwo(t *testing.T, c *testkit.Centre, senders ...string) int {
	t.Helper()
	ctx := t.Context()
	held, err := c.ConnectOwner(t).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback(ctx) }()
	deciding := make(chan error, len(senders))
	var contacts []postroom.ContactID
	for _, sender := range senders {
		contacts = append(contacts, opened(t, c, acknowledgeable(c, sender)).Contact)
	}
	if _, err := held.Exec(ctx, "LOCK TABLE outbox IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	for _, id := range contacts {
		source, err := c.Acknowledging(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := c.Acknowledge(ctx, id, acknowledgement(source), "")
			deciding <- err
		}()
	}
	testkit.Eventually(t, "both to wait", func() bool {
		return c.Count(t, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") == len(senders)
	})
	if err := held.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	for range senders {
		if err := <-deciding; err != nil {
			t.Error(err)
		}
	}
	sent, _ := acknowledgedTo(t, c)
	return sent
}

// acknowledgeAtOnce opens contacts of senders, each has so many, and decides at the same time whether they are acknowledged.
func acknowledgeAtOnce(t *testing.T, c *testkit.Centre, senders, each int) {
	t.Helper()
	var contacts []postroom.ContactID
	for i := range senders {
		for range each {
			contacts = append(contacts, opened(t, c, acknowledgeable(c, fmt.Sprintf("kim%d@customer.example", i))).Contact)
		}
	}
	sources := make([]store.Acknowledging, len(contacts))
	for i, id := range contacts { // all are read before any is decided
		source, err := c.Acknowledging(t.Context(), id)
		if err != nil || source.Silence != "" {
			t.Fatalf("%+v, %v", source, err)
		}
		sources[i] = source
	}
	for _, err := range testkit.Together(len(contacts), func(i int) error {
		_, err := c.Acknowledge(t.Context(), contacts[i], acknowledgement(sources[i]), "")
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}

// acknowledgedTo counts the acknowledgements that go out, and to how many.
func acknowledgedTo(t *testing.T, c *testkit.Centre) (sent, to int) {
	t.Helper()
	return c.Count(t, "SELECT count(*) FROM outbox"), c.Count(t, "SELECT count(DISTINCT envelope_to) FROM outbox")
}

// R34: an acknowledgement that comes back opens nothing and wakes nobody, also when the contact is completed; its address is marked.
func TestAcknowledgementThatComesBackOpensNothing(t *testing.T) {
	t.Parallel()
	c := polite(t, store.Options{})
	c.SignIn(t, "mina")
	now := opened(t, c, acknowledgeable(c, "kim@customer.example"))
	if got := politely(t, c, now.Contact); got != "sent" {
		t.Fatal(got)
	}
	c.Exec(t, "UPDATE outbox SET state = 'sent', settled_at = postroom_now()")
	offer := c.Own(t, now.Contact, "mina")
	if _, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer); err != nil {
		t.Fatal(err)
	}
	c.WrapUp(t, offer, "mina")
	bounce := c.Mail("mailer-daemon@customer.example", "Undelivered")
	bounce.Automatic = "bounce"
	bounce.Report = &store.Report{Kind: "bounce", Traces: []store.Trace{{Outbox: postroom.OutboxID(c.Text(t, "SELECT id::text FROM outbox")), By: store.ByToken}},
		Recipients: []store.Reported{{Address: postroom.SealText("kim@customer.example"), Action: "failed", Status: "5.1.1", Failed: true, Hard: true}}}
	got, err := c.Ingest(t.Context(), bounce)
	if err != nil || got.Arrival != postroom.ArrivalReport || got.Contact != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact"); n != 1 {
		t.Errorf("%d contacts", n)
	}
	if n := c.Count(t, "SELECT count(*) FROM address_mark WHERE bad_since IS NOT NULL"); n != 1 || c.Text(t, "SELECT state FROM outbox") != "bounced" {
		t.Error("it is not known")
	}
	c.MustHold(t)
}
