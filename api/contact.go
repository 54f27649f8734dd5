package api

import (
	"context"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// contactService implements postroom.contact.v1.ContactService.
type contactService struct{ *Server }

// ListActiveContacts reads the active contact list.
func (s contactService) ListActiveContacts(ctx context.Context, _ *contactv1.ListActiveContactsRequest) (*contactv1.ListActiveContactsResponse, error) {
	cards, err := s.Store.ActiveContacts(ctx, principalOf(ctx).Agent)
	return &contactv1.ListActiveContactsResponse{Contacts: cardsToProto(cards), ServerNow: timestamppb.Now()}, err
}

// GetContact reads a contact.
func (s contactService) GetContact(ctx context.Context, r *contactv1.GetContactRequest) (*contactv1.GetContactResponse, error) {
	contact, err := s.contact(ctx, postroom.ContactID(r.ContactId))
	return &contactv1.GetContactResponse{Contact: contact}, err
}

func (s contactService) contact(ctx context.Context, id postroom.ContactID) (*contactv1.Contact, error) {
	view, messages, draft, err := s.Store.ContactView(ctx, id)
	if err != nil {
		return nil, err
	}
	return contactToProto(view, messages, draft), nil
}

// ListContactEvents reads what happened to a contact.
func (s contactService) ListContactEvents(ctx context.Context, r *contactv1.ListContactEventsRequest) (*contactv1.ListContactEventsResponse, error) {
	story, err := s.Store.Story(ctx, postroom.ContactID(r.ContactId))
	return &contactv1.ListContactEventsResponse{Events: storyToProto(story)}, err
}

// ListWrapUpCodes reads the wrap-up codes of a contact's queue.
func (s contactService) ListWrapUpCodes(ctx context.Context, r *contactv1.ListWrapUpCodesRequest) (*contactv1.ListWrapUpCodesResponse, error) {
	codes, err := s.Store.WrapUpCodes(ctx, postroom.ContactID(r.ContactId), principalOf(ctx).Agent)
	if err != nil {
		return nil, err
	}
	guidance, err := s.Store.WrapUpGuidance(ctx, postroom.ContactID(r.ContactId), principalOf(ctx).Agent)
	out := &contactv1.ListWrapUpCodesResponse{Codes: codesToProto(codes)}
	if guidance != (postroom.Name{}) {
		out.Guidance = label(guidance.English, guidance.Korean)
	}
	return out, err
}

// MarkOfferShown records that a card is in the page.
func (s contactService) MarkOfferShown(ctx context.Context, r *contactv1.MarkOfferShownRequest) (*contactv1.MarkOfferShownResponse, error) {
	return &contactv1.MarkOfferShownResponse{}, s.Store.OfferShown(ctx, principalOf(ctx).Agent, postroom.OfferID(r.OfferId))
}

// AcceptOffer asks the contact's workflow.
func (s contactService) AcceptOffer(ctx context.Context, r *contactv1.AcceptOfferRequest) (*contactv1.AcceptOfferResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceAcceptOfferProcedure, r)
	if err != nil {
		return nil, err
	}
	slow := time.AfterFunc(acceptPatience, func() { s.acceptMetOutage(ctx, in) })
	now, err := s.Gateway.Accept(ctx, in)
	slow.Stop()
	err = s.settled(ctx, in, now, err)
	if postroom.KindOf(err) == postroom.KindUnavailable {
		err = s.unlessOwned(ctx, in, err)
	}
	if err != nil {
		return nil, err
	}
	contact, err := s.contact(ctx, in.Contact)
	return &contactv1.AcceptOfferResponse{Contact: contact}, err
}

// acceptPatience is how long an Accept may take before it has met an outage of ours; noteTime bounds the note of that.
const (
	acceptPatience = 2 * time.Second
	noteTime       = 5 * time.Second
)

// unlessOwned is an outage that an Accept met, and notes it; nil if the offer is accepted all the same, by another click of his.
func (s contactService) unlessOwned(ctx context.Context, in workflows.OfferCommand, outage error) error {
	card, found, err := s.Store.ActiveContact(ctx, in.Actor, in.Contact)
	if err == nil && found && card.Offer == in.Offer && card.State != postroom.OfferLive {
		return nil
	}
	s.acceptMetOutage(ctx, in)
	return outage
}

// acceptMetOutage notes that an Accept met an outage of ours, so that nobody is blamed when its offer expires (R12). It is noted while the
// Accept still waits, because the deadline may pass meanwhile, and also for an agent who waits no longer.
func (s contactService) acceptMetOutage(ctx context.Context, in workflows.OfferCommand) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err := s.Store.AcceptMetOutage(ctx, in.Actor, in.Offer); err != nil {
		s.Log.WarnContext(ctx, "an accept that met an outage was not noted", "offer", in.Offer, "error", err)
	}
}

// DeclineOffer asks the contact's workflow.
func (s contactService) DeclineOffer(ctx context.Context, r *contactv1.DeclineOfferRequest) (*contactv1.DeclineOfferResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceDeclineOfferProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Gateway.Decline(ctx, in)
	return &contactv1.DeclineOfferResponse{}, s.settled(ctx, in, now, err)
}

// SaveDraft scans and saves a draft.
func (s contactService) SaveDraft(ctx context.Context, r *contactv1.SaveDraftRequest) (*contactv1.SaveDraftResponse, error) {
	c, err := s.command(ctx, contactv1connect.ContactServiceSaveDraftProcedure, r)
	if err != nil {
		return nil, err
	}
	if err := replyText(r.Text); err != nil {
		return nil, err
	}
	text, findings := s.Scanner.Draft(pci.PlaceDraft, r.Text)
	draft, err := s.Store.SaveDraft(ctx, c, store.DraftSave{Offer: postroom.OfferID(r.OfferId), Base: r.BaseVersion, Body: text, Findings: findings})
	return &contactv1.SaveDraftResponse{Draft: draftToProto(draft), Findings: findingsToProto(findings)}, err
}

func replyText(text string) error {
	if utf8.RuneCountInString(text) > maxReplyText {
		return postroom.Invalid(postroom.ReasonTooLarge, "a reply may have at most 200,000 characters")
	}
	return nil
}

// QuickReply saves the text as the draft, and asks the contact's workflow to send it: text does not travel through workflows. With a card
// number in it nothing is sent; the masked text is the draft then, and can be sent.
func (s contactService) QuickReply(ctx context.Context, r *contactv1.QuickReplyRequest) (*contactv1.QuickReplyResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceQuickReplyProcedure, r)
	if err != nil {
		return nil, err
	}
	in.Seen = postroom.Seen{Message: postroom.MessageID(r.SeenMessageId), Anyway: r.SendAnyway}
	if err := s.reply(ctx, in, r.Text, workflows.ReplyCommand{DraftVersion: r.DraftVersion}); err != nil {
		return nil, err
	}
	contact, err := s.contact(ctx, in.Contact)
	return &contactv1.QuickReplyResponse{Contact: contact}, err
}

// reply sends a text to the customer alone, as how says.
func (s *Server) reply(ctx context.Context, in workflows.OfferCommand, reply string, how workflows.ReplyCommand) error {
	return s.send(ctx, in, outgoing{text: reply, how: how})
}

// outgoing is a mail of an agent that is to be sent.
type outgoing struct {
	text     string
	findings []postroom.Finding // in what stands beside the text
	composed *store.Composition // nil: it goes to the customer alone
	how      workflows.ReplyCommand
}

// send saves a text as draft, over the version that how names, with what was decided beside it, and asks the contact's workflow to send it as how says.
func (s *Server) send(ctx context.Context, in workflows.OfferCommand, out outgoing) error {
	if isBlank(out.text) {
		return postroom.Invalid(postroom.ReasonEmptyReply, "the reply is empty")
	}
	if err := replyText(out.text); err != nil {
		return err
	}
	text, found := s.Scanner.Draft(pci.PlaceDraft, out.text)
	findings := append(found, out.findings...)
	save := store.DraftSave{Offer: in.Offer, Base: out.how.DraftVersion, Body: text, Findings: findings}
	if len(findings) == 0 {
		save.Composed = out.composed
	}
	draft, err := s.Store.SaveDraft(ctx, part(in.Command, "draft"), save)
	if err != nil {
		return err
	}
	if len(findings) > 0 {
		return &postroom.Error{Kind: postroom.KindRefused, Reason: postroom.ReasonCardData, Findings: findings,
			Message: "the reply holds a card number and was not sent; it is masked in the draft, which can be sent"}
	}
	if err := filledIn(text.Reveal()); err != nil {
		return err
	}
	how := out.how
	how.OfferCommand, how.DraftVersion = in, draft.Version
	if out.composed != nil {
		how.Composition = out.composed.ID
	}
	now, err := s.Gateway.Reply(ctx, how)
	return s.settled(ctx, in, now, err)
}

// CloseContact asks the contact's workflow to close without reply.
func (s contactService) CloseContact(ctx context.Context, r *contactv1.CloseContactRequest) (*contactv1.CloseContactResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceCloseContactProcedure, r)
	if err != nil {
		return nil, err
	}
	in.Seen = postroom.Seen{Message: postroom.MessageID(r.SeenMessageId), Anyway: r.CloseAnyway}
	now, err := s.Gateway.Close(ctx, in)
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	contact, err := s.contact(ctx, in.Contact)
	return &contactv1.CloseContactResponse{Contact: contact}, err
}

// CompleteWrapUp saves the note, and asks the contact's workflow to complete.
func (s contactService) CompleteWrapUp(ctx context.Context, r *contactv1.CompleteWrapUpRequest) (*contactv1.CompleteWrapUpResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceCompleteWrapUpProcedure, r)
	if err != nil {
		return nil, err
	}
	wrapUp, err := wrapUpFromProto(r)
	if err != nil {
		return nil, err
	}
	note, findings := s.Scanner.Draft(pci.PlaceNote, r.Note)
	if err := s.Store.SaveWrapUpNote(ctx, in.Actor, in.Offer, note, findings); err != nil {
		return nil, err
	}
	in.Seen = postroom.Seen{Message: postroom.MessageID(r.SeenMessageId), Anyway: r.CompleteAnyway}
	now, err := s.Gateway.CompleteWrapUp(ctx, workflows.WrapUpCommand{OfferCommand: in, Code: wrapUp.Code, Status: wrapUp.Status,
		Sentiment: wrapUp.Sentiment})
	return &contactv1.CompleteWrapUpResponse{Findings: findingsToProto(findings)}, s.settled(ctx, in, now, err)
}

// ExtendWrapUp asks the contact's workflow for more time for a wrap-up.
func (s contactService) ExtendWrapUp(ctx context.Context, r *contactv1.ExtendWrapUpRequest) (*contactv1.ExtendWrapUpResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceExtendWrapUpProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Gateway.ExtendWrapUp(ctx, in)
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	card, found, err := s.Store.ActiveContact(ctx, in.Actor, in.Contact)
	if err != nil || !found {
		return &contactv1.ExtendWrapUpResponse{ServerNow: timestamppb.Now()}, err
	}
	return &contactv1.ExtendWrapUpResponse{Card: cardToProto(card), ServerNow: timestamppb.New(card.Now)}, nil
}
