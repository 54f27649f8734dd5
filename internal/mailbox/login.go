package mailbox

import (
	"context"
	"errors"
	"net"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/signin"
)

// login signs in with the best mechanism that the server offers, or with the command LOGIN where it offers none.
func (s *Session) login(ctx context.Context) error {
	var credentials error // ours, which the server never saw
	err := s.guard(ctx, s.config.CommandTimeout, func() error {
		if s.client.State() != imap.ConnStateNotAuthenticated {
			return nil // PREAUTH
		}
		caps := s.client.Caps()
		if caps == nil {
			return errNoCapabilities
		}
		with := signin.Credentials{Username: s.config.Username, Password: s.config.Password, Tokens: s.config.Tokens, Mechanism: s.config.Mechanism}
		server := signin.Server{Host: s.config.Host, Port: s.config.Port, Private: s.private(),
			Offers: func(m signin.Mechanism) bool { return caps.Has(imap.AuthCap(string(m))) }}
		err := with.Do(ctx, server, s.exchange, loginRefused)
		if errors.Is(err, signin.ErrNothingInCommon) {
			if with.Tokens != nil || with.Mechanism != "" || !server.Private || caps.Has(imap.CapLoginDisabled) {
				return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodePrivacyRequired}
			}
			err = s.client.Login(with.Username, with.Password).Wait()
		}
		var ours *postroom.Error
		if errors.As(err, &ours) {
			credentials = ours
			return nil
		}
		return err
	})
	if credentials != nil {
		return credentials
	}
	if loginRefused(err) {
		return &postroom.Error{Kind: postroom.KindRefused, Reason: ReasonLoginRefused, Message: "The mail server refuses the login", Err: reduce(err)}
	}
	if err != nil {
		return failure(ctx, "sign in", err)
	}
	return nil
}

// exchange is one AUTHENTICATE.
func (s *Session) exchange(client sasl.Client) error {
	s.wire.answering.Store(signin.EndsWithNothing(client))
	defer s.wire.answering.Store(false)
	return s.client.Authenticate(client)
}

// loginRefused reports whether a server said no to our credentials, and not for the moment only.
func loginRefused(err error) bool {
	var refusal *imap.Error
	return errors.As(err, &refusal) && !passing(refusal)
}

// private reports whether nobody on the way can listen: with TLS or on this machine, or the configuration says in as many words that the
// network is its own.
func (s *Session) private() bool {
	tcp, ok := s.wire.RemoteAddr().(*net.TCPAddr)
	return s.config.Security != SecurityNone || (ok && tcp.IP.IsLoopback())
}
