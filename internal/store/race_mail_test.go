package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// ingest stores mails at once and counts what became of them; it returns the contacts that they went to.
func (a arena) ingest(t *testing.T, mails []store.Arrived) (map[postroom.Arrival]int, map[postroom.ContactID]int) {
	t.Helper()
	type answer struct {
		store.Ingested
		err error
	}
	arrivals, contacts := map[postroom.Arrival]int{}, map[postroom.ContactID]int{}
	for _, got := range testkit.Together(len(mails), func(i int) answer {
		got, err := a.crowd.Store(i).Ingest(t.Context(), mails[i])
		return answer{got, err}
	}) {
		if got.err != nil {
			t.Errorf("ingest: %v", got.err)
		}
		arrivals[got.Arrival]++
		contacts[got.Contact]++
	}
	return arrivals, contacts
}

func theSameMailManyTimesAtOnceIsOneContact(t *testing.T, a arena) {
	const counts = "SELECT ((SELECT count(*) FROM contact) * 10000 + (SELECT count(*) FROM message) * 100 + (SELECT count(*) FROM received))::int"
	before, mails := a.Count(t, counts), make([]store.Arrived, testkit.CrowdSize)

	same := a.Mail("kim@customer.example", "Hello")
	for i := range mails {
		mails[i] = same
	}
	arrivals, contacts := a.ingest(t, mails)
	if arrivals[postroom.ArrivalOpened] != testkit.CrowdSize || len(contacts) != 1 {
		t.Errorf("one UID: %v in %d contacts; each call answers as the first", arrivals, len(contacts))
	}

	for i := range mails { // the same bytes under other UIDs
		mails[i] = a.Mail("lee@customer.example", "Hello")
		mails[i].Source.Digest = []byte("the same bytes")
	}
	arrivals, _ = a.ingest(t, mails)
	if arrivals[postroom.ArrivalOpened] != 1 || arrivals[postroom.ArrivalDuplicate] != testkit.CrowdSize-1 {
		t.Errorf("one digest: %v", arrivals)
	}

	for i := range mails { // a new customer, many mails
		mails[i] = a.Mail("Park@Customer.example", "Hello")
	}
	arrivals, contacts = a.ingest(t, mails)
	if arrivals[postroom.ArrivalOpened] != testkit.CrowdSize || len(contacts) != testkit.CrowdSize {
		t.Errorf("one customer: %v in %d contacts", arrivals, len(contacts))
	}
	if n := a.Count(t, "SELECT count(*)::int FROM customer_address WHERE address = 'park@customer.example'"); n != 1 {
		t.Errorf("the customer has %d addresses", n)
	}
	if got, want := a.Count(t, counts)-before, 66*10000+66*100+129; got != want {
		t.Errorf("contacts, messages and fetched mails: %d more, want %d", got, want)
	}
}

// answered makes a contact that was answered, and returns its offer and the answer's Message-ID.
func (a arena) answered(t *testing.T, from string, agent postroom.AgentID) (postroom.ContactID, postroom.OfferID, string) {
	t.Helper()
	contact := a.Arrive(t, from, "Hello")
	offer := a.Own(t, contact, agent)
	return contact, offer, a.Reply(t, offer, agent)
}

// R22.
func followUpsThatComeTogetherOpenOneContact(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	for n := range 2 {
		from := fmt.Sprintf("kim%d@customer.example", n)
		_, offer, id := a.answered(t, from, "mina")
		a.WrapUp(t, offer, "mina")
		mails := make([]store.Arrived, testkit.CrowdSize)
		for i := range mails {
			mails[i] = a.FollowUp(from, id)
		}
		arrivals, contacts := a.ingest(t, mails)
		if arrivals[postroom.ArrivalOpened] != 1 || arrivals[postroom.ArrivalAppended] != testkit.CrowdSize-1 || len(contacts) != 1 {
			t.Errorf("%v in %d contacts", arrivals, len(contacts))
		}
	}
}

// R22: whenever the customer writes while an agent completes, his mail is in the contact that is completed only if it came before the
// answer; else it is in an open one.
func noMailIsBuriedByACompletionAtTheSameMoment(t *testing.T, a arena) {
	a.SignIn(t, "mina")
	for n := range 6 {
		from := fmt.Sprintf("kim%d@customer.example", n)
		contact, offer, id := a.answered(t, from, "mina")
		mails := make([]store.Arrived, testkit.CrowdSize)
		for i := range mails {
			mails[i] = a.FollowUp(from, id)
		}
		command := testkit.Command("mina")
		for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
			if i%4 == n%4 {
				_, err := a.crowd.Store(i).CompleteWrapUp(t.Context(), command, offer, postroom.WrapUp{Code: "solved"})
				return err
			}
			_, err := a.crowd.Store(i).Ingest(t.Context(), mails[i])
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		got := a.Text(t, `
			SELECT concat_ws(' ', count(*) FILTER (WHERE c.phase = 'done'), count(*) FILTER (WHERE c.phase <> 'done'),
				count(DISTINCT c.id) FILTER (WHERE c.phase <> 'done'))
			FROM message m JOIN contact c ON c.id = m.contact_id
			WHERE m.direction = 'in' AND c.thread_id = (SELECT thread_id FROM contact WHERE id = $1)`, contact)
		if want := fmt.Sprintf("1 %d 1", testkit.CrowdSize*3/4); got != want {
			t.Errorf("mails in done contacts, in open ones, and open contacts: %s, want %s", got, want)
		}
	}
}

// A control of noMailIsBuriedByACompletionAtTheSameMoment: a completion that looks for unseen mail before it has the contact's lock
// misses what comes while it waits.
func TestLookingForUnseenMailBeforeTheLockBuriesIt(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	a := arena{Centre: c}
	a.SignIn(t, "mina")
	contact, offer, id := a.answered(t, "kim@customer.example", "mina")
	ctx := context.WithoutCancel(t.Context())
	must(t, pgx.BeginFunc(ctx, a.Connect(t), func(tx pgx.Tx) error {
		var unseen int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM message m WHERE m.contact_id = $1 AND m.direction = 'in'
			AND m.received_at > (SELECT handled_at FROM segment WHERE offer_id = $2)`, contact, offer).Scan(&unseen); err != nil || unseen != 0 {
			return fmt.Errorf("%d unseen, %w", unseen, err)
		}
		if got, err := a.Ingest(ctx, a.FollowUp("kim@customer.example", id)); err != nil || got.Arrival != postroom.ArrivalAppended {
			t.Errorf("ingest: %+v, %v", got, err)
		}
		_, err := tx.Exec(ctx, "UPDATE contact SET phase = 'done', completed_at = clock_timestamp() WHERE id = $1", contact)
		return err
	}))
	wantBroken(t, a.Database, "R22")
}

// A mail locks its thread, then waits for the contact; who has the contact writes rows that refer to the thread. Such a reference must not
// wait for the mail: PostgreSQL would have to break the deadlock, a second later.
func TestAMailThatWaitsForItsContactHoldsUpNobody(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	a := arena{Centre: c}
	a.SignIn(t, "mina")
	contact, _, id := a.answered(t, "kim@customer.example", "mina")
	mail := a.FollowUp("kim@customer.example", id)
	ingested := make(chan error, 1)
	must(t, pgx.BeginFunc(t.Context(), a.Connect(t), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "UPDATE contact SET told = told WHERE id = $1", contact); err != nil {
			return err
		}
		go func() {
			_, err := a.Ingest(t.Context(), mail)
			ingested <- err
		}()
		a.waitFor(t, tx)
		_, err := tx.Exec(t.Context(), "SELECT FROM thread WHERE id = (SELECT thread_id FROM contact WHERE id = $1) FOR KEY SHARE NOWAIT", contact)
		return err
	}))
	must(t, <-ingested)
	a.MustHold(t)
}

// waitFor waits until somebody waits for a lock that a transaction has.
func (a arena) waitFor(t testing.TB, tx pgx.Tx) {
	t.Helper()
	pid := tx.Conn().PgConn().PID()
	testkit.Eventually(t, "somebody to wait for the lock", func() bool {
		return a.Text(t, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $1::int = ANY (pg_blocking_pids(pid)))::text", int(pid)) == "true"
	})
}
