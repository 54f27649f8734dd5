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

// parseStructured reads such a value. What is malformed in it is passed over: comments anywhere, quotes that do not end, values with
// characters that need quotes, parameters without a value, semicolons that are missing.
func parseStructured(raw []byte) structured {
	r := parameterReader{b: unfold(raw)}
	out := structured{value: r.token()}
	var parts []segment
	for range maxParameters {
		name, value, ok := r.parameter()
		if !ok {
			break
		}
		if name != "" && len(value) > 0 {
			parts = append(parts, newSegment(name, value))
		}
	}
	out.parameters = joinSegments(parts)
	return out
}

// parameterReader reads a structured value from left to right.
type parameterReader struct {
	b       []byte
	at      int
	noQuote state // no quoted string ends any more
}

// token reads the value before the parameters: type, slash and subtype, or one word. White space and comments around the slash go.
func (r *parameterReader) token() string {
	main := r.word()
	r.space()
	if main == "" || r.at == len(r.b) || r.b[r.at] != '/' {
		if strings.HasPrefix(main, "/") {
			return ""
		}
		return strings.TrimSuffix(main, "/")
	}
	r.at++
	return strings.TrimSuffix(main+"/"+r.word(), "/")
}

// word reads up to white space, a comment or a separator; in quotes, up to their end.
func (r *parameterReader) word() string {
	r.space()
	if r.at < len(r.b) && r.b[r.at] == '"' {
		if end := quoteEnd(r.b, r.at); end > 0 {
			quoted := r.b[r.at+1 : end]
			r.at = end + 1
			return lowered(quoted)
		}
	}
	from := r.at
	for r.at < len(r.b) && bytes.IndexByte([]byte(" \t;,("), r.b[r.at]) < 0 {
		r.at++
	}
	w := r.b[from:r.at]
	if slash := bytes.IndexByte(w, '/'); slash > 0 && slash == len(w)-1 { // "text/ plain"
		r.at--
		w = w[:slash]
	}
	return lowered(w)
}

func lowered(b []byte) string {
	return strings.ToLower(strings.ToValidUTF8(string(bytes.TrimSpace(b)), ""))
}

// space steps over white space and comments.
func (r *parameterReader) space() {
	for r.at < len(r.b) {
		switch r.b[r.at] {
		case ' ', '\t':
			r.at++
			continue
		case '(':
			if end := commentEnd(r.b, r.at); end > 0 {
				r.at = end + 1
				continue
			}
		}
		return
	}
}

// parameter reads the next name=value; what has no equals sign before the next semicolon is left out.
func (r *parameterReader) parameter() (name string, value []byte, ok bool) {
	for {
		for r.at < len(r.b) && bytes.IndexByte([]byte(" \t;,"), r.b[r.at]) >= 0 {
			r.at++
		}
		if r.at == len(r.b) {
			return "", nil, false
		}
		end := bytes.IndexAny(r.b[r.at:], ";=")
		if end < 0 {
			return "", nil, false
		}
		name = lowered(r.b[r.at : r.at+end])
		r.at += end + 1
		if r.b[r.at-1] == ';' {
			continue
		}
		if i := strings.LastIndexAny(name, " \t"); i >= 0 && !strings.Contains(name, "*") { // words that are no parameter before one
			name = name[i+1:]
		}
		return name, r.value(), true
	}
}

// value reads the value of a parameter: a quoted string, or whatever stands before the next semicolon or the next parameter, if the
// semicolon is missing.
func (r *parameterReader) value() []byte {
	for r.at < len(r.b) && (r.b[r.at] == ' ' || r.b[r.at] == '\t') {
		r.at++
	}
	from := r.at
	if r.at < len(r.b) && r.b[r.at] == '"' && r.noQuote == absent {
		end := quoteEnd(r.b, r.at)
		if end > 0 && (end+1 == len(r.b) || bytes.IndexByte([]byte(" \t;,("), r.b[end+1]) >= 0) {
			r.at = end + 1
			return unquote(r.b[from:r.at])
		}
		if end < 0 {
			r.noQuote = present
		}
	}
	for r.at < len(r.b) && r.b[r.at] != ';' {
		if (r.b[r.at] == ' ' || r.b[r.at] == '\t') && parameterFollows(r.b[r.at:]) {
			break
		}
		r.at++
	}
	v := bytes.TrimSpace(r.b[from:r.at])
	if len(v) > 0 && v[0] == '"' { // quotes within quotes, or one that does not end
		if v = v[1:]; len(v) > 0 && v[len(v)-1] == '"' {
			v = v[:len(v)-1]
		}
		return v
	}
	return unquote(v)
}

// parameterNames are those that are met after a missing semicolon.
var parameterNames = map[string]bool{"charset": true, "name": true, "filename": true, "boundary": true, "format": true, "delsp": true, "type": true,
	"method": true, "protocol": true, "micalg": true, "report-type": true, "size": true, "creation-date": true, "modification-date": true,
	"read-date": true, "reply-type": true, "x-unix-mode": true, "component": true, "start": true, "server": true, "title": true}

// parameterFollows reports whether a parameter begins behind the white space with which b begins. A name that is not well known has to
// stand on a line of its own, which leaves more white space.
func parameterFollows(b []byte) bool {
	space := skipSpace(b, 0)
	if space > 1 && b[space-2] != ' ' && b[space-2] != '\t' {
		return false
	}
	rest := b[space:min(len(b), space+maxParameterName)]
	end := bytes.IndexByte(rest, '=')
	if end <= 0 || bytes.ContainsAny(rest[:end], " \t\";?") {
		return false
	}
	name, _, extended := bytes.Cut(rest[:end], []byte{'*'})
	return extended || space > 1 || parameterNames[lowered(name)]
}

// maxParameterName is longer than any name of a parameter.
const maxParameterName = 40

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
		if v[i] == '\\' && i+1 < end && (v[i+1] == '"' || v[i+1] == '\\' || v[i+1] == '\'') {
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
	form    segmentForm
	number  int
	coded   bool // percent signs, and in the first one a character set
	content []byte
}

// segmentForm is how a parameter is written; of several forms of one parameter the highest counts.
type segmentForm uint8

const (
	plainForm segmentForm = iota // name=value
	pieceForm                    // name*0=va; name*1=lue
	wholeForm                    // name*=charset'language'value
)

func newSegment(name string, value []byte) segment {
	base, tail, found := strings.Cut(name, "*")
	if !found || strings.Trim(base, "* ") == "" {
		return segment{name: name, content: value}
	}
	number, coded := strings.CutSuffix(tail, "*")
	if number == "" {
		return segment{name: base, form: wholeForm, coded: true, content: value}
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 {
		return segment{name: base, form: plainForm, content: value}
	}
	return segment{name: base, form: pieceForm, number: n, coded: coded, content: value}
}

// joinSegments puts the pieces of each parameter together and decodes them (RFC 2231 sections 3 and 4). Of a parameter that is there
// in several forms the encoded one wins, then the pieces if the first is among them; of one that is there twice, the first. Missing
// pieces are left out. Plain values may hold encoded words or 8-bit text, which are errors that everybody makes.
func joinSegments(parts []segment) map[string]string {
	slices.SortStableFunc(parts, func(a, b segment) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(b.form, a.form), cmp.Compare(a.number, b.number), compareCoded(b, a))
	})
	out := map[string]string{}
	for i := 0; i < len(parts); {
		group := parts[i:]
		for j := range group {
			if group[j].name != parts[i].name || group[j].form != parts[i].form {
				group = group[:j]
				break
			}
		}
		i += len(group)
		name := group[0].name
		if _, have := out[name]; have && (group[0].form != plainForm || out[name] != "") {
			continue
		}
		if group[0].form == pieceForm && group[0].number > 1 && i < len(parts) && parts[i].name == name {
			continue // the beginning is missing, and there is another form
		}
		out[name] = joined(group)
	}
	return out
}

// joined decodes the pieces of one parameter, in their order.
func joined(group []segment) string {
	var content []byte
	charset, coded, next := "", false, group[0].number
	for i, p := range group {
		if p.number < next {
			continue // a second one of the same number
		}
		next = p.number + 1
		if p.coded {
			label, text := cutCharset(p.content)
			switch {
			case i == 0:
				charset, p.content = label, text
			case label != "" && strings.EqualFold(label, charset): // repeated in each piece, by mistake
				p.content = text
			}
			coded = true
			p.content = unpercent(p.content)
		}
		content = append(content, p.content...)
	}
	if !coded {
		return decodeText(content)
	}
	text, _ := decodeCharset(content, charset)
	if strings.Contains(text, "=?") { // encoded twice
		return decodeText([]byte(text))
	}
	return cleanLine(text)
}

// cutCharset takes charset'language' off an encoded value; of two quotes one may be missing.
func cutCharset(b []byte) (charset string, rest []byte) {
	first, rest, found := bytes.Cut(b, []byte{'\''})
	if !found || len(first) > maxCharsetName {
		return "", b
	}
	if language, after, found := bytes.Cut(rest, []byte{'\''}); found && len(language) <= maxLanguage && bytes.IndexByte(language, '%') < 0 && bytes.IndexByte(language, ' ') < 0 {
		return string(first), after
	}
	if len(first) > 0 && lookupCharset(strings.ToLower(string(first))) == nil {
		return "", b
	}
	return string(first), rest
}

// maxLanguage is longer than any language in use (RFC 5646).
const maxLanguage = 35

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
