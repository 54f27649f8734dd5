package realmail

import (
	"fmt"
	"net"
	"net/textproto"
	"strconv"

	"github.com/postroom/postroom/internal/stack"
)

// Door is a connection by which mails are put into mailboxes, past Postfix (LMTP, RFC 2033).
type Door struct{ text *textproto.Conn }

// Open opens one. Close it.
func (s *Servers) Open() (*Door, error) {
	conn, err := net.Dial("tcp", net.JoinHostPort(stack.Loopback, strconv.Itoa(s.LMTP)))
	if err != nil {
		return nil, err
	}
	d := &Door{textproto.NewConn(conn)}
	if _, _, err := d.text.ReadResponse(220); err != nil {
		return nil, err
	}
	return d, d.say(250, "LHLO localhost")
}

// Deliver puts one mail, with CRLF line ends, into the mailbox of to.
func (d *Door) Deliver(from, to string, mail []byte) error {
	for _, step := range []struct {
		code int
		line string
	}{{250, fmt.Sprintf("MAIL FROM:<%s>", from)}, {250, fmt.Sprintf("RCPT TO:<%s>", to)}, {354, "DATA"}} {
		if err := d.say(step.code, step.line); err != nil {
			return err
		}
	}
	w := d.text.DotWriter()
	if _, err := w.Write(mail); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, _, err := d.text.ReadResponse(250)
	return err
}

func (d *Door) say(code int, line string) error {
	if err := d.text.PrintfLine("%s", line); err != nil {
		return err
	}
	_, _, err := d.text.ReadResponse(code)
	return err
}

// Close closes it.
func (d *Door) Close() error { return d.text.Close() }

// Deliver puts one mail into the mailbox of to.
func (s *Servers) Deliver(from, to string, mail []byte) error {
	d, err := s.Open()
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Deliver(from, to, mail)
}

// Forget makes Dovecot number the mails of an account's inbox anew, under another UIDVALIDITY, as after a restore or a move to another server.
func (s *Servers) Forget(account string) error { return s.forget(account) }
