// Command scores reads the development corpora of mail beside the project and says how much of them Postroom reads as it should: for each
// corpus the hits, and each miss with its reason. It prints that and writes bench/results/mail-scores.md; it fails if less is reached than
// before (the floors, which its test holds as well). Corpora that are not there are left out.
//
//	go run ./bench/scores [-corpora ../shared/corpora] [-o bench/results/mail-scores.md]
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	corpora := flag.String("corpora", filepath.Join("..", "shared", "corpora"), "the folder of the corpora")
	out := flag.String("o", filepath.Join("bench", "results", "mail-scores.md"), "where to write the scores; empty for nowhere")
	flag.Parse()
	if err := run(*corpora, *out); err != nil {
		fmt.Fprintln(os.Stderr, "scores:", err)
		os.Exit(1)
	}
}

func run(corpora, out string) error {
	scores, err := measure(corpora)
	if err != nil {
		return err
	}
	fmt.Print(table(scores), "\n", misses(scores))
	if out != "" {
		if err := os.WriteFile(out, []byte(report(scores)), 0o644); err != nil {
			return err
		}
	}
	for _, s := range scores {
		if s.mean > 0 && s.mean < leastF1 {
			err = cmp.Or(err, fmt.Errorf("%s: F1 %.3f", s.name, s.mean))
		}
		if s.right < s.floor {
			err = cmp.Or(err, fmt.Errorf("%s: %d, was %d", s.name, s.right, s.floor))
		}
	}
	return err
}

// score is how much of one thing is right in one corpus.
type score struct {
	name       string
	right, all int
	goal       string // what is asked of it, in words; empty if it is only reported
	floor      int    // what was reached before
	misses     []miss
	mean       float64 // a figure beside the count, such as a mean F1; 0 for none
}

// miss is one case that is read otherwise than expected.
type miss struct{ name, got, want string }

// count adds a case.
func (s *score) count(name, got, want string) {
	s.check(name, got == want, got, want)
}

// check adds a case of which it is known whether it is right.
func (s *score) check(name string, right bool, got, want string) {
	s.all++
	if right {
		s.right++
		return
	}
	s.misses = append(s.misses, miss{name, got, want})
}

// measure takes the scores of all corpora that are there.
func measure(corpora string) ([]*score, error) {
	var all []*score
	for _, c := range []struct {
		folder string
		score  func(dir string) ([]*score, error)
	}{
		{"mail-parser", scoreMailParser}, {filepath.Join("mail-parser", "tables"), scoreTables}, {"nasty", scoreNasty}, {"enmime", scoreSurvival},
		{"sisimai", scoreBounces}, {"talon", scoreReplies}, {"github-reply-parser", scorePlainReplies},
	} {
		dir := filepath.Join(corpora, c.folder)
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		scores, err := c.score(dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.folder, err)
		}
		all = append(all, scores...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no corpus in %s", corpora)
	}
	for _, s := range all {
		slices.SortFunc(s.misses, func(a, b miss) int { return strings.Compare(a.name, b.name) })
		s.floor, s.goal = floors[s.name].reached, floors[s.name].goal
	}
	return all, nil
}

// squeezed drops white space, NUL and byte order marks, which the corpora do not compare.
func squeezed(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == 0 || r == '\ufeff' || strings.ContainsRune(" \t\r\n\f\v\u00a0\u3000", r)
	}), "")
}
