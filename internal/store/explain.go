package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postroom/postroom"
)

// OfferReason is why an offer was made, as it was written with the offer (R35).
type OfferReason struct {
	Offer     postroom.OfferID
	Agent     postroom.AgentID
	Queue     postroom.QueueID
	State     postroom.OfferState
	OfferedAt time.Time
	Reason    json.RawMessage // a routing.Reason, or what a person's act left
}

var readReasons = statement(`SELECT id, agent_id, queue_id, state, offered_at, reason FROM offer WHERE contact_id = $1 ORDER BY offered_at, id`)

// OfferReasons reads why each offer of a contact was made, the first one first.
func (s *Store) OfferReasons(ctx context.Context, id postroom.ContactID) ([]OfferReason, error) {
	reasons, err := all[OfferReason](ctx, s.pool, readReasons, id)
	return reasons, translate("read why offers were made", err)
}

type factsRow struct {
	Agent     postroom.AgentID
	Team      postroom.TeamID
	Skills    map[postroom.SkillID]int
	State     postroom.AgentState
	IdleCode  postroom.IdleCode
	After     postroom.IdleCode
	Room      int
	FreeSince time.Time
	Declined  int
	Missed    int
	Last      *time.Time
}

// Everybody who may ever be offered a contact of this channel.
var readFacts = statement(`
	WITH refused AS MATERIALIZED (
		SELECT o.agent_id, count(*) FILTER (WHERE o.state = 'declined') AS declined, count(*) FILTER (WHERE o.state <> 'declined') AS missed,
		       max(o.ended_at) AS last
		FROM contact c JOIN offer o ON ` + refusal + ` WHERE c.id = $1 GROUP BY 1
	)
	SELECT a.id, coalesce(a.team_id, ''), coalesce((SELECT jsonb_object_agg(skill_id, level) FROM agent_skill k WHERE k.agent_id = a.id), '{}'),
	       s.state, s.idle_code, s.idle_after_contact, coalesce(r.room, 0)::int, coalesce(r.free_since, s.since),
	       coalesce(f.declined, 0)::int, coalesce(f.missed, 0)::int, f.last
	FROM contact c JOIN agent_capacity k ON k.channel = c.channel AND k.capacity > 0
	JOIN agent a ON a.id = k.agent_id AND a.active JOIN agent_state s ON s.agent_id = a.id
	LEFT JOIN agent_room r ON r.agent_id = a.id AND r.channel = c.channel
	LEFT JOIN refused f ON f.agent_id = a.id
	WHERE c.id = $1 ORDER BY a.id`)

// AgentFacts reads, in one statement, what could keep a contact from each agent who may hold contacts of its channel (R35).
func (s *Store) AgentFacts(ctx context.Context, id postroom.ContactID) ([]postroom.AgentFacts, error) {
	rows, err := all[factsRow](ctx, s.pool, readFacts, id)
	if err != nil {
		return nil, translate("read what agents lack", err)
	}
	facts := make([]postroom.AgentFacts, len(rows))
	for i, r := range rows {
		facts[i] = postroom.AgentFacts{Agent: postroom.Agent{ID: r.Agent, Team: r.Team, Skills: r.Skills}, State: r.State, IdleCode: r.IdleCode,
			IdleAfter: r.After, Room: r.Room, FreeSince: r.FreeSince, Refusals: refusals(r.Declined, r.Missed, r.Last)}
	}
	return facts, nil
}
