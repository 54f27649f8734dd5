package store_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// asking is what sora asks of a contact as it is now.
func asking(t testing.TB, c *testkit.Centre, contact postroom.ContactID) store.Supervision {
	t.Helper()
	now, err := c.LoadContact(t.Context(), contact)
	must(t, err)
	return store.Supervision{Command: testkit.Command("sora"), By: sora, Contact: contact, Seen: now.Version}
}

var sora = postroom.Actor{Kind: postroom.ActorAgent, ID: "sora"}

// seen is the version of an agent's state as it is now.
func seen(t testing.TB, c *testkit.Centre, agent postroom.AgentID) int64 {
	t.Helper()
	now, err := c.AgentStatus(t.Context(), agent)
	must(t, err)
	return now.Version
}

// second adds a queue "second" of another team, "back", whose agent is nari; and lets agents pick from "general".
func second(t testing.TB, c *testkit.Centre) {
	t.Helper()
	now, _, err := c.Configuration(t.Context())
	must(t, err)
	queue := now.Queues[0]
	queue.ID, queue.Teams, queue.ManualPick = "second", []postroom.TeamID{"back"}, false
	now.Queues[0].ManualPick = true
	now.Queues = append(now.Queues, queue)
	now.Teams = append(now.Teams, postroom.Team{ID: "back", Name: postroom.Name{English: "Back office"}, Profile: "standard"})
	now.Agents = append(now.Agents, postroom.Agent{ID: "nari", Name: "Nari", Email: "nari@shop.example", Role: postroom.RoleAgent, Team: "back"})
	_, err = c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), now, postroom.SealText("two queues"))
	must(t, err)
}

// stands describes a contact in one line: phase, queue, holder.
func stands(t testing.TB, c *testkit.Centre, contact postroom.ContactID) string {
	t.Helper()
	now, err := c.LoadContact(t.Context(), contact)
	must(t, err)
	line := string(now.Phase) + " " + string(now.Queue)
	if now.Agent != "" {
		line += " " + string(now.Agent)
	}
	return line
}

func wantStands(t testing.TB, c *testkit.Centre, contact postroom.ContactID, want string) {
	t.Helper()
	if got := stands(t, c, contact); got != want {
		t.Errorf("the contact is %q, want %q", got, want)
	}
}

func endedAs(t testing.TB, c *testkit.Centre, offer postroom.OfferID) string {
	t.Helper()
	return c.Text(t, "SELECT concat_ws(' ', state, end_cause) FROM offer WHERE id = $1", offer)
}

// hears reads how an agent's stream ends: the last event about a contact.
func hears(t testing.TB, c *testkit.Centre, agent postroom.AgentID, contact postroom.ContactID) string {
	t.Helper()
	return c.Text(t, `SELECT coalesce((SELECT state FROM event WHERE stream_id = $1 AND contact_id = $2 ORDER BY seq DESC LIMIT 1), 'nothing')`,
		store.AgentStream(agent), contact)
}

// R33, R19, I8: an owned contact goes back to its queue with its draft, its arrival and its priority; its wait begins anew, its owner hears
// that the card is gone, and his slot is free.
func TestAnOwnedContactIsRequeuedWithItsDraftAndItsWaitBeginsAnew(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Mine")
	arrived := c.Text(t, "SELECT concat(arrived_at, priority, rank_at) FROM contact WHERE id = $1", contact)
	offer := c.Own(t, contact, "mina")
	c.Exec(t, "UPDATE contact SET step = 1, queued_at = queued_at - interval '1 hour' WHERE id = $1", contact)
	_, err := c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("Dear Kim")})
	must(t, err)
	c.Exec(t, "UPDATE agent_state SET wants_work = false")

	now, err := c.RequeueContact(t.Context(), asking(t, c, contact))
	must(t, err)
	if now.Phase != postroom.ContactWaiting || now.Offer != "" {
		t.Errorf("the snapshot says %+v", now)
	}
	wantStands(t, c, contact, "waiting general")
	if got := endedAs(t, c, offer); got != "released supervisor" {
		t.Errorf("the offer is %s", got)
	}
	if got := c.Text(t, "SELECT concat(arrived_at, priority, rank_at) FROM contact WHERE id = $1", contact); got != arrived {
		t.Errorf("arrival, priority and rank were %s and are %s", arrived, got)
	}
	if n := c.Count(t, "SELECT count(*) FROM contact WHERE step = 0 AND queued_at > clock_timestamp() - interval '1 minute' AND id = $1", contact); n != 1 {
		t.Error("the wait has not begun anew")
	}
	if draft, err := c.Draft(t.Context(), contact); err != nil || draft.Body != "Dear Kim" {
		t.Errorf("the draft is %+v, %v", draft, err)
	}
	if got := hears(t, c, "mina", contact); got != "released" {
		t.Errorf("mina hears %s", got)
	}
	if _, wants, err := c.WantOf(t.Context(), "mina"); err != nil || !wants {
		t.Errorf("nobody looks for work for mina: %v", err)
	}
	_, err = c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Base: 1, Body: postroom.SealText("late")})
	wantReason(t, "a draft of who owned it once", err, postroom.KindConflict, postroom.ReasonOfferEnded)
	_, err = c.RequeueContact(t.Context(), asking(t, c, contact))
	wantReason(t, "requeue what waits", err, postroom.KindRefused, postroom.ReasonAlreadyThere)
	c.MustHold(t)
}

// R33, R12: a live offer is withdrawn by a supervisor's requeue: counted as withdrawn, cause supervisor; the wait goes on.
func TestASupervisorsRequeueWithdrawsALiveOffer(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Offered")
	queued := c.Text(t, "SELECT queued_at::text FROM contact WHERE id = $1", contact)
	offer := c.Claim(t, contact, "mina")
	_, err := c.RequeueContact(t.Context(), asking(t, c, contact))
	must(t, err)
	if got := endedAs(t, c, offer); got != "withdrawn supervisor" {
		t.Errorf("the offer is %s", got)
	}
	if got := c.Text(t, "SELECT queued_at::text FROM contact WHERE id = $1", contact); got != queued {
		t.Errorf("the wait began at %s, now at %s", queued, got)
	}
	if got := hears(t, c, "mina", contact); got != "withdrawn" {
		t.Errorf("mina hears %s", got)
	}
	c.MustHold(t)
}

// R33: assign makes an owner without an offer; he needs room, must be signed in and not RONA, and may be Idle.
func TestAssignNeedsRoomAndASignedInAgentWhoIsNotRONA(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	now, err := c.AssignContact(t.Context(), asking(t, c, contact), "mina")
	must(t, err)
	wantStands(t, c, contact, "owned general mina")
	if got := hears(t, c, "mina", contact); got != "accepted" {
		t.Errorf("mina hears %s", got)
	}
	if got := c.Text(t, "SELECT concat(state, ' ', accepted_at = offered_at, ' ', reason->>'rule') FROM offer WHERE id = $1", now.Offer); got != "accepted t assigned" {
		t.Errorf("the offer is %s", got)
	}
	if got := status(t, c, "mina"); got != postroom.AgentIdle {
		t.Errorf("mina is %s", got)
	}
	_, err = c.AssignContact(t.Context(), asking(t, c, contact), "mina")
	wantReason(t, "assign what has an owner", err, postroom.KindRefused, postroom.ReasonAlreadyHeld)

	waiting := c.Arrive(t, "lee@customer.example", "Hello")
	refused := func(agent postroom.AgentID, kind postroom.Kind, reason postroom.Reason) {
		t.Helper()
		_, err := c.AssignContact(t.Context(), asking(t, c, waiting), agent)
		wantReason(t, "assign to "+string(agent), err, kind, reason)
		wantStands(t, c, waiting, "waiting general")
	}
	refused("tom", postroom.KindRefused, postroom.ReasonNotSignedIn)
	refused("nobody", postroom.KindNotFound, postroom.ReasonUnknownAgent)
	c.SignIn(t, "jiwoo")
	inRONA(t, c, "jiwoo")
	refused("jiwoo", postroom.KindRefused, postroom.ReasonInRONA)
	c.SignIn(t, "tom")
	c.Own(t, c.Arrive(t, "oh@customer.example", "One"), "tom")
	c.Claim(t, c.Arrive(t, "yu@customer.example", "Two"), "tom")
	refused("tom", postroom.KindRefused, postroom.ReasonNoCapacity)
	c.Exec(t, "UPDATE agent_state SET mode = 'exclusive' WHERE agent_id = 'mina'")
	refused("mina", postroom.KindRefused, postroom.ReasonNoCapacity)
	c.MustHold(t)
}

// R33: to assign a contact that is offered to another agent withdraws the offer, cause supervisor; both hear it.
func TestAssignWithdrawsTheOfferOfAnother(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.SignIn(t, "tom")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Claim(t, contact, "tom")
	_, err := c.AssignContact(t.Context(), asking(t, c, contact), "mina")
	must(t, err)
	wantStands(t, c, contact, "owned general mina")
	if got := endedAs(t, c, offer); got != "withdrawn supervisor" {
		t.Errorf("tom's offer is %s", got)
	}
	if got := hears(t, c, "tom", contact) + " " + hears(t, c, "mina", contact); got != "withdrawn accepted" {
		t.Errorf("tom and mina hear %s", got)
	}
	_, err = c.AcceptOffer(t.Context(), testkit.Command("tom"), offer)
	wantReason(t, "a late accept", err, postroom.KindConflict, postroom.ReasonOfferEnded)
	c.MustHold(t)
}

// R33: manual pick only where the queue allows it and the agent's lanes admit it; an agent who is RONA, or full, may not.
func TestPickNeedsAQueueThatAllowsItAndALane(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	second(t, c)
	pick := func(agent postroom.AgentID, contact postroom.ContactID) error {
		v := asking(t, c, contact)
		v.Command, v.By = testkit.Command(agent), postroom.Actor{Kind: postroom.ActorAgent, ID: string(agent)}
		_, err := c.PickContact(t.Context(), v)
		return err
	}
	c.SignIn(t, "mina")
	c.SignIn(t, "nari")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	wantReason(t, "another team's", pick("nari", contact), postroom.KindRefused, postroom.ReasonPickNotAllowed)
	wantReason(t, "signed out", pick("tom", contact), postroom.KindRefused, postroom.ReasonNotSignedIn)
	c.Exec(t, "UPDATE contact SET target_agent_id = 'tom', target_until = clock_timestamp() + interval '1 hour' WHERE id = $1", contact)
	wantReason(t, "another's", pick("mina", contact), postroom.KindRefused, postroom.ReasonWaitsForAnother)
	c.Exec(t, "UPDATE contact SET target_agent_id = NULL, target_until = NULL WHERE id = $1", contact)
	must(t, pick("mina", contact))
	wantStands(t, c, contact, "owned general mina")
	wantReason(t, "what is owned", pick("mina", contact), postroom.KindConflict, postroom.ReasonNotWaiting)

	closed := c.Arrive(t, "lee@customer.example", "Hello")
	_, err := c.MoveContact(t.Context(), asking(t, c, closed), "second")
	must(t, err)
	wantReason(t, "a queue without picking", pick("nari", closed), postroom.KindRefused, postroom.ReasonPickNotAllowed)
	inRONA(t, c, "mina")
	wantReason(t, "RONA", pick("mina", c.Arrive(t, "oh@customer.example", "Hello")), postroom.KindRefused, postroom.ReasonInRONA)
	c.MustHold(t)
}

// R33: a contact moves to another queue from its queue, from an offer and from an owner; its wait begins anew there, at the first stage.
func TestAContactMovesToAnotherQueueFromWhereverItIs(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	second(t, c)
	from := map[string]func(agent postroom.AgentID, contact postroom.ContactID){
		"waiting": func(_ postroom.AgentID, contact postroom.ContactID) {
			c.Exec(t, "UPDATE contact SET step = 2, target_agent_id = 'tom', target_until = clock_timestamp() + interval '1 hour' WHERE id = $1", contact)
		},
		"offered": func(agent postroom.AgentID, contact postroom.ContactID) { c.Claim(t, contact, agent) },
		"owned":   func(agent postroom.AgentID, contact postroom.ContactID) { c.Own(t, contact, agent) },
		"parked":  func(agent postroom.AgentID, contact postroom.ContactID) { park(t, c, agent, c.Own(t, contact, agent)) },
	}
	agents := c.Hire(t, len(from), 2)
	for name, before := range from {
		agent := agents[0]
		agents = agents[1:]
		t.Run(name, func(t *testing.T) {
			c.SignIn(t, agent)
			contact := c.Arrive(t, "kim@customer.example", "Hello")
			c.Exec(t, "UPDATE contact SET queued_at = queued_at - interval '1 hour' WHERE id = $1", contact)
			before(agent, contact)
			_, err := c.MoveContact(t.Context(), asking(t, c, contact), "second")
			must(t, err)
			wantStands(t, c, contact, "waiting second")
			if n := c.Count(t, `SELECT count(*) FROM contact WHERE id = $1 AND step = 0 AND target_agent_id IS NULL AND parked_until IS NULL
				AND queued_at > clock_timestamp() - interval '1 minute'`, contact); n != 1 {
				t.Error("the wait has not begun anew, for everybody")
			}
			if got := c.Text(t, "SELECT queue_id FROM segment WHERE contact_id = $1 AND kind = 'queue' AND state = 'open'", contact); got != "second" {
				t.Errorf("it stays in %s", got)
			}
			_, err = c.MoveContact(t.Context(), asking(t, c, contact), "second")
			wantReason(t, "to where it is", err, postroom.KindRefused, postroom.ReasonAlreadyThere)
			_, err = c.MoveContact(t.Context(), asking(t, c, contact), "nowhere")
			wantReason(t, "to nowhere", err, postroom.KindInvalid, postroom.ReasonUnknownQueue)
			c.MustHold(t)
		})
	}
}

// park puts an owned contact aside until the customer writes.
func park(t testing.TB, c *testkit.Centre, agent postroom.AgentID, offer postroom.OfferID) {
	t.Helper()
	_, err := c.ParkContact(t.Context(), testkit.Command(agent), offer, time.Time{})
	must(t, err)
}

// R33, I8: a supervisor's priority orders the contact anew; its own and its arrival stay, and it can be had again.
func TestAPriorityIsAssignedAndTakenAwayAgain(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	line := func() string {
		return c.Text(t, `SELECT format('%s %s %s', priority, coalesce(assigned_priority::text, 'own'), extract(epoch FROM arrived_at - rank_at)::int) FROM contact WHERE id = $1`, contact)
	}
	if got := line(); got != "0 own 0" {
		t.Fatal(got)
	}
	three := 3
	_, err := c.ReprioritiseContact(t.Context(), asking(t, c, contact), &three)
	must(t, err)
	if got := line(); got != "0 3 10800" {
		t.Errorf("priority 3 is %s", got)
	}
	_, err = c.ReprioritiseContact(t.Context(), asking(t, c, contact), nil)
	must(t, err)
	if got := line(); got != "0 own 0" {
		t.Errorf("its own again is %s", got)
	}
	for _, wrong := range []int{-1, 10} {
		_, err = c.ReprioritiseContact(t.Context(), asking(t, c, contact), &wrong)
		wantReason(t, "a priority out of range", err, postroom.KindInvalid, postroom.ReasonMalformed)
	}
	c.MustHold(t)
}

// Every act of a supervisor is conditional on what he saw, has one effect however often it is sent, and tells who did it.
func TestASupervisorsActIsConditionalAndIdempotent(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	old := asking(t, c, contact)
	first := asking(t, c, contact)
	one, err := c.AssignContact(t.Context(), first, "mina")
	must(t, err)
	two, err := c.AssignContact(t.Context(), first, "mina")
	if err != nil || two.Version != one.Version {
		t.Errorf("the same request again: %+v, %v", two, err)
	}
	_, err = c.UnstickContact(t.Context(), old, "")
	wantReason(t, "what has changed since", err, postroom.KindConflict, postroom.ReasonContactMoved)
	wantStands(t, c, contact, "owned general mina")
	if got := c.Text(t, "SELECT string_agg(actor, ' ') FROM contact_event WHERE contact_id = $1 AND event = 'assigned'", contact); got != "agent:sora" {
		t.Errorf("it was assigned by %s", got)
	}
	c.WrapUp(t, closed(t, c, one.Offer, "mina"), "mina")
	_, err = c.UnstickContact(t.Context(), asking(t, c, contact), "")
	wantReason(t, "what is done", err, postroom.KindRefused, postroom.ReasonContactDone)
	c.MustHold(t)
}

func closed(t testing.TB, c *testkit.Centre, offer postroom.OfferID, agent postroom.AgentID) postroom.OfferID {
	t.Helper()
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command(agent), offer)
	must(t, err)
	return offer
}
