// Package template reads the prepared texts of the administrator's library, and fills in their variables (R15). It is pure.
//
// A variable is {{customer.name}}, one of [Names]; a blank is {{?amount}}, which nobody but the agent can fill in. What is filled in is one line
// of text, and never begins a variable: what a customer calls himself is not read as a template.
//
// [Left] finds both in any text, so that no reply goes out with one (docs/decisions/0021). Other words in double braces are somebody's own text.
package template

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Name is the name of a variable.
type Name string

// The variables.
const (
	CustomerName    Name = "customer.name"    // of the mail that is answered; his address if he gives none
	CustomerAddress Name = "customer.address" // the same
	ContactID       Name = "contact.id"
	AgentName       Name = "agent.name"
	QueueName       Name = "queue.name"      // in the template's language
	MailboxAddress  Name = "mailbox.address" // from which the reply comes
	Subject         Name = "subject"         // of the mail that is answered
	Received        Name = "received"        // the date of its arrival
)

// Names lists every variable.
func Names() []Name {
	return []Name{CustomerName, CustomerAddress, ContactID, AgentName, QueueName, MailboxAddress, Subject, Received}
}

// MaxValue is how many characters of a value are filled in at most.
const MaxValue = 300

// Template is a text that was read.
type Template struct{ pieces []piece }

// piece is text, a variable or a blank.
type piece struct {
	text  string // as it stands in the template
	name  Name   // of a variable
	blank string // of a blank
}

// Mistake is something in a text that is neither text nor a variable. It quotes nothing but names that are well formed.
type Mistake struct {
	Line   int // from 1
	Reason string
}

// opened is whatever begins like a variable: up to where it ends, or to the end of the line where it does not.
var (
	opened   = regexp.MustCompile(`\{\{(?:[^{}\n]*\}\})?`)
	closed   = regexp.MustCompile(`\{\{[^{}\n]*\}\}`)
	variable = regexp.MustCompile(`^\{\{[\s\p{Z}]*([a-z_]+(?:\.[a-z_]+)*)[\s\p{Z}]*\}\}$`)
	blank    = regexp.MustCompile(`^\{\{[\s\p{Z}]*\?[\s\p{Z}]*([\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._-]{0,38}[\p{L}\p{M}\p{N}])?)[\s\p{Z}]*\}\}$`)
)

// Parse reads a text. What it does not know stays text; the mistakes say where.
func Parse(text string) (Template, []Mistake) {
	var t Template
	var mistakes []Mistake
	at := 0
	for _, span := range opened.FindAllStringIndex(text, -1) {
		if span[0] > at {
			t.pieces = append(t.pieces, piece{text: text[at:span[0]]})
		}
		p, reason := read(text[span[0]:span[1]])
		if reason != "" {
			mistakes = append(mistakes, Mistake{1 + strings.Count(text[:span[0]], "\n"), reason})
		}
		t.pieces = append(t.pieces, p)
		at = span[1]
	}
	if at < len(text) {
		t.pieces = append(t.pieces, piece{text: text[at:]})
	}
	return t, mistakes
}

// read says what stands in braces.
func read(text string) (piece, string) {
	p := piece{text: text}
	if m := blank.FindStringSubmatch(text); m != nil {
		p.blank = m[1]
		return p, ""
	}
	m := variable.FindStringSubmatch(text)
	switch {
	case m == nil && len(text) == 2:
		return p, "{{ begins a variable, and }} does not end it in the same line"
	case m == nil:
		return p, "{{ begins a variable, and what follows is none: expected {{name}}, or {{?word}} for what the agent fills in"
	case !slices.Contains(Names(), Name(m[1])):
		return p, fmt.Sprintf("there is no variable {{%.40s}}; there are %s", m[1], list(Names()))
	}
	p.name = Name(m[1])
	return p, ""
}

func list(names []Name) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, ", ")
}

// Uses reports whether a variable stands in the template.
func (t Template) Uses(name Name) bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.name == name })
}

// Blanks lists what only the agent can fill in, each once.
func (t Template) Blanks() []string {
	var blanks []string
	for _, p := range t.pieces {
		if p.blank != "" && !slices.Contains(blanks, p.blank) {
			blanks = append(blanks, p.blank)
		}
	}
	return blanks
}

// Values are what variables stand for. One that is missing or empty stays in the text.
type Values map[Name]string

// Filled is a template with its variables filled in.
type Filled struct {
	Text string
	HTML string   // the same, escaped, with <br> for line ends
	Left []string // what is still to be filled in, as [Left] finds it in Text
}

// Fill fills the variables in.
func (t Template) Fill(values Values) Filled {
	var text, markup strings.Builder
	for _, p := range t.pieces {
		words := p.text
		if v := oneLine(values[p.name]); p.name != "" && v != "" {
			words = v
		}
		text.WriteString(words)
		markup.WriteString(strings.ReplaceAll(html.EscapeString(words), "\n", "<br>\n"))
	}
	return Filled{Text: text.String(), HTML: markup.String(), Left: Left(text.String())}
}

// oneLine makes of a value what can stand anywhere: one line without control characters, in which no variable begins, nor with what stands
// before or behind it.
func oneLine(s string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	s = strings.Trim(braces.ReplaceAllString(strings.Join(words, " "), "{"), "{")
	if runes := []rune(s); len(runes) > MaxValue {
		s = strings.TrimRight(string(runes[:MaxValue]), "{ ")
	}
	return s
}

var braces = regexp.MustCompile(`\{+`)

// maxLeft is how many that are left are named.
const maxLeft = 20

// Left lists the variables and blanks that stand in a text, as they stand there, each once: what of a template nobody filled in. Other words in
// double braces are not meant. At most 20 are listed.
func Left(text string) []string {
	var left []string
	for _, found := range closed.FindAllString(text, -1) {
		p, reason := read(found)
		if reason == "" && !slices.Contains(left, p.text) {
			left = append(left, p.text)
		}
		if len(left) == maxLeft {
			break
		}
	}
	return left
}
