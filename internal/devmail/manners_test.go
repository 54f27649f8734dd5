package devmail_test

import (
	"errors"
	"net/textproto"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/postroom/postroom/internal/devmail"
)

func code(err error) int {
	var refusal *textproto.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return 0
}

func TestRejectAndDeferRefuseAtRcptAndOthersAreAccepted(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	for address, want := range map[string]int{"reject-a@x.example": 550, "defer-a@x.example": 450, "Reject-B@x.example": 550,
		"rejected@x.example": 0, "bounce-a@x.example": 0, "delay-a@x.example": 0, "누구@예.example": 0} {
		c, err := gosmtp.Dial(s.SMTPAddr())
		must(t, err)
		must(t, c.Mail("ada@customer.example", &gosmtp.MailOptions{UTF8: true}))
		err = c.Rcpt(address, nil)
		var refusal *gosmtp.SMTPError
		if errors.As(err, &refusal); (want == 0) != (err == nil) || (want > 0 && refusal.Code != want) {
			t.Errorf("RCPT %s: %v, want %d", address, err, want)
		}
		must(t, c.Close())
	}
}

// deliver submits with DSN parameters (RFC 3461).
func deliver(t *testing.T, s *devmail.Server, from, to string, mail gosmtp.MailOptions, rcpt gosmtp.RcptOptions) {
	t.Helper()
	c, err := gosmtp.Dial(s.SMTPAddr())
	must(t, err)
	defer c.Close()
	must(t, c.Mail(from, &mail))
	must(t, c.Rcpt(to, &rcpt))
	w, err := c.Data()
	must(t, err)
	_, err = w.Write([]byte(letter("what comes back")))
	must(t, err)
	must(t, w.Close())
	must(t, c.Quit())
}

func TestBouncedMailComesBackAsAReportToTheEnvelopeSender(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{BounceAfter: time.Millisecond})
	deliver(t, s, "bounce+token77@postroom.example", "bounce-1@customer.example",
		gosmtp.MailOptions{EnvelopeID: "token77", Return: gosmtp.DSNReturnHeaders},
		gosmtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyFailure}, OriginalRecipientType: gosmtp.DSNAddressTypeRFC822, OriginalRecipient: "bounce-1@customer.example"})
	reports, err := s.Await(waiting(t), "bounce@postroom.example", 1)
	must(t, err)
	r := reports[0]
	if r.From != "Mail Delivery System <MAILER-DAEMON@devmail.localhost>" || r.Headers["Return-Path"][0] != "<>" || r.Headers["Auto-Submitted"][0] != "auto-replied" ||
		r.Headers["Delivered-To"][0] != "bounce+token77@postroom.example" || !strings.HasPrefix(r.Headers["Content-Type"][0], "multipart/report; report-type=delivery-status;") {
		t.Errorf("the report's header is %v", r.Headers)
	}
	if len(r.Attachments) != 2 || r.Attachments[0].Type != "message/delivery-status" || r.Attachments[1].Type != "text/rfc822-headers" {
		t.Fatalf("the report's parts are %v", r.Attachments)
	}
	status := string(r.Attachments[0].Content)
	for _, want := range []string{"Reporting-MTA: dns; devmail.localhost\r\n", "Original-Envelope-Id: token77\r\n",
		"Original-Recipient: rfc822;bounce-1@customer.example\r\n", "Final-Recipient: rfc822; bounce-1@customer.example\r\n",
		"Action: failed\r\n", "Status: 5.1.1\r\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status lacks %q:\n%s", want, status)
		}
	}
	returned := string(r.Attachments[1].Content)
	if !strings.Contains(returned, "Message-ID: <what.comes.back@customer.example>") || strings.Contains(returned, "Hello") {
		t.Errorf("RET=HDRS returned:\n%s", returned)
	}
	if got := s.Messages("bounce-1@customer.example", 10); len(got) > 0 {
		t.Error("the bounced mail was delivered as well")
	}
}

func TestDelayedMailIsReportedAndThenArrives(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{DelayAfter: time.Millisecond})
	must(t, submit(s, letter("slow"), "delay-1@customer.example"))
	mails, err := s.Await(waiting(t), "delay-1@customer.example", 1)
	must(t, err)
	if mails[0].Subject != "slow" {
		t.Errorf("arrived: %s", mails[0].Subject)
	}
	reports := s.Messages("ada@customer.example", 10)
	if len(reports) != 1 || !strings.Contains(string(reports[0].Attachments[0].Content), "Action: delayed\r\nStatus: 4.4.1\r\n") {
		t.Errorf("%d reports", len(reports))
	}
}

func TestNobodyIsToldWhoAskedNotToBeAndNeverTheNullSender(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{BounceAfter: time.Millisecond, DelayAfter: time.Millisecond})
	never := gosmtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyNever}}
	deliver(t, s, "quiet@postroom.example", "bounce-1@customer.example", gosmtp.MailOptions{}, never)
	deliver(t, s, "quiet@postroom.example", "delay-1@customer.example", gosmtp.MailOptions{}, gosmtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyFailure}})
	deliver(t, s, "", "bounce-2@customer.example", gosmtp.MailOptions{}, gosmtp.RcptOptions{})
	_, err := s.Await(waiting(t), "delay-1@customer.example", 1)
	must(t, err)
	deliver(t, s, "loud@postroom.example", "bounce-3@customer.example", gosmtp.MailOptions{Return: gosmtp.DSNReturnFull}, gosmtp.RcptOptions{})
	reports, err := s.Await(waiting(t), "loud@postroom.example", 1)
	must(t, err)
	if got := reports[0].Attachments[1]; got.Type != "message/rfc822" || !strings.Contains(string(got.Content), "Hello what comes back") {
		t.Errorf("RET=FULL returned %s", got.Type)
	}
	if got := s.Messages("quiet@postroom.example", 10); len(got) > 0 {
		t.Errorf("%d reports to a sender who wanted none", len(got))
	}
}

func TestReportThatIsOwedSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	clock := func() time.Time { return now }
	s := start(t, devmail.Options{Dir: dir, BounceAfter: time.Hour, Now: clock})
	must(t, submit(s, letter("x"), "bounce-1@customer.example"))
	must(t, s.Close())
	s = start(t, devmail.Options{Dir: dir, Now: func() time.Time { return now.Add(2 * time.Hour) }})
	_, err := s.Await(waiting(t), "ada@customer.example", 1)
	must(t, err)
	must(t, s.Close())
	s = start(t, devmail.Options{Dir: dir, Now: func() time.Time { return now.Add(3 * time.Hour) }})
	must(t, submit(s, letter("y"), "bounce-2@customer.example"))
	if got := s.Messages("ada@customer.example", 10); len(got) != 1 {
		t.Errorf("%d reports, want the one", len(got))
	}
}

func TestFaultsStrikeAsOftenAsTheyWereInjected(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	kept := func() int { return len(s.Messages("bob@customer.example", 10)) }
	send := func() error { return submit(s, letter("x"), "bob@customer.example") }
	s.Inject(devmail.FaultRefuseConnection, 1)
	if err := send(); code(err) != 421 || kept() != 0 {
		t.Errorf("refused connection: %v, %d kept", err, kept())
	}
	s.Inject(devmail.FaultCutInData, 1)
	if err := send(); err == nil || kept() != 0 {
		t.Errorf("cut in DATA: %v, %d kept", err, kept())
	}
	s.Inject(devmail.FaultCutAfterDot, 1)
	if err := send(); err == nil || code(err) != 0 || kept() != 1 {
		t.Errorf("cut after the dot: %v, %d kept", err, kept())
	}
	if err := send(); err != nil || kept() != 2 {
		t.Errorf("afterwards: %v, %d kept", err, kept())
	}
	m := open(t, s)
	s.DropConnections()
	<-m.Closed()
}

func TestOversizedMailIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	c, err := gosmtp.Dial(s.SMTPAddr())
	must(t, err)
	defer c.Close()
	if size, ok := c.MaxMessageSize(); !ok || size != 40<<20 {
		t.Errorf("SIZE %d", size)
	}
	var refusal *gosmtp.SMTPError
	if err := c.Mail("a@x.example", &gosmtp.MailOptions{Size: 40<<20 + 1}); !errors.As(err, &refusal) || refusal.Code != 552 {
		t.Errorf("a mail of more than 40 MB: %v", err)
	}
}
