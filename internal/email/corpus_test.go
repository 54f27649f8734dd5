package email_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/email"
)

// corpora is where the development corpora are, outside the project.
var corpora = filepath.Join("..", "..", "..", "shared", "corpora")

func needCorpora(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(corpora); err != nil {
		t.Skip("the development corpora are not here: ", corpora)
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t *testing.T, into any, path ...string) {
	t.Helper()
	if err := json.Unmarshal(read(t, path...), into); err != nil {
		t.Fatal(err)
	}
}

// TestEveryMailOfTheCorporaIsSurvived parses each file within two seconds and 400 MB, and gets something out of it.
func TestEveryMailOfTheCorporaIsSurvived(t *testing.T) {
	needCorpora(t)
	var files, slowest int
	var longest time.Duration
	var most uint64
	err := filepath.WalkDir(corpora, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains([]string{".eml", ".raw", ".txt", ".html", ".golden"}, filepath.Ext(path)) {
			return err
		}
		raw := read(t, path)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		m := email.Parse(raw)
		email.Automatic(m)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		files++
		if took > longest {
			longest, slowest = took, len(raw)
		}
		most = max(most, allocated)
		if took > 2*time.Second || allocated > 400<<20 {
			t.Errorf("%s: %v, %d MB", path, took, allocated>>20)
		}
		if len(raw) > 0 && len(m.Fields) == 0 && m.Text == "" && len(m.Attachments) == 0 && len(strings.TrimSpace(string(raw))) > 0 {
			t.Errorf("%s: nothing was read", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, longest %v (%d bytes), most allocated %d KB", files, longest, slowest, most>>10)
}

// expected is what is known about a mail of the nasty corpus.
type expected struct {
	Subject, Text, HTML, AnyText, FromAddr, FromName *string
	Att                                              []string
}

// squeezed drops white space, NUL and byte order marks, which the corpora do not compare.
func squeezed(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == 0 || r == '\ufeff' || strings.ContainsRune(" \t\r\n\f\v\u00a0\u3000", r)
	}), "")
}

// checkExpected compares what was read with what is known, and returns what differs.
func checkExpected(m email.Mail, want expected) []string {
	var wrong []string
	differ := func(what string, want *string, got string) {
		if want != nil && squeezed(*want) != squeezed(got) {
			wrong = append(wrong, what+": "+got+", want "+*want)
		}
	}
	var from email.Address
	if len(m.From) > 0 {
		from = m.From[0]
	}
	differ("subject", want.Subject, m.Subject)
	differ("text", want.Text, m.Text)
	differ("html", want.HTML, m.HTML)
	differ("from", want.FromAddr, from.Address)
	differ("name", want.FromName, from.Name)
	if want.AnyText != nil && !strings.Contains(squeezed(m.Text+m.HTML), squeezed(*want.AnyText)) {
		wrong = append(wrong, "text: "+m.Text+" lacks "+*want.AnyText)
	}
	for _, name := range want.Att {
		if !slices.ContainsFunc(m.Attachments, func(a email.Attachment) bool { return a.Filename == name }) {
			wrong = append(wrong, "no attachment "+name)
		}
	}
	return wrong
}

func scoreExpected(t *testing.T, dir string) {
	t.Helper()
	var cases map[string]expected
	readJSON(t, &cases, dir, "expected.json")
	right := 0
	for name, want := range cases {
		wrong := checkExpected(email.Parse(read(t, dir, name+".eml")), want)
		if wrong == nil {
			right++
		}
		for _, w := range wrong {
			t.Errorf("%s: %.300s", name, w)
		}
	}
	t.Logf("%d of %d", right, len(cases))
}

func TestHostileAndBrokenMailsAreRead(t *testing.T) {
	t.Parallel()
	scoreExpected(t, filepath.Join("testdata", "nasty"))
}

func TestLargeHostileMailsAreRead(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	scoreExpected(t, filepath.Join(corpora, "nasty"))
}
