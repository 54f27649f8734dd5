package mailbox_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
)

func TestLoginThatIsRefusedIsToldFromAServerThatIsDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caps, verb, answer string
		want               postroom.Reason
	}{
		"wrong password":      {"AUTH=PLAIN SASL-IR", "AUTHENTICATE", "NO [AUTHENTICATIONFAILED] no", mailbox.ReasonLoginRefused},
		"no code":             {"AUTH=PLAIN SASL-IR", "AUTHENTICATE", "NO sorry", mailbox.ReasonLoginRefused},
		"LOGIN refused":       {"", "LOGIN", "NO LOGIN failed", mailbox.ReasonLoginRefused},
		"nothing in common":   {"AUTH=GSSAPI LOGINDISABLED", "", "", mailbox.ReasonLoginRefused},
		"backend down":        {"AUTH=PLAIN SASL-IR", "AUTHENTICATE", "NO [UNAVAILABLE] later", postroom.ReasonMailServerDown},
		"too many sessions":   {"AUTH=PLAIN SASL-IR", "AUTHENTICATE", "NO [LIMIT] too many", postroom.ReasonMailServerDown},
		"hangs up":            {"AUTH=PLAIN SASL-IR", "AUTHENTICATE", "", postroom.ReasonMailServerDown},
		"no such folder":      {"AUTH=PLAIN SASL-IR", "SELECT", "NO [NONEXISTENT] none", mailbox.ReasonCommandRefused},
		"says nothing of it":  {"AUTH=PLAIN SASL-IR", "CAPABILITY", "BAD what", postroom.ReasonMailServerDown},
		"folder is locked":    {"AUTH=PLAIN SASL-IR", "SELECT", "NO [INUSE] locked", postroom.ReasonMailServerDown},
		"hangs up at SELECT":  {"AUTH=PLAIN SASL-IR", "SELECT", "", postroom.ReasonMailServerDown},
		"without SASL-IR too": {"AUTH=PLAIN", "AUTHENTICATE", "NO no", mailbox.ReasonLoginRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t)
			s.caps = "IMAP4rev1 " + c.caps
			if c.verb != "" {
				s.answers[c.verb] = c.answer
			}
			_, err := mailbox.Open(t.Context(), s.config())
			if postroom.ReasonOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestServerWithoutPlainIsSignedInWithLOGIN(t *testing.T) {
	t.Parallel()
	s := script(t)
	s.caps = "IMAP4rev1"
	s.open(nil)
	if want := `LOGIN "support@postroom.example" "secret"`; !strings.Contains(s.told(), want) {
		t.Errorf("the server was told\n%s", s.told())
	}
}

// elsewhere is a connection to a server that is not on this machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

func far(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return elsewhere{conn}, err
}

func TestNothingIsSaidInPlainOffLoopbackUnlessTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	s := script(t)
	for security, want := range map[mailbox.Security]postroom.Reason{mailbox.SecurityNone: mailbox.ReasonTLSRequired,
		mailbox.SecurityStartTLS: mailbox.ReasonCommandRefused, mailbox.SecurityTLS: postroom.ReasonMailServerDown} {
		s.set(func() { s.answers["STARTTLS"] = "BAD what" })
		config := s.config()
		config.Security, config.Dial = security, far
		if _, err := mailbox.Open(t.Context(), config); postroom.ReasonOf(err) != want {
			t.Errorf("%s: %v", security, err)
		}
	}
	if told := s.told(); strings.Contains(told, "LOGIN") || strings.Contains(told, "SELECT") || s.logins > 0 {
		t.Errorf("the server was told\n%s", told)
	}
	s.open(func(c *mailbox.Config) { c.Security, c.Dial = mailbox.SecurityInsecure, far })
}

func TestConfigurationThatCannotWorkIsInvalid(t *testing.T) {
	t.Parallel()
	for _, config := range []mailbox.Config{{}, {Host: "h", Port: 70000, Security: mailbox.SecurityTLS}, {Host: "h", Port: 143}, {Host: "h", Port: 143, Security: "ssl"}} {
		if _, err := mailbox.Open(t.Context(), config); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%+v: %v", config, err)
		}
	}
}

func TestServerThatCannotBeReachedIsUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	_, err = mailbox.Open(t.Context(), mailbox.Config{Host: "127.0.0.1", Port: port, Security: mailbox.SecurityNone})
	if !errors.Is(err, postroom.Unavailable(postroom.ReasonMailServerDown, "", nil)) {
		t.Errorf("got %v", err)
	}
}

func TestIdleWakesForMailAndForTheCycleAndFailsWhenTheConnectionEnds(t *testing.T) {
	t.Parallel()
	s := script(t, mails(1)...)
	session := s.open(nil)
	go func() {
		s.await("IDLE")
		s.say("* 2 EXISTS")
	}()
	if wake, err := session.Idle(t.Context()); wake != mailbox.WakeMail || err != nil {
		t.Errorf("told of a mail: %s, %v", wake, err)
	}
	must(t, session.Mark(t.Context(), []uint32{1})) // the session goes on

	short := s.open(func(c *mailbox.Config) { c.IdleCycle = time.Millisecond })
	if wake, err := short.Idle(t.Context()); wake != mailbox.WakeCycle || err != nil {
		t.Errorf("at the end of the cycle: %s, %v", wake, err)
	}

	for _, end := range []func(){s.cut, func() { s.say("* BYE shutting down"); s.cut() }} {
		session := s.open(nil)
		go func() {
			s.await("IDLE")
			end()
		}()
		if _, err := session.Idle(t.Context()); postroom.ReasonOf(err) != postroom.ReasonMailServerDown {
			t.Errorf("at the end of the connection: %v", err)
		}
	}
}

func TestMailThatIsToldOfBeforeIdleWakesIt(t *testing.T) {
	t.Parallel()
	s := script(t, mails(1)...)
	s.untagged["UID STORE"] = "* 2 EXISTS\r\n"
	session := s.open(nil)
	must(t, session.Mark(t.Context(), []uint32{1}))
	if wake, err := session.Idle(t.Context()); wake != mailbox.WakeMail || err != nil {
		t.Errorf("got %s, %v", wake, err)
	}
	if strings.Contains(s.told(), "IDLE") {
		t.Error("IDLE was sent although there was news")
	}
}

func TestEndOfTheContextEndsIdleAndLeavesTheSessionUsable(t *testing.T) {
	t.Parallel()
	s := script(t, mails(1)...)
	session := s.open(nil)
	cause := errors.New("worker stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		s.await("IDLE")
		cancel(cause)
	}()
	if _, err := session.Idle(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	must(t, session.Mark(t.Context(), []uint32{1}))
	if _, err := session.Next(ctx, 0); !errors.Is(err, cause) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestServerWithoutIDLEIsAskedNowAndThen(t *testing.T) {
	t.Parallel()
	s := script(t)
	s.caps = "IMAP4rev1 AUTH=PLAIN"
	session := s.open(func(c *mailbox.Config) { c.PollEvery = time.Millisecond })
	go func() {
		s.await("NOOP")
		s.set(func() { s.untagged["NOOP"] = "* 1 EXISTS\r\n" })
	}()
	if wake, err := session.Idle(t.Context()); wake != mailbox.WakeMail || err != nil {
		t.Errorf("got %s, %v", wake, err)
	}
}

func TestServerThatTellsOfAMailItDoesNotFindYetIsAskedAgainAfterANoop(t *testing.T) {
	t.Parallel()
	s := script(t, mails(1)...)
	session := s.open(nil)
	go func() {
		s.await("IDLE")
		s.say("* 2 EXISTS")
	}()
	s.set(func() { s.onNoop = func() { s.mails[2] = "Subject: late\r\n\r\n" } })
	wake, err := session.Idle(t.Context())
	must(t, err)
	list, err := session.Next(t.Context(), 1)
	if err != nil || wake != mailbox.WakeMail || show(list) != "2" {
		t.Errorf("woken for %s: %s, %v", wake, show(list), err)
	}
}

func TestMailThatTheSearchItselfBringsToLightIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	s := script(t, mails(1)...)
	s.late = map[uint32]string{2: "Subject: late\r\n\r\n"} // as Dovecot does it
	list, err := s.open(nil).Next(t.Context(), 1)
	if err != nil || show(list) != "2" {
		t.Errorf("got %s, %v", show(list), err)
	}
}
