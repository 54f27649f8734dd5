// Package mailbox reads a mailbox by IMAP (RFC 9051, RFC 3501) and is built to be driven by a loop that must never stop and never lose a
// mail, whatever the server does:
//
//	session, err := mailbox.Open(ctx, config)
//	for {
//		for mails := next batch after the cursor; len(mails) > 0; { ingest; move the cursor }
//		every ten minutes: Missed, Fetch, ingest
//		wake, err := session.Idle(ctx)
//	}
//
// The cursor (UIDVALIDITY and the last UID) belongs to the caller's database, which is the truth; what [Session.Mark] leaves in the
// mailbox is for people. After any error but those of a single command (Refused) the session is done: Close it, wait, Open another.
//
// Every command has a deadline, as the library below has none and a half-dead server is silent for ever. Only UID, RFC822.SIZE and
// BODY.PEEK[] are ever fetched: a response that the library cannot parse ends the whole connection, and envelopes, body structures and
// dates are where servers send such responses. If one mail's response still does, the batch is halved until that mail stands alone,
// and it is reported as [Unfetchable]: one poison mail must not become a crash loop.
//
// Nothing is written anywhere: mails are bytes in memory, unscanned (R36), and show themselves to nobody. A server's words may repeat
// what a customer wrote, so no error of this package holds any.
package mailbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/signin"
)

// Keyword marks a mail in the mailbox that was ingested, where the server keeps keywords.
const Keyword = "$PostroomIngested"

// Security says how the connection is protected.
type Security string

// The kinds of protection. Without TLS only loopback is spoken to, unless the configuration says so in as many words (R41).
const (
	SecurityTLS      Security = "tls"      // TLS from the first byte, usually port 993
	SecurityStartTLS Security = "starttls" // STARTTLS, required: usually port 143
	SecurityNone     Security = "none"     // plain, to a loopback address only
	SecurityInsecure Security = "insecure" // plain, to any address: for a private network in a trial installation
)

// Reasons of the errors of this package, beside postroom.ReasonMailServerDown.
const (
	ReasonTLSRequired    postroom.Reason = "tls_required"         // SecurityNone and an address that is not loopback (Refused)
	ReasonLoginRefused   postroom.Reason = "mail_login_refused"   // user name or password, or no mechanism in common (Refused)
	ReasonCommandRefused postroom.Reason = "mail_command_refused" // NO or BAD to one command; the session goes on (Refused)
	ReasonFolderChanged  postroom.Reason = "mail_folder_changed"  // another UIDVALIDITY after a reconnect: begin anew (Conflict)
)

// Config says which folder of which mailbox is read, and how.
type Config struct {
	Host     string
	Port     int
	Security Security
	TLS      *tls.Config // nil: the system's roots; ServerName is Host unless set

	Username, Password string
	Tokens             signin.Tokens    // not nil: OAuth 2, and no password
	Mechanism          signin.Mechanism // the only one to sign in with; empty: the best that the server offers
	Folder             string           // empty: INBOX

	MaxMail    int64 // bytes; a larger mail is reported as TooLarge and not fetched; 0: 40 MB
	BatchMails int   // at most this many mails at once; 0: 50
	BatchBytes int64 // and at most this many bytes, unless one mail alone is larger; 0: 20 MB

	DialTimeout    time.Duration // to the end of the TLS handshake; 0: 30 s
	CommandTimeout time.Duration // for one command and its answer; mails get a second more for every 64 KB; 0: 30 s
	IdleCycle      time.Duration // how long Idle waits at most; 0: 4 to 9 minutes, chosen anew each time, as IDLE dies silently
	PollEvery      time.Duration // how often Idle looks where the server has no IDLE; 0: 30 s

	// Dial makes the connection, so that one dialer can guard all configured hosts (R42). nil: net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Room is called before the bytes of mails are fetched, with how many they are, and may wait. The caller gives the room back when it is done with
	// the mails, and at the latest within the next call. nil: there is room.
	Room func(ctx context.Context, bytes int64) error

	Logger *slog.Logger // nil: discarded
}

// complete fills in what the zero value means, or says what cannot work.
func (c Config) complete() (Config, error) {
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return c, postroom.Invalid(postroom.ReasonMalformed, "The mail server needs a host and a port")
	}
	switch c.Security {
	case SecurityTLS, SecurityStartTLS, SecurityNone, SecurityInsecure:
	default:
		return c, postroom.Invalid(postroom.ReasonMalformed, "The mail server's security is tls, starttls, none or insecure")
	}
	c.Folder = cmp.Or(c.Folder, "INBOX")
	c.MaxMail = cmp.Or(c.MaxMail, 40<<20)
	c.BatchMails = cmp.Or(c.BatchMails, 50)
	c.BatchBytes = cmp.Or(c.BatchBytes, 20<<20)
	c.DialTimeout = cmp.Or(c.DialTimeout, 30*time.Second)
	c.CommandTimeout = cmp.Or(c.CommandTimeout, 30*time.Second)
	c.PollEvery = cmp.Or(c.PollEvery, 30*time.Second)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
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

// cycle is how long one IDLE may last.
func (c Config) cycle() time.Duration {
	if c.IdleCycle > 0 {
		return c.IdleCycle
	}
	return 4*time.Minute + rand.N(5*time.Minute)
}

// Folder is what the server said of the folder when it was opened.
type Folder struct {
	UIDValidity uint32 // 0 exists in the wild: the caller then relies on the mails' bytes
	UIDNext     uint32 // a hint; 0 if the server does not say
	Mails       uint32
	Keywords    bool // Mark leaves Keyword; else \Seen
}

// Problem says why a mail's bytes are missing.
type Problem string

// The problems. Such a mail stays in the mailbox; what is kept of it is a pointer: UIDVALIDITY, UID, size, problem (R36).
const (
	Fetched     Problem = ""            // none: Raw is the mail
	TooLarge    Problem = "too_large"   // larger than Config.MaxMail
	Unfetchable Problem = "unfetchable" // the server lists it but cannot deliver it, tried again and again
)

// Mail is one mail as the server delivered it, unscanned. It shows its UID and size only, and goes into no payload (R36).
type Mail struct {
	UID     uint32
	Size    int64 // as the server says; of a fetched mail, the length of Raw
	Problem Problem
	Raw     []byte // nil unless Problem is Fetched
}

// String tells UID, size and problem.
func (m Mail) String() string { return fmt.Sprintf("mail %d (%d bytes) %s", m.UID, m.Size, m.Problem) }

// GoString tells the same.
func (m Mail) GoString() string { return m.String() }

// LogValue tells the same.
func (m Mail) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("uid", uint64(m.UID)), slog.Int64("size", m.Size), slog.String("problem", string(m.Problem)))
}

// MarshalJSON refuses: unscanned mail travels through no payload.
func (m Mail) MarshalJSON() ([]byte, error) {
	return nil, errors.New("an unscanned mail does not travel in payloads")
}
