package store

import (
	"context"

	"github.com/google/uuid"
)

// A blob's name ends with the id of the row that names it.
var readUnnamed = statement(`
	SELECT k.id FROM unnest($1::uuid[]) AS k (id)
	WHERE NOT EXISTS (SELECT FROM message m WHERE m.id = k.id)
	  AND NOT EXISTS (SELECT FROM attachment t WHERE t.id = k.id)
	  AND NOT EXISTS (SELECT FROM outbox o WHERE o.id = k.id)`)

// Unnamed lists those of some ids that are no message's, attachment's or reply's: blobs of theirs are left over.
func (s *Store) Unnamed(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	unnamed, err := values[uuid.UUID](ctx, s.pool, readUnnamed, ids)
	return unnamed, translate("find blobs that no row names", err)
}
