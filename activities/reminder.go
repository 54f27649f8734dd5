package activities

import (
	"context"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
)

// LoadReminder reads a reminder's row. What its time means is made from the date and the zone each time, by the zone rules that this program
// runs with, and written down where it has changed.
func (a *Activities) LoadReminder(ctx context.Context, id postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	row, err := a.Store.DueReminder(ctx, id)
	if err != nil {
		return postroom.ReminderSnapshot{}, failure(err)
	}
	due := a.dueNow(ctx, id, row)
	if row.State == postroom.ReminderSet && !due.Equal(row.Due) {
		a.Log.InfoContext(ctx, "a zone's rules have changed: a reminder moves", "reminder", id, "by", due.Sub(row.Due))
		if err := a.Store.MoveReminder(ctx, id, row.Version, due); err != nil {
			return postroom.ReminderSnapshot{}, failure(err)
		}
	}
	return snapshotOf(id, row, due), nil
}

// FireReminder fires a reminder if it is due, and answers with the row as it is then.
func (a *Activities) FireReminder(ctx context.Context, id postroom.ReminderID) (postroom.ReminderSnapshot, error) {
	row, err := a.Store.DueReminder(ctx, id)
	if err != nil {
		return postroom.ReminderSnapshot{}, failure(err)
	}
	if row.State == postroom.ReminderSet {
		if _, err := a.Store.FireReminder(ctx, id, row.Version, a.dueNow(ctx, id, row)); err != nil {
			return postroom.ReminderSnapshot{}, failure(err)
		}
	}
	return a.LoadReminder(ctx, id)
}

// dueNow is what a reminder's time means now. A zone that this program does not know, though it did when the reminder was set, leaves the
// time as it was last known: a reminder is never lost.
func (a *Activities) dueNow(ctx context.Context, id postroom.ReminderID, row store.DueReminder) time.Time {
	load := a.Zones
	if load == nil {
		load = postroom.WallTime.Load
	}
	zone, err := load(row.Wall)
	if err == nil {
		var due time.Time
		if due, err = row.Wall.In(zone); err == nil {
			return due
		}
	}
	a.Log.WarnContext(ctx, "a reminder's time cannot be read by the zones of this program; it stays as it was", "reminder", id, "error", err)
	return row.Due
}

func snapshotOf(id postroom.ReminderID, row store.DueReminder, due time.Time) postroom.ReminderSnapshot {
	s := postroom.ReminderSnapshot{Reminder: id, Version: row.Version, State: row.State}
	if s.State == postroom.ReminderSet {
		s.DueIn = due.Sub(row.Now)
	}
	return s
}
