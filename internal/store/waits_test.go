package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// chain gives the queues "general", "second" and "third", each of which overflows to the next.
func chain(maxWaiting int, maxTime time.Duration) func(c *postroom.Configuration) {
	return func(c *postroom.Configuration) {
		for i, id := range []postroom.QueueID{"second", "third"} {
			q := c.Queues[0]
			q.ID, q.Name.English = id, string(id)
			c.Queues = append(c.Queues, q)
			c.Queues[i].MaxWaiting, c.Queues[i].MaxTime, c.Queues[i].Overflow = maxWaiting, maxTime, id
		}
	}
}

func queueOf(t *testing.T, c *testkit.Centre, contact postroom.ContactID) postroom.QueueID {
	t.Helper()
	now, err := c.LoadContact(t.Context(), contact)
	must(t, err)
	return now.Queue
}

// R32: a queue has a service level; what comes in is due after so much open time.
func TestAContactIsDueByTheServiceLevelInOpenHours(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) {
		night := c.Queues[0]
		night.ID, night.Name.English, night.ServiceLevel, night.Hours = "night", "Night", 25*time.Hour, "days"
		c.Queues = append(c.Queues, night)
		c.Queues[0].ServiceLevel = 4 * time.Hour
		c.Hours = []postroom.BusinessHours{{ID: "days", Name: postroom.Name{English: "Days"}, TimeZone: "UTC"}}
		for day := range time.Weekday(7) { // twelve hours a day
			c.Hours[0].Open = append(c.Hours[0].Open, postroom.OpenTime{Day: day, From: 0, To: 12 * 60})
		}
	})
	due := func(contact postroom.ContactID) int {
		return c.Count(t, "SELECT coalesce(extract(epoch FROM due_at - queued_at) / 60, -1)::int FROM contact WHERE id = $1", contact)
	}
	if got := due(c.Arrive(t, "kim@customer.example", "Hello")); got != 240 {
		t.Errorf("due in %d minutes, want 240", got)
	}
	if got := due(arriveIn(t, c, "night")); got < 48*60 || got > 61*60 { // 25 hours of twelve a day
		t.Errorf("due in %d minutes", got)
	}
}

// R32: a contact that comes while as many wait as may goes on to where the queue overflows, with its arrival time (I8), and is told of.
func TestAContactThatComesIntoAFullQueueOverflows(t *testing.T) {
	t.Parallel()
	c := adapted(t, chain(2, 0))
	var contacts []postroom.ContactID
	for range 6 {
		contacts = append(contacts, c.Arrive(t, uuid.NewString()+"@customer.example", "Hello"))
	}
	for i, want := range []postroom.QueueID{"general", "general", "second", "second", "third", "third"} {
		if got := queueOf(t, c, contacts[i]); got != want {
			t.Errorf("contact %d is in %s, want %s", i, got, want)
		}
	}
	if got := c.Text(t, "SELECT string_agg(event || ' ' || queue_id, ', ' ORDER BY id) FROM contact_event WHERE contact_id = $1 AND queue_id IS NOT NULL", contacts[4]); got != "routed general, overflowed second, overflowed third" {
		t.Errorf("its story: %s", got)
	}
	if n := c.Count(t, "SELECT count(*) FROM segment WHERE contact_id = $1 AND kind = 'queue'", contacts[4]); n != 3 {
		t.Errorf("%d stays", n)
	}
	c.SignIn(t, "mina")
	c.Claim(t, contacts[0], "mina") // what is offered does not wait
	if got := queueOf(t, c, c.Arrive(t, "park@customer.example", "Hello")); got != "general" {
		t.Errorf("with a place free it is in %s", got)
	}
	c.MustHold(t)
}

// R32: after the maximum time in a queue a contact overflows; its wait there begins anew, when it arrived stays (I8).
func TestAContactThatWaitedTooLongOverflows(t *testing.T) {
	t.Parallel()
	c := adapted(t, chain(0, 10*time.Minute))
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	arrived := c.Text(t, "SELECT arrived_at::text FROM contact WHERE id = $1", contact)
	look(t, clock(t, c, 9*time.Minute), contact)
	if got := queueOf(t, c, contact); got != "general" {
		t.Fatalf("after 9 minutes it is in %s", got)
	}
	late := clock(t, c, 11*time.Minute)
	wait, _, _, err := late.Wait(t.Context(), contact)
	must(t, err)
	change := look(t, late, contact)
	if got := queueOf(t, c, contact); got != "second" {
		t.Fatalf("after 11 minutes it is in %s", got)
	}
	if again, err := late.Advance(t.Context(), wait, change); err != nil || again { // the same look once more
		t.Errorf("advanced twice: %v, %v", again, err)
	}
	look(t, clock(t, c, 20*time.Minute), contact)
	if got := queueOf(t, c, contact); got != "second" {
		t.Errorf("9 minutes later it is in %s", got)
	}
	look(t, clock(t, c, 22*time.Minute), contact)
	if got := queueOf(t, c, contact); got != "third" {
		t.Errorf("11 minutes later it is in %s", got)
	}
	if now := c.Text(t, "SELECT arrived_at::text FROM contact WHERE id = $1", contact); now != arrived {
		t.Errorf("I8: it arrived at %s, and now at %s", arrived, now)
	}
	c.MustHold(t)
}

// R22: a customer who writes again after completion waits first for the agent who answered him, for the time that the queue sets.
func TestACustomerWhoWritesAgainWaitsFirstForWhoAnsweredLast(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) { c.Queues[0].PreferredTime = 10 * time.Minute })
	c.SignIn(t, "mina")
	c.SignIn(t, "tom")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "tom")
	answer := c.Reply(t, offer, "tom")
	c.WrapUp(t, offer, "tom")
	again := func() postroom.ContactID {
		got, err := c.Ingest(t.Context(), c.FollowUp("kim@customer.example", answer))
		must(t, err)
		_, err = c.RouteContact(t.Context(), got.Contact, "general", "test")
		must(t, err)
		return got.Contact
	}
	contact := again()
	wantSame(t, "at first", candidates(t, c.Store, contact), "tom")
	wantSame(t, "another agent sees", heads(t, c.Store, "mina"))
	wantSame(t, "he sees", heads(t, c.Store, "tom"), contact)
	late := clock(t, c, 11*time.Minute)
	look(t, late, contact)
	wantSame(t, "after that time", candidates(t, late, contact), "mina", "tom")
	if got := c.Text(t, "SELECT event || ' ' || agent_id FROM contact_event WHERE contact_id = $1 ORDER BY id DESC LIMIT 1", contact); got != "target dropped tom" {
		t.Errorf("its story ends with %s", got)
	}
	c.MustHold(t)
}

// R22: the preferred agent does not hold anybody up who has gone, or who said no.
func TestATargetWhoIsNotThereIsDroppedAtOnce(t *testing.T) {
	t.Parallel()
	for _, leave := range []struct {
		name string
		do   func(t *testing.T, c *testkit.Centre, contact postroom.ContactID)
	}{
		{"signs out", func(t *testing.T, c *testkit.Centre, _ postroom.ContactID) {
			must(t, c.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), "tom"))
			_, err := c.CloseSession(t.Context(), newToken(), "tom")
			must(t, err)
		}},
		{"signs out while it is offered to him", func(t *testing.T, c *testkit.Centre, contact postroom.ContactID) {
			c.Claim(t, contact, "tom")
			must(t, c.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), "tom"))
			_, err := c.CloseSession(t.Context(), newToken(), "tom")
			must(t, err)
		}},
		{"is retired", func(t *testing.T, c *testkit.Centre, _ postroom.ContactID) {
			adaptAgain(t, c, func(c *postroom.Configuration) {
				c.Agents = slices.DeleteFunc(c.Agents, func(a postroom.Agent) bool { return a.ID == "tom" })
			})
		}},
		{"declines", func(t *testing.T, c *testkit.Centre, contact postroom.ContactID) {
			_, err := c.DeclineOffer(t.Context(), testkit.Command("tom"), c.Claim(t, contact, "tom"))
			must(t, err)
			look(t, c.Store, contact) // as its workflow does at once
		}},
	} {
		t.Run(leave.name, func(t *testing.T) {
			t.Parallel()
			c := testkit.NewCentre(t, time.Hour, store.Options{})
			c.SignIn(t, "mina")
			c.SignIn(t, "tom")
			contact := c.Arrive(t, "kim@customer.example", "Hello")
			c.Exec(t, "UPDATE contact SET target_agent_id = 'tom', target_until = clock_timestamp() + interval '1 hour', told = version")
			wantSame(t, "before", candidates(t, c.Store, contact), "tom")
			leave.do(t, c, contact)
			if got := candidates(t, c.Store, contact); !slices.Contains(got, "mina") {
				t.Errorf("candidates %v", got)
			}
			if n := c.Count(t, "SELECT count(*) FROM contact WHERE told < version"); n != 1 {
				t.Error("its workflow is not told")
			}
			c.MustHold(t)
		})
	}
}

// hoursAround opens a queue's hours at a minute of the present UTC day and closes them at another.
func hoursAround(t *testing.T, c *testkit.Centre, from, to time.Time) func(*postroom.Configuration) {
	return func(c *postroom.Configuration) {
		minutes := func(at time.Time) int { return at.UTC().Hour()*60 + at.UTC().Minute() }
		h := postroom.BusinessHours{ID: "desk", Name: postroom.Name{English: "Desk"}, TimeZone: "UTC"}
		if from.UTC().Weekday() == to.UTC().Weekday() {
			h.Open = []postroom.OpenTime{{Day: from.UTC().Weekday(), From: minutes(from), To: minutes(to)}}
		} else {
			h.Open = []postroom.OpenTime{{Day: from.UTC().Weekday(), From: minutes(from), To: 24 * 60}, {Day: to.UTC().Weekday(), From: 0, To: max(1, minutes(to))}}
		}
		c.Hours = []postroom.BusinessHours{h}
		c.Queues[0].Hours = "desk"
	}
}

// R32: contacts are offered in business hours only; when a queue opens, the agents who have room for its contacts look.
func TestAClosedQueueOffersNothingAndItsAgentsLookWhenItOpens(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	var now time.Time
	must(t, c.Connect(t).QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now))
	adaptAgain(t, c, hoursAround(t, c, now.Add(2*time.Hour), now.Add(4*time.Hour)))
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	wantSame(t, "before its span is known", candidates(t, c.Store, contact))
	turn := func(s *store.Store) time.Duration {
		next, err := s.TurnHours(t.Context())
		must(t, err)
		return next
	}
	if next := turn(c.Store); next < time.Hour || next > 2*time.Hour {
		t.Errorf("the next turn is in %v", next)
	}
	wantSame(t, "closed", candidates(t, c.Store, contact))
	wantSame(t, "closed, for the agent", heads(t, c.Store, "mina"))
	if _, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: contact, Agent: "mina", Reason: "test", By: postroom.System("test")}); err != nil || lost != store.LostContact {
		t.Errorf("a claim in a closed queue: %q, %v", lost, err)
	}
	looks := func(s *store.Store) bool {
		c.Exec(t, "UPDATE agent_state SET wants_work = false")
		turn(s)
		return c.Count(t, "SELECT count(*) FROM agent_state WHERE wants_work AND agent_id = 'mina'") == 1
	}
	if looks(c.Store) {
		t.Error("she is made to look while it is closed")
	}
	opened := clock(t, c, 2*time.Hour+time.Minute)
	if !looks(opened) {
		t.Error("nobody looks when it opens")
	}
	if looks(opened) {
		t.Error("she is made to look again")
	}
	wantSame(t, "open", candidates(t, opened, contact), "mina")
	wantSame(t, "open, for the agent", heads(t, opened, "mina"), contact)
	closed := clock(t, c, 4*time.Hour+2*time.Minute)
	wantSame(t, "closed again, before anybody wrote the next span", candidates(t, closed, contact))
	turn(closed)
	wantSame(t, "closed again", candidates(t, closed, contact))
	if !looks(clock(t, c, 7*24*time.Hour+2*time.Hour+2*time.Minute)) {
		t.Error("nobody looks when it opens a week later")
	}
	c.Exec(t, "UPDATE agent_room SET room = 0")
	c.Exec(t, "UPDATE queue SET opened_for = NULL")
	if looks(opened) {
		t.Error("an agent without room is made to look")
	}
}
