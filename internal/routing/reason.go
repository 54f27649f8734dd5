package routing

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/postroom/postroom"
)

// Reason says why an agent was offered a contact; it is stored with the offer as JSON (R35). It holds ids, numbers and times only, and is
// never larger than MaxReason.
type Reason struct {
	Rule          postroom.RoutingType `json:"rule,omitzero"`
	Trigger       Trigger              `json:"trigger"`
	Configuration int64                `json:"configuration,omitzero"` // the version in force; the claim writes it

	// The contact: the stage of its wait, who may take it at that stage, and its effective priority, rounded down.
	Step     int                         `json:"step,omitzero"`
	Skills   []postroom.SkillRequirement `json:"skills,omitempty"`
	Teams    []postroom.TeamID           `json:"teams,omitempty"`
	Priority float64                     `json:"priority,omitzero"`
	Targeted bool                        `json:"targeted,omitzero"` // it waited for him alone

	// The agents: how many could have taken it, how many of them refused it lately (R11), whether he was asked again because nobody else
	// was left, the first of them in order, and of how many others something was missing.
	Candidates int          `json:"candidates"`
	SetAside   int          `json:"set_aside,omitzero"`
	OnlyOne    bool         `json:"only_one,omitzero"`
	Score      int          `json:"score,omitzero"` // of the chosen one, when an agent became able
	First      []Ranked     `json:"first,omitempty"`
	Lacked     map[Lack]int `json:"lacked,omitempty"`

	// When an agent became able: from how many contacts his was chosen, and which would have been next.
	Compared int    `json:"compared,omitzero"`
	Next     *Rival `json:"next,omitempty"`
}

// Trigger is what made routing look.
type Trigger string

// The triggers.
const (
	TriggerContact Trigger = "contact" // a contact looked: it came into its queue, or time made more agents eligible
	TriggerAgent   Trigger = "agent"   // an agent became able
)

// Ranked is a candidate in the order of the choice.
type Ranked struct {
	Agent     postroom.AgentID `json:"agent"`
	FreeSince time.Time        `json:"free_since"`
	Score     int              `json:"score,omitzero"`
	Refused   int              `json:"refused,omitzero"` // how often
}

// Rival is a contact that was not chosen, and its effective priority, rounded down.
type Rival struct {
	Contact  postroom.ContactID `json:"contact"`
	Priority float64            `json:"priority"`
}

// The bounds of a reason.
const (
	MaxReason = 4096 // bytes of its JSON
	MaxRanked = 10
)

func firstOf(order []postroom.Candidate) []Ranked {
	var first []Ranked
	for _, c := range order[:min(len(order), MaxRanked)] {
		first = append(first, Ranked{c.Agent, c.FreeSince.UTC(), c.Score, c.Refusals.Declined + c.Refusals.Missed})
	}
	return first
}

// Under adds what was in force: the stage of the wait, what it required, and the effective priority.
func (r Reason) Under(w postroom.Wait, now time.Time) Reason {
	r.Rule = w.Queue.Type
	r.Priority = thousandths(w.Priority, w.Queue.AgeingStep, w.ArrivedAt, now)
	steps := w.Queue.Steps()
	r.Step = min(max(w.Step, 0), len(steps)-1)
	r.Skills, r.Teams = steps[r.Step].Skills, steps[r.Step].Teams
	r.Targeted = w.Target != ""
	return r
}

// Without adds of how many agents something was missing. An agent to whom several things were missing counts for each.
func (r Reason) Without(e Explanation) Reason {
	r.Lacked = map[Lack]int{}
	for _, a := range e.Agents {
		for i, m := range a.Missing {
			if i == 0 || m.What != a.Missing[i-1].What {
				r.Lacked[m.What]++
			}
		}
	}
	return r
}

// MarshalJSON keeps a reason within its bound: what is least important goes first, the last of the candidates, then requirements.
func (r Reason) MarshalJSON() ([]byte, error) {
	type plain Reason
	for {
		text, err := json.Marshal(plain(r))
		switch {
		case err != nil || len(text) <= MaxReason:
			return text, err
		case len(r.First) > 1:
			r.First = r.First[:len(r.First)-1]
		case len(r.Teams) > 0:
			r.Teams = r.Teams[:len(r.Teams)/2]
		case len(r.Skills) > 0:
			r.Skills = r.Skills[:len(r.Skills)/2]
		default:
			r.First, r.Next, r.Lacked = nil, nil, nil
			if text, err = json.Marshal(plain(r)); len(text) > MaxReason {
				return nil, fmt.Errorf("a reason of %d bytes", len(text))
			}
			return text, err
		}
	}
}
