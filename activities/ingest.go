package activities

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// Reasons for keeping a pointer to a mail, and not the mail.
const (
	reasonUnreadable postroom.Reason = "unreadable" // our own parser or scanner failed on it
	reasonNoSender   postroom.Reason = "no_sender"  // nobody to answer to
)

func (w *watch) quarantine(ctx context.Context, source store.Source, reason postroom.Reason) error {
	_, err := w.Store.Quarantine(ctx, source, reason)
	w.log.WarnContext(ctx, "a mail was left in the mailbox", "uid", source.UID, "size", source.Size, "reason", reason)
	return err
}

// read parses and scans a mail. A panic of ours on a hostile mail is that mail's problem, and nobody else's.
func (w *watch) read(source store.Source, raw []byte, rules postroom.AttachmentRules) (a store.Arrived, blobs map[blob.Key]postroom.Bytes, reason postroom.Reason) {
	defer func() {
		if recover() != nil { // the panic's value may quote the mail
			reason = reasonUnreadable
		}
	}()
	m := email.Parse(raw)
	if len(m.From) == 0 || !strings.Contains(m.From[0].Address, "@") || len(m.From[0].Address) > maxAddress {
		if w.kind(m) == "" {
			return a, nil, reasonNoSender
		}
	}
	r := &reader{scanner: w.Scanner, keys: w.Keys, mailbox: w.mailbox.Address, rules: rules}
	a = r.mail(source, m)
	kind := w.kind(m)
	a.Automatic, a.Report, a.Evidence = string(kind), r.report(kind, m, deliveredTo(m)), r.evidence(m)
	a.Source.Logical, a.Trust = w.logical(m), r.trust(raw, m, w.mailbox)
	a.MayAcknowledge = email.MayAutoReply(m, w.marks())
	if id, ours := w.Keys.VerifyMessageID(m.MessageID); ours && kind == email.Loop && uuid.Validate(id) == nil {
		a.Copy = postroom.OutboxID(id)
	}
	if len(r.findings) > 0 && w.mailbox.OnFinding != postroom.OriginalKeep {
		a.Pending = string(w.mailbox.OnFinding)
	}
	return a, r.blobs, ""
}

// kind says what kind of machine wrote a mail; our own mail that comes back is a loop (R34).
func (w *watch) kind(m email.Mail) email.Kind {
	return email.AutomaticFor(m, w.marks())
}

// marks are the signs of our own mail.
func (w *watch) marks() email.Marks {
	return email.Marks{Loop: w.mailbox.Address, Mailboxes: []string{w.mailbox.Address}, OwnID: func(id postroom.InternetMessageID) bool {
		_, ok := w.Keys.VerifyMessageID(id)
		return ok
	}}
}

// Bounds of what is looked up later: what is longer names nobody and nothing (RFC 5321 section 4.5.3.1, RFC 5322 section 2.1.1), and no index
// could hold it.
const (
	maxAddress    = 320
	maxInternetID = 998
)

// reader scans the parts of a mail and collects what was found.
type reader struct {
	scanner  pci.Scanner
	keys     *keyring.Ring
	mailbox  string // its address
	rules    postroom.AttachmentRules
	findings []postroom.Finding
	blobs    map[blob.Key]postroom.Bytes
}

// text scans what a person reads; findings count.
func (r *reader) text(place, s string) postroom.Text {
	text, found := r.scanner.Text(place, s)
	r.findings = append(r.findings, found...)
	return text
}

// silent scans what only machines read, such as Message-IDs: numbers in them are masked, and are no finding.
func (r *reader) silent(s string) postroom.Text {
	text, _ := r.scanner.Text("header", s)
	return text
}

// id scans a Message-ID. One that looks like a card number is left out: masked, it would be no id, and unmasked, no reply could carry it.
func (r *reader) id(id postroom.InternetMessageID) postroom.Text {
	if len(id) > maxInternetID || len(r.scanner.Find("header", string(id))) > 0 {
		return postroom.Text{}
	}
	return r.silent(string(id))
}

// mail re-builds a mail from scanned parts.
func (r *reader) mail(source store.Source, m email.Mail) store.Arrived {
	a := store.Arrived{
		Source: source, ID: postroom.MessageID(uuid.Must(uuid.NewV7()).String()),
		Subject: r.text(pci.PlaceSubject, m.Subject), Body: r.text(pci.PlaceText, m.Text), Headers: r.headers(m),
		MessageID: r.id(m.MessageID), SentAt: m.Date, Pending: "mark",
	}
	if len(m.From) > 0 {
		a.From = r.address("header:from", m.From[0])
	}
	if len(m.ReplyTo) > 0 {
		a.ReplyTo = r.address("header:reply-to", m.ReplyTo[0]).Address
	}
	for field, addresses := range map[string][]email.Address{"to": m.To, "cc": m.Cc} {
		for _, to := range addresses {
			a.Recipients = append(a.Recipients, store.Recipient{Field: field, Address: r.address("header:"+field, to)})
		}
	}
	if len(m.InReplyTo) > 0 {
		a.InReplyTo = r.id(m.InReplyTo[0])
	}
	for _, id := range m.References {
		if known := r.id(id); !known.Empty() {
			a.References = append(a.References, known)
		}
	}
	a.Showing = r.showing(m)
	for _, t := range m.Attachments {
		a.Attachments = append(a.Attachments, r.attachment(t))
	}
	a.Findings = r.findings
	return a
}

func (r *reader) address(place string, from email.Address) postroom.Address {
	return postroom.Address{Name: r.text(place, from.Name), Address: r.text(place, from.Address)}
}

// maxHeaders bounds the header block that is kept, in bytes.
const maxHeaders = 64 << 10

// headers re-builds the header block, one field per line.
func (r *reader) headers(m email.Mail) postroom.Text {
	var b strings.Builder
	for _, f := range m.Fields {
		if b.Len()+len(f.Name)+len(f.Value) > maxHeaders {
			break
		}
		b.WriteString(f.Name + ": " + strings.ReplaceAll(r.silent(f.Value).Reveal(), "\n", " ") + "\n")
	}
	return r.silent(b.String())
}
