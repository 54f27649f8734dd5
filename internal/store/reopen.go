package store

import (
	"context"

	"github.com/postroom/postroom"
)

// RuleReopened is the rule, in an offer's reason, by which an agent owns a contact that he took up again (R46).
const RuleReopened = "reopened"

type earlierRow struct {
	Thread  postroom.ThreadID
	Channel postroom.Channel
	Mailbox postroom.MailboxID
	Queue   postroom.QueueID
	Phase   postroom.ContactPhase
}

var readEarlier = statement(`SELECT thread_id, channel, mailbox_id, coalesce(queue_id, ''), phase FROM contact WHERE id = $1`)
var beginContact = statement(`
	WITH begun AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, begun_from, tell_at)
		SELECT $2, thread_id, customer_id, channel, mailbox_id, subject, postroom_now(), 'new', id, postroom_now() FROM contact WHERE id = $1
		RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, $3, jsonb_build_object('from', $1) FROM begun`)

// ReopenContact takes a completed matter up again (R46): a new contact in the same thread, in the queue where the earlier one ended, begun and
// owned by the agent, who needs room as for any other. A thread has one open contact at most: if it has one, this is Refused with reason
// thread_open. What is reopened stays completed.
func (s *Store) ReopenContact(ctx context.Context, c postroom.Command, from postroom.ContactID) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "reopen a contact", func(ctx context.Context, tx *txn) error {
		earlier, found, err := one[earlierRow](ctx, tx, readEarlier, from)
		if err != nil {
			return err
		}
		if !found {
			return unknownContact()
		}
		tx.later(lockThread, earlier.Thread)
		tx.later(lockAgent, c.Actor)
		asked, done, err := one[Request](ctx, tx, readRequest, c.Actor, c.RequestID) // under the locks: a moment ago it may not have been there
		if err != nil {
			return err
		}
		if done {
			tx.answer(postroom.ContactID(asked.Contact), &result)
			return same(c, asked.RPC, asked.BodyHash)
		}
		_, open, err := value[string](ctx, tx, openContactOf, earlier.Thread)
		if err != nil {
			return err
		}
		if open { // the earlier one, if it is not completed, or a later one
			return postroom.Refused(postroom.ReasonThreadOpen, "this conversation has an open contact: go on there")
		}
		slot, err := hasRoom(ctx, tx, c.Actor, earlier.Channel)
		if err != nil {
			return err
		}
		contact := &contactRow{ID: postroom.ContactID(newID()), Phase: postroom.ContactNew, Version: 1, Queue: earlier.Queue,
			Mailbox: earlier.Mailbox, Thread: earlier.Thread, Channel: earlier.Channel}
		remember(tx, c, contact.ID)
		tx.later(beginContact, from, contact.ID, person(c).String())
		if err := begin(tx, c, contact, beginning{slot, RuleReopened}); err != nil {
			return err
		}
		tx.answer(contact.ID, &result)
		return nil
	})
	return result, err
}

// beginning is how an agent comes to own a contact that he opened.
type beginning struct {
	slot int
	rule string
}

// begin makes an agent the owner of a contact that he opened: a slot like a claim's, accepted as it is made.
func begin(tx *txn, c postroom.Command, contact *contactRow, how beginning) error {
	offer := postroom.OfferID(newID())
	if err := contact.move(tx, postroom.ContactBegun, change{actor: person(c), agent: c.Actor, offer: offer, queue: contact.Queue, tell: tellSoon}); err != nil {
		return err
	}
	tx.later(insertOffer, offer, contact.ID, c.Actor, contact.Queue, string(contact.Channel), how.slot, marshal(map[string]string{"rule": how.rule}))
	tx.later(acceptNow, offer)
	tx.later(openAgentSegment, newID(), contact.ID, contact.Queue, c.Actor, offer)
	tx.publish(c.Actor, Event{Kind: EventContact, Contact: contact.ID, Offer: offer, State: postroom.OfferAccepted})
	return nil
}
