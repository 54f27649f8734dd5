package activities

import (
	"strconv"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/store"
)

// report reads what a bounce, a receipt or a feedback report says of our own mail (R34); nil for a mail of another kind. What leads to that
// mail is proved here, where the keys are: the store only looks up ids that nobody else could have made, or knows without having the mail.
func (r *reader) report(kind email.Kind, m email.Mail, deliveredTo []string) *store.Report {
	report := &store.Report{Kind: string(kind)}
	switch kind {
	case email.Bounce:
		b := email.ReadBounce(m)
		report.Traces = r.traces(deliveredTo, b.EnvelopeID, b.OriginalMessageID)
		for _, to := range b.Recipients {
			report.Recipients = append(report.Recipients, r.reported(to))
		}
	case email.Receipt:
		n := email.ReadReceipt(m)
		report.Traces = r.traces(deliveredTo, n.EnvelopeID, n.OriginalMessageID)
		report.Recipients = []store.Reported{{Address: r.silent(n.Recipient), Action: word(n.Disposition)}}
	case email.FeedbackReport:
		c := email.ReadComplaint(m)
		report.Traces = r.traces(deliveredTo, c.EnvelopeID, c.OriginalMessageID)
		for _, address := range c.Recipients {
			report.Recipients = append(report.Recipients, store.Reported{Address: r.silent(address), Action: word(c.Type)})
		}
		if len(c.Recipients) == 0 {
			report.Recipients = []store.Reported{{Action: word(c.Type)}}
		}
	default:
		return nil
	}
	return report
}

func (r *reader) reported(to email.BouncedRecipient) store.Reported {
	address := to.Original
	if address == "" {
		address = to.Address
	}
	code, err := strconv.Atoi(to.ReplyCode)
	if err != nil || code < 200 || code > 599 {
		code = 0
	}
	return store.Reported{Address: r.silent(address), Action: word(string(to.Action)), Status: to.Status, Class: to.Class(), Failed: to.Failed(),
		Hard: to.Hard, ReplyCode: code, Diagnostic: r.silent(to.Diagnostic)}
}

// word bounds a keyword that strangers wrote: lower-case letters and dashes, or it is none that we know.
func word(s string) string {
	for _, c := range s {
		if (c < 'a' || c > 'z') && c != '-' {
			return "other"
		}
	}
	return s[:min(len(s), 20)]
}

// traces are the ways that lead from a report to our mail, the strongest first: the address that it was sent to, the envelope's id, the
// Message-ID of the mail that came back.
func (r *reader) traces(deliveredTo []string, envelopeID string, original postroom.InternetMessageID) []store.Trace {
	var traces []store.Trace
	for _, address := range deliveredTo {
		if plus := r.keys.OpenPlus(r.mailbox, address); plus.Outbox != "" {
			traces = append(traces, store.Trace{Outbox: plus.Outbox, By: store.ByToken})
		}
	}
	if id, err := uuid.Parse(envelopeID); err == nil {
		traces = append(traces, store.Trace{Outbox: postroom.OutboxID(id.String()), By: store.ByEnvelopeID})
	}
	if id, ok := r.ours(original); ok {
		traces = append(traces, store.Trace{Outbox: id, By: store.ByMessageID})
	}
	return traces
}

// ours gives the reply that has one of our Message-IDs; ok is false for every id that our keys did not make.
func (r *reader) ours(id postroom.InternetMessageID) (postroom.OutboxID, bool) {
	name, ok := r.keys.VerifyMessageID(id)
	if !ok || uuid.Validate(name) != nil {
		return "", false
	}
	return postroom.OutboxID(name), true
}

// deliveredTo lists the addresses that a mail was delivered to: of the envelope, as the servers on its way noted it, and of the header.
func deliveredTo(m email.Mail) []string {
	var all []string
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To"} {
		all = append(all, m.FieldValues(name)...)
	}
	for _, list := range [][]email.Address{m.To, m.Cc} {
		for _, a := range list {
			all = append(all, a.Address)
		}
	}
	return all[:min(len(all), 50)]
}
