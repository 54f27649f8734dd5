package routing

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

// daily is open every day between two times of the clock on the wall.
func daily(zone, from, to string) *postroom.BusinessHours {
	h := &postroom.BusinessHours{TimeZone: zone}
	for d := range 7 {
		h.Open = append(h.Open, postroom.OpenTime{Day: time.Weekday(d), From: minutes(from), To: minutes(to)})
	}
	return h
}

func minutes(clock string) int {
	if clock == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return t.Hour()*60 + t.Minute()
}

func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// R32: business hours follow the clock on the wall: an hour that it skips is not there, a time that it shows twice counts the first time.
func TestBusinessHoursFollowTheClockOnTheWall(t *testing.T) {
	for name, c := range map[string]struct {
		hours            *postroom.BusinessHours
		now, from, until string
	}{
		"no change":                           {daily("Asia/Seoul", "09:00", "18:00"), "2026-03-29 03:00", "2026-03-29 00:00", "2026-03-29 09:00"},
		"skipped: the span is in the hour":    {daily("Europe/Berlin", "02:00", "02:45"), "2026-03-29 00:00", "2026-03-30 00:00", "2026-03-30 00:45"},
		"skipped: it ends in the hour":        {daily("Europe/Berlin", "01:30", "02:30"), "2026-03-29 00:00", "2026-03-29 00:30", "2026-03-29 01:00"},
		"skipped: it begins in the hour":      {daily("Europe/Berlin", "02:30", "04:00"), "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 02:00"},
		"skipped: it begins with the hour":    {daily("Europe/Berlin", "02:00", "04:00"), "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 02:00"},
		"skipped: it ends with the hour":      {daily("Europe/Berlin", "00:00", "03:00"), "2026-03-28 23:30", "2026-03-28 23:00", "2026-03-29 01:00"},
		"skipped: all of it inside":           {daily("Europe/Berlin", "01:00", "05:00"), "2026-03-29 00:30", "2026-03-29 00:00", "2026-03-29 03:00"},
		"doubled: the span is in the hour":    {daily("Europe/Berlin", "02:15", "02:45"), "2026-10-24 22:00", "2026-10-25 00:15", "2026-10-25 00:45"},
		"doubled: not a second time":          {daily("Europe/Berlin", "02:15", "02:45"), "2026-10-25 01:20", "2026-10-26 01:15", "2026-10-26 01:45"},
		"doubled: it ends in the hour":        {daily("Europe/Berlin", "01:00", "02:30"), "2026-10-24 22:00", "2026-10-24 23:00", "2026-10-25 00:30"},
		"doubled: it begins in the hour":      {daily("Europe/Berlin", "02:30", "04:00"), "2026-10-24 22:00", "2026-10-25 00:30", "2026-10-25 03:00"},
		"doubled: it begins with the hour":    {daily("Europe/Berlin", "02:00", "03:00"), "2026-10-24 22:00", "2026-10-25 00:00", "2026-10-25 02:00"},
		"doubled: it ends as the hour begins": {daily("Europe/Berlin", "01:00", "02:00"), "2026-10-24 22:00", "2026-10-24 23:00", "2026-10-25 00:00"},
		"doubled: all of it inside":           {daily("Europe/Berlin", "01:00", "05:00"), "2026-10-25 01:30", "2026-10-24 23:00", "2026-10-25 04:00"},
		"midnight is skipped: the day begins": {daily("America/Havana", "00:00", "02:00"), "2026-03-08 04:00", "2026-03-08 05:00", "2026-03-08 06:00"},
		"midnight is skipped: the day before": {daily("America/Havana", "22:00", "24:00"), "2026-03-08 03:30", "2026-03-08 03:00", "2026-03-08 05:00"},
		"midnight is doubled":                 {daily("America/Havana", "00:00", "01:00"), "2026-11-01 03:00", "2026-11-01 04:00", "2026-11-01 06:00"},
		"the evening is doubled":              {daily("America/Sao_Paulo", "22:00", "24:00"), "2018-02-18 00:30", "2018-02-18 00:00", "2018-02-18 03:00"},
		"half an hour is skipped":             {daily("Australia/Lord_Howe", "02:00", "03:00"), "2026-10-03 15:00", "2026-10-03 15:30", "2026-10-03 16:00"},
		"a day is skipped":                    {daily("Pacific/Apia", "09:00", "17:00"), "2011-12-30 10:00", "2011-12-30 19:00", "2011-12-31 03:00"},
	} {
		from, until := OpenSpan(c.hours, utc(c.now))
		if !from.Equal(utc(c.from)) || !until.Equal(utc(c.until)) {
			t.Errorf("%s: open from %v until %v, want %s, %s", name, from.UTC(), until.UTC(), c.from, c.until)
		}
	}
}

// R32: midnight is no end of a span: nobody is kept waiting around the clock because a day is over.
func TestSpansThatTouchAreOne(t *testing.T) {
	now := utc("2026-03-29 12:00")
	from, until := OpenSpan(daily("Europe/Berlin", "00:00", "24:00"), now)
	if from.After(utc("2026-03-28 23:00")) || until.Sub(now) < 360*24*time.Hour || until.Sub(now) > 370*24*time.Hour {
		t.Errorf("around the clock: %v to %v", from, until)
	}
}

// R32: open time on the days of a change is what passes, not what the clock shows.
func TestOpenTimeOnTheDayOfAChangeIsWhatPasses(t *testing.T) {
	for name, c := range map[string]struct {
		hours    *postroom.BusinessHours
		from, to string
		want     time.Duration
	}{
		"23 hours":         {daily("Europe/Berlin", "00:00", "24:00"), "2026-03-28 23:00", "2026-03-29 22:00", 23 * time.Hour},
		"25 hours":         {daily("Europe/Berlin", "00:00", "24:00"), "2026-10-24 22:00", "2026-10-25 23:00", 25 * time.Hour},
		"an hour less":     {daily("America/New_York", "01:00", "09:00"), "2026-03-08 00:00", "2026-03-09 00:00", 7 * time.Hour},
		"an hour more":     {daily("America/New_York", "01:00", "09:00"), "2026-11-01 00:00", "2026-11-02 00:00", 9 * time.Hour},
		"set back":         {daily("Europe/Berlin", "00:00", "24:00"), "2026-03-29 12:00", "2026-03-29 11:00", 0},
		"closed":           {daily("Asia/Seoul", "09:00", "18:00"), "2026-03-29 09:00", "2026-03-30 00:00", 0},
		"always":           {nil, "2026-03-28 00:00", "2026-03-30 00:00", 48 * time.Hour},
		"always, set back": {nil, "2026-03-30 00:00", "2026-03-28 00:00", 0},
	} {
		if got := OpenTime(c.hours, utc(c.from), utc(c.to)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// R32: a queue is closed on holidays, for a whole year of them too, and a horizon bounds how far one looks.
func TestHolidaysCloseAQueueHoweverManyThereAre(t *testing.T) {
	h := daily("Asia/Seoul", "09:00", "18:00")
	for d := range 400 {
		h.Holidays = append(h.Holidays, postroom.Holiday{Date: time.Date(2026, 1, 1+d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)})
	}
	now, opens := utc("2026-01-01 00:00"), utc("2027-02-05 00:00")
	if from, until := OpenSpan(h, now); !from.Equal(opens) || !until.Equal(opens.Add(9*time.Hour)) {
		t.Errorf("open from %v until %v, want from %v", from, until, opens)
	}
	if got := After(h, now, time.Hour); !got.Equal(opens.Add(time.Hour)) {
		t.Errorf("an hour of open time has passed at %v", got)
	}
	if got := OpenTime(h, now, opens.Add(time.Hour)); got != time.Hour {
		t.Errorf("open for %v", got)
	}
	mondays := &postroom.BusinessHours{TimeZone: "Asia/Seoul", Open: []postroom.OpenTime{{Day: time.Monday, From: 540, To: 600}}}
	for d := range 30 {
		mondays.Holidays = append(mondays.Holidays, postroom.Holiday{Date: time.Date(2026, 1, 5+7*d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)})
	}
	if from, _ := OpenSpan(mondays, now); !from.Equal(utc("2026-08-03 00:00")) {
		t.Errorf("the first Monday that is no holiday: %v", from)
	}
	never := &postroom.BusinessHours{TimeZone: "Asia/Seoul"}
	if from, until := OpenSpan(never, now); !from.Equal(until) || !from.After(now) {
		t.Errorf("hours that never open: %v to %v", from, until)
	}
	if got := After(never, now, time.Second); !got.IsZero() {
		t.Errorf("hours that never open: after %v", got)
	}
	if from, until := OpenSpan(nil, now); !from.IsZero() || !until.IsZero() {
		t.Error("without hours a queue is always open")
	}
}

// What must hold of any hours at any time. The same is fuzzed.
func TestBusinessHoursAgreeWithThemselvesAndWithAClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calendarHolds(t, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "roll") })
	})
}

func FuzzBusinessHours(f *testing.F) {
	for _, seed := range [][]byte{nil, {1, 2, 3, 4, 5, 6, 7, 8}, []byte("a span that touches the change of the clock"), {255, 254, 253, 0, 0, 9}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { calendarHolds(t, diceOf(data)) })
}

type fataler interface{ Fatalf(string, ...any) }

func calendarHolds(t fataler, roll dice) {
	start := starts[roll(len(starts))]
	h := someHours(roll, start)
	wall := watchWall(h, start)
	a := start.Add(time.Duration(roll(20*24*3600)) * time.Second)
	b := a.Add(time.Duration(roll(10*24*3600)) * time.Second)
	c := b.Add(time.Duration(roll(10*24*3600)) * time.Second)

	ab, bc, ac := OpenTime(h, a, b), OpenTime(h, b, c), OpenTime(h, a, c)
	if ab < 0 || ab > b.Sub(a) || ab+bc != ac || OpenTime(h, b, a) != 0 {
		t.Fatalf("%+v: %v + %v is not %v between %v, %v and %v", h, ab, bc, ac, a, b, c)
	}
	if want := wall.open(a, b); ab != want {
		t.Fatalf("%+v: open for %v between %v and %v; by a clock on the wall %v", h, ab, a, b, want)
	}
	d := time.Duration(1+roll(40*3600)) * time.Second
	if at := After(h, a, d); !at.IsZero() {
		if OpenTime(h, a, at) != d || OpenTime(h, a, at.Add(-1)) >= d {
			t.Fatalf("%+v: %v after %v is not %v", h, d, a, at)
		}
	} else if OpenTime(h, a, a.Add(3*366*24*time.Hour)) >= d {
		t.Fatalf("%+v: %v after %v is never", h, d, a)
	}
	from, until := OpenSpan(h, a)
	if from.Equal(until) {
		if OpenTime(h, a, until) != 0 {
			t.Fatalf("%+v: never open after %v", h, a)
		}
		return
	}
	if !until.After(a) || !from.Before(until) || OpenTime(h, from, until) != until.Sub(from) || OpenTime(h, a, from) != 0 {
		t.Fatalf("%+v: at %v the span is %v to %v", h, a, from, until)
	}
	if until.Sub(a) < 300*24*time.Hour && OpenTime(h, until, until.Add(time.Second)) != 0 {
		t.Fatalf("%+v: the span at %v goes on after %v", h, a, until)
	}
}
