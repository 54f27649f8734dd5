package email_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/testkit/cpu"
	"github.com/postroom/postroom/internal/visible"
)

// size is how large a mail is made.
type size int

// fill repeats a piece up to the size.
func (s size) fill(piece string) string { return strings.Repeat(piece, int(s)/len(piece)) }

// field makes a header field of an eighth of the size: at 2 MB, as much as is read of one.
func (s size) field(name, piece string) string {
	return name + ": " + strings.Repeat(piece, int(s)/8/len(piece)) + "\n"
}

func body(contentType, s string) string { return "Content-Type: " + contentType + "\n\n" + s }

func coded(encoding, s string) string { return "Content-Transfer-Encoding: " + encoding + "\n\n" + s }

// shapes are mails that cost more than their size is worth if something is done in the wrong way.
var shapes = map[string]func(size) string{
	"open comments": func(s size) string { return s.field("From", "(") + s.field("To", "(a") + s.field("Cc", "()(") },
	"open quotes":   func(s size) string { return s.field("From", `"\"`) + s.field("To", `\"`) + s.field("Cc", `a"`) },
	"open brackets": func(s size) string {
		return s.field("From", "<") + s.field("To", "a<") + s.field("Cc", "<@") + s.field("Reply-To", "<a,")
	},
	"brackets with comments": func(s size) string {
		return s.field("From", "<a(b)(") + s.field("To", "<(a)>") + s.field("Cc", "<a@b>")
	},
	"colons and commas": func(s size) string {
		return s.field("From", ":") + s.field("To", ",") + s.field("Cc", "a:") + s.field("Reply-To", "a,;")
	},
	"addresses": func(s size) string {
		return s.field("To", "a@b,") + s.field("Cc", `"a@b",`) + s.field("Reply-To", "a @ b . c ")
	},
	"encoded words": func(s size) string {
		return s.field("Subject", "=?a?Q? ") + s.field("From", "=?") + s.field("To", "=?utf-8?B??=")
	},
	"encoded words, many": func(s size) string { return strings.Repeat(s.field("X", "=?=?a?B?"), 4) },
	"encoded words, split": func(s size) string {
		return s.field("Subject", "=?utf-8?B?7JWI6?= ") + s.field("From", "=?utf-8?B?7?=")
	},
	"encoded words, twice": func(s size) string { return s.field("Subject", "=?utf-8?Q?=3D=3Futf-8=3FQ=3Fa=3F=3D?= ") },
	"ids": func(s size) string {
		return s.field("References", "<") + s.field("In-Reply-To", "<a@b>") + s.field("Message-Id", "a@b ")
	},
	"parameters": func(s size) string { return s.field("Content-Type", `;a*0="`) + s.field("Content-Disposition", `;\"`) },
	"parameter pieces": func(s size) string {
		return s.field("Content-Type", ";a*1=x") + s.field("Content-Disposition", "a*0*=b'c'd ")
	},
	"parameter comments": func(s size) string {
		return s.field("Content-Type", "(a") + s.field("Content-Disposition", "a (b) / (c)")
	},
	"parameters, no semicolon": func(s size) string {
		return s.field("Content-Type", "a/b name=x charset=") + s.field("Content-Disposition", "   a=  ")
	},
	"date":                   func(s size) string { return s.field("Date", "(") + s.field("Date", "Mon, ") + s.field("Date", "1-") },
	"fields":                 func(s size) string { return s.fill("A: b\n") },
	"fields of types":        func(s size) string { return s.fill("Content-Type: a/b\n-x\n") },
	"field names":            func(s size) string { return s.fill("A") },
	"continuations":          func(s size) string { return "A: b\n" + s.fill(" \n") },
	"continuations, blank":   func(s size) string { return "A: b\n" + s.fill(" \n x\n") },
	"lines that are none":    func(s size) string { return s.fill("x\n") },
	"malformed lines":        func(s size) string { return s.fill("A: b\nnonsense\n") },
	"carriage returns":       func(s size) string { return s.fill("A: b\r") },
	"depth":                  func(s size) string { return nested(int(s) / 60) },
	"parts":                  func(s size) string { return body("multipart/mixed; boundary=b", s.fill("--b\n\nx\n")) },
	"parts without a header": func(s size) string { return body("multipart/mixed; boundary=b", s.fill("--b\nx: y\n")) },
	"boundaries":             func(s size) string { return body("multipart/mixed; boundary=-", s.fill("-")) },
	"boundaries, no lines":   func(s size) string { return body("multipart/mixed; boundary=b", s.fill("--b")) },
	"boundaries, begun":      func(s size) string { return body("multipart/mixed; boundary=b", s.fill("--bx\n")) },
	"boundaries, closing": func(s size) string {
		return body("multipart/mixed; boundary=b", "--b\nContent-Type: multipart/mixed; boundary=b--\n\n"+s.fill("--b--\n"))
	},
	"boundaries, half closed": func(s size) string { return body("multipart/mixed; boundary=b", "--b\n\n"+s.fill(" --b--x")) },
	"boundary missing":        func(s size) string { return body("multipart/mixed", s.fill("--b\nx\n")) },
	"boundary wrong":          func(s size) string { return body("multipart/mixed; boundary=a", s.fill("--b\n\n")) },
	"multiparts encoded": func(s size) string {
		return "Content-Transfer-Encoding: quoted-printable\n" + body("multipart/mixed; boundary=b", s.fill("=2D-b\n\n"))
	},
	"base64":                func(s size) string { return coded("base64", s.fill("=A==\n")) },
	"base64, one line":      func(s size) string { return coded("base64", s.fill("=AAA")) },
	"base64 of nothing":     func(s size) string { return coded("base64", s.fill("!")) },
	"base64 of words":       func(s size) string { return coded("base64", s.fill("hello there ")) },
	"quoted-printable":      func(s size) string { return coded("quoted-printable", s.fill("=\n=")) },
	"uuencode":              func(s size) string { return coded("x-uuencode", s.fill("begin 644 x\n")) },
	"uuencode in text":      func(s size) string { return body("text/plain", s.fill("begin 644 x\n#86)C\n`\nend\n")) },
	"uuencode, begun":       func(s size) string { return body("text/plain", s.fill("begin 644 x\n")) },
	"uuencode, one line":    func(s size) string { return body("text/plain", s.fill("begin 644 ")) },
	"flowed":                func(s size) string { return body("text/plain; format=flowed", s.fill("> \n>")) },
	"quote marks":           func(s size) string { return body("text/plain; format=flowed", s.fill(">")) },
	"html depth":            func(s size) string { return body("text/html", s.fill("<div><blockquote>a")) },
	"html tag":              func(s size) string { return body("text/html", "<"+s.fill("a")) },
	"html attributes":       func(s size) string { return body("text/html", "<a "+s.fill("b=c ")) },
	"html comment":          func(s size) string { return body("text/html", s.fill("<!--")) },
	"html entities":         func(s size) string { return body("text/html", s.fill("&#")) },
	"html preformatted":     func(s size) string { return body("text/html", "<pre>"+s.fill("\n")) },
	"html scripts":          func(s size) string { return body("text/html", s.fill("<script>")) },
	"html meta":             func(s size) string { return body("text/html", s.fill("<meta ")) },
	"utf-7":                 func(s size) string { return body("text/plain; charset=utf-7", s.fill("+A")) },
	"iso-2022-kr":           func(s size) string { return body("text/plain; charset=iso-2022-kr", s.fill("\x1b$)C\x0e")) },
	"iso-2022-jp":           func(s size) string { return body("text/plain; charset=iso-2022-jp", s.fill("\x1b$BFF\x1b(B")) },
	"escapes":               func(s size) string { return body("text/plain", s.fill("\x1b")) },
	"utf-16":                func(s size) string { return body("text/plain; charset=utf-16", s.fill("\x00a")) },
	"bytes that are no set": func(s size) string { return body("text/plain", s.fill("\xff\x80 ")) },
	"bytes of one line":     func(s size) string { return body("text/plain; charset=iso-8859-1", s.fill("\xb0\xa1\xff")) },
	"quotations":            func(s size) string { return "\n" + s.fill("> \n") },
	"quotations, in turns":  func(s size) string { return "\n" + s.fill("> a\nb\n") },
	"attributions":          func(s size) string { return "\n" + s.fill("On 2024-01-02 15:04 a@b.example\n") },
	"attributions, wrapped": func(s size) string { return "\n" + s.fill("On 1 a\nb c\nd e\nf wrote:\n") },
	"attributions, apart":   func(s size) string { return "\n" + s.fill("a wrote:\n\n\n\n") },
	"headers of quotations": func(s size) string { return "\n" + s.fill("From: a\nDate: b\n") },
	"rules":                 func(s size) string { return "\n" + s.fill("-----\n") },
	"one long line":         func(s size) string { return "\n" + s.fill("On 2024-01-02 15:04 a@b wrote: ") },
	"dashes":                func(s size) string { return "\n" + s.fill("-") },
	"html quotations": func(s size) string {
		return "Content-Type: text/html\n\n" + s.fill("<blockquote type=cite>a</blockquote>b")
	},
	"html, unclosed":        func(s size) string { return "Content-Type: text/html\n\n" + s.fill("<div class=gmail_quote><span>") },
	"html, end tags":        func(s size) string { return "Content-Type: text/html\n\n" + s.fill("<div></blockquote></span>") },
	"html classes":          func(s size) string { return "Content-Type: text/html\n\n<div class='" + s.fill("x_ ") + "'>" },
	"a notice of addresses": func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("<a@b.example>:\n") },
	"a notice of at signs":  func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("a@") },
	"a notice of statuses":  func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("5.1.1 ") },
	"a notice of replies":   func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("550 ") },
	"a notice of fields":    func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("Received: a\n") },
	"a notice of ids":       func(s size) string { return "From: MAILER-DAEMON@a\n\n" + s.fill("Message-ID: <") },
	"a notice, many tos": func(s size) string {
		return s.field("To", "a@b.example,") + "From: MAILER-DAEMON@a\n\n" + s.fill("a@b.example\n")
	},
	"a report of fields": func(s size) string {
		return "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + s.fill("Final-Recipient: rfc822; a\n")
	},
	"a report of groups": func(s size) string {
		return "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + s.fill("Action: failed\n\n")
	},
	"a report of nothing": func(s size) string {
		return "From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n\n" + s.fill("x\n")
	},
	"reports, many": func(s size) string {
		return "From: MAILER-DAEMON@a\nContent-Type: multipart/report; boundary=b\n\n" + s.fill("--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n\n")
	},
	"loops": func(s size) string {
		return strings.Repeat(s.field("X-Loop", "a@b.example "), 16) + s.field("Delivered-To", "a")
	},
	"calendar": func(s size) string { return body("text/calendar", s.fill("BEGIN:VEVENT\n")) },
}

// nested is a mail with multiparts within multiparts.
func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\n\n--b%07d\n", i, i)
	}
	return b.String() + "Content-Type: text/plain\n\nhello\n"
}

// cost is what reading a mail takes: processor time of this thread, for others run beside it, and bytes allocated.
type cost struct {
	took      time.Duration
	allocated uint64
}

func measure(raw string) (email.Mail, cost) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	mail := []byte(raw)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := cpu.Thread()
	m := email.Parse(mail)
	took := cpu.Thread() - began
	runtime.ReadMemStats(&after)
	return m, cost{took, after.TotalAlloc - before.TotalAlloc}
}

// Strangers choose the input: no shape of it may cost more than linear time and memory. Each is read in two sizes; what costs twice as
// much for twice the size is right, and four times as much is wrong. Time is measured more than once, as other things run beside this.
func TestTwiceTheMailCostsTwiceAsMuch(t *testing.T) {
	const from size = 1 << 20 / raceFactor
	for name, shape := range shapes {
		small, large := shape(from), shape(2*from)
		measure(small) // tables and buffers that are made once
		_, half := measure(small)
		m, whole := measure(large)
		const slack = 256 << 10 // what does not depend on the size
		if whole.allocated > 3*half.allocated+slack {
			t.Errorf("%s: %d KB for %d KB, %d KB for half of it", name, whole.allocated>>10, len(large)>>10, half.allocated>>10)
		}
		for range 5 {
			if whole.took < 3*half.took+5*time.Millisecond*raceFactor {
				break
			}
			_, half = measure(small)
			_, whole = measure(large)
		}
		if whole.took >= 3*half.took+5*time.Millisecond*raceFactor {
			t.Errorf("%s: %v for %d KB, %v for half of it", name, whole.took, len(large)>>10, half.took)
		}
		checkPromises(t, m)
	}
}

// A mail of the largest size takes at most two seconds of a processor and 400 MB, whatever it is. The race detector makes times
// meaningless: with it the mails are small.
func TestTheLargestMailsKeepTheBounds(t *testing.T) {
	slowest, largest := cost{}, cost{}
	var slow, large string
	for name, shape := range shapes {
		raw := shape((email.MaxSize - 1<<10) / (raceFactor * raceFactor))
		m, c := measure(raw)
		if c.took > slowest.took {
			slowest, slow = c, name
		}
		if c.allocated > largest.allocated {
			largest, large = c, name
		}
		if c.took > 2*time.Second || c.allocated > 400<<20 {
			t.Errorf("%s: %v, %d MB for %d MB", name, c.took, c.allocated>>20, len(raw)>>20)
		}
		checkPromises(t, m)
	}
	t.Logf("%d shapes: the slowest took %v (%s), the largest %d MB (%s)", len(shapes), slowest.took, slow, largest.allocated>>20, large)
}

// What is done with a mail after it was read is linear as well.
func TestWhatIsReadOfHostileMailsIsUsedInTime(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes {
		m := email.Parse([]byte(shape(2 << 20 / raceFactor)))
		took := cpu.Spent(func() {
			email.Automatic(m)
			email.ReplySubject(m.Subject)
			email.ReplyThread(m)
			email.Quote("", m.Text)
			email.ReadBounce(m)
			email.ReadComplaint(m)
			email.ReadReceipt(m)
			visible.Of(m)
			for _, a := range m.Attachments {
				email.ReadEvent(a)
			}
		})
		// What grows with the square of this input takes minutes of a processor.
		if took > 10*time.Second*raceFactor {
			t.Errorf("%s: %v", name, took)
		}
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
