package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

var businessHours = object[postroom.BusinessHours]{
	one: "a set of business hours",
	fields: []field[postroom.BusinessHours]{
		{"key", required, "Names the hours.", func(h *postroom.BusinessHours) value { return key(hours, &h.ID) }},
		{"name", required, "What people see.", func(h *postroom.BusinessHours) value { return name(&h.Name) }},
		{"time_zone", required, "Where the clock hangs that they go by.", func(h *postroom.BusinessHours) value { return timeZone(&h.TimeZone) }},
		{"week", required, "When it is open; a day that is not named is closed.", func(h *postroom.BusinessHours) value { return week(&h.Open) }},
		{"holidays", optional, "Days on which it is closed all day.", func(h *postroom.BusinessHours) value { return nestedAll(holidays, &h.Holidays) }},
	},
	check: func(r *reader, at spots, h postroom.BusinessHours) {
		first := map[string]int{}
		for i, d := range h.Holidays {
			here := r.entries[at.of("holidays")][i].of("date")
			if line, again := first[d.Date]; again {
				r.wrong(here, "this day is given twice, first in line %d", line)
			}
			first[d.Date] = here.line
		}
	},
}

var holidays = object[postroom.Holiday]{
	one: "a holiday",
	fields: []field[postroom.Holiday]{
		{"date", required, "The day.", func(h *postroom.Holiday) value { return shaped(&h.Date, "a date, as in 2026-03-01", isDate) }},
		{"name", required, "What people see.", func(h *postroom.Holiday) value { return name(&h.Name) }},
	},
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// timeZone is the name of a time zone of IANA's database, as this program knows it.
func timeZone(to *string) value {
	return shaped(to, `the name of a time zone, as in Asia/Seoul, Europe/Berlin or UTC`, isTimeZone)
}

func isTimeZone(s string) bool {
	if s == "Local" { // which is wherever the process runs
		return false
	}
	_, err := time.LoadLocation(s)
	return err == nil
}

// week is when it is open: days with spans.
func week(to *[]postroom.OpenTime) value { return weekValue{to} }

type weekValue struct{ to *[]postroom.OpenTime }

// days are the days of a week as people write them, in their order.
var days = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// dayNumber is the place of a weekday in days.
func dayNumber(d time.Weekday) int { return (int(d) + 6) % 7 }

func (v weekValue) describe() string {
	return "days with spans: mon, mon-fri … with 09:00-18:00 or [09:00-12:00, 13:00-18:00], at most until 24:00"
}

func (v weekValue) read(r *reader, at place, n ast.Node) {
	pairs, given := pairsOf(n)
	if !given {
		r.wrong(at, "expected days with spans, as in mon-fri: 09:00-18:00; found %s", called(n))
		return
	}
	if len(pairs) == 0 {
		r.wrong(at, "no day is named: it would never be open")
	}
	first := map[string]int{}
	for _, p := range pairs {
		here := place{p.line, at.name}
		on := daysOf(p.key)
		if on == nil {
			r.wrong(here, "not a day or days: expected %s, or two of them with - between", strings.Join(days, ", "))
			continue
		}
		here.name += ": " + p.key
		if line, again := first[p.key]; again {
			r.wrong(here, "given twice, first in line %d", line)
			continue
		}
		first[p.key] = p.line
		for _, s := range r.spans(here, p.value) {
			v.add(r, here, on, s)
		}
	}
	*v.to = ordered(*v.to)
}

// ordered sorts the spans of a week from Monday on.
func ordered(open []postroom.OpenTime) []postroom.OpenTime {
	return slices.SortedFunc(slices.Values(open), func(a, b postroom.OpenTime) int {
		return cmp.Or(cmp.Compare(dayNumber(a.Day), dayNumber(b.Day)), cmp.Compare(a.From, b.From))
	})
}

// add opens days for a span, which may not overlap another.
func (v weekValue) add(r *reader, at place, on []time.Weekday, s postroom.OpenTime) {
	for _, d := range on {
		for _, other := range *v.to {
			if other.Day == d && s.From < other.To && other.From < s.To {
				r.wrong(at, "%s overlaps %s on %s", spanText(s), spanText(other), days[dayNumber(d)])
				return
			}
		}
		*v.to = append(*v.to, postroom.OpenTime{Day: d, From: s.From, To: s.To})
	}
}

// daysOf reads "mon" or "mon-fri", which may go over the weekend; nil if it is neither.
func daysOf(s string) []time.Weekday {
	from, to, both := strings.Cut(s, "-")
	first, last := slices.Index(days, from), slices.Index(days, to)
	if !both {
		last = first
	}
	if first < 0 || last < 0 || both && first == last {
		return nil
	}
	var on []time.Weekday
	for i := range (last-first+7)%7 + 1 {
		on = append(on, time.Weekday((first+i+1)%7))
	}
	return on
}

// spans reads one span, or a list of them.
func (r *reader) spans(at place, n ast.Node) []postroom.OpenTime {
	entries := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		entries = list.Values
	}
	if len(entries) == 0 {
		r.wrong(at, "no span is given: a day that is closed is left out")
	}
	var all []postroom.OpenTime
	for _, e := range entries {
		here := place{lineOf(e, at.line), at.name}
		text, ok := e.(*ast.StringNode)
		if !ok {
			r.wrong(here, "expected a span, as in 09:00-18:00; found %s", called(e))
			continue
		}
		s, ok := spanOf(text.Value)
		switch {
		case !ok:
			r.wrong(here, "malformed: expected a span, as in 09:00-18:00, between 00:00 and 24:00")
		case s.From >= s.To:
			r.wrong(here, "the span ends before it begins: one over midnight is written as two, until 24:00 and from 00:00 of the next day")
		default:
			all = append(all, s)
		}
	}
	return all
}

var span = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)

func spanOf(text string) (s postroom.OpenTime, ok bool) {
	m := span.FindStringSubmatch(text)
	if m == nil {
		return s, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	s = postroom.OpenTime{From: n[0]*60 + n[1], To: n[2]*60 + n[3]}
	return s, n[1] < 60 && n[3] < 60 && s.From <= minutesOfADay && s.To <= minutesOfADay
}

const minutesOfADay = 24 * 60

func spanText(s postroom.OpenTime) string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}

func (v weekValue) write(column int) string {
	indent := "\n" + strings.Repeat(" ", column+2)
	spans := make([]string, len(days))
	for _, s := range ordered(*v.to) {
		d := dayNumber(s.Day)
		if spans[d] != "" {
			spans[d] += ", "
		}
		spans[d] += spanText(s)
	}
	var b strings.Builder
	for d := 0; d < len(days); d++ {
		last := d
		for last+1 < len(days) && spans[last+1] == spans[d] {
			last++
		}
		if text := spans[d]; text != "" {
			b.WriteString(indent + days[d])
			if last > d {
				b.WriteString("-" + days[last])
			}
			if strings.Contains(text, ",") {
				text = "[" + text + "]"
			}
			b.WriteString(": " + text)
		}
		d = last
	}
	return b.String()
}
