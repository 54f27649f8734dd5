package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

// maxPatterns is how many patterns a list of types may have.
const maxPatterns = 200

var attachments = single[postroom.AttachmentRules]{"attachments",
	"Which files may come with mail and go with replies (R16). Active content never may: programs, scripts, pages and drawings with scripts, documents with " +
		"macros, shortcuts, disk images, and archives in which such files lie. What may not pass is shown with its reason, and given to nobody. A pattern is a type " +
		"(application/pdf), a family of types (image/*) or an extension (.docx); types are those of the content, whatever its sender says.",
	object[postroom.AttachmentRules]{
		one: "rules for attachments",
		fields: []field[postroom.AttachmentRules]{
			{"allowed", optional, "What may pass. Without it, everything.", func(a *postroom.AttachmentRules) value { return patterns(&a.Allowed) }},
			{"blocked", optional, "What may not, even if allowed names it.", func(a *postroom.AttachmentRules) value { return patterns(&a.Blocked) }},
		},
	}, func(c *postroom.Configuration) *postroom.AttachmentRules { return &c.Attachments }}

// single is one object under one key at the top of the document, which may be left out.
type single[T any] struct {
	name  string
	about string
	of    object[T]
	in    func(*postroom.Configuration) *T
}

func (s single[T]) key() string { return s.name }

func (s single[T]) needed() need { return optional }

func (s single[T]) read(r *reader, at place, n ast.Node, c *postroom.Configuration) {
	*s.in(c), _ = s.of.read(r, at, n)
}

func (s single[T]) write(c *postroom.Configuration) string {
	if reflect.ValueOf(*s.in(c)).IsZero() {
		return ""
	}
	return "# " + s.about + "\n" + s.name + ":\n  " + s.of.write(*s.in(c), 2) + "\n"
}

func (s single[T]) texts(c *postroom.Configuration) []string { return s.of.texts(*s.in(c)) }

// patterns is a list of patterns of types of files, at least one, each once.
func patterns(to *[]string) value { return patternsValue{to} }

type patternsValue struct{ to *[]string }

func (v patternsValue) describe() string {
	return "list of patterns, at least one: application/pdf, image/*, .docx"
}

func (v patternsValue) read(r *reader, at place, n ast.Node) {
	entries, ok := r.list(at, n)
	if !ok {
		return
	}
	if len(entries) == 0 || len(entries) > maxPatterns {
		r.wrong(at, "expected 1 to %d patterns; leave the key out for none", maxPatterns)
		return
	}
	*v.to = nil
	for _, e := range entries {
		at := place{lineOf(e, at.line), at.name}
		s, ok := r.text(at, e)
		if !ok {
			continue
		}
		s = strings.ToLower(s)
		if !postroom.FilePattern(s) {
			r.wrong(at, "not a pattern: a type (application/pdf), a family of types (image/*) or an extension (.docx)")
			continue
		}
		if slices.Contains(*v.to, s) {
			r.wrong(at, "the pattern is listed twice")
			continue
		}
		*v.to = append(*v.to, s)
	}
}

func (v patternsValue) write(int) string {
	if len(*v.to) == 0 {
		return ""
	}
	var list []string
	for _, s := range *v.to {
		list = append(list, scalar(s))
	}
	return "[" + strings.Join(list, ", ") + "]"
}
