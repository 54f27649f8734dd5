package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

// need says whether a key must be given.
type need string

const (
	required need = "required"
	optional need = "optional" // what holds without it is what the object's fresh says
)

// field is one key of an object: the row of a table that Parse, Format and the documentation follow.
type field[T any] struct {
	name  string
	need  need
	about string
	bind  func(*T) value
}

// object is what may stand in one place of the document: keys with values.
type object[T any] struct {
	one    string // "a queue"
	fresh  T      // what holds for keys that are left out
	fields []field[T]
	check  func(r *reader, at spots, t T) // what keys demand of each other; nil: nothing
}

// spots are where an object and its keys stand in the document.
type spots struct {
	line int
	keys map[string]int
}

// of is the place of a key; that of the object if it was left out.
func (s spots) of(key string) place {
	if line, given := s.keys[key]; given {
		return place{line, key}
	}
	return place{s.line, key}
}

// pair is one key of a document with its value.
type pair struct {
	key   string // "" if it is no text
	line  int
	value ast.Node
}

// pairsOf lists keys and values; given is false for anything else.
func pairsOf(n ast.Node) (pairs []pair, given bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	for _, v := range values {
		p := pair{line: v.Key.GetToken().Position.Line, value: v.Value}
		if k, ok := v.Key.(*ast.StringNode); ok {
			p.key = k.Value
		}
		pairs = append(pairs, p)
	}
	return pairs, true
}

func (o object[T]) read(r *reader, at place, n ast.Node) (T, spots) {
	t := o.fresh
	pairs, given := pairsOf(n)
	if !given {
		r.wrong(at, "expected %s, which is keys with values; found %s", o.one, called(n))
		return t, spots{line: at.line}
	}
	before := len(r.mistakes)
	first := map[string]int{}
	for _, p := range pairs {
		i := slices.IndexFunc(o.fields, func(f field[T]) bool { return f.name == p.key })
		if i < 0 {
			r.wrong(place{line: p.line}, "%s", unknownKey(p.key, o.one, o.keys()))
			continue
		}
		here := place{p.line, p.key}
		if line, again := first[p.key]; again {
			r.wrong(here, "this key is given twice, first in line %d", line)
			continue
		}
		first[p.key] = p.line
		if _, none := p.value.(*ast.NullNode); none {
			r.wrong(here, "has no value: give one, or leave the key out")
			continue
		}
		o.fields[i].bind(&t).read(r, here, p.value)
	}
	for _, f := range o.fields {
		if _, ok := first[f.name]; !ok && f.need == required {
			r.wrong(at, "the key %q is missing in %s (%s)", f.name, o.one, f.bind(&t).describe())
		}
	}
	where := spots{at.line, first}
	if o.check != nil && len(r.mistakes) == before {
		o.check(r, where, t)
	}
	return t, where
}

func (o object[T]) keys() []string {
	var keys []string
	for _, f := range o.fields {
		keys = append(keys, f.name)
	}
	return keys
}

// unknownKey says that there is no such key, and names it if it looks like one.
func unknownKey(key, in string, known []string) string {
	switch {
	case !wellFormedKey.MatchString(key):
		return "unknown key in " + in + "; known are " + strings.Join(known, ", ")
	case slices.Contains([]string{"password", "passwd", "pass", "pwd", "token"}, key) && slices.Contains(known, "secret"):
		return `unknown key "` + key + `": a configuration holds no passwords; write secret: and the name of a file in the secrets ` +
			"directory, or env:POSTROOM_SECRET_…"
	}
	return `unknown key "` + key + `" in ` + in + "; known are " + strings.Join(known, ", ")
}

// write gives the keys of an object, one a line, in this column.
func (o object[T]) write(t T, column int) string {
	var lines []string
	for _, f := range o.fields {
		if text := f.bind(&t).write(column); text != "" {
			lines = append(lines, f.name+":"+gap(text)+text)
		}
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", column))
}

// gap is what stands between a colon and a value.
func gap(text string) string {
	if strings.HasPrefix(text, "\n") {
		return ""
	}
	return " "
}

// nested is an object as the value of a key.
func nested[T any](o object[T], to *T) value { return nestedValue[T]{o, to} }

type nestedValue[T any] struct {
	object object[T]
	to     *T
}

func (v nestedValue[T]) describe() string { return v.object.one + ", see below" }

func (v nestedValue[T]) read(r *reader, at place, n ast.Node) { *v.to, _ = v.object.read(r, at, n) }

func (v nestedValue[T]) write(column int) string {
	return "\n" + strings.Repeat(" ", column+2) + v.object.write(*v.to, column+2)
}

// nestedAll is a list of objects as the value of a key.
func nestedAll[T any](o object[T], to *[]T) value { return nestedAllValue[T]{o, to} }

type nestedAllValue[T any] struct {
	object object[T]
	to     *[]T
}

func (v nestedAllValue[T]) describe() string {
	return "list; each entry is " + v.object.one + ", see below"
}

func (v nestedAllValue[T]) read(r *reader, at place, n ast.Node) {
	entries, ok := r.list(at, n)
	if !ok {
		return
	}
	for _, e := range entries {
		t, where := v.object.read(r, place{lineOf(e, at.line), at.name}, e)
		*v.to = append(*v.to, t)
		r.entries[at] = append(r.entries[at], where)
	}
}

func (v nestedAllValue[T]) write(column int) string {
	var b strings.Builder
	for _, t := range *v.to {
		b.WriteString("\n" + strings.Repeat(" ", column+2) + "- " + v.object.write(t, column+4))
	}
	return b.String()
}

// section is a list of objects under one key at the top of the document.
type section[T any] struct {
	name  string
	need  need
	about string
	of    object[T]
	in    func(*postroom.Configuration) *[]T
}

// part is a section of any type.
type part interface {
	key() string
	needed() need
	read(r *reader, at place, n ast.Node, c *postroom.Configuration)
	write(c *postroom.Configuration) string
	texts(c *postroom.Configuration) []string
}

func (s section[T]) key() string { return s.name }

func (s section[T]) needed() need { return s.need }

func (s section[T]) read(r *reader, at place, n ast.Node, c *postroom.Configuration) {
	entries, ok := r.list(at, n)
	if !ok {
		return
	}
	if len(entries) == 0 && s.need == required {
		r.wrong(at, "the list is empty: at least one entry is needed")
	}
	list := s.in(c)
	for _, e := range entries {
		t, where := s.of.read(r, place{line: lineOf(e, at.line)}, e)
		*list = append(*list, t)
		r.objects[s.name] = append(r.objects[s.name], where)
	}
}

func (s section[T]) write(c *postroom.Configuration) string {
	list := *s.in(c)
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# " + s.about + "\n" + s.name + ":\n")
	for _, t := range list {
		b.WriteString("  - " + s.of.write(t, 4) + "\n")
	}
	return b.String()
}

// readSections reads the document by the table of sections.
func readSections(r *reader, root ast.Node, c *postroom.Configuration) {
	pairs, given := pairsOf(root)
	if root != nil && !given {
		r.wrong(place{line: 1}, "expected the sections of a configuration (%s), found %s", strings.Join(sectionNames(), ", "), called(root))
		return
	}
	first := map[string]int{}
	for _, p := range pairs {
		i := slices.IndexFunc(sections, func(s part) bool { return s.key() == p.key })
		if i < 0 {
			r.wrong(place{line: p.line}, "%s", unknownKey(p.key, "the configuration", sectionNames()))
			continue
		}
		here := place{p.line, p.key}
		if line, again := first[p.key]; again {
			r.wrong(here, "this key is given twice, first in line %d", line)
			continue
		}
		first[p.key] = p.line
		sections[i].read(r, here, p.value, c)
	}
	for _, s := range sections {
		if _, ok := first[s.key()]; !ok && s.needed() == required {
			r.wrong(place{line: 1}, "the section %q is missing", s.key())
		}
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.key())
	}
	return names
}
