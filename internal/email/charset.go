package email

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// aliases are names of character sets, squeezed, that mail programs use and the WHATWG and IANA indexes do not know, or know as less
// than what comes under that name: text in GB2312 holds characters of GB18030.
var aliases = map[string]encoding.Encoding{
	"cp949": korean.EUCKR, "ms949": korean.EUCKR, "uhc": korean.EUCKR, "xwindows949": korean.EUCKR, "windows949": korean.EUCKR, "euckr": korean.EUCKR,
	"xeuckr": korean.EUCKR, "ksc5601": korean.EUCKR, "ksc56011987": korean.EUCKR, "ksc56011992": korean.EUCKR, "ksx1001": korean.EUCKR, "korean": korean.EUCKR, "johab": nil,
	"cp932": japanese.ShiftJIS, "ms932": japanese.ShiftJIS, "xsjisjp": japanese.ShiftJIS, "sjis": japanese.ShiftJIS, "xsjis": japanese.ShiftJIS,
	"shiftjis": japanese.ShiftJIS, "windows31j": japanese.ShiftJIS, "xmscp932": japanese.ShiftJIS, "eucjp": japanese.EUCJP, "xeucjp": japanese.EUCJP,
	"cp51932": japanese.EUCJP, "eucjpms": japanese.EUCJP, "ujis": japanese.EUCJP,
	"gb2312": simplifiedchinese.GB18030, "gb231280": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "xgbk": simplifiedchinese.GB18030, "cp936": simplifiedchinese.GB18030,
	"ms936": simplifiedchinese.GB18030, "gb18030": simplifiedchinese.GB18030, "euccn": simplifiedchinese.GB18030, "chinese": simplifiedchinese.GB18030,
	"windows936": simplifiedchinese.GB18030, "hzgb2312": simplifiedchinese.HZGB2312, "hz": simplifiedchinese.HZGB2312,
	"cp950": traditionalchinese.Big5, "ms950": traditionalchinese.Big5, "windows950": traditionalchinese.Big5, "big5": traditionalchinese.Big5, "big5hkscs": traditionalchinese.Big5,
	"xxbig5": traditionalchinese.Big5, "xbig5": traditionalchinese.Big5,
	"ansix31101983": charmap.ISO8859_1, "latin1": charmap.Windows1252, "iso88591": charmap.Windows1252, "ansi": charmap.Windows1252, "western": charmap.Windows1252,
	"tis620": charmap.Windows874, "iso885911": charmap.Windows874, "macroman": charmap.Macintosh,
	"utf16": utf16LE, "utf16le": utf16LE, "utf16be": utf16BE, "ucs2": utf16BE, "iso10646ucs2": utf16BE, "unicode": utf16LE,
	"utf32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "utf32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
}

// Both byte orders, a byte order mark deciding otherwise.
var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
)

// western are the sets in which every byte is a character, so that nothing in them shows that the name is wrong.
var western = map[encoding.Encoding]bool{charmap.Windows1252: true, charmap.ISO8859_1: true, charmap.ISO8859_15: true, charmap.Windows1254: true,
	charmap.ISO8859_2: true, charmap.Windows1250: true, charmap.Windows1258: true, charmap.Windows1257: true, charmap.Macintosh: true}

// decodeCharset turns text in the character set that it names into UTF-8. Where that fails, or nothing is named, it is guessed:
// UTF-8 first, which other sets are hardly ever by accident. ok says that the name was right.
func decodeCharset(b []byte, label string) (text string, ok bool) {
	label = cleanLabel(label)
	squeezedLabel := squeezeLabel(label)
	switch squeezedLabel {
	case "", "usascii", "ascii", "ansix341968", "ansix341986", "iso646us", "unknown", "unknown8bit", "xunknown", "default", "none", "7bit", "8bit", "binary", "us", "xusascii":
		return guessCharset(b), !hasHigh(b)
	case "utf8", "unicode11utf8", "utf8mb4", "cp65001", "unicodeutf8", "xutf8":
		if utf8.Valid(b) {
			return decodeUTF8(b), true
		}
		return guessCharset(b), false
	case "utf7", "unicode11utf7", "xunicode20utf7", "cp65000":
		return decodeUTF7(b), true
	}
	if strings.HasPrefix(squeezedLabel, "iso2022") || strings.HasPrefix(squeezedLabel, "csiso2022") || strings.HasPrefix(squeezedLabel, "cp5022") {
		if hasHigh(b) && utf8.Valid(b) {
			return string(b), false
		}
		return decodeISO2022(b, squeezedLabel), true
	}
	e := lookupCharset(label)
	if e == nil {
		return guessCharset(b), false
	}
	if (e == utf16LE || e == utf16BE) && len(b) > 1 {
		return decodeUTF16(b, e)
	}
	return decodeNamed(b, e)
}

// decodeUTF8 is valid UTF-8 without its byte order mark. It may hide ISO 2022, whose bytes are ASCII.
func decodeUTF8(b []byte) string {
	return string(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
}

// decodeNamed decodes text in the set that it names, unless it is clearly in another one.
func decodeNamed(b []byte, e encoding.Encoding) (text string, ok bool) {
	if !hasHigh(b) {
		text, clean := convert(b, e) // it may still switch sets
		return text, clean
	}
	if convincingUTF8(b) || western[e] && utf8.Valid(b) { // "Ã©" means é
		return decodeUTF8(b), false
	}
	if western[e] {
		if text, found := guessEastern(b); found {
			return text, false
		}
	}
	text, clean := convert(b, e)
	if clean {
		return text, true
	}
	if utf8.Valid(b) {
		return decodeUTF8(b), false
	}
	if damaged := strings.Count(text, "\uFFFD"); damaged*20 > utf8.RuneCountInString(text) {
		if guessed, found := guessEastern(b); found {
			return guessed, false
		}
	}
	return text, false // mostly right: a damaged character is U+FFFD
}

// decodeUTF16 decodes UTF-16 of either byte order: a byte order mark says which, or where the zero bytes of ASCII are.
func decodeUTF16(b []byte, e encoding.Encoding) (text string, ok bool) {
	low, high := 0, 0 // zero bytes at odd and at even positions
	for i, c := range b[:min(len(b), 512)] {
		switch {
		case c != 0:
		case i%2 == 1:
			low++
		default:
			high++
		}
	}
	switch {
	case low > 2*high:
		e = utf16LE
	case high > 2*low:
		e = utf16BE
	case isPrintable(b):
		return string(b), false // it only says so
	}
	text, clean := convert(b[:len(b)&^1], e)
	return strings.TrimPrefix(text, "\ufeff"), clean && len(b)%2 == 0
}

// isPrintable reports whether text is nothing but ASCII, as UTF-16 hardly ever is when read as bytes.
func isPrintable(b []byte) bool {
	for _, c := range b {
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// cleanLabel takes off what does not belong to a name.
func cleanLabel(label string) string {
	label = strings.ToLower(strings.Trim(label, " \t\"'<>;,"))
	label = strings.TrimPrefix(label, "charset=")
	if i := strings.IndexAny(label, ";,/ "); i > 0 {
		label = label[:i]
	}
	return strings.Trim(label, "\"'")
}

// squeezeLabel leaves the letters and digits of a name, by which it is known however its parts are joined.
func squeezeLabel(label string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, label)
}

// lookupCharset finds the set of that name, or nil.
func lookupCharset(label string) encoding.Encoding {
	squeezedLabel := squeezeLabel(label)
	if e, ok := aliases[squeezedLabel]; ok {
		return e
	}
	if e := indexed(label); e != nil {
		return e
	}
	for _, family := range [][2]string{{"iso8859", "iso-8859-"}, {"windows125", "windows-125"}, {"win125", "windows-125"}, {"cp125", "windows-125"}, {"ms125", "windows-125"},
		{"xcp125", "windows-125"}, {"koi8", "koi8-"}, {"cp", "ibm"}, {"ibm", "ibm"}, {"oem", "ibm"}, {"dos", "ibm"}, {"xmac", "x-mac-"}} {
		if tail, found := strings.CutPrefix(squeezedLabel, family[0]); found && tail != "" {
			if e := indexed(family[1] + tail); e != nil {
				return e
			}
		}
	}
	return nil
}

// indexed asks the indexes of WHATWG, which knows what programs mean by a name, and of IANA.
func indexed(label string) encoding.Encoding {
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
	if len(b) < 4<<10 {
		out, err := e.NewDecoder().Bytes(b)
		if err != nil {
			return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))), false
		}
		return string(out), !bytes.ContainsRune(out, utf8.RuneError)
	}
	var out strings.Builder // a long text is not held twice
	out.Grow(len(b) + len(b)/4)
	w := transform.NewWriter(&out, e.NewDecoder())
	_, err := w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))), false
	}
	return out.String(), !strings.Contains(out.String(), "\uFFFD")
}

func hasHigh(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// metaReach is how far from the start of HTML its character set is looked for.
const metaReach = 2048

var metaLabel = regexp.MustCompile(`(?i)<meta[^>]+charset\s*=\s*["']?([-\w.:]+)`)

// metaCharset is the character set that HTML names itself, or "".
func metaCharset(source []byte) string {
	if m := metaLabel.FindSubmatch(source[:min(len(source), metaReach)]); m != nil {
		return string(m[1])
	}
	return ""
}
