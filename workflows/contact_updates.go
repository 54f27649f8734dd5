package workflows

import (
	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// listen registers what agents may ask of a contact, before anything blocks: an update whose handler is missing is refused as unknown.
func (c *contact) listen(ctx workflow.Context) error {
	for _, register := range []func() error{
		func() error { return handle(ctx, c, AcceptUpdate, "Accept the offer", acceptOffer, wellFormed) },
		func() error { return handle(ctx, c, DeclineUpdate, "Decline the offer", declineOffer, wellFormed) },
		func() error {
			return handle(ctx, c, ReplyUpdate, "Send the draft as a reply", reply, ReplyCommand.wellFormed)
		},
		func() error { return handle(ctx, c, CloseUpdate, "Close without reply", closeContact, wellFormed) },
		func() error {
			return handle(ctx, c, CompleteUpdate, "Complete the wrap-up", completeWrapUp, WrapUpCommand.wellFormed)
		},
		func() error { return handle(ctx, c, ExtendUpdate, "Extend the wrap-up", extendWrapUp, wellFormed) },
		func() error {
			return handle(ctx, c, TransferUpdate, "Pass the contact on", transferContact, TransferCommand.wellFormed)
		},
		func() error {
			return handle(ctx, c, ParkUpdate, "Park the contact", parkContact, ParkCommand.wellFormed)
		},
		func() error {
			return handle(ctx, c, ReturnUpdate, "Return from wrap-up to work", returnToContact, wellFormed)
		},
		func() error { return handle(ctx, c, UndoUpdate, "Take the reply back", undoReply, wellFormed) },
	} {
		if err := register(); err != nil {
			return err
		}
	}
	return nil
}

// handle registers one update. Its validator looks at form only: whether an offer is known, live or in time is for the row to say, as
// an update may overtake the news of an offer that was claimed from outside. Its handler makes the step, follows the row, and
// answers with it; a repeat is answered alike.
func handle[In any](ctx workflow.Context, c *contact, name, description string, step call[In, postroom.ContactSnapshot],
	valid func(In) error) error {
	handler := func(ctx workflow.Context, in In) (postroom.ContactSnapshot, error) {
		if err := take(ctx, c, step, description, in); err != nil {
			return postroom.ContactSnapshot{}, err
		}
		return c.Known, nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handler, workflow.UpdateHandlerOptions{
		Description: description,
		Validator:   func(_ workflow.Context, in In) error { return valid(in) },
	})
}

// wellFormed tests the form of what an agent asks for on an offer.
func wellFormed(in OfferCommand) error {
	if in.Actor == "" || in.RPC == "" || len(in.BodyHash) == 0 || !isUUID(in.RequestID) || !isUUID(string(in.Offer)) || !isUUID(string(in.Contact)) {
		return malformed("actor, rpc, body hash, request id, contact and offer are needed")
	}
	if in.Seen.Message != "" && !isUUID(string(in.Seen.Message)) {
		return malformed("what was seen is no message")
	}
	return nil
}

func (in TransferCommand) wellFormed() error {
	if in.Queue == "" && in.Agent == "" {
		return malformed("a queue or an agent is needed")
	}
	return wellFormed(in.OfferCommand)
}

func (in ParkCommand) wellFormed() error { return wellFormed(in.OfferCommand) }

func (in ReplyCommand) wellFormed() error {
	if in.DraftVersion < 1 && in.Composition == "" {
		return malformed("there is no draft to send")
	}
	if in.Composition != "" && !isUUID(string(in.Composition)) {
		return malformed("what was decided on the reply has no id")
	}
	return wellFormed(in.OfferCommand)
}

func (in WrapUpCommand) wellFormed() error {
	if in.Code == "" {
		return malformed("a wrap-up code is needed")
	}
	return wellFormed(in.OfferCommand)
}

func malformed(message string) error {
	return temporal.NewNonRetryableApplicationError(message, string(postroom.ReasonMalformed), nil)
}

func isUUID(s string) bool { return uuid.Validate(s) == nil && len(s) == 36 }
