package pci

import "unicode/utf8"

// gap is what stands between a digit and the one before it.
type gap uint8

const (
	gapGlued gap = iota // nothing that is seen
	gapSpace            // one to four separators
	gapList             // a comma or the like
	gapLine             // one line break, with the marks of a quotation after it
	gapEnd              // more than that: the two digits belong to different numbers
)

const (
	maxGap   = 4  // separators in a gap
	maxQuote = 16 // spaces and quotation marks after a line break
)

// runLimit is how many digits are looked at together: the longest card number, and one to see what follows.
const runLimit = maxCard + 1

// digit is one digit of a text.
type digit struct {
	start, end int  // byte positions
	value      byte // 0 to 9
	before     gap  // between the digit before and this one; gapEnd for the first of a chain
}

// chain is a stretch of digits with no gapEnd between them, read piece by piece: a table of numbers can be one chain of megabytes.
type chain struct {
	digits []digit
	next   int  // where the digit after the last one read begins
	before gap  // what is before it
	ended  bool // there is none
}

// chainPiece is how many digits are read at a time.
const chainPiece = 256

// begin starts the chain whose first digit is at position i.
func (c *chain) begin(s string, i int) {
	c.digits, c.next, c.before, c.ended = c.digits[:0], i, gapEnd, false
	c.read(s)
}

// keep drops all digits before the one at index from and reads the next piece.
func (c *chain) keep(s string, from int) {
	c.digits = append(c.digits[:0], c.digits[from:]...)
	c.read(s)
}

func (c *chain) read(s string) {
	for range chainPiece {
		value, size := s[c.next]-'0', 1
		if value > 9 {
			var r rune
			r, size = utf8.DecodeRuneInString(s[c.next:])
			value, _ = digitValue(r)
		}
		c.digits = append(c.digits, digit{c.next, c.next + size, value, c.before})
		c.next, c.before = crossGap(s, c.next+size)
		if c.before == gapEnd {
			c.ended = true
			return
		}
	}
}

// nextGroup returns the index of the first digit after from that is not glued to the one before it, reading on as needed.
func (c *chain) nextGroup(s string, from int) int {
	for i := from + 1; ; i++ {
		if i == len(c.digits) {
			if c.ended {
				return i
			}
			c.keep(s, i-1)
			i = 1
		}
		if c.digits[i].before != gapGlued {
			return i
		}
	}
}

// run is up to runLimit digits of a chain, in which a card number may begin with the first.
type run []digit

// ends reports whether a number may end after the first n digits: the next one, if any, is not glued to them.
func (r run) ends(n int) bool { return n == len(r) || r[n].before != gapGlued }

// crossGap returns the position of the next digit after position i, where a digit has just ended, and the gap between the two.
func crossGap(s string, i int) (int, gap) {
	seen, kind, quote := 0, gapGlued, 0
	for i < len(s) {
		c, size := rune(s[i]), 1
		if isASCIIDigit(s[i]) {
			return i, kind
		}
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
			if _, ok := digitValue(c); ok {
				return i, kind
			}
		}
		class := classify(c)
		if kind == gapLine && c == '>' {
			class = classSeparator
		}
		switch class {
		case classOther:
			return i, gapEnd
		case classInvisible:
		case classLine:
			if kind == gapLine {
				return i, gapEnd
			}
			if c == '\r' && i+1 < len(s) && s[i+1] == '\n' {
				size = 2
			}
			kind = gapLine
		case classSeparator, classList:
			if kind == gapLine {
				if quote++; quote > maxQuote {
					return i, gapEnd
				}
				break
			}
			if seen++; seen > maxGap {
				return i, gapEnd
			}
			if class == classList {
				kind = gapList
			}
			kind = max(kind, gapSpace)
		}
		i += size
	}
	return i, gapEnd
}

// shape is how the first n digits of a run are grouped.
type shape struct {
	regular bool // one group, fours, or 4-6-5 and its like: how cards are printed
	single  bool // one group
	fours   bool // 4-4-4-4
	line    bool // a line break inside
	list    bool // a comma or the like inside
}

func (r run) shape(n int) shape {
	var sizes [runLimit]int
	groups, out := 1, shape{}
	sizes[0] = 1
	for i := 1; i < n; i++ {
		switch r[i].before {
		case gapGlued:
			sizes[groups-1]++
			continue
		case gapLine:
			out.line = true
		case gapList:
			out.list = true
		}
		groups++
		sizes[groups-1] = 1
	}
	g := sizes[:groups]
	out.single = groups == 1
	out.fours = groups > 1 && fours(g)
	out.regular = out.single || out.fours || printed(g)
	return out
}

// fours reports whether all groups have four digits; the last may have fewer.
func fours(g []int) bool {
	for _, size := range g[:len(g)-1] {
		if size != 4 {
			return false
		}
	}
	return g[len(g)-1] <= 4
}

// printed reports whether the groups are as on cards that are not printed in fours: 4-6-5 (Amex), 4-6-4 (Diners), 4-3-3-3
// (Visa of 13 digits), 6-13 (UnionPay of 19). The last group may be unfinished.
func printed(g []int) bool {
	switch {
	case len(g) == 2 && g[0] == 4:
		return g[1] <= 6
	case len(g) == 2 && g[0] == 6:
		return g[1] == 13
	case len(g) == 3 && g[0] == 4 && g[1] == 6:
		return g[2] <= 5
	case len(g) == 4 && g[0] == 4 && g[1] == 3 && g[2] == 3:
		return g[3] == 3
	}
	return false
}
