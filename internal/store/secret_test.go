package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R39: a changed host needs the secret again, or whoever edits the configuration could have the password sent to a server of his own.
func TestASecretWorksForTheHostItWasGivenForOnly(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	moved := func(change func(*postroom.Mailbox)) postroom.Configuration {
		sample := testkit.Sample(time.Hour)
		change(&sample.Mailboxes[0])
		return sample
	}
	refused := func(name string, wanted postroom.Configuration) {
		t.Helper()
		_, before, err := c.Configuration(t.Context())
		must(t, err)
		if _, err := apply(t, c.Store, wanted); postroom.ReasonOf(err) != "secret_host_changed" {
			t.Errorf("%s: %v", name, err)
		}
		if _, after, err := c.Configuration(t.Context()); err != nil || after != before {
			t.Errorf("%s: version %d became %d, %v", name, before, after, err)
		}
	}
	refused("IMAP elsewhere", moved(func(m *postroom.Mailbox) { m.IMAP.Host = "evil.example" }))
	refused("SMTP elsewhere", moved(func(m *postroom.Mailbox) { m.SMTP.Host = "evil.example" }))
	refused("another mailbox with the secret", func() postroom.Configuration {
		sample := testkit.Sample(time.Hour)
		other := sample.Mailboxes[0]
		other.ID, other.IMAP.Host, other.SMTP.Host = "other", "evil.example", "evil.example"
		sample.Mailboxes = append(sample.Mailboxes, other)
		return sample
	}())
	for name, wanted := range map[string]postroom.Configuration{
		"another port":               moved(func(m *postroom.Mailbox) { m.IMAP.Port = 2 }),
		"another host, a new secret": moved(func(m *postroom.Mailbox) { m.IMAP.Host, m.IMAP.Secret = "mail.example", "mailbox-support-2" }),
	} {
		if _, err := apply(t, c.Store, wanted); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Exec(t, "UPDATE mailbox SET active = false") // as if removed; its secret is remembered
	refused("after a removal", moved(func(m *postroom.Mailbox) { m.SMTP.Host = "evil.example" }))
}
