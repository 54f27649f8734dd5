package api

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
)

var phases = map[postroom.ContactPhase]contactv1.Phase{
	postroom.ContactNew:     contactv1.Phase_PHASE_NEW,
	postroom.ContactWaiting: contactv1.Phase_PHASE_WAITING,
	postroom.ContactOffered: contactv1.Phase_PHASE_OFFERED,
	postroom.ContactOwned:   contactv1.Phase_PHASE_OWNED,
	postroom.ContactWrapUp:  contactv1.Phase_PHASE_WRAPUP,
	postroom.ContactDone:    contactv1.Phase_PHASE_DONE,
	postroom.ContactParked:  contactv1.Phase_PHASE_PARKED,
}

var offerStates = map[postroom.OfferState]contactv1.OfferState{
	postroom.OfferLive:        contactv1.OfferState_OFFER_STATE_LIVE,
	postroom.OfferAccepted:    contactv1.OfferState_OFFER_STATE_ACCEPTED,
	postroom.OfferWrapUp:      contactv1.OfferState_OFFER_STATE_WRAPUP,
	postroom.OfferFinished:    contactv1.OfferState_OFFER_STATE_FINISHED,
	postroom.OfferDeclined:    contactv1.OfferState_OFFER_STATE_DECLINED,
	postroom.OfferExpired:     contactv1.OfferState_OFFER_STATE_EXPIRED,
	postroom.OfferUnreachable: contactv1.OfferState_OFFER_STATE_UNREACHABLE,
	postroom.OfferWithdrawn:   contactv1.OfferState_OFFER_STATE_WITHDRAWN,
	postroom.OfferReleased:    contactv1.OfferState_OFFER_STATE_RELEASED,
}

var deliveries = map[postroom.Delivery]contactv1.Delivery{
	postroom.DeliveryQueued:    contactv1.Delivery_DELIVERY_QUEUED,
	postroom.DeliverySending:   contactv1.Delivery_DELIVERY_SENDING,
	postroom.DeliverySent:      contactv1.Delivery_DELIVERY_SENT,
	postroom.DeliveryDeferred:  contactv1.Delivery_DELIVERY_DEFERRED,
	postroom.DeliveryFailed:    contactv1.Delivery_DELIVERY_FAILED,
	postroom.DeliveryBounced:   contactv1.Delivery_DELIVERY_BOUNCED,
	postroom.DeliveryUnknown:   contactv1.Delivery_DELIVERY_UNKNOWN,
	postroom.DeliveryCancelled: contactv1.Delivery_DELIVERY_CANCELLED,
}

func label(en, ko string) *contactv1.Label { return &contactv1.Label{En: en, Ko: ko} }

func optionalTime(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

func cardToProto(c store.Card) *contactv1.ContactCard {
	card := &contactv1.ContactCard{
		ContactId: string(c.Contact), OfferId: string(c.Offer), State: offerStates[c.State], Phase: phases[c.Phase], Channel: string(c.Channel),
		CustomerName: c.CustomerName, CustomerAddress: c.CustomerAddress, Subject: c.Subject,
		Queue: string(c.Queue), QueueName: label(c.QueueName, c.QueueNameKo),
		ArrivedAt: timestamppb.New(c.ArrivedAt), OfferedAt: timestamppb.New(c.OfferedAt),
		AcceptedAt: optionalTime(c.AcceptedAt), HandledAt: optionalTime(c.HandledAt), Shown: c.Shown, Masked: c.Masked, PassedOn: c.Passed, Version: c.Version,
		DueAt: optionalTime(c.DueAt),
	}
	card.WrapUpDueAt, card.WrapUpExtensionsLeft = optionalTime(c.WrapUpDue), int32(c.Extensions)
	if c.State == postroom.OfferLive {
		card.ExpiresAt = timestamppb.New(c.ExpiresAt)
	}
	return card
}

func cardsToProto(cards []store.Card) []*contactv1.ContactCard {
	var out []*contactv1.ContactCard
	for _, c := range cards {
		out = append(out, cardToProto(c))
	}
	return out
}

func contactToProto(v store.ContactView, messages []store.MessageView, draft store.Draft) *contactv1.Contact {
	c := &contactv1.Contact{
		ContactId: string(v.Contact), Phase: phases[v.Phase], Version: v.Version, Subject: v.Subject,
		Queue: string(v.Queue), QueueName: label(v.QueueName, v.QueueNameKo), ArrivedAt: timestamppb.New(v.ArrivedAt),
		CompletedAt: optionalTime(v.CompletedAt), Outcome: v.Outcome, Agent: string(v.Agent), OfferId: string(v.Offer),
		OfferState: offerStates[v.State], WrapUpNote: v.Note, BegunFrom: v.BegunFrom, AddressBad: v.AddressBad,
	}
	if draft.Version > 0 {
		c.Draft = draftToProto(draft)
	}
	for _, m := range messages {
		c.Messages = append(c.Messages, messageToProto(m))
	}
	return c
}

func messageToProto(m store.MessageView) *contactv1.Message {
	out := &contactv1.Message{
		MessageId: string(m.ID), Outbound: m.Direction == postroom.Outbound, From: &contactv1.Address{Name: m.FromName, Address: m.FromAddress},
		Subject: m.Subject, Text: m.Body, Masked: m.Masked, At: timestamppb.New(m.At), Delivery: deliveries[m.Delivery],
		ReplyCode: int32(m.ReplyCode), ServerText: m.ServerText, ReadAt: optionalTime(m.ReadAt),
		Formatted: m.Formatted, Quoted: m.Quoted, SenderMarks: senderMarks(m), Automatic: m.Automatic,
	}
	for _, r := range m.Recipients {
		address := &contactv1.Address{Name: r.Name, Address: r.Address}
		if r.Field == "cc" {
			out.Cc = append(out.Cc, address)
			continue
		}
		out.To = append(out.To, address)
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, &contactv1.Attachment{AttachmentId: string(a.ID), Filename: a.Filename, MediaType: a.MediaType,
			Size: a.Size, Inline: a.Inline, Verdict: string(a.Verdict), Reason: a.Reason})
	}
	return out
}

func draftToProto(d store.Draft) *contactv1.Draft {
	return &contactv1.Draft{Version: d.Version, Text: d.Body, Author: string(d.Author), At: timestamppb.New(d.At)}
}

func codesToProto(codes []store.Code) []*contactv1.Code {
	var out []*contactv1.Code
	for _, c := range codes {
		out = append(out, &contactv1.Code{Code: c.ID, Name: label(c.Name, c.NameKo), NoteRequired: c.NoteRequired})
	}
	return out
}

func storyToProto(story []store.StoryEvent) []*contactv1.ContactEvent {
	var out []*contactv1.ContactEvent
	for _, e := range story {
		out = append(out, &contactv1.ContactEvent{At: timestamppb.New(e.At), Event: e.Event, From: phases[e.From], To: phases[e.To], Actor: e.Actor,
			Queue: string(e.Queue), Agent: string(e.Agent), OfferId: string(e.Offer), Detail: string(e.Detail)})
	}
	return out
}

// wrapUpFromProto reads a wrap-up and tests its closed sets.
func wrapUpFromProto(r *contactv1.CompleteWrapUpRequest) (postroom.WrapUp, error) {
	w := postroom.WrapUp{Code: postroom.WrapUpCode(r.Code), Status: postroom.WrapUpStatus(r.Status), Sentiment: postroom.Sentiment(r.Sentiment)}
	if w.Code == "" {
		return w, postroom.Invalid(postroom.ReasonUnknownCode, "choose a wrap-up code")
	}
	if w.Status != "" && !contains(postroom.WrapUpStatuses(), w.Status) {
		return w, postroom.Invalid(postroom.ReasonMalformed, "status is not one of the known ones")
	}
	if w.Sentiment != "" && !contains(postroom.Sentiments(), w.Sentiment) {
		return w, postroom.Invalid(postroom.ReasonMalformed, "sentiment is not one of the known ones")
	}
	if utf8.RuneCountInString(r.Note) > postroom.MaxNote {
		return w, postroom.Invalid(postroom.ReasonTooLarge, "a note may have at most 1,000 characters")
	}
	return w, nil
}

func contains[T comparable](values []T, v T) bool {
	for _, x := range values {
		if x == v {
			return true
		}
	}
	return false
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }
