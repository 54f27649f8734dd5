package email

import (
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
	scanned int    // bytes of multiparts that were searched for boundaries, those within others each time again
	opened  int    // multiparts that were encoded as a whole
	stray   []byte // the boundary of a multipart that had no parts
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
	t.scanned += len(p.body)
	if depth >= MaxDepth || t.scanned > maxScanned {
		t.defects.add(DefectDepth)
		raw := &part{mediaType: "application/octet-stream", disposition: "attachment", encoding: p.encoding, body: p.body}
		p.children = []*part{t.innermost(p), raw}
		return p
	}
	within := inMultipart
	if p.mediaType == "multipart/digest" {
		within = inDigest
	}
	pieces, end := t.split(p)
	if pieces == nil {
		t.defects.add(DefectBoundary)
		if blank(p.body) {
			if boundary := p.parameters["boundary"]; boundary != "" {
				t.stray = []byte("--" + boundary)
			}
			p.children = []*part{}
			return p
		}
		p.mediaType, p.damage = "text/plain", undivided // whatever it is, somebody can read it
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
		content, stray := t.cutStray(content)
		if stray != nil {
			p.children = append(p.children, t.parse(fields, content, within, boundaryLine, depth+1))
			fields, content = t.splitPart(stray)
		}
		child := t.parse(fields, content, within, pieceEnds, depth+1)
		if child.children != nil && len(child.children) == 0 && child.parameters["boundary"] == p.parameters["boundary"] {
			p.mediaType = child.mediaType // its parts have the boundary of this one, and are taken for parts of this one
			continue
		}
		p.children = append(p.children, child)
	}
	return p
}

// cutStray cuts a part at the boundary of a multipart before it that had no parts: they come here, for the outer boundary stands in the
// wrong place. Only the first such boundary counts.
func (t *tree) cutStray(body []byte) (before, stray []byte) {
	if t.stray == nil {
		return body, nil
	}
	line, next, last := nextBoundary(body, t.stray, 0, wholeLine)
	if line < 0 || last {
		return body, nil
	}
	t.stray = nil
	return trimLineEnd(body[:line]), body[next:]
}

// maxScanned bounds how much is searched for boundaries: a mail of the largest size may have sixteen levels of all of it.
const maxScanned = 16 * MaxSize

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
	if declared == "multipart" {
		return "multipart/mixed"
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

// maxFollowed bounds how many levels beyond MaxDepth are followed.
const maxFollowed = 10_000

// innermost is the text at the bottom of a multipart that is nested too deeply to be taken apart: the first part of the first part, and so
// on. Each level begins where the one above it does, so that following them reads the mail once.
func (t *tree) innermost(p *part) *part {
	var boundary []byte
	for range maxFollowed {
		if !strings.HasPrefix(p.mediaType, "multipart/") {
			break
		}
		boundary = []byte("--" + p.parameters["boundary"])
		line, next, last := nextBoundary(p.body, boundary, 0, wholeLine)
		if line < 0 || last {
			break
		}
		fields, content := splitHeader(p.body[next:], t.defects)
		p = t.describe(fields, inMultipart)
		p.body = content
	}
	leaf := *p
	if strings.HasPrefix(leaf.mediaType, "multipart/") {
		leaf.mediaType = "text/plain"
	}
	if line, _, _ := nextBoundary(leaf.body, boundary, 0, wholeLine); line >= 0 {
		leaf.body = trimLineEnd(leaf.body[:line])
	}
	return &leaf
}
