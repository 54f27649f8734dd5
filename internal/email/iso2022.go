package email

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Control characters that switch character sets (ISO 2022).
const (
	escape   = 0x1b
	shiftOut = 0x0e
	shiftIn  = 0x0f
)

// plane is a character set of seven bits that ISO 2022 switches to, and how its bytes are written in a set of eight bits.
type plane uint8

const (
	planeASCII    plane = iota
	planeKana           // half-width katakana, JIS X 0201
	planeJapanese       // JIS X 0208
	planeExtra          // JIS X 0212
	planeKorean         // KS X 1001
	planeChinese        // GB 2312
)

// designations are the escape sequences of RFC 1468, 1554, 1557, 1922 and 2237. Those of G1 take effect with shift-out.
var designations = []struct {
	sequence string
	plane    plane
	shifted  bool
}{
	{"\x1b$)C", planeKorean, true}, {"\x1b$)A", planeChinese, true}, {"\x1b)I", planeKana, true},
	{"\x1b$(C", planeKorean, false}, {"\x1b$(D", planeExtra, false}, {"\x1b$(B", planeJapanese, false}, {"\x1b$(@", planeJapanese, false}, {"\x1b$(A", planeChinese, false},
	{"\x1b$(Q", planeJapanese, false}, {"\x1b$(O", planeJapanese, false}, {"\x1b$B", planeJapanese, false}, {"\x1b$@", planeJapanese, false}, {"\x1b$A", planeChinese, false},
	{"\x1b(B", planeASCII, false}, {"\x1b(J", planeASCII, false}, {"\x1b(H", planeASCII, false}, {"\x1b(I", planeKana, false},
}

// decodeISO2022 decodes the sets that switch by escape sequences and shifts. label decides what shift-out means where nothing says so.
func decodeISO2022(b []byte, label string) string {
	r := isoReader{shifted: planeKana}
	if strings.Contains(label, "kr") {
		r.shifted = planeKorean
	}
	if strings.Contains(label, "cn") {
		r.shifted = planeChinese
	}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == escape:
			i += r.designate(b[i:]) - 1
		case c == shiftOut:
			r.use(r.shifted)
		case c == shiftIn:
			r.use(r.unshifted)
		case c == '\n' || c == '\r': // a line begins in ASCII
			r.unshifted = planeASCII
			r.use(planeASCII)
			r.run = append(r.run, c)
		default:
			r.run = append(r.run, c)
		}
	}
	r.flush()
	return r.out.String()
}

// isoReader collects the bytes that are in one plane and decodes them together.
type isoReader struct {
	out                strings.Builder
	now                plane
	shifted, unshifted plane
	run                []byte
}

// designate carries out the escape sequence with which b begins and returns its length; an unknown one is dropped as a character.
func (r *isoReader) designate(b []byte) int {
	for _, d := range designations {
		if !bytes.HasPrefix(b, []byte(d.sequence)) {
			continue
		}
		switch {
		case d.shifted:
			r.shifted = d.plane
		default:
			r.unshifted = d.plane
			r.use(d.plane)
		}
		return len(d.sequence)
	}
	return 1
}

func (r *isoReader) use(p plane) {
	if p != r.now {
		r.flush()
		r.now = p
	}
}

// flush decodes what was collected: with the upper bit set, it is in a set of eight bits.
func (r *isoReader) flush() {
	if len(r.run) == 0 {
		return
	}
	run := r.run
	r.run = r.run[:0]
	if r.now == planeASCII {
		if hasHigh(run) {
			r.out.WriteString(guessCharset(run))
			return
		}
		r.out.Write(run)
		return
	}
	upper := make([]byte, 0, 2*len(run))
	whole := len(run) &^ 1
	for i, c := range run {
		switch {
		case c <= ' ' || c >= 0x7f:
			upper = append(upper, c)
			continue
		case r.now == planeKana:
			upper = append(upper, 0x8e)
		case r.now == planeExtra && i%2 == 0 && i < whole:
			upper = append(upper, 0x8f)
		}
		upper = append(upper, c|0x80)
	}
	var text string
	switch r.now {
	case planeKorean:
		text, _ = convert(upper, korean.EUCKR)
	case planeChinese:
		text, _ = convert(upper, simplifiedchinese.GBK)
	default:
		text, _ = convert(upper, japanese.EUCJP)
	}
	r.out.WriteString(text)
}
