package store_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// anyCentre is the sample with random sites, teams, skills, hours and rules.
func anyCentre(r *rand.Rand) postroom.Configuration {
	c := testkit.Sample(time.Hour)
	name := func() postroom.Name { return postroom.Name{English: fmt.Sprint("Name ", r.IntN(3))} }
	some := func(n int) []int { return r.Perm(n)[:r.IntN(n+1)] }
	for i := range 3 {
		c.Hours = append(c.Hours, postroom.BusinessHours{ID: postroom.HoursID(fmt.Sprint("hours", i)), Name: name(), TimeZone: "Asia/Seoul",
			Open: []postroom.OpenTime{{Day: time.Weekday(r.IntN(7)), From: 0, To: 600 + r.IntN(2)}}})
		c.Sites = append(c.Sites, postroom.Site{ID: postroom.SiteID(fmt.Sprint("site", i)), Name: name(), Profile: []postroom.ProfileID{"", "standard", "none"}[r.IntN(3)]})
		c.Skills = append(c.Skills, postroom.Skill{ID: postroom.SkillID(fmt.Sprint("skill", i)), Name: name()})
		c.Teams = append(c.Teams, postroom.Team{ID: postroom.TeamID(fmt.Sprint("team", i)), Name: name(), Site: postroom.SiteID(fmt.Sprint("site", r.IntN(3)))})
	}
	team := func() postroom.TeamID { return c.Teams[r.IntN(len(c.Teams))].ID }
	for i := range 4 {
		a := postroom.Agent{ID: postroom.AgentID(fmt.Sprint("agent", i)), Name: "Agent", Email: "a@shop.example", Role: postroom.RoleAgent, Team: team(),
			Profile: []postroom.ProfileID{"", "standard", "none"}[r.IntN(3)], MayForceStates: r.IntN(2) == 0}
		for _, k := range some(3) {
			if a.Skills == nil {
				a.Skills = map[postroom.SkillID]int{}
			}
			a.Skills[c.Skills[k].ID] = 1 + r.IntN(postroom.MaxSkillLevel)
		}
		c.Agents = append(c.Agents, a)
	}
	required := func() (s []postroom.SkillRequirement) {
		for _, k := range some(3) {
			s = append(s, postroom.SkillRequirement{Skill: c.Skills[k].ID, Level: 1 + r.IntN(5)})
		}
		return s
	}
	for i := range 3 {
		q := c.Queues[0]
		q.ID, q.Teams, q.Priority = postroom.QueueID(fmt.Sprint("queue", i)), []postroom.TeamID{team()}, r.IntN(10)
		q.QueueRules = postroom.QueueRules{Type: postroom.RoutingTypes()[r.IntN(3)], Skills: required(), ManualPick: r.IntN(2) == 0, Hours: c.Hours[r.IntN(3)].ID,
			AgeingStep: time.Duration(1+r.IntN(2)) * time.Hour, OwnerLease: time.Hour, ServiceLevel: time.Duration(r.IntN(2)) * time.Hour}
		for range r.IntN(3) {
			q.Relaxation = append(q.Relaxation, postroom.Relaxation{After: time.Duration(1+r.IntN(4)) * time.Minute, Skills: required()})
			q.Widening = append(q.Widening, postroom.Widening{After: time.Duration(1+r.IntN(4)) * time.Minute, Teams: []postroom.TeamID{team()}})
		}
		if i > 0 && r.IntN(2) == 0 {
			q.Overflow, q.MaxTime, q.MaxWaiting = "queue0", 5*time.Hour, 3
		}
		if r.IntN(2) == 0 {
			q.WrapUp = postroom.WrapUpRules{Auto: time.Minute, Extensions: r.IntN(3), Default: "solved"}
			q.WrapUpGuidance = postroom.Name{English: "Why did the customer write?", Korean: "고객이 왜 연락했습니까?"}
		}
		c.Queues = append(c.Queues, q)
	}
	return c
}

// R3, R32: whatever is configured is read back so, is nothing new when it is applied again, and draws the lanes that Steps and Admits say.
func TestLanesAreWhatStepsAndAdmitsSay(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	for range 15 {
		wanted := anyCentre(r)
		first, err := apply(t, c.Store, wanted)
		must(t, err)
		read, version, err := c.Configuration(t.Context())
		must(t, err)
		if version != first.Version {
			t.Errorf("version %d after %+v", version, first)
		}
		for _, again := range []postroom.Configuration{wanted, read} {
			if applied, err := apply(t, c.Store, again); err != nil || len(applied.Changes) > 0 || applied.Version != version {
				t.Fatalf("seed %d: the same again: %+v, %v", seed, applied, err)
			}
		}
		var want []string
		capacities := map[postroom.ProfileID]int{"standard": 2}
		for _, a := range wanted.Agents {
			for _, q := range wanted.Queues {
				for i, s := range q.Steps() {
					if score, ok := s.Admits(a); ok {
						want = append(want, fmt.Sprint(a.ID, " ", q.ID, " ", i, " ", score))
					}
				}
			}
			// R2: the most specific profile wins, site → team → agent.
			profile := a.Profile
			if profile == "" {
				for _, team := range wanted.Teams {
					if team.ID == a.Team {
						if profile = team.Profile; profile == "" {
							i := slices.IndexFunc(wanted.Sites, func(s postroom.Site) bool { return s.ID == team.Site })
							profile = wanted.Sites[i].Profile
						}
					}
				}
			}
			if n := c.Count(t, "SELECT coalesce((SELECT capacity FROM agent_capacity WHERE agent_id = $1 AND channel = 'email'), 0)::int", string(a.ID)); n != capacities[profile] {
				t.Errorf("seed %d: %s of profile %q has capacity %d", seed, a.ID, profile, n)
			}
		}
		slices.Sort(want)
		got := strings.Split(c.Text(t, `SELECT coalesce(string_agg(line, ',' ORDER BY line COLLATE "C"), '') FROM (SELECT concat_ws(' ', agent_id, queue_id, step, score) AS line FROM agent_lane) l`), ",")
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: lanes\n%q, expected\n%q", seed, got, want)
		}
		for _, q := range wanted.Queues {
			var after []string
			for _, s := range q.Steps() {
				after = append(after, fmt.Sprint(int(s.After.Seconds())))
			}
			if got := c.Text(t, "SELECT string_agg(after_seconds::text, ' ' ORDER BY step) FROM queue_step WHERE queue_id = $1", string(q.ID)); got != strings.Join(after, " ") {
				t.Errorf("seed %d: steps of %s: %s, expected %v", seed, q.ID, got, after)
			}
		}
	}
}

// R3: each object is created, changed, retired and brought back, each time as a version of its own, audited with who, before and after.
func TestEachChangeOfEachObjectIsAuditedWithBeforeAndAfter(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	sample := testkit.Sample(time.Hour)
	name, other := postroom.Name{English: "One", Korean: "하나"}, postroom.Name{English: "Two"}
	for _, o := range []struct {
		object string
		with   func(*postroom.Configuration, postroom.Name)
	}{
		{"hours/seoul", func(c *postroom.Configuration, n postroom.Name) {
			c.Hours = []postroom.BusinessHours{{ID: "seoul", Name: n, TimeZone: "Asia/Seoul", Open: []postroom.OpenTime{{Day: 1, From: 540, To: 1080}},
				Holidays: []postroom.Holiday{{Date: "2026-03-01", Name: n}}}}
		}},
		{"site/seoul", func(c *postroom.Configuration, n postroom.Name) {
			c.Sites = []postroom.Site{{ID: "seoul", Name: n, Profile: "standard"}}
		}},
		{"skill/korean", func(c *postroom.Configuration, n postroom.Name) {
			c.Skills = []postroom.Skill{{ID: "korean", Name: n}}
		}},
		{"team/back", func(c *postroom.Configuration, n postroom.Name) {
			c.Teams = append(c.Teams, postroom.Team{ID: "back", Name: n})
		}},
		{"profile/exclusive", func(c *postroom.Configuration, n postroom.Name) {
			c.Profiles = append(c.Profiles, postroom.MultimediaProfile{ID: "exclusive", Name: n.English, Mode: postroom.ModeExclusive, Capacity: map[postroom.Channel]int{"voice": 1}})
		}},
		{"agent/kim", func(c *postroom.Configuration, n postroom.Name) {
			c.Agents = append(c.Agents, postroom.Agent{ID: "kim", Name: n.English, Email: "kim@shop.example", Role: postroom.RoleSupervisor, Team: "front", MayForceStates: true})
		}},
		{"queue/billing", func(c *postroom.Configuration, n postroom.Name) {
			q := c.Queues[0]
			q.ID, q.Name, q.MaxTime, q.Overflow = "billing", n, time.Duration(len(n.English+n.Korean))*time.Hour, "general"
			c.Queues = append(c.Queues, q)
		}},
	} {
		one, two := testkit.Sample(time.Hour), testkit.Sample(time.Hour)
		o.with(&one, name)
		o.with(&two, other)
		var after string
		for _, step := range []struct {
			action string
			c      postroom.Configuration
		}{{"create", one}, {"change", two}, {"retire", sample}, {"create", one}, {"change", two}, {"change", one}, {"retire", sample}} {
			applied, err := apply(t, c.Store, step.c)
			must(t, err)
			if len(applied.Changes) != 1 || applied.Changes[0].Kind+"/"+applied.Changes[0].Key != o.object || applied.Changes[0].Action != step.action {
				t.Fatalf("%s: %s: %+v", o.object, step.action, applied)
			}
			entries, err := c.Audit(t.Context(), 0, 1, 0)
			must(t, err)
			e := entries[0]
			if e.Action != "configuration: "+step.action || e.Object != o.object || e.Actor != "command:test" || e.Version != applied.Version {
				t.Errorf("%s: %s: audited as %+v", o.object, step.action, e)
			}
			if string(e.Before) != after && !sameJSON(e.Before, after) {
				t.Errorf("%s: %s: before it was %s, and after the step before %s", o.object, step.action, e.Before, after)
			}
			if after = string(e.After); (after == "") != (step.action == "retire") {
				t.Errorf("%s: %s: after it is %q", o.object, step.action, after)
			}
		}
	}
}

func sameJSON(a []byte, b string) bool {
	var x, y any
	_ = json.Unmarshal(a, &x)
	_ = json.Unmarshal([]byte(b), &y)
	return reflect.DeepEqual(x, y)
}

// R3: a preview says what Apply would, refuses what it would, and nothing of it stays.
func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	by := postroom.Actor{Kind: postroom.ActorCommand, ID: "test"}
	before, version, err := c.Configuration(t.Context())
	must(t, err)
	audited := c.Count(t, "SELECT count(*)::int FROM audit")
	wanted := anyCentre(rand.New(rand.NewPCG(1, 1)))
	preview, err := c.Preview(t.Context(), by, wanted, postroom.SealText("document"))
	must(t, err)
	now, after, err := c.Configuration(t.Context())
	must(t, err)
	if len(preview.Changes) == 0 || preview.Version != version || after != version || !reflect.DeepEqual(now, before) || c.Count(t, "SELECT count(*)::int FROM audit") != audited {
		t.Errorf("%+v; version %d after %d", preview, after, version)
	}
	applied, err := apply(t, c.Store, wanted)
	must(t, err)
	for i := range preview.Changes {
		if p, a := preview.Changes[i], applied.Changes[i]; len(preview.Changes) != len(applied.Changes) || p.Kind != a.Kind || p.Key != a.Key || p.Action != a.Action {
			t.Fatalf("previewed %+v, applied %+v", preview.Changes, applied.Changes)
		}
	}
	c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	_, err = c.Preview(t.Context(), by, without(time.Hour, "mina"), postroom.SealText("document"))
	wantReason(t, "preview that an agent with work in hand is retired", err, postroom.KindRefused, "work_in_hand")
}
