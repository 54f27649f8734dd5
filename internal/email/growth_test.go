package email_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/testkit/cpu"
	"github.com/postroom/postroom/internal/visible"
)

// Folding and reading bounces take eight times as long for eight times the text, give or take what memory costs; what grows with the
// square takes sixty-four times.
func TestReadingGrowsWithTheTextOnly(t *testing.T) {
	for name, c := range map[string]struct{ header, unit string }{
		"quotations":           {"", "> a\nb\n"},
		"attributions":         {"", "On 2024-01-02 15:04\na@b.example\nc d\nwrote\n\n"},
		"attributions, apart":  {"", "a wrote:\n\n\n\n\n\n"},
		"headers":              {"", "From: a\nx\ny\nz\n"},
		"rules":                {"", "-----\nOriginal\n-----\n"},
		"one line":             {"", "On 2024-01-02 15:04 <a@b.example> wrote: "},
		"device lines":         {"", "Sent from my telephone\n"},
		"html, in turns":       {"Content-Type: text/html\n", "<blockquote type=cite>a</blockquote>b"},
		"html, unclosed":       {"Content-Type: text/html\n", "<div class=gmail_quote><span>a"},
		"html, astray":         {"Content-Type: text/html\n", "<div><p>a</blockquote></span>"},
		"notice of addresses":  {"From: MAILER-DAEMON@a\n", "<a@b.example>: 550 5.1.1\n"},
		"notice of fields":     {"From: MAILER-DAEMON@a\n", "Received: a\nFrom: b\nx\n"},
		"notice of ids":        {"From: MAILER-DAEMON@a\n", "Message-ID: <a "},
		"report of recipients": {"From: MAILER-DAEMON@a\nContent-Type: message/delivery-status\n", "Final-Recipient: rfc822; a\nStatus: 5\n"},
	} {
		if flaw := growth(func(size int) func() {
			m := email.Parse([]byte(c.header + "\n" + strings.Repeat(c.unit, size/len(c.unit))))
			return func() {
				email.Automatic(m)
				email.ReadBounce(m)
				visible.Of(m)
			}
		}); flaw != "" {
			t.Errorf("%s: %s", name, flaw)
		}
	}
}

// growth measures what is done with a text and with one of eight times its size, and says so if that takes much more than eight times as long.
func growth(with func(size int) func()) string {
	const small, times, limit = 64 << 10, 8, 32
	const floor = 2 * time.Millisecond // below it a ratio says nothing
	one, many := cpu.Best(with(small)), cpu.Best(with(small*times))
	if many <= floor || many <= limit*one {
		return ""
	}
	return fmt.Sprintf("%v for %d KB, %v for %d KB", one, small>>10, many, small*times>>10)
}

// The control: what looks at every line once more for each line is found.
func TestWorkThatGrowsWithTheSquareIsFound(t *testing.T) {
	if growth(func(size int) func() {
		text := strings.Repeat("x", size)
		return func() {
			for at := 0; at < len(text); at += 64 {
				strings.Count(text[at:], "y")
			}
		}
	}) == "" {
		t.Error("it is not")
	}
}

// checkRead holds what the readers promise of any mail.
func checkRead(t *testing.T, m email.Mail) {
	t.Helper()
	b := email.ReadBounce(m)
	if len(b.Recipients) == 0 || len(b.Recipients) > 100 || len(b.Bad()) > len(b.Recipients) {
		t.Errorf("%d recipients", len(b.Recipients))
	}
	for _, r := range b.Recipients {
		if len(r.Diagnostic) > 2<<10 || strings.ContainsAny(r.Diagnostic+r.Status+r.ReplyCode, "\r\n") || r.Action == "" || !strings.Contains("2 4 5", r.Class()) || r.Hard && r.Class() != "5" {
			t.Errorf("%+v", r)
		}
	}
	email.ReadComplaint(m)
	email.ReadReceipt(m)
	email.MayAutoReply(m, email.Marks{})
}

func FuzzReadBounce(f *testing.F) {
	f.Add([]byte(report("Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1")))
	f.Add([]byte(notice("<kim@example.kr>:\nRemote host said: 550-5.7.26 x\n550 5.1.1\n--- Below this line is a copy" + returned)))
	f.Add([]byte("From: MAILER-DAEMON@a\n\nYour message\n  To: a@b.example\ndid not reach: c@d.example 452 4.2.2"))
	f.Fuzz(func(t *testing.T, raw []byte) { checkRead(t, email.Parse(raw)) })
}

// BenchmarkRead is what is done with every mail behind Parse, over the bounces of the corpus.
func BenchmarkRead(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(corpora, "sisimai", "bsd", "*.eml"))
	var mails []email.Mail
	size := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		mails, size = append(mails, email.Parse(raw)), size+len(raw)
	}
	if size == 0 {
		b.Skip("the development corpora are not here: ", corpora)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, m := range mails {
			if email.Automatic(m) == email.Bounce {
				email.ReadBounce(m)
			}
			visible.Of(m)
		}
	}
	b.ReportMetric(float64(len(mails)), "mails/op")
}
