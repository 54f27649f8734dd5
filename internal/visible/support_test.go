package visible_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// corpora is where the development corpora are, outside the project.
var corpora = filepath.Join("..", "..", "..", "shared", "corpora")

func needCorpora(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(corpora); err != nil {
		t.Skip("the development corpora are not here: ", corpora)
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t *testing.T, into any, path ...string) {
	t.Helper()
	if err := json.Unmarshal(read(t, path...), into); err != nil {
		t.Fatal(err)
	}
}

// mail joins lines with CRLF.
func mail(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// tally counts what was right.
type tally struct{ right, all int }

func (c *tally) add(right bool) bool {
	c.all++
	if right {
		c.right++
	}
	return right
}

// squeezed drops white space, NUL and byte order marks, which the corpora do not compare.
func squeezed(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == 0 || r == '\ufeff' || strings.ContainsRune(" \t\r\n\f\v\u00a0\u3000", r)
	}), "")
}

func TestPathologicalReplyOfTheCorpusIsFolded(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	text := string(read(t, corpora, "github-reply-parser", "emails", "pathological.txt"))
	m := email.Parse([]byte("\n" + strings.Repeat(text, 200)))
	checkFolded(t, "pathological", visible.Of(m))
}

func FuzzVisible(f *testing.F) {
	f.Add("Answer.\n\nOn Mon, Jan 2, 2024 at 3:04 PM Desk\n<desk@example.com> wrote:\n\n> Question?\n\nPS.\n-- \nKim", "<p>a</p><blockquote type=cite>b</blockquote>c", "Kim <kim@example.kr>")
	f.Add("보낸 사람: a <b@c.example>\n보낸 날짜: 2024년 1월 2일\n제목: x\n\ny", "<div class=gmail_quote><div class=gmail_attr>x</div><blockquote class=gmail_quote>y", "")
	f.Add("----- Original Message -----\n", `<span id="OLK_SRC_BODY_SECTION"><div></span><hr id=zwchr>x`, "x")
	f.Fuzz(func(t *testing.T, text, source, from string) {
		m := email.Parse([]byte("Subject: " + from + "\nFrom: " + from + "\n\n" + text))
		checkFolded(t, "text", visible.Of(m))
		m = email.Parse([]byte("From: " + from + "\nContent-Type: text/html; charset=utf-8\n\n" + source))
		checkFolded(t, "html", visible.Of(m))
	})
}
