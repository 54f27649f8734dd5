package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func over(contact postroom.ContactID) store.Supervision {
	return store.Supervision{Command: testkit.Command("sora"), By: postroom.Actor{Kind: postroom.ActorAgent, ID: "sora"}, Contact: contact}
}

// R22, I7: two contacts of a customer become one, with everything that is written to either; undone, the mails are a contact of their own again.
func TestMergedContactsAreOneUntilItIsUndone(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	first := c.Mail("kim@customer.example", "One")
	from := ingest(t, c, first).Contact
	_, err := c.RouteContact(t.Context(), from, "general", map[string]string{"why": "test"})
	must(t, err)
	into := c.Arrive(t, "kim@customer.example", "The same")
	c.Own(t, into, "mina")
	before := c.Count(t, "SELECT count(*) FROM event WHERE stream_id = 'agent/mina'")
	v := over(from)
	for range 2 { // asked again, it is answered alike
		if now, err := c.MergeContacts(t.Context(), v, into); err != nil || now.Contact != into || now.Phase != postroom.ContactOwned {
			t.Fatalf("merged: %+v, %v", now, err)
		}
	}
	if got := fact(t, c, from, "phase, outcome"); got != "done merged" {
		t.Errorf("the first is %s", got)
	}
	if _, messages, _, err := c.ContactView(t.Context(), into); err != nil || len(messages) != 2 {
		t.Errorf("the second has %d mails, %v", len(messages), err)
	}
	if c.Count(t, "SELECT count(*) FROM event WHERE stream_id = 'agent/mina'") == before {
		t.Error("mina was not told")
	}
	follow := c.FollowUp("kim@customer.example", first.MessageID.Reveal())
	if got := ingest(t, c, follow); got.Contact != into {
		t.Errorf("what is written to the first goes to %+v", got)
	}
	c.MustHold(t)

	arrived := fact(t, c, from, "arrived_at")
	now, err := c.UndoMerge(t.Context(), over(from))
	if err != nil || now.Phase != postroom.ContactNew || now.Contact == from {
		t.Fatalf("undone: %+v, %v", now, err)
	}
	if got := fact(t, c, now.Contact, "arrived_at"); got != arrived {
		t.Errorf("it arrived at %s, not at %s", got, arrived)
	}
	if threadOf(t, c, first) != fact(t, c, now.Contact, "thread_id") || threadOf(t, c, first) != fact(t, c, from, "thread_id") {
		t.Error("its mail is not in its thread")
	}
	_, err = c.UndoMerge(t.Context(), over(from))
	wantReason(t, "undone twice", err, postroom.KindRefused, "not_merged")
	if got := ingest(t, c, c.FollowUp("kim@customer.example", first.MessageID.Reveal())); got.Contact != now.Contact {
		t.Errorf("what is written to the first then goes to %+v", got)
	}
	if n := c.Count(t, "SELECT count(*) FROM audit WHERE actor = 'agent:sora' AND action IN ('merge contacts', 'undo a merge')"); n != 2 {
		t.Errorf("%d entries in the audit", n)
	}
	c.MustHold(t)
}

func TestOnlyContactsOfOneCustomerThatNobodyWorksOnAreMerged(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	kim, lee, held := c.Arrive(t, "kim@customer.example", "One"), c.Arrive(t, "lee@customer.example", "Two"), c.Arrive(t, "kim@customer.example", "Three")
	offer := c.Own(t, held, "mina")
	merge := func(from, into postroom.ContactID) error {
		_, err := c.MergeContacts(t.Context(), over(from), into)
		return err
	}
	wantReason(t, "another customer", merge(kim, lee), postroom.KindRefused, postroom.ReasonAnotherCustomer)
	wantReason(t, "held by somebody", merge(held, kim), postroom.KindRefused, postroom.ReasonNotWaiting)
	wantReason(t, "itself", merge(kim, kim), postroom.KindRefused, postroom.ReasonAlreadyThere)
	c.Reply(t, offer, "mina")
	wantReason(t, "in wrap-up", merge(kim, held), postroom.KindRefused, postroom.ReasonNotWaiting)
	c.WrapUp(t, offer, "mina")
	wantReason(t, "completed", merge(kim, held), postroom.KindRefused, postroom.ReasonContactDone)
	stale := over(kim)
	stale.Seen = 1
	_, err := c.MergeContacts(t.Context(), stale, c.Arrive(t, "kim@customer.example", "Four"))
	wantReason(t, "changed meanwhile", err, postroom.KindConflict, postroom.ReasonContactMoved)
	c.MustHold(t)
}

// One contact that is two matters becomes two; what answers a mail goes where that mail went.
func TestSplitContactIsTwoMatters(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	ours := c.Text(t, "SELECT internet_message_id FROM outbox")
	stranger := c.FollowUp("eve@other.example", ours)
	ingest(t, c, stranger)
	_, err := c.ReturnToContact(t.Context(), testkit.Command("mina"), a.offer)
	must(t, err)
	v := over(a.contact)
	_, err = c.SplitContact(t.Context(), v, nil)
	wantReason(t, "no mail", err, postroom.KindInvalid, postroom.ReasonMalformed)
	var next postroom.ContactID
	for range 2 {
		now, err := c.SplitContact(t.Context(), v, []postroom.MessageID{stranger.ID})
		if err != nil || now.Phase != postroom.ContactNew {
			t.Fatalf("split: %+v, %v", now, err)
		}
		next = now.Contact
	}
	if got := c.Text(t, `SELECT concat_ws(' ', m.standing, k.address) FROM message m JOIN contact c ON c.id = m.contact_id
		JOIN customer_address k ON k.customer_id = c.customer_id WHERE c.id = $1`, next); got != " eve@other.example" {
		t.Errorf("the new contact is of %q", got)
	}
	if got := ingest(t, c, c.FollowUp("kim@customer.example", ours)); got.Contact != a.contact {
		t.Errorf("the customer's answer goes to %+v", got)
	}
	_, err = c.SplitContact(t.Context(), over(next), []postroom.MessageID{stranger.ID})
	wantReason(t, "a contact that is new", err, postroom.KindRefused, postroom.ReasonContactDone)
	c.MustHold(t)
}
