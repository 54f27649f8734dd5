package api_test

import (
	"testing"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	routingv1 "github.com/postroom/postroom/internal/gen/postroom/routing/v1"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R35: every offer says why it went to its agent, and a contact that waits what each agent lacks. An agent is told of his own offers only.
func TestEveryRoutingDecisionSaysWhy(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	a.SignIn(t, "tom")
	contact := a.Arrive(t, "kim@customer.example", "Hello")
	a.Exec(t, "UPDATE agent_state SET wants_work = false") // as if their own looks had been made
	by, candidates, now, err := a.Candidates(t.Context(), contact)
	must(t, err)
	choice := routing.ChooseAgent(by, candidates, now)
	claimed, lost, err := a.ClaimOffer(t.Context(), store.Claim{Contact: contact, Agent: choice.Agent, Reason: choice.Reason, By: postroom.System("routing")})
	if err != nil || lost != store.LostNothing || choice.Agent != "mina" {
		t.Fatalf("chosen %+v, lost %q, %v", choice, lost, err)
	}
	why := func(agent postroom.AgentID) *routingv1.ExplainRoutingResponse {
		return got(as(t, a, agent).routing.ExplainRouting(soon(t), &routingv1.ExplainRoutingRequest{ContactId: string(contact)}))(t)
	}
	own := why("mina")
	if len(own.Offers) != 1 || own.Wait != nil || len(own.Offers[0].First) != 0 {
		t.Fatalf("her own offer: %v", own)
	}
	o := own.Offers[0]
	version := a.Count(t, "SELECT max(version)::int FROM configuration")
	if o.OfferId != string(claimed.Offer) || o.RoutingType != string(postroom.RouteLongestAvailable) || o.Trigger != string(routing.TriggerContact) ||
		o.Candidates != 2 || o.ConfigurationVersion != int64(version) {
		t.Errorf("why she: %v", o)
	}
	if all := why("sora"); len(all.Offers) != 1 || len(all.Offers[0].First) != 2 || all.Wait != nil {
		t.Errorf("for her supervisor: %v", all)
	}
	_, err = a.DeclineOffer(t.Context(), testkit.Command("mina"), claimed.Offer)
	must(t, err)
	a.Choose(t, "tom", postroom.AgentIdle, "lunch")
	wait := why("sora").Wait
	if wait == nil || wait.Eligible != 0 || wait.NextAgent != "mina" || wait.NextAt == nil {
		t.Fatalf("why it waits: %v", wait)
	}
	lacks := map[string]string{}
	for _, agent := range wait.First {
		for _, m := range agent.Missing {
			lacks[agent.Agent] += m.What + " "
		}
	}
	if lacks["mina"] != "refused " || lacks["tom"] != "state " || lacks["jiwoo"] != "state " {
		t.Errorf("what they lack: %v", lacks)
	}
	_, err = as(t, a, "mina").routing.ExplainRouting(soon(t), &routingv1.ExplainRoutingRequest{ContactId: string(contact)})
	mustRefuse(t, "what is not hers any more", err, connect.CodeNotFound, postroom.ReasonUnknownContact)
}
