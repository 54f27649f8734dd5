package routing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// billing is a queue with three stages: billing at level 5 in team one; after 5 minutes team two as well; after 10 minutes level 2 is enough.
func billing() postroom.Queue {
	return postroom.Queue{ID: "billing", Channel: postroom.ChannelEmail, Teams: []postroom.TeamID{"one"}, Priority: 3, QueueRules: postroom.QueueRules{
		Type: postroom.RouteSkillsBest, AgeingStep: time.Hour, Skills: []postroom.SkillRequirement{{Skill: "billing", Level: 5}},
		Relaxation: []postroom.Relaxation{{After: 10 * time.Minute, Skills: []postroom.SkillRequirement{{Skill: "billing", Level: 2}}}},
		Widening:   []postroom.Widening{{After: 5 * time.Minute, Teams: []postroom.TeamID{"two"}}},
		MaxTime:    time.Hour, Overflow: "general"}}
}

func facts(id postroom.AgentID, team postroom.TeamID, level int) postroom.AgentFacts {
	return postroom.AgentFacts{Agent: postroom.Agent{ID: id, Team: team, Skills: map[postroom.SkillID]int{"billing": level}},
		State: postroom.AgentAvailable, Room: 1, FreeSince: noon.Add(-time.Minute)}
}

// R35: for each agent what he lacks, until when, and who will be the first to be able; with its sentence.
func TestExplanationSaysWhatEachAgentLacks(t *testing.T) {
	waited := postroom.Wait{Contact: "x", Queue: billing(), ArrivedAt: noon.Add(-2 * time.Minute), QueuedAt: noon.Add(-2 * time.Minute), Priority: 4}
	targeted := waited
	targeted.Target, targeted.TargetUntil, targeted.TargetThere = "mina", noon.Add(time.Minute), true
	gone := targeted
	gone.TargetThere = false
	closed := waited
	closed.Hours = daily("UTC", "09:00", "11:59")
	never := waited
	never.Hours = &postroom.BusinessHours{TimeZone: "UTC"}
	with := func(f postroom.AgentFacts, change func(*postroom.AgentFacts)) postroom.AgentFacts {
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		wait     postroom.Wait
		facts    postroom.AgentFacts
		at       time.Time
		sentence string
	}{
		"nothing":    {waited, facts("a", "one", 5), noon, "Agent a lacks nothing."},
		"team":       {waited, facts("a", "two", 9), noon.Add(3 * time.Minute), "Agent a is in no team that may take it yet: his joins at stage 1, in 3m0s."},
		"other team": {waited, facts("a", "six", 9), time.Time{}, "Agent a is in no team that may take it."},
		"level":      {waited, facts("a", "one", 3), noon.Add(8 * time.Minute), "Agent a lacks skill billing at level 5 (has 3); not required from stage 2 on, in 8m0s."},
		"skill":      {waited, facts("a", "one", 0), time.Time{}, "Agent a lacks skill billing at level 5 (has 0)."},
		"both":       {waited, facts("a", "two", 2), noon.Add(8 * time.Minute), "Agent a is in no team that may take it yet: his joins at stage 1, in 3m0s."},
		"idle": {waited, with(facts("a", "one", 5), func(f *postroom.AgentFacts) { f.State, f.IdleCode = postroom.AgentIdle, "lunch" }), time.Time{},
			"Agent a is not available: idle (lunch)."},
		"rona":      {waited, with(facts("a", "one", 5), func(f *postroom.AgentFacts) { f.State = postroom.AgentRONA }), time.Time{}, "Agent a is not available: rona."},
		"idle next": {waited, with(facts("a", "one", 5), func(f *postroom.AgentFacts) { f.IdleAfter = "lunch" }), time.Time{}, "Agent a will be idle (lunch) after the contacts in hand."},
		"room":      {waited, with(facts("a", "one", 5), func(f *postroom.AgentFacts) { f.Room = 0 }), time.Time{}, "Agent a has no room."},
		"declined": {waited, with(facts("a", "one", 5), func(f *postroom.AgentFacts) {
			f.Refusals = postroom.Refusals{Declined: 2, Last: noon.Add(-10 * time.Second)}
		}),
			noon.Add(50 * time.Second), "Agent a refused it lately: not asked again for 50s."},
		"target":      {targeted, facts("a", "one", 5), noon.Add(time.Minute), "Agent a may not take it: it waits for mina alone, for 1m0s."},
		"the target":  {targeted, facts("mina", "six", 0), noon, "Agent mina lacks nothing."},
		"target gone": {gone, facts("a", "one", 5), noon, "Agent a lacks nothing."},
		"closed":      {closed, facts("a", "one", 5), noon.Add(21 * time.Hour), "Agent a waits for the queue, which opens in 21h0m0s."},
		"never":       {never, facts("a", "one", 5), time.Time{}, "Agent a waits for the queue, which never opens."},
	} {
		e := Explain(c.wait, []postroom.AgentFacts{c.facts}, noon)
		if got := e.Agents[0].At; !got.Equal(c.at) {
			t.Errorf("%s: able at %v, want %v", name, got, c.at)
		}
		if lines := e.Sentences(noon); !slices.Contains(lines, c.sentence) {
			t.Errorf("%s: %q is not in %q", name, c.sentence, lines)
		}
		if (e.Eligible == 1) != c.at.Equal(noon) || e.Eligible == 0 && !e.NextAt.Equal(c.at) {
			t.Errorf("%s: %d eligible, next at %v", name, e.Eligible, e.NextAt)
		}
	}
}

// R35, R11: who refused it is set aside for ten minutes while another is free, and only for the pause when nobody is.
func TestExplanationKnowsWhetherAnybodyElseIsFree(t *testing.T) {
	w := postroom.Wait{Contact: "x", Queue: billing(), QueuedAt: noon.Add(-time.Minute)}
	refused := facts("a", "one", 9)
	refused.Refusals = postroom.Refusals{Missed: 1, Last: noon.Add(-time.Minute)}
	e := Explain(w, []postroom.AgentFacts{refused, facts("b", "one", 6)}, noon)
	if e.Eligible != 1 || e.Agents[0].Agent != "b" || !e.Agents[1].At.Equal(noon.Add(9*time.Minute)) {
		t.Errorf("beside another: %+v", e.Agents)
	}
	if e = Explain(w, []postroom.AgentFacts{refused, facts("b", "one", 3)}, noon); e.Eligible != 1 || e.Agents[0].Agent != "a" {
		t.Errorf("alone: %+v", e.Agents)
	}
	if e = Explain(w, nil, noon); e.Eligible != 0 || !e.NextAt.IsZero() || e.Change.Next != 4*time.Minute {
		t.Errorf("nobody: %+v", e)
	}
}

// R35: an offer keeps why: the rule, the configuration's version, the stage and what it requires, the priority, the candidates in order, what
// the others lacked; or which contact would have been next.
func TestReasonOfAnOfferSaysEverythingThatCounted(t *testing.T) {
	w := postroom.Wait{Contact: "x", Queue: billing(), ArrivedAt: noon.Add(-90 * time.Minute), QueuedAt: noon.Add(-6 * time.Minute), Step: 1, Priority: 4}
	d := ChooseAgent(postroom.RouteSkillsBest, []postroom.Candidate{
		{Agent: "a", Score: 6, FreeSince: noon.Add(-time.Hour)}, {Agent: "b", Score: 9, FreeSince: noon.Add(-time.Minute)},
		{Agent: "c", Score: 9, FreeSince: noon, Refusals: postroom.Refusals{Missed: 1, Last: noon.Add(-time.Minute)}}}, noon)
	e := Explain(w, []postroom.AgentFacts{facts("b", "two", 9), facts("d", "one", 3), facts("e", "six", 0)}, noon)
	reason := d.Reason.Under(w, noon).Without(e)
	reason.Configuration = 12
	text, err := json.Marshal(reason)
	want := `{"rule":"skills_best_available","trigger":"contact","configuration":12,"step":1,"skills":[{"skill":"billing","level":5}],"teams":["one","two"],` +
		`"priority":5.5,"candidates":3,"set_aside":1,"first":[{"agent":"b","free_since":"2026-03-02T11:59:00Z","score":9},` +
		`{"agent":"a","free_since":"2026-03-02T11:00:00Z","score":6},{"agent":"c","free_since":"2026-03-02T12:00:00Z","score":9,"refused":1}],"lacked":{"skill":2,"team":1}}`
	if string(text) != want || err != nil {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	lines := strings.Join(reason.Sentences(), "\n")
	for _, part := range []string{"Rule skills_best_available, configuration 12, stage 1, effective priority 5.500.", "Required: skill billing at level 5.",
		"The contact looked: 3 agents could take it, 1 of them refused it lately.", "1. agent b,", "2 agents lacked: skill."} {
		if !strings.Contains(lines, part) {
			t.Errorf("%q is not in\n%s", part, lines)
		}
	}

	c := ChooseContact([]postroom.WaitingContact{{Contact: "x", Type: postroom.RouteLongestAvailable, Priority: 4, AgeingStep: time.Hour, ArrivedAt: noon.Add(-time.Hour)},
		{Contact: "y", Priority: 4, AgeingStep: time.Hour, ArrivedAt: noon.Add(-2*time.Hour - 2*time.Second), Targeted: true, Step: 2, Score: 7}}, noon)
	text, err = json.Marshal(c.Reason)
	want = `{"trigger":"agent","step":2,"priority":6,"targeted":true,"candidates":1,"score":7,"compared":2,"next":{"contact":"x","priority":5}}`
	if string(text) != want || err != nil {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// R35: a reason is never larger than its bound, whatever the configuration.
func TestReasonIsBounded(t *testing.T) {
	long := strings.Repeat("x", 80)
	var candidates []postroom.Candidate
	w := postroom.Wait{Contact: "x", Queue: billing()}
	for i := range 500 {
		id := fmt.Sprintf("%s%d", long, i)
		candidates = append(candidates, postroom.Candidate{Agent: postroom.AgentID(id), Score: i, FreeSince: noon})
		w.Queue.Teams = append(w.Queue.Teams, postroom.TeamID(id))
		w.Queue.Skills = append(w.Queue.Skills, postroom.SkillRequirement{Skill: postroom.SkillID(id), Level: 1})
	}
	d := ChooseAgent(postroom.RouteSkillsBest, candidates, noon)
	if len(d.Reason.First) != MaxRanked || d.Reason.First[0].Score != 499 {
		t.Errorf("the first: %+v", d.Reason.First)
	}
	text, err := json.Marshal(d.Reason.Under(w, noon))
	var back Reason
	if err != nil || len(text) > MaxReason || len(text) < MaxReason/4 || json.Unmarshal(text, &back) != nil || back.Candidates != 500 || len(back.First) == 0 {
		t.Errorf("%d bytes: %v, %+v", len(text), err, back)
	}
}
