package devmail

import (
	"bytes"
	"io"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	gomail "github.com/emersion/go-message/mail"
)

const (
	maxParts = 200     // of one mail that is shown
	maxText  = 1 << 20 // bytes of each text that is shown
)

// Message is a mail as the customer's page and programs see it: decoded as far as it can be.
type Message struct {
	ID          string              `json:"id"` // the UID in the account's inbox, decimal
	From        string              `json:"from"`
	To          string              `json:"to"`
	Subject     string              `json:"subject"`
	Date        time.Time           `json:"date"` // of the Date field; when it arrived, if there is none
	Received    time.Time           `json:"received"`
	MessageID   string              `json:"messageId,omitempty"` // without angle brackets
	Text        string              `json:"text"`                // the text/plain parts; of a mail without any, the HTML's words
	HTML        string              `json:"html,omitempty"`
	Headers     map[string][]string `json:"headers"` // decoded, in order, by canonical name
	Attachments []Attachment        `json:"attachments,omitempty"`
	References  []string            `json:"-"`
}

// Attachment is a file of a [Message].
type Attachment struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Size    int    `json:"size"` // bytes, decoded
	Content []byte `json:"-"`
}

// allText is every word that a reader of the mail may see.
func (m *Message) allText() string { return m.Text + "\n" + stripTags(m.HTML) }

// readMessage reads a mail. It never fails: what cannot be decoded is shown as it is.
func readMessage(raw []byte) *Message {
	m := &Message{Headers: map[string][]string{}}
	entity, _ := message.Read(bytes.NewReader(raw))
	if entity == nil {
		m.Text = string(raw[:min(len(raw), maxText)])
		return m
	}
	h := gomail.Header{Header: entity.Header}
	for fields := h.Fields(); fields.Next(); {
		m.Headers[fields.Key()] = append(m.Headers[fields.Key()], decodeWords(fields.Value()))
	}
	m.From, m.To, m.Subject = first(m.Headers["From"]), first(m.Headers["To"]), first(m.Headers["Subject"])
	m.Date, _ = h.Date()
	m.MessageID, _ = h.MessageID()
	m.References, _ = h.MsgIDList("References")
	parts := 0
	_ = entity.Walk(func(_ []int, part *message.Entity, err error) error {
		if parts++; parts > maxParts {
			return io.EOF
		}
		if err == nil || part != nil {
			m.addPart(part)
		}
		return nil
	})
	if m.Text == "" {
		m.Text = stripTags(m.HTML)
	}
	return m
}

func (m *Message) addPart(part *message.Entity) {
	kind, params, _ := part.Header.ContentType()
	if strings.HasPrefix(kind, "multipart/") {
		return
	}
	content, _ := io.ReadAll(part.Body)
	disposition, dispositionParams, _ := part.Header.ContentDisposition()
	name := first([]string{dispositionParams["filename"], params["name"]})
	switch {
	case disposition != "attachment" && name == "" && kind == "text/plain":
		m.Text += string(content[:min(len(content), maxText)])
	case disposition != "attachment" && name == "" && kind == "text/html":
		m.HTML += string(content[:min(len(content), maxText)])
	default:
		m.Attachments = append(m.Attachments, Attachment{Name: decodeWords(name), Type: kind, Size: len(content), Content: content})
	}
}

// first returns the first of values that is not empty.
func first(values []string) string {
	if i := slices.IndexFunc(values, func(v string) bool { return v != "" }); i >= 0 {
		return values[i]
	}
	return ""
}

// decodeWords decodes RFC 2047 words in any charset that we know; what it cannot decode it returns as it is.
func decodeWords(s string) string {
	decoded, err := (&mime.WordDecoder{CharsetReader: charset.Reader}).DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}

// stripTags returns the words of HTML, for reading and searching; it is no sanitiser, and what it returns is escaped like any text.
func stripTags(html string) string {
	var out strings.Builder
	for len(html) > 0 {
		before, rest, found := strings.Cut(html, "<")
		out.WriteString(before)
		if !found {
			break
		}
		_, html, _ = strings.Cut(rest, ">")
		out.WriteByte(' ')
	}
	return strings.Join(strings.Fields(out.String()), " ")
}
