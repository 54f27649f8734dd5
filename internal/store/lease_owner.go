package store

import (
	"context"

	"github.com/postroom/postroom"
)

// The lease that an owner must keep is his desktop's; how long it may be lost is his queue's (owner_lease_seconds, R32).
var readAbsentOwners = statement(`
	SELECT DISTINCT o.agent_id FROM offer o JOIN queue q ON q.id = o.queue_id LEFT JOIN agent_lease l USING (agent_id)
	WHERE o.state = 'accepted' AND coalesce(l.last_seen, '-infinity') < postroom_now() - make_interval(secs => q.owner_lease_seconds)
	ORDER BY 1`)

// AbsentOwners lists the agents whose lease has been lost for so long that a contact of theirs goes back to its queue.
func (s *Store) AbsentOwners(ctx context.Context) ([]postroom.AgentID, error) {
	agents, err := values[postroom.AgentID](ctx, s.pool, readAbsentOwners)
	return agents, translate("read absent owners", err)
}

var ownedByAbsent = statement(`
	SELECT o.id, o.contact_id, o.agent_id, o.state, o.segment_only
	FROM offer o JOIN queue q ON q.id = o.queue_id LEFT JOIN agent_lease l USING (agent_id)
	WHERE o.agent_id = $1 AND o.state = 'accepted'
	  AND coalesce(l.last_seen, '-infinity') < postroom_now() - make_interval(secs => q.owner_lease_seconds)
	ORDER BY o.contact_id, o.id`)

// LoseOwner takes the contacts from an owner whose desktop has stayed away for longer than their queues allow: each goes back to its queue with
// its draft (R12, R19). The lease is read again under the agent's lock. What he has to wrap up stays his, and so does his state: RONA stays
// RONA (I9). The contacts' workflows must be told.
func (s *Store) LoseOwner(ctx context.Context, id postroom.AgentID) ([]Withdrawn, error) {
	var released []Withdrawn
	err := s.write(ctx, "lose an owner", func(ctx context.Context, tx *txn) error {
		released = nil
		if _, err := lockAgentState(ctx, tx, id); err != nil {
			return err
		}
		owned, err := all[heldOffer](ctx, tx, ownedByAbsent, id)
		if err != nil {
			return err
		}
		for _, o := range owned {
			contact, err := lockContact(ctx, tx, o.Contact)
			if err != nil {
				return err
			}
			o, found, err := heldAgain(ctx, tx, o.ID)
			if err != nil {
				return err
			}
			if !found || o.State != postroom.OfferAccepted {
				continue // somebody was first
			}
			if err := takeBack(ctx, tx, o, contact, taking{cause: postroom.CauseOwnerLost, by: postroom.System("lease"), tell: tellSoon}); err != nil {
				return err
			}
			released = append(released, Withdrawn{contact.ID, contact.Version})
		}
		if len(released) == 0 {
			return nil
		}
		return freed(ctx, tx, id)
	})
	return released, err
}
