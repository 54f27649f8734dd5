package activities

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/template"
	"github.com/postroom/postroom/workflows"
)

// Reply renders the draft once, scans the finished mail, freezes its bytes, and queues it with the begin of the wrap-up (R21, R28). Run
// twice it renders a second copy under another id, which nothing refers to: the store remembers the request.
func (a *Activities) Reply(ctx context.Context, in workflows.ReplyCommand) (postroom.ContactSnapshot, error) {
	source, err := a.Store.ReplySource(ctx, in.Offer, in.Composition)
	if err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	files, release, err := a.filesOf(ctx, source, in.Composition)
	if err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	defer release()
	reply, content, err := a.render(source, in, files)
	if err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	if err := a.Blobs.Put(ctx, blob.Key(reply.BlobKey), content); err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	queue := a.Store.QueueReply
	if reply.Purpose == postroom.PurposeForward {
		queue = a.Store.QueueForward
	}
	now, err := queue(ctx, in.Command, in.Offer, reply)
	return now, failure(err)
}

// UndoReply takes back the reply that the agent sent last on an offer (R20).
func (a *Activities) UndoReply(ctx context.Context, in workflows.OfferCommand) (postroom.ContactSnapshot, error) {
	now, err := a.Store.UndoReply(ctx, in.Command, in.Offer)
	return now, failure(err)
}

// render makes the mail of a reply, and what the store keeps of it.
func (a *Activities) render(source store.ReplySource, in workflows.ReplyCommand, files replyFiles) (store.Reply, postroom.Bytes, error) {
	if len(template.Left(source.Body)) > 0 { // the API says which; here nothing of the text may be said
		return store.Reply{}, postroom.Bytes{}, postroom.Refused(postroom.ReasonNotFilledIn, "something of a template is not filled in")
	}
	id := postroom.OutboxID(uuid.Must(uuid.NewV7()).String())
	_, domain, _ := strings.Cut(source.From, "@")
	messageID, err := a.Keys.MessageID(string(id), domain)
	if err != nil {
		return store.Reply{}, postroom.Bytes{}, err
	}
	back, err := a.comeBack(source, id)
	if err != nil {
		return store.Reply{}, postroom.Bytes{}, err
	}
	recipients, envelope := a.recipientsOf(source)
	body := bodyOf(source)
	subject := subjectOf(source)
	if source.Purpose == postroom.PurposeForward || source.Purpose == postroom.PurposeNew { // the conversation of whom it goes to begins with it
		source.MessageID, source.Refs = "", nil
	}
	rendered, err := outbound.Render(outbound.Reply{
		From:       outbound.Address{Name: source.FromName, Address: source.From},
		To:         envelope["to"],
		Cc:         envelope["cc"],
		ReplyTo:    back.replyTo,
		Subject:    subject,
		Date:       time.Now(),
		ID:         messageID,
		InReplyTo:  postroom.InternetMessageID(source.MessageID),
		References: internetIDs(source.Refs),
		Text:       body.Plain(),
		HTML:       body.HTML(),
		Files:      files.files,
	})
	if err == nil && source.DKIM != (postroom.DKIM{}) {
		rendered, err = a.sign(rendered, source.DKIM, domain)
	}
	if err != nil {
		return store.Reply{}, postroom.Bytes{}, err
	}
	size := int64(len(rendered))
	content, _, err := a.Scanner.Seal(rendered, decoded(email.Parse(rendered))...)
	if err != nil {
		return store.Reply{}, postroom.Bytes{}, err
	}
	return store.Reply{
		Outbox: id, Message: postroom.MessageID(uuid.Must(uuid.NewV7()).String()), Mailbox: source.Mailbox, DraftVersion: in.DraftVersion,
		Purpose:      source.Purpose,
		From:         a.address(source.FromName, source.From),
		Recipients:   recipients,
		HTML:         a.sealHTML(source.HTML),
		Subject:      a.seal(pci.PlaceSubject, subject),
		Body:         a.seal(pci.PlaceText, strings.TrimSpace(source.Body+"\n\n"+body.Forwarded)),
		MessageID:    string(messageID),
		InReplyTo:    a.seal("header:in-reply-to", source.MessageID),
		Refs:         a.sealAll("header:references", append(source.Refs, source.MessageID)),
		EnvelopeFrom: back.envelope, BlobKey: string(blob.ForOutbox(id)), Size: size,
		DueIn: time.Duration(source.Undo) * time.Second, SendAt: in.SendAt, Files: files.ids,
	}, content, nil
}

// subjectOf is the subject of a mail of ours.
func subjectOf(source store.ReplySource) string {
	switch {
	case source.NewSubject != "":
		return source.NewSubject
	case source.Purpose == postroom.PurposeForward:
		return email.ForwardSubject(source.Subject)
	case source.QuotedAddress == "": // it answers nothing: the first mail of a contact that an agent began
		return source.Subject
	}
	return email.ReplySubject(source.Subject)
}

// recipientsOf are the recipients of a reply: those that its author chose, or the customer alone. For the mail itself they stand by their field; who is in
// Bcc is not for the mail.
func (a *Activities) recipientsOf(source store.ReplySource) ([]store.Recipient, map[string][]outbound.Address) {
	chosen := source.Recipients
	if !source.Composed {
		chosen = []store.RecipientView{{Field: "to", Name: source.ToName, Address: source.To}}
	}
	recipients, fields := make([]store.Recipient, len(chosen)), map[string][]outbound.Address{}
	for i, r := range chosen {
		recipients[i] = store.Recipient{Field: r.Field, Address: a.address(r.Name, r.Address)}
		fields[r.Field] = append(fields[r.Field], outbound.Address{Name: r.Name, Address: r.Address})
	}
	return recipients, fields
}

// comeBack says where answers to a reply and reports about it go.
type comeBack struct{ replyTo, envelope string }

// comeBack gives a reply addresses with tokens, where its mailbox takes them: of the thread for answers, of the reply itself for reports
// (VERP). Else both go to the plain address.
func (a *Activities) comeBack(source store.ReplySource, id postroom.OutboxID) (comeBack, error) {
	plain := comeBack{envelope: source.From}
	if !source.PlusAddressing {
		return plain, nil
	}
	thread, err := a.Keys.ThreadToken(source.Thread)
	if err != nil {
		return plain, err
	}
	verp, err := a.Keys.VERP(id)
	if err != nil {
		return plain, err
	}
	replyTo, fits := keyring.PlusAddress(source.From, thread)
	envelope, too := keyring.PlusAddress(source.From, verp)
	if !fits || !too {
		return plain, nil // the local part would be longer than 64 octets (RFC 5321 section 4.5.3.1.1)
	}
	return comeBack{replyTo, envelope}, nil
}

// decoded lists everything that a reader of a finished mail sees, and that its bytes may hide behind an encoding.
func decoded(m email.Mail) []pci.Part {
	parts := []pci.Part{{Place: pci.PlaceText, Text: m.Text}, {Place: pci.PlaceHTML, Text: m.HTML}}
	for _, f := range m.Fields {
		parts = append(parts, pci.Part{Place: "header:" + strings.ToLower(f.Name), Text: f.Value})
	}
	for _, t := range m.Attachments {
		parts = append(parts, pci.Part{Place: "filename", Text: t.Filename})
	}
	return parts
}

// seal passes a text that was stored before through the scanner once more: what is written is sealed, wherever it came from.
func (a *Activities) seal(place, s string) postroom.Text {
	text, _ := a.Scanner.Text(place, s)
	return text
}

func (a *Activities) sealHTML(source string) postroom.Text {
	html, _ := a.Scanner.HTML(source)
	return html
}

func (a *Activities) sealAll(place string, texts []string) []postroom.Text {
	var sealed []postroom.Text
	for _, s := range texts {
		if s != "" {
			sealed = append(sealed, a.seal(place, s))
		}
	}
	return sealed
}

func (a *Activities) address(name, address string) postroom.Address {
	return postroom.Address{Name: a.seal("name", name), Address: a.seal("address", address)}
}

func internetIDs(ids []string) []postroom.InternetMessageID {
	out := make([]postroom.InternetMessageID, len(ids))
	for i, id := range ids {
		out[i] = postroom.InternetMessageID(id)
	}
	return out
}
