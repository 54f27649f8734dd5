package api

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	reminderv1 "github.com/postroom/postroom/internal/gen/postroom/reminder/v1"
	"github.com/postroom/postroom/internal/gen/postroom/reminder/v1/reminderv1connect"
	"github.com/postroom/postroom/internal/store"
)

// reminderService implements postroom.reminder.v1.ReminderService (R25).
type reminderService struct{ *Server }

// placeReminder is where findings in a reminder's text are.
const placeReminder = "reminder"

// CreateReminder scans the text and sets the reminder.
func (s reminderService) CreateReminder(ctx context.Context, r *reminderv1.CreateReminderRequest) (*reminderv1.CreateReminderResponse, error) {
	c, err := s.command(ctx, reminderv1connect.ReminderServiceCreateReminderProcedure, r)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(r.Text) > postroom.MaxReminder {
		return nil, postroom.Invalid(postroom.ReasonTooLarge, "a reminder may have at most 500 characters")
	}
	wall, due, err := wallTime(r.Due)
	if err != nil {
		return nil, err
	}
	text, findings := s.Scanner.Draft(placeReminder, r.Text)
	assignee := postroom.AgentID(r.Assignee)
	if assignee == "" {
		assignee = c.Actor
	}
	set, err := s.Store.CreateReminder(ctx, c, store.NewReminder{Contact: postroom.ContactID(r.ContactId), Assignee: assignee, Wall: wall, Due: due,
		Body: text, Findings: findings})
	if err != nil {
		return nil, err
	}
	s.tellReminder(ctx, set)
	return &reminderv1.CreateReminderResponse{Reminder: reminderToProto(set, c.Actor), Findings: findingsToProto(findings)}, nil
}

// wallTime reads a date and a time, and what they mean now.
func wallTime(w *reminderv1.WallTime) (postroom.WallTime, time.Time, error) {
	wall := postroom.WallTime{Local: w.GetLocal(), Zone: w.GetTimeZone()}
	zone, err := wall.Load()
	if err != nil {
		return wall, time.Time{}, err
	}
	due, err := wall.In(zone)
	return wall, due, err
}

// tellReminder tells a reminder's workflow of a change. What fails here is told by the reconciler within seconds.
func (s reminderService) tellReminder(ctx context.Context, r store.Reminder) {
	if r.State == postroom.ReminderFired {
		return // its workflow has ended
	}
	if err := s.Gateway.SyncReminder(ctx, r.ID); err != nil {
		s.Log.WarnContext(ctx, "a reminder's workflow was not told; the reconciler will", "reminder", r.ID, "error", err)
		return
	}
	_ = s.Store.MarkReminderTold(ctx, store.UntoldReminder{Reminder: r.ID, Version: r.Version})
}

// ListReminders reads the caller's reminders, or his team's.
func (s reminderService) ListReminders(ctx context.Context, r *reminderv1.ListRemindersRequest) (*reminderv1.ListRemindersResponse, error) {
	me, read := principalOf(ctx).Agent, s.Store.RemindersOf
	if r.Team {
		read = s.Store.RemindersOfTeam
	}
	list, err := read(ctx, me)
	return &reminderv1.ListRemindersResponse{Reminders: remindersToProto(list, me), ServerNow: timestamppb.Now()}, err
}

// UpdateReminder gives a reminder another time or assignee.
func (s reminderService) UpdateReminder(ctx context.Context, r *reminderv1.UpdateReminderRequest) (*reminderv1.UpdateReminderResponse, error) {
	c, err := s.command(ctx, reminderv1connect.ReminderServiceUpdateReminderProcedure, r)
	if err != nil {
		return nil, err
	}
	change := store.ReminderChange{Seen: r.SeenVersion, Assignee: postroom.AgentID(r.Assignee)}
	if r.Due != nil {
		if change.Wall, change.Due, err = wallTime(r.Due); err != nil {
			return nil, err
		}
	}
	now, err := s.Store.ChangeReminder(ctx, c, postroom.ReminderID(r.ReminderId), change)
	if err != nil {
		return nil, err
	}
	s.tellReminder(ctx, now)
	return &reminderv1.UpdateReminderResponse{Reminder: reminderToProto(now, c.Actor)}, nil
}

// CompleteReminder says that what it was for has been seen to.
func (s reminderService) CompleteReminder(ctx context.Context, r *reminderv1.CompleteReminderRequest) (*reminderv1.CompleteReminderResponse, error) {
	c, err := s.command(ctx, reminderv1connect.ReminderServiceCompleteReminderProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.end(ctx, c, r.ReminderId, postroom.ReminderCompletes)
	return &reminderv1.CompleteReminderResponse{Reminder: now}, err
}

// CancelReminder takes a reminder back.
func (s reminderService) CancelReminder(ctx context.Context, r *reminderv1.CancelReminderRequest) (*reminderv1.CancelReminderResponse, error) {
	c, err := s.command(ctx, reminderv1connect.ReminderServiceCancelReminderProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.end(ctx, c, r.ReminderId, postroom.ReminderCancels)
	return &reminderv1.CancelReminderResponse{Reminder: now}, err
}

func (s reminderService) end(ctx context.Context, c postroom.Command, id string, event postroom.ReminderEvent) (*reminderv1.Reminder, error) {
	now, err := s.Store.EndReminder(ctx, c, postroom.ReminderID(id), event)
	if err != nil {
		return nil, err
	}
	if now.FiredAt == nil { // its workflow still waits
		s.tellReminder(ctx, now)
	}
	return reminderToProto(now, c.Actor), nil
}

// ownReminder lets change a reminder whoever set it, is or was to be reminded, or supervises somebody who is.
func ownReminder(ctx context.Context, s *store.Store, p Principal, request any) error {
	named, ok := request.(interface{ GetReminderId() string })
	if !ok {
		return postroom.Internal("a permission asks for a reminder that the request does not name", nil)
	}
	if err := wellFormedID(named.GetReminderId()); err != nil {
		return err
	}
	may, err := s.MayChangeReminder(ctx, postroom.ReminderID(named.GetReminderId()), p.Agent)
	if err == nil && !may {
		return postroom.NotFound(postroom.ReasonUnknownReminder, "there is no such reminder")
	}
	return err
}

var reminderStates = map[postroom.ReminderState]reminderv1.ReminderState{
	postroom.ReminderSet:       reminderv1.ReminderState_REMINDER_STATE_SET,
	postroom.ReminderFired:     reminderv1.ReminderState_REMINDER_STATE_FIRED,
	postroom.ReminderDone:      reminderv1.ReminderState_REMINDER_STATE_DONE,
	postroom.ReminderCancelled: reminderv1.ReminderState_REMINDER_STATE_CANCELLED,
}

// reminderToProto shows a reminder to somebody.
func reminderToProto(r store.Reminder, to postroom.AgentID) *reminderv1.Reminder {
	return &reminderv1.Reminder{ReminderId: string(r.ID), ContactId: string(r.Contact), Subject: r.Subject, Author: string(r.Author),
		AuthorName: r.AuthorName, Assignee: string(r.Assignee), AssigneeName: r.AssigneeName,
		Due: &reminderv1.WallTime{Local: r.Local, TimeZone: r.Zone}, DueAt: timestamppb.New(r.Due), Text: r.Body, State: reminderStates[r.State],
		FiredAt: optionalTime(r.FiredAt), Version: r.Version, Deputy: r.Assignee != to && slices.Contains(r.FiredTo, to)}
}

func remindersToProto(list []store.Reminder, to postroom.AgentID) []*reminderv1.Reminder {
	var out []*reminderv1.Reminder
	for _, r := range list {
		out = append(out, reminderToProto(r, to))
	}
	return out
}
