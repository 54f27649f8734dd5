package postroom

import (
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

// Text is text that the card scanner passed: findings in it are masked (R36). store and blob accept customer text in no other
// form, so that nothing unscanned can be written by mistake. Only internal/pci makes one, with SealText; arch_test.go sees to it.
// The zero Text is the empty string.
//
// The text hangs behind a pointer, so that printing a struct that holds one in an unexported field prints an address: fmt calls no
// String there.
//
// It never shows itself: fmt and slog print its length, and JSON refuses it, so that it cannot end up in a log or in a
// workflow's payload. Reveal is the only way to the text.
type Text struct{ s *string }

// SealText makes a Text of text that passed the scanner. For internal/pci only.
func SealText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the text itself, for writing to the database, to a mail or to a screen.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

// Empty reports whether there is no text.
func (t Text) Empty() bool { return t.s == nil }

// String gives the length only.
func (t Text) String() string { return fmt.Sprintf("text(%d)", utf8.RuneCountInString(t.Reveal())) }

// GoString gives the length only.
func (t Text) GoString() string { return t.String() }

// LogValue gives the length only.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses: customer text travels through no payload.
func (t Text) MarshalJSON() ([]byte, error) { return nil, errSealed }

// Bytes is content that the card scanner inspected and passed (R36): a re-built mail, an attachment. Only internal/pci makes one,
// with SealBytes. The zero Bytes is empty.
type Bytes struct{ b *[]byte }

// SealBytes makes a Bytes of content that passed the scanner; it takes ownership of b. For internal/pci only.
func SealBytes(b []byte) Bytes { return Bytes{&b} }

// Reveal returns the content itself. The caller does not change it.
func (b Bytes) Reveal() []byte {
	if b.b == nil {
		return nil
	}
	return *b.b
}

// Len is the size in bytes.
func (b Bytes) Len() int { return len(b.Reveal()) }

// String gives the size only.
func (b Bytes) String() string { return fmt.Sprintf("bytes(%d)", b.Len()) }

// GoString gives the size only.
func (b Bytes) GoString() string { return b.String() }

// LogValue gives the size only.
func (b Bytes) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalJSON refuses: customer content travels through no payload.
func (b Bytes) MarshalJSON() ([]byte, error) { return nil, errSealed }

var errSealed = errors.New("customer content does not travel in payloads")

// FindingKind is what kind of forbidden data was found (R27).
type FindingKind string

// The kinds of finding.
const (
	FindingPAN FindingKind = "pan" // a payment card number
)

// Finding is one piece of forbidden data that was masked or destroyed: what and where, never the value or a digest of it (R29).
type Finding struct {
	Kind     FindingKind
	Place    string // "subject", "text", "html", "header:<name>", "attachment:<ordinal>", "filename:<ordinal>", "draft", "note", "source"
	Brand    string // issuer, for cards
	Last4    string // the last four digits, which PCI DSS 3.4.1 allows to be shown
	Detector string // name and version of the detector that found it
}
