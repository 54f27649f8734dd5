package mailbox_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/smtp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/mailbox"
)

const support = "support@postroom.example"

func devserver(t testing.TB, options devmail.Options) *devmail.Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	options.Accounts = map[string]string{support: "secret"}
	s, err := devmail.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func at(t testing.TB, address string) mailbox.Config {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return mailbox.Config{Host: "localhost", Port: n, Security: mailbox.SecurityNone, Username: support, Password: "secret",
		DialTimeout: patience, CommandTimeout: patience, IdleCycle: patience}
}

func send(s *devmail.Server, subject string) error {
	return smtp.SendMail(s.SMTPAddr(), nil, "ada@customer.example", []string{support},
		[]byte("Subject: "+subject+"\r\nMessage-ID: <"+strings.ReplaceAll(subject, " ", ".")+"@customer.example>\r\n\r\nHello\r\n"))
}

// subject reads the subject of a mail.
func subject(m mailbox.Mail) string {
	_, rest, _ := strings.Cut(string(m.Raw), "Subject: ")
	line, _, _ := strings.Cut(rest, "\r\n")
	return line
}

func TestDeliveryWakesTheSessionAndTheMailIsFetchedMarkedMovedAndExpunged(t *testing.T) {
	everywhere(t, deliveryWakesTheSession)
}

func deliveryWakesTheSession(t *testing.T, p place) {
	session, err := mailbox.Open(t.Context(), p.config)
	must(t, err)
	defer session.Close()
	if f := session.Folder(); f.UIDValidity == 0 || f.UIDNext != 1 || f.Mails != 0 || !f.Keywords {
		t.Errorf("the folder is %+v", f)
	}
	var cursor uint32
	for i := range 3 {
		must(t, p.deliver(fmt.Sprint("mail ", i)))
		wake, err := session.Idle(t.Context())
		must(t, err)
		list, err := session.Next(t.Context(), cursor)
		must(t, err)
		if wake != mailbox.WakeMail || len(list) != 1 || subject(list[0]) != fmt.Sprint("mail ", i) {
			t.Fatalf("woke for %s, got %s", wake, show(list))
		}
		cursor = list[0].UID
		must(t, session.Mark(t.Context(), []uint32{cursor}))
	}
	must(t, session.Move(t.Context(), []uint32{1}, "Set aside"))
	must(t, session.Expunge(t.Context(), []uint32{2}))
	missed, err := session.Missed(t.Context(), time.Now(), nil)
	must(t, err)
	if fmt.Sprint(missed) != "[3]" {
		t.Errorf("the inbox has %v", missed)
	}
	config := p.config
	config.Folder = "Set aside"
	aside, err := mailbox.Open(t.Context(), config)
	must(t, err)
	defer aside.Close()
	must(t, aside.Append(t.Context(), "Set aside", []byte("Subject: own copy\r\nMessage-ID: <own@postroom.example>\r\n\r\nx\r\n"), time.Now()))
	found, err := aside.Find(t.Context(), "own@postroom.example")
	must(t, err)
	if fmt.Sprint(found) != "[2]" {
		t.Errorf("found %v", found)
	}
	if found, err := aside.Find(t.Context(), postroom.InternetMessageID("other@postroom.example")); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestCursorStaysGoodWhenTheServerIsRestarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := devserver(t, devmail.Options{Dir: dir})
	address := s.IMAPAddr()
	must(t, send(s, "before"))
	session, err := mailbox.Open(t.Context(), at(t, address))
	must(t, err)
	list, err := session.Next(t.Context(), 0)
	must(t, err)
	validity, cursor := session.Folder().UIDValidity, list[0].UID
	idling := make(chan error, 1)
	go func() {
		_, err := session.Idle(t.Context())
		idling <- err
	}()
	must(t, s.Close())
	if err := <-idling; postroom.ReasonOf(err) != postroom.ReasonMailServerDown {
		t.Errorf("Idle ended with %v", err)
	}
	must(t, session.Close())
	if _, err := mailbox.Open(t.Context(), at(t, address)); postroom.ReasonOf(err) != postroom.ReasonMailServerDown {
		t.Errorf("opened while the server is down: %v", err)
	}
	s = devserver(t, devmail.Options{Dir: dir, IMAP: address})
	must(t, send(s, "after"))
	session, err = mailbox.Open(t.Context(), at(t, address))
	must(t, err)
	defer session.Close()
	list, err = session.Next(t.Context(), cursor)
	must(t, err)
	if session.Folder().UIDValidity != validity || len(list) != 1 || subject(list[0]) != "after" || list[0].UID <= cursor {
		t.Errorf("after the restart: UIDVALIDITY %d, was %d; %s", session.Folder().UIDValidity, validity, show(list))
	}
}

func TestCertificateIsCheckedAndPlainIsRefusedByStartTLS(t *testing.T) {
	t.Parallel()
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
	serving := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l, err := tls.Listen("tcp", "127.0.0.1:0", serving)
	must(t, err)
	for security, s := range map[mailbox.Security]*devmail.Server{
		mailbox.SecurityStartTLS: devserver(t, devmail.Options{TLS: serving}), mailbox.SecurityTLS: devserver(t, devmail.Options{IMAPListener: l})} {
		_, err := s.Send(devmail.Letter{From: "ada@customer.example", To: []string{support}, Subject: "secure"})
		must(t, err)
		config := at(t, s.IMAPAddr())
		config.Security = security
		if _, err := mailbox.Open(t.Context(), config); postroom.ReasonOf(err) != postroom.ReasonMailServerDown {
			t.Errorf("%s: an unknown certificate: %v", security, err)
		}
		config.TLS = &tls.Config{RootCAs: roots}
		session, err := mailbox.Open(t.Context(), config)
		must(t, err)
		list, err := session.Next(t.Context(), 0)
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %s, %v", security, show(list), err)
		}
		must(t, session.Close())
	}
}

// shaky is a network that cuts every connection, or lets it freeze, after a while.
type shaky struct {
	net.Conn
	mu   sync.Mutex
	left int // bytes until it ends
	thaw chan struct{}
}

func (c *shaky) Read(b []byte) (int, error) {
	c.mu.Lock()
	left, thaw := c.left, c.thaw
	c.mu.Unlock()
	if left <= 0 && thaw != nil {
		<-thaw // until somebody closes it
	}
	if left <= 0 {
		_ = c.Conn.Close()
	}
	n, err := c.Conn.Read(b[:max(1, min(len(b), left))])
	c.mu.Lock()
	c.left -= n
	c.mu.Unlock()
	return n, err
}

func (c *shaky) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.thaw != nil {
		close(c.thaw)
		c.thaw = nil
	}
	c.left = 0
	return c.Conn.Close()
}

func TestEveryMailIsSeenOnceOverANetworkThatKeepsFailing(t *testing.T) {
	everywhere(t, everyMailIsSeenOnce)
}

func everyMailIsSeenOnce(t *testing.T, p place) {
	const n = 150
	config := p.config
	config.CommandTimeout, config.IdleCycle, config.BatchMails = 250*time.Millisecond, 100*time.Millisecond, 20
	random := mathrand.New(mathrand.NewPCG(1, 2))
	connections := 0
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		connections++
		c := &shaky{Conn: conn, left: 1500 + random.IntN(6000)}
		if connections%4 == 0 {
			c.thaw = make(chan struct{}) // freezes instead
		}
		return c, err
	}
	var senders sync.WaitGroup
	for i := range 3 {
		senders.Go(func() {
			for j := range n / 3 {
				if err := p.deliver(fmt.Sprintf("mail %d %d", i, j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var cursor uint32
	seen := map[string]int{}
	for sessions := 0; len(seen) < n && ctx.Err() == nil; sessions++ {
		session, err := mailbox.Open(ctx, config)
		if err != nil {
			continue
		}
		for err == nil && len(seen) < n {
			var list []mailbox.Mail
			if list, err = session.Next(ctx, cursor); err != nil {
				break
			}
			for _, m := range list {
				if m.Problem != mailbox.Fetched || m.UID <= cursor {
					t.Errorf("after %d: %v", cursor, m)
				}
				seen[subject(m)]++
				cursor = m.UID
			}
			if len(list) == 0 {
				_, err = session.Idle(ctx)
			}
		}
		must(t, session.Close())
	}
	senders.Wait()
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s was seen %d times", name, times)
		}
	}
	t.Logf("%d mails over %d connections", len(seen), connections)
	if len(seen) != n || connections < 5 {
		t.Errorf("%d of %d mails over %d connections", len(seen), n, connections)
	}
}

func BenchmarkDeliveryToFetched(b *testing.B) {
	s := devserver(b, devmail.Options{})
	session, err := mailbox.Open(b.Context(), at(b, s.IMAPAddr()))
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	var cursor uint32
	var waits []time.Duration
	for i := 0; b.Loop(); i++ {
		idle := make(chan time.Time, 1)
		go func() {
			_, _ = session.Idle(b.Context())
			idle <- time.Now()
		}()
		began := time.Now() // the SMTP session counts too: what a customer's server would see
		if err := send(s, strconv.Itoa(i)); err != nil {
			b.Fatal(err)
		}
		waits = append(waits, (<-idle).Sub(began))
		list, err := session.Next(b.Context(), cursor)
		if err != nil || len(list) == 0 {
			b.Fatal(len(list), err)
		}
		cursor = list[len(list)-1].UID
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "µs-connect-to-wake-p50")
	b.ReportMetric(float64(waits[len(waits)*95/100].Microseconds()), "µs-connect-to-wake-p95")
}

func BenchmarkDrain(b *testing.B) {
	s := devserver(b, devmail.Options{})
	const n = 1000
	for i := range n {
		if err := send(s, strconv.Itoa(i)); err != nil {
			b.Fatal(err)
		}
	}
	session, err := mailbox.Open(b.Context(), at(b, s.IMAPAddr()))
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	total := 0
	for b.Loop() {
		for cursor := uint32(0); ; {
			list, err := session.Next(b.Context(), cursor)
			if err != nil {
				b.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			total += len(list)
			cursor = list[len(list)-1].UID
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "mails/s")
}
