package outbound

import (
	"html"
	"strings"
)

// Body is what a reply says, in its parts.
type Body struct {
	Text        string // what the agent wrote
	Rich        string // the same as HTML, sanitised; empty: he wrote text
	Signature   string // of the queue; empty: none
	Attribution string // the line that introduces the quotation
	Quote       string // the mail that is answered, each line behind ">"; empty: none
	Forwarded   string // the mail that is passed on, with who wrote it to whom above; empty: none
}

// Plain is the reply as text: what was written, the signature below its mark (RFC 3676 section 4.3), and the quotation.
func (b Body) Plain() string {
	var out strings.Builder
	out.WriteString(strings.TrimRight(b.Text, " \t\r\n") + "\n")
	if signature := strings.TrimSpace(b.Signature); signature != "" {
		out.WriteString("\n-- \n" + signature + "\n")
	}
	if b.Quote != "" {
		out.WriteString("\n" + b.Attribution + "\n" + b.Quote)
	}
	if b.Forwarded != "" {
		out.WriteString("\n" + b.Forwarded)
	}
	return out.String()
}

// HTML is the same for programs that show HTML. Everything in it but Rich is text that was escaped: whatever somebody wrote, it brings no element, no
// script and no image.
func (b Body) HTML() string {
	var out strings.Builder
	written := b.Rich
	if written == "" {
		written = lines(strings.TrimRight(b.Text, " \t\r\n"))
	}
	out.WriteString("<!DOCTYPE html>\n<html><body>\n<div>" + written + "</div>\n")
	if signature := strings.TrimSpace(b.Signature); signature != "" {
		out.WriteString("<div><br>-- <br>\n" + lines(signature) + "</div>\n")
	}
	if b.Quote != "" {
		out.WriteString("<div><br>" + lines(b.Attribution) + "</div>\n<blockquote type=\"cite\" style=\"margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex\">" +
			lines(unquoted(b.Quote)) + "</blockquote>\n")
	}
	if b.Forwarded != "" {
		out.WriteString("<div><br>" + lines(b.Forwarded) + "</div>\n")
	}
	out.WriteString("</body></html>\n")
	return out.String()
}

// unquoted takes one mark of quotation off each line.
func unquoted(quote string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSuffix(quote, "\n"), "\n") {
		out = append(out, strings.TrimPrefix(strings.TrimPrefix(line, ">"), " "))
	}
	return strings.Join(out, "\n")
}

// lines escapes a text and keeps its lines, and the spaces at their beginnings.
func lines(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		bare := strings.TrimLeft(line, " ")
		out = append(out, strings.Repeat("&nbsp;", min(len(line)-len(bare), 40))+html.EscapeString(bare))
	}
	return strings.Join(out, "<br>\n")
}
