package email

import (
	"bytes"
	"strings"
)

// isBase64Encoding reports whether a transfer encoding is base64.
func isBase64Encoding(encoding string) bool { return strings.HasPrefix(encodingName(encoding), "b") }

// encodingName is the name of a transfer encoding without what mail programs put around it.
func encodingName(encoding string) string {
	encoding, _, _ = strings.Cut(strings.TrimSpace(encoding), " ")
	return strings.ToLower(strings.Trim(encoding, "\"';,()"))
}

// decodeTransfer removes the Content-Transfer-Encoding (RFC 2045 section 6) of a part. The result may be a part of body.
func decodeTransfer(body []byte, encoding string, d *defects) []byte {
	return decodeUpTo(len(body), body, encoding, d)
}

// decodeUpTo is decodeTransfer for whoever needs only the first bytes of the content; there may be more in the result.
func decodeUpTo(limit int, body []byte, encoding string, d *defects) []byte {
	switch encodingName(encoding) {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits", "7 bit", "none", "utf-8", "us-ascii", "plain", "text":
		return body
	case "base64", "base-64", "b":
		return decodeBase64(body[:min(len(body), limit+limit/2)], d)
	case "quoted-printable", "quotedprintable", "quoted_printable", "qp", "q":
		return decodeQuotedPrintable(body, limit)
	case "x-uuencode", "uuencode", "x-uue", "uue":
		if files, _ := cutUU(body); len(files) > 0 {
			return files[0].content
		}
	}
	d.add(DefectEncoding)
	return body
}

// decodeBase64 decodes base64, stepping over whatever does not belong there. Padding ends a stretch; after it either more base64
// follows, for some programs join encoded pieces, or other text such as the footer of a mailing list, which ends the content.
func decodeBase64(body []byte, d *defects) []byte {
	r := base64Reader{out: make([]byte, 0, len(body)/4*3+3)}
	for len(body) > 0 && !r.ended {
		end := lineEnd(body, 0)
		r.line(body[:end])
		body = body[end:]
	}
	r.flush()
	if r.noise > 0 {
		d.add(DefectBase64)
	}
	return r.out
}

// base64Reader decodes line by line.
type base64Reader struct {
	out    []byte
	bits   uint32
	have   int // characters in bits
	padded bool
	ended  bool
	noise  int // characters that do not belong there
}

func (r *base64Reader) line(line []byte) {
	checked := false // that what follows padding on this line is base64
	if r.padded {
		rest := bytes.TrimSpace(line)
		if len(rest) == 0 {
			return
		}
		if checked = looksBase64(rest); !checked {
			r.ended = true
			r.noise++
			return
		}
	} else if len(r.out) > 0 && r.have == 0 && hasWords(line) { // the footer of a list, behind content that needs no padding
		r.ended = true
		r.noise++
		return
	}
	for i, c := range line {
		v := base64Values[c]
		switch {
		case v < 64:
			if r.padded && !checked {
				if checked = looksBase64(bytes.TrimSpace(line[i:])); !checked {
					r.ended = true
					r.noise++
					return
				}
			}
			r.padded = false
			r.bits = r.bits<<6 | uint32(v)
			if r.have++; r.have == 4 {
				r.out = append(r.out, byte(r.bits>>16), byte(r.bits>>8), byte(r.bits))
				r.have = 0
			}
		case c == '=':
			r.flush()
			r.padded = len(r.out) > 0
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			r.noise++
		}
	}
}

// hasWords reports whether a line has spaces within.
func hasWords(line []byte) bool {
	return bytes.IndexByte(bytes.TrimSpace(line), ' ') > 0
}

// flush ends a stretch: one character left over is nothing.
func (r *base64Reader) flush() {
	switch r.have {
	case 2:
		r.out = append(r.out, byte(r.bits>>4))
	case 3:
		r.out = append(r.out, byte(r.bits>>10), byte(r.bits>>2))
	}
	r.have = 0
}

// base64Values are the values of the characters, 64 for those that have none.
var base64Values = func() (table [256]byte) {
	for i := range table {
		table[i] = 64
	}
	for i := range 26 {
		table['A'+i], table['a'+i] = byte(i), byte(26+i)
	}
	for i := range 10 {
		table['0'+i] = byte(52 + i)
	}
	table['+'], table['/'] = 62, 63
	return table
}()

// looksBase64 reports whether a line is nothing but base64, in whole groups.
func looksBase64(line []byte) bool {
	for _, c := range line {
		if !isBase64(c) && c != '=' {
			return false
		}
	}
	return len(line) > 0 && len(line)%4 == 0
}

// notBase64 reports whether a text that calls itself base64 was never encoded: a good part of it are characters that base64 does not
// have, or words with spaces between them.
func notBase64(body []byte) bool {
	foreign := 0
	body = bytes.TrimSpace(body)
	for i, c := range body {
		switch {
		case c == ' ' && i > 0 && body[i-1] > ' ':
			foreign++
		case c > ' ' && base64Values[c] == 64 && c != '=':
			foreign++
		}
	}
	return foreign*32 > len(body)
}

// maxLine is longer than any line has to be (RFC 5322 section 2.1.1).
const maxLine = 1000

// decodeQuotedPrintable decodes RFC 2045 section 6.7. Malformed escapes stay as they are.
// It stops at the end of the line with which limit is reached.
func decodeQuotedPrintable(body []byte, limit int) []byte {
	out := make([]byte, 0, min(len(body), limit+maxLine))
	for len(body) > 0 && len(out) < limit {
		end := lineEnd(body, 0)
		line := body[:end]
		body = body[end:]
		text := bytes.TrimRight(line, " \t\r\n")
		ending := line[len(bytes.TrimRight(line, "\r\n")):]
		if soft := bytes.HasSuffix(text, []byte("=")); soft {
			text, ending = text[:len(text)-1], nil
		}
		for i := 0; i < len(text); i++ {
			if text[i] == '=' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
				out = append(out, unhex(text[i+1])<<4|unhex(text[i+2]))
				i += 2
				continue
			}
			out = append(out, text[i])
		}
		out = append(out, ending...)
	}
	return out
}
