package devmail

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// maxMail is the largest mail that is taken, in bytes: 25 MB of attachments (R16) in base64, and room for the rest.
const maxMail = 40 << 20

// hostname is how the server calls itself in greetings, Received fields and reports.
const hostname = "devmail.localhost"

var errTryLater = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The mail could not be kept, try again later"}

// rcpt is one accepted recipient.
type rcpt struct {
	address  string
	account  string
	notify   []smtp.DSNNotify
	original string // ORCPT, with its type: "rfc822;user@example.org"
}

// submission is one mail on its way in, by SMTP or from the page.
type submission struct {
	from       string // envelope sender; "" for <>
	envelopeID string // ENVID
	full       bool   // RET=FULL
	rcpts      []rcpt
	via        string // for the Received field: "from [127.0.0.1] … with ESMTP"
}

// add adds a recipient, or says how its address refuses.
func (sub *submission) add(address string, options *smtp.RcptOptions) error {
	account, ok := accountOf(address)
	if !ok {
		return &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "Not a mail address"}
	}
	if refuse := mannerOf(address).refuse; refuse != nil {
		return refuse
	}
	r := rcpt{address: address, account: account, notify: options.Notify}
	if options.OriginalRecipient != "" {
		r.original = strings.ToLower(string(options.OriginalRecipientType)) + ";" + options.OriginalRecipient
	}
	sub.rcpts = append(sub.rcpts, r)
	return nil
}

// accept keeps a mail for all its recipients: when it returns nil, the mail and what is owed for it survive a crash.
func (s *Server) accept(sub submission, raw []byte) error {
	now := s.store.now()
	var parcels []parcel
	for _, r := range sub.rcpts {
		// Return-Path and Delivered-To are what a server adds at final delivery (RFC 5321 section 4.4); Delivered-To keeps the "+tag".
		received := fmt.Sprintf("Received: %s\r\n\tfor <%s>; %s\r\n", sub.via, r.address, now.Format(time.RFC1123Z))
		trace := fmt.Sprintf("Return-Path: <%s>\r\nDelivered-To: %s\r\n%s", sub.from, r.address, received)
		m := mannerOf(r.address)
		p := parcel{account: r.account, raw: append([]byte(trace), raw...)}
		if m.report != "" {
			p.report = s.newReport(sub, r, m, now)
		}
		parcels = append(parcels, p)
	}
	if err := s.store.deliver(parcels); err != nil {
		s.logger.Error("devmail: a mail could not be kept", "size", len(raw), "recipients", len(sub.rcpts), "error", err)
		return errTryLater
	}
	return nil
}

// smtpSession is one SMTP connection.
type smtpSession struct {
	server *Server
	conn   *smtp.Conn
	submission
}

// Mail begins a mail.
func (c *smtpSession) Mail(from string, options *smtp.MailOptions) error {
	if _, ok := accountOf(from); !ok && from != "" {
		return &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "Not a mail address"}
	}
	host, _, _ := net.SplitHostPort(c.conn.Conn().RemoteAddr().String())
	c.submission = submission{
		from: from, envelopeID: options.EnvelopeID, full: options.Return == smtp.DSNReturnFull,
		via: fmt.Sprintf("from %s ([%s])\r\n\tby %s with ESMTP", oneWord(c.conn.Hostname()), host, hostname),
	}
	return nil
}

// Rcpt adds a recipient: any, at any domain, unless its name says otherwise.
func (c *smtpSession) Rcpt(to string, options *smtp.RcptOptions) error { return c.add(to, options) }

// Data takes the mail.
func (c *smtpSession) Data(r io.Reader) error {
	if c.server.faults.take(FaultCutInData) {
		_, _ = io.CopyN(io.Discard, r, 1)
		return c.cut()
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		var refusal *smtp.SMTPError
		if errors.As(err, &refusal) {
			return refusal
		}
		return errTryLater // the connection was lost: nothing is kept, and nobody hears this
	}
	if err := c.server.accept(c.submission, raw); err != nil {
		return err
	}
	if c.server.faults.take(FaultCutAfterDot) {
		return c.cut()
	}
	if c.server.faults.take(FaultSilentAfterDot) {
		<-c.server.stopping
		return c.cut()
	}
	return nil
}

func (c *smtpSession) cut() error {
	_ = c.conn.Conn().Close()
	return errTryLater
}

// Reset forgets the mail that was begun.
func (c *smtpSession) Reset() { c.submission = submission{} }

// Logout ends the session.
func (c *smtpSession) Logout() error {
	c.server.forget(c)
	return nil
}

// oneWord returns s without what could break out of a header field.
func oneWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
