package store

import (
	"context"

	"github.com/postroom/postroom"
)

// Untold is a contact that its workflow is not known to know at this version.
type Untold struct {
	Contact postroom.ContactID
	Version int64
}

// A contact is told of again after 2, 4, 8 … 60 seconds.
var takeUntold = statement(`
	UPDATE contact SET tell_attempts = least(tell_attempts + 1, 10),
		tell_at = postroom_now() + least(interval '2 seconds' * power(2, least(tell_attempts, 5)), interval '60 seconds')
	WHERE id IN (SELECT id FROM contact WHERE told < version AND tell_at < postroom_now() ORDER BY tell_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
	RETURNING id, version`)

// TakeUntold takes at most limit contacts whose workflows have to be told, and puts each off, so that the next call, of any
// process, finds others first.
func (s *Store) TakeUntold(ctx context.Context, limit int) ([]Untold, error) {
	var untold []Untold
	err := s.write(ctx, "take contacts whose workflows must be told", func(ctx context.Context, tx *txn) error {
		var err error
		untold, err = all[Untold](ctx, tx, takeUntold, limit)
		return err
	})
	return untold, err
}

var markTold = statement(`
	UPDATE contact c SET told = greatest(c.told, least(t.version, c.version))
	FROM unnest($1::uuid[], $2::bigint[]) AS t (id, version) WHERE c.id = t.id AND c.told < t.version`)

// MarkTold records what workflows are known to know: a version that Temporal has recorded in an update's answer, or that
// was committed before a signal that Temporal has taken. Losing a call costs one more signal, nothing else.
func (s *Store) MarkTold(ctx context.Context, told ...Untold) error {
	ids, versions := make([]string, len(told)), make([]int64, len(told))
	for i, t := range told {
		ids[i], versions[i] = string(t.Contact), t.Version
	}
	_, err := s.pool.Exec(ctx, markTold, ids, versions)
	return translate("record what workflows know", err)
}

// MailboxToTell is a mailbox whose workflow is not known to know its settings at this version.
type MailboxToTell struct {
	Mailbox postroom.MailboxID
	Version int64
	Active  bool
}

var takeUntoldMailboxes = statement(`
	UPDATE mailbox SET tell_at = postroom_now() + interval '10 seconds'
	WHERE id IN (SELECT id FROM mailbox WHERE told < version AND coalesce(tell_at, '-infinity') < postroom_now() FOR NO KEY UPDATE SKIP LOCKED)
	RETURNING id, version, active`)

// TakeUntoldMailboxes takes the mailboxes whose workflows have to be told of their settings.
func (s *Store) TakeUntoldMailboxes(ctx context.Context) ([]MailboxToTell, error) {
	var untold []MailboxToTell
	err := s.write(ctx, "take mailboxes whose workflows must be told", func(ctx context.Context, tx *txn) error {
		var err error
		untold, err = all[MailboxToTell](ctx, tx, takeUntoldMailboxes)
		return err
	})
	return untold, err
}

var markMailboxTold = statement(`UPDATE mailbox SET told = greatest(told, $2) WHERE id = $1`)

// MarkMailboxTold records that a mailbox's workflow was told of a version.
func (s *Store) MarkMailboxTold(ctx context.Context, id postroom.MailboxID, version int64) error {
	_, err := s.pool.Exec(ctx, markMailboxTold, id, version)
	return translate("record what a mailbox's workflow knows", err)
}

// What a workflow should have done and has not: an offer past its deadline, a wrap-up or a reply past its time. Its contact is told again.
var forgetOverdue = statement(`
	UPDATE contact SET told = version - 1, tell_at = postroom_now(), tell_attempts = 0
	WHERE told >= version AND id IN (
		SELECT contact_id FROM offer WHERE state = 'live' AND expires_at < postroom_now() - interval '3 seconds'
		UNION
		SELECT contact_id FROM segment WHERE state = 'wrapup' AND wrapup_due_at < postroom_now() - interval '3 seconds'
		UNION
		SELECT id FROM contact WHERE phase = 'parked' AND parked_until < postroom_now() - interval '3 seconds'
		UNION
		SELECT x.contact_id FROM outbox x JOIN contact c ON c.id = x.contact_id
		WHERE x.settled_at IS NULL AND x.held_at IS NULL AND x.due_at < postroom_now() - interval '60 seconds'
		  AND coalesce(c.tell_at, '-infinity') < postroom_now() - interval '60 seconds')`)

// ForgetOverdue makes contacts untold whose workflow has not done in time what is due: it was ended by hand, or lost. It says how many.
func (s *Store) ForgetOverdue(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, forgetOverdue)
	return tag.RowsAffected(), translate("find overdue contacts", err)
}
