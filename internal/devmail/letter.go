package devmail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"github.com/postroom/postroom"
)

// maxFiles is the most that the files of one letter may hold together, in bytes (R16).
const maxFiles = 25 << 20

// Letter is a mail that a customer writes.
type Letter struct {
	From        string            `json:"from"` // address, with a name if wanted: "Kim <kim@example.org>"
	To          []string          `json:"to"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html,omitempty"`      // beside the text, as an alternative
	InReplyTo   string            `json:"inReplyTo,omitempty"` // Message-ID, without angle brackets
	References  []string          `json:"references,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"` // further header fields, such as Auto-Submitted
	Attachments []File            `json:"attachments,omitempty"`
}

// File is an attachment of a [Letter].
type File struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Content []byte `json:"content"` // base64 in JSON
}

// Send delivers a letter as SMTP would, misbehaving addresses included, and returns its Message-ID. The letter survives the process when
// it returns. Errors: Invalid for what is no mail; Refused if a recipient refuses, and then nobody gets it; Unavailable if it could not
// be kept.
func (s *Server) Send(l Letter) (id string, err error) {
	from, err := mail.ParseAddress(l.From)
	if err != nil {
		return "", postroom.Invalid(postroom.ReasonMalformed, "The sender is not a mail address")
	}
	sub := submission{from: from.Address, via: fmt.Sprintf("from the customer's page\r\n\tby %s with HTTP", hostname)}
	var to []*gomail.Address
	for _, recipient := range l.To {
		address, err := mail.ParseAddress(recipient)
		if err != nil {
			return "", postroom.Invalid(postroom.ReasonMalformed, "A recipient is not a mail address")
		}
		if err := sub.add(address.Address, &smtp.RcptOptions{}); err != nil {
			return "", &postroom.Error{Kind: postroom.KindRefused, Reason: "recipient_refused", Message: "A recipient refuses mail", Err: err}
		}
		to = append(to, (*gomail.Address)(address))
	}
	if len(to) == 0 {
		return "", postroom.Invalid(postroom.ReasonMalformed, "There is no recipient")
	}
	var size int
	for _, f := range l.Attachments {
		size += len(f.Content)
	}
	if size > maxFiles {
		return "", postroom.Invalid(postroom.ReasonTooLarge, "The attachments are larger than 25 MB together")
	}
	id = strings.ToLower(rand.Text()) + "@" + hostname
	var h gomail.Header
	h.SetDate(s.store.now())
	h.SetAddressList("From", []*gomail.Address{(*gomail.Address)(from)})
	h.SetAddressList("To", to)
	h.SetSubject(l.Subject)
	h.SetMessageID(id)
	raw, err := l.compose(h)
	if err != nil {
		return "", err
	}
	if err := s.accept(sub, raw); err != nil {
		return "", postroom.Unavailable(postroom.ReasonMailServerDown, "The mail could not be kept", err)
	}
	return id, nil
}

// compose writes the letter under header h.
func (l Letter) compose(h gomail.Header) ([]byte, error) {
	if l.InReplyTo != "" {
		h.SetMsgIDList("In-Reply-To", []string{oneWord(l.InReplyTo)})
		var ids []string
		for _, id := range append(slices.Clone(l.References), l.InReplyTo) {
			if id = oneWord(id); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		h.SetMsgIDList("References", ids)
	}
	for name, value := range l.Headers {
		if !isFieldName(name) || h.Has(name) || strings.HasPrefix(strings.ToLower(name), "content-") {
			return nil, postroom.Invalid(postroom.ReasonMalformed, "A header field cannot be set")
		}
		h.SetText(name, value)
	}
	var b bytes.Buffer
	w, err := gomail.CreateWriter(&b, h)
	if err != nil {
		return nil, postroom.Internal("The mail could not be written", err)
	}
	if err := l.writeParts(w); err != nil {
		return nil, postroom.Internal("The mail could not be written", err)
	}
	return b.Bytes(), nil
}

func (l Letter) writeParts(w *gomail.Writer) error {
	texts, err := w.CreateInline()
	if err != nil {
		return err
	}
	for _, part := range []struct{ kind, text string }{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		if part.text == "" && part.kind == "text/html" {
			continue
		}
		var h gomail.InlineHeader
		h.SetContentType(part.kind, map[string]string{"charset": "utf-8"})
		p, err := texts.CreatePart(h)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(p, strings.ReplaceAll(strings.ReplaceAll(part.text, "\r\n", "\n"), "\n", "\r\n")); err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	if err := texts.Close(); err != nil {
		return err
	}
	for _, f := range l.Attachments {
		var h gomail.AttachmentHeader
		h.SetContentType(cmp.Or(mediaType(f.Type), "application/octet-stream"), nil)
		h.SetFilename(f.Name)
		p, err := w.CreateAttachment(h)
		if err != nil {
			return err
		}
		if _, err := p.Write(f.Content); err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	return w.Close()
}

// isFieldName reports whether name may stand before the colon of a header field (RFC 5322 section 2.2).
func isFieldName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

// mediaType returns kind if it looks like "type/subtype", else "".
func mediaType(kind string) string {
	major, minor, ok := strings.Cut(kind, "/")
	if !ok || !isFieldName(major) || !isFieldName(minor) || strings.ContainsAny(kind, `;"\()<>@,[]?=`) {
		return ""
	}
	return strings.ToLower(kind)
}

// arrived lists the mails in the inbox of account with a UID above after, newest first, at most limit.
func (s *store) arrived(account string, after uint32, limit int) (mails []mailFile, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.accounts[account][inbox]; f != nil {
		for _, m := range slices.Backward(f.mails) {
			if uint32(m.uid) <= after || len(mails) == limit {
				break
			}
			mails = append(mails, mailFile{strconv.FormatUint(uint64(m.uid), 10), m.file, *m})
		}
	}
	return mails, s.changed
}

// mailFile is a mail in an inbox: its id for pages and programs, and where its bytes are.
type mailFile struct {
	id   string
	file uint64
	entry
}

// open reads a mail.
func (s *store) open(m mailFile) (*Message, error) {
	raw, err := s.read(m.file)
	if err != nil {
		return nil, err
	}
	message := readMessage(raw)
	message.ID, message.Received = m.id, m.date
	if message.Date.IsZero() {
		message.Date = m.date
	}
	return message, nil
}

// Messages returns what address received, newest first, at most limit.
func (s *Server) Messages(address string, limit int) []*Message { return s.messages(address, 0, limit) }

func (s *Server) messages(address string, after uint32, limit int) []*Message {
	account, _ := accountOf(address)
	mails, _ := s.store.arrived(account, after, limit)
	messages := make([]*Message, 0, len(mails))
	for _, m := range mails {
		message, err := s.store.open(m)
		if err != nil {
			continue // deleted meanwhile
		}
		messages = append(messages, message)
	}
	return messages
}

// Await waits until address has at least n mails, or ctx ends, and returns them newest first.
func (s *Server) Await(ctx context.Context, address string, n int) ([]*Message, error) {
	account, _ := accountOf(address)
	for {
		mails, changed := s.store.arrived(account, 0, n)
		if len(mails) >= n {
			return s.Messages(address, math.MaxInt), nil
		}
		select {
		case <-changed:
		case <-s.stopping:
			return nil, errClosed
		case <-ctx.Done():
			return nil, fmt.Errorf("devmail: wait for mail: %w", context.Cause(ctx))
		}
	}
}

// Clear deletes everything that address received.
func (s *Server) Clear(address string) error {
	account, _ := accountOf(address)
	return s.store.clear(account)
}

func (s *store) clear(account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.accounts[account][inbox]
	if f == nil || len(f.mails) == 0 {
		return nil
	}
	return s.commit(change{Op: opGone, Folder: f.id, UIDs: uidsOf(f.mails)})
}

// customer is an address without a password, and how many mails it has.
type customer struct {
	Address string `json:"address"`
	Mails   int    `json:"mails"`
}

// customers lists every address that ever received mail and has no password, by name.
func (s *Server) customers() []customer {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	list := []customer{}
	for account, folders := range s.store.accounts {
		if _, ours := s.passwords[account]; !ours && folders[inbox] != nil {
			list = append(list, customer{account, len(folders[inbox].mails)})
		}
	}
	slices.SortFunc(list, func(a, b customer) int { return strings.Compare(a.Address, b.Address) })
	return list
}
