package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// plain is text that YAML needs no quotes for, in lists and braces too: it begins with a letter, so that it is no number, or has more
// dots than one.
var plain = regexp.MustCompile(`^(\pL[\pL\pN_./@+*-]*( [\pL\pN_./@+*()!?-]+)*|[0-9]+(\.[0-9]+){3})$`)

// words are what YAML, in one version or another, takes for something else than text.
var words = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}

// scalar writes text in one line, in quotes if it needs them; "" for no text.
func scalar(s string) string {
	if s == "" {
		return ""
	}
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, `\U%08X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// literal writes text of several lines as people would, after |, below a key in this column; in quotes if that would lose something,
// with the parser that we have or with another: space at the beginning or at the end of a line, several line ends at the end.
func literal(s string, column int) string {
	if s == "" {
		return ""
	}
	body, ended := strings.CutSuffix(s, "\n")
	lines := strings.Split(body, "\n")
	if len(lines) == 1 && !ended {
		return scalar(s)
	}
	for i, l := range lines {
		edge := i == 0 || i == len(lines)-1
		if l == "" && !edge {
			continue
		}
		if l == "" || strings.TrimSpace(l) == "" || l[0] == '\t' || i == 0 && l[0] == ' ' || strings.TrimRight(l, " \t") != l || strings.ContainsFunc(l, unprintable) {
			return scalar(s)
		}
	}
	indent := "\n" + strings.Repeat(" ", column+2)
	var b strings.Builder
	b.WriteString("|")
	if !ended {
		b.WriteString("-")
	}
	for _, l := range lines {
		if l == "" {
			b.WriteString("\n")
			continue
		}
		b.WriteString(indent + l)
	}
	return b.String()
}

func unprintable(c rune) bool { return c != '\t' && !unicode.IsPrint(c) }
