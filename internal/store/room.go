package store

import (
	"context"

	"github.com/postroom/postroom"
)

type roomRow struct {
	State    postroom.AgentState
	Mode     postroom.Mode
	Active   bool
	Capacity map[postroom.Channel]int
	Held     map[postroom.Channel]int
	Slot     int
}

// readRoom runs under the agent's lock. What an agent may be given does not depend on whether he takes offers, so agent_room does not say it.
var readRoom = statement(`
	SELECT s.state, s.mode, a.active,
	       coalesce((SELECT jsonb_object_agg(k.channel, k.capacity) FROM agent_capacity k WHERE k.agent_id = s.agent_id), '{}'),
	       coalesce((SELECT jsonb_object_agg(h.channel, h.n) FROM (SELECT channel, count(*) AS n FROM offer o
	           WHERE o.agent_id = s.agent_id AND o.state IN ('live', 'accepted', 'wrapup') GROUP BY channel) h), '{}'),
	       coalesce((SELECT min(n) FROM generate_series(1, 10) n WHERE NOT EXISTS (
	           SELECT FROM offer o WHERE o.agent_id = s.agent_id AND o.channel = $2 AND o.slot = n
	                                 AND o.state IN ('live', 'accepted', 'wrapup'))), 0)::int
	FROM agent_state s JOIN agent a ON a.id = s.agent_id WHERE s.agent_id = $1`)

// hasRoom tests that a locked agent can be given a contact of a channel, and returns the slot for it.
func hasRoom(ctx context.Context, tx *txn, agent postroom.AgentID, channel postroom.Channel) (slot int, err error) {
	r, found, err := one[roomRow](ctx, tx, readRoom, agent, string(channel))
	if err != nil {
		return 0, err
	}
	profile := postroom.MultimediaProfile{Mode: r.Mode, Capacity: r.Capacity}
	switch {
	case !found || !r.Active:
		return 0, postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	case r.State == postroom.AgentLoggedOut:
		return 0, postroom.Refused(postroom.ReasonNotSignedIn, "the agent is not signed in")
	case r.State == postroom.AgentRONA:
		return 0, postroom.Refused(postroom.ReasonInRONA, "the agent did not respond to an offer, and has not come back yet")
	case profile.Room(channel, r.Held) == 0 || r.Slot == 0:
		return 0, postroom.Refused(postroom.ReasonNoCapacity, "the agent has no room for another contact of this channel")
	}
	return r.Slot, nil
}

var acceptNow = statement(`
	UPDATE offer SET state = 'accepted', accepted_at = offered_at WHERE id = $1 AND state = 'live'`)
