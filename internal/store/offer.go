package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// offerRow is an offer as a transaction reads it after it locked agent and contact.
type offerRow struct {
	ID      postroom.OfferID
	Contact postroom.ContactID
	Agent   postroom.AgentID
	Queue   postroom.QueueID
	State   postroom.OfferState
	Expired bool          // its deadline has passed by PostgreSQL's clock
	Late    time.Duration // by how much; negative before the deadline
	// SegmentOnly says that the contact went on without it: only the stay is wrapped up (R24).
	SegmentOnly bool
}

type offerRowSQL struct {
	ID, Contact, Agent, Queue, State string
	Late                             float64
	SegmentOnly                      bool
}

var readOffer = statement(`
	SELECT id, contact_id, agent_id, queue_id, state, extract(epoch FROM postroom_now() - expires_at)::float8, segment_only FROM offer WHERE id = $1`)

func getOffer(ctx context.Context, d db, id postroom.OfferID) (offerRow, error) {
	r, found, err := one[offerRowSQL](ctx, d, readOffer, id)
	if err != nil {
		return offerRow{}, err
	}
	if !found {
		return offerRow{}, unknownOffer()
	}
	late := seconds(r.Late)
	return offerRow{postroom.OfferID(r.ID), postroom.ContactID(r.Contact), postroom.AgentID(r.Agent), postroom.QueueID(r.Queue),
		postroom.OfferState(r.State), late >= 0, late, r.SegmentOnly}, nil
}

// lockOffer locks an offer's agent and then its contact, as everybody does, and reads the offer: it may have changed while the locks were
// waited for.
func lockOffer(ctx context.Context, tx *txn, id postroom.OfferID) (offerRow, *contactRow, error) {
	o, err := getOffer(ctx, tx, id)
	if err != nil {
		return o, nil, err
	}
	if _, _, err := value[int64](ctx, tx, lockAgent, o.Agent); err != nil {
		return o, nil, err
	}
	contact, err := lockContact(ctx, tx, o.Contact)
	if err != nil {
		return o, nil, err
	}
	o, err = getOffer(ctx, tx, id)
	return o, contact, err
}

// ownOffer reads an offer and refuses when it is not this agent's.
func ownOffer(ctx context.Context, d db, id postroom.OfferID, agent postroom.AgentID) (offerRow, error) {
	o, err := getOffer(ctx, d, id)
	if err == nil && o.Agent != agent {
		return o, notYourOffer()
	}
	return o, err
}

func unknownOffer() error {
	return postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer")
}

func notYourOffer() error {
	return &postroom.Error{Kind: postroom.KindForbidden, Reason: postroom.ReasonNotYourOffer, Message: "this offer is another agent's"}
}

// step is one mutation that an agent asks for on an offer of his.
type step struct {
	what string
	// same reports that an offer in this state needs no change: an earlier request did it. The answer is the row as it is.
	same func(postroom.OfferState) bool
	// apply changes offer, segment and contact, all under lock, and returns the offer's new state.
	apply func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error)
}

// onOffer carries out a step: once per request, under the locks of agent and contact, with its event last.
func (s *Store) onOffer(ctx context.Context, c postroom.Command, id postroom.OfferID, st step) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, st.what, func(ctx context.Context, tx *txn) error {
		contactID, done, err := asked(ctx, tx, c, id)
		if err != nil {
			return err
		}
		if done {
			tx.answer(contactID, &result)
			return nil
		}
		if _, _, err := value[int64](ctx, tx, lockAgent, c.Actor); err != nil {
			return err
		}
		contact, err := lockContact(ctx, tx, contactID)
		if err != nil {
			return err
		}
		// Remembered before the offer is judged: the same request a moment ago has changed it, and then this transaction fails on the
		// request's key, runs again, and answers alike. The offer is read only now: it may have changed while we waited for the locks.
		remember(tx, c, contactID)
		o, err := getOffer(ctx, tx, id)
		if err != nil {
			return err
		}
		if st.same(o.State) {
			tx.answer(o.Contact, &result)
			return nil
		}
		state, err := st.apply(ctx, tx, o, contact)
		if err != nil {
			return err
		}
		tx.answer(o.Contact, &result)
		tx.publish(c.Actor, Event{Kind: EventContact, Contact: o.Contact, Offer: id, State: state})
		return nil
	})
	return result, err
}

type askedRow struct {
	Contact  postroom.ContactID
	Agent    postroom.AgentID
	RPC      string
	BodyHash []byte
}

var readAsked = statement(`
	SELECT o.contact_id, o.agent_id, coalesce(r.rpc, ''), coalesce(r.body_hash, '')
	FROM offer o LEFT JOIN request r ON r.actor = $2 AND r.request_id = $3 WHERE o.id = $1`)

// asked finds the contact of an agent's own offer, and whether this request on it was carried out before.
func asked(ctx context.Context, tx *txn, c postroom.Command, id postroom.OfferID) (postroom.ContactID, bool, error) {
	r, found, err := one[askedRow](ctx, tx, readAsked, id, c.Actor, c.RequestID)
	if err != nil {
		return "", false, err
	}
	if !found {
		return "", false, unknownOffer()
	}
	if r.Agent != c.Actor {
		return "", false, notYourOffer()
	}
	if r.RPC == "" {
		return r.Contact, false, nil
	}
	return r.Contact, true, same(c, r.RPC, r.BodyHash)
}

// person is the actor of a command.
func person(c postroom.Command) postroom.Actor {
	return postroom.Actor{Kind: postroom.ActorAgent, ID: string(c.Actor)}
}

// The clock goes on between the condition and the value.
var acceptOffer = statement(`
	UPDATE offer SET state = 'accepted', accepted_at = least(postroom_now(), expires_at - interval '1 microsecond')
	WHERE id = $1 AND agent_id = $2 AND state = 'live' AND postroom_now() < expires_at RETURNING id::text`)

var openAgentSegment = statement(`
	INSERT INTO segment (id, contact_id, kind, queue_id, agent_id, offer_id, state, started_at)
	VALUES ($1, $2, 'agent', $3, $4, $5, 'open', postroom_now())`)

// AcceptOffer makes the agent of a live offer the owner of its contact, if its deadline has not passed (R8). An offer that he
// accepted before is a success without effect. Too late is a Conflict with reason offer_expired; ended otherwise, offer_ended.
func (s *Store) AcceptOffer(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "accept an offer",
		same: func(s postroom.OfferState) bool {
			return s == postroom.OfferAccepted || s == postroom.OfferWrapUp || s == postroom.OfferFinished
		},
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			_, accepted, err := value[string](ctx, tx, acceptOffer, id, c.Actor)
			if err != nil {
				return "", err
			}
			if !accepted {
				return "", whyNotLive(o)
			}
			tx.later(openAgentSegment, newID(), o.Contact, contact.Queue, o.Agent, o.ID)
			return postroom.OfferAccepted, contact.move(tx, postroom.ContactAccepted,
				change{actor: person(c), agent: o.Agent, offer: o.ID, tell: tellLater})
		},
	})
}

// whyNotLive explains an offer that cannot be accepted or declined any more.
func whyNotLive(o offerRow) error {
	switch o.State {
	case postroom.OfferLive, postroom.OfferExpired, postroom.OfferUnreachable:
		return postroom.Conflict(postroom.ReasonOfferExpired, "this offer has expired")
	}
	return postroom.Conflict(postroom.ReasonOfferEnded, "this offer has ended")
}

var endLiveOffer = statement(`
	UPDATE offer SET state = $2, ended_at = postroom_now(), end_cause = $3 WHERE id = $1 AND state = 'live'`)

// endOffer ends a live offer under lock and puts its contact back into its queue, with its original arrival time: the offer's
// end, the requeue and what becomes of the agent are one transaction (I4).
func endOffer(tx *txn, o offerRow, contact *contactRow, event postroom.OfferEvent, cause postroom.EndCause,
	by postroom.Actor, tell time.Duration) (postroom.OfferState, error) {
	state, err := postroom.OfferMachine.Next(o.State, event)
	if err != nil {
		return "", err
	}
	tx.later(endLiveOffer, o.ID, string(state), string(cause))
	contact.waitAgain(tx, o.ID)
	return state, contact.move(tx, postroom.ContactRequeued, change{actor: by, agent: o.Agent, offer: o.ID, tell: tell,
		detail: map[string]string{"offer": string(state), "cause": string(cause)}})
}

// DeclineOffer ends a live offer because the agent said no (R12). The agent keeps his state and wants other work, or becomes Idle if
// that waited for what he held.
func (s *Store) DeclineOffer(ctx context.Context, c postroom.Command, id postroom.OfferID) (postroom.ContactSnapshot, error) {
	return s.onOffer(ctx, c, id, step{
		what: "decline an offer",
		same: func(s postroom.OfferState) bool { return s == postroom.OfferDeclined },
		apply: func(ctx context.Context, tx *txn, o offerRow, contact *contactRow) (postroom.OfferState, error) {
			if o.State != postroom.OfferLive {
				return "", whyNotLive(o)
			}
			state, err := endOffer(tx, o, contact, postroom.OfferDecline, postroom.CauseDeclined, person(c), tellLater)
			if err != nil {
				return "", err
			}
			return state, freed(ctx, tx, c.Actor)
		},
	})
}

var markShown = statement(`UPDATE offer SET shown_at = postroom_now() WHERE id = $1 AND state = 'live' AND shown_at IS NULL`)

// OfferShown records that a desktop has painted the card of an agent's live offer (R12). Again, or after the end, it is nothing.
func (s *Store) OfferShown(ctx context.Context, agent postroom.AgentID, id postroom.OfferID) error {
	return s.touchOffer(ctx, "record that an offer was shown", markShown, agent, id)
}

var markAcceptTried = statement(`
	UPDATE offer SET accept_tried_at = postroom_now() WHERE id = $1 AND state = 'live' AND accept_tried_at IS NULL`)

// AcceptMetOutage records, once, that an Accept in time could not be carried out because of us: the agent is not blamed when the
// offer expires (R12).
func (s *Store) AcceptMetOutage(ctx context.Context, agent postroom.AgentID, id postroom.OfferID) error {
	return s.touchOffer(ctx, "record that an accept met an outage", markAcceptTried, agent, id)
}

func (s *Store) touchOffer(ctx context.Context, what, sql string, agent postroom.AgentID, id postroom.OfferID) error {
	return s.write(ctx, what, func(ctx context.Context, tx *txn) error {
		if _, err := ownOffer(ctx, tx, id, agent); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql, id)
		return err
	})
}
