package keyring

import (
	"strings"

	"github.com/postroom/postroom"
)

// ReasonServersChanged says that a refresh token was handed in for other servers than the mailbox has now.
const ReasonServersChanged postroom.Reason = "authorized_for_other_servers"

// SealRefreshToken encrypts the refresh token of a mailbox (R39). It opens for the same mailbox, client, token endpoint and mail servers only: who
// may edit the configuration could have it sent to a server of his own otherwise.
func (r *Ring) SealRefreshToken(m postroom.Mailbox, token string) ([]byte, error) {
	return r.Seal(Credentials, []byte(token), authorizedFor(m))
}

// OpenRefreshToken decrypts what SealRefreshToken made. For other servers it is Refused (ReasonServersChanged).
func (r *Ring) OpenRefreshToken(m postroom.Mailbox, sealed []byte) (postroom.Secret, error) {
	token, err := r.Open(Credentials, sealed, authorizedFor(m))
	if postroom.ReasonOf(err) == ReasonSealBroken {
		return postroom.Secret{}, postroom.Refused(ReasonServersChanged,
			"The refresh token was handed in for other servers, another client or another key ring: hand it in again with `postroom mailbox authorize`")
	}
	if err != nil {
		return postroom.Secret{}, err
	}
	return postroom.NewSecret(string(token)), nil
}

// authorizedFor names who sees a mailbox's refresh token and the access tokens that come of it.
func authorizedFor(m postroom.Mailbox) string {
	parts := []string{"refresh token", string(m.ID), m.OAuth.TokenURL, m.OAuth.ClientID}
	for _, s := range []postroom.MailServer{m.IMAP, m.SMTP} {
		host := strings.ToLower(s.Host)
		if s.Secret != "" { // it is shown a password
			host = ""
		}
		parts = append(parts, host)
	}
	return strings.Join(parts, "\n")
}
