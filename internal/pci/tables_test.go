package pci

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Unicode promises that the decimal digits of a script follow each other from zero to nine; the table relies on it.
func TestDigitsOfEveryScriptHaveTheirValue(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		value, ok := digitValue(r)
		if unicode.IsDigit(r) && !ok {
			t.Fatalf("%U is not a digit", r)
		}
		if ok && nextDigit(string(r), 0) != 0 {
			t.Fatalf("%U is passed over", r)
		}
		if plain := strings.Trim(norm.NFKD.String(string(r)), "()."); ok && len(plain) == 1 && plain[0] != '0'+value {
			t.Fatalf("%U is worth %s, not %d", r, plain, value)
		}
	}
	for _, table := range unicode.Nd.R32 {
		if table.Stride != 1 || (table.Hi-table.Lo+1)%10 != 0 {
			t.Fatalf("the digits %U..%U are not whole alphabets", table.Lo, table.Hi)
		}
	}
	for _, table := range unicode.Nd.R16 {
		if table.Stride != 1 || (table.Hi-table.Lo+1)%10 != 0 {
			t.Fatalf("the digits %U..%U are not whole alphabets", table.Lo, table.Hi)
		}
	}
}

func TestTextIsCutBeforeANumberAndNotWithinIt(t *testing.T) {
	t.Parallel()
	const card = "4111-1111 1111\n> 1111"
	for _, before := range []string{"", "가", "가나 다", "1234 ", "12345678901234567890123 ", "9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 "} {
		s := before + card + " 가나다 라"
		for size := range len(s) {
			out := cut(s, size)
			if !strings.HasPrefix(s, out) || len(out) > size || !utf8.ValidString(out) {
				t.Fatalf("%q cut at %d is %q", s, size, out)
			}
			if size < len(before)+len(card) && len(out) > len(before) {
				t.Fatalf("%q cut at %d leaves %q", s, size, out)
			}
			if size >= len(before)+len(card) && len(out) < size-utf8.UTFMax {
				t.Fatalf("%q cut at %d loses too much: %q", s, size, out)
			}
		}
	}
}

func TestEveryIssuerRowCanBeReached(t *testing.T) {
	t.Parallel()
	for _, row := range issuers {
		if row.low > row.high || row.low < 100000 || row.high > 999999 || row.lengths>>(maxCard+1) != 0 || row.lengths&(1<<minCard-1) != 0 {
			t.Errorf("%s %d-%d: bad row", row.brand, row.low, row.high)
		}
		found := false
		for _, other := range issuersByStart[row.low/10000] {
			found = found || other == row
		}
		if !found {
			t.Errorf("%s %d-%d is not found by its first digits", row.brand, row.low, row.high)
		}
	}
}

func TestLongestCardWordIsKnown(t *testing.T) {
	t.Parallel()
	for _, word := range cardWords {
		if len(word) > longestCardWord {
			t.Errorf("%q has %d bytes", word, len(word))
		}
	}
}
