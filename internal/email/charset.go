package email

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Control characters that switch character sets (ISO 2022).
const (
	escape   = 0x1b
	shiftOut = 0x0e
	shiftIn  = 0x0f
)

// aliases are names of character sets that mail programs use and the WHATWG and IANA indexes do not know.
var aliases = map[string]encoding.Encoding{
	"cp949": korean.EUCKR, "ms949": korean.EUCKR, "uhc": korean.EUCKR, "x-windows-949": korean.EUCKR,
	"ks_c_5601": korean.EUCKR, "ksc-5601": korean.EUCKR, "ks-c-5601-1987": korean.EUCKR, "euc_kr": korean.EUCKR, "euckr": korean.EUCKR,
	"cp932": japanese.ShiftJIS, "x-sjis-jp": japanese.ShiftJIS, "sjis": japanese.ShiftJIS, "iso-2022-jp-ms": japanese.ISO2022JP,
	"cp936": simplifiedchinese.GBK, "cp950": traditionalchinese.Big5,
	"cp1252": charmap.Windows1252, "cp1251": charmap.Windows1251, "cp-850": charmap.CodePage850,
	"ansi_x3.110-1983": charmap.ISO8859_1, "iso8859_1": charmap.ISO8859_1,
}

// decodeCharset turns text in the character set that it names into UTF-8. Where that fails, or nothing is named, it is guessed:
// UTF-8 first, which other sets are hardly ever by accident. ok says that the name was right.
func decodeCharset(b []byte, label string) (text string, ok bool) {
	label = strings.ToLower(strings.Trim(label, " \t\"'<>"))
	switch label {
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown", "unknown-8bit", "x-unknown", "default", "_iso-2022-jp$esc":
		return guessCharset(b), !hasHigh(b)
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		if utf8.Valid(b) {
			return string(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))), true
		}
		return guessCharset(b), false
	case "iso-2022-kr", "csiso2022kr":
		return decodeISO2022KR(b), true
	case "utf-7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7":
		return decodeUTF7(b), true
	}
	e := lookupCharset(label)
	if e == nil {
		return guessCharset(b), false
	}
	text, clean := convert(b, e)
	if clean {
		return text, true
	}
	if utf8.Valid(b) {
		return string(b), false
	}
	return text, false // mostly right: a damaged character is U+FFFD
}

func lookupCharset(label string) encoding.Encoding {
	if e, ok := aliases[label]; ok {
		return e
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return e
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil {
		return e
	}
	return nil
}

// convert decodes b. clean says that every byte had a meaning.
func convert(b []byte, e encoding.Encoding) (text string, clean bool) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))), false
	}
	return string(out), !bytes.ContainsRune(out, utf8.RuneError)
}

func hasHigh(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// guess is a multi-byte set that 8-bit text of unknown origin may be in, and the scripts that it is for.
type guess struct {
	encoding encoding.Encoding
	scripts  []*unicode.RangeTable
}

// guessKorean is tried before all others, for that is where our mail comes from; guesses come last.
var (
	guessKorean = guess{korean.EUCKR, []*unicode.RangeTable{unicode.Hangul}}
	guesses     = []guess{
		{japanese.ShiftJIS, []*unicode.RangeTable{unicode.Hiragana, unicode.Katakana}},
		{japanese.EUCJP, []*unicode.RangeTable{unicode.Hiragana, unicode.Katakana}},
		{simplifiedchinese.GB18030, []*unicode.RangeTable{unicode.Han}},
		{traditionalchinese.Big5, []*unicode.RangeTable{unicode.Han}},
	}
)

// fits decodes b if every byte has a meaning and half of what is beyond ASCII is of the scripts.
func (g guess) fits(b []byte) (text string, ok bool) {
	text, clean := convert(b, g.encoding)
	return text, clean && share(text, g.scripts) >= 0.5
}

// guessCharset turns text of an unknown character set into UTF-8.
func guessCharset(b []byte) string {
	if utf8.Valid(b) {
		if i := bytes.IndexByte(b, escape); i >= 0 {
			return guessISO2022(b, i)
		}
		return string(b)
	}
	if alone(b) <= 0.5 {
		if text, ok := guessKorean.fits(b); ok {
			return text
		}
		if mostlyUTF8(b) {
			return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
		}
		for _, g := range guesses {
			if text, ok := g.fits(b); ok {
				return text
			}
		}
	}
	text, _ := convert(b, charmap.Windows1252)
	return text
}

// mostlyUTF8 reports whether b is UTF-8 with some damage: as when a text was cut within a character.
func mostlyUTF8(b []byte) bool {
	sound, damaged := 0, 0
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
	return sound >= damaged
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

// guessISO2022 decodes 7-bit text whose first escape sequence is at position i.
func guessISO2022(b []byte, i int) string {
	switch {
	case bytes.HasPrefix(b[i:], []byte("\x1b$)C")):
		return decodeISO2022KR(b)
	case bytes.HasPrefix(b[i:], []byte("\x1b$")), bytes.HasPrefix(b[i:], []byte("\x1b(")):
		if text, clean := convert(b, japanese.ISO2022JP); clean {
			return text
		}
	}
	return string(b)
}

// share is the part of the characters beyond ASCII that belong to the scripts.
func share(text string, scripts []*unicode.RangeTable) float64 {
	inside, all := 0, 0
	for _, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		all++
		if unicode.In(r, scripts...) {
			inside++
		}
	}
	if all == 0 {
		return 0
	}
	return float64(inside) / float64(all)
}

// decodeISO2022KR decodes RFC 1557: after SO two bytes of seven bits are a character of KS X 1001, after SI bytes are ASCII; the
// designator ESC $ ) C says nothing more. A line begins in ASCII.
func decodeISO2022KR(b []byte) string {
	euc := make([]byte, 0, len(b))
	shifted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case bytes.HasPrefix(b[i:], []byte("\x1b$)C")):
			i += 3
		case c == shiftOut:
			shifted = true
		case c == shiftIn:
			shifted = false
		case c == '\n':
			shifted = false
			euc = append(euc, c)
		case shifted && c > ' ' && c < 0x7f:
			euc = append(euc, c|0x80)
		default:
			euc = append(euc, c)
		}
	}
	text, _ := convert(euc, korean.EUCKR)
	return text
}
