package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// names is a list of names of servers, at least one, each once.
func names(to *[]string) value { return namesValue{to} }

type namesValue struct{ to *[]string }

var serverName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,253}$`)

func (v namesValue) describe() string { return "list of names of servers, at least one" }

func (v namesValue) read(r *reader, at place, n ast.Node) {
	entries, ok := r.list(at, n)
	if !ok {
		return
	}
	if len(entries) == 0 {
		r.wrong(at, "the list is empty: leave the key out")
	}
	for _, e := range entries {
		at := place{lineOf(e, at.line), at.name}
		s, ok := r.text(at, e)
		switch s = strings.ToLower(s); {
		case !ok:
		case !serverName.MatchString(s):
			r.wrong(at, "malformed: expected the name of a server: letters, digits, dots, - and _")
		case slices.Contains(*v.to, s):
			r.wrong(at, "the server %s is listed twice", quoted(s))
		default:
			*v.to = append(*v.to, s)
		}
	}
}

func (v namesValue) write(int) string {
	if len(*v.to) == 0 {
		return ""
	}
	var all []string
	for _, n := range *v.to {
		all = append(all, scalar(n))
	}
	return "[" + strings.Join(all, ", ") + "]"
}
