package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsed runs `postroom mail parse` in this process.
func parsed(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, complaints bytes.Buffer
	p := program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &complaints, getenv: func(string) string { return "" }}
	err = p.run(t.Context(), append([]string{"mail", "parse"}, args...))
	return out.String(), complaints.String(), err
}

const oddMail = "From: \"Kim, M\" <kim@customer.example>\nTo: a@shop.example, b@shop.example\nReply-To: k@customer.example\nSubject: =?utf-8?B?7KO866y4?=\n" +
	"Date: Tue, 14 Jul 2026 18:30:00 +0900\nMessage-ID: <two@customer.example>\nIn-Reply-To: <one@shop.example>\nReferences: <zero@shop.example> <one@shop.example>\n" +
	"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n안녕 <b>\n--b\nContent-Type: text/csv; charset=utf-8\n" +
	"Content-Disposition: attachment; filename=list.csv\n\na,b\n"

func TestAParsedMailIsOneLineOfJSONWithTheMembersPromised(t *testing.T) {
	t.Parallel()
	out, _, err := parsed(t, oddMail, "--json", "-")
	if err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	const want = `{"file":"-","subject":"주문","from":[{"name":"Kim, M","address":"kim@customer.example"}],` +
		`"to":[{"name":"","address":"a@shop.example"},{"name":"","address":"b@shop.example"}],"cc":[],"replyTo":[{"name":"","address":"k@customer.example"}],` +
		`"date":"2026-07-14T18:30:00+09:00","messageId":"two@customer.example","inReplyTo":["one@shop.example"],"references":["zero@shop.example","one@shop.example"],` +
		`"text":"안녕 <b>","html":"","visibleText":"안녕 <b>","signatureAt":null,"attachments":[{"name":"list.csv","contentType":"text/csv","size":4,` +
		`"sha256":"5be08c9684a1d25efcee09318204824278b08bbfb4aef973ffefd0b9d7478313","inline":false,"contentId":""}],"automatic":"",` +
		`"bounce":{"recipients":[],"originalMessageId":""},"defects":["unclosed_multipart"]}` + "\n"
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestAFileThatCannotBeReadIsNamedAndTheOthersArePrinted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "one.eml")
	if err := os.WriteFile(file, []byte(oddMail), 0o600); err != nil {
		t.Fatal(err)
	}
	out, complaints, err := parsed(t, "", "--json", "nowhere.eml", file, t.TempDir())
	if err == nil || !strings.Contains(complaints, "nowhere.eml") || strings.Count(complaints, "\n") != 2 {
		t.Errorf("%v\n%s", err, complaints)
	}
	var found struct{ File string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || found.File != file {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAParsedMailForPeopleObeysNoTerminal(t *testing.T) {
	t.Parallel()
	out, _, err := parsed(t, strings.ReplaceAll(oddMail, "안녕", "\x1b[31m안녕"), "-")
	if err != nil || strings.Contains(out, "\x1b") {
		t.Errorf("%v\n%q", err, out)
	}
	for _, says := range []string{"subject     주문\n", "from        Kim, M <kim@customer.example>\n", "attachment  list.csv (text/csv, 4 bytes)\n", "defect      unclosed_multipart\n", "안녕 <b>\n"} {
		if !strings.Contains(out, says) {
			t.Errorf("without %q:\n%s", says, out)
		}
	}
}

func TestAParsedMailForPeopleShowsCalendarsAndProtection(t *testing.T) {
	t.Parallel()
	out, _, err := parsed(t, "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\nContent-Type: text/calendar\n\n"+
		"METHOD:REQUEST\nBEGIN:VEVENT\nDTSTART;TZID=Asia/Seoul:20260714T183000\nSUMMARY:회의\nEND:VEVENT\n--b--\n", "-")
	if err != nil || !strings.Contains(out, "protected   pgp-signed\n") || !strings.Contains(out, "calendar    REQUEST 2026-07-14 18:30 Asia/Seoul 회의\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A scorer, or a person with a folder of strange mails, gives any bytes.
func TestAnyBytesAreOneLineOfJSON(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "\x00", "\xff\xfe\r\r", "Subject: \u2028\x85\n\n\u2029\x00\xed\xa0\x80", strings.Repeat("A: b\n", 5000)} {
		out, _, err := parsed(t, raw, "--json", "-")
		var found map[string]any
		if err != nil || json.Unmarshal([]byte(out), &found) != nil || strings.Count(out, "\n") != 1 || found["defects"] == nil {
			t.Errorf("%q: %v\n%s", raw, err, out)
		}
	}
}
