package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// hurried is a centre whose queue completes wrap-ups after a minute, with a contact that mina has closed.
func hurried(t *testing.T, extensions int) (*testkit.Centre, postroom.ContactID, postroom.OfferID) {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 60, wrapup_extensions = $1, default_wrapup_code = 'solved'", extensions)
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Own(t, contact, "mina")
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	return c, contact, offer
}

// R24: by PostgreSQL's clock, once, recorded as automatic with the default code, and with the note as far as it was saved.
func TestWrapUpCompletesItselfOnceAndNotBeforeItsTime(t *testing.T) {
	t.Parallel()
	c, contact, offer := hurried(t, 0)
	must(t, c.SaveWrapUpNote(t.Context(), "mina", offer, postroom.SealText("half a note"), nil))
	early, err := c.AutoWrapUp(t.Context(), offer)
	must(t, err)
	if early.Phase != postroom.ContactWrapUp || len(early.WrapUps) != 1 || early.WrapUps[0].Offer != offer || early.WrapUps[0].DueIn <= 0 ||
		early.WrapUps[0].DueIn > time.Minute {
		t.Fatalf("too early: %+v", early)
	}
	later := c.Open(t, store.Options{Shift: time.Minute})
	overdue, err := later.LoadContact(t.Context(), contact)
	must(t, err)
	if len(overdue.WrapUps) != 1 || overdue.WrapUps[0].DueIn <= 0 {
		t.Errorf("overdue, and not told apart from one that does not complete itself: %+v", overdue.WrapUps)
	}
	for range 2 {
		done, err := later.AutoWrapUp(t.Context(), offer)
		must(t, err)
		if done.Phase != postroom.ContactDone || len(done.WrapUps) != 0 {
			t.Fatalf("in time: %+v", done)
		}
	}
	if n := c.Count(t, "SELECT count(*) FROM wrapup WHERE automatic AND code = 'solved' AND note = 'half a note' AND agent_id = 'mina'"); n != 1 {
		t.Errorf("recorded %d times", n)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact_event WHERE event = 'completed' AND actor = 'system:timer'"); n != 1 {
		t.Errorf("told %d times", n)
	}
	c.MustHold(t)
}

// R24: an agent who completes by hand a moment later hears that what he chose was not recorded.
func TestCompletionByHandAfterTheAutomaticOneIsToldSo(t *testing.T) {
	t.Parallel()
	c, _, offer := hurried(t, 1)
	later := c.Open(t, store.Options{Shift: time.Minute})
	_, err := later.AutoWrapUp(t.Context(), offer)
	must(t, err)
	_, err = later.CompleteWrapUp(t.Context(), testkit.Command("mina"), offer, postroom.WrapUp{Code: "solved"})
	wantReason(t, "by hand, too late", err, postroom.KindConflict, postroom.ReasonWrappedUp)
	_, err = later.ExtendWrapUp(t.Context(), testkit.Command("mina"), offer)
	wantReason(t, "extended, too late", err, postroom.KindConflict, postroom.ReasonWrappedUp)
}

// R24: completed by hand first, the automatic one finds it done; another window's completion is answered like the first.
func TestAutomaticCompletionAfterTheOneByHandChangesNothing(t *testing.T) {
	t.Parallel()
	c, _, offer := hurried(t, 0)
	later := c.Open(t, store.Options{Shift: time.Minute})
	done, err := later.CompleteWrapUp(t.Context(), testkit.Command("mina"), offer, postroom.WrapUp{Code: "solved", Status: postroom.StatusResolved})
	must(t, err)
	found, err := later.AutoWrapUp(t.Context(), offer)
	must(t, err)
	again, err := later.CompleteWrapUp(t.Context(), testkit.Command("mina"), offer, postroom.WrapUp{Code: "solved"})
	must(t, err)
	if found.Version != done.Version || again.Version != done.Version {
		t.Errorf("versions %d, %d, %d", done.Version, found.Version, again.Version)
	}
	if n := c.Count(t, "SELECT count(*) FROM wrapup WHERE NOT automatic AND status = 'resolved'"); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

// R24: extended as often as the queue allows, by the queue's time, and not after its time.
func TestWrapUpIsExtendedAsOftenAsItsQueueAllows(t *testing.T) {
	t.Parallel()
	c, contact, offer := hurried(t, 2)
	same := testkit.Command("mina")
	for i, command := range []postroom.Command{same, same, testkit.Command("mina")} { // the second is a repeat
		now, err := c.ExtendWrapUp(t.Context(), command, offer)
		must(t, err)
		left, most := now.WrapUps[0].DueIn, []time.Duration{2, 2, 3}[i]*time.Minute
		if left > most || left < most-30*time.Second {
			t.Errorf("extension %d: %v left, want about %v", i, left, most)
		}
	}
	_, err := c.ExtendWrapUp(t.Context(), testkit.Command("mina"), offer)
	wantReason(t, "once more", err, postroom.KindRefused, postroom.ReasonNoExtension)
	card, _, err := c.ActiveContact(t.Context(), "mina", contact)
	must(t, err)
	if card.WrapUpDue == nil || card.Extensions != 0 {
		t.Errorf("the card says %v, %d left", card.WrapUpDue, card.Extensions)
	}
	_, err = c.ExtendWrapUp(t.Context(), testkit.Command("tom"), offer)
	wantReason(t, "by somebody else", err, postroom.KindForbidden, postroom.ReasonNotYourOffer)
	c.MustHold(t)

	none, _, without := hurried(t, 0)
	_, err = none.ExtendWrapUp(t.Context(), testkit.Command("mina"), without)
	wantReason(t, "in a queue that allows none", err, postroom.KindRefused, postroom.ReasonNoExtension)
	late := none.Open(t, store.Options{Shift: time.Minute})
	_, err = late.ExtendWrapUp(t.Context(), testkit.Command("mina"), without)
	wantReason(t, "after its time", err, postroom.KindConflict, postroom.ReasonWrappedUp)
}

// R24: who is signed out, lost or retired by then is not asked.
func TestWrapUpCompletesItselfWithoutItsAgent(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(t *testing.T, c *testkit.Centre){
		"without a session": func(t *testing.T, c *testkit.Centre) {
			must(t, c.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), "mina"))
		},
		"lost": func(t *testing.T, c *testkit.Centre) {
			c.Exec(t, "UPDATE agent_lease SET last_seen = last_seen - interval '1 hour'")
			_, err := c.LoseLease(t.Context(), "mina")
			must(t, err)
		},
		"deactivated": func(t *testing.T, c *testkit.Centre) { c.Exec(t, "UPDATE agent SET active = false WHERE id = 'mina'") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, offer := hurried(t, 0)
			gone(t, c)
			done, err := c.Open(t, store.Options{Shift: time.Minute}).AutoWrapUp(t.Context(), offer)
			must(t, err)
			if done.Phase != postroom.ContactDone {
				t.Errorf("%+v", done)
			}
			c.MustHold(t)
		})
	}
}

// R24, R13: an Idle that waited for the contact takes effect.
func TestIdleAfterContactBeginsWithTheAutomaticWrapUp(t *testing.T) {
	t.Parallel()
	c, _, offer := hurried(t, 0)
	now, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	_, _, err = c.SetAgentState(t.Context(), testkit.Command("mina"), store.AgentChange{Agent: "mina", To: postroom.AgentIdle, Code: "lunch", AfterContact: true, Seen: now.Version})
	must(t, err)
	_, err = c.Open(t, store.Options{Shift: time.Minute}).AutoWrapUp(t.Context(), offer)
	must(t, err)
	if got := status(t, c, "mina"); got != postroom.AgentIdle {
		t.Errorf("mina is %s", got)
	}
}

// R24: a queue that has no default code any more leaves the wrap-up to the agent, and says so.
func TestWrapUpOfAQueueThatTurnedAutoWrapUpOffStaysWithTheAgent(t *testing.T) {
	t.Parallel()
	c, contact, offer := hurried(t, 0)
	c.Exec(t, "UPDATE queue SET auto_wrapup_seconds = 0, default_wrapup_code = NULL")
	now, err := c.Open(t, store.Options{Shift: time.Minute}).AutoWrapUp(t.Context(), offer)
	must(t, err)
	if now.Phase != postroom.ContactWrapUp || len(now.WrapUps) != 0 {
		t.Errorf("%+v", now)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact_event WHERE contact_id = $1 AND event = 'wrap-up left to the agent'", contact); n != 1 {
		t.Errorf("told %d times", n)
	}
	c.WrapUp(t, offer, "mina")
	c.MustHold(t)
}

// R24: a workflow that was ended by hand, or lost, is told again when a wrap-up is overdue.
func TestOverdueWrapUpIsToldAgain(t *testing.T) {
	t.Parallel()
	c, contact, _ := hurried(t, 0)
	c.Exec(t, "UPDATE contact SET told = version")
	for shift, want := range map[time.Duration]int64{30 * time.Second: 0, 70 * time.Second: 1} {
		n, err := c.Open(t, store.Options{Shift: shift}).ForgetOverdue(t.Context())
		must(t, err)
		if n != want && shift < time.Minute {
			t.Errorf("%v later %d contacts are overdue", shift, n)
		}
	}
	if n := c.Count(t, "SELECT count(*) FROM contact WHERE id = $1 AND told < version", contact); n != 1 {
		t.Error("nobody will be told")
	}
}
