package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// value is one value of a configuration: how it is described, read from a document and written to one.
type value interface {
	// describe says what the value may be, bounds included.
	describe() string
	// read sets the value from a node, or notes what is wrong with it.
	read(r *reader, at place, n ast.Node)
	// write gives the value as it follows its key and colon, for a key in this column; "" leaves the key out.
	write(column int) string
}

var wellFormedKey = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// unreadable stands for a key that was given and could not be read. It is nobody's key, and checks of the whole presume nothing about
// it, so that one mistake is not reported as two.
const unreadable = "?"

// key is the key of an object, by which others refer to it.
func key[K ~string](k kind, to *K) value { return keyValue[K]{k, to} }

type keyValue[K ~string] struct {
	kind kind
	to   *K
}

func (v keyValue[K]) describe() string { return "key: at most 64 of a–z, 0–9, - and _" }

func (v keyValue[K]) read(r *reader, at place, n ast.Node) {
	*v.to = unreadable
	s, ok := r.text(at, n)
	if !ok {
		return
	}
	if !wellFormedKey.MatchString(s) {
		r.wrong(at, "not a key: at most 64 lower-case letters, digits, - and _")
		return
	}
	if v.kind != anything {
		r.define(at, v.kind, s)
	}
	*v.to = K(s)
}

func (v keyValue[K]) write(int) string { return scalar(string(*v.to)) }

// refer is a mention of another object by its key.
func refer[K ~string](k kind, to *K) value { return referValue[K]{k, to} }

type referValue[K ~string] struct {
	kind kind
	to   *K
}

func (v referValue[K]) describe() string { return "key of " + withArticle(v.kind) }

func (v referValue[K]) read(r *reader, at place, n ast.Node) {
	*v.to = K(r.mention(at, v.kind, n))
}

func (v referValue[K]) write(int) string { return scalar(string(*v.to)) }

// mention reads a reference, which resolve looks up when the whole document is known.
func (r *reader) mention(at place, k kind, n ast.Node) string {
	s, ok := r.text(at, n)
	if !ok {
		return unreadable
	}
	if !wellFormedKey.MatchString(s) {
		r.wrong(at, "not the key of %s: at most 64 lower-case letters, digits, - and _", withArticle(k))
		return unreadable
	}
	r.references = append(r.references, reference{at, k, s})
	return s
}

// referAll is a list of mentions, at least one, each once.
func referAll[K ~string](k kind, to *[]K) value { return referAllValue[K]{k, to} }

type referAllValue[K ~string] struct {
	kind kind
	to   *[]K
}

func (v referAllValue[K]) describe() string {
	return fmt.Sprintf("list of keys of %ss, at least one", v.kind)
}

func (v referAllValue[K]) read(r *reader, at place, n ast.Node) {
	*v.to = []K{unreadable}
	entries, ok := r.list(at, n)
	if !ok {
		return
	}
	if len(entries) == 0 {
		r.wrong(at, "the list is empty: at least one %s is needed", v.kind)
		return
	}
	*v.to = nil
	for _, e := range entries {
		at := place{lineOf(e, at.line), at.name}
		k := K(r.mention(at, v.kind, e))
		if k != unreadable && slices.Contains(*v.to, k) {
			r.wrong(at, "the %s %s is listed twice", v.kind, quoted(string(k)))
		}
		*v.to = append(*v.to, k)
	}
}

func (v referAllValue[K]) write(int) string {
	if len(*v.to) == 0 {
		return ""
	}
	var keys []string
	for _, k := range *v.to {
		keys = append(keys, scalar(string(k)))
	}
	return "[" + strings.Join(keys, ", ") + "]"
}

// line is one line of text, of at most most characters, which matches form if there is one.
func line(to *string, most int) value { return lineValue{to: to, most: most} }

// shaped is a line of a form of its own, which what names.
func shaped(to *string, what string, right func(string) bool) value {
	return lineValue{to: to, most: maxShaped, what: what, right: right}
}

const maxShaped = 320

type lineValue struct {
	to    *string
	most  int
	what  string
	right func(string) bool
}

func (v lineValue) describe() string {
	if v.what != "" {
		return v.what
	}
	return fmt.Sprintf("text, one line, at most %d characters", v.most)
}

func (v lineValue) read(r *reader, at place, n ast.Node) {
	*v.to = unreadable
	s, ok := r.text(at, n)
	if !ok {
		return
	}
	switch flaw := flawOf(s, v.most); {
	case flaw != "":
		r.wrong(at, "%s", flaw)
	case v.right != nil && !v.right(s):
		r.wrong(at, "malformed: expected %s", v.what)
	default:
		*v.to = s
	}
}

func (v lineValue) write(int) string { return scalar(*v.to) }

// flawOf says what is wrong with one line of text.
func flawOf(s string, most int) string {
	switch {
	case s == "":
		return "the text is empty"
	case strings.TrimSpace(s) != s:
		return "the text begins or ends with a space"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "the text holds a line end or another control character"
	case utf8.RuneCountInString(s) > most:
		return fmt.Sprintf("the text is longer than %d characters", most)
	}
	return ""
}

// block is text of several lines.
func block(to *string, most int) value { return blockValue{to, most} }

type blockValue struct {
	to   *string
	most int
}

func (v blockValue) describe() string {
	return fmt.Sprintf("text, at most %d characters; several lines after |", v.most)
}

func (v blockValue) read(r *reader, at place, n ast.Node) {
	s, ok := r.text(at, n)
	switch {
	case !ok:
	case strings.TrimSpace(s) == "":
		r.wrong(at, "the text is empty")
	case strings.ContainsFunc(s, func(c rune) bool { return c != '\n' && c != '\t' && unicode.IsControl(c) }):
		r.wrong(at, "the text holds a control character")
	case utf8.RuneCountInString(s) > v.most:
		r.wrong(at, "the text is longer than %d characters", v.most)
	default:
		*v.to = s
	}
}

func (v blockValue) write(column int) string { return literal(*v.to, column) }

// whole is a whole number within bounds; where least is more than nothing, nothing is left out.
func whole(to *int, least, most int) value { return wholeValue{to, least, most} }

type wholeValue struct {
	to          *int
	least, most int
}

func (v wholeValue) describe() string { return fmt.Sprintf("whole number, %d–%d", v.least, v.most) }

var decimal = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

func (v wholeValue) read(r *reader, at place, n ast.Node) {
	number, ok := n.(*ast.IntegerNode)
	if !ok || !decimal.MatchString(number.Token.Value) {
		r.wrong(at, "expected a whole number in decimal digits, %d–%d; found %s", v.least, v.most, called(n))
		return
	}
	got, err := strconv.Atoi(number.Token.Value)
	if err != nil || got < v.least || got > v.most {
		r.wrong(at, "out of range: expected %d–%d", v.least, v.most)
		return
	}
	*v.to = got
}

func (v wholeValue) write(int) string {
	if *v.to == 0 && v.least > 0 {
		return ""
	}
	return strconv.Itoa(*v.to)
}

// choice is one word of a closed set.
func choice[K ~string](to *K, from ...K) value { return choiceValue[K]{to, from} }

type choiceValue[K ~string] struct {
	to   *K
	from []K
}

func (v choiceValue[K]) describe() string {
	var words []string
	for _, k := range v.from {
		words = append(words, string(k))
	}
	return "one of " + strings.Join(words, ", ")
}

func (v choiceValue[K]) read(r *reader, at place, n ast.Node) {
	s, ok := r.text(at, n)
	if !ok {
		return
	}
	if !slices.Contains(v.from, K(s)) {
		r.wrong(at, "expected %s", v.describe())
		return
	}
	*v.to = K(s)
}

func (v choiceValue[K]) write(int) string { return scalar(string(*v.to)) }

// toggle is true or false.
func toggle(to *bool) value { return toggleValue{to} }

type toggleValue struct{ to *bool }

func (v toggleValue) describe() string { return "true or false" }

func (v toggleValue) read(r *reader, at place, n ast.Node) {
	b, ok := n.(*ast.BoolNode)
	if !ok || b.Token.Value != "true" && b.Token.Value != "false" {
		r.wrong(at, "expected true or false; found %s", called(n))
		return
	}
	*v.to = b.Value
}

func (v toggleValue) write(int) string { return strconv.FormatBool(*v.to) }

// text reads a scalar that is text, in any of YAML's styles.
func (r *reader) text(at place, n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		r.wrong(at, "expected text, found %s: write it in quotes", called(n))
	default:
		r.wrong(at, "expected text, found %s", called(n))
	}
	return "", false
}

// list reads the entries of a list.
func (r *reader) list(at place, n ast.Node) ([]ast.Node, bool) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		r.wrong(at, "expected a list, found %s", called(n))
		return nil, false
	}
	return s.Values, true
}

// called says what people call a node.
func called(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	}
	return "nothing"
}

// lineOf is where a node begins, else the line given: where text of several lines begins the parser does not say right (goccy/go-yaml
// issue 813).
func lineOf(n ast.Node, otherwise int) int {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return n.Values[0].Key.GetToken().Position.Line
		}
	case *ast.LiteralNode:
		return otherwise
	case nil:
		return otherwise
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return max(t.Position.Line, otherwise)
	}
	return otherwise
}

// withArticle names one of a kind.
func withArticle(k kind) string {
	if strings.ContainsRune("aeiou", rune(k[0])) {
		return "an " + string(k)
	}
	return "a " + string(k)
}
