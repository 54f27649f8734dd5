package pci

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/postroom/postroom"
)

// Detector names the detector and its version, as it is written into every finding: a change of rules is a new version, so that
// old findings can be told from new ones (R29).
const Detector = "pan/2"

// Places of a finding that have no number or name in them; the others are "header:<name>", "attachment:<ordinal>" and
// "filename:<ordinal>".
const (
	PlaceSubject = "subject"
	PlaceText    = "text"
	PlaceHTML    = "html"
	PlaceDraft   = "draft"
	PlaceNote    = "note"
	// PlaceSource is the source of a finished mail, see Seal.
	PlaceSource = "source"
)

// MaxText is how many bytes of a text are kept. What is longer is cut, and ends in cutMark: the whole text stays in the mailbox.
const MaxText = 16 << 20

const cutMark = "\n[…]"

// maxPasses bounds how often a text is masked and looked at again. Two passes are the rule; a text that still is not clean
// after this many was made to be so, and loses every digit.
const maxPasses = 4

// Scanner looks for forbidden data. It holds no state and may be used by any number of goroutines.
type Scanner struct{}

// New makes a Scanner for payment card numbers.
func New() Scanner { return Scanner{} }

// Text masks the card numbers in s and seals the result. Invalid UTF-8 and NUL, which PostgreSQL refuses, become U+FFFD; more
// than MaxText bytes are cut. For valid text the number of characters stays the same. The result never holds anything that Text would find again.
func (Scanner) Text(place, s string) (postroom.Text, []postroom.Finding) {
	return modeFinal.text(place, s)
}

// Draft is Text for what somebody is typing: the beginning of a card number, eleven digits or more with an issuer's prefix,
// counts before it is complete, so that no half of a number is ever saved (R37).
func (Scanner) Draft(place, s string) (postroom.Text, []postroom.Finding) {
	return modeDraft.text(place, s)
}

// HTML is Text for the source of an HTML body. What stands in one piece is masked; a number that tags, references or comments run
// through is found, but not yet masked in place: then the whole source is left out, the result is empty, and the plain text has
// to do.
func (Scanner) HTML(source string) (postroom.Text, []postroom.Finding) {
	sealed, found := modeFinal.text(PlaceHTML, source)
	if split := modeFinal.findMarkup(sealed.Reveal()); len(split) != 0 {
		return postroom.Text{}, append(found, findings(PlaceHTML, split)...)
	}
	return sealed, found
}

// Find returns what Text would find, and seals nothing: for values that cannot be masked and have to be left out instead, such
// as the Message-ID of somebody else in References.
func (Scanner) Find(place, s string) []postroom.Finding {
	return findings(place, modeFinal.find(clean(s)))
}

// Part is one decoded part of a finished mail and the place to report for it.
type Part struct {
	Place string
	Text  string
}

// String gives the place and the size only.
func (p Part) String() string { return fmt.Sprintf("part(%s, %d)", p.Place, len(p.Text)) }

// GoString gives the place and the size only.
func (p Part) GoString() string { return p.String() }

// LogValue gives the place and the size only.
func (p Part) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Seal passes content, the bytes of a finished mail, when neither they nor its parts hold a card number. parts are everything
// that a reader would see and that the bytes may hide behind an encoding: decoded header fields, bodies, file names; the caller
// takes them from the bytes themselves (R28). Of a part at PlaceHTML the tags are looked through as well. It takes ownership of
// content.
//
// A finding is Refused with reason card_data, and nothing is sealed; content without any part is Invalid, because then nobody looked.
func (Scanner) Seal(content []byte, parts ...Part) (postroom.Bytes, []postroom.Finding, error) {
	if len(parts) == 0 {
		return postroom.Bytes{}, nil, postroom.Invalid("not_inspected", "seal mail: no decoded part was given")
	}
	var found []postroom.Finding
	for _, p := range parts {
		hits := modeFinal.find(clean(p.Text))
		if len(hits) == 0 && p.Place == PlaceHTML {
			hits = modeFinal.findMarkup(p.Text)
		}
		found = append(found, findings(p.Place, hits)...)
	}
	if len(found) == 0 {
		found = findings(PlaceSource, modeFinal.find(string(content)))
	}
	if len(found) != 0 {
		return postroom.Bytes{}, found, postroom.Refused(postroom.ReasonCardData, "seal mail: it holds a payment card number")
	}
	return postroom.SealBytes(content), nil, nil
}

func (m mode) text(place, s string) (postroom.Text, []postroom.Finding) {
	s = clean(s)
	var found []postroom.Finding
	for range maxPasses {
		hits := m.find(s)
		if len(hits) == 0 {
			return postroom.SealText(s), found
		}
		found = append(found, findings(place, hits)...)
		s = hide(s, hits)
	}
	return postroom.SealText(hideAll(s)), found
}

func findings(place string, hits []hit) []postroom.Finding {
	var found []postroom.Finding
	for _, h := range hits {
		found = append(found, postroom.Finding{
			Kind: postroom.FindingPAN, Place: place, Brand: h.brand, Last4: h.last4, Detector: Detector,
		})
	}
	return found
}

// clean makes s storable: valid UTF-8, no NUL, MaxText bytes at most.
func clean(s string) string {
	if len(s) > MaxText {
		s = cut(s, MaxText-len(cutMark)) + cutMark
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// cut shortens s to size bytes or less, and never within what may be one number: a half would not be found.
func cut(s string, size int) string {
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	kept := s[:size]
	for digits := 0; digits < runLimit; digits++ {
		i := strings.LastIndexFunc(kept, isDigit)
		if i < 0 {
			return kept
		}
		if _, before := crossGap(s, i+digitSize(s[i:])); before == gapEnd {
			return s[:min(size, len(s))]
		}
		kept = kept[:i]
		size = i
	}
	return kept
}

func isDigit(c rune) bool {
	_, ok := digitValue(c)
	return ok
}

func digitSize(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}
