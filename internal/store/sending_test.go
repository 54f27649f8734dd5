package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// undoRounds is how often undoing and sending meet.
const undoRounds = 64

// R20: undoing and sending meet at the outbox row: exactly one wins, whichever comes first.
func aReplyIsEitherUndoneOrSent(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	undone := 0
	for n := range undoRounds {
		contact := a.Arrive(t, "kim@customer.example", "Hello")
		offer := a.Own(t, contact, "mina")
		reply := a.Render(t, offer, "mina")
		if _, err := a.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err != nil {
			t.Fatal(err)
		}
		won := testkit.Together(2, func(i int) bool {
			if i == n%2 {
				_, err := a.crowd.Store(i).UndoReply(t.Context(), testkit.Command("mina"), offer)
				if err != nil && postroom.ReasonOf(err) != postroom.ReasonReplyGone {
					t.Errorf("undo: %v", err)
				}
				return err == nil
			}
			taken, err := a.crowd.Store(i).TakeToSend(t.Context(), reply.Outbox)
			if err != nil {
				t.Errorf("take: %v", err)
			}
			return taken.Take && a.crowd.Store(i).BeforeDot(t.Context(), reply.Outbox, taken.Sending.Token) == nil
		})
		if won[0] == won[1] {
			t.Fatalf("round %d: undone and sent: %v", n, won)
		}
		if won[n%2] {
			undone++
			if _, err := a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := a.Text(t, "SELECT state FROM outbox WHERE id = $1", reply.Outbox), map[bool]string{true: "cancelled", false: "sending"}[won[n%2]]; got != want {
			t.Fatalf("round %d: the reply is %s, want %s", n, got, want)
		}
		a.WrapUp(t, offer, "mina")
	}
	if undone == 0 || undone == undoRounds {
		t.Logf("%d of %d were undone: the two never met", undone, undoRounds)
	}
}

// A control of aReplyIsEitherUndoneOrSent: an undo that does not ask for the reply's state wins although the dot has been sent.
func TestAnUndoThatDoesNotAskForTheStateTakesBackWhatWasSent(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	reply := c.Render(t, offer, "mina")
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err != nil {
		t.Fatal(err)
	}
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	must(t, err)
	must(t, c.BeforeDot(t.Context(), reply.Outbox, taken.Sending.Token))
	tag, err := c.Connect(t).Exec(t.Context(), "UPDATE outbox SET state = 'cancelled', settled_at = clock_timestamp() WHERE id = $1", reply.Outbox)
	if err != nil || tag.RowsAffected() != 1 {
		t.Errorf("the broken undo changed %d rows: %v: it should have won too", tag.RowsAffected(), err)
	}
}

// queued has mina answer a contact of kim's with a reply that waits.
func queued(t *testing.T, c *testkit.Centre, wait func(*store.Reply)) (postroom.ContactID, postroom.OfferID, store.Reply) {
	t.Helper()
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Own(t, contact, "mina")
	reply := c.Render(t, offer, "mina")
	wait(&reply)
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); err != nil {
		t.Fatal(err)
	}
	return contact, offer, reply
}

func inAMinute(r *store.Reply) { r.DueIn = time.Minute }
func tomorrow(r *store.Reply)  { r.SendAt = time.Now().Add(24 * time.Hour) }

// R20: taken back, the reply is no answer; the agent is at work with his text.
func TestUndoneReplyIsNoAnswerAndItsTextIsTheDraft(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact, offer, reply := queued(t, c, inAMinute)
	if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.Take || taken.Wait < 50*time.Second {
		t.Fatalf("in the undo window: %+v, %v", taken, err)
	}
	undo := testkit.Command("mina")
	for range 2 { // a repeat is answered alike
		now, err := c.UndoReply(t.Context(), undo, offer)
		if err != nil || now.Phase != postroom.ContactOwned || len(now.Sends) != 0 {
			t.Fatalf("undone: %+v, %v", now, err)
		}
	}
	if _, err := c.UndoReply(t.Context(), testkit.Command("mina"), offer); postroom.ReasonOf(err) != postroom.ReasonReplyGone {
		t.Errorf("undone twice: %v", err)
	}
	if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.Take || taken.Delivery != postroom.DeliveryCancelled {
		t.Errorf("an undone reply: %+v, %v", taken, err)
	}
	view, messages, draft, err := c.ContactView(t.Context(), contact)
	if err != nil || view.Outcome != "" || draft.Body != reply.Body.Reveal() || messages[1].Delivery != postroom.DeliveryCancelled {
		t.Errorf("the contact: outcome %q, draft %q, %v", view.Outcome, draft.Body, err)
	}
	if _, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer); err != nil {
		t.Fatal(err)
	}
	c.WrapUp(t, offer, "mina")
	if got := c.Text(t, "SELECT outcome FROM contact WHERE id = $1", contact) + " " + c.Text(t, "SELECT outcome FROM segment WHERE offer_id = $1", offer); got != "closed_without_reply closed_without_reply" {
		t.Errorf("the contact ended as %s", got)
	}
	c.MustHold(t)
}

// R20: a completed wrap-up ends the undo window, and does not touch a schedule.
func TestCompletedWrapUpEndsTheUndoWindowAndNoSchedule(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	for name, wait := range map[string]func(*store.Reply){"undo window": inAMinute, "schedule": tomorrow} {
		_, offer, reply := queued(t, c, wait)
		now := c.WrapUp(t, offer, "mina")
		if due := now.Sends[0].DueIn; (due == 0) != (name == "undo window") {
			t.Errorf("%s: due in %v", name, due)
		}
		if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.Take != (name == "undo window") {
			t.Errorf("%s: %+v, %v", name, taken, err)
		}
	}
}

func TestScheduleIsWithinNinetyDaysOfPostgreSQLsClock(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	reply := c.Render(t, offer, "mina")
	for _, d := range []time.Duration{-time.Hour, 91 * 24 * time.Hour} {
		reply.SendAt = time.Now().Add(d)
		if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply); postroom.ReasonOf(err) != postroom.ReasonSendTime {
			t.Errorf("in %v: %v", d, err)
		}
	}
}

// R22: the customer writes again: what is scheduled in his thread waits for a decision, whether or not its contact is done; what is in its undo
// window goes on. The agent is told.
func TestCustomerWhoWritesAgainHoldsWhatIsScheduledInHisThread(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		c := testkit.NewCentre(t, time.Hour, store.Options{})
		c.SignIn(t, "mina")
		contact, offer, reply := queued(t, c, tomorrow)
		_, other, free := queued(t, c, tomorrow) // of another thread
		if done {
			c.WrapUp(t, offer, "mina")
		}
		head, err := c.StreamHead(t.Context(), store.AgentStream("mina"))
		must(t, err)
		if _, err := c.Ingest(t.Context(), c.FollowUp("kim@customer.example", reply.MessageID)); err != nil {
			t.Fatal(err)
		}
		if later, err := c.StreamHead(t.Context(), store.AgentStream("mina")); err != nil || later.Seq == head.Seq {
			t.Errorf("the agent was not told: %v", err)
		}
		sends, err := c.Sends(t.Context(), contact)
		if err != nil || len(sends) != 1 || sends[0].HeldAt == nil || sends[0].Delivery != postroom.DeliveryQueued {
			t.Fatalf("the replies: %+v, %v", sends, err)
		}
		if others, err := c.Sends(t.Context(), contactOf(t, c, other)); err != nil || others[0].HeldAt != nil {
			t.Errorf("another thread's: %+v, %v", others, err)
		}
		if now, err := c.LoadContact(t.Context(), contact); err != nil || len(now.Sends) != 0 {
			t.Errorf("the workflow is told of a held reply: %+v, %v", now, err)
		}
		c.Exec(t, "UPDATE outbox SET due_at = clock_timestamp() - interval '1 hour' WHERE id = $1", reply.Outbox)
		if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.Take {
			t.Errorf("a held reply: %+v, %v", taken, err)
		}
		if _, err := c.Decide(t.Context(), testkit.Command("tom"), store.SupervisesNobody, contact, reply.Message, store.DecideSend); postroom.KindOf(err) != postroom.KindForbidden {
			t.Errorf("a colleague decides: %v", err)
		}
		send := testkit.Command("mina")
		for range 2 {
			now, err := c.Decide(t.Context(), send, store.SupervisesNobody, contact, reply.Message, store.DecideSend)
			if err != nil || len(now.Sends) != 1 || now.Sends[0].DueIn != 0 {
				t.Errorf("sent now: %+v, %v", now, err)
			}
		}
		if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || !taken.Take {
			t.Errorf("a released reply: %+v, %v", taken, err)
		}
		if _, err := c.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, contact, reply.Message, store.DecideCancel); postroom.ReasonOf(err) != postroom.ReasonReplyGone {
			t.Errorf("cancelled under way: %v", err)
		}
		if _, err := c.Decide(t.Context(), testkit.Command("sora"), store.SupervisesHim, contactOf(t, c, other), free.Message, store.DecideCancel); err != nil {
			t.Errorf("a supervisor cancels: %v", err)
		}
		if n := c.Count(t, "SELECT count(*) FROM audit WHERE action LIKE 'reply: %'"); n != 2 {
			t.Errorf("%d decisions in the audit, want 2", n)
		}
		c.MustHold(t)
	}
}

func contactOf(t *testing.T, c *testkit.Centre, offer postroom.OfferID) postroom.ContactID {
	t.Helper()
	return postroom.ContactID(c.Text(t, "SELECT contact_id::text FROM offer WHERE id = $1", offer))
}

// A control of the above: without the mark a reply that is due is sent, whoever has written.
func TestWithoutItsMarkAHeldReplyIsSent(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	_, _, reply := queued(t, c, tomorrow)
	if _, err := c.Ingest(t.Context(), c.FollowUp("kim@customer.example", reply.MessageID)); err != nil {
		t.Fatal(err)
	}
	c.Exec(t, "UPDATE outbox SET held_at = NULL, due_at = clock_timestamp() WHERE id = $1", reply.Outbox)
	if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || !taken.Take {
		t.Errorf("%+v, %v", taken, err)
	}
}

// unanswered is a reply whose final dot was sent, and whose sender died.
func unanswered(t *testing.T, c *testkit.Centre) (postroom.ContactID, store.Reply, store.Sending) {
	t.Helper()
	contact, _, reply := queued(t, c, func(*store.Reply) {})
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	must(t, err)
	must(t, c.BeforeDot(t.Context(), reply.Outbox, taken.Sending.Token))
	return contact, reply, taken.Sending
}

// R21: a reply whose final dot was not answered is not settled, not sent again, and looked for.
func TestReplyWithoutAnAnswerIsLookedForThreeTimesAndThenUnknown(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{ProbeAfter: time.Nanosecond, ProbeAgain: time.Nanosecond})
	c.SignIn(t, "mina")
	contact, reply, sending := unanswered(t, c)
	for range 2 {
		taken, err := c.TakeToSend(t.Context(), reply.Outbox)
		if err != nil || taken.Take || taken.ProbeIn == 0 || taken.Delivery != postroom.DeliverySending {
			t.Fatalf("taken again: %+v, %v", taken, err)
		}
	}
	for n := range store.MaxProbes {
		at, err := c.UnansweredReply(t.Context(), reply.Outbox)
		if err != nil || !at.Look {
			t.Fatalf("look %d: %+v, %v", n, at, err)
		}
		at, err = c.Probed(t.Context(), reply.Outbox, store.FoundNothing)
		if err != nil || (at.Delivery == postroom.DeliveryUnknown) != (n == store.MaxProbes-1) {
			t.Fatalf("after look %d: %+v, %v", n, at, err)
		}
	}
	must(t, noted(c.EndAttempt(t.Context(), reply.Outbox, sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Text: postroom.SealText("late")})))
	if got := c.Text(t, "SELECT state FROM outbox WHERE id = $1", reply.Outbox); got != "unknown" {
		t.Errorf("an answer after all looks makes it %s", got)
	}
	if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.Take || taken.Delivery != postroom.DeliveryUnknown {
		t.Errorf("unknown: %+v, %v", taken, err)
	}
	now, err := c.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, contact, reply.Message, store.DecideResend)
	if err != nil || len(now.Sends) != 1 {
		t.Fatalf("resent: %+v, %v", now, err)
	}
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	if err != nil || !taken.Take || taken.Sending.BlobKey != reply.BlobKey || taken.Sending.Attempt != 2 {
		t.Errorf("resent: %+v, %v", taken, err)
	}
	if _, err := c.Decide(t.Context(), testkit.Command("mina"), store.SupervisesNobody, contact, reply.Message, store.DecideResend); postroom.ReasonOf(err) != postroom.ReasonNotResendable {
		t.Errorf("resent twice: %v", err)
	}
	c.MustHold(t)
}

// R21: the answer of a server that took its time counts as long as the reply is looked for; and what was found was sent.
func TestLateAnswerOrACopySettlesAReplyThatIsLookedFor(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	_, reply, sending := unanswered(t, c)
	if taken, err := c.TakeToSend(t.Context(), reply.Outbox); err != nil || taken.ProbeIn < 80*time.Second {
		t.Errorf("%+v, %v", taken, err)
	}
	if at, err := c.UnansweredReply(t.Context(), reply.Outbox); err != nil || at.Look || at.Wait < 80*time.Second {
		t.Errorf("looked for too early: %+v, %v", at, err)
	}
	must(t, noted(c.EndAttempt(t.Context(), reply.Outbox, sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Text: postroom.SealText("late")})))
	if got := c.Text(t, "SELECT state FROM outbox WHERE id = $1", reply.Outbox); got != "sent" {
		t.Errorf("a late answer makes it %s", got)
	}

	_, found, _ := unanswered(t, c)
	if _, err := c.TakeToSend(t.Context(), found.Outbox); err != nil {
		t.Fatal(err)
	}
	if own, err := c.OwnCopy(t.Context(), found.MessageID); err != nil || own {
		t.Errorf("a copy before it came: %v, %v", own, err)
	}
	copied := c.Mail("support@shop.example", "Re: Hello")
	copied.MessageID, copied.Automatic, copied.Copy = postroom.SealText(found.MessageID), "loop", found.Outbox
	if got, err := c.Ingest(t.Context(), copied); err != nil || got != (store.Ingested{Arrival: postroom.ArrivalReport}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if own, err := c.OwnCopy(t.Context(), found.MessageID); err != nil || !own {
		t.Errorf("its copy: %v, %v", own, err)
	}
	if at, err := c.Probed(t.Context(), found.Outbox, store.FoundIt); err != nil || at.Delivery != postroom.DeliverySent {
		t.Errorf("found: %+v, %v", at, err)
	}
	c.MustHold(t)
}

// A control: an attempt that begins anew in spite of the dot sends a second time.
func TestTakingOverAfterTheDotSendsTwice(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	_, reply, _ := unanswered(t, c)
	must(t, pgx.BeginFunc(t.Context(), c.Connect(t), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE outbox SET dot_sent_at = NULL WHERE id = $1", reply.Outbox)
		return err
	}))
	taken, err := c.TakeToSend(t.Context(), reply.Outbox)
	if err != nil || !taken.Take || c.BeforeDot(t.Context(), reply.Outbox, taken.Sending.Token) != nil {
		t.Errorf("%+v, %v: without the mark of the dot it should be sent again", taken, err)
	}
}

// noted is for those who ask only whether it was recorded how an attempt ended.
func noted(_ postroom.Delivery, err error) error { return err }
