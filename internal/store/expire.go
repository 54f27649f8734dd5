package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Expiry is what became of an attempt to expire an offer.
type Expiry struct {
	Snapshot postroom.ContactSnapshot
	// Ended is the offer's state if this call ended it, else "": too early, or somebody was first. Follow the snapshot.
	Ended postroom.OfferState
	// Agent is who becomes able or unable by it.
	Agent postroom.AgentID
}

type blameRow struct {
	State postroom.AgentState
	Shown bool
	Stale bool
	Tried bool
}

var readBlame = statement(`
	SELECT s.state, o.shown_at IS NOT NULL,
	       coalesce(l.last_seen < o.expires_at - $2::interval, true),
	       coalesce(o.accept_tried_at < o.expires_at, false)
	FROM offer o JOIN agent_state s USING (agent_id) LEFT JOIN agent_lease l USING (agent_id) WHERE o.id = $1`)

// ExpireOffer ends a live offer whose deadline has passed by PostgreSQL's clock, in one transaction with the requeue of its
// contact and what becomes of the agent (R9, R12, I4). The cause is decided here:
//
//   - unreachable, if no desktop ever showed it, its lease was stale at the deadline, an Accept in time met our outage, or we noticed
//     the deadline more than postroom.LateNotice late. An Available agent becomes Idle (Disconnected), and is not blamed.
//   - else expired, and the agent becomes RONA, unless he has been Idle or signed out meanwhile.
//
// Before the deadline it changes nothing, and the snapshot says how much remains.
func (s *Store) ExpireOffer(ctx context.Context, id postroom.OfferID) (Expiry, error) {
	var result Expiry
	err := s.write(ctx, "expire an offer", func(ctx context.Context, tx *txn) error {
		result = Expiry{}
		o, contact, err := lockOffer(ctx, tx, id)
		if err != nil {
			return err
		}
		if o.State != postroom.OfferLive || !o.Expired {
			tx.answer(o.Contact, &result.Snapshot)
			return nil
		}
		blame, _, err := one[blameRow](ctx, tx, readBlame, id, postroom.LeaseTime)
		if err != nil {
			return err
		}
		event, cause := judge(blame, o.Late)
		by := postroom.System("timer")
		result.Agent = o.Agent
		if result.Ended, err = endOffer(tx, o, contact, event, cause, by, tellLater); err != nil {
			return err
		}
		if err := blameAgent(ctx, tx, o, event, cause, by); err != nil {
			return err
		}
		tx.answer(o.Contact, &result.Snapshot)
		tx.publish(o.Agent, Event{Kind: EventContact, Contact: o.Contact, Offer: o.ID, State: result.Ended})
		return nil
	})
	return result, err
}

// judge decides why an offer expired (R12).
func judge(b blameRow, late time.Duration) (postroom.OfferEvent, postroom.EndCause) {
	switch {
	case !b.Shown:
		return postroom.OfferNotReached, postroom.CauseNeverShown
	case b.Stale:
		return postroom.OfferNotReached, postroom.CauseLeaseStale
	case b.Tried:
		return postroom.OfferNotReached, postroom.CauseAcceptOutage
	case late > postroom.LateNotice:
		return postroom.OfferNotReached, postroom.CauseNoticedLate
	case b.State == postroom.AgentIdle || b.State == postroom.AgentLoggedOut:
		return postroom.OfferExpire, postroom.CauseNotAvailable
	}
	return postroom.OfferExpire, postroom.CauseRONA
}

// blameAgent changes the agent's state after an offer of his ended unanswered.
func blameAgent(ctx context.Context, tx *txn, o offerRow, event postroom.OfferEvent, cause postroom.EndCause, by postroom.Actor) error {
	if cause == postroom.CauseNotAvailable {
		return nil
	}
	agent, err := lockAgentState(ctx, tx, o.Agent)
	if err != nil {
		return err
	}
	if event == postroom.OfferExpire {
		return agent.move(tx, postroom.AgentMissesOffer, "", o.ID, by)
	}
	if agent.State != postroom.AgentAvailable {
		return nil // RONA stays RONA, a chosen Idle stays as chosen
	}
	return agent.move(tx, postroom.AgentNotReached, postroom.IdleDisconnected, o.ID, by)
}
