package api_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	reminderv1 "github.com/postroom/postroom/internal/gen/postroom/reminder/v1"
	"github.com/postroom/postroom/internal/gen/postroom/reminder/v1/reminderv1connect"
	"github.com/postroom/postroom/internal/testkit"
)

// remindersOf speaks to the reminders in a new session of an agent.
func remindersOf(t *testing.T, a *testkit.API, agent postroom.AgentID) reminderv1connect.ReminderServiceClient {
	t.Helper()
	d := as(t, a, agent)
	return reminderv1connect.NewReminderServiceClient(d.http(), a.URL)
}

func in(d time.Duration) *reminderv1.WallTime {
	seoul := time.FixedZone("KST", 9*3600)
	return &reminderv1.WallTime{Local: time.Now().Add(d).In(seoul).Format(postroom.WallLayout), TimeZone: "Asia/Seoul"}
}

// R25, R37: set, masked, listed, put off, done; each request once; the desktop hears of it.
func TestReminderIsSetChangedAndCompletedThroughTheAPI(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	contact := a.Arrive(t, "kim@customer.example", "Where is it?")
	a.Own(t, contact, "mina")
	mina, tom := remindersOf(t, a, "mina"), remindersOf(t, a, "tom")
	watch, err := as(t, a, "tom").agent.Watch(soon(t), &agentv1.WatchRequest{})
	must(t, err)
	defer watch.Close()

	request := &reminderv1.CreateReminderRequest{RequestId: newID(), ContactId: string(contact), Assignee: "tom", Due: in(24 * time.Hour), Text: "Refund to " + card}
	set := got(mina.CreateReminder(soon(t), request))(t)
	again := got(mina.CreateReminder(soon(t), request))(t)
	r := set.Reminder
	if r.ReminderId != again.Reminder.ReminderId || r.State != reminderv1.ReminderState_REMINDER_STATE_SET || r.Assignee != "tom" || r.Due.TimeZone != "Asia/Seoul" {
		t.Errorf("set %v, again %v", r, again.Reminder)
	}
	if len(set.Findings) != 1 || set.Findings[0].Place != "reminder" {
		t.Errorf("findings %v", set.Findings)
	}
	silent(t, "the reminder", r.Text, card)
	if tables := tablesWith(t, a, "4111 1111"); tables != "" {
		t.Errorf("the card number is in %s", tables)
	}
	for watch.Receive() {
		if changed := watch.Msg().GetReminderChanged(); changed != nil {
			if changed.ReminderId != r.ReminderId || !changed.Listed || changed.Fired {
				t.Errorf("tom's desktop hears %v", changed)
			}
			break
		}
	}

	list := got(tom.ListReminders(soon(t), &reminderv1.ListRemindersRequest{}))(t)
	if len(list.Reminders) != 1 {
		t.Fatalf("tom has %v", list.Reminders)
	}
	put := got(tom.UpdateReminder(soon(t), &reminderv1.UpdateReminderRequest{RequestId: newID(), ReminderId: r.ReminderId, SeenVersion: r.Version, Due: in(48 * time.Hour)}))(t)
	if !put.Reminder.DueAt.AsTime().After(r.DueAt.AsTime()) || put.Reminder.Version != r.Version+1 {
		t.Errorf("put off: %v", put.Reminder)
	}
	_, err = tom.UpdateReminder(soon(t), &reminderv1.UpdateReminderRequest{RequestId: newID(), ReminderId: r.ReminderId, SeenVersion: r.Version, Due: in(72 * time.Hour)})
	mustRefuse(t, "by what was seen before", err, connect.CodeAborted, postroom.ReasonReminderMoved)
	done := got(tom.CompleteReminder(soon(t), &reminderv1.CompleteReminderRequest{RequestId: newID(), ReminderId: r.ReminderId}))(t)
	if done.Reminder.State != reminderv1.ReminderState_REMINDER_STATE_DONE {
		t.Errorf("done: %v", done.Reminder)
	}
	_, err = mina.CancelReminder(soon(t), &reminderv1.CancelReminderRequest{RequestId: newID(), ReminderId: r.ReminderId})
	mustRefuse(t, "cancelled after it was done", err, connect.CodeAborted, postroom.ReasonReminderEnded)
	silent(t, "the log", a.Log.String(), "4111", "Refund")
	a.MustHold(t)
}

// R25: what cannot be set says why.
func TestReminderThatCannotBeSetSaysWhy(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	contact := a.Arrive(t, "kim@customer.example", "Where is it?")
	a.Own(t, contact, "mina")
	mina := remindersOf(t, a, "mina")
	for name, c := range map[string]struct {
		due    *reminderv1.WallTime
		text   string
		code   connect.Code
		reason postroom.Reason
	}{
		"no time":        {nil, "", connect.CodeInvalidArgument, postroom.ReasonUnknownZone},
		"no such zone":   {&reminderv1.WallTime{Local: "2027-01-01T09:00", TimeZone: "Asia/Pyongyang2"}, "", connect.CodeInvalidArgument, postroom.ReasonUnknownZone},
		"not a time":     {&reminderv1.WallTime{Local: "tomorrow", TimeZone: "Asia/Seoul"}, "", connect.CodeInvalidArgument, postroom.ReasonMalformed},
		"in two minutes": {in(2 * time.Minute), "", connect.CodeFailedPrecondition, postroom.ReasonReminderTime},
		"in three years": {in(3 * 365 * 24 * time.Hour), "", connect.CodeFailedPrecondition, postroom.ReasonReminderTime},
		"too long":       {in(time.Hour), string(make([]byte, postroom.MaxReminder+1)), connect.CodeInvalidArgument, postroom.ReasonTooLarge},
	} {
		_, err := mina.CreateReminder(soon(t), &reminderv1.CreateReminderRequest{RequestId: newID(), ContactId: string(contact), Due: c.due, Text: c.text})
		mustRefuse(t, name, err, c.code, c.reason)
	}
}
