package email

import (
	"bytes"
	"slices"
)

// rawField is a header field as it came: the name, and the value with its line ends.
type rawField struct {
	name  string
	value []byte
}

// lines makes a mail whose lines end in CR only, as old Macintosh programs wrote them, one of ordinary lines; a few other line ends,
// from what carried the mail, do not hide it. Everything else copes with CRLF and LF, mixed too.
func lines(raw []byte, d *defects) []byte {
	first := bytes.IndexByte(raw, '\r')
	if first < 0 || first+1 < len(raw) && raw[first+1] == '\n' || bytes.IndexByte(raw[:first], '\n') >= 0 {
		return raw
	}
	both, newlines := bytes.Count(raw, []byte("\r\n")), bytes.Count(raw, []byte{'\n'})
	if lone := bytes.Count(raw, []byte{'\r'}) - both; lone <= 2*newlines {
		return raw
	}
	d.add(DefectLineEnds)
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte{'\n'})
	return bytes.ReplaceAll(raw, []byte{'\r'}, []byte{'\n'})
}

// skipEmptyLines drops empty lines before the header of a mail.
func skipEmptyLines(raw []byte) []byte {
	for at := 0; at < len(raw); {
		next := lineEnd(raw, at)
		if !blank(raw[at:next]) {
			return raw[at:]
		}
		at = next
	}
	return raw
}

// lineEnd returns the position behind the line of b that begins at from, its line end included.
func lineEnd(b []byte, from int) int {
	if i := bytes.IndexByte(b[from:], '\n'); i >= 0 {
		return from + i + 1
	}
	return len(b)
}

// blank reports whether a line ends the header: nothing but its end, or spaces that an editor left.
func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// splitHeader takes the header fields off the start of a mail or part (RFC 5322 section 2.2). Lines that are neither a field nor
// a continuation are skipped while fields follow; otherwise the body begins with them. Values are parts of b.
func splitHeader(b []byte, d *defects) (fields []rawField, body []byte) {
	open := -1 // where the value of the last field begins, while it may be continued
	own := ownBoundary{}
	for at := 0; at < len(b); {
		next := lineEnd(b, at)
		line := b[at:next]
		if len(fields) == 0 && at == 0 && !blank(line) && len(fieldName(bytes.TrimLeft(line, " \t"))) > 0 { // the first field is indented
			at += len(line) - len(bytes.TrimLeft(line, " \t"))
			line = b[at:next]
		}
		name := fieldName(line)
		switch {
		case blank(line) && open >= 0 && isSpaceLine(line) && continues(b[next:]):
			// Folding may leave lines of nothing but white space (RFC 5322 section 4.2).
		case blank(line):
			return fields, b[next:]
		case line[0] == '-' && own.is(line, fields): // the empty line is missing
			d.add(DefectHeaderLine)
			return fields, b[at:]
		case (line[0] == ' ' || line[0] == '\t') && open >= 0:
			fields[len(fields)-1].value = value(b[open:next], d)
		case name != "" && line[0] != ' ' && line[0] != '\t':
			open = -1
			if len(fields) == MaxFields || next > MaxHeader {
				d.add(DefectFields)
				break
			}
			open = at + bytes.IndexByte(line, ':') + 1
			fields = append(fields, rawField{name, value(b[open:next], d)})
		case at == 0 && isEnvelopeLine(line): // the first line of an mbox
		case fieldFollows(b[next:], followReach), len(fields) > 0 && beginsMIME(line):
			d.add(DefectHeaderLine)
			open = -1
		default:
			d.add(DefectHeaderLine)
			return fields, b[at:]
		}
		at = next
	}
	return fields, nil
}

// isSpaceLine reports whether a blank line holds white space before its end.
func isSpaceLine(line []byte) bool { return line[0] == ' ' || line[0] == '\t' }

// continues reports whether b begins with a line that continues a field and is not blank.
func continues(b []byte) bool {
	return len(b) > 0 && isSpaceLine(b) && !blank(b[:lineEnd(b, 0)])
}

// ownBoundary is the boundary that a header declares of its own parts.
type ownBoundary struct {
	seen     int // so many fields were looked at
	boundary []byte
}

// is reports whether a line is the boundary that the fields before it declare.
func (o *ownBoundary) is(line []byte, fields []rawField) bool {
	for ; o.seen < len(fields); o.seen++ {
		if f := fields[o.seen]; equalFold(f.name, "Content-Type") {
			o.boundary = []byte("--" + parseStructured(f.value).parameters["boundary"])
		}
	}
	return len(o.boundary) > 2 && bytes.Equal(bytes.TrimSpace(line), o.boundary)
}

// value bounds the value of a field.
func value(b []byte, d *defects) []byte {
	if len(b) <= MaxField {
		return b
	}
	d.add(DefectFieldSize)
	return b[:MaxField]
}

// maxFieldName is longer than any name in use.
const maxFieldName = 256

// fieldName returns the name of the field that begins on a line, or "". Spaces before the colon are an error that is common.
func fieldName(line []byte) string {
	colon := bytes.IndexByte(line[:min(len(line), maxFieldName)], ':')
	if colon <= 0 {
		return ""
	}
	name := bytes.TrimRight(line[:colon], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return string(name)
}

// followReach is how many lines after a malformed one are searched for another field.
const followReach = 20

// fieldFollows reports whether a field begins within so many lines, before the next empty one.
func fieldFollows(b []byte, within int) bool {
	at := 0
	for range within {
		next := lineEnd(b, at)
		line := b[at:next]
		if blank(line) {
			return false
		}
		if line[0] != ' ' && line[0] != '\t' && fieldName(line) != "" {
			return true
		}
		at = next
	}
	return false
}

// beginsMIME reports whether a line begins like a field of MIME, though it is none: its colon is missing.
func beginsMIME(line []byte) bool {
	const prefix = "Content-"
	return len(line) > len(prefix) && equalFold(string(line[:len(prefix)]), prefix)
}

// isEnvelopeLine reports whether a line is the separator of an mbox, "From someone Thu Jan 1 …", or its quoted form.
func isEnvelopeLine(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(line, []byte{'>'}), []byte("From "))
}

// unfold joins the lines of a field's value (RFC 5322 section 2.2.3): line ends and NUL disappear, other control characters
// become spaces, but for the shifts of ISO 2022.
func unfold(value []byte) []byte {
	value = bytes.TrimSpace(value)
	if !slices.ContainsFunc(value, func(c byte) bool { return c < ' ' || c == 0x7f }) {
		return value
	}
	out := make([]byte, 0, len(value))
	for _, c := range value {
		switch {
		case c == '\r' || c == '\n' || c == 0:
		case c < ' ' && c != escape && c != shiftOut && c != shiftIn, c == 0x7f:
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return bytes.TrimSpace(out)
}

// get returns the raw value of the last field of that name: of several the last counts (RFC 8621 section 4.1.3), which is also the one
// that a signature covers first (RFC 6376 section 5.4.2).
func get(fields []rawField, name string) []byte {
	for i := len(fields) - 1; i >= 0; i-- {
		if equalFold(fields[i].name, name) {
			return fields[i].value
		}
	}
	return nil
}
