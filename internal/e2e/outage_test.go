package e2e

import (
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/testkit"
)

// What the product stands on goes away and comes back; its own processes stay, say so, and nobody has to do anything.
func TestEverythingGoesOnAfterMailServerTemporalAndDatabaseWereGone(t *testing.T) {
	t.Parallel()
	s := testkit.NewStack(t, testkit.StackOptions{})
	worker, api := s.PIDs()
	const text = "Thank you, we are looking into it."
	all := customers(20, "outage.example")
	write := func(from, to int) {
		for _, c := range all[from:to] {
			s.Write(t, devmail.Letter{From: c, Subject: "Hello", Text: "Is anybody there?"})
		}
	}

	// The mail server: a reply that was sent meanwhile is put off.
	tom := s.SignIn(t, "tom")
	tom.Available(t)
	write(0, 1)
	first := tom.AwaitOffer(t, all[0])
	tom.Accept(t, first.OfferId)
	s.StopMail(t)
	testkit.AwaitMissing(t, s.WorkerURL(), "mailbox support")
	if missing := testkit.Missing(t.Context(), s.APIURL()); len(missing) > 0 {
		t.Errorf("the API misses %v", missing)
	}
	tom.Reply(t, first.OfferId, text)
	testkit.Eventually(t, "the reply to be put off", func() bool {
		return s.Text(t, "SELECT state FROM outbox WHERE contact_id = $1", first.ContactId) == "deferred"
	})
	tom.WrapUp(t, first.OfferId)
	tom.Idle(t)
	s.StartMail(t)

	for _, agent := range []string{"mina", "jiwoo"} {
		d := s.SignIn(t, postroom.AgentID(agent))
		d.Available(t)
		d.AnswerAll(t, text)
	}
	write(1, 5)
	s.AwaitReady(t)

	s.KillTemporal()
	write(5, 10)
	awaitSaid(t, s, "temporal")
	s.StartTemporal(t)
	s.AwaitReady(t)
	write(10, 12)

	s.KillPostgres()
	write(12, 18)
	awaitSaid(t, s, "database")
	s.StartPostgres(t)
	s.AwaitReady(t)
	write(18, 20)

	for _, c := range all {
		s.AwaitMail(t, c, 1)
	}
	testkit.Eventually(t, "every contact to be completed", func() bool { return s.Count(t, "SELECT count(*) FROM contact WHERE phase <> 'done'") == 0 })
	if by := answers(s, all); by[1] != len(all) {
		t.Errorf("customers by the number of answers: %v", by)
	}
	if w, a := s.PIDs(); w != worker || a != api {
		t.Errorf("processes were %d and %d, and are %d and %d", worker, api, w, a)
	}
	settled(t, s)

	for _, said := range []struct{ process, lost, back string }{
		{"worker", `msg="the watch over a mailbox was cut off`, `msg="the watch over a mailbox goes on"`},
		{"worker", `msg="a loop is held up" loop=temporal`, `msg="a loop goes on" loop=temporal`},
		{"worker", `msg="a loop is held up" loop=database`, `msg="a loop goes on" loop=database`},
		{"api", "msg=waiting what=temporal", `msg="available again" what=temporal`},
		{"api", "msg=waiting what=database", `msg="available again" what=database`},
	} {
		lost, back := 0, 0
		testkit.Eventually(t, said.process+" to say "+said.back, func() bool {
			lines := s.LogLines(t, said.process)
			lost, back = count(lines, said.lost), count(lines, said.back)
			return back == lost
		})
		// The database also takes the watch over the mailbox away; and on a busy machine a part may seem gone that is only slow.
		if lost < 1 || lost > 2 {
			t.Errorf("%s said %q %d times, want it once for an outage", said.process, said.lost, lost)
		}
	}
	if n := count(s.LogLines(t, "api"), "reason=database_unavailable"); n > 0 {
		t.Errorf("the API logged %d requests that met the outage", n)
	}
}

// awaitSaid waits until worker and API say that a part is missing, to whoever asks and in the log.
func awaitSaid(t *testing.T, s *testkit.Stack, part string) {
	t.Helper()
	for _, url := range []string{s.WorkerURL(), s.APIURL()} {
		testkit.AwaitMissing(t, url, part)
	}
	testkit.Eventually(t, "the logs to say that there is no "+part, func() bool {
		return count(s.LogLines(t, "worker"), "is held up\" loop="+part) > 0 && count(s.LogLines(t, "api"), "msg=waiting what="+part) > 0
	})
}

func count(lines []string, part string) (n int) {
	for _, l := range lines {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}
