package outbound_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/outbound"
)

var update = flag.Bool("update", false, "write the golden files")

func ids(n int) (list []postroom.InternetMessageID) {
	for i := range n {
		list = append(list, postroom.InternetMessageID(fmt.Sprintf("mail-%d@customer.example", i)))
	}
	return list
}

func answer() outbound.Reply {
	return outbound.Reply{
		From: outbound.Address{Name: "Postroom Support", Address: "support@postroom.example"}, To: []outbound.Address{{Address: "ada@customer.example"}},
		Subject: "Re: Where is my parcel?", Date: time.Date(2026, 11, 22, 14, 30, 0, 0, time.FixedZone("", 9*3600)),
		ID: "c.01jd.7f3a@postroom.example", InReplyTo: "mail-1@customer.example", References: ids(1),
		Text: "Hello Ada,\n\nit left today.\n.\nFrom here it takes two days.\n",
	}
}

func TestRenderedRepliesAreAsReviewed(t *testing.T) {
	t.Parallel()
	korean := answer()
	korean.From.Name, korean.To[0].Name, korean.Subject = "포스트룸 고객지원", "김하늘", "Re: 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다"
	korean.Text = "안녕하세요.\n\n오늘 발송되었습니다.\n감사합니다.\n"
	long := answer()
	long.References, long.InReplyTo, long.AutoSubmitted = ids(40), "mail-39@customer.example", outbound.AutoReplied
	long.Loop = "support@postroom.example"
	copies := answer()
	copies.To, copies.Cc = append(copies.To, outbound.Address{Name: "Bob, of Sales", Address: "bob@partner.example"}),
		[]outbound.Address{{Name: "김하늘", Address: "kim@customer.example"}, {Address: "archive@customer.example"}}
	for name, r := range map[string]outbound.Reply{"plain": answer(), "korean": korean, "long-thread": long, "copies": copies} {
		got, err := outbound.Render(r)
		must(t, err)
		file := "testdata/" + name + ".eml"
		if *update {
			must(t, os.WriteFile(file, got, 0o644))
		}
		want, err := os.ReadFile(file)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%s", file, got)
		}
	}
}

func TestReferencesKeepTheFirstAndTheLastTwenty(t *testing.T) {
	t.Parallel()
	r := answer()
	r.References, r.InReplyTo = ids(40), "parent@customer.example"
	raw, err := outbound.Render(r)
	must(t, err)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	must(t, err)
	got := strings.Fields(m.Header.Get("References"))
	if len(got) != 21 || got[0] != "<mail-0@customer.example>" || got[1] != "<mail-21@customer.example>" || got[20] != "<parent@customer.example>" {
		t.Errorf("%d references: %v", len(got), got)
	}
}

func TestWhatIsOursMustBeRightInAReply(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*outbound.Reply){
		"no id":         func(r *outbound.Reply) { r.ID = "" },
		"bad id":        func(r *outbound.Reply) { r.ID = "a>\r\nBcc: b" },
		"no date":       func(r *outbound.Reply) { r.Date = time.Time{} },
		"no recipient":  func(r *outbound.Reply) { r.To = nil },
		"bad recipient": func(r *outbound.Reply) { r.To[0].Address = "a@x.example, b@x.example" },
		"no sender":     func(r *outbound.Reply) { r.From.Address = "" },
	} {
		r := answer()
		change(&r)
		if _, err := outbound.Render(r); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkReply renders and reads back: the same bytes twice, the fields that were asked for and no others, the text, and short lines.
func checkReply(r outbound.Reply) error {
	raw, err := outbound.Render(r)
	if err != nil {
		return err
	}
	again, err := outbound.Render(r)
	if err != nil || !bytes.Equal(raw, again) {
		return fmt.Errorf("rendered again it differs: %w", err)
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			return fmt.Errorf("a line of %d bytes: %q", len(line), line[:min(len(line), 100)])
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for name, values := range m.Header {
		if !slices.Contains([]string{"Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version",
			"References", "Subject", "To", "Auto-Submitted"}, name) || len(values) != 1 {
			return fmt.Errorf("the header has %v", slices.Collect(maps.Keys(m.Header)))
		}
	}
	body := io.Reader(quotedprintable.NewReader(m.Body))
	if m.Header.Get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, m.Body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(r.Text, "\uFFFD"))
	if got := strings.ReplaceAll(string(text), "\r\n", "\n"); strings.TrimSuffix(got, "\n") != strings.TrimSuffix(lines, "\n") {
		return fmt.Errorf("the text is %q, want %q", got, lines)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	squeeze := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(s, "\uFFFD"))
		s = strings.Join(strings.Fields(s), " ")
		runes := []rune(s)
		return strings.TrimSpace(string(runes[:min(len(runes), 255)]))
	}
	if strings.TrimSpace(subject) != squeeze(r.Subject) {
		return fmt.Errorf("the subject is %q, want %q", subject, squeeze(r.Subject))
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	name := squeeze(strings.ReplaceAll(r.From.Name, `\`, " "))
	if err != nil || from.Address != r.From.Address || strings.TrimSpace(from.Name) != name {
		return fmt.Errorf("From is %v (%w), want %q", from, err, name)
	}
	return nil
}

func TestAnyTextIsRenderedAndReadBackTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := answer()
		r.Subject, r.Text, r.From.Name = rapid.String().Draw(t, "subject"), rapid.String().Draw(t, "text"), rapid.String().Draw(t, "name")
		if err := checkReply(r); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("Re: hello\r\nBcc: evil@x.example", "text\r\n.\r\nmore", "Name\r\nX: y", "id@x.example")
	f.Add(strings.Repeat("x", 5000), strings.Repeat("y", 5000), "=?utf-8?q?a?=", "a b@x")
	f.Add("제목", "본문\x00\xff", "\"이름\"", "<>")
	f.Fuzz(func(t *testing.T, subject, text, name, id string) {
		r := answer()
		r.Subject, r.Text, r.From.Name, r.InReplyTo = subject, text, name, postroom.InternetMessageID(id)
		if err := checkReply(r); err != nil {
			t.Fatal(err)
		}
	})
}
