package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Forcing is a state that somebody gives an agent from outside (R33).
type Forcing struct {
	Command postroom.Command // the zero Command at the command line
	By      postroom.Actor
	// Change.To may be AgentLoggedOut too.
	Change AgentChange
}

// ForceAgentState gives an agent who is signed in a state, or signs him out, and audits it. It never ends RONA (R10, I9): only he himself does;
// signed out, he is RONA again when he signs in. Signing out takes everything from him: offers are withdrawn, what he owns goes back to its
// queues with its drafts, wrap-ups are completed with their queue's default code, or, where there is none, stay until he or UnstickContact
// ends them; his sessions end. The workflows of the contacts that are returned must be told.
func (s *Store) ForceAgentState(ctx context.Context, f Forcing) (AgentStatus, []Withdrawn, error) {
	var status AgentStatus
	var changed []Withdrawn
	err := s.write(ctx, "force an agent's state", func(ctx context.Context, tx *txn) error {
		changed = nil
		agent, err := lockAgentState(ctx, tx, f.Change.Agent)
		if err != nil {
			return err
		}
		todo, err := once(ctx, tx, f.Command)
		if err != nil {
			return err
		}
		if todo {
			before := agent.State
			if changed, err = force(ctx, tx, agent, f); err != nil {
				return err
			}
			audit(tx, f.By, "force state", "agent/"+string(agent.ID), map[string]string{"state": string(before)},
				map[string]string{"state": string(f.Change.To), "idle_code": string(f.Change.Code)})
		}
		status, err = agentStatus(ctx, tx, f.Change.Agent)
		return err
	})
	return status, changed, err
}

func force(ctx context.Context, tx *txn, agent *agentRow, f Forcing) ([]Withdrawn, error) {
	switch {
	case agent.State == postroom.AgentLoggedOut:
		return nil, postroom.Refused(postroom.ReasonNotSignedIn, "the agent is not signed in")
	case f.Change.To == postroom.AgentLoggedOut:
		if agent.Version != f.Change.Seen {
			return nil, postroom.Conflict(postroom.ReasonStaleState, "the agent's state has changed since it was shown")
		}
		return signOutByForce(ctx, tx, agent, f.By)
	case f.Change.To != postroom.AgentAvailable && f.Change.To != postroom.AgentIdle:
		return nil, postroom.Invalid(postroom.ReasonMalformed, "an agent can be made Available or Idle, or signed out")
	case agent.State == postroom.AgentRONA:
		return nil, postroom.Refused(postroom.ReasonInRONA, "only the agent himself ends this state: he did not respond to an offer")
	}
	return changeAgent(ctx, tx, agent, f.Change, choosing{f.By, postroom.CauseSupervisor})
}

// signOutByForce takes everything from a locked agent, contact by contact in the order of their ids, and signs him out.
func signOutByForce(ctx context.Context, tx *txn, agent *agentRow, by postroom.Actor) ([]Withdrawn, error) {
	held, err := all[heldOffer](ctx, tx, heldOfAgent, agent.ID)
	if err != nil {
		return nil, err
	}
	var changed []Withdrawn
	for _, h := range held {
		contact, err := lockContact(ctx, tx, h.Contact)
		if err != nil {
			return nil, err
		}
		o, found, err := heldAgain(ctx, tx, h.ID)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		before := contact.Version
		if o.State == postroom.OfferWrapUp {
			err = completeByDefault(ctx, tx, o, contact, by)
		} else {
			err = takeBack(ctx, tx, o, contact, taking{cause: postroom.CauseSupervisor, by: by, tell: tellSoon})
		}
		if err != nil {
			return nil, err
		}
		if contact.Version > before {
			changed = append(changed, Withdrawn{contact.ID, contact.Version})
		}
	}
	tx.maybe(endSessionsOf, string(agent.ID))
	if agent, err = lockAgentState(ctx, tx, agent.ID); err != nil { // an Idle that waited for what he held may have taken effect
		return nil, err
	}
	return changed, agent.move(tx, postroom.AgentSignsOut, "", "", by)
}

var bringDue = statement(`UPDATE segment SET wrapup_due_at = postroom_now() WHERE offer_id = $1 AND state = 'wrapup'`)

// completeByDefault brings the time of a wrap-up forward to now, and records it as automatic with its queue's default code; without one it changes nothing.
func completeByDefault(ctx context.Context, tx *txn, h heldOffer, contact *contactRow, by postroom.Actor) error {
	due, _, err := one[dueRow](ctx, tx, readDue, h.ID)
	if err != nil || due.Default == "" {
		return err
	}
	o, err := getOffer(ctx, tx, h.ID)
	if err != nil {
		return err
	}
	tx.later(bringDue, h.ID)
	tx.publish(h.Agent, Event{Kind: EventContact, Contact: h.Contact, Offer: h.ID, State: postroom.OfferFinished})
	return wrapUp(ctx, tx, by, o, contact, postroom.WrapUp{Code: due.Default, Automatic: true}, due.Note)
}
