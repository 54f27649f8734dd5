package api

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	mailv1 "github.com/postroom/postroom/internal/gen/postroom/mail/v1"
	"github.com/postroom/postroom/internal/gen/postroom/mail/v1/mailv1connect"
	"github.com/postroom/postroom/internal/store"
)

// mailService implements postroom.mail.v1.MailService.
type mailService struct{ *Server }

// ListScreened reads what no queue has.
func (s mailService) ListScreened(ctx context.Context, r *mailv1.ListScreenedRequest) (*mailv1.ListScreenedResponse, error) {
	response := &mailv1.ListScreenedResponse{}
	team, something := scope(principalOf(ctx))
	if !something {
		return response, nil
	}
	filter := store.ScreenedFilter{Team: team, Mailbox: postroom.MailboxID(r.Mailbox), Arrival: postroom.Arrival(r.Arrival), Reason: r.Reason,
		Limit: min(int(r.PageSize), maxPage)}
	if filter.Limit <= 0 {
		filter.Limit = defaultPage
	}
	if r.Before != nil {
		filter.Before = r.Before.AsTime()
	}
	mails, err := s.Store.Screened(ctx, filter)
	for _, m := range mails {
		response.Mails = append(response.Mails, &mailv1.ScreenedMail{MessageId: string(m.Message), Mailbox: string(m.Mailbox), Arrival: string(m.Arrival),
			Reason: m.Reason, FromName: m.FromName, FromAddress: m.From, Subject: m.Subject, At: timestamppb.New(m.At), Size: m.Size,
			ReleasedAt: optionalTime(m.Released), ContactId: string(m.Contact)})
	}
	return response, err
}

// ReleaseMail releases a mail of the caller's mailboxes.
func (s mailService) ReleaseMail(ctx context.Context, r *mailv1.ReleaseMailRequest) (*mailv1.ReleaseMailResponse, error) {
	c, err := s.command(ctx, mailv1connect.MailServiceReleaseMailProcedure, r)
	if err != nil {
		return nil, err
	}
	if err := wellFormedID(r.MessageId); err != nil {
		return nil, err
	}
	p := principalOf(ctx)
	team, something := scope(p)
	if !something {
		return nil, postroom.NotFound("unknown_message", "there is no such screened mail")
	}
	now, err := s.Store.ReleaseScreened(ctx, store.Releasing{Command: c, By: p.actor(), Team: team, Message: postroom.MessageID(r.MessageId)})
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &mailv1.ReleaseMailResponse{ContactId: string(now.Contact)}, nil
}

// ListBlockedSenders reads who is blocked.
func (s mailService) ListBlockedSenders(ctx context.Context, _ *mailv1.ListBlockedSendersRequest) (*mailv1.ListBlockedSendersResponse, error) {
	blocked, err := s.Store.Blocked(ctx)
	response := &mailv1.ListBlockedSendersResponse{}
	for _, b := range blocked {
		response.Senders = append(response.Senders, &mailv1.BlockedSender{Pattern: b.Pattern, At: timestamppb.New(b.At), Actor: b.Actor})
	}
	return response, err
}

// BlockSender blocks an address or a domain, for the whole installation.
func (s mailService) BlockSender(ctx context.Context, r *mailv1.BlockSenderRequest) (*mailv1.BlockSenderResponse, error) {
	c, err := s.command(ctx, mailv1connect.MailServiceBlockSenderProcedure, r)
	if err != nil {
		return nil, err
	}
	return &mailv1.BlockSenderResponse{}, s.Store.Block(ctx, c, principalOf(ctx).actor(), r.Pattern)
}

// UnblockSender ends a block.
func (s mailService) UnblockSender(ctx context.Context, r *mailv1.UnblockSenderRequest) (*mailv1.UnblockSenderResponse, error) {
	c, err := s.command(ctx, mailv1connect.MailServiceUnblockSenderProcedure, r)
	if err != nil {
		return nil, err
	}
	return &mailv1.UnblockSenderResponse{}, s.Store.Unblock(ctx, c, principalOf(ctx).actor(), r.Pattern)
}

// MergeContacts merges a contact into another that the caller supervises too.
func (s mailService) MergeContacts(ctx context.Context, r *mailv1.MergeContactsRequest) (*mailv1.MergeContactsResponse, error) {
	v, err := s.supervision(ctx, mailv1connect.MailServiceMergeContactsProcedure, r)
	if err != nil {
		return nil, err
	}
	into := postroom.ContactID(r.IntoContactId)
	if err := related(ctx, s.Store, principalOf(ctx), into, maySupervise); err != nil {
		return nil, err
	}
	now, err := s.Store.MergeContacts(ctx, v, into)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &mailv1.MergeContactsResponse{ContactId: string(now.Contact)}, nil
}

// UndoMerge takes a merge back.
func (s mailService) UndoMerge(ctx context.Context, r *mailv1.UndoMergeRequest) (*mailv1.UndoMergeResponse, error) {
	c, err := s.command(ctx, mailv1connect.MailServiceUndoMergeProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.UndoMerge(ctx, store.Supervision{Command: c, By: principalOf(ctx).actor(), Contact: postroom.ContactID(r.ContactId)})
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &mailv1.UndoMergeResponse{ContactId: string(now.Contact)}, nil
}

// maxSplit is how many mails one request may split off.
const maxSplit = 100

// SplitContact splits mails off.
func (s mailService) SplitContact(ctx context.Context, r *mailv1.SplitContactRequest) (*mailv1.SplitContactResponse, error) {
	c, err := s.command(ctx, mailv1connect.MailServiceSplitContactProcedure, r)
	if err != nil {
		return nil, err
	}
	if len(r.MessageIds) == 0 || len(r.MessageIds) > maxSplit {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "1 to 100 mails can be split off at once")
	}
	messages := make([]postroom.MessageID, len(r.MessageIds))
	for i, id := range r.MessageIds {
		if err := wellFormedID(id); err != nil {
			return nil, err
		}
		messages[i] = postroom.MessageID(id)
	}
	now, err := s.Store.SplitContact(ctx, store.Supervision{Command: c, By: principalOf(ctx).actor(), Contact: postroom.ContactID(r.ContactId)}, messages)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &mailv1.SplitContactResponse{ContactId: string(now.Contact)}, nil
}
