package store

import (
	"context"

	"github.com/postroom/postroom"
)

var renewLease = statement(`
	INSERT INTO agent_lease (agent_id, last_seen) VALUES ($1, postroom_now())
	ON CONFLICT (agent_id) DO UPDATE SET last_seen = excluded.last_seen`)

var readReturning = statement(`
	SELECT state = 'idle' AND idle_code = 'disconnected' AND since > postroom_now() - $2::interval FROM agent_state WHERE agent_id = $1`)

// Heartbeat renews an agent's lease: his desktop is there. An agent who lost it less than postroom.ReturnTime ago is Available again
// (R12); RONA and a chosen Idle stay as they are.
func (s *Store) Heartbeat(ctx context.Context, id postroom.AgentID) (AgentStatus, error) {
	var status AgentStatus
	err := s.write(ctx, "renew a lease", func(ctx context.Context, tx *txn) error {
		returning, found, err := value[bool](ctx, tx, readReturning, id, postroom.ReturnTime)
		if err != nil {
			return err
		}
		if !found {
			return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
		}
		if returning {
			if err := comeBack(ctx, tx, id); err != nil {
				return err
			}
		}
		tx.later(renewLease, id)
		status, err = agentStatus(ctx, tx, id)
		return err
	})
	return status, err
}

func comeBack(ctx context.Context, tx *txn, id postroom.AgentID) error {
	agent, err := lockAgentState(ctx, tx, id)
	if err != nil {
		return err
	}
	if agent.State != postroom.AgentIdle || agent.Idle != postroom.IdleDisconnected {
		return nil // somebody was first
	}
	if err := agent.move(tx, postroom.AgentReconnects, "", "", postroom.System("lease")); err != nil {
		return err
	}
	wantWork(tx, id)
	return nil
}

var readStale = statement(`
	SELECT s.agent_id FROM agent_state s LEFT JOIN agent_lease l USING (agent_id)
	WHERE coalesce(l.last_seen, '-infinity') < postroom_now() - $1::interval
	  AND (s.state = 'available' OR EXISTS (SELECT FROM offer o WHERE o.agent_id = s.agent_id AND o.state = 'live'))
	ORDER BY s.agent_id`)

// StaleLeases lists the agents whose lease is over and who still are Available or hold a live offer.
func (s *Store) StaleLeases(ctx context.Context) ([]postroom.AgentID, error) {
	agents, err := values[postroom.AgentID](ctx, s.pool, readStale, postroom.LeaseTime)
	return agents, translate("read stale leases", err)
}

var leaseIsStale = statement(`
	SELECT coalesce((SELECT last_seen FROM agent_lease WHERE agent_id = $1), '-infinity') < postroom_now() - $2::interval`)

// LoseLease ends the live offers of an agent whose desktop is gone as unreachable, and makes him Idle (Disconnected) if he was
// Available; RONA stays RONA (I9). The lease is read again under the agent's lock. The contacts' workflows must be told.
func (s *Store) LoseLease(ctx context.Context, id postroom.AgentID) ([]Withdrawn, error) {
	var withdrawn []Withdrawn
	err := s.write(ctx, "lose a lease", func(ctx context.Context, tx *txn) error {
		withdrawn = nil
		agent, err := lockAgentState(ctx, tx, id)
		if err != nil {
			return err
		}
		stale, _, err := value[bool](ctx, tx, leaseIsStale, id, postroom.LeaseTime)
		if err != nil || !stale {
			return err
		}
		by := postroom.System("lease")
		withdrawn, err = withdraw(ctx, tx, id, postroom.OfferNotReached, postroom.CauseLeaseLost, by)
		if err != nil || agent.State != postroom.AgentAvailable {
			return err
		}
		return agent.move(tx, postroom.AgentLosesConnection, postroom.IdleDisconnected, "", by)
	})
	return withdrawn, err
}
