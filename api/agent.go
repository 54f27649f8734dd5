package api

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	"github.com/postroom/postroom/internal/store"
)

// agentService implements postroom.agent.v1.AgentService.
type agentService struct{ *Server }

// GetState reads the agent's state.
func (s agentService) GetState(ctx context.Context, _ *agentv1.GetStateRequest) (*agentv1.GetStateResponse, error) {
	status, err := s.Store.AgentStatus(ctx, principalOf(ctx).Agent)
	return &agentv1.GetStateResponse{State: stateToProto(status), ServerNow: timestamppb.New(status.Now)}, err
}

// SetState chooses Available or Idle, and tells the workflows of contacts whose offers that withdrew.
func (s agentService) SetState(ctx context.Context, r *agentv1.SetStateRequest) (*agentv1.SetStateResponse, error) {
	c, err := s.command(ctx, agentv1connect.AgentServiceSetStateProcedure, r)
	if err != nil {
		return nil, err
	}
	change := store.AgentChange{Agent: c.Actor, To: statesFromProto[r.State], Code: postroom.IdleCode(r.IdleCode), Seen: r.SeenVersion,
		AfterContact: r.AfterContact}
	if change.To != postroom.AgentAvailable && change.To != postroom.AgentIdle {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "only STATE_AVAILABLE and STATE_IDLE can be chosen")
	}
	status, withdrawn, err := s.Store.SetAgentState(ctx, c, change)
	if err != nil {
		return nil, err
	}
	s.sync(ctx, withdrawn)
	return &agentv1.SetStateResponse{State: stateToProto(status), ServerNow: timestamppb.New(status.Now)}, nil
}

// sync tells workflows that their rows have changed from outside. What fails here is told by the reconciler within seconds.
func (s *Server) sync(ctx context.Context, changed []store.Withdrawn) {
	for _, w := range changed {
		if err := s.Gateway.SyncContact(ctx, w.Contact); err != nil {
			s.Log.WarnContext(ctx, "a contact's workflow was not told; the reconciler will", "contact", w.Contact, "error", err)
			continue
		}
		_ = s.Store.MarkTold(ctx, store.Untold(w))
	}
}

// ListIdleCodes reads the idle codes that may be chosen.
func (s agentService) ListIdleCodes(ctx context.Context, _ *agentv1.ListIdleCodesRequest) (*agentv1.ListIdleCodesResponse, error) {
	codes, err := s.Store.IdleCodes(ctx)
	return &agentv1.ListIdleCodesResponse{Codes: codesToProto(codes)}, err
}

// Heartbeat renews the desktop's lease.
func (s agentService) Heartbeat(ctx context.Context, _ *agentv1.HeartbeatRequest) (*agentv1.HeartbeatResponse, error) {
	status, err := s.Store.Heartbeat(ctx, principalOf(ctx).Agent)
	return &agentv1.HeartbeatResponse{State: stateToProto(status), ServerNow: timestamppb.New(status.Now)}, err
}

// ListAgentLog reads the changes of an agent's state.
func (s agentService) ListAgentLog(ctx context.Context, r *agentv1.ListAgentLogRequest) (*agentv1.ListAgentLogResponse, error) {
	agent := postroom.AgentID(r.Agent)
	if agent == "" {
		agent = principalOf(ctx).Agent
	}
	limit := int(r.Limit)
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	entries, err := s.Store.AgentLog(ctx, agent, r.BeforeId, limit)
	response := &agentv1.ListAgentLogResponse{}
	for _, e := range entries {
		response.Entries = append(response.Entries, &agentv1.AgentLogEntry{Id: e.ID, At: timestamppb.New(e.At), Event: string(e.Event),
			From: statesToProto[e.From], To: statesToProto[e.To], IdleCode: string(e.IdleCode), OfferId: string(e.Offer), Actor: e.Actor})
	}
	return response, err
}

var statesToProto = map[postroom.AgentState]agentv1.State{
	postroom.AgentLoggedOut: agentv1.State_STATE_LOGGED_OUT,
	postroom.AgentIdle:      agentv1.State_STATE_IDLE,
	postroom.AgentAvailable: agentv1.State_STATE_AVAILABLE,
	postroom.AgentRONA:      agentv1.State_STATE_RONA,
}

var statesFromProto = inverse(statesToProto)

func inverse[A, B comparable](m map[A]B) map[B]A {
	out := make(map[B]A, len(m))
	for a, b := range m {
		out[b] = a
	}
	return out
}

func stateToProto(a store.AgentStatus) *agentv1.AgentState {
	return &agentv1.AgentState{Agent: string(a.Agent), State: statesToProto[a.State], IdleCode: string(a.IdleCode), Since: timestamppb.New(a.Since),
		Version: a.Version, IdleAfterContact: string(a.IdleAfterContact), Connected: a.Connected, Capacity: capacityToProto(a.Capacity)}
}

func capacityToProto(capacity map[postroom.Channel]int) map[string]int32 {
	out := make(map[string]int32, len(capacity))
	for channel, n := range capacity {
		out[string(channel)] = int32(n)
	}
	return out
}
