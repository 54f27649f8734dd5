package store

import (
	"context"

	"github.com/postroom/postroom"
)

var readCopied = statement(`
	SELECT m.thread_id::text FROM outbox x JOIN message m ON m.id = x.message_id WHERE x.id = $1 AND lower(m.from_address) = lower($2)`)

// ownCopy keeps a mail of ours that came back to us as it went out, by Bcc or from the provider, as a report: it proves that a server took the mail (R21),
// and is nobody's request (I7). Ours is what carries the Message-ID and is from the address that we wrote from; what somebody else sends under that
// id is a loop.
func ownCopy(ctx context.Context, tx *txn, a Arrived) (Ingested, bool, error) {
	if a.Copy == "" {
		return Ingested{}, false, nil
	}
	thread, found, err := value[postroom.ThreadID](ctx, tx, readCopied, a.Copy, a.From.Address.Reveal())
	if err != nil || !found {
		return Ingested{}, false, err
	}
	a.Standing = StandingReport
	writeMessage(tx, a, thread, "")
	a.Source.received(tx, postroom.ArrivalReport, "", a.ID, "", a.Pending)
	return Ingested{Arrival: postroom.ArrivalReport}, true, nil
}
