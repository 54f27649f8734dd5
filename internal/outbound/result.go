package outbound

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
)

// Outcome is how an attempt ended. The package comment says what each means.
type Outcome string

// The outcomes.
const (
	OutcomeAccepted  Outcome = "accepted"
	OutcomeTemporary Outcome = "temporary"
	OutcomePermanent Outcome = "permanent"
	OutcomeAmbiguous Outcome = "ambiguous"
)

// Stage is where an attempt was when its outcome was decided.
type Stage string

// The stages, in order.
const (
	StageConnect  Stage = "connect"
	StageGreeting Stage = "greeting" // the server's first line, and EHLO
	StageTLS      Stage = "tls"      // the handshake, and STARTTLS
	StageAuth     Stage = "auth"
	StageFrom     Stage = "from" // MAIL
	StageTo       Stage = "to"   // RCPT
	StageData     Stage = "data" // DATA and the mail, up to the final dot
	StageDot      Stage = "dot"  // the final dot and its answer
)

// Result is what became of an attempt. It shows itself without addresses and without what the server said.
type Result struct {
	Outcome  Outcome
	Stage    Stage
	Code     int    // the answer that decided (RFC 5321 section 4.2), 0 if there was none
	Enhanced string // its enhanced status code (RFC 3463), "" if it had none
	Text     ServerText
	// Recipients has one entry for each of Submission.To, in order. When the mail was accepted, it was for those that say so:
	// others may have been refused, for now or for good.
	Recipients []Recipient
}

// Recipient is what became of one recipient.
type Recipient struct {
	Address  string
	Outcome  Outcome
	Code     int
	Enhanced string
	Text     ServerText
}

// LoginRefused reports whether the server did not take our user name and password, or offers no way to give them. It says nothing
// about the mail, so the outcome is temporary; but somebody should look at the configuration.
func (r Result) LoginRefused() bool { return r.Code >= 500 && isLogin(r.Stage, r.Code) }

// String tells outcome, stage and code.
func (r Result) String() string {
	return fmt.Sprintf("%s at %s, code %d %s, %d recipients", r.Outcome, r.Stage, r.Code, r.Enhanced, len(r.Recipients))
}

// GoString tells the same.
func (r Result) GoString() string { return r.String() }

// LogValue tells the same.
func (r Result) LogValue() slog.Value {
	return slog.GroupValue(slog.String("outcome", string(r.Outcome)), slog.String("stage", string(r.Stage)), slog.Int("code", r.Code),
		slog.String("enhanced", r.Enhanced), slog.Int("recipients", len(r.Recipients)))
}

// ServerText is what a server said: unscanned, as it may repeat an address or what a customer wrote (R36). It shows its length only.
type ServerText struct{ s string }

// Reveal returns the text itself, for the scanner.
func (t ServerText) Reveal() string { return t.s }

// Empty reports whether the server said nothing.
func (t ServerText) Empty() bool { return t.s == "" }

// String gives the length only.
func (t ServerText) String() string { return fmt.Sprintf("server text(%d)", len(t.s)) }

// GoString gives the length only.
func (t ServerText) GoString() string { return t.String() }

// LogValue gives the length only.
func (t ServerText) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON refuses: a server's text travels through no payload.
func (t ServerText) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a server's text does not travel in payloads")
}

// verdict is what one step's error means for the mail.
func verdict(stage Stage, err error) Recipient {
	var reply *smtp.SMTPError
	if !errors.As(err, &reply) {
		if stage == StageDot {
			return Recipient{Outcome: OutcomeAmbiguous}
		}
		return Recipient{Outcome: OutcomeTemporary}
	}
	v := Recipient{Code: reply.Code, Enhanced: enhanced(reply.EnhancedCode), Text: ServerText{reply.Message}}
	switch class := reply.Code / 100; {
	case class == 2 && stage == StageDot:
		v.Outcome = OutcomeAccepted // any 2yz is a positive completion (RFC 5321 section 4.2.1)
	case class == 4, isLogin(stage, reply.Code):
		v.Outcome = OutcomeTemporary
	case class == 5:
		v.Outcome = OutcomePermanent
	case stage == StageDot:
		v.Outcome = OutcomeAmbiguous // an answer that no server may give here
	default:
		v.Outcome = OutcomeTemporary
	}
	return v
}

// isLogin reports whether a code is about our login, which no retry of the mail can mend but an administrator can (RFC 4954
// section 6): the mail is not to blame, and not to be given up.
func isLogin(stage Stage, code int) bool {
	return stage == StageAuth || code == 530 || code == 535
}

func enhanced(code smtp.EnhancedCode) string {
	if code == smtp.EnhancedCodeNotSet || code == smtp.NoEnhancedCode {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", code[0], code[1], code[2])
}

// splitEnhanced takes the enhanced status code off the text of a positive answer.
func splitEnhanced(text string) (code, rest string) {
	first, rest, _ := strings.Cut(text, " ")
	parts := strings.Split(first, ".")
	if len(parts) != 3 || parts[0] != "2" {
		return "", text
	}
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return "", text
		}
	}
	return first, rest
}
