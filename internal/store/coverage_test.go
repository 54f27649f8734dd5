package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// Rows of the tables that no method of the store reaches, or records, and why. A row that is reached after all fails the test, so that this
// list stays true.
var (
	unreachedContacts = map[postroom.Transition[postroom.ContactPhase, postroom.ContactEvent]]string{}
	unreachedOffers   = map[postroom.Transition[postroom.OfferState, postroom.OfferEvent]]string{}
	unreachedSegments = map[postroom.Transition[postroom.SegmentState, postroom.SegmentEvent]]string{
		{From: postroom.SegmentWrapUp, Event: postroom.SegmentLeft, To: postroom.SegmentEnded}: "rows look alike after it and after a wrap-up; TestUnstickTakesAContactBackFromEveryPhase sees it",
	}
	unreachedAgents = map[postroom.Transition[postroom.AgentState, postroom.AgentEvent]]string{
		{From: postroom.AgentIdle, Event: postroom.AgentLosesConnection, To: postroom.AgentIdle}: "changes nothing that people see, so nothing is recorded",
		{From: postroom.AgentIdle, Event: postroom.AgentNotReached, To: postroom.AgentIdle}:      "changes nothing that people see, so nothing is recorded",
		{From: postroom.AgentRONA, Event: postroom.AgentLosesConnection, To: postroom.AgentRONA}: "changes nothing that people see, so nothing is recorded",
		{From: postroom.AgentRONA, Event: postroom.AgentNotReached, To: postroom.AgentRONA}:      "changes nothing that people see, so nothing is recorded",
	}
)

// Notes in a contact's story that are no change of its phase.
var notes = []string{"opened", store.EventCustomerWrote, store.EventSegmentWrapped, store.EventLookedAt, store.EventNoteAdded, store.EventReplyBounced, store.EventMergedIn, store.EventSplitOff, store.EventReleased, "wrap-up extended",
	"wrap-up left to the agent", "target dropped", "overflowed", "moved", "reprioritised", "unstuck"}

// Each change that the store makes is a row of a table, and each row is a change that the store makes.
func TestTheStoreMakesTheChangesOfTheTablesAndNoOthers(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	c.Witness(t)
	liveADay(t, c)
	c.MustHold(t)

	contacts := recorded[postroom.ContactPhase, postroom.ContactEvent](t, c,
		`SELECT DISTINCT from_phase, event, to_phase FROM contact_event WHERE NOT (event = ANY ($1) AND from_phase = to_phase)`, notes)
	compare(t, postroom.ContactMachine, contacts, unreachedContacts)
	agents := recorded[postroom.AgentState, postroom.AgentEvent](t, c, `SELECT DISTINCT from_state, event, to_state FROM agent_log`)
	compare(t, postroom.AgentMachine, agents, unreachedAgents)
	seen := c.Witnessed(t)
	compare(t, postroom.OfferMachine, named(t, postroom.OfferMachine, "offer", seen), unreachedOffers)
	compare(t, postroom.SegmentMachine, named(t, postroom.SegmentMachine, "segment", seen), unreachedSegments)
}

// recorded reads changes that the store itself wrote down.
func recorded[S, E ~string](t *testing.T, c *testkit.Centre, sql string, args ...any) []postroom.Transition[S, E] {
	t.Helper()
	rows, err := c.Connect(t).Query(context.WithoutCancel(t.Context()), sql, args...)
	must(t, err)
	changes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (change postroom.Transition[S, E], err error) {
		return change, row.Scan(&change.From, &change.Event, &change.To)
	})
	must(t, err)
	return changes
}

// named gives changes that PostgreSQL witnessed the event that leads from one state to the other. A row begins in an initial state.
func named[S, E ~string](t *testing.T, m postroom.Machine[S, E], table string, seen map[testkit.Change]int) []postroom.Transition[S, E] {
	t.Helper()
	var changes []postroom.Transition[S, E]
	for change := range seen {
		if change.Table != table {
			continue
		}
		from, to := S(change.From), S(change.To)
		if from == "" {
			if !slices.Contains(m.Initial, to) {
				t.Errorf("%s: a row began as %q", m.Name, to)
			}
			continue
		}
		at := slices.IndexFunc(m.Table, func(row postroom.Transition[S, E]) bool { return row.From == from && row.To == to })
		if at < 0 {
			t.Errorf("%s: no event leads from %q to %q, and it happened", m.Name, from, to)
			continue
		}
		changes = append(changes, postroom.Transition[S, E]{From: from, Event: m.Table[at].Event, To: to})
	}
	return changes
}

func compare[S, E ~string](t *testing.T, m postroom.Machine[S, E], seen []postroom.Transition[S, E], unreached map[postroom.Transition[S, E]]string) {
	t.Helper()
	for _, change := range seen {
		if to, err := m.Next(change.From, change.Event); err != nil || to != change.To {
			t.Errorf("%s: %q by %q became %q, which is not in the table", m.Name, change.From, change.Event, change.To)
		}
	}
	for _, row := range m.Table {
		row.Rule = ""
		_, excused := unreached[row]
		if slices.Contains(seen, row) == excused {
			t.Errorf("%s: %q by %q to %q: reached %v, excused %v", m.Name, row.From, row.Event, row.To, !excused, excused)
		}
	}
	for row := range unreached {
		if to, err := m.Next(row.From, row.Event); err != nil || to != row.To {
			t.Errorf("%s: %q by %q is excused and is not in the table", m.Name, row.From, row.Event)
		}
	}
}

// liveADay takes a contact centre through everything that can happen in it.
func liveADay(t *testing.T, c *testkit.Centre) {
	t.Helper()
	ctx := t.Context()
	token := []byte(uuid.NewString()[:32])
	signOut := func(agent postroom.AgentID) {
		must(t, c.RevokeSessions(ctx, testkit.Command("admin"), postroom.System("test"), agent))
		_, err := c.CloseSession(ctx, token, agent)
		must(t, err)
	}
	offer := func(agent postroom.AgentID) postroom.OfferID {
		return c.Claim(t, c.Arrive(t, uuid.NewString()+"@customer.example", "Hello"), agent)
	}
	missed := func(offer postroom.OfferID) {
		c.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() WHERE id = $1", offer)
		_, err := c.ExpireOffer(ctx, offer)
		must(t, err)
	}
	gone := func(agent postroom.AgentID) {
		c.Exec(t, "UPDATE agent_lease SET last_seen = last_seen - interval '1 minute' WHERE agent_id = $1", agent)
		_, err := c.LoseLease(ctx, agent)
		must(t, err)
	}

	// An answer, a close, a decline; a customer who writes again.
	c.SignIn(t, "mina")
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	answered := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	id := c.Reply(t, answered, "mina")
	_, err := c.Ingest(ctx, c.FollowUp("kim@customer.example", id))
	must(t, err)
	c.WrapUp(t, answered, "mina")
	over := c.Arrive(t, uuid.NewString()+"@customer.example", "Hello")
	closed := c.Claim(t, over, "mina")
	_, err = c.AcceptOffer(ctx, testkit.Command("mina"), closed)
	must(t, err)
	_, err = c.CloseWithoutReply(ctx, testkit.Command("mina"), closed)
	must(t, err)
	c.WrapUp(t, closed, "mina")
	_, err = c.DeclineOffer(ctx, testkit.Command("mina"), offer("mina"))
	must(t, err)

	// Passed on, wrapped up beside it; back from wrap-up; parked until a time and until the customer writes.
	passed := c.Own(t, c.Arrive(t, uuid.NewString()+"@customer.example", "Hello"), "mina")
	c.Transfer(t, passed, "mina", store.Transfer{Queue: "general"})
	c.WrapUp(t, passed, "mina")
	parked := c.Arrive(t, "lee@customer.example", "Hello")
	held := c.Own(t, parked, "mina")
	answer := c.Reply(t, held, "mina")
	_, err = c.ReturnToContact(ctx, testkit.Command("mina"), held)
	must(t, err)
	c.Park(t, held, "mina", time.Now().Add(time.Hour))
	c.Exec(t, "UPDATE contact SET parked_until = clock_timestamp() WHERE id = $1", parked)
	_, err = c.ResumeContact(ctx, parked)
	must(t, err)
	c.Park(t, c.Own(t, parked, "mina"), "mina", time.Time{})
	_, err = c.Ingest(ctx, c.FollowUp("lee@customer.example", answer))
	must(t, err)
	again, err := c.ReopenContact(ctx, testkit.Command("mina"), over)
	must(t, err)
	c.Park(t, again.Offer, "mina", time.Time{})

	// Contacts of one customer become one: of one that waits, and of one that is parked.
	into := c.Arrive(t, "oh@customer.example", "One")
	for _, park := range []bool{false, true} {
		other := c.Arrive(t, "oh@customer.example", "The same")
		if park {
			c.Park(t, c.Own(t, other, "mina"), "mina", time.Time{})
		}
		_, err = c.MergeContacts(ctx, store.Supervision{By: postroom.System("test"), Contact: other}, into)
		must(t, err)
	}

	// RONA twice, a connection lost in it, an offer that did not reach her, signing out and in again; then a choice.
	offers := []postroom.OfferID{offer("mina"), offer("mina")}
	for _, o := range offers {
		must(t, c.OfferShown(ctx, "mina", o))
		missed(o)
	}
	gone("mina")
	signOut("mina")
	must(t, c.OpenSession(ctx, token, "mina"))
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	inRONA(t, c, "mina")
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	gone("mina")
	signOut("mina")

	// Not reached, gone and back, Idle with an offer, signed out while Available.
	c.SignIn(t, "jiwoo")
	missed(offer("jiwoo"))
	_, err = c.Heartbeat(ctx, "jiwoo")
	must(t, err)
	offer("jiwoo")
	gone("jiwoo")
	_, err = c.Heartbeat(ctx, "jiwoo")
	must(t, err)
	offer("jiwoo")
	c.Choose(t, "jiwoo", postroom.AgentIdle, "lunch")
	c.Choose(t, "jiwoo", postroom.AgentAvailable, "")
	offer("jiwoo")
	signOut("jiwoo")

	// An offer that nobody saw, of somebody who has become RONA by another one.
	c.SignIn(t, "tom")
	offers = []postroom.OfferID{offer("tom"), offer("tom")}
	must(t, c.OfferShown(ctx, "tom", offers[0]))
	missed(offers[0])
	missed(offers[1])

	// A supervisor assigns, takes back, closes; an owner and a wrap-up are unstuck; somebody will be Idle after his contact.
	c.SignIn(t, "jiwoo")
	contact := c.Arrive(t, "nam@customer.example", "Hello")
	_, err = c.AssignContact(ctx, asking(t, c, contact), "jiwoo")
	must(t, err)
	_, _, err = c.SetAgentState(ctx, testkit.Command("jiwoo"),
		store.AgentChange{Agent: "jiwoo", To: postroom.AgentIdle, Code: "lunch", AfterContact: true, Seen: seen(t, c, "jiwoo")})
	must(t, err)
	_, err = c.RequeueContact(ctx, asking(t, c, contact))
	must(t, err)
	c.Choose(t, "jiwoo", postroom.AgentAvailable, "")
	assigned, err := c.AssignContact(ctx, asking(t, c, contact), "jiwoo")
	must(t, err)
	_, err = c.CloseWithoutReply(ctx, testkit.Command("jiwoo"), assigned.Offer)
	must(t, err)
	_, err = c.UnstickContact(ctx, asking(t, c, contact), "")
	must(t, err)
	_, err = c.CloseWaiting(ctx, store.Closing{Supervision: asking(t, c, contact), Agent: "sora", Code: "solved"})
	must(t, err)
}
