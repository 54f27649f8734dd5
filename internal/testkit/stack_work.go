package testkit

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
)

// AwaitCard waits until a contact of a customer's address is in the active contact list in a state.
func (d *Desktop) AwaitCard(t testing.TB, customer string, state contactv1.OfferState) *contactv1.ContactCard {
	t.Helper()
	var card *contactv1.ContactCard
	Eventually(t, string(d.Agent)+" to see "+customer+" as "+state.String(), func() bool {
		for _, c := range d.Cards() {
			if c.CustomerAddress == customer && c.State == state {
				card = c
			}
		}
		return card != nil
	})
	return card
}

// AwaitOffer waits for a live offer of a customer's contact, and says that its card is shown.
func (d *Desktop) AwaitOffer(t testing.TB, customer string) *contactv1.ContactCard {
	t.Helper()
	card := d.AwaitCard(t, customer, contactv1.OfferState_OFFER_STATE_LIVE)
	if err := d.show(t.Context(), card.OfferId); err != nil {
		t.Fatalf("%s's card is shown: %v", d.Agent, err)
	}
	return card
}

func (d *Desktop) show(ctx context.Context, offer string) error {
	_, err := d.Contacts.MarkOfferShown(ctx, &contactv1.MarkOfferShownRequest{OfferId: offer})
	return err
}

// RequestID is the id of the one request by which an agent asks for something on an offer: every repeat has the same.
func RequestID(offer, what string) string {
	return uuid.NewSHA1(uuid.MustParse(offer), []byte(what)).String()
}

// TryAccept accepts an offer. Every call for an offer is a repeat of the first.
func (d *Desktop) TryAccept(ctx context.Context, offer string) (*contactv1.Contact, error) {
	answer, err := d.Contacts.AcceptOffer(ctx, &contactv1.AcceptOfferRequest{RequestId: RequestID(offer, "accept"), OfferId: offer})
	return answer.GetContact(), err
}

// TryReply sends a text as the first draft of an offer. Every call for an offer with this text is a repeat of the first.
func (d *Desktop) TryReply(ctx context.Context, offer, text string) (*contactv1.Contact, error) {
	answer, err := d.Contacts.QuickReply(ctx, &contactv1.QuickReplyRequest{RequestId: RequestID(offer, "reply"), OfferId: offer, Text: text})
	return answer.GetContact(), err
}

// TryWrapUp completes a wrap-up as resolved. Every call for an offer is a repeat of the first.
func (d *Desktop) TryWrapUp(ctx context.Context, offer string) error {
	_, err := d.Contacts.CompleteWrapUp(ctx, &contactv1.CompleteWrapUpRequest{RequestId: RequestID(offer, "wrap up"), OfferId: offer, Code: "resolved",
		Status: "resolved", Sentiment: "neutral"})
	return err
}

// Accept accepts an offer, which must succeed.
func (d *Desktop) Accept(t testing.TB, offer string) *contactv1.Contact {
	t.Helper()
	contact, err := d.TryAccept(t.Context(), offer)
	if err != nil {
		t.Fatalf("%s accepts: %v", d.Agent, err)
	}
	return contact
}

// Reply answers the customer, which must succeed.
func (d *Desktop) Reply(t testing.TB, offer, text string) *contactv1.Contact {
	t.Helper()
	contact, err := d.TryReply(t.Context(), offer, text)
	if err != nil {
		t.Fatalf("%s replies: %v", d.Agent, err)
	}
	return contact
}

// WrapUp completes the wrap-up, which must succeed.
func (d *Desktop) WrapUp(t testing.TB, offer string) {
	t.Helper()
	if err := d.TryWrapUp(t.Context(), offer); err != nil {
		t.Fatalf("%s wraps up: %v", d.Agent, err)
	}
}

// Answer handles a customer's contact from the offer to the end of the wrap-up, and returns its last card before.
func (d *Desktop) Answer(t testing.TB, customer, text string) *contactv1.ContactCard {
	t.Helper()
	card := d.AwaitOffer(t, customer)
	d.Accept(t, card.OfferId)
	d.Reply(t, card.OfferId, text)
	d.WrapUp(t, card.OfferId)
	return card
}

// AnswerAll answers every contact that comes with the same text, until stop is called, as a patient person does: what fails is tried
// again, and after RONA he chooses Available.
func (d *Desktop) AnswerAll(t testing.TB, text string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		for ctx.Err() == nil {
			d.answer(ctx, text)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); working.Wait() })
	t.Cleanup(stop)
	return stop
}

// answerTime is for how long a person waits for an answer before he clicks again.
const answerTime = 10 * time.Second

// answer makes the next step on every contact in the list. Errors are left to the next time.
func (d *Desktop) answer(ctx context.Context, text string) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if d.State().GetState() == agentv1.State_STATE_RONA {
		_ = d.Choose(ctx, agentv1.State_STATE_AVAILABLE, "")
	}
	for _, c := range d.Cards() {
		switch c.State {
		case contactv1.OfferState_OFFER_STATE_LIVE:
			_ = d.show(ctx, c.OfferId)
			_, _ = d.TryAccept(ctx, c.OfferId)
		case contactv1.OfferState_OFFER_STATE_ACCEPTED:
			_, _ = d.TryReply(ctx, c.OfferId, text)
		case contactv1.OfferState_OFFER_STATE_WRAPUP:
			_ = d.TryWrapUp(ctx, c.OfferId)
		}
	}
}
