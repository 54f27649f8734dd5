package api

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	supervisorv1 "github.com/postroom/postroom/internal/gen/postroom/supervisor/v1"
	"github.com/postroom/postroom/internal/store"
)

// The bounds of a page of the backlog.
const (
	defaultPage = 50
	maxPage     = 100
)

// scope is the team that a supervisor sees; "" with all for an administrator. One who has no team sees nothing.
func scope(p Principal) (team postroom.TeamID, something bool) {
	if p.Role == postroom.RoleAdministrator {
		return "", true
	}
	return p.Team, p.Team != ""
}

// ListBacklog reads what is open.
func (s supervisorService) ListBacklog(ctx context.Context, r *supervisorv1.ListBacklogRequest) (*supervisorv1.ListBacklogResponse, error) {
	response := &supervisorv1.ListBacklogResponse{ServerNow: timestamppb.Now()}
	team, something := scope(principalOf(ctx))
	if !something {
		return response, nil
	}
	filter := store.OpenFilter{Team: team, Queue: postroom.QueueID(r.Queue), Phase: phasesFromProto[r.Phase], Older: r.OlderThan.AsDuration(),
		Limit: min(int(r.PageSize), maxPage)}
	if filter.Limit <= 0 {
		filter.Limit = defaultPage
	}
	if err := readPageToken(r.PageToken, &filter); err != nil {
		return nil, err
	}
	queues, err := s.Store.Backlog(ctx, team, filter.Queue)
	if err != nil {
		return nil, err
	}
	contacts, err := s.Store.OpenContacts(ctx, filter)
	for _, q := range queues {
		response.Queues = append(response.Queues, backlogToProto(q))
	}
	for _, c := range contacts {
		response.Contacts = append(response.Contacts, openToProto(c))
	}
	if len(contacts) == filter.Limit {
		response.NextPageToken = pageToken(contacts[len(contacts)-1])
	}
	return response, err
}

// pageToken names the last contact of a page: when it arrived, to the microsecond, and its id.
func pageToken(c store.OpenContact) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.ArrivedAt.UnixMicro(), 10) + " " + string(c.Contact)))
}

func readPageToken(token string, f *store.OpenFilter) error {
	if token == "" {
		return nil
	}
	malformed := postroom.Invalid(postroom.ReasonMalformed, "page_token is not one that this call gave")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return malformed
	}
	micro, id, ok := strings.Cut(string(text), " ")
	at, err := strconv.ParseInt(micro, 10, 64)
	if !ok || err != nil || wellFormedID(id) != nil {
		return malformed
	}
	f.AfterArrival, f.AfterID = time.UnixMicro(at), postroom.ContactID(id)
	return nil
}

// ListAgents reads agents.
func (s supervisorService) ListAgents(ctx context.Context, r *supervisorv1.ListAgentsRequest) (*supervisorv1.ListAgentsResponse, error) {
	response := &supervisorv1.ListAgentsResponse{ServerNow: timestamppb.Now()}
	p := principalOf(ctx)
	team, something := scope(p)
	if p.Role == postroom.RoleAdministrator {
		team = postroom.TeamID(r.Team)
	}
	if !something {
		return response, nil
	}
	agents, err := s.Store.Agents(ctx, team)
	for _, a := range agents {
		response.Agents = append(response.Agents, agentToProto(a))
	}
	return response, err
}

var phasesFromProto = inverse(phases)

func backlogToProto(q store.QueueBacklog) *supervisorv1.QueueBacklog {
	out := &supervisorv1.QueueBacklog{Queue: string(q.Queue), Name: label(q.Name, q.NameKo), Waiting: int32(q.Waiting), Offered: int32(q.Offered),
		Owned: int32(q.Owned), WrapUp: int32(q.WrapUp), Parked: int32(q.Parked), Overdue: int32(q.Overdue), OldestArrivedAt: optionalTime(q.Oldest)}
	for i, n := range q.ByAge {
		bucket := &supervisorv1.AgeBucket{Contacts: n}
		if i < len(store.BacklogAges) {
			bucket.Below = durationpb.New(store.BacklogAges[i])
		}
		out.ByAge = append(out.ByAge, bucket)
	}
	return out
}

func openToProto(c store.OpenContact) *supervisorv1.OpenContact {
	out := &supervisorv1.OpenContact{ContactId: string(c.Contact), Version: c.Version, Phase: phases[c.Phase], Queue: string(c.Queue),
		CustomerName: c.CustomerName, CustomerAddress: c.CustomerAddress, Subject: c.Subject, ArrivedAt: timestamppb.New(c.ArrivedAt),
		QueuedAt: optionalTime(c.QueuedAt), DueAt: optionalTime(c.DueAt), Priority: int32(c.Priority), Agent: string(c.Agent),
		TargetAgent: string(c.Target), Step: int32(c.Step)}
	if c.Assigned != nil {
		n := int32(*c.Assigned)
		out.AssignedPriority = &n
	}
	return out
}

func agentToProto(a store.AgentOverview) *supervisorv1.Agent {
	out := &supervisorv1.Agent{State: stateToProto(a.AgentStatus), Name: a.Name, Team: string(a.Team), Role: string(a.Role),
		LastSeen: optionalTime(a.LastSeen), Capacity: map[string]int32{}}
	for channel, n := range a.Capacity {
		out.Capacity[string(channel)] = int32(n)
	}
	for _, h := range a.Held {
		out.Held = append(out.Held, &supervisorv1.HeldContact{ContactId: string(h.Contact), OfferId: string(h.Offer), Queue: string(h.Queue),
			Channel: string(h.Channel), State: offerStates[h.State], Since: timestamppb.New(h.Since)})
	}
	return out
}
