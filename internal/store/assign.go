package store

import (
	"context"

	"github.com/postroom/postroom"
)

// The rules by which an agent owns a contact that he did not accept (R33). They stand in the offer's reason, so that reports tell such an
// ownership from an offer.
const (
	RuleAssigned = "assigned" // a supervisor gave it to him
	RulePicked   = "picked"   // he took it himself
	RuleClosed   = "closed"   // a supervisor closed it while it waited
)

// AssignContact makes an agent the owner of a contact that waits, is offered to somebody, or is parked (R33): an owner without an offer. He
// must be signed in, not RONA, and have room; Idle he may be. A live offer is withdrawn. What has an owner already is Refused
// with reason already_held.
func (s *Store) AssignContact(ctx context.Context, v Supervision, agent postroom.AgentID) (postroom.ContactSnapshot, error) {
	return s.supervise(ctx, "assign a contact", v, []postroom.AgentID{agent},
		func(ctx context.Context, tx *txn, contact *contactRow, held []heldOffer) error {
			switch contact.Phase {
			case postroom.ContactOffered, postroom.ContactParked:
				if err := toQueue(ctx, tx, contact, held, taking{cause: postroom.CauseSupervisor, by: v.By, tell: tellSoon}); err != nil {
					return err
				}
			case postroom.ContactOwned, postroom.ContactWrapUp:
				return postroom.Refused(postroom.ReasonAlreadyHeld, "the contact has an owner: requeue it first")
			case postroom.ContactNew:
				return postroom.Refused(postroom.ReasonNotWaiting, "the contact is in no queue yet")
			}
			return own(ctx, tx, contact, agent, owning{rule: RuleAssigned, by: v.By})
		})
}

type pickRow struct {
	Allowed  bool
	Admitted bool
	Target   postroom.AgentID
}

var readPick = statement(`
	SELECT coalesce((q.rules->>'manual_pick')::boolean, false),
	       EXISTS (SELECT FROM agent_lane l WHERE l.agent_id = $2 AND l.queue_id = c.queue_id AND l.step = c.step), coalesce(c.target_agent_id, '')
	FROM contact c JOIN queue q ON q.id = c.queue_id WHERE c.id = $1`)

// PickContact makes an agent the owner of a contact that waits in a queue from which agents may take contacts themselves (R33), if he could
// be offered it at this stage of its wait, or it waits for him. He must have room and not be RONA; Idle he may be.
func (s *Store) PickContact(ctx context.Context, v Supervision) (postroom.ContactSnapshot, error) {
	agent := v.Command.Actor
	return s.supervise(ctx, "pick a contact", v, []postroom.AgentID{agent},
		func(ctx context.Context, tx *txn, contact *contactRow, _ []heldOffer) error {
			if contact.Phase != postroom.ContactWaiting {
				return postroom.Conflict(postroom.ReasonNotWaiting, "the contact does not wait any more")
			}
			may, _, err := one[pickRow](ctx, tx, readPick, v.Contact, agent)
			if err != nil {
				return err
			}
			switch {
			case !may.Allowed:
				return postroom.Refused(postroom.ReasonPickNotAllowed, "contacts of this queue are offered, not picked")
			case may.Target != "" && may.Target != agent:
				return postroom.Refused(postroom.ReasonWaitsForAnother, "the contact waits for another agent")
			case !may.Admitted && may.Target != agent:
				return postroom.Refused(postroom.ReasonPickNotAllowed, "this contact is not for your team or your skills at this stage of its wait")
			}
			return own(ctx, tx, contact, agent, owning{rule: RulePicked, by: v.By})
		})
}

// owning is how an agent comes to own a contact without an offer.
type owning struct {
	rule string
	by   postroom.Actor
}

// own makes a locked agent the owner of a locked contact that waits: a slot like a claim's, accepted as it is made.
func own(ctx context.Context, tx *txn, contact *contactRow, agent postroom.AgentID, how owning) error {
	slot, err := hasRoom(ctx, tx, agent, contact.Channel)
	if err != nil {
		return err
	}
	offer := postroom.OfferID(newID())
	tx.maybe(dropTarget, contact.ID)
	tx.later(insertOffer, offer, contact.ID, agent, contact.Queue, string(contact.Channel), slot, marshal(map[string]string{"rule": how.rule}))
	tx.later(acceptNow, offer)
	contact.leaveQueue(tx)
	tx.later(openAgentSegment, newID(), contact.ID, contact.Queue, agent, offer)
	if err := contact.move(tx, postroom.ContactAssigned, change{actor: how.by, agent: agent, offer: offer, tell: tellSoon,
		detail: map[string]string{"rule": how.rule}}); err != nil {
		return err
	}
	tx.publish(agent, Event{Kind: EventContact, Contact: contact.ID, Offer: offer, State: postroom.OfferAccepted})
	return nil
}
