package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func forcing(t testing.TB, c *testkit.Centre, agent postroom.AgentID, to postroom.AgentState, code postroom.IdleCode) store.Forcing {
	t.Helper()
	return store.Forcing{Command: testkit.Command("sora"), By: sora, Change: store.AgentChange{Agent: agent, To: to, Code: code, Seen: seen(t, c, agent)}}
}

// R33, R12: a state can be forced; Idle withdraws the agent's offers, cause supervisor; it is audited and in his log, and he hears it.
func TestAForcedStateIsAuditedAndWithdrawsOffers(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Claim(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	idle := forcing(t, c, "mina", postroom.AgentIdle, "lunch")
	now, withdrawn, err := c.ForceAgentState(t.Context(), idle)
	must(t, err)
	if now.State != postroom.AgentIdle || now.IdleCode != "lunch" || len(withdrawn) != 1 {
		t.Errorf("she is %+v, withdrawn %+v", now, withdrawn)
	}
	if got := endedAs(t, c, offer); got != "withdrawn supervisor" {
		t.Errorf("the offer is %s", got)
	}
	if again, withdrawn, err := c.ForceAgentState(t.Context(), idle); err != nil || again.Version != now.Version || len(withdrawn) != 0 {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	late := forcing(t, c, "mina", postroom.AgentAvailable, "")
	late.Change.Seen--
	_, _, err = c.ForceAgentState(t.Context(), late)
	wantReason(t, "on an older state", err, postroom.KindConflict, postroom.ReasonStaleState)
	now, _, err = c.ForceAgentState(t.Context(), forcing(t, c, "mina", postroom.AgentAvailable, ""))
	if err != nil || now.State != postroom.AgentAvailable {
		t.Errorf("she is %+v, %v", now, err)
	}
	if _, wants, err := c.WantOf(t.Context(), "mina"); err != nil || !wants {
		t.Errorf("nobody looks for work for her: %v", err)
	}
	if n := c.Count(t, "SELECT count(*) FROM audit WHERE actor = 'agent:sora' AND action = 'force state' AND object = 'agent/mina'"); n != 2 {
		t.Errorf("%d entries in the audit", n)
	}
	if n := c.Count(t, "SELECT count(*) FROM agent_log WHERE agent_id = 'mina' AND actor = 'agent:sora'"); n != 2 {
		t.Errorf("%d entries in her log", n)
	}
	_, _, err = c.ForceAgentState(t.Context(), forcing(t, c, "tom", postroom.AgentAvailable, ""))
	wantReason(t, "who is not signed in", err, postroom.KindRefused, postroom.ReasonNotSignedIn)
	_, _, err = c.ForceAgentState(t.Context(), forcing(t, c, "mina", postroom.AgentRONA, ""))
	wantReason(t, "RONA", err, postroom.KindInvalid, postroom.ReasonMalformed)
	c.MustHold(t)
}

// R10, I9: no supervisor ends RONA; a forced sign-out does not either: the next sign-in is RONA again.
func TestNoForcedStateEndsRONA(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	inRONA(t, c, "mina")
	for _, to := range []postroom.AgentState{postroom.AgentAvailable, postroom.AgentIdle} {
		_, _, err := c.ForceAgentState(t.Context(), forcing(t, c, "mina", to, "lunch"))
		wantReason(t, "force "+string(to), err, postroom.KindRefused, postroom.ReasonInRONA)
	}
	_, _, err := c.ForceAgentState(t.Context(), forcing(t, c, "mina", postroom.AgentLoggedOut, ""))
	must(t, err)
	must(t, c.OpenSession(t.Context(), []byte(uuid.NewString()[:32]), "mina"))
	if got := status(t, c, "mina"); got != postroom.AgentRONA {
		t.Errorf("after the next sign-in she is %s", got)
	}
	c.MustHold(t)
}

// R12, R33: signing out with work in hand is refused with the list of it, and nothing changes.
func TestSigningOutWithWorkInHandIsRefusedWithTheList(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	token := []byte(uuid.NewString()[:32])
	must(t, c.OpenSession(t.Context(), token, "mina"))
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	owned, wrapping := c.Arrive(t, "kim@customer.example", "Hello"), c.Arrive(t, "lee@customer.example", "Hello")
	c.Own(t, owned, "mina")
	closed(t, c, c.Own(t, wrapping, "mina"), "mina")
	_, err := c.CloseSession(t.Context(), token, "mina")
	wantReason(t, "sign out", err, postroom.KindRefused, postroom.ReasonWorkInHand)
	if got := contactsIn(err); len(got) != 2 || got[0] != owned || got[1] != wrapping {
		t.Errorf("the list is %v", got)
	}
	if _, found, err := c.Session(t.Context(), token); err != nil || !found || status(t, c, "mina") != postroom.AgentAvailable {
		t.Errorf("the session is there: %v, %v", found, err)
	}
	c.MustHold(t)
}

// With another session open, in another browser, a sign-out ends only its own: work and state stay, as the agent goes on there. Only the last
// one signs him out.
func TestSigningOutOfOneOfTwoSessionsLeavesTheAgentAtWork(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	one, other := []byte(uuid.NewString()[:32]), []byte(uuid.NewString()[:32])
	must(t, c.OpenSession(t.Context(), one, "mina"))
	must(t, c.OpenSession(t.Context(), other, "mina"))
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	offer := c.Own(t, contact, "mina")
	_, err := c.CloseSession(t.Context(), one, "mina")
	must(t, err)
	wantStands(t, c, contact, "owned general mina")
	if _, found, _ := c.Session(t.Context(), one); found || status(t, c, "mina") != postroom.AgentAvailable {
		t.Errorf("one session is open: %v, she is %s", found, status(t, c, "mina"))
	}
	_, err = c.CloseSession(t.Context(), other, "mina")
	wantReason(t, "the last one", err, postroom.KindRefused, postroom.ReasonWorkInHand)
	c.WrapUp(t, closed(t, c, offer, "mina"), "mina")
	_, err = c.CloseSession(t.Context(), other, "mina")
	if err != nil || status(t, c, "mina") != postroom.AgentLoggedOut {
		t.Errorf("she is %s, %v", status(t, c, "mina"), err)
	}
	c.MustHold(t)
}

// R33, R19: a forced sign-out withdraws offers, puts what the agent owns back with its drafts, completes wrap-ups with the queue's default
// code if it has one, and ends his sessions; a wrap-up without a default code stays.
func TestAForcedSignOutRequeuesWhatTheAgentHolds(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"without a default code": "", "with a default code": "solved"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testkit.NewCentre(t, time.Hour, store.Options{})
			c.Exec(t, "UPDATE agent_capacity SET capacity = 4")
			if code != "" {
				c.Exec(t, "UPDATE queue SET default_wrapup_code = $1, auto_wrapup_seconds = 900", code)
			}
			c.SignIn(t, "mina")
			var contacts []postroom.ContactID
			for range 3 {
				contacts = append(contacts, c.Arrive(t, uuid.NewString()+"@customer.example", "Hello"))
			}
			offer := c.Claim(t, contacts[0], "mina")
			owned := c.Own(t, contacts[1], "mina")
			_, err := c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: owned, Body: postroom.SealText("Dear Kim")})
			must(t, err)
			wrapping := closed(t, c, c.Own(t, contacts[2], "mina"), "mina")
			now, changed, err := c.ForceAgentState(t.Context(), forcing(t, c, "mina", postroom.AgentLoggedOut, ""))
			must(t, err)
			if now.State != postroom.AgentLoggedOut {
				t.Errorf("she is %+v", now)
			}
			if got := endedAs(t, c, offer) + ", " + endedAs(t, c, owned); got != "withdrawn supervisor, released supervisor" {
				t.Errorf("the offers are %s", got)
			}
			wantStands(t, c, contacts[0], "waiting general")
			wantStands(t, c, contacts[1], "waiting general")
			if draft, err := c.Draft(t.Context(), contacts[1]); err != nil || draft.Body != "Dear Kim" {
				t.Errorf("the draft is %+v, %v", draft, err)
			}
			if code == "" {
				wantStands(t, c, contacts[2], "wrapup general mina")
				_, err := c.UnstickContact(t.Context(), asking(t, c, contacts[2]), "")
				must(t, err)
				wantStands(t, c, contacts[2], "waiting general")
			} else {
				wantStands(t, c, contacts[2], "done general")
				if got := c.Text(t, "SELECT concat_ws(' ', code, automatic) FROM wrapup"); got != code+" t" || endedAs(t, c, wrapping) != "finished wrapped_up" {
					t.Errorf("the wrap-up is %s, the offer %s", got, endedAs(t, c, wrapping))
				}
			}
			if want := map[string]int{"": 2, "solved": 3}[code]; len(changed) != want {
				t.Errorf("changed: %+v", changed)
			}
			if n := c.Count(t, "SELECT count(*) FROM session WHERE agent_id = 'mina' AND ended_at IS NULL"); n != 0 {
				t.Errorf("%d sessions are open", n)
			}
			c.MustHold(t)
		})
	}
}
