package devmail_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
)

// browser talks to the page as a browser without JavaScript does.
type browser struct {
	t *testing.T
	*http.Client
	base string
}

func browse(t *testing.T, s *devmail.Server) *browser {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{t, &http.Client{Jar: jar}, s.URL()}
}

func (b *browser) do(method, path string, body io.Reader, headers ...string) (status int, text string, h http.Header) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	must(b.t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	must(b.t, err)
	return res.StatusCode, string(all), res.Header
}

// post sends a form with files, whose names begin with "file:".
func (b *browser) post(path string, fields map[string]string, headers ...string) (int, string) {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		if file, ok := strings.CutPrefix(name, "file:"); ok {
			part, err := w.CreateFormFile("attachment", file)
			must(b.t, err)
			_, err = io.WriteString(part, value)
			must(b.t, err)
			continue
		}
		must(b.t, w.WriteField(name, value))
	}
	must(b.t, w.Close())
	status, text, _ := b.do("POST", path, &body, append(headers, "Content-Type", w.FormDataContentType())...)
	return status, text
}

func has(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestPageIsServedUnderLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	b := browse(t, start(t, devmail.Options{Hosts: []string{"mail.lan"}}))
	for host, want := range map[string]int{"localhost:1234": 200, "127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]:80": 200, "MAIL.lan:8025": 200,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example:80": 421, "10.0.0.1": 421, "0.0.0.0": 421} {
		for _, path := range []string{"/", "/api/mailboxes"} {
			if got, _, _ := b.do("GET", path, nil, "Host", host); got != want {
				t.Errorf("GET %s as %s: %d, want %d", path, host, got, want)
			}
		}
	}
}

func TestOtherSitesCannotSendOrDelete(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	b := browse(t, s)
	for _, path := range []string{"/send", "/delete", "/api/send"} {
		for _, headers := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
			if got, _ := b.post(path, map[string]string{"from": "a@x.example", "to": "b@x.example"}, headers...); got != http.StatusForbidden {
				t.Errorf("POST %s with %v: %d", path, headers, got)
			}
		}
	}
	if got := s.Messages("b@x.example", 1); len(got) > 0 {
		t.Error("a mail was sent from another site")
	}
	if got, _ := b.post("/send", map[string]string{"from": "a@x.example", "to": "b@x.example"}, "Origin", s.URL(), "Sec-Fetch-Site", "same-origin"); got != 200 {
		t.Errorf("the page itself: %d", got)
	}
}

func TestCustomerWritesReadsTheAnswerAndReplies(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	b := browse(t, s)
	status, text := b.post("/send", map[string]string{"name": "김하늘", "from": "haneul@customer.example", "to": support, "subject": "주문 문의",
		"text": "안녕하세요", "file:사진.png": "\x89PNG", "file:note.txt": "a note"})
	if status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	has(t, text, "The mail was sent.")
	got := s.Messages(support, 1)[0]
	if got.From != "김하늘 <haneul@customer.example>" || got.Subject != "주문 문의" || strings.TrimSpace(got.Text) != "안녕하세요" || len(got.Attachments) != 2 {
		t.Errorf("arrived: %+v", got)
	}

	answer := "From: Support <" + support + ">\r\nReply-To: support+token@postroom.example\r\nTo: haneul@customer.example\r\nSubject: Re: <b>&amp; more\r\nMessage-ID: <answer@postroom.example>\r\n" +
		"In-Reply-To: <" + got.MessageID + ">\r\nReferences: <" + got.MessageID + ">\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\n\r\nHello <script>alert(1)</script>\r\n--b\r\nContent-Type: text/html\r\n\r\n<p onclick=x>Hello</p><script>alert(1)</script>\r\n" +
		"--b\r\nContent-Type: text/html; name=evil.html\r\nContent-Disposition: attachment; filename=\"evil.html\"\r\n\r\n<script>alert(1)</script>\r\n--b--\r\n"
	must(t, submit(s, answer, "haneul@customer.example"))
	_, text, _ = b.do("GET", "/mailbox/haneul@customer.example", nil)
	has(t, text, "Re: &lt;b&gt;&amp;amp; more")
	_, text, h := b.do("GET", "/mailbox/haneul@customer.example/1", nil)
	has(t, text, "&lt;script&gt;alert(1)&lt;/script&gt;", "<iframe sandbox src=")
	has(t, h.Get("Content-Security-Policy"), "default-src 'none'", "frame-ancestors 'none'")
	if strings.Contains(text, "<script") || strings.Contains(text, "onclick") {
		t.Error("the mail's markup is in the page")
	}
	_, text, h = b.do("GET", "/mailbox/haneul@customer.example/1/html", nil)
	has(t, text, "<p onclick=x>")
	has(t, h.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	_, _, h = b.do("GET", "/mailbox/haneul@customer.example/1/file/0", nil)
	if h.Get("Content-Type") != "application/octet-stream" || h.Get("Content-Disposition") != "attachment; filename=evil.html" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the attachment is sent as %v", h)
	}

	_, text, _ = b.do("GET", "/?reply=haneul@customer.example/1", nil)
	has(t, text, `value="support&#43;token@postroom.example"`, "&gt; Hello", `name="reply" value="haneul@customer.example/1"`)
	status, _ = b.post("/send", map[string]string{"from": "haneul@customer.example", "to": "support+token@postroom.example", "subject": "Re: x", "text": "thanks", "reply": "haneul@customer.example/1"})
	reply := s.Messages(support, 1)[0]
	if status != 200 || reply.Headers["In-Reply-To"][0] != "<answer@postroom.example>" || reply.Headers["References"][0] != "<"+got.MessageID+"> <answer@postroom.example>" {
		t.Errorf("the reply: %d %v", status, reply.Headers)
	}
	b.post("/delete", map[string]string{"address": "haneul@customer.example"})
	if len(s.Messages("haneul@customer.example", 1)) != 0 || len(s.Messages(support, 10)) != 2 {
		t.Error("delete took too little or too much")
	}
}

func TestEverySampleCanBeSentAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	b := browse(t, s)
	header := map[string]string{"newsletter": "List-Unsubscribe", "absent": "Auto-Submitted"}
	for i, sample := range []string{"plain", "korean", "newsletter", "absent", "card"} {
		_, text, _ := b.do("GET", "/?sample="+sample, nil)
		has(t, text, `name="sample" value="`+sample+`"`)
		if status, _ := b.post("/send", map[string]string{"from": "a@x.example", "to": support, "subject": sample, "text": "t", "sample": sample}); status != 200 {
			t.Errorf("%s: %d", sample, status)
		}
		got := s.Messages(support, 10)
		if len(got) != i+1 || got[0].Subject != sample {
			t.Fatalf("%s did not arrive", sample)
		}
		if h := header[sample]; h != "" && len(got[0].Headers[h]) == 0 {
			t.Errorf("%s has no %s", sample, h)
		}
	}
}

func TestPageSpeaksKoreanAndEnglish(t *testing.T) {
	t.Parallel()
	b := browse(t, start(t, devmail.Options{}))
	for accept, want := range map[string]string{"": "Write as a customer", "ko-KR,ko;q=0.9,en;q=0.8": "고객으로 메일 쓰기", "fr,en;q=0.5": "Write as a customer", "fr": "Write as a customer"} {
		_, text, _ := b.do("GET", "/", nil, "Accept-Language", accept)
		has(t, text, want)
	}
	_, text, _ := b.do("GET", "/?lang=ko", nil)
	has(t, text, `<html lang="ko">`, "보내기")
	_, text, _ = b.do("GET", "/?sample=plain", nil) // remembered
	has(t, text, "보내기")
}

func TestWhatIsNoMailIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	b := browse(t, s)
	ok := map[string]string{"from": "a@x.example", "to": "b@x.example", "subject": "s", "text": "t"}
	with := func(name, value string) map[string]string {
		fields := map[string]string{name: value}
		for k, v := range ok {
			if k != name {
				fields[k] = v
			}
		}
		return fields
	}
	for _, c := range []struct {
		fields map[string]string
		want   int
	}{{with("from", "nobody"), 400}, {with("to", ""), 400}, {with("to", "b@x.example, nobody"), 400}, {with("to", "reject-1@x.example"), 422},
		{with("reply", "b@x.example/7"), 404}, {with("subject", "a\r\nBcc: evil@x.example"), 200}} {
		if got, _ := b.post("/api/send", c.fields); got != c.want {
			t.Errorf("got %d, want %d", got, c.want)
		}
	}
	got := s.Messages("b@x.example", 10)
	if len(got) != 1 || len(got[0].Headers["Bcc"]) > 0 {
		t.Errorf("%d mails arrived; header %v", len(got), got[0].Headers)
	}
	big := devmail.Letter{From: "a@x.example", To: []string{"b@x.example"}, Attachments: []devmail.File{{Content: make([]byte, 26<<20)}}}
	if _, err := s.Send(big); postroom.ReasonOf(err) != postroom.ReasonTooLarge {
		t.Errorf("26 MB of attachments: %v", err)
	}
	if status, _, _ := b.do("POST", "/api/send", strings.NewReader(`{"from":"`+strings.Repeat("x", 40<<20)+`"}`), "Content-Type", "application/json"); status != 413 {
		t.Errorf("an endless request: %d", status)
	}
}

func TestProgramsSendListWaitAndReadRaw(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	b := browse(t, s)
	body, err := json.Marshal(devmail.Letter{From: "Ada <ada@customer.example>", To: []string{"bob@customer.example"}, Subject: "first", Text: "one",
		HTML: "<b>one</b>", Headers: map[string]string{"X-Test": "안녕"}, Attachments: []devmail.File{{Name: "a.bin", Type: "application/x-a", Content: []byte{0, 255}}}})
	must(t, err)
	status, text, _ := b.do("POST", "/api/send", bytes.NewReader(body), "Content-Type", "application/json")
	has(t, text, `"messageId":"`)
	if status != 200 {
		t.Fatal(status)
	}
	list := func(query string) (messages []devmail.Message) {
		_, text, _ := b.do("GET", "/api/mailboxes/"+url.PathEscape("Bob+tag@customer.example")+"/messages"+query, nil)
		must(t, json.Unmarshal([]byte(text), &messages))
		return messages
	}
	one := list("?wait=10s")
	if len(one) != 1 || one[0].ID != "1" || one[0].Subject != "first" || strings.TrimSpace(one[0].Text) != "one" || one[0].HTML == "" || one[0].Headers["X-Test"][0] != "안녕" ||
		one[0].Attachments[0].Name != "a.bin" || one[0].Attachments[0].Size != 2 {
		t.Errorf("listed: %+v", one)
	}
	waited := make(chan []devmail.Message)
	go func() { waited <- list("?after=1&wait=20s") }()
	must(t, submit(s, letter("second"), "bob@customer.example"))
	if two := <-waited; len(two) != 1 || two[0].ID != "2" || two[0].Subject != "second" {
		t.Errorf("waited for %+v", two)
	}
	_, raw, h := b.do("GET", "/api/mailboxes/bob@customer.example/messages/2/raw", nil)
	has(t, raw, letter("second"))
	if !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		t.Error(h)
	}
	_, text, _ = b.do("GET", "/api/mailboxes", nil)
	has(t, text, `{"address":"bob@customer.example","mails":2}`)
	if status, _, _ := b.do("GET", "/api/mailboxes/bob@customer.example/messages/3/raw", nil); status != 404 {
		t.Error(status)
	}
	status, text, _ = b.do("POST", "/api/send", strings.NewReader(`{"from":"a@x.example","to":["b@x.example"],"headers":{"From":"evil@x.example"}}`), "Content-Type", "application/json")
	if status != 400 {
		t.Errorf("a second From: %d", status)
	}
	has(t, text, `"reason":"malformed"`)
	if status, _, _ := b.do("DELETE", "/api/mailboxes/"+support+"/messages", nil); status != 403 {
		t.Errorf("delete what is ours: %d", status)
	}
	if status, _, _ := b.do("DELETE", "/api/mailboxes/bob@customer.example/messages", nil); status != 204 || len(list("")) != 0 {
		t.Errorf("delete: %d", status)
	}
}
