package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/stack"
)

// HandIn hands a finished mail, good or bad, to the mail server by SMTP, for the support's mailbox.
func (s *Stack) HandIn(t testing.TB, from string, mail []byte) {
	t.Helper()
	sender, err := outbound.New(outbound.Config{Host: stack.Loopback, Port: s.ports.smtp, Security: outbound.SecurityNone})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := sender.Send(ctx, outbound.Submission{From: from, To: []string{Support}, Mail: mail}, func(context.Context) error { return nil })
	if err != nil || result.Outcome != outbound.OutcomeAccepted {
		t.Fatalf("hand in a mail: %v, %v", result, err)
	}
}

// MailboxUIDs are the UIDs of all mails in the support's mailbox, as its server lists them.
func (s *Stack) MailboxUIDs(t testing.TB) []uint32 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session, err := mailbox.Open(ctx, mailbox.Config{Host: stack.Loopback, Port: s.ports.imap, Security: mailbox.SecurityNone, Username: Support,
		Password: s.password, Folder: "INBOX", Logger: Silent()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	uids, err := session.Missed(ctx, time.Now().Add(-24*time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	return uids
}
