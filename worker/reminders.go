package worker

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// tellReminders tells workflows of reminders that were set or changed, and starts those that are missing.
func (w *Worker) tellReminders(ctx context.Context) error {
	if _, err := w.Store.ForgetOverdueReminders(ctx); err != nil {
		return err
	}
	for {
		untold, err := w.Store.TakeUntoldReminders(ctx, untoldAtOnce)
		if err != nil || len(untold) == 0 {
			return err
		}
		group, telling := errgroup.WithContext(ctx)
		group.SetLimit(together)
		for _, u := range untold {
			group.Go(func() error {
				if err := w.Gateway.SyncReminder(telling, u.Reminder); err != nil {
					return err
				}
				return w.Store.MarkReminderTold(telling, u)
			})
		}
		if err := group.Wait(); err != nil || len(untold) < untoldAtOnce {
			return err
		}
	}
}
