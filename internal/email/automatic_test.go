package email_test

import (
	"testing"

	"github.com/postroom/postroom/internal/email"
)

func TestMachinesAreToldFromPeople(t *testing.T) {
	t.Parallel()
	report := func(kind, part string) []byte {
		return mail("Content-Type: multipart/report; report-type="+kind+"; boundary=b", "", "--b", "", "text", "--b", "Content-Type: "+part, "", "x: y", "--b--")
	}
	for name, c := range map[string]struct {
		raw  []byte
		want email.Kind
	}{
		"a person":                          {mail("From: kim@example.kr", "Return-Path: <kim@example.kr>", "Subject: delivery status of my order?", "", "x"), ""},
		"Auto-Submitted: no":                {mail("Auto-Submitted: no", "", "x"), ""},
		"X-Auto-Response-Suppress alone":    {mail("X-Auto-Response-Suppress: All", "Subject: order", "", "x"), ""},
		"a person who forwards a bounce":    {mail("From: kim@example.kr", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "see", "--b", "Content-Type: message/delivery-status", "", "x", "--b--"), ""},
		"a person at a postmaster":          {mail("From: postmaster@example.kr", "Return-Path: <postmaster@example.kr>", "Subject: order", "", "x"), ""},
		"a delivery report":                 {report("delivery-status", "message/delivery-status"), email.Bounce},
		"a report that does not say which":  {mail("Content-Type: multipart/report; boundary=b", "", "--b", "", "text", "--b", "Content-Type: message/delivery-status", "", "x", "--b--"), email.Bounce},
		"a plain bounce":                    {mail("From: MAILER-DAEMON@example.com (Mail Delivery System)", "Subject: Undelivered Mail Returned to Sender", "", "x"), email.Bounce},
		"a Korean bounce":                   {mail("From: postmaster@example.kr", "Return-Path: <>", "Subject: 메일 전송 실패 안내", "", "x"), email.Bounce},
		"failed recipients":                 {mail("X-Failed-Recipients: a@b", "", "x"), email.Bounce},
		"a receipt":                         {report("disposition-notification", "message/disposition-notification"), email.Receipt},
		"a complaint":                       {report("feedback-report", "message/feedback-report"), email.FeedbackReport},
		"Auto-Submitted":                    {mail("Auto-Submitted: auto-replied; x=y", "Subject: Re: order", "", "x"), email.AutoReply},
		"Auto-Submitted: auto-generated":    {mail("Auto-Submitted: auto-generated (cron)", "", "x"), email.AutoReply},
		"X-Autoreply":                       {mail("X-Autoreply: yes", "", "x"), email.AutoReply},
		"Precedence: auto_reply":            {mail("Precedence: auto_reply", "", "x"), email.AutoReply},
		"no return path":                    {mail("Return-Path: <>", "Subject: 부재중입니다", "", "x"), email.AutoReply},
		"Outlook's automatic reply":         {mail("X-Auto-Response-Suppress: All", "Subject: 자동 회신: 주문", "", "x"), email.AutoReply},
		"a list":                            {mail("List-Id: <x.example.com>", "", "x"), email.List},
		"a newsletter":                      {mail("List-Unsubscribe: <mailto:x@y>", "", "x"), email.List},
		"bulk":                              {mail("Precedence: Bulk", "", "x"), email.List},
		"an automatic reply through a list": {mail("List-Id: <x>", "Auto-Submitted: auto-replied", "", "x"), email.AutoReply},
	} {
		if got := email.Automatic(email.Parse(c.raw)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
