package email

import (
	"bytes"
	"strings"
)

// decodeTransfer removes the Content-Transfer-Encoding (RFC 2045 section 6) of a part. The result may be a part of body.
func decodeTransfer(body []byte, encoding string, d *defects) []byte {
	encoding, _, _ = strings.Cut(encoding, " ")
	switch strings.ToLower(strings.Trim(encoding, "\"';,()")) {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "none":
		return body
	case "base64":
		return decodeBase64(body, d)
	case "quoted-printable":
		return decodeQuotedPrintable(body)
	case "x-uuencode", "uuencode", "x-uue":
		if content, ok := decodeUU(body); ok {
			return content
		}
	}
	d.add(DefectEncoding)
	return body
}

// decodeBase64 decodes base64, stepping over whatever does not belong there. Padding ends a stretch; after it either more base64
// follows, for some programs join encoded pieces, or other text such as the footer of a mailing list, which ends the content.
func decodeBase64(body []byte, d *defects) []byte {
	out := make([]byte, 0, len(body)*3/4)
	stretch := make([]byte, 0, len(body))
	padded := false
	for len(body) > 0 {
		end := lineEnd(body, 0)
		line := bytes.TrimSpace(body[:end])
		body = body[end:]
		if padded && !looksBase64(line) {
			if len(line) != 0 {
				d.add(DefectBase64)
				break
			}
			continue
		}
		for _, c := range line {
			switch {
			case isBase64(c):
				if padded {
					out = append(out, decodeBase64Clean(stretch)...)
					stretch, padded = stretch[:0], false
				}
				stretch = append(stretch, c)
			case c == '=':
				padded = len(stretch) > 0
			default:
				d.add(DefectBase64)
			}
		}
	}
	return append(out, decodeBase64Clean(stretch)...)
}

// looksBase64 reports whether a line is nothing but base64, in whole groups.
func looksBase64(line []byte) bool {
	for _, c := range line {
		if !isBase64(c) && c != '=' {
			return false
		}
	}
	return len(line) > 0 && len(line)%4 == 0
}

// decodeQuotedPrintable decodes RFC 2045 section 6.7. Malformed escapes stay as they are.
func decodeQuotedPrintable(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for len(body) > 0 {
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

// decodeUU decodes the first uuencoded file in body.
func decodeUU(body []byte) ([]byte, bool) {
	start := 0
	if !bytes.HasPrefix(body, []byte("begin ")) {
		if start = bytes.Index(body, []byte("\nbegin ")) + 1; start == 0 {
			return nil, false
		}
	}
	body = body[lineEnd(body, start):]
	var out []byte
	for len(body) > 0 {
		end := lineEnd(body, 0)
		line := bytes.TrimRight(body[:end], "\r\n")
		body = body[end:]
		if len(line) == 0 || bytes.Equal(line, []byte("end")) {
			break
		}
		from, size := len(out), int(line[0]-' ')&0x3f
		for i := 1; i < len(line); i += 4 {
			var group [4]byte
			copy(group[:], line[i:])
			for j := range group {
				group[j] = (group[j] - ' ') & 0x3f
			}
			out = append(out, group[0]<<2|group[1]>>4, group[1]<<4|group[2]>>2, group[2]<<6|group[3])
		}
		out = out[:min(from+size, len(out))]
	}
	return out, true
}
