package api_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	mailv1 "github.com/postroom/postroom/internal/gen/postroom/mail/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// R34, R49, R22: what a supervisor does with mail through the API has one effect however often it is sent, and workflows follow.
func TestASupervisorReleasesBlocksMergesAndSplits(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	sora := as(t, a, "sora")
	news := a.Mail("news@other.example", "Offers")
	news.Automatic = "list"
	got(a.Ingest(t.Context(), news))(t)
	listed := got(sora.mail.ListScreened(soon(t), &mailv1.ListScreenedRequest{Mailbox: "support", Arrival: "screened"}))(t).Mails
	if len(listed) != 1 || listed[0].MessageId != string(news.ID) || listed[0].Reason != "list" || listed[0].Subject != "Offers" {
		t.Fatalf("screened are %v", listed)
	}
	other := a.Mail("more@other.example", "More offers")
	other.Automatic = "list"
	got(a.Ingest(t.Context(), other))(t)
	mutation{"ReleaseMail", `SELECT count(*) FROM contact`,
		try(sora.mail.ReleaseMail, &mailv1.ReleaseMailRequest{MessageId: string(news.ID)}),
		try(sora.mail.ReleaseMail, &mailv1.ReleaseMailRequest{MessageId: string(other.ID)})}.once(t, a)
	mutation{"BlockSender", `SELECT count(*) FROM blocked_sender`,
		try(sora.mail.BlockSender, &mailv1.BlockSenderRequest{Pattern: "@evil.example"}),
		try(sora.mail.BlockSender, &mailv1.BlockSenderRequest{Pattern: "@bad.example"})}.once(t, a)
	if blocked := got(sora.mail.ListBlockedSenders(soon(t), &mailv1.ListBlockedSendersRequest{}))(t).Senders; len(blocked) != 1 || blocked[0].Actor != "agent:sora" {
		t.Errorf("blocked are %v", blocked)
	}
	mutation{"UnblockSender", `SELECT count(*) FROM audit WHERE action = 'unblock sender'`,
		try(sora.mail.UnblockSender, &mailv1.UnblockSenderRequest{Pattern: "@evil.example"}),
		try(sora.mail.UnblockSender, &mailv1.UnblockSenderRequest{Pattern: "@bad.example"})}.once(t, a)

	released := postroom.ContactID(a.Text(t, "SELECT id::text FROM contact"))
	first := a.AwaitPhase(t, released, postroom.ContactWaiting)
	into := a.Begin(t, "news@other.example", "And another thing")
	a.AwaitPhase(t, into, postroom.ContactWaiting)
	mutation{"MergeContacts", `SELECT count(*) FROM contact_merge`,
		try(sora.mail.MergeContacts, &mailv1.MergeContactsRequest{ContactId: string(released), SeenVersion: first.Version, IntoContactId: string(into)}),
		try(sora.mail.MergeContacts, &mailv1.MergeContactsRequest{ContactId: string(into), SeenVersion: first.Version, IntoContactId: string(released)})}.once(t, a)
	mutation{"UndoMerge", `SELECT count(*) FROM contact WHERE split_from IS NOT NULL`,
		try(sora.mail.UndoMerge, &mailv1.UndoMergeRequest{ContactId: string(released)}),
		try(sora.mail.UndoMerge, &mailv1.UndoMergeRequest{ContactId: string(into)})}.once(t, a)
	again := postroom.ContactID(a.Text(t, "SELECT id::text FROM contact WHERE split_from IS NOT NULL"))
	a.AwaitPhase(t, again, postroom.ContactWaiting)
	more := a.FollowUp("news@other.example", news.MessageID.Reveal())
	got(a.Ingest(t.Context(), more))(t)
	mutation{"SplitContact", `SELECT count(*) FROM contact WHERE split_from IS NOT NULL`,
		try(sora.mail.SplitContact, &mailv1.SplitContactRequest{ContactId: string(again), MessageIds: []string{string(more.ID)}}),
		try(sora.mail.SplitContact, &mailv1.SplitContactRequest{ContactId: string(again), MessageIds: []string{testkit.NewID()}})}.once(t, a)
	testkit.Eventually(t, "all contacts but the merged one to wait", func() bool { return a.Count(t, "SELECT count(*) FROM contact WHERE phase = 'waiting'") == 3 })
	a.MustHold(t)
}
