package pci_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/pci"
)

// corpusCase is one line of the card corpus: a mail and what has to be found in it.
type corpusCase struct {
	ID          string
	Tier        int
	Category    string
	Subject     string
	Text        string
	HTML        string
	Attachments []string
	Expected    struct {
		Kinds []string
		Spans []struct {
			Part, Kind, Value string
			Start, End        int
		}
		Uninspectable bool
	}
}

func readCorpus(t *testing.T, path string) []corpusCase {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []corpusCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c corpusCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestEveryPlainlyWrittenCardIsMasked runs the cases of tier 1, canonical writing, that came with the project.
func TestEveryPlainlyWrittenCardIsMasked(t *testing.T) {
	t.Parallel()
	for _, c := range readCorpus(t, "testdata/tier1.jsonl") {
		checkSpans(t, c)
	}
}

// checkSpans asks that every card of subject and text is masked but for its last four digits, and that nothing else is.
func checkSpans(t *testing.T, c corpusCase) {
	t.Helper()
	for place, in := range map[string]string{pci.PlaceSubject: c.Subject, pci.PlaceText: c.Text} {
		want := in
		for _, s := range c.Expected.Spans {
			if s.Part == place && s.Kind == string(postroom.FindingPAN) {
				want = strings.Replace(want, s.Value, masked(s.Value), 1)
			}
		}
		got, _ := pci.New().Text(place, in)
		if got.Reveal() != want {
			t.Errorf("%s %s: %q became %q, want %q", c.ID, c.Category, in, got.Reveal(), want)
		}
	}
}

// masked replaces all digits of s but the last four.
func masked(s string) string {
	out, seen := []rune(s), 0
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] < '0' || out[i] > '9' {
			continue
		}
		if seen++; seen > 4 {
			out[i] = '*'
		}
	}
	return string(out)
}

// TestRecallAndPrecisionOverTheDevelopmentCorpus measures messages with a card number by tier. Attachments in formats that are
// not read yet are withheld, which is safe and counts neither way; tier 4 is reported only.
func TestRecallAndPrecisionOverTheDevelopmentCorpus(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "shared", "corpora", "pci")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the development corpora are not here: ", root)
	}
	type count struct{ found, missed, wrong, right, withheld, missedWithheld int }
	tiers := map[int]*count{1: {}, 2: {}, 3: {}, 4: {}}
	for _, c := range readCorpus(t, filepath.Join(root, "corpus-dev.jsonl")) {
		n := tiers[c.Tier]
		found, withheld := look(t, root, c)
		if withheld {
			n.withheld++
		}
		switch want := slices.Contains(c.Expected.Kinds, string(postroom.FindingPAN)); {
		case want && found:
			n.found++
		case want && withheld:
			n.missedWithheld++
		case want:
			n.missed++
			t.Logf("missed: tier %d %s %s: %.120q %.200q", c.Tier, c.ID, c.Category, c.Subject+" | "+c.Text, c.HTML)
		case found && !want:
			n.wrong++
			t.Logf("wrong: tier %d %s %s: %.120q", c.Tier, c.ID, c.Category, c.Text)
		default:
			n.right++
		}
	}
	for tier := 1; tier <= 4; tier++ {
		n := tiers[tier]
		t.Logf("tier %d: found %d, missed %d, held instead %d, false alarms %d, clean %d (recall %.3f, precision %.3f)", tier,
			n.found, n.missed, n.missedWithheld, n.wrong, n.right,
			float64(n.found+n.missedWithheld)/float64(n.found+n.missed+n.missedWithheld), float64(n.found)/float64(n.found+n.wrong))
	}
	if n := tiers[1]; n.missed != 0 || n.wrong != 0 {
		t.Errorf("tier 1: missed %d, false alarms %d", n.missed, n.wrong)
	}
}

// look passes a case through the gate and reports whether something was found and whether something was withheld.
func look(t *testing.T, root string, c corpusCase) (found, withheld bool) {
	s := pci.New()
	_, subject := s.Text(pci.PlaceSubject, c.Subject)
	_, text := s.Text(pci.PlaceText, c.Text)
	found = len(subject)+len(text) > 0
	if c.HTML != "" {
		_, html := s.HTML(c.HTML)
		found = found || html != nil
	}
	for i, name := range c.Attachments {
		content, err := os.ReadFile(filepath.Join(root, "attachments", name))
		if err != nil {
			t.Fatal(err)
		}
		got := s.Attachment(pci.Attachment{Ordinal: i, Filename: filepath.Base(name), Content: content})
		found = found || got.Verdict == postroom.AttachmentDestroyed
		withheld = withheld || got.Verdict == postroom.AttachmentWithheld
	}
	return found, withheld
}
