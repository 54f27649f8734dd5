package postroom

import (
	"fmt"
	"time"
)

// ReminderID names one reminder (UUID). Its workflow is "reminder/<ReminderID>".
type ReminderID string

// ReminderState is how far a reminder has come (R25).
type ReminderState string

// The states of a reminder.
const (
	ReminderSet       ReminderState = "set"       // its time has not come yet
	ReminderFired     ReminderState = "fired"     // somebody has been told, and it is not done
	ReminderDone      ReminderState = "done"      // what it was for has been seen to
	ReminderCancelled ReminderState = "cancelled" // not needed any more
)

// ReminderEvent is what moves a reminder on.
type ReminderEvent string

// The events of a reminder. Each is told in its contact's story.
const (
	ReminderFires     ReminderEvent = "fired"     // its time has come by PostgreSQL's clock
	ReminderChanges   ReminderEvent = "changed"   // another time or assignee; one that has fired is put off
	ReminderCompletes ReminderEvent = "completed" // by whoever was reminded, or before its time
	ReminderCancels   ReminderEvent = "cancelled" // taken back
)

// ReminderMachine says how a reminder's state changes.
var ReminderMachine = Machine[ReminderState, ReminderEvent]{
	Name:    "reminder",
	Initial: []ReminderState{ReminderSet},
	Final:   []ReminderState{ReminderDone, ReminderCancelled},
	Table: []Transition[ReminderState, ReminderEvent]{
		{ReminderSet, ReminderFires, ReminderFired, "R25"},
		{ReminderSet, ReminderChanges, ReminderSet, "R25"},
		{ReminderSet, ReminderCompletes, ReminderDone, "R25"},
		{ReminderSet, ReminderCancels, ReminderCancelled, "R25"},
		{ReminderFired, ReminderChanges, ReminderSet, "R25"},
		{ReminderFired, ReminderCompletes, ReminderDone, "R25"},
		{ReminderFired, ReminderCancels, ReminderCancelled, "R25"},
	},
}

// The bounds of a reminder (R25).
const (
	MaxReminder      = 500 // characters
	MinReminderAhead = 5 * time.Minute
	MaxReminderAhead = 2 * 365 * 24 * time.Hour
)

// ReminderSnapshot is a reminder's row as its workflow follows it. It travels in payloads, so it holds no text.
type ReminderSnapshot struct {
	Reminder ReminderID    `json:"reminder"`
	Version  int64         `json:"version"`
	State    ReminderState `json:"state"`
	// DueIn is how long a reminder that is set still waits, by PostgreSQL's clock and by the zone's rules as they are now; negative when
	// its time has passed.
	DueIn time.Duration `json:"due_in,omitzero"`
}

// WallTime is a date and a time by the clock on the wall of a time zone, as a person gives it: what it means in the end depends on the
// zone's rules at the time, which parliaments change at short notice.
type WallTime struct {
	Local string // WallLayout
	Zone  string // IANA, "Asia/Seoul"
}

// WallLayout is how the local part of a WallTime is written: minutes are enough.
const WallLayout = "2006-01-02T15:04"

// Load reads the zone's rules from the zone database of the running program. A zone that it does not know is Invalid with reason
// unknown_time_zone.
func (w WallTime) Load() (*time.Location, error) {
	if w.Zone == "" || w.Zone == "Local" {
		return nil, unknownZone()
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return nil, unknownZone()
	}
	return zone, nil
}

func unknownZone() error {
	return Invalid(ReasonUnknownZone, "there is no such time zone: give an IANA name, such as Asia/Seoul")
}

// In is the moment that a wall time means by the rules of a zone. A time that is skipped when clocks go forward is moved forward by as much
// as they are; one that exists twice, when they go back, means the first. A time that cannot be read is Invalid.
func (w WallTime) In(zone *time.Location) (time.Time, error) {
	wall, err := time.Parse(WallLayout, w.Local)
	if err != nil {
		return time.Time{}, Invalid(ReasonMalformed, fmt.Sprintf("a local time is written as %s", WallLayout))
	}
	// Walk through the spans in which the zone keeps one offset, from before the earliest moment that the time could mean.
	for at := wall.Add(-farthestOffset); ; {
		in := at.In(zone)
		_, offset := in.Zone()
		moment := wall.Add(-time.Duration(offset) * time.Second)
		_, until := in.ZoneBounds()
		if until.IsZero() || moment.Before(until) {
			return moment.UTC(), nil // the first span that reaches it, or the last there is
		}
		_, next := until.Zone()
		if wall.Add(-time.Duration(next) * time.Second).Before(until) {
			return moment.UTC(), nil // skipped: by the old offset it is later by as much as clocks went forward
		}
		at = until
	}
}

// farthestOffset is farther from UTC than any zone is.
const farthestOffset = 26 * time.Hour
