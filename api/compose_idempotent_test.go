package api_test

import (
	"testing"
	"time"

	composev1 "github.com/postroom/postroom/internal/gen/postroom/compose/v1"
)

// I5: one click sends one mail, however often the network repeats it.
func TestComposingHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.Exec(t, "UPDATE queue SET undo_seconds = 60") // so that the answers show the mails as they were queued
	me, _, offer := group(t, a)
	original := a.Text(t, "SELECT id::text FROM message")
	writing := func(text string, to ...string) *composev1.Writing {
		return &composev1.Writing{Text: text, Envelope: &composev1.Envelope{To: addressed(to...)}}
	}
	mails := "SELECT count(*) FROM outbox"
	for _, m := range []mutation{
		{"ForwardMail", mails,
			try(me.compose.ForwardMail, &composev1.ForwardMailRequest{OfferId: string(offer), MessageId: original, Writing: writing("Where?", "desk@carrier.example")}),
			try(me.compose.ForwardMail, &composev1.ForwardMailRequest{OfferId: string(offer), MessageId: original, Writing: writing("Where?", "eve@carrier.example")})},
		{"SendReply", mails,
			try(me.compose.SendReply, &composev1.SendReplyRequest{OfferId: string(offer), Writing: writing("Soon", "kim@customer.example", "lee@customer.example")}),
			try(me.compose.SendReply, &composev1.SendReplyRequest{OfferId: string(offer), Writing: writing("Soon", "kim@customer.example")})},
		{"StartMail", "SELECT (SELECT count(*) FROM contact) + (SELECT count(*) FROM outbox) - 1 - (SELECT count(*) FROM offer WHERE state = 'wrapup' AND reason->>'rule' = 'begun')",
			try(me.compose.StartMail, &composev1.StartMailRequest{Queue: "general", Subject: "Your order", Writing: writing("It is here", "new@customer.example")}),
			try(me.compose.StartMail, &composev1.StartMailRequest{Queue: "general", Subject: "Your order", Writing: writing("It is not", "new@customer.example")})},
	} {
		m.once(t, a)
	}
	a.MustHold(t)
}
