package email

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// structured is the value of Content-Type or Content-Disposition: a token and its parameters (RFC 2045 section 5.1), names in
// lower case, values decoded.
type structured struct {
	value      string // "text/plain", "attachment": in lower case
	parameters map[string]string
}

// Parameters reads a value of the form of Content-Type and Content-Disposition (RFC 2045 section 5.1): the value in lower case, and the
// parameters, names in lower case, values decoded (RFC 2231, RFC 2047). It is as tolerant as Parse.
func Parameters(value string) (token string, parameters map[string]string) {
	s := parseStructured([]byte(value))
	return s.value, s.parameters
}

// maxParameters bounds the parameters of one field.
const maxParameters = 100

// parseStructured reads such a value. What is malformed in it is passed over: quotes that do not end, values with characters
// that need quotes, parameters without a value.
func parseStructured(raw []byte) structured {
	b := unfold(raw)
	first, rest := cutParameter(b)
	out := structured{value: strings.ToLower(strings.TrimSpace(string(stripComment(first)))), parameters: map[string]string{}}
	var parts []segment
	for range maxParameters {
		var p []byte
		p, rest = cutParameter(rest)
		name, value, found := bytes.Cut(p, []byte{'='})
		if !found {
			continue
		}
		parts = append(parts, newSegment(strings.ToLower(string(bytes.TrimSpace(name))), unquote(bytes.TrimSpace(value))))
	}
	for name, value := range joinSegments(parts) {
		out.parameters[name] = value
	}
	return out
}

// cutParameter returns what stands before the next semicolon outside quotes, and what is after it. A quote that does not end
// counts as a character.
func cutParameter(b []byte) (p, rest []byte) {
	open := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == ';':
			return b[:i], b[i+1:]
		case b[i] == '"' && !open:
			end := quoteEnd(b, i)
			if open = end < 0; !open {
				i = end
			}
		}
	}
	return b, nil
}

// quoteEnd returns the position of the quote that ends the string which begins at i, or -1.
func quoteEnd(b []byte, i int) int {
	for j := i + 1; j < len(b); j++ {
		switch b[j] {
		case '\\':
			j++
		case '"':
			return j
		}
	}
	return -1
}

// unquote undoes a quoted string; without quotes, a comment at the end goes. Backslashes before other characters than quotes
// and backslashes are kept: they are paths of Windows.
func unquote(v []byte) []byte {
	if len(v) == 0 || v[0] != '"' {
		return bytes.TrimSpace(stripComment(v))
	}
	end := quoteEnd(v, 0)
	if end < 0 {
		end = len(v)
	}
	out := make([]byte, 0, end)
	for i := 1; i < end; i++ {
		if v[i] == '\\' && i+1 < end && (v[i+1] == '"' || v[i+1] == '\\') {
			i++
		}
		out = append(out, v[i])
	}
	return out
}

// stripComment removes a comment in parentheses at the end.
func stripComment(v []byte) []byte {
	if i := bytes.Index(v, []byte(" (")); i >= 0 && bytes.HasSuffix(bytes.TrimSpace(v), []byte(")")) {
		return v[:i]
	}
	return v
}

// segment is a parameter, or a piece of one: name*number* (RFC 2231).
type segment struct {
	name    string
	number  int // 0 when it is whole
	coded   bool
	content []byte
}

func newSegment(name string, value []byte) segment {
	s := segment{name: name, content: value}
	base, tail, found := strings.Cut(name, "*")
	if !found {
		return s
	}
	s.name = base
	number, coded := strings.CutSuffix(tail, "*")
	if tail == "" {
		s.coded = true // name*=charset'language'text
		return s
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return segment{name: name, content: value}
	}
	s.number, s.coded = n, coded
	return s
}

// joinSegments puts the pieces of each parameter together and decodes them (RFC 2231 sections 3 and 4). Of a parameter that is
// there twice the encoded form wins, then the first. Plain values may hold encoded words or 8-bit text, which are errors that everybody makes.
func joinSegments(parts []segment) map[string]string {
	slices.SortStableFunc(parts, func(a, b segment) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.number, b.number), -compareCoded(a, b))
	})
	out := map[string]string{}
	for i := 0; i < len(parts); {
		name := parts[i].name
		var content []byte
		charset, coded, next := "", parts[i].coded, parts[i].number
		for ; i < len(parts) && parts[i].name == name; i++ {
			p := parts[i]
			if p.number < next {
				continue // a second one of the same number
			}
			next = p.number + 1
			if p.coded {
				if head := bytes.SplitN(p.content, []byte{'\''}, 3); len(content) == 0 && len(head) == 3 {
					charset, p.content = string(head[0]), head[2]
				}
				p.content = unpercent(p.content)
			}
			content = append(content, p.content...)
		}
		if coded {
			text, _ := decodeCharset(content, charset)
			out[name] = cleanLine(text)
			continue
		}
		out[name] = decodeText(content)
	}
	return out
}

func compareCoded(a, b segment) int {
	switch {
	case a.coded == b.coded:
		return 0
	case a.coded:
		return 1
	}
	return -1
}

// unpercent undoes the %XX of RFC 2231.
func unpercent(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}
