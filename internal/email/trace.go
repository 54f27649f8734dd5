package email

import (
	"bytes"
	"strings"
)

// Trace returns the fields of a mail's header whose names are asked for, from top to bottom, unfolded and not decoded. Mail servers write what they
// have to say in ASCII (RFC 5321 section 4.4, RFC 8601 section 2.2): in an encoded word a sender could hide from them what only a decoder reads as
// theirs. Names are compared without regard to case; of each value at most 64 KB are returned. It never fails.
func Trace(raw []byte, names ...string) []Field {
	var d defects
	if len(raw) > MaxHeader {
		raw = raw[:MaxHeader]
	}
	head, _ := splitHeader(skipEmptyLines(lines(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &d)), &d)
	var fields []Field
	for _, f := range head {
		for _, name := range names {
			if equalFold(f.name, name) {
				value := unfold(f.value[:min(len(f.value), maxTrace)])
				fields = append(fields, Field{Name: name, Value: strings.ToValidUTF8(string(value), "\uFFFD")})
				break
			}
		}
	}
	return fields
}

// maxTrace bounds the value of a field that a mail server wrote, in bytes.
const maxTrace = 64 << 10
