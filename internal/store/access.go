package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Relation is how a person stands to a contact: what the permission table decides on (R40).
type Relation struct {
	Holds    bool // owns it or is wrapping it up
	Offered  bool // has a live offer of it
	Handled  bool // owned it once
	Serves   bool // holds another contact of the same customer: may read this one as history
	InTeam   bool // its queue, or the agent who holds it, belongs to his team
	Queue    bool // its queue is his team's; one that helps out late in a wait has it only when it is offered
	Exists   bool
	Customer postroom.CustomerID
	Reminded bool // has a reminder of it, which is to come or has not been seen to (R25)
}

var readRelation = statement(`
	SELECT EXISTS (SELECT FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a.id AND o.state IN ('accepted', 'wrapup')),
	       EXISTS (SELECT FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a.id AND o.state = 'live'),
	       EXISTS (SELECT FROM offer o WHERE o.contact_id = c.id AND o.agent_id = a.id AND o.accepted_at IS NOT NULL),
	       EXISTS (SELECT FROM offer o JOIN contact x ON x.id = o.contact_id
	               WHERE o.agent_id = a.id AND o.state IN ('accepted', 'wrapup') AND x.customer_id = c.customer_id),
	       a.team_id IS NOT NULL AND (
	           EXISTS (SELECT FROM queue_team t WHERE t.queue_id = c.queue_id AND t.team_id = a.team_id)
	           OR EXISTS (SELECT FROM offer o JOIN agent h ON h.id = o.agent_id
	                      WHERE o.contact_id = c.id AND o.state IN ('live', 'accepted', 'wrapup') AND h.team_id = a.team_id)),
	       EXISTS (SELECT FROM queue_team t WHERE t.queue_id = c.queue_id AND t.team_id = a.team_id),
	       true, c.customer_id::text,
	       EXISTS (SELECT FROM reminder r WHERE r.contact_id = c.id AND r.state IN ('set', 'fired') AND (r.assignee = a.id OR r.fired_to @> ARRAY[a.id]))
	FROM contact c, agent a WHERE c.id = $1 AND a.id = $2`)

// RelationToContact reads how an agent stands to a contact. One that does not exist is the zero Relation.
func (s *Store) RelationToContact(ctx context.Context, id postroom.ContactID, agent postroom.AgentID) (Relation, error) {
	r, _, err := one[Relation](ctx, s.pool, readRelation, id, agent)
	return r, translate("read a permission", err)
}

var readOfferContact = statement(`SELECT contact_id::text FROM offer WHERE id = $1 AND agent_id = $2`)

// ContactOfOffer reads which contact an agent's offer is about. An offer of somebody else is as unknown as one that never was.
func (s *Store) ContactOfOffer(ctx context.Context, id postroom.OfferID, agent postroom.AgentID) (postroom.ContactID, error) {
	c, found, err := value[postroom.ContactID](ctx, s.pool, readOfferContact, id, agent)
	if err == nil && !found {
		return "", postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer")
	}
	return c, translate("read an offer", err)
}

// Work is whether an agent may work on an offer.
type Work struct {
	Own      bool // the offer is his
	Accepted bool // and he accepted it: what was accepted stays workable (R2)
	Capacity int  // how many of its channel he may hold; of email, if the offer is not his
}

var readWork = statement(`
	SELECT o.id IS NOT NULL, coalesce(o.accepted_at IS NOT NULL, false), coalesce(k.capacity, 0)::int
	FROM (VALUES (1)) one LEFT JOIN offer o ON o.id = $1 AND o.agent_id = $2
	LEFT JOIN agent_capacity k ON k.agent_id = $2 AND k.channel = coalesce(o.channel, 'email')`)

// MayWork reads whether an agent may work on an offer.
func (s *Store) MayWork(ctx context.Context, id postroom.OfferID, agent postroom.AgentID) (Work, error) {
	w, _, err := one[Work](ctx, s.pool, readWork, id, agent)
	return w, translate("read a permission", err)
}

// Content is where an attachment's content is.
type Content struct {
	Contact   postroom.ContactID
	BlobKey   string
	Filename  string
	MediaType string
	Size      int64
	Verdict   postroom.AttachmentVerdict
	Reason    postroom.Reason // why it did not pass
	Malware   postroom.Malware
}

var readContent = statement(`
	SELECT coalesce(m.contact_id::text, ''), t.blob_key, t.filename, t.media_type, t.size, t.verdict, t.reason, t.malware
	FROM attachment t JOIN message m ON m.id = t.message_id WHERE t.id = $1`)

// Attachment reads where an attachment's content is.
func (s *Store) Attachment(ctx context.Context, id postroom.AttachmentID) (Content, error) {
	c, found, err := one[Content](ctx, s.pool, readContent, id)
	if err == nil && !found {
		return c, postroom.NotFound("unknown_attachment", "there is no such attachment")
	}
	return c, translate("read an attachment", err)
}

var readTeamOf = statement(`SELECT coalesce(team_id, '') FROM agent WHERE id = $1 AND active`)

// TeamOf reads an agent's team.
func (s *Store) TeamOf(ctx context.Context, id postroom.AgentID) (postroom.TeamID, error) {
	team, found, err := value[postroom.TeamID](ctx, s.pool, readTeamOf, id)
	if err == nil && !found {
		return "", postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
	}
	return team, translate("read an agent's team", err)
}

var readMayForce = statement(`SELECT may_force_states FROM agent WHERE id = $1 AND active`)

// MayForceStates reads whether a supervisor may force the states of his agents (R33).
func (s *Store) MayForceStates(ctx context.Context, id postroom.AgentID) (bool, error) {
	may, _, err := value[bool](ctx, s.pool, readMayForce, id)
	return may, translate("read a permission", err)
}
