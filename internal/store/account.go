package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Credentials are what a sign-in is checked against.
type Credentials struct {
	Agent        postroom.AgentID
	PasswordHash string
	Active       bool
}

var readCredentials = statement(`
	SELECT a.id, c.password_hash, a.active FROM account c JOIN agent a ON a.id = c.agent_id WHERE a.id = $1`)

// Credentials reads an account; found is false if there is none of that name.
func (s *Store) Credentials(ctx context.Context, name string) (c Credentials, found bool, err error) {
	c, found, err = one[Credentials](ctx, s.pool, readCredentials, name)
	return c, found, translate("read an account", err)
}

var writePassword = statement(`
	INSERT INTO account (agent_id, password_hash, sample) VALUES ($1, $2, $3)
	ON CONFLICT (agent_id) DO UPDATE SET password_hash = excluded.password_hash, sample = excluded.sample, changed_at = clock_timestamp()`)
var agentExists = statement(`SELECT active FROM agent WHERE id = $1`)

// Password is a new password of an account, hashed. Sample marks the accounts that `postroom dev` makes: no API that can be
// reached from outside starts while one exists (R41).
type Password struct {
	Agent  postroom.AgentID
	Hash   string
	Sample bool
}

// SetPassword sets an account's password, ends its sessions, and audits it. An agent whom the configuration does not know is
// NotFound.
func (s *Store) SetPassword(ctx context.Context, c postroom.Command, by postroom.Actor, p Password) error {
	return s.write(ctx, "set a password", func(ctx context.Context, tx *txn) error {
		if todo, err := once(ctx, tx, c); err != nil || !todo {
			return err
		}
		active, found, err := value[bool](ctx, tx, agentExists, p.Agent)
		if err != nil {
			return err
		}
		if !found || !active {
			return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent in the configuration")
		}
		if _, err := tx.Exec(ctx, writePassword, p.Agent, p.Hash, p.Sample); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endSessionsOf, p.Agent); err != nil {
			return err
		}
		audit(tx, by, "set password", "account/"+string(p.Agent), nil, map[string]bool{"sample": p.Sample})
		return nil
	})
}

var countSamples = statement(`SELECT count(*)::int FROM account c JOIN agent a ON a.id = c.agent_id WHERE c.sample AND a.active`)

// SampleAccounts counts the accounts with a sample password.
func (s *Store) SampleAccounts(ctx context.Context) (int, error) {
	n, _, err := value[int](ctx, s.pool, countSamples)
	return n, translate("count sample accounts", err)
}

var readBlock = statement(`SELECT extract(epoch FROM blocked_until - postroom_now())::float8 FROM sign_in_failure WHERE name = $1`)

// SignInBlocked says for how long a name may not be tried again; zero or less means that it may.
func (s *Store) SignInBlocked(ctx context.Context, name string) (time.Duration, error) {
	left, _, err := value[float64](ctx, s.pool, readBlock, name)
	return seconds(left), translate("read failed sign-ins", err)
}

// The first five failures cost nothing, then 1, 2, 4 … seconds up to 5 minutes; a quarter of an hour without one forgets them.
var countFailure = statement(`
	INSERT INTO sign_in_failure AS f (name, failures, blocked_until) VALUES ($1, 1, postroom_now())
	ON CONFLICT (name) DO UPDATE SET
		failures = CASE WHEN f.blocked_until < postroom_now() - interval '15 minutes' THEN 1 ELSE f.failures + 1 END,
		blocked_until = postroom_now() + CASE WHEN f.failures < 5 OR f.blocked_until < postroom_now() - interval '15 minutes'
			THEN interval '0' ELSE least(interval '1 second' * power(2, least(f.failures - 5, 10)), interval '5 minutes') END`)

// SignInFailed counts a failed sign-in of a name, whether or not an account has it.
func (s *Store) SignInFailed(ctx context.Context, name string) error {
	_, err := s.pool.Exec(ctx, countFailure, name)
	return translate("count a failed sign-in", err)
}

var forgetFailures = statement(`DELETE FROM sign_in_failure WHERE name = $1`)
var insertSession = statement(`
	INSERT INTO session (token_hash, agent_id, created_at, last_used_at, expires_at)
	VALUES ($1, $2, postroom_now(), postroom_now(), postroom_now() + $3)`)

// How long a session lasts in all, and how long without any use (R40).
const (
	SessionTime = 12 * time.Hour
	IdleTime    = 30 * time.Minute
)

// OpenSession begins a session under the SHA-256 of its token, and signs the agent in if he was logged out: Idle, or RONA if he
// signed out owing one (R10).
func (s *Store) OpenSession(ctx context.Context, tokenHash []byte, id postroom.AgentID) error {
	return s.write(ctx, "open a session", func(ctx context.Context, tx *txn) error {
		agent, err := lockAgentState(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetFailures, string(id)); err != nil {
			return err
		}
		tx.later(insertSession, tokenHash, id, SessionTime)
		tx.later(renewLease, id)
		if agent.State != postroom.AgentLoggedOut {
			return nil
		}
		by := postroom.Actor{Kind: postroom.ActorAgent, ID: string(id)}
		if agent.Owes {
			return agent.move(tx, postroom.AgentSignsInOwing, "", "", by)
		}
		return agent.move(tx, postroom.AgentSignsIn, postroom.IdleSignedIn, "", by)
	})
}

// Session is who speaks, as a token proves it.
type Session struct {
	Agent     postroom.AgentID
	Role      postroom.Role
	Team      postroom.TeamID
	Name      string
	ExpiresAt time.Time
	Locked    bool // not used for IdleTime: the password is asked for again
	Unnoted   bool // its use has not been noted for a minute
}

var readSession = statement(`
	SELECT a.id, a.role, coalesce(a.team_id, ''), a.name, s.expires_at, s.last_used_at < postroom_now() - $2::interval,
	       s.last_used_at < postroom_now() - interval '1 minute'
	FROM session s JOIN agent a ON a.id = s.agent_id
	WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.expires_at > postroom_now() AND a.active`)

// Session reads a session by the SHA-256 of its token; found is false if it never was, has ended, or its agent is retired.
func (s *Store) Session(ctx context.Context, tokenHash []byte) (session Session, found bool, err error) {
	session, found, err = one[Session](ctx, s.pool, readSession, tokenHash, IdleTime)
	return session, found, translate("read a session", err)
}

var touchSession = statement(`
	UPDATE session SET last_used_at = postroom_now()
	WHERE token_hash = $1 AND ended_at IS NULL AND last_used_at < postroom_now() - interval '1 minute'`)

// UseSession notes that a person did something, at most once a minute.
func (s *Store) UseSession(ctx context.Context, tokenHash []byte) error {
	_, err := s.pool.Exec(ctx, touchSession, tokenHash)
	return translate("note the use of a session", err)
}

var endSession = statement(`UPDATE session SET ended_at = postroom_now() WHERE token_hash = $1 AND ended_at IS NULL`)
var otherSessions = statement(`
	SELECT count(*)::int FROM session WHERE agent_id = $1 AND ended_at IS NULL AND expires_at > postroom_now()`)
var notifySession = statement(`SELECT pg_notify('postroom_session', $1)`)

// CloseSession signs out one session; with the agent's last one he is logged out: while he has another one, in another browser, he works on
// there. While he holds contacts the last one is Refused with reason work_in_hand, which lists them; an offer that he has not accepted is
// withdrawn (R12).
func (s *Store) CloseSession(ctx context.Context, tokenHash []byte, id postroom.AgentID) ([]Withdrawn, error) {
	var withdrawn []Withdrawn
	err := s.write(ctx, "close a session", func(ctx context.Context, tx *txn) error {
		withdrawn = nil
		agent, err := lockAgentState(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endSession, tokenHash); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, notifySession, string(id)); err != nil {
			return err
		}
		left, _, err := value[int](ctx, tx, otherSessions, id)
		if err != nil || left > 0 || agent.State == postroom.AgentLoggedOut {
			return err
		}
		withdrawn, err = logOut(ctx, tx, agent)
		return err
	})
	return withdrawn, err
}

func logOut(ctx context.Context, tx *txn, agent *agentRow) ([]Withdrawn, error) {
	by := postroom.Actor{Kind: postroom.ActorAgent, ID: string(agent.ID)}
	withdrawn, err := withdraw(ctx, tx, agent.ID, postroom.OfferWithdraw, postroom.CauseAgentSignOut, by)
	if err != nil {
		return nil, err
	}
	if err := nothingInHand(ctx, tx, agent.ID, "finish your contacts before signing out"); err != nil {
		return nil, err
	}
	return withdrawn, agent.move(tx, postroom.AgentSignsOut, "", "", by)
}

var contactsOf = statement(`
	SELECT contact_id::text FROM offer WHERE agent_id = $1 AND state IN ('live', 'accepted', 'wrapup') ORDER BY accepted_at, id`)

// nothingInHand refuses, with the list, what an agent may not do who holds contacts.
func nothingInHand(ctx context.Context, tx *txn, id postroom.AgentID, message string) error {
	held, err := values[postroom.ContactID](ctx, tx, contactsOf, id)
	if err != nil || len(held) == 0 {
		return err
	}
	refusal := postroom.Refused(postroom.ReasonWorkInHand, message)
	refusal.Contacts = held
	return refusal
}

var endSessionsOf = statement(`
	WITH ended AS (UPDATE session SET ended_at = postroom_now() WHERE agent_id = $1 AND ended_at IS NULL RETURNING agent_id)
	SELECT pg_notify('postroom_session', $1) WHERE EXISTS (SELECT FROM ended)`)

// RevokeSessions ends all sessions of an agent and audits it; streams that they opened are closed.
func (s *Store) RevokeSessions(ctx context.Context, c postroom.Command, by postroom.Actor, id postroom.AgentID) error {
	return s.write(ctx, "revoke sessions", func(ctx context.Context, tx *txn) error {
		if todo, err := once(ctx, tx, c); err != nil || !todo {
			return err
		}
		if _, err := tx.Exec(ctx, endSessionsOf, string(id)); err != nil {
			return err
		}
		audit(tx, by, "revoke sessions", "account/"+string(id), nil, nil)
		return nil
	})
}
