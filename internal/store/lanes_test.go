package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// adapted is the sample contact centre with another configuration: agents mina, jiwoo and tom, and the queue "general", are there.
func adapted(t *testing.T, adapt func(c *postroom.Configuration)) *testkit.Centre {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	adaptAgain(t, c, adapt)
	return c
}

func adaptAgain(t *testing.T, c *testkit.Centre, adapt func(c *postroom.Configuration)) {
	t.Helper()
	configuration, _, err := c.Configuration(t.Context())
	must(t, err)
	adapt(&configuration)
	_, err = apply(t, c.Store, configuration)
	must(t, err)
}

// speaks gives agents levels of the skill "korean", of which there is one after it.
func speaks(c *postroom.Configuration, levels map[postroom.AgentID]int) {
	c.Skills = []postroom.Skill{{ID: "korean", Name: postroom.Name{English: "Korean"}}}
	for i, a := range c.Agents {
		if level := levels[a.ID]; level > 0 {
			c.Agents[i].Skills = map[postroom.SkillID]int{"korean": level}
		}
	}
}

func needs(level int) []postroom.SkillRequirement {
	return []postroom.SkillRequirement{{Skill: "korean", Level: level}}
}

// candidates are those who could take a contact, in the order of the choice.
func candidates(t *testing.T, s *store.Store, contact postroom.ContactID) []postroom.AgentID {
	t.Helper()
	_, found, _, err := s.Candidates(t.Context(), contact)
	must(t, err)
	ids := make([]postroom.AgentID, len(found))
	for i, c := range found {
		ids[i] = c.Agent
	}
	return ids
}

// heads are the contacts that an agent could be offered next, in order of their ids.
func heads(t *testing.T, s *store.Store, agent postroom.AgentID, except ...postroom.ContactID) []postroom.ContactID {
	t.Helper()
	found, _, err := s.Heads(t.Context(), agent, except...)
	must(t, err)
	ids := make([]postroom.ContactID, len(found))
	for i, w := range found {
		ids[i] = w.Contact
	}
	slices.Sort(ids)
	return ids
}

func wantSame[T comparable](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// look moves a contact's wait on as its workflow does.
func look(t *testing.T, s *store.Store, contact postroom.ContactID) routing.Change {
	t.Helper()
	wait, now, waiting, err := s.Wait(t.Context(), contact)
	must(t, err)
	if !waiting {
		t.Fatal("the contact does not wait")
	}
	change := routing.Progress(wait, now)
	_, err = s.Advance(t.Context(), wait, change)
	must(t, err)
	return change
}

// R32: skills are required with levels and relaxed over time, teams are added; who may take a contact is read by its stage.
func TestAContactIsTakenByWhomItsStageAdmits(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) {
		speaks(c, map[postroom.AgentID]int{"mina": 5, "jiwoo": 3})
		c.Teams = append(c.Teams, postroom.Team{ID: "back", Name: postroom.Name{English: "Back"}, Profile: "standard"})
		for i := range c.Agents {
			if c.Agents[i].ID == "tom" {
				c.Agents[i].Team = "back"
			}
		}
		c.Queues[0].QueueRules = postroom.QueueRules{Type: postroom.RouteSkillsBest, Skills: needs(4),
			Relaxation: []postroom.Relaxation{{After: 10 * time.Minute, Skills: needs(2)}, {After: 20 * time.Minute}},
			Widening:   []postroom.Widening{{After: 30 * time.Minute, Teams: []postroom.TeamID{"back"}}}}
	})
	for _, agent := range []postroom.AgentID{"tom", "jiwoo", "mina"} {
		c.SignIn(t, agent)
	}
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	for _, stage := range []struct {
		after time.Duration
		may   []postroom.AgentID
		next  time.Duration
	}{
		{0, []postroom.AgentID{"mina"}, 10 * time.Minute},
		{11 * time.Minute, []postroom.AgentID{"mina", "jiwoo"}, 9 * time.Minute},
		{21 * time.Minute, []postroom.AgentID{"jiwoo", "mina"}, 9 * time.Minute}, // no skill counts any more: who waits longest
		{31 * time.Minute, []postroom.AgentID{"tom", "jiwoo", "mina"}, 0},
	} {
		s := clock(t, c, stage.after)
		if change := look(t, s, contact); change.Next > stage.next || change.Next < stage.next-time.Minute {
			t.Errorf("after %v the next change is in %v, want %v", stage.after, change.Next, stage.next)
		}
		wantSame(t, stage.after.String(), candidates(t, s, contact), stage.may...)
		for _, agent := range []postroom.AgentID{"mina", "jiwoo", "tom"} {
			if sees := len(heads(t, s, agent)) > 0; sees != slices.Contains(stage.may, agent) {
				t.Errorf("after %v %s sees it: %v", stage.after, agent, sees)
			}
		}
	}
	if version := c.Count(t, "SELECT version::int FROM contact WHERE id = $1", contact); version != 2 {
		t.Errorf("stages told the workflow what it did itself: version %d", version)
	}
	c.MustHold(t)
}

// R32: of two who suit equally well, or by the longest-available rule of any two, the one who has waited longer for work.
func TestAmongEqualsTheOneWhoHasWaitedLongestForWorkComesFirst(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) {
		speaks(c, map[postroom.AgentID]int{"mina": 5, "jiwoo": 5, "tom": 2})
		c.Queues[0].QueueRules = postroom.QueueRules{Type: postroom.RouteSkillsLongest, Skills: needs(2)}
	})
	for _, agent := range []postroom.AgentID{"tom", "jiwoo", "mina"} {
		c.SignIn(t, agent)
	}
	first, second := c.Arrive(t, "kim@customer.example", "Hello"), c.Arrive(t, "lee@customer.example", "Hello")
	wantSame(t, "longest", candidates(t, c.Store, first), "tom", "jiwoo", "mina")
	c.Claim(t, first, "tom")
	wantSame(t, "who was offered something last comes last", candidates(t, c.Store, second), "jiwoo", "mina", "tom")
	adaptAgain(t, c, func(c *postroom.Configuration) { c.Queues[0].Type = postroom.RouteSkillsBest })
	wantSame(t, "best", candidates(t, c.Store, second), "jiwoo", "mina", "tom")
	c.Claim(t, second, "jiwoo")
	wantSame(t, "best, who has waited longer", candidates(t, c.Store, c.Arrive(t, "park@customer.example", "Hello")), "mina", "jiwoo", "tom")
}

// R32: effective priority = priority + age ÷ step, also of contacts of different queues; R11: what he refused is left out.
func TestAnAgentSeesTheFirstContactOfEachOfHisLanes(t *testing.T) {
	t.Parallel()
	c := adapted(t, func(c *postroom.Configuration) {
		urgent := c.Queues[0]
		urgent.ID, urgent.Name.English, urgent.Priority = "urgent", "Urgent", 3
		c.Queues = append(c.Queues, urgent)
	})
	c.SignIn(t, "mina")
	c.SignIn(t, "jiwoo")
	var general, urgent []postroom.ContactID
	for range 3 {
		general = append(general, c.Arrive(t, uuid.NewString()+"@customer.example", "Hello"))
		urgent = append(urgent, arriveIn(t, c, "urgent"))
	}
	wantSame(t, "heads", heads(t, c.Store, "mina"), general[0], urgent[0])
	wantSame(t, "except one", heads(t, c.Store, "mina", urgent[0]), general[0], urgent[1])
	waiting, now, err := c.Heads(t.Context(), "mina")
	must(t, err)
	if got := routing.ChooseContact(waiting, now); got.Contact != urgent[0] {
		t.Errorf("chosen %+v, want the first of the more urgent queue", got)
	}
	later, when, err := clock(t, c, 0).Heads(t.Context(), "mina")
	must(t, err)
	for i := range later { // by its step of an hour, a contact catches up three levels in three hours
		if later[i].Queue == "general" {
			later[i].ArrivedAt = when.Add(-4 * time.Hour)
		}
	}
	if got := routing.ChooseContact(later, when); got.Contact != general[0] {
		t.Errorf("chosen %+v, want the one that has waited so much longer", got)
	}

	c.Exec(t, "UPDATE agent_state SET wants_work = false")
	_, err = c.DeclineOffer(t.Context(), testkit.Command("mina"), c.Claim(t, urgent[0], "mina"))
	must(t, err)
	waiting, now, err = c.Heads(t.Context(), "mina")
	must(t, err)
	if got := routing.ChooseContact(waiting, now); got.Contact != urgent[1] {
		t.Errorf("chosen %+v after a refusal", got)
	}
	at := slices.IndexFunc(waiting, func(w postroom.WaitingContact) bool { return w.Contact == urgent[0] })
	if at < 0 || waiting[at].Others != 1 || waiting[at].Refusals.Declined != 1 {
		t.Errorf("what she refused, and jiwoo could take: %+v", waiting)
	}
	c.Choose(t, "jiwoo", postroom.AgentIdle, "lunch")
	waiting, _, err = c.Heads(t.Context(), "mina")
	must(t, err)
	at = slices.IndexFunc(waiting, func(w postroom.WaitingContact) bool { return w.Contact == urgent[0] })
	if at < 0 || waiting[at].Others != 0 {
		t.Errorf("what she refused, and nobody else could take: %+v", waiting)
	}
}

func arriveIn(t testing.TB, c *testkit.Centre, queue postroom.QueueID) postroom.ContactID {
	t.Helper()
	got, err := c.Ingest(t.Context(), c.Mail(uuid.NewString()+"@customer.example", "Hello"))
	must(t, err)
	_, err = c.RouteContact(t.Context(), got.Contact, queue, "test")
	must(t, err)
	return got.Contact
}

// Each condition of a choice is tested again by the claim: switched off one by one behind its back, each makes it lose.
func TestAClaimTestsAgainWhatWasChosenWithoutLocks(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	claim := func(version int64) store.Lost {
		_, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: contact, Version: version, Agent: "mina", Reason: "test", By: postroom.System("test")})
		must(t, err)
		return lost
	}
	for _, test := range []struct {
		name     string
		off, on  string
		version  int64
		wantLost store.Lost
	}{
		{"she is in no lane of it", "UPDATE agent_lane SET step = 7 WHERE agent_id = 'mina'", "UPDATE agent_lane SET step = 0", 2, store.LostAgent},
		{"it stands at another stage", "UPDATE contact SET step = 1", "UPDATE contact SET step = 0", 2, store.LostAgent},
		{"it waits for somebody else", "UPDATE contact SET target_agent_id = 'tom', target_until = 'infinity'", "UPDATE contact SET target_agent_id = NULL, target_until = NULL", 2, store.LostAgent},
		{"she has no room", "UPDATE agent_room SET room = 0", "UPDATE agent_room SET room = 2 WHERE agent_id = 'mina'", 2, store.LostAgent},
		{"its queue is closed", "INSERT INTO business_hours VALUES ('h', 'H', '', 'UTC', '[]', '[]'); UPDATE queue SET hours_id = 'h'", "UPDATE queue SET hours_id = NULL", 2, store.LostContact},
		{"it has changed since", "", "", 1, store.LostContact},
	} {
		c.Exec(t, test.off)
		if lost := claim(test.version); lost != test.wantLost {
			t.Errorf("%s: lost %q, want %q", test.name, lost, test.wantLost)
		}
		c.Exec(t, test.on)
	}
	c.Exec(t, "UPDATE agent_lane SET step = 7; UPDATE contact SET target_agent_id = 'mina', target_until = 'infinity'")
	if lost := claim(2); lost != store.LostNothing { // what waits for her she may take without a lane
		t.Errorf("lost %q", lost)
	}
	c.MustHold(t)
}

// Two hundred agents who want the same contact must not queue on its lock: a claim goes away at once. That nothing is there counts only
// when it was read without leaving anything out, and finds what the other claim has let go.
func TestNobodyWaitsForAContactThatAnotherClaimHolds(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	holder, err := c.ConnectOwner(t).Begin(t.Context())
	must(t, err)
	_, err = holder.Exec(t.Context(), "SELECT FROM contact WHERE id = $1 FOR NO KEY UPDATE", contact)
	must(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	claim := store.Claim{Contact: contact, Agent: "mina", Reason: "test", By: postroom.System("test")}
	if _, lost, err := c.ClaimOffer(soon, claim); err != nil || lost != store.LostLocked {
		t.Errorf("lost %q, %v", lost, err)
	}
	// The control: whoever takes the lock in the common way waits until he is cut off.
	short, cancelShort := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancelShort()
	if _, err := c.Store.Pool().Exec(short, "SELECT FROM contact WHERE id = $1 FOR NO KEY UPDATE", contact); err == nil {
		t.Error("the contact was not held at all")
	}
	wantSame(t, "with it left out", heads(t, c.Store, "mina", contact))
	wantSame(t, "without exceptions", heads(t, c.Store, "mina"), contact)
	must(t, holder.Rollback(t.Context()))
	if _, lost, err := c.ClaimOffer(t.Context(), claim); err != nil || lost != store.LostNothing {
		t.Errorf("when it was let go: lost %q, %v", lost, err)
	}
}
