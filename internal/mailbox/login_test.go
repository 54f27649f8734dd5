package mailbox_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/signin"
)

// accessTokens are token-1, token-2 and so on: a new one after each that was refused.
type accessTokens struct {
	mu      sync.Mutex
	refused int
}

// Token gives the present one.
func (a *accessTokens) Token(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return fmt.Sprint("token-", a.refused+1), nil
}

// Reject makes it another one.
func (a *accessTokens) Reject(string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused++
}

func TestEveryMechanismOpensTheMailboxAndNoneDoesWithTheWrongCredentials(t *testing.T) {
	t.Parallel()
	for _, m := range []signin.Mechanism{signin.Plain, signin.ScramSHA256, signin.ScramSHA1, signin.OAuthBearer, signin.XOAuth2} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			oauth := m == signin.OAuthBearer || m == signin.XOAuth2
			s := devserver(t, devmail.Options{Mechanisms: []string{string(m)}, Token: func(_, token string) bool { return token == "token-2" }})
			config := at(t, s.IMAPAddr())
			if oauth {
				config.Password, config.Tokens = "", &accessTokens{} // the first is refused, as one that has expired is
			}
			session, err := mailbox.Open(t.Context(), config)
			must(t, err)
			must(t, session.Close())

			config.Password = "wrong"
			if oauth {
				config.Tokens = &accessTokens{refused: 2}
			}
			if _, err := mailbox.Open(t.Context(), config); postroom.ReasonOf(err) != mailbox.ReasonLoginRefused {
				t.Errorf("with the wrong credentials: %v", err)
			}
		})
	}
}

func TestPasswordIsNotTriedInPlaceOfATokenNorATokenInPlaceOfAPassword(t *testing.T) {
	t.Parallel()
	s := devserver(t, devmail.Options{Mechanisms: []string{"PLAIN"}})
	config := at(t, s.IMAPAddr())
	config.Tokens = &accessTokens{}
	if _, err := mailbox.Open(t.Context(), config); postroom.ReasonOf(err) != mailbox.ReasonLoginRefused {
		t.Errorf("PLAIN for a token: %v", err)
	}
	script := script(t)
	script.caps = "IMAP4rev1"
	told := script.config()
	told.Tokens = &accessTokens{}
	if _, err := mailbox.Open(t.Context(), told); postroom.ReasonOf(err) != mailbox.ReasonLoginRefused || script.logins > 0 {
		t.Errorf("LOGIN for a token: %v", err)
	}
}
