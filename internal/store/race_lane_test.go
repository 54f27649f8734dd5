package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// staged opens a queue that admits its second team after a while, and overflows to "general" later.
func (a arena) staged(t *testing.T, n int) (queue postroom.QueueID, first, second []postroom.AgentID) {
	t.Helper()
	first, second = a.Hire(t, n, 10), a.Hire(t, n, 10)
	adaptAgain(t, a.Centre, func(c *postroom.Configuration) {
		q := c.Queues[0]
		name := fmt.Sprintf("staged-%d", len(c.Queues))
		queue = postroom.QueueID(name)
		early, late := postroom.TeamID(name+"-first"), postroom.TeamID(name+"-second")
		q.ID, q.Name.English, q.Teams = queue, name, []postroom.TeamID{early}
		q.QueueRules = postroom.QueueRules{Widening: []postroom.Widening{{After: 10 * time.Minute, Teams: []postroom.TeamID{late}}},
			MaxTime: 20 * time.Minute, Overflow: "general"}
		c.Queues = append(c.Queues, q)
		for id, members := range map[postroom.TeamID][]postroom.AgentID{early: first, late: second} {
			c.Teams = append(c.Teams, postroom.Team{ID: id, Name: postroom.Name{English: string(id)}, Profile: "standard"})
			for _, member := range members {
				for i := range c.Agents {
					if c.Agents[i].ID == member {
						c.Agents[i].Team = id
					}
				}
			}
		}
	})
	return queue, first, second
}

// advance moves a contact's wait on by a clock, as its workflow does. A contact that somebody holds does not wait.
func advance(ctx context.Context, s *store.Store, contact postroom.ContactID) error {
	wait, now, waiting, err := s.Wait(ctx, contact)
	if err != nil || !waiting {
		return err
	}
	_, err = s.Advance(ctx, wait, routing.Progress(wait, now))
	return err
}

// I1, R32: a contact whose wait goes on to the next stage, whose target is dropped, or that overflows, while it is claimed by agents of this
// stage and of the next, is held once, by somebody whom it admitted, and stays in one queue.
func whoeverClaimsAContactThatMovesOnWasAdmitted(t *testing.T, a arena) {
	queue, first, second := a.staged(t, 4)
	for _, agent := range append(append([]postroom.AgentID{}, first...), second...) {
		a.SignIn(t, agent)
	}
	for i, moves := range []time.Duration{11 * time.Minute, 21 * time.Minute, 11 * time.Minute} {
		later := a.Open(t, store.Options{Shift: moves, MaxConns: 8})
		contact := arriveIn(t, a.Centre, queue)
		if i == 2 { // it waits for one of the second stage alone; his time is over when it moves on
			a.Exec(t, "UPDATE contact SET target_agent_id = $2, target_until = clock_timestamp() + interval '1 minute' WHERE id = $1", contact, second[0])
		}
		won := a.wins(t, func(n int) (bool, error) {
			if n%8 == 0 {
				return false, advance(context.WithoutCancel(t.Context()), later, contact)
			}
			agents := first
			if n%2 == 1 {
				agents = second
			}
			return productClaim(t.Context(), a.crowd.Store(n), contact, agents[n/2%len(agents)])
		})
		if won > 1 {
			t.Errorf("%d claims won", won)
		}
		if wrong := a.notAdmitted(t, contact); wrong != 0 {
			t.Errorf("after %v: offered to somebody whom neither its stage nor its target admitted", moves)
		}
	}
	a.MustHold(t)
}

// notAdmitted counts a contact's offers to agents who have no lane at the stage where it stands, nor had when it was in its first queue.
func (a arena) notAdmitted(t *testing.T, contact postroom.ContactID) int {
	t.Helper()
	return a.Count(t, `SELECT count(*) FROM offer o JOIN contact c ON c.id = o.contact_id WHERE c.id = $1
		AND NOT EXISTS (SELECT FROM agent_lane l WHERE l.agent_id = o.agent_id AND l.queue_id = o.queue_id AND l.step <= c.step)
		AND c.target_agent_id IS DISTINCT FROM o.agent_id`, contact)
}

// A control of whoeverClaimsAContactThatMovesOnWasAdmitted: a claim that does not test the lane again offers it to somebody of a later stage.
func withoutTheLaneAContactIsOfferedToSomebodyOfALaterStage(t *testing.T, a arena) {
	queue, _, second := a.staged(t, 4)
	for _, agent := range second {
		a.SignIn(t, agent)
	}
	contact := arriveIn(t, a.Centre, queue)
	careless := carelessClaim{able: ableNow, take: takeWaiting}.claim
	a.wins(t, func(n int) (bool, error) {
		return careless(t.Context(), a.crowd.Store(n), contact, second[n%len(second)])
	})
	if a.Count(t, `SELECT count(*) FROM offer o WHERE contact_id = $1 AND NOT EXISTS (
		SELECT FROM agent_lane l WHERE l.agent_id = o.agent_id AND l.queue_id = o.queue_id AND l.step = 0)`, contact) == 0 {
		t.Error("the check should be red")
	}
}

// R32, §7 of the protocol: when a contact's stage widens, or its target's time is over, at the moment at which somebody whom it admits then
// becomes Available, at least one of the two sees the other.
func ofAStageAndAnAgentThatMeetOneSeesTheOther(t *testing.T, a arena) {
	queue, _, second := a.staged(t, 8)
	later := []*store.Store{a.Open(t, store.Options{Shift: 11 * time.Minute, MaxConns: 4}), a.Open(t, store.Options{Shift: 11 * time.Minute, MaxConns: 4})}
	for i, agent := range second {
		must(t, a.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), agent))
		contact := arriveIn(t, a.Centre, queue)
		if i%2 == 1 {
			a.Exec(t, "UPDATE contact SET target_agent_id = 'mina', target_until = clock_timestamp() + interval '1 minute' WHERE id = $1", contact)
		}
		now, err := a.AgentStatus(t.Context(), agent)
		must(t, err)
		saw := testkit.Together(2, func(n int) error {
			ctx, s := context.WithoutCancel(t.Context()), later[n]
			if n == 0 {
				if err := advance(ctx, s, contact); err != nil {
					return err
				}
				_, candidates, _, err := s.Candidates(ctx, contact)
				for _, c := range candidates {
					if c.Agent == agent {
						return errors.Join(err, errSaw)
					}
				}
				return err
			}
			if _, _, err := s.SetAgentState(ctx, testkit.Command(agent), store.AgentChange{Agent: agent, To: postroom.AgentAvailable, Seen: now.Version}); err != nil {
				return err
			}
			waiting, _, err := s.Heads(ctx, agent)
			for _, w := range waiting {
				if w.Contact == contact {
					return errors.Join(err, errSaw)
				}
			}
			return err
		})
		if !errors.Is(saw[0], errSaw) && !errors.Is(saw[1], errSaw) {
			t.Errorf("neither saw the other: %v", saw)
		}
		if _, _, err := later[0].SetAgentState(t.Context(), testkit.Command(agent), store.AgentChange{Agent: agent, To: postroom.AgentIdle, Code: "lunch",
			Seen: now.Version + 1}); err != nil {
			t.Error(err)
		}
		a.Exec(t, "UPDATE contact SET rank_at = 'infinity' WHERE id = $1", contact)
	}
}

// A control of it: who looks for agents before he commits the stage, and an agent who looks before he commits, see nothing of each other.
func TestWhoLooksBeforeTheStageIsCommittedSeesNobody(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) {
		c.Teams = append(c.Teams, postroom.Team{ID: "back", Name: postroom.Name{English: "Back"}, Profile: "standard"})
		c.Queues[0].Teams = []postroom.TeamID{"back"}
		c.Queues[0].Widening = []postroom.Widening{{After: 10 * time.Minute, Teams: []postroom.TeamID{"front"}}}
	})
	must(t, c.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), "mina"))
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	ctx := t.Context()
	stage, err := c.Connect(t).Begin(ctx)
	must(t, err)
	agent, err := c.Connect(t).Begin(ctx)
	must(t, err)
	_, err = stage.Exec(ctx, "UPDATE contact SET step = 1 WHERE id = $1", contact)
	must(t, err)
	_, err = agent.Exec(ctx, "UPDATE agent_state SET state = 'available', idle_code = '' WHERE agent_id = 'mina'")
	must(t, err)
	var able, waiting int
	must(t, stage.QueryRow(ctx, "SELECT count(*) FROM agent_room r JOIN agent_lane l USING (agent_id) WHERE l.queue_id = 'general' AND l.step = 1 AND r.room > 0").Scan(&able))
	must(t, agent.QueryRow(ctx, "SELECT count(*) FROM contact c JOIN agent_lane l ON l.queue_id = c.queue_id AND l.step = c.step WHERE l.agent_id = 'mina'").Scan(&waiting))
	must(t, errors.Join(stage.Commit(ctx), agent.Commit(ctx)))
	if able != 0 || waiting != 0 {
		t.Errorf("the contact saw %d agents, the agent %d contacts; both should have seen nothing", able, waiting)
	}
	wantSame(t, "after both commits", candidates(t, c.Store, contact), "mina")
}

// A choice is a few probes of indexes, however much waits: no statement of a look reads the contacts as a whole.
func TestALookReadsAFewOfManyWaitingContacts(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{MaxConns: 1}) // one connection, so that its statistics are seen
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	c.Exec(t, `WITH n AS MATERIALIZED (SELECT gen_random_uuid() AS id, gen_random_uuid() AS thread, customer_id FROM generate_series(1, 20000), thread),
		threads AS (INSERT INTO thread (id, customer_id) SELECT thread, customer_id FROM n)
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, queue_id, phase, told, queued_at, rank_at)
		SELECT id, thread, customer_id, 'email', 'support', 'Hello', now(), 'general', 'waiting', 1, now(), now() FROM n`)
	c.Exec(t, "ANALYZE")
	read := func() (rows int) {
		c.Exec(t, "SELECT pg_stat_clear_snapshot()")
		return c.Count(t, `SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int FROM pg_stat_user_tables WHERE relname = 'contact' AND schemaname = $1`, c.Schema)
	}
	const times = 20
	before := read()
	for range times {
		wantSame(t, "heads", heads(t, c.Store, "mina"), contact)
		wantSame(t, "candidates", candidates(t, c.Store, contact), "mina")
		_, _, _, err := c.Wait(t.Context(), contact)
		must(t, err)
	}
	c.Claim(t, contact, "mina")
	c.Store.Close() // what it read is counted now
	var after int
	testkit.Eventually(t, "the statistics", func() bool { after = read(); return after > before })
	if each := (after - before) / times; each > 50 {
		t.Errorf("a look reads %d contacts of 20,000", each)
	}
}

// A control of the count: a look without its index does read them all.
func TestALookWithoutItsIndexReadsAllWaitingContacts(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	for range 50 {
		c.Arrive(t, fmt.Sprintf("%s@customer.example", uuid.NewString()), "Hello")
	}
	c.Exec(t, "DROP INDEX contact_lane")
	c.Exec(t, "ANALYZE")
	var plan string
	rows, err := c.Connect(t).Query(t.Context(), "EXPLAIN SELECT id FROM contact WHERE queue_id = 'general' AND step = 0 AND phase = 'waiting' AND target_agent_id IS NULL ORDER BY rank_at, id LIMIT 1")
	must(t, err)
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		plan += line + "\n"
	}
	must(t, rows.Err())
	if len(only([]string{plan}, "Sort")) == 0 {
		t.Errorf("the plan should sort all that wait:\n%s", plan)
	}
}
