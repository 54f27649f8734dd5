package api_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
)

// R20: sent by mistake, the reply is taken back, and the text is there to be mended.
func TestReplyIsTakenBackInItsUndoWindow(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.Exec(t, "UPDATE queue SET undo_seconds = 60")
	me, contact, offer := owned(t, a)
	got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "It is lost."}))(t)
	list := got(me.sending.ListReplies(soon(t), &sendingv1.ListRepliesRequest{ContactId: string(contact)}))(t)
	if len(list.Replies) != 1 || list.Replies[0].Delivery != contactv1.Delivery_DELIVERY_QUEUED {
		t.Fatalf("the replies: %v", list.Replies)
	}
	if left := list.Replies[0].DueAt.AsTime().Sub(list.ServerNow.AsTime()); left < 30*time.Second || left > time.Minute {
		t.Errorf("the window ends in %v", left)
	}
	undo := &sendingv1.UndoReplyRequest{RequestId: newID(), OfferId: string(offer)}
	for range 2 {
		now := got(me.sending.UndoReply(soon(t), undo))(t).Contact
		if now.Phase != contactv1.Phase_PHASE_OWNED || now.Draft.GetText() != "It is lost." || now.Messages[1].Delivery != contactv1.Delivery_DELIVERY_CANCELLED {
			t.Errorf("undone: %v", now)
		}
	}
	_, err := me.sending.UndoReply(soon(t), &sendingv1.UndoReplyRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "nothing to undo", err, connect.CodeAborted, postroom.ReasonReplyGone)
	a.MustHold(t)
}

// R20, R22: a reply for tomorrow waits, is held when the customer writes, and goes when its agent says so.
func TestScheduledReplyIsHeldWhenTheCustomerWritesAndGoesWhenItsAgentSaysSo(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	schedule := func(at *timestamppb.Timestamp, text string) error {
		_, err := me.sending.ScheduleReply(soon(t), &sendingv1.ScheduleReplyRequest{RequestId: newID(), OfferId: string(offer), Text: text, SendAt: at})
		return err
	}
	mustRefuse(t, "no time", schedule(nil, "Hello"), connect.CodeInvalidArgument, postroom.ReasonSendTime)
	mustRefuse(t, "nothing", schedule(timestamppb.New(time.Now().Add(time.Hour)), " "), connect.CodeInvalidArgument, postroom.ReasonEmptyReply)
	at := timestamppb.New(time.Now().Add(24 * time.Hour))
	now := got(me.sending.ScheduleReply(soon(t), &sendingv1.ScheduleReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "It arrives today.", SendAt: at}))(t).Contact
	if now.Phase != contactv1.Phase_PHASE_WRAPUP || now.Messages[1].Delivery != contactv1.Delivery_DELIVERY_QUEUED {
		t.Fatalf("scheduled: %v", now)
	}
	message := now.Messages[1].MessageId
	reply := func(d desk) *sendingv1.Reply {
		return got(d.sending.ListReplies(soon(t), &sendingv1.ListRepliesRequest{ContactId: string(contact)}))(t).Replies[0]
	}
	if r := reply(me); r.SendAt.AsTime().Sub(at.AsTime()).Abs() > time.Millisecond || !r.Cancellable || !r.Sendable || r.Resendable || r.HeldAt != nil {
		t.Errorf("scheduled: %v", r)
	}
	write(t, a, contact)
	if r := reply(me); r.HeldAt == nil || r.DueAt != nil {
		t.Errorf("the customer has written: %v", r)
	}
	boss := as(t, a, "sora")
	if r := reply(boss); !r.Sendable {
		t.Errorf("for the supervisor: %v", r)
	}
	send := &sendingv1.SendReplyNowRequest{RequestId: newID(), ContactId: string(contact), MessageId: message}
	for range 2 {
		got(me.sending.SendReplyNow(soon(t), send))(t)
	}
	_, err := me.sending.ResendReply(soon(t), &sendingv1.ResendReplyRequest{RequestId: newID(), ContactId: string(contact), MessageId: message})
	mustRefuse(t, "what is on its way is sent again", err, connect.CodeAborted, postroom.ReasonNotResendable)
	_, err = me.sending.CancelReply(soon(t), &sendingv1.CancelReplyRequest{RequestId: newID(), ContactId: string(contact), MessageId: newID()})
	mustRefuse(t, "no reply of the contact", err, connect.CodeNotFound, postroom.ReasonUnknownReply)
	a.MustHold(t)
}

// R21: whoever wrote a reply of which nobody knows what became, or supervises him, sends it again; a colleague who may read it does not.
func TestReplyOfUnknownFateIsSentAgainByItsAgentOrHisSupervisorOnly(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	now := got(me.sending.ScheduleReply(soon(t), &sendingv1.ScheduleReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "It arrives today.",
		SendAt: timestamppb.New(time.Now().Add(time.Hour))}))(t).Contact
	message := now.Messages[1].MessageId
	a.Exec(t, "UPDATE outbox SET state = 'unknown', settled_at = clock_timestamp(), attempts = 1")
	a.Exec(t, `INSERT INTO reminder (id, contact_id, author, assignee, local_due, time_zone, due_at, body, state, told, created_at)
		VALUES (gen_random_uuid(), $1, 'mina', 'tom', '2030-01-01T09:00', 'UTC', '2030-01-01T09:00Z', 'look', 'set', 1, clock_timestamp())`, contact)
	again := &sendingv1.ResendReplyRequest{RequestId: newID(), ContactId: string(contact), MessageId: message}
	a.SignIn(t, "tom")
	_, err := as(t, a, "tom").sending.ResendReply(soon(t), again)
	mustRefuse(t, "a colleague", err, connect.CodePermissionDenied, postroom.ReasonForbidden)
	boss := as(t, a, "sora")
	for range 2 {
		got(boss.sending.ResendReply(soon(t), again))(t)
	}
	if n := a.Count(t, "SELECT count(*) FROM audit WHERE action = 'reply: resend' AND actor = 'agent:sora'"); n != 1 {
		t.Errorf("%d entries in the audit", n)
	}
	a.MustHold(t)
}
