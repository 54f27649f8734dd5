package routing

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// What each rule protects: exchanged for one that is nearly right, the same watch goes red, for the reason that is named.
func TestEveryRuleIsWatched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		red    string // part of the violation that is found
		seed   uint64 // of a centre that shows it, if it is rare
		broken func(*ruleTable)
	}{
		"whoever has room is offered contacts, Available or not (I3)": {broken: func(r *ruleTable) {
			r.able = func(a *simAgent) bool { return a.idleAfter == "" && a.state != postroom.AgentLoggedOut }
		}},
		"RONA blocks the channel only on which it came about (R10)": {broken: func(r *ruleTable) {
			r.able = func(a *simAgent) bool {
				return a.idleAfter == "" && (a.state == postroom.AgentAvailable || a.state == postroom.AgentRONA && len(a.offers) == 0)
			}
		}},
		"who is about to be Idle is offered more (R13)": {broken: func(r *ruleTable) {
			r.able = func(a *simAgent) bool { return a.state == postroom.AgentAvailable }
		}},
		"one more than the capacity (I2)": {broken: func(r *ruleTable) {
			r.room = func(p postroom.MultimediaProfile, ch postroom.Channel, held map[postroom.Channel]int) int {
				return max(0, p.Capacity[ch]+1-held[ch])
			}
		}},
		"every mode is blended (R2)": {broken: func(r *ruleTable) {
			r.room = func(p postroom.MultimediaProfile, ch postroom.Channel, held map[postroom.Channel]int) int {
				p.Mode = postroom.ModeBlended
				return p.Room(ch, held)
			}
		}},
		"priority does not age (R32)": {red: "instead of", broken: func(r *ruleTable) {
			r.contact = func(w []postroom.WaitingContact, now time.Time) ContactDecision {
				aged := slices.Clone(w)
				for i := range aged {
					aged[i].AgeingStep = postroom.MaxAgeingStep
				}
				return ChooseContact(aged, now)
			}
		}},
		"the best agent is the longest available (R32)": {red: "instead of", broken: func(r *ruleTable) {
			r.agent = func(_ postroom.RoutingType, cs []postroom.Candidate, now time.Time) AgentDecision {
				return ChooseAgent(postroom.RouteLongestAvailable, cs, now)
			}
		}},
		"the first of those that are alike (R32)": {red: "another order", broken: func(r *ruleTable) {
			r.agent = func(by postroom.RoutingType, cs []postroom.Candidate, now time.Time) AgentDecision {
				d := ChooseAgent(by, cs, now)
				d.Reason.First = nil
				for _, c := range cs {
					d.Reason.First = append(d.Reason.First, Ranked{Agent: c.Agent})
				}
				return d
			}
		}},
		"who refused it is asked like all others (R11)": {red: "is offered to", broken: func(r *ruleTable) {
			r.agent = func(by postroom.RoutingType, cs []postroom.Candidate, now time.Time) AgentDecision {
				cs = slices.Clone(cs)
				for i := range cs {
					cs[i].Refusals = postroom.Refusals{}
				}
				return ChooseAgent(by, cs, now)
			}
		}},
		"who declined is asked again at once (R11)": {broken: func(r *ruleTable) {
			r.agent = func(by postroom.RoutingType, cs []postroom.Candidate, now time.Time) AgentDecision {
				cs = slices.Clone(cs)
				for i := range cs {
					cs[i].Refusals.Missed, cs[i].Refusals.Declined = cs[i].Refusals.Missed+cs[i].Refusals.Declined, 0
				}
				return ChooseAgent(by, cs, now)
			}
		}},
		"who refused it may take it while others are free (R11)": {broken: func(r *ruleTable) {
			r.contact = func(w []postroom.WaitingContact, now time.Time) ContactDecision {
				w = slices.Clone(w)
				for i := range w {
					w[i].Others = 0
				}
				return ChooseContact(w, now)
			}
		}},
		"a contact takes an agent who is about to look himself (R32)": {red: "more urgent", broken: func(r *ruleTable) {
			r.lookDue = func(*simAgent) bool { return false }
		}},
		"nobody waits for the end of a pause": {red: "looks again", broken: func(r *ruleTable) {
			r.agent = func(by postroom.RoutingType, cs []postroom.Candidate, now time.Time) AgentDecision {
				d := ChooseAgent(by, cs, now)
				d.LookAgain = 0
				return d
			}
		}},
		"a contact is not told that an agent has room whose pause is not over": {red: "its timer", broken: func(r *ruleTable) {
			r.contact = func(w []postroom.WaitingContact, now time.Time) ContactDecision {
				d := ChooseContact(w, now)
				d.Later = slices.DeleteFunc(d.Later, func(id postroom.ContactID) bool {
					i := slices.IndexFunc(w, func(one postroom.WaitingContact) bool { return one.Contact == id })
					return w[i].Others == 0
				})
				return d
			}
		}},
		"a contact is not told that the others who were free took something else": {red: "looked over", seed: 457, broken: func(r *ruleTable) {
			r.contact = func(w []postroom.WaitingContact, now time.Time) ContactDecision {
				d := ChooseContact(w, now)
				d.Later = slices.DeleteFunc(d.Later, func(id postroom.ContactID) bool {
					i := slices.IndexFunc(w, func(one postroom.WaitingContact) bool { return one.Contact == id })
					return w[i].Others > 0
				})
				return d
			}
		}},
		"a level too low is enough (R32)": {red: "is offered", broken: func(r *ruleTable) {
			r.admits = func(s postroom.Step, a postroom.Agent) (int, bool) {
				s.Skills = slices.Clone(s.Skills)
				for i := range s.Skills {
					s.Skills[i].Level--
				}
				return s.Admits(a)
			}
		}},
		"teams are not widened (R32)": {broken: func(r *ruleTable) {
			r.steps = func(q postroom.Queue) []postroom.Step {
				steps := q.Steps()
				for i := range steps {
					steps[i].Teams = q.Teams
				}
				return steps
			}
		}},
		"thresholds count closed hours too (R32)": {broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				w.Hours = nil
				return Progress(w, now)
			}
		}},
		"thresholds count from the arrival (R32)": {broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				w.QueuedAt = w.ArrivedAt
				return Progress(w, now)
			}
		}},
		"a contact waits for its target for ever (R32)": {red: "target dropped", broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				c := Progress(w, now)
				c.DropTarget = false
				return c
			}
		}},
		"a target who refused it is waited for": {red: "target dropped", broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				w.TargetThere = true
				return Progress(w, now)
			}
		}},
		"nothing overflows (R32)": {broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				w.Queue.MaxTime = 0
				return Progress(w, now)
			}
		}},
		"no timer for what time changes next": {red: "time changes its wait", broken: func(r *ruleTable) {
			r.progress = func(w postroom.Wait, now time.Time) Change {
				c := Progress(w, now)
				c.Next = 0
				return c
			}
		}},
		"business hours are in UTC (R32)": {broken: func(r *ruleTable) {
			r.span = func(h *postroom.BusinessHours, now time.Time) (time.Time, time.Time) {
				if h != nil {
					other := *h
					other.TimeZone = "UTC"
					h = &other
				}
				return OpenSpan(h, now)
			}
		}},
		"holidays are days like others (R32)": {broken: func(r *ruleTable) {
			r.span = func(h *postroom.BusinessHours, now time.Time) (time.Time, time.Time) {
				if h != nil {
					other := *h
					other.Holidays = nil
					h = &other
				}
				return OpenSpan(h, now)
			}
		}},
		"midnight and minutes, whatever the clock on the wall does (R32)": {broken: func(r *ruleTable) {
			r.span = naiveSpan
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := realRules()
			c.broken(&rules)
			err := live(rules, max(1, c.seed), 150_000, newSpread())
			if err == nil {
				t.Fatal("nobody noticed")
			}
			what, _, _ := strings.Cut(err.Error(), "\n")
			if !strings.Contains(what, c.red) {
				t.Errorf("noticed something else: %s", what)
			}
			t.Log(what)
		})
	}
}

// naiveSpan adds minutes to midnight, as if every day had 24 hours.
func naiveSpan(h *postroom.BusinessHours, now time.Time) (from, until time.Time) {
	if h == nil {
		return from, until
	}
	zone := zoneOf(h.TimeZone)
	y, m, d := now.In(zone).Date()
	for n := range 90 {
		midnight := time.Date(y, m, d+n-1, 0, 0, 0, 0, zone)
		c := calendarOf(h)
		if c.holiday(dayOf(midnight)) {
			continue
		}
		for _, o := range h.Open {
			if o.Day != midnight.Weekday() {
				continue
			}
			from, until := midnight.Add(time.Duration(o.From)*time.Minute), midnight.Add(time.Duration(o.To)*time.Minute)
			if until.After(now) {
				return from, until
			}
		}
	}
	return now.Add(24 * time.Hour), now.Add(24 * time.Hour)
}
