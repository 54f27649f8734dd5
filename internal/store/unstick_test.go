package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R33: one action takes a contact from any phase but done back to its queue, or to another one, and keeps its history, its draft and a reply that
// is on its way; and it makes the row untold, so that a dead workflow is started.
func TestUnstickTakesAContactBackFromEveryPhase(t *testing.T) {
	t.Parallel()
	phases := map[string]struct {
		before func(d desk, contact postroom.ContactID) postroom.OfferID
		offer  string // how the offer ends
	}{
		"waiting": {func(desk, postroom.ContactID) postroom.OfferID { return "" }, ""},
		"offered": {func(d desk, contact postroom.ContactID) postroom.OfferID {
			return d.Claim(t, contact, d.agent)
		}, "withdrawn unstuck"},
		"owned": {func(d desk, contact postroom.ContactID) postroom.OfferID {
			return d.Own(t, contact, d.agent)
		}, "released unstuck"},
		"wrapup": {func(d desk, contact postroom.ContactID) postroom.OfferID {
			offer := d.Own(t, contact, d.agent)
			d.Reply(t, offer, d.agent)
			return offer
		}, "released unstuck"},
		"parked": {func(d desk, contact postroom.ContactID) postroom.OfferID {
			offer := d.Own(t, contact, d.agent)
			park(t, d.Centre, d.agent, offer)
			return offer
		}, "released parked"},
	}
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	second(t, c)
	agents := c.Hire(t, len(phases), 2)
	for _, a := range agents {
		c.SignIn(t, a)
	}
	for phase, test := range phases {
		d := desk{c, agents[0]}
		agents = agents[1:]
		for _, to := range []postroom.QueueID{"", "second"} {
			t.Run(phase+" to "+string(to), func(t *testing.T) {
				contact := c.Arrive(t, "kim@customer.example", "Hello")
				offer := test.before(d, contact)
				c.Exec(t, "UPDATE contact SET told = version, tell_at = NULL")
				events := c.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1", contact)
				replies := c.Count(t, "SELECT count(*) FROM outbox WHERE contact_id = $1 AND state = 'queued'", contact)

				now, err := c.UnstickContact(t.Context(), asking(t, c, contact), to)
				must(t, err)
				want := postroom.QueueID("general")
				if to != "" {
					want = to
				}
				wantStands(t, c, contact, "waiting "+string(want))
				if offer != "" && endedAs(t, c, offer) != test.offer {
					t.Errorf("the offer is %s, want %s", endedAs(t, c, offer), test.offer)
				}
				if len(now.Sends) != replies || c.Count(t, "SELECT count(*) FROM outbox WHERE contact_id = $1 AND state = 'queued'", contact) != replies {
					t.Errorf("of %d queued replies %+v are left", replies, now.Sends)
				}
				if got := c.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1", contact); got <= events {
					t.Errorf("the story had %d entries and has %d", events, got)
				}
				untold, err := c.TakeUntold(t.Context(), 10)
				must(t, err)
				if len(untold) != 1 || untold[0].Contact != contact || untold[0].Version != now.Version {
					t.Errorf("untold at once: %+v", untold)
				}
				if n := c.Count(t, "SELECT count(*) FROM segment WHERE contact_id = $1 AND state <> 'ended'", contact); n != 1 {
					t.Errorf("%d segments are open", n)
				}
				c.MustHold(t)
			})
		}
	}
}

// R33: a contact that no rule led anywhere is unstuck into the queue that is given.
func TestUnstickRoutesANewContactIntoTheGivenQueue(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	in, err := c.Ingest(t.Context(), c.Mail("kim@customer.example", "Lost"))
	must(t, err)
	_, err = c.UnstickContact(t.Context(), asking(t, c, in.Contact), "")
	wantReason(t, "without a queue", err, postroom.KindInvalid, postroom.ReasonUnknownQueue)
	_, err = c.UnstickContact(t.Context(), asking(t, c, in.Contact), "general")
	must(t, err)
	wantStands(t, c, in.Contact, "waiting general")
	c.MustHold(t)
}

// R33, R24: closing in bulk closes what waits without reply, with a wrap-up that is the supervisor's and takes no capacity of his, and draft and
// history stay.
func TestAWaitingContactIsClosedWithTheSupervisorsWrapUp(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.Exec(t, "UPDATE agent_capacity SET capacity = 0 WHERE agent_id = 'sora'")
	contact := c.Arrive(t, "kim@customer.example", "Spam")
	closing := func(code postroom.WrapUpCode, note string) store.Closing {
		return store.Closing{Supervision: asking(t, c, contact), Agent: "sora", Code: code, Note: postroom.SealText(note)}
	}
	_, err := c.CloseWaiting(t.Context(), closing("nonsense", ""))
	wantReason(t, "a code that is not the queue's", err, postroom.KindInvalid, postroom.ReasonUnknownCode)
	_, err = c.CloseWaiting(t.Context(), closing("other", ""))
	wantReason(t, "a code without its note", err, postroom.KindRefused, postroom.ReasonNoteRequired)
	wantStands(t, c, contact, "waiting general")
	last := closing("other", "a wave of spam")
	now, err := c.CloseWaiting(t.Context(), last)
	must(t, err)
	if again, err := c.CloseWaiting(t.Context(), last); err != nil || again.Version != now.Version {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if got := c.Text(t, `SELECT concat_ws(' ', c.phase, c.outcome, w.agent_id, w.code, w.note, w.automatic, o.state, o.reason->>'rule') FROM contact c
		JOIN segment g ON g.contact_id = c.id AND g.kind = 'agent' JOIN wrapup w ON w.segment_id = g.id JOIN offer o ON o.id = g.offer_id
		WHERE c.id = $1`, contact); got != "done closed_without_reply sora other a wave of spam f finished closed" {
		t.Errorf("it is %s", got)
	}
	if n := c.Count(t, "SELECT count(*) FROM outbox"); n != 0 {
		t.Errorf("%d replies", n)
	}
	c.SignIn(t, "mina")
	offered := c.Arrive(t, "lee@customer.example", "Hello")
	c.Claim(t, offered, "mina")
	_, err = c.CloseWaiting(t.Context(), store.Closing{Supervision: asking(t, c, offered), Agent: "sora", Code: "solved"})
	wantReason(t, "what is offered", err, postroom.KindRefused, postroom.ReasonNotWaiting)
	c.MustHold(t)
}
