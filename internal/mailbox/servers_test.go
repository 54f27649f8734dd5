package mailbox_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/realmail"
	"github.com/postroom/postroom/internal/testkit"
)

// place is an empty mailbox on some server.
type place struct {
	config  mailbox.Config
	deliver func(subject string) error
}

// places are the servers that the package is tested with: the one in this process, and Dovecot.
var places = map[string]func(*testing.T) place{
	"devmail": func(t *testing.T) place {
		s := devserver(t, devmail.Options{})
		return place{at(t, s.IMAPAddr()), func(subject string) error { return send(s, subject) }}
	},
	"dovecot": func(t *testing.T) place {
		s := testkit.NewRealMail(t, realmail.Options{})
		return place{onDovecot(s), func(subject string) error {
			return s.Deliver("ada@customer.example", support, letter(subject))
		}}
	},
}

func letter(subject string) []byte {
	return []byte("Subject: " + subject + "\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@customer.example>\r\n\r\nHello\r\n")
}

func onDovecot(s *realmail.Servers) mailbox.Config {
	return mailbox.Config{Host: "localhost", Port: s.IMAP, Security: mailbox.SecurityNone, Username: support, Password: realmail.Password,
		DialTimeout: patience, CommandTimeout: patience, IdleCycle: patience}
}

// everywhere runs a test with each server.
func everywhere(t *testing.T, test func(*testing.T, place)) {
	t.Parallel()
	for name, made := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, made(t))
		})
	}
}

func TestSentFolderIsFoundAndAsked(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		session, err := mailbox.Open(t.Context(), p.config)
		must(t, err)
		defer session.Close()
		must(t, session.Append(t.Context(), "Sent", letter("a reply"), time.Now()))
		for id, want := range map[string]bool{"a.reply@customer.example": true, "another@customer.example": false} {
			if got, err := mailbox.Sent(t.Context(), p.config, "", id); got != want || err != nil {
				t.Errorf("%s in the folder that the server names: %v, %v", id, got, err)
			}
			if got, err := mailbox.Sent(t.Context(), p.config, "Sent", id); got != want || err != nil {
				t.Errorf("%s in Sent: %v, %v", id, got, err)
			}
		}
	})
}

func TestMailsBeyondTheCapAreNotFetched(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		must(t, p.deliver("small"))
		must(t, p.deliver("large "+strings.Repeat("x", 900)))
		must(t, p.deliver("small too"))
		p.config.MaxMail = 800
		session, err := mailbox.Open(t.Context(), p.config)
		must(t, err)
		defer session.Close()
		list, err := session.Next(t.Context(), 0)
		if err != nil || show(list) != "1 2:too_large 3" || list[1].Raw != nil || list[1].Size < 900 {
			t.Errorf("got %s, %v", show(list), err)
		}
	})
}

// What Debian's Dovecot does that servers of our own do not: its mechanisms, its TLS, its UIDVALIDITY.
func TestDovecotIsSignedInToAsItOffers(t *testing.T) {
	t.Parallel()
	for _, mechanisms := range []string{"plain", "login", "scram-sha-256", "scram-sha-1", "plain login scram-sha-256"} {
		t.Run(mechanisms, func(t *testing.T) {
			t.Parallel()
			s := testkit.NewRealMail(t, realmail.Options{Mechanisms: mechanisms})
			for security, port := range map[mailbox.Security]int{mailbox.SecurityNone: s.IMAP, mailbox.SecurityStartTLS: s.IMAP, mailbox.SecurityTLS: s.IMAPS} {
				config := onDovecot(s)
				config.Security, config.Port, config.TLS = security, port, &tls.Config{RootCAs: s.Roots}
				session, err := mailbox.Open(t.Context(), config)
				if err != nil {
					t.Errorf("%s: %v", security, err)
					continue
				}
				must(t, session.Close())
			}
		})
	}
}

func TestFolderThatDovecotNumbersAnewHasAnotherUIDValidity(t *testing.T) {
	t.Parallel()
	s := testkit.NewRealMail(t, realmail.Options{})
	validity := func() uint32 {
		session, err := mailbox.Open(t.Context(), onDovecot(s))
		must(t, err)
		list, err := session.Next(t.Context(), 0)
		if err != nil || len(list) != 2 {
			t.Errorf("got %s, %v", show(list), err)
		}
		must(t, session.Close())
		return session.Folder().UIDValidity
	}
	for i := range 2 {
		must(t, s.Deliver("ada@customer.example", support, letter(fmt.Sprint("mail ", i))))
	}
	before := validity()
	// Dovecot makes it of the time in seconds.
	testkit.Eventually(t, "another second", func() bool { return uint32(time.Now().Unix()) > before+1 })
	must(t, s.Forget(support))
	if after := validity(); after == before {
		t.Errorf("UIDVALIDITY stays %d", after)
	}
}

func TestEverySenderOfACrowdWakesTheSession(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		session, err := mailbox.Open(t.Context(), p.config)
		must(t, err)
		defer session.Close()
		const n = 60
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
		defer senders.Wait()
		seen, cursor := map[string]int{}, uint32(0)
		for deadline := time.Now().Add(2 * patience); len(seen) < n && time.Now().Before(deadline); {
			list, err := session.Next(t.Context(), cursor)
			must(t, err)
			for _, m := range list {
				seen[subject(m)]++
				cursor = m.UID
			}
			if len(list) == 0 {
				_, err := session.Idle(t.Context())
				must(t, err)
			}
		}
		for name, times := range seen {
			if times != 1 {
				t.Errorf("%s was seen %d times", name, times)
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d", len(seen), n)
		}
	})
}
