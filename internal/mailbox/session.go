package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postroom/postroom"
)

// farewell is how long the server may take to answer when we end something.
const farewell = 2 * time.Second

// Session is one folder of one mailbox, open. It is for one goroutine at a time.
type Session struct {
	config Config
	client *imapclient.Client
	wire   *wire
	caps   imap.CapSet
	folder Folder

	wake    chan struct{} // holds one token when the server has told of a change
	woken   bool          // Idle returned for one, and nothing was found since
	pending []uint32      // UIDs that a search found and Next has not returned yet, ascending
	strikes map[uint32]strikes
}

// Open connects, signs in and opens the folder. Errors: Invalid for a configuration that cannot work; Refused (ReasonTLSRequired,
// ReasonLoginRefused, ReasonCommandRefused for a folder that cannot be opened); Unavailable (mail_server_unavailable) for the rest; or
// the context's.
func Open(ctx context.Context, config Config) (*Session, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	s := &Session{config: config, wake: make(chan struct{}, 1), strikes: map[uint32]strikes{}}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Folder describes the open folder, as of when it was opened or, within Next and Fetch, opened again.
func (s *Session) Folder() Folder { return s.folder }

// Close signs out, if the server answers soon, and closes the connection.
func (s *Session) Close() error {
	if s.client.State() != imap.ConnStateLogout {
		timer := time.AfterFunc(farewell, s.wire.hangUp)
		_ = s.client.Logout().Wait()
		timer.Stop()
	}
	s.drop()
	return nil
}

// drop closes the connection without a word and waits until its reader has ended.
func (s *Session) drop() {
	_ = s.wire.Conn.Close()
	<-s.client.Closed()
}

// open makes a connection and leaves the session with the folder open, or without a connection.
func (s *Session) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.DialTimeout+4*s.config.CommandTimeout, errTooSlow)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return failure(ctx, "connect", err)
	}
	s.wire = &wire{Conn: conn, raw: conn}
	if err = s.begin(ctx); err != nil && s.client != nil {
		s.drop()
	}
	return err
}

func (s *Session) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.DialTimeout, errTooSlow)
	defer cancel()
	conn, err := s.config.Dial(ctx, "tcp", s.config.address())
	if err != nil {
		return nil, err
	}
	// The address that was reached counts, not the name that was asked for.
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); s.config.Security == SecurityNone && !(ok && tcp.IP.IsLoopback()) {
		_ = conn.Close()
		return nil, postroom.Refused(ReasonTLSRequired, "The mail server is not on this machine and its configuration asks for no TLS")
	}
	if s.config.Security != SecurityTLS {
		return conn, nil
	}
	secure := tls.Client(conn, s.config.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// begin greets, signs in and opens the folder.
func (s *Session) begin(ctx context.Context) error {
	options := &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				s.ring()
			}
		}}}
	if s.config.Security == SecurityStartTLS {
		if err := s.guard(ctx, 3*s.config.CommandTimeout, s.startTLS); err != nil {
			return failure(ctx, "start TLS", err)
		}
	}
	s.client = imapclient.New(s.wire, options)
	if err := s.guard(ctx, s.config.CommandTimeout, s.client.WaitGreeting); err != nil {
		return failure(ctx, "greet", err)
	}
	if err := s.login(ctx); err != nil {
		return err
	}
	return s.openFolder(ctx)
}

// ring leaves a token for Idle. It is called by the connection's reader and never blocks.
func (s *Session) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// rung takes the token, if there is one.
func (s *Session) rung() bool {
	select {
	case <-s.wake:
		return true
	default:
		return false
	}
}

func (s *Session) openFolder(ctx context.Context) error {
	var data *imap.SelectData
	err := s.guard(ctx, s.config.CommandTimeout, func() (err error) {
		// Asked for, not taken from Client.Caps: right after the login that may still be what the greeting said (RFC 9051 section 6.1.1).
		if s.caps, err = s.client.Capability().Wait(); err != nil {
			return errNoCapabilities
		}
		data, err = s.client.Select(s.config.Folder, nil).Wait()
		return err
	})
	if err != nil {
		return failure(ctx, "open the folder", err)
	}
	keywords := slices.ContainsFunc(data.PermanentFlags, func(f imap.Flag) bool {
		return f == imap.FlagWildcard || strings.EqualFold(string(f), Keyword)
	})
	s.folder = Folder{UIDValidity: data.UIDValidity, UIDNext: uint32(data.UIDNext), Mails: data.NumMessages, Keywords: keywords}
	return nil
}

// reopen replaces a connection that failed. A folder that is another one now is a Conflict (ReasonFolderChanged): the caller's cursor
// means nothing in it.
func (s *Session) reopen(ctx context.Context) error {
	before := s.folder
	s.drop()
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.folder.UIDValidity != before.UIDValidity {
		s.pending, s.strikes = nil, map[uint32]strikes{}
		return postroom.Conflict(ReasonFolderChanged, "The mailbox was made anew")
	}
	return nil
}

// guard runs commands that must end within d, and before the context does; else the connection is closed, which fails them. An error
// of the connection comes out as errTooSlow or errLost; what is left is a refusal, or an answer that could not be read.
func (s *Session) guard(ctx context.Context, d time.Duration, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wire := s.wire
	timer := time.AfterFunc(d, wire.hangUp)
	stop := context.AfterFunc(ctx, wire.hangUp)
	defer stop()
	err := f()
	inTime := timer.Stop()
	var refusal *imap.Error
	switch {
	case err == nil || errors.As(err, &refusal):
		return err
	case !inTime:
		return errTooSlow
	case wire.lost.Load():
		return errLost
	}
	return err
}

var (
	errTooSlow        = errors.New("the mail server is too slow")
	errNoCapabilities = errors.New("the mail server does not say what it can do")
	errUnreadable     = errors.New("an answer of the mail server could not be read")
	errLost           = errors.New("the connection was lost")
)

// passing reports whether a refusal is about the server's state, and may be another one soon (RFC 5530).
func passing(refusal *imap.Error) bool {
	switch refusal.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse, imap.ResponseCodeLimit, imap.ResponseCodeServerBug, imap.ResponseCodeContactAdmin:
		return true
	}
	return refusal.Type == imap.StatusResponseTypeBye
}

// failure translates an error of the library. doing completes "could not".
func failure(ctx context.Context, doing string, err error) error {
	var refusal *imap.Error
	var ours *postroom.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTooSlow):
		return fmt.Errorf("mailbox: %s: %w", doing, context.Cause(ctx))
	case errors.As(err, &refusal) && !passing(refusal):
		return &postroom.Error{Kind: postroom.KindRefused, Reason: ReasonCommandRefused, Message: "The mail server refuses to " + doing, Err: reduce(err)}
	}
	return postroom.Unavailable(postroom.ReasonMailServerDown, "The mail server could not "+doing, reduce(err))
}

// reduce keeps of an error what no server can have written: known response codes, and errors of the network and of ours.
func reduce(err error) error {
	var refusal *imap.Error
	var network *net.OpError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &refusal):
		return fmt.Errorf("%s [%s]", refusal.Type, knownCode(refusal.Code))
	case errors.As(err, &network):
		return fmt.Errorf("%s: %w", network.Op, network.Err)
	case errors.As(err, &untrusted):
		return errors.New("the mail server's certificate is not trusted")
	case errors.Is(err, errTooSlow), errors.Is(err, errNoCapabilities), errors.Is(err, errLost), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errUnreadable
}

// knownCode returns a response code of RFC 5530 and RFC 9051, and "other" for what a server may have made up.
func knownCode(code imap.ResponseCode) imap.ResponseCode {
	switch code {
	case "", imap.ResponseCodeAlreadyExists, imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeAuthorizationFailed,
		imap.ResponseCodeCannot, imap.ResponseCodeContactAdmin, imap.ResponseCodeExpired, imap.ResponseCodeInUse, imap.ResponseCodeLimit,
		imap.ResponseCodeNonExistent, imap.ResponseCodeNoPerm, imap.ResponseCodeOverQuota, imap.ResponseCodePrivacyRequired,
		imap.ResponseCodeServerBug, imap.ResponseCodeTooBig, imap.ResponseCodeTryCreate, imap.ResponseCodeUnavailable:
		return code
	}
	return "other"
}
