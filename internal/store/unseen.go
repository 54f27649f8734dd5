package store

import (
	"context"

	"github.com/postroom/postroom"
)

type newerRow struct {
	Known bool // the message that was seen is of the contact's thread
	Newer bool // the customer has written since
}

var readNewer = statement(`
	SELECT s.id IS NOT NULL, EXISTS (SELECT FROM message m WHERE m.contact_id = $1 AND m.direction = 'in' AND (m.received_at, m.id) > (s.received_at, s.id))
	FROM (SELECT) one LEFT JOIN message s ON s.id = $2 AND s.thread_id = $3`)

// overtakes refuses what an agent decided before he saw the customer's newest mail, unless he confirms it, or his desktop does not say what
// it showed (R22). The contact is locked: no mail joins it meanwhile.
func (r *contactRow) overtakes(ctx context.Context, tx *txn, seen postroom.Seen) error {
	if seen.Message == "" || seen.Anyway {
		return nil
	}
	found, _, err := one[newerRow](ctx, tx, readNewer, r.ID, string(seen.Message), r.Thread)
	switch {
	case err != nil:
		return err
	case !found.Known:
		return postroom.Invalid(postroom.ReasonMalformed, "seen_message_id is no message of this contact")
	case found.Newer:
		return postroom.Conflict(postroom.ReasonUnseenMessage, "the customer has written again: read it first, or confirm")
	}
	return nil
}
