package postroom

// SegmentID names one stay of a contact in a queue or with an agent (UUIDv7).
type SegmentID string

// SegmentKind says where a contact stays during a segment.
type SegmentKind string

// The kinds of segment.
const (
	SegmentQueue SegmentKind = "queue"
	SegmentAgent SegmentKind = "agent"
)

// SegmentState is how far a segment has come. Reports count per contact, per segment and per offer, and keep them apart.
type SegmentState string

// The states of a segment.
const (
	SegmentOpen   SegmentState = "open"   // the contact is there now
	SegmentWrapUp SegmentState = "wrapup" // agent segments only: answered or closed, wrap-up not recorded yet
	SegmentEnded  SegmentState = "ended"
)

// SegmentEvent is what moves a segment on.
type SegmentEvent string

// The events of a segment.
const (
	SegmentHandled SegmentEvent = "handled" // the agent replied or closed; wrap-up begins
	SegmentWrapped SegmentEvent = "wrapped" // wrap-up recorded; it belongs to the segment, not to the contact
	SegmentLeft    SegmentEvent = "left"    // the contact left the queue, or was taken from the agent
	SegmentResumed SegmentEvent = "resumed" // from wrap-up back to work (R22)
)

// SegmentMachine says how a segment's state changes.
var SegmentMachine = Machine[SegmentState, SegmentEvent]{
	Name:    "segment",
	Initial: []SegmentState{SegmentOpen},
	Final:   []SegmentState{SegmentEnded},
	Table: []Transition[SegmentState, SegmentEvent]{
		{SegmentOpen, SegmentHandled, SegmentWrapUp, "R24"},
		{SegmentOpen, SegmentLeft, SegmentEnded, "R8, R33"},
		{SegmentWrapUp, SegmentWrapped, SegmentEnded, "R24, I10"},
		{SegmentWrapUp, SegmentResumed, SegmentOpen, "R22"},
		{SegmentWrapUp, SegmentLeft, SegmentEnded, "R33"},
	},
}
