package email

import (
	"bytes"
	"mime"
	"strings"
	"time"
)

// Event is what a calendar attachment says, as far as a card shows it (RFC 5545, RFC 5546). All of it was written by strangers.
type Event struct {
	Method    string // REQUEST, REPLY, CANCEL …, in upper case; "" when absent
	UID       string
	Summary   string
	Location  string
	Organizer string // an address, or whatever stands there
	Start     Moment
	End       Moment // of no Time when absent
}

// Moment is a time of a calendar.
type Moment struct {
	Time time.Time // UTC; with a Zone, or of no zone at all, what clocks show there; zero when absent or unreadable
	Zone string    // the name that the calendar gives the time zone; "" for UTC and for times of no zone
	Form MomentForm
}

// MomentForm says how a time is meant.
type MomentForm string

// The forms.
const (
	MomentUTC   MomentForm = "utc"
	MomentLocal MomentForm = "local" // in Zone, or wherever the reader is
	MomentDay   MomentForm = "day"   // all day
)

// maxCalendar bounds what is read of a calendar, in bytes.
const maxCalendar = 256 << 10

// ReadEvent reads the first event of an attachment of the type text/calendar. ok is false for everything else.
func ReadEvent(a Attachment) (e Event, ok bool) {
	mediaType, parameters, err := mime.ParseMediaType(a.MediaType)
	if err != nil || mediaType != "text/calendar" && mediaType != "application/ics" {
		return Event{}, false
	}
	charset := parameters["charset"]
	if charset == "" {
		charset = "utf-8" // RFC 5545 section 3.1.4
	}
	text, _ := decodeCharset(a.Content[:min(len(a.Content), maxCalendar)], charset)
	inside := 0 // components within the event, alarms above all
	for line := range strings.SplitSeq(unfoldCalendar(text), "\n") {
		name, value := cutProperty(line)
		property, zone := propertyName(name)
		switch {
		case property == "METHOD" && e.Method == "":
			e.Method = strings.ToUpper(cleanLine(value))
		case property == "BEGIN" && strings.EqualFold(value, "VEVENT") && !ok:
			ok = true
		case !ok:
		case property == "BEGIN":
			inside++
		case property == "END" && inside > 0:
			inside--
		case property == "END":
			return e, true
		case inside == 0:
			e.set(property, zone, value)
		}
	}
	return e, ok
}

// set keeps what a card shows.
func (e *Event) set(property, zone, value string) {
	switch property {
	case "UID":
		e.UID = cleanLine(value)
	case "SUMMARY":
		e.Summary = calendarText(value)
	case "LOCATION":
		e.Location = calendarText(value)
	case "ORGANIZER":
		e.Organizer = cleanLine(value)
		if len(value) > 7 && strings.EqualFold(value[:7], "mailto:") {
			e.Organizer = cleanLine(value[7:])
		}
	case "DTSTART":
		e.Start = moment(value, zone)
	case "DTEND":
		e.End = moment(value, zone)
	}
}

// unfoldCalendar joins folded lines (RFC 5545 section 3.1).
func unfoldCalendar(text string) string {
	text = normalLines(text)
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n ", ""), "\n\t", "")
}

// cutProperty splits a line at the colon that ends its name and parameters; one within quotes does not count.
func cutProperty(line string) (name, value string) {
	quotes := 0
	for i := range len(line) {
		switch line[i] {
		case '"':
			quotes++
		case ':':
			if quotes%2 == 0 {
				return line[:i], strings.TrimSpace(line[i+1:])
			}
		}
	}
	return line, ""
}

// propertyName is the name of a property in upper case, and its time zone.
func propertyName(s string) (name, zone string) {
	name, parameters, _ := strings.Cut(s, ";")
	for p := range strings.SplitSeq(parameters, ";") {
		if key, value, found := strings.Cut(p, "="); found && strings.EqualFold(key, "TZID") {
			zone = cleanLine(strings.Trim(value, `"`))
		}
	}
	return strings.ToUpper(strings.TrimSpace(name)), zone
}

// calendarText undoes the escapes of RFC 5545 section 3.3.11, on one line.
func calendarText(s string) string {
	return cleanLine(strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s))
}

// moment reads a date or a time (RFC 5545 sections 3.3.4 and 3.3.5).
func moment(value, zone string) Moment {
	if date, err := time.Parse("20060102T150405Z", value); err == nil {
		return Moment{Time: date, Form: MomentUTC}
	}
	if date, err := time.Parse("20060102T150405", value); err == nil {
		return Moment{Time: date, Zone: zone, Form: MomentLocal}
	}
	if date, err := time.Parse("20060102", value); err == nil {
		return Moment{Time: date, Form: MomentDay}
	}
	return Moment{}
}

// tnefSignature begins what Outlook sends as winmail.dat, whatever type it is given.
var tnefSignature = []byte{0x78, 0x9f, 0x3e, 0x22}

// label names the type of content that hides under another name: TNEF.
func label(mediaType string, content []byte) string {
	if bytes.HasPrefix(content, tnefSignature) && (mediaType == "application/octet-stream" || strings.HasSuffix(mediaType, "tnef")) {
		return "application/ms-tnef"
	}
	return mediaType
}
