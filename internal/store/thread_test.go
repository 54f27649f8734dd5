package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func threadOf(t testing.TB, c *testkit.Centre, mail store.Arrived) string {
	t.Helper()
	return c.Text(t, "SELECT thread_id::text FROM message WHERE id = $1", mail.ID)
}

func ingest(t testing.TB, c *testkit.Centre, mail store.Arrived) store.Ingested {
	t.Helper()
	got, err := c.Ingest(t.Context(), mail)
	must(t, err)
	return got
}

// R22, notes on threading: what proves where a mail belongs joins it; what suggests joins those who take part; everybody else gets a thread of his
// own, and learns nothing of the other.
func TestEvidenceLeadsIntoAThreadAndOutsidersStayOutside(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.Exec(t, "UPDATE agent_capacity SET capacity = 10")
	c.SignIn(t, "mina")
	first := c.Mail("kim@customer.example", "Parcel")
	first.Evidence.ThreadIndex = "0102"
	first.Recipients = append(first.Recipients, store.Recipient{Field: "cc", Address: postroom.Address{Address: postroom.SealText("Park@Customer.example")}})
	opened := ingest(t, c, first)
	thread := threadOf(t, c, first)
	_, err := c.RouteContact(t.Context(), opened.Contact, "general", map[string]string{"why": "test"})
	must(t, err)
	offer := c.Own(t, opened.Contact, "mina")
	ours := c.Reply(t, offer, "mina")
	theirs := first.MessageID.Reveal()

	tests := []struct {
		name     string
		mail     func() store.Arrived
		joins    bool
		standing string
		hints    int
	}{
		{"the customer, by our Message-ID", func() store.Arrived { return c.FollowUp("KIM@customer.example", ours) }, true, "", 0},
		{"the customer, by the token of an address", func() store.Arrived {
			mail := c.Mail("kim@customer.example", "New subject")
			mail.Evidence.Threads = []postroom.ThreadID{postroom.ThreadID(thread)}
			return mail
		}, true, "", 0},
		{"the customer, by his own Message-ID", func() store.Arrived { return c.FollowUp("kim@customer.example", theirs) }, true, "", 0},
		{"the customer, by Outlook's index", func() store.Arrived {
			mail := c.Mail("kim@customer.example", "Parcel")
			mail.Evidence.ThreadIndex = "0102"
			return mail
		}, true, "", 0},
		{"somebody whom the customer added", func() store.Arrived { return c.FollowUp("park@customer.example", theirs) }, true, "", 0},
		{"an outsider with our Message-ID", func() store.Arrived { return c.FollowUp("eve@evil.example", ours) }, true, "unverified", 0},
		{"an outsider with the customer's Message-ID", func() store.Arrived { return c.FollowUp("eve@evil.example", theirs) }, false, "", 1},
		{"an outsider with Outlook's index", func() store.Arrived {
			mail := c.Mail("mallory@evil.example", "Parcel")
			mail.Evidence.ThreadIndex = "0102"
			return mail
		}, false, "", 1},
		{"an outsider with a Message-ID of ours that nobody proved", func() store.Arrived {
			mail := c.Mail("oscar@evil.example", "Re: Parcel")
			mail.InReplyTo = postroom.SealText(ours)
			return mail
		}, false, "", 1}, // the customer's answer made it known, which suggests and no more
		{"the customer, with nothing but the subject", func() store.Arrived { return c.Mail("kim@customer.example", "Re: Parcel") }, false, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mail := test.mail()
			got := ingest(t, c, mail)
			if joined := threadOf(t, c, mail) == thread; joined != test.joins || joined != (got.Contact == opened.Contact) {
				t.Errorf("joined: %t; %+v", joined, got)
			}
			if standing := c.Text(t, "SELECT standing FROM message WHERE id = $1", mail.ID); standing != test.standing {
				t.Errorf("standing %q", standing)
			}
			if n := c.Count(t, "SELECT count(*) FROM thread_hint WHERE message_id = $1", mail.ID); n != test.hints {
				t.Errorf("%d hints", n)
			}
			source, err := c.ReplySource(t.Context(), offer, "")
			if err != nil || source.To == "eve@evil.example" {
				t.Errorf("a reply would go to %q, %v", source.To, err)
			}
			if !test.joins { // whoever reads his contact sees his mail alone
				_, messages, _, err := c.ContactView(t.Context(), got.Contact)
				if err != nil || len(messages) != 1 {
					t.Errorf("his contact shows %d messages, %v", len(messages), err)
				}
			}
		})
	}
	c.MustHold(t)
}

// Mail to a thread that is over since long begins a new one, which points there; a thread with an open contact is never over.
func TestOldThreadIsNotGoneOnWith(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	a := answerFor(t, c, "kim@customer.example")
	ours := c.Text(t, "SELECT internet_message_id FROM outbox")
	c.Exec(t, "UPDATE message SET received_at = received_at - interval '91 days'")
	open := c.FollowUp("kim@customer.example", ours)
	if got := ingest(t, c, open); got.Contact != a.contact {
		t.Errorf("the contact is open: %+v", got)
	}
	c.Exec(t, "UPDATE message SET received_at = received_at - interval '91 days'")
	c.WrapUp(t, a.offer, "mina")
	late := c.FollowUp("kim@customer.example", ours)
	got := ingest(t, c, late)
	if threadOf(t, c, late) == threadOf(t, c, open) || got.Arrival != postroom.ArrivalOpened {
		t.Errorf("the old thread was gone on with: %+v", got)
	}
	if evidence := c.Text(t, "SELECT evidence FROM thread_hint WHERE message_id = $1", late.ID); evidence != "old" {
		t.Errorf("it points there by %q", evidence)
	}
}

// One mail that came to two mailboxes, or through two aliases with other bytes, is one.
func TestMailThatCameByTwoWaysIsADuplicate(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	first := c.Mail("kim@customer.example", "Hello")
	first.Source.Logical = [][]byte{[]byte("the same by another key"), []byte("the same")}
	if got := ingest(t, c, first); got.Arrival != postroom.ArrivalOpened {
		t.Fatalf("%+v", got)
	}
	second := c.Mail("kim@customer.example", "Hello")
	second.Source.Logical = [][]byte{[]byte("a new key"), []byte("the same by another key")}
	second.Source.Folder = "Other"
	for range 2 {
		if got := ingest(t, c, second); got.Arrival != postroom.ArrivalDuplicate {
			t.Errorf("%+v", got)
		}
	}
	other := c.Mail("kim@customer.example", "Hello")
	if got := ingest(t, c, other); got.Arrival != postroom.ArrivalOpened {
		t.Errorf("a mail without a Message-ID: %+v", got)
	}
	c.MustHold(t)
}

// burst is 1,000 mails of 700 conversations in a random order: 300 of them answer the customer's own mail, or an answer to it, and may come
// before what they answer.
func burst(c *testkit.Centre) []store.Arrived {
	var mails []store.Arrived
	for n := range 700 {
		from := fmt.Sprintf("kim%d@customer.example", n%350)
		mail := c.Mail(from, "Hello")
		mails = append(mails, mail)
		for range []int{1, 0, 0, 1, 0, 0, 1}[n%7] {
			answer := c.FollowUp(from, mail.MessageID.Reveal())
			answer.References = []postroom.Text{mail.MessageID}
			mails = append(mails, answer)
		}
	}
	rand.Shuffle(len(mails), func(i, j int) { mails[i], mails[j] = mails[j], mails[i] })
	return mails
}

// R22: threads and contacts of a burst, ingested by 16 at once.
func ingestAtOnce(t *testing.T, c *testkit.Centre, mails []store.Arrived) (threads, contacts int) {
	t.Helper()
	next := make(chan store.Arrived)
	var ingesting sync.WaitGroup
	for range 16 {
		ingesting.Go(func() {
			for mail := range next {
				if _, err := c.Ingest(t.Context(), mail); err != nil {
					t.Errorf("ingest: %v", err)
				}
			}
		})
	}
	for _, mail := range mails {
		next <- mail
	}
	close(next)
	ingesting.Wait()
	return c.Count(t, "SELECT count(DISTINCT thread_id) FROM message"), c.Count(t, "SELECT count(*) FROM contact")
}

func TestThousandMailsInABurstSplitNothing(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	mails := burst(c)
	began := time.Now()
	threads, contacts := ingestAtOnce(t, c, mails)
	t.Logf("%d mails in %s", len(mails), time.Since(began).Round(time.Millisecond))
	if len(mails) != 1000 || threads != 700 || contacts != 700 {
		t.Errorf("%d mails of 700 conversations are %d threads and %d contacts", len(mails), threads, contacts)
	}
	c.MustHold(t)
}

// siblings are mails of a customer that answer the same mail, which has not come yet.
func siblings(c *testkit.Centre, n int) []store.Arrived {
	from, id := fmt.Sprintf("lee%d@customer.example", n), uuid.NewString()+"@customer.example"
	mails := make([]store.Arrived, 16)
	for i := range mails {
		mails[i] = c.FollowUp(from, id)
	}
	return mails
}

func TestAnswersThatComeTogetherAreOneThread(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	for n := range 10 {
		c.Arrive(t, fmt.Sprintf("lee%d@customer.example", n), "Hello") // the customer is known
		before := c.Count(t, "SELECT count(*) FROM thread")
		ingestAtOnce(t, c, siblings(c, n))
		if threads := c.Count(t, "SELECT count(*) FROM thread") - before; threads != 1 {
			t.Fatalf("they are %d threads", threads)
		}
	}
}

// A control of the last two: who places mails without the customer's lock splits them.
func TestPlacingMailsWithoutTheCustomersLockSplitsThem(t *testing.T) {
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	defer store.WithoutCustomerLock()()
	for n := range 20 {
		c.Arrive(t, fmt.Sprintf("lee%d@customer.example", n), "Hello")
		before := c.Count(t, "SELECT count(*) FROM thread")
		ingestAtOnce(t, c, siblings(c, n))
		if c.Count(t, "SELECT count(*) FROM thread")-before > 1 {
			return
		}
	}
	t.Error("nothing was split in 20 bursts: the tests of the lock see nothing")
}
