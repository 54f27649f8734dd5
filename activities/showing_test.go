package activities

import (
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/pci"
)

// folded is a mail's text with its quoted lines marked.
func folded(m email.Mail) []string {
	quoted := quotedLines(m)
	var out []string
	for n, line := range strings.Split(m.Text, "\n") {
		mark := "  "
		for i := 0; i < len(quoted); i += 2 {
			if int(quoted[i]) <= n && n < int(quoted[i+1]) {
				mark = "| "
			}
		}
		out = append(out, mark+line)
	}
	return out
}

func TestQuotedLinesAreThoseOfTheTextThatIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, mail string
		want       []string
	}{
		{"nothing quoted", "From: a@b.example\n\nHello\nWorld\n", []string{"  Hello", "  World", "  "}},
		{"English", "From: a@b.example\n\nThanks.\n\nOn Mon, Kim wrote:\n> Hello\n>\n> World\n",
			[]string{"  Thanks.", "  ", "| On Mon, Kim wrote:", "| > Hello", "| >", "| > World", "  "}},
		{"Korean", "From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n감사합니다.\n\n2024년 3월 4일 (월) 오후 3:20, 김미나 <mina@shop.example>님이 작성:\n> 안녕하세요\n",
			[]string{"  감사합니다.", "  ", "| 2024년 3월 4일 (월) 오후 3:20, 김미나 <mina@shop.example>님이 작성:", "| > 안녕하세요", "  "}},
		{"an answer between", "From: a@b.example\n\nOn Mon, Kim wrote:\n> Which?\nThe red one.\n> When?\nToday.\n",
			[]string{"| On Mon, Kim wrote:", "| > Which?", "  The red one.", "| > When?", "  Today.", "  "}},
		{"HTML only", "From: a@b.example\nContent-Type: text/html\n\n<div>Thanks.</div><div class=gmail_quote><div>On Mon, Kim wrote:</div>" +
			"<blockquote class=gmail_quote>Hello<br>World</blockquote></div>\n",
			[]string{"  Thanks.", "| On Mon, Kim wrote:", "| > Hello", "| > World"}},
	} {
		m := email.Parse([]byte(strings.ReplaceAll(c.mail, "\n", "\r\n")))
		if got := folded(m); !slices.Equal(trimEnd(got), trimEnd(c.want)) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func trimEnd(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// The scanner masks digits and leaves lines: a folded line is the same line before and after.
func TestMaskingKeepsTheLines(t *testing.T) {
	t.Parallel()
	m := email.Parse([]byte("From: a@b.example\r\n\r\nMy card is 4111 1111 1111 1111.\r\n\r\nOn Mon, Kim wrote:\r\n> 4111\r\n> 1111 1111 1111\r\n"))
	sealed, _ := pci.New().Text(pci.PlaceText, m.Text)
	if got, want := strings.Count(sealed.Reveal(), "\n"), strings.Count(m.Text, "\n"); got != want {
		t.Errorf("%d lines, and %d before", got, want)
	}
}

// R36: HTML is kept masked, or not at all.
func TestHTMLIsKeptOnlyAsTheScannerPassesIt(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		source, want string
		found        bool
	}{
		"no card":             {"<p>Order 12</p>", "<p>Order 12</p>", false},
		"in one piece":        {"<p>My card: 4111 1111 1111 1111</p>", "<p>My card: **** **** **** 1111</p>", true},
		"in an address":       {`<a href="https://a.example/?card=` + card + `">x</a>`, `<a href="https://a.example/?card=************1111">x</a>`, true},
		"tags run through it": {"<p>My card: 4111<b> 1111</b> 1111 1111</p>", "", true},
		"in references":       {"<p>My card: &#52;111 1111 1111 1111</p>", "", true},
		"a style within it":   {"<p>My card: 4111 1111 <style>p{}</style>1111 1111</p>", "", true},
		"an object within it": {"<p>My card: 4111 1111 <object>no</object>1111 1111</p>", "", true},
		"a picture":           {`<img src="data:image/png;base64,` + strings.Repeat("iVBORw0K", 100) + `">x`, `<img src="data:,">x`, false},
		"too large":           {"card " + card + strings.Repeat(" <p>x</p>", 300_000), "", true},
	} {
		r := &reader{scanner: pci.New()}
		if got := r.html(c.source).Reveal(); got != c.want {
			t.Errorf("%s: %.200q, want %q", name, got, c.want)
		}
		if (len(r.findings) > 0) != c.found {
			t.Errorf("%s: findings %v", name, r.findings)
		}
	}
}
