package api

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
	"github.com/postroom/postroom/internal/gen/postroom/sending/v1/sendingv1connect"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// sendingService implements postroom.sending.v1.SendingService (R20, R21, R22).
type sendingService struct{ *Server }

// UndoReply asks the contact's workflow to take the last reply back.
func (s sendingService) UndoReply(ctx context.Context, r *sendingv1.UndoReplyRequest) (*sendingv1.UndoReplyResponse, error) {
	in, err := s.onOffer(ctx, sendingv1connect.SendingServiceUndoReplyProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Gateway.Undo(ctx, in)
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	contact, err := contactService(s).contact(ctx, in.Contact)
	return &sendingv1.UndoReplyResponse{Contact: contact}, err
}

// ScheduleReply saves the draft, and asks the contact's workflow to send it at its time.
func (s sendingService) ScheduleReply(ctx context.Context, r *sendingv1.ScheduleReplyRequest) (*sendingv1.ScheduleReplyResponse, error) {
	in, err := s.onOffer(ctx, sendingv1connect.SendingServiceScheduleReplyProcedure, r)
	if err != nil {
		return nil, err
	}
	if r.SendAt == nil || r.SendAt.CheckValid() != nil || r.SendAt.AsTime().IsZero() {
		return nil, postroom.Invalid(postroom.ReasonSendTime, "say when the reply is to be sent")
	}
	in.Seen = postroom.Seen{Message: postroom.MessageID(r.SeenMessageId), Anyway: r.SendAnyway}
	if err := s.reply(ctx, in, r.Text, workflows.ReplyCommand{DraftVersion: r.DraftVersion, SendAt: r.SendAt.AsTime()}); err != nil {
		return nil, err
	}
	contact, err := contactService(s).contact(ctx, in.Contact)
	return &sendingv1.ScheduleReplyResponse{Contact: contact}, err
}

// ListReplies reads how far the replies of a contact have come.
func (s sendingService) ListReplies(ctx context.Context, r *sendingv1.ListRepliesRequest) (*sendingv1.ListRepliesResponse, error) {
	sends, err := s.Store.Sends(ctx, postroom.ContactID(r.ContactId))
	if err != nil {
		return nil, err
	}
	recipients, err := s.Store.RecipientsOf(ctx, postroom.ContactID(r.ContactId))
	if err != nil {
		return nil, err
	}
	out := &sendingv1.ListRepliesResponse{ServerNow: timestamppb.Now()}
	me := principalOf(ctx)
	relation, err := s.Store.RelationToContact(ctx, postroom.ContactID(r.ContactId), me.Agent)
	if err != nil {
		return nil, err
	}
	for _, x := range sends {
		decides := x.Agent == me.Agent || supervises(me, relation)
		waits := x.Delivery == postroom.DeliveryQueued && x.SendAt != nil
		reply := &sendingv1.Reply{MessageId: string(x.Message), Agent: string(x.Agent), Delivery: deliveries[x.Delivery], Attempts: int32(x.Attempts),
			SendAt: optionalTime(x.SendAt), HeldAt: optionalTime(x.HeldAt), ProbeAt: optionalTime(x.ProbeAt),
			Cancellable: decides && (waits || x.Delivery == postroom.DeliveryDeferred), Sendable: decides && waits,
			Resendable: decides && x.Delivery == postroom.DeliveryUnknown, Recipients: recipientsToProto(recipients[x.Outbox])}
		if !x.Delivery.Settled() && x.HeldAt == nil {
			reply.DueAt = timestamppb.New(x.Due)
		}
		out.Replies = append(out.Replies, reply)
	}
	return out, nil
}

func recipientsToProto(recipients []store.Sent) []*sendingv1.Recipient {
	var out []*sendingv1.Recipient
	for _, r := range recipients {
		out = append(out, &sendingv1.Recipient{Kind: r.Kind, Name: r.Name, Address: r.Address, Delivery: deliveries[r.Delivery], ReplyCode: int32(r.Code),
			ServerText: r.Text, TriedAt: optionalTime(r.TriedAt)})
	}
	return out
}

// CancelReply takes back a reply that waits.
func (s sendingService) CancelReply(ctx context.Context, r *sendingv1.CancelReplyRequest) (*sendingv1.CancelReplyResponse, error) {
	return &sendingv1.CancelReplyResponse{}, s.decide(ctx, sendingv1connect.SendingServiceCancelReplyProcedure, r, store.DecideCancel)
}

// SendReplyNow sends a reply that waits.
func (s sendingService) SendReplyNow(ctx context.Context, r *sendingv1.SendReplyNowRequest) (*sendingv1.SendReplyNowResponse, error) {
	return &sendingv1.SendReplyNowResponse{}, s.decide(ctx, sendingv1connect.SendingServiceSendReplyNowProcedure, r, store.DecideSend)
}

// ResendReply sends a reply once more whose fate is unknown.
func (s sendingService) ResendReply(ctx context.Context, r *sendingv1.ResendReplyRequest) (*sendingv1.ResendReplyResponse, error) {
	return &sendingv1.ResendReplyResponse{}, s.decide(ctx, sendingv1connect.SendingServiceResendReplyProcedure, r, store.DecideResend)
}

// onReply is a mutation on a reply of a contact.
type onReply interface {
	mutation
	GetContactId() string
	GetMessageId() string
}

// decide carries out a decision, and tells the contact's workflow of it. That is started by whoever notices first: us, or the reconciler.
func (s sendingService) decide(ctx context.Context, rpc string, r onReply, d store.Decision) error {
	c, err := s.command(ctx, rpc, r)
	if err != nil {
		return err
	}
	if err := wellFormedID(r.GetMessageId()); err != nil {
		return err
	}
	as := store.SupervisesNobody
	relation, err := s.Store.RelationToContact(ctx, postroom.ContactID(r.GetContactId()), c.Actor)
	if err != nil {
		return err
	}
	if supervises(principalOf(ctx), relation) {
		as = store.SupervisesHim
	}
	now, err := s.Store.Decide(ctx, c, as, postroom.ContactID(r.GetContactId()), postroom.MessageID(r.GetMessageId()), d)
	if err != nil {
		return err
	}
	if err := s.Gateway.SyncContact(ctx, now.Contact); err != nil {
		s.Log.WarnContext(ctx, "a contact's workflow was not told of a decision on its reply; the reconciler will", "contact", now.Contact, "error", err)
		return nil
	}
	_ = s.Store.MarkTold(ctx, store.Untold{Contact: now.Contact, Version: now.Version}) // losing it costs one more signal
	return nil
}
