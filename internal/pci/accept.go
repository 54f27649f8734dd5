package pci

// mode says how sure a finding has to be.
type mode uint8

const (
	modeFinal mode = iota // a complete number with a right check digit
	modeDraft             // also one that is still being typed (R37)
)

// minDraft is how many digits of an unfinished number count in a draft (R37).
const minDraft = 11

// verificationDigits is the length of a card verification value (Amex's has four, but no number of 19 digits begins like one).
const verificationDigits = 3

// match is a run, or the beginning of one, that counts as a card number.
type match struct {
	brand string
	n     int // digits
	// ambiguous says that the last three digits may be a verification value: "16 digits, space, 3 digits" can be a card of 19
	// digits, or one of 16 with its CVV. Then no digit is left to be seen.
	ambiguous bool
}

// place is where a run stands in its text.
type place struct {
	*cardContext
	run run
	// follows says that the run continues a number before it.
	follows bool
}

// best returns the longest match that begins with the run's first digit.
func (m mode) best(p place) (match, bool) {
	if len(p.run) < minDraft || len(issuersByStart[p.run.start()]) == 0 {
		return match{}, false
	}
	var found match
	ends := p.run.luhnEnds()
	for n := min(len(p.run), maxCard); n >= minCard; n-- {
		if ends&(1<<n) == 0 || !p.run.ends(n) {
			continue
		}
		brand, ok := p.complete(n)
		if !ok {
			continue
		}
		if found.n == 0 {
			found = match{brand: brand, n: n}
		} else if found.n-n == verificationDigits {
			found.ambiguous = true
		}
	}
	if found.n != 0 || m != modeDraft {
		return found, found.n != 0
	}
	return p.unfinished()
}

// complete reports whether the first n digits, whose check digit is right, are a card number, and of which brand.
func (p place) complete(n int) (brand string, ok bool) {
	prefix := p.run.prefix()
	for _, row := range issuersByStart[p.run.start()] {
		if row.covers(prefix) && row.lengths&(1<<n) != 0 && p.credible(n, row) {
			return row.brand, true
		}
	}
	return "", false
}

// credible weighs what stands around a number that has prefix, length and check digit right: one random number in thirty does.
// A number in an unusual grouping, across lines or with commas counts only when it stands alone or near a word for card.
func (p place) credible(n int, row issuer) bool {
	start, end := p.run[0].start, p.run[n-1].end
	if insideIdentifier(p.text, start, end) {
		return p.nearCardWord(start)
	}
	sh := p.run.shape(n)
	plain := row.needs == evidenceNone || row.needs == evidenceGrouped && sh.fours
	if plain && sh.regular && !sh.line && !sh.list && !p.resembles(n, sh) {
		return true
	}
	if plain && !sh.single && !sh.list && p.alone(n) && !joined(p.text, start, end) {
		return true
	}
	return p.nearCardWord(start)
}

// resembles reports whether the number is more likely something else: the decimals of a coordinate, or an article number
// (EAN-13, whose check digit it has right as well, while cards of 13 digits are nearly extinct).
func (p place) resembles(n int, sh shape) bool {
	if !sh.single {
		return false
	}
	return n == 13 && ean13(p.run) || afterDecimalPoint(p.text, p.run[0].start)
}

// ean13 reports whether the first 13 digits end in the check digit of an article number (GS1 General Specifications 7.9).
func ean13(r run) bool {
	sum := 0
	for i := range 13 {
		sum += int(r[i].value) * (1 + 2*(i%2))
	}
	return sum%10 == 0
}

// alone reports whether no other digits stand beside the first n.
func (p place) alone(n int) bool { return n == len(p.run) && !p.follows }

// unfinished returns the longest beginning of a card number: a known prefix, at least minDraft digits, no check digit.
func (p place) unfinished() (match, bool) {
	start, prefix := p.run[0].start, p.run.prefix()
	if afterDecimalPoint(p.text, start) || afterPlus(p.text, start) || p.follows {
		return match{}, false
	}
	for n := min(len(p.run), maxCard); n >= minDraft; n-- {
		if !p.run.ends(n) || koreanMobile(p.run, n) {
			continue
		}
		sh := p.run.shape(n)
		if !sh.regular || sh.line || sh.list || insideIdentifier(p.text, start, p.run[n-1].end) {
			continue
		}
		for _, row := range issuersByStart[p.run.start()] {
			enough := row.needs == evidenceNone || row.needs == evidenceGrouped && sh.fours
			if row.covers(prefix) && (enough || p.nearCardWord(start)) {
				return match{brand: row.brand, n: n}, true
			}
		}
	}
	return match{}, false
}

// koreanMobile reports whether the first n digits are a Korean mobile number with its country code, 82 10 xxxx xxxx, which has
// the prefix of a RuPay card.
func koreanMobile(r run, n int) bool {
	return n == 12 && r.start() == 82 && r[2:].start() == 10
}
