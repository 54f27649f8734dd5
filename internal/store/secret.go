package store

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

type serversRow struct {
	IMAP, SMTP postroom.MailServer
	OAuth      postroom.OAuth
}

var selectServers = statement(`SELECT imap, smtp, oauth FROM mailbox`)

// shown is a secret with the host that it is shown to.
type shown struct{ secret, host string }

// secretsOf lists what is shown to whom. The refresh token is bound to its servers by its seal (internal/keyring).
func secretsOf(imap, smtp postroom.MailServer, oauth postroom.OAuth) []shown {
	endpoint, _ := url.Parse(oauth.TokenURL)
	if endpoint == nil {
		endpoint = &url.URL{}
	}
	all := []shown{{imap.Secret, imap.Host}, {smtp.Secret, smtp.Host}, {oauth.ClientSecret, endpoint.Hostname()}}
	return slices.DeleteFunc(all, func(s shown) bool { return s.secret == "" })
}

// guardSecrets refuses a configuration that would send a secret to another host than those it was given for (R39): who may edit the
// configuration could read the password otherwise, at a server of his own. Retired mailboxes count, so that no detour over a removal helps.
// The password is given again under a new name.
func guardSecrets(ctx context.Context, tx *txn, c postroom.Configuration) error {
	given := map[string]map[string]bool{} // hosts by secret
	rows, err := all[serversRow](ctx, tx, selectServers)
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, s := range secretsOf(r.IMAP, r.SMTP, r.OAuth) {
			if given[s.secret] == nil {
				given[s.secret] = map[string]bool{}
			}
			given[s.secret][strings.ToLower(s.host)] = true
		}
	}
	for _, m := range c.Mailboxes {
		for _, s := range secretsOf(m.IMAP, m.SMTP, m.OAuth) {
			if hosts, used := given[s.secret]; used && !hosts[strings.ToLower(s.host)] {
				return postroom.Refused("secret_host_changed", "mailbox "+string(m.ID)+": its secret was given for another host than "+s.host+
					"; store the password again under a new name, and name that")
			}
		}
	}
	return nil
}
