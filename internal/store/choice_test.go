package store_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func TestWhatAnAgentChooses(t *testing.T) {
	t.Parallel()
	atDesks(t, []deskTest{
		{"Idle takes live offers back in the same transaction", idleTakesLiveOffersBackInTheSameTransaction},
		{"Idle after contact takes effect when the last contact ends", idleAfterContactTakesEffectWhenTheLastContactEnds},
		{"who will be Idle after his contacts gets no more", whoWillBeIdleAfterHisContactsGetsNoMore},
		{"Idle after contact takes effect when the last offer is declined", idleAfterContactTakesEffectWhenTheLastOfferIsDeclined},
		{"Idle after contact does not wait in RONA", idleAfterContactDoesNotWaitInRONA},
		{"Idle after contact with nothing in hand is Idle at once", idleAfterContactWithNothingInHandIsIdleAtOnce},
		{"an agent chooses Available or an idle code and nothing else", anAgentChoosesAvailableOrAnIdleCodeAndNothingElse},
		{"signing out waits for work in hand and takes offers back", signingOutWaitsForWorkInHandAndTakesOffersBack},
	})
}

// R12: an Idle agent has no live offer, at no moment: his choice and the withdrawal are one transaction.
func idleTakesLiveOffersBackInTheSameTransaction(t *testing.T, d desk) {
	owned := d.Own(t, d.Arrive(t, "kim@customer.example", "Mine"), d.agent)
	contact := d.Arrive(t, "lee@customer.example", "Offered")
	live := d.Claim(t, contact, d.agent)

	withdrawn := d.Choose(t, d.agent, postroom.AgentIdle, "lunch")
	now, err := d.LoadContact(t.Context(), contact)
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0] != (store.Withdrawn{Contact: contact, Version: now.Version}) {
		t.Errorf("withdrawn %+v, the contact is %+v", withdrawn, now)
	}
	if now.Phase != postroom.ContactWaiting || now.Offer != "" {
		t.Errorf("the contact is %+v", now)
	}
	if got := d.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "withdrawn agent_idle" {
		t.Errorf("the live offer is %s", got)
	}
	if got := d.Text(t, "SELECT state FROM offer WHERE id = $1", owned); got != "accepted" {
		t.Errorf("the owned contact's offer is %s", got)
	}
	writers := d.Count(t, `SELECT count(DISTINCT x)::int FROM (
		SELECT xmin::text AS x FROM agent_state WHERE agent_id = $3
		UNION ALL SELECT xmin::text FROM agent_log WHERE event = 'chooses Idle' AND agent_id = $3
		UNION ALL SELECT xmin::text FROM offer WHERE id = $1
		UNION ALL SELECT xmin::text FROM segment WHERE caused_by_offer_id = $1
		UNION ALL SELECT xmin::text FROM contact WHERE id = $2) writes`, live, contact, d.agent)
	if writers != 1 {
		t.Errorf("%d transactions wrote it", writers)
	}
	if soon := d.Count(t, `SELECT extract(epoch FROM tell_at - clock_timestamp())::int FROM contact WHERE id = $1 AND told < version`, contact); soon > 2 {
		t.Errorf("the contact's workflow is told in %d s", soon)
	}
}

// idleAfter has an agent choose Idle after the contacts in hand.
func idleAfter(t testing.TB, c *testkit.Centre, agent postroom.AgentID) store.AgentStatus {
	t.Helper()
	now, err := c.AgentStatus(t.Context(), agent)
	must(t, err)
	got, withdrawn, err := c.SetAgentState(t.Context(), testkit.Command(agent), store.AgentChange{Agent: agent, To: postroom.AgentIdle, Code: "lunch",
		Seen: now.Version, AfterContact: true})
	must(t, err)
	if len(withdrawn) != 0 {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	return got
}

// R13.
func idleAfterContactTakesEffectWhenTheLastContactEnds(t *testing.T, d desk) {
	first := d.Own(t, d.Arrive(t, "kim@customer.example", "First"), d.agent)
	second := d.Own(t, d.Arrive(t, "lee@customer.example", "Second"), d.agent)

	if got := idleAfter(t, d.Centre, d.agent); got.State != postroom.AgentAvailable || got.IdleAfterContact != "lunch" {
		t.Fatalf("her choice made her %+v", got)
	}
	for _, offer := range []postroom.OfferID{first, second} {
		if got := status(t, d.Centre, d.agent); got != postroom.AgentAvailable {
			t.Errorf("with work in hand she is %s", got)
		}
		_, err := d.CloseWithoutReply(t.Context(), testkit.Command(d.agent), offer)
		must(t, err)
		d.WrapUp(t, offer, d.agent)
	}
	got, err := d.AgentStatus(t.Context(), d.agent)
	must(t, err)
	if got.State != postroom.AgentIdle || got.IdleCode != "lunch" || got.IdleAfterContact != "" {
		t.Errorf("with nothing in hand she is %+v", got)
	}
	if same := d.Text(t, "SELECT (o.xmin::text = s.xmin::text)::text FROM offer o JOIN agent_state s USING (agent_id) WHERE o.id = $1", second); same != "true" {
		t.Error("between the end of her last contact and Idle she was Available with nothing in hand")
	}
}

// Otherwise it would never take effect: while one contact is in hand the next would come.
func whoWillBeIdleAfterHisContactsGetsNoMore(t *testing.T, d desk) {
	d.Own(t, d.Arrive(t, "kim@customer.example", "First"), d.agent)
	idleAfter(t, d.Centre, d.agent)
	waiting := d.Arrive(t, "lee@customer.example", "Second")

	_, candidates, _, err := d.Candidates(t.Context(), waiting)
	must(t, err)
	if slices.ContainsFunc(candidates, func(c postroom.Candidate) bool { return c.Agent == d.agent }) {
		t.Errorf("candidates: %+v", candidates)
	}
	_, lost, err := d.ClaimOffer(t.Context(), store.Claim{Contact: waiting, Agent: d.agent, Reason: "test", By: postroom.System("test")})
	must(t, err)
	if lost != store.LostAgent {
		t.Errorf("lost %q", lost)
	}
	d.Choose(t, d.agent, postroom.AgentAvailable, "")
	d.Claim(t, waiting, d.agent)
}

func idleAfterContactTakesEffectWhenTheLastOfferIsDeclined(t *testing.T, d desk) {
	offer := d.Claim(t, d.Arrive(t, "kim@customer.example", "Offered"), d.agent)
	if got := idleAfter(t, d.Centre, d.agent); got.State != postroom.AgentAvailable {
		t.Fatalf("her choice made her %+v", got)
	}
	_, err := d.DeclineOffer(t.Context(), testkit.Command(d.agent), offer)
	must(t, err)
	if got := status(t, d.Centre, d.agent); got != postroom.AgentIdle {
		t.Errorf("with nothing in hand she is %s", got)
	}
}

// R10: a wrap-up does not end RONA, so an Idle that was chosen in RONA cannot wait for one. There is nothing to wait for either: RONA gets no
// offers.
func idleAfterContactDoesNotWaitInRONA(t *testing.T, d desk) {
	d.Own(t, d.Arrive(t, "kim@customer.example", "Mine"), d.agent)
	inRONA(t, d.Centre, d.agent)
	if got := idleAfter(t, d.Centre, d.agent); got.State != postroom.AgentIdle || got.IdleCode != "lunch" {
		t.Errorf("her choice made her %+v", got)
	}
}

func idleAfterContactWithNothingInHandIsIdleAtOnce(t *testing.T, d desk) {
	if got := idleAfter(t, d.Centre, d.agent); got.State != postroom.AgentIdle {
		t.Errorf("her choice made her %+v", got)
	}
}

func anAgentChoosesAvailableOrAnIdleCodeAndNothingElse(t *testing.T, d desk) {
	now, err := d.AgentStatus(t.Context(), d.agent)
	must(t, err)
	for _, choice := range []struct {
		to     postroom.AgentState
		code   postroom.IdleCode
		reason postroom.Reason
	}{
		{postroom.AgentRONA, "lunch", postroom.ReasonMalformed},
		{postroom.AgentLoggedOut, "lunch", postroom.ReasonMalformed},
		{"", "lunch", postroom.ReasonMalformed},
		{postroom.AgentIdle, "", postroom.ReasonUnknownCode},
		{postroom.AgentIdle, "fishing", postroom.ReasonUnknownCode},
		{postroom.AgentIdle, postroom.IdleDisconnected, postroom.ReasonUnknownCode},
		{postroom.AgentIdle, postroom.IdleSignedIn, postroom.ReasonUnknownCode},
	} {
		_, _, err := d.SetAgentState(t.Context(), testkit.Command(d.agent), store.AgentChange{Agent: d.agent, To: choice.to, Code: choice.code,
			Seen: now.Version})
		wantReason(t, string(choice.to)+" "+string(choice.code), err, postroom.KindInvalid, choice.reason)
	}
	if got := status(t, d.Centre, d.agent); got != postroom.AgentAvailable {
		t.Errorf("the state is %s", got)
	}
}

func signingOutWaitsForWorkInHandAndTakesOffersBack(t *testing.T, d desk) {
	token := []byte(uuid.NewString()[:32])
	must(t, d.RevokeSessions(t.Context(), testkit.Command("admin"), postroom.System("test"), d.agent))
	must(t, d.OpenSession(t.Context(), token, d.agent))
	owned := d.Own(t, d.Arrive(t, "kim@customer.example", "Mine"), d.agent)
	contact := d.Arrive(t, "lee@customer.example", "Offered")
	live := d.Claim(t, contact, d.agent)

	_, err := d.CloseSession(t.Context(), token, d.agent)
	wantReason(t, "sign out with work in hand", err, postroom.KindRefused, "work_in_hand")
	if _, found, err := d.Session(t.Context(), token); err != nil || !found {
		t.Errorf("the refused sign-out ended the session: %v, %v", found, err)
	}
	if got := d.Text(t, "SELECT state FROM offer WHERE id = $1", live); got != "live" {
		t.Errorf("the refused sign-out made the offer %s", got)
	}
	_, err = d.CloseWithoutReply(t.Context(), testkit.Command(d.agent), owned)
	must(t, err)
	d.WrapUp(t, owned, d.agent)
	withdrawn, err := d.CloseSession(t.Context(), token, d.agent)
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0].Contact != contact {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	if got := d.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "withdrawn agent_signed_out" {
		t.Errorf("the offer is %s", got)
	}
	if got := status(t, d.Centre, d.agent); got != postroom.AgentLoggedOut {
		t.Errorf("the state is %s", got)
	}
}
