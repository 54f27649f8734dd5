package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

var insertRecipients = statement(`
	INSERT INTO outbox_recipient (outbox_id, position, kind, name, address)
	SELECT $1, u.n - 1, u.kind, u.name, u.address FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS u (kind, name, address, n)`)

// writeRecipients writes to whom a mail goes, in their order.
func writeRecipients(tx *txn, id postroom.OutboxID, recipients []Recipient) {
	kinds, names := make([]string, len(recipients)), make([]string, len(recipients))
	for i, r := range recipients {
		kinds[i], names[i] = r.Field, r.Address.Name.Reveal()
	}
	tx.later(insertRecipients, id, kinds, names, addressesOf(recipients))
}

func addressesOf(recipients []Recipient) []string {
	addresses := make([]string, len(recipients))
	for i, r := range recipients {
		addresses[i] = r.Address.Address.Reveal()
	}
	return addresses
}

// visible are those who everybody sees that gets the mail: nobody in Bcc.
func visible(recipients []Recipient) []Recipient {
	var seen []Recipient
	for _, r := range recipients {
		if r.Field != "bcc" {
			seen = append(seen, r)
		}
	}
	return seen
}

// Sent is a recipient of a mail of ours, and what became of it.
type Sent struct {
	Kind     string // "to", "cc" or "bcc"
	Name     string
	Address  string
	Delivery postroom.Delivery
	Code     int // of the server's last answer, 0 if there was none
	Enhanced string
	Text     string // the server's words
	TriedAt  *time.Time
}

var readRecipients = statement(`
	SELECT kind, name, address, state, reply_code, enhanced_code, server_text, tried_at FROM outbox_recipient WHERE outbox_id = $1 ORDER BY position`)

// Recipients reads to whom a mail goes, in the order in which they were named.
func (s *Store) Recipients(ctx context.Context, id postroom.OutboxID) ([]Sent, error) {
	sent, err := all[Sent](ctx, s.pool, readRecipients, id)
	return sent, translate("read the recipients of a mail", err)
}
