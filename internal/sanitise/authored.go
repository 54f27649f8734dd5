package sanitise

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/postroom/postroom"
)

// MaxAuthored is how many bytes of HTML an agent may write, those of what he pasted included.
const MaxAuthored = 1 << 20

// authoredElements are what a mail of ours may be made of (R15): paragraphs, bold, italic, underline, strike, lists, links, quotations, colours, sizes,
// alignment and tables, in the elements that browsers make of them, and images that go along.
var authoredElements = []string{
	"a", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "del", "div", "em", "font", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol",
	"p", "pre", "s", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}

var authoredAttributes = []string{"align", "border", "cellpadding", "cellspacing", "color", "colspan", "dir", "face", "height", "rowspan", "size", "start", "style",
	"type", "valign", "width"}

// authoredProperties are what a style attribute of ours may set; what they may be set to is as for others' mails.
var authoredProperties = map[string]bool{
	"background-color": true, "border": true, "border-bottom": true, "border-collapse": true, "border-color": true, "border-left": true, "border-right": true,
	"border-style": true, "border-top": true, "border-width": true, "color": true, "direction": true, "font-family": true, "font-size": true, "font-style": true,
	"font-weight": true, "height": true, "line-height": true, "list-style-type": true, "margin": true, "margin-bottom": true, "margin-left": true,
	"margin-right": true, "margin-top": true, "padding": true, "padding-bottom": true, "padding-left": true, "padding-right": true, "padding-top": true,
	"text-align": true, "text-decoration": true, "text-decoration-line": true, "text-indent": true, "vertical-align": true, "white-space": true, "width": true,
}

var authored = newAuthored()

func newAuthored() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(authoredElements...)
	p.AllowNoAttrs().OnElements(authoredElements...)
	p.SkipElementsContent(unread...)
	for _, name := range authoredAttributes {
		p.AllowAttrs(name).Matching(attributes[name]).Globally()
	}
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("alt").Matching(words).OnElements("img")
	return p
}

// Along says whether an image goes along with a mail, by its Content-ID.
type Along func(contentID string) bool

// Authored makes of what an agent wrote or pasted the HTML that a mail of ours may have: an allow-list, links to http, https, mailto and tel, and the
// images that go along. It loads nothing from anywhere, and a second time it changes nothing. Errors are Refused, with one of the package's reasons.
func Authored(ctx context.Context, source string, along Along) (string, error) {
	if len(source) > MaxAuthored {
		return "", postroom.Refused(ReasonTooLarge, "the formatted text is too large: write less, or attach it")
	}
	listed, err := sanitiser{policy: authored}.listed(ctx, source)
	if err != nil {
		return "", err
	}
	for range maxRounds {
		tree, err := parse(ctx, listed)
		if err != nil {
			return "", err
		}
		along.trim(tree)
		written, err := render(tree)
		if err != nil || written == listed {
			return strings.TrimSpace(written), err
		}
		listed = written
	}
	return "", untidy()
}

// trim filters styles, links and images of the tree that the allow-list leaves.
func (along Along) trim(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.Type == html.ElementNode && (!restyle(child, authoredProperties) || child.DataAtom == atom.Img && !along.goes(child)) {
			n.RemoveChild(child)
			child = next
			continue
		}
		along.trim(child)
		if child.DataAtom == atom.A {
			source, _ := attribute(child, "href")
			drop(child, "href")
			if target, ok := address(source); ok {
				set(child, "href", target.String())
			}
		}
		child = next
	}
}

// goes reports whether an image goes along, and writes its address as RFC 2392 has it.
func (along Along) goes(n *html.Node) bool {
	source, _ := attribute(n, "src")
	scheme, rest, _ := strings.Cut(strings.TrimSpace(source), ":")
	id, err := url.PathUnescape(rest)
	if err != nil || !strings.EqualFold(scheme, "cid") || !contentID.MatchString(id) || !along(id) {
		return false
	}
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "src" })
	set(n, "src", "cid:"+strings.ReplaceAll(url.PathEscape(id), "%40", "@"))
	return true
}
