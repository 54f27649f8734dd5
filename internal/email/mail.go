// Package email reads mail: what a mail says, whether a machine wrote it, and how a reply to it is named, threaded and quoted.
// It is pure: bytes and values in, values out, no I/O and no clock.
//
// [Parse] takes whatever arrived and always gives a [Mail]; what was wrong with it is listed in Mail.Defects. Time and memory are
// bounded by the size of the input and the limits below, for mail is written by strangers.
//
// Reading goes from the outside in: header.go splits off the fields, part.go and boundary.go the MIME parts (parameter.go, transfer.go,
// uuencode.go), body.go chooses what is text and what is an attachment (calendar.go, protection.go); word.go, charset.go, iso2022.go and
// utf7.go decode, guess.go finds what is not named, address.go, id.go and date.go read fields, html.go turns HTML into text. automatic.go and loop.go say whether a machine wrote a mail; bounce.go, feedback.go, report.go,
// notice.go and status.go read what it has to tell. visible.go, attribution.go, visiblehtml.go and signature.go find what a person wrote
// this time; reply.go and quote.go are about the answer. What programs write in which language stands in the …_rules.go.
package email

import (
	"bytes"
	"time"

	"github.com/postroom/postroom"
)

// Limits of what is read of one mail. What lies beyond is left out and listed as a defect; nothing is refused.
const (
	MaxSize       = 64 << 20  // bytes of the mail
	MaxField      = 256 << 10 // bytes of one header field
	MaxFields     = 2000      // fields of one header
	MaxHeader     = 8 << 20   // bytes of one header
	MaxDepth      = 64        // parts within parts
	MaxParts      = 1000
	MaxText       = 8 << 20 // bytes of Text and of HTML, each
	MaxAddresses  = 1000    // in one field
	MaxReferences = 100     // the first, and the last 99
)

// Mail is what a mail says. All strings are valid UTF-8 and still hold whatever the sender wrote: nothing of it may be stored or
// logged before the scanner has passed it (R36).
type Mail struct {
	Fields []Field // all header fields, from top to bottom

	Subject    string
	From       []Address
	Sender     []Address
	ReplyTo    []Address
	To         []Address
	Cc         []Address
	Date       time.Time                    // zero when absent or unreadable
	MessageID  postroom.InternetMessageID   // "" when absent
	InReplyTo  []postroom.InternetMessageID // RFC 5322 section 3.6.4
	References []postroom.InternetMessageID // oldest first

	// Text is the body as plain text, lines ending in \n: the text/plain parts, or what the HTML says where there are none.
	Text string
	// HasPlain says that Text is of text/plain parts, and not what the HTML says.
	HasPlain bool
	// PlainText is Text without what HTML parts beside plain ones say, as in mails that go on in HTML behind a file.
	PlainText string
	// HTML is the source of the text/html body parts, or "". Nothing in it is safe to show.
	HTML string

	Attachments []Attachment
	Protection  Protection // "" for a mail that is neither signed nor encrypted
	Defects     []Defect

	parts []partKind // every part of the mail, for Automatic
}

// Field is one header field: its name as written, and its value unfolded and decoded (RFC 2047).
type Field struct {
	Name  string
	Value string
}

// Address is a mailbox as the header names it (RFC 5322 section 3.4).
type Address struct {
	Name    string // display name, may be empty
	Address string // addr-spec as written; may be malformed
}

// Attachment is a part that is not, or not only, shown as the text of the mail.
type Attachment struct {
	Ordinal   int    // position among the attachments, from 0
	Filename  string // without path, control and bidi characters; may be empty
	MediaType string // type/subtype in lower case, with the charset parameter if there is one
	Content   []byte // transfer encoding removed; text in its own character set
	Inline    bool   // meant to be shown within the text
	ContentID string // without angle brackets; may be empty
}

// Defect is something wrong with a mail that was read all the same.
type Defect string

// The defects.
const (
	DefectSize         Defect = "too_large"            // cut at MaxSize
	DefectNoHeader     Defect = "no_header"            // it begins with something else
	DefectHeaderLine   Defect = "malformed_field"      // a line that is no field and continues none
	DefectFieldSize    Defect = "field_too_large"      // cut at MaxField
	DefectFields       Defect = "too_many_fields"      // cut at MaxFields or MaxHeader
	DefectDepth        Defect = "too_deep"             // a part below MaxDepth was not taken apart
	DefectParts        Defect = "too_many_parts"       // cut at MaxParts
	DefectBoundary     Defect = "no_boundary"          // a multipart whose boundary is missing
	DefectUnclosed     Defect = "unclosed_multipart"   // its closing boundary is missing
	DefectContentType  Defect = "malformed_type"       // an unreadable Content-Type
	DefectEncoding     Defect = "unknown_encoding"     // an unknown Content-Transfer-Encoding
	DefectBase64       Defect = "malformed_base64"     // characters in base64 that do not belong there
	DefectCharset      Defect = "wrong_charset"        // text is not in the character set that it names
	DefectText         Defect = "text_too_large"       // cut at MaxText
	DefectAddress      Defect = "malformed_address"    // an address that has no @
	DefectDate         Defect = "malformed_date"       // an unreadable Date
	DefectReferences   Defect = "too_many_references"  // cut at MaxReferences
	DefectLineEnds     Defect = "lone_carriage_return" // lines end in CR only
	DefectAddressCount Defect = "too_many_addresses"   // cut at MaxAddresses
)

// Field returns the value of the first field of that name, or "". Case does not matter.
func (m Mail) Field(name string) string {
	value, _ := m.lookup(name)
	return value
}

// HasField reports whether there is a field of that name, even an empty one.
func (m Mail) HasField(name string) bool {
	_, ok := m.lookup(name)
	return ok
}

// FieldValues returns the values of all fields of that name, from top to bottom.
func (m Mail) FieldValues(name string) []string {
	var values []string
	for _, f := range m.Fields {
		if equalFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

func (m Mail) lookup(name string) (string, bool) {
	for _, f := range m.Fields {
		if equalFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// equalFold compares field names, which are ASCII.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// defects collects defects, each once.
type defects struct{ list []Defect }

func (d *defects) add(x Defect) {
	for _, have := range d.list {
		if have == x {
			return
		}
	}
	d.list = append(d.list, x)
}

// Parse reads a mail. It never fails and never panics: an unreadable mail is one with defects and little in it. The attachments'
// contents may be parts of raw, which must not change afterwards.
func Parse(raw []byte) Mail {
	var d defects
	if len(raw) > MaxSize {
		raw = raw[:MaxSize]
		d.add(DefectSize)
	}
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) { // saved by an editor
		text, _ := decodeUTF16(raw, utf16LE)
		raw = []byte(text)
		d.add(DefectCharset)
	}
	raw = skipEmptyLines(lines(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &d))
	head, body := splitHeader(raw, &d)
	if len(head) == 0 && len(raw) != 0 {
		d.add(DefectNoHeader)
	}
	m := Mail{}
	h := reading{fields: head, defects: &d}
	h.readInto(&m)
	t := tree{defects: &d}
	root := t.parse(head, body, inRoot, endOfMail, 0)
	t.choose(root, &m)
	m.Protection = protection(root, m.Text)
	m.parts = t.kinds
	m.Defects = d.list
	return m
}
