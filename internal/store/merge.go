package store

import (
	"context"
	"slices"

	"github.com/postroom/postroom"
)

// What a contact's story says of mails that came to it, or went, by a merge or a split.
const (
	EventMergedIn = "merged in" // another contact's mails came
	EventSplitOff = "split off" // some of its mails went into a contact of their own
)

type customerRow struct {
	Thread   postroom.ThreadID
	Customer postroom.CustomerID
	Merged   bool // the thread is gone on with in another
}

var readCustomerOf = statement(`
	SELECT c.thread_id, c.customer_id, t.merged_into IS NOT NULL FROM contact c JOIN thread t ON t.id = c.thread_id WHERE c.id = $1`)
var lockThreads = statement(`SELECT id::text FROM thread WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`)
var mailsOf = statement(`SELECT id::text FROM message WHERE contact_id = $1 ORDER BY received_at, id`)
var moveMails = statement(`
	UPDATE message SET contact_id = $2, thread_id = $3, standing = CASE WHEN $4 AND standing = 'unverified' THEN '' ELSE standing END
	WHERE id = ANY($1::uuid[])`)
var redirectThread = statement(`UPDATE thread SET merged_into = $2 WHERE id = $1 OR merged_into = $1`)
var restoreThread = statement(`UPDATE thread SET merged_into = NULL WHERE id = $1`)
var copyParticipants = statement(`
	INSERT INTO thread_participant (thread_id, address) SELECT $2, address FROM thread_participant WHERE thread_id = $1 ON CONFLICT DO NOTHING`)
var insertMerge = statement(`
	INSERT INTO contact_merge (from_contact, into_contact, from_thread, messages, at, actor) VALUES ($1, $2, $3, $4, postroom_now(), $5)`)

// together runs an act on threads and contacts under their locks, once per request; answer is the contact to read when it is done.
func (s *Store) together(ctx context.Context, what string, c postroom.Command, contacts []postroom.ContactID,
	act func(ctx context.Context, tx *txn, rows map[postroom.ContactID]*contactRow, of map[postroom.ContactID]customerRow) (postroom.ContactID, error)) (postroom.ContactSnapshot, error) {
	var result postroom.ContactSnapshot
	err := s.write(ctx, what, func(ctx context.Context, tx *txn) error {
		of, threads := map[postroom.ContactID]customerRow{}, []string{}
		for _, id := range contacts {
			row, found, err := one[customerRow](ctx, tx, readCustomerOf, id)
			if err != nil {
				return err
			}
			if !found {
				return unknownContact()
			}
			of[id] = row
			threads = append(threads, string(row.Thread))
		}
		if _, err := values[string](ctx, tx, lockThreads, threads); err != nil {
			return err
		}
		rows := map[postroom.ContactID]*contactRow{}
		for _, id := range slices.Sorted(slices.Values(contacts)) {
			row, err := lockContact(ctx, tx, id)
			if err != nil {
				return err
			}
			rows[id] = row
		}
		if c.RequestID != "" {
			asked, done, err := one[Request](ctx, tx, readRequest, c.Actor, c.RequestID)
			if err != nil {
				return err
			}
			if done {
				tx.answer(postroom.ContactID(asked.Contact), &result)
				return same(c, asked.RPC, asked.BodyHash)
			}
		}
		changed, err := act(ctx, tx, rows, of)
		if err != nil {
			return err
		}
		if c.RequestID != "" {
			remember(tx, c, changed)
		}
		tx.answer(changed, &result)
		return nil
	})
	return result, err
}

// MergeContacts makes one matter of two of a customer: the mails of the first go to the second, which goes on, and so does what is written to the
// thread of the first. The first has to wait or be parked, so that nobody works on it, and is completed as merged, without a wrap-up. The second
// may be in anybody's hands, but not completed or in wrap-up. UndoMerge takes it back. Contacts of different customers are Refused with reason
// another_customer: each would be answered with what the other wrote.
func (s *Store) MergeContacts(ctx context.Context, v Supervision, into postroom.ContactID) (postroom.ContactSnapshot, error) {
	return s.together(ctx, "merge contacts", v.Command, []postroom.ContactID{v.Contact, into},
		func(ctx context.Context, tx *txn, rows map[postroom.ContactID]*contactRow, of map[postroom.ContactID]customerRow) (postroom.ContactID, error) {
			from, to := rows[v.Contact], rows[into]
			if err := mergeable(v, from, to, of); err != nil {
				return "", err
			}
			mails, err := values[string](ctx, tx, mailsOf, from.ID)
			if err != nil {
				return "", err
			}
			if from.Phase == postroom.ContactWaiting {
				from.leaveQueue(tx)
			}
			tx.maybe(dropTarget, from.ID)
			if err := from.move(tx, postroom.ContactMerged, change{actor: v.By, tell: tellSoon, outcome: postroom.OutcomeMerged,
				detail: map[string]string{"into": string(into)}}); err != nil {
				return "", err
			}
			tx.maybe(moveMails, mails, into, to.Thread, false)
			tx.later(redirectThread, from.Thread, to.Thread)
			tx.maybe(copyParticipants, from.Thread, to.Thread)
			tx.later(insertMerge, from.ID, into, from.Thread, mails, v.By.String())
			audit(tx, v.By, "merge contacts", "contact/"+string(from.ID), nil, map[string]any{"into": into, "mails": len(mails)})
			return into, to.changedBy(ctx, tx, v.By, EventMergedIn, map[string]any{"from": from.ID, "mails": len(mails)})
		})
}

func mergeable(v Supervision, from, to *contactRow, of map[postroom.ContactID]customerRow) error {
	switch {
	case from.ID == to.ID:
		return postroom.Refused(postroom.ReasonAlreadyThere, "a contact cannot be merged into itself")
	case v.Seen != 0 && from.Version != v.Seen:
		return postroom.Conflict(postroom.ReasonContactMoved, "the contact has changed since it was shown")
	case of[from.ID].Customer != of[to.ID].Customer:
		return postroom.Refused(postroom.ReasonAnotherCustomer, "contacts of different customers cannot be merged")
	case from.Phase == postroom.ContactDone || to.Phase == postroom.ContactDone:
		return postroom.Refused(postroom.ReasonContactDone, "a completed contact cannot be merged")
	case from.Phase != postroom.ContactWaiting && from.Phase != postroom.ContactParked:
		return postroom.Refused(postroom.ReasonNotWaiting, "somebody works on this contact: only one that waits or is parked can be merged")
	case to.Phase == postroom.ContactNew || to.Phase == postroom.ContactWrapUp:
		return postroom.Refused(postroom.ReasonNotWaiting, "nothing can be merged into a contact that is new or in wrap-up")
	}
	return nil
}

// changedBy notes in a contact's story that its mails have changed, shows it to whoever holds it, and takes a parked one up.
func (r *contactRow) changedBy(ctx context.Context, tx *txn, by postroom.Actor, event string, detail any) error {
	r.note(tx, change{event: event, actor: by, tell: tellSoon, detail: detail})
	if r.Phase == postroom.ContactParked {
		return r.resume(ctx, tx, by, tellSoon)
	}
	now, err := snapshot(ctx, tx, r.ID)
	if err == nil && now.Agent != "" {
		tx.publish(now.Agent, Event{Kind: EventContact, Contact: r.ID, Offer: now.Offer})
	}
	return err
}

var splitContact = statement(`
	WITH opened AS (
		INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase, split_from, tell_at)
		SELECT $2, t.id, t.customer_id, c.channel, c.mailbox_id, m.subject,
		       coalesce((SELECT arrived_at FROM contact WHERE id = nullif($6, '')::uuid), m.received_at), 'new', c.id, postroom_now()
		FROM contact c, thread t, message m WHERE c.id = $1 AND t.id = $3 AND m.id = $4 RETURNING id, version
	)
	INSERT INTO contact_event (contact_id, at, event, from_phase, to_phase, version, actor, detail)
	SELECT id, postroom_now(), 'opened', 'new', 'new', version, $5, jsonb_build_object('split', $1) FROM opened`)

type mergeRow struct {
	Into     postroom.ContactID
	Thread   postroom.ThreadID
	Messages []string
	Undone   bool
}

var readMerge = statement(`SELECT into_contact, from_thread, messages::text[], undone_into IS NOT NULL FROM contact_merge WHERE from_contact = $1`)
var stillThere = statement(`
	SELECT id::text FROM message WHERE id = ANY($1::uuid[]) AND contact_id = $2 ORDER BY direction, received_at, id`)
var markUndone = statement(`UPDATE contact_merge SET undone_into = $2 WHERE from_contact = $1 AND undone_into IS NULL`)
var countInbound = statement(`SELECT count(*)::int FROM message WHERE contact_id = $1 AND direction = 'in' AND standing <> 'report'`)

// UndoMerge takes a merge back: the mails of the contact that was merged, as far as they are still there, become a new contact in its old thread,
// with the time of their arrival. The merged contact stays completed. A merge whose contact is completed by now is Refused with reason
// contact_done.
func (s *Store) UndoMerge(ctx context.Context, v Supervision) (postroom.ContactSnapshot, error) {
	if v.Command.RequestID != "" {
		if _, err := repeated(ctx, s.pool, v.Command); err != nil {
			return postroom.ContactSnapshot{}, translate("undo a merge", err)
		}
	}
	merged, found, err := one[mergeRow](ctx, s.pool, readMerge, v.Contact)
	if err != nil {
		return postroom.ContactSnapshot{}, translate("undo a merge", err)
	}
	if !found {
		return postroom.ContactSnapshot{}, postroom.Refused("not_merged", "this contact was not merged into another")
	}
	return s.together(ctx, "undo a merge", v.Command, []postroom.ContactID{v.Contact, merged.Into},
		func(ctx context.Context, tx *txn, rows map[postroom.ContactID]*contactRow, _ map[postroom.ContactID]customerRow) (postroom.ContactID, error) {
			from := rows[merged.Into]
			if from.Phase == postroom.ContactDone || from.Phase == postroom.ContactNew {
				return "", postroom.Refused(postroom.ReasonContactDone, "the contact that it was merged into is completed")
			}
			now, _, err := one[mergeRow](ctx, tx, readMerge, v.Contact)
			if err != nil {
				return "", err
			}
			mails, err := values[string](ctx, tx, stillThere, now.Messages, from.ID)
			if err != nil {
				return "", err
			}
			if now.Undone || len(mails) == 0 {
				return "", postroom.Refused("not_merged", "this merge was undone already")
			}
			next := postroom.ContactID(newID())
			tx.later(restoreThread, now.Thread)
			tx.later(splitContact, from.ID, next, now.Thread, mails[0], v.By.String(), string(v.Contact)) // it arrived when it arrived (I8)
			tx.later(moveMails, mails, next, now.Thread, false)
			tx.later(markUndone, v.Contact, next)
			audit(tx, v.By, "undo a merge", "contact/"+string(v.Contact), nil, map[string]any{"from": from.ID, "contact": next, "mails": len(mails)})
			return next, from.changedBy(ctx, tx, v.By, EventSplitOff, map[string]any{"into": next, "mails": len(mails)})
		})
}

var splittable = statement(`
	SELECT id::text FROM message WHERE id = ANY($1::uuid[]) AND contact_id = $2 AND direction = 'in' AND standing <> 'report' ORDER BY received_at, id`)
var senderOf = statement(`SELECT customer_id::text FROM customer_address k JOIN message m ON k.address = lower(m.from_address) WHERE m.id = $1`)
var moveKeys = statement(`
	WITH gone AS (DELETE FROM thread_key WHERE thread_id = $1 AND key IN (SELECT internet_message_id FROM message WHERE id = ANY($3::uuid[])) RETURNING key)
	INSERT INTO thread_key (key, thread_id) SELECT key, $2 FROM gone ON CONFLICT DO NOTHING`)

// SplitContact makes two matters of one: the given mails become a new contact in a thread of its own, of the customer who wrote the first of them.
// Mails of customers can go, and one of them at least has to stay.
func (s *Store) SplitContact(ctx context.Context, v Supervision, messages []postroom.MessageID) (postroom.ContactSnapshot, error) {
	return s.together(ctx, "split a contact", v.Command, []postroom.ContactID{v.Contact},
		func(ctx context.Context, tx *txn, rows map[postroom.ContactID]*contactRow, of map[postroom.ContactID]customerRow) (postroom.ContactID, error) {
			from := rows[v.Contact]
			if from.Phase == postroom.ContactDone || from.Phase == postroom.ContactNew {
				return "", postroom.Refused(postroom.ReasonContactDone, "a contact that is new or completed cannot be split")
			}
			mails, err := values[string](ctx, tx, splittable, texts(messages), from.ID)
			if err != nil {
				return "", err
			}
			all, _, err := value[int](ctx, tx, countInbound, from.ID)
			if err != nil {
				return "", err
			}
			if len(mails) == 0 || len(mails) != len(messages) || len(mails) >= all {
				return "", postroom.Invalid(postroom.ReasonMalformed, "name mails of customers in this contact, and leave one")
			}
			customer, found, err := value[postroom.CustomerID](ctx, tx, senderOf, mails[0])
			if err != nil {
				return "", err
			}
			if !found {
				customer = of[from.ID].Customer
			}
			next, thread := postroom.ContactID(newID()), postroom.ThreadID(newID())
			tx.later(insertThread, thread, customer)
			tx.later(splitContact, from.ID, next, thread, mails[0], v.By.String(), "")
			tx.later(moveMails, mails, next, thread, true)
			tx.maybe(moveKeys, from.Thread, thread, mails)
			audit(tx, v.By, "split a contact", "contact/"+string(from.ID), nil, map[string]any{"contact": next, "mails": len(mails)})
			return next, from.changedBy(ctx, tx, v.By, EventSplitOff, map[string]any{"into": next, "mails": len(mails)})
		})
}
