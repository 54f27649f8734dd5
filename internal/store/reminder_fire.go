package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// DueReminder is what a reminder's workflow looks at: what its time means now is for the caller to say, by the zone's rules.
type DueReminder struct {
	State   postroom.ReminderState
	Version int64
	Wall    postroom.WallTime
	Due     time.Time // as it was made when somebody last looked
	Now     time.Time // PostgreSQL's clock
}

type dueReminderRow struct {
	State       postroom.ReminderState
	Version     int64
	Local, Zone string
	Due, Now    time.Time
}

var readDueReminder = statement(`SELECT state, version, local_due, time_zone, due_at, postroom_now() FROM reminder WHERE id = $1`)

// DueReminder reads when a reminder is due. One that does not exist is NotFound.
func (s *Store) DueReminder(ctx context.Context, id postroom.ReminderID) (DueReminder, error) {
	r, found, err := one[dueReminderRow](ctx, s.pool, readDueReminder, id)
	if err == nil && !found {
		return DueReminder{}, unknownReminder()
	}
	return DueReminder{r.State, r.Version, postroom.WallTime{Local: r.Local, Zone: r.Zone}, r.Due, r.Now}, translate("read when a reminder is due", err)
}

var moveReminder = statement(`UPDATE reminder SET due_at = $3 WHERE id = $1 AND version = $2 AND state = 'set'`)

// MoveReminder writes down what a reminder's time means by the zone's rules as they are now. Its version is that of what people said, and
// stays.
func (s *Store) MoveReminder(ctx context.Context, id postroom.ReminderID, version int64, due time.Time) error {
	_, err := s.pool.Exec(ctx, moveReminder, id, version, due)
	return translate("move a reminder with its zone", err)
}

var lockIfActive = statement(`SELECT active FROM agent WHERE id = $1 FOR SHARE`)

// Whoever has left is reminded by deputy: the supervisors of the teams that serve the contact's queue, or, if there are none, the
// administrators.
var readDeputies = statement(`
	WITH supervisors AS (
		SELECT DISTINCT a.id FROM contact c JOIN queue_team t ON t.queue_id = c.queue_id JOIN agent a ON a.team_id = t.team_id
		WHERE c.id = $1 AND a.active AND a.role = 'supervisor'
	)
	SELECT id FROM supervisors
	UNION
	SELECT id FROM agent WHERE active AND role = 'administrator' AND NOT EXISTS (SELECT FROM supervisors)
	ORDER BY 1`)

// Its workflow has nothing to do any more, whether or not it records that: it is not told again.
var fireReminder = statement(`
	UPDATE reminder r SET state = 'fired', fired_at = t.now, fired_to = $4, due_at = $3, version = version + 1, told = version + 1
	FROM (SELECT postroom_now() AS now) t WHERE r.id = $1 AND r.version = $2 AND r.state = 'set' AND t.now >= $3 RETURNING r.version`)

// FireReminder tells whom it concerns that a reminder's time has come: the assignee, or, if he has left, the supervisors of the teams that
// serve the contact's queue, else the administrators (R25). due is what its time means now, version the row that it was read from: if
// the row has changed meanwhile, if it is too early by PostgreSQL's clock, or if it has fired, nothing happens. It reports whether it did.
func (s *Store) FireReminder(ctx context.Context, id postroom.ReminderID, version int64, due time.Time) (bool, error) {
	var fired bool
	err := s.write(ctx, "fire a reminder", func(ctx context.Context, tx *txn) error {
		fired = false
		seen, found, err := one[reminderRow](ctx, tx, peekReminder, id)
		if err != nil {
			return err
		}
		if !found {
			return unknownReminder()
		}
		there, _, err := value[bool](ctx, tx, lockIfActive, seen.Assignee) // he stays, or has left, until this is over
		if err != nil {
			return err
		}
		r, contact, err := lockReminder(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.Version != version || r.Assignee != seen.Assignee {
			return nil
		}
		to := []string{string(r.Assignee)}
		if !there {
			if to, err = values[string](ctx, tx, readDeputies, r.Contact); err != nil {
				return err
			}
		}
		if _, fired, err = value[int64](ctx, tx, fireReminder, id, version, due, to); err != nil || !fired {
			return err
		}
		told := remark(postroom.ReminderFires, postroom.System("timer"), r.Assignee, id, &due)
		told.detail.(map[string]any)["to"] = to
		contact.note(tx, told)
		who := []postroom.AgentID{r.Assignee}
		for _, agent := range to {
			who = append(who, postroom.AgentID(agent))
		}
		tx.remind(r.Contact, id, who...)
		return nil
	})
	return fired, err
}

// UntoldReminder is a reminder that its workflow is not known to know at this version.
type UntoldReminder struct {
	Reminder postroom.ReminderID
	Version  int64
}

var takeUntoldReminders = statement(`
	UPDATE reminder SET tell_at = postroom_now() + interval '10 seconds'
	WHERE id IN (SELECT id FROM reminder WHERE told < version AND tell_at < postroom_now() ORDER BY tell_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
	RETURNING id, version`)

// TakeUntoldReminders takes at most limit reminders whose workflows have to be told, and puts each off.
func (s *Store) TakeUntoldReminders(ctx context.Context, limit int) ([]UntoldReminder, error) {
	var untold []UntoldReminder
	err := s.write(ctx, "take reminders whose workflows must be told", func(ctx context.Context, tx *txn) error {
		var err error
		untold, err = all[UntoldReminder](ctx, tx, takeUntoldReminders, limit)
		return err
	})
	return untold, err
}

var markReminderTold = statement(`UPDATE reminder SET told = greatest(told, least($2, version)) WHERE id = $1`)

// MarkReminderTold records that a reminder's workflow was told of a version.
func (s *Store) MarkReminderTold(ctx context.Context, u UntoldReminder) error {
	_, err := s.pool.Exec(ctx, markReminderTold, u.Reminder, u.Version)
	return translate("record what a reminder's workflow knows", err)
}

var forgetOverdueReminders = statement(`
	UPDATE reminder SET told = version - 1, tell_at = postroom_now()
	WHERE state = 'set' AND told >= version AND due_at < postroom_now() - interval '60 seconds'
	  AND coalesce(tell_at, '-infinity') < postroom_now() - interval '60 seconds'`)

// ForgetOverdueReminders makes reminders untold that should have fired: their workflow was ended by hand, or lost. It says how many.
func (s *Store) ForgetOverdueReminders(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, forgetOverdueReminders)
	return tag.RowsAffected(), translate("find overdue reminders", err)
}
