package email

import (
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// dateForms are writings of a date beside RFC 5322 section 3.3, after tidyDate.
var dateForms = []string{
	"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 06 15:04:05 -0700",
	"2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 06 15:04:05",
	"2 Jan 2006 15:04:05 MST", "2 Jan 06 15:04:05 MST",
	"Jan 2 15:04:05 2006 -0700", "Jan 2 15:04:05 2006", "Jan 2 15:04:05 MST 2006", "Jan 2 15:04:05 -0700 2006",
	"2 January 2006 15:04:05 -0700", "2-Jan-2006 15:04:05 -0700", "2-Jan-06 15:04:05 MST",
	"2006-01-02T15:04:05Z", "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05",
}

var (
	dateComment = regexp.MustCompile(`\([^()]*\)`)
	dateWeekday = regexp.MustCompile(`^[A-Za-z]{3,9}(\.?, *|\.? +)`)
	dateOffset  = regexp.MustCompile(`(?:GMT|UTC|UT)([+-]\d{4})$|([+-]\d\d):(\d\d)$`)
)

// parseDate reads the value of a Date field. A date without a zone is taken as UTC.
func parseDate(s string) (time.Time, bool) {
	if date, err := mail.ParseDate(s); err == nil {
		return date, true
	}
	s = strings.Join(strings.Fields(dateComment.ReplaceAllString(s, " ")), " ")
	for _, text := range []string{s, dateWeekday.ReplaceAllString(s, "")} {
		text = dateOffset.ReplaceAllString(text, "$1$2$3")
		for _, form := range dateForms {
			if date, err := time.Parse(form, text); err == nil {
				return date, true
			}
		}
	}
	return time.Time{}, false
}
