package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Tried is what an attempt made of one recipient.
type Tried struct {
	Address  string            // as it stands in Sending.EnvelopeTo
	Delivery postroom.Delivery // sent, deferred, failed; or sending, if the dot was sent and no answer came
	Code     int
	Enhanced string
	Text     postroom.Text // the server's own words, scanned (R36)
}

// Those who still need the mail. A row that an older program wrote has no recipients of its own: there it is everybody.
const stillToSend = `CASE WHEN EXISTS (SELECT FROM outbox_recipient r WHERE r.outbox_id = x.id)
	THEN ARRAY(SELECT r.address FROM outbox_recipient r WHERE r.outbox_id = x.id AND r.state IN ('queued', 'sending', 'deferred') ORDER BY r.position)
	ELSE x.envelope_to END`

var startRecipients = statement(`
	UPDATE outbox_recipient SET state = 'sending', tried_at = postroom_now() WHERE outbox_id = $1 AND state IN ('queued', 'sending', 'deferred')`)
var writeTried = statement(`
	UPDATE outbox_recipient r SET state = u.state, reply_code = u.code, enhanced_code = u.enhanced, server_text = u.said
	FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::text[]) AS u (address, state, code, enhanced, said)
	WHERE r.outbox_id = $1 AND r.address = u.address AND r.state = 'sending'`)
var writeAlike = statement(`
	UPDATE outbox_recipient SET state = $2, reply_code = $3, enhanced_code = $4, server_text = $5 WHERE outbox_id = $1 AND state = 'sending'`)

// tried writes what became of recipients of the attempt under way.
func tried(tx *txn, id postroom.OutboxID, all []Tried) {
	var addresses, states, enhanced, texts []string
	var codes []int32
	for _, t := range all {
		addresses, states, codes = append(addresses, t.Address), append(states, string(t.Delivery)), append(codes, int32(t.Code))
		enhanced, texts = append(enhanced, t.Enhanced), append(texts, t.Text.Reveal())
	}
	tx.maybe(writeTried, id, addresses, states, codes, enhanced, texts)
}

// wholeRow is what became of a mail as a whole, in the words of a server to one who shares that fate.
type wholeRow struct {
	State    postroom.Delivery
	Code     int
	Enhanced string
	Text     string
}

// A mail whose answer was lost is looked for; one that somebody still waits for is tried again; and one that not everybody got is not simply sent.
var readWhole = statement(`
	SELECT CASE state WHEN 'queued' THEN 'deferred' ELSE state END, reply_code, enhanced_code, server_text FROM outbox_recipient WHERE outbox_id = $1
	ORDER BY array_position(ARRAY['sending', 'deferred', 'queued', 'bounced', 'unknown', 'failed', 'sent', 'cancelled'], state), position LIMIT 1`)

// whole reads what became of a mail as a whole; found is false for a row without recipients of its own.
func whole(ctx context.Context, tx *txn, id postroom.OutboxID) (w wholeRow, found bool, err error) {
	return one[wholeRow](ctx, tx, readWhole, id)
}

var settleRecipients = statement(`UPDATE outbox_recipient SET state = $2 WHERE outbox_id = $1 AND state = ANY($3)`)

// settled says what became of the recipients of a mail that are in one of these states.
func settled(tx *txn, id postroom.OutboxID, to postroom.Delivery, from ...postroom.Delivery) {
	tx.maybe(settleRecipients, id, string(to), texts(from))
}

var bounceRecipients = statement(`
	UPDATE outbox_recipient SET state = 'bounced', reply_code = $3, enhanced_code = $4, server_text = $5
	WHERE outbox_id = $1 AND state IN ('sent', 'unknown', 'sending') AND (lower(address) = lower($2) OR NOT EXISTS (
		SELECT FROM outbox_recipient o WHERE o.outbox_id = $1 AND o.position > 0))`)

// sentOf is a recipient with the mail that goes to him.
type sentOf struct {
	Outbox postroom.OutboxID
	Sent
}

var readRecipientsOf = statement(`
	SELECT r.outbox_id, r.kind, r.name, r.address, r.state, r.reply_code, r.enhanced_code, r.server_text, r.tried_at
	FROM outbox x JOIN outbox_recipient r ON r.outbox_id = x.id WHERE x.contact_id = $1 ORDER BY r.outbox_id, r.position`)

// RecipientsOf reads to whom each mail of ours of a contact goes, in the order in which they were named.
func (s *Store) RecipientsOf(ctx context.Context, id postroom.ContactID) (map[postroom.OutboxID][]Sent, error) {
	rows, err := all[sentOf](ctx, s.pool, readRecipientsOf, id)
	if err != nil {
		return nil, translate("read the recipients of a contact's mails", err)
	}
	by := map[postroom.OutboxID][]Sent{}
	for _, r := range rows {
		by[r.Outbox] = append(by[r.Outbox], r.Sent)
	}
	return by, nil
}
