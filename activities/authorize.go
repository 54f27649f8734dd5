package activities

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/oauth"
	"github.com/postroom/postroom/internal/signin"
	"github.com/postroom/postroom/internal/store"
)

// credentials are what a server of a mailbox is shown: a password, or else access tokens.
func (a *Activities) credentials(m postroom.Mailbox, server postroom.MailServer) (signin.Credentials, error) {
	with := signin.Credentials{Username: server.Username}
	if server.Secret == "" && m.OAuth != (postroom.OAuth{}) {
		with.Tokens, with.Mechanism = a.tokens(m), signin.Mechanism(strings.ToUpper(string(m.OAuth.Mechanism)))
		return with, nil
	}
	password, err := a.Secrets.Secret(server.Secret)
	with.Password = password.Reveal()
	return with, err
}

// authorized has a source of access tokens for each mailbox, which serves IMAP and SMTP.
type authorized struct {
	mu sync.Mutex
	by map[postroom.MailboxID]source
}

type source struct {
	oauth      postroom.OAuth
	imap, smtp postroom.MailServer
	*oauth.Source
}

// tokens gives a mailbox's source; a new one when its settings have changed.
func (a *Activities) tokens(m postroom.Mailbox) *oauth.Source {
	a.authorized.mu.Lock()
	defer a.authorized.mu.Unlock()
	have, known := a.authorized.by[m.ID]
	if known && have.oauth == m.OAuth && have.imap == m.IMAP && have.smtp == m.SMTP {
		return have.Source
	}
	made := oauth.NewSource(func(ctx context.Context) (oauth.Grant, error) { return a.renew(ctx, m) }, nil)
	if a.authorized.by == nil {
		a.authorized.by = map[postroom.MailboxID]source{}
	}
	a.authorized.by[m.ID] = source{m.OAuth, m.IMAP, m.SMTP, made}
	return made
}

// renew has an access token for the refresh token of a mailbox. One that comes in its place is sealed and stored before the access token is used.
func (a *Activities) renew(ctx context.Context, m postroom.Mailbox) (grant oauth.Grant, err error) {
	client := oauth.Client{TokenURL: m.OAuth.TokenURL, ID: m.OAuth.ClientID, Scope: m.OAuth.Scope}
	if m.OAuth.ClientSecret != "" {
		if client.Secret, err = a.Secrets.Secret(m.OAuth.ClientSecret); err != nil {
			return grant, err
		}
	}
	replaced := false
	err = a.Store.Renew(ctx, m.ID, func(ctx context.Context, now store.Authorization) (store.Renewed, error) {
		refresh, err := a.Keys.OpenRefreshToken(m, now.Sealed)
		if err != nil {
			return store.Renewed{}, err
		}
		if grant, err = client.Renew(ctx, refresh); errors.Is(err, oauth.ErrWithdrawn) {
			return store.Renewed{Problem: "invalid_grant"}, nil
		}
		if err != nil || grant.Refresh == "" {
			return store.Renewed{}, err
		}
		replaced = true
		sealed, err := a.Keys.SealRefreshToken(m, grant.Refresh)
		return store.Renewed{Sealed: sealed}, err
	})
	if err != nil {
		a.Log.WarnContext(ctx, "no access token for a mailbox", "mailbox", m.ID, "error", err)
		return oauth.Grant{}, err
	}
	a.Log.InfoContext(ctx, "an access token for a mailbox", "mailbox", m.ID, "expires", grant.Expires, "replaced", replaced)
	return grant, nil
}
