package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// Reason says why an agent was chosen; it is stored with the offer (R35).
type Reason struct {
	Rule       string `json:"rule"`                 // "longest available agent"
	Trigger    string `json:"trigger"`              // "contact entered queue" or "agent became able"
	Candidates int    `json:"candidates"`           // how many could have taken it
	SetAside   int    `json:"set_aside,omitempty"`  // how many of them refused it lately (R11)
	OnlyOne    bool   `json:"only_one,omitempty"`   // nobody else was left: he is asked again
	Considered int    `json:"considered,omitempty"` // contacts looked at, when an agent became able
}

// LongestAvailable is the rule by which an agent is chosen: who has waited longest for work.
const LongestAvailable = "longest available agent"

// AgentDecision says to whom a contact is offered. Without Agent, nobody can take it now, and LookAgain is how long until time
// alone changes that; zero if it does not.
type AgentDecision struct {
	Agent     postroom.AgentID
	Reason    Reason
	LookAgain time.Duration
}

// ChooseAgent chooses for a waiting contact, from the candidates that could take it now. Who refused the contact lately comes only when
// nobody else is left, and who declined it only after a back-off (R11).
func ChooseAgent(candidates []postroom.Candidate, now time.Time) AgentDecision {
	reason := Reason{Rule: LongestAvailable, Trigger: "contact entered queue", Candidates: len(candidates)}
	var fresh, again []postroom.Candidate
	var wait time.Duration
	for _, c := range candidates {
		switch left := backOff(c.Refusals, now); {
		case c.Refusals.Last.IsZero():
			fresh = append(fresh, c)
		case left > 0:
			wait = sooner(wait, left)
		default:
			again = append(again, c)
		}
	}
	reason.SetAside = len(candidates) - len(fresh)
	pick := fresh
	if len(pick) == 0 {
		pick, reason.OnlyOne = again, true
	}
	if len(pick) == 0 {
		return AgentDecision{LookAgain: wait}
	}
	best := slices.MinFunc(pick, func(a, b postroom.Candidate) int {
		return cmp.Or(a.FreeSince.Compare(b.FreeSince), cmp.Compare(a.Agent, b.Agent))
	})
	return AgentDecision{Agent: best.Agent, Reason: reason}
}

// ContactDecision says which contact an agent is offered; without Contact, none.
type ContactDecision struct {
	Contact postroom.ContactID
	Reason  Reason
}

// ChooseContact chooses for an agent who became able, from contacts that wait in his queues: the highest priority, then the one that
// arrived first. A contact that he refused lately is his only if nobody else could take it, and after the back-off (R11).
func ChooseContact(waiting []postroom.WaitingContact, now time.Time) ContactDecision {
	reason := Reason{Rule: LongestAvailable, Trigger: "agent became able", Candidates: 1, Considered: len(waiting)}
	open := slices.DeleteFunc(slices.Clone(waiting), func(w postroom.WaitingContact) bool {
		return !w.Refusals.Last.IsZero() && (w.Others > 0 || backOff(w.Refusals, now) > 0)
	})
	if len(open) == 0 {
		return ContactDecision{}
	}
	best := slices.MinFunc(open, func(a, b postroom.WaitingContact) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.ArrivedAt.Compare(b.ArrivedAt), cmp.Compare(a.Contact, b.Contact))
	})
	reason.OnlyOne = !best.Refusals.Last.IsZero()
	return ContactDecision{Contact: best.Contact, Reason: reason}
}

// backOff is how long an agent who declined is not asked again: 30 s, doubling with each refusal up to the exclusion time (R11).
// One whose offer was missed is asked again at once, if nobody else is left.
func backOff(r postroom.Refusals, now time.Time) time.Duration {
	if r.Declined == 0 {
		return 0
	}
	pause := postroom.DeclineBackOff
	for range min(r.Declined-1, 10) {
		pause = min(2*pause, postroom.ExclusionTime)
	}
	return max(0, r.Last.Add(pause).Sub(now))
}

// sooner is the smaller of two durations of which zero means none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}
