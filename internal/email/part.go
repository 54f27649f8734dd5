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
}

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

// tree takes a mail apart.
type tree struct {
	defects *defects
	count   int
	kinds   []partKind
}

// parse makes the part that has the given header and body, and the parts below it.
func (t *tree) parse(header []rawField, body []byte, in place, depth int) *part {
	t.count++
	p := t.describe(header, in)
	p.body = body
	t.kinds = append(t.kinds, partKind{p.mediaType, strings.ToLower(p.parameters["report-type"])})
	if !strings.HasPrefix(p.mediaType, "multipart/") {
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
	pieces := t.split(p)
	if pieces == nil {
		t.defects.add(DefectBoundary)
		p.mediaType = "text/plain" // whatever it is, somebody can read it
		return p
	}
	p.children = make([]*part, 0, min(len(pieces), MaxParts))
	for _, piece := range pieces {
		if t.count >= MaxParts {
			t.defects.add(DefectParts)
			break
		}
		fields, content := splitHeader(piece, t.defects)
		p.children = append(p.children, t.parse(fields, content, within, depth+1))
	}
	return p
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
	p.filename = cleanFilename(p.filename)
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

// split cuts the body of a multipart at its boundary (RFC 2046 section 5.1.1). It returns nil when there is none to be found, not
// even a line that looks like one.
func (t *tree) split(p *part) [][]byte {
	boundary := []byte("--" + p.parameters["boundary"])
	if len(boundary) == 2 {
		t.defects.add(DefectBoundary)
		boundary = likelyBoundary(p.body)
	}
	if len(boundary) <= 2 {
		return nil
	}
	pieces, closed := cutAt(p.body, boundary)
	if pieces == nil && p.encoding != "" {
		// Forbidden, and done all the same: a multipart that is encoded as a whole.
		p.body = decodeTransfer(p.body, p.encoding, t.defects)
		pieces, closed = cutAt(p.body, boundary)
	}
	if pieces != nil && !closed {
		t.defects.add(DefectUnclosed)
	}
	return pieces
}

// cutAt returns what stands between the boundary lines, up to one piece more than MaxParts. The line end before a boundary
// belongs to the boundary. nil means that there is no boundary.
func cutAt(body, boundary []byte) (pieces [][]byte, closed bool) {
	start := -1
	for at := 0; len(pieces) <= MaxParts; {
		line, end, last := nextBoundary(body, boundary, at)
		if line < 0 {
			break
		}
		if start >= 0 {
			pieces = append(pieces, trimLineEnd(body[start:max(start, line)]))
		}
		if last {
			return notNil(pieces), true
		}
		start, at = end, end
	}
	if start >= 0 && len(pieces) <= MaxParts {
		pieces = append(pieces, body[start:])
	}
	return pieces, false
}

func notNil(pieces [][]byte) [][]byte {
	if pieces == nil {
		return [][]byte{}
	}
	return pieces
}

// nextBoundary returns where the next boundary line at or after position at begins and ends, and whether it is the closing one.
// line is -1 if there is none.
func nextBoundary(body, boundary []byte, at int) (line, end int, last bool) {
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
		if len(rest) == 0 {
			return line, end, false
		}
		if bytes.Equal(rest, []byte("--")) {
			return line, end, true
		}
	}
}

// likelyBoundary finds a boundary that the header does not name: the first line of "--" and something, if a part's header follows it.
func likelyBoundary(body []byte) []byte {
	for at := 0; at < len(body); {
		next := lineEnd(body, at)
		line := bytes.TrimRight(body[at:next], " \t\r\n")
		if len(line) > 2 && len(line) <= 72 && bytes.HasPrefix(line, []byte("--")) && fieldFollows(body[next:], 1) {
			return line
		}
		at = next
	}
	return nil
}

func trimLineEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}
