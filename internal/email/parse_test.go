package email_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/korean"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
)

// mail joins lines with CRLF, as they come from a mailbox.
func mail(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

func eucKR(t *testing.T, s string) string {
	t.Helper()
	out, err := korean.EUCKR.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestMailSaysWhoWhatAndWhen(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail(
		"From: =?utf-8?B?"+b64("홍길동")+"?= <kim@example.kr>",
		"Reply-To: \"Kim, Office\" <office@example.kr>",
		"To: support@cc.test, =?utf-8?q?J=C3=B6rg?= <j@example.de> (at home)",
		"Cc: Team: a@example.com, b@example.com;, undisclosed-recipients:;",
		"Subject: order",
		"Date: Mon, 14 Jul 2026 18:30:00 +0900 (KST)",
		"Message-ID: <one@example.kr>",
		"In-Reply-To: <zero@cc.test>",
		"References: <first@cc.test>",
		" <zero@cc.test>",
		"",
		"hello",
	))
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	checkAddresses(t, m.From, email.Address{Name: "홍길동", Address: "kim@example.kr"})
	checkAddresses(t, m.ReplyTo, email.Address{Name: "Kim, Office", Address: "office@example.kr"})
	checkAddresses(t, m.To, email.Address{Address: "support@cc.test"}, email.Address{Name: "Jörg", Address: "j@example.de"})
	checkAddresses(t, m.Cc, email.Address{Address: "a@example.com"}, email.Address{Address: "b@example.com"})
	check("subject", m.Subject, "order")
	check("date", m.Date.UTC(), time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC))
	check("id", m.MessageID, postroom.InternetMessageID("one@example.kr"))
	if !slices.Equal(m.References, []postroom.InternetMessageID{"first@cc.test", "zero@cc.test"}) || !slices.Equal(m.InReplyTo, []postroom.InternetMessageID{"zero@cc.test"}) {
		t.Errorf("%v %v", m.References, m.InReplyTo)
	}
	check("text", m.Text, "hello\n")
	check("field", m.Field("reply-to"), `"Kim, Office" <office@example.kr>`)
	if m.Defects != nil {
		t.Errorf("defects %v", m.Defects)
	}
}

func checkAddresses(t *testing.T, got []email.Address, want ...email.Address) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", plain(got), plain(want))
	}
}

// plain makes addresses that print themselves.
func plain(list []email.Address) [][2]string {
	var out [][2]string
	for _, a := range list {
		out = append(out, [2]string{a.Name, a.Address})
	}
	return out
}

func TestPrintedMailSaysNothing(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail("From: Kim <secret@example.kr>", "Subject: secret", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "secret", "--b",
		"Content-Type: a/b; name=secret", "", "secret", "--b--"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "mail", m, "from", m.From[0], "field", m.Fields[0], "attachment", m.Attachments[0])
	for _, x := range []any{m, &m, m.From, m.Fields, m.Attachments} {
		fmt.Fprintf(&log, "%v %+v %#v %s", x, x, x, x)
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("printed: %s", log.String())
	}
}

func TestAddressesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]email.Address{
		"a@example.com":                                      {Address: "a@example.com"},
		"<a@example.com>":                                    {Address: "a@example.com"},
		"a@example.com (Kim)":                                {Name: "Kim", Address: "a@example.com"},
		"Kim a@example.com":                                  {Name: "Kim", Address: "a@example.com"},
		"Doe, John <a@example.com>":                          {Name: "Doe, John", Address: "a@example.com"},
		"\"a@example.com\" <a@example.com>":                  {Name: "a@example.com", Address: "a@example.com"},
		"\"b@example.com\" <a@example.com>":                  {Name: "b@example.com", Address: "a@example.com"},
		"'Kim' <a@example.com>":                              {Name: "Kim", Address: "a@example.com"},
		"Kim \"the\" Lee <a@example.com>":                    {Name: "Kim the Lee", Address: "a@example.com"},
		"홍길동(영업) <a@example.com>":                            {Name: "홍길동", Address: "a@example.com"},
		"=?utf-8?Q?\"Kim\"?= <a@example.com>":                {Name: "Kim", Address: "a@example.com"},
		"Kim <<a@example.com>>":                              {Name: "Kim", Address: "a@example.com"},
		"Kim <a@example.com":                                 {Name: "Kim", Address: "a@example.com"},
		"Kim <@relay.test:a@example.com>":                    {Name: "Kim", Address: "a@example.com"},
		"Kim <mailto:a@example.com>":                         {Name: "Kim", Address: "a@example.com"},
		"\"a b\"@example.com":                                {Address: "\"a b\"@example.com"},
		"user..name.@example.ne.jp":                          {Address: "user..name.@example.ne.jp"},
		"a@example.com <>":                                   {Address: "a@example.com"},
		"Kim <a@example.com> <b@example.com>":                {Name: "Kim", Address: "a@example.com"},
		"Kim <a(home)@example.com(work)>":                    {Name: "Kim", Address: "a@example.com"},
		"Kim <nonsense <a@example.com>":                      {Name: "Kim nonsense", Address: "a@example.com"},
		"a@example . com":                                    {Address: "a@example.com"},
		"\"a@example.com\"":                                  {Address: "a@example.com"},
		"=?utf-8?B?" + b64("김민호 <a@example.com>") + "?=":     {Name: "김민호", Address: "a@example.com"},
		"Kim <=?utf-8?Q?a=40example.com?=>":                  {Name: "Kim", Address: "a@example.com"},
		"=?utf-8?B?" + b64("김민호") + "?=<a@example.com>":      {Name: "김민호", Address: "a@example.com"},
		"\"=?utf-8?B?" + b64("김민호") + "?=\" <a@example.com>": {Name: "김민호", Address: "a@example.com"},
		"Kim\r\n \r\n\t<a@example.com>":                      {Name: "Kim", Address: "a@example.com"},
		"MAILER-DAEMON":                                      {Name: "MAILER-DAEMON"},
		"Kim <a@example.com> (at \\) work (x))":              {Name: "Kim", Address: "a@example.com"},
		eucKR(t, "홍길동") + " <a@example.com>":                 {Name: "홍길동", Address: "a@example.com"},
	} {
		m := email.Parse([]byte("From: " + in + "\n\n"))
		if len(m.From) != 1 || m.From[0] != want {
			t.Errorf("%q is %v, want %v", in, plain(m.From), plain([]email.Address{want}))
		}
	}
}

func TestKoreanIsReadInEveryFormInWhichItComes(t *testing.T) {
	t.Parallel()
	const subject, text = "똠방각하 주문 문의", "안녕하세요, 펲시 주문 문의드립니다."
	half := len(subject) / 2                     // within a character
	iso2022 := "\x1b$)C\x0e>H3gGO<<?d\x0f hello" // 안녕하세요
	for name, c := range map[string]struct {
		mail          []byte
		subject, text string
	}{
		"UTF-8, words split within a character": {mail("Subject: =?UTF-8?B?"+b64(subject[:half])+"?=", " =?utf-8?B?"+b64(subject[half:])+"?=", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "", b64(text)), subject, text},
		"EUC-KR, with the characters of CP949":  {mail("Subject: =?euc-kr?B?"+b64(eucKR(t, subject))+"?=", "Content-Type: text/plain; charset=\"euc-kr\"", "", eucKR(t, text)), subject, text},
		"ks_c_5601-1987":                        {mail("Subject: =?ks_c_5601-1987?B?"+b64(eucKR(t, subject))+"?=", "Content-Type: text/plain; charset=ks_c_5601-1987", "", eucKR(t, text)), subject, text},
		"CP949 by name":                         {mail("Subject: =?cp949?B?"+b64(eucKR(t, subject))+"?=", "Content-Type: text/plain; charset=ms949", "", eucKR(t, text)), subject, text},
		"undeclared EUC-KR":                     {mail("Subject: "+eucKR(t, subject), "", eucKR(t, text)), subject, text},
		"EUC-KR that calls itself UTF-8":        {mail("Subject: "+eucKR(t, subject), "Content-Type: text/plain; charset=utf-8", "", eucKR(t, text)), subject, text},
		"UTF-8 that calls itself EUC-KR":        {mail("Subject: "+subject, "Content-Type: text/plain; charset=euc-kr", "", text), subject, text},
		"UTF-8 that calls itself ASCII":         {mail("Subject: "+subject, "Content-Type: text/plain; charset=us-ascii", "", text), subject, text},
		"ISO-2022-KR":                           {mail("Subject: =?iso-2022-kr?B?"+b64(iso2022)+"?=", "Content-Type: text/plain; charset=iso-2022-kr", "", iso2022), "안녕하세요 hello", "안녕하세요 hello"},
		"quoted-printable":                      {mail("Subject: =?utf-8?Q?=EC=95=88=EB=85=95=EC=95?=", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "", "=EC=95=88=EB=85=", "=95"), "안녕\ufffd", "안녕"},
		"HTML with its own declaration":         {mail("Subject: x", "Content-Type: text/html", "", "<meta charset=euc-kr><p>"+eucKR(t, text)), "x", text},
	} {
		m := email.Parse(c.mail)
		if m.Subject != c.subject || strings.TrimSpace(m.Text) != c.text {
			t.Errorf("%s: %q, %q", name, m.Subject, m.Text)
		}
	}
}

func TestFileNamesAreDecodedAndHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`filename="보고서.pdf"`:                                                                  "보고서.pdf",
		`filename*=utf-8''%EB%B3%B4%EA%B3%A0.pdf`:                                             "보고.pdf",
		`filename*=euc-kr'ko'%BA%B8%B0%ED.pdf`:                                                "보고.pdf",
		`filename*0*=utf-8''%EB%B3%B4; filename*1*=%EA%B3; filename*2*=%A0; filename*3=.xlsx`: "보고.xlsx",
		`filename*1=b.txt; filename*0=a`:                                                      "ab.txt",
		`filename=plain.txt; filename*=utf-8''better.txt`:                                     "better.txt",
		`filename="=?utf-8?B?` + b64("보고서.pdf") + `?="`:                                       "보고서.pdf",
		`filename="=?euc-kr?B?` + b64(eucKR(t, "보고서.pdf")) + `?="`:                            "보고서.pdf",
		`filename="` + eucKR(t, "보고서.pdf") + `"`:                                              "보고서.pdf",
		`filename=my report.pdf`:                                                              "my report.pdf",
		`filename="../../etc/passwd"`:                                                         "passwd",
		`filename="C:\\Users\\kim\\a.doc"`:                                                    "a.doc",
		`filename="C:\Users\kim\a.doc"`:                                                       "a.doc",
		"filename=\"photo\u202egpj.exe\"":                                                     "photogpj.exe",
		`filename=".htaccess"`:                                                                "htaccess",
		`filename="a/"`:                                                                       "a",
		`filename="..."`:                                                                      "",
		`filename="` + strings.Repeat("가", 200) + `.pdf"`:                                     strings.Repeat("가", 83) + ".pdf",
		`filename="unclosed.txt`:                                                              "unclosed.txt",
	} {
		m := email.Parse(mail("Content-Type: application/octet-stream", "Content-Disposition: attachment; "+in, "", "x"))
		if len(m.Attachments) != 1 || m.Attachments[0].Filename != want {
			t.Errorf("%s is %q, want %q", in, m.Attachments[0].Filename, want)
		}
	}
}

func TestTextAttachmentsAndPicturesAreToldApart(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail(
		"Content-Type: multipart/mixed; boundary=m",
		"",
		"--m",
		"Content-Type: multipart/alternative; boundary=a",
		"",
		"--a",
		"Content-Type: text/plain; charset=utf-8",
		"",
		"see the file",
		"--a",
		"Content-Type: multipart/related; boundary=r",
		"",
		"--r",
		"Content-Type: text/html; charset=utf-8",
		"",
		"<p>see the <b>file</b> <img src=\"cid:logo@x\"></p>",
		"--r",
		"Content-Type: image/png; name=logo.png",
		"Content-ID: <logo@x>",
		"Content-Transfer-Encoding: base64",
		"",
		b64("PNG"),
		"--r--",
		"--a--",
		"--m",
		"Content-Type: text/csv; charset=euc-kr; name=list.csv",
		"Content-Disposition: attachment",
		"",
		"a,b",
		"--m",
		"Content-Type: message/rfc822",
		"",
		"Subject: inner",
		"",
		"inner text",
		"--m",
		"Content-Type: text/plain",
		"",
		"a footer",
		"--m--",
		"epilogue",
	))
	if m.Text != "see the file\na footer" {
		t.Errorf("text %q", m.Text)
	}
	if !strings.Contains(m.HTML, "cid:logo@x") || strings.Contains(m.HTML, "epilogue") {
		t.Errorf("html %q", m.HTML)
	}
	want := []email.Attachment{
		{Ordinal: 0, Filename: "logo.png", MediaType: "image/png", Content: []byte("PNG"), Inline: true, ContentID: "logo@x"},
		{Ordinal: 1, Filename: "list.csv", MediaType: "text/csv; charset=euc-kr", Content: []byte("a,b")},
		{Ordinal: 2, MediaType: "message/rfc822", Content: []byte("Subject: inner\r\n\r\ninner text")},
	}
	if len(m.Attachments) != len(want) {
		t.Fatalf("%d attachments", len(m.Attachments))
	}
	for i, a := range m.Attachments {
		if a.Filename != want[i].Filename || a.MediaType != want[i].MediaType || string(a.Content) != string(want[i].Content) || a.Inline != want[i].Inline || a.ContentID != want[i].ContentID {
			t.Errorf("attachment %d: %q %s %q %v %q", i, a.Filename, a.MediaType, a.Content, a.Inline, a.ContentID)
		}
	}
}

func TestTextOfHTMLIsWhatAPersonWouldRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<p>one</p><p>two</p>":                                            "one\n\ntwo",
		"<div>one</div><div>two<br>three</div>":                           "one\ntwo\nthree",
		"a  b\n c&nbsp;d &amp; e":                                         "a b c\u00a0d & e",
		"<b>4111</b>1111<i>1111</i> 1111":                                 "411111111111 1111",
		"<ul><li>one<li>two</ul>after":                                    "- one\n- two\nafter",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
		"<title>t</title><style>p{}</style><script>x()</script>shown":     "shown",
		"<script>never closed <p>gone":                                    "",
		"<pre>a\n  b\n\nc</pre>d":                                         "a\n  b\n\nc\nd",
		"reply<blockquote>quoted<br>more</blockquote>end":                 "reply\n> quoted\n> more\nend",
		"<img alt=\"logo\" src=x> text":                                   "logo text",
		"plain & simple < text":                                           "plain & simple < text",
		"":                                                                "",
	} {
		m := email.Parse([]byte("Content-Type: text/html; charset=utf-8\n\n" + in))
		if m.Text != want {
			t.Errorf("%q says %q, want %q", in, m.Text, want)
		}
	}
}

func TestDefectsAreListedAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw    string
		defect email.Defect
		text   string
	}{
		"no header":             {"hello there\nfriend\n", email.DefectNoHeader, "hello there\nfriend"},
		"malformed field":       {"Subject: x\nnonsense\nTo: a@b\n\nhello", email.DefectHeaderLine, "hello"},
		"no empty line":         {"Subject: x\nhello there\nfriend", email.DefectHeaderLine, "hello there\nfriend"},
		"malformed type":        {"Content-Type: text plain\n\nhello", email.DefectContentType, "hello"},
		"unknown encoding":      {"Content-Transfer-Encoding: x-thing\n\nhello", email.DefectEncoding, "hello"},
		"damaged base64":        {"Content-Transfer-Encoding: base64\n\naGVs*bG8=", email.DefectBase64, "hello"},
		"wrong character set":   {"Content-Type: text/plain; charset=utf-8\n\ncaf\xe9 noir", email.DefectCharset, "café noir"},
		"unknown character set": {"Content-Type: text/plain; charset=x-thing\n\nhello", email.DefectCharset, "hello"},
		"no boundary":           {"Content-Type: multipart/mixed; boundary=b\n\nhello", email.DefectBoundary, "hello"},
		"unclosed":              {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello", email.DefectUnclosed, "hello"},
		"bad date":              {"Date: yesterday\n\nhello", email.DefectDate, "hello"},
		"bad address":           {"From: nobody\n\nhello", email.DefectAddress, "hello"},
		"carriage returns":      {"Subject: x\r\rhello\r", email.DefectLineEnds, "hello"},
	} {
		m := email.Parse([]byte(c.raw))
		if !slices.Contains(m.Defects, c.defect) || strings.TrimSpace(m.Text) != c.text {
			t.Errorf("%s: %v %q", name, m.Defects, m.Text)
		}
	}
}

func TestFlowedTextIsJoined(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"one \ntwo\nthree":     "one two\nthree",
		"> one \n> two\nthree": "> one two\nthree",
		"> one \n>> two":       "> one \n>> two",
		" >not quoted":         ">not quoted",
		"bye\n-- \nKim":        "bye\n-- \nKim",
	} {
		m := email.Parse([]byte("Content-Type: text/plain; format=flowed\n\n" + in))
		if m.Text != want {
			t.Errorf("%q became %q, want %q", in, m.Text, want)
		}
	}
}

func TestDatesAreReadInManyForms(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)
	for _, in := range []string{
		"Tue, 14 Jul 2026 18:30:00 +0900", "14 Jul 2026 09:30:00 GMT", "Tue, 14 Jul 2026 18:30:00 +0900 (KST)", "Tue, 14 Jul 26 09:30:00 +0000",
		"Tue, 14 Jul 2026 18:30:00 GMT+0900", "Tue Jul 14 09:30:00 2026", "Tue, 14 Jul 2026 18:30:00 +09:00", "2026-07-14T18:30:00+09:00",
		"Tuesday, 14 July 2026 18:30:00 +0900", "Tue,14 Jul 2026 09:30 +0000",
	} {
		if got := email.Parse([]byte("Date: " + in + "\n\n")).Date; !got.Equal(want) {
			t.Errorf("%q is %v", in, got)
		}
	}
}
