package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// supervisedStories are what a supervisor does to contacts (R33), behind their workflows' backs.
var supervisedStories = []story{
	{name: "assigned", rona: time.Minute, runs: 1, steps: []int{6, 7}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		w.SignIn(t, "mina")
		w.Choose(t, "mina", postroom.AgentIdle, "lunch")
		contact := w.Begin(t, "kim@customer.example", canary)
		w.AwaitPhase(t, contact, postroom.ContactWaiting)
		owned := supervise(t, w, contact, func(ctx context.Context, v store.Supervision) (postroom.ContactSnapshot, error) {
			return w.AssignContact(ctx, v, "mina")
		})
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, owned.Offer)))(t)
		complete(t, w, "mina", contact, owned.Offer)
		return contact
	}},
	{name: "requeued-from-owner", rona: time.Minute, runs: 1, steps: []int{9, 10, 11}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		contact, _ := ownedByMina(t, w)
		supervise(t, w, contact, w.RequeueContact)
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
	{name: "unstuck-from-wrap-up", rona: time.Minute, runs: 1, steps: []int{9, 10, 11, 12}, tell: func(t *testing.T, w *testkit.Working) postroom.ContactID {
		contact, offer := ownedByMina(t, w)
		testkit.Done(w.Gateway.Close(t.Context(), testkit.On("mina", contact, offer)))(t)
		supervise(t, w, contact, func(ctx context.Context, v store.Supervision) (postroom.ContactSnapshot, error) {
			return w.UnstickContact(ctx, v, "")
		})
		handleAndClose(t, w, "mina", contact)
		return contact
	}},
}

// supervise carries out what sora asks of a contact as it is now, and tells its workflow, as the API does.
func supervise(t *testing.T, w *testkit.Working, contact postroom.ContactID,
	act func(context.Context, store.Supervision) (postroom.ContactSnapshot, error)) postroom.ContactSnapshot {
	t.Helper()
	before := testkit.Done(w.LoadContact(t.Context(), contact))(t)
	now := testkit.Done(act(t.Context(), store.Supervision{Command: testkit.Command("sora"), By: postroom.Actor{Kind: postroom.ActorAgent, ID: "sora"},
		Contact: contact, Seen: before.Version}))(t)
	if err := w.Gateway.SyncContact(t.Context(), contact); err != nil {
		t.Fatal(err)
	}
	if err := w.MarkTold(t.Context(), store.Untold{Contact: contact, Version: now.Version}); err != nil {
		t.Fatal(err)
	}
	return now
}

// R33: unstick takes a contact back whose workflow was terminated: with nobody to tell it, the reconciler starts another one, the contact is offered
// again, and the reply that was on its way goes out once.
func TestUnstickBringsAContactBackWhoseWorkflowIsDead(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	contact, offer := ownedByMina(t, w)
	draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("It is on its way.")})
	if err != nil {
		t.Fatal(err)
	}
	replied := testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
	if err := w.MarkTold(t.Context(), store.Untold{Contact: contact, Version: replied.Version}); err != nil { // nobody tells it any more by himself
		t.Fatal(err)
	}
	testkit.Eventually(t, "an attempt to send the reply", func() bool { return w.Count(t, "SELECT count(*) FROM outbox WHERE state = 'deferred'") == 1 })
	if err := w.Client.TerminateWorkflow(t.Context(), workflows.ContactWorkflowID(contact), "", "by hand"); err != nil {
		t.Fatal(err)
	}
	before := testkit.Done(w.LoadContact(t.Context(), contact))(t)
	if before.Phase != postroom.ContactWrapUp || len(before.Sends) != 1 {
		t.Fatalf("before it is unstuck it is %+v", before)
	}
	mail := w.ConnectMail(t) // until now no mail server was there to take the reply
	w.Exec(t, "UPDATE outbox SET due_at = clock_timestamp()")
	testkit.Done(w.UnstickContact(t.Context(), store.Supervision{Command: testkit.Command("sora"), By: postroom.Actor{Kind: postroom.ActorAgent, ID: "sora"},
		Contact: contact, Seen: before.Version}, ""))(t)
	handleAndClose(t, w, "mina", contact)
	if result := w.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
		t.Errorf("the new workflow ended with %+v", result)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := mail.Await(ctx, "kim@customer.example", 1); err != nil || len(got) != 1 {
		t.Errorf("the customer has %d mails: %v", len(got), err)
	}
	if n := w.Count(t, "SELECT count(*) FROM outbox WHERE contact_id = $1 AND state = 'sent'", contact); n != 1 {
		t.Errorf("%d replies were sent", n)
	}
	story, err := w.Story(t.Context(), contact)
	if err != nil || len(story) < 10 {
		t.Errorf("its story has %d entries, %v", len(story), err)
	}
	w.MustHold(t)
}

// R12: the worker's sweep gives back what an owner holds who has stayed away for too long, and the contact is offered to somebody who is there.
func TestTheWorkerGivesBackWhatAnAbsentOwnerHolds(t *testing.T) {
	t.Parallel()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	contact, offer := ownedByMina(t, w)
	w.Ready(t, "tom")
	// Desktops have been there to be heard for long enough, all but mina's.
	w.Exec(t, `INSERT INTO process_lease (id, kind, steady_since, last_seen)
		VALUES (gen_random_uuid(), 'api', clock_timestamp() - interval '10 minutes', clock_timestamp() + interval '10 minutes')`)
	w.Exec(t, "UPDATE agent_lease SET last_seen = CASE WHEN agent_id = 'mina' THEN last_seen - interval '31 minutes' ELSE last_seen + interval '10 minutes' END")
	handleAndClose(t, w, "tom", contact)
	if got := w.Text(t, "SELECT concat_ws(' ', state, end_cause) FROM offer WHERE id = $1", offer); got != "released owner_lease_lost" {
		t.Errorf("mina's offer is %s", got)
	}
	w.MustHold(t)
}
