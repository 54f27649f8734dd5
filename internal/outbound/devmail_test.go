package outbound_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/outbound"
)

// certificate makes a certificate for localhost, and the roots that trust it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func mailServer(t *testing.T, options devmail.Options) *devmail.Server {
	t.Helper()
	options.Dir, options.Accounts = t.TempDir(), map[string]string{"support@postroom.example": "secret"}
	s, err := devmail.Start(options)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func to(t *testing.T, s *devmail.Server, change func(*outbound.Config)) *outbound.Sender {
	t.Helper()
	_, port, err := net.SplitHostPort(s.SMTPAddr())
	must(t, err)
	n, err := strconv.Atoi(port)
	must(t, err)
	return sender(t, &server{host: "localhost", port: n}, change)
}

func TestReplyReachesTheCustomerByteForByte(t *testing.T) {
	t.Parallel()
	s := mailServer(t, devmail.Options{})
	got, err := to(t, s, func(c *outbound.Config) { c.Username, c.Password = "support@postroom.example", "secret" }).Send(t.Context(), reply(), goOn)
	must(t, err)
	if got.Outcome != outbound.OutcomeAccepted {
		t.Fatalf("got %v", got)
	}
	mails := s.Messages("ada@customer.example", 10)
	if len(mails) != 1 || mails[0].Subject != "hello" || mails[0].Text != ".a line that begins with a dot\r\n..two\r\nthe end\r\n" {
		t.Errorf("the customer has %+v", mails)
	}
}

func TestTLSIsUsedFromTheStartOrAfterSTARTTLSAndTheCertificateIsChecked(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	serving := &tls.Config{Certificates: []tls.Certificate{cert}}
	starttls := mailServer(t, devmail.Options{TLS: serving})
	l, err := tls.Listen("tcp", "127.0.0.1:0", serving)
	must(t, err)
	implicit := mailServer(t, devmail.Options{SMTPListener: l})
	for security, s := range map[outbound.Security]*devmail.Server{outbound.SecurityStartTLS: starttls, outbound.SecurityTLS: implicit} {
		for trusted, want := range map[*x509.CertPool]outbound.Outcome{roots: outbound.OutcomeAccepted, x509.NewCertPool(): outbound.OutcomeTemporary} {
			got, err := to(t, s, func(c *outbound.Config) {
				c.Security, c.TLS, c.Username, c.Password = security, &tls.Config{RootCAs: trusted}, "support@postroom.example", "secret"
			}).Send(t.Context(), reply(), goOn)
			must(t, err)
			if got.Outcome != want || (want != outbound.OutcomeAccepted && got.Stage != outbound.StageTLS) {
				t.Errorf("%s: %v, want %s", security, got, want)
			}
		}
		if n := len(s.Messages("ada@customer.example", 10)); n != 1 {
			t.Errorf("%s: %d mails", security, n)
		}
	}
}

func TestOutcomesAreWhatBecameOfTheMail(t *testing.T) {
	t.Parallel()
	s := mailServer(t, devmail.Options{BounceAfter: time.Millisecond})
	kept := 0
	for _, c := range []struct {
		fault devmail.Fault
		to    string
		want  outbound.Outcome
		kept  int
	}{
		{"", "bob@customer.example", outbound.OutcomeAccepted, 1},
		{devmail.FaultRefuseConnection, "bob@customer.example", outbound.OutcomeTemporary, 0},
		{devmail.FaultCutInData, "bob@customer.example", outbound.OutcomeTemporary, 0},
		{devmail.FaultCutAfterDot, "bob@customer.example", outbound.OutcomeAmbiguous, 1},
		{"", "reject-bob@customer.example", outbound.OutcomePermanent, 0},
		{"", "defer-bob@customer.example", outbound.OutcomeTemporary, 0},
		{"", "bounce-bob@customer.example", outbound.OutcomeAccepted, 0},
	} {
		if c.fault != "" {
			s.Inject(c.fault, 1)
		}
		sub := reply(c.to)
		if c.fault == devmail.FaultCutInData {
			sub.Mail = append(sub.Mail, strings.Repeat("more than the network's buffers hold\r\n", 200_000)...)
		}
		got, err := to(t, s, nil).Send(t.Context(), sub, goOn)
		must(t, err)
		kept += c.kept
		if n := len(s.Messages("bob@customer.example", 100)); got.Outcome != c.want || n != kept {
			t.Errorf("%s %s: %v, %d mails kept; want %s, %d", c.fault, c.to, got, n, c.want, kept)
		}
	}
	reports, err := s.Await(t.Context(), "bounce@postroom.example", 1)
	must(t, err)
	if status := string(reports[0].Attachments[0].Content); !strings.Contains(status, "Original-Envelope-Id: token\r\n") {
		t.Errorf("the report says\n%s", status)
	}
}

func BenchmarkSendToDevmail(b *testing.B) {
	s, err := devmail.Start(devmail.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	host, port, _ := net.SplitHostPort(s.SMTPAddr())
	n, _ := strconv.Atoi(port)
	out, err := outbound.New(outbound.Config{Host: host, Port: n, Security: outbound.SecurityNone})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, err := out.Send(b.Context(), reply(), goOn); err != nil || got.Outcome != outbound.OutcomeAccepted {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}
