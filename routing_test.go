package postroom_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

func needs(pairs ...any) (s []postroom.SkillRequirement) {
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, postroom.SkillRequirement{Skill: postroom.SkillID(pairs[i].(string)), Level: pairs[i+1].(int)})
	}
	return s
}

// R32: required skills are relaxed and teams widened at their thresholds; a threshold of both is one step.
func TestAWaitHasAStepForEachThreshold(t *testing.T) {
	t.Parallel()
	q := postroom.Queue{Teams: []postroom.TeamID{"front"}, QueueRules: postroom.QueueRules{
		Skills:     needs("vip", 5, "korean", 5),
		Relaxation: []postroom.Relaxation{{After: 5 * time.Minute, Skills: needs("korean", 3)}, {After: 15 * time.Minute}},
		Widening:   []postroom.Widening{{After: 10 * time.Minute, Teams: []postroom.TeamID{"back"}}, {After: 15 * time.Minute, Teams: []postroom.TeamID{"away", "back"}}},
	}}
	want := []postroom.Step{
		{After: 0, Skills: needs("vip", 5, "korean", 5), Teams: []postroom.TeamID{"front"}},
		{After: 5 * time.Minute, Skills: needs("korean", 3), Teams: []postroom.TeamID{"front"}},
		{After: 10 * time.Minute, Skills: needs("korean", 3), Teams: []postroom.TeamID{"back", "front"}},
		{After: 15 * time.Minute, Teams: []postroom.TeamID{"away", "back", "front"}},
	}
	got := q.Steps()
	if !slices.EqualFunc(got, want, func(a, b postroom.Step) bool {
		return a.After == b.After && slices.Equal(a.Skills, b.Skills) && slices.Equal(a.Teams, b.Teams)
	}) {
		t.Errorf("steps %+v", got)
	}
	if plain := (postroom.Queue{Teams: []postroom.TeamID{"b", "a", "b"}}).Steps(); len(plain) != 1 || plain[0].After != 0 || !slices.Equal(plain[0].Teams, []postroom.TeamID{"a", "b"}) {
		t.Errorf("a queue without thresholds: %+v", plain)
	}
}

// R32: an agent of the step's teams with at least the required levels is admitted; his score is the sum of his levels in those skills.
func TestAStepAdmitsWhoHasItsSkillsAndIsInItsTeams(t *testing.T) {
	t.Parallel()
	step := postroom.Step{Skills: needs("vip", 5, "korean", 3), Teams: []postroom.TeamID{"front"}}
	for name, c := range map[string]struct {
		step  postroom.Step
		team  postroom.TeamID
		has   map[postroom.SkillID]int
		score int
		ok    bool
	}{
		"exactly":             {step, "front", map[postroom.SkillID]int{"vip": 5, "korean": 3}, 8, true},
		"more, and another":   {step, "front", map[postroom.SkillID]int{"vip": 10, "korean": 4, "german": 9}, 14, true},
		"one level too low":   {step, "front", map[postroom.SkillID]int{"vip": 10, "korean": 2}, 0, false},
		"a skill is missing":  {step, "front", map[postroom.SkillID]int{"vip": 10}, 0, false},
		"no skills at all":    {step, "front", nil, 0, false},
		"another team":        {step, "back", map[postroom.SkillID]int{"vip": 10, "korean": 10}, 0, false},
		"no team":             {step, "", map[postroom.SkillID]int{"vip": 10, "korean": 10}, 0, false},
		"nothing is required": {postroom.Step{Teams: step.Teams}, "front", map[postroom.SkillID]int{"vip": 10}, 0, true},
	} {
		if score, ok := c.step.Admits(postroom.Agent{Team: c.team, Skills: c.has}); score != c.score || ok != c.ok {
			t.Errorf("%s: %d, %v", name, score, ok)
		}
	}
}

func anyRequirements(t *rapid.T) []postroom.SkillRequirement {
	var s []postroom.SkillRequirement
	for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "skills") {
		s = append(s, postroom.SkillRequirement{Skill: postroom.SkillID(k), Level: rapid.IntRange(1, postroom.MaxSkillLevel).Draw(t, "level")})
	}
	return s
}

func anyTeams(t *rapid.T) []postroom.TeamID {
	return rapid.SliceOfN(rapid.SampledFrom([]postroom.TeamID{"x", "y", "z"}), 1, 3).Draw(t, "teams")
}

func anyQueue(t *rapid.T) postroom.Queue {
	q := postroom.Queue{Teams: anyTeams(t), QueueRules: postroom.QueueRules{Skills: anyRequirements(t)}}
	after := func() time.Duration { return time.Duration(rapid.IntRange(1, 6).Draw(t, "after")) * time.Minute }
	for range rapid.IntRange(0, 3).Draw(t, "relaxations") {
		q.Relaxation = append(q.Relaxation, postroom.Relaxation{After: after(), Skills: anyRequirements(t)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "widenings") {
		q.Widening = append(q.Widening, postroom.Widening{After: after(), Teams: anyTeams(t)})
	}
	return q
}

// R32: whatever the rules, steps begin at zero and ascend, teams are never taken away, and at each moment the step that has been reached says what
// the rules say for that moment.
func TestStepsSayWhatTheRulesSayAtEachMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := anyQueue(t)
		steps := q.Steps()
		if steps[0].After != 0 {
			t.Fatalf("the first step is at %v", steps[0].After)
		}
		for i := 1; i < len(steps); i++ {
			if steps[i].After <= steps[i-1].After {
				t.Fatalf("step %d is at %v, after %v", i, steps[i].After, steps[i-1].After)
			}
			for _, team := range steps[i-1].Teams {
				if !slices.Contains(steps[i].Teams, team) {
					t.Fatalf("step %d has lost team %s", i, team)
				}
			}
		}
		waited := time.Duration(rapid.IntRange(0, 7*60).Draw(t, "waited")) * time.Second
		reached := 0
		for i, s := range steps {
			if s.After <= waited {
				reached = i
			}
		}
		teams, skills, latest := slices.Clone(q.Teams), q.Skills, time.Duration(0)
		for _, w := range q.Widening {
			if w.After <= waited {
				teams = append(teams, w.Teams...)
			}
		}
		for _, r := range q.Relaxation {
			if r.After <= waited && r.After >= latest {
				skills, latest = r.Skills, r.After
			}
		}
		slices.Sort(teams)
		if s := steps[reached]; !slices.Equal(s.Teams, slices.Compact(teams)) || !slices.Equal(s.Skills, skills) {
			t.Fatalf("after %v: step %+v, and the rules say %v %v", waited, s, teams, skills)
		}
	})
}

// Steps are the caller's own: what he does to one changes neither the queue nor another.
func TestStepsDoNotShareTheTeamsOfTheQueue(t *testing.T) {
	t.Parallel()
	q := postroom.Queue{Teams: append(make([]postroom.TeamID, 0, 8), "b", "a"), QueueRules: postroom.QueueRules{
		Widening: []postroom.Widening{{After: time.Minute, Teams: []postroom.TeamID{"c"}}}}}
	steps := q.Steps()
	steps[0].Teams[0] = "changed"
	if q.Teams[0] != "b" || q.Teams[1] != "a" || steps[1].Teams[0] != "a" {
		t.Errorf("queue %v, steps %+v", q.Teams, steps)
	}
}

// R32: who has more is never admitted less, and what is relaxed admits everybody whom it admitted before, as well as before or worse.
func TestMoreSkillNeverShutsOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		step := postroom.Step{Skills: anyRequirements(t), Teams: anyTeams(t)}
		a := postroom.Agent{Team: rapid.SampledFrom([]postroom.TeamID{"x", "y", "z"}).Draw(t, "team"), Skills: map[postroom.SkillID]int{}}
		for _, k := range []postroom.SkillID{"a", "b", "c"} {
			a.Skills[k] = rapid.IntRange(0, postroom.MaxSkillLevel-1).Draw(t, "has")
		}
		score, ok := step.Admits(a)
		relaxed := postroom.Step{Teams: step.Teams}
		for _, s := range step.Skills {
			if level := rapid.IntRange(0, s.Level).Draw(t, "relaxed"); level > 0 {
				relaxed.Skills = append(relaxed.Skills, postroom.SkillRequirement{Skill: s.Skill, Level: level})
			}
		}
		less, still := relaxed.Admits(a)
		if ok && (!still || less > score) {
			t.Fatalf("%+v admits with %d, relaxed to %+v with %d, %v", step, score, relaxed, less, still)
		}
		k := rapid.SampledFrom([]postroom.SkillID{"a", "b", "c"}).Draw(t, "better in")
		a.Skills[k]++
		if more, still := step.Admits(a); ok && (!still || more < score) {
			t.Fatalf("better in %s he is admitted with %d, %v instead of %d", k, more, still, score)
		}
	})
}
