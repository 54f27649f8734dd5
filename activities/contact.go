package activities

import (
	"context"
	"net/textproto"
	"strings"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// LoadContact reads the row.
func (a *Activities) LoadContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	now, err := a.Store.LoadContact(ctx, id)
	return now, failure(err)
}

// RouteContact applies the rules to the contact's first mail.
func (a *Activities) RouteContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	input, rules, points, err := a.Store.RoutingInput(ctx, id)
	if err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	decision, ok := routing.ChooseQueue(factsOf(input), rules, points)
	if !ok { // its mailbox was removed before it was routed: an administrator has to name an entry point
		return postroom.ContactSnapshot{}, failure(postroom.Unavailable("no_queue", "no rule and no entry point leads this contact to a queue", nil))
	}
	now, err := a.Store.RouteContact(ctx, id, decision.Queue, decision)
	return now, failure(err)
}

// factsOf reads what rules may look at from a stored mail.
func factsOf(in store.RoutingInput) routing.Facts {
	f := routing.Facts{Sender: in.Sender, Subject: in.Subject, Mailbox: in.Mailbox, Own: in.Own, Headers: map[string][]string{}}
	for _, r := range in.Recipients {
		f.Recipients = append(f.Recipients, r.Address, keyring.BareAddress(r.Address)) // entry points have no tags
	}
	for line := range strings.Lines(in.Headers) {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name, value = strings.ToLower(textproto.TrimString(name)), strings.TrimSpace(value)
		f.Headers[name] = append(f.Headers[name], value)
		switch name { // a mail that was sent to an alias says so here
		case "delivered-to", "x-original-to", "envelope-to":
			f.Recipients = append(f.Recipients, value, keyring.BareAddress(value))
		}
	}
	return f
}

// OfferContact looks for the best agent and claims an offer.
func (a *Activities) OfferContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	now, err := a.Matcher.OfferContact(ctx, id)
	return now, failure(err)
}

// ExpireOffer ends an offer whose deadline has passed.
func (a *Activities) ExpireOffer(ctx context.Context, in workflows.OfferRef) (postroom.ContactSnapshot, error) {
	ended, err := a.Store.ExpireOffer(ctx, in.Offer)
	return ended.Snapshot, failure(err)
}

// AcceptOffer makes the agent the owner.
func (a *Activities) AcceptOffer(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.AcceptOffer(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// DeclineOffer gives the contact back.
func (a *Activities) DeclineOffer(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.DeclineOffer(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// CloseContact begins the wrap-up with nothing sent.
func (a *Activities) CloseContact(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.CloseWithoutReply(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// TransferContact passes the contact on.
func (a *Activities) TransferContact(ctx context.Context, in workflows.TransferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.TransferContact(ctx, in.Command, in.Offer, store.Transfer{Queue: in.Queue, Agent: in.Agent})
	return now, failure(err)
}

// ParkContact puts the contact aside.
func (a *Activities) ParkContact(ctx context.Context, in workflows.ParkCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.ParkContact(ctx, in.Command, in.Offer, in.Until)
	return now, failure(err)
}

// ResumeContact has a parked contact wait again when its time has come.
func (a *Activities) ResumeContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	now, err := a.Store.ResumeContact(ctx, id)
	return now, failure(err)
}

// ReturnToContact takes the agent from wrap-up back to work.
func (a *Activities) ReturnToContact(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.ReturnToContact(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// CompleteWrapUp records the wrap-up.
func (a *Activities) CompleteWrapUp(ctx context.Context, in workflows.WrapUpCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.CompleteWrapUp(ctx, in.Command, in.Offer, postroom.WrapUp{Code: in.Code, Status: in.Status, Sentiment: in.Sentiment})
	return now, failure(err)
}

// ExtendWrapUp gives the agent more time for the wrap-up.
func (a *Activities) ExtendWrapUp(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.ExtendWrapUp(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// AutoWrapUp completes a wrap-up whose time has come.
func (a *Activities) AutoWrapUp(ctx context.Context, in workflows.OfferRef) (postroom.ContactSnapshot, error) {
	now, err := a.Store.AutoWrapUp(ctx, in.Offer)
	return now, failure(err)
}
