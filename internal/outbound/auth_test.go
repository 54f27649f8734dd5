package outbound_test

import (
	"context"
	"errors"
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/signin"
)

// accessToken is a token that the server may refuse: the next one is good.
type accessToken struct{ refused bool }

// Token gives the present one.
func (a *accessToken) Token(context.Context) (string, error) {
	if a.refused {
		return "good", nil
	}
	return "expired", nil
}

// Reject makes it another one.
func (a *accessToken) Reject(string) { a.refused = true }

// noToken cannot have one.
type noToken struct{ error }

// Token fails.
func (n noToken) Token(context.Context) (string, error) { return "", n.error }

// Reject does nothing.
func (n noToken) Reject(string) {}

func TestEveryMechanismSignsInAndTheWrongCredentialsPutTheReplyOff(t *testing.T) {
	t.Parallel()
	for _, m := range []signin.Mechanism{signin.Plain, signin.ScramSHA256, signin.ScramSHA1, signin.OAuthBearer, signin.XOAuth2} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			oauth := m == signin.OAuthBearer || m == signin.XOAuth2
			s := mailServer(t, devmail.Options{Mechanisms: []string{string(m)}, Token: func(_, token string) bool { return token == "good" }})
			send := func(password string, tokens signin.Tokens) outbound.Result {
				got, err := to(t, s, func(c *outbound.Config) {
					c.Username, c.Password = "support@postroom.example", password
					if oauth {
						c.Tokens = tokens
					}
				}).Send(t.Context(), reply(), goOn)
				must(t, err)
				return got
			}
			if got := send("secret", &accessToken{}); got.Outcome != outbound.OutcomeAccepted {
				t.Errorf("with the right credentials: %v", got)
			}
			if got := send("wrong", refusedToken{&accessToken{}}); got.Outcome != outbound.OutcomeTemporary || !got.LoginRefused() {
				t.Errorf("with the wrong credentials: %v", got)
			}
		})
	}
}

// refusedToken is never good.
type refusedToken struct{ *accessToken }

// Token gives one that is not good.
func (refusedToken) Token(context.Context) (string, error) { return "revoked", nil }

func TestReplyIsPutOffWhileThereIsNoToken(t *testing.T) {
	t.Parallel()
	s := mailServer(t, devmail.Options{Token: func(string, string) bool { return true }})
	down := errors.New("the token endpoint is down")
	got, err := to(t, s, func(c *outbound.Config) { c.Username, c.Tokens = "support@postroom.example", noToken{down} }).Send(t.Context(), reply(), goOn)
	if err != nil || got.Outcome != outbound.OutcomeTemporary || got.Stage != outbound.StageAuth {
		t.Errorf("got %v, %v", got, err)
	}
}
