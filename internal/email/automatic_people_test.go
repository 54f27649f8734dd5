package email_test

import (
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
)

// attachedReport is a mail with a delivery report attached, as people forward them.
func attachedReport(from, subject, text string) []byte {
	return mail("From: "+from, "Return-Path: <"+from+">", "Subject: "+subject, "Content-Type: multipart/mixed; boundary=out", "",
		"--out", "Content-Type: text/plain; charset=utf-8", "", text,
		"--out", "Content-Type: message/rfc822", "Content-Disposition: attachment; filename=bounce.eml", "",
		"From: MAILER-DAEMON@mx.example.net", "Subject: Undelivered Mail Returned to Sender", "Content-Type: multipart/report; report-type=delivery-status; boundary=in", "",
		"--in", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "", "Final-Recipient: rfc822; kim@example.kr", "Action: failed", "Status: 5.1.1", "",
		"--in--", "--out--")
}

// People write about bounces, errors, lists and absences. None of that makes their mail a machine's.
func TestPeopleAreNotTakenForMachines(t *testing.T) {
	t.Parallel()
	const person = "Return-Path: <kim@example.kr>"
	for name, raw := range map[string][]byte{
		"asks why a mail bounced":              mail("From: kim@example.kr", person, "Subject: My mail bounced", "", "It said: 550 5.1.1 <you@example.com>... User unknown. What is wrong?"),
		"quotes a whole bounce":                mail("From: kim@example.kr", person, "Subject: Fwd: Undelivered Mail Returned to Sender", "", "See below.", "", "This is the Postfix program at host mx.example.net.", "<you@example.com>: host mx.example.com said: 550 5.1.1 User unknown"),
		"forwards a report as attachment":      attachedReport("kim@example.kr", "Fwd: Undelivered Mail Returned to Sender", "이 메일이 반송되었습니다."),
		"forwards a report inline":             mail("From: kim@example.kr", person, "Subject: Fwd: failure notice", "", "---------- Forwarded message ---------", "From: MAILER-DAEMON@example.com", "Subject: failure notice", "", "Hi. This is the qmail-send program at example.com."),
		"attaches the machine's part only":     mail("From: kim@example.kr", person, "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "what is this?", "--b", "Content-Type: message/delivery-status", "", "Final-Recipient: rfc822; a@b.example", "Action: failed", "--b--"),
		"answers a ticket with 550 in it":      mail("From: park@example.kr", "Return-Path: <park@example.kr>", "Subject: Re: [#4711] delivery failure 550", "In-Reply-To: <4711@desk.example>", "", "The 550 error is gone, thank you."),
		"writes of a parcel":                   mail("From: lee@example.kr", "Return-Path: <lee@example.kr>", "Subject: Delivery failed: order 550-5.1.1", "", "The parcel was not delivered."),
		"asks in Korean why mail came back":    mail("From: kim@example.kr", person, "Subject: 메일이 반송됩니다", "", "귀사로 보낸 메일이 전송 실패로 반송되었습니다. 확인 부탁드립니다."),
		"asks for a return in Korean":          mail("From: kim@example.kr", person, "Subject: 반송 신청합니다", "", "상품 반송 접수 부탁드립니다. 주문번호 550511"),
		"complains of a delivery in Japanese":  mail("From: tanaka@example.jp", "Return-Path: <tanaka@example.jp>", "Subject: 配信停止のお願い", "", "メールの配信を停止してください。"),
		"complains of a parcel in Chinese":     mail("From: wang@example.cn", "Return-Path: <wang@example.cn>", "Subject: 退回的包裹", "", "包裹被退回了。"),
		"writes that she is on vacation":       mail("From: kim@example.kr", person, "Subject: I am on vacation next week", "", "Please deliver after the 12th."),
		"asks how to set an absence":           mail("From: kim@example.kr", person, "Subject: 자동응답 설정 방법 문의", "", "부재중 자동응답은 어떻게 설정하나요?"),
		"asks about Outlook's automatic reply": mail("From: kim@example.kr", person, "Subject: How do I switch off the automatic reply?", "", "It goes to everybody."),
		"has a list in the subject":            mail("From: kim@example.kr", person, "Subject: mailing list: please take me off", "", "Thanks"),
		"administers and pastes a header":      mail("From: it-admin@example.kr", "Return-Path: <it-admin@example.kr>", "Subject: Is this yours?", "", "We got this:", "", "Received: from a by b", "Message-Id: <1@a>", "From: x@y.example", "Subject: 550"),
		"is a postmaster":                      mail("From: Postmaster <postmaster@example.kr>", "Return-Path: <postmaster@example.kr>", "Subject: Your SPF record", "", "It lacks our relay."),
		"writes from an outbox for all":        mail("From: info@example.kr", "Return-Path: <info@example.kr>", "Subject: Quotation", "", "Please find it attached."),
		"has X-Auto-Response-Suppress":         mail("From: kim@example.kr", person, "X-Auto-Response-Suppress: DR, OOF, AutoReply", "Subject: Invoice", "", "Exchange adds this field to much."),
		"says Auto-Submitted: no":              mail("From: kim@example.kr", person, "Auto-Submitted: no", "Subject: x", "", "x"),
		"has a first-class precedence":         mail("From: kim@example.kr", person, "Precedence: first-class", "Subject: x", "", "x"),
		"marks it urgent":                      mail("From: kim@example.kr", person, "X-Priority: 1", "Importance: high", "Subject: 긴급", "", "x"),
		"writes through a web form":            mail("From: no-reply@shop.example", "Reply-To: kim@example.kr", "Return-Path: <bounces@shop.example>", "Subject: Contact form: refund", "", "I want my money back."),
		"asks for a receipt":                   mail("From: kim@example.kr", person, "Disposition-Notification-To: kim@example.kr", "Subject: x", "", "x"),
		"forwards a read receipt":              mail("From: kim@example.kr", person, "Subject: Fwd: Read: contract", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "They read it.", "--b", "Content-Type: message/disposition-notification", "", "Disposition: manual-action/MDN-sent-manually; displayed", "--b--"),
		"forwards spam as attachment":          mail("From: kim@example.kr", person, "Subject: is this from you?", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "Look.", "--b", "Content-Type: message/rfc822", "", "List-Unsubscribe: <mailto:x@y.example>", "Precedence: bulk", "", "buy", "--b--"),
		"came through somebody else's filter":  mail("From: kim@example.kr", person, "X-Loop: info@example.kr", "Delivered-To: help@desk.example", "To: help@desk.example", "Subject: x", "", "x"),
		"is named after a machine":             mail("From: \"Daemon Kim\" <kim@example.kr>", person, "Subject: hello", "", "x"),
		"came a long way":                      mail(strings.Repeat("Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n", 30)+"From: kim@example.kr", person, "Subject: x", "", "x"),
		"is on a forwarding chain":             mail("Delivered-To: a@example.kr", "Delivered-To: b@example.kr", "Delivered-To: c@example.kr", "From: kim@example.kr", person, "Subject: x", "", "x"),
		"writes a subject that ends in auto":   mail("From: kim@example.kr", person, "Subject: Auto: Kostenvoranschlag", "", "Der Wagen ist rot."),
	} {
		if got := email.Automatic(email.Parse(raw)); got != "" {
			t.Errorf("a person who %s: %q", name, got)
		}
	}
}

// Machines that are no bounces, however much they look like them.
func TestOtherMachinesAreNotTakenForBounces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  []byte
		want email.Kind
	}{
		"a newsletter about delivery":            {mail("From: news@shop.example", "Return-Path: <b-1@shop.example>", "List-Unsubscribe: <https://shop.example/u>", "Subject: Delivery failed? Not with us", "", "x"), email.List},
		"a parcel service":                       {mail("From: noreply@parcel.example", "Return-Path: <noreply@parcel.example>", "Subject: Delivery attempt failed", "", "We could not deliver your parcel to Kim, 12 Main Street."), email.AutoReply},
		"an absence":                             {mail("From: kim@example.kr", "Return-Path: <>", "Subject: Automatic reply: Delivery status of your order", "Auto-Submitted: auto-replied", "", "I am away."), email.AutoReply},
		"an absence that quotes a bounce":        {mail("From: kim@example.kr", "Return-Path: <>", "Subject: 자동 회신: Undeliverable: order", "", "부재중입니다."), email.AutoReply},
		"an absence in Japanese":                 {mail("From: tanaka@example.jp", "Auto-Submitted: auto-replied", "Subject: 自動返信: 注文", "", "不在です。"), email.AutoReply},
		"an absence told by its subject only":    {mail("From: kim@example.kr", "Return-Path: <kim@example.kr>", "Subject: Out of Office: order", "", "x"), email.AutoReply},
		"a German absence":                       {mail("From: max@example.de", "Return-Path: <max@example.de>", "Subject: Automatische Antwort: Bestellung", "", "x"), email.AutoReply},
		"an acknowledgement of another desk":     {mail("From: desk@example.com", "X-Autoreply: yes", "Subject: Re: [#99] delivery failure", "", "x"), email.AutoReply},
		"a log by cron":                          {mail("From: root@example.com", "X-Cron-Env: <SHELL=/bin/sh>", "Subject: Cron <root@a> job", "", "550 files"), email.AutoReply},
		"a notice that nobody answers":           {mail("From: Shop <do-not-reply@shop.example>", "Subject: Your receipt", "", "x"), email.AutoReply},
		"a success that was asked for":           {mail("From: MAILER-DAEMON@mx.example", "Return-Path: <>", "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "", "--b", "", "ok", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; x", "", "Final-Recipient: rfc822; a@b.example", "Action: relayed", "Status: 2.0.0", "--b--"), email.Receipt},
		"a complaint with a report":              {mail("From: fbl@isp.example", "Return-Path: <>", "Content-Type: multipart/report; report-type=feedback-report; boundary=b", "", "--b", "", "x", "--b", "Content-Type: message/feedback-report", "", "Feedback-Type: abuse", "--b--"), email.FeedbackReport},
		"a complaint without one":                {mail("From: staff@hotmail.com", "Subject: complaint about message from 192.0.2.1", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: message/rfc822", "", "Subject: x", "", "x", "--b--"), email.FeedbackReport},
		"a wish to hear no more":                 {mail("From: kim@icloud.example", "X-Apple-Unsubscribe: true", "Auto-Submitted: auto-replied", "Subject: unsubscribe", "", "x"), email.FeedbackReport},
		"a list of a group":                      {mail("From: kim@example.kr", "Mailing-List: list x@groups.example", "Subject: failure notice", "", "x"), email.List},
		"a loop that the envelope shows":         {mail("Delivered-To: help@desk.example", "X-Loop: help@desk.example", "From: kim@example.kr", "Subject: x", "", "x"), email.Loop},
		"a loop that only the header shows":      {mail("X-Loop: <Help@desk.example>", "To: help@desk.example", "From: kim@example.kr", "Subject: x", "", "x"), email.Loop},
		"a mark without an address":              {mail("X-Loop: yes", "From: kim@example.kr", "Subject: x", "", "x"), email.Loop},
		"a program that marks its own mail":      {mail("X-Loop: robot@example.kr", "From: Robot <robot@example.kr>", "To: help@desk.example", "Subject: x", "", "x"), email.AutoReply},
		"a list that marks its mail":             {mail("X-Loop: users@lists.example", "To: users@lists.example", "List-Id: <users.lists.example>", "From: kim@example.kr", "Subject: x", "", "x"), email.List},
		"a loop by deliveries":                   {mail("Delivered-To: a@example.kr", "Delivered-To: a@example.kr", "Delivered-To: a@example.kr", "From: kim@example.kr", "Subject: x", "", "x"), email.Loop},
		"a loop by hops":                         {mail(strings.Repeat("Received: from a by b; x\r\n", 60)+"From: kim@example.kr", "Subject: x", "", "x"), email.Loop},
		"a bounce that is older than reports":    {mail("From: MAILER-DAEMON@example.com", "Subject: Re: order", "", "550 <kim@example.kr>... User unknown"), email.Bounce},
		"a bounce of a postmaster by its text":   {mail("From: post_master@example.com", "Subject: Re:order", "", "Error message below:", "550 - Requested action not taken: no such user here", "RCPT TO: kim@example.kr"), email.Bounce},
		"a bounce told by a service":             {mail("From: no-reply@sns.example", "Subject: Notification", "", `{"Message" : "{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":\"kim@example.kr\",\"status\":\"5.1.1\"}]}}"}`), email.Bounce},
		"a bounce by a program that runs a list": {mail("From: list-owner@example.com", "Subject: Loop Alert", "", "Original mail as follows:", "", "Received: from a by b", "Message-Id: <1@a>", "Subject: x"), email.Bounce},
		"a bounce of a robot":                    {mail("From: no-reply@provider.example", "Subject: Delivery failure", "", "Your mail could not be delivered to <kim@example.kr>.", "Remote host said: 550 5.1.1 unknown user"), email.Bounce},
	} {
		if got := email.Automatic(email.Parse(c.raw)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOwnMarksTellALoop(t *testing.T) {
	t.Parallel()
	ours := email.Marks{Loop: "postroom-1", OwnID: func(id postroom.InternetMessageID) bool { return strings.HasSuffix(string(id), "@desk.example") }, Mailboxes: []string{"help@desk.example"}}
	for name, c := range map[string]struct {
		raw  []byte
		want email.Kind
	}{
		"our X-Loop":           {mail("From: kim@example.kr", "X-Loop: other", "X-Loop: Postroom-1", "", "x"), email.Loop},
		"a mail of ours":       {mail("From: kim@example.kr", "Message-Id: <c.1.2@desk.example>", "", "x"), email.Loop},
		"our mailbox":          {mail("From: Desk <HELP@desk.example>", "Message-Id: <1@a>", "", "x"), email.Loop},
		"a list that sent it":  {mail("From: kim@example.kr", "X-Loop: postroom-1", "List-Id: <x>", "", "x"), email.Loop},
		"a bounce of our mail": {mail("From: MAILER-DAEMON@a.example", "X-Loop: postroom-1", "Subject: failure notice", "", "x"), email.Bounce},
		"somebody's mail":      {mail("From: kim@example.kr", "X-Loop: other@example.kr", "Message-Id: <1@a>", "", "x"), ""},
	} {
		if got := email.AutomaticFor(email.Parse(c.raw), ours); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestOnlyPeopleWhoAllowItGetAutomaticReplies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  []byte
		want bool
	}{
		"a person":              {mail("From: kim@example.kr", "", "x"), true},
		"a web form":            {mail("From: no-reply@shop.example", "Reply-To: kim@example.kr", "", "x"), true},
		"Exchange, for reports": {mail("From: kim@example.kr", "X-Auto-Response-Suppress: DR, RN, NRN", "", "x"), true},
		"one who suppresses":    {mail("From: kim@example.kr", "X-Auto-Response-Suppress: DR, OOF, AutoReply", "", "x"), false},
		"one who suppresses it": {mail("From: kim@example.kr", "X-Auto-Response-Suppress: All", "", "x"), false},
		"a postmaster":          {mail("From: postmaster@example.kr", "", "x"), false},
		"answers to nobody":     {mail("From: kim@example.kr", "Reply-To: noreply@example.kr", "", "x"), false},
		"nobody":                {mail("Subject: x", "", "x"), false},
		"a list":                {mail("From: kim@example.kr", "List-Id: <x>", "", "x"), false},
		"a machine":             {mail("From: kim@example.kr", "Auto-Submitted: auto-generated", "", "x"), false},
	} {
		if got := email.MayAutoReply(email.Parse(c.raw), email.Marks{}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
