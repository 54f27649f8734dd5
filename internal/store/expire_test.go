package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// clock opens a store whose clock is ahead.
func clock(t testing.TB, c *testkit.Centre, ahead time.Duration) *store.Store {
	t.Helper()
	return c.Open(t, store.Options{Shift: ahead, MaxConns: 2})
}

// beat renews an agent's lease by a clock that is ahead.
func beat(t testing.TB, c *testkit.Centre, agent postroom.AgentID, ahead time.Duration) {
	t.Helper()
	_, err := clock(t, c, ahead).Heartbeat(t.Context(), agent)
	must(t, err)
}

// behind changes an agent's state without what goes with it, as only a defect could.
func behind(t testing.TB, c *testkit.Centre, agent postroom.AgentID, state postroom.AgentState, code postroom.IdleCode) {
	t.Helper()
	c.Exec(t, `WITH was AS (SELECT agent_id, state FROM agent_state WHERE agent_id = $1),
		now AS (UPDATE agent_state SET state = $2, idle_code = $3 WHERE agent_id = $1)
		INSERT INTO agent_log (at, agent_id, event, from_state, to_state, actor) SELECT clock_timestamp(), agent_id, 'test', state, $2, 'test' FROM was`,
		agent, string(state), string(code))
}

type ended struct {
	State    postroom.OfferState
	Cause    postroom.EndCause
	Agent    postroom.AgentState
	IdleCode postroom.IdleCode
	Logged   int // rows of the agent's log that name the offer
}

// R12, I4: the transaction that ends an overdue offer decides why it ended, and what becomes of the agent.
func TestTheCauseOfAnUnansweredOfferDecidesWhetherTheAgentIsBlamed(t *testing.T) {
	t.Parallel()
	const deadline = 60 * time.Second // longer than a lease, so that one can be stale at the deadline
	type scene struct {
		*testkit.Centre
		agent postroom.AgentID
		offer postroom.OfferID
	}
	shown := func(t *testing.T, s scene) {
		must(t, s.OfferShown(t.Context(), s.agent, s.offer))
		beat(t, s.Centre, s.agent, deadline-10*time.Second)
	}
	triedToAccept := func(t *testing.T, s scene, when time.Duration) {
		must(t, clock(t, s.Centre, when).AcceptMetOutage(t.Context(), s.agent, s.offer))
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, s scene)
		late    time.Duration // after the deadline, when it is noticed
		want    ended
	}{
		{"shown, connected, not answered", shown, time.Second,
			ended{postroom.OfferExpired, postroom.CauseRONA, postroom.AgentRONA, "", 1}},
		{"noticed a little late", shown, postroom.LateNotice - time.Second,
			ended{postroom.OfferExpired, postroom.CauseRONA, postroom.AgentRONA, "", 1}},
		{"noticed too late by us", shown, postroom.LateNotice + time.Second,
			ended{postroom.OfferUnreachable, postroom.CauseNoticedLate, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"never shown", func(t *testing.T, s scene) { beat(t, s.Centre, s.agent, deadline-10*time.Second) }, time.Second,
			ended{postroom.OfferUnreachable, postroom.CauseNeverShown, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"the connection was gone at the deadline", func(t *testing.T, s scene) { must(t, s.OfferShown(t.Context(), s.agent, s.offer)) },
			time.Second, ended{postroom.OfferUnreachable, postroom.CauseLeaseStale, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"no lease at all", func(t *testing.T, s scene) {
			must(t, s.OfferShown(t.Context(), s.agent, s.offer))
			s.Exec(t, "DELETE FROM agent_lease WHERE agent_id = $1", s.agent)
		}, time.Second, ended{postroom.OfferUnreachable, postroom.CauseLeaseStale, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"an accept in time met our outage", func(t *testing.T, s scene) {
			shown(t, s)
			triedToAccept(t, s, deadline-5*time.Second)
		}, time.Second, ended{postroom.OfferUnreachable, postroom.CauseAcceptOutage, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"an accept in time met our outage, and another after the deadline", func(t *testing.T, s scene) {
			shown(t, s)
			triedToAccept(t, s, deadline-5*time.Second)
			triedToAccept(t, s, deadline+time.Second/2)
		}, time.Second, ended{postroom.OfferUnreachable, postroom.CauseAcceptOutage, postroom.AgentIdle, postroom.IdleDisconnected, 1}},
		{"an accept met our outage when it was too late anyway", func(t *testing.T, s scene) {
			shown(t, s)
			triedToAccept(t, s, deadline+time.Second/2)
		}, time.Second, ended{postroom.OfferExpired, postroom.CauseRONA, postroom.AgentRONA, "", 1}},
		{"he was RONA already", func(t *testing.T, s scene) {
			shown(t, s)
			behind(t, s.Centre, s.agent, postroom.AgentRONA, "")
		}, time.Second, ended{postroom.OfferExpired, postroom.CauseRONA, postroom.AgentRONA, "", 1}},
		{"he was RONA and did not see it", func(t *testing.T, s scene) {
			beat(t, s.Centre, s.agent, deadline-10*time.Second)
			behind(t, s.Centre, s.agent, postroom.AgentRONA, "")
		}, time.Second, ended{postroom.OfferUnreachable, postroom.CauseNeverShown, postroom.AgentRONA, "", 0}},
		{"he was Idle by then", func(t *testing.T, s scene) {
			shown(t, s)
			behind(t, s.Centre, s.agent, postroom.AgentIdle, "lunch")
		}, time.Second, ended{postroom.OfferExpired, postroom.CauseNotAvailable, postroom.AgentIdle, "lunch", 0}},
		{"he was Idle and did not see it", func(t *testing.T, s scene) { behind(t, s.Centre, s.agent, postroom.AgentIdle, "lunch") }, time.Second,
			ended{postroom.OfferUnreachable, postroom.CauseNeverShown, postroom.AgentIdle, "lunch", 0}},
		{"he was signed out by then", func(t *testing.T, s scene) {
			shown(t, s)
			behind(t, s.Centre, s.agent, postroom.AgentLoggedOut, "")
		}, time.Second, ended{postroom.OfferExpired, postroom.CauseNotAvailable, postroom.AgentLoggedOut, "", 0}},
	}
	c := testkit.NewCentre(t, deadline, store.Options{})
	agents := c.Hire(t, len(tests), 1)
	for i, test := range tests {
		s := scene{Centre: c, agent: agents[i]}
		c.SignIn(t, s.agent)
		contact := c.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello")
		arrived := c.Text(t, "SELECT arrived_at::text FROM contact WHERE id = $1", contact)
		s.offer = c.Claim(t, contact, s.agent)
		test.prepare(t, s)

		got, err := clock(t, c, deadline+test.late).ExpireOffer(t.Context(), s.offer)
		must(t, err)
		if got.Ended != test.want.State || got.Agent != s.agent || got.Snapshot.Phase != postroom.ContactWaiting || got.Snapshot.Offer != "" {
			t.Errorf("%s: answer %+v", test.name, got)
		}
		var row ended
		must(t, c.Connect(t).QueryRow(t.Context(), `
			SELECT o.state, o.end_cause, s.state, s.idle_code, (SELECT count(*) FROM agent_log l WHERE l.offer_id = o.id)
			FROM offer o JOIN agent_state s USING (agent_id) WHERE o.id = $1`, s.offer).Scan(&row.State, &row.Cause, &row.Agent, &row.IdleCode,
			&row.Logged))
		if row != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, row, test.want)
		}
		if now := c.Text(t, "SELECT arrived_at::text FROM contact WHERE id = $1", contact); now != arrived {
			t.Errorf("%s: the contact arrived at %s, and now at %s", test.name, arrived, now)
		}
		oneTransaction(t, c.Database, s.offer)
	}
	c.MustHold(t)
}

// oneTransaction requires that the end of an offer, the requeue, the event, the story and what became of the agent were written
// together: xmin is the transaction that wrote a row.
func oneTransaction(t testing.TB, d testkit.Database, offer postroom.OfferID) {
	t.Helper()
	n := d.Count(t, `
		SELECT count(DISTINCT x)::int FROM (
			SELECT xmin::text AS x FROM offer WHERE id = $1
			UNION ALL SELECT c.xmin::text FROM contact c JOIN offer o ON o.contact_id = c.id WHERE o.id = $1
			UNION ALL SELECT xmin::text FROM segment WHERE caused_by_offer_id = $1
			UNION ALL SELECT xmin::text FROM contact_event WHERE offer_id = $1 AND event = 'requeued'
			UNION ALL SELECT xmin::text FROM agent_log WHERE offer_id = $1
			UNION ALL SELECT s.xmin::text FROM agent_state s JOIN agent_log l USING (agent_id) WHERE l.offer_id = $1
			UNION ALL SELECT e.xmin::text FROM event e WHERE e.offer_id = $1 AND e.state NOT IN ('live', '')
		) writes`, offer)
	if n != 1 {
		t.Errorf("%d transactions wrote the end of the offer", n)
	}
}

// R11: offers that an agent in RONA still has stay acceptable until their own deadline, and accepting one does not end RONA; missing
// another one is a second RONA.
func TestOtherOffersOfAnAgentInRONAStayAcceptable(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, 10*time.Second, store.Options{})
	c.Exec(t, "UPDATE agent_capacity SET capacity = 3 WHERE agent_id = 'mina'")
	c.SignIn(t, "mina")
	var offers [3]postroom.OfferID
	for i := range offers {
		offers[i] = c.Claim(t, c.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello"), "mina")
		must(t, c.OfferShown(t.Context(), "mina", offers[i]))
	}
	later := clock(t, c, 11*time.Second)
	for i, from := range []postroom.AgentState{postroom.AgentAvailable, postroom.AgentRONA} {
		got, err := later.ExpireOffer(t.Context(), offers[i])
		must(t, err)
		if got.Ended != postroom.OfferExpired {
			t.Fatalf("expire %d: %+v", i, got)
		}
		if was := c.Text(t, "SELECT from_state FROM agent_log WHERE offer_id = $1", offers[i]); was != string(from) {
			t.Errorf("RONA %d came from %s, want %s", i, was, from)
		}
	}
	if _, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offers[2]); err != nil {
		t.Errorf("accept in RONA: %v", err)
	}
	if _, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offers[2]); err != nil {
		t.Errorf("close in RONA: %v", err)
	}
	c.WrapUp(t, offers[2], "mina")
	if got := status(t, c, "mina"); got != postroom.AgentRONA {
		t.Errorf("after accepting and wrapping up she is %s", got)
	}
	c.MustHold(t)
}

func TestAnOfferBeforeItsDeadlineOnlySaysHowLongItLasts(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Claim(t, contact, "mina")
	before, err := c.LoadContact(t.Context(), contact)
	must(t, err)
	got, err := clock(t, c, 50*time.Second).ExpireOffer(t.Context(), offer)
	must(t, err)
	if got.Ended != "" || got.Agent != "" || got.Snapshot.Version != before.Version || got.Snapshot.Phase != postroom.ContactOffered {
		t.Errorf("too early: %+v", got)
	}
	if r := got.Snapshot.Remaining; r <= 0 || r > 10*time.Second {
		t.Errorf("remaining %v", r)
	}
	if !got.Snapshot.ExpiresAt.Equal(before.ExpiresAt) {
		t.Errorf("the deadline moved from %v to %v", before.ExpiresAt, got.Snapshot.ExpiresAt)
	}
}
