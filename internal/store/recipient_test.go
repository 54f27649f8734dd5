package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func recipient(field, name, address string) store.Recipient {
	return store.Recipient{Field: field, Address: postroom.Address{Name: postroom.SealText(name), Address: postroom.SealText(address)}}
}

// R15: who is in Bcc is in the envelope, and in nothing that the others or a quotation could show.
func TestRecipientsInBccAreInTheEnvelopeOnly(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Parcel")
	offer := c.Own(t, contact, "mina")
	reply := c.Render(t, offer, "mina")
	reply.Recipients = []store.Recipient{recipient("to", "Kim", "kim@customer.example"), recipient("cc", "", "lee@customer.example"),
		recipient("bcc", "Boss", "boss@partner.example")}
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err != nil {
		t.Fatal(err)
	}
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	if want := []string{"kim@customer.example", "lee@customer.example", "boss@partner.example"}; err != nil || !slices.Equal(taken.Sending.EnvelopeTo, want) {
		t.Errorf("the envelope names %q, %v", taken.Sending.EnvelopeTo, err)
	}
	sent, err := c.Recipients(t.Context(), reply.Outbox)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range sent {
		got = append(got, fmt.Sprintf("%s %s <%s> %s", r.Kind, r.Name, r.Address, r.Delivery))
	}
	if want := "to Kim <kim@customer.example> sending, cc  <lee@customer.example> sending, bcc Boss <boss@partner.example> sending"; strings.Join(got, ", ") != want {
		t.Errorf("the recipients are %s, want %s", strings.Join(got, ", "), want)
	}
	if got := shown(t, c, contact); strings.Contains(got, "bcc") || strings.Contains(got, "boss") {
		t.Errorf("the message shows %s", got)
	}
	// Control: a row that keeps them all, as one that nobody filters would be.
	c.Exec(t, `UPDATE message SET recipients = recipients || '[{"field": "bcc", "name": "Boss", "address": "boss@partner.example"}]' WHERE direction = 'out'`)
	if got := shown(t, c, contact); !strings.Contains(got, "bcc Boss <boss@partner.example>") {
		t.Errorf("control: it shows %s", got)
	}
}

// shown are the recipients of a contact's last message, as whoever may read it sees them.
func shown(t *testing.T, c *testkit.Centre, contact postroom.ContactID) string {
	t.Helper()
	_, messages, _, err := c.ContactView(t.Context(), contact)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range messages[len(messages)-1].Recipients {
		all = append(all, fmt.Sprintf("%s %s <%s>", r.Field, r.Name, r.Address))
	}
	return strings.Join(all, ", ")
}

// An outbox row has at most 50 recipients, and none twice, whoever writes it.
func TestDatabaseRefusesARecipientTooManyAndOneTwice(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	for name, change := range map[string]func(*store.Reply){
		"51":    func(r *store.Reply) { r.Recipients = many(51) },
		"twice": func(r *store.Reply) { r.Recipients = append(many(2), many(1)...) },
		"none":  func(r *store.Reply) { r.Recipients = nil },
	} {
		reply := c.Render(t, offer, "mina")
		change(&reply)
		if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err == nil {
			t.Errorf("%s: it was queued", name)
		}
		if n := c.Count(t, "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM outbox_recipient)"); n != 0 {
			t.Errorf("%s: %d rows stayed", name, n)
		}
	}
}

func many(n int) []store.Recipient {
	var all []store.Recipient
	for i := range n {
		all = append(all, recipient("to", "", fmt.Sprintf("r%d@customer.example", i)))
	}
	return all
}
