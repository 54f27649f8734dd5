package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	composev1 "github.com/postroom/postroom/internal/gen/postroom/compose/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// R23: a mail that is passed on goes to the outside as it is kept; the contact stays with its agent, its draft as it is; and what comes back is shown, and
// answered by nobody of itself.
func TestForwardedMailAnswersNobodyAndItsAnswersAreUnverified(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	server := a.ConnectMail(t)
	a.Exec(t, "UPDATE queue SET undo_seconds = 0")
	me, contact, offer := group(t, a)
	original := a.Text(t, "SELECT id::text FROM message")
	got(me.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), Text: "Dear Kim, I have asked"}))(t)
	var files []string
	for n, name := range []string{"label.txt", "private.txt"} {
		id := postroom.AttachmentID(testkit.NewID())
		must(t, a.Blobs.Put(t.Context(), blob.ForAttachment(id), postroom.SealBytes([]byte("what is in "+name))))
		a.Exec(t, `INSERT INTO attachment (id, message_id, ordinal, filename, media_type, size, inline, verdict, blob_key)
			VALUES ($1, $2, $3, $4, 'text/plain', $5, false, 'passed', $6)`, string(id), original, n, name, len("what is in "+name), string(blob.ForAttachment(id)))
		files = append(files, string(id))
	}
	forward := &composev1.ForwardMailRequest{RequestId: newID(), OfferId: string(offer), MessageId: original, AttachmentIds: files[:1],
		Writing: &composev1.Writing{Envelope: &composev1.Envelope{To: addressed("desk@carrier.example"), Bcc: addressed("boss@partner.example")}, Text: "Where is this one?"}}
	for range 2 {
		now := got(me.compose.ForwardMail(soon(t), forward))(t).Contact
		if now.Phase != contactv1.Phase_PHASE_OWNED || now.Draft.GetText() != "Dear Kim, I have asked" || now.Draft.GetVersion() != 1 || now.Outcome != "" {
			t.Errorf("after forwarding the contact is %v", now)
		}
	}
	mail := inbox(t, server, "desk@carrier.example", 1)[0]
	for _, part := range []string{"Where is this one?", "---------- Forwarded message ----------", "From: Customer <kim@customer.example>", "Subject: Parcel",
		"To: Support <support@shop.example>, Lee <lee@customer.example>", "Cc: <bob@partner.example>", "Hello, where is my parcel?"} {
		if !strings.Contains(mail.Text, part) {
			t.Errorf("the mail lacks %q:\n%s", part, mail.Text)
		}
	}
	if mail.Subject != "Fwd: Parcel" || len(mail.References) > 0 || mail.Headers["In-Reply-To"] != nil {
		t.Errorf("the mail is %q, and refers to %v", mail.Subject, mail.References)
	}
	silent(t, "the mail", whole(mail), "boss@", "private")
	if len(mail.Attachments) != 1 || mail.Attachments[0].Name != "label.txt" || strings.TrimSpace(string(mail.Attachments[0].Content)) != "what is in label.txt" {
		t.Errorf("with it go %+v", mail.Attachments)
	}
	if kept := a.Text(t, "SELECT string_agg(t.filename, ' ') FROM attachment t JOIN outbox x ON x.message_id = t.message_id"); kept != "label.txt" {
		t.Errorf("the history shows %s", kept)
	}
	if n := len(server.Messages("kim@customer.example", 10)); n != 0 {
		t.Errorf("the customer got %d mails", n)
	}
	testkit.Eventually(t, "it to be sent", func() bool { return a.Text(t, "SELECT state FROM outbox") == "sent" })

	answer := func() (postroom.ContactID, string) {
		back := a.FollowUp("desk@carrier.example", mail.MessageID)
		joined, err := a.Ingest(t.Context(), back)
		must(t, err)
		return joined.Contact, a.Text(t, "SELECT standing FROM message WHERE id = $1", back.ID)
	}
	if joined, standing := answer(); joined != contact || standing != "unverified" {
		t.Errorf("the answer joined %s as %q", joined, standing)
	}
	next := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: string(offer), AnswerTo: composev1.AnswerTo_ANSWER_TO_ALL}))(t)
	silent(t, "Reply all", named(next.Envelope), "carrier", "boss@")
	// Control: it is the purpose of the mail that keeps him out.
	a.Exec(t, "UPDATE outbox SET purpose = 'reply'")
	if _, standing := answer(); standing != "" {
		t.Errorf("to whom we reply takes no part: %q", standing)
	}
	a.Exec(t, "UPDATE outbox SET purpose = 'forward'")

	closed := got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer)}))(t).Contact
	if closed.Outcome != "closed_without_reply" {
		t.Errorf("the customer was %s", closed.Outcome)
	}
	a.MustHold(t)
}

// R23, R36: what is no mail of the conversation is not passed on, nor what did not pass the scanner, nor card data above it.
func TestForwardingIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, _, offer := group(t, a)
	original := a.Text(t, "SELECT id::text FROM message")
	other, err := a.Ingest(t.Context(), a.Mail("eve@customer.example", "Hello"))
	must(t, err)
	foreign := a.Text(t, "SELECT id::text FROM message WHERE contact_id = $1", other.Contact)
	held := testkit.NewID()
	a.Exec(t, `INSERT INTO attachment (id, message_id, ordinal, filename, media_type, size, inline, verdict, reason) VALUES ($1, $2, 0, 'x.zip', 'application/zip', 10, false, 'withheld', 'unknown')`, held, original)
	for name, c := range map[string]struct {
		request *composev1.ForwardMailRequest
		code    connect.Code
		reason  postroom.Reason
	}{
		"another conversation": {&composev1.ForwardMailRequest{MessageId: foreign}, connect.CodeNotFound, postroom.ReasonUnknownMessage},
		"no message":           {&composev1.ForwardMailRequest{MessageId: newID()}, connect.CodeNotFound, postroom.ReasonUnknownMessage},
		"a file that is held":  {&composev1.ForwardMailRequest{MessageId: original, AttachmentIds: []string{held}}, connect.CodeNotFound, postroom.ReasonUnknownAttachment},
		"no such file":         {&composev1.ForwardMailRequest{MessageId: original, AttachmentIds: []string{newID()}}, connect.CodeNotFound, postroom.ReasonUnknownAttachment},
		"a card above":         {&composev1.ForwardMailRequest{MessageId: original, Writing: &composev1.Writing{Text: card}}, connect.CodeFailedPrecondition, postroom.ReasonCardData},
		"nobody":               {&composev1.ForwardMailRequest{MessageId: original, Writing: &composev1.Writing{Envelope: &composev1.Envelope{}}}, connect.CodeInvalidArgument, postroom.ReasonNoRecipient},
		"a template's blank":   {&composev1.ForwardMailRequest{MessageId: original, Writing: &composev1.Writing{Text: "Dear {{customer.name}}"}}, connect.CodeFailedPrecondition, postroom.ReasonNotFilledIn},
	} {
		c.request.RequestId, c.request.OfferId = newID(), string(offer)
		if c.request.Writing == nil {
			c.request.Writing = &composev1.Writing{}
		}
		if c.request.Writing.Envelope == nil {
			c.request.Writing.Envelope = &composev1.Envelope{To: addressed("desk@carrier.example")}
		}
		_, err := me.compose.ForwardMail(soon(t), c.request)
		mustRefuse(t, name, err, c.code, c.reason)
	}
	if n := a.Count(t, "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM composition)"); n != 0 {
		t.Errorf("%d rows of what was refused", n)
	}
}

func start(to *composev1.Envelope) *composev1.StartMailRequest {
	return &composev1.StartMailRequest{RequestId: newID(), Queue: "general", Subject: "Your order 17", Writing: &composev1.Writing{Envelope: to, Text: "It is delayed."}}
}

// R23, I7: an agent writes first: the contact is his, as one that he picked, and in wrap-up when the mail is sent; its answer comes back into it.
func TestAgentBeginsAContactWithAMail(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	server := a.ConnectMail(t)
	a.Exec(t, "UPDATE queue SET undo_seconds = 0")
	a.Ready(t, "mina")
	me := as(t, a, "mina")
	queues := got(me.compose.ListQueues(soon(t), &composev1.ListQueuesRequest{}))(t).Queues
	if len(queues) != 1 || queues[0].Key != "general" || len(queues[0].Senders) != 1 {
		t.Errorf("the queues are %v", queues)
	}
	request := start(&composev1.Envelope{To: []*contactv1.Address{{Name: "Kim", Address: "Kim@customer.example"}, {Address: "lee@customer.example"}}, Bcc: addressed("boss@partner.example")})
	var now *contactv1.Contact
	for range 2 {
		now = got(me.compose.StartMail(soon(t), request))(t).Contact
		if now.Phase != contactv1.Phase_PHASE_WRAPUP || now.Agent != "mina" || now.Subject != "Your order 17" || len(now.Messages) != 1 || now.Outcome != "replied" {
			t.Fatalf("begun: %v", now)
		}
	}
	contact, offer := postroom.ContactID(now.ContactId), now.OfferId
	mail := inbox(t, server, "kim@customer.example", 1)[0]
	if mail.Subject != "Your order 17" || mail.Headers["In-Reply-To"] != nil || !strings.HasPrefix(mail.Text, "It is delayed.") || strings.Contains(mail.Text, "wrote:") {
		t.Errorf("the customer reads %q, %v\n%s", mail.Subject, mail.Headers, mail.Text)
	}
	silent(t, "the mail", whole(mail), "boss@")
	cards := got(me.contact.ListActiveContacts(soon(t), &contactv1.ListActiveContactsRequest{}))(t).Contacts
	if len(cards) != 1 || cards[0].CustomerName != "Kim" || cards[0].CustomerAddress != "kim@customer.example" || cards[0].Queue != "general" {
		t.Errorf("the list shows %v", cards)
	}
	if got := a.Text(t, "SELECT string_agg(event || ' ' || actor, ', ' ORDER BY id) FROM contact_event"); got != "opened agent:mina, begun agent:mina, replied agent:mina" {
		t.Errorf("its story is %s", got)
	}
	testkit.Eventually(t, "it to be sent", func() bool { return a.Text(t, "SELECT state FROM outbox") == "sent" })

	answer := a.FollowUp("kim@customer.example", mail.MessageID)
	joined, err := a.Ingest(t.Context(), answer)
	if err != nil || joined.Arrival != postroom.ArrivalAppended || joined.Contact != contact {
		t.Fatalf("the answer: %+v, %v", joined, err)
	}
	if standing := a.Text(t, "SELECT standing FROM message WHERE id = $1", answer.ID); standing != "" {
		t.Errorf("the customer is %s", standing)
	}
	if n := a.Count(t, "SELECT count(*) FROM customer"); n != 1 {
		t.Errorf("%d customers", n)
	}
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: offer, Code: "solved"}))(t)
	a.AwaitEnd(t, contact)
	testkit.Eventually(t, "his answer to be in a contact of its own", func() bool { return a.Count(t, "SELECT count(*) FROM contact") == 2 })
	a.MustHold(t)
}

// R23, R33: who begins a contact needs what who picks one needs; what cannot be sent begins nothing.
func TestContactIsBegunOnlyByWhoCouldPickOne(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.Exec(t, "INSERT INTO address_mark (address, bad_since) VALUES ('gone@customer.example', clock_timestamp())")
	kim := &composev1.Envelope{To: addressed("kim@customer.example")}
	me := as(t, a, "mina")
	begin := func(change func(*composev1.StartMailRequest)) error {
		r := start(kim)
		change(r)
		_, err := me.compose.StartMail(soon(t), r)
		return err
	}
	a.Exec(t, "UPDATE agent_state SET state = 'logged_out', idle_code = '' WHERE agent_id = 'mina'")
	mustRefuse(t, "signed out", begin(func(*composev1.StartMailRequest) {}), connect.CodeFailedPrecondition, postroom.ReasonNotSignedIn)
	a.Exec(t, "UPDATE agent_state SET state = 'rona', idle_code = '' WHERE agent_id = 'mina'")
	mustRefuse(t, "in RONA", begin(func(*composev1.StartMailRequest) {}), connect.CodeFailedPrecondition, postroom.ReasonInRONA)
	a.Exec(t, "UPDATE agent_state SET state = 'idle', idle_code = 'lunch' WHERE agent_id = 'mina'")
	a.Exec(t, `INSERT INTO queue (id, name, name_ko, channel, mailbox_id, priority, rona_seconds, rules) SELECT 'back', 'Back office', '', channel, mailbox_id, priority, rona_seconds, rules
		FROM queue WHERE id = 'general'`)
	for name, c := range map[string]struct {
		change func(*composev1.StartMailRequest)
		code   connect.Code
		reason postroom.Reason
	}{
		"another team's queue": {func(r *composev1.StartMailRequest) { r.Queue = "back" }, connect.CodeFailedPrecondition, postroom.ReasonUnknownQueue},
		"no such queue":        {func(r *composev1.StartMailRequest) { r.Queue = "x" }, connect.CodeFailedPrecondition, postroom.ReasonUnknownQueue},
		"no subject":           {func(r *composev1.StartMailRequest) { r.Subject = " " }, connect.CodeInvalidArgument, postroom.ReasonMalformed},
		"two lines":            {func(r *composev1.StartMailRequest) { r.Subject = "a\r\nBcc: x@y.example" }, connect.CodeInvalidArgument, postroom.ReasonMalformed},
		"a card as subject":    {func(r *composev1.StartMailRequest) { r.Subject = card }, connect.CodeFailedPrecondition, postroom.ReasonCardData},
		"a card":               {func(r *composev1.StartMailRequest) { r.Writing.Text = card }, connect.CodeFailedPrecondition, postroom.ReasonCardData},
		"no text":              {func(r *composev1.StartMailRequest) { r.Writing.Text = "" }, connect.CodeInvalidArgument, postroom.ReasonEmptyReply},
		"a wrong address": {func(r *composev1.StartMailRequest) {
			r.Writing.Envelope = &composev1.Envelope{To: addressed("gone@customer.example")}
		},
			connect.CodeFailedPrecondition, postroom.ReasonAddressBad},
		"another mailbox": {func(r *composev1.StartMailRequest) { r.Writing.Mailbox = "sales" }, connect.CodeFailedPrecondition, postroom.ReasonSenderNotAllowed},
	} {
		mustRefuse(t, name, begin(c.change), c.code, c.reason)
	}
	if n := a.Count(t, "SELECT (SELECT count(*) FROM contact) + (SELECT count(*) FROM customer) + (SELECT count(*) FROM thread)"); n != 0 {
		t.Errorf("%d rows of what was refused", n)
	}
	room := a.Count(t, "SELECT capacity FROM agent_capacity WHERE agent_id = 'mina' AND channel = 'email'")
	for n := range room { // Idle he may, and the wrap-up holds capacity
		r := start(&composev1.Envelope{To: addressed(fmt.Sprintf("c%d@customer.example", n))})
		got(me.compose.StartMail(soon(t), r))(t)
	}
	mustRefuse(t, "one too many", begin(func(*composev1.StartMailRequest) {}), connect.CodeFailedPrecondition, postroom.ReasonNoCapacity)
	a.MustHold(t)
}

// R20, R23: a first mail that was taken back is sent again as the first, to whom it was for.
func TestFirstMailThatWasTakenBackIsStillTheFirst(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	server := a.ConnectMail(t)
	a.Exec(t, "UPDATE queue SET undo_seconds = 60")
	a.Ready(t, "mina")
	me := as(t, a, "mina")
	now := got(me.compose.StartMail(soon(t), start(&composev1.Envelope{To: addressed("kim@customer.example"), Cc: addressed("lee@customer.example")})))(t).Contact
	undone := got(me.sending.UndoReply(soon(t), &sendingv1.UndoReplyRequest{RequestId: newID(), OfferId: now.OfferId}))(t).Contact
	if undone.Phase != contactv1.Phase_PHASE_OWNED || undone.Draft.GetText() != "It is delayed." || undone.Outcome != "" {
		t.Fatalf("undone: %v", undone)
	}
	again := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: now.OfferId, AnswerTo: composev1.AnswerTo_ANSWER_TO_SENDER}))(t)
	if named(again.Envelope) != "kim@customer.example|lee@customer.example|" || again.Subject != "Your order 17" {
		t.Errorf("proposed: %v", again)
	}
	a.Exec(t, "UPDATE queue SET undo_seconds = 0")
	got(me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: now.OfferId, DraftVersion: 1,
		Writing: &composev1.Writing{Envelope: again.Envelope, Text: "It is here."}}))(t)
	mail := inbox(t, server, "kim@customer.example", 1)[0]
	if mail.Subject != "Your order 17" || mail.Headers["In-Reply-To"] != nil || !strings.HasPrefix(mail.Text, "It is here.") {
		t.Errorf("the customer reads %q, %v\n%s", mail.Subject, mail.Headers["In-Reply-To"], mail.Text)
	}
	a.MustHold(t)
}
