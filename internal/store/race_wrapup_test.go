package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// wrapping is a contact in wrap-up that completes itself in d.
func (a arena) wrapping(t *testing.T, agent postroom.AgentID, n int, d time.Duration) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	contact := a.Arrive(t, fmt.Sprintf("wrapping%d@customer.example", n), "Hello")
	offer := a.Own(t, contact, agent)
	_, err := a.CloseWithoutReply(t.Context(), testkit.Command(agent), offer)
	must(t, err)
	a.Exec(t, "UPDATE segment SET wrapup_due_at = clock_timestamp() + make_interval(secs => $2) WHERE offer_id = $1", offer, d.Seconds())
	return contact, offer
}

// R24, I10: at its time a wrap-up is completed by hand or by itself, once, and everybody hears the same.
func aWrapUpIsCompletedByHandOrByItself(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	a.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 60, default_wrapup_code = 'solved'")
	defer a.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 0, default_wrapup_code = NULL")
	seen := map[string]int{}
	for n := range 8 {
		contact, offer := a.wrapping(t, "mina", n, time.Duration(n*n-9)*time.Millisecond)
		isTimer := func(i int) bool { return (i%4 == 0) == (n%2 == 0) } // one in four, or three
		same := testkit.Command("mina")
		answers := testkit.Together(testkit.CrowdSize, func(i int) string {
			s := a.crowd.Store(i)
			if isTimer(i) { // the timer, again and again until it is decided
				for {
					now, err := s.AutoWrapUp(t.Context(), offer)
					if err != nil || now.Phase == postroom.ContactDone {
						return fmt.Sprintf("timer %v", err)
					}
				}
			}
			command := same // a retry …
			if i%8 == 1 || i%8 == 4 {
				command = testkit.Command("mina") // … or another tab
			}
			_, err := s.CompleteWrapUp(t.Context(), command, offer, postroom.WrapUp{Code: "solved"})
			return fmt.Sprintf("agent %s", postroom.ReasonOf(err))
		})
		count, timers := map[string]int{}, testkit.CrowdSize/4
		if n%2 == 1 {
			timers = testkit.CrowdSize - timers
		}
		for _, answer := range answers {
			count[answer]++
		}
		how := a.Text(t, "SELECT string_agg(CASE WHEN automatic THEN 'automatic' ELSE 'manual' END, ' ') FROM wrapup w JOIN segment g ON g.id = w.segment_id WHERE g.contact_id = $1", contact)
		want := map[string]int{"agent ": testkit.CrowdSize - timers, "timer <nil>": timers}
		if how == "automatic" {
			want = map[string]int{"agent wrapped_up_automatically": testkit.CrowdSize - timers, "timer <nil>": timers}
		}
		if fmt.Sprint(count) != fmt.Sprint(want) {
			t.Errorf("the wrap-up is %s; answers %v, want %v", how, count, want)
		}
		seen[how]++
	}
	t.Logf("seen: %v", seen)
}

// A control of aWrapUpIsCompletedByHandOrByItself: without the condition on the state, the key behind it and the clock.
func withoutStateKeyAndClockAWrapUpIsCompletedManyTimes(t *testing.T, a arena) {
	a.SignIn(t, "jiwoo")
	a.Exec(t, "ALTER TABLE wrapup DROP CONSTRAINT wrapup_pkey")
	_, offer := a.wrapping(t, "jiwoo", 99, time.Hour)
	for _, err := range testkit.Together(8, func(i int) error {
		return carelessWrapUp(t.Context(), a.crowd.Store(i), offer)
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if red := only(a.Violations(t), "R24: no wrap-up completes itself before its time", "R24: a wrap-up is completed once"); len(red) < 2 {
		t.Errorf("the checks should be red; they say %q", red)
	}
}

func carelessWrapUp(ctx context.Context, s *store.Store, offer postroom.OfferID) error {
	_, err := s.Pool().Exec(ctx, `
		WITH finished AS (UPDATE offer SET state = 'finished', ended_at = clock_timestamp(), end_cause = 'wrapped_up' WHERE id = $1 RETURNING *),
		ended AS (UPDATE segment SET state = 'ended', ended_at = clock_timestamp() WHERE offer_id = $1 RETURNING id)
		INSERT INTO wrapup (segment_id, agent_id, code, automatic, completed_at) SELECT ended.id, finished.agent_id, 'solved', true, clock_timestamp()
		FROM ended, finished`, offer)
	return err
}
