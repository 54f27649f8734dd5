package routing

import (
	"cmp"
	"math/bits"
	"time"

	"github.com/postroom/postroom"
)

// compareWaiting orders contacts as they are served: the higher effective priority first, then the one that arrived first. The rest makes
// the order total, so that the same contacts are always served in the same order.
func compareWaiting(a, b postroom.WaitingContact, now time.Time) int {
	return cmp.Or(compareEffective(b, a, now), a.ArrivedAt.Compare(b.ArrivedAt), cmp.Compare(a.Contact, b.Contact))
}

// compareEffective compares priority + age ÷ step exactly (R32): whole levels first, then the parts of a level as fractions, multiplied
// crosswise in 128 bits. A contact that arrived after now, by another clock, has a negative age: so the order within a queue is always
// that of the index by which the store reads it.
func compareEffective(a, b postroom.WaitingContact, now time.Time) int {
	wholeA, partA, stepA := effective(a, now)
	wholeB, partB, stepB := effective(b, now)
	if wholeA != wholeB {
		return cmp.Compare(wholeA, wholeB)
	}
	highA, lowA := bits.Mul64(partA, stepB)
	highB, lowB := bits.Mul64(partB, stepA)
	return cmp.Or(cmp.Compare(highA, highB), cmp.Compare(lowA, lowB))
}

// effective is a contact's effective priority as whole levels and part ÷ step of the next, part < step.
func effective(w postroom.WaitingContact, now time.Time) (whole int64, part, step uint64) {
	size := w.AgeingStep
	if size <= 0 {
		size = postroom.DefaultAgeingStep
	}
	age := now.Sub(w.ArrivedAt)
	levels, rest := age/size, age%size
	if rest < 0 {
		levels, rest = levels-1, rest+size
	}
	return int64(w.Priority) + int64(levels), uint64(rest), uint64(size)
}
