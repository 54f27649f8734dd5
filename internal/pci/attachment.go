package pci

import (
	"fmt"
	"log/slog"
	"mime"
	"strings"

	"github.com/postroom/postroom"
)

// Limits of an attachment.
const (
	// MaxAttachment is how many bytes are inspected; what is larger is withheld (R16 allows 25 MB for all together).
	MaxAttachment = 25 << 20
	// MaxInlineImage is the largest image within a text, such as a logo in a signature, that passes without being read (R29).
	MaxInlineImage = 64 << 10
)

// Why an attachment did not pass.
const (
	ReasonNotInspectable postroom.Reason = "not_inspectable" // a format that is not read: documents, archives, sound, programs, unknown
	ReasonEncrypted      postroom.Reason = "encrypted"
	ReasonImage          postroom.Reason = "image"       // an image that is not small and inline
	ReasonUndecodable    postroom.Reason = "undecodable" // text in no known character set
	ReasonEmbedded       postroom.Reason = "embedded"    // text with encoded content inside, such as base64
)

// Attachment is a file as it came, in memory.
type Attachment struct {
	Ordinal   int    // position in its message, from 0
	Filename  string // as shown; may be empty
	MediaType string // Content-Type with its parameters, as declared; may be empty or wrong
	Inline    bool   // shown within the text: Content-Disposition inline, or referred to by its Content-ID
	Content   []byte
}

// String gives the size only.
func (a Attachment) String() string { return fmt.Sprintf("attachment(%d)", len(a.Content)) }

// GoString gives the size only.
func (a Attachment) GoString() string { return a.String() }

// LogValue gives the size only.
func (a Attachment) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Inspected is what becomes of an attachment. Content is empty unless the verdict is passed.
type Inspected struct {
	Filename  postroom.Text // masked
	MediaType string        // "type/subtype" in lower case; application/octet-stream when the declaration is unusable
	Content   postroom.Bytes
	Verdict   postroom.AttachmentVerdict
	Reason    postroom.Reason // why it did not pass
	Findings  []postroom.Finding
}

// Attachment judges a file by its content; the declared type is a hint and never opens a door (R26, R29). Text in any character
// set, HTML and XML are read: with a card number inside they are destroyed. A small inline image passes. Everything else is
// withheld: what cannot be inspected does not pass. The file name is masked like any text. It takes ownership of the content.
func (s Scanner) Attachment(a Attachment) Inspected {
	name, found := s.Text(fmt.Sprintf("filename:%d", a.Ordinal), a.Filename)
	out := Inspected{Filename: name, MediaType: s.mediaType(a.MediaType), Findings: found}
	hits, reason := inspect(a)
	switch {
	case len(hits) != 0:
		out.Verdict, out.Reason = postroom.AttachmentDestroyed, postroom.ReasonCardData
		out.Findings = append(out.Findings, findings(fmt.Sprintf("attachment:%d", a.Ordinal), hits)...)
	case reason != "":
		out.Verdict, out.Reason = postroom.AttachmentWithheld, reason
	default:
		out.Verdict = postroom.AttachmentPassed
		out.Content = postroom.SealBytes(a.Content)
	}
	return out
}

// mediaType returns the declared type without its parameters, or the general one when it is malformed or holds a card number.
func (Scanner) mediaType(declared string) string {
	const unknown = "application/octet-stream"
	t, _, err := mime.ParseMediaType(declared)
	if err != nil && t == "" || len(t) > 127 || strings.Count(t, "/") != 1 || len(modeFinal.find(t)) != 0 {
		return unknown
	}
	return t
}

// inspect returns the card numbers in the content, or else the reason why it cannot be told that there are none.
func inspect(a Attachment) ([]hit, postroom.Reason) {
	if len(a.Content) > MaxAttachment {
		return nil, postroom.ReasonTooLarge
	}
	// Whatever the format: digits that stand there plainly, in a comment of an image or in the index of an archive, count.
	if hits := modeFinal.find(string(a.Content)); len(hits) != 0 {
		return hits, ""
	}
	switch signature(a.Content) {
	case formatImage:
		if a.Inline && len(a.Content) <= MaxInlineImage {
			return nil, ""
		}
		return nil, ReasonImage
	case formatEncrypted:
		return nil, ReasonEncrypted
	case formatClosed:
		return nil, ReasonNotInspectable
	}
	return inspectText(a)
}

func inspectText(a Attachment) ([]hit, postroom.Reason) {
	declared, params, _ := mime.ParseMediaType(a.MediaType)
	readings := decode(a.Content, params["charset"])
	if len(readings) == 0 {
		if strings.HasPrefix(declared, "text/") {
			return nil, ReasonUndecodable
		}
		return nil, ReasonNotInspectable
	}
	for _, text := range readings {
		if hits := modeFinal.find(text); len(hits) != 0 {
			return hits, ""
		}
		if hits := modeFinal.findMarkup(text); len(hits) != 0 {
			return hits, ""
		}
	}
	for _, text := range readings {
		if holdsEncoded(text) {
			return nil, ReasonEmbedded
		}
	}
	return nil, ""
}
