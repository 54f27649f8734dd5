package config

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/postroom/postroom"
)

// Parse reads a configuration from a document that passed the card scanner (R36); file is what mistakes call it. The error is one
// *postroom.Error, Invalid, that lists all mistakes, at most MaxMistakes of them, one a line as "file:line: reason". It quotes
// well-formed keys only, and no value. What is returned without an error can be applied: each reference leads somewhere, each
// mailbox is entered, each queue can be served, and what has a default has a value.
func Parse(file string, document postroom.Text) (postroom.Configuration, error) {
	return parse(file, document.Reveal())
}

func parse(file, document string) (postroom.Configuration, error) {
	r := newReader()
	var c postroom.Configuration
	root := treeOf(r, document)
	if err := r.failure(file); err != nil {
		return postroom.Configuration{}, err
	}
	readSections(r, root, &c)
	resolve(r)
	check(r, c)
	if err := r.failure(file); err != nil {
		return postroom.Configuration{}, err
	}
	return c, nil
}

// treeOf parses a document; nil if it is empty.
func treeOf(r *reader, document string) ast.Node {
	text := plainText(r, document)
	if len(r.mistakes) > 0 {
		return nil
	}
	tokens := tokensOf(r, text)
	if len(r.mistakes) > 0 {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		at, message := place{line: 1}, "it cannot be understood"
		var known yaml.Error
		if errors.As(err, &known) {
			message = withoutValues(known.GetMessage())
			if t := known.GetToken(); t != nil && t.Position != nil {
				at.line = t.Position.Line
			}
		}
		r.wrong(at, "not valid YAML: %s", message)
		return nil
	}
	if len(file.Docs) == 0 {
		return nil
	}
	return file.Docs[0].Body
}

var errPanicked = errors.New("the parser panicked")

// parseTokens keeps a panic of the parser from ending the process: it had several on malformed documents (goccy/go-yaml issues 191
// and 479). A key that is given twice is left for us to find, with all others.
func parseTokens(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errPanicked
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}
