package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

var insertAudit = statement(`INSERT INTO audit (actor, action, object, before, after) VALUES ($1, $2, $3, $4, $5)`)

// audit records who did what to which object, before and after (R3). No value of a secret and no customer text comes here.
func audit(tx *txn, by postroom.Actor, action, object string, before, after any) {
	tx.later(insertAudit, by.String(), action, object, marshal(before), marshal(after))
}

var insertAuditOfVersion = statement(`INSERT INTO audit (actor, action, object, before, after, version) VALUES ($1, $2, $3, $4, $5, $6)`)

// auditChange records what a version of the configuration changed.
func auditChange(tx *txn, by postroom.Actor, version int64, c Change) {
	tx.later(insertAuditOfVersion, by.String(), "configuration: "+c.Action, c.Kind+"/"+c.Key, marshal(c.before), marshal(c.after), version)
}

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	ID     int64
	At     time.Time
	Actor  string
	Action string
	Object string
	Before []byte // JSON, or nil
	After  []byte // JSON, or nil
	// Version is the configuration's version that made this change; 0 if it is no change of the configuration.
	Version int64
}

var readAudit = statement(`
	SELECT id, at, actor, action, object, before, after, coalesce(version, 0) FROM audit WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`)

// Audit reads at most limit entries, newest first; only those before an entry's id, if it is not 0.
func (s *Store) Audit(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	entries, err := all[AuditEntry](ctx, s.pool, readAudit, before, limit)
	return entries, translate("read the audit", err)
}
