package routing

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/postroom/postroom"
)

// dice makes choices: a number below n. Random numbers, a fuzzer's bytes and rapid's draws all do.
type dice func(n int) int

// diceOf reads choices from bytes, and chooses 0 when they are used up.
func diceOf(data []byte) dice {
	return func(n int) int {
		v := 0
		for range 3 {
			if len(data) == 0 {
				break
			}
			v, data = v<<8|int(data[0]), data[1:]
		}
		return v % max(n, 1)
	}
}

func (roll dice) oneIn(n int) bool { return roll(n) == 0 }

func (roll dice) seconds(least, most time.Duration) time.Duration {
	return least + time.Duration(roll(int((most-least)/time.Second)+1))*time.Second
}

// starts are days before a change of some clock.
var starts = []time.Time{
	time.Date(2026, 3, 27, 6, 0, 0, 0, time.UTC),   // Berlin skips an hour on the 29th
	time.Date(2026, 10, 23, 6, 0, 0, 0, time.UTC),  // … and has one twice on the 25th
	time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC),    // New York; in Havana midnight is skipped on the 8th
	time.Date(2026, 10, 30, 6, 0, 0, 0, time.UTC),  // … and is there twice on 1 November
	time.Date(2026, 4, 2, 6, 0, 0, 0, time.UTC),    // Lord Howe has half an hour twice on the 5th
	time.Date(2018, 2, 15, 6, 0, 0, 0, time.UTC),   // in São Paulo the last hour of the 17th is there twice
	time.Date(2011, 12, 27, 6, 0, 0, 0, time.UTC),  // in Apia the 30th is skipped
	time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC),    // nothing
	time.Date(2026, 12, 30, 18, 0, 0, 0, time.UTC), // the year ends
}

var zoneNames = []string{"Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Seoul", "UTC"}

// someHours are business hours: up to four spans a day, holidays, or a long time closed.
func someHours(roll dice, start time.Time) *postroom.BusinessHours {
	h := &postroom.BusinessHours{TimeZone: zoneNames[roll(len(zoneNames))]}
	daysOpen := roll(8)
	for d := range 7 {
		if d >= daysOpen {
			continue
		}
		for at, n := 0, roll(5); n > 0 && at < 24*60; n-- {
			from := at + roll(8)*30
			to := from + 15 + roll(20)*15
			if roll.oneIn(6) {
				to = 24 * 60
			}
			if from >= 24*60 {
				break
			}
			to = min(to, 24*60)
			h.Open = append(h.Open, postroom.OpenTime{Day: time.Weekday((d*3 + 1) % 7), From: from, To: to})
			at = to
		}
	}
	if roll.oneIn(3) {
		for range roll(6) {
			h.Holidays = append(h.Holidays, postroom.Holiday{Date: start.AddDate(0, 0, roll(30)).Format(time.DateOnly)})
		}
	}
	if roll.oneIn(12) {
		for d := range 60 {
			h.Holidays = append(h.Holidays, postroom.Holiday{Date: start.AddDate(0, 0, d-5).Format(time.DateOnly)})
		}
	}
	return h
}

// wall is a clock on the wall that somebody watched minute by minute: the same hours in another way. shown[m] is the minute of the
// calendar that the clock shows in minute m, or the latest that it has shown before: a clock that is set back shows nothing new.
type wall struct {
	start time.Time
	sum   []int32 // open minutes before minute m
}

const wallDays = 70

var walls sync.Map

func wallOf(h *postroom.BusinessHours, start time.Time) *wall {
	key := fmt.Sprintf("%v %v", start.Unix(), *h)
	if w, ok := walls.Load(key); ok {
		return w.(*wall)
	}
	w := watchWall(h, start)
	walls.Store(key, w)
	return w
}

func watchWall(h *postroom.BusinessHours, start time.Time) *wall {
	zone, err := time.LoadLocation(h.TimeZone)
	if err != nil {
		panic(err)
	}
	holidays := map[int]bool{} // by days since 1970
	for _, d := range h.Holidays {
		date, err := time.Parse(time.DateOnly, d.Date)
		if err != nil {
			panic(err)
		}
		holidays[int(date.Unix()/86400)] = true
	}
	w := &wall{start: start.Add(-10 * 24 * time.Hour), sum: make([]int32, 1, wallDays*1440+1)}
	latest, open := 0, false
	for m := range wallDays * 1440 {
		at := w.start.Add(time.Duration(m) * time.Minute)
		_, offset := at.In(zone).Zone()
		if shown := int(at.Unix()+int64(offset)) / 60; shown > latest {
			latest, open = shown, false
			date, minute := shown/1440, shown%1440
			for _, o := range h.Open {
				if int(o.Day) == (date+4)%7 && !holidays[date] && o.From <= minute && minute < o.To { // 1970 began on a Thursday
					open = true
				}
			}
		}
		next := w.sum[m]
		if open {
			next++
		}
		w.sum = append(w.sum, next)
	}
	return w
}

// at is how much open time there was before an instant.
func (w *wall) at(t time.Time) time.Duration {
	if w == nil {
		return time.Duration(t.UnixNano())
	}
	m := int(t.Sub(w.start) / time.Minute)
	open := time.Duration(w.sum[m]) * time.Minute
	if w.sum[m+1] > w.sum[m] {
		open += t.Sub(w.start) % time.Minute
	}
	return open
}

func (w *wall) open(from, to time.Time) time.Duration { return max(0, w.at(to)-w.at(from)) }

func (w *wall) isOpen(t time.Time) bool {
	if w == nil {
		return true
	}
	m := int(t.Sub(w.start) / time.Minute)
	return w.sum[m+1] > w.sum[m]
}

// after is the first instant at which so much open time has passed; known is false if nobody watched for so long.
func (w *wall) after(from time.Time, d time.Duration) (at time.Time, known bool) {
	if w == nil {
		return from.Add(d), true
	}
	want := w.at(from) + d
	low, high := int(from.Sub(w.start)/time.Minute), len(w.sum)-1
	if time.Duration(w.sum[high])*time.Minute < want {
		return time.Time{}, false
	}
	for low < high-1 { // sum[high] is enough, sum[low] is not
		middle := (low + high) / 2
		if time.Duration(w.sum[middle])*time.Minute >= want {
			high = middle
		} else {
			low = middle
		}
	}
	return w.start.Add(time.Duration(high-1)*time.Minute + want - time.Duration(w.sum[high-1])*time.Minute), true
}

// hoursFrom draws from a few business hours for each start, as watching a clock for weeks takes time.
func hoursFrom(roll dice, start time.Time) *postroom.BusinessHours {
	r := rand.New(rand.NewPCG(uint64(start.Unix()), uint64(roll(10))))
	for {
		if h := someHours(r.IntN, start); len(h.Open) > 0 {
			return h
		}
	}
}
