package store

import (
	"context"

	"github.com/google/uuid"
)

// A blob's name ends with the id of the row that named it first; files are taken along by other rows.
var readUnnamed = statement(`
	SELECT k.id FROM unnest($1::uuid[]) AS k (id)
	WHERE NOT EXISTS (SELECT FROM message m WHERE m.id = k.id)
	  AND NOT EXISTS (SELECT FROM attachment t WHERE t.blob_key = 'attachment/' || right(k.id::text, 2) || '/' || k.id)
	  AND NOT EXISTS (SELECT FROM draft_attachment d WHERE d.blob_key = 'attachment/' || right(k.id::text, 2) || '/' || k.id)
	  AND NOT EXISTS (SELECT FROM outbox o WHERE o.id = k.id)`)

// Unnamed lists those of some ids that are no message's, attachment's or reply's: blobs of theirs are left over.
func (s *Store) Unnamed(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	unnamed, err := values[uuid.UUID](ctx, s.pool, readUnnamed, ids)
	return unnamed, translate("find blobs that no row names", err)
}
