package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/testkit"
)

// sent is what the outside world knows of the mails that it sent.
type sent struct {
	people   map[string]string // Message-ID of each person's first mail, to its customer
	answers  map[string]string // Message-ID of each follow-up, to the mail that it answers
	arrivals map[string]int    // how many of each kind the product has to count
	twice    []string          // Message-IDs that were delivered twice
}

// send sends 400 mails of all kinds: people, their follow-ups, automatic replies, bounces that are about nothing of ours, mails that nobody can
// answer, and mails that come twice.
func send(t *testing.T, s *testkit.Stack) sent {
	all := sent{people: map[string]string{}, answers: map[string]string{}, arrivals: map[string]int{}}
	for n := range 200 {
		from := fmt.Sprintf("customer%d@mixed.example", n)
		first := s.Write(t, devmail.Letter{From: from, Subject: "Where is it?", Text: "It is late."})
		all.people[first] = from
		all.arrivals["opened"]++
		if n%2 == 0 {
			answer := s.Write(t, devmail.Letter{From: from, Subject: "Re: Where is it?", Text: "One more thing.", InReplyTo: first})
			all.answers[answer] = first
			all.arrivals["appended"]++
		}
		switch {
		case n%5 == 1:
			s.Write(t, devmail.Letter{From: from, Subject: "Away", Text: "Back on Monday.", Headers: map[string]string{"Auto-Submitted": "auto-replied"}})
			all.arrivals["screened"]++
		case n%10 == 2:
			s.Write(t, devmail.Letter{From: "MAILER-DAEMON@isp.example", Subject: "Undelivered mail", Text: "It failed.", Attachments: []devmail.File{{Name: "status",
				Type: "message/delivery-status", Content: []byte("Reporting-MTA: dns; isp.example\r\n\r\nFinal-Recipient: rfc822; x@isp.example\r\nAction: failed\r\nStatus: 5.1.1\r\n")}}})
			all.arrivals["report"]++
		case n%20 == 3:
			s.HandIn(t, from, []byte("Subject: Nobody wrote this\r\n\r\nThere is no sender.\r\n"))
			all.arrivals["quarantined"]++
		case n%10 == 4 && len(all.twice) < 15:
			id := fmt.Sprintf("twice%d@mixed.example", n)
			mail := fmt.Appendf(nil, "From: Twice <%s>\r\nTo: %s\r\nSubject: Twice\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s>\r\n\r\nTwice.\r\n", from, testkit.Support, id)
			s.HandIn(t, from, mail)
			s.HandIn(t, from, mail)
			all.twice = append(all.twice, id)
			all.arrivals["opened"]++
			all.arrivals["duplicate"]++
		}
	}
	return all
}

// I7: the first equation, from what the mailbox holds and what was sent, not from counters of ours; with the worker killed twice on the way.
func TestNoMailIsLostOrDoubledOrSplitWhileTheWorkerIsKilled(t *testing.T) {
	t.Parallel()
	s := testkit.NewStack(t, testkit.StackOptions{})
	done := make(chan sent, 1)
	go func() {
		defer close(done) // also when it fails
		done <- send(t, s)
	}()
	const fetched = "SELECT count(*) FROM received"
	for _, after := range []int{60, 180} {
		testkit.Eventually(t, "mails to be fetched", func() bool { return s.Count(t, fetched) >= after })
		s.KillWorker()
		s.StartWorker(t)
	}
	all := <-done
	total := 0
	for _, n := range all.arrivals {
		total += n
	}
	uids := s.MailboxUIDs(t)
	if len(uids) != total {
		t.Fatalf("the mailbox holds %d mails, %d were sent", len(uids), total)
	}
	testkit.Eventually(t, "all mails to be fetched", func() bool { return s.Count(t, fetched) >= total })

	for _, uid := range uids {
		if n := s.Count(t, "SELECT count(*) FROM received WHERE uid = $1", int64(uid)); n != 1 {
			t.Errorf("the mail with UID %d was dealt with %d times", uid, n)
		}
	}
	for arrival, want := range all.arrivals {
		if n := s.Count(t, "SELECT count(*) FROM received WHERE arrival = $1", arrival); n != want {
			t.Errorf("%d mails are %s, want %d", n, arrival, want)
		}
	}
	threads := threadsByID(t, s)
	for id := range all.people {
		if len(threads[id]) != 1 {
			t.Errorf("the mail %s is in %d threads", id, len(threads[id]))
		}
	}
	for answer, first := range all.answers {
		if !slices.Equal(threads[answer], threads[first]) {
			t.Errorf("the follow-up %s is not in the thread of %s", answer, first)
		}
	}
	for _, id := range all.twice {
		if len(threads[id]) != 1 {
			t.Errorf("the mail %s, which came twice, is in %d threads", id, len(threads[id]))
		}
	}
	if n, want := s.Count(t, "SELECT count(*) FROM contact"), all.arrivals["opened"]; n != want {
		t.Errorf("%d contacts, want %d", n, want)
	}
	t.Logf("%d mails: %v", total, all.arrivals)
	s.MustHold(t)
}

// threadsByID are the threads in which customers' mails are stored, by Message-ID.
func threadsByID(t *testing.T, s *testkit.Stack) map[string][]string {
	t.Helper()
	rows, err := s.Connect(t).Query(context.WithoutCancel(t.Context()), `
		SELECT internet_message_id, thread_id::text FROM message WHERE direction = 'in' AND contact_id IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	threads := map[string][]string{}
	var id, thread string
	_, err = pgx.ForEachRow(rows, []any{&id, &thread}, func() error {
		threads[id] = append(threads[id], thread)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return threads
}
