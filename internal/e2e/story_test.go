package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

const (
	live     = contactv1.OfferState_OFFER_STATE_LIVE
	accepted = contactv1.OfferState_OFFER_STATE_ACCEPTED
	inWrapUp = contactv1.OfferState_OFFER_STATE_WRAPUP
)

// An email's life from the customer's mailbox to the customer's mailbox, and on: R5–R8, R14, R22, R24.
func TestAMailIsAnsweredOnceAndItsAnswerStaysInItsThread(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	const customer = "kim@story.example"
	mina := s.SignIn(t, "mina")
	mina.Available(t)

	asked := s.WriteBySMTP(t, customer, "Where is my parcel?", "It was due on Monday.")
	card := mina.AwaitOffer(t, customer)
	if card.Queue != "general" || card.ExpiresAt == nil || card.Subject != "Where is my parcel?" {
		t.Errorf("the card says %v", card)
	}
	contact := mina.Accept(t, card.OfferId)
	if got := contact.Messages[0]; strings.TrimSpace(got.Text) != "It was due on Monday." || got.From.Address != customer {
		t.Errorf("the agent reads %v", got)
	}
	mina.Reply(t, card.OfferId, "It arrives today.")
	answer := s.AwaitMail(t, customer, 1)[0]
	if got := answer.Headers["In-Reply-To"]; len(got) != 1 || got[0] != "<"+asked+">" {
		t.Errorf("the answer is to %v, want %s", got, asked)
	}
	if answer.Subject != "Re: Where is my parcel?" || !strings.HasPrefix(answer.Text, "It arrives today.\r\n") {
		t.Errorf("the answer is %q: %q", answer.Subject, answer.Text)
	}

	// While the contact is open, wrap-up included, what the customer writes joins it; completing carries it into a contact of its own.
	s.Write(t, devmail.Letter{From: customer, Subject: "Re: Where is my parcel?", Text: "Thank you. At what time?", InReplyTo: answer.MessageID})
	testkit.Eventually(t, "the answer to join", func() bool {
		return s.Count(t, "SELECT count(*) FROM received WHERE contact_id = $1 AND arrival = 'appended'", card.ContactId) == 1
	})
	mina.WrapUp(t, card.OfferId)
	awaitCompleted(t, s, card.ContactId)

	carried := mina.Answer(t, customer, "At noon.")
	if carried.ContactId == card.ContactId {
		t.Error("what came in wrap-up was buried in the completed contact")
	}
	answer = s.AwaitMail(t, customer, 2)[0]
	awaitCompleted(t, s, carried.ContactId)

	// After completion it is a new contact in the same thread.
	s.Write(t, devmail.Letter{From: customer, Subject: "Re: Where is my parcel?", Text: "It is here!", InReplyTo: answer.MessageID})
	again := mina.AwaitOffer(t, customer)
	mina.Accept(t, again.OfferId)
	if _, err := mina.Contacts.CloseContact(t.Context(), &contactv1.CloseContactRequest{RequestId: testkit.RequestID(again.OfferId, "close"),
		OfferId: again.OfferId}); err != nil {
		t.Fatal(err)
	}
	mina.WrapUp(t, again.OfferId)
	awaitCompleted(t, s, again.ContactId)

	if contacts, threads := s.Count(t, "SELECT count(*) FROM contact c JOIN customer_address a USING (customer_id) WHERE a.address = $1", customer),
		s.Count(t, "SELECT count(DISTINCT thread_id) FROM contact c JOIN customer_address a USING (customer_id) WHERE a.address = $1", customer); contacts != 3 || threads != 1 {
		t.Errorf("%d contacts in %d threads, want 3 in 1", contacts, threads)
	}
	if got := len(s.Mail.Messages(customer, 10)); got != 2 {
		t.Errorf("the customer received %d answers, want 2", got)
	}
	settled(t, s)
}

// awaitCompleted waits until a contact is done and its workflow has ended so.
func awaitCompleted(t *testing.T, s *testkit.Stack, contact string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var result workflows.ContactResult
	id := workflows.ContactWorkflowID(postroom.ContactID(contact))
	if err := testkit.Dial(t, s.Temporal.Address()).GetWorkflow(ctx, id, "").Get(ctx, &result); err != nil {
		t.Fatalf("the workflow of the contact: %v", err)
	}
	if result.Phase != postroom.ContactDone {
		t.Errorf("the workflow ended in phase %q", result.Phase)
	}
}
