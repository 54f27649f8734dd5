package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
)

// NewReminder is a reminder that somebody sets (R25).
type NewReminder struct {
	Contact  postroom.ContactID
	Assignee postroom.AgentID
	Wall     postroom.WallTime
	Due      time.Time // Wall by the zone's rules as they are now
	Body     postroom.Text
	Findings []postroom.Finding
}

// reminderOf is the id of the reminder that a request sets: a repeat of the request finds it.
func reminderOf(c postroom.Command) postroom.ReminderID {
	return postroom.ReminderID(uuid.NewSHA1(uuid.NameSpaceOID, []byte("reminder "+string(c.Actor)+" "+c.RequestID)).String())
}

// An assignee is somebody who works now, and whom the contact concerns: the author himself, somebody of his team, or of a team that serves
// the contact's queue.
var lockAssignee = statement(`
	SELECT a.id = $3 OR coalesce(a.team_id = (SELECT team_id FROM agent WHERE id = $3), false)
	       OR EXISTS (SELECT FROM contact c JOIN queue_team t ON t.queue_id = c.queue_id WHERE c.id = $2 AND t.team_id = a.team_id)
	FROM agent a WHERE a.id = $1 AND a.active AND a.role <> 'administrator' FOR SHARE`)

func mayBeReminded(ctx context.Context, tx *txn, assignee postroom.AgentID, contact postroom.ContactID, author postroom.AgentID) error {
	near, found, err := value[bool](ctx, tx, lockAssignee, assignee, contact, author)
	switch {
	case err != nil:
		return err
	case !found:
		return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	case !near:
		return postroom.Refused("assignee_elsewhere", "choose somebody of your team, or of a team that serves the contact's queue")
	}
	return nil
}

var insertReminder = statement(`
	INSERT INTO reminder (id, contact_id, author, assignee, local_due, time_zone, due_at, body, state, tell_at, created_at)
	SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'set', t.now + $9::interval, t.now FROM (SELECT postroom_now() AS now) t
	WHERE $7 BETWEEN t.now + $10::interval AND t.now + $11::interval RETURNING id::text`)

func reminderTime() error {
	return postroom.Refused(postroom.ReasonReminderTime, "a reminder is due in five minutes at the earliest, and in two years at the latest")
}

// CreateReminder sets a reminder, once per request. Its workflow has to be told.
func (s *Store) CreateReminder(ctx context.Context, c postroom.Command, r NewReminder) (Reminder, error) {
	id := reminderOf(c)
	return s.onReminder(ctx, c, id, "set a reminder", func(ctx context.Context, tx *txn) error {
		if err := mayBeReminded(ctx, tx, r.Assignee, r.Contact, c.Actor); err != nil {
			return err
		}
		contact, err := lockContact(ctx, tx, r.Contact)
		if err != nil {
			return err
		}
		remember(tx, c, r.Contact)
		_, set, err := value[string](ctx, tx, insertReminder, id, r.Contact, c.Actor, r.Assignee, r.Wall.Local, r.Wall.Zone, r.Due,
			r.Body.Reveal(), tellSoon, postroom.MinReminderAhead, postroom.MaxReminderAhead)
		if err != nil {
			return err
		}
		if !set {
			return reminderTime()
		}
		writeFindings(tx, r.Contact, "", r.Findings)
		contact.note(tx, remark("set", person(c), r.Assignee, id, &r.Due))
		tx.remind(contact.ID, id, r.Assignee)
		return nil
	})
}

// remark is what a contact's story says of a reminder. It is nothing to the contact's workflow.
func remark(event postroom.ReminderEvent, by postroom.Actor, about postroom.AgentID, id postroom.ReminderID, due *time.Time) change {
	detail := map[string]any{"reminder": id}
	if due != nil {
		detail["due"] = due.UTC().Format(time.RFC3339)
	}
	return change{event: "reminder " + string(event), actor: by, agent: about, detail: detail, tell: tellNobody}
}

// remind lets everybody know whom a reminder concerns or concerned.
func (tx *txn) remind(contact postroom.ContactID, id postroom.ReminderID, who ...postroom.AgentID) {
	slices.Sort(who)
	for _, agent := range slices.Compact(who) {
		tx.publish(agent, Event{Kind: EventReminder, Contact: contact, Reminder: id})
	}
}

// onReminder carries a command out once, and answers with the reminder as it is then.
func (s *Store) onReminder(ctx context.Context, c postroom.Command, id postroom.ReminderID, what string, do func(context.Context, *txn) error) (Reminder, error) {
	var result Reminder
	err := s.write(ctx, what, func(ctx context.Context, tx *txn) error {
		done, err := repeated(ctx, tx, c)
		if err != nil {
			return err
		}
		if !done {
			if err := do(ctx, tx); err != nil {
				return err
			}
		}
		result, err = readReminder(ctx, tx, id)
		return err
	})
	return result, err
}

// reminderRow is a reminder under lock.
type reminderRow struct {
	Contact  postroom.ContactID
	Author   postroom.AgentID
	Assignee postroom.AgentID
	State    postroom.ReminderState
	Version  int64
	FiredTo  []postroom.AgentID
}

var peekReminder = statement(`SELECT contact_id, author, assignee, state, version, fired_to FROM reminder WHERE id = $1`)
var lockReminderRow = statement(`SELECT contact_id, author, assignee, state, version, fired_to FROM reminder WHERE id = $1 FOR NO KEY UPDATE`)

// lockReminder locks a reminder and, before it, its contact. What a reminder is about never changes.
func lockReminder(ctx context.Context, tx *txn, id postroom.ReminderID) (reminderRow, *contactRow, error) {
	seen, found, err := one[reminderRow](ctx, tx, peekReminder, id)
	if err != nil {
		return seen, nil, err
	}
	if !found {
		return seen, nil, unknownReminder()
	}
	contact, err := lockContact(ctx, tx, seen.Contact)
	if err != nil {
		return seen, nil, err
	}
	r, _, err := one[reminderRow](ctx, tx, lockReminderRow, id)
	return r, contact, err
}

func unknownReminder() error {
	return postroom.NotFound(postroom.ReasonUnknownReminder, "there is no such reminder")
}

// next is the state after an event, or a Conflict for a reminder that has ended.
func (r reminderRow) next(event postroom.ReminderEvent) (postroom.ReminderState, error) {
	to, err := postroom.ReminderMachine.Next(r.State, event)
	if err != nil {
		return "", postroom.Conflict(postroom.ReasonReminderEnded, "this reminder is done or cancelled")
	}
	return to, nil
}

// ReminderChange is another time, another assignee, or both. Seen is the version that the person saw. A zero Due leaves the time as it is,
// which a reminder that has fired cannot.
type ReminderChange struct {
	Seen     int64
	Assignee postroom.AgentID // empty: as it is
	Wall     postroom.WallTime
	Due      time.Time
}

var changeReminder = statement(`
	UPDATE reminder r SET assignee = $2, state = $3, fired_at = NULL, fired_to = '{}', version = version + 1, tell_at = t.now + $4::interval,
		local_due = CASE WHEN $5 <> '' THEN $5 ELSE local_due END, time_zone = CASE WHEN $5 <> '' THEN $6 ELSE time_zone END,
		due_at = CASE WHEN $5 <> '' THEN $7 ELSE due_at END
	FROM (SELECT postroom_now() AS now) t
	WHERE r.id = $1 AND ($5 = '' OR $7 BETWEEN t.now + $8::interval AND t.now + $9::interval) RETURNING r.due_at`)

// ChangeReminder gives a reminder another time or assignee; one that has fired is put off, and set again. Its workflow has to be told.
func (s *Store) ChangeReminder(ctx context.Context, c postroom.Command, id postroom.ReminderID, ch ReminderChange) (Reminder, error) {
	return s.onReminder(ctx, c, id, "change a reminder", func(ctx context.Context, tx *txn) error {
		seen, found, err := one[reminderRow](ctx, tx, peekReminder, id)
		if err != nil {
			return err
		}
		if !found {
			return unknownReminder()
		}
		assignee := seen.Assignee
		if ch.Assignee != "" && ch.Assignee != assignee {
			assignee = ch.Assignee
			if err := mayBeReminded(ctx, tx, assignee, seen.Contact, c.Actor); err != nil {
				return err
			}
		}
		r, contact, err := lockReminder(ctx, tx, id)
		if err != nil {
			return err
		}
		remember(tx, c, r.Contact)
		to, err := r.next(postroom.ReminderChanges)
		switch {
		case err != nil:
			return err
		case r.Version != ch.Seen:
			return postroom.Conflict(postroom.ReasonReminderMoved, "this reminder has changed since it was shown")
		case r.State == postroom.ReminderFired && ch.Due.IsZero():
			return postroom.Refused(postroom.ReasonReminderTime, "this reminder has fired: give it another time")
		}
		due, changed, err := value[time.Time](ctx, tx, changeReminder, id, assignee, string(to), tellSoon, ch.Wall.Local, ch.Wall.Zone, ch.Due,
			postroom.MinReminderAhead, postroom.MaxReminderAhead)
		if err != nil {
			return err
		}
		if !changed {
			return reminderTime()
		}
		contact.note(tx, remark(postroom.ReminderChanges, person(c), assignee, id, &due))
		tx.remind(r.Contact, id, append(r.FiredTo, r.Assignee, assignee)...)
		return nil
	})
}

// One that has fired has no workflow any more: nobody has to be told.
var endReminder = statement(`
	UPDATE reminder SET state = $2, ended_at = postroom_now(), version = version + 1, tell_at = postroom_now() + $3::interval,
		told = CASE WHEN state = 'fired' THEN version + 1 ELSE told END
	WHERE id = $1`)

// EndReminder completes or cancels a reminder, before or after it has fired. One that has ended so before stays as it is; otherwise it is a
// Conflict with reason reminder_ended.
func (s *Store) EndReminder(ctx context.Context, c postroom.Command, id postroom.ReminderID, event postroom.ReminderEvent) (Reminder, error) {
	return s.onReminder(ctx, c, id, "end a reminder", func(ctx context.Context, tx *txn) error {
		r, contact, err := lockReminder(ctx, tx, id)
		if err != nil {
			return err
		}
		remember(tx, c, r.Contact)
		to, err := r.next(event)
		if err != nil {
			if r.State == postroom.ReminderMachine.Must(postroom.ReminderSet, event) {
				return nil
			}
			return err
		}
		tx.later(endReminder, id, string(to), tellSoon)
		contact.note(tx, remark(event, person(c), r.Assignee, id, nil))
		tx.remind(r.Contact, id, append(r.FiredTo, r.Assignee)...)
		return nil
	})
}
