package email

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCharsetName bounds the character set's name in an encoded word.
const maxCharsetName = 64

// decodeText decodes the unstructured value of a field: encoded words (RFC 2047), and 8-bit text of any character set between
// them. The result has no control characters. What was encoded twice, by programs in a row, is decoded twice.
func decodeText(value []byte) string {
	if isPlain(value) {
		return string(bytes.TrimSpace(value))
	}
	b := unfold(value)
	if !bytes.Contains(b, []byte("=?")) {
		if isPlain(b) {
			return string(b)
		}
		return cleanLine(guessCharset(b))
	}
	text := decodeWords(b)
	if i := strings.Index(text, "=?"); i >= 0 && strings.Contains(text[i:], "?=") && !bytes.Contains(b, []byte(text[i:])) {
		text = decodeWords([]byte(text))
	}
	return cleanLine(text)
}

// isPlain reports whether a value is what most are: one line of ASCII without anything encoded.
func isPlain(value []byte) bool {
	for i, c := range value {
		switch {
		case c == '\r' || c == '\n':
			if !blank(value[i:]) {
				return false
			}
		case c < ' ' && c != '\t', c >= 0x7f, c == '\t' && i > 0, c == '=' && i+1 < len(value) && value[i+1] == '?':
			return false
		}
	}
	return true
}

func decodeWords(b []byte) string {
	var out strings.Builder
	words := wordReader{b: b}
	for at := 0; at < len(b); {
		start := bytes.Index(b[at:], []byte("=?"))
		if start < 0 {
			out.WriteString(guessCharset(b[at:]))
			break
		}
		start += at
		text, next := words.sequence(start)
		if next < 0 {
			out.WriteString(guessCharset(b[at : start+2]))
			at = start + 2
			continue
		}
		out.WriteString(guessCharset(b[at:start]))
		out.WriteString(text)
		at = next
	}
	return out.String()
}

// cleanLine makes a decoded value one line: control characters, which encoded words can bring in, become spaces.
func cleanLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) && utf8.ValidString(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == 0:
			return -1
		case r < ' ' || r >= 0x7f && r <= 0x9f:
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
}

// encodedWord is =?charset?encoding?text?= taken apart.
type encodedWord struct {
	charset  string
	encoding byte   // 'b' or 'q'
	coded    []byte // the text, still encoded
	next     int    // position behind it
}

// content undoes the encoding.
func (w encodedWord) content() []byte {
	if w.encoding == 'b' {
		return decodeBase64Word(w.coded)
	}
	return decodeQWord(w.coded)
}

// split reports whether the text may be a piece of base64 that goes on in the next word, as programs cut it who do not know better.
func (w encodedWord) split() bool {
	return w.encoding == 'b' && len(w.coded)%4 != 0 && w.coded[len(w.coded)-1] != '='
}

// wordReader reads encoded words, in time linear in the length of the field: it remembers where the next "?=" is.
type wordReader struct {
	b   []byte
	end int // position of a "?=" found before, -1 if there are no more
}

// sequence reads the encoded words from position i on that have nothing but white space between them. Words in one character
// set are joined before they are decoded: programs split them within characters. next is -1 if there is no word.
func (r *wordReader) sequence(i int) (text string, next int) {
	w, ok := r.word(i)
	if !ok {
		return "", -1
	}
	var out strings.Builder
	run := []encodedWord{w}
	for {
		more, ok := r.word(skipSpace(r.b, w.next))
		if !ok {
			out.WriteString(decodeRun(run))
			return out.String(), w.next
		}
		if !strings.EqualFold(more.charset, w.charset) {
			out.WriteString(decodeRun(run))
			run = run[:0]
		}
		w = more
		run = append(run, w)
	}
}

// decodeRun decodes words in one character set.
func decodeRun(run []encodedWord) string {
	var content []byte
	split := false
	for i, w := range run {
		content = append(content, w.content()...)
		split = split || i+1 < len(run) && w.split()
	}
	text, ok := decodeCharset(content, run[0].charset)
	if ok && !strings.Contains(text, "\uFFFD") || !split {
		return text
	}
	content = content[:0]
	for i := 0; i < len(run); i++ {
		w := run[i]
		if w.split() {
			w.coded = bytes.Clone(w.coded) // the others are appended to it
		}
		for w.split() && i+1 < len(run) && run[i+1].encoding == 'b' {
			i++
			w.coded = append(w.coded, run[i].coded...)
		}
		content = append(content, w.content()...)
	}
	if joined, ok := decodeCharset(content, run[0].charset); ok && !strings.Contains(joined, "\uFFFD") {
		return joined
	}
	return text
}

// word reads the encoded word at position i.
func (r *wordReader) word(i int) (encodedWord, bool) {
	b := r.b
	if !bytes.HasPrefix(b[min(i, len(b)):], []byte("=?")) {
		return encodedWord{}, false
	}
	head := b[i+2 : min(i+2+maxCharsetName+4, len(b))]
	mark := bytes.IndexByte(head, '?')
	if mark < 0 || mark+2 >= len(head) || head[mark+2] != '?' || bytes.ContainsAny(head[:mark], " =") {
		return encodedWord{}, false
	}
	encoding := lower(head[mark+1])
	if encoding != 'b' && encoding != 'q' {
		return encodedWord{}, false
	}
	charset, _, _ := strings.Cut(string(head[:mark]), "*") // RFC 2231 section 5: charset*language
	from := i + 2 + mark + 3
	end := r.endAfter(from)
	if end < 0 {
		return truncatedWord(charset, encoding, b[from:], len(b))
	}
	coded := b[from:end]
	if encoding == 'b' {
		coded = bytes.ReplaceAll(coded, []byte(" "), nil)
	}
	return encodedWord{charset: charset, encoding: encoding, coded: coded, next: end + 2}, true
}

// truncatedWord is a word whose end was cut off, at the end of the field. It has to look like one: no spaces.
func truncatedWord(charset string, encoding byte, coded []byte, next int) (encodedWord, bool) {
	coded = bytes.TrimRight(coded, "?")
	if len(coded) == 0 || bytes.ContainsAny(coded, " ?\t") || lookupCharset(charset) == nil && !strings.EqualFold(charset, "utf-8") {
		return encodedWord{}, false
	}
	if encoding == 'b' {
		for _, c := range coded {
			if !isBase64(c) && c != '=' {
				return encodedWord{}, false
			}
		}
	}
	return encodedWord{charset: charset, encoding: encoding, coded: coded, next: next}, true
}

// endAfter returns the position of the first "?=" at or after from, or -1.
func (r *wordReader) endAfter(from int) int {
	if r.end < 0 {
		return -1
	}
	if r.end < from {
		i := bytes.Index(r.b[min(from, len(r.b)):], []byte("?="))
		if i < 0 {
			r.end = -1
			return -1
		}
		r.end = from + i
	}
	return r.end
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// decodeBase64Word decodes base64 with or without its padding.
func decodeBase64Word(coded []byte) []byte {
	clean := make([]byte, 0, len(coded))
	for _, c := range coded {
		if isBase64(c) {
			clean = append(clean, c)
		}
	}
	return decodeBase64Clean(clean)
}

// decodeBase64Clean decodes characters of the alphabet only; a single one left over is nothing.
func decodeBase64Clean(clean []byte) []byte {
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

// decodeQWord decodes the Q encoding (RFC 2047 section 4.2). Malformed escapes stay as they are.
func decodeQWord(coded []byte) []byte {
	out := make([]byte, 0, len(coded))
	for i := 0; i < len(coded); i++ {
		switch c := coded[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(coded) && isHex(coded[i+1]) && isHex(coded[i+2]):
			out = append(out, unhex(coded[i+1])<<4|unhex(coded[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c >= utf8.RuneSelf || c < 'A' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}
