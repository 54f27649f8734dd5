package postroom

import (
	"fmt"
	"slices"
)

// Transition is one row of a state machine: in state From, Event leads to To. Rule names the requirement or decision.
type Transition[S, E ~string] struct {
	From  S
	Event E
	To    S
	Rule  string
}

// Machine is a state machine as a table. States and events are closed sets: what is not in the table cannot happen.
// Initial are the states in which a row may be created, Final those that it never leaves.
type Machine[S, E ~string] struct {
	Name    string
	Initial []S
	Final   []S
	Table   []Transition[S, E]
}

// Next returns the state that event leads to from state from. A pair that is not in the table is a Conflict with reason
// "no_such_transition".
func (m Machine[S, E]) Next(from S, event E) (S, error) {
	for _, t := range m.Table {
		if t.From == from && t.Event == event {
			return t.To, nil
		}
	}
	return from, Conflict("no_such_transition", fmt.Sprintf("%s: %q does not apply in state %q", m.Name, event, from))
}

// Must is Next for code that names a constant row of the table; it panics on a row that does not exist, which is a mistake of
// the programmer and is found by the first test that reaches it.
func (m Machine[S, E]) Must(from S, event E) S {
	to, err := m.Next(from, event)
	if err != nil {
		panic(err)
	}
	return to
}

// States lists every state of the machine once, initial ones first, in the order of the table.
func (m Machine[S, E]) States() []S {
	states := slices.Clone(m.Initial)
	for _, t := range m.Table {
		for _, s := range []S{t.From, t.To} {
			if !slices.Contains(states, s) {
				states = append(states, s)
			}
		}
	}
	return states
}

// Events lists every event of the machine once, in the order of the table.
func (m Machine[S, E]) Events() []E {
	var events []E
	for _, t := range m.Table {
		if !slices.Contains(events, t.Event) {
			events = append(events, t.Event)
		}
	}
	return events
}
