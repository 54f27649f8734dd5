package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// Explanation says why a contact waits: what each agent lacks to be offered it now, and when that ends by time alone (R35). It is made from
// the same rules as the choice, and holds ids, numbers and times only.
type Explanation struct {
	Contact postroom.ContactID   `json:"contact"`
	Queue   postroom.QueueID     `json:"queue"`
	Rule    postroom.RoutingType `json:"rule"`
	Step    int                  `json:"step"`   // the stage of its wait
	Waited  time.Duration        `json:"waited"` // open time
	Agents  []Eligibility        `json:"agents"` // who lacks nothing first, in the order of the choice; then who lacks least
	// Eligible counts those who lack nothing. NextAgent is the first who will by time alone, at NextAt; zero: time alone helps nobody.
	Eligible  int              `json:"eligible"`
	NextAgent postroom.AgentID `json:"next_agent,omitzero"`
	NextAt    time.Time        `json:"next_at,omitzero"`
	// Change is what time changes about the wait itself.
	Change Change `json:"change"`
}

// Eligibility is what one agent lacks. At is when he lacks nothing any more by time alone: now if he lacks nothing, zero if never.
type Eligibility struct {
	Agent     postroom.AgentID `json:"agent"`
	Score     int              `json:"score,omitzero"`
	FreeSince time.Time        `json:"free_since,omitzero"`
	Missing   []Missing        `json:"missing,omitempty"`
	At        time.Time        `json:"at,omitzero"`
}

// Lack is a kind of thing that an agent lacks.
type Lack string

// What an agent can lack.
const (
	LackTeam     Lack = "team"      // not in a team that may take it yet
	LackSkill    Lack = "skill"     // a skill, or its level
	LackState    Lack = "state"     // he is not Available
	LackIdleNext Lack = "idle_next" // he will be Idle after the contacts that he holds
	LackRoom     Lack = "room"      // he holds as much as he may
	LackRefusal  Lack = "refused"   // he did not take it lately (R11)
	LackTarget   Lack = "target"    // it waits for somebody else alone
	LackHours    Lack = "hours"     // the queue is closed
)

// Lacks lists every kind, in the order in which they are told.
func Lacks() []Lack {
	return []Lack{LackTeam, LackSkill, LackState, LackIdleNext, LackRoom, LackRefusal, LackTarget, LackHours}
}

// Missing is one thing that an agent lacks. Until is when time alone ends it; zero: it does not.
type Missing struct {
	What     Lack                `json:"what"`
	Until    time.Time           `json:"until,omitzero"`
	Step     int                 `json:"step,omitzero"` // team, skill: the stage at which it is not required of him any more
	Skill    postroom.SkillID    `json:"skill,omitzero"`
	Level    int                 `json:"level,omitzero"` // required …
	Has      int                 `json:"has,omitzero"`   // … and his
	State    postroom.AgentState `json:"state,omitzero"`
	IdleCode postroom.IdleCode   `json:"idle_code,omitzero"`
	Agent    postroom.AgentID    `json:"agent,omitzero"` // the target
}

// Explain says of each agent what he lacks to be offered a waiting contact (R35). facts are of all agents who may count: what is said
// about one assumes that the others stay as they are.
func Explain(w postroom.Wait, facts []postroom.AgentFacts, now time.Time) Explanation {
	e := Explanation{Contact: w.Contact, Queue: w.Queue.ID, Rule: w.Queue.Type, Waited: OpenTime(w.Hours, w.QueuedAt, now), Change: Progress(w, now)}
	e.Step = e.Change.Step
	fresh := map[postroom.AgentID]bool{}
	for _, f := range facts {
		if !excluded(f.Refusals, now) && len(missing(w, f, false, now)) == 0 {
			fresh[f.Agent.ID] = true
		}
	}
	step := w.Queue.Steps()[e.Step]
	for _, f := range facts {
		others := len(fresh) > 1 || len(fresh) == 1 && !fresh[f.Agent.ID]
		score, _ := step.Admits(f.Agent)
		a := Eligibility{Agent: f.Agent.ID, Score: score, FreeSince: f.FreeSince, Missing: missing(w, f, others, now)}
		a.At = eligibleAt(w, f, others, now)
		if len(a.Missing) == 0 {
			e.Eligible++
		} else if !a.At.IsZero() && (e.NextAt.IsZero() || a.At.Before(e.NextAt) || a.At.Equal(e.NextAt) && a.Agent < e.NextAgent) {
			e.NextAgent, e.NextAt = a.Agent, a.At
		}
		e.Agents = append(e.Agents, a)
	}
	slices.SortFunc(e.Agents, func(a, b Eligibility) int {
		return cmp.Or(cmp.Compare(len(a.Missing), len(b.Missing)), compareCandidates(w.Queue.Type,
			postroom.Candidate{Agent: a.Agent, Score: a.Score, FreeSince: a.FreeSince}, postroom.Candidate{Agent: b.Agent, Score: b.Score, FreeSince: b.FreeSince}))
	})
	return e
}

// eligibleAt goes from the end of what is missing to the end of what is missing then, until nothing is. Each goes on in time, and there are
// no more of them than thresholds, spans and the few kinds of lack.
func eligibleAt(w postroom.Wait, f postroom.AgentFacts, others bool, now time.Time) time.Time {
	for range len(w.Queue.Relaxation) + len(w.Queue.Widening) + len(Lacks()) {
		if Progress(w, now).Overflow != "" {
			return time.Time{}
		}
		lacks := missing(w, f, others, now)
		if len(lacks) == 0 {
			return now
		}
		for _, m := range lacks {
			if m.Until.IsZero() {
				return time.Time{}
			}
			now = later(now, m.Until)
		}
	}
	return time.Time{}
}

// missing lists what an agent lacks at a time. others: somebody else could take it who has not refused it.
func missing(w postroom.Wait, f postroom.AgentFacts, others bool, now time.Time) []Missing {
	var lacks []Missing
	change := Progress(w, now)
	targeted := w.Target != "" && !change.DropTarget
	switch {
	case targeted && w.Target != f.Agent.ID:
		lacks = append(lacks, Missing{What: LackTarget, Agent: w.Target, Until: w.TargetUntil})
	case !targeted:
		lacks = append(lacks, unsuited(w, f.Agent, change.Step)...)
	}
	switch {
	case f.State != postroom.AgentAvailable:
		lacks = append(lacks, Missing{What: LackState, State: f.State, IdleCode: f.IdleCode})
	case f.IdleAfter != "":
		lacks = append(lacks, Missing{What: LackIdleNext, IdleCode: f.IdleAfter})
	case f.Room <= 0:
		lacks = append(lacks, Missing{What: LackRoom})
	}
	if excluded(f.Refusals, now) {
		if pause := backOff(f.Refusals, now); others {
			lacks = append(lacks, Missing{What: LackRefusal, Until: f.Refusals.Last.Add(postroom.ExclusionTime)})
		} else if pause > 0 {
			lacks = append(lacks, Missing{What: LackRefusal, Until: now.Add(pause)})
		}
	}
	if from, until := OpenSpan(w.Hours, now); from.After(now) {
		if !from.Before(until) {
			from = time.Time{} // never
		}
		lacks = append(lacks, Missing{What: LackHours, Until: from})
	}
	return lacks
}

// unsuited lists what the stage requires that an agent has not: a team, skills. A stage that the wait has still to reach may require less.
func unsuited(w postroom.Wait, a postroom.Agent, step int) []Missing {
	var lacks []Missing
	steps := w.Queue.Steps()
	until := func(enough func(postroom.Step) bool) (time.Time, int) {
		for i := step + 1; i < len(steps); i++ {
			if enough(steps[i]) {
				return After(w.Hours, w.QueuedAt, steps[i].After), i
			}
		}
		return time.Time{}, 0
	}
	inTeam := func(s postroom.Step) bool { return slices.Contains(s.Teams, a.Team) }
	if !inTeam(steps[step]) {
		m := Missing{What: LackTeam}
		m.Until, m.Step = until(inTeam)
		lacks = append(lacks, m)
	}
	for _, r := range steps[step].Skills {
		if a.Skills[r.Skill] >= r.Level {
			continue
		}
		m := Missing{What: LackSkill, Skill: r.Skill, Level: r.Level, Has: a.Skills[r.Skill]}
		m.Until, m.Step = until(func(s postroom.Step) bool {
			return !slices.ContainsFunc(s.Skills, func(later postroom.SkillRequirement) bool {
				return later.Skill == r.Skill && later.Level > a.Skills[r.Skill]
			})
		})
		lacks = append(lacks, m)
	}
	return lacks
}
