package store

import (
	"context"

	"github.com/postroom/postroom"
)

var upsertAttachmentRules = statement(`
	INSERT INTO attachment_rules (allowed, blocked) VALUES ($1, $2) ON CONFLICT (one) DO UPDATE SET allowed = excluded.allowed, blocked = excluded.blocked`)
var selectAttachmentRules = statement(`SELECT allowed, blocked FROM attachment_rules`)

// AttachmentRules reads which files may come and go, as the present configuration says.
func (s *Store) AttachmentRules(ctx context.Context) (postroom.AttachmentRules, error) {
	var r postroom.AttachmentRules
	err := readAttachmentRules(ctx, s.pool, &r)
	return r, translate("read the rules for attachments", err)
}

func readAttachmentRules(ctx context.Context, d db, into *postroom.AttachmentRules) error {
	r, _, err := one[postroom.AttachmentRules](ctx, d, selectAttachmentRules)
	if len(r.Allowed) > 0 {
		into.Allowed = r.Allowed
	}
	if len(r.Blocked) > 0 {
		into.Blocked = r.Blocked
	}
	return err
}

// listed has lists in place of nothing, as the database gives them back.
func listed(r postroom.AttachmentRules) postroom.AttachmentRules {
	return postroom.AttachmentRules{Allowed: append([]string{}, r.Allowed...), Blocked: append([]string{}, r.Blocked...)}
}
