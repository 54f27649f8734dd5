package config

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a document. The parser takes time that grows with the square of the depth and of the number of keys side by side
// (goccy/go-yaml pull requests 902 and 889), and recurses with both; the configuration itself is five levels deep.
const (
	MaxDocument = 1 << 20 // bytes
	maxDepth    = 20
	maxWidth    = 100 // keys of one block mapping
)

// plainText returns the document with line ends as the parser counts them right, or notes why it is no text.
func plainText(r *reader, document string) string {
	if len(document) > MaxDocument {
		r.wrong(place{line: 1}, "the document is larger than 1 MiB")
		return ""
	}
	document = strings.TrimPrefix(document, "\uFEFF")
	document = strings.ReplaceAll(document, "\r\n", "\n") // the parser counts a CRLF inside a block as two lines
	line := 1
	for i, c := range document {
		switch {
		case c == '\n':
			line++
		case c == utf8.RuneError && !strings.HasPrefix(document[i:], string(utf8.RuneError)):
			r.wrong(place{line: line}, "the document is not UTF-8")
			return ""
		case c != '\t' && unicode.IsControl(c):
			r.wrong(place{line: line}, "a control character")
			return ""
		}
	}
	return document
}

// tokensOf splits a document into tokens and notes what the configuration has no use for. Without mistakes, the tokens can be
// parsed in a time that grows with the document.
func tokensOf(r *reader, document string) token.Tokens {
	tokens := lexer.Tokenize(document)
	var shape outline
	content := false
	for _, t := range tokens {
		at := place{line: t.Position.Line}
		switch t.Type {
		case token.InvalidType:
			r.wrong(at, "not valid YAML: %s", withoutValues(t.Error))
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			r.wrong(at, "anchors, aliases and merge keys are not allowed; text that begins with & or * is written in quotes")
		case token.TagType:
			r.wrong(at, "tags are not allowed; text that begins with ! is written in quotes")
		case token.DirectiveType:
			r.wrong(at, "directives are not allowed; text that begins with %% is written in quotes")
		case token.MappingKeyType:
			r.wrong(at, "keys that begin with ? are not allowed")
		case token.DocumentEndType:
			r.wrong(at, "the document is one: no ... in it")
		case token.DocumentHeaderType:
			if content {
				r.wrong(at, "the document is one: no second --- in it")
			}
		}
		content = content || t.Type != token.CommentType
		if problem := shape.add(t); problem != "" {
			r.wrong(at, "%s", problem)
			return nil
		}
	}
	return tokens
}

// outline follows depth and width of a document along its tokens.
type outline struct {
	flow    int     // open brackets
	columns []level // of the block collections that are open
}

type level struct{ column, keys int }

func (o *outline) add(t *token.Token) (problem string) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		o.flow++
	case token.SequenceEndType, token.MappingEndType:
		o.flow = max(0, o.flow-1)
	case token.SequenceEntryType:
		o.open(t.Position.Column)
	case token.MappingValueType:
		if o.flow > 0 || t.Prev == nil {
			break
		}
		here := o.open(t.Prev.Position.Column)
		if here.keys++; here.keys > maxWidth {
			return "too many keys in one place"
		}
	}
	if o.flow+len(o.columns) > maxDepth {
		return "too many levels"
	}
	return ""
}

// open closes the collections that a token in this column is not part of, and opens one if none stands there.
func (o *outline) open(column int) *level {
	for len(o.columns) > 0 && o.columns[len(o.columns)-1].column > column {
		o.columns = o.columns[:len(o.columns)-1]
	}
	if len(o.columns) == 0 || o.columns[len(o.columns)-1].column < column {
		o.columns = append(o.columns, level{column: column})
	}
	return &o.columns[len(o.columns)-1]
}

var (
	quotedText   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	quotedLetter = regexp.MustCompile(`'[\pL\pN]'`)
)

// withoutValues takes out of a parser's message what it quotes from the document.
func withoutValues(message string) string {
	return quotedLetter.ReplaceAllString(quotedText.ReplaceAllString(message, "…"), "…")
}
