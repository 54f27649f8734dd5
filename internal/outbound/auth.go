package outbound

import (
	"context"
	"errors"

	"github.com/emersion/go-smtp"

	"github.com/postroom/postroom/internal/signin"
)

// auth signs in with the best mechanism that the server offers.
func (a *attempt) auth(ctx context.Context) error {
	if a.config.Username == "" {
		return nil
	}
	with := signin.Credentials{Username: a.config.Username, Password: a.config.Password, Tokens: a.config.Tokens, Mechanism: a.config.Mechanism}
	server := signin.Server{Host: a.config.Host, Port: a.config.Port, Offers: func(m signin.Mechanism) bool { return a.client.SupportsAuth(string(m)) },
		Private: a.config.Security != SecurityNone || isLoopback(a.conn.RemoteAddr())}
	err := with.Do(ctx, server, a.client.Auth, func(err error) bool {
		var reply *smtp.SMTPError
		return errors.As(err, &reply) && reply.Code >= 500
	})
	if errors.Is(err, signin.ErrNothingInCommon) {
		return &smtp.SMTPError{Code: 504, EnhancedCode: smtp.EnhancedCode{5, 7, 4}}
	}
	return err
}
