package mailbox

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync/atomic"

	"github.com/emersion/go-imap/v2"
)

// wire is a connection that remembers whether it was lost. One that the library closed for itself was not: then a response was to
// blame, and not the network.
type wire struct {
	net.Conn
	raw    net.Conn // what is below TLS
	lost   atomic.Bool
	unread []byte // is read first
	// answering is set during a SASL exchange that ends with an empty response: the library writes "=", which is one only at its beginning
	// (RFC 9051 section 6.2.2), and Dovecot refuses.
	answering atomic.Bool
}

// Read reads, and remembers a failure.
func (w *wire) Read(b []byte) (int, error) {
	if len(w.unread) > 0 {
		n := copy(b, w.unread)
		w.unread = w.unread[n:]
		return n, nil
	}
	n, err := w.Conn.Read(b)
	if err != nil {
		w.lost.Store(true)
	}
	return n, err
}

// Write writes.
func (w *wire) Write(b []byte) (int, error) {
	if w.answering.Load() && bytes.Equal(b, []byte("=\r\n")) {
		_, err := w.Conn.Write([]byte("\r\n"))
		return len(b), err
	}
	return w.Conn.Write(b)
}

// hangUp ends the connection because waiting is over.
func (w *wire) hangUp() {
	w.lost.Store(true)
	_ = w.raw.Close()
}

// maxLine is the longest line that is read before TLS.
const maxLine = 8 << 10

// startTLS requires STARTTLS (RFC 9051 section 6.2.1): a server that refuses it, or somebody in between who hides it, gets nothing from us.
// Nothing that came before TLS counts: not a byte is read beyond the answer, and the library gets a greeting of ours.
func (s *Session) startTLS() error {
	greeting, err := s.wire.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(greeting, "* OK") { // BYE, or PREAUTH, with which STARTTLS cannot be had any more (section 7.1.4)
		return &imap.Error{Type: imap.StatusResponseTypeBye}
	}
	if _, err := s.wire.Write([]byte("S STARTTLS\r\n")); err != nil {
		return err
	}
	for {
		line, err := s.wire.line()
		if err != nil {
			return err
		}
		answer, tagged := strings.CutPrefix(line, "S ")
		if !tagged {
			continue
		}
		if status, _, _ := strings.Cut(answer, " "); status != "OK" {
			return &imap.Error{Type: imap.StatusResponseTypeNo}
		}
		break
	}
	secure := tls.Client(s.wire.Conn, s.config.tls())
	if err := secure.Handshake(); err != nil {
		return err
	}
	s.wire.Conn, s.wire.unread = secure, []byte("* OK\r\n")
	return nil
}

// line reads one line, byte by byte, as nothing behind it may be read.
func (w *wire) line() (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < maxLine {
		if _, err := w.Read(b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return "", errors.New("a line without end")
}
