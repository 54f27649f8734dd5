package email

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// guessReach is how many bytes of a text are looked at to find its character set.
const guessReach = 16 << 10

// guessCharset turns text of an unknown character set into UTF-8.
func guessCharset(b []byte) string {
	if utf8.Valid(b) {
		switch i := bytes.IndexByte(b, escape); {
		case i >= 0:
			return guessISO2022(b, i)
		case looksUTF16(b):
			text, _ := decodeUTF16(b, utf16LE)
			return text
		}
		return decodeUTF8(b)
	}
	if looksUTF16(b) {
		text, _ := decodeUTF16(b, utf16LE)
		return text
	}
	sound, damaged := countUTF8(b)
	if sound >= 4*damaged { // as when a text was cut within a character
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
	}
	if text, ok := guessEastern(b); ok {
		return text
	}
	if sound >= damaged {
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
	}
	text, _ := convert(b, guessSingle(b))
	return text
}

// looksUTF16 reports whether b begins with a byte order mark, or every other byte of its beginning is zero.
func looksUTF16(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	sample := b[:min(len(b), 64)]
	odd, even := 0, 0
	for i, c := range sample {
		if c == 0 {
			if i%2 == 1 {
				odd++
			} else {
				even++
			}
		}
	}
	return len(sample) >= 8 && (odd*4 >= len(sample) && even == 0 || even*4 >= len(sample) && odd == 0)
}

// convincingUTF8 reports whether b is valid UTF-8 in a way that no other set is by accident: a character of three bytes, or several of two.
func convincingUTF8(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	twos := 0
	for _, c := range b {
		switch {
		case c >= 0xe0:
			return true
		case c >= 0xc2:
			twos++
		}
	}
	return twos > 2
}

// countUTF8 counts the characters beyond ASCII that are UTF-8, and the bytes that are not.
func countUTF8(b []byte) (sound, damaged int) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			damaged++
		case size > 1:
			sound++
		}
		b = b[size:]
	}
	return sound, damaged
}

// guess is a multi-byte set that 8-bit text of unknown origin may be in.
type guess struct {
	encoding encoding.Encoding
	likely   func(letters) bool
	usual    [2]byte // first bytes of the characters in daily use; zeros: not looked at
}

// letters counts the characters beyond ASCII of a decoded text, punctuation left out.
type letters struct{ hangul, kana, han, other int }

func (l letters) all() int { return l.hangul + l.kana + l.han + l.other }

// guesses are in the order in which they are tried: those first that are hardly ever right by accident, and Korean before all others,
// for that is where our mail comes from.
var guesses = []guess{
	{korean.EUCKR, func(l letters) bool { return l.hangul*10 >= l.all()*9 }, [2]byte{0xb0, 0xc8}},
	{japanese.EUCJP, func(l letters) bool { return l.kana*4 >= l.all() && (l.kana+l.han)*10 >= l.all()*9 }, [2]byte{}},
	{japanese.ShiftJIS, func(l letters) bool { return l.kana*4 >= l.all() && (l.kana+l.han)*10 >= l.all()*9 }, [2]byte{}},
	{simplifiedchinese.GB18030, func(l letters) bool { return l.han*10 >= l.all()*9 }, [2]byte{0xb0, 0xd7}},
	{traditionalchinese.Big5, func(l letters) bool { return l.han*10 >= l.all()*9 }, [2]byte{0xa4, 0xc6}},
	{korean.EUCKR, func(l letters) bool { return l.hangul*2 >= l.all() }, [2]byte{}},
}

// guessEastern decodes text in a multi-byte set, if it looks like one: bytes beyond ASCII stand together, all have a meaning, and the
// characters are those of a language that uses that set.
func guessEastern(b []byte) (text string, ok bool) {
	sample := whole(b)
	if alone(sample) > 0.5 {
		return "", false
	}
	for _, g := range guesses {
		if g.usual[0] != 0 && !g.usualIn(sample) {
			continue
		}
		decoded, clean := convert(sample, g.encoding)
		if !clean {
			continue
		}
		if l := count(decoded); l.all() > 0 && g.likely(l) {
			text, _ := convert(b, g.encoding)
			return text, true
		}
	}
	return "", false
}

// whole is the beginning of a long text, up to a byte of ASCII, so that no character is cut.
func whole(b []byte) []byte {
	if len(b) <= guessReach {
		return b
	}
	for i := guessReach; i > guessReach/2; i-- {
		if b[i] <= ' ' {
			return b[:i]
		}
	}
	return b[:guessReach]
}

// usualIn reports whether two thirds of the characters, two bytes each, are in daily use by their first byte.
func (g guess) usualIn(b []byte) bool {
	usual, all := 0, 0
	for i := 0; i+1 < len(b); i++ {
		if b[i] < utf8.RuneSelf {
			continue
		}
		all++
		if g.usual[0] <= b[i] && b[i] <= g.usual[1] || b[i] == 0xa1 || b[i] == 0xa3 { // punctuation, and letters in full width
			usual++
		}
		i++
	}
	return usual*3 >= all*2
}

func count(text string) letters {
	var l letters
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
		case 0xac00 <= r && r <= 0xd7a3:
			l.hangul++
		case 0x3041 <= r && r <= 0x30fe:
			l.kana++
		case unicode.Is(unicode.Han, r):
			l.han++
		case 0x3131 <= r && r <= 0x318e: // single letters of Hangul: laughter, but also what Japanese looks like in a Korean set
		case unicode.IsLetter(r) && (r < 0xff00 || r > 0xff5e):
			l.other++
		}
	}
	return l
}

// alone is the part of the bytes beyond ASCII that have none beside them. Nearly all are alone in European text, few in East Asian.
func alone(b []byte) float64 {
	single, all := 0, 0
	for i, c := range b {
		if c < utf8.RuneSelf {
			continue
		}
		all++
		if (i == 0 || b[i-1] < utf8.RuneSelf) && (i+1 == len(b) || b[i+1] < utf8.RuneSelf) {
			single++
		}
	}
	return float64(single) / float64(max(all, 1))
}

// guessSingle chooses a set of one byte per character: Cyrillic where whole words are beyond ASCII, Western European otherwise. Of the two
// Cyrillic sets it is the one in which most letters are small.
func guessSingle(b []byte) encoding.Encoding {
	b = whole(b)
	lower, upper, other := 0, 0, 0 // letters of windows-1251
	for _, c := range b {
		switch {
		case c >= 0xe0:
			lower++
		case c >= 0xc0:
			upper++
		case c >= utf8.RuneSelf:
			other++
		}
	}
	if all := lower + upper + other; all < 4 || other*5 > all || alone(b) > 0.2 {
		return charmap.Windows1252
	}
	if lower >= upper {
		return charmap.Windows1251
	}
	return charmap.KOI8R
}

// guessISO2022 decodes 7-bit text whose first escape sequence is at position i.
func guessISO2022(b []byte, i int) string {
	for _, d := range designations {
		if bytes.HasPrefix(b[i:], []byte(d.sequence)) {
			return decodeISO2022(b, "")
		}
	}
	return string(b)
}
