package store

import (
	"encoding/json"

	"github.com/postroom/postroom"
)

// Identity says whether a mail is from the address that it names, by the word of the organisation's own mail server (R48).
type Identity string

// The identities of senders.
const (
	IdentityUndecided Identity = ""
	IdentityProved    Identity = "proved"
	IdentityRefuted   Identity = "refuted"
)

// Trust is what is known of who wrote a mail. Names and domains passed the scanner.
type Trust struct {
	Identity Identity
	Hop      postroom.Text // the server whose word it is; empty if there is none
	// What that server said of SPF, DKIM and DMARC (RFC 8601): "pass", "fail", "softfail", "neutral", "none", or "" for nothing.
	SPF, DKIM, DMARC string
	DKIMDomain       postroom.Text // of the signature
	DMARCFrom        postroom.Text // that DMARC was judged of
	Elsewhere        bool          // Reply-To names another organisation than From
	Spam             bool          // a server of the organisation took it for spam, and the mailbox believes that
}

type trustRow struct {
	Hop        string `json:"hop,omitzero"`
	SPF        string `json:"spf,omitzero"`
	DKIM       string `json:"dkim,omitzero"`
	DKIMDomain string `json:"dkim_domain,omitzero"`
	DMARC      string `json:"dmarc,omitzero"`
	DMARCFrom  string `json:"dmarc_from,omitzero"`
}

// row is a verdict as the database keeps it.
func (t Trust) row() []byte {
	b, err := json.Marshal(trustRow{t.Hop.Reveal(), t.SPF, t.DKIM, t.DKIMDomain.Reveal(), t.DMARC, t.DMARCFrom.Reveal()})
	if err != nil {
		panic(err) // strings only
	}
	return b
}
