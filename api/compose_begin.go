package api

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/postroom/postroom"
	composev1 "github.com/postroom/postroom/internal/gen/postroom/compose/v1"
	"github.com/postroom/postroom/internal/gen/postroom/compose/v1/composev1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// maxStartSubject is how long the subject of a contact that an agent begins may be, in characters.
const maxStartSubject = 255

// ForwardMail keeps what is passed on, and asks the contact's workflow to send it.
func (s composeService) ForwardMail(ctx context.Context, r *composev1.ForwardMailRequest) (*composev1.ForwardMailResponse, error) {
	in, err := s.onOffer(ctx, composev1connect.ComposeServiceForwardMailProcedure, r)
	if err != nil {
		return nil, err
	}
	if err := wellFormedID(r.MessageId); err != nil {
		return nil, err
	}
	written, err := s.written(ctx, in.Command, r.Writing, noPictures)
	if err != nil {
		return nil, err
	}
	if err := replyText(written.text); err != nil {
		return nil, err
	}
	text, found := s.Scanner.Draft(pci.PlaceText, written.text)
	if err := sendable(text, append(found, written.findings...)); err != nil {
		return nil, err
	}
	k := written.composed
	k.Purpose, k.Original, k.Body = postroom.PurposeForward, postroom.MessageID(r.MessageId), text
	for _, id := range r.AttachmentIds {
		if err := wellFormedID(id); err != nil {
			return nil, err
		}
		k.Attachments = append(k.Attachments, postroom.AttachmentID(id))
	}
	if err := s.Store.Compose(ctx, part(in.Command, "mail"), in.Offer, k); err != nil {
		return nil, err
	}
	now, err := s.Gateway.Reply(ctx, workflows.ReplyCommand{OfferCommand: in, Composition: k.ID, SendAt: written.sendAt})
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	contact, err := contactService(s).contact(ctx, in.Contact)
	return &composev1.ForwardMailResponse{Contact: contact, LeftOut: written.leftOut}, err
}

// sendable refuses a text that holds card data, or in which something of a template is not filled in, and that nothing keeps.
func sendable(text postroom.Text, findings []postroom.Finding) error {
	if len(findings) > 0 {
		return &postroom.Error{Kind: postroom.KindRefused, Reason: postroom.ReasonCardData, Findings: findings,
			Message: "the mail holds a card number and was not sent: take it out"}
	}
	return filledIn(text.Reveal())
}

// ListQueues lists where the caller may begin contacts.
func (s composeService) ListQueues(ctx context.Context, _ *composev1.ListQueuesRequest) (*composev1.ListQueuesResponse, error) {
	queues, err := s.Store.StartQueues(ctx, principalOf(ctx).Agent)
	out := &composev1.ListQueuesResponse{}
	for _, q := range queues {
		out.Queues = append(out.Queues, &composev1.Queue{Key: string(q.ID), Name: label(q.Name, q.NameKo), Senders: sendersToProto(q.Senders)})
	}
	return out, err
}

func sendersToProto(senders []store.SenderView) []*composev1.Sender {
	var out []*composev1.Sender
	for _, s := range senders {
		out = append(out, &composev1.Sender{Mailbox: string(s.Mailbox), Address: &contactv1.Address{Name: s.Name, Address: s.Address}})
	}
	return out
}

// StartMail opens a contact with the mail as its draft, and asks its workflow, which begins with that, to send it.
func (s composeService) StartMail(ctx context.Context, r *composev1.StartMailRequest) (*composev1.StartMailResponse, error) {
	c, err := s.command(ctx, composev1connect.ComposeServiceStartMailProcedure, r)
	if err != nil {
		return nil, err
	}
	written, err := s.written(ctx, c, r.Writing, noPictures)
	if err != nil {
		return nil, err
	}
	b, err := s.beginning(r, written)
	if err != nil {
		return nil, err
	}
	begun, err := s.Store.BeginMail(ctx, part(c, "contact"), b)
	if err != nil {
		return nil, err
	}
	in := workflows.OfferCommand{Command: c, OfferRef: workflows.OfferRef{Contact: begun.Contact, Offer: begun.Offer}}
	now, err := s.Gateway.Reply(ctx, workflows.ReplyCommand{OfferCommand: in, DraftVersion: begun.Draft, Composition: b.Composed.ID, SendAt: written.sendAt})
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	contact, err := contactService(s).contact(ctx, begun.Contact)
	return &composev1.StartMailResponse{Contact: contact, LeftOut: written.leftOut}, err
}

// beginning is the contact that a first mail opens. It is checked as a whole before anything is opened.
func (s composeService) beginning(r *composev1.StartMailRequest, w written) (store.Beginning, error) {
	var b store.Beginning
	switch {
	case isBlank(w.text):
		return b, postroom.Invalid(postroom.ReasonEmptyReply, "the mail is empty")
	case isBlank(r.Subject) || utf8.RuneCountInString(r.Subject) > maxStartSubject || strings.ContainsAny(r.Subject, "\r\n"):
		return b, postroom.Invalid(postroom.ReasonMalformed, "a mail needs a subject of one line and at most 255 characters")
	}
	if err := replyText(w.text); err != nil {
		return b, err
	}
	subject, inSubject := s.Scanner.Draft(pci.PlaceSubject, strings.TrimSpace(r.Subject))
	text, inText := s.Scanner.Draft(pci.PlaceText, w.text)
	if err := sendable(text, append(append(inSubject, inText...), w.findings...)); err != nil {
		return b, err
	}
	b = store.Beginning{Queue: postroom.QueueID(r.Queue), Customer: w.composed.Recipients[0].Address, Subject: subject, Body: text, Composed: w.composed}
	b.Composed.Purpose, b.Composed.Subject = postroom.PurposeNew, subject
	return b, nil
}
