package outbound_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/outbound"
)

const patience = 20 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func goOn(context.Context) error { return nil }

func sender(t *testing.T, s *server, change func(*outbound.Config)) *outbound.Sender {
	t.Helper()
	config := outbound.Config{Host: s.host, Port: s.port, Security: outbound.SecurityNone, DialTimeout: patience,
		CommandTimeout: patience, DotTimeout: patience, DotGrace: patience}
	if change != nil {
		change(&config)
	}
	out, err := outbound.New(config)
	must(t, err)
	return out
}

func reply(to ...string) outbound.Submission {
	if len(to) == 0 {
		to = []string{"ada@customer.example"}
	}
	return outbound.Submission{From: "bounce+token@postroom.example", To: to, ID: "token",
		Mail: []byte("Subject: hello\r\n\r\n.a line that begins with a dot\r\n..two\r\nthe end\r\n")}
}

// impatient makes a silent server a matter of milliseconds.
func impatient(c *outbound.Config) {
	c.CommandTimeout, c.DotTimeout, c.DotGrace = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
}

func TestOutcomeOfEveryAnswerAtEveryStage(t *testing.T) {
	t.Parallel()
	const accepted, temporary, permanent, ambiguous = outbound.OutcomeAccepted, outbound.OutcomeTemporary, outbound.OutcomePermanent, outbound.OutcomeAmbiguous
	for _, c := range []struct {
		verb, answer string
		stage        outbound.Stage
		outcome      outbound.Outcome
		code         int
		enhanced     string
	}{
		{"greeting", "421 4.3.2 full", outbound.StageGreeting, temporary, 421, "4.3.2"},
		{"greeting", "554 no mail here", outbound.StageGreeting, permanent, 554, ""},
		{"greeting", hangUp, outbound.StageGreeting, temporary, 0, ""},
		{"greeting", silent, outbound.StageGreeting, temporary, 0, ""},
		{"greeting", "SSH-2.0-OpenSSH_9", outbound.StageGreeting, temporary, 0, ""},
		{"EHLO", "421 4.7.0 later", outbound.StageGreeting, temporary, 421, "4.7.0"},
		{"EHLO", "550 go away", outbound.StageGreeting, permanent, 550, ""},
		{"EHLO", hangUp, outbound.StageGreeting, temporary, 0, ""},
		{"MAIL", "451 4.3.0 later", outbound.StageFrom, temporary, 451, "4.3.0"},
		{"MAIL", "550 5.7.1 no", outbound.StageFrom, permanent, 550, "5.7.1"},
		{"MAIL", "530 5.7.0 authentication required", outbound.StageFrom, temporary, 530, "5.7.0"},
		{"MAIL", hangUp, outbound.StageFrom, temporary, 0, ""},
		{"MAIL", silent, outbound.StageFrom, temporary, 0, ""},
		{"RCPT", "450 4.2.0 busy", outbound.StageTo, temporary, 450, "4.2.0"},
		{"RCPT", "550 5.1.1 nobody", outbound.StageTo, permanent, 550, "5.1.1"},
		{"RCPT", hangUp, outbound.StageTo, temporary, 0, ""},
		{"RCPT", silent, outbound.StageTo, temporary, 0, ""},
		{"DATA", "421 4.3.2 later", outbound.StageData, temporary, 421, "4.3.2"},
		{"DATA", "554 5.6.0 no", outbound.StageData, permanent, 554, "5.6.0"},
		{"DATA", "250 what", outbound.StageData, temporary, 250, ""},
		{"DATA", hangUp, outbound.StageData, temporary, 0, ""},
		{"DATA", silent, outbound.StageData, temporary, 0, ""},
		{"dot", "250 2.0.0 queued", outbound.StageDot, accepted, 250, "2.0.0"},
		{"dot", "250 queued", outbound.StageDot, accepted, 250, ""},
		{"dot", "250-two\n250 lines", outbound.StageDot, accepted, 250, ""},
		{"dot", "252 as good", outbound.StageDot, accepted, 252, ""},
		{"dot", "452 4.3.1 disk full", outbound.StageDot, temporary, 452, "4.3.1"},
		{"dot", "421 4.3.2 later", outbound.StageDot, temporary, 421, "4.3.2"},
		{"dot", "554 5.7.1 spam", outbound.StageDot, permanent, 554, "5.7.1"},
		{"dot", hangUp, outbound.StageDot, ambiguous, 0, ""},
		{"dot", silent, outbound.StageDot, ambiguous, 0, ""},
		{"dot", "what?", outbound.StageDot, ambiguous, 0, ""},
		{"dot", "354 more", outbound.StageDot, ambiguous, 354, ""},
		{"QUIT", hangUp, outbound.StageDot, accepted, 250, "2.0.0"},
		{"QUIT", "500 what", outbound.StageDot, accepted, 250, "2.0.0"},
	} {
		t.Run(c.verb+" "+c.answer, func(t *testing.T) {
			t.Parallel()
			s := script(t, map[string]string{c.verb: c.answer})
			var change func(*outbound.Config)
			if c.answer == silent || strings.HasPrefix(c.answer, "SSH-") { // "SSH-" looks like the first of several lines
				change = impatient
			}
			got, err := sender(t, s, change).Send(t.Context(), reply(), goOn)
			must(t, err)
			if got.Outcome != c.outcome || got.Stage != c.stage || got.Code != c.code || got.Enhanced != c.enhanced {
				t.Errorf("got %v, want %s at %s, code %d %s", got, c.outcome, c.stage, c.code, c.enhanced)
			}
			if got.Recipients[0].Outcome != c.outcome || got.Recipients[0].Address != "ada@customer.example" {
				t.Errorf("the recipient is %s", got.Recipients[0].Outcome)
			}
			if c.verb != "dot" && c.verb != "QUIT" && s.sawDot() {
				t.Error("a dot was sent")
			}
			if got.Outcome != accepted && s.told("QUIT") {
				t.Error("QUIT was said after a failure")
			}
		})
	}
}

func TestServerThatCannotBeReachedIsTemporary(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	got, err := sender(t, &server{host: "127.0.0.1", port: port}, nil).Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomeTemporary || got.Stage != outbound.StageConnect {
		t.Errorf("got %v", got)
	}
}

func TestServerThatHangsUpOrStopsReadingDuringTheMailGetsNoDot(t *testing.T) {
	t.Parallel()
	sub := reply()
	sub.Mail = []byte("Subject: long\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 200_000))
	for name, answers := range map[string]map[string]string{"hangs up": {"body": hangUp}, "stops reading": {"DATA": stall}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, answers)
			got, err := sender(t, s, func(c *outbound.Config) { c.CommandTimeout = 500 * time.Millisecond }).Send(t.Context(), sub, func(context.Context) error {
				t.Error("the hook was called")
				return nil
			})
			must(t, err)
			if got.Outcome != outbound.OutcomeTemporary || got.Stage != outbound.StageData || s.sawDot() {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestEveryRecipientHasItsOwnOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rcpts   []string
		dot     string
		outcome outbound.Outcome
		want    string
	}{
		{[]string{"250 ok", "550 5.1.1 nobody", "450 4.2.0 busy"}, "250 ok", outbound.OutcomeAccepted, "accepted:250 permanent:550 temporary:450"},
		{[]string{"250 ok", "550 5.1.1 nobody", "250 ok"}, hangUp, outbound.OutcomeAmbiguous, "ambiguous:0 permanent:550 ambiguous:0"},
		{[]string{"250 ok", "550 5.1.1 nobody", "250 ok"}, "554 no", outbound.OutcomePermanent, "permanent:554 permanent:550 permanent:554"},
		{[]string{"550 5.1.1 nobody", "450 4.2.0 busy", "550 no"}, "", outbound.OutcomeTemporary, "permanent:550 temporary:450 permanent:550"},
		{[]string{"550 5.1.1 nobody", "551 gone", "550 no"}, "", outbound.OutcomePermanent, "permanent:550 permanent:551 permanent:550"},
		{[]string{"250 ok", "550 no", hangUp}, "", outbound.OutcomeTemporary, "temporary:0 permanent:550 temporary:0"},
	} {
		s := script(t, map[string]string{"dot": c.dot}, c.rcpts...)
		got, err := sender(t, s, nil).Send(t.Context(), reply("a@x.example", "b@x.example", "c@x.example"), goOn)
		must(t, err)
		var each []string
		for i, r := range got.Recipients {
			each = append(each, fmt.Sprintf("%s:%d", r.Outcome, r.Code))
			if want := string(rune('a'+i)) + "@x.example"; r.Address != want {
				t.Errorf("recipient %d is %s", i, r.Address)
			}
		}
		if got.Outcome != c.outcome || strings.Join(each, " ") != c.want {
			t.Errorf("%v: %s, %s; want %s, %s", c.rcpts, got.Outcome, each, c.outcome, c.want)
		}
	}
}

func TestHookThatRefusesLeavesTheMailWithoutItsDot(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	stale := postroom.Conflict(postroom.ReasonStaleState, "another attempt has begun")
	calls := 0
	got, err := sender(t, s, nil).Send(t.Context(), reply(), func(context.Context) error {
		calls++
		if s.sawDot() {
			t.Error("the dot was sent before the hook")
		}
		return stale
	})
	if !errors.Is(err, stale) || got.Outcome != outbound.OutcomeTemporary || calls != 1 {
		t.Errorf("got %v, %v, %d calls", got, err, calls)
	}
	if s.sawDot() || s.told("QUIT") {
		t.Error("the server was told that the mail is complete")
	}
}

func TestEndOfTheContextBeforeTheDotIsAnErrorAndAfterItTheAnswerIsAwaited(t *testing.T) {
	t.Parallel()
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := script(t, map[string]string{"RCPT": silent})
	go func() {
		s.await("RCPT")
		cancel(cause)
	}()
	got, err := sender(t, s, nil).Send(ctx, reply(), goOn)
	if !errors.Is(err, cause) || got.Outcome != outbound.OutcomeTemporary {
		t.Errorf("before: %v, %v", got, err)
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	s = script(t, nil)
	got, err = sender(t, s, nil).Send(ctx, reply(), func(context.Context) error { cancel(cause); return nil })
	if !errors.Is(err, cause) || got.Outcome != outbound.OutcomeTemporary || s.sawDot() {
		t.Errorf("during the hook: %v, %v", got, err)
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	s = script(t, map[string]string{"dot": silent})
	go func() {
		s.await("dot")
		cancel(cause)
	}()
	got, err = sender(t, s, func(c *outbound.Config) { c.DotGrace = 50 * time.Millisecond }).Send(ctx, reply(), goOn)
	if err != nil || got.Outcome != outbound.OutcomeAmbiguous {
		t.Errorf("after: %v, %v", got, err)
	}
}

func TestMailIsToldAsItIsWithItsEnvelope(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	got, err := sender(t, s, func(c *outbound.Config) { c.HelloName = "mail.postroom.example" }).Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Text.Reveal() != "queued as 4711" {
		t.Errorf("the server's text is %q", got.Text.Reveal())
	}
	want := []string{"EHLO mail.postroom.example",
		"MAIL FROM:<bounce+token@postroom.example> BODY=8BITMIME SIZE=" + fmt.Sprint(len(reply().Mail)) + " RET=HDRS ENVID=token",
		"RCPT TO:<ada@customer.example> NOTIFY=FAILURE,DELAY ORCPT=RFC822;ada@customer.example", "DATA", "QUIT"}
	if strings.Join(s.lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("the server was told\n%s\nwant\n%s", strings.Join(s.lines, "\n"), strings.Join(want, "\n"))
	}
	if s.mail != string(reply().Mail) {
		t.Errorf("the mail is %q", s.mail)
	}
}

func TestLoginIsGivenByPlainOrLoginAndItsRefusalIsNotTheMailsFault(t *testing.T) {
	t.Parallel()
	login := func(c *outbound.Config) { c.Username, c.Password = "user", "pass" }
	for ehlo, want := range map[string]string{"AUTH_PLAIN_LOGIN": "AUTH PLAIN AHVzZXIAcGFzcw==", "AUTH_LOGIN": "AUTH LOGIN dXNlcg== cGFzcw=="} {
		s := script(t, nil)
		s.ehlo = ehlo
		got, err := sender(t, s, login).Send(t.Context(), reply(), goOn)
		must(t, err)
		if lines := strings.Join(s.lines, " "); got.Outcome != outbound.OutcomeAccepted || !strings.Contains(lines, want) {
			t.Errorf("%s: %v, %s", ehlo, got, lines)
		}
	}
	for name, c := range map[string]struct {
		s       *server
		refused bool
	}{
		"refused":      {script(t, map[string]string{"AUTH": "535 5.7.8 no"}), true},
		"needed":       {script(t, map[string]string{"MAIL": "530 5.7.0 log in"}), true},
		"not offered":  {func() *server { s := script(t, nil); s.ehlo = "SIZE"; return s }(), true},
		"down":         {script(t, map[string]string{"AUTH": "454 4.7.0 later"}), false},
		"disconnected": {script(t, map[string]string{"AUTH": hangUp}), false},
	} {
		got, err := sender(t, c.s, login).Send(t.Context(), reply(), goOn)
		must(t, err)
		if got.Outcome != outbound.OutcomeTemporary || got.LoginRefused() != c.refused {
			t.Errorf("%s: %v, login refused %v", name, got, got.LoginRefused())
		}
	}
}

func TestAddressOutsideASCIINeedsAServerThatTakesIt(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	got, err := sender(t, s, nil).Send(t.Context(), reply("하늘@customer.example"), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomePermanent || got.Enhanced != "5.6.7" || s.told("MAIL") {
		t.Errorf("without SMTPUTF8: %v", got)
	}
	s = script(t, nil)
	s.ehlo = "SMTPUTF8"
	got, err = sender(t, s, nil).Send(t.Context(), reply("하늘@customer.example"), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomeAccepted || !s.told("MAIL FROM:<bounce+token@postroom.example> SMTPUTF8") {
		t.Errorf("with SMTPUTF8: %v", got)
	}
}

// elsewhere is a connection to a server that is not on this machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestNothingIsSaidInPlainOffLoopbackUnlessTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	far := func(security outbound.Security) func(*outbound.Config) {
		return func(c *outbound.Config) {
			c.Security = security
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return elsewhere{conn}, err
			}
		}
	}
	_, err := sender(t, s, far(outbound.SecurityNone)).Send(t.Context(), reply(), goOn)
	if postroom.KindOf(err) != postroom.KindRefused || postroom.ReasonOf(err) != outbound.ReasonTLSRequired || len(s.lines) > 0 {
		t.Errorf("none: %v; the server was told %v", err, s.lines)
	}
	got, err := sender(t, s, far(outbound.SecurityStartTLS)).Send(t.Context(), reply(), goOn)
	if err != nil || got.Outcome != outbound.OutcomeTemporary || got.Stage != outbound.StageTLS || s.told("MAIL") || s.told("AUTH") {
		t.Errorf("starttls that is not offered: %v, %v; the server was told %v", got, err, s.lines)
	}
	got, err = sender(t, s, far(outbound.SecurityInsecure)).Send(t.Context(), reply(), goOn)
	if err != nil || got.Outcome != outbound.OutcomeAccepted {
		t.Errorf("insecure: %v, %v", got, err)
	}
}

func TestWhatIsNoSubmissionIsInvalid(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	for name, change := range map[string]func(*outbound.Submission){
		"no recipient": func(s *outbound.Submission) { s.To = nil },
		"no mail":      func(s *outbound.Submission) { s.Mail = nil },
		"no address":   func(s *outbound.Submission) { s.To = []string{"ada"} },
		"injection":    func(s *outbound.Submission) { s.To = []string{"ada@x.example>\r\nDATA"} },
		"sender":       func(s *outbound.Submission) { s.From = "a b@x.example" },
		"id":           func(s *outbound.Submission) { s.ID = "a b" },
	} {
		sub := reply()
		change(&sub)
		if _, err := sender(t, s, nil).Send(t.Context(), sub, goOn); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.lines) > 0 {
		t.Errorf("the server was told %v", s.lines)
	}
	for _, config := range []outbound.Config{{}, {Host: "h", Port: 70000, Security: outbound.SecurityTLS}, {Host: "h", Port: 25}, {Host: "h", Port: 25, Security: "ssl"}} {
		if _, err := outbound.New(config); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%+v: %v", config, err)
		}
	}
}

func TestResultShowsNeitherAddressesNorWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	s := script(t, map[string]string{"RCPT": "550 5.1.1 <ada@customer.example> is unknown"})
	got, err := sender(t, s, nil).Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Text.Reveal() != "<ada@customer.example> is unknown" || got.Recipients[0].Text != got.Text {
		t.Errorf("the text is %q", got.Text.Reveal())
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("sent", "result", got, "text", got.Text)
	for _, shown := range []string{fmt.Sprint(got), fmt.Sprintf("%v %+v %#v %s", got, got, got, got.Text), fmt.Sprintf("%#v", got.Text), log.String()} {
		if strings.Contains(shown, "ada") || strings.Contains(shown, "unknown") {
			t.Errorf("shown: %s", shown)
		}
	}
	if _, err := json.Marshal(got); err == nil {
		t.Error("the result can be put into a payload")
	}
}

// Of whom the server has refused it is told before the dot, so that it is known even if the answer to the dot is lost.
func TestRefusedRecipientsAreToldBeforeTheDot(t *testing.T) {
	t.Parallel()
	s := script(t, map[string]string{"dot": hangUp}, "250 ok", "550 5.1.1 nobody", "450 4.2.0 busy")
	var order []string
	sub := reply("a@x.example", "b@x.example", "c@x.example")
	sub.Refused = func(refused []outbound.Recipient) {
		for _, r := range refused {
			order = append(order, fmt.Sprintf("%s %s %d", r.Address, r.Outcome, r.Code))
		}
	}
	got, err := sender(t, s, nil).Send(t.Context(), sub, func(context.Context) error { order = append(order, "dot"); return nil })
	must(t, err)
	if want := "b@x.example permanent 550, c@x.example temporary 450, dot"; strings.Join(order, ", ") != want || got.Outcome != outbound.OutcomeAmbiguous {
		t.Errorf("%v, then %v", order, got)
	}
	sub.To, order = []string{"a@x.example"}, nil
	_, err = sender(t, script(t, nil), nil).Send(t.Context(), sub, goOn)
	must(t, err)
	if order != nil {
		t.Errorf("nobody was refused, and %v was told", order)
	}
}
