package email

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxCharsetName bounds the character set's name in an encoded word.
const maxCharsetName = 64

// decodeText decodes the unstructured value of a field: encoded words (RFC 2047), and 8-bit text of any character set between
// them. The result has no control characters.
func decodeText(value []byte) string {
	b := unfold(value)
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
	return cleanLine(out.String())
}

// cleanLine makes a decoded value one line: control characters, which encoded words can bring in, become spaces.
func cleanLine(s string) string {
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

// encodedWord is =?charset?encoding?text?= taken apart and its encoding undone.
type encodedWord struct {
	charset string
	content []byte
	next    int // position behind it
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
	for {
		follow := skipSpace(r.b, w.next)
		more, ok := r.word(follow)
		if !ok {
			text, _ := decodeCharset(w.content, w.charset)
			out.WriteString(text)
			return out.String(), w.next
		}
		if strings.EqualFold(more.charset, w.charset) {
			w.content = append(w.content, more.content...)
			w.next = more.next
			continue
		}
		text, _ := decodeCharset(w.content, w.charset)
		out.WriteString(text)
		w = more
	}
}

// word reads the encoded word at position i.
func (r *wordReader) word(i int) (encodedWord, bool) {
	b := r.b
	if !bytes.HasPrefix(b[min(i, len(b)):], []byte("=?")) {
		return encodedWord{}, false
	}
	head := b[i+2 : min(i+2+maxCharsetName+4, len(b))]
	mark := bytes.IndexByte(head, '?')
	if mark <= 0 || mark+2 >= len(head) || head[mark+2] != '?' || bytes.ContainsAny(head[:mark], " =") {
		return encodedWord{}, false
	}
	from := i + 2 + mark + 3
	end := r.endAfter(from)
	if end < 0 {
		return encodedWord{}, false
	}
	charset, _, _ := strings.Cut(string(head[:mark]), "*") // RFC 2231 section 5: charset*language
	w := encodedWord{charset: charset, next: end + 2}
	switch coded := b[from:end]; head[mark+1] {
	case 'b', 'B':
		w.content = decodeBase64Word(coded)
	case 'q', 'Q':
		w.content = decodeQWord(coded)
	default:
		return encodedWord{}, false
	}
	return w, true
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
