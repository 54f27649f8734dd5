package email_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postroom/postroom/internal/email"
)

// nested is a mail with multiparts within multiparts.
func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return b.String() + "Content-Type: text/plain\n\nhello\n"
}

// Strangers choose the input: no shape of it may cost more than linear time. The limit is generous, for slow machines; what it
// catches takes minutes.
func TestHostileInputTakesLinearTime(t *testing.T) {
	t.Parallel()
	const size = 4 << 20 / raceFactor
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	field := func(name, s string) string { return name + ": " + strings.Repeat(s, email.MaxField/len(s)) + "\n" }
	for name, raw := range map[string]string{
		"open comments":         field("From", "(") + field("To", "(a") + field("Cc", "()("),
		"open quotes":           field("From", `"\"`) + field("To", `\"`) + field("Cc", `a"`),
		"open brackets":         field("From", "<") + field("To", "a<") + field("Cc", "<@"),
		"colons and commas":     field("From", ":") + field("To", ",") + field("Cc", "a:") + field("Reply-To", "a,;"),
		"addresses":             field("To", "a@b,"),
		"encoded words":         field("Subject", "=?a?Q? ") + field("From", "=?") + field("To", "=?utf-8?B??="),
		"encoded words, many":   strings.Repeat(field("X", "=?=?a?B?"), 16),
		"ids":                   field("References", "<") + field("In-Reply-To", "<a@b>") + field("Message-Id", "a@b "),
		"parameters":            field("Content-Type", `;a*0="`) + field("Content-Disposition", `;\"`),
		"parameter pieces":      field("Content-Type", ";a*1=x"),
		"date":                  field("Date", "(") + field("Date", "Mon, "),
		"fields":                fill("A: b\n"),
		"field names":           fill("A"),
		"continuations":         "A: b\n" + fill(" \n"),
		"lines that are none":   fill("x\n"),
		"malformed lines":       fill("A: b\nnonsense\n"),
		"carriage returns":      fill("A: b\r"),
		"depth":                 nested(2000),
		"parts":                 "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--b\n\nx\n"),
		"boundaries":            "Content-Type: multipart/mixed; boundary=-\n\n" + fill("-"),
		"boundaries, no lines":  "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--b"),
		"boundary missing":      "Content-Type: multipart/mixed\n\n" + fill("--b\nx\n"),
		"base64":                "Content-Transfer-Encoding: base64\n\n" + fill("=A==\n"),
		"base64 of nothing":     "Content-Transfer-Encoding: base64\n\n" + fill("!"),
		"quoted-printable":      "Content-Transfer-Encoding: quoted-printable\n\n" + fill("=\n="),
		"uuencode":              "Content-Transfer-Encoding: x-uuencode\n\n" + fill("begin 644 x\n"),
		"flowed":                "Content-Type: text/plain; format=flowed\n\n" + fill("> \n>"),
		"quote marks":           "Content-Type: text/plain; format=flowed\n\n" + fill(">"),
		"html depth":            "Content-Type: text/html\n\n" + fill("<div><blockquote>a"),
		"html tag":              "Content-Type: text/html\n\n<" + fill("a"),
		"html attributes":       "Content-Type: text/html\n\n<a " + fill("b=c "),
		"html comment":          "Content-Type: text/html\n\n" + fill("<!--"),
		"html entities":         "Content-Type: text/html\n\n" + fill("&#"),
		"html preformatted":     "Content-Type: text/html\n\n<pre>" + fill("\n"),
		"html scripts":          "Content-Type: text/html\n\n" + fill("<script>"),
		"html meta":             "Content-Type: text/html\n\n" + fill("<meta "),
		"utf-7":                 "Content-Type: text/plain; charset=utf-7\n\n" + fill("+A"),
		"iso-2022-kr":           "Content-Type: text/plain; charset=iso-2022-kr\n\n" + fill("\x1b$)C\x0e"),
		"quotations":            "\n" + fill("> \n"),
		"quotations, in turns":  "\n" + fill("> a\nb\n"),
		"attributions":          "\n" + fill("On 2024-01-02 15:04 a@b.example\n"),
		"attributions, wrapped": "\n" + fill("On 1 a\nb c\nd e\nf wrote:\n"),
		"attributions, apart":   "\n" + fill("a wrote:\n\n\n\n"),
		"headers of quotations": "\n" + fill("From: a\nDate: b\n"),
		"rules":                 "\n" + fill("-----\n"),
		"one long line":         "\n" + fill("On 2024-01-02 15:04 a@b wrote: "),
		"dashes":                "\n" + fill("-"),
		"html quotations":       "Content-Type: text/html\n\n" + fill("<blockquote type=cite>a</blockquote>b"),
		"html, unclosed":        "Content-Type: text/html\n\n" + fill("<div class=gmail_quote><span>"),
		"html, end tags":        "Content-Type: text/html\n\n" + fill("<div></blockquote></span>"),
		"html classes":          "Content-Type: text/html\n\n<div class='" + fill("x_ ") + "'>",
		"a notice of addresses": "From: MAILER-DAEMON@a\n\n" + fill("<a@b.example>:\n"),
		"a notice of at signs":  "From: MAILER-DAEMON@a\n\n" + fill("a@"),
		"a notice of statuses":  "From: MAILER-DAEMON@a\n\n" + fill("5.1.1 "),
		"a notice of replies":   "From: MAILER-DAEMON@a\n\n" + fill("550 "),
		"a notice of fields":    "From: MAILER-DAEMON@a\n\n" + fill("Received: a\n"),
		"a notice of ids":       "From: MAILER-DAEMON@a\n\n" + fill("Message-ID: <"),
		"a notice, many tos":    field("To", "a@b.example,") + "From: MAILER-DAEMON@a\n\n" + fill("a@b.example\n"),
		"a report of fields":    "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + fill("Final-Recipient: rfc822; a\n"),
		"a report of groups":    "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + fill("Action: failed\n\n"),
		"a report of nothing":   "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + fill("x\n"),
		"reports, many":         "From: MAILER-DAEMON@a\nContent-Type: multipart/report; boundary=b\n\n" + fill("--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n\n"),
		"loops":                 strings.Repeat(field("X-Loop", "a@b.example "), 16) + field("Delivered-To", "a"),
		"bytes that are no set": "Content-Type: text/plain\n\n" + fill("\xff\x80 "),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			m := email.Parse([]byte(raw))
			email.Automatic(m)
			email.ReplySubject(m.Subject)
			email.ReplyThread(m)
			email.Quote("", m.Text)
			email.ReadBounce(m)
			email.ReadComplaint(m)
			email.ReadReceipt(m)
			email.Visible(m)
			// What grows with the square of this input takes minutes.
			if took := time.Since(start); took > 2*time.Second*raceFactor {
				t.Errorf("%v", took)
			}
			checkPromises(t, m)
		})
	}
}

// checkPromises holds what every Mail promises, whatever it was read from.
func checkPromises(t *testing.T, m email.Mail) {
	t.Helper()
	line := func(what, s string) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s is no line of text: %.100q", what, s)
		}
	}
	line("subject", m.Subject)
	for _, list := range [][]email.Address{m.From, m.Sender, m.ReplyTo, m.To, m.Cc} {
		if len(list) > email.MaxAddresses {
			t.Errorf("%d addresses", len(list))
		}
		for _, a := range list {
			line("name", a.Name)
			line("address", a.Address)
		}
	}
	for _, f := range m.Fields {
		line("field", f.Name+f.Value)
	}
	for _, id := range append(append(m.References, m.InReplyTo...), m.MessageID) {
		line("id", string(id))
		if strings.ContainsAny(string(id), "<> \t") {
			t.Errorf("id %q", id)
		}
	}
	if len(m.Fields) > email.MaxFields || len(m.References) > email.MaxReferences || len(m.Attachments) > email.MaxParts {
		t.Errorf("%d fields, %d references, %d attachments", len(m.Fields), len(m.References), len(m.Attachments))
	}
	for _, s := range []string{m.Text, m.HTML} {
		if !utf8.ValidString(s) || len(s) > email.MaxText || strings.Contains(s, "\r") {
			t.Errorf("text of %d bytes is not as promised", len(s))
		}
	}
	for i, a := range m.Attachments {
		line("filename", a.Filename)
		line("media type", a.MediaType)
		line("content id", a.ContentID)
		if a.Ordinal != i || strings.ContainsAny(a.Filename, `/\`) || strings.HasPrefix(a.Filename, ".") || len(a.Filename) > 255 {
			t.Errorf("attachment %d: %+v", i, a.Filename)
		}
	}
	line("reply subject", email.ReplySubject(m.Subject))
	if again := email.ReplySubject(email.ReplySubject(m.Subject)); again != email.ReplySubject(m.Subject) {
		t.Errorf("the reply to %q is %q", email.ReplySubject(m.Subject), again)
	}
}
