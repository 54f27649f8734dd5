package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"github.com/postroom/postroom/internal/testkit"
)

func TestMailIsWrittenAsACustomerFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	tom := s.SignIn(t, "tom")
	tom.Available(t)
	send := func(stdin string, args ...string) testkit.Ran {
		return s.Try(t, stdin, append([]string{"mail", "send", "--to", testkit.Support}, args...)...)
	}

	if ran := send("Is anybody there?", "--from", "Kim Lee <kim@command.example>", "--subject", "From the command line", "--text", "-"); ran.Stdout != "sent\n" {
		t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
	}
	card := tom.Answer(t, "kim@command.example", "Here I am.")
	if card.CustomerName != "Kim Lee" || card.Subject != "From the command line" {
		t.Errorf("the card says %v", card)
	}
	answer := s.AwaitMail(t, "kim@command.example", 1)[0]
	if ran := send("", "--from", "kim@command.example", "--subject", "Re: hello", "--text", "Thanks.", "--in-reply-to", "<"+answer.MessageID+">"); ran.Err != nil {
		t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
	}
	tom.Answer(t, "kim@command.example", "You are welcome.")
	if n := s.Count(t, "SELECT count(DISTINCT thread_id) FROM contact c JOIN customer_address a USING (customer_id) WHERE a.address = 'kim@command.example'"); n != 1 {
		t.Errorf("%d threads", n)
	}

	file := filepath.Join(t.TempDir(), "letter.eml")
	if err := os.WriteFile(file, []byte("From: Lee <lee@command.example>\nTo: "+testkit.Support+"\nSubject: From a file\nMessage-ID: <file@command.example>\n\nHello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ran := s.Try(t, "", "mail", "send", "--file", file); ran.Err != nil { // its header says from and to whom
		t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
	}
	if card := tom.Answer(t, "lee@command.example", "Here I am."); card.Subject != "From a file" {
		t.Errorf("the card says %v", card)
	}

	refused(t, send("", "--from", "no address", "--text", "x"), "--from is not a mail address")
	refused(t, send("", "--text", "x"), "say who writes and to whom")
	refused(t, s.Try(t, "", "mail", "send", "--from", "kim@command.example", "--to", "reject-me@command.example", "--text", "x"), "550")
	refused(t, send("", "--from", "kim@command.example", "--text", "x", "--server", "127.0.0.1:1"), "did not take it")
}

// R39: rotation does not break threads, and what was dealt with is recognised.
func TestThreadsOutliveARotationOfEveryKey(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	const customer = "kim@rotation.example"
	tom := s.SignIn(t, "tom")
	tom.Available(t)
	s.WriteBySMTP(t, customer, "Before", "Is anybody there?")
	before := tom.Answer(t, customer, "Here I am.")
	answer := s.AwaitMail(t, customer, 1)[0]

	for _, purpose := range []string{"message-id", "reply-token", "bounce-token", "mac", "vault", "credentials"} {
		if got := s.Run(t, "", "keyring", "rotate", purpose); !strings.Contains(got, "restart workers and APIs") {
			t.Errorf("rotate %s: %s", purpose, got)
		}
	}
	s.StopWorker(t)
	s.StopAPI(t)
	s.StartWorker(t)
	s.StartAPI(t)
	s.AwaitReady(t)

	s.Run(t, "", "mail", "send", "--from", customer, "--to", testkit.Support, "--subject", "Re: Before", "--text", "After", "--in-reply-to", answer.MessageID)
	after := tom.Answer(t, customer, "Here I am again.")
	if after.ContactId == before.ContactId {
		t.Error("a completed contact came back")
	}
	if n := s.Count(t, "SELECT count(DISTINCT thread_id) FROM contact WHERE id IN ($1, $2)", before.ContactId, after.ContactId); n != 1 {
		t.Errorf("%d threads", n)
	}
	s.AwaitMail(t, customer, 2)
}

func TestAHistoryOfTheRunningServerReplays(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	const customer = "kim@replay.example"
	tom := s.SignIn(t, "tom")
	tom.Available(t)
	s.WriteBySMTP(t, customer, "Hello", "Is anybody there?")
	workflow := "contact/" + tom.Answer(t, customer, "Here I am.").ContactId
	s.AwaitMail(t, customer, 1)

	if got := s.Run(t, "", "replay", "--workflow-id", workflow); !strings.Contains(got, "replayed alike") {
		t.Errorf("replay: %s", got)
	}
	refused(t, s.Try(t, "", "replay", "--workflow-id", "contact/nobody"), "does not know this workflow")

	history := historyOf(t, s, workflow)
	plain, zipped := filepath.Join(t.TempDir(), "history.json"), filepath.Join(t.TempDir(), "history.json.gz")
	writeHistory(t, plain, history)
	writeHistory(t, zipped, history)
	if got := s.Run(t, "", "replay", plain, zipped); strings.Count(got, "replayed alike") != 2 {
		t.Errorf("replay of files: %s", got)
	}

	// Control: a history that this build would not have made.
	for _, e := range history.Events {
		if m := e.GetMarkerRecordedEventAttributes(); m != nil {
			m.MarkerName = "Version"
			break
		}
	}
	writeHistory(t, plain, history)
	refused(t, s.Try(t, "", "replay", plain), "this build would act differently")
}

func historyOf(t *testing.T, s *testkit.Stack, workflow string) *historypb.History {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	history := &historypb.History{}
	events := testkit.Dial(t, s.Temporal.Address()).GetWorkflowHistory(ctx, workflow, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		history.Events = append(history.Events, e)
	}
	return history
}

func writeHistory(t *testing.T, file string, history *historypb.History) {
	t.Helper()
	b, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(history)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".gz") {
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		b = zipped.Bytes()
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
