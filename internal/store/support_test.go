package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantBroken requires that an invariant is seen to be broken.
func wantBroken(t testing.TB, d testkit.Database, invariant string) {
	t.Helper()
	broken := d.Violations(t)
	if !slices.ContainsFunc(broken, func(line string) bool { return strings.HasPrefix(line, invariant+":") }) {
		t.Errorf("%s should be seen to be broken; seen: %q", invariant, broken)
	}
}

func wantReason(t testing.TB, what string, err error, kind postroom.Kind, reason postroom.Reason) {
	t.Helper()
	if postroom.KindOf(err) != kind || postroom.ReasonOf(err) != reason {
		t.Errorf("%s: got %v, want %s (%s)", what, err, kind, reason)
	}
}

func status(t testing.TB, c *testkit.Centre, agent postroom.AgentID) postroom.AgentState {
	t.Helper()
	s, err := c.AgentStatus(t.Context(), agent)
	must(t, err)
	return s.State
}

// only keeps the lines that speak of one of the subjects.
func only(lines []string, subjects ...string) []string {
	var kept []string
	for _, line := range lines {
		if slices.ContainsFunc(subjects, func(s string) bool { return strings.Contains(line, s) }) {
			kept = append(kept, line)
		}
	}
	return kept
}

// logText reads all files of a directory.
func logText(t testing.TB, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		all.Write(text)
	}
	return all.String()
}

// desk is a signed-in agent who is Available and may hold two contacts, in a centre that others use too.
type desk struct {
	*testkit.Centre
	agent postroom.AgentID
}

type deskTest struct {
	name string
	run  func(t *testing.T, d desk)
}

// atDesks runs tests in one centre, each at a desk of its own.
func atDesks(t *testing.T, tests []deskTest) {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	agents := c.Hire(t, len(tests), 2)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.SignIn(t, agents[i])
			test.run(t, desk{c, agents[i]})
			c.MustHold(t)
		})
	}
}

// contactsIn are the contacts that a refusal lists.
func contactsIn(err error) []postroom.ContactID {
	var refusal *postroom.Error
	if !errors.As(err, &refusal) {
		return nil
	}
	return refusal.Contacts
}
