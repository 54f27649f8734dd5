package sanitise

import (
	"regexp"

	"github.com/microcosm-cc/bluemonday"
)

// elements are what a mail may be made of. All that is missing here is left out, and its text kept, but for unread.
var elements = []string{
	"a", "abbr", "article", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn",
	"div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd",
	"li", "main", "mark", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody",
	"td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
}

// unread are elements whose content is no text of the mail, beside those that the library knows (script, style, title, iframe, object …).
var unread = []string{"svg", "math", "template", "textarea", "select", "audio", "video", "canvas", "applet", "xml", "map"}

// attributes are the attributes of every element, with what their values must be. Those of links and images are not here.
var attributes = map[string]*regexp.Regexp{
	"align":       word,
	"bgcolor":     colour,
	"border":      number,
	"cellpadding": number,
	"cellspacing": number,
	"color":       colour,
	"colspan":     number,
	"dir":         regexp.MustCompile(`(?i)^(ltr|rtl|auto)$`),
	"face":        regexp.MustCompile(`^[\p{L}\p{N} ,'_-]{1,200}$`),
	"height":      length,
	"lang":        regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`),
	"rowspan":     number,
	"size":        regexp.MustCompile(`^[+-]?[0-9]{1,2}$`),
	"start":       number,
	"style":       regexp.MustCompile(`^[^\\@]+$`), // what of it may stay, style.go says
	"type":        word,
	"valign":      word,
	"value":       number,
	"width":       length,
}

var (
	word   = regexp.MustCompile(`^[A-Za-z0-9-]{1,20}$`)
	number = regexp.MustCompile(`^[0-9]{1,3}$`)
	length = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4})?(px|%)?$`)
	colour = regexp.MustCompile(`^#?[A-Za-z0-9]{1,20}$`)
	words  = regexp.MustCompile(`^[^\x00]{0,1000}$`)
	// remote is the address of an image that is not loaded, as an earlier pass left it.
	remote = regexp.MustCompile(`^https?://[^\s"'<>\\]+$`)
	// contentID is what a cid: address names (RFC 2392).
	contentID = regexp.MustCompile(`^[^\s"'<>\\]{1,500}$`)
)

// policy is the allow-list. Addresses are absolute, or left out; data: addresses are, too: nobody has looked into what they hold (R29).
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(elements...)
	p.AllowNoAttrs().OnElements(elements...)
	p.SkipElementsContent(unread...)
	for name, value := range attributes {
		p.AllowAttrs(name).Matching(value).Globally()
	}
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("alt").Matching(words).OnElements("img")
	p.AllowAttrs(remoteMark).Matching(remote).OnElements("img")
	p.AllowAttrs(inlineMark).Matching(contentID).OnElements("img")
	return p
}
