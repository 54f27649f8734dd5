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

// Whoever becomes able to take work leaves a durable note that somebody must look for some: a process that dies between the commit and
// the look would leave a free agent beside a waiting contact for ever.
func TestWhoeverBecomesAbleWantsWork(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	agents := c.Hire(t, 8, 3)
	for i, test := range []struct {
		name  string
		wants bool
		do    func(agent postroom.AgentID)
	}{
		{"signs in", false, func(agent postroom.AgentID) { must(t, c.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), agent)) }},
		{"chooses Available", true, func(agent postroom.AgentID) { c.SignIn(t, agent) }},
		{"chooses Idle", false, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			c.Choose(t, agent, postroom.AgentIdle, "lunch")
			c.Exec(t, "UPDATE agent_state SET wants_work = false WHERE agent_id = $1", agent)
			c.Exec(t, "UPDATE agent_capacity SET capacity = 9 WHERE agent_id = $1", agent)
			c.Hire(t, 1, 10) // capacities are inherited anew
		}},
		{"declines", true, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			offer := c.Claim(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
			c.Exec(t, "UPDATE agent_state SET wants_work = false WHERE agent_id = $1", agent)
			_, err := c.DeclineOffer(t.Context(), testkit.Command(agent), offer)
			must(t, err)
		}},
		{"answers", false, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			offer := c.Own(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
			c.Exec(t, "UPDATE agent_state SET wants_work = false WHERE agent_id = $1", agent)
			c.Reply(t, offer, agent)
		}},
		{"wraps up", true, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			offer := c.Own(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
			c.Reply(t, offer, agent)
			c.Exec(t, "UPDATE agent_state SET wants_work = false WHERE agent_id = $1", agent)
			c.WrapUp(t, offer, agent)
		}},
		{"wraps up in RONA", false, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			offer := c.Own(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
			c.Reply(t, offer, agent)
			inRONA(t, c, agent)
			c.Exec(t, "UPDATE agent_state SET wants_work = false WHERE agent_id = $1", agent)
			c.WrapUp(t, offer, agent)
		}},
		{"gets a larger profile", true, func(agent postroom.AgentID) {
			c.SignIn(t, agent)
			c.Exec(t, "UPDATE agent_state SET wants_work = false")
			configuration, _, err := c.Configuration(t.Context())
			must(t, err)
			for i := range configuration.Agents {
				if configuration.Agents[i].ID == agent {
					configuration.Agents[i].Profile = "holds-10"
				}
			}
			_, err = c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), configuration, postroom.SealText("more"))
			must(t, err)
		}},
	} {
		agent := agents[i]
		before := c.Count(t, "SELECT wants_seq::int FROM agent_state WHERE agent_id = $1", agent)
		test.do(agent)
		want, wants, err := c.WantOf(t.Context(), agent)
		must(t, err)
		if wants != test.wants || (wants && want.Seq <= int64(before)) {
			t.Errorf("who %s wants work: %v %+v", test.name, wants, want)
		}
	}
}

// The note goes only by a look that read it: what was set again meanwhile stays.
func TestALookClearsOnlyTheNoteThatItHasRead(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	old, found, err := c.WantOf(t.Context(), "mina")
	if err != nil || !found {
		t.Fatalf("no note: %v", err)
	}
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	must(t, c.Looked(t.Context(), old))
	now, found, err := c.WantOf(t.Context(), "mina")
	if err != nil || !found || now.Seq != old.Seq+1 {
		t.Fatalf("a look that read note %d left %+v, %v, %v", old.Seq, now, found, err)
	}
	if wants, err := c.Wants(t.Context(), 2*time.Second); err != nil || len(wants) != 0 {
		t.Errorf("wanted for longer than 2 s: %v, %v", wants, err)
	}
	if wants, err := clock(t, c, 3*time.Second).Wants(t.Context(), 2*time.Second); err != nil || len(wants) != 1 || wants[0] != now {
		t.Errorf("3 s later, wanted for longer than 2 s: %v, %v", wants, err)
	}
	must(t, c.Looked(t.Context(), now))
	if _, found, err := c.WantOf(t.Context(), "mina"); err != nil || found {
		t.Errorf("after a look: %v, %v", found, err)
	}
	must(t, c.Looked(t.Context(), now))
}

// Commit what made a match possible, then look: then at least one of two who become able at the same moment sees the other.
func ofAnAgentAndAContactThatMeetOneSeesTheOther(t *testing.T, a arena) {
	agents := a.Hire(t, 8, 10)
	a.Exec(t, "UPDATE contact SET rank_at = 'infinity' WHERE phase = 'waiting'")
	for i, agent := range agents {
		must(t, a.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), agent))
		got, err := a.Ingest(t.Context(), a.Mail(fmt.Sprintf("kim%d@customer.example", i), "Hello"))
		must(t, err)
		now, err := a.AgentStatus(t.Context(), agent)
		must(t, err)
		saw := testkit.Together(2, func(n int) error {
			s := a.crowd.Store(n)
			if n == 0 {
				if _, err := s.RouteContact(t.Context(), got.Contact, "general", "test"); err != nil {
					return err
				}
				_, candidates, _, err := s.Candidates(t.Context(), got.Contact)
				for _, c := range candidates {
					if c.Agent == agent {
						return errors.Join(err, errSaw)
					}
				}
				return err
			}
			_, _, err := s.SetAgentState(t.Context(), testkit.Command(agent), store.AgentChange{Agent: agent, To: postroom.AgentAvailable, Seen: now.Version})
			if err != nil {
				return err
			}
			waiting, _, err := s.Heads(t.Context(), agent)
			for _, w := range waiting {
				if w.Contact == got.Contact {
					return errors.Join(err, errSaw)
				}
			}
			return err
		})
		if !errors.Is(saw[0], errSaw) && !errors.Is(saw[1], errSaw) {
			t.Errorf("neither saw the other: %v", saw)
		}
		a.Choose(t, agent, postroom.AgentIdle, "lunch")
		a.Exec(t, "UPDATE contact SET rank_at = 'infinity' WHERE id = $1", got.Contact) // the next one is the first of its lane
	}
}

var errSaw = errors.New("saw the other")

// A control of ofAnAgentAndAContactThatMeetOneSeesTheOther: when both look before they commit, neither sees the other.
func TestWhoLooksBeforeHeCommitsSeesNobody(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	must(t, c.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), "mina"))
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	c.Exec(t, "UPDATE contact SET phase = 'new', queue_id = NULL")
	ctx := t.Context()
	agents, contacts := c.Connect(t), c.Connect(t)
	change := func(conn *pgx.Conn, do, look string, id any) (pgx.Tx, int) {
		tx, err := conn.Begin(ctx)
		must(t, err)
		_, err = tx.Exec(ctx, do, id)
		must(t, err)
		var n int
		must(t, tx.QueryRow(ctx, look).Scan(&n))
		return tx, n
	}
	first, waiting := change(agents, "UPDATE agent_state SET state = 'available', idle_code = '' WHERE agent_id = $1",
		"SELECT count(*) FROM contact WHERE phase = 'waiting'", "mina")
	second, able := change(contacts, "UPDATE contact SET phase = 'waiting', queue_id = 'general' WHERE id = $1",
		"SELECT count(*) FROM agent_state WHERE state = 'available'", contact)
	must(t, errors.Join(first.Commit(ctx), second.Commit(ctx)))
	if waiting != 0 || able != 0 {
		t.Errorf("the agent saw %d contacts and the contact saw %d agents; both should have seen nothing", waiting, able)
	}
}

// untold takes what has to be told by a clock that is ahead.
func untold(t testing.TB, c *testkit.Centre, ahead time.Duration) []store.Untold {
	t.Helper()
	got, err := clock(t, c, ahead).TakeUntold(t.Context(), 100)
	must(t, err)
	return got
}

// Of many mails that wait at once, whoever stores them tells in their turn: the reconciler leaves them to him for a while, opened contacts and those that
// a mail joined. The same mail without a backlog is the control.
func TestMailsOfABacklogAreLeftToWhoStoresThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		backlog bool
		soon    int
	}{{true, 0}, {false, 1}} {
		centre := testkit.NewCentre(t, time.Hour, store.Options{})
		mail := func() store.Arrived {
			a := centre.Mail("kim@customer.example", "Hello")
			a.Backlog = c.backlog
			return a
		}
		first := mail()
		got, err := centre.Ingest(t.Context(), first)
		must(t, err)
		follow := func() {
			t.Helper()
			if soon := untold(t, centre, 4*time.Second); len(soon) != c.soon {
				t.Errorf("backlog %v: %d are told of soon, want %d", c.backlog, len(soon), c.soon)
			}
			if later := untold(t, centre, 21*time.Second); len(later) != 1 {
				t.Errorf("backlog %v: %d are told of later", c.backlog, len(later))
			}
		}
		follow()
		must(t, centre.MarkTold(t.Context(), store.Untold{Contact: got.Contact, Version: got.Version}))
		joining := mail()
		joining.InReplyTo = first.MessageID
		joined, err := centre.Ingest(t.Context(), joining)
		must(t, err)
		if joined.Arrival != postroom.ArrivalAppended {
			t.Fatalf("%+v", joined)
		}
		follow()
	}
}

// A workflow that is not known to have heard is told after 2, 4, 8 … 60 seconds, and from the beginning after the next change.
func TestAWorkflowIsToldLessAndLessOften(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	got, err := c.Ingest(t.Context(), c.Mail("kim@customer.example", "Hello"))
	must(t, err)
	if early := untold(t, c, 0); len(early) != 0 {
		t.Errorf("told at once, while whoever stored it tells it himself: %v", early)
	}
	ahead := 2 * time.Second // tell_at, at the latest, by the clock of this test
	for _, pause := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		pause *= time.Second
		ahead += time.Second
		taken := untold(t, c, ahead)
		if len(taken) != 1 || taken[0] != (store.Untold{Contact: got.Contact, Version: 1}) {
			t.Fatalf("%v later: %v", ahead, taken)
		}
		if again := untold(t, c, ahead); len(again) != 0 {
			t.Errorf("taken twice: %v", again)
		}
		var left float64
		must(t, c.Connect(t).QueryRow(t.Context(), "SELECT extract(epoch FROM tell_at - clock_timestamp()) FROM contact").Scan(&left))
		if off := time.Duration(left*float64(time.Second)) - ahead; off > pause || off < pause-5*time.Second {
			t.Errorf("put off by %v, want %v", off, pause)
		}
		ahead += pause
	}
	_, err = c.RouteContact(t.Context(), got.Contact, "general", "test")
	must(t, err)
	if taken := untold(t, c, 61*time.Second); len(taken) != 1 || taken[0].Version != 2 {
		t.Errorf("after a change: %v", taken)
	}
	if n := c.Count(t, "SELECT tell_attempts::int FROM contact"); n != 1 {
		t.Errorf("after a change, attempt %d", n)
	}
}

func eachUntoldContactIsTakenOnce(t *testing.T, a arena) {
	a.Exec(t, "UPDATE contact SET told = version")
	contacts := a.arrive(t, 20)
	a.Exec(t, "UPDATE contact SET tell_at = clock_timestamp() - interval '1 second'")
	taken := map[postroom.ContactID]int{}
	for _, got := range testkit.Together(testkit.CrowdSize, func(i int) []store.Untold {
		got, err := a.crowd.Store(i).TakeUntold(context.WithoutCancel(t.Context()), 3)
		if err != nil {
			t.Error(err)
		}
		return got
	}) {
		for _, u := range got {
			taken[u.Contact]++
		}
	}
	for _, contact := range contacts {
		if taken[contact] != 1 {
			t.Errorf("%s was taken %d times", contact, taken[contact])
		}
	}
}

func TestAWorkflowIsNotToldWhatItKnows(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	contact := c.Arrive(t, "kim@customer.example", "Hello") // version 2
	told := func() int { return c.Count(t, "SELECT told::int FROM contact WHERE id = $1", contact) }
	for _, mark := range []struct {
		versions []int64
		want     int
		untold   int
	}{
		{[]int64{1}, 1, 1},
		{[]int64{0}, 1, 1},    // never less
		{nil, 1, 1},           // nothing
		{[]int64{7}, 2, 0},    // never more than there is
		{[]int64{2, 1}, 2, 0}, // repeated
	} {
		var marks []store.Untold
		for _, v := range mark.versions {
			marks = append(marks, store.Untold{Contact: contact, Version: v}, store.Untold{Contact: postroom.ContactID(testkit.NewID()), Version: v})
		}
		must(t, c.MarkTold(t.Context(), marks...))
		if got := told(); got != mark.want {
			t.Errorf("after %v told is %d, want %d", mark.versions, got, mark.want)
		}
		c.Exec(t, "UPDATE contact SET tell_at = clock_timestamp() - interval '1 second'")
		if got := untold(t, c, 0); len(got) != mark.untold {
			t.Errorf("after %v untold is %v", mark.versions, got)
		}
	}
}

// A workflow that was ended by hand, or lost with Temporal's data, believes to know everything and does nothing.
func TestAWorkflowThatDoesNotDoWhatIsDueIsToldAgain(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offered := c.Arrive(t, "kim@customer.example", "Hello")
	c.Claim(t, offered, "mina")
	sending := c.Arrive(t, "lee@customer.example", "Hello")
	offer := c.Own(t, sending, "mina")
	c.Reply(t, offer, "mina")
	c.WrapUp(t, offer, "mina")
	knowsAll := func() { c.Exec(t, "UPDATE contact SET told = version, tell_at = NULL") }
	for _, test := range []struct {
		ahead time.Duration
		want  []postroom.ContactID
	}{
		{0, nil},
		{30 * time.Minute, []postroom.ContactID{sending}}, // the reply should have gone; the offer is live
		{61 * time.Minute, []postroom.ContactID{offered, sending}},
	} {
		knowsAll()
		later := clock(t, c, test.ahead)
		n, err := later.ForgetOverdue(t.Context())
		if err != nil || int(n) != len(test.want) {
			t.Errorf("%v later: %d, %v; want %v", test.ahead, n, err, test.want)
		}
		if again, err := later.ForgetOverdue(t.Context()); err != nil || again != 0 {
			t.Errorf("%v later, again: %d, %v", test.ahead, again, err)
		}
		taken := map[postroom.ContactID]bool{}
		for _, u := range untold(t, c, test.ahead+time.Second) {
			taken[u.Contact] = true
		}
		for _, want := range test.want {
			if !taken[want] {
				t.Errorf("%v later %s is not told", test.ahead, want)
			}
		}
	}
}

func TestAMailboxIsToldOfItsSettingsUntilItHasHeard(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	got, err := c.TakeUntoldMailboxes(t.Context())
	if err != nil || len(got) != 1 || got[0] != (store.MailboxToTell{Mailbox: "support", Version: 1, Active: true}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := c.TakeUntoldMailboxes(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("at once again: %+v, %v", again, err)
	}
	if later, err := clock(t, c, 11*time.Second).TakeUntoldMailboxes(t.Context()); err != nil || len(later) != 1 {
		t.Errorf("later: %+v, %v", later, err)
	}
	must(t, c.MarkMailboxTold(t.Context(), "support", 1))
	must(t, c.MarkMailboxTold(t.Context(), "support", 0))
	if later, err := clock(t, c, time.Minute).TakeUntoldMailboxes(t.Context()); err != nil || len(later) != 0 {
		t.Errorf("when it has heard: %+v, %v", later, err)
	}
}
