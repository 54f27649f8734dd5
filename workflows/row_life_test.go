package workflows_test

import (
	"context"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// The row's steps beyond the first answer: passed on, parked, taken up again, back from wrap-up.

// TransferContact has the contact wait elsewhere; the agent's segment is wrapped up beside it.
func (r *row) TransferContact(_ context.Context, in workflows.TransferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("TransferContact", in.OfferCommand, postroom.OfferAccepted, func() error {
		r.offers[in.Offer] = postroom.OfferMachine.Must(r.offers[in.Offer], postroom.OfferHandle)
		r.passedOn[in.Offer] = in.Actor
		if r.auto > 0 {
			r.wrapDue[in.Offer] = r.time().Add(r.auto)
		}
		r.move(postroom.ContactPassedOn)
		r.now.Offer, r.now.Agent = "", ""
		if in.Queue != "" {
			r.now.Queue = in.Queue
		}
		return nil
	})
}

// ParkContact puts the contact aside.
func (r *row) ParkContact(_ context.Context, in workflows.ParkCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("ParkContact", in.OfferCommand, postroom.OfferAccepted, func() error {
		r.offers[in.Offer] = postroom.OfferMachine.Must(r.offers[in.Offer], postroom.OfferRelease)
		r.move(postroom.ContactPutAside)
		r.now.Offer, r.now.Agent, r.until = "", "", in.Until
		return nil
	})
}

// ResumeContact has a parked contact wait again whose time has come by the row's clock.
func (r *row) ResumeContact(_ context.Context, _ postroom.ContactID) (postroom.ContactSnapshot, error) {
	return r.step("ResumeContact", func() error {
		if r.now.Phase == postroom.ContactParked && !r.until.IsZero() && !r.time().Before(r.until) {
			r.move(postroom.ContactTakenUp)
		}
		return nil
	})
}

// ReturnToContact takes the agent back to work.
func (r *row) ReturnToContact(_ context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	return r.onOffer("ReturnToContact", in, postroom.OfferWrapUp, func() error {
		r.offers[in.Offer] = postroom.OfferMachine.Must(r.offers[in.Offer], postroom.OfferReturn)
		delete(r.wrapDue, in.Offer)
		r.move(postroom.ContactReturned)
		return nil
	})
}
