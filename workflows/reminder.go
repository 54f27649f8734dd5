package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
)

// ReminderRun is what a reminder's workflow starts from and carries into its next run.
type ReminderRun struct {
	Reminder postroom.ReminderID `json:"reminder"`
	Run      int                 `json:"run,omitzero"`
}

// ReminderResult says how a reminder's workflow ended: fired, done or cancelled; empty for one that the database does not know.
type ReminderResult struct {
	State postroom.ReminderState `json:"state,omitzero"`
}

// How long a reminder's workflow sleeps at most before it looks again, and how long before the time it looks for the last time: rules of
// time zones change, often with few days' notice, and its row may have changed without a word.
const (
	reminderLook     = 7 * 24 * time.Hour
	lastReminderLook = 24 * time.Hour
	looksPerRun      = 500
)

// Reminder waits for weeks or months until a reminder is due, and then has it fired (R25). When that is, it asks its row each time that it
// looks. A reminder that has fired leaves nothing to wait for: its workflow ends, and put off, it begins again.
func Reminder(ctx workflow.Context, state ReminderRun) (ReminderResult, error) {
	syncs := workflow.GetSignalChannel(ctx, SyncSignal)
	now, err := lookAtReminder(ctx, state.Reminder, syncs)
	for looks := 0; err == nil; looks++ {
		if now.State != postroom.ReminderSet && syncs.Len() == 0 {
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("The reminder is %s.", now.State))
			return ReminderResult{now.State}, nil
		}
		if looks == looksPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			for syncs.ReceiveAsync(nil) { // the next run looks anyway
			}
			return ReminderResult{}, workflow.NewContinueAsNewError(ctx, Reminder, ReminderRun{state.Reminder, state.Run + 1})
		}
		if now.DueIn <= 0 && syncs.Len() == 0 {
			if now, err = fireReminder.run(ctx, "Fire", state.Reminder); err != nil || now.State != postroom.ReminderSet {
				continue
			}
		}
		if err = awaitLook(ctx, now, syncs); err != nil {
			break
		}
		now, err = lookAtReminder(ctx, state.Reminder, syncs)
	}
	return ReminderResult{}, unknownReminder(ctx, err)
}

// lookAtReminder drains the sync signals, and then loads the row.
func lookAtReminder(ctx workflow.Context, id postroom.ReminderID, syncs workflow.ReceiveChannel) (postroom.ReminderSnapshot, error) {
	for syncs.ReceiveAsync(nil) {
	}
	return loadReminder.run(ctx, "Load", id)
}

// awaitLook sleeps until it is time to look again, or until somebody says look.
func awaitLook(ctx workflow.Context, now postroom.ReminderSnapshot, syncs workflow.ReceiveChannel) error {
	wait := untilLook(now.DueIn)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Due in %v; looks again in %v.", now.DueIn.Round(time.Second), wait.Round(time.Second)))
	return awaitUntil(ctx, wait, "Look at the reminder", func() bool { return syncs.Len() > 0 })
}

// untilLook is when to look again at a reminder that is due in d.
func untilLook(d time.Duration) time.Duration {
	if d > lastReminderLook {
		return min(d-lastReminderLook, reminderLook)
	}
	return max(d, minimumWait)
}

// unknownReminder ends a workflow whose reminder the database does not know, visibly: it was started after a restore, or by hand.
func unknownReminder(ctx workflow.Context, err error) error {
	var failure *temporal.ApplicationError
	if !errors.As(err, &failure) || failure.Type() != string(postroom.ReasonUnknownReminder) {
		return err
	}
	workflow.SetCurrentDetails(ctx, "Orphan: the database does not know this reminder.")
	return nil
}
