package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// assigning gives a contact to an agent by what is seen a moment before, as a click of a supervisor does.
func assigning(ctx context.Context, s *store.Store, contact postroom.ContactID, agent postroom.AgentID) (bool, error) {
	now, err := s.LoadContact(ctx, contact)
	if err != nil {
		return false, err
	}
	_, err = s.AssignContact(ctx, store.Supervision{Command: testkit.Command("sora"), By: sora, Contact: contact, Seen: now.Version}, agent)
	if kind := postroom.KindOf(err); kind == postroom.KindConflict || kind == postroom.KindRefused {
		return false, nil
	}
	return err == nil, err
}

// I1, R33.
func ofManyAssignsOfOneContactOneWins(t *testing.T, a arena) {
	agents := a.Hire(t, 8, 10)
	for _, agent := range agents {
		a.SignIn(t, agent)
	}
	for _, line := range a.forOneContact(t, agents, assigning) {
		t.Error(line)
	}
}

// I2, R33: assigning and claiming for one agent at once goes to his capacity and not beyond it.
func ofManyAssignsAndClaimsForOneAgentAsManyWinAsHeMayHold(t *testing.T, a arena) {
	agent := a.Hire(t, 1, 3)[0]
	a.SignIn(t, agent)
	mixed := func(ctx context.Context, s *store.Store, contact postroom.ContactID, agent postroom.AgentID) (bool, error) {
		if contact[len(contact)-1]%2 == 0 {
			return assigning(ctx, s, contact, agent)
		}
		return productClaim(ctx, s, contact, agent)
	}
	for _, line := range a.forOneAgent(t, agent, 3, mixed) {
		t.Error(line)
	}
	if n := a.Count(t, "SELECT count(*) FROM offer WHERE agent_id = $1 AND state IN ('live', 'accepted')", agent); n != 3 {
		t.Errorf("he holds %d", n)
	}
}

// I1, I2, I4: whatever supervisors and agents do to the same few contacts at the same moment, each has one holder at most, and every offer that
// ended put its contact back once. Some of each succeed.
func supervisorsAndAgentsOverTheSameContactsLeaveOneHolder(t *testing.T, a arena) {
	agents := a.Hire(t, 4, 2)
	for _, agent := range agents {
		a.SignIn(t, agent)
	}
	contacts := a.arrive(t, 6)
	won := map[string]int{}
	for round := range 6 {
		names := make([]string, testkit.CrowdSize)
		for i, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
			ctx, s := t.Context(), a.crowd.Store(i)
			contact, agent := contacts[i%len(contacts)], agents[(i+round)%len(agents)]
			now, err := s.LoadContact(ctx, contact)
			if err != nil {
				return err
			}
			v := store.Supervision{Command: testkit.Command("sora"), By: sora, Contact: contact, Seen: now.Version}
			switch names[i] = []string{"assign", "claim", "accept", "unstick", "requeue", "idle", "decline", "available"}[(i+i/8)%8]; names[i] {
			case "assign":
				_, err = s.AssignContact(ctx, v, agent)
			case "claim":
				var lost store.Lost
				if _, lost, err = s.ClaimOffer(ctx, store.Claim{Contact: contact, Agent: agent, Reason: "race", By: postroom.System("test")}); lost != "" {
					err = postroom.Refused("lost", "lost")
				}
			case "accept", "decline":
				if now.Phase != postroom.ContactOffered {
					return postroom.Refused("no_offer", "none")
				}
				act := s.AcceptOffer
				if names[i] == "decline" {
					act = s.DeclineOffer
				}
				_, err = act(ctx, testkit.Command(now.Agent), now.Offer)
			case "unstick":
				_, err = s.UnstickContact(ctx, v, "")
			case "requeue":
				_, err = s.RequeueContact(ctx, v)
			default:
				status, readErr := s.AgentStatus(ctx, agent)
				if readErr != nil {
					return readErr
				}
				to := postroom.AgentIdle
				if names[i] == "available" {
					to = postroom.AgentAvailable
				}
				_, _, err = s.ForceAgentState(ctx, store.Forcing{Command: testkit.Command("sora"), By: sora,
					Change: store.AgentChange{Agent: agent, To: to, Code: "lunch", Seen: status.Version}})
			}
			return err
		}) {
			switch postroom.KindOf(err) {
			case "":
				won[names[i]]++
			case postroom.KindConflict, postroom.KindRefused:
			default:
				t.Errorf("%s: %s", names[i], texts(err))
			}
		}
		for _, line := range a.Violations(t) {
			t.Error(line)
		}
	}
	for _, name := range []string{"assign", "claim", "unstick", "requeue", "idle", "available"} {
		if won[name] == 0 {
			t.Errorf("%s never succeeded: %v", name, won)
		}
	}
	t.Logf("succeeded: %v", won)
}

// A control of I3 for assignments: that somebody in RONA, or signed out, was given a contact is seen; that somebody Idle was is in order.
func TestAnAssignmentToSomebodyInRONAIsSeen(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	_, err := c.AssignContact(t.Context(), asking(t, c, c.Arrive(t, "kim@customer.example", "Hello")), "mina")
	must(t, err)
	c.MustHold(t)
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	inRONA(t, c, "mina")
	c.MustHold(t)
	c.Exec(t, "UPDATE offer SET offered_at = clock_timestamp(), accepted_at = clock_timestamp() WHERE state = 'accepted'")
	c.Exec(t, "UPDATE offer SET accepted_at = offered_at WHERE state = 'accepted'")
	wantBroken(t, c.Database, "I3")
}

// A control of the version that a supervisor's act names: without it, one that saw an older row takes the contact from its new owner.
func TestAnActThatNamesNoVersionTakesAContactFromItsNewOwner(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	stale := asking(t, c, contact)
	c.Own(t, contact, "mina")
	_, err := c.UnstickContact(t.Context(), stale, "")
	wantReason(t, "what was seen before", err, postroom.KindConflict, postroom.ReasonContactMoved)
	wantStands(t, c, contact, "owned general mina")
	careless := asking(t, c, contact) // the version is read anew, whatever he saw
	careless.Command = stale.Command
	_, err = c.UnstickContact(t.Context(), careless, "")
	must(t, err)
	wantStands(t, c, contact, "waiting general")
}
