package sanitise

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/testkit/cpu"
)

// shown sanitises what must be fit to show.
func shown(t testing.TB, source string) string {
	t.Helper()
	page, err := HTML(t.Context(), source, None)
	if err != nil {
		t.Fatalf("%.200q: %v", source, err)
	}
	return page.HTML
}

// written are the attributes of the result beside those of the table.
var written = []string{"href", "rel", "target", "title", "alt", "src", remoteMark, inlineMark, hostMark}

// faults reads a page as a browser does and says what in it could act, load, or leave its place. It knows nothing of how the page was made.
func faults(page string) []string {
	var found []string
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	doc, err := html.Parse(strings.NewReader(`<!doctype html><html><body><div id="frame">` + page + `</div><p id="after">after</p></body></html>`))
	if err != nil {
		return []string{err.Error()}
	}
	after := false
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			fault("a comment")
		case html.ElementNode:
			if id, ok := attribute(n, "id"); ok {
				after = after || id == "after" && n.Parent.Data == "body"
				continue
			}
			if n.Data == "html" || n.Data == "head" || n.Data == "body" {
				if len(n.Attr) > 0 {
					fault("<%s> with attributes", n.Data)
				}
				continue
			}
			if n.Namespace != "" || !slices.Contains(elements, n.Data) {
				fault("<%s>", n.Data)
			}
			for _, a := range n.Attr {
				if f := faultOf(n, a); f != "" {
					fault("<%s %s=%q>: %s", n.Data, a.Key, a.Val, f)
				}
			}
		}
	}
	if !after {
		fault("what stands behind it is not where it was")
	}
	return found
}

func faultOf(n *html.Node, a html.Attribute) string {
	low := strings.ToLower(a.Val)
	switch a.Key {
	case "href":
		if !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "mailto:") && !strings.HasPrefix(low, "tel:") {
			return "an address of another kind"
		}
		if rel, _ := attribute(n, "rel"); rel != "noopener noreferrer nofollow" {
			return "it says where it was found"
		}
		if target, _ := attribute(n, "target"); target != "_blank" {
			return "it opens here"
		}
	case "src":
		return "it loads"
	case "style":
		for _, bad := range []string{"url", "expression", "@", `\`, "javascript", "position:", "behavior", "binding", "<", "image-set", "attr("} {
			if strings.Contains(strings.ReplaceAll(low, "list-style-position:", ""), bad) {
				return bad
			}
		}
	default:
		if _, listed := attributes[a.Key]; !listed && !slices.Contains(written, a.Key) {
			return "an attribute that nobody allowed"
		}
	}
	return ""
}

func TestHTMLLeavesNothingOfAnAttack(t *testing.T) {
	t.Parallel()
	if len(attacks) < 60 {
		t.Fatalf("%d attacks", len(attacks))
	}
	for name, source := range attacks {
		for _, around := range []string{"%s", "<table><tr><td>%s</td></tr></table>", "<p>before %s after</p>"} {
			page := shown(t, fmt.Sprintf(around, source))
			if found := faults(page); len(found) > 0 {
				t.Errorf("%s: %v\n%s", name, found, page)
			}
			if again := shown(t, page); again != page {
				t.Errorf("%s: a second time it is\n%s\nand was\n%s", name, again, page)
			}
		}
	}
}

// The control: without the allow-list the same table is full of faults, so that the test above would see them.
func TestWithoutTheAllowListAttacksComeThrough(t *testing.T) {
	t.Parallel()
	open := sanitiser{rewriter: rewriter{images: None}}
	through := 0
	for _, source := range attacks {
		if page, err := open.page(t.Context(), source); err == nil && len(faults(page.HTML)) > 0 {
			through++
		}
	}
	if through < len(attacks)/2 {
		t.Errorf("%d of %d attacks came through without the allow-list", through, len(attacks))
	}
}

func TestHTMLKeepsWhatAMailLooksLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"text", `<p>안녕하세요 <b>김미나</b> &amp; 山田</p>`, `<p>안녕하세요 <b>김미나</b> &amp; 山田</p>`},
		{"layout", `<table width="600" cellpadding="0" bgcolor="#ffffff"><tr><td align="center" style="color:#333;padding:4px 8px">x</td></tr></table>`,
			`<table width="600" cellpadding="0" bgcolor="#ffffff"><tbody><tr><td align="center" style="color: #333; padding: 4px 8px">x</td></tr></tbody></table>`},
		{"colours", `<span style="background-color:rgba(1, 2, 3, .5);font-family:'맑은 고딕',sans-serif">x</span>`,
			`<span style="background-color: rgba(1, 2, 3, .5); font-family: &#39;맑은 고딕&#39;,sans-serif">x</span>`},
		{"a link", `<a href="https://shop.example/o?id=1&amp;x=2">order</a>`,
			`<a href="https://shop.example/o?id=1&amp;x=2" rel="noopener noreferrer nofollow" target="_blank" title="shop.example">order</a>`},
		{"mail and phone", `<a href="mailto:a@b.example">a</a><a href="tel:+8221234567">b</a>`,
			`<a href="mailto:a@b.example" rel="noopener noreferrer nofollow" target="_blank">a</a>` +
				`<a href="tel:+8221234567" rel="noopener noreferrer nofollow" target="_blank">b</a>`},
		{"a link that lies", `<a href="https://evil.example/">www.bank.example</a>`,
			`<a href="https://evil.example/" rel="noopener noreferrer nofollow" target="_blank" title="evil.example" data-host="evil.example">www.bank.example</a>`},
		{"a link that does not", `<a href="https://www.bank.example/x">https://bank.example/x</a>`,
			`<a href="https://www.bank.example/x" rel="noopener noreferrer nofollow" target="_blank" title="www.bank.example">https://bank.example/x</a>`},
		{"somebody's name in an address", `<a href="https://bank.example@evil.example/">x</a>`,
			`<a href="https://evil.example/" rel="noopener noreferrer nofollow" target="_blank" title="evil.example">x</a>`},
		{"letters of another script", `<a href="https://bаnk.example/">x</a>`, // a Cyrillic а
			`<a href="https://xn--bnk-6cd.example/" rel="noopener noreferrer nofollow" target="_blank" title="xn--bnk-6cd.example" data-host="xn--bnk-6cd.example">x</a>`},
		{"what the mail hides", `<div style="display:none">preview</div>x`, `x`},
		{"an open mail", `</td></tr></table></div></div><b>x`, `<b>x</b>`},
		{"a remote image", `<img src="https://t.example/p.gif" width="1" alt="logo">`, `<img width="1" alt="logo" data-src="https://t.example/p.gif"/>`},
		{"old tags", `<center><font color="red" size="+1" face="굴림">x</font></center>`, `<center><font color="red" face="굴림" size="+1">x</font></center>`},
		{"ignored wrappers", `<html><head><title>t</title><style>p{}</style></head><body bgcolor=red><form><o:p>x</o:p></form></body></html>`, `x`},
	} {
		if got := shown(t, c.source); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestImagesThatCameWithTheMailAreTheCallersToPutIn(t *testing.T) {
	t.Parallel()
	images := func(id string) string {
		if id == "logo@mail" {
			return "/content/attachments/1"
		}
		return ""
	}
	page, err := HTML(t.Context(), `<img src="cid:logo%40mail"><img src="CID:other@mail"><img src="https://t.example/p.gif"><img src="/x.png">`, images)
	if err != nil {
		t.Fatal(err)
	}
	const want = `<img data-cid="logo@mail" src="/content/attachments/1"/><img data-cid="other@mail"/><img data-src="https://t.example/p.gif"/><img/>`
	if page.HTML != want || page.Blocked != 1 {
		t.Errorf("%d %s", page.Blocked, page.HTML)
	}
}

func TestHTMLIsBounded(t *testing.T) {
	t.Parallel()
	refused := func(what, source string, ctx context.Context, want postroom.Reason) {
		page, err := HTML(ctx, source, None)
		if postroom.ReasonOf(err) != want || page.HTML != "" {
			t.Errorf("%s: %v, %d bytes", what, err, len(page.HTML))
		}
	}
	refused("too large", strings.Repeat("x", MaxSource+1), t.Context(), ReasonTooLarge)
	refused("too deep", strings.Repeat("<div>", 600)+"x", t.Context(), ReasonUntidy)
	fonts := ""
	for i := range 20 {
		fonts += fmt.Sprintf(`<font face="%s%d">`, strings.Repeat("a", 190), i)
	}
	refused("multiplied", "<p>"+fonts+"</p>"+strings.Repeat("<p>x</p>", 3000), t.Context(), ReasonUntidy) // each paragraph begins them all again
	over, cancel := context.WithCancel(t.Context())
	cancel()
	refused("too late", "<p>x", over, ReasonTakesLong)
}

// Twice the mail takes no more than about twice the time, whatever it is made of.
func TestTimeGrowsWithTheMail(t *testing.T) {
	for _, shape := range []string{"<b>", "<a href=x>", "<p>", "<table><tr><td>", "</div>", "<i><p>", "<b><i></b></i>", "<a href=https://a.example/>x<div>", `<img src="https://a.example/x">`,
		"&amp;", "<x ", "<", "a=b ", "<!--", "<font color=red><p>", `<p style="color:red;` + strings.Repeat("color:red;", 300) + `">`, "<svg>", "<li>", "<tr>", "<table>x", "<script>", "</p>", "<option>"} {
		time1, time4 := best(shape, 32<<10), best(shape, 128<<10)
		if time4 > 16*time1+50*time.Millisecond {
			t.Errorf("%.20q: %v, and four times as much takes %v", shape, time1, time4)
		}
	}
}

func best(shape string, size int) time.Duration {
	source := strings.Repeat(shape, size/len(shape))
	return cpu.Best(func() { _, _ = HTML(context.Background(), source, None) })
}

func FuzzHTML(f *testing.F) {
	for _, source := range attacks {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		page, err := HTML(t.Context(), source, None)
		if err != nil {
			if page.HTML != "" {
				t.Errorf("%v, and %q", err, page.HTML)
			}
			return
		}
		if found := faults(page.HTML); len(found) > 0 {
			t.Errorf("%v\n%s", found, page.HTML)
		}
		if again := shown(t, page.HTML); again != page.HTML {
			t.Errorf("a second time it is\n%s\nand was\n%s", again, page.HTML)
		}
	})
}

func BenchmarkHTML(b *testing.B) {
	row := `<tr><td align="center" style="font-family:Arial,sans-serif;font-size:14px;color:#333333;padding:4px 8px">Order <a href="https://shop.example/o?id=1">12</a><img src="https://t.example/x.png" width="20"></td></tr>`
	source := "<table>" + strings.Repeat(row, 200) + "</table>"
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := HTML(b.Context(), source, None); err != nil {
			b.Fatal(err)
		}
	}
}
