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

// follow reads a stream as a desktop's connection does, while others write: whenever it is woken it reads what follows the last number it
// has seen, until it has seen the head and stop is closed. It returns the numbers that it saw, and what went wrong.
func follow(ctx context.Context, read func(ctx context.Context, after int64) ([]int64, error), head func(ctx context.Context) (int64, error),
	stop <-chan struct{}) (seen []int64, err error) {
	last := int64(0)
	for stopping := false; ; {
		numbers, err := read(ctx, last)
		if err != nil {
			return seen, err
		}
		for _, n := range numbers {
			if n != last+1 {
				return seen, fmt.Errorf("%d came after %d", n, last)
			}
			seen, last = append(seen, n), n
		}
		if len(numbers) > 0 {
			continue
		}
		if stopping {
			end, err := head(ctx)
			if err == nil && end != last {
				err = fmt.Errorf("the last number seen is %d, and %d was given", last, end)
			}
			return seen, err
		}
		select {
		case <-stop:
			stopping = true
		case <-time.After(time.Millisecond):
		}
	}
}

// followStream is follow for an agent's stream.
func followStream(ctx context.Context, s *store.Store, agent postroom.AgentID, stop <-chan struct{}) error {
	stream := store.AgentStream(agent)
	_, err := follow(ctx, func(ctx context.Context, after int64) ([]int64, error) {
		events, resume, err := s.EventsAfter(ctx, stream, after, 7)
		if err == nil && !resume {
			err = fmt.Errorf("nothing to resume from after %d", after)
		}
		numbers := make([]int64, len(events))
		for i, e := range events {
			numbers[i] = e.Seq
		}
		return numbers, err
	}, func(ctx context.Context) (int64, error) {
		head, err := s.StreamHead(ctx, stream)
		return head.Seq, err
	}, stop)
	return err
}

func aReaderSeesEveryEventOnceAndInOrderWhileOthersWrite(t *testing.T, a arena) {
	agent := a.Hire(t, 1, 10)[0]
	a.SignIn(t, agent)
	contacts := a.arrive(t, testkit.CrowdSize)
	stop, read := make(chan struct{}), make(chan error, 1)
	go func() { read <- followStream(t.Context(), a.Store, agent, stop) }()
	for _, err := range testkit.Together(testkit.CrowdSize, func(i int) error {
		s := a.crowd.Store(i)
		for { // every offer is declined at once, so that everybody's turn comes
			now, lost, err := s.ClaimOffer(t.Context(), store.Claim{Contact: contacts[i], Agent: agent, Reason: "test", By: postroom.System("test")})
			if err != nil || lost == store.LostNothing {
				if err == nil {
					_, err = s.DeclineOffer(t.Context(), testkit.Command(agent), now.Offer)
				}
				return err
			}
		}
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// A control of aReaderSeesEveryEventOnceAndInOrderWhileOthersWrite: numbers of a sequence are given before the commit, so that a
// reader goes past one which then appears behind him.
func TestNumbersOfASequenceLeaveGapsThatAreFilledLater(t *testing.T) {
	t.Parallel()
	d := testkit.NewDatabase(t)
	d.Exec(t, "CREATE SEQUENCE numbers; CREATE TABLE numbered (seq bigint PRIMARY KEY DEFAULT nextval('numbers'))")
	slow, quick := d.ConnectOwner(t), d.ConnectOwner(t)
	reader := d.ConnectOwner(t)
	read := func(ctx context.Context, after int64) ([]int64, error) {
		rows, err := reader.Query(ctx, "SELECT seq FROM numbered WHERE seq > $1 ORDER BY seq", after)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	stop := make(chan struct{})
	close(stop)
	head := func(ctx context.Context) (int64, error) {
		return int64(d.Count(t, "SELECT last_value::int FROM numbers")), nil
	}

	first, err := slow.Begin(t.Context())
	must(t, err)
	_, err = first.Exec(t.Context(), "INSERT INTO numbered DEFAULT VALUES")
	must(t, err)
	_, err = quick.Exec(t.Context(), "INSERT INTO numbered DEFAULT VALUES")
	must(t, err)
	if _, err := follow(t.Context(), read, head, stop); err == nil || err.Error() != "2 came after 0" {
		t.Errorf("the check should be red; it says %v", err)
	}
	must(t, first.Commit(t.Context()))
	if late, err := read(t.Context(), 2); err != nil || len(late) != 0 {
		t.Errorf("after 2 there is %v, %v", late, err)
	}
}

// A transaction that is given up gives its number back.
func TestAnAbortLeavesNoGap(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Claim(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	c.Exec(t, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused' USING ERRCODE = '57014'; END $$")
	c.Exec(t, "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()")
	_, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offer)
	wantReason(t, "an accept that fails at its commit", err, postroom.KindUnavailable, postroom.ReasonDatabaseDown)
	c.Exec(t, "DROP TRIGGER refuse ON event")
	_, err = c.AcceptOffer(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	c.MustHold(t)
}

func TestAReaderResumesUnlessWhatFollowsIsGone(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	for i := range 3 {
		offer := c.Claim(t, c.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello"), "mina")
		_, err := c.DeclineOffer(t.Context(), testkit.Command("mina"), offer)
		must(t, err)
	}
	stream := store.AgentStream("mina")
	head, err := c.StreamHead(t.Context(), stream)
	must(t, err)
	check := func(when string, after int64, limit, events int, resume bool) {
		t.Helper()
		got, ok, err := c.EventsAfter(t.Context(), stream, after, limit)
		if err != nil || ok != resume || (ok && len(got) != events) {
			t.Errorf("%s, after %d: %d events, resume %v, %v; want %d, %v", when, after, len(got), ok, err, events, resume)
		}
	}
	all := int(head.Seq)
	check("all there", 0, 100, all, true)
	check("all there", 0, 2, 2, true)
	check("all there", head.Seq-1, 100, 1, true)
	check("all there", head.Seq, 100, 0, true)
	check("a number that was never given", head.Seq+1, 100, 0, false)

	c.Exec(t, "UPDATE event SET at = at - interval '25 hours' WHERE seq <= 2")
	if n, err := c.Sweep(t.Context()); err != nil || n != 2 {
		t.Fatalf("swept %d, %v", n, err)
	}
	check("two swept", 0, 100, 0, false)
	check("two swept", 1, 100, 0, false)
	check("two swept", 2, 100, all-2, true)

	c.Exec(t, "UPDATE event SET at = at - interval '25 hours'")
	_, err = c.Sweep(t.Context())
	must(t, err)
	check("all swept", 0, 100, 0, false)
	check("all swept", head.Seq-1, 100, 0, false)
	check("all swept", head.Seq, 100, 0, true)
	c.Choose(t, "mina", postroom.AgentIdle, "lunch")
	check("all swept, one more", head.Seq, 100, 1, true)

	_, _, err = c.EventsAfter(t.Context(), "agent/nobody", 0, 100)
	wantReason(t, "a stream of nobody", err, postroom.KindNotFound, postroom.ReasonUnknownAgent)
}
