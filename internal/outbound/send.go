package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/postroom/postroom"
)

// quitPatience is how long the server may take to answer QUIT, when everything is decided already.
const quitPatience = time.Second

// Send makes one attempt to hand over a mail.
//
// beforeDot is called once, when everything but the final dot is sent. If it returns an error the connection is closed without the dot,
// so that the server drops the mail, and Send returns that error, wrapped. From its return on, a lost answer is ambiguous.
//
// The Result says what became of the mail; a failure of server or network is no error. Errors are: Invalid for a submission that is
// none; Refused (ReasonTLSRequired) for a plain connection off loopback; beforeDot's; and the context's, when it ended the attempt
// before the dot. With an error the outcome is temporary: nothing was handed over. When the context ends after the dot, the answer is
// still awaited for Config.DotGrace.
func (s *Sender) Send(ctx context.Context, sub Submission, beforeDot func(context.Context) error) (Result, error) {
	a := &attempt{config: s.config, sub: sub}
	for _, to := range sub.To {
		a.result.Recipients = append(a.result.Recipients, Recipient{Address: to})
	}
	if err := sub.check(); err != nil {
		return a.end(StageConnect, Recipient{Outcome: OutcomeTemporary}), err
	}
	defer a.close()
	steps := []step{{StageConnect, a.connect}, {StageTLS, a.handshake}, {StageGreeting, a.greet}, {StageTLS, a.startTLS}, {StageAuth, a.auth},
		{StageFrom, a.from}, {StageTo, a.to}, {StageData, a.data}}
	if fresh, err := s.reuse(ctx, a); !fresh {
		steps = []step{{StageFrom, func(context.Context) error { return err }}, {StageTo, a.to}, {StageData, a.data}}
	}
	for _, step := range steps {
		err := step.run(ctx)
		if err == nil {
			continue
		}
		result := a.end(step.stage, verdict(step.stage, err))
		var ours *postroom.Error
		switch {
		case ctx.Err() != nil:
			return result, fmt.Errorf("outbound: %s: %w", step.stage, context.Cause(ctx))
		case errors.As(err, &ours):
			return result, ours
		}
		return result, nil
	}
	if refused := a.refused(); len(refused) > 0 && sub.Refused != nil {
		sub.Refused(refused)
	}
	if err := beforeDot(ctx); err != nil {
		return a.end(StageData, Recipient{Outcome: OutcomeTemporary}), fmt.Errorf("outbound: before the final dot: %w", err)
	}
	if !a.stop() {
		return a.end(StageData, Recipient{Outcome: OutcomeTemporary}), fmt.Errorf("outbound: before the final dot: %w", context.Cause(ctx))
	}
	result := a.dot(ctx)
	if result.Outcome == OutcomeAccepted {
		s.part(ctx, a)
	}
	return result, nil
}

// step is a part of an attempt.
type step struct {
	stage Stage
	run   func(context.Context) error
}

// attempt is one connection with one transaction.
type attempt struct {
	config Config
	sub    Submission
	conn   net.Conn
	client *smtp.Client
	writer *smtp.DataCommand
	result Result
	stop   func() bool // stops the watch on the context
}

// end fixes the outcome of the attempt, and of every recipient that has none yet.
func (a *attempt) end(stage Stage, v Recipient) Result {
	a.result.Stage, a.result.Outcome, a.result.Code, a.result.Enhanced, a.result.Text = stage, v.Outcome, v.Code, v.Enhanced, v.Text
	for i, r := range a.result.Recipients {
		if r.Outcome == "" {
			v.Address = r.Address
			a.result.Recipients[i] = v
		}
	}
	return a.result
}

// close closes the connection, and says nothing more: see the package comment.
func (a *attempt) close() {
	if a.stop != nil {
		a.stop()
	}
	if a.conn != nil {
		_ = a.conn.Close()
	}
}

// within runs f and closes the connection if it takes longer than d.
func (a *attempt) within(d time.Duration, f func() error) error {
	timer := time.AfterFunc(d, func() { _ = a.conn.Close() })
	defer timer.Stop()
	return f()
}

func (a *attempt) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.config.DialTimeout)
	defer cancel()
	conn, err := a.config.Dial(ctx, "tcp", a.config.address())
	if err != nil {
		return err
	}
	a.conn = &pacedConn{conn, a.config.CommandTimeout}
	if a.config.Security == SecurityNone && !isLoopback(conn.RemoteAddr()) {
		return postroom.Refused(ReasonTLSRequired, "The mail server is not on this machine and its configuration asks for no TLS")
	}
	return nil
}

// isLoopback looks at the address that was reached, not at the name that was asked for.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// pacedConn gives every write a deadline: the library sets none while the mail is written.
type pacedConn struct {
	net.Conn
	timeout time.Duration
}

// Write writes within the timeout.
func (c *pacedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// handshake starts TLS where it comes first, and watches the context from here on.
func (a *attempt) handshake(ctx context.Context) error {
	raw := a.conn
	a.stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
	if a.config.Security != SecurityTLS {
		return nil
	}
	secure := tls.Client(raw, a.config.tls())
	a.conn = secure
	ctx, cancel := context.WithTimeout(ctx, a.config.DialTimeout)
	defer cancel()
	return secure.HandshakeContext(ctx)
}

// greet reads the greeting and says EHLO, unless STARTTLS does both.
func (a *attempt) greet(context.Context) error {
	if a.config.Security == SecurityStartTLS {
		return nil
	}
	a.client = smtp.NewClient(a.conn)
	return a.hello()
}

func (a *attempt) hello() error {
	a.client.CommandTimeout, a.client.SubmissionTimeout = a.config.CommandTimeout, a.config.DotTimeout
	return a.client.Hello(a.config.HelloName)
}

// startTLS requires STARTTLS: a server that does not offer it, or somebody in between who hides it, gets nothing from us.
func (a *attempt) startTLS(context.Context) error {
	if a.config.Security != SecurityStartTLS {
		return nil
	}
	return a.within(3*a.config.CommandTimeout, func() (err error) {
		if a.client, err = smtp.NewClientStartTLS(a.conn, a.config.tls()); err != nil {
			return err
		}
		return a.hello()
	})
}

func (a *attempt) from(context.Context) error {
	options := &smtp.MailOptions{Size: int64(len(a.sub.Mail)), Return: smtp.DSNReturnHeaders, EnvelopeID: a.sub.ID, UTF8: a.sub.needsUTF8()}
	if ok, _ := a.client.Extension("SMTPUTF8"); options.UTF8 && !ok {
		// What such a server would answer, without asking it (RFC 6531 section 3.5).
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 6, 7}}
	}
	return a.client.Mail(a.sub.From, options)
}

// to names the recipients. It fails only if nobody is left: those who are refused keep their answer.
func (a *attempt) to(context.Context) error {
	var last error
	accepted := 0
	for i := range a.result.Recipients {
		r := &a.result.Recipients[i]
		options := &smtp.RcptOptions{Notify: []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed}}
		if isASCII(r.Address) {
			options.OriginalRecipientType, options.OriginalRecipient = smtp.DSNAddressTypeRFC822, r.Address
		}
		err := a.client.Rcpt(r.Address, options)
		var reply *smtp.SMTPError
		switch {
		case err == nil:
			accepted++
		case errors.As(err, &reply):
			v := verdict(StageTo, err)
			v.Address = r.Address
			*r = v
			if last == nil || v.Outcome == OutcomeTemporary {
				last = err // one who may be tried again keeps the mail alive
			}
		default:
			return err
		}
	}
	if accepted == 0 {
		return last
	}
	return nil
}

// refused are the recipients of whom it is decided that this attempt brings them nothing.
func (a *attempt) refused() []Recipient {
	var all []Recipient
	for _, r := range a.result.Recipients {
		if r.Outcome != "" {
			all = append(all, r)
		}
	}
	return all
}

// data sends everything but the final dot.
func (a *attempt) data(context.Context) (err error) {
	if a.writer, err = a.client.Data(); err != nil {
		return err
	}
	for chunk := range slices.Chunk(a.sub.Mail, 64<<10) {
		if _, err := a.writer.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// dot ends the mail and waits for the answer. The end of the context shortens the wait but does not end it: an answer on its way is
// worth more than a fast stop.
func (a *attempt) dot(ctx context.Context) Result {
	answered := make(chan struct{})
	a.stop = context.AfterFunc(ctx, func() {
		select {
		case <-time.After(a.config.DotGrace):
			_ = a.conn.Close()
		case <-answered:
		}
	})
	var response *smtp.DataResponse
	err := a.within(a.config.CommandTimeout+a.config.DotTimeout, func() (err error) {
		response, err = a.writer.CloseWithResponse()
		return err
	})
	close(answered)
	if err != nil {
		return a.end(StageDot, verdict(StageDot, err))
	}
	code, text := splitEnhanced(response.StatusText)
	return a.end(StageDot, Recipient{Outcome: OutcomeAccepted, Code: 250, Enhanced: code, Text: ServerText{strings.TrimSpace(text)}})
}
