package routing

import (
	"cmp"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// AgentDecision says to whom a contact is offered. Without Agent, nobody can take it now, and LookAgain is how long until time
// alone changes that; zero if it does not.
type AgentDecision struct {
	Agent     postroom.AgentID
	Reason    Reason
	LookAgain time.Duration
}

// LookTime is how long a contact that found only agents whose own look is due leaves them to it.
const LookTime = time.Second

// ChooseAgent chooses for a waiting contact, from the candidates that could take it now, by its queue's routing type: the highest score if
// that is the best agent, then the one who has waited longest for work. Who refused the contact lately comes only when nobody else is
// left, and who declined it only after a back-off (R11, R32). An agent whose own look is due is left to it: a contact that happens to look
// first would come before more urgent ones that wait for him.
func ChooseAgent(by postroom.RoutingType, candidates []postroom.Candidate, now time.Time) AgentDecision {
	r := Reason{Rule: by, Trigger: TriggerContact, Candidates: len(candidates)}
	var fresh, again, later []postroom.Candidate
	var wait time.Duration
	left := false // to somebody's own look, who has not refused it
	for _, c := range candidates {
		switch pause := backOff(c.Refusals, now); {
		case c.LookDue:
			wait, left = sooner(wait, LookTime), left || !excluded(c.Refusals, now)
		case !excluded(c.Refusals, now):
			fresh = append(fresh, c)
		case pause > 0:
			later, wait = append(later, c), sooner(wait, pause)
		default:
			again = append(again, c)
		}
	}
	for _, group := range [][]postroom.Candidate{fresh, again, later} {
		slices.SortFunc(group, func(a, b postroom.Candidate) int { return compareCandidates(by, a, b) })
	}
	order := slices.Concat(fresh, again, later)
	if len(fresh) == 0 && (left || len(again) == 0) {
		return AgentDecision{LookAgain: wait}
	}
	r.SetAside, r.OnlyOne = len(again)+len(later), len(fresh) == 0
	r.First = firstOf(order)
	return AgentDecision{Agent: order[0].Agent, Reason: r}
}

// compareCandidates orders candidates by a routing type (R32). The last word makes the order total, so that the same candidates always
// lead to the same choice.
func compareCandidates(by postroom.RoutingType, a, b postroom.Candidate) int {
	best := 0
	if by == postroom.RouteSkillsBest {
		best = cmp.Compare(b.Score, a.Score)
	}
	return cmp.Or(best, a.FreeSince.Compare(b.FreeSince), cmp.Compare(a.Agent, b.Agent))
}

// ContactDecision says which contact an agent is offered; without Contact, none.
type ContactDecision struct {
	Contact postroom.ContactID
	Version int64
	Reason  Reason
	// Later are contacts that he refused and that may yet become his: after his back-off, or when the others who are free now take
	// something else. A contact's own look did not know of him while he had no room: their workflows are told to look, so that somebody
	// waits for that moment.
	Later []postroom.ContactID
}

// ChooseContact chooses for an agent who became able, from the first contacts of the lanes that he may take from and those that wait for
// him: the highest effective priority, then the one that came in first (R32). A contact that he refused lately is his only if nobody else
// could take it, and after the back-off (R11).
func ChooseContact(waiting []postroom.WaitingContact, now time.Time) ContactDecision {
	var d ContactDecision
	var open []postroom.WaitingContact
	for _, w := range waiting {
		switch {
		case !excluded(w.Refusals, now):
			open = append(open, w)
		case w.Others > 0 || backOff(w.Refusals, now) > 0:
			d.Later = append(d.Later, w.Contact)
		default:
			open = append(open, w)
		}
	}
	slices.Sort(d.Later)
	if len(open) == 0 {
		return d
	}
	slices.SortFunc(open, func(a, b postroom.WaitingContact) int { return compareWaiting(a, b, now) })
	best := open[0]
	d.Contact, d.Version = best.Contact, best.Version
	d.Reason = Reason{Rule: best.Type, Trigger: TriggerAgent, Step: best.Step, Targeted: best.Targeted, Candidates: 1, Score: best.Score,
		Priority: thousandths(best.Priority, best.AgeingStep, best.ArrivedAt, now), OnlyOne: excluded(best.Refusals, now), Compared: len(waiting)}
	if len(open) > 1 {
		next := open[1]
		d.Reason.Next = &Rival{next.Contact, thousandths(next.Priority, next.AgeingStep, next.ArrivedAt, now)}
	}
	return d
}

// excluded reports whether an agent is set aside for a contact, because he did not take it lately (R11).
func excluded(r postroom.Refusals, now time.Time) bool {
	return !r.Last.IsZero() && now.Before(r.Last.Add(postroom.ExclusionTime))
}

// backOff is how long an agent who declined is not asked again: 30 s, doubling with each time up to the exclusion time (R11).
// One whose offer was missed is asked again at once, if nobody else is left.
func backOff(r postroom.Refusals, now time.Time) time.Duration {
	if r.Declined == 0 || !excluded(r, now) {
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
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
