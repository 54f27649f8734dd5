package keyring_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
)

// R39: whoever edits the configuration cannot have a refresh token sent to a server of his own.
func TestRefreshTokenOpensForTheServersThatItWasHandedInForOnly(t *testing.T) {
	t.Parallel()
	ring, err := keyring.Init(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	mailbox := func(change func(*postroom.Mailbox)) postroom.Mailbox {
		m := postroom.Mailbox{ID: "support", IMAP: postroom.MailServer{Host: "imap.mail.example", Port: 993}, SMTP: postroom.MailServer{Host: "smtp.mail.example", Port: 465},
			OAuth: postroom.OAuth{TokenURL: "https://login.mail.example/token", ClientID: "postroom"}}
		change(&m)
		return m
	}
	sealed, err := ring.SealRefreshToken(mailbox(func(*postroom.Mailbox) {}), "r1")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*postroom.Mailbox){
		"nothing changed":  func(*postroom.Mailbox) {},
		"another port":     func(m *postroom.Mailbox) { m.IMAP.Port = 143 },
		"other letters":    func(m *postroom.Mailbox) { m.IMAP.Host = "IMAP.mail.example" },
		"another scope":    func(m *postroom.Mailbox) { m.OAuth.Scope = "mail" },
		"after a rotation": func(*postroom.Mailbox) { _ = ring.Rotate(keyring.Credentials, time.Now()) },
	} {
		if token, err := ring.OpenRefreshToken(mailbox(change), sealed); err != nil || token.Reveal() != "r1" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*postroom.Mailbox){
		"another mailbox":  func(m *postroom.Mailbox) { m.ID = "sales" },
		"another endpoint": func(m *postroom.Mailbox) { m.OAuth.TokenURL = "https://evil.example/token" },
		"another client":   func(m *postroom.Mailbox) { m.OAuth.ClientID = "evil" },
		"another IMAP":     func(m *postroom.Mailbox) { m.IMAP.Host = "evil.example" },
		"another SMTP":     func(m *postroom.Mailbox) { m.SMTP.Host = "evil.example" },
	} {
		if _, err := ring.OpenRefreshToken(mailbox(change), sealed); postroom.ReasonOf(err) != keyring.ReasonServersChanged {
			t.Errorf("%s: %v", name, err)
		}
	}
	password := mailbox(func(m *postroom.Mailbox) { m.SMTP.Secret = "smtp-password" })
	if sealed, err = ring.SealRefreshToken(password, "r1"); err != nil {
		t.Fatal(err)
	}
	password.SMTP.Host = "relay.example" // it is shown a password, and no token
	if _, err := ring.OpenRefreshToken(password, sealed); err != nil {
		t.Errorf("another server that is shown no token: %v", err)
	}
}
