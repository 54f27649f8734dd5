package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/devmail"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// schedule has agents answer all of so many contacts in an hour.
func schedule(t *testing.T, s *testkit.Stack, replies int, agents ...postroom.AgentID) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for _, a := range agents {
		d := s.SignIn(t, a)
		d.Available(t)
		working.Go(func() {
			for ctx.Err() == nil {
				for _, c := range d.Cards() {
					switch c.State {
					case contactv1.OfferState_OFFER_STATE_LIVE:
						_, _ = d.Contacts.MarkOfferShown(ctx, &contactv1.MarkOfferShownRequest{OfferId: c.OfferId})
						_, _ = d.TryAccept(ctx, c.OfferId)
					case contactv1.OfferState_OFFER_STATE_ACCEPTED:
						_, _ = d.Replies.ScheduleReply(ctx, &sendingv1.ScheduleReplyRequest{RequestId: testkit.RequestID(c.OfferId, "schedule"), OfferId: c.OfferId,
							Text: "It is on its way.", SendAt: timestamppb.New(time.Now().Add(time.Hour))})
					case contactv1.OfferState_OFFER_STATE_WRAPUP:
						_ = d.TryWrapUp(ctx, c.OfferId)
					}
				}
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	defer func() { cancel(); working.Wait() }()
	testkit.Eventually(t, "every contact to be answered", func() bool {
		return s.Count(t, "SELECT count(*) FROM contact c JOIN outbox x ON x.contact_id = c.id WHERE c.phase = 'done' AND x.state = 'queued'") == replies
	})
}

// I5, R21: 120 replies are due at once, and the worker is killed three times while they go out. Each is sent, in one copy at the receiving server; or its
// process died between the final dot and its answer: then it is in no more than one copy, nobody sends it again, and it is shown as being looked for.
func TestNothingIsLostOrSentTwiceWhileTheWorkerIsKilledSending(t *testing.T) {
	t.Parallel()
	const replies = 120
	s := testkit.NewStack(t, testkit.StackOptions{})
	all := customers(replies, "burst.example")
	for _, c := range all {
		s.Write(t, devmail.Letter{From: c, Subject: "Hello", Text: "Is anybody there?"})
	}
	schedule(t, s, replies, "mina", "jiwoo", "tom")
	superuser(t, s, "UPDATE outbox SET due_at = clock_timestamp(), send_at = clock_timestamp()", nil) // the hour has passed
	superuser(t, s, "UPDATE contact SET told = version - 1, tell_at = clock_timestamp(), tell_attempts = 0", nil)
	const handed = "SELECT count(*) FROM outbox WHERE dot_sent_at IS NOT NULL"
	for _, after := range []int{10, 40, 80} {
		testkit.Eventually(t, "replies to go out", func() bool { return s.Count(t, handed) >= after })
		s.KillWorker()
		s.StartWorker(t)
	}
	const ambiguous = "state = 'sending' AND dot_sent_at IS NOT NULL AND probe_at IS NOT NULL OR state = 'unknown'"
	// Temporal believes for a minute that a killed attempt goes on.
	for deadline := time.Now().Add(4 * time.Minute); ; {
		if s.Count(t, "SELECT count(*) FROM outbox WHERE state = 'sent' OR "+ambiguous) == replies {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("replies by state: %s", s.Text(t, "SELECT string_agg(concat_ws(' ', n, state, dot), ', ') FROM (SELECT state, dot_sent_at IS NOT NULL AS dot, count(*) AS n FROM outbox GROUP BY 1, 2) x"))
		}
		select {
		case <-t.Context().Done():
		case <-time.After(200 * time.Millisecond):
		}
	}

	lost := set(s.Text(t, "SELECT coalesce(string_agg(internet_message_id, ' '), '') FROM outbox WHERE "+ambiguous))
	sent := set(s.Text(t, "SELECT string_agg(internet_message_id, ' ') FROM outbox WHERE state = 'sent'"))
	copies := map[string]int{}
	for _, c := range all {
		for _, m := range s.Mail.Messages(c, 10) {
			copies[m.MessageID]++
		}
	}
	for id := range sent {
		if copies[id] != 1 {
			t.Errorf("a reply that was sent arrived in %d copies", copies[id])
		}
	}
	for id := range lost {
		if copies[id] > 1 {
			t.Errorf("a reply whose fate is unknown arrived in %d copies", copies[id])
		}
	}
	for id, n := range copies {
		if !sent[id] && !lost[id] {
			t.Errorf("%d copies of a mail that is no reply of ours", n)
		}
	}
	if len(lost) > replies/4 {
		t.Errorf("%d of %d replies are unknown: more than the worker can have held", len(lost), replies)
	}
	t.Logf("%d replies were sent once, %d are looked for", len(sent), len(lost))
	s.MustHold(t)
}
