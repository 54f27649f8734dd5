package pci

import (
	"strings"
	"unicode/utf8"
)

// mask is what stands in place of a digit.
const mask = '*'

// visible is how many digits of a card stay readable (PCI DSS 3.4.1).
const visible = 4

// hit is a card number in a text.
type hit struct {
	start, end int // byte positions: first digit, behind the last digit
	hidden     int // how many of its digits have to go, from the left
	brand      string
	last4      string
}

// find returns the card numbers of s from left to right; they do not overlap. Time is linear in the length of s: every digit
// is read once, and runLimit digits are looked at from each group of digits.
func (m mode) find(s string) []hit {
	var hits []hit
	var c chain
	words := newContext(s)
	for i := nextDigit(s, 0); i >= 0; i = nextDigit(s, c.digits[len(c.digits)-1].end) {
		c.begin(s, i)
		hits = m.follow(words, &c, hits)
	}
	return hits
}

// follow appends the card numbers of one chain to hits.
func (m mode) follow(words *cardContext, c *chain, hits []hit) []hit {
	for at := 0; at < len(c.digits); {
		if len(c.digits)-at < runLimit && !c.ended {
			c.keep(words.text, at)
			at = 0
		}
		r := run(c.digits[at:min(at+runLimit, len(c.digits))])
		found, ok := m.best(place{cardContext: words, run: r, follows: r[0].before != gapEnd})
		if !ok {
			at = c.nextGroup(words.text, at)
			continue
		}
		hits = append(hits, r.hit(found))
		at += found.n
	}
	return hits
}

func (r run) hit(found match) hit {
	h := hit{start: r[0].start, end: r[found.n-1].end, hidden: found.n, brand: found.brand}
	if found.ambiguous {
		return h
	}
	h.hidden -= visible
	for _, d := range r[h.hidden:found.n] {
		h.last4 += string('0' + rune(d.value))
	}
	return h
}

// hide replaces the digits of the hits, but for those that stay visible, character by character.
func hide(s string, hits []hit) string {
	var b strings.Builder
	b.Grow(len(s))
	at := 0
	for _, h := range hits {
		b.WriteString(s[at:h.start])
		at = h.start
		for hidden := 0; hidden < h.hidden; {
			c, size := utf8.DecodeRuneInString(s[at:])
			if _, ok := digitValue(c); ok {
				c = mask
				hidden++
			}
			b.WriteRune(c)
			at += size
		}
	}
	b.WriteString(s[at:])
	return b.String()
}

// hideAll replaces every digit of s.
func hideAll(s string) string {
	return strings.Map(func(c rune) rune {
		if _, ok := digitValue(c); ok {
			return mask
		}
		return c
	}, s)
}
