package e2e

import (
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// What became of a reply is visible, whatever the customer's server does (R21).
func TestTheFateOfAReplyIsVisible(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	for _, c := range []struct {
		customer string
		delivery contactv1.Delivery
		code     int32
	}{
		{"kim@fate.example", contactv1.Delivery_DELIVERY_SENT, 250}, // control
		{"reject-kim@fate.example", contactv1.Delivery_DELIVERY_FAILED, 550},
		{"defer-kim@fate.example", contactv1.Delivery_DELIVERY_DEFERRED, 450},
		{"bounce-kim@fate.example", contactv1.Delivery_DELIVERY_SENT, 250},
	} {
		s.Write(t, devmail.Letter{From: c.customer, Subject: "Hello", Text: "Is anybody there?"})
		card := mina.Answer(t, c.customer, "Here I am.")
		var reply *contactv1.Message
		testkit.Eventually(t, c.customer+"'s reply to be "+c.delivery.String(), func() bool {
			answer, err := mina.Contacts.GetContact(t.Context(), &contactv1.GetContactRequest{ContactId: card.ContactId})
			if err != nil {
				t.Fatal(err)
			}
			reply = answer.Contact.Messages[len(answer.Contact.Messages)-1]
			return reply.Delivery == c.delivery
		})
		if reply.ReplyCode != c.code || reply.ServerText == "" {
			t.Errorf("%s: the agent sees %d %q", c.customer, reply.ReplyCode, reply.ServerText)
		}
		if c.delivery != contactv1.Delivery_DELIVERY_DEFERRED {
			awaitCompleted(t, s, card.ContactId)
			continue
		}
		// Tried once, due again in a minute; until then the contact is done and its workflow waits.
		if n := s.Count(t, `SELECT count(*) FROM outbox WHERE contact_id = $1 AND attempts = 1 AND settled_at IS NULL AND dot_sent_at IS NULL
			AND due_at BETWEEN created_at + interval '59 seconds' AND created_at + interval '90 seconds'`, card.ContactId); n != 1 {
			t.Errorf("%s: the reply is not due again in a minute", c.customer)
		}
	}

	// The report about the reply that came back is no customer's request (R34).
	testkit.Eventually(t, "the report", func() bool {
		return s.Count(t, "SELECT count(*) FROM received WHERE arrival = 'report' AND contact_id IS NULL") == 1
	})
	if n := s.Count(t, "SELECT count(*) FROM customer_address WHERE address LIKE 'mailer-daemon%' OR address LIKE 'postmaster%'"); n != 0 {
		t.Error("the mail server has become a customer")
	}
	for customer, want := range map[string]int{"kim@fate.example": 1, "reject-kim@fate.example": 0, "defer-kim@fate.example": 0} {
		if got := len(s.Mail.Messages(customer, 10)); got != want {
			t.Errorf("%s received %d answers, want %d", customer, got, want)
		}
	}
	settled(t, s)
}
