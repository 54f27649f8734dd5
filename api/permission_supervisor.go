package api

import (
	"context"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
)

// supervisedContact lets a supervisor act on what waits in a queue that his team serves, and on what an agent of his team holds; an
// administrator on every contact. Anything else is as unknown as a contact that does not exist.
func supervisedContact(ctx context.Context, s *store.Store, p Principal, request any) error {
	return namedContact(ctx, s, p, request, maySupervise)
}

func maySupervise(p Principal, r store.Relation) bool {
	return supervises(p, r) || (p.Role == postroom.RoleAdministrator && r.Exists)
}

type namesAgent interface{ GetAgent() string }

// inScope lets a supervisor see and act on the agents of his team, an administrator on all. Anybody else's are as unknown as an agent who
// does not exist.
func inScope(ctx context.Context, s *store.Store, p Principal, id postroom.AgentID) error {
	team, err := s.TeamOf(ctx, id)
	if err != nil {
		return err
	}
	if p.Role == postroom.RoleAdministrator || (p.Role == postroom.RoleSupervisor && p.Team != "" && p.Team == team) {
		return nil
	}
	return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
}

// readableAgent lets everybody read about himself, and supervisors and administrators about those in their scope.
func readableAgent(ctx context.Context, s *store.Store, p Principal, request any) error {
	named, ok := request.(namesAgent)
	if !ok {
		return postroom.Internal("a permission asks for an agent that the request does not name", nil)
	}
	if id := postroom.AgentID(named.GetAgent()); id != "" && id != p.Agent {
		return inScope(ctx, s, p, id)
	}
	return nil
}

// forcibleAgent lets administrators, and supervisors who have the permission, force the states of agents in their scope (R33).
func forcibleAgent(ctx context.Context, s *store.Store, p Principal, request any) error {
	named, ok := request.(namesAgent)
	if !ok {
		return postroom.Internal("a permission asks for an agent that the request does not name", nil)
	}
	if err := inScope(ctx, s, p, postroom.AgentID(named.GetAgent())); err != nil || p.Role == postroom.RoleAdministrator {
		return err
	}
	may, err := s.MayForceStates(ctx, p.Agent)
	if err == nil && !may {
		return postroom.Forbidden("you have not the permission to force the states of agents")
	}
	return err
}
