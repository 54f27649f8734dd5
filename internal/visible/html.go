package visible

import (
	"slices"
	"strings"

	"github.com/postroom/postroom/internal/htmltext"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlLines is what HTML says, line by line, with what its structure says about quotations: mail programs mark them by element, class or
// id. It works on tokens, like htmltext, so that no nesting can make it slow.
func htmlLines(source string) []line {
	w := quoteWriter{}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			w.flush()
			return w.lines
		case html.TextToken:
			w.out.Token(z)
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

// quoteWriter writes text as htmltext.Writer does, and cuts it where quotations begin and end.
type quoteWriter struct {
	out   htmltext.Writer
	lines []line
	now   quotation
	signs bool // within an element that a mail program marks as the signature
	stack []element
	depth map[atom.Atom]int // how many of each are open, so that no end tag is looked for in vain
}

// element is an open element, and what held before it.
type element struct {
	atom   atom.Atom
	before quotation
	signs  bool
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
	e := readElement(z, a, more)
	mark, signs := e.quotes(), e.signs()
	if c == nested && !isVoid(a) && (isContainer(a) || mark != own || signs) {
		w.stack = append(w.stack, element{a, w.now, w.signs})
		if w.depth == nil {
			w.depth = map[atom.Atom]int{}
		}
		w.depth[a]++
	}
	if mark > w.now || signs && !w.signs {
		w.turn(max(mark, w.now))
		w.signs = w.signs || signs
	}
	switch a {
	case atom.Blockquote:
		w.out.Block(1) // the quotation marks that it would write are what is found out here
	case atom.Img:
		w.out.Text(e.alt)
	default:
		w.out.Open(a)
	}
}

// marked is an element and those of its attributes that matter here.
type marked struct {
	atom                                  atom.Atom
	class, id, kind, cite, style, alt, by string
	block                                 string // data-signatureblock
}

// readElement reads the attributes of a tag, up to twenty.
func readElement(z *html.Tokenizer, a atom.Atom, more bool) marked {
	e := marked{atom: a}
	for n := 0; more && n < 20; n++ {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "class":
			e.class = string(value)
		case "id":
			e.id = string(value)
		case "type":
			e.kind = string(value)
		case "cite":
			e.cite = string(value)
		case "style":
			e.style = string(value)
		case "alt":
			e.alt = string(value)
		case "data-marker":
			e.by = string(value)
		case "data-signatureblock":
			e.block = string(value)
		}
	}
	return e
}

// close ends the last open element of that kind, and those within it.
func (w *quoteWriter) close(a atom.Atom) {
	if a == atom.Blockquote {
		w.out.Block(1)
	} else {
		w.out.Close(a)
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
		if w.now != rest && (top.before != w.now || top.signs != w.signs) {
			w.turn(top.before)
			w.signs = top.signs
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
	text, breaks := w.out.Cut()
	if text != "" {
		for s := range strings.SplitSeq(text, "\n") {
			l := line{text: s, quoted: w.now, signs: w.signs}
			if w.now == own && beginsQuoted(s) {
				l.quoted = arrowed
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

// quotes says what an element tells about its content.
func (e marked) quotes() quotation {
	id := strings.ToLower(e.id)
	for strings.HasPrefix(id, "x_") { // Outlook renames what it quotes
		id = id[2:]
	}
	switch {
	case slices.Contains(restIDs, id):
		return rest
	case slices.Contains(quotedIDs, id), e.by == "__QUOTED_TEXT__":
		return quoted
	}
	for class := range strings.FieldsSeq(strings.ToLower(e.class)) {
		switch {
		case strings.HasSuffix(class, "outlookmessageheader"):
			return rest
		case strings.HasSuffix(class, "gmail_attr"), strings.HasSuffix(class, "gmail_quote") && e.atom != atom.Blockquote:
			return perhaps // a forwarded mail stands in the same
		case endsAny(class, quotedClasses):
			return quoted
		}
	}
	if e.atom != atom.Blockquote {
		return own
	}
	if strings.EqualFold(e.kind, "cite") || e.cite != "" || drawsBorder(e.style) {
		return quoted
	}
	return perhaps
}

// signs reports whether an element holds the signature.
func (e marked) signs() bool {
	for class := range strings.FieldsSeq(strings.ToLower(e.class)) {
		if endsAny(class, signatureClasses) {
			return true
		}
	}
	return e.block == "true" || slices.Contains(signatureIDs, strings.ToLower(e.id))
}

// drawsBorder reports whether a style draws the line at the left that marks quotations.
func drawsBorder(style string) bool {
	_, border, found := strings.Cut(strings.ToLower(style), "border-left")
	border, _, _ = strings.Cut(border, ";")
	return found && !strings.Contains(border, "none") && !strings.HasSuffix(strings.TrimSpace(border), ":0")
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
	// signatureClasses end the names of the classes that mark signatures: of Gmail, Thunderbird, Proton, Tuta.
	signatureClasses = []string{"gmail_signature", "moz-signature", "protonmail_signature_block", "tutanota_signature"}
	// signatureIDs mark signatures: of Outlook on the web and for telephones, Apple Mail, Samsung.
	signatureIDs = []string{"signature", "ms-outlook-mobile-signature", "applemailsignature", "composer_signature"}
)
