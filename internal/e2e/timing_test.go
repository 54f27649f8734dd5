package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/testkit"
)

// How long it takes is measured in passing and judged by people: bench/ measures in earnest. What must hold on any machine is that every
// mail arrives at the desktop and is answered.
func TestMailsAreOfferedAcceptedAndAnsweredOneByOne(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	var offered, accepted, delivered durations
	all := customers(20, "timing.example")
	for _, c := range all {
		s.WriteBySMTP(t, c, "Hello", "Is anybody there?")
		sent := time.Now()
		card := mina.AwaitCard(t, c, live)
		offered.since(sent)
		clicked := time.Now()
		mina.Accept(t, card.OfferId)
		accepted.since(clicked)
		mina.Reply(t, card.OfferId, "Here I am.")
		replied := time.Now()
		s.AwaitMail(t, c, 1)
		delivered.since(replied)
		mina.WrapUp(t, card.OfferId)
	}
	t.Logf("from the mail server's acceptance to the card: %v", offered)
	t.Logf("accept: %v", accepted)
	t.Logf("from the reply to the customer's mailbox: %v", delivered)
	if by := answers(s, all); by[1] != len(all) {
		t.Errorf("customers by the number of answers: %v", by)
	}
	settled(t, s)
}

type durations []time.Duration

func (d *durations) since(began time.Time) { *d = append(*d, time.Since(began)) }

// String tells the median and the 95th percentile.
func (d durations) String() string {
	sorted := slices.Sorted(slices.Values(d))
	at := func(p int) time.Duration { return sorted[(len(sorted)-1)*p/100].Round(time.Millisecond) }
	return fmt.Sprintf("median %v, p95 %v, most %v, of %d", at(50), at(95), at(100), len(sorted))
}
