package store

import (
	"context"
	"strings"

	"github.com/postroom/postroom"
)

type serversRow struct{ IMAP, SMTP postroom.MailServer }

var selectServers = statement(`SELECT imap, smtp FROM mailbox`)

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
		for _, s := range []postroom.MailServer{r.IMAP, r.SMTP} {
			if given[s.Secret] == nil {
				given[s.Secret] = map[string]bool{}
			}
			given[s.Secret][strings.ToLower(s.Host)] = true
		}
	}
	for _, m := range c.Mailboxes {
		for _, s := range []postroom.MailServer{m.IMAP, m.SMTP} {
			if hosts, used := given[s.Secret]; used && !hosts[strings.ToLower(s.Host)] {
				return postroom.Refused("secret_host_changed", "mailbox "+string(m.ID)+": its secret was given for another host than "+s.Host+
					"; store the password again under a new name, and name that")
			}
		}
	}
	return nil
}
