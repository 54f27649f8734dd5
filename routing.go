package postroom

import (
	"cmp"
	"slices"
	"time"
)

// RoutingType says how a queue chooses among the agents who could take a contact (R32).
type RoutingType string

// The routing types.
const (
	// RouteLongestAvailable: any agent of the queue's teams, the one who has waited longest for work.
	RouteLongestAvailable RoutingType = "longest_available_agent"
	// RouteSkillsLongest: of those who have the required skills, the one who has waited longest.
	RouteSkillsLongest RoutingType = "skills_longest_available"
	// RouteSkillsBest: of those, the one whose levels in the required skills add up to most.
	RouteSkillsBest RoutingType = "skills_best_available"
)

// RoutingTypes lists every routing type.
func RoutingTypes() []RoutingType {
	return []RoutingType{RouteLongestAvailable, RouteSkillsLongest, RouteSkillsBest}
}

// The bounds of a queue's times, and their defaults (R32).
const (
	MinAgeingStep      = time.Minute
	MaxAgeingStep      = 7 * 24 * time.Hour
	DefaultAgeingStep  = time.Hour
	MinThreshold       = time.Second // of relaxation and widening
	MaxTimeInQueue     = 30 * 24 * time.Hour
	MaxServiceLevel    = 30 * 24 * time.Hour
	MaxPreferredTime   = 7 * 24 * time.Hour
	MinOwnerLease      = time.Minute
	MaxOwnerLease      = 24 * time.Hour
	DefaultOwnerLease  = 30 * time.Minute
	MinAutoWrapUp      = 5 * time.Second
	MaxAutoWrapUp      = 900 * time.Second
	MaxExtensions      = 10 // of an auto wrap-up
	MaxWaitingContacts = 1_000_000
)

// QueueRules are how a queue's contacts are matched with agents (R32). Thresholds of waiting time count the queue's open hours only, from
// when the contact came into the queue; RONA, a declined and a withdrawn offer do not begin them anew.
type QueueRules struct {
	Type RoutingType `json:"type"`
	// Skills are required at first; each Relaxation replaces them from its threshold on. For the skills types only.
	Skills     []SkillRequirement `json:"skills,omitempty"`
	Relaxation []Relaxation       `json:"relaxation,omitempty"`
	// Widening adds teams from a threshold on.
	Widening []Widening `json:"widening,omitempty"`
	// AgeingStep: a contact gains one level of priority in each: effective priority = priority + age ÷ step, so nobody starves.
	AgeingStep time.Duration `json:"ageing_step"`
	// ServiceLevel is how soon a contact should be answered; its due time shows on the card. Zero: none.
	ServiceLevel time.Duration `json:"service_level,omitzero"`
	// Overflow is where a contact goes that has waited MaxTime, or that comes while MaxWaiting contacts wait. Zero: no limit.
	MaxTime    time.Duration `json:"max_time,omitzero"`
	MaxWaiting int           `json:"max_waiting,omitzero"`
	Overflow   QueueID       `json:"overflow,omitzero"`
	// Hours are when contacts are offered; empty: always.
	Hours HoursID `json:"hours,omitzero"`
	// PreferredTime is how long a customer who writes again waits for the agent who answered last. Zero: he does not (R22).
	PreferredTime time.Duration `json:"preferred_time,omitzero"`
	// ManualPick lets agents of the queue's teams take a waiting contact themselves (R33).
	ManualPick bool `json:"manual_pick,omitzero"`
	// OwnerLease is how long an owner's desktop may be away until the contact goes back to the queue, with its draft (R12).
	OwnerLease time.Duration `json:"owner_lease"`
}

// WithDefaults fills in what is left open.
func (r QueueRules) WithDefaults() QueueRules {
	r.Type = cmp.Or(r.Type, RouteLongestAvailable)
	r.AgeingStep = cmp.Or(r.AgeingStep, DefaultAgeingStep)
	r.OwnerLease = cmp.Or(r.OwnerLease, DefaultOwnerLease)
	return r
}

// SkillRequirement is a skill and the lowest level that is enough.
type SkillRequirement struct {
	Skill SkillID `json:"skill"`
	Level int     `json:"level"`
}

// Relaxation replaces the required skills once a contact has waited for After.
type Relaxation struct {
	After  time.Duration      `json:"after"`
	Skills []SkillRequirement `json:"skills,omitempty"`
}

// Widening adds teams once a contact has waited for After.
type Widening struct {
	After time.Duration `json:"after"`
	Teams []TeamID      `json:"teams"`
}

// WrapUpRules are how a queue's segments are wrapped up (R24).
type WrapUpRules struct {
	// Auto completes a wrap-up by itself, with Default as its code; zero: never. Agents may take Auto again, Extensions times.
	Auto       time.Duration `json:"auto,omitzero"`
	Extensions int           `json:"extensions,omitzero"`
	Default    WrapUpCode    `json:"default,omitzero"`
}

// Step is one stage of a contact's wait in a queue: who may take it from a threshold on.
type Step struct {
	After  time.Duration
	Skills []SkillRequirement
	Teams  []TeamID
}

// Steps are the stages of a wait in the queue, by threshold, the first at zero.
func (q Queue) Steps() []Step {
	thresholds := []time.Duration{0}
	for _, r := range q.Relaxation {
		thresholds = append(thresholds, r.After)
	}
	for _, w := range q.Widening {
		thresholds = append(thresholds, w.After)
	}
	slices.Sort(thresholds)
	var steps []Step
	for _, after := range slices.Compact(thresholds) {
		s := Step{After: after, Skills: q.Skills, Teams: slices.Clone(q.Teams)}
		var latest time.Duration
		for _, r := range q.Relaxation {
			if r.After <= after && r.After >= latest {
				s.Skills, latest = r.Skills, r.After
			}
		}
		for _, w := range q.Widening {
			if w.After <= after {
				s.Teams = append(s.Teams, w.Teams...)
			}
		}
		slices.Sort(s.Teams)
		s.Teams = slices.Compact(s.Teams)
		steps = append(steps, s)
	}
	return steps
}

// Admits reports whether an agent may take a contact at this stage, and how well he suits: the sum of his levels in the required
// skills.
func (s Step) Admits(a Agent) (score int, ok bool) {
	if !slices.Contains(s.Teams, a.Team) {
		return 0, false
	}
	for _, r := range s.Skills {
		level := a.Skills[r.Skill]
		if level < r.Level {
			return 0, false
		}
		score += level
	}
	return score, true
}

// HoursID names business hours: the key that the configuration gives.
type HoursID string

// BusinessHours say when queues are open: a week's times in a time zone, and holidays (R32). A day has as many spans as it is given.
type BusinessHours struct {
	ID       HoursID
	Name     Name
	TimeZone string // IANA, "Asia/Seoul"
	Open     []OpenTime
	Holidays []Holiday
}

// OpenTime is a span of a weekday, in minutes since midnight by the clock on the wall; To may be 24 h. A span does not cross midnight.
type OpenTime struct {
	Day  time.Weekday `json:"day"`
	From int          `json:"from"`
	To   int          `json:"to"`
}

// Holiday is a date on which the queue is closed all day.
type Holiday struct {
	Date string `json:"date"` // 2026-03-01
	Name Name   `json:"name"`
}

// Candidate is an agent as routing sees him when it looks for somebody for a contact: he may take it at the stage of its wait, and has
// room for it. For a contact with a target that is the target alone.
type Candidate struct {
	Agent     AgentID
	FreeSince time.Time // Available since, or last offered something, whichever is later
	Score     int       // the sum of his levels in the skills required at this stage
	Refusals  Refusals
	// LookDue: he became able a moment ago, and his own look, which chooses from all that waits for him, is still to come.
	LookDue bool
}

// WaitingContact is a contact as routing sees it when it looks for work for an agent who has room: the first of a lane that he may take
// from, or one that waits for him.
type WaitingContact struct {
	Contact    ContactID
	Version    int64
	Queue      QueueID
	Type       RoutingType // of its queue, for the reason
	Step       int
	Score      int           // the agent's, at this stage
	Priority   int           // its own or the assigned one, plus its queue's
	AgeingStep time.Duration // of its queue
	ArrivedAt  time.Time
	Targeted   bool // it waits for this agent alone
	Refusals   Refusals
	// Others counts the other agents who have room and may take it at this stage, and have not refused it lately (R11). It matters only
	// for a contact that this agent refused.
	Others int
}

// Refusals is what became of the earlier offers of one contact to one agent since it came into its queue (R11). All of them count for the
// back-off, the last decides whether he is set aside.
type Refusals struct {
	Declined int       // how often he declined
	Missed   int       // how often they expired or did not reach him
	Last     time.Time // end of the last of them; zero if there was none
}

// Wait is a contact's wait in its queue, by the row: what time may have changed about it is decided from this (R32).
type Wait struct {
	Contact     ContactID
	Version     int64
	Queue       Queue
	Hours       *BusinessHours // nil: the queue is always open
	ArrivedAt   time.Time
	QueuedAt    time.Time // came into this queue; thresholds count from here
	Step        int       // the stage that the row stands at
	Priority    int       // its own or the assigned one, plus its queue's
	Target      AgentID   // waits for him alone, until TargetUntil; empty: for nobody
	TargetUntil time.Time
	TargetThere bool // he is signed in, not retired, and has not refused it since it came into the queue
}

// AgentFacts is an agent as the explanation of a wait sees him (R35): all that could keep a contact from him.
type AgentFacts struct {
	Agent     Agent // his team and skills count
	State     AgentState
	IdleCode  IdleCode
	IdleAfter IdleCode // will be Idle after the contacts in hand (R13); empty: he will not
	Room      int      // how many more contacts of the queue's channel he can be offered (MultimediaProfile.Room)
	FreeSince time.Time
	Refusals  Refusals // of this contact
}
