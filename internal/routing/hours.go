package routing

import (
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/postroom/postroom"
)

// Business hours are given by the clock on the wall, which now and then skips an hour or shows one twice. One rule covers both: a span
// begins and ends at the first instant at which that clock shows its time or a later one. So an hour that is skipped is not there, a time
// that is shown twice counts when it is shown first, and spans that do not overlap on paper never overlap in time.

// farthest is how far one looks for open time, so that nobody counts through the centuries.
const farthest = 10 * 366 * 24 * time.Hour

// OpenSpan is the span in which the hours are open at a time, or else the next one; spans that touch are one, up to a year. Without hours
// it is zero, always open. If they never open it is empty, at the day up to which was searched: worth another look then.
func OpenSpan(hours *postroom.BusinessHours, now time.Time) (from, until time.Time) {
	if hours == nil {
		return from, until
	}
	c := calendarOf(hours)
	for s := range c.spans(now) {
		switch {
		case until.IsZero():
			from, until = s.from, s.until
		case s.from.Equal(until) && s.until.Sub(now) < 366*24*time.Hour:
			until = s.until
		default:
			return from, until
		}
	}
	if until.IsZero() {
		end := dayOf(now.In(c.zone)).add(c.horizon()).midnight()
		return end, end
	}
	return from, until
}

// OpenTime is how much open time lies between two times: never less than zero, and counted for ten years at most. Without hours all time
// is open.
func OpenTime(hours *postroom.BusinessHours, from, to time.Time) time.Duration {
	if hours == nil {
		return max(0, to.Sub(from))
	}
	var open time.Duration
	for s := range calendarOf(hours).spans(from) {
		if !s.from.Before(to) {
			break
		}
		open += earlier(s.until, to).Sub(later(s.from, from))
	}
	return max(0, open)
}

// After is the first time at which so much open time has passed since another: OpenTime(from, After(from, d)) is d. Zero: never, or not
// within ten years.
func After(hours *postroom.BusinessHours, from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return from
	}
	if hours == nil {
		return from.Add(d)
	}
	for s := range calendarOf(hours).spans(from) {
		begin := later(s.from, from)
		if open := s.until.Sub(begin); open < d {
			d -= open
			continue
		}
		return begin.Add(d)
	}
	return time.Time{}
}

// calendar is business hours made ready to be read day by day.
type calendar struct {
	zone  *time.Location
	hours *postroom.BusinessHours
}

func calendarOf(hours *postroom.BusinessHours) calendar {
	return calendar{zoneOf(hours.TimeZone), hours}
}

// zones are the time zones that were asked for, as the system's table has them: reading one is a file each time.
var zones sync.Map

// zoneOf is a time zone by name. One that is not known, which a valid configuration rules out, counts as UTC.
func zoneOf(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, zone)
	return zone
}

// horizon is for how many days without an open span is searched: hours that open at all do so in a week that has no holiday and no change
// of the clock in the way.
func (c calendar) horizon() int { return 7 * (len(c.hours.Holidays) + 4) }

// span is open time, from its first instant up to its end.
type span struct{ from, until time.Time }

// spans are the open spans that end after a time, in order, for ten years, or until there are no more.
func (c calendar) spans(after time.Time) iter.Seq[span] {
	return func(yield func(span) bool) {
		last := after.Add(farthest)
		day := dayOf(after.In(c.zone)).add(-1) // its last span may end on this day, when midnight is skipped
		for closed := 0; closed < c.horizon(); closed++ {
			for _, s := range c.spansOf(day) {
				if s.from.After(last) || s.until.After(after) && !yield(s) {
					return
				}
				closed = 0
			}
			day = day.add(1)
		}
	}
}

// spansOf are the open spans of a day, in order, without those that the clock skips.
func (c calendar) spansOf(d day) []span {
	if c.holiday(d) {
		return nil
	}
	var spans []span
	for _, o := range c.hours.Open {
		if o.Day != d.weekday() {
			continue
		}
		if s := (span{c.instant(d, o.From), c.instant(d, o.To)}); s.from.Before(s.until) {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	return spans
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (c calendar) holiday(d day) bool {
	date := d.String()
	return slices.ContainsFunc(c.hours.Holidays, func(h postroom.Holiday) bool { return h.Date == date })
}

// instant is the first at which the clock on the wall shows a time of a day, in minutes since midnight, or a later one.
func (c calendar) instant(d day, minutes int) time.Time {
	wall := d.midnight().Add(time.Duration(minutes) * time.Minute)
	at := wall.Add(-24 * time.Hour).In(c.zone) // no zone is a day away from UTC: here the clock shows less
	for {
		_, offset := at.Zone()
		shown := wall.Add(-time.Duration(offset) * time.Second)
		begins, ends := at.ZoneBounds()
		if ends.IsZero() || shown.Before(ends) {
			return later(shown, begins).UTC()
		}
		at = ends
	}
}

// day is a date of the calendar.
type day struct{ days int } // since 1970-01-01

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day{int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)}
}

func (d day) add(days int) day      { return day{d.days + days} }
func (d day) midnight() time.Time   { return time.Unix(int64(d.days)*86400, 0).UTC() }
func (d day) weekday() time.Weekday { return d.midnight().Weekday() }
func (d day) String() string        { return d.midnight().Format(time.DateOnly) }
