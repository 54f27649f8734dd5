package devmail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-smtp"
)

// Options says where a server lives and listens. The zero value of each field but Dir is usable.
type Options struct {
	Dir string // state; made if it does not exist

	// IMAP, SMTP and HTTP are the addresses to listen on, "host:port". Empty is a free port of 127.0.0.1.
	IMAP, SMTP, HTTP string
	// IMAPListener, SMTPListener and HTTPListener are used in place of the addresses when set, such as a TLS listener. The server
	// closes them.
	IMAPListener, SMTPListener, HTTPListener net.Listener

	// Accounts gives the accounts that may be opened by IMAP, or named in AUTH, their passwords. Keys are mail addresses.
	Accounts map[string]string
	TLS      *tls.Config // offers STARTTLS on IMAP and SMTP; nil: not offered
	// Token says whether an OAuth access token opens an account; it is asked by several goroutines at once. nil: there are no tokens.
	Token func(account, token string) bool
	// Mechanisms are what is offered to sign in with; nil: all that is known.
	Mechanisms []string

	// Hosts are names under which the page may be called, beside localhost and the loopback addresses; any port. Everything else is
	// refused, so that no web page can reach it through a name of its own (DNS rebinding, R41).
	Hosts []string

	BounceAfter time.Duration // how long after a mail its report of failure follows; 0: 500 ms
	DelayAfter  time.Duration // how long after a mail its report of delay follows; 0: 10 s

	Logger *slog.Logger     // nil: discarded
	Now    func() time.Time // nil: time.Now
}

// Server is a running mail server. All its methods may be called concurrently.
type Server struct {
	options   Options
	logger    *slog.Logger
	store     *store
	passwords map[string]string // by account
	faults    *faults
	handler   http.Handler

	imap  *imapserver.Server
	smtp  *smtp.Server
	http  *http.Server
	doors doors

	stopping chan struct{} // closed when Close begins
	stop     context.CancelFunc
	running  sync.WaitGroup // listeners and the sender of reports

	mu       sync.Mutex
	closing  bool
	sessions map[any]net.Conn
	idle     sync.WaitGroup // sessions
}

// Start opens the state directory and listens. The listeners are bound before the state is touched. Close ends it.
func Start(options Options) (_ *Server, err error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.BounceAfter == 0 {
		options.BounceAfter = 500 * time.Millisecond
	}
	if options.DelayAfter == 0 {
		options.DelayAfter = 10 * time.Second
	}
	bound, err := bind(options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, bound.close())
		}
	}()
	s := &Server{options: options, logger: options.Logger, passwords: map[string]string{}, faults: &faults{}, doors: bound,
		stopping: make(chan struct{}), sessions: map[any]net.Conn{}}
	if s.store, err = openStore(options.Dir, s.logger, options.Now); err != nil {
		return nil, err
	}
	if err := s.openAccounts(); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	s.handler = newPage(s)
	s.serve()
	return s, nil
}

// doors are the listeners.
type doors struct{ imap, smtp, http net.Listener }

func bind(options Options) (d doors, err error) {
	for _, door := range []struct {
		to      *net.Listener
		given   net.Listener
		address string
	}{{&d.imap, options.IMAPListener, options.IMAP}, {&d.smtp, options.SMTPListener, options.SMTP}, {&d.http, options.HTTPListener, options.HTTP}} {
		*door.to = door.given
		if door.given != nil {
			continue
		}
		l, err := net.Listen("tcp", cmp.Or(door.address, "127.0.0.1:0"))
		if err != nil {
			return doors{}, errors.Join(fmt.Errorf("devmail: listen: %w", err), d.close())
		}
		*door.to = l
	}
	return d, nil
}

// close closes what is open; a listener that a server has closed already is no error.
func (d doors) close() error {
	var errs []error
	for _, l := range []net.Listener{d.imap, d.smtp, d.http} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// openAccounts makes the accounts that have a password, each with an inbox and a folder for what it sent.
func (s *Server) openAccounts() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for address, password := range s.options.Accounts {
		account, ok := accountOf(address)
		if !ok {
			return errors.New("devmail: an account's name is not a mail address")
		}
		s.passwords[account] = password
		for _, name := range []string{inbox, sent} {
			if _, err := s.store.folder(account, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) serve() {
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: func(conn *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			session := &imapSession{server: s, conn: conn}
			if !s.remember(session, conn.NetConn()) {
				return nil, nil, &imap.Error{Type: imap.StatusResponseTypeBye, Text: "Shutting down"}
			}
			return session, &imapserver.GreetingData{}, nil
		},
		Caps: imapCaps(), TLSConfig: s.options.TLS, InsecureAuth: true, Logger: quietLogger{s.logger, "imap"},
	})
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		session := &smtpSession{server: s, conn: conn}
		if !s.remember(session, conn.Conn()) {
			return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Shutting down"}
		}
		return session, nil
	}))
	s.smtp.Domain = hostname
	s.smtp.MaxMessageBytes, s.smtp.MaxRecipients = maxMail, 100
	s.smtp.AllowInsecureAuth, s.smtp.EnableSMTPUTF8, s.smtp.EnableDSN = true, true, true
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = 5*time.Minute, time.Minute
	s.smtp.TLSConfig, s.smtp.ErrorLog = s.options.TLS, quietLogger{s.logger, "smtp"}
	s.http = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn)}

	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.ended("imap", s.imap.Serve(s.doors.imap)) })
	s.running.Go(func() { s.ended("smtp", s.smtp.Serve(refusingListener{s.doors.smtp, s.faults})) })
	s.running.Go(func() { s.ended("http", s.http.Serve(s.doors.http)) })
	s.running.Go(func() { s.sendReports(ctx) })
	s.logger.Info("devmail: listening", "imap", s.IMAPAddr(), "smtp", s.SMTPAddr(), "http", s.URL())
}

// ended notes a listener that ended although nobody asked it to.
func (s *Server) ended(door string, err error) {
	select {
	case <-s.stopping:
	default:
		s.logger.Error("devmail: a listener ended", "door", door, "error", err)
	}
}

// Close cuts every connection and stops. What was acknowledged is kept. A second call does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.mu.Unlock()
	close(s.stopping)
	s.stop()
	err := s.doors.close() // first: a library's Close misses a listener that it does not serve yet
	_ = s.imap.Close()     // the libraries close the listeners once more, and say so
	_ = s.smtp.Close()
	_ = s.http.Close()
	s.DropConnections()
	s.running.Wait()
	s.idle.Wait()
	return errors.Join(err, s.store.close())
}

// remember notes a session, unless the server is closing.
func (s *Server) remember(session any, conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.sessions[session] = conn
	s.idle.Add(1)
	return true
}

// forget is called when a session has ended.
func (s *Server) forget(session any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sessions[session]; ok {
		delete(s.sessions, session)
		s.idle.Done()
	}
}

func (s *Server) connections() []net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]net.Conn, 0, len(s.sessions))
	for _, conn := range s.sessions {
		conns = append(conns, conn)
	}
	return conns
}

// IMAPAddr is where IMAP listens, "host:port".
func (s *Server) IMAPAddr() string { return s.doors.imap.Addr().String() }

// SMTPAddr is where SMTP listens, "host:port".
func (s *Server) SMTPAddr() string { return s.doors.smtp.Addr().String() }

// URL is where the customer's page is, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.doors.http.Addr().String() }

// Handler is the customer's page and the JSON interface, for a server that wants to serve them elsewhere too.
func (s *Server) Handler() http.Handler { return s.handler }

// quietLogger lets the libraries say that something happened, not what: their texts may hold what a customer sent.
type quietLogger struct {
	logger *slog.Logger
	door   string
}

// Printf logs the constant part of a message.
func (l quietLogger) Printf(format string, _ ...any) {
	l.logger.Debug("devmail: a connection had a problem", "door", l.door, "kind", format)
}

// Println logs that there was one.
func (l quietLogger) Println(...any) {
	l.logger.Debug("devmail: a connection had a problem", "door", l.door)
}
