package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/realmail"
	"github.com/postroom/postroom/internal/testkit"
)

// relay is a mail server, and a look into the mailboxes that it fills.
type relay struct {
	port     int
	password string
	roots    *x509.CertPool
	inbox    func(account string) []string // mails as they arrived
}

// relays are the servers that the package is tested with: the one in this process, and Postfix with Dovecot behind it.
var relays = map[string]func(*testing.T) relay{
	"devmail": func(t *testing.T) relay {
		cert, roots := certificate(t)
		s := mailServer(t, devmail.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
		return relay{port(t, s.SMTPAddr()), "secret", roots, func(account string) []string { return read(t, port(t, s.IMAPAddr()), account, "secret") }}
	},
	"postfix": func(t *testing.T) relay {
		s := testkit.NewRealMail(t, realmail.Options{Postfix: true})
		return relay{s.SMTP, realmail.Password, s.Roots, func(account string) []string { return read(t, s.IMAP, account, realmail.Password) }}
	},
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	must(t, err)
	n, err := strconv.Atoi(p)
	must(t, err)
	return n
}

// read reads an inbox.
func read(t *testing.T, port int, account, password string) (mails []string) {
	t.Helper()
	session, err := mailbox.Open(t.Context(), mailbox.Config{Host: "localhost", Port: port, Security: mailbox.SecurityNone, Username: account, Password: password})
	must(t, err)
	defer session.Close()
	list, err := session.Next(t.Context(), 0)
	must(t, err)
	for _, m := range list {
		mails = append(mails, string(m.Raw))
	}
	return mails
}

func TestServersSayWhatBecomesOfAMailAndReportWhatComesBack(t *testing.T) {
	t.Parallel()
	const ours = "support@postroom.example"
	for name, made := range relays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := made(t)
			for _, security := range []outbound.Security{outbound.SecurityNone, outbound.SecurityStartTLS} {
				send := func(to string) outbound.Result {
					t.Helper()
					sub := reply(to)
					sub.From = ours
					got, err := sender(t, &server{host: "localhost", port: r.port}, func(c *outbound.Config) {
						c.Security, c.TLS, c.Username, c.Password = security, &tls.Config{RootCAs: r.roots}, ours, r.password
					}).Send(t.Context(), sub, goOn)
					must(t, err)
					return got
				}
				before := len(r.inbox(ours))
				for to, want := range map[string]outbound.Outcome{ours: outbound.OutcomeAccepted, "bounce-bob@customer.example": outbound.OutcomeAccepted} {
					if got := send(to); got.Outcome != want {
						t.Errorf("%s to %s: %v, want %s", security, to, got, want)
					}
				}
				refused := "bad-bob@customer.example"
				if name == "devmail" {
					refused = "reject-bob@customer.example"
				}
				if got := send(refused); got.Outcome != outbound.OutcomePermanent || got.Code != 550 || got.Stage != outbound.StageTo {
					t.Errorf("%s: a recipient who does not exist: %v", security, got)
				}
				if got := send("defer-bob@customer.example"); got.Outcome != outbound.OutcomeTemporary || got.Code/100 != 4 {
					t.Errorf("%s: a recipient who is put off: %v", security, got)
				}
				testkit.Eventually(t, "the mail and the report", func() bool { return len(r.inbox(ours)) == before+2 })
				mails := r.inbox(ours)[before:]
				if !slices.ContainsFunc(mails, func(m string) bool {
					return strings.HasSuffix(m, "\r\n.a line that begins with a dot\r\n..two\r\nthe end\r\n")
				}) {
					t.Errorf("%s: the mail did not come as it was sent: %q", security, mails)
				}
				if !slices.ContainsFunc(mails, func(m string) bool {
					return strings.Contains(m, "message/delivery-status") && strings.Contains(m, "Original-Envelope-Id: token") && strings.Contains(m, "Action: failed")
				}) {
					t.Errorf("%s: no report of failure: %q", security, mails)
				}
			}
		})
	}
}
