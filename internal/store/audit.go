package store

import (
	"context"
	"strings"
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
	SELECT id, at, actor, action, object, before, after, coalesce(version, 0) FROM audit WHERE ($1 = 0 OR id < $1) AND ($3::bigint = 0 OR version = $3) ORDER BY id DESC LIMIT $2`)

// Audit reads at most limit entries, newest first; only those before an entry's id, if it is not 0; only what a version of the configuration
// changed, if that is not 0.
func (s *Store) Audit(ctx context.Context, before int64, limit int, version int64) ([]AuditEntry, error) {
	entries, err := all[AuditEntry](ctx, s.pool, readAudit, before, limit, version)
	return entries, translate("read the audit", err)
}

// Version is one configuration that was applied.
type Version struct {
	Version int64
	At      time.Time
	Actor   string
	Changes []Change
}

type versionRow struct {
	Version int64
	At      time.Time
	Actor   string
	Changes []string // "change queue/general"
}

var readVersions = statement(`
	SELECT c.version, c.applied_at, c.actor, coalesce((SELECT array_agg(substr(a.action, length('configuration: ') + 1) || ' ' || a.object ORDER BY a.id)
		FROM audit a WHERE a.version = c.version), '{}')
	FROM configuration c WHERE $1 = 0 OR c.version < $1 ORDER BY c.version DESC LIMIT $2`)

// Versions reads at most limit configurations that were applied, newest first; only those before a version, if it is not 0 (R3).
func (s *Store) Versions(ctx context.Context, before int64, limit int) ([]Version, error) {
	rows, err := all[versionRow](ctx, s.pool, readVersions, before, limit)
	var versions []Version
	for _, r := range rows {
		v := Version{Version: r.Version, At: r.At, Actor: r.Actor}
		for _, text := range r.Changes {
			action, object, _ := strings.Cut(text, " ")
			kind, key, _ := strings.Cut(object, "/")
			v.Changes = append(v.Changes, Change{Kind: kind, Key: key, Action: action})
		}
		versions = append(versions, v)
	}
	return versions, translate("read the versions of the configuration", err)
}

var readVersionDocument = statement(`SELECT document FROM configuration WHERE version = $1`)

// VersionDocument reads the document that was applied as a version.
func (s *Store) VersionDocument(ctx context.Context, version int64) (string, error) {
	document, found, err := value[string](ctx, s.pool, readVersionDocument, version)
	if err == nil && !found {
		return "", postroom.NotFound("unknown_version", "there is no such version of the configuration")
	}
	return document, translate("read a version of the configuration", err)
}
