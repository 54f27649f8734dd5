package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// afterALockWait has an agent accept in time, and wait for his own lock until the deadline has passed.
func (a arena) afterALockWait(t *testing.T, accept func(ctx context.Context, offer postroom.OfferID) error) error {
	t.Helper()
	_, offer := a.live(t, "mina", 0, 2*time.Second)
	answered := make(chan error, 1)
	must(t, pgx.BeginFunc(t.Context(), a.ConnectOwner(t), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT FROM agent_state WHERE agent_id = 'mina' FOR UPDATE"); err != nil {
			return err
		}
		go func() { answered <- accept(t.Context(), offer) }()
		a.waitFor(t, tx)
		if passed := a.Text(t, "SELECT (clock_timestamp() >= expires_at)::text FROM offer WHERE id = $1", offer); passed == "true" {
			t.Error("the accept did not come in time, so that nothing is shown")
		}
		testkit.Eventually(t, "the deadline to pass", func() bool {
			return a.Text(t, "SELECT (clock_timestamp() >= expires_at)::text FROM offer WHERE id = $1", offer) == "true"
		})
		return nil
	}))
	return <-answered
}

// R8: who waits for a lock past the deadline is late, whenever he began.
func TestAnAcceptThatWaitedPastTheDeadlineIsLate(t *testing.T) {
	t.Parallel()
	a := arena{Centre: testkit.NewCentre(t, time.Hour, store.Options{})}
	a.SignIn(t, "mina")
	err := a.afterALockWait(t, func(ctx context.Context, offer postroom.OfferID) error {
		_, err := a.AcceptOffer(ctx, testkit.Command("mina"), offer)
		return err
	})
	wantReason(t, "accept", err, postroom.KindConflict, postroom.ReasonOfferExpired)
	a.MustHold(t)
}

// A control of TestAnAcceptThatWaitedPastTheDeadlineIsLate: now() is the moment at which the transaction began, and still in time.
func TestNowIsStillInTimeAfterALockWait(t *testing.T) {
	t.Parallel()
	a := arena{Centre: testkit.NewCentre(t, time.Hour, store.Options{})}
	a.SignIn(t, "mina")
	must(t, a.afterALockWait(t, func(ctx context.Context, offer postroom.OfferID) error {
		return pgx.BeginFunc(ctx, a.Pool(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lockFirst, "mina"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE offer SET state = 'accepted', accepted_at = clock_timestamp()
				WHERE id = $1 AND state = 'live' AND now() < expires_at`, offer)
			return err
		})
	}))
	wantBroken(t, a.Database, "R8")
}

// A change of the queue's time acts on later offers; it is recorded on each (R9).
func TestTheTimeOfAnOfferIsThatOfItsQueueWhenItWasMade(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, 90*time.Second, store.Options{})
	c.SignIn(t, "mina")
	first := c.Claim(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	_, err := apply(t, c.Store, testkit.Sample(6000*time.Second))
	must(t, err)
	second := c.Claim(t, c.Arrive(t, "lee@customer.example", "Hello"), "mina")
	for offer, want := range map[postroom.OfferID]int{first: 90, second: 6000} {
		got := c.Count(t, `SELECT rona_seconds FROM offer WHERE id = $1 AND expires_at = offered_at + make_interval(secs => rona_seconds)`, offer)
		if got != want {
			t.Errorf("an offer lasts %d s, want %d", got, want)
		}
	}
}
