package activities

import (
	"strings"
	"unicode"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/sanitise"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/visible"
)

// showing is what is kept of a mail to show it as its sender laid it out, and to fold what it quotes.
func (r *reader) showing(m email.Mail) store.Showing {
	return store.Showing{HTML: r.html(m.HTML), Quoted: quotedLines(m)}
}

// html scans the source of HTML. What cannot be masked in place is not kept, nor what is too large to be shown; what is found counts all the
// same. Pictures that are written into it are left out: nobody has looked into them (R29).
func (r *reader) html(source string) postroom.Text {
	source = sanitise.WithoutPictures(source)
	if len(source) > sanitise.MaxSource {
		r.findings = append(r.findings, r.scanner.Find(pci.PlaceHTML, source)...)
		return postroom.Text{}
	}
	sealed, found := r.scanner.HTML(source)
	r.findings = append(r.findings, found...)
	return sealed
}

// quotedLines says which lines of a mail's text are quoted. The text as it is kept has the same lines: the scanner changes digits only.
func quotedLines(m email.Mail) []int32 {
	reply := visible.Of(m)
	if len(reply.Folded) == 0 {
		return nil
	}
	lines, ok := sameLines(reply, m.Text)
	if ok {
		return lines
	}
	m.HTML = "" // its HTML tells quotations better, but says something else than the text that people see
	lines, _ = sameLines(visible.Of(m), m.Text)
	return lines
}

// sameLines finds the folded parts of a reply in a text that says the same, but for white space and quotation marks; ok is false if it does
// not. A line that is folded in part stays.
func sameLines(reply visible.Reply, text string) (lines []int32, ok bool) {
	source := bare(reply.Source)
	if source != bare(text) {
		return nil, false
	}
	folds := make([]visible.Span, len(reply.Folded))
	at, done := 0, 0
	for i, f := range reply.Folded {
		at += len(bare(reply.Source[done:f.Start]))
		folds[i].Start = at
		at += len(bare(reply.Source[f.Start:f.End]))
		folds[i].End, done = at, f.End
	}
	at = 0
	joined := false // nothing but empty lines stands between the last folded line and this one
	for n, line := range strings.Split(text, "\n") {
		size := len(bare(line))
		for len(folds) > 0 && folds[0].End <= at {
			folds = folds[1:]
		}
		inside := len(folds) > 0 && size > 0 && folds[0].Start <= at && at+size <= folds[0].End
		at += size
		switch {
		case size == 0:
		case inside && joined:
			lines[len(lines)-1] = int32(n + 1)
		case inside:
			lines, joined = append(lines, int32(n), int32(n+1)), true
		default:
			joined = false
		}
	}
	return lines, true
}

// bare is a text without white space and quotation marks.
func bare(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '>' || unicode.IsSpace(c) {
			return -1
		}
		return c
	}, text)
}
