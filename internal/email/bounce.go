package email

import (
	"strings"

	"github.com/postroom/postroom"
)

// Bounds of what is read of a bounce.
const (
	maxBounced    = 100       // recipients
	maxNotice     = 64 << 10  // bytes of what it says to people
	maxReport     = 256 << 10 // bytes of what it says to machines
	maxDiagnostic = 2 << 10   // bytes kept of a diagnostic
)

// Bounced is what a bounce says about the mail that it is about. All of it was written by strangers: an address in it is what they
// claim, and counts only for mail that we sent there.
type Bounced struct {
	// Recipients are those that the bounce names, in its order; at most 100.
	Recipients []BouncedRecipient
	// OriginalMessageID is the Message-ID of the mail that came back; "" when the bounce does not carry it.
	OriginalMessageID postroom.InternetMessageID
	// EnvelopeID is the ENVID that the mail was submitted with (RFC 3461 section 4.4, Original-Envelope-Id of RFC 3464); "" when absent.
	EnvelopeID string
}

// BouncedRecipient is the fate of one recipient.
type BouncedRecipient struct {
	// Address is where the mail went in the end (Final-Recipient); it may be empty when the notice hides it.
	Address string
	// Original is the address that the sender gave, when the bounce tells it (Original-Recipient): the one we know.
	Original string
	// Action is what became of the mail (RFC 3464 section 2.3.3); inferred in a bounce that is no report.
	Action Action
	// Status is the enhanced status code (RFC 3463), such as 5.1.1. It is always there, but for a bounce that says nothing at all.
	Status string
	// StatusSource says whether the bounce states the status or we inferred it from the reply code or the wording.
	StatusSource StatusSource
	// ReplyCode is the reply of SMTP (RFC 5321 section 4.2.1), three digits; "" when none is quoted.
	ReplyCode string
	// Hard reports that the address itself is wrong or gone, so that it should be marked bad: no mailbox, no such domain, moved. A full
	// mailbox, a policy or a broken server is no reason to.
	Hard bool
	// Diagnostic is what the mail system said, on one line; at most 2 KB.
	Diagnostic string
}

// Action is the field of that name (RFC 3464 section 2.3.3).
type Action string

// The actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed" // no failure: the mail system goes on trying
	Delivered Action = "delivered"
	Relayed   Action = "relayed" // to a system that sends no reports
	Expanded  Action = "expanded"
)

// StatusSource is where a status comes from.
type StatusSource string

// The sources.
const (
	StatusStated   StatusSource = "stated"
	StatusInferred StatusSource = "inferred"
)

// Class is the class of the status (RFC 3463 section 3.1): "2" success, "4" persistent transient failure, "5" permanent failure; "" when
// there is no status.
func (r BouncedRecipient) Class() string {
	if r.Status == "" {
		return ""
	}
	return r.Status[:1]
}

// Failed reports whether the mail was not delivered and will not be tried again. A delay is no failure.
func (r BouncedRecipient) Failed() bool { return r.Action == Failed }

// Bad are the addresses that should not be written to again: those of hard bounces, as the sender wrote them where that is known.
func (b Bounced) Bad() []string {
	var bad []string
	for _, r := range b.Recipients {
		address := r.Original
		if address == "" {
			address = r.Address
		}
		if r.Failed() && r.Hard && address != "" {
			bad = append(bad, address)
		}
	}
	return bad
}

// ReadBounce reads a mail that [Automatic] calls a [Bounce]: its report for machines (RFC 3464) where there is one, else what it says to
// people. The second is guesswork, in as many dialects as there are mail systems.
func ReadBounce(m Mail) Bounced {
	d := dissect(m)
	b := Bounced{OriginalMessageID: d.originalMessageID(m)}
	for _, group := range d.status {
		if b.EnvelopeID == "" {
			b.EnvelopeID = field(group, "Original-Envelope-Id")
		}
	}
	b.Recipients = d.reported()
	if len(b.Recipients) == 0 {
		b.Recipients = d.told(m)
	}
	return b
}

// reported reads the recipients of a report.
func (d dissected) reported() []BouncedRecipient {
	var all []BouncedRecipient
	notes := readNotice(d.notice, d.senders)
	groups := d.recipientGroups()
	delayed := tellsDelay(d.notice)
	for _, group := range groups {
		r := BouncedRecipient{
			Address:  reportedAddress(field(group, "Final-Recipient")),
			Original: reportedAddress(field(group, "Original-Recipient")),
			Action:   readAction(field(group, "Action")),
		}
		if r.Address == "" {
			r.Address = r.Original
		}
		diagnostic := diagnosticText(field(group, "Diagnostic-Code"))
		note := notes.about(r.Address, r.Original)
		r.settle(findings{
			field:      field(group, "Status"),
			diagnostic: diagnostic,
			note:       note,
			alone:      d.alone(len(groups)),
			delayed:    delayed,
		})
		all = append(all, r)
	}
	return all
}

// told reads the recipients of a bounce that is no report.
func (d dissected) told(m Mail) []BouncedRecipient {
	notes := readNotice(d.notice, d.senders)
	if len(notes) == 0 {
		for _, value := range m.FieldValues("X-Failed-Recipients") {
			for _, a := range parseAddresses([]byte(value), &defects{}) {
				notes = append(notes, note{address: a.Address})
			}
		}
	}
	if len(notes) == 0 {
		notes = notesOf{{address: d.originalRecipient()}}
	}
	delayed := tellsDelay(m.Subject + "\n" + d.notice)
	var all []BouncedRecipient
	for _, n := range notes {
		if len(all) == maxBounced {
			break
		}
		r := BouncedRecipient{Address: n.address}
		if bare(n) {
			n.text = "" // the reason stands elsewhere
		}
		r.settle(findings{note: n.text, alone: d.alone(len(notes)), delayed: delayed})
		all = append(all, r)
	}
	return all
}

// recipientGroups are the groups that are about recipients, of each recipient the first: a broken report can be in a mail twice.
func (d dissected) recipientGroups() [][]Field {
	var groups [][]Field
	seen := map[string]bool{}
	for _, group := range d.status {
		address := strings.ToLower(reportedAddress(field(group, "Final-Recipient")))
		if !isRecipientGroup(group) || len(groups) == maxBounced || address != "" && seen[address] {
			continue
		}
		seen[address] = true
		groups = append(groups, group)
	}
	return groups
}

// alone is the notice, if it is about one recipient.
func (d dissected) alone(recipients int) string {
	if recipients != 1 {
		return ""
	}
	return d.notice
}

// readAction reads an Action field; comments and unknown words are dropped.
func readAction(s string) Action {
	switch a := Action(strings.ToLower(firstWord(strings.TrimSpace(s)))); a {
	case Failed, Delayed, Delivered, Relayed, Expanded:
		return a
	case "deliverable": // the answer to a question that only tests an address
		return Delivered
	case "failure", "fail":
		return Failed
	case "delay", "deferred":
		return Delayed
	}
	return ""
}
