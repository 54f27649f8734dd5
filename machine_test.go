package postroom_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/postroom/postroom"
)

func TestTheContactMachineIsSound(t *testing.T) {
	t.Parallel()
	sound(t, postroom.ContactMachine, []postroom.ContactPhase{postroom.ContactNew, postroom.ContactWaiting, postroom.ContactOffered,
		postroom.ContactOwned, postroom.ContactParked, postroom.ContactWrapUp, postroom.ContactDone})
}

func TestTheSegmentMachineIsSound(t *testing.T) {
	t.Parallel()
	sound(t, postroom.SegmentMachine, []postroom.SegmentState{postroom.SegmentOpen, postroom.SegmentWrapUp, postroom.SegmentEnded})
}

func TestTheOfferMachineIsSound(t *testing.T) {
	t.Parallel()
	sound(t, postroom.OfferMachine, []postroom.OfferState{postroom.OfferLive, postroom.OfferAccepted, postroom.OfferWrapUp,
		postroom.OfferFinished, postroom.OfferDeclined, postroom.OfferExpired, postroom.OfferUnreachable, postroom.OfferWithdrawn,
		postroom.OfferReleased})
}

func TestTheAgentMachineIsSound(t *testing.T) {
	t.Parallel()
	sound(t, postroom.AgentMachine, []postroom.AgentState{postroom.AgentLoggedOut, postroom.AgentIdle, postroom.AgentAvailable,
		postroom.AgentRONA})
}

// sound checks what holds for every machine: its table is a function, speaks of the closed set of states only, and leads from the
// initial states through all others to the final ones.
func TestTheReminderMachineIsSound(t *testing.T) {
	t.Parallel()
	sound(t, postroom.ReminderMachine, []postroom.ReminderState{postroom.ReminderSet, postroom.ReminderFired, postroom.ReminderDone,
		postroom.ReminderCancelled})
}

func sound[S, E ~string](t *testing.T, m postroom.Machine[S, E], states []S) {
	t.Helper()
	if got := m.States(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(states))) {
		t.Errorf("states %q, want %q", got, states)
	}
	everyPairIsARowOrRefused(t, m)
	for _, row := range m.Table {
		if slices.Contains(m.Final, row.From) {
			t.Errorf("%q is final and %q leads out of it", row.From, row.Event)
		}
		if !ruleNames.MatchString(row.Rule) {
			t.Errorf("%q by %q has no rule: %q", row.From, row.Event, row.Rule)
		}
	}
	for _, s := range states {
		if !slices.Contains(reach(m, m.Initial...), s) {
			t.Errorf("nothing leads to %q", s)
		}
		ends := slices.ContainsFunc(reach(m, s), func(s S) bool { return slices.Contains(m.Final, s) })
		if len(m.Final) > 0 && !ends {
			t.Errorf("nothing leads from %q to an end", s)
		}
	}
}

// ruleNames is a list of requirements R1–R50 and invariants I1–I10.
var ruleNames = regexp.MustCompile(`^(R([1-9]|[1-4]\d|50)|I([1-9]|10))(, (R([1-9]|[1-4]\d|50)|I([1-9]|10)))*$`)

func everyPairIsARowOrRefused[S, E ~string](t *testing.T, m postroom.Machine[S, E]) {
	t.Helper()
	states, events := append(m.States(), "no such state"), append(m.Events(), "no such event")
	for _, from := range states {
		for _, event := range events {
			rows := slices.DeleteFunc(slices.Clone(m.Table), func(r postroom.Transition[S, E]) bool { return r.From != from || r.Event != event })
			to, err := m.Next(from, event)
			switch {
			case len(rows) > 1:
				t.Errorf("%q by %q has %d rows", from, event, len(rows))
			case len(rows) == 1 && (err != nil || to != rows[0].To):
				t.Errorf("%q by %q gives %q, %v; want %q", from, event, to, err, rows[0].To)
			case len(rows) == 0 && (postroom.KindOf(err) != postroom.KindConflict || postroom.ReasonOf(err) != "no_such_transition" || to != from):
				t.Errorf("%q by %q is not in the table and gives %q, %v", from, event, to, err)
			}
		}
	}
}

// reach lists the states that can be reached from some, themselves included.
func reach[S, E ~string](m postroom.Machine[S, E], from ...S) []S {
	seen := slices.Clone(from)
	for i := 0; i < len(seen); i++ {
		for _, row := range m.Table {
			if row.From == seen[i] && !slices.Contains(seen, row.To) {
				seen = append(seen, row.To)
			}
		}
	}
	return seen
}

func TestAMachineThatIsAskedForARowItDoesNotHavePanics(t *testing.T) {
	t.Parallel()
	if to := postroom.ContactMachine.Must(postroom.ContactNew, postroom.ContactRouted); to != postroom.ContactWaiting {
		t.Errorf("routed: %q", to)
	}
	defer func() {
		if recover() == nil {
			t.Error("a done contact was routed")
		}
	}()
	postroom.ContactMachine.Must(postroom.ContactDone, postroom.ContactRouted)
}

// R10, I9: only what a person does leads out of RONA, and signing out does not get rid of it.
func TestOnlyAPersonEndsRONA(t *testing.T) {
	t.Parallel()
	byHand := []postroom.AgentEvent{postroom.AgentChoosesReady, postroom.AgentChoosesIdle, postroom.AgentSignsOut}
	for _, row := range postroom.AgentMachine.Table {
		if row.From == postroom.AgentRONA && row.To != postroom.AgentRONA && !slices.Contains(byHand, row.Event) {
			t.Errorf("%q ends RONA", row.Event)
		}
	}
	if to := postroom.AgentMachine.Must(postroom.AgentLoggedOut, postroom.AgentSignsInOwing); to != postroom.AgentRONA {
		t.Errorf("who signed out owing a RONA signs in as %q", to)
	}
}

// I3: of all states only Available takes work, so everything that is not a person's choice leads away from it — except the
// return from a lost connection (R12).
func TestOnlyAPersonOrHisReturnMakesAvailable(t *testing.T) {
	t.Parallel()
	for _, row := range postroom.AgentMachine.Table {
		if row.To == postroom.AgentAvailable && row.From != row.To && row.Event != postroom.AgentChoosesReady && row.Event != postroom.AgentReconnects {
			t.Errorf("%q makes an agent Available", row.Event)
		}
	}
}

func TestAnOfferHoldsASlotUntilItHasEnded(t *testing.T) {
	t.Parallel()
	for _, s := range postroom.OfferMachine.States() {
		if s.Holds() == slices.Contains(postroom.OfferMachine.Final, s) {
			t.Errorf("%q: holds %v", s, s.Holds())
		}
	}
}
