package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// withCapacity is the sample in which the team's profile has another capacity for email.
func withCapacity(n int) postroom.Configuration {
	c := testkit.Sample(time.Hour)
	for i := range c.Profiles {
		if c.Profiles[i].ID == "standard" {
			c.Profiles[i].Capacity = map[postroom.Channel]int{postroom.ChannelEmail: n}
		}
	}
	return c
}

// R2: a change of a profile acts on new offers only. What was accepted stays, and stays workable; what was only offered on a channel that the
// agent has no more goes back to its queue, and nobody is blamed.
func TestAChangedProfileActsOnNewOffersOnly(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	owned := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	offered, waiting := c.Arrive(t, "lee@customer.example", "Hello"), c.Arrive(t, "park@customer.example", "Hello")
	offer := c.Claim(t, offered, "mina")

	_, err := apply(t, c.Store, withCapacity(1))
	must(t, err)
	if n := c.Count(t, "SELECT count(*)::int FROM offer WHERE agent_id = 'mina' AND ended_at IS NULL"); n != 2 {
		t.Errorf("%d of 2 are held after the capacity became 1", n)
	}
	_, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: waiting, Agent: "mina", Reason: "test", By: postroom.System("test")})
	if err != nil || lost != store.LostAgent {
		t.Errorf("a third contact is offered beyond capacity: %q, %v", lost, err)
	}

	_, err = apply(t, c.Store, withCapacity(0))
	must(t, err)
	if got := c.Text(t, "SELECT concat_ws(' ', o.state, o.end_cause, c.phase, c.told < c.version) FROM offer o JOIN contact c ON c.id = o.contact_id WHERE o.id = $1", string(offer)); got != "withdrawn capacity_removed waiting t" {
		t.Errorf("the offer without capacity is %s", got)
	}
	_, err = c.AcceptOffer(t.Context(), testkit.Command("mina"), offer)
	if postroom.KindOf(err) != postroom.KindRefused && postroom.KindOf(err) != postroom.KindConflict {
		t.Errorf("it is accepted all the same: %v", err)
	}
	if now := status(t, c, "mina"); now != postroom.AgentAvailable {
		t.Errorf("mina is %s", now)
	}
	_, err = c.CloseWithoutReply(t.Context(), testkit.Command("mina"), owned)
	must(t, err)
	_, err = c.CompleteWrapUp(t.Context(), testkit.Command("mina"), owned, postroom.WrapUp{Code: "solved"})
	must(t, err)

	now, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	if now.Capacity[postroom.ChannelEmail] != 0 {
		t.Errorf("her desktop is told of %v", now.Capacity)
	}
	_, err = apply(t, c.Store, withCapacity(3))
	must(t, err)
	if now, err = c.AgentStatus(t.Context(), "mina"); err != nil || now.Capacity[postroom.ChannelEmail] != 3 {
		t.Errorf("her desktop is told of %v, %v", now.Capacity, err)
	}
	if want, found, err := c.WantOf(t.Context(), "mina"); err != nil || !found {
		t.Errorf("nobody looks for work for mina, who may hold more: %+v, %v", want, err)
	}
	c.Claim(t, offered, "mina")
}

// R3, R32: contacts that wait follow the rules of their queue when those change, a few at a time; their workflows are told, because they hold
// timers for the thresholds of before.
func TestWaitingContactsFollowNewRulesAFewAtATime(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	rules := testkit.Sample(time.Hour)
	rules.Queues[0].Widening = []postroom.Widening{{After: time.Minute, Teams: []postroom.TeamID{"front"}}, {After: time.Hour, Teams: []postroom.TeamID{"front"}}}
	_, err := apply(t, c.Store, rules)
	must(t, err)
	for range 5 {
		c.Arrive(t, "kim@customer.example"+testkit.NewID(), "Hello")
	}
	c.Exec(t, "UPDATE contact SET step = 2, told = version, priority = 3")
	other := c.Arrive(t, "lee@customer.example", "Hello")
	c.SignIn(t, "mina")
	c.Own(t, other, "mina")
	c.Exec(t, "UPDATE contact SET told = version")
	c.Exec(t, "UPDATE agent_state SET wants_work = false")
	if more, err := c.FitContacts(t.Context(), 2); err != nil || !more { // the queue has changed before anybody came
		t.Errorf("%v, %v", more, err)
	}
	for more := true; more; {
		more, err = c.FitContacts(t.Context(), 2)
		must(t, err)
	}
	c.Exec(t, "UPDATE contact SET told = version")

	renamed := rules
	renamed.Queues = append([]postroom.Queue(nil), rules.Queues...)
	renamed.Queues[0].Name.English = "Everything"
	_, err = apply(t, c.Store, renamed)
	must(t, err)
	if more, err := c.FitContacts(t.Context(), 2); err != nil || more {
		t.Errorf("another name makes contacts follow other rules: %v, %v", more, err)
	}

	changed := testkit.Sample(time.Hour)
	changed.Queues[0].AgeingStep, changed.Queues[0].Name.English = 2*time.Hour, "Everything"
	changed.Queues[0].Widening = rules.Queues[0].Widening[:1]
	_, err = apply(t, c.Store, changed)
	must(t, err)
	untold := func() int { return c.Count(t, "SELECT count(*)::int FROM contact WHERE told < version") }
	for calls, fitted := 0, []int{2, 4, 5, 5, 5}; calls < len(fitted); calls++ {
		more, err := c.FitContacts(t.Context(), 2)
		must(t, err)
		if n := untold(); n > fitted[calls] || more != (calls < len(fitted)-1) {
			t.Errorf("after %d calls %d workflows have to be told; more: %v", calls+1, n, more)
		}
	}
	if n := untold(); n != 5 {
		t.Errorf("%d of 5 workflows have to be told", n)
	}
	if n := c.Count(t, "SELECT count(*)::int FROM contact WHERE phase = 'waiting' AND step = 1 AND rank_at = arrived_at - interval '6 hours'"); n != 5 {
		t.Errorf("%d of 5 contacts follow the new rules", n)
	}
	if _, found, err := c.WantOf(t.Context(), "mina"); err != nil || !found {
		t.Errorf("nobody looks for mina, whom a contact's new stage may admit: %v", err)
	}
	late := c.Count(t, "SELECT count(*)::int FROM contact WHERE told < version AND tell_at > postroom_now() + interval '1 second'")
	if late > 0 {
		t.Errorf("%d of 5 workflows are told late", late)
	}

	// Other hours are other thresholds too.
	hours := changed
	hours.Hours = []postroom.BusinessHours{{ID: "seoul", TimeZone: "Asia/Seoul", Open: []postroom.OpenTime{{Day: 1, From: 0, To: 1440}}}}
	hours.Queues = append([]postroom.Queue(nil), changed.Queues...)
	hours.Queues[0].QueueRules.Hours = "seoul"
	_, err = apply(t, c.Store, hours)
	must(t, err)
	for more := true; more; {
		more, err = c.FitContacts(t.Context(), 100)
		must(t, err)
	}
	c.Exec(t, "UPDATE contact SET told = version")
	c.Exec(t, "UPDATE queue SET open_from = now(), open_until = now() + interval '1 hour'")
	hours.Hours = []postroom.BusinessHours{{ID: "seoul", TimeZone: "Asia/Seoul", Open: []postroom.OpenTime{{Day: 2, From: 0, To: 1440}}}}
	_, err = apply(t, c.Store, hours)
	must(t, err)
	if more, err := c.FitContacts(t.Context(), 100); err != nil || !more || untold() != 5 {
		t.Errorf("after a change of hours: %v, %v, %d to be told", more, err, untold())
	}
	if n := c.Count(t, "SELECT count(*)::int FROM queue WHERE open_until IS NOT NULL"); n != 0 {
		t.Error("the queue still goes by the hours of before")
	}
	c.MustHold(t)
}

// R3: what is not named any more is retired where it was used, too: nobody needs the skill, the queue is open, nobody serves from the team, and
// a contact that waited for all that can be claimed.
func TestWhatIsRetiredIsNotUsedAnyMore(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	used := testkit.Sample(time.Hour)
	used.Skills = []postroom.Skill{{ID: "vip", Name: postroom.Name{English: "VIP"}}}
	used.Hours = []postroom.BusinessHours{{ID: "never", TimeZone: "UTC", Open: []postroom.OpenTime{{Day: 1, From: 0, To: 1}}}}
	used.Sites = []postroom.Site{{ID: "seoul", Name: postroom.Name{English: "Seoul"}, Profile: "standard"}}
	used.Teams = append(used.Teams, postroom.Team{ID: "back", Name: postroom.Name{English: "Back office"}, Site: "seoul"})
	for i := range used.Agents {
		if used.Agents[i].ID == "tom" {
			used.Agents[i].Team, used.Agents[i].Skills = "back", map[postroom.SkillID]int{"vip": 5}
		}
	}
	used.Queues[0].Teams = []postroom.TeamID{"back"}
	used.Queues[0].QueueRules = postroom.QueueRules{Type: postroom.RouteSkillsBest, Skills: []postroom.SkillRequirement{{Skill: "vip", Level: 5}}, Hours: "never"}
	_, err := apply(t, c.Store, used)
	must(t, err)
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	if _, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: contact, Agent: "mina", Reason: "test", By: postroom.System("test")}); err != nil || lost == store.LostNothing {
		t.Fatalf("mina, of another team and without the skill, is offered what waits in a closed queue: %v", err)
	}

	applied, err := apply(t, c.Store, testkit.Sample(time.Hour))
	must(t, err)
	retired := map[string]bool{}
	for _, change := range applied.Changes {
		retired[change.Kind+"/"+change.Key] = change.Action == "retire"
	}
	for _, o := range []string{"skill/vip", "hours/never", "site/seoul", "team/back"} {
		if !retired[o] {
			t.Errorf("%s is not retired: %+v", o, applied.Changes)
		}
	}
	if n := c.Count(t, "SELECT (SELECT count(*) FROM agent_skill)::int + (SELECT count(*) FROM queue_team WHERE team_id = 'back')::int"); n != 0 {
		t.Errorf("%d uses are left", n)
	}
	c.Claim(t, contact, "mina")
	_, err = apply(t, c.Store, used) // the live offer in a queue that mina serves no more stays hers: a change acts on new offers
	must(t, err)
	if n := c.Count(t, "SELECT count(*)::int FROM offer WHERE state = 'live'"); n != 1 {
		t.Errorf("%d live offers", n)
	}
	c.MustHold(t)
}

// R32: a changed service level moves the due times of those who wait, from when they came into the queue; one that is taken away takes them
// away. Whose stay never had one gets none when he is worked on already. Control: without fitSome's due_at the first keeps its time.
func TestChangedServiceLevelMovesDueTimes(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	level := func(d time.Duration) {
		t.Helper()
		rules := testkit.Sample(time.Hour)
		rules.Queues[0].ServiceLevel = d
		_, err := apply(t, c.Store, rules)
		must(t, err)
		for more := true; more; {
			more, err = c.FitContacts(t.Context(), 2)
			must(t, err)
		}
	}
	c.SignIn(t, "mina")
	worked := c.Arrive(t, "lee@customer.example", "Hello")
	c.Own(t, worked, "mina")
	for range 3 {
		c.Arrive(t, "kim@customer.example"+testkit.NewID(), "Hello")
	}
	c.Exec(t, "UPDATE contact SET queued_at = queued_at - interval '10 minutes' WHERE id <> $1", worked)
	of := func() string {
		return c.Text(t, "SELECT string_agg(DISTINCT phase || ' ' || coalesce(extract(epoch FROM due_at - queued_at)::int::text, 'none'), ', ') FROM contact")
	}
	for _, step := range []struct {
		level time.Duration
		want  string
	}{{time.Hour, "owned none, waiting 3600"}, {4 * time.Hour, "owned none, waiting 14400"}, {30 * time.Minute, "owned none, waiting 1800"}, {0, "owned none, waiting none"}} {
		if level(step.level); of() != step.want {
			t.Errorf("with a level of %v: %s, want %s", step.level, of(), step.want)
		}
	}
	level(time.Hour)
	c.Exec(t, "UPDATE agent_capacity SET capacity = 3 WHERE agent_id = 'mina'")
	first := postroom.ContactID(c.Text(t, "SELECT id::text FROM contact WHERE phase = 'waiting' ORDER BY arrived_at LIMIT 1"))
	c.Own(t, first, "mina")
	if level(2 * time.Hour); of() != "owned 7200, owned none, waiting 7200" {
		t.Errorf("of one who is worked on and has a due time: %s", of())
	}
}
