package pci

import (
	"strings"

	"golang.org/x/net/html"
)

// looksLikeMarkup reports whether a text has tags or character references, whatever it calls itself.
func looksLikeMarkup(text string) bool {
	return strings.ContainsAny(text, "<&")
}

// findMarkup returns the card numbers that a reader of HTML or XML would see, or find in its attributes and comments. Their
// positions are not those of the source.
func (m mode) findMarkup(text string) []hit {
	if !looksLikeMarkup(text) {
		return nil
	}
	for _, shown := range markupText(text) {
		if hits := m.find(shown); len(hits) != 0 {
			return hits
		}
	}
	return nil
}

// markupText returns what HTML or XML says in three readings: with nothing in place of a tag, for numbers that tags run through; with a
// space in place of it, for numbers whose parts stand in cells or lines; and the values of attributes and the comments. The tokenizer takes any input, in linear time.
func markupText(text string) []string {
	var joined, apart, aside strings.Builder
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			aside.WriteByte('\n')
			return []string{joined.String(), apart.String(), aside.String()}
		case html.TextToken:
			t := html.UnescapeString(string(z.Raw()))
			joined.WriteString(t)
			apart.WriteString(t)
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if separates(string(name)) {
				joined.WriteString("\n\n")
			}
			apart.WriteByte(' ')
			for more {
				var value []byte
				_, value, more = z.TagAttr()
				aside.Write(value)
				aside.WriteString("\n\n")
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if separates(string(name)) {
				joined.WriteString("\n\n")
			}
			apart.WriteByte(' ')
		case html.CommentToken:
			aside.WriteString(html.UnescapeString(string(z.Raw())))
			aside.WriteString("\n\n")
		}
	}
}

// separates reports whether a tag begins a new line or cell, so that the text on both sides of it is not one number.
func separates(name string) bool {
	switch name {
	case "p", "div", "tr", "td", "th", "li", "table", "h1", "h2", "h3", "h4", "h5", "h6", "body", "title", "option", "pre":
		return true
	}
	return false
}
