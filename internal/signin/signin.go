// Package signin is how we sign in to a mail server, by IMAP or SMTP: the mechanism is chosen among what the server offers, the safest
// that the credentials allow.
//
//	OAuth 2      OAUTHBEARER (RFC 7628), XOAUTH2
//	a password   SCRAM-SHA-256 (RFC 7677), SCRAM-SHA-1 (RFC 5802), PLAIN (RFC 4616), LOGIN
//
// PLAIN, LOGIN and the two of OAuth give the server what it needs to be us: they are used on private connections only, with TLS or within
// this machine. SCRAM does not, and proves too that the server knows the password. With an access token no password is ever tried.
package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/postroom/postroom"
)

// Mechanism is a SASL mechanism.
type Mechanism string

// The mechanisms, the most preferred first of those for tokens and of those for passwords.
const (
	OAuthBearer Mechanism = "OAUTHBEARER"
	XOAuth2     Mechanism = "XOAUTH2"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA1   Mechanism = "SCRAM-SHA-1"
	Plain       Mechanism = "PLAIN"
	Login       Mechanism = "LOGIN"
)

// Tokens are the access tokens of a mailbox (RFC 6749 section 1.4).
type Tokens interface {
	// Token gives one that is valid for some time to come.
	Token(context.Context) (string, error)
	// Reject says that a server did not take a token: the next one is another.
	Reject(token string)
}

// Credentials are what the server is shown. They are never printed: what holds them does not print itself.
type Credentials struct {
	Username, Password string
	Tokens             Tokens    // not nil: OAuth 2, and Password is not used
	Mechanism          Mechanism // the only one that may be used; empty: any
}

// Server is what is known of the server.
type Server struct {
	Host    string
	Port    int
	Offers  func(Mechanism) bool
	Private bool // with TLS, or on this machine
}

// ErrNothingInCommon says that the server offers no mechanism that may be used.
var ErrNothingInCommon = errors.New("signin: no mechanism in common")

// Choose gives the best mechanism that the server offers and the credentials allow; none if there is nothing in common.
func (c Credentials) Choose(server Server) (m Mechanism, ok bool) {
	for _, m := range c.able() {
		if server.Offers(m) && (server.Private || m == ScramSHA256 || m == ScramSHA1) {
			return m, true
		}
	}
	return "", false
}

func (c Credentials) able() []Mechanism {
	all := []Mechanism{ScramSHA256, ScramSHA1, Plain, Login}
	if c.Tokens != nil {
		all = []Mechanism{OAuthBearer, XOAuth2}
	}
	for _, m := range all {
		if m == c.Mechanism {
			return []Mechanism{m}
		}
	}
	if c.Mechanism != "" {
		return nil
	}
	return all
}

// Do signs in. exchange runs one SASL exchange, and refused says of its error whether the server refused the credentials. A token that is
// refused is replaced once: a server may know that it was withdrawn before it expires. Errors are exchange's; ErrNothingInCommon; those of
// Tokens; and Refused where a server that speaks SCRAM does not know the password.
func (c Credentials) Do(ctx context.Context, server Server, exchange func(sasl.Client) error, refused func(error) bool) error {
	m, ok := c.Choose(server)
	if !ok {
		return ErrNothingInCommon
	}
	if c.Tokens == nil {
		return c.withPassword(m, exchange)
	}
	for again := false; ; again = true {
		token, err := c.Tokens.Token(ctx)
		if err != nil {
			return err
		}
		err = exchange(&bearer{mechanism: m, username: c.Username, token: token, host: server.Host, port: server.Port})
		if err == nil || !refused(err) {
			return err
		}
		c.Tokens.Reject(token)
		if again {
			return err
		}
	}
}

func (c Credentials) withPassword(m Mechanism, exchange func(sasl.Client) error) error {
	switch m {
	case Plain:
		return exchange(sasl.NewPlainClient("", c.Username, c.Password))
	case Login:
		return exchange(&login{answers: []string{c.Username, c.Password}})
	}
	client, err := newScram(m, c.Username, c.Password)
	if err != nil {
		return err
	}
	if err := exchange(client); err != nil {
		return err
	}
	if !client.proved() {
		return postroom.Refused(ReasonServerUnproved, "The mail server let us in without proving that it knows the password")
	}
	return nil
}

// ReasonServerUnproved says that a server said yes in the middle of SCRAM: it may be another one than it seems.
const ReasonServerUnproved postroom.Reason = "mail_server_unproved"

// String tells the name of the kind of credentials only.
func (c Credentials) String() string {
	if c.Tokens != nil {
		return "credentials(oauth)"
	}
	return "credentials(password)"
}

// GoString tells the same.
func (c Credentials) GoString() string { return c.String() }

// Format tells the same, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.String()) }
