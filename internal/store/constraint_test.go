package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// PostgreSQL's answers to an attack (appendix A of its manual).
const (
	allowed   = ""
	notUnique = "23505"
	checked   = "23514"
	notNull   = "23502"
	forbidden = "42501"
)

// held is a centre with a contact in each situation that the attacks start from.
type held struct {
	*testkit.Centre
	owned, waiting, missed, declined, done postroom.ContactID
	ownedOffer, missedOffer, declinedOffer postroom.OfferID
	doneOffer                              postroom.OfferID
}

func newHeld(t *testing.T) held {
	t.Helper()
	h := held{Centre: testkit.NewCentre(t, time.Second, store.Options{})}
	for _, agent := range []postroom.AgentID{"mina", "jiwoo", "tom"} {
		h.SignIn(t, agent)
	}
	h.missed = h.Arrive(t, "lee@customer.example", "Missed")
	h.missedOffer = h.Claim(t, h.missed, "jiwoo")
	must(t, h.OfferShown(t.Context(), "jiwoo", h.missedOffer))
	later := h.Open(t, store.Options{Shift: 2 * time.Second})
	expired, err := later.ExpireOffer(t.Context(), h.missedOffer)
	must(t, err)
	if expired.Ended != postroom.OfferExpired {
		t.Fatalf("expire: %+v", expired)
	}
	h.declined = h.Arrive(t, "han@customer.example", "Declined")
	h.declinedOffer = h.Claim(t, h.declined, "tom")
	_, err = h.DeclineOffer(t.Context(), testkit.Command("tom"), h.declinedOffer)
	must(t, err)
	h.done = h.Arrive(t, "oh@customer.example", "Done")
	h.doneOffer = h.Own(t, h.done, "tom")
	_, err = h.CloseWithoutReply(t.Context(), testkit.Command("tom"), h.doneOffer)
	must(t, err)
	h.WrapUp(t, h.doneOffer, "tom")
	h.owned = h.Arrive(t, "kim@customer.example", "Owned")
	h.ownedOffer = h.Own(t, h.owned, "mina")
	h.waiting = h.Arrive(t, "park@customer.example", "Waiting")
	return h
}

// attempt runs a statement as the application's role in a transaction that is given up, and returns PostgreSQL's answer.
func attempt(t *testing.T, c *pgx.Conn, sql string, args ...any) (code, constraint string) {
	t.Helper()
	giveUp := errors.New("give up")
	err := pgx.BeginFunc(t.Context(), c, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
			return err
		}
		return giveUp
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code, pg.ConstraintName
	}
	if !errors.Is(err, giveUp) {
		t.Fatal(err)
	}
	return allowed, ""
}

// insertAnOffer takes contact, agent, slot, state, segment_only, ended.
const insertAnOffer = `
	INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, segment_only, rona_seconds, reason, offered_at, expires_at,
		ended_at, end_cause)
	VALUES (gen_random_uuid(), $1, $2, 'general', 'email', $3, $4, $5, 90, '{}', now(), now(),
		CASE WHEN $6 THEN now() END, CASE WHEN $6 THEN 'declined' END)`

func TestPostgreSQLRefusesWhatTheInvariantsForbid(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	c := h.Connect(t)
	for _, attack := range []struct {
		name       string
		want       string
		constraint string
		sql        string
		args       []any
	}{
		{"control: a first offer", allowed, "", insertAnOffer, []any{h.waiting, "jiwoo", 1, "live", false, false}},
		{"I1: an offer of an owned contact", notUnique, "offer_holds_contact", insertAnOffer, []any{h.owned, "jiwoo", 1, "live", false, false}},
		{"I1: a second owner", notUnique, "offer_holds_contact", insertAnOffer, []any{h.owned, "jiwoo", 1, "accepted", false, false}},
		{"I1: a wrap-up beside the owner", notUnique, "offer_holds_contact", insertAnOffer, []any{h.owned, "jiwoo", 1, "wrapup", false, false}},
		{"I1: a segment's wrap-up beside the owner is none", allowed, "", insertAnOffer, []any{h.owned, "jiwoo", 1, "wrapup", true, false}},
		{"I1: an ended offer beside the owner is none", allowed, "", insertAnOffer, []any{h.owned, "jiwoo", 1, "declined", false, true}},
		{"I1: a live offer that holds nothing", checked, "", insertAnOffer, []any{h.waiting, "jiwoo", 1, "live", true, false}},
		{"I1: an ended offer becomes live again", notUnique, "offer_holds_contact",
			`WITH again AS (` + insertAnOffer + `)
			UPDATE offer SET state = 'live', ended_at = NULL, end_cause = NULL WHERE id = $7`,
			[]any{h.declined, "jiwoo", 1, "live", false, false, h.declinedOffer}},
		{"I2: one slot twice", notUnique, "offer_takes_slot", insertAnOffer, []any{h.waiting, "mina", 1, "live", false, false}},
		{"I2: a segment's wrap-up in a taken slot", notUnique, "offer_takes_slot", insertAnOffer, []any{h.waiting, "mina", 1, "wrapup", true, false}},
		{"I2: the last slot", allowed, "", insertAnOffer, []any{h.waiting, "mina", 10, "live", false, false}},
		{"I2: an eleventh slot", checked, "offer_slot_check", insertAnOffer, []any{h.waiting, "mina", 11, "live", false, false}},
		{"I2: a slot before the first", checked, "offer_slot_check", insertAnOffer, []any{h.waiting, "mina", 0, "live", false, false}},
		{"I2: an offer moves to another slot", forbidden, "", `UPDATE offer SET slot = 2 WHERE id = $1`, []any{h.ownedOffer}},
		{"I2: a capacity of eleven", checked, "agent_capacity_capacity_check",
			`UPDATE agent_capacity SET capacity = 11 WHERE agent_id = 'mina'`, nil},
		{"I4: a second RONA for an offer", notUnique, "agent_log_one_rona",
			`INSERT INTO agent_log (at, agent_id, event, from_state, to_state, offer_id, actor)
			VALUES (now(), 'jiwoo', 'misses an offer', 'rona', 'rona', $1, 'test')`, []any{h.missedOffer}},
		{"I4: a second requeue by an offer", notUnique, "segment_caused_by_offer_id_key",
			`INSERT INTO segment (id, contact_id, kind, queue_id, caused_by_offer_id, state, started_at, ended_at)
			VALUES (gen_random_uuid(), $1, 'queue', 'general', $2, 'ended', now(), now())`, []any{h.missed, h.missedOffer}},
		{"I4: a contact in its queue twice", notUnique, "segment_open_queue",
			`INSERT INTO segment (id, contact_id, kind, queue_id, state, started_at)
			VALUES (gen_random_uuid(), $1, 'queue', 'general', 'open', now())`, []any{h.waiting}},
		{"I4: a contact with two agents", notUnique, "segment_open_agent",
			`INSERT INTO segment (id, contact_id, kind, queue_id, agent_id, offer_id, state, started_at)
			VALUES (gen_random_uuid(), $1, 'agent', 'general', 'jiwoo', $2, 'open', now())`, []any{h.owned, h.missedOffer}},
		{"I4: an ended offer without its end", checked, "", insertAnOffer, []any{h.waiting, "jiwoo", 1, "expired", false, false}},
		{"I4: a held offer with an end", checked, "", insertAnOffer, []any{h.waiting, "jiwoo", 1, "live", false, true}},
		{"R9: an offer's deadline moves", forbidden, "", `UPDATE offer SET expires_at = now() WHERE id = $1`, []any{h.ownedOffer}},
		{"R8: an offer changes hands", forbidden, "", `UPDATE offer SET agent_id = 'tom' WHERE id = $1`, []any{h.ownedOffer}},
		{"I8: the arrival time moves", forbidden, "", `UPDATE contact SET arrived_at = now() WHERE id = $1`, []any{h.waiting}},
		{"I8: the priority moves", forbidden, "", `UPDATE contact SET priority = 9 WHERE id = $1`, []any{h.waiting}},
		{"I8: by the back door of an insert", forbidden, "",
			`INSERT INTO contact SELECT * FROM contact WHERE id = $1 ON CONFLICT (id) DO UPDATE SET arrived_at = now()`, []any{h.waiting}},
		{"I8: a contact is deleted and made anew", forbidden, "", `DELETE FROM contact WHERE id = $1`, []any{h.waiting}},
		{"R22: two open contacts in a thread", notUnique, "contact_open_in_thread",
			`INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, phase)
			SELECT gen_random_uuid(), thread_id, customer_id, channel, mailbox_id, subject, now(), 'new' FROM contact WHERE id = $1`, []any{h.waiting}},
		{"a done contact without its end", checked, "", `UPDATE contact SET phase = 'done' WHERE id = $1`, []any{h.waiting}},
		{"a waiting contact without a queue", checked, "", `UPDATE contact SET queue_id = NULL WHERE id = $1`, []any{h.waiting}},
		{"a phase that does not exist", checked, "contact_phase_check", `UPDATE contact SET phase = 'asleep' WHERE id = $1`, []any{h.waiting}},
		{"a workflow that knows the future", checked, "", `UPDATE contact SET told = version + 1 WHERE id = $1`, []any{h.waiting}},
		{"an agent is Idle without a code", checked, "", `UPDATE agent_state SET state = 'idle' WHERE agent_id = 'mina'`, nil},
		{"an agent is Available with a code", checked, "", `UPDATE agent_state SET idle_code = 'lunch' WHERE agent_id = 'mina'`, nil},
		{"a segment's wrap-up twice", notUnique, "wrapup_pkey",
			`INSERT INTO wrapup SELECT * FROM wrapup WHERE segment_id = (SELECT id FROM segment WHERE offer_id = $1)`, []any{h.doneOffer}},
		{"a request twice", notUnique, "request_pkey", `INSERT INTO request SELECT * FROM request LIMIT 1`, nil},
		{"a mail twice", notUnique, "received_pkey", `INSERT INTO received SELECT * FROM received LIMIT 1`, nil},
		{"a mail twice under another UID", notUnique, "received_once",
			`INSERT INTO received SELECT mailbox_id, folder, uidvalidity, uid + 1000, size, digest, arrival, reason, message_id, contact_id, at, pending
			FROM received LIMIT 1`, nil},
		{"a stored mail is changed", forbidden, "", `UPDATE message SET body = ''`, nil},
		{"an event's number twice", notUnique, "event_pkey", `INSERT INTO event SELECT * FROM event LIMIT 1`, nil},
	} {
		code, constraint := attempt(t, c, attack.sql, attack.args...)
		if code != attack.want || (attack.constraint != "" && constraint != attack.constraint) {
			t.Errorf("%s: answered %q by %q, want %q by %q", attack.name, code, constraint, attack.want, attack.constraint)
		}
	}
	h.MustHold(t)
}

func TestTheApplicationMayOnlyAppendToWhatIsEvidence(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	c := h.Connect(t)
	for _, table := range []string{"audit", "contact_event", "agent_log", "wrapup", "finding", "configuration"} {
		for name, sql := range map[string]string{
			"update":   "UPDATE " + table + " SET " + anyColumn(t, c, table) + " = DEFAULT",
			"delete":   "DELETE FROM " + table,
			"truncate": "TRUNCATE " + table,
			"drop":     "DROP TABLE " + table,
			"alter":    "ALTER TABLE " + table + " ADD COLUMN added text",
			"trigger":  "ALTER TABLE " + table + " DISABLE TRIGGER ALL",
		} {
			if code, _ := attempt(t, c, sql); code != forbidden {
				t.Errorf("%s of %s was answered with %q", name, table, code)
			}
		}
	}
	for _, sql := range []string{"DELETE FROM offer", "DELETE FROM segment", "DELETE FROM agent_state", "DELETE FROM message", "DELETE FROM outbox",
		"DELETE FROM queue", "UPDATE goose_db_version SET version_id = 99", "CREATE TABLE mine (id int)", "UPDATE installation SET epoch = gen_random_uuid()",
		"UPDATE event SET kind = ''", "UPDATE request SET rpc = ''", "UPDATE received SET arrival = 'duplicate'", "UPDATE outbox SET envelope_to = '{}'",
		"SET ROLE postroom_owner"} {
		if code, _ := attempt(t, c, sql); code != forbidden {
			t.Errorf("%s was answered with %q", sql, code)
		}
	}
}

// anyColumn names a column, for a statement that changes one.
func anyColumn(t *testing.T, c *pgx.Conn, table string) string {
	t.Helper()
	var column string
	must(t, c.QueryRow(t.Context(), `
		SELECT column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'NO' ORDER BY ordinal_position LIMIT 1`, table).Scan(&column))
	return column
}

// A control of TestPostgreSQLRefusesWhatTheInvariantsForbid and of the invariants themselves: without the constraint, the same attack
// succeeds, and the check sees it.
func TestWithoutItsConstraintAnInvariantBreaksAndIsSeen(t *testing.T) {
	t.Parallel()
	h := newHeld(t)
	h.MustHold(t)
	owner := h.ConnectOwner(t)
	for _, control := range []struct {
		name   string
		remove string
		sql    string
		args   []any
		broken string
	}{
		{"two holders", "DROP INDEX offer_holds_contact", insertAnOffer, []any{h.owned, "jiwoo", 1, "accepted", false, false}, "I1"},
		{"a second RONA", "DROP INDEX agent_log_one_rona",
			`INSERT INTO agent_log (at, agent_id, event, from_state, to_state, offer_id, actor)
			VALUES (now(), 'jiwoo', 'misses an offer', 'rona', 'rona', $1, 'test')`, []any{h.missedOffer}, "I4"},
		{"a second requeue", "ALTER TABLE segment DROP CONSTRAINT segment_caused_by_offer_id_key",
			`INSERT INTO segment (id, contact_id, kind, queue_id, caused_by_offer_id, state, started_at, ended_at)
			VALUES (gen_random_uuid(), $1, 'queue', 'general', $2, 'ended', now(), now())`, []any{h.missed, h.missedOffer}, "I4"},
		{"three contacts of two", "DROP INDEX offer_takes_slot",
			`INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, segment_only, rona_seconds, reason, offered_at, expires_at)
			SELECT gen_random_uuid(), contact_id, agent_id, queue_id, channel, slot, 'wrapup', true, 90, '{}', clock_timestamp(), expires_at
			FROM offer, generate_series(1, 2) WHERE id = $1`, []any{h.ownedOffer}, "I2"},
	} {
		giveUp := errors.New("give up")
		err := pgx.BeginFunc(t.Context(), owner, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), control.remove); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), control.sql, control.args...); err != nil {
				t.Errorf("%s: the attack failed although nothing prevents it: %v", control.name, err)
			}
			broken, err := testkit.Broken(t.Context(), tx)
			if err == nil && len(only(broken, control.broken+":")) == 0 {
				t.Errorf("%s: %s should be seen to be broken; seen: %q", control.name, control.broken, broken)
			}
			return errors.Join(err, giveUp)
		})
		if !errors.Is(err, giveUp) {
			t.Errorf("%s: %v", control.name, err)
		}
	}
}
