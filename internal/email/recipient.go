package email

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/postroom/postroom"
)

// Bounds of what stands in an envelope (RFC 5321 section 4.5.3.1).
const (
	maxMailable  = 254 // of an address, in bytes
	maxLocalPart = 64  // of what stands before its @
)

// Envelope says to whom a mail goes. Who is in Bcc stands in no mail.
type Envelope struct{ To, Cc, Bcc []Address }

// Count is how many recipients there are.
func (e Envelope) Count() int { return len(e.To) + len(e.Cc) + len(e.Bcc) }

// Answered is what of a mail says to whom an answer goes.
type Answered struct {
	From    Address
	ReplyTo []Address
	To, Cc  []Address
	Ours    bool // we wrote it: an answer goes to whom it went
}

// AnswerTo says whom an answer is for.
type AnswerTo string

// The answers.
const (
	AnswerSender AnswerTo = "reply"     // to who wrote
	AnswerAll    AnswerTo = "reply_all" // and to everybody who got the mail, as far as it says
)

// Answer proposes the recipients of an answer (R15): Reply goes to Reply-To, else to From; Reply all also to the original To and Cc; none of our
// own addresses, nobody twice, never Bcc. What is no address that mail can be sent to is passed over. An answer to a mail of ours goes to whom that went.
func Answer(m Answered, to AnswerTo, own OwnAddresses) Envelope {
	var e Envelope
	for _, senders := range [][]Address{m.ReplyTo, {m.From}} {
		if m.Ours {
			senders = m.To
		}
		if e.To = answerable(senders, own, nil); len(e.To) > 0 {
			break // a Reply-To that names nobody but us says nothing
		}
	}
	if to == AnswerAll {
		e.To = append(e.To, answerable(m.To, own, e.To)...)
		e.Cc = answerable(m.Cc, own, e.To)
	}
	return e
}

// answerable are the addresses to which an answer may go, but for those who get it anyway.
func answerable(from []Address, own OwnAddresses, but []Address) []Address {
	var kept []Address
	for _, a := range from {
		same := func(b Address) bool { return sameMailbox(a.Address, b.Address) }
		if IsMailable(a.Address) && !own.Has(a.Address) && !slices.ContainsFunc(kept, same) && !slices.ContainsFunc(but, same) {
			kept = append(kept, tidy(a))
		}
	}
	return kept
}

// Tidy is the envelope that somebody asks for as it can be sent: nobody twice, in the first field that names him, and none of our own addresses, which
// are returned. Without a recipient in To it is Invalid with reason no_recipient, with one who has no address bad_recipient, with more than
// postroom.MaxRecipients too_many_recipients.
func (e Envelope) Tidy(own OwnAddresses) (Envelope, []Address, error) {
	var out Envelope
	var ours []Address
	var taken []string
	for _, field := range []struct {
		name string
		from []Address
		to   *[]Address
	}{{"To", e.To, &out.To}, {"Cc", e.Cc, &out.Cc}, {"Bcc", e.Bcc, &out.Bcc}} {
		for i, a := range field.from {
			a = tidy(a)
			switch {
			case !IsMailable(a.Address):
				return out, nil, postroom.Invalid(postroom.ReasonBadRecipient, fmt.Sprintf("entry %d of %s is no mail address", i+1, field.name))
			case slices.ContainsFunc(taken, func(b string) bool { return sameMailbox(a.Address, b) }):
				continue
			case own.Has(a.Address):
				ours = append(ours, a)
				continue
			}
			taken = append(taken, a.Address)
			*field.to = append(*field.to, a)
		}
	}
	switch {
	case out.Count() > postroom.MaxRecipients:
		return out, ours, postroom.Invalid(postroom.ReasonTooManyRecipients, "a mail may have at most 50 recipients")
	case len(out.To) == 0:
		return out, ours, postroom.Invalid(postroom.ReasonNoRecipient, "a mail needs somebody in To who is not one of our own mailboxes")
	}
	return out, ours, nil
}

func tidy(a Address) Address {
	return Address{Name: strings.TrimSpace(cleanLine(a.Name)), Address: strings.TrimSpace(a.Address)}
}

// sameMailbox compares two addresses: domains are the same in any case, local parts as they are written (RFC 5321 section 2.4).
func sameMailbox(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i > 0 && j > 0 && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

// IsMailable reports whether a mail can be addressed so: a local part without quotation, and a domain by name. Which characters the local part has is for
// the mail server to say: providers allow what RFC 5321 does not.
func IsMailable(address string) bool {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || len(local) > maxLocalPart || len(address) > maxMailable {
		return false
	}
	if strings.ContainsFunc(local, func(c rune) bool { return !isVisible(c) || strings.ContainsRune("<>()[],;:\\\"", c) }) {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notOfDomain) {
			return false
		}
	}
	return true
}

// isVisible leaves out what is not seen, or changes how the rest is read.
func isVisible(c rune) bool {
	return c > ' ' && c != unicode.ReplacementChar && (c < 0x7f || unicode.IsLetter(c) || unicode.IsNumber(c) || unicode.IsMark(c))
}

func notOfDomain(c rune) bool {
	return c != '-' && c != '_' && (!isVisible(c) || c < 0x7f && !unicode.IsLetter(c) && !unicode.IsDigit(c))
}

// OwnAddresses are those at which we get mail: whoever answers them answers us.
type OwnAddresses map[string]bool

// Own makes them of the addresses of mailboxes and entry points.
func Own(addresses []string) OwnAddresses {
	own := OwnAddresses{}
	for _, a := range addresses {
		own[withoutTag(a)] = true
	}
	return own
}

// Has reports whether an address is one of ours, with a tag or without.
func (o OwnAddresses) Has(address string) bool { return o[withoutTag(address)] }

func withoutTag(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return address
	}
	local, _, tagged := strings.Cut(address[:at], "+")
	if !tagged || local == "" {
		return address
	}
	return local + address[at:]
}
