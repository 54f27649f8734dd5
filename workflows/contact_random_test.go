package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// Agents, supervisors, clocks and failures act at random; half of the changes from outside are told and half are lost. After one last sync, which
// the reconciler owes, the workflow knows the row, nothing is overdue, and no two steps ever met.
func TestWhateverHappensTheWorkflowComesToKnowItsRow(t *testing.T) {
	t.Parallel()
	reached := map[postroom.ContactPhase]int{}
	for seed := range 60 {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { reached[liveAtRandom(t, uint64(seed))]++ })
	}
	for _, phase := range []postroom.ContactPhase{postroom.ContactWaiting, postroom.ContactOwned, postroom.ContactWrapUp, postroom.ContactDone} {
		if reached[phase] == 0 {
			t.Errorf("no life came to rest in phase %q: %v", phase, reached)
		}
	}
}

// liveAtRandom plays one life, and returns the phase in which it came to rest.
func liveAtRandom(t *testing.T, seed uint64) postroom.ContactPhase {
	s := newStage(t)
	random := rand.New(rand.NewPCG(seed, 7)) // used by the acts, and under the row's lock
	s.row.rona, s.row.undo, s.row.look = 20*time.Second, time.Duration(random.IntN(20))*time.Second, time.Duration(random.IntN(2))*15*time.Second
	s.row.able = []postroom.AgentID{"mina", "tom"}
	s.row.before = func(string) error {
		s.row.mu.Lock()
		defer s.row.mu.Unlock()
		if random.IntN(6) == 0 {
			return down()
		}
		return nil
	}
	number := func(n int) (got int) {
		s.row.change(func() { got = random.IntN(n) })
		return got
	}
	told := func() {
		if number(2) == 0 {
			s.sync()
		}
	}
	outside := func(phase postroom.ContactPhase, do func()) func() {
		return func() {
			if s.row.read().Phase == phase {
				do()
				told()
			}
		}
	}
	acts := []func(){
		s.sync,
		func() { s.accept() }, func() { s.accept() }, func() { s.accept(); s.decline() }, func() { s.decline() },
		func() { s.close() }, func() { s.reply() }, func() { s.reply(); s.close() }, func() { s.complete() },
		outside(postroom.ContactOffered, s.row.withdraw),
		outside(postroom.ContactOwned, s.row.release),
		outside(postroom.ContactWaiting, func() { s.row.claim("jiwoo") }),
		func() { s.row.change(func() { s.row.able = append(s.row.able, "mina") }); told() },
		func() { s.row.change(func() { s.row.skew += time.Duration(random.IntN(11)-5) * time.Second }) },
	}
	for range 6 + number(12) {
		act := acts[number(len(acts))]
		s.at(time.Duration(1+number(120_000))*time.Millisecond, func() {
			if !s.env.IsWorkflowCompleted() {
				act()
			}
		})
	}
	s.at(10*time.Minute, s.sync)
	var rest postroom.ContactSnapshot
	s.at(20*time.Minute, func() {
		rest = s.row.read()
		if believed := strings.ReplaceAll(strings.ToLower(s.details()), "wrap-up", "wrapup"); !strings.HasPrefix(believed, string(rest.Phase)) {
			t.Errorf("it believes %q, and the row is %q; steps %v", believed, rest.Phase, s.row.made())
		}
		if rest.Phase == postroom.ContactOffered {
			t.Errorf("an offer is overdue by %v", -rest.Remaining)
		}
		s.env.CancelWorkflow()
	})
	s.env.ExecuteWorkflow(workflows.Contact, workflows.ContactState{Contact: theContact})
	if most := s.row.atOnce(); most != 1 {
		t.Errorf("%d steps were on the row at once", most)
	}
	if rest.Phase == "" { // it ended before
		rest = s.row.read()
		if rest.Phase != postroom.ContactDone || len(rest.Sends) > 0 {
			t.Errorf("ended with the row %+v: %v", rest, s.env.GetWorkflowError())
		}
	}
	return rest.Phase
}
