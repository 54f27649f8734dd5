package email

import (
	"bytes"
	"strings"
)

// parseAddresses reads a list of addresses (RFC 5322 section 3.4), as generously as mail programs are: names with 8-bit text,
// dots, parentheses or unquoted commas, missing brackets, groups, routes. An entry without an @ is kept as it is, but for
// names of groups.
func parseAddresses(raw []byte, d *defects) []Address {
	b := unfold(raw)
	if hasHigh(b) || bytes.IndexByte(b, escape) >= 0 {
		b = []byte(guessCharset(b)) // now no byte of a character is a comma or a quote
	}
	r := addressReader{b: b, defects: d, lastSemicolon: bytes.LastIndexByte(b, ';')}
	for r.at < len(r.b) && len(r.found) <= MaxAddresses {
		r.step()
	}
	r.finish()
	r.flush()
	return r.found
}

// addressReader reads a list from left to right, collecting one entry at a time.
type addressReader struct {
	b       []byte
	at      int
	found   []Address
	defects *defects

	phrase  []byte // what stands outside brackets, quotes undone
	comment []byte
	angle   []byte // what stands in brackets
	bracket state
	quoted  state  // the phrase has a quoted part with an @ in it, which is no address
	pending []byte // an entry without an address: the family name before a comma, perhaps

	// What need not be searched for again, so that hostile input costs linear time.
	lastSemicolon int
	noQuote       state // no quoted string ends any more
	noComment     state // no comment does
}

// state is a flag with a name.
type state uint8

const (
	absent state = iota
	present
)

func (r *addressReader) step() {
	c := r.b[r.at]
	switch c {
	case '"':
		r.quotedString()
	case '(':
		r.parenthesis()
	case '<':
		end := bytes.IndexByte(r.b[r.at:], '>')
		if end < 0 {
			end = len(r.b) - r.at
		}
		r.angle, r.bracket = r.b[r.at+1:r.at+end], present
		r.at += end
	case '>': // one too many
	case ',', ';':
		r.finish()
		if c == ';' {
			r.flush()
		}
	case ':':
		if r.bracket == absent && r.at < r.lastSemicolon && bytes.IndexByte(r.phrase, '@') < 0 {
			r.phrase, r.comment, r.pending = nil, nil, nil // the name of a group
			break
		}
		r.phrase = append(r.phrase, c)
	default:
		r.phrase = append(r.phrase, c)
	}
	r.at++
}

// quotedString reads the quoted string that begins here; a quote that does not end is passed over.
func (r *addressReader) quotedString() {
	end := -1
	if r.noQuote == absent {
		end = quoteEnd(r.b, r.at)
	}
	if end < 0 {
		r.noQuote = present
		return
	}
	text := unquote(r.b[r.at : end+1])
	switch {
	case end+1 < len(r.b) && r.b[end+1] == '@': // "local part"@domain
		text = r.b[r.at : end+1]
	case bytes.IndexByte(text, '@') >= 0:
		r.quoted = present
	}
	r.phrase = append(r.phrase, text...)
	r.at = end
}

// parenthesis reads the comment that begins here; a parenthesis that does not end is a character of the name.
func (r *addressReader) parenthesis() {
	end := -1
	if r.noComment == absent {
		end = commentEnd(r.b, r.at)
	}
	if end < 0 {
		r.noComment = present
		r.phrase = append(r.phrase, '(')
		return
	}
	if len(r.comment) > 0 {
		r.comment = append(r.comment, ' ')
	}
	r.comment = append(r.comment, r.b[r.at+1:end]...)
	r.at = end
}

// commentEnd returns the position of the parenthesis that closes the one at i, or -1.
func commentEnd(b []byte, i int) int {
	depth := 0
	for j := i; j < len(b); j++ {
		switch b[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

// finish ends the entry at a comma or at the end.
func (r *addressReader) finish() {
	phrase, comment := bytes.TrimSpace(r.phrase), r.comment
	angle, bracket, quoted := bytes.TrimSpace(r.angle), r.bracket, r.quoted
	r.phrase, r.comment, r.angle, r.bracket, r.quoted = nil, nil, nil, absent, absent
	switch {
	case bracket == present:
		if len(r.pending) > 0 { // Doe, John <john@…>
			phrase = append(append(r.pending, ", "...), phrase...)
			r.pending = nil
		}
		r.keep(phrase, comment, angle)
	case len(phrase) == 0 && len(comment) == 0:
	case bytes.IndexByte(phrase, '@') >= 0 && quoted == absent:
		r.flush()
		name, address := splitBare(phrase)
		r.keep(name, comment, address)
	default:
		r.flush()
		r.pending = append(phrase, comment...)
	}
}

// flush keeps what came without an address, such as MAILER-DAEMON.
func (r *addressReader) flush() {
	if len(r.pending) == 0 {
		return
	}
	r.defects.add(DefectAddress)
	r.found = append(r.found, Address{Address: displayName(r.pending)})
	r.pending = nil
}

func (r *addressReader) keep(name, comment, address []byte) {
	a := Address{Name: displayName(name), Address: addrSpec(address)}
	if a.Name == "" {
		a.Name = displayName(comment)
	}
	if a.Name == a.Address {
		a.Name = ""
	}
	if a.Address == "" && a.Name == "" {
		return
	}
	if !strings.Contains(a.Address, "@") {
		r.defects.add(DefectAddress)
	}
	r.found = append(r.found, a)
}

// splitBare finds the word with the @ in an entry without brackets; the other words are the name.
func splitBare(phrase []byte) (name, address []byte) {
	if i := bytes.Index(phrase, []byte(`"@`)); i > 0 && phrase[0] == '"' { // "local part"@domain
		return nil, phrase
	}
	for _, word := range bytes.Fields(phrase) {
		if address == nil && bytes.IndexByte(word, '@') >= 0 {
			address = word
			continue
		}
		if len(name) > 0 {
			name = append(name, ' ')
		}
		name = append(name, word...)
	}
	return name, address
}

// addrSpec cleans an address: no white space, no route (RFC 5322 section 4.4), no mailto:, no brackets left.
func addrSpec(b []byte) string {
	s := decodeText(b)
	if strings.HasPrefix(s, "@") {
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			s = s[i+1:]
		}
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.HasPrefix(s, `"`) {
		return s // white space within the quotes belongs to the address
	}
	return strings.Join(strings.Fields(strings.Trim(s, "<>'")), "")
}

// displayName decodes a name and takes the quotes off that some programs put inside encoded words.
func displayName(b []byte) string {
	s := strings.Join(strings.Fields(decodeText(b)), " ")
	if len(s) >= 2 && (s[0] == '"' && s[len(s)-1] == '"' || s[0] == '\'' && s[len(s)-1] == '\'') {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}
