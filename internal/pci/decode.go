package pci

import (
	"bytes"
	"cmp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// marks are byte order marks. Those of UTF-32 come first: the one of UTF-16LE begins one of them.
var marks = []struct {
	mark     string
	encoding encoding.Encoding
}{
	{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)},
	{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.UseBOM)},
	{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
	{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
	{"\xef\xbb\xbf", unicode.UTF8BOM},
}

// guesses are tried when a text declares nothing usable and is not UTF-8. Each reading without an error is looked at: they
// agree on ASCII digits and differ on the wide ones.
var guesses = []encoding.Encoding{
	korean.EUCKR, japanese.ShiftJIS, japanese.EUCJP, simplifiedchinese.GB18030, charmap.Windows1252,
}

// labels are names of character sets that mail programs use and the WHATWG index does not know.
var labels = map[string]string{
	"cp949": "euc-kr", "ms949": "euc-kr", "uhc": "euc-kr", "x-windows-949": "euc-kr",
}

// escape begins the shifts of ISO-2022-JP, which is ASCII throughout and yet says something else.
const escape = 0x1B

// decode returns the readings of content as text: none when it is no text. A declared character set is believed only if the
// content is well-formed in it; one that is not known (UTF-7, ISO-2022-KR) leaves no reading, because digits can hide in it.
func decode(content []byte, declared string) []string {
	for _, m := range marks {
		if bytes.HasPrefix(content, []byte(m.mark)) {
			return readings(content, m.encoding)
		}
	}
	if wide := wideEncoding(content); wide != nil {
		return readings(content, wide)
	}
	if declared != "" {
		e, err := htmlindex.Get(cmp.Or(labels[strings.ToLower(declared)], declared))
		if err != nil || e == encoding.Replacement {
			return nil
		}
		if !utf8.Valid(content) || bytes.IndexByte(content, escape) >= 0 {
			if got := readings(content, e); got != nil {
				return got
			}
		}
	}
	if utf8.Valid(content) {
		return plain(string(content))
	}
	return readings(content, guesses...)
}

// readings decodes content in each of the encodings in which it is well-formed text.
func readings(content []byte, in ...encoding.Encoding) []string {
	var out []string
	for _, e := range in {
		got, err := e.NewDecoder().Bytes(content)
		if err != nil || bytes.ContainsRune(got, utf8.RuneError) {
			continue
		}
		out = append(out, plain(string(got))...)
	}
	return out
}

// plain returns s if it has no control characters but those of text, else nothing.
func plain(s string) []string {
	for i := range len(s) {
		c := s[i]
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v' || c == 0x7F {
			return nil
		}
	}
	return []string{s}
}

// wideEncoding recognises UTF-16 without a byte order mark: every other byte of its ASCII characters is zero.
func wideEncoding(content []byte) encoding.Encoding {
	head := content[:min(len(content), signatureReach)]
	if len(content)%2 != 0 || len(head) < 4 {
		return nil
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case zeros[0] == 0 && zeros[1] > len(head)/8:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros[1] == 0 && zeros[0] > len(head)/8:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}
