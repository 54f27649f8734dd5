package store_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// composingActs are mails that agents pass on, and mails with which they begin contacts (R23).
func composingActs() []act {
	return []act{
		by("pass a mail on", 3, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			source, err := s.ReplySource(ctx, o.ID, "")
			if err != nil {
				return err
			}
			_, err = s.QueueForward(ctx, c, o.ID, store.Reply{Outbox: postroom.OutboxID(testkit.NewID()), Message: postroom.MessageID(testkit.NewID()),
				Mailbox: source.Mailbox, Purpose: postroom.PurposeForward, From: postroom.Address{Address: postroom.SealText(source.From)},
				Recipients: []store.Recipient{recipient("to", "", "desk@carrier.example")}, Subject: postroom.SealText("Fwd: " + source.Subject),
				MessageID: testkit.NewID() + "@shop.example", EnvelopeFrom: source.From, BlobKey: testkit.NewID(), Size: 10})
			return err
		}, postroom.OfferAccepted),
		{"begin a contact with a mail", 3, func(w *world) func(context.Context, *store.Store) error {
			command, customer := testkit.Command(w.agents[w.random.IntN(len(w.agents))]), recipient("to", "", uuid.NewString()+"@customer.example")
			if known, ok := pick(w, w.contacts, func(seenContact) bool { return w.random.IntN(2) == 0 }); ok {
				customer = recipient("to", "", known.From)
			}
			begin := store.Beginning{Queue: "general", Customer: customer.Address, Subject: postroom.SealText("Your order"), Body: postroom.SealText("It is delayed."),
				Composed: store.Composition{ID: postroom.CompositionID(testkit.NewID()), Purpose: postroom.PurposeNew, Recipients: []store.Recipient{customer}}}
			return w.remembered(func(ctx context.Context, s *store.Store) error {
				_, err := s.BeginMail(ctx, command, begin)
				return err
			})
		}},
	}
}
