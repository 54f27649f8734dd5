package routing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// R32: nobody starves: where agents can serve more than arrives, a contact waits no longer than its lead (how long more urgent ones may
// overtake it) and what waited at most before and after takes to serve. Without ageing some wait for much longer: the control.
func TestNobodyStarvesWhereCapacityExceedsArrivals(t *testing.T) {
	t.Parallel()
	longest := time.Duration(0)
	for seed := range uint64(15) {
		late, wait := rush(seed, ChooseContact)
		longest = max(longest, wait)
		if late > 0 {
			t.Errorf("seed %d: somebody waited %v longer than the bound", seed, late)
		}
	}
	t.Logf("the longest wait was %v", longest)
	starved := 0
	for seed := range uint64(15) {
		late, _ := rush(seed, func(w []postroom.WaitingContact, now time.Time) ContactDecision {
			w = slices.Clone(w)
			for i := range w {
				w[i].AgeingStep = 1 << 62
			}
			return ChooseContact(w, now)
		})
		if late > 0 {
			starved++
		}
	}
	if starved == 0 {
		t.Error("without ageing nobody waits longer either: this shows nothing")
	}
}

// rush is a centre that begins with a full queue; then urgent contacts keep coming, nearly as fast as they can be served, and now and then one
// that is not urgent. It returns by how much the worst wait is over the bound, and the longest wait.
func rush(seed uint64, choose func([]postroom.WaitingContact, time.Time) ContactDecision) (late, longest time.Duration) {
	roll := dice(rand.New(rand.NewPCG(seed, 1)).IntN)
	const handling, most = time.Minute, 18
	agents, burst, step := 1+roll(4), 20+roll(60), time.Duration(3+roll(10))*time.Minute
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	var waiting []postroom.WaitingContact
	made := 0
	late = time.Duration(-1 << 62)
	arrive := func(at time.Time) {
		priority := most - roll(4)
		if roll.oneIn(20) {
			priority = roll(3)
		}
		made++
		waiting = append(waiting, postroom.WaitingContact{Contact: postroom.ContactID(fmt.Sprintf("c%06d", made)), Priority: priority, AgeingStep: step, ArrivedAt: at})
	}
	for range burst {
		arrive(start)
	}
	hundredths := 0 // of a contact that may arrive: 97 for each that can be served
	for now := start; now.Before(start.Add(36 * time.Hour)); now = now.Add(handling) {
		for hundredths += 97 * agents; hundredths >= 100; hundredths -= 100 {
			arrive(now)
		}
		for range agents {
			chosen := choose(waiting, now).Contact
			i := slices.IndexFunc(waiting, func(w postroom.WaitingContact) bool { return w.Contact == chosen })
			if i < 0 {
				break
			}
			w := waiting[i]
			lead := time.Duration(most-w.Priority) * step
			bound := lead + time.Duration(burst/agents+2)*handling
			longest, late = max(longest, now.Sub(w.ArrivedAt)), max(late, now.Sub(w.ArrivedAt)-bound)
			waiting = slices.Delete(waiting, i, i+1)
		}
	}
	for _, w := range waiting { // who still waits has waited at least so long
		lead := time.Duration(most-w.Priority) * step
		late = max(late, start.Add(36*time.Hour).Sub(w.ArrivedAt)-lead-time.Duration(burst/agents+2)*handling)
	}
	return late, longest
}
