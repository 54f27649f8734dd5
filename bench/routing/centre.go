package main

import (
	"context"
	"fmt"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
)

// The contact centre that is measured: 1,000 agents in 20 teams, 50 queues of all routing types with skills, relaxation and widening. Two
// queues are served by a team each that serves nothing else: what waits in "middle" arrived in the later half, and in "last" waits one
// contact, the last of all.
const (
	agents   = 1000
	teams    = 20
	ordinary = 48 // queues
	skills   = 10
	apart    = 20 // agents in each of the two teams apart
)

// kind is which agents are measured: who can take the contact that waits longest, one from the middle, or only the last.
type kind string

const (
	head   kind = "head"
	middle kind = "middle"
	last   kind = "last"
)

var kinds = []kind{head, middle, last}

func configuration() postroom.Configuration {
	server := postroom.MailServer{Host: stack.Loopback, Port: 1, TLS: postroom.TLSNone, Username: "bench", Secret: "mailbox"}
	c := postroom.Configuration{
		Mailboxes:   []postroom.Mailbox{{ID: "bench", Address: "bench@postroom.example", Folder: "INBOX", IMAP: server, SMTP: server, OnFinding: postroom.OriginalKeep}},
		Profiles:    []postroom.MultimediaProfile{{ID: "one", Name: "One", Capacity: map[postroom.Channel]int{postroom.ChannelEmail: 1}}},
		WrapUpCodes: []postroom.WrapUpCodeEntry{{Code: "solved", Name: postroom.Name{English: "Solved"}}},
		IdleCodes:   []postroom.IdleCodeEntry{{Code: "break", Name: postroom.Name{English: "Break"}}},
	}
	for i := range skills {
		c.Skills = append(c.Skills, postroom.Skill{ID: skill(i), Name: postroom.Name{English: string(skill(i))}})
	}
	for i := range teams {
		c.Teams = append(c.Teams, postroom.Team{ID: team(i), Name: postroom.Name{English: string(team(i))}, Profile: "one"})
	}
	for i := range agents - 2*apart {
		c.Agents = append(c.Agents, agent(fmt.Sprintf("agent-%d", i), team(i), map[postroom.SkillID]int{skill(i): 2 + i%4, skill(i/teams + 3): 1 + i%5, skill(i/7 + 5): 3}))
	}
	types := postroom.RoutingTypes()
	for i := range ordinary {
		c.Queues = append(c.Queues, queue(fmt.Sprintf("queue-%d", i), i%3, types[i%len(types)], skill(i), team(i), team(i+7), team(i+13)))
	}
	for _, k := range []kind{middle, last} {
		c.Teams = append(c.Teams, postroom.Team{ID: postroom.TeamID(k), Name: postroom.Name{English: string(k)}, Profile: "one"})
		c.Queues = append(c.Queues, queue(string(k), 0, postroom.RouteSkillsBest, skill(0), postroom.TeamID(k)))
		for i := range apart {
			c.Agents = append(c.Agents, agent(fmt.Sprintf("%s-%d", k, i), postroom.TeamID(k), map[postroom.SkillID]int{skill(0): 3 + i%5}))
		}
	}
	return c
}

func skill(i int) postroom.SkillID { return postroom.SkillID(fmt.Sprintf("skill-%d", i%skills)) }
func team(i int) postroom.TeamID   { return postroom.TeamID(fmt.Sprintf("team-%d", i%teams)) }

func agent(id string, team postroom.TeamID, skills map[postroom.SkillID]int) postroom.Agent {
	return postroom.Agent{ID: postroom.AgentID(id), Name: id, Email: id + "@postroom.example", Role: postroom.RoleAgent, Team: team, Skills: skills}
}

func queue(id string, priority int, by postroom.RoutingType, skill postroom.SkillID, first postroom.TeamID, more ...postroom.TeamID) postroom.Queue {
	q := postroom.Queue{ID: postroom.QueueID(id), Name: postroom.Name{English: id}, Channel: postroom.ChannelEmail, Mailbox: "bench",
		Teams: append([]postroom.TeamID{first}, more...), Priority: priority, RONATime: postroom.MaxRONATime, WrapUpCodes: []postroom.WrapUpCode{"solved"},
		QueueRules: postroom.QueueRules{Type: by, AgeingStep: time.Hour, OwnerLease: time.Hour, ServiceLevel: 4 * time.Hour}}
	if by != postroom.RouteLongestAvailable {
		q.Skills = []postroom.SkillRequirement{{Skill: skill, Level: 3}}
		q.Relaxation = []postroom.Relaxation{{After: 30 * time.Minute, Skills: []postroom.SkillRequirement{{Skill: skill, Level: 1}}}}
	}
	if len(more) > 0 {
		q.Widening = []postroom.Widening{{After: time.Hour, Teams: []postroom.TeamID{team(len(id) + priority)}}}
	}
	return q
}

// centre is one of these, with so many contacts waiting.
type centre struct {
	*store.Store
	owner   *store.Store
	waiting int
	able    map[kind][]postroom.AgentID // who is measured
}

// newCentre makes a schema with the contact centre and its waiting contacts. Every agent is Available.
func newCentre(ctx context.Context, postgres *stack.Postgres, schema string, waiting int) (*centre, error) {
	c := &centre{waiting: waiting}
	var err error
	if c.owner, err = store.Open(ctx, postgres.URL(stack.RoleOwner, stack.Database), store.Options{Schema: schema}, quiet); err != nil {
		return nil, err
	}
	if schema != "" {
		if err := c.exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			return nil, err
		}
	}
	if _, err := store.Migrate(ctx, postgres.URL(stack.RoleOwner, stack.Database), schema, quiet); err != nil {
		return nil, err
	}
	if c.Store, err = store.Open(ctx, postgres.URL(stack.RoleApp, stack.Database), store.Options{Schema: schema, MaxConns: 32}, quiet); err != nil {
		return nil, err
	}
	document, _ := pci.New().Text("document", "bench")
	if _, err := c.Apply(ctx, postroom.Command{}, postroom.System("bench"), configuration(), document); err != nil {
		return nil, err
	}
	if err := c.fill(ctx); err != nil {
		return nil, err
	}
	for _, k := range []kind{middle, last} {
		for i := range apart {
			c.able[k] = append(c.able[k], postroom.AgentID(fmt.Sprintf("%s-%d", k, i)))
		}
	}
	return c, nil
}

// fill has contacts arrive, one every 250 ms until a moment ago, and makes agents Available. Contact 1 is the first and is in queue-1;
// every 500th of the later half is in "middle", and the last of all in "last". They stand at the stages of their waits, and no workflow has
// to be told of them.
func (c *centre) fill(ctx context.Context) error {
	for _, sql := range []string{
		`INSERT INTO customer (id, name) VALUES (gen_random_uuid(), 'Customer')`,
		fmt.Sprintf(`WITH n AS MATERIALIZED (
			SELECT i, gen_random_uuid() AS id, gen_random_uuid() AS thread, clock_timestamp() - (%[1]d - i) * interval '250 milliseconds' AS at,
			       CASE WHEN i = %[1]d THEN 'last' WHEN i > %[1]d / 2 AND i %% greatest(1, %[1]d / 100) = 0 THEN 'middle' ELSE 'queue-' || i %% %[2]d END AS queue,
			       (SELECT id FROM customer LIMIT 1) AS customer
			FROM generate_series(1, %[1]d) i
		), threads AS (INSERT INTO thread (id, customer_id) SELECT thread, customer FROM n
		), contacts AS (
			INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, queue_id, phase, version, told, queued_at, step, rank_at)
			SELECT n.id, thread, customer, 'email', 'bench', 'Where is my parcel?', at, queue, 'waiting', 1, 1, at,
			       (SELECT max(step) FROM queue_step s WHERE s.queue_id = queue AND at + make_interval(secs => after_seconds) <= clock_timestamp()), at
			FROM n
		)
		INSERT INTO segment (id, contact_id, kind, queue_id, state, started_at) SELECT gen_random_uuid(), id, 'queue', queue, 'open', at FROM n`, c.waiting, ordinary),
		`UPDATE agent_state SET state = 'available', since = clock_timestamp() - random() * interval '1 hour'`,
		`ANALYZE`,
	} {
		if err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	c.able = map[kind][]postroom.AgentID{}
	rows, err := c.Pool().Query(ctx, `SELECT l.agent_id FROM contact c JOIN agent_lane l ON l.queue_id = c.queue_id AND l.step = c.step
		WHERE c.id = (SELECT id FROM contact ORDER BY arrived_at LIMIT 1) ORDER BY 1 LIMIT $1`, apart)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id postroom.AgentID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		c.able[head] = append(c.able[head], id)
	}
	return rows.Err()
}

// exec runs a statement as the owner of the schema.
func (c *centre) exec(ctx context.Context, sql string, args ...any) error {
	if _, err := c.owner.Pool().Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("%.60s: %w", sql, err)
	}
	return nil
}

func (c *centre) close() {
	if c.Store != nil {
		c.Store.Close()
	}
	c.owner.Close()
}
