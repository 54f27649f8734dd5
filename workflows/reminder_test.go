package workflows_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

const theReminder = postroom.ReminderID("0192f3a4-0000-7000-8000-0000000000aa")

// reminding is a reminder's workflow in the test environment, over a small honest model of its row: the time is a wall time, made to a moment
// by the zone's rules each time that somebody looks.
type reminding struct {
	*testing.T
	env   *testsuite.TestWorkflowEnvironment
	began time.Time

	mu      sync.Mutex
	wall    postroom.WallTime
	zone    *time.Location // the rules as they are now
	skew    time.Duration  // of PostgreSQL's clock
	state   postroom.ReminderState
	version int64
	active  bool // the assignee has not left
	unknown bool
	looks   []time.Duration // when the row was loaded
	fired   []time.Duration // when it fired, by the workflow's clock
	firedTo []string
	before  func(step string) error
	after   func(step string)
}

// newReminding is a reminder that is due in d, by a clock without daylight saving time.
func newReminding(t *testing.T, d time.Duration) *reminding {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet)
	r := &reminding{T: t, env: suite.NewTestWorkflowEnvironment(), began: nine(), zone: time.UTC, state: postroom.ReminderSet, version: 1, active: true}
	r.wall = postroom.WallTime{Local: r.began.Add(d).Format(postroom.WallLayout), Zone: "UTC"}
	r.env.SetStartTime(r.began)
	r.env.SetTestTimeout(busy)
	r.env.SetWorkerOptions(sdkworker.Options{DeadlockDetectionTimeout: busy})
	r.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.ReminderWorkflowID(theReminder)})
	r.env.RegisterWorkflowWithOptions(workflows.Reminder, workflow.RegisterOptions{Name: "Reminder"})
	r.env.RegisterActivityWithOptions(&reminderRow{r}, activity.RegisterOptions{})
	return r
}

// reminderRow is the row's side of it.
type reminderRow struct{ of *reminding }

// due is what the time means now. The lock is held.
func (r *reminding) due() time.Time {
	due, err := r.wall.In(r.zone)
	if err != nil {
		r.Error(err)
	}
	return due
}

func (r *reminding) step(name string, do func()) (postroom.ReminderSnapshot, error) {
	r.mu.Lock()
	before, after := r.before, r.after
	r.mu.Unlock()
	if before != nil {
		if err := before(name); err != nil {
			return postroom.ReminderSnapshot{}, err
		}
	}
	if after != nil {
		defer after(name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unknown {
		return postroom.ReminderSnapshot{}, refusal(postroom.NotFound(postroom.ReasonUnknownReminder, "there is no such reminder"))
	}
	do()
	s := postroom.ReminderSnapshot{Reminder: theReminder, Version: r.version, State: r.state}
	if r.state == postroom.ReminderSet {
		s.DueIn = r.due().Sub(r.env.Now().Add(r.skew))
	}
	return s, nil
}

// LoadReminder reads the row.
func (a *reminderRow) LoadReminder(context.Context, postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	r := a.of
	return r.step("LoadReminder", func() { r.looks = append(r.looks, r.env.Now().Sub(r.began)) })
}

// FireReminder fires it if it is due by the row's clock.
func (a *reminderRow) FireReminder(context.Context, postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	r := a.of
	return r.step("FireReminder", func() {
		if r.state != postroom.ReminderSet || r.env.Now().Add(r.skew).Before(r.due()) {
			return
		}
		r.move(postroom.ReminderFires)
		r.fired = append(r.fired, r.env.Now().Sub(r.began))
		r.firedTo = []string{"assignee"}
		if !r.active {
			r.firedTo = []string{"supervisors"}
		}
	})
}

// move changes the state by the product's own machine. The lock is held.
func (r *reminding) move(event postroom.ReminderEvent) {
	r.state = postroom.ReminderMachine.Must(r.state, event)
	r.version++
}

// people is what somebody does to the row after d; told says whether the workflow is.
func (r *reminding) people(d time.Duration, told bool, do func()) {
	r.env.RegisterDelayedCallback(func() {
		r.mu.Lock()
		do()
		r.mu.Unlock()
		if told {
			r.env.SignalWorkflow(workflows.SyncSignal, nil)
		}
	}, d)
}

// at gives the reminder another time, in d after the begin. The lock is held.
func (r *reminding) at(d time.Duration) {
	r.wall.Local = r.began.Add(d).Format(postroom.WallLayout)
	r.version++
}

// run runs the workflow to an end that is no error.
func (r *reminding) run() postroom.ReminderState {
	r.Helper()
	r.env.ExecuteWorkflow(workflows.Reminder, workflows.ReminderRun{Reminder: theReminder})
	var result workflows.ReminderResult
	if err := r.env.GetWorkflowResult(&result); err != nil {
		r.Fatalf("the workflow: %v; looked at %v", err, r.looks)
	}
	return result.State
}

// firedAt fails unless it fired once, then.
func (r *reminding) firedAt(want time.Duration) {
	r.Helper()
	if !slices.Equal(r.fired, []time.Duration{want}) {
		r.Errorf("fired at %v, want %v; looked at %v", r.fired, want, r.looks)
	}
}

const day = 24 * time.Hour

// R25: reminders at 30 days.
func TestReminderFiresAfterThirtyDaysOnceAndAtItsTime(t *testing.T) {
	t.Parallel()
	r := newReminding(t, 30*day)
	if state := r.run(); state != postroom.ReminderFired {
		t.Errorf("ended %q", state)
	}
	r.firedAt(30 * day)
	if want := []time.Duration{0, 7 * day, 14 * day, 21 * day, 28 * day, 29 * day, 30 * day}; !slices.Equal(r.looks, want) {
		t.Errorf("looked at %v, want %v", r.looks, want)
	}
}

// R25: agent deactivated before it fires.
func TestReminderOfAnAgentWhoHasLeftFiresToSupervisors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leaves time.Duration
		to     string
	}{"before": {29 * day, "supervisors"}, "a minute before": {30*day - time.Minute, "supervisors"}, "control: not at all": {0, "assignee"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReminding(t, 30*day)
			if c.leaves > 0 {
				r.people(c.leaves, false, func() { r.active = false })
			}
			r.run()
			r.firedAt(30 * day)
			if !slices.Equal(r.firedTo, []string{c.to}) {
				t.Errorf("fired to %v", r.firedTo)
			}
		})
	}
}

// R25: time zone change. A parliament moves the clocks by an hour while the workflow sleeps, and nobody says a word.
func TestReminderMovesWithTheClockOnTheWallWhenTheZonesRulesChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offset, fires time.Duration
		contact       any
	}{
		"an hour earlier": {time.Hour, 30*day - time.Hour, workflows.Reminder},
		"an hour later":   {-time.Hour, 30*day + time.Hour, workflows.Reminder},
		"control: sleeps on what it was once told": {time.Hour, 30 * day, sleepsThrough},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReminding(t, 30*day)
			r.people(10*day, false, func() { r.zone = time.FixedZone("changed", int(c.offset.Seconds())) })
			r.env.ExecuteWorkflow(c.contact, workflows.ReminderRun{Reminder: theReminder})
			if err := r.env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			r.firedAt(c.fires)
		})
	}
}

// sleepsThrough loads once and sleeps until then.
func sleepsThrough(ctx workflow.Context, state workflows.ReminderRun) (workflows.ReminderResult, error) {
	var now postroom.ReminderSnapshot
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: busy})
	if err := workflow.ExecuteLocalActivity(ctx, "LoadReminder", state.Reminder).Get(ctx, &now); err != nil {
		return workflows.ReminderResult{}, err
	}
	if err := workflow.Sleep(ctx, now.DueIn); err != nil {
		return workflows.ReminderResult{}, err
	}
	err := workflow.ExecuteLocalActivity(ctx, "FireReminder", state.Reminder).Get(ctx, &now)
	return workflows.ReminderResult{State: now.State}, err
}

// R25: a wall time that a real zone skips, or shows twice, fires when root says that it means (reminder_test.go of the root).
func TestReminderFiresAcrossAChangeToSummerTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, local := range []string{"2027-03-28T02:30", "2026-10-25T02:30", "2027-07-01T09:00"} {
		t.Run(local, func(t *testing.T) {
			t.Parallel()
			r := newReminding(t, day)
			r.wall, r.zone = postroom.WallTime{Local: local, Zone: "Europe/Berlin"}, berlin
			want := r.due()
			for want.Before(r.began) {
				r.wall.Local = want.In(berlin).AddDate(1, 0, 0).Format(postroom.WallLayout)
				want = r.due()
			}
			r.run()
			r.firedAt(want.Sub(r.began))
		})
	}
}

// R25: edited earlier, later, and to another assignee.
func TestChangedReminderFiresAtItsNewTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		told  bool
		to    time.Duration
		fires time.Duration
	}{
		"earlier":            {true, 12 * day, 12 * day},
		"later":              {true, 60 * day, 60 * day},
		"later, not told":    {false, 60 * day, 60 * day},
		"earlier, not told":  {false, 20 * day, 20 * day}, // the weekly look sees it
		"already past by it": {true, 10*day - time.Hour, 10 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReminding(t, 30*day)
			r.people(10*day, c.told, func() { r.at(c.to) })
			r.run()
			r.firedAt(c.fires)
		})
	}
}

// R25: cancelled, or done before its time.
func TestReminderThatHasEndedDoesNotFire(t *testing.T) {
	t.Parallel()
	for _, event := range []postroom.ReminderEvent{postroom.ReminderCancels, postroom.ReminderCompletes} {
		for name, told := range map[string]bool{"told": true, "not told": false} {
			t.Run(string(event)+", "+name, func(t *testing.T) {
				t.Parallel()
				r := newReminding(t, 30*day)
				r.people(10*day, told, func() { r.move(event) })
				if state := r.run(); state != postroom.ReminderMachine.Must(postroom.ReminderSet, event) || len(r.fired) > 0 {
					t.Errorf("ended %q, fired at %v", state, r.fired)
				}
				if ended := r.env.Now().Sub(r.began); told && ended != 10*day {
					t.Errorf("ended after %v", ended)
				}
			})
		}
	}
}

// R25: done at the very moment at which the timer fires: the row decides.
func TestReminderThatIsDoneAsItsTimerFiresDoesNotFire(t *testing.T) {
	t.Parallel()
	r := newReminding(t, day)
	r.before = func(step string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if step == "FireReminder" && r.state == postroom.ReminderSet {
			r.move(postroom.ReminderCompletes)
		}
		return nil
	}
	if state := r.run(); state != postroom.ReminderDone || len(r.fired) > 0 {
		t.Errorf("ended %q, fired at %v", state, r.fired)
	}
}

// R25: fired exactly once, whatever is said, and however often the step is made again.
func TestReminderFiresOnceUnderDoubledSignalsAndRepeatedSteps(t *testing.T) {
	t.Parallel()
	r := newReminding(t, 30*day)
	for _, d := range []time.Duration{time.Minute, 30*day - time.Second, 30 * day, 30 * day} {
		r.people(d, true, func() {})
	}
	failures := 3
	r.after = func(string) {}
	r.before = func(step string) error { // the database goes away now and then
		if step == "FireReminder" && failures > 0 {
			failures--
			return down()
		}
		return nil
	}
	if state := r.run(); state != postroom.ReminderFired || len(r.fired) != 1 {
		t.Errorf("ended %q, fired at %v", state, r.fired)
	}
}

// R25: the worker dies after the step was committed and before that was recorded; it is made again.
func TestReminderThatFiredWithoutAWordBeingRecordedFiresOnce(t *testing.T) {
	t.Parallel()
	r := newReminding(t, day)
	lost := false
	r.before = func(step string) error {
		if step != "FireReminder" || lost {
			return nil
		}
		lost = true
		r.mu.Lock()
		r.move(postroom.ReminderFires)
		r.fired = append(r.fired, r.env.Now().Sub(r.began))
		r.mu.Unlock()
		return down()
	}
	if state := r.run(); state != postroom.ReminderFired {
		t.Errorf("ended %q", state)
	}
	r.firedAt(day)
}

// R25: the timer fires before the time by PostgreSQL's clock; what remains is waited for.
func TestReminderWhoseTimerFiredTooEarlyWaitsOn(t *testing.T) {
	t.Parallel()
	r := newReminding(t, day)
	r.people(12*time.Hour, false, func() { r.skew = -5 * time.Second })
	r.run()
	if len(r.fired) != 1 || r.fired[0] < day+5*time.Second || r.fired[0] > day+6*time.Second {
		t.Errorf("fired at %v", r.fired)
	}
}

// R25: a start that was sent twice, or late, does no harm; one for a reminder that nobody knows ends visibly.
func TestRunOfAReminderThatHasEndedEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, state := range []postroom.ReminderState{postroom.ReminderFired, postroom.ReminderDone, postroom.ReminderCancelled} {
		r := newReminding(t, -time.Hour)
		r.state = state
		if got := r.run(); got != state || len(r.fired) > 0 || len(r.looks) != 1 {
			t.Errorf("ended %q, fired at %v, looked at %v", got, r.fired, r.looks)
		}
	}
	r := newReminding(t, day)
	r.unknown = true
	if got := r.run(); got != "" {
		t.Errorf("an orphan ended %q", got)
	}
}

// R25: its time came while nobody worked.
func TestReminderThatIsOverdueFiresAtOnce(t *testing.T) {
	t.Parallel()
	r := newReminding(t, -40*day)
	r.run()
	r.firedAt(0)
}

func TestReminderContinuesAsNewWhenItsHistoryIsLong(t *testing.T) {
	t.Parallel()
	r := newReminding(t, 30*day)
	r.people(8*day, false, func() { r.env.SetContinueAsNewSuggested(true) })
	r.env.ExecuteWorkflow(workflows.Reminder, workflows.ReminderRun{Reminder: theReminder})
	var again *workflow.ContinueAsNewError
	if err := r.env.GetWorkflowError(); !errors.As(err, &again) {
		t.Fatalf("ended with %v", err)
	}
	if got, want := string(again.Input.Payloads[0].Data), `{"reminder":"`+string(theReminder)+`","run":1}`; got != want {
		t.Errorf("carried %s, want %s", got, want)
	}
}

func TestCancelledReminderWorkflowEndsCancelled(t *testing.T) {
	t.Parallel()
	r := newReminding(t, 30*day)
	r.env.RegisterDelayedCallback(r.env.CancelWorkflow, day)
	r.env.ExecuteWorkflow(workflows.Reminder, workflows.ReminderRun{Reminder: theReminder})
	if err := r.env.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v", err)
	}
}
