package activities

import (
	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/trust"
)

// trust is what the mailbox's own mail server found out about the sender of a mail (R48).
func (r *reader) trust(raw []byte, m email.Mail, of postroom.Mailbox) store.Trust {
	v := trust.Judge(email.Trace(raw, trust.Fields()...), m, trust.Policy{AuthServIDs: of.AuthServIDs})
	return store.Trust{Identity: store.Identity(v.Identity), Hop: r.silent(v.Hop), SPF: string(v.SPF), DKIM: string(v.DKIM), DMARC: string(v.DMARC),
		DKIMDomain: r.silent(v.DKIMDomain), DMARCFrom: r.silent(v.DMARCFrom), Elsewhere: v.ReplyTo == trust.Elsewhere, Spam: v.Spam && of.SpamHeader}
}
