// Package clamd asks a ClamAV daemon whether a file holds malware (R16).
//
// It speaks INSTREAM of clamd's protocol: the file goes over a connection in pieces, from memory; neither we nor, unless clamd is told to,
// clamd write it to a disk. A file is asked about only after the card scanner passed it: what it refuses never leaves the process.
//
// A scan has one of four outcomes ([postroom.Malware]), and only one of them lets a file through. The daemon is not trusted beyond its verdict: its
// answer is bounded, and the names that it gives to malware come from foreign lists: they leave this package as [Name], which shows itself to
// nobody until the scanner has passed it (R36).
package clamd

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postroom/postroom"
)

// Why a file could not be scanned.
const (
	ReasonDown     postroom.Reason = "antivirus_unavailable" // it cannot be reached, or does not answer in time
	ReasonRefused  postroom.Reason = "antivirus_refused"     // it answered with an error
	ReasonTooLarge postroom.Reason = "antivirus_too_large"   // larger than Config.MaxSize
	ReasonNone     postroom.Reason = "antivirus_none"        // there is none
)

// The outcomes of a scan, see postroom.Malware.
const (
	Clean     = postroom.MalwareClean
	Infected  = postroom.MalwareInfected
	Failed    = postroom.MalwareFailed
	Unscanned = postroom.MalwareUnscanned
)

// Result is the outcome of one scan. It shows itself without the name of what was found.
type Result struct {
	Outcome postroom.Malware
	Name    Name            // what was found, if infected
	Reason  postroom.Reason // why there was no scan, if failed or unscanned
	Err     error           // what went wrong, for our log, if failed
}

// Verdict is what becomes of a file that the card scanner passed: without a virus scanner it passes; with one it passes if it was found clean, and is held as
// long as nobody has looked.
func (r Result) Verdict() postroom.AttachmentVerdict {
	switch {
	case r.Outcome == Clean, r.Outcome == Unscanned && r.Reason == ReasonNone:
		return postroom.AttachmentPassed
	case r.Outcome == Infected:
		return postroom.AttachmentInfected
	}
	return postroom.AttachmentUnchecked
}

// String tells outcome and reason.
func (r Result) String() string { return strings.TrimSpace(string(r.Outcome) + " " + string(r.Reason)) }

// GoString tells the same.
func (r Result) GoString() string { return r.String() }

// LogValue tells the same.
func (r Result) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Name is what a list of signatures calls some malware: foreign text, at most 200 bytes of valid UTF-8.
type Name struct{ text string }

// Reveal returns the name, for the card scanner.
func (n Name) Reveal() string { return n.text }

// String gives the length only.
func (n Name) String() string { return fmt.Sprintf("name(%d)", len(n.text)) }

// GoString gives the length only.
func (n Name) GoString() string { return n.String() }

// Config says which daemon is asked, and how patiently.
type Config struct {
	Address string // unix:///path of its socket, or tcp://host:port
	MaxSize int64  // bytes; larger files are not sent. 0: DefaultMaxSize. It should not be more than StreamMaxLength of clamd.conf

	DialTimeout  time.Duration // 0: 5 s
	WriteTimeout time.Duration // for each piece; 0: 15 s
	ReplyTimeout time.Duration // for the verdict, once the file is there; 0: 1 min
	AtOnce       int           // how many files may be asked about at a time; 0: 4, as clamd has 10 threads and others ask it too
}

// DefaultMaxSize is clamd's own limit in its older versions, and what R16 allows a reply.
const DefaultMaxSize = 25 << 20

const (
	pieceSize = 64 << 10
	maxReply  = 4 << 10
	maxName   = 200
)

// Client asks one daemon. It may be used concurrently. A nil Client is no daemon: every file is unscanned.
type Client struct {
	config           Config
	network, address string
	turns            chan struct{}
}

// New makes a Client. It does not connect. An address that is none is Invalid.
func New(c Config) (*Client, error) {
	network, address, err := Parse(c.Address)
	if err != nil {
		return nil, err
	}
	c.MaxSize = cmp.Or(c.MaxSize, DefaultMaxSize)
	c.DialTimeout = cmp.Or(c.DialTimeout, 5*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 15*time.Second)
	c.ReplyTimeout = cmp.Or(c.ReplyTimeout, time.Minute)
	c.AtOnce = cmp.Or(c.AtOnce, 4)
	return &Client{config: c, network: network, address: address, turns: make(chan struct{}, c.AtOnce)}, nil
}

// Parse reads the address of a daemon: what net.Dial is told.
func Parse(at string) (network, address string, err error) {
	u, err := url.Parse(at)
	bad := postroom.Invalid(postroom.ReasonMalformed, "the address of clamd is unix:///path or tcp://host:port")
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", "", bad
	}
	switch {
	case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/") && len(u.Path) > 1:
		return "unix", u.Path, nil
	case u.Scheme == "tcp" && u.Hostname() != "" && u.Port() != "" && u.Path == "":
		return "tcp", u.Host, nil
	}
	return "", "", bad
}

// Scan asks about a file of size bytes. Every step has a deadline, and the end of ctx ends it. It never fails otherwise than by its outcome.
func (c *Client) Scan(ctx context.Context, file io.Reader, size int64) Result {
	if c == nil {
		return Result{Outcome: Unscanned, Reason: ReasonNone}
	}
	if size > c.config.MaxSize {
		return Result{Outcome: Unscanned, Reason: ReasonTooLarge}
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return failed(ReasonDown, ctx.Err())
	}
	reply, err := c.exchange(ctx, "zINSTREAM\x00", func(conn *deadlined) error { return stream(conn, io.LimitReader(file, c.config.MaxSize+1)) })
	if err != nil {
		return failed(ReasonDown, err)
	}
	return verdict(reply)
}

// Ping reports whether the daemon answers.
func (c *Client) Ping(ctx context.Context) error {
	if c == nil {
		return nil
	}
	reply, err := c.exchange(ctx, "zPING\x00", func(*deadlined) error { return nil })
	if err == nil && reply != "PONG" {
		err = errors.New("it answered PING with something else")
	}
	if err != nil {
		return postroom.Unavailable(ReasonDown, "the virus scanner does not answer", err)
	}
	return nil
}

// errReader says that the file could not be read: nothing is known of it, and no dot is sent that would end it.
type errReader struct{ error }

// exchange sends one command and what follows it, and reads the answer. An answer that comes before everything was sent counts: clamd refuses
// a stream that is too long with its reason, and closes.
func (c *Client) exchange(ctx context.Context, command string, send func(*deadlined) error) (string, error) {
	dialing, cancel := context.WithTimeout(ctx, c.config.DialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(dialing, c.network, c.address)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	conn := &deadlined{Conn: raw, write: c.config.WriteTimeout}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, sending := io.WriteString(conn, command)
	if sending == nil {
		sending = send(conn)
	}
	var unreadable errReader
	if errors.As(sending, &unreadable) {
		return "", sending
	}
	_ = conn.SetReadDeadline(time.Now().Add(c.config.ReplyTimeout))
	reply, err := bufio.NewReader(io.LimitReader(conn, maxReply)).ReadString(0)
	if err != nil && (reply == "" || !errors.Is(err, io.EOF)) {
		return "", errors.Join(fmt.Errorf("read the answer: %w", err), sending, ctx.Err())
	}
	return strings.TrimRight(reply, "\x00\n"), nil
}

// stream sends a file in pieces, each behind its length in four bytes; a length of zero ends it.
func stream(w io.Writer, file io.Reader) error {
	piece := make([]byte, 4+pieceSize)
	for {
		n, err := io.ReadFull(file, piece[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(piece, uint32(n))
			if _, err := w.Write(piece[:4+n]); err != nil {
				return fmt.Errorf("send the file: %w", err)
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			if _, err := w.Write(make([]byte, 4)); err != nil {
				return fmt.Errorf("end the file: %w", err)
			}
			return nil
		default:
			return errReader{fmt.Errorf("read the file: %w", err)}
		}
	}
}

// deadlined gives every write its own time.
type deadlined struct {
	net.Conn
	write time.Duration
}

// Write writes within the time.
func (d *deadlined) Write(b []byte) (int, error) {
	_ = d.SetWriteDeadline(time.Now().Add(d.write))
	return d.Conn.Write(b)
}

// verdict reads "stream: OK" and "stream: NAME FOUND". Whatever is neither is no verdict.
func verdict(reply string) Result {
	said, ours := strings.CutPrefix(reply, "stream: ")
	name, found := strings.CutSuffix(said, " FOUND")
	switch {
	case ours && said == "OK":
		return Result{Outcome: Clean}
	case ours && found && name != "":
		return Result{Outcome: Infected, Name: Name{shortened(name)}}
	case strings.Contains(reply, "size limit exceeded"):
		return Result{Outcome: Unscanned, Reason: ReasonTooLarge}
	}
	return failed(ReasonRefused, errors.New("it answered with no verdict")) // its words may repeat the file
}

func shortened(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

func failed(reason postroom.Reason, err error) Result {
	return Result{Outcome: Failed, Reason: reason, Err: err}
}

// ScanBytes is Scan for a file in memory.
func (c *Client) ScanBytes(ctx context.Context, file []byte) Result {
	return c.Scan(ctx, bytes.NewReader(file), int64(len(file)))
}
