package devmail

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// The values of Action that we report (RFC 3464 section 2.3.3).
const (
	actionFailed  = "failed"
	actionDelayed = "delayed"
)

// report is a delivery status notification that is owed to the sender of a mail.
type report struct {
	Action     string    `json:"action"`
	Status     string    `json:"status"`
	Reason     string    `json:"reason"`
	Sender     string    `json:"sender,omitempty"` // where it goes; "": nobody wants it
	Recipient  string    `json:"recipient"`
	Original   string    `json:"original,omitempty"`   // ORCPT
	EnvelopeID string    `json:"envelopeId,omitempty"` // ENVID
	Full       bool      `json:"full,omitempty"`       // return the whole mail, not only its header
	Arrived    time.Time `json:"arrived"`
	Due        time.Time `json:"due"`
	Account    string    `json:"account,omitempty"` // where the mail itself arrives when the report is made; "": nowhere

	id   uint64
	file uint64
}

// newReport makes what is owed for one recipient. Nobody is told who asked not to be (RFC 3461 section 4.1), and never <>.
func (s *Server) newReport(sub submission, to rcpt, m manner, now time.Time) *report {
	r := &report{Action: m.report, Status: m.status, Reason: m.reason, Sender: sub.from, Recipient: to.address, Original: to.original,
		EnvelopeID: sub.envelopeID, Full: sub.full, Arrived: now, Due: now.Add(s.options.BounceAfter)}
	wanted := smtp.DSNNotifyFailure
	if m.report == actionDelayed {
		r.Due, r.Account, wanted = now.Add(s.options.DelayAfter), to.account, smtp.DSNNotifyDelayed
	}
	if len(to.notify) > 0 && !slices.Contains(to.notify, wanted) {
		r.Sender = ""
	}
	return r
}

// sendReports delivers what is owed as it falls due, until ctx ends. What is owed then is owed after the next start.
func (s *Server) sendReports(ctx context.Context) {
	for ctx.Err() == nil {
		due, wait, changed := s.store.dueReport()
		if due != nil {
			if err := s.sendReport(due); err != nil {
				s.logger.Error("devmail: a report could not be delivered", "action", due.Action, "error", err)
				wait = time.Second
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-changed:
		}
		timer.Stop()
	}
}

// dueReport returns a report that is due; else how long it is until one is, at most an hour, and what to watch meanwhile.
func (s *store) dueReport() (due *report, wait time.Duration, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = time.Hour
	for _, r := range s.reports {
		left := r.Due.Sub(s.now())
		if left <= 0 {
			return r, 0, s.changed
		}
		wait = min(wait, left)
	}
	return nil, wait, s.changed
}

// sendReport delivers one report, and with a delayed one the mail itself, in one transaction.
func (s *Server) sendReport(r *report) error {
	raw, err := s.store.read(r.file)
	if err != nil {
		return err
	}
	var parcels []parcel
	if account, ok := accountOf(r.Sender); ok {
		parcels = append(parcels, parcel{account: account, raw: r.compose(raw, s.store.now())})
	}
	if r.Account != "" {
		parcels = append(parcels, parcel{account: r.Account, raw: raw})
	}
	return s.store.deliver(parcels, r.id)
}

// compose writes the report: a multipart/report (RFC 6522) of a text, the status (RFC 3464) and the mail or its header.
func (r *report) compose(raw []byte, now time.Time) []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	boundary := fmt.Sprintf("=_report_%d_%d", r.id, now.UnixNano())
	subject, first, kind := "Undelivered mail", "Your mail could not be delivered and is returned.", "message/rfc822"
	if r.Action == actionDelayed {
		subject, first = "Delayed mail", "Your mail is not delivered yet. It is tried again; you need not do anything."
	}
	returned := raw
	if !r.Full {
		kind = "text/rfc822-headers"
		returned, _ = splitMail(raw)
	}
	line("Return-Path: <>")
	line("Delivered-To: %s", r.Sender)
	line("Received: by %s; %s", hostname, now.Format(time.RFC1123Z))
	line("From: Mail Delivery System <MAILER-DAEMON@%s>", hostname)
	line("To: <%s>", r.Sender)
	line("Subject: %s", subject)
	line("Date: %s", now.Format(time.RFC1123Z))
	line("Message-ID: <report.%d.%d@%s>", r.id, now.UnixNano(), hostname)
	line("Auto-Submitted: auto-replied")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"", boundary)
	line("\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\n", boundary)
	line("%s\r\n\r\n<%s>: %s", first, r.Recipient, r.Reason)
	line("\r\n--%s\r\nContent-Type: message/delivery-status\r\n", boundary)
	line("Reporting-MTA: dns; %s", hostname)
	if r.EnvelopeID != "" {
		line("Original-Envelope-Id: %s", r.EnvelopeID)
	}
	line("Arrival-Date: %s\r\n", r.Arrived.Format(time.RFC1123Z))
	if r.Original != "" {
		line("Original-Recipient: %s", r.Original)
	}
	line("Final-Recipient: rfc822; %s", r.Recipient)
	line("Action: %s\r\nStatus: %s\r\nDiagnostic-Code: %s", r.Action, r.Status, r.Reason)
	line("\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n", boundary, kind)
	b.Write(returned)
	if !strings.HasSuffix(string(returned), "\n") {
		line("")
	}
	line("\r\n--%s--", boundary)
	return b.Bytes()
}
