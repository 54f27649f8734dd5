package email

import (
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

// Complaint is what a feedback report says (RFC 5965): a recipient called a mail spam, or wants no more.
type Complaint struct {
	// Type is the Feedback-Type in lower case: abuse, fraud, virus, opt-out, not-spam, other (RFC 5965 section 7.3), auth-failure (RFC 6591).
	Type string
	// Recipients are those who complain, where the report does not hide them; at most 100.
	Recipients []string
	// OriginalMessageID is the Message-ID of the mail complained about; "" when the report does not carry it.
	OriginalMessageID postroom.InternetMessageID
	// EnvelopeID is the ENVID that the mail was submitted with; "" when absent.
	EnvelopeID string
}

// ReadComplaint reads a mail that [Automatic] calls a [FeedbackReport].
func ReadComplaint(m Mail) Complaint {
	d := dissect(m)
	c := Complaint{Type: "abuse", OriginalMessageID: d.originalMessageID(m)}
	if m.HasField("X-Apple-Unsubscribe") {
		return Complaint{Type: "opt-out", Recipients: addressesOf(m.From), OriginalMessageID: c.OriginalMessageID}
	}
	for _, group := range d.feedback {
		for _, f := range group {
			switch {
			case equalFold(f.Name, "Feedback-Type"):
				c.Type = strings.ToLower(firstWord(strings.TrimSpace(f.Value)))
			case equalFold(f.Name, "Original-Envelope-Id"):
				c.EnvelopeID = f.Value
			case equalFold(f.Name, "Original-Rcpt-To"), equalFold(f.Name, "Removal-Recipient"), equalFold(f.Name, "Redacted-Address"):
				if address := reportedAddress(f.Value); address != "" && !slices.Contains(c.Recipients, address) && len(c.Recipients) < maxBounced {
					c.Recipients = append(c.Recipients, address)
				}
			}
		}
	}
	if address := d.originalRecipient(); len(c.Recipients) == 0 && address != "" {
		c.Recipients = []string{address}
	}
	return c
}

func addressesOf(list []Address) []string {
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return all
}

// Notified is what a receipt says: that a recipient saw a mail or threw it away unseen (RFC 8098), or that a server took it (RFC 3464).
type Notified struct {
	// Recipient is whose mailbox it was; "" when the receipt does not say.
	Recipient string
	// Disposition is what happened, in lower case: displayed, deleted, dispatched, processed (RFC 8098 section 3.2.6.2), or the [Action]
	// of a delivery report.
	Disposition string
	// OriginalMessageID is the Message-ID of the mail; "" when the receipt does not carry it.
	OriginalMessageID postroom.InternetMessageID
	// EnvelopeID is the ENVID that the mail was submitted with; "" when absent.
	EnvelopeID string
}

// ReadReceipt reads a mail that [Automatic] calls a [Receipt]. A delivery report of several recipients gives the first; [ReadBounce] gives all.
func ReadReceipt(m Mail) Notified {
	d := dissect(m)
	for _, group := range d.receipt {
		if field(group, "Disposition") == "" && !namesRecipient(group) {
			continue
		}
		n := Notified{Recipient: reportedAddress(field(group, "Original-Recipient")), Disposition: disposition(field(group, "Disposition"))}
		if n.Recipient == "" {
			n.Recipient = reportedAddress(field(group, "Final-Recipient"))
		}
		if n.OriginalMessageID = firstID(field(group, "Original-Message-ID")); n.OriginalMessageID == "" {
			n.OriginalMessageID = d.originalMessageID(m)
		}
		return n
	}
	b := ReadBounce(m)
	n := Notified{OriginalMessageID: b.OriginalMessageID, EnvelopeID: b.EnvelopeID}
	if len(b.Recipients) > 0 {
		r := b.Recipients[0]
		n.Recipient, n.Disposition = firstNonEmpty(r.Original, r.Address), string(r.Action)
	}
	return n
}

// disposition is the type in a field such as "manual-action/MDN-sent-manually; displayed/error".
func disposition(s string) string {
	_, s, found := strings.Cut(s, ";")
	if !found {
		return ""
	}
	s, _, _ = strings.Cut(s, "/")
	return strings.ToLower(firstWord(strings.TrimSpace(s)))
}
