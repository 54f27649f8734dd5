package main

import (
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/testkit"
)

// R25: operators see what is to be remembered, without its text.
func TestReminderListShowsWhenForWhomAndNoText(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	// It waits for skills that tom has not, who answers other tests: he holds one contact at a time.
	s.Write(t, devmail.Letter{From: "kim@hanbit.example", Subject: "Hello", Text: "Hello"})
	testkit.Eventually(t, "a contact", func() bool { return s.Count(t, "SELECT count(*) FROM contact") > 0 })
	s.Exec(t, `INSERT INTO reminder (id, contact_id, author, assignee, local_due, time_zone, due_at, body, state, fired_at, fired_to, told, created_at)
		SELECT gen_random_uuid(), id, 'mina', 'mina', '2027-01-01T09:00', 'Asia/Seoul', '2027-01-01T00:00:00Z', 'about her parcel', 'fired', clock_timestamp(),
			'{sora,admin}', 1, clock_timestamp() FROM contact LIMIT 1`)
	defer s.Exec(t, "DELETE FROM reminder")
	got := s.Run(t, "", "reminder", "list", "--agent", "mina")
	for _, word := range []string{"2027-01-01T09:00", "Asia/Seoul", "fired", "mina", "sora,admin"} {
		if !strings.Contains(got, word) {
			t.Errorf("the list does not say %s:\n%s", word, got)
		}
	}
	if strings.Contains(got, "parcel") {
		t.Errorf("the list shows its text:\n%s", got)
	}
	if got := s.Run(t, "", "reminder", "list", "--agent", "tom"); !strings.Contains(got, "there are no reminders") {
		t.Errorf("tom's:\n%s", got)
	}
}
