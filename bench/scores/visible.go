package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// folded is what is new in a mail.
func folded(raw []byte) visible.Reply { return visible.Of(email.Parse(raw)) }

// scoreReplies folds replies of common mail programs.
func scoreReplies(dir string) ([]*score, error) {
	texts, pages, special := &score{name: "talon text"}, &score{name: "talon html"}, &score{name: "talon special cases"}
	files, err := filepath.Glob(filepath.Join(dir, "standard_replies", "*.eml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		want := "Hello"
		if b, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + "_reply_text"); err == nil {
			want = string(b)
		}
		texts.count(filepath.Base(file), squeezed(folded(raw).Text), squeezed(want))
	}
	page := func(s *score, file, want string) error {
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		got := folded(append([]byte("Content-Type: text/html; charset=utf-8\n\n"), source...)).Text
		s.count(filepath.Base(file), squeezed(got), squeezed(want))
		return nil
	}
	if files, err = filepath.Glob(filepath.Join(dir, "html_replies", "*.html")); err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := page(pages, file, "Hi. I am fine. Thanks, Alex"); err != nil {
			return nil, err
		}
	}
	if err := page(special, filepath.Join(dir, "OLK_SRC_BODY_SECTION.html"), "Reply"); err != nil {
		return nil, err
	}
	if err := page(special, filepath.Join(dir, "reply-separated-by-hr.html"), "Hi there"); err != nil {
		return nil, err
	}
	shared, err := os.ReadFile(filepath.Join(dir, "reply-quotations-share-block.eml"))
	if err != nil {
		return nil, err
	}
	got := folded(shared).Text
	special.check("reply-quotations-share-block.eml", got != "" && !strings.Contains(got, "From"), got, "a text without From")
	signatures, err := scoreSignatures(filepath.Join(dir, "signature", "emails", "stripped"))
	return []*score{texts, pages, special, signatures}, err
}

// scoreSignatures looks for signatures that people marked.
func scoreSignatures(dir string) (*score, error) {
	s := &score{name: "talon signatures"}
	files, err := filepath.Glob(filepath.Join(dir, "*_body"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, "_body")
		var texts [3]string
		for i, kind := range []string{"_body", "_sender", "_signature"} {
			b, err := os.ReadFile(base + kind)
			if err != nil {
				return nil, err
			}
			texts[i] = strings.ReplaceAll(string(b), "#sig#", "")
		}
		r := folded([]byte("From: " + strings.TrimSpace(texts[1]) + "\nContent-Type: text/plain; charset=utf-8\n\n" + texts[0]))
		got := ""
		if r.SignatureAt >= 0 {
			got = r.Text[r.SignatureAt:]
		}
		s.count(filepath.Base(base), squeezed(got), squeezed(texts[2]))
	}
	return s, nil
}

// scorePlainReplies compares the lines that stay visible with those that another program leaves, which hides signatures too.
func scorePlainReplies(dir string) ([]*score, error) {
	var wants map[string]string
	if err := readJSON(&wants, dir, "expected-visible.json"); err != nil {
		return nil, err
	}
	s := &score{name: "github-reply-parser exact"}
	for name, want := range wants {
		text, err := os.ReadFile(filepath.Join(dir, "emails", name))
		if err != nil {
			return nil, err
		}
		r := folded(append([]byte("Content-Type: text/plain; charset=utf-8\n\n"), text...))
		got := r.Text
		if r.SignatureAt >= 0 {
			got = got[:r.SignatureAt]
		}
		s.count(name, squeezed(got), squeezed(want))
		s.mean += lineF1(got, want) / float64(len(wants))
	}
	return []*score{s}, nil
}

// lineF1 is the F1 of two multisets of lines that are not empty, white space aside.
func lineF1(a, b string) float64 {
	count := map[string]int{}
	n, m, common := 0, 0, 0
	for s := range strings.SplitSeq(b, "\n") {
		if s = squeezed(s); s != "" {
			count[s]++
			n++
		}
	}
	for s := range strings.SplitSeq(a, "\n") {
		if s = squeezed(s); s == "" {
			continue
		}
		m++
		if count[s] > 0 {
			count[s]--
			common++
		}
	}
	if n+m == 0 {
		return 1
	}
	return 2 * float64(common) / float64(n+m)
}
