package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// I7: our own copy is a report, which nobody has to look at; what somebody else sends under our Message-ID is a loop, and to be seen.
func TestOwnCopyIsAReportAndForeignOnesAreLoops(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Parcel")
	offer := c.Own(t, contact, "mina")
	c.Reply(t, offer, "mina")
	outbox := postroom.OutboxID(c.Text(t, "SELECT id::text FROM outbox"))
	for from, want := range map[string]postroom.Arrival{"Support@shop.example": postroom.ArrivalReport, "kim@customer.example": postroom.ArrivalScreened} {
		mail := c.Mail(from, "Re: Parcel")
		mail.Automatic, mail.Copy = "loop", outbox
		if got, err := c.Ingest(t.Context(), mail); err != nil || got.Arrival != want {
			t.Errorf("from %s: %+v, %v", from, got, err)
		}
	}
	unknown := c.Mail("support@shop.example", "Re: Parcel") // of before a restore
	unknown.Automatic, unknown.Copy = "loop", postroom.OutboxID(testkit.NewID())
	if got, err := c.Ingest(t.Context(), unknown); err != nil || got.Arrival != postroom.ArrivalScreened {
		t.Errorf("of a mail that nobody knows: %+v, %v", got, err)
	}
	if _, messages, _, err := c.ContactView(t.Context(), contact); err != nil || len(messages) != 2 {
		t.Errorf("the contact shows %d mails, %v", len(messages), err)
	}
	listed, err := c.Screened(t.Context(), store.ScreenedFilter{Limit: 10})
	if err != nil || len(listed) != 2 {
		t.Errorf("%d are to be looked at, %v", len(listed), err)
	}
	c.MustHold(t)
}
