package api

import (
	"context"
	"maps"
	"net/http"

	"connectrpc.com/connect"

	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/mail/v1/mailv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/reminder/v1/reminderv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/routing/v1/routingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/supervisor/v1/supervisorv1connect"
)

// What is here takes a protection away, so that tests can show that they would notice.

// ListedCalls are the keys of the permission table.
func ListedCalls() map[string]bool {
	listed := map[string]bool{}
	for call := range permissions {
		listed[call] = true
	}
	return listed
}

func (s *Server) with(change func(table map[string]permission)) *Server {
	changed := New(s.Options)
	changed.guard.table = maps.Clone(permissions)
	change(changed.guard.table)
	return changed
}

// WithoutLine is the server with a line missing in its permission table.
func (s *Server) WithoutLine(call string) http.Handler {
	return s.with(func(table map[string]permission) { delete(table, call) }).Handler()
}

// OpenToEverybody is the server with a line that does not look at roles.
func (s *Server) OpenToEverybody(call string) http.Handler {
	return s.with(func(table map[string]permission) {
		line := table[call]
		line.roles = everybody
		table[call] = line
	}).Handler()
}

// OpenToAnyObject is the server with a line that does not look at the object.
func (s *Server) OpenToAnyObject(call string) http.Handler {
	return s.with(func(table map[string]permission) {
		line := table[call]
		line.object = nil
		table[call] = line
	}).Handler()
}

// OpenToLocked is the server with a line that lets locked sessions through.
func (s *Server) OpenToLocked(call string) http.Handler {
	return s.with(func(table map[string]permission) {
		line := table[call]
		line.locked = true
		table[call] = line
	}).Handler()
}

// Unguarded is the server's services without their guard.
func (s *Server) Unguarded() http.Handler {
	mux := http.NewServeMux()
	options := connect.WithRecover(s.recovered)
	mux.Handle(authv1connect.NewAuthServiceHandler(authService{s}, options))
	mux.Handle(agentv1connect.NewAgentServiceHandler(agentService{s}, options))
	mux.Handle(contactv1connect.NewContactServiceHandler(contactService{s}, options))
	mux.Handle(adminv1connect.NewAdminServiceHandler(adminService{s}, options))
	mux.Handle(mailv1connect.NewMailServiceHandler(mailService{s}, options))
	mux.Handle(reminderv1connect.NewReminderServiceHandler(reminderService{s}, options))
	mux.Handle(routingv1connect.NewRoutingServiceHandler(routingService{s}, options))
	mux.Handle(supervisorv1connect.NewSupervisorServiceHandler(supervisorService{s}, options))
	return mux
}

// otherToken exchanges the token of whoever was admitted.
type otherToken struct {
	guard
	token auth.Token
}

// WrapStreamingHandler admits by the right token, and goes on with the other.
func (o otherToken) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return o.guard.WrapStreamingHandler(func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		p := principalOf(ctx)
		p.token = o.token
		return next(context.WithValue(ctx, principalKey{}, p), conn)
	})
}

// LookingAtSession is the server with streams that look again and again at one and the same session instead of their own.
func (s *Server) LookingAtSession(token auth.Token) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(agentv1connect.NewAgentServiceHandler(agentService{s}, connect.WithInterceptors(otherToken{s.guard, token})))
	return mux
}

// SlowWriter is a response writer as every handler gets it.
func SlowWriter(w http.ResponseWriter) http.ResponseWriter {
	return slowWriter{w, http.NewResponseController(w)}
}
