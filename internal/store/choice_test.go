package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R12: an Idle agent has no live offer, at no moment: his choice and the withdrawal are one transaction.
func TestIdleTakesLiveOffersBackInTheSameTransaction(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	owned := c.Own(t, c.Arrive(t, "kim@customer.example", "Mine"), "mina")
	contact := c.Arrive(t, "lee@customer.example", "Offered")
	live := c.Claim(t, contact, "mina")

	withdrawn := c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	now, err := c.LoadContact(t.Context(), contact)
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0] != (store.Withdrawn{Contact: contact, Version: now.Version}) {
		t.Errorf("withdrawn %+v, the contact is %+v", withdrawn, now)
	}
	if now.Phase != postroom.ContactWaiting || now.Offer != "" {
		t.Errorf("the contact is %+v", now)
	}
	if got := c.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "withdrawn agent_idle" {
		t.Errorf("the live offer is %s", got)
	}
	if got := c.Text(t, "SELECT state FROM offer WHERE id = $1", owned); got != "accepted" {
		t.Errorf("the owned contact's offer is %s", got)
	}
	writers := c.Count(t, `SELECT count(DISTINCT x)::int FROM (
		SELECT xmin::text AS x FROM agent_state WHERE agent_id = 'mina'
		UNION ALL SELECT xmin::text FROM agent_log WHERE event = 'chooses Idle'
		UNION ALL SELECT xmin::text FROM offer WHERE id = $1
		UNION ALL SELECT xmin::text FROM segment WHERE caused_by_offer_id = $1
		UNION ALL SELECT xmin::text FROM contact WHERE id = $2) writes`, live, contact)
	if writers != 1 {
		t.Errorf("%d transactions wrote it", writers)
	}
	if soon := c.Count(t, `SELECT extract(epoch FROM tell_at - clock_timestamp())::int FROM contact WHERE id = $1 AND told < version`, contact); soon > 2 {
		t.Errorf("the contact's workflow is told in %d s", soon)
	}
	c.MustHold(t)
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
func TestIdleAfterContactTakesEffectWhenTheLastContactEnds(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	first := c.Own(t, c.Arrive(t, "kim@customer.example", "First"), "mina")
	second := c.Own(t, c.Arrive(t, "lee@customer.example", "Second"), "mina")

	if got := idleAfter(t, c, "mina"); got.State != postroom.AgentAvailable || got.IdleAfterContact != "lunch" {
		t.Fatalf("her choice made her %+v", got)
	}
	for _, offer := range []postroom.OfferID{first, second} {
		if got := status(t, c, "mina"); got != postroom.AgentAvailable {
			t.Errorf("with work in hand she is %s", got)
		}
		_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
		must(t, err)
		c.WrapUp(t, offer, "mina")
	}
	got, err := c.AgentStatus(t.Context(), "mina")
	must(t, err)
	if got.State != postroom.AgentIdle || got.IdleCode != "lunch" || got.IdleAfterContact != "" {
		t.Errorf("with nothing in hand she is %+v", got)
	}
	if same := c.Text(t, "SELECT (o.xmin::text = s.xmin::text)::text FROM offer o JOIN agent_state s USING (agent_id) WHERE o.id = $1", second); same != "true" {
		t.Error("between the end of her last contact and Idle she was Available with nothing in hand")
	}
	c.MustHold(t)
}

// Otherwise it would never take effect: while one contact is in hand the next would come.
func TestWhoWillBeIdleAfterHisContactsGetsNoMore(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.Own(t, c.Arrive(t, "kim@customer.example", "First"), "mina")
	idleAfter(t, c, "mina")
	waiting := c.Arrive(t, "lee@customer.example", "Second")

	candidates, _, err := c.Candidates(t.Context(), waiting)
	must(t, err)
	if len(candidates) != 0 {
		t.Errorf("candidates: %+v", candidates)
	}
	_, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: waiting, Agent: "mina", Reason: "test", By: postroom.System("test")})
	must(t, err)
	if lost != store.LostAgent {
		t.Errorf("lost %q", lost)
	}
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	c.Claim(t, waiting, "mina")
	c.MustHold(t)
}

func TestIdleAfterContactTakesEffectWhenTheLastOfferIsDeclined(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Claim(t, c.Arrive(t, "kim@customer.example", "Offered"), "mina")
	if got := idleAfter(t, c, "mina"); got.State != postroom.AgentAvailable {
		t.Fatalf("her choice made her %+v", got)
	}
	_, err := c.DeclineOffer(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	if got := status(t, c, "mina"); got != postroom.AgentIdle {
		t.Errorf("with nothing in hand she is %s", got)
	}
	c.MustHold(t)
}

// R10: a wrap-up does not end RONA, so an Idle that was chosen in RONA cannot wait for one. There is nothing to wait for either: RONA gets no
// offers.
func TestIdleAfterContactDoesNotWaitInRONA(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.Own(t, c.Arrive(t, "kim@customer.example", "Mine"), "mina")
	inRONA(t, c, "mina")
	if got := idleAfter(t, c, "mina"); got.State != postroom.AgentIdle || got.IdleCode != "lunch" {
		t.Errorf("her choice made her %+v", got)
	}
	c.MustHold(t)
}

func TestIdleAfterContactWithNothingInHandIsIdleAtOnce(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	if got := idleAfter(t, c, "mina"); got.State != postroom.AgentIdle {
		t.Errorf("her choice made her %+v", got)
	}
}

func TestAnAgentChoosesAvailableOrAnIdleCodeAndNothingElse(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	now, err := c.AgentStatus(t.Context(), "mina")
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
		_, _, err := c.SetAgentState(t.Context(), testkit.Command("mina"), store.AgentChange{Agent: "mina", To: choice.to, Code: choice.code,
			Seen: now.Version})
		wantReason(t, string(choice.to)+" "+string(choice.code), err, postroom.KindInvalid, choice.reason)
	}
	if got := status(t, c, "mina"); got != postroom.AgentAvailable {
		t.Errorf("mina is %s", got)
	}
}

func TestSigningOutWaitsForWorkInHandAndTakesOffersBack(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	token := []byte(uuid.NewString()[:32])
	must(t, c.OpenSession(t.Context(), token, "mina"))
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	owned := c.Own(t, c.Arrive(t, "kim@customer.example", "Mine"), "mina")
	contact := c.Arrive(t, "lee@customer.example", "Offered")
	live := c.Claim(t, contact, "mina")

	_, err := c.CloseSession(t.Context(), token, "mina")
	wantReason(t, "sign out with work in hand", err, postroom.KindRefused, "work_in_hand")
	if _, found, err := c.Session(t.Context(), token); err != nil || !found {
		t.Errorf("the refused sign-out ended the session: %v, %v", found, err)
	}
	if got := c.Text(t, "SELECT state FROM offer WHERE id = $1", live); got != "live" {
		t.Errorf("the refused sign-out made the offer %s", got)
	}
	_, err = c.CloseWithoutReply(t.Context(), testkit.Command("mina"), owned)
	must(t, err)
	c.WrapUp(t, owned, "mina")
	withdrawn, err := c.CloseSession(t.Context(), token, "mina")
	must(t, err)
	if len(withdrawn) != 1 || withdrawn[0].Contact != contact {
		t.Errorf("withdrawn: %+v", withdrawn)
	}
	if got := c.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", live); got != "withdrawn agent_signed_out" {
		t.Errorf("the offer is %s", got)
	}
	if got := status(t, c, "mina"); got != postroom.AgentLoggedOut {
		t.Errorf("mina is %s", got)
	}
	c.MustHold(t)
}
