package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Authorization is the sealed refresh token of a mailbox.
type Authorization struct {
	Sealed  []byte
	Version int64
	Problem string // why it is good no more; "" while it is
}

// Renewed is what came of using a refresh token.
type Renewed struct {
	Sealed  []byte // the one that the provider put in its place; nil: it stays
	Problem string // it is good no more; "" if it is
}

var lockAuthorization = statement(`SELECT sealed, version, problem FROM mailbox_authorization WHERE mailbox_id = $1 FOR UPDATE`)

var replaceAuthorization = statement(`
	UPDATE mailbox_authorization SET sealed = coalesce($3, sealed), version = version + CASE WHEN $3::bytea IS NULL THEN 0 ELSE 1 END,
		renewed_at = CASE WHEN $4 = '' THEN postroom_now() ELSE renewed_at END, problem = $4, problem_at = CASE WHEN $4 = '' THEN NULL ELSE postroom_now() END
	WHERE mailbox_id = $1 AND version = $2`)

// Renew has use a mailbox's refresh token, and keeps what comes of it. The row is locked meanwhile: providers that replace a token with each use take
// a second use of the old one for theft, and no two workers may make it. use is called once, must end within seconds, and is not called for a
// token that has a Problem; its error changes nothing. A mailbox without a token is NotFound.
//
// If the transaction cannot be committed, the new token is written once more by itself: losing it means that somebody has to hand one in.
func (s *Store) Renew(ctx context.Context, mailbox postroom.MailboxID, use func(context.Context, Authorization) (Renewed, error)) error {
	var now Authorization
	var renewed Renewed
	var used bool
	var failed error
	err := s.write(ctx, "renew an authorization", func(ctx context.Context, tx *txn) error {
		if !used { // else PostgreSQL gave the transaction up after the use
			var found bool
			var err error
			if now, found, err = one[Authorization](ctx, tx, lockAuthorization, mailbox); err != nil {
				return err
			}
			if !found {
				return postroom.NotFound(ReasonNotAuthorized, "The mailbox has no refresh token yet: hand one in with `postroom mailbox authorize`")
			}
			if now.Problem != "" {
				return refusedAuthorization()
			}
			if renewed, failed = use(ctx, now); failed != nil {
				return nil
			}
			used = true
		}
		_, err := tx.Exec(ctx, replaceAuthorization, mailbox, now.Version, renewed.Sealed, renewed.Problem)
		return err
	})
	if failed != nil {
		return failed
	}
	if err != nil && !used {
		return err
	}
	if err == nil {
		if renewed.Problem != "" {
			return refusedAuthorization()
		}
		return nil
	}
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer cancel()
	_, err = s.pool.Exec(writing, replaceAuthorization, mailbox, now.Version, renewed.Sealed, renewed.Problem)
	return translate("renew an authorization", err)
}

// Reasons why there is no access token to be had for a mailbox.
const (
	ReasonNotAuthorized postroom.Reason = "mailbox_not_authorized" // nobody has handed a refresh token in
	ReasonWithdrawn     postroom.Reason = "authorization_withdrawn"
)

func refusedAuthorization() error {
	return postroom.Refused(ReasonWithdrawn, "The provider does not take the mailbox's refresh token any more: hand in another with `postroom mailbox authorize`")
}

var giveAuthorization = statement(`
	INSERT INTO mailbox_authorization (mailbox_id, sealed, given_at) VALUES ($1, $2, postroom_now())
	ON CONFLICT (mailbox_id) DO UPDATE SET sealed = excluded.sealed, version = mailbox_authorization.version + 1, given_at = excluded.given_at,
		renewed_at = NULL, problem = '', problem_at = NULL`)
var watchAnew = statement(`UPDATE mailbox SET version = version + 1, tell_at = NULL WHERE id = $1 AND active`)

// Authorize keeps a refresh token that was handed in for a mailbox, and has its watch begin anew.
func (s *Store) Authorize(ctx context.Context, by postroom.Actor, mailbox postroom.MailboxID, sealed []byte) error {
	return s.write(ctx, "authorize a mailbox", func(ctx context.Context, tx *txn) error {
		tag, err := tx.Exec(ctx, watchAnew, mailbox)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return postroom.NotFound("unknown_mailbox", "there is no such mailbox in the configuration")
		}
		tx.later(giveAuthorization, mailbox, sealed)
		tx.maybe(notifyConfiguration, "authorized")
		audit(tx, by, "authorize", "mailbox/"+string(mailbox), nil, nil)
		return nil
	})
}

// MailboxState is how a mailbox is signed in to, and whether that works.
type MailboxState struct {
	Mailbox    postroom.MailboxID
	Address    string
	OAuth      bool
	Authorized *time.Time // when the refresh token was handed in; nil: none was
	Renewed    *time.Time // when an access token was last had with it
	Problem    string     // why the refresh token is good no more
}

var readMailboxStates = statement(`
	SELECT m.id, m.address, m.oauth <> '{}', a.given_at, a.renewed_at, coalesce(a.problem, '')
	FROM mailbox m LEFT JOIN mailbox_authorization a ON a.mailbox_id = m.id WHERE m.active ORDER BY m.id`)

// MailboxStates lists the mailboxes of the configuration.
func (s *Store) MailboxStates(ctx context.Context) ([]MailboxState, error) {
	states, err := all[MailboxState](ctx, s.pool, readMailboxStates)
	return states, translate("read how mailboxes are signed in to", err)
}
