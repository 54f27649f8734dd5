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
// space in place of it, for numbers whose parts stand in cells or lines; and the values of attributes and the comments. If elements hide
// their content, a fourth reading is without it, for numbers that such elements run through. The tokenizer takes any input, in linear time.
func markupText(text string) []string {
	var joined, apart, aside, shown strings.Builder
	hidden, hides := 0, false
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			aside.WriteByte('\n')
			readings := []string{joined.String(), apart.String(), aside.String()}
			if hides {
				readings = append(readings, shown.String())
			}
			return readings
		case html.TextToken:
			t := html.UnescapeString(string(z.Raw()))
			joined.WriteString(t)
			apart.WriteString(t)
			if hidden == 0 {
				shown.WriteString(t)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if separates(string(name)) {
				joined.WriteString("\n\n")
				shown.WriteString("\n\n")
			}
			if kind == html.StartTagToken && hidesContent(string(name)) {
				hidden, hides = hidden+1, true
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
				shown.WriteString("\n\n")
			}
			if hidesContent(string(name)) && hidden > 0 {
				hidden--
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

// hidesContent reports whether what stands in an element is not shown as text.
func hidesContent(name string) bool {
	switch name {
	case "script", "style", "title", "template", "noscript", "iframe", "object", "noembed", "noframes", "textarea", "select", "svg", "math",
		"audio", "video", "canvas", "applet", "xml", "map":
		return true
	}
	return false
}
