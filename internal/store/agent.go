package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// AgentStatus is an agent's state as people see it.
type AgentStatus struct {
	Agent            postroom.AgentID         `json:"agent"`
	State            postroom.AgentState      `json:"state"`
	IdleCode         postroom.IdleCode        `json:"idle_code,omitzero"`
	Since            time.Time                `json:"since"`
	Version          int64                    `json:"version"`
	IdleAfterContact postroom.IdleCode        `json:"idle_after_contact,omitzero"`
	Connected        bool                     `json:"connected"` // the lease is not stale
	Now              time.Time                `json:"now"`
	Capacity         map[postroom.Channel]int `json:"capacity"` // by channel; 0 and missing: none (R2)
}

type agentRow struct {
	ID      postroom.AgentID
	State   postroom.AgentState
	Idle    postroom.IdleCode
	Version int64
	After   postroom.IdleCode
	Owes    bool
	Away    float64 // seconds since the last change of state
}

var lockAgentStateRow = statement(`
	SELECT agent_id, state, idle_code, version, idle_after_contact, owes_rona, extract(epoch FROM postroom_now() - since)::float8
	FROM agent_state WHERE agent_id = $1 FOR NO KEY UPDATE`)

// lockAgentState locks an agent and reads his state.
func lockAgentState(ctx context.Context, tx *txn, id postroom.AgentID) (*agentRow, error) {
	row, found, err := one[agentRow](ctx, tx, lockAgentStateRow, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	}
	return &row, nil
}

var moveAgent = statement(`
	WITH moved AS (
		UPDATE agent_state SET state = $2, idle_code = $3, version = version + 1, idle_after_contact = '',
			since = CASE WHEN state = $2 AND idle_code = $3 THEN since ELSE postroom_now() END,
			owes_rona = CASE WHEN $2 = 'logged_out' THEN state = 'rona' ELSE false END
		WHERE agent_id = $1 RETURNING agent_id, version
	), logged AS (
		INSERT INTO agent_log (at, agent_id, event, from_state, to_state, idle_code, offer_id, actor)
		SELECT postroom_now(), agent_id, $4, $5, $2, $3, nullif($6, '')::uuid, $7 FROM moved
	)
	SELECT version FROM moved`)

// move changes the state of a locked agent as postroom.AgentMachine says for event, logs it, and notifies his stream.
func (a *agentRow) move(tx *txn, event postroom.AgentEvent, code postroom.IdleCode, offer postroom.OfferID,
	by postroom.Actor) error {
	to, err := postroom.AgentMachine.Next(a.State, event)
	if err != nil {
		return err
	}
	if to != postroom.AgentIdle {
		code = ""
	}
	tx.later(moveAgent, a.ID, string(to), string(code), string(event), string(a.State), string(offer), by.String())
	a.State, a.Idle, a.After, a.Version = to, code, "", a.Version+1
	if to == postroom.AgentLoggedOut {
		tx.maybe(dropTargetsOf, a.ID, by.String())
	}
	tx.publish(a.ID, Event{Kind: EventAgent})
	return nil
}

var setWantsWork = statement(`
	WITH wanted AS (
		UPDATE agent_state SET wants_work = true, wants_seq = wants_seq + 1, wants_since = postroom_now()
		WHERE agent_id = $1 AND state = 'available' AND idle_after_contact = '' RETURNING agent_id
	)
	SELECT pg_notify('postroom_look', agent_id) FROM wanted`)

// wantWork leaves the durable note that somebody must look for work for this agent, if he is Available and not about to be Idle. The
// look itself happens after the commit, in another transaction: inside, two sides could each read "nothing" and both go away.
func wantWork(tx *txn, id postroom.AgentID) { tx.maybe(setWantsWork, id) }

// AgentChange is what an agent chooses, or a supervisor for him. Seen is the version of the state that he saw when he chose: a
// late or repeated click never ends a RONA that it has not seen (I9).
type AgentChange struct {
	Agent postroom.AgentID
	To    postroom.AgentState // AgentAvailable or AgentIdle
	Code  postroom.IdleCode   // for AgentIdle
	Seen  int64
	// AfterContact makes the Idle of an Available agent wait until he holds nothing; until then he gets no offers (R13). Nobody else
	// has to wait: no wrap-up ends RONA (R10).
	AfterContact bool
}

// Withdrawn is a contact that went back to its queue by a change from outside, at this version; its workflow has to be told.
type Withdrawn struct {
	Contact postroom.ContactID
	Version int64
}

var knownIdleCode = statement(`SELECT active FROM idle_code WHERE id = $1`)

// SetAgentState changes an agent's state by hand. Idle withdraws his live offers in the same transaction (R12); Available leaves
// the note that work is wanted. A state that has changed since it was seen is a Conflict with reason stale_state; one that nobody can
// choose is Invalid.
func (s *Store) SetAgentState(ctx context.Context, c postroom.Command, ch AgentChange) (AgentStatus, []Withdrawn, error) {
	var status AgentStatus
	var withdrawn []Withdrawn
	if ch.To != postroom.AgentAvailable && ch.To != postroom.AgentIdle {
		return status, nil, postroom.Invalid(postroom.ReasonMalformed, "an agent chooses Available or Idle")
	}
	err := s.write(ctx, "set an agent's state", func(ctx context.Context, tx *txn) error {
		withdrawn = nil
		agent, err := lockAgentState(ctx, tx, ch.Agent)
		if err != nil {
			return err
		}
		done, err := repeated(ctx, tx, c) // under the lock: the same click a moment ago has changed what this one saw
		if err != nil {
			return err
		}
		if !done {
			remember(tx, c, "")
			if withdrawn, err = changeAgent(ctx, tx, agent, ch, choosing{person(c), postroom.CauseAgentIdle}); err != nil {
				return err
			}
		}
		status, err = agentStatus(ctx, tx, ch.Agent)
		return err
	})
	return status, withdrawn, err
}

// choosing is who chooses a state, and why offers end that the state ends.
type choosing struct {
	by    postroom.Actor
	cause postroom.EndCause
}

func changeAgent(ctx context.Context, tx *txn, agent *agentRow, ch AgentChange, how choosing) ([]Withdrawn, error) {
	if agent.Version != ch.Seen {
		return nil, postroom.Conflict(postroom.ReasonStaleState, "the agent's state has changed since it was shown")
	}
	if ch.To == postroom.AgentAvailable {
		if err := agent.move(tx, postroom.AgentChoosesReady, "", "", how.by); err != nil {
			return nil, err
		}
		wantWork(tx, ch.Agent)
		return nil, nil
	}
	active, found, err := value[bool](ctx, tx, knownIdleCode, string(ch.Code))
	if err != nil {
		return nil, err
	}
	if !found || !active {
		return nil, postroom.Invalid(postroom.ReasonUnknownCode, "there is no such idle code")
	}
	if ch.AfterContact && agent.State == postroom.AgentAvailable {
		held, err := heldBy(ctx, tx, ch.Agent)
		if err != nil {
			return nil, err
		}
		if held > 0 {
			idleLater(tx, agent, ch.Code, how.by)
			return nil, nil
		}
	}
	withdrawn, err := withdraw(ctx, tx, ch.Agent, postroom.OfferWithdraw, how.cause, how.by)
	if err != nil {
		return nil, err
	}
	return withdrawn, agent.move(tx, postroom.AgentChoosesIdle, ch.Code, "", how.by)
}

var setIdleLater = statement(`
	WITH noted AS (
		UPDATE agent_state SET idle_after_contact = $2, version = version + 1 WHERE agent_id = $1 RETURNING agent_id, state
	)
	INSERT INTO agent_log (at, agent_id, event, from_state, to_state, idle_code, actor)
	SELECT postroom_now(), agent_id, $3, state, state, $2, $4 FROM noted`)

// idleLater notes that the agent becomes Idle when he holds nothing any more (R13).
func idleLater(tx *txn, agent *agentRow, code postroom.IdleCode, by postroom.Actor) {
	tx.later(setIdleLater, agent.ID, string(code), string(postroom.AgentDefersIdle), by.String())
	agent.After, agent.Version = code, agent.Version+1
	tx.publish(agent.ID, Event{Kind: EventAgent})
}

var countHeld = statement(`SELECT count(*)::int FROM offer WHERE agent_id = $1 AND state IN ('live', 'accepted', 'wrapup')`)

// heldBy counts what an agent holds on every channel: offered, accepted and in wrap-up.
func heldBy(ctx context.Context, tx *txn, id postroom.AgentID) (int, error) {
	n, _, err := value[int](ctx, tx, countHeld, id)
	return n, err
}

var liveOffersOf = statement(`SELECT id::text FROM offer WHERE agent_id = $1 AND state = 'live' ORDER BY contact_id`)

// withdraw ends all live offers of a locked agent and puts their contacts back into their queues. Their workflows must be told.
func withdraw(ctx context.Context, tx *txn, agent postroom.AgentID, event postroom.OfferEvent, cause postroom.EndCause,
	by postroom.Actor) ([]Withdrawn, error) {
	ids, err := values[string](ctx, tx, liveOffersOf, agent)
	if err != nil {
		return nil, err
	}
	return withdrawOffers(ctx, tx, agent, ids, event, cause, by)
}

// withdrawOffers does that with some of an agent's offers.
func withdrawOffers(ctx context.Context, tx *txn, agent postroom.AgentID, ids []string, event postroom.OfferEvent, cause postroom.EndCause,
	by postroom.Actor) ([]Withdrawn, error) {
	var withdrawn []Withdrawn
	for _, id := range ids {
		o, err := getOffer(ctx, tx, postroom.OfferID(id))
		if err != nil {
			return nil, err
		}
		contact, err := lockContact(ctx, tx, o.Contact)
		if err != nil {
			return nil, err
		}
		if o, err = getOffer(ctx, tx, o.ID); err != nil {
			return nil, err
		}
		if o.State != postroom.OfferLive {
			continue
		}
		state, err := endOffer(tx, o, contact, event, cause, by, tellSoon)
		if err != nil {
			return nil, err
		}
		withdrawn = append(withdrawn, Withdrawn{o.Contact, contact.Version})
		tx.publish(agent, Event{Kind: EventContact, Contact: o.Contact, Offer: o.ID, State: state})
	}
	return withdrawn, nil
}

var readStatus = statement(`
	SELECT s.agent_id, s.state, s.idle_code, s.since, s.version, s.idle_after_contact,
	       coalesce(l.last_seen > postroom_now() - $2::interval, false), postroom_now(),
	       (SELECT jsonb_object_agg(channel, capacity) FROM agent_capacity k WHERE k.agent_id = s.agent_id)
	FROM agent_state s LEFT JOIN agent_lease l USING (agent_id) WHERE s.agent_id = $1`)

func agentStatus(ctx context.Context, d db, id postroom.AgentID) (AgentStatus, error) {
	r, found, err := one[AgentStatus](ctx, d, readStatus, id, postroom.LeaseTime)
	if err == nil && !found {
		return AgentStatus{}, postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	}
	return r, err
}

// AgentStatus reads an agent's state.
func (s *Store) AgentStatus(ctx context.Context, id postroom.AgentID) (AgentStatus, error) {
	status, err := agentStatus(ctx, s.pool, id)
	return status, translate("read an agent's state", err)
}
