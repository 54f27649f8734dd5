package visible

import (
	"strings"
	"unicode/utf8"

	"github.com/postroom/postroom/internal/email"
)

// Bounds of a signature, in lines that are not empty, and of its lines, in characters.
const (
	signatureLines = 25
	shortTail      = 12
	shortLine      = 70
)

// signed finds the signature, unless HTML marks it: what follows the separator "-- " (RFC 3676 section 4.3), what a telephone adds, or the lines with the
// sender's name or a closing formula at the end.
func (r Reply) signed(m email.Mail) Reply {
	if r.SignatureAt < 0 {
		r.SignatureAt = signatureStart(r.Text, senderNames(m))
	}
	return r
}

// tailLine is a line near the end of a text.
type tailLine struct {
	text string // trimmed
	at   int    // where it begins
}

// lastLines are the last n lines of a text that are not empty, in order.
func lastLines(text string, n int) []tailLine {
	var tail []tailLine
	for end := len(text); end >= 0 && len(tail) < n; {
		start := strings.LastIndexByte(text[:end], '\n') + 1
		if s := strings.TrimSpace(text[start:end]); s != "" {
			tail = append(tail, tailLine{s, start})
		}
		end = start - 1
	}
	for i, j := 0, len(tail)-1; i < j; i, j = i+1, j-1 {
		tail[i], tail[j] = tail[j], tail[i]
	}
	return tail
}

// signatureStart returns where the signature of a text begins, -1 if there is none.
func signatureStart(text string, names []string) int {
	tail := lastLines(text, signatureLines+1)
	for i, l := range tail {
		if l.text == "--" || l.text == "—" || l.text == "–" || l.text == "-- --" {
			return above(tail, i)
		}
	}
	if len(tail) > shortTail {
		tail = tail[len(tail)-shortTail:]
	}
	for i, l := range tail {
		switch {
		case isRule(l.text) && i < len(tail)-1 && shortFrom(tail, i+1) && looksSigned(tail[i+1:], names):
			return above(tail, i)
		case isDeviceLine(l.text) && len(tail)-i <= 3:
			return above(tail, i)
		case isClosing(l.text) && i < len(tail)-1 && len(tail)-i <= 8 && shortFrom(tail, i+1):
			return above(tail, i)
		case isName(l.text, names) && len(tail)-i <= 8 && shortFrom(tail, i):
			return above(tail, i)
		}
	}
	return -1
}

// above returns where line i begins, or -1 if nothing stands above it: the mail would be a signature only.
func above(tail []tailLine, i int) int {
	if tail[i].at == 0 {
		return -1
	}
	return tail[i].at
}

// shortFrom reports whether all lines from i on are short, as those of signatures.
func shortFrom(tail []tailLine, i int) bool {
	for _, l := range tail[i:] {
		if utf8.RuneCountInString(l.text) > shortLine || strings.HasSuffix(l.text, "?") {
			return false
		}
	}
	return true
}

// isRule reports whether a line is drawn of dashes.
func isRule(text string) bool {
	return len(text) >= 4 && strings.Trim(text, "-─━—") == ""
}

// looksSigned reports whether lines hold what signatures do: the sender's name, an address, a telephone number.
func looksSigned(tail []tailLine, names []string) bool {
	for _, l := range tail {
		if isName(l.text, names) || hasAddress(l.text) || strings.Contains(l.text, "www.") || strings.Contains(l.text, "http") || isPhone(l.text) {
			return true
		}
	}
	return false
}

// isPhone reports whether a line has a telephone number: seven digits or more with little between.
func isPhone(text string) bool {
	run := 0
	for i := range len(text) {
		switch c := text[i]; {
		case isDigit(c):
			if run++; run >= 7 {
				return true
			}
		case strings.IndexByte(" -.()+/", c) < 0:
			run = 0
		}
	}
	return false
}

// isDeviceLine reports whether a line is what a telephone or a program adds.
func isDeviceLine(text string) bool {
	if utf8.RuneCountInString(text) > 80 {
		return false
	}
	lowered := strings.ToLower(strings.TrimRight(strings.TrimLeft(text, "-–* [("), ".!*)] "))
	for _, s := range devicePhrases {
		if strings.HasPrefix(lowered, s) {
			return utf8.RuneCountInString(lowered) > utf8.RuneCountInString(s)
		}
	}
	return endsAny(lowered, deviceEndings) && utf8.RuneCountInString(lowered) <= 40
}

// isClosing reports whether a line is a closing formula, alone.
func isClosing(text string) bool {
	lowered := strings.ToLower(strings.TrimRight(text, ",.!~ 、。，！:;-"))
	for _, s := range closings {
		if lowered == s {
			return true
		}
	}
	return false
}

// senderNames are the words that a sender signs with: the name, its parts, and those of the address.
func senderNames(m email.Mail) []string {
	if len(m.From) == 0 {
		return nil
	}
	var names []string
	add := func(s string) {
		if s = strings.ToLower(s); utf8.RuneCountInString(s) >= 2 {
			names = append(names, s)
		}
	}
	for _, part := range strings.FieldsFunc(m.From[0].Name, func(r rune) bool { return strings.ContainsRune(" ,.\"'()[]@", r) }) {
		add(part)
	}
	if len(names) == 0 {
		local, _, _ := strings.Cut(m.From[0].Address, "@")
		for _, part := range strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune(" ._-+0123456789", r) }) {
			add(part)
		}
	}
	return names[:min(len(names), 6)]
}

// isName reports whether a line is the sender's name: short, with a word of it, and hardly more.
func isName(text string, names []string) bool {
	if utf8.RuneCountInString(text) > 40 || strings.ContainsAny(text, ":?@/") {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ,.\"'()-–—*_", r) })
	if len(words) == 0 || len(words) > 6 {
		return false
	}
	for _, word := range words {
		for _, name := range names {
			if word == name {
				return len(words) <= 3 || words[0] == name
			}
		}
	}
	return false
}
