package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/postroom/postroom"
)

// AppliedVersion says what applying a configuration did.
type AppliedVersion struct {
	Version int64    // the configuration's version now
	Changes []Change // what changed, by kind and key; none: the configuration was this one already
}

// Change is one object of the configuration that was created, changed or retired.
type Change struct {
	Kind   string // "queue", "agent" …
	Key    string
	Action string // "create", "change" or "retire"

	before, after any // as they are audited
}

// object is one object of the configuration as apply compares it: what it says, and the rows that say it.
type object struct {
	kind, key string
	value     any // as it is compared and audited
	write     func(ctx context.Context, tx *txn) error
}

var lockConfiguration = statement(`SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.configuration'))`)
var insertConfiguration = statement(`INSERT INTO configuration (actor, document) VALUES ($1, $2) RETURNING version`)
var readConfigurationVersion = statement(`SELECT coalesce(max(version), 0) FROM configuration`)
var notifyConfiguration = statement(`SELECT pg_notify('postroom_config', $1)`)

// Apply makes a valid configuration the present one, in one transaction and as one numbered version: what is new is created, what
// differs is changed, what is not named any more is retired; each is audited with before and after (R3). The same configuration again
// changes nothing and makes no version. Retiring a queue with open contacts, or an agent who holds some,
// and a secret for another host than it was given for, are Refused.
func (s *Store) Apply(ctx context.Context, command postroom.Command, by postroom.Actor, c postroom.Configuration, document postroom.Text) (AppliedVersion, error) {
	var applied AppliedVersion
	err := s.write(ctx, "apply a configuration", func(ctx context.Context, tx *txn) error {
		applied = AppliedVersion{}
		if _, err := tx.Exec(ctx, lockConfiguration); err != nil {
			return err
		}
		todo, err := once(ctx, tx, command)
		if err != nil {
			return err
		}
		if !todo {
			applied.Version, _, err = value[int64](ctx, tx, readConfigurationVersion)
			return err
		}
		applied, err = applyConfiguration(ctx, tx, by, c, document)
		return err
	})
	return applied, err
}

// errPreviewed ends a preview's transaction, so that nothing of it stays.
var errPreviewed = errors.New("previewed")

// Preview says what Apply would change, and refuses what it would refuse; it changes nothing. Version is the one that there is.
func (s *Store) Preview(ctx context.Context, by postroom.Actor, c postroom.Configuration, document postroom.Text) (AppliedVersion, error) {
	var applied AppliedVersion
	err := s.write(ctx, "preview a configuration", func(ctx context.Context, tx *txn) error {
		if _, err := tx.Exec(ctx, lockConfiguration); err != nil {
			return err
		}
		present, _, err := value[int64](ctx, tx, readConfigurationVersion)
		if err != nil {
			return err
		}
		if applied, err = applyConfiguration(ctx, tx, by, c, document); err != nil {
			return err
		}
		if err := tx.send(ctx); err != nil {
			return err
		}
		applied.Version = present
		return errPreviewed
	})
	if errors.Is(err, errPreviewed) {
		err = nil
	}
	return applied, err
}

// applyConfiguration writes a configuration. Agents are locked before contacts, as everywhere.
func applyConfiguration(ctx context.Context, tx *txn, by postroom.Actor, c postroom.Configuration, document postroom.Text) (AppliedVersion, error) {
	var applied AppliedVersion
	if err := guardSecrets(ctx, tx, c); err != nil {
		return applied, err
	}
	current, err := readConfiguration(ctx, tx)
	if err != nil {
		return applied, err
	}
	if applied.Changes, err = applyObjects(ctx, tx, by, objectsOf(current), objectsOf(c)); err != nil {
		return applied, err
	}
	if len(applied.Changes) == 0 {
		applied.Version, _, err = value[int64](ctx, tx, readConfigurationVersion)
		return applied, err
	}
	cut, err := inheritCapacity(ctx, tx)
	if err != nil {
		return applied, err
	}
	if err := drawLanes(ctx, tx, c); err != nil {
		return applied, err
	}
	if err := withdrawFrom(ctx, tx, cut, by); err != nil {
		return applied, err
	}
	changeRules(tx, current, c)
	if applied.Version, _, err = value[int64](ctx, tx, insertConfiguration, by.String(), document.Reveal()); err != nil {
		return applied, err
	}
	for _, change := range applied.Changes {
		auditChange(tx, by, applied.Version, change)
	}
	_, err = tx.Exec(ctx, notifyConfiguration, "applied")
	return applied, err
}

// applyObjects writes the difference between two configurations, objects in an order in which references exist before they are used.
func applyObjects(ctx context.Context, tx *txn, by postroom.Actor, current, wanted []object) ([]Change, error) {
	var changes []Change
	before := map[string]object{}
	for _, o := range current {
		before[o.kind+"/"+o.key] = o
	}
	for _, o := range wanted {
		old, exists := before[o.kind+"/"+o.key]
		delete(before, o.kind+"/"+o.key)
		was, is := marshal(old.value), marshal(o.value)
		if exists && bytes.Equal(was, is) {
			continue
		}
		if err := o.write(ctx, tx); err != nil {
			return nil, err
		}
		change := Change{Kind: o.kind, Key: o.key, Action: "create", after: json.RawMessage(is)}
		if exists {
			change.Action, change.before = "change", json.RawMessage(was)
		}
		changes = append(changes, change)
	}
	for _, o := range slices.Backward(current) {
		if _, gone := before[o.kind+"/"+o.key]; !gone {
			continue
		}
		if err := retire(ctx, tx, by, o); err != nil {
			return nil, err
		}
		changes = append(changes, Change{Kind: o.kind, Key: o.key, Action: "retire", before: o.value})
	}
	return changes, nil
}

// Statements that retire an object, by kind. Capacity, teams of queues and the like go with what they belong to.
var retirements = map[string]string{
	"profile":     statement(`UPDATE profile SET active = false WHERE id = $1`),
	"hours":       statement(`UPDATE business_hours SET active = false WHERE id = $1`),
	"site":        statement(`UPDATE site SET active = false WHERE id = $1`),
	"team":        statement(`UPDATE team SET active = false WHERE id = $1`),
	"skill":       statement(`UPDATE skill SET active = false WHERE id = $1`),
	"agent":       statement(`UPDATE agent SET active = false WHERE id = $1`),
	"idle_code":   statement(`UPDATE idle_code SET active = false WHERE id = $1`),
	"wrapup_code": statement(`UPDATE wrapup_code SET active = false WHERE id = $1`),
	"mailbox":     statement(`UPDATE mailbox SET active = false, version = version + 1, tell_at = NULL WHERE id = $1`),
	"queue":       statement(`UPDATE queue SET active = false WHERE id = $1`),
	"entry_point": statement(`UPDATE entry_point SET active = false WHERE address = $1`),
	"rules":       statement(`DELETE FROM routing_rule WHERE $1 <> ''`),
	"template":    statement(`UPDATE template SET active = false WHERE id || '/' || language = $1`),
	"attachments": statement(`DELETE FROM attachment_rules WHERE $1 <> ''`),
}

var openInQueue = statement(`SELECT count(*)::int FROM contact WHERE queue_id = $1 AND phase <> 'done'`)

func retire(ctx context.Context, tx *txn, by postroom.Actor, o object) error {
	switch o.kind {
	case "queue":
		open, _, err := value[int](ctx, tx, openInQueue, o.key)
		if err != nil {
			return err
		}
		if open > 0 {
			return postroom.Refused("queue_in_use", "queue "+o.key+" still has open contacts and cannot be removed")
		}
	case "agent":
		agent, err := lockAgentState(ctx, tx, postroom.AgentID(o.key))
		if err != nil {
			return err
		}
		if err := nothingInHand(ctx, tx, postroom.AgentID(o.key), "agent "+o.key+" still holds contacts and cannot be removed"); err != nil {
			return err
		}
		if agent.State != postroom.AgentLoggedOut {
			if err := agent.move(tx, postroom.AgentSignsOut, "", "", by); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, endSessionsOf, o.key); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, retirements[o.kind], o.key)
	return err
}

// Configuration reads the present configuration and its version; version 0 is none.
func (s *Store) Configuration(ctx context.Context) (postroom.Configuration, int64, error) {
	var c postroom.Configuration
	var version int64
	err := s.read(ctx, "read the configuration", func(ctx context.Context, tx *txn) error {
		var err error
		if c, err = readConfiguration(ctx, tx); err != nil {
			return err
		}
		version, _, err = value[int64](ctx, tx, readConfigurationVersion)
		return err
	})
	return c, version, err
}
