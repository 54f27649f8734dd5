package template

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// LanguageOf is "ko" for a text with Hangul, else "en": the languages that we have words in.
func LanguageOf(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) {
		return "ko"
	}
	return "en"
}

// Zone is the time zone of a name; UTC for none, and for one that is not known.
func Zone(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// Date writes a date as people of a language do ("ko", else English), in a zone.
func Date(at time.Time, zone *time.Location, language string) string {
	at = at.In(zone)
	if language == "ko" {
		return fmt.Sprintf("%d년 %d월 %d일", at.Year(), at.Month(), at.Day())
	}
	return at.Format("2 January 2006")
}
