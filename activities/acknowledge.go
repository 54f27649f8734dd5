package activities

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/template"
)

// AcknowledgeContact sends the customer whose mail opened a contact the template of its queue, or records why it does not (R34,
// docs/decisions/0022). Like a reply it is made once, with its bytes and its Message-ID; run twice it leaves a blob that no row names.
func (a *Activities) AcknowledgeContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	source, err := a.Store.Acknowledging(ctx, id)
	if err != nil {
		return postroom.ContactSnapshot{}, failure(err)
	}
	if !source.Due {
		now, err := a.Store.LoadContact(ctx, id)
		return now, failure(err)
	}
	mail, silence := store.Reply{}, source.Silence
	if silence == "" {
		if mail, silence, err = a.acknowledgement(ctx, source); err != nil {
			return postroom.ContactSnapshot{}, failure(err)
		}
	}
	now, err := a.Store.Acknowledge(ctx, id, mail, silence)
	return now, failure(err)
}

// acknowledgement makes the mail. Nothing of the customer's text is in it but what the template names.
func (a *Activities) acknowledgement(ctx context.Context, source store.Acknowledging) (store.Reply, store.Silence, error) {
	library, err := a.Store.Templates(ctx)
	if err != nil {
		return store.Reply{}, "", err
	}
	on := template.Subjects(source.Subjects)
	chosen, found := template.Choose(library, source.Template, on.Language())
	read, _ := template.Parse(chosen.Body)
	filled := read.Fill(on.Values(chosen.Language))
	if !found || len(filled.Left) > 0 {
		return store.Reply{}, store.SilenceTemplate, nil
	}
	id := postroom.OutboxID(uuid.Must(uuid.NewV7()).String())
	_, domain, _ := strings.Cut(source.From, "@")
	messageID, err := a.Keys.MessageID(string(id), domain)
	if err != nil {
		return store.Reply{}, "", err
	}
	back, err := a.comeBack(store.ReplySource{From: source.From, PlusAddressing: source.PlusAddressing, Thread: source.Thread}, id)
	if err != nil {
		return store.Reply{}, "", err
	}
	if back.replyTo == "" { // without a token nothing about it may come back (RFC 3834 section 3.3)
		back.envelope = ""
	}
	subject := email.ReplySubject(on.Subject)
	rendered, err := outbound.Render(outbound.Reply{
		From: outbound.Address{Name: source.FromName, Address: source.From}, To: []outbound.Address{{Name: source.ToName, Address: source.To}},
		ReplyTo: back.replyTo, Subject: subject, Date: time.Now(), ID: messageID, InReplyTo: postroom.InternetMessageID(source.MessageID),
		References: internetIDs(source.Refs), Text: filled.Text, AutoSubmitted: outbound.AutoReplied, Loop: source.From,
	})
	if postroom.KindOf(err) == postroom.KindInvalid {
		return store.Reply{}, store.SilenceAddress, nil
	}
	if err == nil && source.DKIM != (postroom.DKIM{}) {
		rendered, err = a.sign(rendered, source.DKIM, domain)
	}
	if err != nil {
		return store.Reply{}, "", err
	}
	content, _, err := a.Scanner.Seal(rendered, decoded(email.Parse(rendered))...)
	if err != nil {
		return store.Reply{}, "", err
	}
	mail := store.Reply{
		Outbox: id, Message: postroom.MessageID(uuid.Must(uuid.NewV7()).String()), Mailbox: source.Mailbox, Purpose: postroom.PurposeAcknowledgement,
		From:       a.address(source.FromName, source.From),
		Recipients: []store.Recipient{{Field: "to", Address: a.address(source.ToName, source.To)}},
		Subject:    a.seal(pci.PlaceSubject, subject), Body: a.seal(pci.PlaceText, filled.Text), MessageID: string(messageID),
		InReplyTo: a.seal("header:in-reply-to", source.MessageID), Refs: a.sealAll("header:references", append(source.Refs, source.MessageID)),
		EnvelopeFrom: back.envelope, BlobKey: string(blob.ForOutbox(id)), Size: int64(len(rendered)),
	}
	return mail, "", a.Blobs.Put(ctx, blob.Key(mail.BlobKey), content)
}
