package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// newLife is a centre with three agents at work, and a contact that mina owns.
func newLife(t *testing.T) (c *testkit.Centre, contact postroom.ContactID, offer postroom.OfferID) {
	t.Helper()
	c = testkit.NewCentre(t, time.Minute, store.Options{})
	for _, agent := range []postroom.AgentID{"mina", "jiwoo", "tom"} {
		c.SignIn(t, agent)
	}
	contact = c.Arrive(t, "kim@customer.example", "Where is my parcel?")
	return c, contact, c.Own(t, contact, "mina")
}

// row reads facts of a contact as one text.
func fact(t testing.TB, c *testkit.Centre, contact postroom.ContactID, columns string) string {
	t.Helper()
	return c.Text(t, "SELECT concat_ws(' ', "+columns+") FROM contact c WHERE c.id = $1", contact)
}

// R23: a transfer to an agent has the contact wait for him, in its queue, with its draft and its arrival time; the one who passed it on wraps
// up his segment meanwhile, and his slot stays taken until then.
func TestTransferToAnAgentWaitsForHimWhileTheSegmentIsWrappedUp(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	_, err := c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("Dear Kim")})
	must(t, err)
	arrived := fact(t, c, contact, "arrived_at")
	command := testkit.Command("mina")
	for range 2 { // asked again, it is answered alike
		now, err := c.TransferContact(t.Context(), command, offer, store.Transfer{Agent: "jiwoo"})
		must(t, err)
		if now.Phase != postroom.ContactWaiting || now.Agent != "" || len(now.WrapUps) != 1 || now.WrapUps[0] != (postroom.PendingWrapUp{Offer: offer}) {
			t.Fatalf("transferred: %+v", now)
		}
	}
	if got := fact(t, c, contact, "target_agent_id, queue_id, step, extract(epoch FROM target_until - queued_at)::int"); got != "jiwoo general 0 120" {
		t.Errorf("it waits for %s", got)
	}
	if fact(t, c, contact, "arrived_at") != arrived {
		t.Error("I8: it arrived anew")
	}
	c.MustHold(t)

	second := c.Own(t, contact, "jiwoo")
	draft, err := c.Draft(t.Context(), contact)
	if err != nil || draft.Body != "Dear Kim" {
		t.Errorf("R19: the draft is %+v, %v", draft, err)
	}
	if held := c.Count(t, "SELECT count(*) FROM offer WHERE agent_id = 'mina' AND state = 'wrapup' AND segment_only"); held != 1 {
		t.Errorf("mina holds %d segments", held)
	}
	c.MustHold(t)
	if now := c.WrapUp(t, offer, "mina"); now.Phase != postroom.ContactOwned || now.Agent != "jiwoo" || len(now.WrapUps) != 0 {
		t.Errorf("mina wrapped up, and the contact is %+v", now)
	}
	if outcome := c.Text(t, "SELECT concat_ws(' ', g.state, g.outcome, w.code) FROM segment g JOIN wrapup w ON w.segment_id = g.id WHERE offer_id = $1", offer); outcome != "ended transferred solved" {
		t.Errorf("I10: mina's segment is %s", outcome)
	}
	c.Reply(t, second, "jiwoo")
	if now := c.WrapUp(t, second, "jiwoo"); now.Phase != postroom.ContactDone {
		t.Errorf("the contact is %+v", now)
	}
	c.MustHold(t)
}

// R24: wrap-up belongs to a segment: the contact may be completed elsewhere before whoever passed it on has wrapped up, and nothing is lost.
func TestAContactMayBeDoneBeforeAnEarlierSegmentIsWrappedUp(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	c.Transfer(t, offer, "mina", store.Transfer{Queue: "general"})
	second := c.Own(t, contact, "tom")
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("tom"), second)
	must(t, err)
	done := c.WrapUp(t, second, "tom")
	if done.Phase != postroom.ContactDone || len(done.WrapUps) != 1 {
		t.Fatalf("done: %+v", done)
	}
	completed := fact(t, c, contact, "completed_at, outcome")
	last := c.WrapUp(t, offer, "mina")
	if last.Phase != postroom.ContactDone || len(last.WrapUps) != 0 || last.Version <= done.Version {
		t.Errorf("after the last wrap-up: %+v", last)
	}
	if again := fact(t, c, contact, "completed_at, outcome"); again != completed {
		t.Errorf("the completion was %s and is %s", completed, again)
	}
	c.MustHold(t)
}

// R23, R24: a contact that went to another queue is wrapped up with the codes of the one in which it was handled.
func TestATransferredSegmentIsWrappedUpWithTheCodesOfItsOwnQueue(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	addQueue(t, c, "returns", func(q *postroom.Queue) { q.WrapUpCodes = []postroom.WrapUpCode{"other"} })
	c.Transfer(t, offer, "mina", store.Transfer{Queue: "returns"})
	if got := fact(t, c, contact, "queue_id, target_agent_id"); got != "returns" {
		t.Errorf("it is in %q", got)
	}
	codes, err := c.WrapUpCodes(t.Context(), contact, "mina")
	if err != nil || len(codes) != 2 || codes[0].ID != "solved" {
		t.Errorf("mina may choose %+v, %v", codes, err)
	}
	next := c.Own(t, contact, "tom")
	codes, err = c.WrapUpCodes(t.Context(), contact, "tom")
	if err != nil || len(codes) != 1 || codes[0].ID != "other" {
		t.Errorf("tom may choose %+v, %v", codes, err)
	}
	_, err = c.CloseWithoutReply(t.Context(), testkit.Command("tom"), next)
	must(t, err)
	_, err = c.CompleteWrapUp(t.Context(), testkit.Command("tom"), next, postroom.WrapUp{Code: "solved"})
	wantReason(t, "a code of the queue before", err, postroom.KindInvalid, postroom.ReasonUnknownCode)
	c.WrapUp(t, offer, "mina")
	c.MustHold(t)
}

// addQueue adds a queue like "general", changed.
func addQueue(t *testing.T, c *testkit.Centre, id postroom.QueueID, change func(*postroom.Queue)) {
	t.Helper()
	configuration, _, err := c.Configuration(t.Context())
	must(t, err)
	queue := configuration.Queues[0]
	queue.ID = id
	change(&queue)
	configuration.Queues = append(configuration.Queues, queue)
	_, err = c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), configuration, postroom.SealText("another queue"))
	must(t, err)
}

func TestTransferThatLeadsNowhereIsRefused(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	c.SignIn(t, "sora")
	c.Exec(t, "UPDATE agent_capacity SET capacity = 0 WHERE agent_id = 'sora'")
	c.Choose(t, "tom", postroom.AgentIdle, "lunch")
	_, err := c.CloseSession(t.Context(), []byte(uuid.NewString()[:32]), "tom")
	must(t, err)
	c.Exec(t, "UPDATE agent_state SET state = 'logged_out', idle_code = '' WHERE agent_id = 'tom'")
	for what, refused := range map[string]struct {
		to     store.Transfer
		kind   postroom.Kind
		reason postroom.Reason
	}{
		"to oneself":                      {store.Transfer{Agent: "mina"}, postroom.KindRefused, postroom.ReasonTransferToSelf},
		"to nobody":                       {store.Transfer{Agent: "rex"}, postroom.KindInvalid, postroom.ReasonUnknownAgent},
		"to somebody who is not there":    {store.Transfer{Agent: "tom"}, postroom.KindRefused, postroom.ReasonNotSignedIn},
		"to somebody who takes no emails": {store.Transfer{Agent: "sora"}, postroom.KindRefused, postroom.ReasonNoCapacity},
		"to a queue that is not there":    {store.Transfer{Queue: "nowhere"}, postroom.KindInvalid, postroom.ReasonUnknownQueue},
		"to an agent in no queue":         {store.Transfer{Queue: "nowhere", Agent: "jiwoo"}, postroom.KindInvalid, postroom.ReasonUnknownQueue},
	} {
		_, err := c.TransferContact(t.Context(), testkit.Command("mina"), offer, refused.to)
		wantReason(t, what, err, refused.kind, refused.reason)
		wantReason(t, "beforehand: "+what, c.CheckTransfer(t.Context(), "mina", offer, refused.to), refused.kind, refused.reason)
	}
	c.Exec(t, "UPDATE queue SET active = false")
	_, err = c.TransferContact(t.Context(), testkit.Command("mina"), offer, store.Transfer{Queue: "general"})
	wantReason(t, "to a retired queue", err, postroom.KindInvalid, postroom.ReasonUnknownQueue)
	if now := fact(t, c, contact, "phase"); now != "owned" {
		t.Errorf("the contact is %s", now)
	}
}

// R45: parking frees the slot, ends the segment without a wrap-up, and an Idle that waited for the contact takes effect.
func TestParkingFreesTheAgentAndAnIdleThatWaitedTakesEffect(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	now, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	_, _, err = c.SetAgentState(t.Context(), testkit.Command("mina"),
		store.AgentChange{Agent: "mina", To: postroom.AgentIdle, Code: "lunch", Seen: now.Version, AfterContact: true})
	must(t, err)
	parked := c.Park(t, offer, "mina", time.Now().Add(time.Hour))
	if parked.Phase != postroom.ContactParked || parked.Agent != "" || parked.ResumeIn < 59*time.Minute || parked.ResumeIn > time.Hour {
		t.Fatalf("parked: %+v", parked)
	}
	if s := status(t, c, "mina"); s != postroom.AgentIdle {
		t.Errorf("mina is %s", s)
	}
	if held := c.Count(t, "SELECT count(*) FROM offer WHERE agent_id = 'mina' AND state IN ('live', 'accepted', 'wrapup')"); held != 0 {
		t.Errorf("mina holds %d contacts", held)
	}
	c.MustHold(t)

	early, err := c.ResumeContact(t.Context(), contact)
	if err != nil || early.Phase != postroom.ContactParked || early.ResumeIn < 59*time.Minute {
		t.Errorf("too early: %+v, %v", early, err)
	}
	later := c.Open(t, store.Options{Shift: time.Hour})
	resumed, err := later.ResumeContact(t.Context(), contact)
	if err != nil || resumed.Phase != postroom.ContactWaiting || resumed.ResumeIn != 0 {
		t.Errorf("resumed: %+v, %v", resumed, err)
	}
	if got := fact(t, c, contact, "target_agent_id, extract(epoch FROM target_until - queued_at)::int, parked_until"); got != "mina 600" {
		t.Errorf("it waits for %s", got)
	}
	again, err := later.ResumeContact(t.Context(), contact)
	if err != nil || again.Version != resumed.Version {
		t.Errorf("resumed again: %+v, %v", again, err)
	}
	c.MustHold(t)
}

// R45: the customer's mail ends the parking at once, and the contact waits for its former owner as long as its queue says.
func TestParkedContactGoesOnWhenTheCustomerWrites(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]time.Time{"parked until a reply": {}, "parked until a time": time.Now().Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, contact, offer := newLife(t)
			c.Exec(t, `UPDATE queue SET rules = rules || '{"preferred_time": 180000000000}'`)
			answer := c.Reply(t, offer, "mina")
			_, err := c.ReturnToContact(t.Context(), testkit.Command("mina"), offer)
			must(t, err)
			parked := c.Park(t, offer, "mina", until)
			if (parked.ResumeIn == 0) != until.IsZero() {
				t.Errorf("parked: %+v", parked)
			}
			in, err := c.Ingest(t.Context(), c.FollowUp("kim@customer.example", answer))
			if err != nil || in.Arrival != postroom.ArrivalAppended || in.Contact != contact {
				t.Fatalf("the mail: %+v, %v", in, err)
			}
			if got := fact(t, c, contact, "phase, target_agent_id, extract(epoch FROM target_until - queued_at)::int, told < version, version"); got != "waiting mina 180 t 9" || in.Version != 9 {
				t.Errorf("it is %s; the mail left version %d", got, in.Version)
			}
			c.MustHold(t)
		})
	}
}

// R45: a parking whose workflow was lost ends all the same: the reconciler has it told.
func TestParkingThatIsOverIsToldOfWhenItsWorkflowWasLost(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	now := c.Park(t, offer, "mina", time.Now().Add(time.Hour))
	must(t, c.MarkTold(t.Context(), store.Untold{Contact: contact, Version: now.Version}))
	for _, at := range []struct {
		shift time.Duration
		lost  int64
	}{{time.Hour - time.Minute, 0}, {time.Hour + time.Minute, 1}} {
		if n, err := c.Open(t, store.Options{Shift: at.shift}).ForgetOverdue(t.Context()); err != nil || n != at.lost {
			t.Errorf("after %v %d contacts are overdue, %v", at.shift, n, err)
		}
	}
}

// R45: whoever parked a contact and has signed out is not waited for.
func TestParkedContactDoesNotWaitForSomebodyWhoLeft(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	c.Park(t, offer, "mina", time.Now().Add(time.Hour))
	_, err := c.CloseSession(t.Context(), []byte(uuid.NewString()[:32]), "mina")
	must(t, err)
	c.Exec(t, "UPDATE agent_state SET state = 'logged_out', idle_code = '' WHERE agent_id = 'mina'")
	later := c.Open(t, store.Options{Shift: 2 * time.Hour})
	_, err = later.ResumeContact(t.Context(), contact)
	must(t, err)
	if got := fact(t, c, contact, "phase, target_agent_id"); got != "waiting" {
		t.Errorf("it is %s", got)
	}
}

func TestAContactIsParkedUntilATimeToComeAndWithinAYear(t *testing.T) {
	t.Parallel()
	c, _, offer := newLife(t)
	for what, until := range map[string]time.Time{
		"yesterday": time.Now().Add(-24 * time.Hour), "now": time.Now(), "in a year and a day": time.Now().Add(postroom.MaxParking + 24*time.Hour),
	} {
		_, err := c.ParkContact(t.Context(), testkit.Command("mina"), offer, until)
		wantReason(t, what, err, postroom.KindInvalid, postroom.ReasonParkTime)
	}
	if now := c.Park(t, offer, "mina", time.Now().Add(postroom.MaxParking-time.Hour)); now.Phase != postroom.ContactParked {
		t.Errorf("parked: %+v", now)
	}
	_, err := c.ParkContact(t.Context(), testkit.Command("mina"), offer, time.Time{})
	wantReason(t, "what is parked", err, postroom.KindConflict, postroom.ReasonOfferEnded)
}

// R22: wrap-up offers a way back to work. The reply that is on its way goes on, and what was replied stays replied.
func TestWrapUpOffersAWayBackAndTheReplyOnItsWayGoesOn(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	c.Reply(t, offer, "mina")
	command := testkit.Command("mina")
	for range 2 {
		back, err := c.ReturnToContact(t.Context(), command, offer)
		if err != nil || back.Phase != postroom.ContactOwned || back.Agent != "mina" || back.Offer != offer || len(back.Sends) != 1 {
			t.Fatalf("back: %+v, %v", back, err)
		}
	}
	c.MustHold(t)
	_, err := c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Base: 1, Body: postroom.SealText("And one thing more.")})
	must(t, err)
	closed, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	if err != nil || closed.Phase != postroom.ContactWrapUp {
		t.Fatalf("closed: %+v, %v", closed, err)
	}
	c.WrapUp(t, offer, "mina")
	if got := fact(t, c, contact, "outcome, (SELECT outcome FROM segment g WHERE g.offer_id = '"+string(offer)+"')"); got != "replied replied" {
		t.Errorf("the outcome is %s", got)
	}
	_, err = c.ReturnToContact(t.Context(), testkit.Command("mina"), offer)
	wantReason(t, "back from a completed wrap-up", err, postroom.KindConflict, postroom.ReasonOfferEnded)
	c.MustHold(t)
}

func TestWhoPassedAContactOnCannotReturnToIt(t *testing.T) {
	t.Parallel()
	c, _, offer := newLife(t)
	c.Transfer(t, offer, "mina", store.Transfer{Queue: "general"})
	_, err := c.ReturnToContact(t.Context(), testkit.Command("mina"), offer)
	wantReason(t, "back to what was passed on", err, postroom.KindConflict, postroom.ReasonPassedOn)
}

// R22: what an agent decides before he saw the customer's newest mail is refused, unless he confirms it.
func TestAStaleReplyCloseOrWrapUpIsRefusedUnlessConfirmed(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	first := postroom.MessageID(c.Text(t, "SELECT id FROM message WHERE contact_id = $1", contact))
	write := func(answer string) postroom.MessageID {
		t.Helper()
		mail := c.FollowUp("kim@customer.example", answer)
		if in, err := c.Ingest(t.Context(), mail); err != nil || in.Contact != contact {
			t.Fatalf("the mail: %+v, %v", in, err)
		}
		return mail.ID
	}
	seen := func(id postroom.MessageID, anyway bool) postroom.Command {
		command := testkit.Command("mina")
		command.Seen = postroom.Seen{Message: id, Anyway: anyway}
		return command
	}
	answer := c.Reply(t, offer, "mina")
	second := write(answer)
	complete := func(command postroom.Command) error {
		_, err := c.CompleteWrapUp(t.Context(), command, offer, postroom.WrapUp{Code: "solved"})
		return err
	}
	wantReason(t, "a wrap-up over an unseen mail", complete(seen(first, false)), postroom.KindConflict, postroom.ReasonUnseenMessage)
	_, err := c.ReturnToContact(t.Context(), testkit.Command("mina"), offer)
	must(t, err)

	reply := c.Render(t, offer, "mina")
	_, err = c.QueueReply(t.Context(), seen(first, false), offer, reply)
	wantReason(t, "a reply over an unseen mail", err, postroom.KindConflict, postroom.ReasonUnseenMessage)
	_, err = c.CloseWithoutReply(t.Context(), seen(first, false), offer)
	wantReason(t, "a close over an unseen mail", err, postroom.KindConflict, postroom.ReasonUnseenMessage)
	_, err = c.QueueReply(t.Context(), seen(postroom.MessageID(testkit.NewID()), false), offer, reply)
	wantReason(t, "a mail that nobody knows", err, postroom.KindInvalid, postroom.ReasonMalformed)
	_, err = c.QueueReply(t.Context(), seen(second, false), offer, reply)
	must(t, err)

	third := write(answer)
	must(t, complete(seen(second, true)))
	if got := c.Text(t, "SELECT string_agg(c.phase, ' ' ORDER BY c.id) FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.id = ANY ($1)", []postroom.MessageID{second, third}); got != "done new" {
		t.Errorf("the mails' contacts are %s", got)
	}
	c.MustHold(t)
}

// R22: who saw the mail and completes all the same buries nothing: it becomes a new contact of the thread.
func TestACompletionCarriesWhatCameSinceTheReplyIntoANewContact(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	mail := c.FollowUp("kim@customer.example", c.Reply(t, offer, "mina"))
	_, err := c.Ingest(t.Context(), mail)
	must(t, err)
	command := testkit.Command("mina")
	command.Seen = postroom.Seen{Message: mail.ID}
	_, err = c.CompleteWrapUp(t.Context(), command, offer, postroom.WrapUp{Code: "solved"})
	must(t, err)
	if got := c.Text(t, "SELECT concat_ws(' ', c.phase, c.thread_id = (SELECT thread_id FROM contact WHERE id = $2)) FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.id = $1",
		mail.ID, contact); got != "new t" {
		t.Errorf("the mail's contact is %s", got)
	}
	c.MustHold(t)
}
