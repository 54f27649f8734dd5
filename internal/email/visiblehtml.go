package email

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlLines is what HTML says, line by line, with what its structure says about quotations: mail programs mark them by element, class or
// id. It works on tokens, like htmlText, so that no nesting can make it slow.
func htmlLines(source string) []line {
	w := quoteWriter{}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			w.flush()
			return w.lines
		case html.TextToken:
			if !w.out.silent {
				w.out.text(html.UnescapeString(string(z.Raw())))
			}
			w.out.silent = false
		case html.StartTagToken:
			w.open(z, nested)
		case html.SelfClosingTagToken:
			w.open(z, empty)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
}

// quoteWriter writes text as textWriter does, and cuts it where quotations begin and end.
type quoteWriter struct {
	out   textWriter
	lines []line
	now   quotation
	stack []element
	depth map[atom.Atom]int // how many of each are open, so that no end tag is looked for in vain
}

// element is an open element, and what held before it.
type element struct {
	atom   atom.Atom
	before quotation
}

// content says whether an element has any.
type content uint8

const (
	nested content = iota
	empty
)

// open begins an element.
func (w *quoteWriter) open(z *html.Tokenizer, c content) {
	name, more := z.TagName()
	a := atom.Lookup(name)
	attributes := map[string]string{}
	for more && len(attributes) < 20 {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch k := string(key); k {
		case "class", "id", "type", "cite", "style", "alt", "data-marker":
			attributes[k] = string(value)
		}
	}
	mark := elementQuotes(a, attributes)
	if c == nested && !isVoid(a) && (isContainer(a) || mark != own) {
		w.stack = append(w.stack, element{a, w.now})
		if w.depth == nil {
			w.depth = map[atom.Atom]int{}
		}
		w.depth[a]++
	}
	if mark > w.now {
		w.turn(mark)
	}
	if a == atom.Blockquote {
		w.out.block(1) // the quotation marks that textWriter would write are what is found out here
		return
	}
	if a == atom.Img {
		w.out.text(attributes["alt"])
		return
	}
	w.out.open(a, z, false)
}

// close ends the last open element of that kind, and those within it.
func (w *quoteWriter) close(a atom.Atom) {
	if a == atom.Blockquote {
		w.out.block(1)
	} else {
		w.out.close(a)
	}
	if w.depth[a] == 0 {
		return
	}
	for n := len(w.stack); n > 0; n = len(w.stack) {
		top := w.stack[n-1]
		if a == atom.Span && top.atom != a {
			return // some block within was not closed
		}
		w.stack = w.stack[:n-1]
		w.depth[top.atom]--
		if top.before != w.now && w.now != rest {
			w.turn(top.before)
		}
		if top.atom == a {
			return
		}
	}
}

// turn begins a stretch of text that is quoted otherwise than the last.
func (w *quoteWriter) turn(to quotation) {
	w.flush()
	w.now = to
}

// flush makes lines of the text written so far.
func (w *quoteWriter) flush() {
	breaks, pre, silent := w.out.breaks, w.out.pre, w.out.silent
	text := w.out.finish()
	w.out = textWriter{pre: pre, silent: silent}
	if text != "" {
		for s := range strings.SplitSeq(text, "\n") {
			l := line{text: s, quoted: w.now}
			if w.now == own && beginsQuoted(s) {
				l.quoted = quoted
			}
			w.lines = append(w.lines, l)
		}
	}
	if breaks > 1 && len(w.lines) > 0 && w.lines[len(w.lines)-1].text != "" {
		w.lines = append(w.lines, line{quoted: w.now})
	}
}

// isContainer reports whether an element can hold a quotation and must be closed.
func isContainer(a atom.Atom) bool {
	switch a {
	case atom.Div, atom.Blockquote, atom.Table, atom.Tbody, atom.Tr, atom.Td, atom.Span, atom.Section, atom.Article, atom.Body, atom.Ul, atom.Ol, atom.Li, atom.Center:
		return true
	}
	return false
}

func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Hr, atom.Br, atom.Img, atom.Meta, atom.Link, atom.Input, atom.Base, atom.Col, atom.Wbr, atom.Area, atom.Embed, atom.Source:
		return true
	}
	return false
}

// elementQuotes says what an element tells about its content.
func elementQuotes(a atom.Atom, attributes map[string]string) quotation {
	id := strings.ToLower(attributes["id"])
	for strings.HasPrefix(id, "x_") { // Outlook renames what it quotes
		id = id[2:]
	}
	for _, s := range restIDs {
		if id == s {
			return rest
		}
	}
	for _, s := range quotedIDs {
		if id == s {
			return quoted
		}
	}
	for class := range strings.FieldsSeq(strings.ToLower(attributes["class"])) {
		switch {
		case strings.HasSuffix(class, "outlookmessageheader"):
			return rest
		case strings.HasSuffix(class, "gmail_attr"), strings.HasSuffix(class, "gmail_quote") && a != atom.Blockquote:
			return perhaps // a forwarded mail stands in the same
		case endsAny(class, quotedClasses):
			return quoted
		}
	}
	if attributes["data-marker"] == "__QUOTED_TEXT__" {
		return quoted
	}
	if a != atom.Blockquote {
		return own
	}
	style := strings.ToLower(attributes["style"])
	if strings.EqualFold(attributes["type"], "cite") || attributes["cite"] != "" || strings.Contains(style, "border-left") && !strings.Contains(style, "border-left:none") {
		return quoted
	}
	return perhaps
}

var (
	// restIDs mark where a quotation begins that goes on to the end: of Outlook on the web and for Windows, Hotmail, Zimbra, Outlook for Mac.
	restIDs = []string{"divrplyfwdmsg", "appendonsend", "stopspelling", "zwchr", "olk_src_body_section", "mail-editor-reference-message-container", "replysplit"}
	// quotedIDs mark what is quoted: of NetEase, Yahoo.
	quotedIDs = []string{"isreplycontent", "yahoo_quoted"}
	// quotedClasses end the names of the classes that mark what is quoted: of Gmail, Yahoo, Thunderbird, Proton, Tuta, Zoho, Yahoo for iOS, Apple,
	// FreeBird, Outlook, Airmail. Programs that quote put their own prefix before them.
	quotedClasses = []string{
		"gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "tutanota_quote", "zmail_extra", "iosymail", "appleoriginalcontents",
		"freebirdfullquote", "emailquote", "ms-outlook-mobile-reference-message", "airmail_on", "airmail_ext_on", "bloop_original_html",
	}
)
