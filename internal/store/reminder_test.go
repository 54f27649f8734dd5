package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// month is when the reminders of these tests are due.
const month = 30 * 24 * time.Hour

// inAMonth is a reminder on a contact, for an agent.
func inAMonth(contact postroom.ContactID, assignee postroom.AgentID) store.NewReminder {
	due := time.Now().UTC().Add(month).Truncate(time.Minute)
	return store.NewReminder{Contact: contact, Assignee: assignee, Wall: postroom.WallTime{Local: due.Format(postroom.WallLayout), Zone: "UTC"},
		Due: due, Body: postroom.SealText("Ask whether it arrived")}
}

// reminded is a centre with a completed contact, and a reminder of it that mina set for herself.
func reminded(t *testing.T) (*testkit.Centre, postroom.ContactID, store.Reminder) {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Where is my parcel?")
	offer := c.Own(t, contact, "mina")
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	c.WrapUp(t, offer, "mina")
	c.Exec(t, "UPDATE contact SET told = version")
	r, err := c.CreateReminder(t.Context(), testkit.Command("mina"), inAMonth(contact, "mina"))
	must(t, err)
	return c, contact, r
}

// eventsOf counts an agent's events of reminders.
func eventsOf(t *testing.T, c *testkit.Centre, agent postroom.AgentID) int {
	t.Helper()
	return c.Count(t, "SELECT count(*) FROM event WHERE kind = 'reminder' AND stream_id = $1", store.AgentStream(agent))
}

// R25: set with a date, a time and an assignee, once per request; told in the contact's story, whose workflow is not bothered.
func TestReminderIsSetOnceAndToldInTheContactsStory(t *testing.T) {
	t.Parallel()
	c, contact, _ := reminded(t)
	command, r := testkit.Command("mina"), inAMonth(contact, "tom")
	first, err := c.CreateReminder(t.Context(), command, r)
	must(t, err)
	again, err := c.CreateReminder(t.Context(), command, r)
	must(t, err)
	if first.ID != again.ID || first.State != postroom.ReminderSet || first.Assignee != "tom" || first.AuthorName != "김미나" || first.Body != "Ask whether it arrived" ||
		first.Local != r.Wall.Local || !first.Due.Equal(r.Due) {
		t.Errorf("set %+v, again %+v", first, again)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1 AND event = 'reminder set'", contact); n != 2 {
		t.Errorf("told %d times", n)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact WHERE id = $1 AND told = version AND phase = 'done' AND completed_at < clock_timestamp()", contact); n != 1 {
		t.Error("the contact's workflow would be started for nothing")
	}
	if n := eventsOf(t, c, "tom"); n != 1 {
		t.Errorf("tom has %d events", n)
	}
	c.MustHold(t)
}

// R25: from five minutes to two years ahead; for somebody whom the contact concerns and who works here.
func TestReminderThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	c, contact, _ := reminded(t)
	for name, due := range map[string]time.Duration{"too soon": 4 * time.Minute, "in the past": -time.Hour, "too late": 2*366*24*time.Hour + time.Hour} {
		r := inAMonth(contact, "mina")
		r.Due = time.Now().Add(due)
		_, err := c.CreateReminder(t.Context(), testkit.Command("mina"), r)
		wantReason(t, name, err, postroom.KindRefused, postroom.ReasonReminderTime)
	}
	c.Exec(t, "INSERT INTO team (id, name) VALUES ('back', 'Back office'); INSERT INTO agent (id, name, email, role, team_id) VALUES ('nari', 'Nari', 'n@shop.example', 'agent', 'back')")
	_, err := c.CreateReminder(t.Context(), testkit.Command("mina"), inAMonth(contact, "nari"))
	wantReason(t, "for another team", err, postroom.KindRefused, "assignee_elsewhere")
	for _, nobody := range []postroom.AgentID{"nobody", "admin"} {
		_, err = c.CreateReminder(t.Context(), testkit.Command("mina"), inAMonth(contact, nobody))
		wantReason(t, "for "+string(nobody), err, postroom.KindNotFound, postroom.ReasonUnknownAgent)
	}
	c.Exec(t, "UPDATE agent SET active = false WHERE id = 'tom'")
	_, err = c.CreateReminder(t.Context(), testkit.Command("mina"), inAMonth(contact, "tom"))
	wantReason(t, "for somebody who has left", err, postroom.KindNotFound, postroom.ReasonUnknownAgent)
	c.MustHold(t)
}

// R25: to the assignee; or, when he has left by then, to the supervisors of the queue's teams; or else to the administrators.
func TestReminderFiresToWhomeverItConcernsByThen(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		gone []postroom.AgentID
		to   []postroom.AgentID
	}{
		"the assignee":                                      {nil, []postroom.AgentID{"mina"}},
		"he has left: the queue's supervisors":              {[]postroom.AgentID{"mina"}, []postroom.AgentID{"sora"}},
		"they have left too: the administrators":            {[]postroom.AgentID{"mina", "sora"}, []postroom.AgentID{"admin"}},
		"a supervisor left, the assignee is there: himself": {[]postroom.AgentID{"sora"}, []postroom.AgentID{"mina"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, contact, r := reminded(t)
			for _, agent := range test.gone {
				c.Exec(t, "UPDATE agent SET active = false WHERE id = $1", agent)
			}
			fired, err := c.FireReminder(t.Context(), r.ID, r.Version, r.Due)
			if err != nil || fired {
				t.Fatalf("a month too early: %v, %v", fired, err)
			}
			later := c.Open(t, store.Options{Shift: month})
			if fired, err = later.FireReminder(t.Context(), r.ID, r.Version, r.Due); err != nil || !fired {
				t.Fatalf("in time: %v, %v", fired, err)
			}
			if fired, err = later.FireReminder(t.Context(), r.ID, r.Version, r.Due); err != nil || fired {
				t.Fatalf("again: %v, %v", fired, err)
			}
			now, err := c.Reminder(t.Context(), r.ID)
			must(t, err)
			if now.State != postroom.ReminderFired || !slices.Equal(now.FiredTo, test.to) || now.FiredAt == nil {
				t.Errorf("%+v, want to %v", now, test.to)
			}
			for _, agent := range test.to {
				list, err := c.RemindersOf(t.Context(), agent)
				must(t, err)
				if len(list) != 1 || eventsOf(t, c, agent) == 0 {
					t.Errorf("%s has %d reminders and %d events", agent, len(list), eventsOf(t, c, agent))
				}
				snap, err := c.AgentSnapshot(t.Context(), agent)
				must(t, err)
				if len(snap.Reminders) != 1 {
					t.Errorf("%s's desktop begins with %d reminders", agent, len(snap.Reminders))
				}
			}
			if n := c.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1 AND event = 'reminder fired'", contact); n != 1 {
				t.Errorf("told %d times", n)
			}
			c.MustHold(t)
		})
	}
}

// R25: fired exactly once, by many workers at the same moment.
func TestManyWorkersFireAReminderOnce(t *testing.T) {
	t.Parallel()
	c, _, r := reminded(t)
	later := c.Open(t, store.Options{Shift: month})
	won := 0
	for _, fired := range testkit.Together(16, func(int) bool {
		fired, err := later.FireReminder(t.Context(), r.ID, r.Version, r.Due)
		if err != nil {
			t.Error(err)
		}
		return fired
	}) {
		if fired {
			won++
		}
	}
	if won != 1 || eventsOf(t, c, "mina") != 2 { // set, fired
		t.Errorf("fired %d times, %d events", won, eventsOf(t, c, "mina"))
	}
	c.MustHold(t)

	// The control: without the condition on the state every one of them tells her, and that is seen.
	for range 2 {
		c.Exec(t, `WITH told AS (UPDATE contact SET version = version + 1, told = version + 1 RETURNING id, version, phase)
			INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
			SELECT told.id, clock_timestamp(), 'reminder fired', phase, phase, told.version, 'system:timer', jsonb_build_object('reminder', $1::text) FROM told`, r.ID)
	}
	wantBroken(t, c.Database, "R25: a reminder fires once each time that it is set")
}

// R25: what was read before somebody changed it does not fire any more.
func TestReminderThatWasChangedMeanwhileDoesNotFireByWhatWasRead(t *testing.T) {
	t.Parallel()
	c, contact, r := reminded(t)
	later := c.Open(t, store.Options{Shift: month})
	next := inAMonth(contact, "")
	changed, err := later.ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version, Assignee: "tom",
		Wall: next.Wall, Due: next.Due.Add(time.Hour)})
	must(t, err)
	if changed.Assignee != "tom" || changed.Version != r.Version+1 || changed.State != postroom.ReminderSet {
		t.Errorf("%+v", changed)
	}
	if fired, err := later.FireReminder(t.Context(), r.ID, r.Version, r.Due); err != nil || fired {
		t.Errorf("fired %v, %v", fired, err)
	}
	_, err = c.ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version, Assignee: "jiwoo"})
	wantReason(t, "by what was seen before", err, postroom.KindConflict, postroom.ReasonReminderMoved)
	if mina, tom := eventsOf(t, c, "mina"), eventsOf(t, c, "tom"); mina != 2 || tom != 1 { // both are told of the change
		t.Errorf("mina has %d events, tom %d", mina, tom)
	}
	c.MustHold(t)
}

// R25: one that has fired is put off, and fires again; its workflow has to be told.
func TestReminderThatHasFiredIsPutOff(t *testing.T) {
	t.Parallel()
	c, contact, r := reminded(t)
	later := c.Open(t, store.Options{Shift: month})
	_, err := later.FireReminder(t.Context(), r.ID, r.Version, r.Due)
	must(t, err)
	untold, err := later.TakeUntoldReminders(t.Context(), 10)
	must(t, err)
	if len(untold) != 0 {
		t.Errorf("a workflow that has ended would be told: %+v", untold)
	}
	_, err = later.ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version + 1, Assignee: "tom"})
	wantReason(t, "without another time", err, postroom.KindRefused, postroom.ReasonReminderTime)
	next := inAMonth(contact, "")
	again := next.Due.Add(24 * time.Hour)
	put, err := later.ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version + 1, Wall: next.Wall, Due: again})
	must(t, err)
	if put.State != postroom.ReminderSet || put.FiredAt != nil || len(put.FiredTo) != 0 {
		t.Errorf("%+v", put)
	}
	soon := c.Open(t, store.Options{Shift: month + 24*time.Hour + time.Minute})
	if untold, err = soon.TakeUntoldReminders(t.Context(), 10); err != nil || len(untold) != 1 {
		t.Errorf("to be told: %+v, %v", untold, err)
	}
	if fired, err := soon.FireReminder(t.Context(), r.ID, put.Version, again); err != nil || !fired {
		t.Errorf("again: %v, %v", fired, err)
	}
	c.MustHold(t)
}

// R25: done and cancelled are final, and the same again is the same.
func TestReminderEndsOnce(t *testing.T) {
	t.Parallel()
	for _, event := range []postroom.ReminderEvent{postroom.ReminderCompletes, postroom.ReminderCancels} {
		for name, before := range map[string]bool{"before it fired": true, "after it fired": false} {
			t.Run(string(event)+" "+name, func(t *testing.T) {
				t.Parallel()
				c, _, r := reminded(t)
				later := c.Open(t, store.Options{Shift: month})
				if !before {
					_, err := later.FireReminder(t.Context(), r.ID, r.Version, r.Due)
					must(t, err)
				}
				for range 2 {
					ended, err := later.EndReminder(t.Context(), testkit.Command("mina"), r.ID, event)
					must(t, err)
					if want := postroom.ReminderMachine.Must(postroom.ReminderSet, event); ended.State != want {
						t.Errorf("%+v, want %s", ended, want)
					}
				}
				other := postroom.ReminderCancels
				if event == other {
					other = postroom.ReminderCompletes
				}
				_, err := later.EndReminder(t.Context(), testkit.Command("mina"), r.ID, other)
				wantReason(t, "the other way", err, postroom.KindConflict, postroom.ReasonReminderEnded)
				_, err = later.ChangeReminder(t.Context(), testkit.Command("mina"), r.ID, store.ReminderChange{Seen: r.Version + 1, Assignee: "tom"})
				wantReason(t, "changed", err, postroom.KindConflict, postroom.ReasonReminderEnded)
				if fired, err := later.FireReminder(t.Context(), r.ID, r.Version+1, r.Due); err != nil || fired {
					t.Errorf("fired %v, %v", fired, err)
				}
				list, err := c.RemindersOf(t.Context(), "mina")
				must(t, err)
				if len(list) != 0 {
					t.Errorf("still in her list: %+v", list)
				}
				c.MustHold(t)
			})
		}
	}
}

// R25: a change of the zone's rules moves the row with the clock on the wall, and a reader of what was said before is not disturbed.
func TestReminderMovesWithItsZone(t *testing.T) {
	t.Parallel()
	c, _, r := reminded(t)
	must(t, c.MoveReminder(t.Context(), r.ID, r.Version, r.Due.Add(-time.Hour)))
	must(t, c.MoveReminder(t.Context(), r.ID, r.Version-1, r.Due.Add(time.Hour))) // by what was read before a change
	now, err := c.DueReminder(t.Context(), r.ID)
	must(t, err)
	if !now.Due.Equal(r.Due.Add(-time.Hour)) || now.Version != r.Version || now.Wall.Local != r.Local {
		t.Errorf("%+v", now)
	}
}

// R25: nobody's word is needed: a reminder that nobody told its workflow of, or whose workflow is lost, is told again.
func TestReminderOfWhichNobodyToldIsTold(t *testing.T) {
	t.Parallel()
	c, _, r := reminded(t)
	soon := c.Open(t, store.Options{Shift: 3 * time.Second})
	for i, want := range []int{1, 0} { // the second caller finds it put off
		untold, err := soon.TakeUntoldReminders(t.Context(), 10)
		must(t, err)
		if len(untold) != want {
			t.Errorf("call %d takes %+v", i, untold)
		}
	}
	must(t, c.MarkReminderTold(t.Context(), store.UntoldReminder{Reminder: r.ID, Version: r.Version}))
	for shift, want := range map[time.Duration]int64{time.Hour: 0, month + 2*time.Minute: 1} {
		n, err := c.Open(t, store.Options{Shift: shift}).ForgetOverdueReminders(t.Context())
		if err != nil || (n != want && shift == time.Hour) {
			t.Errorf("%v later: %d overdue, %v", shift, n, err)
		}
	}
	untold, err := c.Open(t, store.Options{Shift: month + 3*time.Minute}).TakeUntoldReminders(t.Context(), 10)
	if err != nil || len(untold) != 1 {
		t.Errorf("overdue, and to be told: %+v, %v", untold, err)
	}
}

// R25, R40: a supervisor sees his team's, and those on contacts of its queues.
func TestSupervisorSeesTheRemindersOfHisTeam(t *testing.T) {
	t.Parallel()
	c, contact, r := reminded(t)
	_, err := c.CreateReminder(t.Context(), testkit.Command("mina"), inAMonth(contact, "tom"))
	must(t, err)
	for agent, want := range map[postroom.AgentID][3]int{"sora": {0, 2, 1}, "mina": {1, 0, 1}, "tom": {1, 0, 0}, "admin": {0, 0, 0}} {
		mine, err := c.RemindersOf(t.Context(), agent)
		must(t, err)
		team, err := c.RemindersOfTeam(t.Context(), agent)
		must(t, err)
		may, err := c.MayChangeReminder(t.Context(), r.ID, agent)
		must(t, err)
		if len(mine) != want[0] || len(team) != want[1] || may != (want[2] == 1) {
			t.Errorf("%s: %d of his own, %d of his team, may change mina's: %t", agent, len(mine), len(team), may)
		}
	}
	all, err := c.OpenReminders(t.Context(), "")
	must(t, err)
	toms, err := c.OpenReminders(t.Context(), "tom")
	must(t, err)
	if len(all) != 2 || len(toms) != 1 {
		t.Errorf("%d in all, %d of tom", len(all), len(toms))
	}
}
