package routing

import (
	"cmp"
	"math/bits"
	"time"

	"github.com/postroom/postroom"
)

// compareWaiting orders contacts as they are served: the higher effective priority first, then by id, which is by when they came in. The order
// is total, so that the same contacts are always served in the same order, and within a lane it is that of the index (rank_at, id): whoever
// is first of a lane comes first in any choice.
func compareWaiting(a, b postroom.WaitingContact, now time.Time) int {
	return cmp.Or(compareEffective(b, a, now), cmp.Compare(a.Contact, b.Contact))
}

// compareEffective compares priority + age ÷ step exactly (R32): whole levels first, then the parts of a level as fractions, multiplied
// crosswise in 128 bits. A contact that arrived after now, by another clock, has a negative age: so the order within a queue is always
// that of the index by which the store reads it.
func compareEffective(a, b postroom.WaitingContact, now time.Time) int {
	wholeA, partA, stepA := effective(a.Priority, a.AgeingStep, now.Sub(a.ArrivedAt))
	wholeB, partB, stepB := effective(b.Priority, b.AgeingStep, now.Sub(b.ArrivedAt))
	if wholeA != wholeB {
		return cmp.Compare(wholeA, wholeB)
	}
	highA, lowA := bits.Mul64(partA, stepB)
	highB, lowB := bits.Mul64(partB, stepA)
	return cmp.Or(cmp.Compare(highA, highB), cmp.Compare(lowA, lowB))
}

// effective is an effective priority as whole levels and part ÷ size of the next, part < size.
func effective(priority int, step, age time.Duration) (whole int64, part, size uint64) {
	if step <= 0 {
		step = postroom.DefaultAgeingStep
	}
	levels, rest := age/step, age%step
	if rest < 0 {
		levels, rest = levels-1, rest+step
	}
	return int64(priority) + int64(levels), uint64(rest), uint64(step)
}

// thousandths is an effective priority as people see it, rounded down to three places.
func thousandths(priority int, step time.Duration, arrivedAt, now time.Time) float64 {
	whole, part, size := effective(priority, step, now.Sub(arrivedAt))
	high, low := bits.Mul64(part, 1000)
	rest, _ := bits.Div64(high, low, size)
	return float64(whole*1000+int64(rest)) / 1000
}
