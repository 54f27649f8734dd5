package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R33: supervisors see the backlog by queue and by age, of the queues that their team serves, and page through what is open, the oldest first.
func TestTheBacklogIsSeenByQueueAndByAge(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	second(t, c)
	c.SignIn(t, "mina")
	var contacts []postroom.ContactID
	for i, age := range []string{"1 minute", "30 minutes", "2 hours", "20 hours", "2 days", "5 days"} {
		contact := c.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello")
		c.Exec(t, "UPDATE contact SET arrived_at = arrived_at - $2::interval, due_at = clock_timestamp() - interval '1 minute' WHERE id = $1", contact, age)
		contacts = append(contacts, contact)
	}
	owned := c.Arrive(t, "lee@customer.example", "Hello")
	c.Own(t, owned, "mina")
	c.Claim(t, contacts[0], "mina")

	got, err := c.Backlog(t.Context(), "front", "")
	must(t, err)
	if len(got) != 1 || got[0].Waiting != 5 || got[0].Offered != 1 || got[0].Owned != 1 || got[0].Overdue != 6 || fmt.Sprint(got[0].ByAge) != "[1 1 1 1 1 1]" {
		t.Errorf("the team's backlog is %+v", got)
	}
	if got[0].Oldest == nil || time.Since(*got[0].Oldest) < 119*time.Hour {
		t.Errorf("the oldest is of %v", got[0].Oldest)
	}
	if all, err := c.Backlog(t.Context(), "", ""); err != nil || len(all) != 2 || all[1].Queue != "second" || all[1].Waiting != 0 {
		t.Errorf("everybody's backlog is %+v, %v", all, err)
	}

	filter := store.OpenFilter{Team: "front", Limit: 4}
	first, err := c.OpenContacts(t.Context(), filter)
	must(t, err)
	if len(first) != 4 || first[0].Contact != contacts[5] || first[0].Phase != postroom.ContactWaiting || first[0].CustomerAddress != "kim5@customer.example" {
		t.Fatalf("the first page is %+v", first)
	}
	filter.AfterArrival, filter.AfterID = first[3].ArrivedAt, first[3].Contact
	rest, err := c.OpenContacts(t.Context(), filter)
	must(t, err)
	if len(rest) != 3 || rest[0].Contact != contacts[1] || rest[1].Agent != "mina" || rest[2].Contact != owned {
		t.Errorf("the rest is %+v", rest)
	}
	for _, f := range []struct {
		filter store.OpenFilter
		want   int
	}{
		{store.OpenFilter{Team: "back", Limit: 9}, 0},
		{store.OpenFilter{Phase: postroom.ContactOwned, Limit: 9}, 1},
		{store.OpenFilter{Older: 24 * time.Hour, Limit: 9}, 2},
		{store.OpenFilter{Queue: "second", Limit: 9}, 0},
	} {
		if got, err := c.OpenContacts(t.Context(), f.filter); err != nil || len(got) != f.want {
			t.Errorf("%+v: %d, %v", f.filter, len(got), err)
		}
	}
}

// R33: supervisors see agents with their states, since when, and what they hold.
func TestAgentsAreSeenWithTheirStatesAndWhatTheyHold(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	owned, offered := c.Arrive(t, "kim@customer.example", "Hello"), c.Arrive(t, "lee@customer.example", "Hello")
	c.Own(t, owned, "mina")
	c.Claim(t, offered, "mina")
	agents, err := c.Agents(t.Context(), "front")
	must(t, err)
	if len(agents) != 5 {
		t.Fatalf("%d agents", len(agents))
	}
	mina, err := c.Overview(t.Context(), "mina")
	must(t, err)
	if mina.State != postroom.AgentAvailable || !mina.Connected || mina.LastSeen == nil || mina.Capacity[postroom.ChannelEmail] != 2 || len(mina.Held) != 2 ||
		mina.Held[0].Contact != owned || mina.Held[0].State != postroom.OfferAccepted || mina.Held[1].State != postroom.OfferLive || mina.Held[1].Since.IsZero() {
		t.Errorf("mina is %+v", mina)
	}
	if none, err := c.Agents(t.Context(), "elsewhere"); err != nil || len(none) != 0 {
		t.Errorf("another team has %d agents, %v", len(none), err)
	}
	_, err = c.Overview(t.Context(), "nobody")
	wantReason(t, "nobody", err, postroom.KindNotFound, postroom.ReasonUnknownAgent)
}

// R13, R10: every change of an agent's state is in his log, with its time and who caused it, also an Idle that waits; it is read by page.
func TestEveryChangeOfAnAgentsStateIsInHisLogWithItsActor(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	_, _, err := c.SetAgentState(t.Context(), testkit.Command("mina"),
		store.AgentChange{Agent: "mina", To: postroom.AgentIdle, Code: "lunch", AfterContact: true, Seen: seen(t, c, "mina")})
	must(t, err)
	c.WrapUp(t, closed(t, c, offer, "mina"), "mina")
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	inRONA(t, c, "mina")
	want := []string{
		"misses an offer available rona  system:timer", "chooses Available idle available  agent:mina",
		"chooses Idle available idle lunch system:idle after contact", "chooses Idle after contact available available lunch agent:mina",
		"chooses Available idle available  agent:mina", "signs in logged_out idle signed-in agent:mina",
	}
	var got []string
	for before := int64(0); ; {
		page, err := c.AgentLog(t.Context(), "mina", before, 2)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if e.At.IsZero() || e.Agent != "mina" || (e.Offer != "") != (e.Event == postroom.AgentMissesOffer) {
				t.Errorf("%+v", e)
			}
			got = append(got, fmt.Sprintf("%s %s %s %s %s", e.Event, e.From, e.To, e.IdleCode, e.Actor))
			before = e.ID
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the log is\n%q, want\n%q", got, want)
	}
	c.MustHold(t)
}
