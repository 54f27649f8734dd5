package store

import (
	"context"

	"github.com/postroom/postroom"
)

// RoutingInput is what the rules look at: the first mail of a contact, as it is stored.
type RoutingInput struct {
	Mailbox    postroom.MailboxID
	Own        string // the mailbox's address
	Sender     string
	Recipients []RecipientView
	Subject    string
	Headers    string // the scanned header block
	Phase      postroom.ContactPhase
}

var readRoutingInput = statement(`
	SELECT c.mailbox_id, b.address, m.from_address, m.recipients, m.subject, m.headers, c.phase
	FROM contact c JOIN mailbox b ON b.id = c.mailbox_id CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.contact_id = c.id ORDER BY m.received_at, m.id LIMIT 1) m WHERE c.id = $1`)

// RoutingInput reads what the rules look at, with the rules and the entry points.
func (s *Store) RoutingInput(ctx context.Context, id postroom.ContactID) (RoutingInput, []postroom.RoutingRule, []postroom.EntryPoint, error) {
	var input RoutingInput
	var rules []postroom.RoutingRule
	var points []postroom.EntryPoint
	err := s.read(ctx, "read what rules look at", func(ctx context.Context, tx *txn) error {
		var found bool
		var err error
		if input, found, err = one[RoutingInput](ctx, tx, readRoutingInput, id); err != nil {
			return err
		}
		if !found {
			return unknownContact()
		}
		if err := readRules(ctx, tx, &rules); err != nil {
			return err
		}
		points, err = all[postroom.EntryPoint](ctx, tx, selectEntryPoints)
		return err
	})
	return input, rules, points, err
}

// RouteContact puts a new contact into a queue, or into the one that it overflows to (R32); why is the decision, stored as JSON. A
// customer who writes again waits first for the agent who answered last, for the time that the queue sets (R22). A contact that is routed
// already stays where it is.
func (s *Store) RouteContact(ctx context.Context, id postroom.ContactID, queue postroom.QueueID, why any) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, "route a contact", func(ctx context.Context, tx *txn) error {
		contact, err := lockContact(ctx, tx, id)
		if err != nil {
			return err
		}
		if contact.Phase == postroom.ContactNew {
			rules, err := contact.enter(ctx, tx, postroom.ContactRouted,
				change{actor: postroom.System("routing"), queue: queue, why: why, tell: tellLater, detail: why}, "")
			if err != nil {
				return err
			}
			if rules.PreferredTime > 0 && contact.Queue == queue {
				tx.maybe(preferLastAgent, id, rules.PreferredTime)
			}
		}
		tx.answer(id, &result)
		return nil
	})
	return result, err
}
