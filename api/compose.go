package api

import (
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	composev1 "github.com/postroom/postroom/internal/gen/postroom/compose/v1"
	"github.com/postroom/postroom/internal/gen/postroom/compose/v1/composev1connect"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/sanitise"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// composeService implements postroom.compose.v1.ComposeService (R15, R23).
type composeService struct{ *Server }

var answers = map[composev1.AnswerTo]email.AnswerTo{
	composev1.AnswerTo_ANSWER_TO_SENDER: email.AnswerSender,
	composev1.AnswerTo_ANSWER_TO_ALL:    email.AnswerAll,
}

// ProposeRecipients says to whom an answer goes.
func (s composeService) ProposeRecipients(ctx context.Context, r *composev1.ProposeRecipientsRequest) (*composev1.ProposeRecipientsResponse, error) {
	to, known := answers[r.AnswerTo]
	if !known {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "answer_to is not one of the known ones")
	}
	answerable, err := s.Store.Answerable(ctx, postroom.OfferID(r.OfferId))
	if err != nil {
		return nil, err
	}
	own, err := s.Store.OwnAddresses(ctx)
	if err != nil {
		return nil, err
	}
	out := &composev1.ProposeRecipientsResponse{MessageId: string(answerable.Message)}
	out.Senders = sendersToProto(answerable.Senders)
	envelope, leftOut := fitting(email.Answer(answeredBy(answerable), to, email.Own(own)))
	out.Subject, out.LeftOut = email.ReplySubject(answerable.Subject), int32(leftOut)
	if answerable.Message == "" { // its first mail was taken back, and goes where that went
		envelope, _, _ = chosenBefore(answerable).Tidy(email.Own(own))
		out.Subject = answerable.Subject
	}
	out.Envelope = &composev1.Envelope{To: addressesToProto(envelope.To), Cc: addressesToProto(envelope.Cc), Bcc: addressesToProto(envelope.Bcc)}
	out.BadAddresses, err = s.Store.BadAddresses(ctx, addressesIn(envelope))
	return out, err
}

// answeredBy reads who a mail names.
func answeredBy(a store.Answerable) email.Answered {
	m := email.Answered{From: email.Address{Name: a.From.Name, Address: a.From.Address}, Ours: a.Ours}
	if a.ReplyTo != "" {
		m.ReplyTo = []email.Address{{Name: a.From.Name, Address: a.ReplyTo}}
	}
	for _, r := range a.Recipients {
		to := &m.To
		if r.Field == "cc" {
			to = &m.Cc
		}
		*to = append(*to, email.Address{Name: r.Name, Address: r.Address})
	}
	return m
}

// chosenBefore are the recipients that the author of a first mail chose before he took it back.
func chosenBefore(a store.Answerable) email.Envelope {
	var e email.Envelope
	fields := map[string]*[]email.Address{"to": &e.To, "cc": &e.Cc, "bcc": &e.Bcc}
	for _, r := range a.Recipients {
		if to := fields[r.Field]; to != nil {
			*to = append(*to, email.Address{Name: r.Name, Address: r.Address})
		}
	}
	return e
}

// fitting leaves out, from the end, for whom there is no room.
func fitting(e email.Envelope) (email.Envelope, int) {
	over := max(0, e.Count()-postroom.MaxRecipients)
	fewer := min(over, len(e.Cc))
	e.Cc = e.Cc[:len(e.Cc)-fewer]
	e.To = e.To[:len(e.To)-(over-fewer)]
	return e, over
}

// SendReply saves the text as the draft, and asks the contact's workflow to send it.
func (s composeService) SendReply(ctx context.Context, r *composev1.SendReplyRequest) (*composev1.SendReplyResponse, error) {
	in, err := s.onOffer(ctx, composev1connect.ComposeServiceSendReplyProcedure, r)
	if err != nil {
		return nil, err
	}
	in.Seen = postroom.Seen{Message: postroom.MessageID(r.SeenMessageId), Anyway: r.SendAnyway}
	files, err := s.Store.DraftFiles(ctx, in.Contact)
	if err != nil {
		return nil, err
	}
	written, err := s.written(ctx, in.Command, r.Writing, func(id string) bool {
		return slices.ContainsFunc(files, func(f store.DraftFile) bool { return f.Inline && f.ContentID == id })
	})
	if err != nil {
		return nil, err
	}
	written.composed.Purpose = postroom.PurposeReply
	if err := s.send(ctx, in, written.outgoing(r.DraftVersion)); err != nil {
		return nil, err
	}
	contact, err := contactService(s).contact(ctx, in.Contact)
	return &composev1.SendReplyResponse{Contact: contact, LeftOut: written.leftOut}, err
}

// written is a mail as its author wants it, checked.
type written struct {
	text     string
	sendAt   time.Time
	composed store.Composition
	findings []postroom.Finding // in what is beside the text
	leftOut  []string           // recipients who are ourselves
}

func (w written) outgoing(draft int64) outgoing {
	return outgoing{text: w.text, findings: w.findings, composed: &w.composed, how: workflows.ReplyCommand{DraftVersion: draft, SendAt: w.sendAt}}
}

// noPictures is for a mail without pictures in its text.
func noPictures(string) bool { return false }

// written checks what the author of a mail decided: its recipients, its sender, its HTML, its time. along says which pictures of the HTML there are.
func (s composeService) written(ctx context.Context, c postroom.Command, w *composev1.Writing, along sanitise.Along) (written, error) {
	out := written{text: w.GetText()}
	var err error
	if out.composed.Recipients, out.leftOut, err = s.recipients(ctx, c, w); err != nil {
		return out, err
	}
	if w.SendAt != nil {
		if w.SendAt.CheckValid() != nil || w.SendAt.AsTime().IsZero() {
			return out, postroom.Invalid(postroom.ReasonSendTime, "say when the mail is to be sent")
		}
		out.sendAt = w.SendAt.AsTime()
	}
	out.composed.ID = postroom.CompositionID(part(c, "composition").RequestID)
	out.composed.Mailbox = postroom.MailboxID(w.Mailbox)
	return out, s.format(ctx, &out, w.Html, along)
}

// format takes the author's HTML over, and the text that it says if he gave none.
func (s composeService) format(ctx context.Context, out *written, source string, along sanitise.Along) error {
	if isBlank(source) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, showingTime)
	defer cancel()
	select {
	case s.showing <- struct{}{}:
		defer func() { <-s.showing }()
	case <-ctx.Done():
		return postroom.Unavailable("busy", "too many messages are being made fit to show", ctx.Err())
	}
	authored, err := sanitise.Authored(ctx, source, along)
	if err != nil {
		return err
	}
	said := email.HTMLText(authored)
	if isBlank(out.text) {
		out.text = said
	} else {
		_, found := s.Scanner.Draft(pci.PlaceHTML, said)
		out.findings = append(out.findings, found...)
		if err := filledIn(said); err != nil && len(out.findings) == 0 {
			return err
		}
	}
	html, found := s.Scanner.HTML(authored)
	out.findings = append(out.findings, found...)
	out.composed.HTML = html
	return nil
}

// maxNamed bounds how many recipients a request may name, duplicates and all; maxName bounds the name of one, in bytes.
const (
	maxNamed = 200
	maxName  = 400
)

// recipients checks whom a mail is for. What people type as a name or an address passes the scanner like any text (R37); an address with a card number
// in it would be another one when masked.
func (s composeService) recipients(ctx context.Context, c postroom.Command, w *composev1.Writing) ([]store.Recipient, []string, error) {
	wanted := email.Envelope{To: addressesFromProto(w.GetEnvelope().GetTo()), Cc: addressesFromProto(w.GetEnvelope().GetCc()), Bcc: addressesFromProto(w.GetEnvelope().GetBcc())}
	if wanted.Count() > maxNamed {
		return nil, nil, postroom.Invalid(postroom.ReasonTooManyRecipients, "a mail may have at most 50 recipients")
	}
	own, err := s.Store.OwnAddresses(ctx)
	if err != nil {
		return nil, nil, err
	}
	envelope, ours, err := wanted.Tidy(email.Own(own))
	if err != nil {
		return nil, nil, err
	}
	var recipients []store.Recipient
	for _, f := range []struct {
		field string
		from  []email.Address
	}{{"to", envelope.To}, {"cc", envelope.Cc}, {"bcc", envelope.Bcc}} {
		for _, a := range f.from {
			name, inName := s.Scanner.Draft("header:"+f.field, a.Name)
			address, inAddress := s.Scanner.Draft("header:"+f.field, a.Address)
			if found := append(inName, inAddress...); len(found) > 0 {
				return nil, nil, &postroom.Error{Kind: postroom.KindRefused, Reason: postroom.ReasonCardData, Findings: found,
					Message: "a recipient's name or address holds a card number; nothing was sent"}
			}
			if len(a.Name) > maxName {
				return nil, nil, postroom.Invalid(postroom.ReasonTooLarge, "a recipient's name may have at most 400 bytes")
			}
			recipients = append(recipients, store.Recipient{Field: f.field, Address: postroom.Address{Name: name, Address: address}})
		}
	}
	return recipients, addressesIn(email.Envelope{To: ours}), s.wellKnown(ctx, c, w, envelope)
}

// wellKnown refuses addresses that are known to be wrong, unless the author insists, or the mail went there already.
func (s composeService) wellKnown(ctx context.Context, c postroom.Command, w *composev1.Writing, e email.Envelope) error {
	if w.BadAddressesAnyway {
		return nil
	}
	bad, err := s.Store.BadAddresses(ctx, addressesIn(e))
	if err != nil || len(bad) == 0 {
		return err
	}
	done, err := s.Store.CarriedOut(ctx, c)
	if err != nil || done {
		return err
	}
	return postroom.Refused(postroom.ReasonAddressBad, "mail to a recipient came back because the address is wrong: correct it, or confirm")
}

func addressesIn(e email.Envelope) []string {
	var all []string
	for _, field := range [][]email.Address{e.To, e.Cc, e.Bcc} {
		for _, a := range field {
			all = append(all, a.Address)
		}
	}
	return all
}

func addressesFromProto(from []*contactv1.Address) []email.Address {
	out := make([]email.Address, len(from))
	for i, a := range from {
		out[i] = email.Address{Name: a.GetName(), Address: a.GetAddress()}
	}
	return out
}

func addressesToProto(from []email.Address) []*contactv1.Address {
	out := make([]*contactv1.Address, len(from))
	for i, a := range from {
		out[i] = &contactv1.Address{Name: a.Name, Address: a.Address}
	}
	return out
}
