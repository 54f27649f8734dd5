package api

import (
	"context"
	"encoding/hex"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/store"
)

// authService implements postroom.auth.v1.AuthService.
type authService struct{ *Server }

// SignIn opens a session.
func (s authService) SignIn(ctx context.Context, r *authv1.SignInRequest) (*authv1.SignInResponse, error) {
	agent, err := s.prove(ctx, r.Agent, r.Password)
	if err != nil {
		return nil, toConnect(ctx, s.Log, "SignIn", err)
	}
	token := auth.NewToken()
	if err := s.Store.OpenSession(ctx, token.Hash(), agent); err != nil {
		return nil, err
	}
	session, _, err := s.Store.Session(ctx, token.Hash())
	if err != nil {
		return nil, err
	}
	response := &authv1.SignInResponse{Session: sessionToProto(session)}
	if r.Bearer {
		response.Token = token.Reveal()
		return response, nil
	}
	return response, s.setCookie(ctx, token, session)
}

// prove checks a password. A name that is tried too often has to wait, whether or not it has an account (R40); and only some are tried at
// once, as many guesses at the same moment would all come before the first failure is counted, and each needs 19 MiB.
func (s authService) prove(ctx context.Context, name, password string) (postroom.AgentID, error) {
	failed := postroom.Unauthenticated(postroom.ReasonSignInFailed, "the name or the password is wrong")
	if name == "" || len(name) > 64 {
		return "", failed
	}
	select {
	case s.proving <- struct{}{}:
		defer func() { <-s.proving }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	credentials, found, err := s.Store.Credentials(ctx, name)
	if err != nil {
		return "", err
	}
	counted := name
	if !found { // people type passwords and card numbers into the wrong field: what is no name of ours is not written (R37)
		counted = hex.EncodeToString(s.Keys.MAC(keyring.Digests, []byte(name)))
	}
	wait, err := s.Store.SignInBlocked(ctx, counted)
	if err != nil {
		return "", err
	}
	if wait > 0 {
		return "", postroom.Refused(postroom.ReasonTooManyAttempts, "too many failed attempts: wait a little and try again")
	}
	if !auth.VerifyPassword(credentials.PasswordHash, password) || !credentials.Active {
		if err := s.Store.SignInFailed(ctx, counted); err != nil {
			return "", err
		}
		return "", failed
	}
	return credentials.Agent, nil
}

// SignOut closes the session.
func (s authService) SignOut(ctx context.Context, _ *authv1.SignOutRequest) (*authv1.SignOutResponse, error) {
	p := principalOf(ctx)
	withdrawn, err := s.Store.CloseSession(ctx, p.token.Hash(), p.Agent)
	if err != nil {
		return nil, err
	}
	s.sync(ctx, withdrawn)
	return &authv1.SignOutResponse{}, s.setCookie(ctx, "", store.Session{})
}

// Unlock opens a locked session again.
func (s authService) Unlock(ctx context.Context, r *authv1.UnlockRequest) (*authv1.UnlockResponse, error) {
	p := principalOf(ctx)
	if _, err := s.prove(ctx, string(p.Agent), r.Password); err != nil {
		return nil, err
	}
	if err := s.Store.UseSession(ctx, p.token.Hash()); err != nil {
		return nil, err
	}
	p.Locked = false
	return &authv1.UnlockResponse{Session: sessionToProto(p.Session)}, nil
}

// GetSession says who is signed in.
func (s authService) GetSession(ctx context.Context, _ *authv1.GetSessionRequest) (*authv1.GetSessionResponse, error) {
	return &authv1.GetSessionResponse{Session: sessionToProto(principalOf(ctx).Session)}, nil
}

// setCookie sends the session's token as a cookie that scripts cannot read and other sites cannot use; an empty token removes it.
func (s authService) setCookie(ctx context.Context, token auth.Token, session store.Session) error {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return postroom.Internal("a call without headers", nil)
	}
	cookie := http.Cookie{Name: s.cookie(), Value: token.Reveal(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.Secure, Expires: session.ExpiresAt}
	if token == "" {
		cookie.MaxAge = -1
	}
	call.ResponseHeader().Add("Set-Cookie", cookie.String())
	return nil
}

func sessionToProto(s store.Session) *authv1.Session {
	return &authv1.Session{Agent: string(s.Agent), Name: s.Name, Role: string(s.Role), Team: string(s.Team),
		ExpiresAt: timestamppb.New(s.ExpiresAt), Locked: s.Locked}
}
