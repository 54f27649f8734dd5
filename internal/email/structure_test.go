package email_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/postroom/postroom/internal/email"
)

func TestBrokenMultipartsAreTakenApart(t *testing.T) {
	t.Parallel()
	mixed := "Content-Type: multipart/mixed; boundary="
	for name, c := range map[string]struct {
		raw         []byte
		text        string
		attachments int
		defects     []email.Defect
	}{
		"spaces behind the boundary":        {mail(mixed+`"b "`, "", "--b \t", "", "hello", "--b-- "), "hello", 0, nil},
		"an indented boundary":              {mail(mixed+"b", "", " --b", "", "hello", " --b--"), "hello", 0, nil},
		"more behind the boundary":          {mail(mixed+"b", "", "--bx", "", "hello", "--b--x"), "hello", 0, nil},
		"in other letters":                  {mail(mixed+"ABC", "", "--abc", "Content-Type: text/plain", "", "hello", "--abc--"), "hello", 0, []email.Defect{email.DefectBoundary}},
		"in single quotes":                  {mail(mixed+"'b'", "", "--b", "", "hello", "--b--"), "hello", 0, []email.Defect{email.DefectBoundary}},
		"with half a quote":                 {mail(mixed+`"b`, "", "--b", "", "hello", "--b--"), "hello", 0, nil},
		"with characters that need quotes":  {mail(mixed+"=_a:1?2=3", "", "--=_a:1?2=3", "", "hello", "--=_a:1?2=3--"), "hello", 0, nil},
		"not named":                         {mail("Content-Type: multipart/mixed", "", "--b", "", "hello", "--b--"), "hello", 0, []email.Defect{email.DefectBoundary}},
		"of no kind":                        {mail("Content-Type: multipart; boundary=b", "", "--b", "", "hello", "--b--"), "hello", 0, nil},
		"no empty line before it":           {mail(mixed+"b", "--b", "", "hello", "--b--"), "hello", 0, []email.Defect{email.DefectHeaderLine}},
		"parts without a header":            {mail(mixed+"b", "", "--b", "note: hello", "--b--"), "note: hello", 0, []email.Defect{email.DefectHeaderLine}},
		"closed with half a mark":           {mail(mixed+"b", "", "--b", "", "hello", "--b-"), "hello", 0, []email.Defect(nil)},
		"closed behind the content":         {mail(mixed+"b", "", "--b", "", "hello--b--"), "hello", 0, nil},
		"closed by another boundary":        {mail(mixed+"b", "", "--b", "", "hello", "--b"), "hello", 0, []email.Defect{email.DefectUnclosed}},
		"cut off in the only part":          {mail(mixed+"b", "", "--b", "", "hello"), "hello\n", 1, []email.Defect{email.DefectUnclosed}},
		"cut off in a second part":          {mail(mixed+"b", "", "--b", "", "hello", "--b", "", "there"), "hello\nthere\n", 1, []email.Defect{email.DefectUnclosed}},
		"cut off in HTML":                   {mail(mixed+"b", "", "--b", "", "hello", "--b", "Content-Type: text/html", "", "<p>half"), "hello\nhalf", 1, []email.Defect{email.DefectUnclosed}},
		"cut off in a file":                 {mail(mixed+"b", "", "--b", "", "hello", "--b", "Content-Type: a/b", "", "x"), "hello", 1, []email.Defect{email.DefectUnclosed}},
		"an inner one that is not closed":   {mail(mixed+"b", "", "--b", mixed+"c", "", "--c", "", "hello", "--b", "", "there", "--b--"), "hello\nthere", 0, []email.Defect{email.DefectUnclosed}},
		"an inner one with two dashes more": {mail(mixed+"b", "", "--b", mixed+`"b--"`, "", "--b--", "", "hello", "--b----", "--b--"), "hello", 0, nil},
		"an outer boundary too early":       {mail(mixed+"b", "", "--b", mixed+"c", "", "--b", "", "hello", "--c", "", "there", "--b--"), "hello\nthere", 0, []email.Defect{email.DefectBoundary}},
		"parts behind the closing boundary": {mail(mixed+"b", "", "--b", "", "hello", "--b--", "", "--b", "", "footer", "--b--", "gone"), "hello\nfooter", 0, nil},
		"the same boundary within":          {mail(mixed+"b", "", "--b", "Content-Type: multipart/alternative; boundary=b", "", "--b", "", "hello", "--b", "Content-Type: text/html", "", "<p>hello", "--b--", "--b", "Content-Type: a/b", "", "x", "--b--"), "hello", 1, []email.Defect{email.DefectBoundary}},
		"encoded as a whole":                {mail(mixed+"b", "Content-Transfer-Encoding: base64", "", b64("--b\n\nhello\n--b--\n")), "hello", 0, nil},
		"no boundary at all":                {mail(mixed+"b", "", "hello"), "hello\n", 1, []email.Defect{email.DefectBoundary}},
		"nothing but boundaries":            {mail(mixed+"b", "", "--b", "--b--"), "", 1, nil},
		"a type twice: the last one counts": {mail(mixed+"b", "Content-Type: text/plain", "", "hello"), "hello\n", 0, nil},
	} {
		m := email.Parse(c.raw)
		if m.Text != c.text || len(m.Attachments) != c.attachments || !slices.Equal(m.Defects, c.defects) {
			t.Errorf("%s: %q, %d attachments, %v", name, m.Text, len(m.Attachments), m.Defects)
		}
	}
}

func TestHeadersAreReadInTheirBrokenForms(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"spaces before the colon":  "From : a@example.com\nSubject : x\n\nhello",
		"an indented first field":  " From: a@example.com\nSubject: x\n\nhello",
		"an mbox":                  "From a@example.com Thu Jan  1 00:00:00 2026\nFrom: a@example.com\nSubject: x\n\nhello",
		"a quoted mbox":            ">From a@example.com Thu Jan  1 00:00:00 2026\nFrom: a@example.com\nSubject: x\n\nhello",
		"a field without a colon":  "From: a@example.com\nSubject: x\nContent-Type= text/plain\n\nhello",
		"garbage between":          "From: a@example.com\nnonsense here\nSubject: x\n\nhello",
		"empty lines before":       "\r\n\n\r\nFrom: a@example.com\nSubject: x\n\nhello",
		"blank lines in folding":   "From: a@example.com\nSubject:\n \n x\n\nhello",
		"carriage returns only":    "From: a@example.com\rSubject: x\r\rhello",
		"carriage returns and one": "From: a@example.com\rSubject: x\r\rhello\n",
		"carriage returns doubled": "From: a@example.com\r\r\nSubject: x\r\r\n\r\r\nhello",
		"a byte order mark":        "\xef\xbb\xbfFrom: a@example.com\nSubject: x\n\nhello",
		"NUL":                      "From: a@exa\x00mple.com\nSubject: \x00x\n\nhel\x00lo",
		"fields twice":             "From: b@example.com\nSubject: y\nFrom: a@example.com\nSubject: x\n\nhello",
		"UTF-16":                   encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "From: a@example.com\r\nSubject: x\r\n\r\nhello"),
	} {
		m := email.Parse([]byte(raw))
		if len(m.From) != 1 || m.From[0].Address != "a@example.com" || m.Subject != "x" || strings.TrimSpace(m.Text) != "hello" {
			t.Errorf("%s: %v %q %q", name, plain(m.From), m.Subject, m.Text)
		}
	}
}

func TestTextThatOnlySaysItIsEncodedIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ encoding, body, want string }{
		"base64 that is text":        {"base64", "Hello, please call me back.", "Hello, please call me back."},
		"Korean that says base64":    {"base64", "안녕하세요, 전화 주세요.", "안녕하세요, 전화 주세요."},
		"base64 with noise":          {"base64", "aGVs!!bG8g\n#dGhlcmU", "hello there"},
		"base64 without padding":     {"base64", "aGVsbG8gdGhlcmU", "hello there"},
		"base64 in pieces":           {"base64", "aGVsbG8=\nIHRoZXJl", "hello there"},
		"base64 with a footer":       {"base64", "aGVsbG8=\n\n--\nThis is a list", "hello"},
		"base64, full, and a footer": {"base64", "aGVsbG8g\n_______________\nThis is a list", "hello "},
		"in other letters":           {"BASE64", "aGVsbG8=", "hello"},
		"with a comment":             {"quoted-printable (mime)", "a=3Db", "a=b"},
		"half an escape":             {"quoted-printable", "100=% =C3=A9=", "100=% é"},
	} {
		if m := email.Parse(mail("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: "+c.encoding, "", c.body)); strings.TrimRight(m.Text, "\n") != c.want {
			t.Errorf("%s: %q", name, m.Text)
		}
	}
}

// Nesting beyond any reason is not taken apart, but what it leads to is read, and all of it is there as a file.
func TestTheTextBelowTheDeepestLevelIsRead(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{10, 64, 65, 200, 3000} {
		var end strings.Builder
		for i := range depth {
			fmt.Fprintf(&end, "--b%07d--\n", depth-1-i)
		}
		m := email.Parse([]byte(nested(depth) + end.String()))
		if strings.TrimSpace(m.Text) != "hello" {
			t.Errorf("%d levels: %q %v", depth, m.Text, m.Defects)
		}
		if deep := depth > email.MaxDepth; deep != slices.Contains(m.Defects, email.DefectDepth) || deep != (len(m.Attachments) == 1) {
			t.Errorf("%d levels: %d attachments, %v", depth, len(m.Attachments), m.Defects)
		}
	}
}

func TestTextBesideHTMLIsToldApart(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "hello", "--b", "Content-Type: text/html", "", "<p>there</p>", "--b--"))
	if m.Text != "hello\nthere" || m.PlainText != "hello" || m.HTML != "<p>there</p>" {
		t.Errorf("%q %q %q", m.Text, m.PlainText, m.HTML)
	}
	m = email.Parse(mail("Content-Type: text/html", "", "<p>there</p>"))
	if m.Text != "there" || m.PlainText != "there" {
		t.Errorf("%q %q", m.Text, m.PlainText)
	}
}
