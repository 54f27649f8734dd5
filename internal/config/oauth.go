package config

import (
	"net/url"

	"github.com/postroom/postroom"
)

const (
	maxClientID = 300
	maxScope    = 1000
)

var authorizings = object[postroom.OAuth]{
	one: "a way to sign in with OAuth 2",
	fields: []field[postroom.OAuth]{
		{"token_url", required, "Where access tokens come from: the provider's token endpoint (RFC 6749 section 3.2).",
			func(o *postroom.OAuth) value {
				return shaped(&o.TokenURL, "an https address without user name, query and fragment; http is for loopback hosts only", isTokenURL)
			}},
		{"client_id", required, "The name under which the provider knows this installation.",
			func(o *postroom.OAuth) value { return line(&o.ClientID, maxClientID) }},
		{"client_secret", optional, "Names the secret of that client, and never is it (R39). Without it the client has none.",
			func(o *postroom.OAuth) value { return secret(&o.ClientSecret) }},
		{"scope", optional, "The scopes that are asked for, separated by spaces. Without it: all that were granted.",
			func(o *postroom.OAuth) value { return line(&o.Scope, maxScope) }},
		{"mechanism", optional, "How a token is shown to the mail servers. Without it: as they offer, oauthbearer (RFC 7628) before xoauth2.",
			func(o *postroom.OAuth) value {
				return choice(&o.Mechanism, postroom.OAuthBearer, postroom.OAuthXOAuth2)
			}},
	},
}

// isTokenURL reports whether a refresh token may be sent to an address: nobody on the way may read it.
func isTokenURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > 500 || !isHost(u.Hostname()) || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return false
	}
	return u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname()))
}

// authorizing is left out where we sign in with passwords.
func authorizing(to *postroom.OAuth) value {
	return authorizingValue{nestedValue[postroom.OAuth]{authorizings, to}}
}

type authorizingValue struct{ nestedValue[postroom.OAuth] }

func (v authorizingValue) write(column int) string {
	if *v.to == (postroom.OAuth{}) {
		return ""
	}
	return v.nestedValue.write(column)
}

// checkSignIn makes sure that there is a way to sign in to both servers of a mailbox, and no way that is never taken.
func checkSignIn(r *reader, at spots, m postroom.Mailbox) {
	authorized := m.OAuth != postroom.OAuth{}
	for key, server := range map[string]postroom.MailServer{"imap": m.IMAP, "smtp": m.SMTP} {
		if server.Secret == "" && !authorized {
			r.wrong(at.of(key), "the key \"secret\" is missing, which names the password; or else the mailbox needs oauth")
		}
	}
	if authorized && m.IMAP.Secret != "" && m.SMTP.Secret != "" {
		r.wrong(at.of("oauth"), "both servers have a secret: a token would be shown to nobody")
	}
}
