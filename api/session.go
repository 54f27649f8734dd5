package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/store"
)

// Principal is who makes a request.
type Principal struct {
	store.Session
	token auth.Token
}

type principalKey struct{}

// principalOf returns who makes the request; every handler behind the guard has one, except SignIn's.
func principalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// actor is the principal as events and audit name him.
func (p Principal) actor() postroom.Actor {
	return postroom.Actor{Kind: postroom.ActorAgent, ID: string(p.Agent)}
}

// cookieName begins with __Host- where the cookie is Secure: browsers then refuse it from any other host or path.
const (
	cookieName       = "postroom_session"
	secureCookieName = "__Host-postroom_session"
)

// cookie is the name of the session's cookie.
func (o Options) cookie() string {
	if o.Secure {
		return secureCookieName
	}
	return cookieName
}

// tokenOf finds the session's token: a cookie in browsers, "Authorization: Bearer" for programs. A cookie of any other name does not
// count: where __Host- protects ours, a neighbour's host could have set the plain one.
func tokenOf(header http.Header, cookie string) auth.Token {
	if bearer, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer "); ok {
		return auth.Token(strings.TrimSpace(bearer))
	}
	request := http.Request{Header: header}
	if c, err := request.Cookie(cookie); err == nil {
		return auth.Token(c.Value)
	}
	return ""
}

// authenticate finds who speaks. Without a valid session it is Unauthenticated with reason session_ended.
func (g guard) authenticate(ctx context.Context, header http.Header) (Principal, error) {
	ended := postroom.Unauthenticated(postroom.ReasonSessionEnded, "sign in first")
	token := tokenOf(header, g.cookie)
	if token == "" {
		return Principal{}, ended
	}
	session, found, err := g.store.Session(ctx, token.Hash())
	if err != nil {
		return Principal{}, err
	}
	if !found {
		return Principal{}, ended
	}
	return Principal{Session: session, token: token}, nil
}

// guard authenticates every request, asks the permission table, and maps errors: nothing reaches a handler past it.
type guard struct {
	store  *store.Store
	log    *slog.Logger
	table  map[string]permission // by procedure or content URL
	cookie string
}

// admit returns the context in which a request may be handled.
func (g guard) admit(ctx context.Context, procedure string, header http.Header, request any) (context.Context, error) {
	line, listed := g.table[procedure]
	if !listed {
		return nil, postroom.Internal("the permission table does not list this call", nil)
	}
	if line.open {
		return ctx, nil
	}
	p, err := g.authenticate(ctx, header)
	if err != nil {
		return nil, err
	}
	if err := line.may(ctx, g.store, p, request); err != nil {
		return nil, err
	}
	if !line.passive && !p.Locked && p.Unnoted {
		if err := g.store.UseSession(ctx, p.token.Hash()); err != nil {
			return nil, err
		}
	}
	return context.WithValue(ctx, principalKey{}, p), nil
}

// WrapUnary is for calls with one request and one response.
func (g guard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		procedure := request.Spec().Procedure
		admitted, err := g.admit(ctx, procedure, request.Header(), request.Any())
		if err != nil {
			return nil, toConnect(ctx, g.log, procedure, err)
		}
		response, err := next(admitted, request)
		return response, toConnect(ctx, g.log, procedure, err)
	}
}

// WrapStreamingHandler is for streams.
func (g guard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		procedure := conn.Spec().Procedure
		admitted, err := g.admit(ctx, procedure, conn.RequestHeader(), nil)
		if err != nil {
			return toConnect(ctx, g.log, procedure, err)
		}
		err = next(admitted, conn)
		if errors.Is(err, context.Canceled) {
			return nil // the reader has gone
		}
		return toConnect(ctx, g.log, procedure, err)
	}
}

// WrapStreamingClient is not used: the API calls nobody.
func (g guard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}
