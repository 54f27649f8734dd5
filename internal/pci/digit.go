package pci

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// digitBlock is a block of consecutive characters that stand for consecutive digits, the first of which is worth first.
type digitBlock struct {
	low, high rune
	first     byte
}

// enclosed are characters that people read as digits although Unicode does not class them as decimal digits.
var enclosed = []digitBlock{
	{'²', '³', 2}, {'¹', '¹', 1}, {'⁰', '⁰', 0}, {'⁴', '⁹', 4}, {'₀', '₉', 0},
	{'①', '⑨', 1}, {'⑴', '⑼', 1}, {'⒈', '⒐', 1}, {'⓪', '⓪', 0}, {'⓵', '⓽', 1}, {'⓿', '⓿', 0},
	{'❶', '❾', 1}, {'➀', '➈', 1}, {'➊', '➒', 1}, {'〇', '〇', 0},
}

// digitBlocks is every digit outside ASCII, by code point: the decimal digits of all scripts (Unicode class Nd) and enclosed.
var digitBlocks = indexDigits()

func indexDigits() []digitBlock {
	blocks := slices.Clone(enclosed)
	for _, r := range unicode.Nd.R16 {
		blocks = append(blocks, digitBlock{rune(r.Lo), rune(r.Hi), 0})
	}
	for _, r := range unicode.Nd.R32 {
		blocks = append(blocks, digitBlock{rune(r.Lo), rune(r.Hi), 0})
	}
	slices.SortFunc(blocks, func(a, b digitBlock) int { return int(a.low - b.low) })
	return blocks
}

// digitValue returns what r is worth as a decimal digit. Several alphabets of digits may follow each other in one block (the
// mathematical ones do), so the value is the distance from the start of the block, modulo ten.
func digitValue(r rune) (value byte, ok bool) {
	if r < utf8.RuneSelf {
		return byte(r - '0'), '0' <= r && r <= '9'
	}
	i, found := slices.BinarySearchFunc(digitBlocks, r, func(b digitBlock, r rune) int {
		switch {
		case b.high < r:
			return -1
		case b.low > r:
			return 1
		}
		return 0
	})
	if !found {
		return 0, false
	}
	b := digitBlocks[i]
	return (b.first + byte((r-b.low)%10)) % 10, true
}

// digitLead marks the bytes with which a digit can begin in UTF-8. It is the prefilter: Hangul, Han and Kana begin with other
// bytes (but for the Hangul of lead byte 0xEA, which nextDigit steps over), so that plain prose is passed at the speed of a byte loop.
var digitLead = indexLeads()

func indexLeads() (lead [256]bool) {
	mark := func(r rune) {
		var buf [utf8.UTFMax]byte
		utf8.EncodeRune(buf[:], r)
		lead[buf[0]] = true
	}
	for _, b := range digitBlocks {
		for r := b.low; r <= b.high; r++ {
			mark(r)
		}
	}
	return lead
}

// nextDigit returns the position of the first digit in s at or after i, or -1.
func nextDigit(s string, i int) int {
	for i < len(s) {
		c := s[i]
		if !digitLead[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			return i
		}
		if c == 0xEA && i+2 < len(s) && s[i+1] >= 0xB0 {
			i += 3 // Hangul U+AC00..U+AFFF; the digits with this lead byte are below U+AC00
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if _, ok := digitValue(r); ok {
			return i
		}
		i += size
	}
	return -1
}

// runeClass is the part that a character plays between two digits of one number.
type runeClass uint8

const (
	classOther     runeClass = iota // ends the number
	classInvisible                  // is not seen: zero-width, soft hyphen, bidi control, combining mark, filler
	classSeparator                  // space, dash, dot, slash and the like
	classList                       // comma, plus, tilde, colon: separates numbers more often than digits of one
	classLine                       // ends a line
)

// invisible are fillers that Unicode classes as letters although nothing is drawn, and the mark that stands in place of a byte
// that was no text.
const invisible = "\u115F\u1160\u3164\uFFA0\uFFFD"

// separators between groups of one number, beside the spaces (Zs) and dashes (Pd) of Unicode.
const separators = "\t./_|*·•‧∙⋅・−"

func classify(r rune) runeClass {
	if r < utf8.RuneSelf {
		return classASCII[r]
	}
	switch r {
	case '\u0085', '\u2028', '\u2029':
		return classLine
	case '，', '、', '～', '〜', '∼':
		return classList
	case '\u2800': // the empty braille cell
		return classSeparator
	}
	switch {
	case unicode.In(r, unicode.Zs, unicode.Pd):
		return classSeparator
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn, unicode.Me):
		return classInvisible
	}
	for _, x := range invisible {
		if r == x {
			return classInvisible
		}
	}
	for _, x := range separators {
		if r == x {
			return classSeparator
		}
	}
	return classOther
}

var classASCII = indexASCII()

func indexASCII() (class [utf8.RuneSelf]runeClass) {
	for c := range class {
		if c < ' ' || c == 0x7F {
			class[c] = classInvisible
		}
	}
	for _, c := range separators {
		if c < utf8.RuneSelf {
			class[c] = classSeparator
		}
	}
	class[' '], class['-'] = classSeparator, classSeparator
	class['\n'], class['\r'] = classLine, classLine
	class['\v'], class['\f'] = classSeparator, classSeparator
	class[','], class['~'], class['+'], class[':'] = classList, classList, classList, classList
	return class
}
