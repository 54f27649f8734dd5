package routing

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

// many tests what must hold with values that rapid draws, which are small and odd, and with random ones.
func many(t *testing.T, holds func(fataler, dice)) {
	rapid.Check(t, func(t *rapid.T) {
		holds(t, func(n int) int { return rapid.IntRange(0, max(n, 1)-1).Draw(t, "roll") })
	})
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		holds(t, func(n int) int { return r.IntN(max(n, 1)) })
	}
}

// R32: between two changes that Progress announces nothing changes, and when it says so something does; a stage is never taken back.
func TestTimeChangesAWaitExactlyWhenItWasSaid(t *testing.T) {
	many(t, progressHolds)
}

func FuzzProgress(f *testing.F) {
	for _, seed := range [][]byte{nil, []byte("a wait of several stages, with a target"), {9, 0, 3, 255, 1, 1, 1, 1, 200, 100, 50, 25, 12, 6, 3}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { progressHolds(t, diceOf(data)) })
}

func someWait(roll dice) postroom.Wait {
	start := starts[roll(len(starts))]
	w := postroom.Wait{Contact: "c", Queue: postroom.Queue{ID: "q", Teams: []postroom.TeamID{"t0"}}, QueuedAt: start.Add(roll.seconds(0, 40*time.Hour))}
	w.ArrivedAt = w.QueuedAt.Add(-roll.seconds(0, time.Hour))
	for range roll(5) {
		w.Queue.Widening = append(w.Queue.Widening, postroom.Widening{After: roll.seconds(time.Second, 10*time.Hour), Teams: []postroom.TeamID{team(roll(4))}})
	}
	if roll.oneIn(2) {
		w.Hours = hoursFrom(roll, start)
	}
	if roll.oneIn(2) {
		w.Queue.Overflow, w.Queue.MaxTime = postroom.QueueID(fmt.Sprintf("q%d", roll(3))), roll.seconds(0, 20*time.Hour)
	}
	if roll.oneIn(3) {
		w.Target, w.TargetUntil, w.TargetThere = "a", w.QueuedAt.Add(roll.seconds(0, 20*time.Hour)), !roll.oneIn(3)
	}
	w.Step = roll(3)
	return w
}

func progressHolds(t fataler, roll dice) {
	w := someWait(roll)
	now := w.QueuedAt.Add(roll.seconds(-time.Hour, 50*time.Hour))
	last := len(w.Queue.Steps()) - 1
	for range 12 {
		c := Progress(w, now)
		if c.Step < min(w.Step, last) || c.Step > last || c.Next < 0 {
			t.Fatalf("%+v at %v: %+v", w, now, c)
		}
		if c.Overflow != "" {
			if OpenTime(w.Hours, w.QueuedAt, now) < w.Queue.MaxTime {
				t.Fatalf("%+v at %v: overflow too early", w, now)
			}
			return
		}
		if c.Step > w.Step && OpenTime(w.Hours, w.QueuedAt, now) < w.Queue.Steps()[c.Step].After {
			t.Fatalf("%+v at %v: stage %d too early", w, now, c.Step)
		}
		w.Step = c.Step
		if c.DropTarget {
			w.Target, w.TargetUntil = "", time.Time{}
		}
		again := Progress(w, now)
		if want := (Change{Step: c.Step, Next: again.Next}); again != want || !c.DropTarget && again.Next != c.Next {
			t.Fatalf("%+v at %v: %+v, and then %+v", w, now, c, again)
		}
		if again.Next == 0 {
			if far := Progress(w, now.Add(500*24*time.Hour)); far != again {
				t.Fatalf("%+v at %v: never again, but later %+v", w, now, far)
			}
			return
		}
		if before := Progress(w, now.Add(again.Next-1)); before.Step != c.Step || before.Overflow != "" || before.DropTarget || before.Next != 1 {
			t.Fatalf("%+v at %v: before its time %+v", w, now, before)
		}
		if before := Progress(w, now.Add(-3*time.Hour)); before.Step != c.Step {
			t.Fatalf("%+v at %v: a clock set back takes a stage away: %+v", w, now, before)
		}
		now = now.Add(again.Next)
		if then := Progress(w, now); then.Step == c.Step && then.Overflow == "" && !then.DropTarget {
			t.Fatalf("%+v at %v: nothing changes", w, now)
		}
	}
}

// R11, R32: choices do not depend on the order of their input, take nobody during a pause, nobody who refused while another is left, and follow
// the order that is promised, which is total.
func TestChoicesFollowTheOrderThatIsPromised(t *testing.T) {
	many(t, choicesHold)
}

func FuzzChoose(f *testing.F) {
	for _, seed := range [][]byte{nil, []byte("five agents, of whom two declined, and nine contacts"), {7, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 255}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { choicesHold(t, diceOf(data)) })
}

func someRefusals(roll dice) postroom.Refusals {
	if roll.oneIn(2) {
		return postroom.Refusals{}
	}
	return postroom.Refusals{Declined: roll(9), Missed: 1 + roll(3), Last: noon.Add(-roll.seconds(-time.Minute, 12*time.Minute))}
}

func choicesHold(t fataler, roll dice) {
	by := postroom.RoutingTypes()[roll(3)]
	var candidates []postroom.Candidate
	for i := range roll(9) {
		candidates = append(candidates, postroom.Candidate{Agent: postroom.AgentID(fmt.Sprintf("a%d", i)), Refusals: someRefusals(roll), Score: roll(3),
			FreeSince: noon.Add(-roll.seconds(0, 4*time.Second))})
	}
	d := ChooseAgent(by, candidates, noon)
	if other := ChooseAgent(by, shuffle(roll, candidates), noon); !reflect.DeepEqual(d, other) {
		t.Fatalf("%+v, in another order %+v", d, other)
	}
	for _, c := range candidates {
		fresh := !setAside(c.Refusals, noon)
		switch {
		case d.Agent == c.Agent && !fresh && noon.Before(pauseEnds(c.Refusals)):
			t.Fatalf("%+v: chosen during a pause", candidates)
		case d.Agent == "" && (fresh || !noon.Before(pauseEnds(c.Refusals))):
			t.Fatalf("%+v: nobody is chosen", candidates)
		case d.Agent == "" && (d.LookAgain <= 0 || pauseEnds(c.Refusals).Sub(noon) < d.LookAgain):
			t.Fatalf("%+v: looks again in %v", candidates, d.LookAgain)
		case fresh && d.Reason.OnlyOne:
			t.Fatalf("%+v: somebody who did not refuse was passed over", candidates)
		}
	}

	var waiting []postroom.WaitingContact
	for i := range roll(9) {
		waiting = append(waiting, postroom.WaitingContact{Contact: postroom.ContactID(fmt.Sprintf("c%d", i)), Refusals: someRefusals(roll), Others: roll(2),
			Priority: roll(19), AgeingStep: time.Duration(roll(5)) * 7 * time.Minute, ArrivedAt: noon.Add(-roll.seconds(-time.Hour, 20*time.Hour))})
	}
	e := ChooseContact(waiting, noon)
	if other := ChooseContact(shuffle(roll, waiting), noon); !reflect.DeepEqual(e, other) {
		t.Fatalf("%+v, in another order %+v", e, other)
	}
	chosen := slices.IndexFunc(waiting, func(w postroom.WaitingContact) bool { return w.Contact == e.Contact })
	for i, w := range waiting {
		his := !setAside(w.Refusals, noon) || w.Others == 0 && !noon.Before(pauseEnds(w.Refusals))
		if his == slices.Contains(e.Later, w.Contact) || his && chosen < 0 || i == chosen && !his {
			t.Fatalf("%+v: chosen %s, later %v", waiting, e.Contact, e.Later)
		}
		if his && i != chosen && exact(w).Cmp(exact(waiting[chosen])) > 0 {
			t.Fatalf("%+v: %s is more urgent than %s", waiting, w.Contact, e.Contact)
		}
		for _, v := range waiting {
			if compareEffective(v, w, noon) != exact(v).Cmp(exact(w)) || compareWaiting(v, w, noon) != -compareWaiting(w, v, noon) {
				t.Fatalf("%+v and %+v are compared wrongly", v, w)
			}
		}
	}
}

// exact is an effective priority as a fraction.
func exact(w postroom.WaitingContact) *big.Rat {
	step := w.AgeingStep
	if step == 0 {
		step = time.Hour
	}
	return new(big.Rat).Add(big.NewRat(int64(w.Priority), 1), big.NewRat(int64(noon.Sub(w.ArrivedAt)), int64(step)))
}
