package store

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
)

// newID makes a UUIDv7: unique, and in the order of time, so that new rows are neighbours in an index.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Request is what is known of a mutation that was carried out.
type Request struct {
	RPC      string
	BodyHash []byte
	Contact  string
}

var readRequest = statement(`SELECT rpc, body_hash, coalesce(contact_id::text, '') FROM request WHERE actor = $1 AND request_id = $2`)

// repeated reports whether the command was carried out before. The same id with another body or for another call is Invalid
// with reason request_reused.
func repeated(ctx context.Context, d db, c postroom.Command) (bool, error) {
	r, found, err := one[Request](ctx, d, readRequest, c.Actor, c.RequestID)
	if err != nil || !found {
		return false, err
	}
	return true, same(c, r.RPC, r.BodyHash)
}

// same refuses a command whose id was used before for another call or with another body.
func same(c postroom.Command, rpc string, bodyHash []byte) error {
	if rpc != c.RPC || !bytes.Equal(bodyHash, c.BodyHash) {
		return postroom.Invalid(postroom.ReasonRequestReused, "this request_id was used for another request")
	}
	return nil
}

var writeRequest = statement(`
	INSERT INTO request (actor, request_id, rpc, body_hash, contact_id) VALUES ($1, $2, $3, $4, nullif($5, '')::uuid)`)

// remember writes the command in the transaction of its effect. Two at once: the second transaction fails on the key, runs
// again, and finds the first.
func remember(tx *txn, c postroom.Command, contact postroom.ContactID) {
	tx.later(writeRequest, c.Actor, c.RequestID, c.RPC, c.BodyHash, string(contact))
}

// CarriedOut reports whether a command was carried out, for a caller that lost the answer.
func (s *Store) CarriedOut(ctx context.Context, c postroom.Command) (bool, error) {
	done, err := repeated(ctx, s.pool, c)
	return done, translate("read a request", err)
}

// once reports whether a command of an administrator still has to be carried out, and remembers it. The zero Command, of the command
// line, is not remembered: what it does is the same when it is done again.
func once(ctx context.Context, tx *txn, c postroom.Command) (bool, error) {
	if c.RequestID == "" {
		return true, nil
	}
	done, err := repeated(ctx, tx, c)
	if err != nil || done {
		return false, err
	}
	remember(tx, c, "")
	return true, nil
}
