package api

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	routingv1 "github.com/postroom/postroom/internal/gen/postroom/routing/v1"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
)

// explained is how many agents an explanation names: who lacks nothing, then who lacks least.
const explained = 50

// WhyWaiting says of each agent what he lacks to be offered a contact that waits now (R35); waiting is false if it does not.
func WhyWaiting(ctx context.Context, s *store.Store, id postroom.ContactID) (why routing.Explanation, waiting bool, err error) {
	wait, now, waiting, err := s.Wait(ctx, id)
	if err != nil || !waiting {
		return why, false, err
	}
	facts, err := s.AgentFacts(ctx, id)
	if err != nil {
		return why, false, err
	}
	return routing.Explain(wait, facts, now), true, nil
}

// routingService implements postroom.routing.v1.RoutingService.
type routingService struct{ *Server }

// ExplainRouting says why each offer of a contact went to its agent, and why a contact still waits (R35). An agent is told of his own offers;
// what others lack, and whom else it was offered to, supervisors see of their teams' contacts.
func (s routingService) ExplainRouting(ctx context.Context, r *routingv1.ExplainRoutingRequest) (*routingv1.ExplainRoutingResponse, error) {
	p, id := principalOf(ctx), postroom.ContactID(r.ContactId)
	relation, err := s.Store.RelationToContact(ctx, id, p.Agent)
	if err != nil {
		return nil, err
	}
	all := p.Role == postroom.RoleSupervisor && relation.InTeam
	offers, err := s.Store.OfferReasons(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &routingv1.ExplainRoutingResponse{}
	for _, o := range offers {
		if all || o.Agent == p.Agent {
			out.Offers = append(out.Offers, offerReasonToProto(o, all))
		}
	}
	if !all {
		return out, nil
	}
	why, waiting, err := WhyWaiting(ctx, s.Store, id)
	if waiting {
		out.Wait = waitReasonToProto(why)
	}
	return out, err
}

func offerReasonToProto(o store.OfferReason, others bool) *routingv1.OfferReason {
	var why routing.Reason
	_ = json.Unmarshal(o.Reason, &why) // an offer by a person's act has none of these: the fields stay empty
	out := &routingv1.OfferReason{OfferId: string(o.Offer), Agent: string(o.Agent), Queue: string(o.Queue), OfferedAt: timestamppb.New(o.OfferedAt),
		RoutingType: string(why.Rule), Trigger: string(why.Trigger), ConfigurationVersion: why.Configuration, Stage: int32(why.Step),
		Targeted: why.Targeted, Candidates: int32(why.Candidates), SetAside: int32(why.SetAside), OnlyOne: why.OnlyOne, Compared: int32(why.Compared)}
	if others {
		for _, c := range why.First {
			out.First = append(out.First, string(c.Agent))
		}
	}
	return out
}

func waitReasonToProto(w routing.Explanation) *routingv1.WaitReason {
	out := &routingv1.WaitReason{Queue: string(w.Queue), RoutingType: string(w.Rule), Stage: int32(w.Step), Waited: durationpb.New(w.Waited),
		Eligible: int32(w.Eligible), NextAgent: string(w.NextAgent), NextAt: stamp(w.NextAt), Agents: int32(len(w.Agents))}
	for _, a := range w.Agents[:min(len(w.Agents), explained)] {
		line := &routingv1.AgentReason{Agent: string(a.Agent), Score: int32(a.Score), EligibleAt: stamp(a.At)}
		for _, m := range a.Missing {
			line.Missing = append(line.Missing, &routingv1.Missing{What: string(m.What), Until: stamp(m.Until), Stage: int32(m.Step),
				Skill: string(m.Skill), Level: int32(m.Level), Has: int32(m.Has), State: string(m.State), IdleCode: string(m.IdleCode), Agent: string(m.Agent)})
		}
		out.First = append(out.First, line)
	}
	return out
}

// stamp is a time, or nothing for the zero one.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
