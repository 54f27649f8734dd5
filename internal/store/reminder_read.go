package store

import (
	"context"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// Reminder is a reminder as people see it.
type Reminder struct {
	ID           postroom.ReminderID
	Contact      postroom.ContactID
	Subject      string // of the contact
	Author       postroom.AgentID
	AuthorName   string
	Assignee     postroom.AgentID
	AssigneeName string
	Local        string // WallTime
	Zone         string
	Due          time.Time
	Body         string
	State        postroom.ReminderState
	FiredAt      *time.Time
	FiredTo      []postroom.AgentID
	Version      int64
}

// Concerns reports whether a reminder is in an agent's own list: he is to be reminded, or he was, for himself or for somebody who has left.
func (r Reminder) Concerns(agent postroom.AgentID) bool {
	open := r.State == postroom.ReminderSet || r.State == postroom.ReminderFired
	return open && (r.Assignee == agent || slices.Contains(r.FiredTo, agent))
}

const reminderColumns = `
	SELECT r.id, r.contact_id, c.subject, r.author, w.name, r.assignee, a.name, r.local_due, r.time_zone, r.due_at, r.body, r.state, r.fired_at,
	       r.fired_to, r.version
	FROM reminder r JOIN contact c ON c.id = r.contact_id JOIN agent w ON w.id = r.author JOIN agent a ON a.id = r.assignee`

var readOneReminder = statement(reminderColumns + ` WHERE r.id = $1`)

func readReminder(ctx context.Context, d db, id postroom.ReminderID) (Reminder, error) {
	r, found, err := one[Reminder](ctx, d, readOneReminder, id)
	if err == nil && !found {
		return r, unknownReminder()
	}
	return r, err
}

// Reminder reads a reminder.
func (s *Store) Reminder(ctx context.Context, id postroom.ReminderID) (Reminder, error) {
	r, err := readReminder(ctx, s.pool, id)
	return r, translate("read a reminder", err)
}

// remindersAtOnce bounds a list of reminders.
const remindersAtOnce = 500

var readMyReminders = statement(reminderColumns + `
	WHERE r.state IN ('set', 'fired') AND (r.assignee = $1 OR (r.state = 'fired' AND r.fired_to @> ARRAY[$1::text])) ORDER BY r.due_at, r.id LIMIT $2`)

// A supervisor's teams' reminders: of somebody in his team, or on a contact of a queue that it serves.
var readTeamReminders = statement(reminderColumns + `
	JOIN agent me ON me.id = $1 AND me.role = 'supervisor' AND me.team_id IS NOT NULL
	WHERE r.state IN ('set', 'fired') AND (a.team_id = me.team_id
		OR EXISTS (SELECT FROM queue_team t WHERE t.queue_id = c.queue_id AND t.team_id = me.team_id))
	ORDER BY r.due_at, r.id LIMIT $2`)

// RemindersOf lists the reminders of an agent that are set or have fired, by when they are due: his own.
func (s *Store) RemindersOf(ctx context.Context, agent postroom.AgentID) ([]Reminder, error) {
	list, err := all[Reminder](ctx, s.pool, readMyReminders, agent, remindersAtOnce)
	return list, translate("list an agent's reminders", err)
}

// RemindersOfTeam lists what a supervisor's team is to be reminded of. Anybody else has no team.
func (s *Store) RemindersOfTeam(ctx context.Context, supervisor postroom.AgentID) ([]Reminder, error) {
	list, err := all[Reminder](ctx, s.pool, readTeamReminders, supervisor, remindersAtOnce)
	return list, translate("list a team's reminders", err)
}

var readOpenReminders = statement(reminderColumns + ` WHERE r.state IN ('set', 'fired') AND ($1 = '' OR r.assignee = $1) ORDER BY r.due_at, r.id LIMIT $2`)

// OpenReminders lists the reminders that are set or have fired, of one assignee or of all, for operators.
func (s *Store) OpenReminders(ctx context.Context, assignee postroom.AgentID) ([]Reminder, error) {
	list, err := all[Reminder](ctx, s.pool, readOpenReminders, assignee, remindersAtOnce)
	return list, translate("list reminders", err)
}

var readFiredReminders = statement(`SELECT id::text FROM reminder WHERE state = 'fired' AND fired_to @> ARRAY[$1::text] ORDER BY due_at, id LIMIT $2`)

var readReminderRelation = statement(`
	SELECT EXISTS (
		SELECT FROM reminder r JOIN contact c ON c.id = r.contact_id JOIN agent a ON a.id = r.assignee JOIN agent me ON me.id = $2
		WHERE r.id = $1 AND (r.author = me.id OR r.assignee = me.id OR r.fired_to @> ARRAY[me.id]
			OR (me.role = 'supervisor' AND me.team_id IS NOT NULL AND (a.team_id = me.team_id
				OR EXISTS (SELECT FROM queue_team t WHERE t.queue_id = c.queue_id AND t.team_id = me.team_id)))))`)

// MayChangeReminder reports whether a reminder is an agent's business: he set it, is to be reminded or was, or supervises somebody who is.
func (s *Store) MayChangeReminder(ctx context.Context, id postroom.ReminderID, agent postroom.AgentID) (bool, error) {
	may, _, err := value[bool](ctx, s.pool, readReminderRelation, id, agent)
	return may, translate("read a permission", err)
}
