package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

// ReasonInvalid says that a configuration document has mistakes; the message lists them, one a line, as "file:line: reason".
const ReasonInvalid postroom.Reason = "configuration_invalid"

// MaxMistakes is the most mistakes that one error lists.
const MaxMistakes = 50

// place is where in the document something stands: its line, and what it is called there.
type place struct {
	line int
	name string // "priority", "a queue"
}

// mistake is one reason why a document is refused.
type mistake struct {
	line   int
	reason string
}

// reader gathers what reading a document finds out.
type reader struct {
	mistakes   []mistake
	lines      map[kind]map[string]int // where each key is defined
	references []reference
	objects    map[string][]spots // by section, in the order of its list
	entries    map[place][]spots  // of the lists within objects, by the place of their key
}

// kind is what a key is the key of, as people call it.
type kind string

const (
	mailbox    kind = "mailbox"
	entryPoint kind = "entry point"
	rule       kind = "rule"
	queue      kind = "queue"
	hours      kind = "set of business hours"
	site       kind = "site"
	team       kind = "team"
	skill      kind = "skill"
	agent      kind = "agent"
	profile    kind = "profile"
	idleCode   kind = "idle code"
	wrapUpCode kind = "wrap-up code"
	prepared   kind = "template"
	library    kind = "template in any language" // which has more than one entry
	anything   kind = ""                         // whose key need not be unique
)

// reference is a mention of something that has to be defined somewhere in the document.
type reference struct {
	at   place
	kind kind
	key  string
}

func newReader() *reader {
	return &reader{lines: map[kind]map[string]int{}, objects: map[string][]spots{}, entries: map[place][]spots{}}
}

// wrong notes a mistake. The format and its arguments quote no value of the document but well-formed keys.
func (r *reader) wrong(at place, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if at.name != "" {
		reason = at.name + ": " + reason
	}
	r.mistakes = append(r.mistakes, mistake{max(at.line, 1), reason})
}

// define notes that something is defined, which may happen once.
func (r *reader) define(at place, k kind, key string) {
	if r.lines[k] == nil {
		r.lines[k] = map[string]int{}
	}
	if first, again := r.lines[k][key]; again {
		r.wrong(at, "the %s %s is defined twice, first in line %d", k, quoted(key), first)
		return
	}
	r.lines[k][key] = at.line
}

var showable = regexp.MustCompile(`^[a-z0-9_/-]{1,80}$`)

// quoted shows a key in a mistake, and nothing else: an entry point's key is an address.
func quoted(key string) string {
	if !showable.MatchString(key) {
		return "of this address"
	}
	return `"` + key + `"`
}

// failure is all mistakes as one error, in the order of the document; nil if there are none.
func (r *reader) failure(file string) error {
	if len(r.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	found := slices.Compact(r.mistakes)
	var list []string
	for _, m := range found[:min(len(found), MaxMistakes)] {
		list = append(list, fmt.Sprintf("%s:%d: %s", file, m.line, m.reason))
	}
	if more := len(found) - MaxMistakes; more > 0 {
		last := found[MaxMistakes-1]
		list[MaxMistakes-1] = fmt.Sprintf("%s:%d: %s (and %d more)", file, last.line, last.reason, more)
	}
	return postroom.Invalid(ReasonInvalid, strings.Join(list, "\n"))
}
