package e2e

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// settled tests what holds whatever happened before: the invariants, and that nothing was lost or doubled (I7).
func settled(t *testing.T, s *testkit.Stack) {
	t.Helper()
	s.MustRun(t)
	everyMailIsDealtWith(t, s)
	everyContactComesFromAMail(t, s)
	s.MustHold(t)
}

// everyMailIsDealtWith waits until each mail in the mailbox has its one row in received, and fails if there is a row without a mail. An
// original that held card data is expunged, and only such a one may be missing.
func everyMailIsDealtWith(t *testing.T, s *testkit.Stack) {
	t.Helper()
	const uids = "SELECT coalesce(string_agg(r.uid::text, ' '), '') FROM received r LEFT JOIN message m ON m.id = r.message_id"
	var mails, rows map[string]bool
	testkit.Eventually(t, "every mail to be dealt with", func() bool {
		mails, rows = map[string]bool{}, set(s.Text(t, uids))
		for _, m := range s.Mail.Messages(testkit.Support, 100_000) {
			mails[m.ID] = true
		}
		return len(missing(mails, rows)) == 0
	})
	expunged := set(s.Text(t, uids+" WHERE m.masked"))
	for _, uid := range missing(rows, mails) {
		if !expunged[uid] {
			t.Errorf("uid %s was received and is not in the mailbox", uid)
		}
	}
}

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

func missing(from, in map[string]bool) (left []string) {
	for x := range from {
		if !in[x] {
			left = append(left, x)
		}
	}
	return left
}

// everyContactComesFromAMail tests both sides of I7: mails by what they became, contacts by where they came from.
func everyContactComesFromAMail(t *testing.T, s *testkit.Stack) {
	t.Helper()
	n := func(sql string) int { return s.Count(t, sql) }
	opened, appended := n("SELECT count(*) FROM received WHERE arrival = 'opened'"), n("SELECT count(*) FROM received WHERE arrival = 'appended'")
	carried := n("SELECT count(*) FROM contact_event WHERE event = 'opened' AND actor = 'system:carry'")
	begun := n("SELECT count(*) FROM contact WHERE begun_from IS NOT NULL")
	if contacts := n("SELECT count(*) FROM contact"); contacts != opened+carried+begun {
		t.Errorf("%d contacts, from %d mails that opened one, %d that were carried over and %d that agents began", contacts, opened, carried, begun)
	}
	if messages := n("SELECT count(*) FROM message WHERE direction = 'in' AND contact_id IS NOT NULL"); messages != opened+appended {
		t.Errorf("%d messages in contacts, from %d mails", messages, opened+appended)
	}
	if twice := n("SELECT count(*) FROM (SELECT FROM message WHERE direction = 'in' GROUP BY internet_message_id HAVING count(*) > 1) twice"); twice > 0 {
		t.Errorf("%d mails were stored twice", twice)
	}
}

// answers counts customers by how many answers they received.
func answers(s *testkit.Stack, customers []string) map[int]int {
	by := map[int]int{}
	for _, c := range customers {
		by[len(s.Mail.Messages(c, 10))]++
	}
	return by
}

// customers are n addresses of a domain.
func customers(n int, domain string) (all []string) {
	for i := range n {
		all = append(all, "customer-"+strconv.Itoa(i+1)+"@"+domain)
	}
	return all
}

// superuser runs a statement as the superuser of the cluster, who sees what other roles do, and scans its one value into to; nil: it has
// none.
func superuser(t *testing.T, s *testkit.Stack, sql string, to any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.Postgres.URL(stack.RoleSuperuser, stack.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if to == nil {
		_, err = conn.Exec(ctx, sql)
	} else {
		err = conn.QueryRow(ctx, sql).Scan(to)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
