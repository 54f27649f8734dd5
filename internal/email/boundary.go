package email

import (
	"bytes"
	"strings"
)

// split cuts the body of a multipart at its boundary (RFC 2046 section 5.1.1). It returns nil when there is none to be found, not
// even a line that looks like one.
func (t *tree) split(p *part) ([][]byte, closing) {
	boundary := []byte("--" + strings.TrimRight(p.parameters["boundary"], " "))
	var pieces [][]byte
	end := unclosed
	if len(boundary) > 2 {
		pieces, end = cutAt(p.body, boundary, wholeLine)
		if pieces == nil && p.encoding != "" && t.opened < maxOpened {
			t.opened++
			// Forbidden, and done all the same: a multipart that is encoded as a whole.
			if decoded := decodeTransfer(p.body, p.encoding, &defects{}); len(decoded) > 0 && bytes.Contains(decoded, boundary) {
				p.body = decoded
				pieces, end = cutAt(p.body, boundary, wholeLine)
			}
		}
		if pieces == nil {
			pieces, end = cutAt(p.body, boundary, startOfLine)
		}
	}
	if pieces == nil {
		t.defects.add(DefectBoundary)
		if boundary = likelyBoundary(p.body); boundary != nil {
			pieces, end = cutAt(p.body, boundary, wholeLine)
		}
	}
	if pieces != nil && end == unclosed {
		pieces, end = closeLate(pieces, boundary)
	}
	if pieces != nil && end == unclosed {
		t.defects.add(DefectUnclosed)
		if last := len(pieces) - 1; last > 0 && len(pieces[last]) == 0 {
			return pieces[:last], closed // the mail ends with a boundary that should have been the closing one
		}
	}
	return pieces, end
}

// closeLate finds a closing boundary that is no line of its own: other text follows it, or it stands at the end of a line, behind content
// that does not end in one.
func closeLate(pieces [][]byte, boundary []byte) ([][]byte, closing) {
	last := &pieces[len(pieces)-1]
	mark := append(append(make([]byte, 0, len(boundary)+2), boundary...), "--"...)
	if trimmed := bytes.TrimSpace(*last); bytes.HasSuffix(trimmed, mark) {
		*last = trimLineEnd((*last)[:bytes.LastIndex(*last, mark)])
		return pieces, closed
	}
	for at := 0; ; at += len(mark) {
		i := bytes.Index((*last)[at:], mark)
		if i < 0 {
			break
		}
		if at += i; at == 0 || (*last)[at-1] == '\n' {
			*last = trimLineEnd((*last)[:at])
			return pieces, closed
		}
	}
	trimmed := bytes.TrimSpace(*last)
	if line := bytes.LastIndexByte(trimmed, '\n') + 1; bytes.HasPrefix(trimmed[line:], boundary) { // the last line begins like one
		at := len(*last) - len(bytes.TrimLeft(*last, " \t\r\n")) + line
		*last = trimLineEnd((*last)[:at])
		return pieces, closed
	}
	return pieces, unclosed
}

// matching says how much of a line has to be the boundary.
type matching uint8

const (
	wholeLine   matching = iota // all of it, but for white space, as programs write it
	startOfLine                 // its beginning, as RFC 2046 section 5.1.2 has it, indented perhaps
)

// cutAt returns what stands between the boundary lines, up to one piece more than MaxParts. The line end before a boundary
// belongs to the boundary. nil means that there is no boundary.
func cutAt(body, boundary []byte, how matching) (pieces [][]byte, end closing) {
	start, inner := -1, absent
	for at := 0; len(pieces) <= MaxParts; {
		line, next, last := nextBoundary(body, boundary, at, how)
		if line < 0 {
			break
		}
		if last && inner == present {
			at = next // it is the boundary of the parts of this part, which adds two dashes
			continue
		}
		if start >= 0 {
			pieces = append(pieces, trimLineEnd(body[start:max(start, line)]))
		}
		if last {
			if line, next, last = nextBoundary(body, boundary, next, how); line < 0 || last {
				return notNil(pieces), closed
			}
			// It goes on all the same: a part within has the same boundary, or somebody has added a part.
		}
		start, at = next, next
		inner = declares(body[start:], boundary)
	}
	if start >= 0 && len(pieces) <= MaxParts {
		pieces = append(pieces, body[start:])
	}
	return pieces, unclosed
}

// declares says whether b begins with a multipart whose boundary is that one and two dashes.
func declares(b, boundary []byte) state {
	b = b[:min(len(b), maxDeclared)]
	if !bytes.Contains(b, boundary[2:]) {
		return absent
	}
	head, _ := splitHeader(b, &defects{})
	inner, found := strings.CutSuffix(parseStructured(get(head, "Content-Type")).parameters["boundary"], "--")
	if found && inner == string(boundary[2:]) {
		return present
	}
	return absent
}

// maxDeclared bounds the header in which declares looks.
const maxDeclared = 1 << 10

func notNil(pieces [][]byte) [][]byte {
	if pieces == nil {
		return [][]byte{}
	}
	return pieces
}

// nextBoundary returns where the next boundary line at or after position at begins and ends, and whether it is the closing one.
// line is -1 if there is none.
func nextBoundary(body, boundary []byte, at int, how matching) (line, end int, last bool) {
	for {
		i := bytes.Index(body[at:], boundary)
		if i < 0 {
			return -1, -1, false
		}
		line = at + i
		at = line + len(boundary)
		if how == startOfLine {
			for line > 0 && at-line < len(boundary)+maxIndent && (body[line-1] == ' ' || body[line-1] == '\t') {
				line--
			}
		}
		if line > 0 && body[line-1] != '\n' {
			continue
		}
		end = lineEnd(body, at)
		rest := bytes.TrimSpace(body[at:end])
		dashes := bytes.HasPrefix(rest, []byte("--"))
		switch {
		case len(rest) == 0:
			return line, end, false
		case dashes && (len(rest) == 2 || how == startOfLine):
			return line, end, true
		case how == startOfLine:
			return line, end, false
		}
	}
}

// maxIndent is how far a boundary may be indented.
const maxIndent = 16

// likelyBoundary finds a boundary that the header does not name, or not rightly: the first line of "--" and something that a field of
// MIME follows, or somewhere its closing form.
func likelyBoundary(body []byte) []byte {
	tries := 3 // of the second kind, each of which reads all that follows
	for at := 0; at < min(len(body), maxPreamble); {
		next := lineEnd(body, at)
		line := bytes.TrimRight(body[at:next], " \t\r\n")
		at = next
		if len(line) <= 2 || len(line) > 72 || !bytes.HasPrefix(line, []byte("--")) {
			continue
		}
		if mimeFollows(body[next:]) {
			return line
		}
		if tries--; tries >= 0 && bytes.Contains(body[next:], []byte("\n"+string(line)+"--")) {
			return line
		}
	}
	return nil
}

// maxPreamble is how far from the start of a multipart its first boundary is looked for, if it is not known.
const maxPreamble = 256 << 10

// mimeFollows reports whether b begins with a field that only parts have.
func mimeFollows(b []byte) bool {
	return beginsMIME(b) && fieldName(b[:lineEnd(b, 0)]) != ""
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
