package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// live offers a contact to an agent who is Available and connected, shown, until the deadline in d.
func (a arena) live(t *testing.T, agent postroom.AgentID, n int, d time.Duration) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	contact := a.Arrive(t, fmt.Sprintf("%s%d@customer.example", agent, n), "Hello")
	offer := a.Claim(t, contact, agent)
	must(t, a.OfferShown(t.Context(), agent, offer))
	a.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1", offer, d.Seconds())
	return contact, offer
}

// finish ends what is left of an offer, so that its agent is free and Available.
func (a arena) finish(t *testing.T, offer postroom.OfferID, agent postroom.AgentID) {
	t.Helper()
	if a.Text(t, "SELECT state FROM offer WHERE id = $1", offer) == "accepted" {
		_, err := a.CloseWithoutReply(t.Context(), testkit.Command(agent), offer)
		must(t, err)
		a.WrapUp(t, offer, agent)
	}
	if status(t, a.Centre, agent) != postroom.AgentAvailable {
		a.Choose(t, agent, postroom.AgentAvailable, "")
	}
}

// untilDecided expires an offer as its timer would, again and again until it is decided; it returns what this call ended it as.
func untilDecided(ctx context.Context, s *store.Store, offer postroom.OfferID) (postroom.OfferState, error) {
	for {
		got, err := s.ExpireOffer(ctx, offer)
		if err != nil || got.Ended != "" || got.Snapshot.Phase != postroom.ContactOffered {
			return got.Ended, err
		}
	}
}

// R8, I4: at the deadline an offer is accepted or expires, and everybody hears the same.
func atTheDeadlineAnOfferIsEitherAcceptedOrExpires(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	seen := map[postroom.OfferState]int{}
	for n := range 8 {
		_, offer := a.live(t, "mina", n, time.Duration(n*n+1)*time.Millisecond)
		same := testkit.Command("mina")
		answers := testkit.Together(testkit.CrowdSize, func(i int) string {
			s := a.crowd.Store(i)
			if i%4 == 0 {
				ended, err := untilDecided(t.Context(), s, offer)
				return fmt.Sprintf("expire %s %v", ended, err)
			}
			command := same // a retry …
			if i%4 == 1 {
				command = testkit.Command("mina") // … or another tab
			}
			_, err := s.AcceptOffer(t.Context(), command, offer)
			return fmt.Sprintf("accept %s", postroom.ReasonOf(err))
		})
		count := map[string]int{}
		for _, answer := range answers {
			count[answer]++
		}
		state := postroom.OfferState(a.Text(t, "SELECT state FROM offer WHERE id = $1", offer))
		want := map[string]int{"accept ": testkit.CrowdSize * 3 / 4, "expire  <nil>": testkit.CrowdSize / 4}
		if state == postroom.OfferExpired {
			want = map[string]int{"accept offer_expired": testkit.CrowdSize * 3 / 4, "expire expired <nil>": 1, "expire  <nil>": testkit.CrowdSize/4 - 1}
		}
		if fmt.Sprint(count) != fmt.Sprint(want) {
			t.Errorf("the offer is %s; answers %v, want %v", state, count, want)
		}
		seen[state]++
		a.finish(t, offer, "mina")
	}
	t.Logf("seen: %v", seen)
}

func anOfferIsEitherDeclinedOrExpires(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	for n := range 4 {
		contact, offer := a.live(t, "mina", n, time.Duration(n)*2*time.Millisecond)
		ends := testkit.Together(testkit.CrowdSize, func(i int) string {
			s := a.crowd.Store(i)
			if i%2 == 0 {
				ended, err := untilDecided(t.Context(), s, offer)
				return string(ended) + string(postroom.KindOf(err))
			}
			_, err := s.DeclineOffer(t.Context(), testkit.Command("mina"), offer)
			return string(postroom.ReasonOf(err))
		})
		state, expired := a.Text(t, "SELECT state FROM offer WHERE id = $1", offer), 0
		for i, end := range ends {
			switch {
			case i%2 == 0 && end == "expired":
				expired++
			case i%2 == 1 && state == "declined" && end != "", i%2 == 1 && state == "expired" && end != string(postroom.ReasonOfferExpired):
				t.Errorf("the offer is %s and a decline was answered with %q", state, end)
			}
		}
		if (state == "expired") != (expired == 1) {
			t.Errorf("the offer is %s and %d calls ended it as expired", state, expired)
		}
		if now, err := a.LoadContact(t.Context(), contact); err != nil || now.Phase != postroom.ContactWaiting {
			t.Errorf("the contact is %+v, %v", now, err)
		}
		a.finish(t, offer, "mina")
	}
}

// R8: a double click, two tabs and retries are one assignment.
func manyAcceptsOfOneOfferAreOneOwnership(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	contact, offer := a.live(t, "mina", 0, time.Hour)
	same := testkit.Command("mina")
	for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
		command := testkit.Command("mina")
		if i%2 == 0 {
			command = same
		}
		got, err := a.crowd.Store(i).AcceptOffer(t.Context(), command, offer)
		if err == nil && (got.Phase != postroom.ContactOwned || got.Offer != offer) {
			return fmt.Errorf("answered %+v", got)
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if n := a.Count(t, "SELECT count(*)::int FROM contact_event WHERE contact_id = $1 AND event = 'accepted'", contact); n != 1 {
		t.Errorf("accepted %d times", n)
	}
	a.finish(t, offer, "mina")
}

// expirer ends an overdue offer, as a timer or its replay does.
type expirer func(ctx context.Context, s *store.Store, offer postroom.OfferID) error

// manyExpiries expires one overdue offer many times at once and says what went wrong.
func (a arena) manyExpiries(t *testing.T, n int, expire expirer) []string {
	t.Helper()
	_, offer := a.live(t, "mina", n, -time.Second)
	for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error { return expire(t.Context(), a.crowd.Store(i), offer) }) {
		if err != nil {
			t.Error(err)
		}
	}
	return a.Violations(t)
}

// I4.
func ofManyExpiriesOfOneOfferOneCounts(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	if broken := a.manyExpiries(t, 0, func(ctx context.Context, s *store.Store, offer postroom.OfferID) error {
		_, err := s.ExpireOffer(ctx, offer)
		return err
	}); len(broken) > 0 {
		t.Errorf("%q", broken)
	}
	a.Choose(t, "mina", postroom.AgentAvailable, "")
}

// A control of ofManyExpiriesOfOneOfferOneCounts: without the condition on the offer's state and the keys behind it, a replay makes a second
// RONA and a second stay.
func withoutStateAndKeysAnOfferExpiresManyTimes(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	a.Exec(t, "DROP INDEX agent_log_one_rona; ALTER TABLE segment DROP CONSTRAINT segment_caused_by_offer_id_key; DROP INDEX segment_open_queue")
	broken := a.manyExpiries(t, 1, func(ctx context.Context, s *store.Store, offer postroom.OfferID) error {
		_, err := s.Pool().Exec(ctx, `
			WITH ended AS (UPDATE offer SET state = 'expired', ended_at = clock_timestamp(), end_cause = 'rona' WHERE id = $1 RETURNING *),
			requeued AS (INSERT INTO segment (id, contact_id, kind, queue_id, caused_by_offer_id, state, started_at)
				SELECT gen_random_uuid(), contact_id, 'queue', queue_id, id, 'open', clock_timestamp() FROM ended)
			INSERT INTO agent_log (at, agent_id, event, from_state, to_state, offer_id, actor)
				SELECT clock_timestamp(), agent_id, 'misses an offer', 'available', 'rona', id, 'test' FROM ended`, offer)
		return err
	})
	if red := only(broken, "I4: an offer that ended", "I4: an offer makes RONA"); len(red) < 2 {
		t.Errorf("without the condition the check should be red; it says %q", broken)
	}
}

// I3, R12.
func nobodyWhoHasGoneIdleHasALiveOffer(t *testing.T, a arena) {
	agents := a.Hire(t, 4, 10)
	for _, agent := range agents {
		a.SignIn(t, agent)
		contacts := a.arrive(t, testkit.CrowdSize)
		now, err := a.AgentStatus(t.Context(), agent)
		must(t, err)
		idle := testkit.Command(agent)
		for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
			if i%8 == 0 {
				_, _, err := a.crowd.Store(i).SetAgentState(t.Context(), idle, store.AgentChange{Agent: agent, To: postroom.AgentIdle, Code: "lunch",
					Seen: now.Version})
				return err
			}
			_, err := productClaim(t.Context(), a.crowd.Store(i), contacts[i], agent)
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		if got := status(t, a.Centre, agent); got != postroom.AgentIdle {
			t.Errorf("%s is %s", agent, got)
		}
	}
}

// A control of nobodyWhoHasGoneIdleHasALiveOffer: a claim that does not test the agent again under his lock gives an offer to somebody who
// is Idle.
func TestAClaimThatDoesNotTestTheAgentAgainReachesSomebodyIdle(t *testing.T) {
	t.Parallel()
	a := arena{Centre: testkit.NewCentre(t, time.Hour, store.Options{})}
	a.SignIn(t, "mina")
	contact := a.Arrive(t, "kim@customer.example", "Hello")
	must(t, pgx.BeginFunc(t.Context(), a.Connect(t), func(tx pgx.Tx) error { // chosen, and not tested again
		var able bool
		var slot int
		if err := tx.QueryRow(t.Context(), ableNow, "mina").Scan(&able, &slot); err != nil || !able {
			return errors.Join(err, errors.New("mina should be able"))
		}
		a.Choose(t, "mina", postroom.AgentIdle, "lunch")
		if _, err := tx.Exec(t.Context(), takeWaiting, contact); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), insertLive, contact, "mina", slot)
		return err
	}))
	wantBroken(t, a.Database, "I3")
	wantBroken(t, a.Database, "R12")
}
