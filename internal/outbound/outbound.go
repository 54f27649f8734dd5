// Package outbound hands finished mails to a mail server (SMTP submission, RFC 6409), and renders replies to the bytes that are sent.
//
// A reply is sent effectively once (R21). So its bytes are made once, by [Render], and every attempt sends the same ones; and an attempt
// ends in one of four ways that the caller must treat differently:
//
//	accepted    2xx to the final dot: the server is responsible now
//	temporary   4xx, or the connection failed before the dot: nothing was taken, try again later
//	permanent   5xx: it will never be taken
//	ambiguous   the dot was sent and no answer came: it may have been taken; look for it before any retry
//
// Just before the dot the caller is asked once more ([Sender.Send]): a crash after that is ambiguous, a crash before it is not.
//
// After any failure the connection is closed without QUIT: some servers take a message that was cut short as finished when QUIT follows.
// What a server says may repeat what a customer wrote: it leaves this package as [ServerText], which shows itself to nobody (R36).
package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/signin"
)

// Security says how the connection is protected.
type Security string

// The kinds of protection. Without TLS only loopback is spoken to, unless the configuration says so in as many words (R41).
const (
	SecurityTLS      Security = "tls"      // TLS from the first byte, usually port 465
	SecurityStartTLS Security = "starttls" // STARTTLS, required: usually port 587
	SecurityNone     Security = "none"     // plain, to a loopback address only
	SecurityInsecure Security = "insecure" // plain, to any address: for a private network in a trial installation
)

// Reasons of the errors of this package.
const (
	ReasonTLSRequired postroom.Reason = "tls_required" // SecurityNone and an address that is not loopback
)

// Config says which server mails are handed to.
type Config struct {
	Host     string
	Port     int
	Security Security
	TLS      *tls.Config // nil: the system's roots; ServerName is Host unless set

	Username, Password string           // empty: no AUTH
	Tokens             signin.Tokens    // not nil: OAuth 2, and no password
	Mechanism          signin.Mechanism // the only one to sign in with; empty: the best that the server offers
	HelloName          string           // how we call ourselves; empty: "localhost"

	DialTimeout    time.Duration // to the end of the TLS handshake; 0: 30 s
	CommandTimeout time.Duration // for one command and its answer, and for each write of the mail; 0: 1 min
	DotTimeout     time.Duration // for the answer to the final dot; 0: 10 min (RFC 5321 section 4.5.3.2.6)
	DotGrace       time.Duration // how much of that remains once the caller's context has ended; 0: 10 s

	// IdleTime is how long a connection is kept after a mail was accepted, for the next one; 0: not at all. Servers close idle connections when
	// they like: a kept one that is dead before MAIL is answered costs a new connection and no attempt.
	IdleTime time.Duration

	// Dial makes the connection, so that one dialer can guard all configured hosts (R42). nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Sender hands mails to one server. It may be used concurrently. Close it if Config.IdleTime is set.
type Sender struct {
	config Config
	pool   pool
}

// New returns a Sender. It does not connect. A configuration that cannot work is Invalid.
func New(config Config) (*Sender, error) {
	if config.Host == "" || config.Port < 1 || config.Port > 65535 {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "The mail server needs a host and a port")
	}
	switch config.Security {
	case SecurityTLS, SecurityStartTLS, SecurityNone, SecurityInsecure:
	default:
		return nil, postroom.Invalid(postroom.ReasonMalformed, "The mail server's security is tls, starttls, none or insecure")
	}
	config.DialTimeout = cmp.Or(config.DialTimeout, 30*time.Second)
	config.CommandTimeout = cmp.Or(config.CommandTimeout, time.Minute)
	config.DotTimeout = cmp.Or(config.DotTimeout, 10*time.Minute)
	config.DotGrace = cmp.Or(config.DotGrace, 10*time.Second)
	config.HelloName = cmp.Or(config.HelloName, "localhost")
	if config.Dial == nil {
		config.Dial = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}).DialContext
	}
	return &Sender{config: config}, nil
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) tls() *tls.Config {
	t := &tls.Config{}
	if c.TLS != nil {
		t = c.TLS.Clone()
	}
	t.ServerName = cmp.Or(t.ServerName, c.Host)
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	return t
}

// Submission is one mail for one transaction: what the server is told, and the bytes.
type Submission struct {
	From string   // envelope sender, where reports go; empty for <>
	To   []string // recipients, those in Bcc too
	ID   string   // envelope id that comes back in reports (ENVID, RFC 3461 section 4.4), printable ASCII; empty: none
	Mail []byte   // header and body; lines are sent with CRLF, whatever ends them here
	// Refused is told, just before the final dot, of those whom the server has refused, if there are any: of them it is known what became even if the
	// answer to the dot is lost. nil: nobody wants to know.
	Refused func([]Recipient)
}

func (s Submission) check() error {
	if len(s.To) == 0 || len(s.Mail) == 0 {
		return postroom.Invalid(postroom.ReasonMalformed, "A mail needs a recipient and bytes")
	}
	if s.From != "" && !isAddress(s.From) {
		return postroom.Invalid(postroom.ReasonMalformed, "The envelope sender is not a mail address")
	}
	for _, to := range s.To {
		if !isAddress(to) {
			return postroom.Invalid(postroom.ReasonMalformed, "A recipient is not a mail address")
		}
	}
	if len(s.ID) > 100 || strings.ContainsFunc(s.ID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return postroom.Invalid(postroom.ReasonMalformed, "The envelope id is not printable ASCII of at most 100 characters")
	}
	return nil
}

// needsUTF8 reports whether an address can be named with SMTPUTF8 only (RFC 6531).
func (s Submission) needsUTF8() bool {
	return !isASCII(s.From) || !isASCII(strings.Join(s.To, ""))
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) }

// isAddress reports whether s can stand between the angle brackets of MAIL and RCPT. Quoted local parts are not used.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 254 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[],;:\"`, r)
	})
}
