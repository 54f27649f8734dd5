package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/events"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/attachment/v1/attachmentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/compose/v1/composev1connect"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/mail/v1/mailv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/reminder/v1/reminderv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/routing/v1/routingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/sending/v1/sendingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/supervisor/v1/supervisorv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/template/v1/templatev1connect"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// Server answers the API. Make one with New.
type Server struct {
	Options
	guard   guard
	proving chan struct{} // holds one for each password that is being checked
	uploads uploads
	showing chan struct{} // HTML of mails that is being made fit to show
}

// Options are what a Server works with.
type Options struct {
	Store   *store.Store
	Gateway *gateway.Gateway
	Hub     *events.Hub // hears store.NotifyEvents and store.NotifySession
	Blobs   *blob.Store
	Scanner pci.Scanner
	// Antivirus is asked about uploads, and about files that it has not seen; nil: there is none.
	Antivirus *clamd.Client
	Keys      *keyring.Ring
	Log       *slog.Logger
	// Hosts are the names by which the API may be called; any other Host header is refused, so that a foreign page cannot reach a
	// loopback address by a name of its own (R41).
	Hosts []string
	// Secure says that browsers reach the API by TLS: the session's cookie is Secure then.
	Secure bool
	// Health tells more than the database's: by name, nil if well.
	Health map[string]func() error
	// Desktop serves the web pages; nil serves none.
	Desktop http.Handler
}

// The bounds of a request and of a stream.
const (
	maxRequest        = 2 << 20 // a configuration file is the largest
	keepAlive         = 10 * time.Second
	sessionCheck      = 4 * time.Second // a revoked session's stream ends within 5 s (R40)
	streamWriteTime   = 15 * time.Second
	writePiece        = 64 << 10
	maxReplyText      = 200_000 // characters
	provedAtOnce      = 4       // passwords
	reasonWrongHost   = postroom.Reason("wrong_host")
	reasonCrossOrigin = postroom.Reason("cross_origin")
)

// New makes a server.
func New(o Options) *Server {
	return &Server{Options: o, guard: guard{o.Store, o.Log, permissions, o.cookie()}, proving: make(chan struct{}, provedAtOnce), showing: make(chan struct{}, shownAtOnce), uploads: newUploads()}
}

// Handler is the whole API with its checks.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	options := connect.WithHandlerOptions(connect.WithInterceptors(s.guard), connect.WithReadMaxBytes(maxRequest), connect.WithRecover(s.recovered))
	mux.Handle(authv1connect.NewAuthServiceHandler(authService{s}, options))
	mux.Handle(agentv1connect.NewAgentServiceHandler(agentService{s}, options))
	mux.Handle(contactv1connect.NewContactServiceHandler(contactService{s}, options))
	mux.Handle(adminv1connect.NewAdminServiceHandler(adminService{s}, options))
	mux.Handle(composev1connect.NewComposeServiceHandler(composeService{s}, options))
	mux.Handle(mailv1connect.NewMailServiceHandler(mailService{s}, options))
	mux.Handle(reminderv1connect.NewReminderServiceHandler(reminderService{s}, options))
	mux.Handle(routingv1connect.NewRoutingServiceHandler(routingService{s}, options))
	mux.Handle(sendingv1connect.NewSendingServiceHandler(sendingService{s}, options))
	mux.Handle(supervisorv1connect.NewSupervisorServiceHandler(supervisorService{s}, options))
	mux.Handle(templatev1connect.NewTemplateServiceHandler(templateService{s}, options))
	mux.Handle(attachmentv1connect.NewAttachmentServiceHandler(attachmentService{s}, options))
	mux.HandleFunc("GET "+attachmentContent+"{id}", s.attachment)
	mux.HandleFunc("GET "+fileContent+"{id}", s.file)
	mux.HandleFunc("PUT "+uploadContent+"{offer}/{id}", s.upload)
	mux.HandleFunc("GET "+messageContent+"{id}/html", s.messageHTML)
	mux.HandleFunc("GET /healthz", s.alive)
	mux.HandleFunc("GET /readyz", s.ready)
	if s.Desktop != nil {
		mux.Handle("/", s.Desktop)
	}
	return s.checked(s.calm(mux))
}

// checked refuses what must not reach the API at all: foreign hosts, foreign origins, and requests that are too large.
func (s *Server) checked(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, postroom.Invalid(reasonCrossOrigin, "requests of other sites are refused"))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store") // answers and refusals alike; the desktop's files say otherwise themselves
		if !s.knownHost(r.Host) {
			s.refuse(w, r, postroom.Invalid(reasonWrongHost, "this server is not known by that name; see POSTROOM_ALLOWED_HOSTS"))
			return
		}
		if r.ContentLength > maxRequest && !strings.HasPrefix(r.URL.Path, uploadContent) { // which has limits of its own
			s.refuse(w, r, postroom.Invalid(postroom.ReasonTooLarge, "a request may have at most 2 MiB"))
			return
		}
		origin.Handler(next).ServeHTTP(slowWriter{w, http.NewResponseController(w)}, r)
	})
}

func (s *Server) knownHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(strings.Trim(h, "[]"), strings.Trim(name, "[]")) })
}

// refuse answers in the protocol of the request, if it is an RPC's.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, refusal *postroom.Error) {
	errorWriter := connect.NewErrorWriter()
	if errorWriter.IsSupported(r) {
		errorWriter.Write(w, r, toConnect(r.Context(), s.Log, r.URL.Path, refusal))
		return
	}
	http.Error(w, refusal.Message, http.StatusForbidden)
}

// recovered turns a panic of a handler into an internal error with a reference; the panic's value may hold anything and is not logged
// beyond its type.
func (s *Server) recovered(ctx context.Context, spec connect.Spec, _ http.Header, panicked any) error {
	return toConnect(ctx, s.Log, spec.Procedure, postroom.Internal("a handler panicked", errorOfType(panicked)))
}

// calm does the same for handlers that are no RPCs'.
func (s *Server) calm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if panicked == http.ErrAbortHandler { // net/http's own word for an answer that is given up
				panic(panicked)
			}
			s.contentError(w, r, postroom.Internal("a handler panicked", errorOfType(panicked)))
		}()
		next.ServeHTTP(w, r)
	})
}

// slowWriter gives every write a deadline: a reader who does not read is dropped, and resumes his stream where he was. One who reads
// slowly is not: what is long is written in pieces.
type slowWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write writes each piece within streamWriteTime.
func (w slowWriter) Write(b []byte) (written int, err error) {
	for {
		if err := w.control.SetWriteDeadline(time.Now().Add(streamWriteTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return written, err
		}
		n, err := w.ResponseWriter.Write(b[written:min(len(b), written+writePiece)])
		if written += n; err != nil || written == len(b) {
			return written, err
		}
	}
}

// Flush sends what was written.
func (w slowWriter) Flush() { _ = w.control.Flush() }

// Unwrap is for http.ResponseController.
func (w slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
