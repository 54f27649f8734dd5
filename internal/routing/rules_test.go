package routing

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// R32: the three routing types.
func TestEachRoutingTypeChoosesItsAgent(t *testing.T) {
	candidates := []postroom.Candidate{{Agent: "old", FreeSince: noon.Add(-time.Hour), Score: 3}, {Agent: "best", FreeSince: noon.Add(-time.Minute), Score: 9},
		{Agent: "also", FreeSince: noon.Add(-2 * time.Minute), Score: 9}, {Agent: "alike", FreeSince: noon.Add(-2 * time.Minute), Score: 9}}
	for by, want := range map[postroom.RoutingType]postroom.AgentID{
		postroom.RouteLongestAvailable: "old", postroom.RouteSkillsLongest: "old", postroom.RouteSkillsBest: "alike"} {
		if d := ChooseAgent(by, candidates, noon); d.Agent != want || d.Reason.Rule != by {
			t.Errorf("%s: %+v", by, d)
		}
	}
}

// R32: effective priority = priority + age ÷ step, compared without rounding.
func TestEffectivePriorityIsPriorityAndAgeByStep(t *testing.T) {
	contact := func(priority int, step, age time.Duration) postroom.WaitingContact {
		return postroom.WaitingContact{Priority: priority, AgeingStep: step, ArrivedAt: noon.Add(-age)}
	}
	for name, c := range map[string]struct {
		a, b postroom.WaitingContact
		want int
	}{
		"priority":                {contact(5, time.Hour, 0), contact(4, time.Hour, 59*time.Minute), 1},
		"a level for each step":   {contact(5, time.Hour, 0), contact(4, time.Hour, time.Hour), 0},
		"one nanosecond":          {contact(5, time.Hour, 0), contact(4, time.Hour, time.Hour+1), -1},
		"thirds":                  {contact(0, 3*time.Minute, time.Minute), contact(0, 3*time.Hour, time.Hour), 0},
		"steps that do not fit":   {contact(0, 7*time.Minute, 22*time.Minute), contact(0, 113*time.Minute, 355*time.Minute), 1}, // 22/7 > 355/113
		"from the future":         {contact(5, time.Hour, -30*time.Minute), contact(4, time.Hour, 30*time.Minute), 0},
		"a hundred years":         {contact(0, postroom.MinAgeingStep, 876000*time.Hour), contact(9, postroom.MaxAgeingStep, 876000*time.Hour), 1},
		"without a step: an hour": {contact(0, 0, time.Hour), contact(1, time.Hour, 0), 0},
	} {
		if got := compareEffective(c.a, c.b, noon); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		if got := compareEffective(c.b, c.a, noon); got != -c.want {
			t.Errorf("%s, exchanged: %d", name, got)
		}
	}
	if got := thousandths(4, 3*time.Hour, noon.Add(-7*time.Hour), noon); got != 6.333 {
		t.Errorf("people see %v", got)
	}
	if got := thousandths(0, time.Hour, noon.Add(90*time.Minute), noon); got != -1.5 {
		t.Errorf("people see %v", got)
	}
}

// R11: the pauses of somebody who declined, the exclusion of somebody who missed, and their ends.
func TestWhoDidNotTakeAContactIsSetAsideForTenMinutes(t *testing.T) {
	for name, c := range map[string]struct {
		refusals postroom.Refusals
		aside    bool
		pause    time.Duration
	}{
		"never refused":            {postroom.Refusals{}, false, 0},
		"missed":                   {postroom.Refusals{Missed: 1, Last: noon}, true, 0},
		"missed ten minutes ago":   {postroom.Refusals{Missed: 1, Last: noon.Add(-10 * time.Minute)}, false, 0},
		"missed just later":        {postroom.Refusals{Missed: 1, Last: noon.Add(1 - 10*time.Minute)}, true, 0},
		"declined":                 {postroom.Refusals{Declined: 1, Last: noon}, true, 30 * time.Second},
		"declined 30 s ago":        {postroom.Refusals{Declined: 1, Last: noon.Add(-30 * time.Second)}, true, 0},
		"declined, then missed":    {postroom.Refusals{Declined: 1, Missed: 1, Last: noon.Add(-10 * time.Second)}, true, 20 * time.Second},
		"declined for the 5th":     {postroom.Refusals{Declined: 5, Last: noon}, true, 8 * time.Minute},
		"declined for the 6th":     {postroom.Refusals{Declined: 6, Last: noon}, true, 10 * time.Minute},
		"declined a million times": {postroom.Refusals{Declined: 1e6, Last: noon}, true, 10 * time.Minute},
		"the clock was set back":   {postroom.Refusals{Declined: 1, Last: noon.Add(time.Minute)}, true, 90 * time.Second},
	} {
		if got := excluded(c.refusals, noon); got != c.aside {
			t.Errorf("%s: set aside %v", name, got)
		}
		if got := backOff(c.refusals, noon); got != c.pause {
			t.Errorf("%s: a pause of %v, want %v", name, got, c.pause)
		}
	}
}

// R11: while the others who are free may take something else, the contact is told to look, so that its turn comes.
func TestAContactThatIsLeftToOthersIsToldToLook(t *testing.T) {
	missed, declined := postroom.Refusals{Missed: 1, Last: noon}, postroom.Refusals{Declined: 1, Last: noon}
	d := ChooseContact([]postroom.WaitingContact{{Contact: "left", Refusals: missed, Others: 2}, {Contact: "paused", Refusals: declined},
		{Contact: "his", Refusals: missed}, {Contact: "new", Priority: 1}}, noon)
	if d.Contact != "new" || !slices.Equal(d.Later, []postroom.ContactID{"left", "paused"}) {
		t.Errorf("got %+v", d)
	}
}

// R32: stages by open time, the target's by the clock, overflow last of all.
func TestProgressFollowsTheThresholds(t *testing.T) {
	q := billing()
	night := daily("UTC", "09:00", "12:03")
	for name, c := range map[string]struct {
		change func(*postroom.Wait)
		now    time.Duration // since it came into the queue, at noon
		want   Change
	}{
		"at first":              {func(*postroom.Wait) {}, 0, Change{Step: 0, Next: 5 * time.Minute}},
		"the first threshold":   {func(*postroom.Wait) {}, 5 * time.Minute, Change{Step: 1, Next: 5 * time.Minute}},
		"both at once":          {func(*postroom.Wait) {}, 20 * time.Minute, Change{Step: 2, Next: 40 * time.Minute}},
		"a stage is kept":       {func(w *postroom.Wait) { w.Step = 1 }, -time.Hour, Change{Step: 1, Next: 70 * time.Minute}},
		"a stage too many":      {func(w *postroom.Wait) { w.Step = 7 }, 0, Change{Step: 2, Next: time.Hour}},
		"overflow":              {func(*postroom.Wait) {}, time.Hour, Change{Step: 0, Overflow: "general"}},
		"overflow to itself":    {func(w *postroom.Wait) { w.Queue.Overflow = "billing" }, 2 * time.Hour, Change{Step: 2}},
		"overflow to nowhere":   {func(w *postroom.Wait) { w.Queue.Overflow = "" }, 2 * time.Hour, Change{Step: 2}},
		"closed meanwhile":      {func(w *postroom.Wait) { w.Hours = night }, 10 * time.Hour, Change{Step: 0, Next: 11*time.Hour + 2*time.Minute}},
		"open again":            {func(w *postroom.Wait) { w.Hours = night }, 21*time.Hour + 2*time.Minute, Change{Step: 1, Next: 5 * time.Minute}},
		"never open":            {func(w *postroom.Wait) { w.Hours = &postroom.BusinessHours{} }, 1000 * time.Hour, Change{}},
		"the target":            {func(w *postroom.Wait) { w.Target, w.TargetThere, w.TargetUntil = "a", true, noon.Add(time.Minute) }, 0, Change{Next: time.Minute}},
		"his time is over":      {func(w *postroom.Wait) { w.Target, w.TargetThere, w.TargetUntil = "a", true, noon.Add(time.Minute) }, time.Minute, Change{DropTarget: true, Next: 4 * time.Minute}},
		"he is not there":       {func(w *postroom.Wait) { w.Target, w.TargetUntil = "a", noon.Add(time.Hour) }, 0, Change{DropTarget: true, Next: 5 * time.Minute}},
		"his ends in overflow":  {func(w *postroom.Wait) { w.Target, w.TargetThere, w.TargetUntil = "a", true, noon.Add(9*time.Hour) }, time.Hour, Change{Overflow: "general", DropTarget: true}},
		"after a night and day": {func(w *postroom.Wait) { w.Hours = daily("UTC", "09:00", "12:03"); w.Step = 1 }, 23 * time.Hour, Change{Step: 0, Overflow: "general"}},
	} {
		w := postroom.Wait{Queue: q, ArrivedAt: noon, QueuedAt: noon}
		c.change(&w)
		got := Progress(w, noon.Add(c.now))
		if c.want.Overflow != "" {
			got.Step = 0
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
