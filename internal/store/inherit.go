package store

import (
	"context"

	"github.com/postroom/postroom"
)

type inheritedRow struct {
	Agent    postroom.AgentID
	Channel  string
	Capacity int
}

// The most specific profile wins, as a whole (R2).
var changedCapacity = statement(`
	WITH wanted AS (
		SELECT a.id AS agent_id, k.channel, CASE WHEN a.active THEN k.capacity ELSE 0 END AS capacity
		FROM agent a LEFT JOIN team t ON t.id = a.team_id LEFT JOIN site s ON s.id = t.site_id
		JOIN profile_capacity k ON k.profile_id = coalesce(a.profile_id, t.profile_id, s.profile_id)
	)
	SELECT coalesce(w.agent_id, h.agent_id), coalesce(w.channel, h.channel), coalesce(w.capacity, 0)::int
	FROM wanted w FULL JOIN agent_capacity h ON h.agent_id = w.agent_id AND h.channel = w.channel
	WHERE coalesce(w.capacity, 0) <> coalesce(h.capacity, -1) ORDER BY 1, 2`)
var writeCapacity = statement(`
	INSERT INTO agent_capacity (agent_id, channel, capacity) VALUES ($1, $2, $3)
	ON CONFLICT (agent_id, channel) DO UPDATE SET capacity = excluded.capacity`)

// inheritCapacity writes each agent's capacity as the most specific profile says: his own, his team's or his site's. It acts on new offers
// only: what is held stays. Whoever became able wants work, and his desktop is told. It returns from whom a channel was taken.
func inheritCapacity(ctx context.Context, tx *txn) (cut []inheritedRow, err error) {
	changed, err := all[inheritedRow](ctx, tx, changedCapacity)
	if err != nil {
		return nil, err
	}
	for _, c := range changed {
		agent, err := lockAgentState(ctx, tx, c.Agent)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, writeCapacity, c.Agent, c.Channel, c.Capacity); err != nil {
			return nil, err
		}
		wantWork(tx, c.Agent)
		if agent.State != postroom.AgentLoggedOut {
			tx.publish(c.Agent, Event{Kind: EventAgent})
		}
		if c.Capacity == 0 {
			cut = append(cut, c)
		}
	}
	return cut, inheritModes(ctx, tx)
}

var liveOffersOfChannel = statement(`SELECT id::text FROM offer WHERE agent_id = $1 AND channel = $2 AND state = 'live' ORDER BY contact_id`)

// withdrawFrom takes back what was offered, and is not accepted, on channels that agents have no more: they could not accept it, and nobody
// is blamed for that (R2). Their workflows are told by the reconciler.
func withdrawFrom(ctx context.Context, tx *txn, cut []inheritedRow, by postroom.Actor) error {
	for _, c := range cut {
		ids, err := values[string](ctx, tx, liveOffersOfChannel, c.Agent, c.Channel)
		if err != nil {
			return err
		}
		if _, err := withdrawOffers(ctx, tx, c.Agent, ids, postroom.OfferWithdraw, postroom.CauseCapacityGone, by); err != nil {
			return err
		}
	}
	return nil
}

type modeRow struct {
	Agent postroom.AgentID
	Mode  string
}

var changedModes = statement(`
	SELECT st.agent_id, coalesce(p.mode, 'blended')
	FROM agent_state st JOIN agent a ON a.id = st.agent_id LEFT JOIN team t ON t.id = a.team_id LEFT JOIN site s ON s.id = t.site_id
	LEFT JOIN profile p ON p.id = coalesce(a.profile_id, t.profile_id, s.profile_id)
	WHERE st.mode <> coalesce(p.mode, 'blended') ORDER BY 1`)
var writeMode = statement(`UPDATE agent_state SET mode = $2 WHERE agent_id = $1`)

// inheritModes does the same for the mode in which contacts may be held together.
func inheritModes(ctx context.Context, tx *txn) error {
	changed, err := all[modeRow](ctx, tx, changedModes)
	if err != nil {
		return err
	}
	for _, c := range changed {
		tx.later(writeMode, c.Agent, c.Mode)
		wantWork(tx, c.Agent)
	}
	return nil
}
