package sanitise

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postroom/postroom"
)

func nothing(string) bool { return false }

func write(t *testing.T, source string, along Along) string {
	t.Helper()
	written, err := Authored(t.Context(), source, along)
	if err != nil {
		t.Fatalf("%.80q: %v", source, err)
	}
	return written
}

// R15: what the composer offers is what the customer gets.
func TestAuthoredHTMLKeepsWhatTheComposerOffers(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"formats":      `<p><b>a</b> <i>b</i> <u>c</u> <s>d</s> <strong>e</strong> <em>f</em> <strike>g</strike></p>`,
		"lists":        `<ul><li>a</li><li>b<ol start="3"><li>c</li></ol></li></ul>`,
		"a link":       `<a href="https://shop.example/track?id=1&amp;x=2#here">follow it</a>`,
		"an address":   `<a href="mailto:sales@shop.example">write</a> <a href="tel:+8212345">call</a>`,
		"a quotation":  `<blockquote style="margin-left: 8px; border-left: 1px solid #ccc">a</blockquote>`,
		"colours":      `<span style="color: rgb(200, 0, 0); background-color: #ffff00">a</span><font color="#ff0000" size="4">b</font>`,
		"sizes":        `<span style="font-size: 18pt; font-family: &#39;Noto Sans KR&#39;, sans-serif">가</span>`,
		"alignment":    `<div style="text-align: center">a</div><p align="right">b</p>`,
		"a table":      `<table border="1" style="border-collapse: collapse"><tbody><tr><th colspan="2">a</th></tr><tr><td width="50%">b</td><td>c</td></tr></tbody></table>`,
		"own pictures": `<img src="cid:logo.1@shop.example" alt="logo" width="100" height="40"/>`,
		"small things": `a<br/>b<hr/>&lt;not an element&gt; &amp; more`,
	} {
		along := func(id string) bool { return id == "logo.1@shop.example" }
		tree, err := parse(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		want, err := render(tree)
		if err != nil {
			t.Fatal(err)
		}
		if got := sorted(t, write(t, source, along)); got != sorted(t, want) {
			t.Errorf("%s:\n%s\nbecame\n%s", name, want, got)
		}
	}
}

// sorted is HTML with the attributes of each element in order.
func sorted(t *testing.T, source string) string {
	t.Helper()
	tree, err := parse(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for n := range tree.Descendants() {
		slices.SortFunc(n.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
	}
	out, err := render(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What an agent pastes is no better than any mail.
func TestAuthoredHTMLLeavesNothingOfAnAttack(t *testing.T) {
	t.Parallel()
	for name, source := range attacks {
		for _, around := range []string{"%s", "<table><tr><td>%s</td></tr></table>", "<p>before %s after</p>"} {
			written := write(t, fmt.Sprintf(around, source), nothing)
			if found := harm(t, written); found != "" {
				t.Errorf("%s: %s\n%s", name, found, written)
			}
			if again := write(t, written, nothing); again != written {
				t.Errorf("%s: a second time it is\n%s\nand was\n%s", name, again, written)
			}
		}
	}
	// Control: the check sees what the allow-list is for.
	for _, source := range []string{`<script>x</script>`, `<img src="https://e.example/x.png"/>`, `<a href="javascript:x">y</a>`, `<p onclick="x">y</p>`, `<p style="position: fixed">y</p>`} {
		if harm(t, source) == "" {
			t.Errorf("the check says nothing of %s", source)
		}
	}
}

// harm says what of a mail of ours may not be; "" if nothing.
func harm(t *testing.T, written string) string {
	t.Helper()
	tree, err := parse(t.Context(), written)
	if err != nil {
		t.Fatal(err)
	}
	for n := range tree.Descendants() {
		if n.Type == html.CommentNode {
			return "a comment"
		}
		if n.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(authoredElements, n.Data) {
			return "an element " + n.Data
		}
		for _, a := range n.Attr {
			switch low := strings.ToLower(a.Val); {
			case a.Key == "href" && !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "mailto:") && !strings.HasPrefix(low, "tel:"):
				return "a link to " + a.Val
			case a.Key == "src" && !strings.HasPrefix(a.Val, "cid:"):
				return "it loads " + a.Val
			case a.Key == "style" && (strings.Contains(low, "url") || strings.Contains(low, "position:") || strings.Contains(low, "expression") || strings.ContainsAny(low, "@\\<")):
				return "a style " + a.Val
			case !slices.Contains(append(authoredAttributes, "href", "src", "alt"), a.Key):
				return "an attribute " + a.Key
			}
		}
	}
	return ""
}

func TestAuthoredHTMLHasOnlyThePicturesThatGoAlong(t *testing.T) {
	t.Parallel()
	along := func(id string) bool { return id == "a@shop.example" }
	got := write(t, `1<img src="cid:a@shop.example">2<img src="cid:b@shop.example">3<img src="https://shop.example/x.png">4<img src="data:image/png;base64,AAAA">5<img>6`, along)
	if want := `1<img src="cid:a@shop.example"/>23456`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := write(t, `<p>a<span style="display:none">hidden</span></p>`, nothing); got != "<p>a</p>" {
		t.Errorf("what is not shown is sent: %s", got)
	}
}

func TestAuthoredHTMLHasALimit(t *testing.T) {
	t.Parallel()
	if _, err := Authored(t.Context(), strings.Repeat("x", MaxAuthored+1), nothing); postroom.ReasonOf(err) != ReasonTooLarge {
		t.Errorf("too much of it: %v", err)
	}
	if got := write(t, strings.Repeat("<p>x</p>", 2000), nothing); len(got) != 16000 {
		t.Errorf("%d bytes", len(got))
	}
}
