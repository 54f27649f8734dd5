package visible

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what introduces a quotation.
const (
	attributionLines = 4
	attributionBytes = 400
	headerLines      = 12
)

// attribution returns how many lines from i on say who wrote what follows, such as "On Monday Kim wrote:", 0 for none, and whether that is
// sure without any mark of quotation below: it has a date with a time, or an address.
func (f *folder) attribution(i int) (n int, sure bool) {
	joined := ""
	for n = 1; n <= attributionLines && i+n-1 < len(f.lines); n++ {
		text := strings.TrimSpace(undirected.Replace(f.lines[i+n-1].text))
		if text == "" || f.lines[i+n-1].quoted > perhaps || len(joined)+len(text) > attributionBytes {
			return 0, false
		}
		if n > 1 && hasDate(text) && f.opens(text) {
			return 0, false // it begins here, not above
		}
		if joined != "" {
			joined += " "
		}
		joined += text
		if attributes(joined) {
			return n, isSure(joined)
		}
		if mayAttribute(joined) {
			return n, false
		}
		if n == 1 && !f.opens(text) && !(hasDate(text) && hasTime(text)) {
			return 0, false
		}
		if endsSentence(text) {
			return 0, false
		}
	}
	return 0, false
}

// undirected takes the marks of right-to-left text away, which stand around names and addresses (Unicode Standard Annex 9).
var undirected = strings.NewReplacer("\u200e", "", "\u200f", "", "\u202a", "", "\u202b", "", "\u202c", "", "\u202d", "", "\u202e", "",
	"\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "")

// mayAttribute reports whether a text says so in a language that is not known here: it has a date, a time, an address and a colon.
func mayAttribute(text string) bool {
	return strings.HasSuffix(text, ":") && hasDate(text) && hasTime(text) && hasBracketed(text)
}

// isSure reports whether an attribution needs no mark of quotation below: it names a date and a time, or one of them and an address as
// programs write it. People do not.
func isSure(text string) bool {
	date, clock := hasDate(text), hasTime(text)
	return date && clock || (date || clock) && hasBracketed(text) || isRuled(text)
}

// isRuled reports whether a line stands between dashes, as in "---- Kim wrote ----".
func isRuled(text string) bool {
	return strings.HasPrefix(text, "--") && strings.HasSuffix(text, "--") && strings.Trim(text, "- ") != ""
}

// hasBracketed reports whether a text has an address in brackets.
func hasBracketed(s string) bool {
	_, rest, _ := strings.Cut(s, "<")
	inside, _, found := strings.Cut(rest, ">")
	return found && strings.Contains(inside, "@")
}

// opens reports whether an attribution can begin with a line that does not end it.
func (f *folder) opens(text string) bool {
	text = strings.TrimLeft(text, "-– *_")
	if text == "" {
		return false
	}
	if hasBracketed(text) {
		return true
	}
	if !hasDate(text) && !hasTime(text) {
		return false
	}
	if isDigit(text[0]) || hasAddress(text) {
		return true
	}
	lowered := strings.ToLower(text)
	for _, word := range attributionOpeners {
		if strings.HasPrefix(lowered, word) {
			return true
		}
	}
	return false
}

// endsSentence reports whether no line that goes on ends like this.
func endsSentence(text string) bool {
	return strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, ":")
}

// attributes reports whether a text says that somebody wrote what follows.
func attributes(text string) bool {
	trimmed := strings.TrimRight(text, " \t\u00a0*_")
	if isRuled(trimmed) {
		return endsAny(strings.ToLower(strings.Trim(trimmed, "- ")), verbsAtEnd)
	}
	bare := strings.TrimSpace(strings.TrimRight(trimmed, ":："))
	colon := strings.HasSuffix(trimmed, ":") || strings.HasSuffix(trimmed, "：")
	lowered := strings.ToLower(bare)
	if !colon {
		// 2012/4/2 Kim <kim@example.com>, and languages that need no colon
		return isDigit(text[0]) && hasDate(text) && strings.HasSuffix(trimmed, ">") && hasBracketed(text) ||
			endsAny(lowered, verbsWithoutColon) && hasDate(text) && (hasTime(text) || hasBracketed(text))
	}
	if endsAny(lowered, verbsAtEnd) {
		return hasDigit(text) || hasAddress(text) || len(text) <= 60 && utf8.RuneCountInString(bare) >= 4
	}
	if !hasAddress(text) && !hasDate(text) {
		return false
	}
	for _, verb := range verbsWithin {
		if strings.Contains(lowered, verb) {
			return true
		}
	}
	return mayAttribute(text) && (strings.HasSuffix(bare, ">") || strings.HasSuffix(bare, "]"))
}

func endsAny(s string, endings []string) bool {
	for _, e := range endings {
		if strings.HasSuffix(s, e) {
			return true
		}
	}
	return false
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

// hasAddress reports whether a text names a mail address.
func hasAddress(s string) bool {
	i := strings.IndexByte(s, '@')
	return i > 0 && i+1 < len(s) && s[i-1] > ' ' && !strings.ContainsRune(`<>()[]",:;@\`, rune(s[i-1])) && (isWordByte(s[i+1]) || strings.IndexByte("-.", s[i+1]) >= 0 || s[i+1] >= 0x80)
}

// hasDate reports whether a text has what may be a date: a year, or numbers with the marks of a date between.
func hasDate(s string) bool {
	for i := 0; i < len(s); {
		n := digits(s[i:])
		switch {
		case n == 0:
			i++
		case n == 4 && (s[i:i+2] == "19" || s[i:i+2] == "20"):
			return true
		case n <= 2 && i+n+1 < len(s) && strings.IndexByte("./-", s[i+n]) >= 0 && isDigit(s[i+n+1]):
			m := digits(s[i+n+1:])
			if end := i + n + 1 + m; m <= 2 && end < len(s) && s[end] == s[i+n] {
				return true
			}
			i += n + 1 + m
		default:
			i += n
		}
	}
	return strings.Contains(s, "월") && strings.Contains(s, "일") || strings.Contains(s, "月") && strings.Contains(s, "日")
}

// hasTime reports whether a text has a time of day.
func hasTime(s string) bool {
	for i := 1; i+2 < len(s); i++ {
		if (s[i] == ':' || s[i] == '.' || s[i] == 'h') && isDigit(s[i-1]) && isDigit(s[i+1]) && isDigit(s[i+2]) {
			return true
		}
	}
	return strings.Contains(s, "오전") || strings.Contains(s, "오후") || strings.Contains(s, "上午") || strings.Contains(s, "下午") || strings.Contains(s, "午前") || strings.Contains(s, "午後")
}

// headerBlock returns how many lines from i on are the header of a mail as programs write it above what they quote, 0 for none: a sender
// and a subject with a date or a recipient; or a sender and a date, if the sender's line has an address or a recipient follows the date. Of a
// journey people write From, To and Date as well, in that order.
func (f *folder) headerBlock(i int) int {
	var seen [headerKinds]bool
	last, idle := 0, 0
	address, dated := false, false // the sender's line has an address; the date stands above the recipient
	for n := 0; n < headerLines && i+n < len(f.lines); n++ {
		l := f.lines[i+n]
		text := strings.TrimSpace(l.text)
		kind := headerKind(text)
		if l.quoted > perhaps || n == 0 && kind == noHeader || text == "" && n > 2 {
			break
		}
		if kind == noHeader {
			if idle++; idle > 3 { // a long list of recipients goes on
				break
			}
			continue
		}
		idle = 0
		last = n + 1
		dated = dated || kind == headerTo && seen[headerDate]
		seen[kind] = true
		if kind == headerFrom && (hasAddress(text) || i+n+1 < len(f.lines) && hasBracketed(f.lines[i+n+1].text)) {
			address = true
		}
	}
	switch {
	case seen[headerFrom] && seen[headerSubject] && (seen[headerDate] || seen[headerTo]):
		return last
	case seen[headerFrom] && seen[headerDate] && (address || dated):
		return last
	}
	return 0
}

// The fields of such headers.
const (
	noHeader = iota
	headerFrom
	headerDate
	headerTo
	headerSubject
	headerCc
	headerKinds
)

// headerKind says which field a line is, in any language.
func headerKind(text string) int {
	text = strings.TrimLeft(text, "*_•- \u00a0")
	colon := strings.IndexAny(text[:min(len(text), 64)], ":：")
	if colon <= 0 {
		return noHeader
	}
	return headerNames[strings.ToLower(strings.TrimRight(text[:colon], " *_\t\u00a0"))]
}

// isOriginalMark reports whether a line announces the mail that is answered, such as "-----Original Message-----".
func isOriginalMark(text string) bool {
	return announced(text, originalMarks) || len(text) > 20 && len(text) < 120 && strings.Contains(strings.ToLower(text), "reply above this line")
}

// isForwardMark reports whether a line announces a mail that is forwarded.
func isForwardMark(text string) bool {
	return announced(text, forwardMarks) || len(text) > 8 && len(text) < 120 && endsAny(strings.ToLower(strings.TrimRight(text, ":： ")), forwardLines)
}

// announced reports whether a line is one of those texts within dashes or the like.
func announced(text string, marks []string) bool {
	const decoration = "-_=*~#─━—–> \u00a0"
	if len(text) < 6 || len(text) > 200 || isWordByte(text[0]) {
		return false
	}
	core := strings.Trim(text, decoration)
	lead := len(text) - len(strings.TrimLeft(text, decoration))
	if lead < 2 || len(core) > 60 {
		return false
	}
	core = strings.ToLower(strings.TrimRight(core, ": "))
	for _, mark := range marks {
		if core == mark {
			return true
		}
	}
	return false
}

// forwards reports whether a subject is that of a mail that is forwarded.
func forwards(subject string) bool {
	name, _, found := strings.Cut(strings.Replace(subject, "：", ":", 1), ":")
	return found && slices.Contains(forwardPrefixes, strings.ToLower(strings.TrimSpace(name)))
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWordByte reports whether a byte belongs to a word: an ASCII letter or digit.
func isWordByte(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
