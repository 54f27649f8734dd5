package api

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// mutation is a request that changes something: its id makes it idempotent.
type mutation interface {
	proto.Message
	GetRequestId() string
}

// command identifies a mutation: who asks, under which id, and a keyed digest of what he asked, as it may hold text that nobody has
// scanned.
func (s *Server) command(ctx context.Context, rpc string, m mutation) (postroom.Command, error) {
	if err := wellFormedID(m.GetRequestId()); err != nil {
		return postroom.Command{}, postroom.Invalid(postroom.ReasonMalformed, "request_id must be a UUID")
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return postroom.Command{}, postroom.Invalid(postroom.ReasonMalformed, "the request is malformed")
	}
	return postroom.Command{Actor: principalOf(ctx).Agent, RequestID: m.GetRequestId(), RPC: rpc,
		BodyHash: s.Keys.MAC(keyring.Digests, body)}, nil
}

// part is the command of a step that belongs to a request and must be idempotent on its own.
func part(c postroom.Command, name string) postroom.Command {
	c.RequestID = uuid.NewSHA1(uuid.MustParse(c.RequestID), []byte(name)).String()
	c.RPC += " " + name
	return c
}

// offerMutation is a mutation on one of the caller's offers.
type offerMutation interface {
	mutation
	GetOfferId() string
}

// onOffer is the command of a mutation on an offer, with the contact whose workflow it is for.
func (s *Server) onOffer(ctx context.Context, rpc string, m offerMutation) (workflows.OfferCommand, error) {
	c, err := s.command(ctx, rpc, m)
	if err != nil {
		return workflows.OfferCommand{}, err
	}
	offer := postroom.OfferID(m.GetOfferId())
	contact, err := s.Store.ContactOfOffer(ctx, offer, c.Actor)
	if err != nil {
		return workflows.OfferCommand{}, err
	}
	return workflows.OfferCommand{Command: c, OfferRef: workflows.OfferRef{Contact: contact, Offer: offer}}, nil
}

// settled turns the outcome of an update into what is true, by the row of the request: what the workflow did not answer in time may have been
// carried out all the same; and what it answered may have been the answer to another call, as Temporal knows an update by its id alone
// (that is Invalid, with reason request_reused). A version that came back is noted as known to the workflow.
func (s *Server) settled(ctx context.Context, in workflows.OfferCommand, now postroom.ContactSnapshot, err error) error {
	if err != nil && postroom.ReasonOf(err) != postroom.ReasonOutcomeUnknown {
		return err
	}
	done, readErr := s.Store.CarriedOut(ctx, in.Command)
	switch {
	case postroom.ReasonOf(readErr) == postroom.ReasonRequestReused:
		return readErr
	case err != nil && done:
		return nil
	case err != nil:
		return err
	case readErr != nil:
		return readErr
	}
	// Losing this note costs one more sync signal, so its failure is nobody's problem.
	_ = s.Store.MarkTold(ctx, store.Untold{Contact: now.Contact, Version: now.Version})
	return nil
}
