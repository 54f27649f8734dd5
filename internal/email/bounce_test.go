package email_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
)

// report is a delivery report with these fields about recipients, and the header of the mail that came back.
func report(groups ...string) []byte {
	lines := []string{
		"From: MAILER-DAEMON@mx.example.net", "Return-Path: <>", "To: desk@desk.example", "Subject: Undelivered Mail Returned to Sender",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b", "Content-Type: text/plain", "", "It did not work.", "",
		"--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "Original-Envelope-Id: env-42", "",
	}
	for _, group := range groups {
		lines = append(lines, strings.Split(group, "\n")...)
		lines = append(lines, "")
	}
	return mail(append(lines, "--b", "Content-Type: text/rfc822-headers", "", "Message-ID: <sent-1@desk.example>", "To: kim@example.kr", "Subject: x", "", "--b--")...)
}

// notice is a bounce that is no report.
func notice(text string) []byte {
	return mail(append([]string{"From: MAILER-DAEMON@mx.example.net", "Return-Path: <>", "To: desk@desk.example", "Subject: failure notice", "Content-Type: text/plain; charset=utf-8", ""}, strings.Split(text, "\n")...)...)
}

// fate is what a test says of a recipient: address, status, action, and "!" in front of a hard one; "~" marks an inferred status.
func fate(r email.BouncedRecipient) string {
	s := r.Address + " " + r.Status
	if r.StatusSource == email.StatusInferred {
		s += "~"
	}
	s += " " + string(r.Action)
	if r.Hard {
		s = "!" + s
	}
	return s
}

func TestReportsAreReadRecipientByRecipient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups []string
		want   []string
	}{
		"an unknown user":                  {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown"}, []string{"!kim@example.kr 5.1.1 failed"}},
		"two recipients":                   {[]string{"Final-Recipient: rfc822;kim@example.kr\nAction: failed\nStatus: 5.2.2", "Final-Recipient: RFC822; <lee@example.kr>\nAction: Failed (given up)\nStatus: 5.4.4 (no host)"}, []string{"kim@example.kr 5.2.2 failed", "!lee@example.kr 5.4.4 failed"}},
		"two without an empty line":        {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; lee@example.kr\nAction: delayed\nStatus: 4.4.1"}, []string{"!kim@example.kr 5.1.1 failed", "lee@example.kr 4.4.1 delayed"}},
		"one cut in two by an empty line":  {[]string{"Final-Recipient: rfc822; kim@example.kr", "Action: failed\nStatus: 5.1.1"}, []string{"!kim@example.kr 5.1.1 failed"}},
		"one told twice":                   {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1", "Final-Recipient: rfc822; KIM@example.kr\nAction: failed\nStatus: 5.1.1"}, []string{"!kim@example.kr 5.1.1 failed"}},
		"a delay":                          {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: delayed\nStatus: 4.1.1\nDiagnostic-Code: smtp; 450 4.1.1 User unknown, for now"}, []string{"kim@example.kr 4.1.1 delayed"}},
		"a success":                        {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: delivered\nStatus: 2.1.5"}, []string{"kim@example.kr 2.1.5 delivered"}},
		"a vague status, a precise server": {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.26 DMARC"}, []string{"kim@example.kr 5.7.26 failed"}},
		"a server of another opinion":      {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.7.1 listed at a blocklist"}, []string{"kim@example.kr 5.7.1 failed"}},
		"a precise status, a vague server": {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.0.0 no"}, []string{"kim@example.kr 5.2.2 failed"}},
		"time that was up, and why":        {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 554 4.4.7 expired <421 4.4.2 timed out>"}, []string{"kim@example.kr 4.4.2 failed"}},
		"no status, a reply code":          {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nDiagnostic-Code: smtp; 421 try again later"}, []string{"kim@example.kr 4.0.0~ failed"}},
		"no status, an unknown user":       {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nDiagnostic-Code: smtp; 550 No such user here"}, []string{"!kim@example.kr 5.1.1~ failed"}},
		"a full mailbox called unknown":    {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 552 mailbox kim is over quota"}, []string{"kim@example.kr 5.1.1 failed"}},
		"an unknown user by words":         {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 존재하지 않는 사용자입니다"}, []string{"!kim@example.kr 5.0.0 failed"}},
		"a filter that says unknown user":  {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 unknown user (in reply to end of DATA command)"}, []string{"kim@example.kr 5.0.0 failed"}},
		"a policy":                         {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 message refused"}, []string{"kim@example.kr 5.7.1 failed"}},
		"a host that takes no mail":        {[]string{"Final-Recipient: rfc822; kim@example.kr\nAction: failed\nStatus: 5.1.10"}, []string{"!kim@example.kr 5.1.10 failed"}},
		"another address before":           {[]string{"Original-Recipient: rfc822; kim@example.kr\nFinal-Recipient: rfc822; k2@other.example\nAction: failed\nStatus: 5.1.1"}, []string{"!k2@other.example 5.1.1 failed"}},
	} {
		m := email.Parse(report(c.groups...))
		b := email.ReadBounce(m)
		var got []string
		for _, r := range b.Recipients {
			got = append(got, fate(r))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if b.OriginalMessageID != "sent-1@desk.example" || b.EnvelopeID != "env-42" {
			t.Errorf("%s: about %q, %q", name, b.OriginalMessageID, b.EnvelopeID)
		}
	}
}

func TestAddressThatWeWroteToIsMarkedBad(t *testing.T) {
	t.Parallel()
	b := email.ReadBounce(email.Parse(report(
		"Original-Recipient: rfc822; kim@example.kr\nFinal-Recipient: rfc822; k2@other.example\nAction: failed\nStatus: 5.1.1",
		"Final-Recipient: rfc822; lee@example.kr\nAction: failed\nStatus: 5.1.2",
		"Final-Recipient: rfc822; park@example.kr\nAction: failed\nStatus: 5.2.2",
		"Final-Recipient: rfc822; choi@example.kr\nAction: delayed\nStatus: 4.4.1",
	)))
	if got := b.Bad(); !slices.Equal(got, []string{"kim@example.kr", "lee@example.kr"}) {
		t.Errorf("%q", got)
	}
}

// returned is the mail that came back, as it stands below notices.
const returned = "\n\nReturn-Path: <desk@desk.example>\nReceived: from desk by mx.example.net; Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID:\n <sent-1@desk.example>\nFrom: desk@desk.example\nTo: kim@example.kr, other@example.kr\nSubject: 550 5.9.9\n\nhello 4.9.9"

func TestNoticesToPeopleAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"qmail":               {"Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up.\n\n<kim@example.kr>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<lee@example.kr>:\n192.0.2.1 does not like recipient.\nRemote host said: 452 4.2.2 Mailbox full\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.", []string{"!kim@example.kr 5.1.1 failed", "lee@example.kr 4.2.2 failed"}},
		"Exim":                {"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  kim@example.kr\n    host mx.example.kr [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<kim@example.kr>:\n    550 5.2.1 mailbox disabled\n\n------ This is a copy of the message, including all the headers. ------", []string{"!kim@example.kr 5.2.1 failed"}},
		"sendmail":            {"   ----- The following addresses had permanent fatal errors -----\n<kim@example.kr>\n    (reason: 550 5.1.1 <kim@example.kr>... User unknown)\n<lee@example.kr>\n    (reason: 554 5.7.1 refused)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.kr.:\n>>> DATA\n<<< 550 5.1.1 <kim@example.kr>... User unknown", []string{"!kim@example.kr 5.1.1 failed", "lee@example.kr 5.7.1 failed"}},
		"an old sendmail":     {"   ----- Transcript of session follows -----\nWhile talking to example.kr:\n>>> RCPT To:<kim@example.kr>\n<<< 550 No such user\n550 <kim@example.kr>... User unknown\n   ----- Unsent message follows -----", []string{"!kim@example.kr 5.1.1~ failed"}},
		"Postfix":             {"This is the Postfix program at host mx.example.net.\n\nFor further assistance, please contact <postmaster@mx.example.net>\n\n<kim@example.kr>: host mx.example.kr[192.0.2.1] said: 550 5.7.1\n    Service unavailable (in reply to RCPT TO command)", []string{"kim@example.kr 5.7.1 failed"}},
		"a list, one reason":  {"Your message could not be delivered to:\n\n  kim@example.kr\n  lee@example.kr\n\nReason: 550 user unknown", []string{"!kim@example.kr 5.1.1~ failed", "!lee@example.kr 5.1.1~ failed"}},
		"reason first":        {"------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\nkim@example.kr\n\n------- Returned Message --------", []string{"!kim@example.kr 5.1.1~ failed"}},
		"Exchange":            {"Your message\n\n  To:      sales@example.kr\n  Subject: x\n  Sent:    Mon, 1 Jan 2024 00:00:00 +0000\n\ndid not reach the following recipient(s):\n\nkim@example.kr on Mon, 1 Jan 2024 00:00:01 +0000\n    The recipient name is not recognized", []string{"!kim@example.kr 5.1.1~ failed"}},
		"MailMarshal":         {"Your message:\n   From:    desk@desk.example\n   Subject: x\n\nCould not be delivered because of\n\n550 5.1.1 User unknown\n\nThe following recipients were affected:\n    kim@example.kr", []string{"!kim@example.kr 5.1.1 failed"}},
		"a full mailbox":      {"User mailbox exceeds allowed size: kim@example.kr\n\nOriginal message follows.", []string{"kim@example.kr 5.2.2~ failed"}},
		"KDDI":                {"Your mail sent on: Mon, 1 Jan 2024 00:00:00 +0900\nCould not be delivered to: <kim@example.jp>\nAs their mailbox is full.", []string{"kim@example.jp 5.2.2~ failed"}},
		"a delay":             {"This is the mail system at host mx.example.net.\n\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n\n<kim@example.kr>: connect to mx.example.kr[192.0.2.1]:25: No route to host", []string{"kim@example.kr 4.0.0~ delayed"}},
		"Korean":              {"메일 전송 실패 안내\n\n아래 수신자에게 메일을 전달하지 못했습니다.\n\n받는 사람: kim@example.kr\n사유: 존재하지 않는 사용자입니다. (550)\n\n----- 원본 메일 -----", []string{"!kim@example.kr 5.1.1~ failed"}},
		"Korean, full":        {"받는사람 : kim@example.kr\n전송 실패 원인 : 받는 사람의 메일 용량이 초과되었습니다.", []string{"kim@example.kr 5.2.2~ failed"}},
		"Japanese":            {"次のあて先へのメッセージはエラーのため送信できませんでした。\n\n宛先: <kim@example.jp>\n宛先不明です。", []string{"!kim@example.jp 5.1.1~ failed"}},
		"fields as text":      {"An error occurred:\n\nTechnical report:\n\nReporting-MTA: dsn; mx.example.net\n\nAction: failed\nFinal-Recipient: rfc822; kim@example.kr\nDiagnostic-Code: smtp; 550 5.1.1 User Unknown\nStatus: 5.1.1", []string{"!kim@example.kr 5.1.1 failed"}},
		"no host":             {"There was an error delivering your mail to <kim@nowhere.example>.\n\nDNS lookup failure: host nowhere.example not found\n\nMessage headers follow.", []string{"!kim@nowhere.example 5.1.2~ failed"}},
		"several reply lines": {"<kim@example.kr>:\nRemote host said: 550-5.7.26 Unauthenticated email\n550-5.7.26 DMARC policy\n550 5.7.26 see https://example.com/1.2.3", []string{"kim@example.kr 5.7.26 failed"}},
		"nobody named":        {"The message could not be delivered. 550 5.1.1", []string{"!kim@example.kr 5.1.1 failed"}},
		"numbers that lie":    {"<kim@example.kr>: delivery via 5.1.1.5[5.1.1.5]:25 by Exim 4.1.2a, 15.5.1.1: 554 refused", []string{"kim@example.kr 5.0.0~ failed"}},
	} {
		b := email.ReadBounce(email.Parse(notice(c.text + returned)))
		var got []string
		for _, r := range b.Recipients {
			got = append(got, fate(r))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if b.OriginalMessageID != "sent-1@desk.example" {
			t.Errorf("%s: about %q", name, b.OriginalMessageID)
		}
	}
}

func TestMailThatCameBackIsFoundWhereverItStands(t *testing.T) {
	t.Parallel()
	const want = postroom.InternetMessageID("sent-1@desk.example")
	for name, raw := range map[string][]byte{
		"attached":              mail("Content-Type: multipart/mixed; boundary=b", "From: MAILER-DAEMON@a", "", "--b", "", "no", "--b", "Content-Type: message/rfc822", "", "Message-Id: <sent-1@desk.example>", "", "x", "--b--"),
		"as header only":        mail("Content-Type: multipart/mixed; boundary=b", "From: MAILER-DAEMON@a", "", "--b", "", "no", "--b", "Content-Type: text/rfc822-headers", "", "Message-Id: <sent-1@desk.example>", "--b--"),
		"encoded":               mail("Content-Type: multipart/mixed; boundary=b", "From: MAILER-DAEMON@a", "", "--b", "", "no", "--b", "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "TWVzc2FnZS1JZDogPHNlbnQtMUBkZXNrLmV4YW1wbGU+DQoNCng=", "--b--"),
		"as text":               notice("no" + returned),
		"indented":              notice("no\n\n   From desk  Mon\n   Message-ID: <sent-1@desk.example>\n   Subject: x"),
		"quoted":                notice("no\n> Message-ID: <sent-1@desk.example>\n> Subject: x"),
		"in JSON":               notice(`{"Message":"{\"headers\":[{\"name\":\"Message-ID\",\"value\":\"<sent-1@desk.example>\"}]}"}`),
		"in the report":         mail("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "From: MAILER-DAEMON@a", "", "--b", "Content-Type: message/delivery-status", "", "X-Original-Message-ID: <sent-1@desk.example>", "", "Final-Recipient: rfc822; a@b.example", "Action: failed", "--b--"),
		"as what it answers":    mail("From: MAILER-DAEMON@a", "In-Reply-To: <sent-1@desk.example>", "Subject: failure notice", "", "no"),
		"as what it refers to":  mail("From: MAILER-DAEMON@a", "References: <sent-0@desk.example> <sent-1@desk.example>", "Subject: failure notice", "", "no"),
		"but not its own":       mail("From: MAILER-DAEMON@a", "Message-Id: <bounce@a>", "Subject: failure notice", "", "Message-ID: <sent-1@desk.example>"),
		"with carriage returns": []byte(strings.ReplaceAll(string(notice("no"+returned)), "\r\n", "\r")),
	} {
		if got := email.ReadBounce(email.Parse(raw)).OriginalMessageID; got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBounceThatSaysNothingIsABounceAllTheSame(t *testing.T) {
	t.Parallel()
	b := email.ReadBounce(email.Parse(mail("From: MAILER-DAEMON@a", "", "")))
	if len(b.Recipients) != 1 || fate(b.Recipients[0]) != " 5.0.0~ failed" || b.OriginalMessageID != "" || len(b.Bad()) != 0 {
		t.Errorf("%+v", b)
	}
}

func TestComplaintsAreRead(t *testing.T) {
	t.Parallel()
	c := email.ReadComplaint(email.Parse(mail("Content-Type: multipart/report; report-type=feedback-report; boundary=b", "", "--b", "", "spam", "--b", "Content-Type: message/feedback-report", "",
		"Feedback-Type: Fraud (x)", "Original-Rcpt-To: <kim@example.kr>", "Original-Rcpt-To: kim@example.kr", "Original-Rcpt-To: lee@example.kr", "Original-Envelope-Id: env-42", "--b", "Content-Type: message/rfc822", "", "Message-Id: <sent-1@desk.example>", "", "x", "--b--")))
	if c.Type != "fraud" || !slices.Equal(c.Recipients, []string{"kim@example.kr", "lee@example.kr"}) || c.OriginalMessageID != "sent-1@desk.example" || c.EnvelopeID != "env-42" {
		t.Errorf("%+v", c)
	}
	c = email.ReadComplaint(email.Parse(mail("Content-Type: multipart/report; report-type=feedback-report; boundary=b", "", "--b", "Content-Type: message/feedback-report", "", "Feedback-Type: abuse", "--b", "Content-Type: message/rfc822", "", "To: kim@example.kr", "", "x", "--b--")))
	if c.Type != "abuse" || !slices.Equal(c.Recipients, []string{"kim@example.kr"}) {
		t.Errorf("%+v", c)
	}
	c = email.ReadComplaint(email.Parse(mail("From: kim@example.kr", "X-Apple-Unsubscribe: true", "", "x")))
	if c.Type != "opt-out" || !slices.Equal(c.Recipients, []string{"kim@example.kr"}) {
		t.Errorf("%+v", c)
	}
}

func TestReceiptsAreRead(t *testing.T) {
	t.Parallel()
	got := email.ReadReceipt(email.Parse(mail("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "", "--b", "", "read", "--b", "Content-Type: message/disposition-notification", "",
		"Reporting-UA: x", "Original-Recipient: rfc822; kim@example.kr", "Final-Recipient: rfc822; k2@example.kr", "Original-Message-ID: <sent-1@desk.example>", "Disposition: manual-action/MDN-sent-manually; Displayed/error", "--b--")))
	if want := (email.Notified{Recipient: "kim@example.kr", Disposition: "displayed", OriginalMessageID: "sent-1@desk.example"}); got != want {
		t.Errorf("%+v", got)
	}
	got = email.ReadReceipt(email.Parse(report("Final-Recipient: rfc822; kim@example.kr\nAction: relayed\nStatus: 2.0.0")))
	if want := (email.Notified{Recipient: "kim@example.kr", Disposition: "relayed", OriginalMessageID: "sent-1@desk.example", EnvelopeID: "env-42"}); got != want {
		t.Errorf("%+v", got)
	}
}
