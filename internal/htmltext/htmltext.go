// Package htmltext writes what HTML says as plain text, in one pass over its tokens, so that no nesting can make it slow.
package htmltext

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Of is what HTML says, as plain text: one line per block, list items with a dash, cells apart, quotations with ">",
// white space collapsed outside pre, and of pictures the alternative text. Scripts, styles and the title are left out. It works
// on tokens, so that no nesting can make it slow.
func Of(source string) string {
	w := Writer{}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return w.out.String()
		case html.TextToken:
			w.Token(z)
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			w.open(atom.Lookup(name), z, more)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.Close(atom.Lookup(name))
		}
	}
}

// Writer writes text token by token and remembers what white space is due before the next word, for those who look at the tokens themselves.
// The zero value is ready for use.
type Writer struct {
	out    strings.Builder
	breaks int  // line ends due
	space  bool // a space is due
	silent bool // the next text is the content of an element that says nothing; the tokenizer gives it in one piece
	pre    int  // depth within pre
	quote  int  // depth within blockquote
}

// Token takes the text that the tokenizer stands at.
func (w *Writer) Token(z *html.Tokenizer) {
	if !w.silent {
		w.Text(html.UnescapeString(string(z.Raw())))
	}
	w.silent = false
}

// Open begins an element whose attributes were read.
func (w *Writer) Open(a atom.Atom) { w.open(a, nil, false) }

// Cut is the text so far, and how many line ends are due behind it. What follows begins a text of its own, within the same elements.
func (w *Writer) Cut() (text string, breaks int) {
	text, breaks = w.out.String(), w.breaks
	*w = Writer{pre: w.pre, silent: w.silent}
	return text, breaks
}

// maxQuote bounds the depth of quotation marks that are written.
const maxQuote = 20

func (w *Writer) open(a atom.Atom, z *html.Tokenizer, more bool) {
	w.silent = false
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Noframes, atom.Noembed, atom.Iframe:
		w.silent = true
	case atom.Br:
		w.breaks++
	case atom.Img:
		w.Text(attribute(z, more, "alt"))
	case atom.Td, atom.Th:
		w.space = true
	case atom.Hr:
		w.Block(1)
	case atom.Li:
		w.Block(1)
		w.Text("- ")
	case atom.Pre:
		w.Block(1)
		w.pre++
	case atom.Blockquote:
		w.Block(1)
		w.quote++
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.Block(2)
	default:
		if isBlock(a) {
			w.Block(1)
		}
	}
}

// Close ends an element.
func (w *Writer) Close(a atom.Atom) {
	w.silent = false
	switch a {
	case atom.Pre:
		w.Block(1)
		w.pre = max(0, w.pre-1)
	case atom.Blockquote:
		w.Block(1)
		w.quote = max(0, w.quote-1)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.Block(2)
	default:
		if isBlock(a) {
			w.Block(1)
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

// Block asks for at least n line ends before what follows.
func (w *Writer) Block(n int) { w.breaks = max(w.breaks, n) }

// Text writes a text, white space collapsed outside pre.
func (w *Writer) Text(s string) {
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
func (w *Writer) word(s string) {
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

func (w *Writer) mark() {
	if w.quote > 0 {
		w.out.WriteString(strings.Repeat(">", min(w.quote, maxQuote)) + " ")
	}
}

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
