package worker_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// month is how far ahead the reminders of these stories are. The workers' clock of PostgreSQL is so far ahead that they are due in seconds.
const month = 30 * 24 * time.Hour

// remind is a centre with a worker by whose clock a reminder that is set now for in a month is due in d, at its next full minute.
func remind(t *testing.T, d time.Duration, change ...func(*testkit.Working)) (*testkit.Working, store.Reminder) {
	t.Helper()
	due := time.Now().UTC().Add(month).Truncate(time.Minute)
	centre := testkit.NewCentre(t, time.Minute, store.Options{Shift: time.Until(due) - d})
	w := testkit.NewWorking(t, centre, testkit.NewTemporal(t))
	for _, c := range change {
		c(w)
	}
	contact := w.Arrive(t, "kim@customer.example", canary)
	r, err := w.Open(t, store.Options{}).CreateReminder(t.Context(), testkit.Command("mina"), store.NewReminder{Contact: contact, Assignee: "mina",
		Wall: postroom.WallTime{Local: due.Format(postroom.WallLayout), Zone: "UTC"}, Due: due, Body: postroom.SealText("Ask the " + canary)})
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

// awaitReminder waits until a reminder is in a state.
func awaitReminder(t *testing.T, w *testkit.Working, id postroom.ReminderID, state postroom.ReminderState) store.Reminder {
	t.Helper()
	var now store.Reminder
	testkit.Eventually(t, "the reminder to be "+string(state), func() bool {
		var err error
		now, err = w.Reminder(t.Context(), id)
		return err == nil && now.State == state
	})
	return now
}

// R25: set, put off once, and fired, with nobody but the reconciler to tell its workflow.
func TestStoryOfAReminder(t *testing.T) {
	t.Parallel()
	w, r := remind(t, 70*time.Second)
	testkit.Eventually(t, "its workflow to be told", func() bool {
		return w.Count(t, "SELECT count(*) FROM reminder WHERE told = version") == 1
	})
	testkit.Eventually(t, "its workflow to have looked", func() bool {
		return count(historyOf(t, w.Client, workflows.ReminderWorkflowID(r.ID)), enums.EVENT_TYPE_MARKER_RECORDED) == 1
	})
	first, sooner := r.Due, r.Due.Add(-time.Minute)
	r, err := w.Open(t, store.Options{}).ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version,
		Wall: postroom.WallTime{Local: sooner.Format(postroom.WallLayout), Zone: "UTC"}, Due: sooner})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Gateway.SyncReminder(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	fired := awaitReminder(t, w, r.ID, postroom.ReminderFired)
	if fired.FiredAt.Before(sooner) || !fired.FiredAt.Before(first) {
		t.Errorf("fired at %v: its time is %v, and was %v", fired.FiredAt, sooner, first)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var result workflows.ReminderResult
	id := workflows.ReminderWorkflowID(r.ID)
	if err := w.Client.GetWorkflow(ctx, id, "").Get(ctx, &result); err != nil || result.State != postroom.ReminderFired {
		t.Fatalf("ended with %+v, %v", result, err)
	}
	runs := historyOf(t, w.Client, id)
	if got := count(runs, enums.EVENT_TYPE_MARKER_RECORDED); got < 4 || got > 5 {
		t.Errorf("%d steps", got)
	}
	testkit.NoWordIn(t, runs, canary)
	firesOnce(t, w)
	save(t, "reminder", runs)
}

// R25: nobody tells the workflow that its row has changed but the reconciler; a worker that is stopped meanwhile is missed by nobody.
func TestReminderFiresOnceThoughItsWorkerWasStoppedAndItsAgentHasLeft(t *testing.T) {
	t.Parallel()
	w, r := remind(t, 8*time.Second)
	testkit.Eventually(t, "its workflow to be told", func() bool {
		return w.Count(t, "SELECT count(*) FROM reminder WHERE told = version") == 1
	})
	w.StopWorker()
	w.Exec(t, "UPDATE agent SET active = false WHERE id = 'mina'")
	w.StartWorker(t)
	fired := awaitReminder(t, w, r.ID, postroom.ReminderFired)
	if len(fired.FiredTo) != 1 || fired.FiredTo[0] != "sora" {
		t.Errorf("fired to %v", fired.FiredTo)
	}
	for range 3 { // whatever is said afterwards
		if err := w.Gateway.SyncReminder(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var result workflows.ReminderResult
	if err := w.Client.GetWorkflow(ctx, workflows.ReminderWorkflowID(r.ID), "").Get(ctx, &result); err != nil || result.State != postroom.ReminderFired {
		t.Errorf("ended with %+v, %v", result, err)
	}
	if n := w.Count(t, "SELECT count(*) FROM contact_event WHERE event = 'reminder fired'"); n != 1 {
		t.Errorf("told %d times", n)
	}
	firesOnce(t, w)
}

// firesOnce tests the invariants of reminders; others do not hold where two clocks are a month apart.
func firesOnce(t *testing.T, w *testkit.Working) {
	t.Helper()
	for _, line := range w.Violations(t) {
		if strings.HasPrefix(line, "R25") || strings.HasPrefix(line, "a contact's story") {
			t.Error(line)
		}
	}
}

// R25: the rules of the zone change under a reminder that waits: with the next look, which a word brings on, it is due at once.
func TestReminderMovesWhenTheProgramsZoneRulesChange(t *testing.T) {
	t.Parallel()
	var changed atomic.Bool
	w, r := remind(t, time.Hour+5*time.Second, func(w *testkit.Working) {
		w.StopWorker()
		w.SetZones(func(postroom.WallTime) (*time.Location, error) {
			if changed.Load() {
				return time.FixedZone("an hour ahead", 3600), nil
			}
			return time.UTC, nil
		})
		w.StartWorker(t)
	})
	testkit.Eventually(t, "its workflow to be told", func() bool {
		return w.Count(t, "SELECT count(*) FROM reminder WHERE told = version") == 1
	})
	changed.Store(true)
	if err := w.Gateway.SyncReminder(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	fired := awaitReminder(t, w, r.ID, postroom.ReminderFired)
	if !fired.Due.Equal(r.Due.Add(-time.Hour)) || fired.Local != r.Local {
		t.Errorf("due %v, was %v", fired.Due, r.Due)
	}
}
