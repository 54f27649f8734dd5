package postroom_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// R25: the clock on the wall skips an hour or shows one twice; wherever that is, and by however much.
func TestWallTimeIsTheFirstMomentThatItsClockShowsIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, local, want, why string }{
		{"Asia/Seoul", "2026-12-01T09:00", "2026-12-01T00:00:00Z", "no daylight saving time"},
		{"Europe/Berlin", "2027-01-15T09:00", "2027-01-15T08:00:00Z", "winter"},
		{"Europe/Berlin", "2027-07-15T09:00", "2027-07-15T07:00:00Z", "summer"},
		{"Europe/Berlin", "2027-03-28T01:59", "2027-03-28T00:59:00Z", "the minute before the gap"},
		{"Europe/Berlin", "2027-03-28T02:00", "2027-03-28T01:00:00Z", "the gap's begin: 03:00"},
		{"Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30:00Z", "in the gap: 03:30"},
		{"Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00:00Z", "the minute after the gap"},
		{"Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z", "twice: the first"},
		{"Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z", "once again"},
		{"America/New_York", "2027-03-14T02:30", "2027-03-14T07:30:00Z", "in the gap: 03:30"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", "twice: the first"},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z", "half an hour's gap: 02:45"},
		{"Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45:00Z", "half an hour twice"},
		{"Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00:00Z", "a day that was skipped: a day later"},
		{"UTC", "2026-12-01T09:00", "2026-12-01T09:00:00Z", "no transitions at all"},
	} {
		w := postroom.WallTime{Local: c.local, Zone: c.zone}
		zone, err := w.Load()
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.In(zone)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s %s (%s): %s, %v, want %s", c.local, c.zone, c.why, got.Format(time.RFC3339), err, c.want)
		}
	}
}

// R25: whatever the time, the zone's clock shows it, or, where it is skipped, what it shows is later by the gap.
func TestWallTimeIsShownByItsZonesClock(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Chatham", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for wall := time.Date(2026, 1, 1, 0, 7, 0, 0, time.UTC); wall.Year() < 2028; wall = wall.Add(41 * time.Minute) {
			moment, err := (postroom.WallTime{Local: wall.Format(postroom.WallLayout), Zone: name}).In(zone)
			if err != nil {
				t.Fatal(err)
			}
			shown := moment.In(zone)
			naive := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), 0, 0, time.UTC)
			if late := naive.Sub(wall); late < 0 || late > time.Hour {
				t.Fatalf("%s %s: the clock shows %s", name, wall.Format(postroom.WallLayout), shown)
			} else if late > 0 {
				start, _ := shown.ZoneBounds()
				if moment.Sub(start) >= late {
					t.Fatalf("%s %s: moved by %v, and no gap is there", name, wall.Format(postroom.WallLayout), late)
				}
			}
			// The first: an hour earlier by the same clock's offset before is not shown as the same time.
			for _, back := range []time.Duration{30 * time.Minute, time.Hour} {
				earlier := moment.Add(-back).In(zone)
				if late := naive.Sub(wall); late == 0 && earlier.Format(postroom.WallLayout) == wall.Format(postroom.WallLayout) {
					t.Fatalf("%s %s: it was shown %v before", name, wall.Format(postroom.WallLayout), back)
				}
			}
		}
	}
}

func TestWallTimeThatCannotBeReadIsInvalid(t *testing.T) {
	t.Parallel()
	for _, w := range []postroom.WallTime{{"2026-12-01T09:00", ""}, {"2026-12-01T09:00", "Local"}, {"2026-12-01T09:00", "Mars/Olympus"},
		{"2026-12-01T09:00", "../../etc/passwd"}} {
		if _, err := w.Load(); postroom.ReasonOf(err) != postroom.ReasonUnknownZone {
			t.Errorf("zone %q: %v", w.Zone, err)
		}
	}
	for _, local := range []string{"", "tomorrow", "2026-02-30T09:00", "2026-12-01 09:00", "2026-12-01T09:00:00Z", "2026-12-01T24:00"} {
		if _, err := (postroom.WallTime{Local: local}).In(time.UTC); postroom.ReasonOf(err) != postroom.ReasonMalformed {
			t.Errorf("local time %q: %v", local, err)
		}
	}
}
