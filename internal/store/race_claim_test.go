package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// claimer offers a contact to an agent and says whether it did.
type claimer func(ctx context.Context, s *store.Store, contact postroom.ContactID, agent postroom.AgentID) (won bool, err error)

func productClaim(ctx context.Context, s *store.Store, contact postroom.ContactID, agent postroom.AgentID) (bool, error) {
	_, lost, err := s.ClaimOffer(ctx, store.Claim{Contact: contact, Agent: agent, Reason: "race", By: postroom.System("test")})
	return lost == store.LostNothing && err == nil, err
}

// wins runs claims at once and counts those that won.
func (a arena) wins(t *testing.T, claim func(i int) (bool, error)) int {
	t.Helper()
	won := 0
	for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
		ok, err := claim(i)
		if ok && err == nil {
			err = errWon
		}
		return err
	}) {
		switch {
		case errors.Is(err, errWon):
			won++
		case err != nil:
			t.Errorf("claim: %v", err)
		}
	}
	return won
}

var errWon = errors.New("won")

// forOneContact has many agents claim one contact at once, and says what went wrong.
func (a arena) forOneContact(t *testing.T, agents []postroom.AgentID, claim claimer) (broken []string) {
	t.Helper()
	contact := a.arrive(t, 1)[0]
	won := a.wins(t, func(i int) (bool, error) { return claim(t.Context(), a.crowd.Store(i), contact, agents[i%len(agents)]) })
	if won != 1 {
		broken = append(broken, fmt.Sprintf("%d claims of one contact won", won))
	}
	return append(broken, a.Violations(t)...)
}

// forOneAgent has many contacts claimed for one agent at once, and says what went wrong.
func (a arena) forOneAgent(t *testing.T, agent postroom.AgentID, capacity int, claim claimer) (broken []string) {
	t.Helper()
	contacts := a.arrive(t, testkit.CrowdSize)
	won := a.wins(t, func(i int) (bool, error) { return claim(t.Context(), a.crowd.Store(i), contacts[i], agent) })
	if won != capacity {
		broken = append(broken, fmt.Sprintf("%d claims for a capacity of %d won", won, capacity))
	}
	return append(broken, a.Violations(t)...)
}

// I1.
func ofManyClaimsOfOneContactOneWins(t *testing.T, a arena) {
	agents := a.Hire(t, 8, 10)
	for _, agent := range agents {
		a.SignIn(t, agent)
	}
	for range 4 {
		for _, line := range a.forOneContact(t, agents, productClaim) {
			t.Error(line)
		}
	}
}

// I2.
func ofManyClaimsForOneAgentAsManyWinAsHeMayHold(t *testing.T, a arena) {
	for capacity := 1; capacity <= 3; capacity++ {
		agent := a.Hire(t, 1, capacity)[0]
		a.SignIn(t, agent)
		for _, line := range a.forOneAgent(t, agent, capacity, productClaim) {
			t.Error(line)
		}
	}
}

// carelessClaim is a claim without one of its protections.
type carelessClaim struct {
	able string // locks the agent and says whether he can take it; two results: able and a slot
	take string // takes the contact
}

// The statements of a careful claim, to take protections out of.
const (
	lockFirst = `SELECT FROM agent_state WHERE agent_id = $1 FOR UPDATE`
	ableNow   = `SELECT s.state = 'available' AND h.held < k.capacity, (SELECT min(n) FROM generate_series(1, 10) n WHERE n <> ALL (h.slots))
		FROM agent_state s JOIN agent_capacity k USING (agent_id)
		CROSS JOIN LATERAL (SELECT count(*) AS held, coalesce(array_agg(slot::int), '{}') AS slots FROM offer o
			WHERE o.agent_id = s.agent_id AND o.state IN ('live', 'accepted', 'wrapup')) h
		WHERE s.agent_id = $1 AND k.channel = 'email'`
	takeWaiting = `UPDATE contact SET phase = 'offered', version = version + 1 WHERE id = $1 AND phase = 'waiting'`
	takeAnyway  = `UPDATE contact SET phase = 'offered', version = version + 1 WHERE id = $1`
	insertLive  = `INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, rona_seconds, reason, offered_at, expires_at)
		VALUES (gen_random_uuid(), $1, $2, 'general', 'email', $3, 'live', 90, '{}', clock_timestamp(), clock_timestamp() + interval '1 hour')`
)

// claim runs the statements in one transaction; a unique violation loses.
func (c carelessClaim) claim(ctx context.Context, s *store.Store, contact postroom.ContactID, agent postroom.AgentID) (won bool, err error) {
	err = pgx.BeginFunc(ctx, s.Pool(), func(tx pgx.Tx) error {
		won = false
		if c.able == ableNow {
			if _, err := tx.Exec(ctx, lockFirst, agent); err != nil {
				return err
			}
		}
		var able bool
		var slot int
		if err := tx.QueryRow(ctx, c.able, agent).Scan(&able, &slot); errors.Is(err, pgx.ErrNoRows) || (err == nil && !able) {
			return nil
		} else if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, c.take, contact)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		won = true
		_, err = tx.Exec(ctx, insertLive, contact, agent, slot)
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == notUnique {
		return false, nil
	}
	return won, err
}

// A control of ofManyClaimsOfOneContactOneWins: the condition on the phase and the index each suffice; without both, many win.
func withoutPhaseAndIndexManyClaimsOfOneContactWin(t *testing.T, a arena) {
	agents := a.Hire(t, 8, 10)
	for _, agent := range agents {
		a.SignIn(t, agent)
	}
	careless := carelessClaim{able: ableNow, take: takeAnyway}.claim
	if one := only(a.forOneContact(t, agents, careless), "claims of one contact", "I1: a contact is held"); len(one) > 0 {
		t.Errorf("the index alone does not suffice: %q", one)
	}
	a.Exec(t, "DROP INDEX offer_holds_contact")
	careful := carelessClaim{able: ableNow, take: takeWaiting}.claim
	if one := only(a.forOneContact(t, agents, careful), "claims of one contact", "I1: a contact is held"); len(one) > 0 {
		t.Errorf("the phase alone does not suffice: %q", one)
	}
	if both := only(a.forOneContact(t, agents, careless), "claims of one contact", "I1: a contact is held"); len(both) < 2 {
		t.Errorf("without both protections the check should be red; it says %q", both)
	}
}

// A control of ofManyClaimsForOneAgentAsManyWinAsHeMayHold: a statement that locks and counts sees the count from before it waited.
func lockingAndCountingInOneStatementGoesBeyondCapacity(t *testing.T, a arena) {
	agents := a.Hire(t, 6, 1)
	for _, agent := range agents {
		a.SignIn(t, agent)
	}
	careful := carelessClaim{able: ableNow, take: takeWaiting}.claim
	if broken := only(a.forOneAgent(t, agents[0], 1, careful), "claims for a capacity", "I2"); len(broken) > 0 {
		t.Errorf("two statements: %q", broken)
	}
	losing := carelessClaim{take: takeWaiting, able: `
		SELECT true, 1 + (random() * 9)::int FROM agent_state s WHERE s.agent_id = $1 AND s.state = 'available'
			AND (SELECT count(*) FROM offer o WHERE o.agent_id = s.agent_id AND o.state IN ('live', 'accepted', 'wrapup'))
			    < (SELECT capacity FROM agent_capacity k WHERE k.agent_id = s.agent_id AND k.channel = 'email')
		FOR UPDATE`}.claim
	for _, agent := range agents[1:] { // it needs two claims at the same moment, which a busy machine may not give at once
		if broken := only(a.forOneAgent(t, agent, 1, losing), "claims for a capacity", "I2"); len(broken) >= 2 {
			return
		}
	}
	t.Error("one statement: the check should be red")
}
