package store

import (
	"context"

	"github.com/postroom/postroom"
)

// RuleBegun is the rule, in an offer's reason, by which an agent owns a contact that he began with a mail (R23).
const RuleBegun = "begun"

// Beginning is a contact that an agent begins with a mail (R23): the mail is its draft, and what he decided beside it.
type Beginning struct {
	Queue    postroom.QueueID
	Customer postroom.Address // to whom he writes
	Subject  postroom.Text
	Body     postroom.Text
	Composed Composition
}

// Begun is a contact that an agent began, ready for its first mail.
type Begun struct {
	Contact postroom.ContactID
	Offer   postroom.OfferID
	Draft   int64 // the version of the draft
}

type begunQueueRow struct {
	Mailbox postroom.MailboxID
	Channel postroom.Channel
	Serves  bool // the agent's team serves it
}

var readBegunQueue = statement(`
	SELECT q.mailbox_id, q.channel, EXISTS (SELECT FROM queue_team t JOIN agent a ON a.team_id = t.team_id WHERE t.queue_id = q.id AND a.id = $2)
	FROM queue q WHERE q.id = $1 AND q.active`)
var insertBegun = statement(`
	WITH begun AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, begun_by, tell_at)
		VALUES ($1, $2, $3, $4, $5, $6, postroom_now(), 'new', $7, postroom_now() + $8) RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, $9, jsonb_build_object('begun_by', $7::text) FROM begun`)
var readBegun = statement(`
	SELECT c.id, o.id, coalesce(d.version, 0) FROM request r JOIN contact c ON c.id = r.contact_id
	JOIN offer o ON o.contact_id = c.id AND o.agent_id = r.actor AND o.reason->>'rule' = '` + RuleBegun + `' LEFT JOIN draft d ON d.contact_id = c.id
	WHERE r.actor = $1 AND r.request_id = $2`)

// BeginMail opens a contact for a mail that an agent writes first, in a thread of its own, owned by him (R23). The customer is whoever has the address,
// or a new one. He needs what a pick needs (R33): to be signed in, not RONA, and to have room; Idle he may be. A queue that is not there, or not his
// team's, is Refused with reason unknown_queue. The same request again is answered alike.
func (s *Store) BeginMail(ctx context.Context, c postroom.Command, b Beginning) (Begun, error) {
	var begun Begun
	err := s.write(ctx, "begin a contact with a mail", func(ctx context.Context, tx *txn) error {
		if _, _, err := value[int64](ctx, tx, lockAgent, c.Actor); err != nil {
			return err
		}
		done, err := repeated(ctx, tx, c) // under the lock: a moment ago it may not have been there
		if err != nil {
			return err
		}
		if done {
			begun, _, err = one[Begun](ctx, tx, readBegun, c.Actor, c.RequestID)
			return err
		}
		into, found, err := one[begunQueueRow](ctx, tx, readBegunQueue, string(b.Queue), c.Actor)
		if err != nil {
			return err
		}
		if !found || !into.Serves || into.Channel != postroom.ChannelEmail {
			return postroom.Refused(postroom.ReasonUnknownQueue, "your team serves no such queue of mails")
		}
		slot, err := hasRoom(ctx, tx, c.Actor, into.Channel)
		if err != nil {
			return err
		}
		customer, err := customerOf(ctx, tx, b.Customer.Name.Reveal(), b.Customer.Address.Reveal())
		if err != nil {
			return err
		}
		contact := &contactRow{ID: postroom.ContactID(newID()), Phase: postroom.ContactNew, Version: 1, Queue: b.Queue, Mailbox: into.Mailbox,
			Thread: postroom.ThreadID(newID()), Channel: into.Channel}
		remember(tx, c, contact.ID)
		tx.later(insertThread, contact.Thread, customer)
		tx.later(insertBegun, contact.ID, contact.Thread, string(customer), string(contact.Channel), string(contact.Mailbox), b.Subject.Reveal(), c.Actor, tellSoon,
			person(c).String())
		if err := begin(tx, c, contact, beginning{slot, RuleBegun}); err != nil {
			return err
		}
		draft, _, err := one[Draft](ctx, tx, writeDraft, contact.ID, b.Body.Reveal(), c.Actor)
		if err != nil {
			return err
		}
		if err := b.Composed.write(ctx, tx, contact.ID, draft.Version); err != nil {
			return err
		}
		begun, _, err = one[Begun](ctx, tx, readBegun, c.Actor, c.RequestID)
		return err
	})
	return begun, err
}

// StartQueue is a queue in which an agent may begin contacts.
type StartQueue struct {
	ID      postroom.QueueID
	Name    string
	NameKo  string
	Senders []SenderView // from whom its mails may be, its own mailbox first
}

var readStartQueues = statement(`
	SELECT q.id, q.name, q.name_ko, coalesce(` + sendersOf + `, '[]') FROM queue q
	WHERE q.active AND q.channel = 'email' AND EXISTS (SELECT FROM queue_team t JOIN agent a ON a.team_id = t.team_id WHERE t.queue_id = q.id AND a.id = $1)
	ORDER BY q.id`)

// StartQueues reads the queues in which an agent may begin contacts: those that his team serves.
func (s *Store) StartQueues(ctx context.Context, agent postroom.AgentID) ([]StartQueue, error) {
	queues, err := all[StartQueue](ctx, s.pool, readStartQueues, agent)
	return queues, translate("read where contacts may be begun", err)
}
