// Package trust reads what the organisation's own mail server found out about the sender of a mail (R48): whether SPF, DKIM and DMARC speak for
// him (Authentication-Results, RFC 8601), and whether it took the mail for spam. It is pure, and computes nothing itself: who wrote a mail was
// known when it was handed in, and the server that took it wrote it down.
//
// A sender can write the same fields. So only those are believed whose authserv-id is configured, and which stand above the first foreign Received:
// what is above a Received field was written after it. Of these the topmost block between two Received fields decides, as everything that the sender
// wrote is below it; and in it the worst verdict counts, as he may have had his name quoted in the server's field. What remains to
// the server: it has to judge every mail, or to remove fields with its authserv-id that come from outside (RFC 8601 section 5), as most do.
//
// What is not known is unknown: never a pass, and never a fail.
package trust

import (
	"strings"

	"github.com/postroom/postroom/internal/email"
)

// Result is what one check said (RFC 8601 section 2.7).
type Result string

// The results. Temporary and permanent errors, and what no standard knows, say nothing.
const (
	Unknown  Result = ""
	Pass     Result = "pass"
	Fail     Result = "fail"
	SoftFail Result = "softfail"
	Neutral  Result = "neutral"
	None     Result = "none" // the domain asks for no such check, or the mail has no signature
)

// Identity says whether a mail is from the address that it names.
type Identity string

// The identities.
const (
	Undecided Identity = ""
	Proved    Identity = "proved"  // DMARC passed for the domain of the address that is shown
	Refuted   Identity = "refuted" // DMARC failed, or was judged of another domain
)

// Policy says which of a mail's fields are believed.
type Policy struct {
	// AuthServIDs are how the organisation's mail servers call themselves in Authentication-Results. Servers of the same registered domain
	// are the organisation's too. Microsoft 365 writes no authserv-id: it is meant by "outlook.com" and its other domains. None: nothing is believed.
	AuthServIDs []string
}

// Verdict is what is known of who wrote a mail. Domains are as the field has them: unscanned.
type Verdict struct {
	Hop        string // whose word it is: the authserv-id; "" if there is none to be believed
	SPF        Result
	DKIM       Result
	DKIMDomain string // d= of the signature that counts
	DMARC      Result
	DMARCFrom  string // the domain that DMARC was judged of
	Identity   Identity
	ReplyTo    Divergence
	Spam       bool // a server of the organisation took it for spam
}

// Divergence says whether answers to a mail go elsewhere than its From says.
type Divergence string

// The divergences.
const (
	Same      Divergence = ""
	Elsewhere Divergence = "elsewhere" // to another registered domain
)

// Fields are the names of the fields that [Judge] reads.
func Fields() []string {
	return append([]string{authenticationResults, received}, spamFields...)
}

const (
	authenticationResults = "Authentication-Results"
	received              = "Received"
)

// Judge says what is known of the writer of a mail: trace are the [Fields] of its header, from top to bottom, not decoded ([email.Trace]).
func Judge(trace []email.Field, m email.Mail, p Policy) Verdict {
	v := Verdict{ReplyTo: divergence(m)}
	if len(p.AuthServIDs) == 0 {
		return v
	}
	own, decided := newServers(p.AuthServIDs), false
	for _, b := range own.blocks(trace) {
		for _, f := range b.fields {
			if saysSpam(f) {
				v.Spam = true
			}
		}
		if decided {
			continue
		}
		if statements := b.statements(own); len(statements) > 0 {
			v.believe(statements, domainOf(m.From))
			decided = true
		}
	}
	return v
}

// believe takes over what the statements of one block say of a mail that names itself from a domain.
func (v *Verdict) believe(statements []statement, from string) {
	v.Hop = statements[0].id
	dmarc, judged := Result(""), false
	for _, s := range statements {
		for _, c := range s.checks {
			switch c.method {
			case "spf":
				if v.SPF == Unknown {
					v.SPF = c.result
				}
			case "dkim":
				if v.DKIM == Unknown || better(c, v.DKIM, v.DKIMDomain, from) {
					v.DKIM, v.DKIMDomain = c.result, c.domain
				}
			case "dmarc":
				if !judged || worse(c.result, dmarc) {
					dmarc, v.DMARCFrom, judged = c.result, c.domain, true
				}
			}
		}
	}
	v.DMARC = dmarc
	switch {
	case from == "" || !judged:
	case dmarc == Fail, dmarc == Pass && v.DMARCFrom != "" && !sameOrganisation(v.DMARCFrom, from):
		v.Identity = Refuted
	case dmarc == Pass && v.DMARCFrom != "":
		v.Identity = Proved
	}
}

// better reports whether a signature says more than the one that counts so far: one that holds does, and most one of the domain that is shown.
func better(c check, result Result, domain, from string) bool {
	if c.result != Pass {
		return false
	}
	return result != Pass || (sameOrganisation(c.domain, from) && !sameOrganisation(domain, from))
}

// worse orders results of one check by how little they prove: a failure counts, whatever else is said.
func worse(a, b Result) bool {
	order := map[Result]int{Fail: 0, Unknown: 1, None: 2, Pass: 3}
	return order[a] < order[b]
}

// domainOf is the domain of the address that people are shown as the sender's; "" if there is none.
func domainOf(addresses []email.Address) string {
	if len(addresses) == 0 {
		return ""
	}
	address := addresses[0].Address
	at := strings.LastIndexByte(address, '@') // the local part may have others
	if at < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(address[at+1:]))
}

// divergence compares where answers go with who the mail says it is from.
func divergence(m email.Mail) Divergence {
	from := domainOf(m.From)
	for _, to := range m.ReplyTo {
		if domain := domainOf([]email.Address{to}); from != "" && domain != "" && !sameOrganisation(from, domain) {
			return Elsewhere
		}
	}
	return Same
}
