package main

import (
	"fmt"
	"strings"
	"unicode"
)

// table is the scores, one per line.
func table(scores []*score) string {
	var b strings.Builder
	for _, s := range scores {
		fmt.Fprintf(&b, "%-42s %5d of %-5d %5.1f %%  %s\n", s.name, s.right, s.all, s.percent(), s.remark())
	}
	return b.String()
}

func (s *score) percent() float64 { return 100 * float64(s.right) / float64(max(s.all, 1)) }

func (s *score) remark() string {
	remark := s.goal
	if s.mean > 0 {
		remark = strings.TrimPrefix(fmt.Sprintf("%s; F1 %.3f", s.goal, s.mean), "; ")
	}
	return remark
}

// misses is every case that is read otherwise, with what is known of the reason.
func misses(scores []*score) string {
	var b strings.Builder
	for _, s := range scores {
		for _, m := range s.misses {
			fmt.Fprintf(&b, "%s: %s\n  got  %s\n  want %s\n", s.name, quoted(m.name), quoted(m.got), quoted(m.want))
			if why := because(s.name, m.name); why != "" {
				fmt.Fprintf(&b, "  because %s\n", why)
			}
		}
	}
	return b.String()
}

// quoted is a text in a line, cut.
func quoted(s string) string {
	const most = 160
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return "`" + strings.ReplaceAll(s, "`", "'") + "`"
}

// report is the scores as they are committed.
func report(scores []*score) string {
	var b strings.Builder
	b.WriteString("# How mail is read: scores over the development corpora\n\n" +
		"Written by `make scores`. Compared without white space, NUL and byte order marks, as the corpora say. What each corpus is and how it is\n" +
		"scored stands in bench/scores. A goal stands where one was set; the others are reported.\n\n" +
		"| corpus | right | of | % | goal |\n|---|---|---|---|---|\n")
	for _, s := range scores {
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %s |\n", s.name, s.right, s.all, s.percent(), s.remark())
	}
	b.WriteString("\n## Misses\n")
	for _, s := range scores {
		if len(s.misses) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", s.name)
		for _, m := range s.misses {
			fmt.Fprintf(&b, "- %s: got %s, want %s.", quoted(m.name), quoted(m.got), quoted(m.want))
			if why := because(s.name, m.name); why != "" {
				b.WriteString(" " + why)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
