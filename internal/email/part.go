package email

import (
	"bytes"
	"strings"
)

// part is a node of the MIME tree (RFC 2046).
type part struct {
	mediaType   string // type/subtype
	charset     string
	parameters  map[string]string
	disposition string // "", "inline", "attachment"
	filename    string
	contentID   string
	encoding    string
	body        []byte // still encoded
	children    []*part
	damage      damage
	files       []uuFile // that its text held
	text        *string  // its text, once it is decoded
}

// damage is what keeps a part from being taken for what it was meant to be. Such a part is listed as an attachment as well, as it
// came: nobody has to take the half for the whole.
type damage uint8

const (
	sound      damage = iota
	cutOff            // the mail ends within it
	undivided         // a multipart in which no boundary was found
	unreadable        // it is not in the encoding that it names
)

// partKind is what Automatic has to know of every part.
type partKind struct {
	mediaType  string
	reportType string
}

// place is what a part stands in, which decides about its default type.
type place uint8

const (
	inRoot place = iota
	inMultipart
	inDigest // multipart/digest: message/rfc822
)

// ending says what ends the body of a part.
type ending uint8

const (
	endOfMail ending = iota
	boundaryLine
)

// tree takes a mail apart.
type tree struct {
	defects *defects
	count   int
	opened  int // multiparts that were encoded as a whole
	kinds   []partKind
}

// parse makes the part that has the given header and body, and the parts below it.
func (t *tree) parse(header []rawField, body []byte, in place, ends ending, depth int) *part {
	t.count++
	p := t.describe(header, in)
	p.body = body
	t.kinds = append(t.kinds, partKind{p.mediaType, strings.ToLower(p.parameters["report-type"])})
	if !strings.HasPrefix(p.mediaType, "multipart/") {
		if ends == endOfMail && in != inRoot {
			p.damage = cutOff
		}
		return p
	}
	if depth >= MaxDepth {
		t.defects.add(DefectDepth)
		p.mediaType = "application/octet-stream"
		return p
	}
	within := inMultipart
	if p.mediaType == "multipart/digest" {
		within = inDigest
	}
	pieces, end := t.split(p)
	if pieces == nil {
		t.defects.add(DefectBoundary)
		p.mediaType = "text/plain" // whatever it is, somebody can read it
		if !blank(p.body) {
			p.damage = undivided
		}
		return p
	}
	p.children = make([]*part, 0, min(len(pieces), MaxParts))
	for i, piece := range pieces {
		if t.count >= MaxParts {
			t.defects.add(DefectParts)
			break
		}
		pieceEnds := boundaryLine
		if i == len(pieces)-1 && end == unclosed {
			pieceEnds = ends
		}
		fields, content := t.splitPart(piece)
		p.children = append(p.children, t.parse(fields, content, within, pieceEnds, depth+1))
	}
	return p
}

// splitPart takes the header off a part. A part that is nothing but a header, none of it about MIME, is a text without a header.
func (t *tree) splitPart(piece []byte) (fields []rawField, body []byte) {
	fields, body = splitHeader(piece, t.defects)
	if body != nil || len(fields) == 0 {
		return fields, body
	}
	for _, f := range fields {
		if len(f.name) > 8 && equalFold(f.name[:8], "Content-") {
			return fields, body
		}
	}
	t.defects.add(DefectHeaderLine)
	return nil, piece
}

// describe reads the fields of a part that say what it is.
func (t *tree) describe(header []rawField, in place) *part {
	ct := parseStructured(get(header, "Content-Type"))
	cd := parseStructured(get(header, "Content-Disposition"))
	p := &part{
		mediaType:   t.mediaType(ct.value, in),
		charset:     ct.parameters["charset"],
		parameters:  ct.parameters,
		disposition: cd.value,
		filename:    cd.parameters["filename"],
		contentID:   bareID(decodeText(get(header, "Content-Id"))),
		encoding:    strings.TrimSpace(string(unfold(get(header, "Content-Transfer-Encoding")))),
	}
	if p.filename == "" {
		p.filename = ct.parameters["name"]
	}
	p.filename = cleanFilename(unescapedName(p.filename))
	return p
}

// mediaType makes a type of the declared one: the default (RFC 2046 section 5.1) where there is none or it is unreadable.
func (t *tree) mediaType(declared string, in place) string {
	if declared == "" && in == inDigest {
		return "message/rfc822"
	}
	if declared == "" {
		return "text/plain"
	}
	declared, _, _ = strings.Cut(declared, " ")
	if declared == "html" || declared == "plain" {
		declared = "text/" + declared
	}
	if main, sub, found := strings.Cut(declared, "/"); found && isToken(main) && isToken(sub) {
		return declared
	}
	t.defects.add(DefectContentType)
	return "text/plain"
}

// isToken reports whether s may be a type or a subtype (RFC 2045 section 5.1).
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

// maxOpened bounds how many multiparts that are encoded as a whole are decoded: each is another copy of the mail.
const maxOpened = 2

// closing says whether the closing boundary of a multipart was found.
type closing uint8

const (
	unclosed closing = iota
	closed
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
	for at := 0; ; {
		i := bytes.Index((*last)[at:], mark)
		if i < 0 {
			return pieces, unclosed
		}
		if at += i; at == 0 || (*last)[at-1] == '\n' {
			*last = trimLineEnd((*last)[:at])
			return pieces, closed
		}
		at += len(mark)
	}
}

// matching says how much of a line has to be the boundary.
type matching uint8

const (
	wholeLine   matching = iota // all of it, but for white space, as programs write it
	startOfLine                 // its beginning, as RFC 2046 section 5.1.2 has it
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
			return notNil(pieces), closed
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
	const prefix = "Content-"
	return len(b) > len(prefix) && equalFold(string(b[:len(prefix)]), prefix) && fieldName(b[:lineEnd(b, 0)]) != ""
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
