package email

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// metaReach is how far from the start of HTML its character set is looked for.
const metaReach = 2048

var metaLabel = regexp.MustCompile(`(?i)<meta[^>]+charset\s*=\s*["']?([-\w.:]+)`)

// metaCharset is the character set that HTML names itself, or "".
func metaCharset(source []byte) string {
	if m := metaLabel.FindSubmatch(source[:min(len(source), metaReach)]); m != nil {
		return string(m[1])
	}
	return ""
}

// htmlText is what HTML says, as plain text: one line per block, list items with a dash, cells apart, quotations with ">",
// white space collapsed outside pre, and of pictures the alternative text. Scripts, styles and the title are left out. It works
// on tokens, so that no nesting can make it slow.
func htmlText(source string) string {
	w := textWriter{}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return w.finish()
		case html.TextToken:
			if !w.silent {
				w.text(html.UnescapeString(string(z.Raw())))
			}
			w.silent = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			w.open(atom.Lookup(name), z, more)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
}

// textWriter writes text and remembers what white space is due before the next word.
type textWriter struct {
	out    strings.Builder
	breaks int  // line ends due
	space  bool // a space is due
	silent bool // the next text is the content of an element that says nothing; the tokenizer gives it in one piece
	pre    int  // depth within pre
	quote  int  // depth within blockquote
}

// maxQuote bounds the depth of quotation marks that are written.
const maxQuote = 20

func (w *textWriter) open(a atom.Atom, z *html.Tokenizer, more bool) {
	w.silent = false
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Noframes, atom.Noembed, atom.Iframe:
		w.silent = true
	case atom.Br:
		w.breaks++
	case atom.Img:
		w.text(attribute(z, more, "alt"))
	case atom.Td, atom.Th:
		w.space = true
	case atom.Hr:
		w.block(1)
	case atom.Li:
		w.block(1)
		w.text("- ")
	case atom.Pre:
		w.block(1)
		w.pre++
	case atom.Blockquote:
		w.block(1)
		w.quote++
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.block(2)
	default:
		if isBlock(a) {
			w.block(1)
		}
	}
}

func (w *textWriter) close(a atom.Atom) {
	w.silent = false
	switch a {
	case atom.Pre:
		w.block(1)
		w.pre = max(0, w.pre-1)
	case atom.Blockquote:
		w.block(1)
		w.quote = max(0, w.quote-1)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.block(2)
	default:
		if isBlock(a) {
			w.block(1)
		}
	}
}

// isBlock reports whether an element begins a new line.
func isBlock(a atom.Atom) bool {
	switch a {
	case atom.Div, atom.Table, atom.Tr, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset, atom.Section, atom.Article,
		atom.Header, atom.Footer, atom.Main, atom.Aside, atom.Nav, atom.Figure, atom.Figcaption, atom.Address, atom.Center, atom.Body, atom.Option:
		return true
	}
	return false
}

// block asks for at least n line ends before what follows.
func (w *textWriter) block(n int) { w.breaks = max(w.breaks, n) }

func (w *textWriter) text(s string) {
	if w.pre > 0 {
		first := true
		for line := range strings.SplitSeq(s, "\n") {
			if !first {
				w.breaks++
			}
			first = false
			if line = strings.TrimRight(line, "\r"); line != "" {
				w.word(line)
			}
		}
		return
	}
	if s != "" && isSpace(s[0]) {
		w.space = true
	}
	first := true
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }) {
		if !first {
			w.space = true
		}
		w.word(word)
		first = false
	}
	if s != "" && isSpace(s[len(s)-1]) {
		w.space = true
	}
}

// isSpace reports whether HTML collapses a character; a no-break space it does not.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// word writes s behind the white space that is due.
func (w *textWriter) word(s string) {
	switch {
	case w.out.Len() == 0:
		w.mark()
	case w.breaks > 0:
		for range min(w.breaks, 3) {
			w.out.WriteByte('\n')
		}
		w.mark()
	case w.space:
		w.out.WriteByte(' ')
	}
	w.breaks, w.space = 0, false
	w.out.WriteString(s)
}

func (w *textWriter) mark() {
	if w.quote > 0 {
		w.out.WriteString(strings.Repeat(">", min(w.quote, maxQuote)) + " ")
	}
}

func (w *textWriter) finish() string { return w.out.String() }

// attribute returns the value of the tag's attribute of that name.
func attribute(z *html.Tokenizer, more bool, name string) string {
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if bytes.Equal(key, []byte(name)) {
			return string(value)
		}
	}
	return ""
}
