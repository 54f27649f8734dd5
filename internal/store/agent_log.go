package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// LogEntry is one change of an agent's state: the agent activity log has them all, with who caused each.
type LogEntry struct {
	ID       int64               `json:"id"`
	At       time.Time           `json:"at"`
	Agent    postroom.AgentID    `json:"agent"`
	Event    postroom.AgentEvent `json:"event"`
	From     postroom.AgentState `json:"from"`
	To       postroom.AgentState `json:"to"`
	IdleCode postroom.IdleCode   `json:"idle_code,omitzero"`
	Offer    postroom.OfferID    `json:"offer,omitzero"` // that caused it, or ""
	Actor    string              `json:"actor"`
}

var readAgentLog = statement(`
	SELECT id, at, agent_id, event, from_state, to_state, idle_code, coalesce(offer_id::text, ''), actor
	FROM agent_log WHERE agent_id = $1 AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3`)

// AgentLog reads at most limit changes of an agent's state, newest first; only those before an entry's id, if it is not 0.
func (s *Store) AgentLog(ctx context.Context, agent postroom.AgentID, before int64, limit int) ([]LogEntry, error) {
	entries, err := all[LogEntry](ctx, s.pool, readAgentLog, agent, before, limit)
	return entries, translate("read an agent's log", err)
}

// AgentOverview is an agent as supervisors see him: his state, and what he holds (R33).
type AgentOverview struct {
	AgentStatus
	Name     string          `json:"name"`
	Team     postroom.TeamID `json:"team,omitzero"`
	Role     postroom.Role   `json:"role"`
	LastSeen *time.Time      `json:"last_seen,omitzero"` // when his desktop renewed its lease last; nil: never
	Held     []HeldContact   `json:"held"`
}

// HeldContact is a contact that an agent is offered, owns or wraps up.
type HeldContact struct {
	Contact postroom.ContactID  `json:"contact"`
	Offer   postroom.OfferID    `json:"offer"`
	Queue   postroom.QueueID    `json:"queue"`
	Channel postroom.Channel    `json:"channel"`
	State   postroom.OfferState `json:"state"`
	Since   time.Time           `json:"since"` // offered, accepted, or handled: since the state is what it is
}

type overviewRow struct {
	Agent     postroom.AgentID
	State     postroom.AgentState
	IdleCode  postroom.IdleCode
	Since     time.Time
	Version   int64
	After     postroom.IdleCode
	Connected bool
	Now       time.Time
	Name      string
	Team      postroom.TeamID
	Role      postroom.Role
	LastSeen  *time.Time
	Capacity  map[postroom.Channel]int
	Held      []HeldContact
}

var readOverview = statement(`
	SELECT s.agent_id, s.state, s.idle_code, s.since, s.version, s.idle_after_contact,
	       coalesce(l.last_seen > postroom_now() - $1::interval, false), postroom_now(), a.name, coalesce(a.team_id, ''), a.role, l.last_seen,
	       coalesce((SELECT jsonb_object_agg(k.channel, k.capacity) FROM agent_capacity k WHERE k.agent_id = a.id), '{}'),
	       coalesce((SELECT jsonb_agg(jsonb_build_object('contact', o.contact_id, 'offer', o.id, 'queue', o.queue_id, 'channel', o.channel,
	                 'state', o.state, 'since', coalesce(g.handled_at, o.accepted_at, o.offered_at)) ORDER BY o.offered_at, o.id)
	                 FROM offer o LEFT JOIN segment g ON g.offer_id = o.id
	                 WHERE o.agent_id = a.id AND o.state IN ('live', 'accepted', 'wrapup')), '[]')
	FROM agent_state s JOIN agent a ON a.id = s.agent_id AND a.active LEFT JOIN agent_lease l USING (agent_id)
	WHERE ($2 = '' OR a.team_id = $2) AND ($3 = '' OR a.id = $3) ORDER BY s.agent_id`)

// Agents reads all agents of a team, or of every team, with what they hold.
func (s *Store) Agents(ctx context.Context, team postroom.TeamID) ([]AgentOverview, error) {
	return s.overview(ctx, team, "")
}

// Overview reads one agent. One who does not exist, or is retired, is NotFound.
func (s *Store) Overview(ctx context.Context, id postroom.AgentID) (AgentOverview, error) {
	agents, err := s.overview(ctx, "", id)
	if err == nil && len(agents) == 0 {
		return AgentOverview{}, postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	}
	if err != nil {
		return AgentOverview{}, err
	}
	return agents[0], nil
}

func (s *Store) overview(ctx context.Context, team postroom.TeamID, id postroom.AgentID) ([]AgentOverview, error) {
	rows, err := all[overviewRow](ctx, s.pool, readOverview, postroom.LeaseTime, string(team), string(id))
	var agents []AgentOverview
	for _, r := range rows {
		agents = append(agents, AgentOverview{AgentStatus{r.Agent, r.State, r.IdleCode, r.Since, r.Version, r.After, r.Connected, r.Now,
			r.Capacity}, r.Name, r.Team, r.Role, r.LastSeen, r.Held})
	}
	return agents, translate("read agents", err)
}
