package visible_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// TestRepliesOfTheCorpusAreFolded compares what stays visible of replies by common mail programs with what should.
func TestRepliesOfTheCorpusAreFolded(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	var texts, pages tally
	files, _ := filepath.Glob(filepath.Join(corpora, "talon", "standard_replies", "*.eml"))
	for _, file := range files {
		want := "Hello"
		if b, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + "_reply_text"); err == nil {
			want = string(b)
		}
		got := visible.Of(email.Parse(read(t, file)))
		if !texts.add(squeezed(got.Text) == squeezed(want)) {
			t.Logf("%s: %q, want %q", filepath.Base(file), got.Text, want)
		}
	}
	page := func(name, want string) {
		raw := mail("Content-Type: text/html; charset=utf-8", "", string(read(t, corpora, "talon", name)))
		got := visible.Of(email.Parse(raw))
		if !pages.add(squeezed(got.Text) == squeezed(want)) {
			t.Logf("%s: %q, want %q", name, got.Text, want)
		}
	}
	files, _ = filepath.Glob(filepath.Join(corpora, "talon", "html_replies", "*.html"))
	for _, file := range files {
		page(filepath.Join("html_replies", filepath.Base(file)), "Hi. I am fine. Thanks, Alex")
	}
	page("OLK_SRC_BODY_SECTION.html", "Reply")
	page("reply-separated-by-hr.html", "Hi there Bob")
	shared := visible.Of(email.Parse(read(t, corpora, "talon", "reply-quotations-share-block.eml")))
	if shared.Text == "" || strings.Contains(shared.Text, "From") {
		t.Errorf("%q", shared.Text)
	}
	t.Logf("text %d of %d, HTML %d of %d", texts.right, texts.all, pages.right, pages.all)
	if texts.right < texts.all || pages.right < pages.all {
		t.Error("all of them were read once")
	}
}

// TestPlainRepliesOfTheCorpusAreFolded compares the lines that stay visible with those that another program leaves.
func TestPlainRepliesOfTheCorpusAreFolded(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	var wants map[string]string
	readJSON(t, &wants, corpora, "github-reply-parser", "expected-visible.json")
	var with, without float64
	exact := 0
	for name, want := range wants {
		raw := append([]byte("Content-Type: text/plain; charset=utf-8\n\n"), read(t, corpora, "github-reply-parser", "emails", name)...)
		got := visible.Of(email.Parse(raw))
		unsigned := got.Text
		if got.SignatureAt >= 0 {
			unsigned = got.Text[:got.SignatureAt]
		}
		a, b := lineF1(got.Text, want), lineF1(unsigned, want)
		with, without = with+a, without+b
		if squeezed(unsigned) == squeezed(want) {
			exact++
		}
		if b < 1 {
			t.Logf("%s: F1 %.2f with signature, %.2f without: %.300q, want %.300q", name, a, b, unsigned, want)
		}
	}
	n := float64(len(wants))
	t.Logf("mean line F1 %.3f with signatures, %.3f without; %d of %d exact", with/n, without/n, exact, len(wants))
	if without/n < 0.92 || with/n < 0.80 || exact < 20 {
		t.Error("below what was reached")
	}
}

// lineF1 is the F1 of two multisets of lines, white space aside.
func lineF1(a, b string) float64 {
	count := map[string]int{}
	n := 0
	for s := range strings.SplitSeq(b, "\n") {
		if s = squeezed(s); s != "" {
			count[s]++
			n++
		}
	}
	common, m := 0, 0
	for s := range strings.SplitSeq(a, "\n") {
		if s = squeezed(s); s != "" {
			m++
			if count[s] > 0 {
				count[s]--
				common++
			}
		}
	}
	if n+m == 0 {
		return 1
	}
	return 2 * float64(common) / float64(n+m)
}

// TestSignaturesOfTheCorpusAreFound reports how many of the corpus's signatures are found where they begin.
func TestSignaturesOfTheCorpusAreFound(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	var found tally
	files, _ := filepath.Glob(filepath.Join(corpora, "talon", "signature", "emails", "stripped", "*_body"))
	for _, file := range files {
		base := strings.TrimSuffix(file, "_body")
		clean := func(s string) string { return strings.ReplaceAll(s, "#sig#", "") }
		sender, _ := os.ReadFile(base + "_sender")
		want, _ := os.ReadFile(base + "_signature")
		raw := mail("From: "+strings.TrimSpace(string(sender)), "Content-Type: text/plain; charset=utf-8", "", clean(string(read(t, file))))
		got := visible.Of(email.Parse(raw))
		signature := ""
		if got.SignatureAt >= 0 {
			signature = got.Text[got.SignatureAt:]
		}
		if !found.add(squeezed(signature) == squeezed(clean(string(want)))) {
			t.Logf("%s: %q, want %q", filepath.Base(base), signature, want)
		}
	}
	t.Logf("%d of %d", found.right, found.all)
	if found.right < found.all {
		t.Error("all of them were found once")
	}
}
