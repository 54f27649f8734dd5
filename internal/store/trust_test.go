package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func judged(mail store.Arrived, identity store.Identity) store.Arrived {
	mail.Trust.Identity = identity
	return mail
}

// R48: whose From the own mail server refutes takes no part in a thread by it. Where the mail proves to belong it is shown with a warning, and
// moves nothing; where it only suggests it, it begins a thread of its own. The same mails, not refuted, are the control.
func TestRefutedSenderIsShownWithAWarningAndLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, identity := range []store.Identity{store.IdentityUndecided, store.IdentityProved, store.IdentityRefuted} {
		c := testkit.NewCentre(t, time.Hour, store.Options{})
		c.Exec(t, "UPDATE agent_capacity SET capacity = 10")
		c.SignIn(t, "mina")
		first := c.Mail("kim@customer.example", "Parcel")
		opened := ingest(t, c, first)
		_, err := c.RouteContact(t.Context(), opened.Contact, "general", map[string]string{"why": "test"})
		must(t, err)
		offer := c.Own(t, opened.Contact, "mina")
		ours, theirs := c.Reply(t, offer, "mina"), first.MessageID.Reveal()
		thread, refuted := threadOf(t, c, first), identity == store.IdentityRefuted

		suggested := judged(c.FollowUp("kim@customer.example", theirs), identity)
		ingest(t, c, suggested)
		if joined := threadOf(t, c, suggested) == thread; joined == refuted {
			t.Errorf("%q: a mail that only suggests it joined the thread: %t", identity, joined)
		}

		proved := judged(c.FollowUp("kim@customer.example", ours), identity)
		proved.ReplyTo = postroom.SealText("eve@evil.example")
		got := ingest(t, c, proved)
		want := map[bool]string{true: "spoofed", false: ""}[refuted]
		if standing := c.Text(t, "SELECT standing FROM message WHERE id = $1", proved.ID); got.Contact != opened.Contact || standing != want {
			t.Errorf("%q: a mail that proves to belong is %+v, %q", identity, got, standing)
		}
		source, err := c.ReplySource(t.Context(), offer, "")
		must(t, err)
		if to := map[bool]string{true: "kim@customer.example", false: "eve@evil.example"}[refuted]; source.To != to || source.Weak {
			t.Errorf("%q: a reply goes to %q, weak: %t", identity, source.To, source.Weak)
		}
		outsider := judged(c.FollowUp("eve@evil.example", ours), identity)
		ingest(t, c, outsider)
		if standing := c.Text(t, "SELECT standing FROM message WHERE id = $1", outsider.ID); standing != "unverified" {
			t.Errorf("%q: who takes no part is %q", identity, standing)
		}
		_, messages, _, err := c.ContactView(t.Context(), opened.Contact)
		must(t, err)
		marked := 0
		for _, m := range messages {
			if m.Standing == store.StandingSpoofed && m.Identity == store.IdentityRefuted {
				marked++
			}
		}
		if marked != map[bool]int{true: 1, false: 0}[refuted] {
			t.Errorf("%q: %d messages are shown with a warning", identity, marked)
		}
		c.MustHold(t)
	}
}

// R22, R48: a refuted mail does not wait for the agent who answered last, and does not make a bad address good; any other does.
func TestRefutedSenderGetsNoPreferredAgent(t *testing.T) {
	t.Parallel()
	for identity, want := range map[store.Identity]string{store.IdentityUndecided: "mina", store.IdentityRefuted: ""} {
		c := testkit.NewCentre(t, time.Hour, store.Options{})
		c.SignIn(t, "mina")
		c.Exec(t, `UPDATE queue SET rules = rules || '{"preferred_time": 3600000000000}'`)
		a := answerFor(t, c, "kim@customer.example")
		c.WrapUp(t, a.offer, "mina")
		c.Exec(t, "INSERT INTO address_mark (address, bad_since, bad_status) VALUES ('kim@customer.example', clock_timestamp(), '5.1.1')")
		got := ingest(t, c, judged(c.FollowUp("kim@customer.example", c.Text(t, "SELECT internet_message_id FROM outbox")), identity))
		_, err := c.RouteContact(t.Context(), got.Contact, "general", map[string]string{"why": "test"})
		must(t, err)
		if agent := c.Text(t, "SELECT coalesce(target_agent_id, '') FROM contact WHERE id = $1", got.Contact); agent != want {
			t.Errorf("%q: it waits for %q, want %q", identity, agent, want)
		}
		if bad := c.Count(t, "SELECT count(*) FROM address_mark WHERE bad_since IS NOT NULL"); (bad == 1) != (identity == store.IdentityRefuted) {
			t.Errorf("%q: the address is marked bad %d times", identity, bad)
		}
	}
}

// A contact that a refuted mail opened is answered without what was said before.
func TestAnswerToARefutedSenderIsWeak(t *testing.T) {
	t.Parallel()
	for identity, weak := range map[store.Identity]bool{store.IdentityUndecided: false, store.IdentityProved: false, store.IdentityRefuted: true} {
		c := testkit.NewCentre(t, time.Hour, store.Options{})
		c.SignIn(t, "mina")
		got := ingest(t, c, judged(c.Mail("kim@customer.example", "Parcel"), identity))
		_, err := c.RouteContact(t.Context(), got.Contact, "general", map[string]string{"why": "test"})
		must(t, err)
		source, err := c.ReplySource(t.Context(), c.Own(t, got.Contact, "mina"), "")
		if err != nil || source.Weak != weak {
			t.Errorf("%q: weak %t, %v", identity, source.Weak, err)
		}
	}
}

// R49: what the own mail server calls spam is screened where the mailbox says so, and can be released; then its identity counts as if it had come in
// by itself.
func TestSpamIsScreenedAndReleasedWithItsIdentity(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	c.WrapUp(t, a.offer, "mina")
	mail := judged(c.FollowUp("kim@customer.example", c.Text(t, "SELECT internet_message_id FROM outbox")), store.IdentityRefuted)
	mail.Trust.Spam = true
	if got := ingest(t, c, mail); got.Arrival != postroom.ArrivalScreened {
		t.Fatalf("%+v", got)
	}
	list, err := c.Screened(t.Context(), store.ScreenedFilter{Reason: store.ScreenedSpam, Limit: 10})
	if err != nil || len(list) != 1 || list[0].Message != mail.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := c.ReleaseScreened(t.Context(), store.Releasing{By: postroom.System("test"), Message: mail.ID}); err != nil {
		t.Fatal(err)
	}
	if standing := c.Text(t, "SELECT standing FROM message WHERE id = $1", mail.ID); standing != "spoofed" {
		t.Errorf("released it is %q", standing)
	}
}

// R48: whoever got into the thread by its token, or made answers to a forged mail go to himself, is told nothing of it, even when the agent writes to him.
// Who takes part is, and so is whoever is forwarded a mail.
func TestAnswerToWhoTakesNoPartIsWeak(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	first := c.Mail("kim@customer.example", "Parcel")
	first.Recipients = append(first.Recipients, store.Recipient{Field: "cc", Address: postroom.Address{Address: postroom.SealText("park@customer.example")}})
	opened := ingest(t, c, first)
	_, err := c.RouteContact(t.Context(), opened.Contact, "general", map[string]string{"why": "test"})
	must(t, err)
	offer := c.Own(t, opened.Contact, "mina")
	ours := c.Reply(t, offer, "mina")
	ingest(t, c, c.FollowUp("Eve@evil.example", ours))
	spoofed := judged(c.FollowUp("kim@customer.example", ours), store.IdentityRefuted)
	spoofed.ReplyTo = postroom.SealText("mallory@evil.example")
	ingest(t, c, spoofed)
	for to, weak := range map[string]bool{"kim@customer.example": false, "park@customer.example": false, "colleague@partner.example": false,
		"eve@evil.example": true, "MALLORY@evil.example": true} {
		for purpose, may := range map[string]bool{"reply": weak, "forward": false} {
			id := testkit.NewID()
			c.Exec(t, `INSERT INTO composition (id, contact_id, draft_version, purpose, recipients) VALUES ($1, $2, 1, $3, jsonb_build_array(
				jsonb_build_object('field', 'to', 'name', '', 'address', 'kim@customer.example'), jsonb_build_object('field', 'bcc', 'name', '', 'address', $4::text)))`,
				id, opened.Contact, purpose, to)
			source, err := c.ReplySource(t.Context(), offer, postroom.CompositionID(id))
			if err != nil || source.Weak != may {
				t.Errorf("%s to %s is weak: %t, %v", purpose, to, source.Weak, err)
			}
		}
	}
}

// What the configuration says of a mailbox's server reaches whoever watches it, and is exported again.
func TestMailboxSaysWhoseWordItBelieves(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	configuration := testkit.Sample(time.Hour)
	configuration.Mailboxes[0].AuthServIDs, configuration.Mailboxes[0].SpamHeader = []string{"mx.shop.example", "mx2.shop.example"}, true
	_, err := c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), configuration, postroom.SealText("test"))
	must(t, err)
	watched, err := c.Mailbox(t.Context(), "support")
	must(t, err)
	read, _, err := c.Configuration(t.Context())
	must(t, err)
	for _, m := range []postroom.Mailbox{watched.Mailbox, read.Mailboxes[0]} {
		if len(m.AuthServIDs) != 2 || m.AuthServIDs[1] != "mx2.shop.example" || !m.SpamHeader {
			t.Errorf("%+v", m)
		}
	}
}
