package email

import (
	"bytes"
	"strings"
)

// parseAddresses reads a list of addresses (RFC 5322 section 3.4), as generously as mail programs are: names with 8-bit text,
// dots, parentheses or unquoted commas, missing brackets, groups, routes. An entry without an @ is kept as a name without an address, but
// for names of groups.
func parseAddresses(raw []byte, d *defects) []Address {
	b := unfold(raw)
	if hasHigh(b) || bytes.IndexByte(b, escape) >= 0 {
		b = []byte(guessCharset(b)) // now no byte of a character is a comma or a quote
	}
	r := addressReader{b: b, defects: d, lastSemicolon: bytes.LastIndexByte(b, ';')}
	return r.list()
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

	nested state // this is the decoded text of another entry

	// What need not be searched for again, so that hostile input costs linear time.
	lastSemicolon int
	noQuote       state // no quoted string ends any more
	noComment     state // no comment does
	noBracket     state // no angle bracket is closed
}

// state is a flag with a name.
type state uint8

const (
	absent state = iota
	present
)

// list reads all entries.
func (r *addressReader) list() []Address {
	for r.at < len(r.b) && len(r.found) <= MaxAddresses {
		r.step()
	}
	r.finish()
	r.flush()
	return r.found
}

func (r *addressReader) step() {
	c := r.b[r.at]
	switch c {
	case '"':
		r.quotedString()
	case '(':
		r.parenthesis()
	case '<':
		r.brackets()
	case '>': // one too many
	case ',', ';':
		r.finish()
		if c == ';' {
			r.flush()
		}
	case ':':
		if r.bracket == absent && r.at < r.lastSemicolon && bytes.IndexByte(r.phrase, '@') < 0 {
			r.phrase, r.comment, r.pending, r.quoted = nil, nil, nil, absent // the name of a group
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

// brackets reads the address in angle brackets that begins here. Of several the first with an @ counts; one that does not end goes up to
// the next comma.
func (r *addressReader) brackets() {
	rest := r.b[r.at+1:]
	end := -1
	if r.noBracket == absent {
		end = bytes.IndexByte(rest, '>')
	}
	next := end + 1 // behind the bracket
	if end < 0 {
		r.noBracket = present
		if end = bytes.IndexByte(rest, ','); end < 0 {
			end = len(rest)
		}
		next = end // the comma ends the entry
	}
	angle := rest[:end]
	if i := bytes.LastIndexByte(angle, '<'); i >= 0 { // Name <and more <a@b>
		r.phrase = append(r.phrase, bytes.TrimLeft(angle[:i], "<")...)
		angle = angle[i+1:]
	}
	if r.bracket == absent || bytes.IndexByte(r.angle, '@') < 0 {
		r.angle, r.bracket = uncommented(angle), present
	}
	r.at += next
}

// uncommented drops comments within an address.
func uncommented(b []byte) []byte {
	from := bytes.IndexByte(b, '(')
	if from < 0 || b[0] == '"' {
		return b
	}
	out := append([]byte{}, b[:from]...)
	for at := from; at < len(b); at++ {
		if b[at] == '(' {
			end := commentEnd(b, at)
			if end < 0 {
				return append(out, b[at:]...)
			}
			at = end
			continue
		}
		out = append(out, b[at])
	}
	return out
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
	case bracket == present && bytes.IndexByte(angle, '@') < 0 && bytes.IndexByte(phrase, '@') > 0: // a@b <see below>
		r.flush()
		name, address := splitBare(phrase)
		r.keep(append(append(name, ' '), angle...), comment, address)
	case bracket == present:
		if len(r.pending) > 0 { // Doe, John <john@…>
			phrase = append(append(r.pending, ", "...), phrase...)
			r.pending = nil
		}
		r.keep(phrase, comment, angle)
	case len(phrase) == 0:
	case bytes.IndexByte(phrase, '@') >= 0 && quoted == absent:
		r.flush()
		name, address := splitBare(phrase)
		r.keep(name, comment, address)
	default:
		r.flush()
		r.pending = phrase
	}
}

// flush keeps what came without an address, such as MAILER-DAEMON: it is a name. An address may hide in quotes or in an encoded word.
func (r *addressReader) flush() {
	if len(r.pending) == 0 {
		return
	}
	name := displayName(r.pending)
	r.pending = nil
	if r.nested == absent && strings.Contains(name, "@") {
		inner := addressReader{b: []byte(name), defects: r.defects, lastSemicolon: -1, nested: present}
		if found := inner.list(); len(found) > 0 {
			r.found = append(r.found, found...)
			return
		}
	}
	if name != "" {
		r.defects.add(DefectAddress)
		r.found = append(r.found, Address{Name: name})
	}
}

func (r *addressReader) keep(name, comment, address []byte) {
	a := Address{Name: displayName(name), Address: addrSpec(address)}
	if a.Name == "" {
		a.Name = displayName(comment)
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
			address = append(address, word...)
			continue
		}
		if len(address) > 0 && (word[0] == '.' || bytes.IndexByte([]byte(".@"), address[len(address)-1]) >= 0) { // jdoe@test . example
			address = append(address, word...)
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
