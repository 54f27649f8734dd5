package testkit

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/stack"
)

// Support is the address that customers write to.
const Support = config.SampleAddress

// Write delivers a customer's letter to the support's mailbox, and returns its Message-ID.
func (s *Stack) Write(t testing.TB, l devmail.Letter) string {
	t.Helper()
	l.To = append(l.To, Support)
	id, err := s.Mail.Send(l)
	if err != nil {
		t.Fatalf("write as a customer: %v", err)
	}
	return id
}

// WriteBySMTP hands a customer's mail to the mail server by SMTP, and returns its Message-ID once the server has accepted it.
func (s *Stack) WriteBySMTP(t testing.TB, from, subject, text string) string {
	t.Helper()
	id := postroom.InternetMessageID(uuid.NewString() + "@customer.example")
	mail, err := outbound.Render(outbound.Reply{From: outbound.Address{Address: from}, To: []outbound.Address{{Address: Support}}, Subject: subject,
		Date: time.Now(), ID: id, Text: text})
	if err != nil {
		t.Fatal(err)
	}
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
	return string(id)
}

// AwaitMail waits until a customer has received n mails, and returns them newest first.
func (s *Stack) AwaitMail(t testing.TB, customer string, n int) []*devmail.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := s.Mail.Await(ctx, customer, n)
	if err != nil {
		t.Fatalf("%s waits for %d mails: %v", customer, n, err)
	}
	return mails
}
