package pci

// evidence says what must come on top of prefix, length and Luhn before a number counts.
type evidence uint8

const (
	evidenceNone    evidence = iota // prefix, length and Luhn are enough
	evidenceGrouped                 // written in groups of four, or near a word for card
	evidenceContext                 // near a word for card
)

// issuer is one row of the table: numbers whose first six digits are in [low, high] and whose length is one of lengths.
type issuer struct {
	brand     string
	low, high int    // first six digits, inclusive
	lengths   uint32 // bit n: n digits
	needs     evidence
}

// covers reports whether the first six digits are in the row's range.
func (row issuer) covers(prefix int) bool { return row.low <= prefix && prefix <= row.high }

// maxCard and minCard bound the length of a card number (ISO/IEC 7812-1: up to 19; Maestro: from 12).
const (
	maxCard = 19
	minCard = 12
)

// issuers are the issuer prefixes and lengths in use. Ranges of different brands overlap (65 is Discover, RuPay, Elo and Troy):
// the brand is a label, never a gate, and the first row that allows the length wins. Sources: the brands' published ranges as of
// 2026-06; rows without a published source are kept because a miss costs more than a false alarm.
var issuers = []issuer{
	{"Elo", 401178, 401179, lengths(16), evidenceNone},
	{"Elo", 431274, 431274, lengths(16), evidenceNone},
	{"Elo", 438935, 438935, lengths(16), evidenceNone},
	{"Elo", 451416, 451416, lengths(16), evidenceNone},
	{"Elo", 457631, 457632, lengths(16), evidenceNone},
	{"Elo", 504175, 504175, lengths(16), evidenceNone},
	{"Elo", 506699, 506778, lengths(16), evidenceNone},
	{"Elo", 509000, 509999, lengths(16), evidenceNone},
	{"Elo", 627780, 627780, lengths(16), evidenceNone},
	{"Elo", 636297, 636297, lengths(16), evidenceNone},
	{"Elo", 636368, 636368, lengths(16), evidenceNone},
	{"Verve", 506099, 506198, lengths(16, 18, 19), evidenceNone},
	{"Verve", 507865, 507964, lengths(16, 18, 19), evidenceNone},
	{"Verve", 650002, 650027, lengths(16, 18, 19), evidenceNone},
	{"Hipercard", 606282, 606282, lengths(16), evidenceNone},
	{"Naranja", 589562, 589562, lengths(16), evidenceNone},
	{"Troy", 979200, 979299, lengths(16), evidenceNone},

	{"Visa", 400000, 499999, lengths(13, 16, 18, 19), evidenceNone},
	{"Mastercard", 510000, 559999, lengths(16), evidenceNone},
	{"Mastercard", 222100, 272099, lengths(16), evidenceNone},
	{"Amex", 340000, 349999, lengths(15), evidenceNone},
	{"Amex", 370000, 379999, lengths(15), evidenceNone},
	{"Discover", 601100, 601199, lengths(16, 17, 18, 19), evidenceNone},
	{"Discover", 644000, 659999, lengths(16, 17, 18, 19), evidenceNone},
	{"JCB", 352800, 358999, lengths(16, 17, 18, 19), evidenceNone},
	{"JCB", 213100, 213199, lengths(15), evidenceNone},
	{"JCB", 180000, 180099, lengths(15), evidenceNone},
	{"Diners", 300000, 305999, lengths(14, 16, 17, 18, 19), evidenceNone},
	{"Diners", 360000, 369999, lengths(14, 16, 17, 18, 19), evidenceNone},
	{"Diners", 380000, 399999, lengths(14, 16, 17, 18, 19), evidenceNone},
	{"UnionPay", 620000, 629299, lengths(16, 17, 18, 19), evidenceNone},
	{"UnionPay", 620000, 629299, lengths(14, 15), evidenceContext},
	{"UnionPay", 810000, 817199, lengths(16, 17, 18, 19), evidenceNone},
	{"Mir", 220000, 220499, lengths(16, 17, 18, 19), evidenceNone},
	{"RuPay", 508000, 508999, lengths(16), evidenceNone},
	{"RuPay", 600000, 609999, lengths(16), evidenceNone},
	{"RuPay", 810000, 829999, lengths(16), evidenceNone},

	{"Maestro", 501800, 501899, maestro, evidenceNone},
	{"Maestro", 502000, 502099, maestro, evidenceNone},
	{"Maestro", 503800, 503899, maestro, evidenceNone},
	{"Maestro", 561200, 561299, maestro, evidenceNone},
	{"Maestro", 589300, 589399, maestro, evidenceNone},
	{"Maestro", 630400, 630499, maestro, evidenceNone},
	{"Maestro", 675900, 676399, maestro, evidenceNone},
	{"Maestro", 500000, 509999, maestro, evidenceContext},
	{"Maestro", 560000, 699999, maestro, evidenceContext},

	// Cards that work in Korea only (국내전용): ISO/IEC 7812 major industry 9, sixteen digits with a Luhn digit. Order numbers begin
	// with 9 too, so only 94 counts without further evidence.
	{"Korea", 940000, 949999, lengths(16), evidenceNone},
	{"Korea", 900000, 999999, lengths(16), evidenceGrouped},
}

var maestro = lengths(12, 13, 14, 15, 16, 17, 18, 19)

// lengths makes the bit set of the given lengths.
func lengths(list ...uint) uint32 {
	var set uint32
	for _, n := range list {
		set |= 1 << n
	}
	return set
}

// issuersByStart lists the rows that a number with the given first two digits can belong to.
var issuersByStart = indexIssuers()

func indexIssuers() (index [100][]issuer) {
	for start := range index {
		for _, row := range issuers {
			if row.low/10000 <= start && start <= row.high/10000 {
				index[start] = append(index[start], row)
			}
		}
	}
	return index
}

// start is the first two digits of the run.
func (r run) start() int { return int(r[0].value)*10 + int(r[1].value) }

// prefix is the first six digits of the run.
func (r run) prefix() int {
	prefix := 0
	for _, d := range r[:6] {
		prefix = prefix*10 + int(d.value)
	}
	return prefix
}

// luhnEnds returns the set of lengths, as bits, at which the run ends in the right check digit (ISO/IEC 7812-1, annex B): every
// second digit from the right counts twice, and of two-figure products the figures are added.
func (r run) luhnEnds() uint32 {
	var ends uint32
	var doubled [2]int // sums in which the digits at even, at odd positions count twice
	for i, d := range r[:min(len(r), maxCard)] {
		twice := int(d.value) * 2
		if twice > 9 {
			twice -= 9
		}
		doubled[i%2] += twice
		doubled[1-i%2] += int(d.value)
		if n := i + 1; doubled[n%2]%10 == 0 {
			ends |= 1 << n
		}
	}
	return ends
}
