package email

import (
	"strconv"
	"strings"
	"time"
)

// parseDate reads the value of a Date field (RFC 5322 section 3.3) and what programs write in its place: the parts in other orders,
// without a zone, with names of zones, comments anywhere, two-digit years, numbers for months, and ISO 8601. A date without a zone, or
// with one that nobody knows, is taken as UTC. What stands behind the last semicolon counts, as in a Received field.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s[strings.LastIndexByte(s, ';')+1:])
	if date, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "T", 1)); err == nil {
		return date, true
	}
	s, ok := withoutComments(s)
	if !ok {
		return time.Time{}, false
	}
	var r dateReader
	words := 0
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		if words++; words > maxDateWords || !r.word(w) {
			return time.Time{}, false
		}
	}
	return r.date()
}

// maxDateWords bounds what is read of a date.
const maxDateWords = 16

// withoutComments drops comments, nested too. One that does not end makes the rest unreadable, unless what stands before it is a date.
func withoutComments(s string) (string, bool) {
	var out strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
			out.WriteByte(' ')
		case r == ')' && depth > 0:
			depth--
		case depth == 0:
			out.WriteRune(r)
		}
	}
	return out.String(), depth == 0 || strings.Contains(out.String(), ":")
}

// dateReader collects the parts of a date as they come.
type dateReader struct {
	numbers        []int // day and year; day, month and year
	widths         []int // of the numbers, in digits
	month          time.Month
	hour, min, sec int
	clock, zoned   state // whether they were read
	offset         int   // seconds east of UTC
}

// word reads one word; false means that this is no date.
func (r *dateReader) word(w string) bool {
	w = strings.Trim(w, ".")
	switch {
	case w == "":
		return true
	case strings.Contains(w, ":") && isDigit(w[0]):
		return r.time(w)
	case (w[0] == '+' || w[0] == '-') && r.clock == present:
		return r.zone(w)
	case strings.ContainsAny(w[1:], "-/.") && !strings.HasPrefix(strings.ToUpper(w), "GMT") && !strings.HasPrefix(strings.ToUpper(w), "UTC"):
		for part := range strings.FieldsFuncSeq(w, func(r rune) bool { return r == '-' || r == '/' || r == '.' }) {
			if !r.word(part) {
				return false
			}
		}
		return true
	case isDigit(w[0]):
		return r.number(w)
	}
	return r.name(w)
}

func (r *dateReader) number(w string) bool {
	digits := 0
	for digits < len(w) && isDigit(w[digits]) {
		digits++
	}
	if tail := strings.ToLower(w[digits:]); tail != "" && tail != "st" && tail != "nd" && tail != "rd" && tail != "th" {
		return r.clock == present
	}
	if digits > 4 || len(r.numbers) == 3 {
		return r.clock == present // words of no meaning behind a date
	}
	n, _ := strconv.Atoi(w[:digits])
	r.numbers, r.widths = append(r.numbers, n), append(r.widths, digits)
	return true
}

// time reads 15:04, 15:04:05, fractions of a second, and a zone that is glued to it.
func (r *dateReader) time(w string) bool {
	if r.clock == present {
		return true
	}
	end := strings.IndexFunc(w, func(r rune) bool { return r != ':' && r != '.' && (r < '0' || r > '9') })
	tail := ""
	if end >= 0 {
		w, tail = w[:end], w[end:]
	}
	parts := strings.Split(w, ":")
	if len(parts) > 3 {
		return false
	}
	into := [3]*int{&r.hour, &r.min, &r.sec}
	for i, p := range parts {
		p, _, _ = strings.Cut(p, ".")
		n, err := strconv.Atoi(p)
		if err != nil || n > 60 {
			return false
		}
		*into[i] = n
	}
	r.clock = present
	return tail == "" || r.word(tail)
}

// zone reads +0900 and +09:00.
func (r *dateReader) zone(w string) bool {
	if r.zoned == present && r.offset != 0 {
		return true
	}
	digits := strings.ReplaceAll(w[1:], ":", "")
	end := 0
	for end < len(digits) && isDigit(digits[end]) {
		end++
	}
	if end < 1 || end > 6 {
		return true // no zone that one could read
	}
	n, _ := strconv.Atoi(digits[:end])
	hours, minutes := n/100, n%100
	if end <= 2 {
		hours, minutes = n, 0
	}
	if hours > 14 || minutes > 59 {
		return true
	}
	r.offset, r.zoned = hours*3600+minutes*60, present
	if w[0] == '-' {
		r.offset = -r.offset
	}
	return true
}

// months are known by their first letters, in English and in a few languages that programs write them in, though they should not.
var months = map[string]time.Month{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"mrz": 3, "mär": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "juin": 6, "juil": 7, "aoû": 8, "déc": 12}

// weekdays say nothing that the date does not.
var weekdays = map[string]bool{"mon": true, "tue": true, "wed": true, "thu": true, "fri": true, "sat": true, "sun": true}

// zones are the names that RFC 5322 section 4.3 gives a meaning, and those of East Asia and Europe, in hours.
var zones = map[string]float64{"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"est5edt": -5, "kst": 9, "jst": 9, "hkt": 8, "sgt": 8, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "met": 1, "mest": 2, "eet": 2, "eest": 3, "wet": 0, "west": 1, "bst": 1,
	"msk": 3, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "hst": -10, "akst": -9, "akdt": -8}

// name reads the name of a month, a weekday, a zone, or the half of a day. Before the time no other word may stand; behind it they
// may: nobody knows all zones.
func (r *dateReader) name(w string) bool {
	w = strings.ToLower(w)
	if sign := strings.IndexAny(w, "+-"); sign > 0 { // GMT+0900
		return r.name(w[:sign]) && r.zone(w[sign:])
	}
	if hours, known := zones[w]; known && r.clock == present {
		if r.zoned == absent {
			r.offset, r.zoned = int(hours*3600), present
		}
		return true
	}
	switch w {
	case "am":
		if r.hour == 12 {
			r.hour = 0
		}
		return true
	case "pm":
		if r.hour < 12 {
			r.hour += 12
		}
		return true
	}
	short := w
	if runes := []rune(w); len(runes) > 3 {
		short = string(runes[:3])
	}
	for _, key := range []string{w, strings.TrimSuffix(w, "."), short} {
		if m, known := months[key]; known && r.month == 0 {
			r.month = m
			return true
		}
	}
	return weekdays[short] || r.clock == present
}

// date puts the parts together.
func (r *dateReader) date() (time.Time, bool) {
	n, widths := r.numbers, r.widths
	if r.month == 0 && len(n) == 3 { // numbers only
		i := 1
		if n[1] > 12 && widths[0] <= 2 && n[0] <= 12 {
			i = 0 // month, day, year
		}
		r.month = time.Month(n[i])
		n, widths = append(append([]int{}, n[:i]...), n[i+1:]...), append(append([]int{}, widths[:i]...), widths[i+1:]...)
	}
	if len(n) != 2 || r.month < 1 || r.month > 12 {
		return time.Time{}, false
	}
	day, year, width := n[0], n[1], widths[1]
	if widths[0] > 2 || day > 31 { // year first
		day, year, width = n[1], n[0], widths[0]
	}
	switch { // RFC 5322 section 4.3
	case width <= 2 && year < 50:
		year += 2000
	case width <= 3:
		year += 1900
	}
	if day < 1 || day > 31 || r.hour > 24 || r.min > 59 || year < 1900 {
		return time.Time{}, false
	}
	zone := time.UTC
	if r.offset != 0 {
		zone = time.FixedZone("", r.offset)
	}
	date := time.Date(year, r.month, day, r.hour, r.min, min(r.sec, 59), 0, zone)
	return date, date.Day() == day || r.hour == 24
}
