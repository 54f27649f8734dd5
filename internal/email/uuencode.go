package email

import (
	"bytes"
)

// uuFile is a file that was written into a text by uuencode, as before MIME.
type uuFile struct {
	name    string
	content []byte
}

// maxUU bounds the files that are taken out of one text.
const maxUU = 100

// cutUU takes uuencoded files out of a text: "begin 644 name", lines of up to 45 bytes, "end". rest is the text without them; it is body
// itself where there are none. A block whose lines are not what uuencode writes stays text.
func cutUU(body []byte) (files []uuFile, rest []byte) {
	from := 0 // what stands before it is in rest
	tries := 10 * maxUU
	for at := 0; at < len(body) && len(files) < maxUU && tries > 0; tries-- {
		next := lineEnd(body, at)
		name, ok := uuBegin(body[at:next])
		if !ok {
			i := bytes.Index(body[at:], []byte("\nbegin "))
			if i < 0 {
				break
			}
			at += i + 1
			if name, ok = uuBegin(body[at:lineEnd(body, at)]); !ok {
				continue
			}
			next = lineEnd(body, at)
		}
		content, end, ok := decodeUU(body, next)
		if !ok {
			at = end
			continue
		}
		files = append(files, uuFile{name, content})
		rest = append(rest, body[from:at]...)
		from, at = end, end
	}
	if len(files) == 0 {
		return nil, body
	}
	return files, append(rest, body[from:]...)
}

// uuBegin reads "begin", a mode in octal and a name.
func uuBegin(line []byte) (name string, ok bool) {
	rest, found := bytes.CutPrefix(line, []byte("begin "))
	if !found || len(line) > maxLine {
		return "", false
	}
	mode, after, found := bytes.Cut(rest, []byte{' '})
	if !found || len(mode) < 3 || len(mode) > 4 || blank(after) {
		return "", false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return "", false
		}
	}
	return cleanFilename(decodeText(after)), true
}

// decodeUU decodes the lines from position at on, and returns the position behind "end". Programs drop spaces at the end of lines, and
// some forget the end.
func decodeUU(body []byte, at int) (content []byte, end int, ok bool) {
	for at < len(body) {
		next := lineEnd(body, at)
		line := bytes.TrimRight(body[at:next], "\r\n")
		if string(bytes.TrimSpace(line)) == "end" {
			return content, next, len(content) > 0
		}
		if len(line) == 0 || line[0] == '`' || line[0] == ' ' { // the last line, of no bytes
			at = next
			if len(content) > 0 && len(line) == 0 && string(bytes.TrimSpace(body[at:lineEnd(body, at)])) != "end" {
				return content, at, true
			}
			continue
		}
		size := int(line[0]-' ') & 0x3f
		if line[0] < ' ' || line[0] > '`' || len(line) > 1+(size+2)/3*4+2 || len(line) < size {
			return content, at, false
		}
		content = appendUU(content, line[1:], size)
		at = next
	}
	return content, at, len(content) > 0
}

// appendUU appends size bytes that a line holds, zeros where it is too short.
func appendUU(content, line []byte, size int) []byte {
	from := len(content)
	for i := 0; len(content) < from+size; i += 4 {
		var group [4]byte
		copy(group[:], line[min(i, len(line)):])
		for j, c := range group {
			if c != 0 {
				group[j] = (c - ' ') & 0x3f
			}
		}
		content = append(content, group[0]<<2|group[1]>>4, group[1]<<4|group[2]>>2, group[2]<<6|group[3])
	}
	return content[:from+size]
}
