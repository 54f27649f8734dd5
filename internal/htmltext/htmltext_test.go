package htmltext_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/postroom/postroom/internal/htmltext"
)

func TestHTMLSaysWhatItShows(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                    "",
		"a  b\n\tc":                           "a b c",
		"a<br>b<br><br>c":                     "a\nb\n\nc",
		"<p>a</p><p>b</p>":                    "a\n\nb",
		"<div>a<div>b</div></div>c":           "a\nb\nc",
		"<ul><li>a<li>b</ul>":                 "- a\n- b",
		"<table><tr><td>a<td>b<tr><td>c":      "a b\nc",
		"a<script>x</script><style>y</style>": "a",
		"<title>x</title>a":                   "a",
		"<pre>a\n  b</pre>":                   "a\n  b",
		"<blockquote>a<br>b</blockquote>c":    "> a\n> b\nc",
		"<img alt='a cat' src=x> b":           "a cat b",
		"&lt;b&gt; &amp; &nbsp;":              "<b> & \u00a0",
		"안녕<b>하세요</b>":                        "안녕하세요",
		"<<p>a":                               "<\n\na",
	} {
		if got := htmltext.Of(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

// Deep nesting ends and says what it holds.
func TestNestingIsNoMatter(t *testing.T) {
	t.Parallel()
	got := htmltext.Of(strings.Repeat("<blockquote><div>", 100_000) + "a")
	if want := strings.Repeat(">", 20) + " a"; got != want {
		t.Errorf("%.50q, want %q", got, want)
	}
}

func TestTextsAreCutWithinTheirElements(t *testing.T) {
	t.Parallel()
	w := htmltext.Writer{}
	w.Open(atom.Pre)
	w.Text("a  b")
	w.Close(atom.P)
	if text, breaks := w.Cut(); text != "a  b" || breaks != 2 {
		t.Errorf("%q, %d line ends due", text, breaks)
	}
	w.Text("c  d")
	if text, breaks := w.Cut(); text != "c  d" || breaks != 0 {
		t.Errorf("%q, %d line ends due", text, breaks)
	}
	z := html.NewTokenizer(strings.NewReader("x"))
	z.Next()
	w.Open(atom.Script)
	w.Token(z)
	if text, _ := w.Cut(); text != "" {
		t.Errorf("%q of a script", text)
	}
}
