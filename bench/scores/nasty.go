package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/postroom/postroom/internal/email"
)

// Bounds of any one mail.
const (
	mostTime   = 2 * time.Second
	mostMemory = 400 << 20 // bytes allocated
)

// expected is what is known about a mail of the nasty corpus; nothing means that it has to be survived.
type expected struct {
	Subject, Text, HTML, AnyText, FromAddr, FromName *string
	Att                                              []string
}

// scoreNasty reads hand-made hostile and broken mails, each within the bounds.
func scoreNasty(dir string) ([]*score, error) {
	var cases map[string]expected
	if err := readJSON(&cases, dir, "expected.json"); err != nil {
		return nil, err
	}
	s := &score{name: "nasty"}
	for name, want := range cases {
		raw, err := os.ReadFile(filepath.Join(dir, name+".eml"))
		if err != nil {
			return nil, err
		}
		m, within := parseWithin(raw)
		got, wanted := differences(m, want)
		s.check(name, within && got == "", got, wanted)
	}
	return []*score{s}, nil
}

// parseWithin reads a mail and says whether it kept the bounds.
func parseWithin(raw []byte) (m email.Mail, within bool) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	m = email.Parse(raw)
	email.Automatic(m)
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return m, took <= mostTime && after.TotalAlloc-before.TotalAlloc <= mostMemory
}

// differences says what is read otherwise than expected, and what was expected in its place.
func differences(m email.Mail, want expected) (got, wanted string) {
	differ := func(what string, wants *string, has string) {
		if wants != nil && squeezed(*wants) != squeezed(has) {
			got, wanted = got+what+" "+has+" ", wanted+what+" "+*wants+" "
		}
	}
	var from email.Address
	if len(m.From) > 0 {
		from = m.From[0]
	}
	differ("subject", want.Subject, m.Subject)
	differ("text", want.Text, m.PlainText)
	differ("html", want.HTML, m.HTML)
	differ("from", want.FromAddr, from.Address)
	differ("name", want.FromName, from.Name)
	if want.AnyText != nil && !strings.Contains(squeezed(m.PlainText+m.HTML), squeezed(*want.AnyText)) {
		got, wanted = got+"text "+m.PlainText+" ", wanted+"text "+*want.AnyText+" "
	}
	for _, name := range want.Att {
		if !slices.ContainsFunc(m.Attachments, func(a email.Attachment) bool { return a.Filename == name }) {
			got, wanted = got+"no such attachment ", wanted+"attachment "+name+" "
		}
	}
	return got, wanted
}

// scoreSurvival reads odd mails of which nothing is known but that something is in them.
func scoreSurvival(dir string) ([]*score, error) {
	s := &score{name: "enmime survive"}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains([]string{".raw", ".golden"}, filepath.Ext(path)) {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, within := parseWithin(raw)
		empty := m.Text == "" && m.HTML == "" && len(m.Attachments) == 0
		_, body, found := strings.Cut(strings.ReplaceAll(string(raw), "\r", ""), "\n\n")
		s.check(filepath.ToSlash(path[len(dir)+1:]), within && !(empty && found && strings.TrimSpace(body) != ""), "nothing", "something")
		return nil
	})
	return []*score{s}, err
}
