package api_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/devmail"
	composev1 "github.com/postroom/postroom/internal/gen/postroom/compose/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	sendingv1 "github.com/postroom/postroom/internal/gen/postroom/sending/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// party is somebody who is named in a mail.
func party(field, name, address string) store.Recipient {
	return store.Recipient{Field: field, Address: postroom.Address{Name: postroom.SealText(name), Address: postroom.SealText(address)}}
}

// addressed are addresses without names.
func addressed(addresses ...string) (out []*contactv1.Address) {
	for _, a := range addresses {
		out = append(out, &contactv1.Address{Address: a})
	}
	return out
}

// group is a contact that mina owns, in which kim wrote to us, to lee, and with a copy to bob.
func group(t *testing.T, a *testkit.API) (me desk, contact postroom.ContactID, offer postroom.OfferID) {
	t.Helper()
	a.Ready(t, "mina")
	me = as(t, a, "mina")
	mail := a.Mail("kim@customer.example", "Parcel")
	mail.Recipients = []store.Recipient{party("to", "Support", "support@shop.example"), party("to", "Lee", "lee@customer.example"), party("cc", "", "bob@partner.example"),
		party("cc", "", "support+copies@shop.example")}
	arrived, err := a.Ingest(t.Context(), mail)
	must(t, err)
	must(t, a.Gateway.StartContact(t.Context(), arrived.Contact))
	offer = a.AwaitOffer(t, "mina", arrived.Contact)
	got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)}))(t)
	return me, arrived.Contact, offer
}

func named(e *composev1.Envelope) string {
	var fields []string
	for _, field := range [][]*contactv1.Address{e.To, e.Cc, e.Bcc} {
		var names []string
		for _, a := range field {
			names = append(names, a.Address)
		}
		fields = append(fields, strings.Join(names, " "))
	}
	return strings.Join(fields, "|")
}

// inbox waits for the n mails of an address.
func inbox(t *testing.T, server *devmail.Server, address string, n int) []*devmail.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mails, err := server.Await(ctx, address, n)
	if err != nil || len(mails) != n {
		t.Fatalf("%s has %d mails, want %d: %v", address, len(mails), n, err)
	}
	return mails
}

// whole is everything that a recipient can read of a mail but for what his own server wrote on it.
func whole(m *devmail.Message) string {
	headers := maps.Clone(m.Headers)
	delete(headers, "Delivered-To")
	delete(headers, "Received")
	return fmt.Sprint(headers, m.Text, m.HTML)
}

// R15: Reply all goes to exactly whom the agent sees; who is in Bcc gets the same mail, and neither it nor a later quotation tells anybody of him; and
// the customer stays who he is.
func TestReplyAllGoesToExactlyTheseAndNobodyLearnsOfBcc(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	server := a.ConnectMail(t)
	a.Exec(t, "UPDATE queue SET undo_seconds = 0")
	me, contact, offer := group(t, a)
	customer := a.Text(t, "SELECT customer_id::text FROM contact WHERE id = $1", contact)

	reply := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: string(offer), AnswerTo: composev1.AnswerTo_ANSWER_TO_SENDER}))(t)
	all := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: string(offer), AnswerTo: composev1.AnswerTo_ANSWER_TO_ALL}))(t)
	if named(reply.Envelope) != "kim@customer.example||" || named(all.Envelope) != "kim@customer.example lee@customer.example|bob@partner.example|" {
		t.Fatalf("Reply goes to %s, Reply all to %s", named(reply.Envelope), named(all.Envelope))
	}
	if all.Subject != "Re: Parcel" || len(all.Senders) != 1 || all.Senders[0].Address.Address != "support@shop.example" || all.MessageId == "" {
		t.Errorf("proposed: %v", all)
	}
	all.Envelope.Bcc = addressed("boss@partner.example", "lee@customer.example", "support@shop.example") // one gets it anyway, and one is ourselves
	send := &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), SeenMessageId: all.MessageId,
		Writing: &composev1.Writing{Envelope: all.Envelope, Text: "It arrives on Monday."}}
	for range 2 { // asked again, it is answered alike, and sent once
		sent := got(me.compose.SendReply(soon(t), send))(t)
		if sent.Contact.Phase != contactv1.Phase_PHASE_WRAPUP || strings.Join(sent.LeftOut, " ") != "support@shop.example" {
			t.Errorf("sent: %v, left out %v", sent.Contact.Phase, sent.LeftOut)
		}
		silent(t, "the contact", fmt.Sprint(sent.Contact), "boss@")
	}
	first := inbox(t, server, "boss@partner.example", 1)[0]
	for _, who := range []string{"kim@customer.example", "lee@customer.example", "bob@partner.example", "boss@partner.example"} {
		copied := inbox(t, server, who, 1)[0]
		to, cc := strings.Join(copied.Headers["To"], "; "), strings.Join(copied.Headers["Cc"], "; ")
		if to != `"Customer" <kim@customer.example>, "Lee" <lee@customer.example>` || cc != "<bob@partner.example>" {
			t.Errorf("%s reads To: %s, Cc: %s", who, to, cc)
		}
		if _, named := copied.Headers["Bcc"]; named || copied.MessageID != first.MessageID || copied.Text != first.Text {
			t.Errorf("%s has another mail than the others: %v", who, copied.Headers)
		}
		silent(t, who+"'s mail", whole(copied), "boss@", "Bcc")
	}
	if n := len(server.Messages("support@shop.example", 10)); n != 0 {
		t.Errorf("we sent %d mails to ourselves", n)
	}
	testkit.Eventually(t, "the reply to be sent", func() bool { return a.Text(t, "SELECT state FROM outbox") == "sent" })
	frozen, err := a.Blobs.Read(t.Context(), blob.Key(a.Text(t, "SELECT blob_key FROM outbox")), 1<<20)
	must(t, err)
	silent(t, "what is kept", strings.ToLower(string(frozen)), "boss@", "\nbcc:")

	// The customer answers; the next reply quotes that.
	answer := a.FollowUp("kim@customer.example", first.MessageID)
	answer.Body = postroom.SealText("Thank you.\n\n> It arrives on Monday.")
	joined, err := a.Ingest(t.Context(), answer)
	if err != nil || joined.Contact != contact {
		t.Fatalf("the answer: %+v, %v", joined, err)
	}
	got(me.contact.ReturnToContact(soon(t), &contactv1.ReturnToContactRequest{RequestId: newID(), OfferId: string(offer)}))(t)
	again := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: string(offer), AnswerTo: composev1.AnswerTo_ANSWER_TO_ALL}))(t)
	silent(t, "the next Reply all", named(again.Envelope), "boss@")
	got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "You are welcome.", DraftVersion: 1}))(t)
	second := inbox(t, server, "kim@customer.example", 2)
	for _, m := range second {
		silent(t, "a mail to the customer", whole(m), "boss@")
	}
	if n := len(server.Messages("lee@customer.example", 10)); n != 1 {
		t.Errorf("Quick Reply went to others: lee has %d mails", n)
	}
	if now := a.Text(t, "SELECT customer_id::text FROM contact WHERE id = $1", contact); now != customer || a.Count(t, "SELECT count(*) FROM customer") != 1 {
		t.Errorf("the customer was %s and is %s, of %d", customer, now, a.Count(t, "SELECT count(*) FROM customer"))
	}
	a.MustHold(t)
}

// R15, R28, R34, R37: what cannot be sent is refused with a reason, and nothing is sent.
func TestReplyToChosenRecipientsIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := group(t, a)
	a.Exec(t, "INSERT INTO address_mark (address, bad_since) VALUES ('gone@customer.example', clock_timestamp())")
	var crowd []string
	for i := range 51 {
		crowd = append(crowd, fmt.Sprintf("r%d@customer.example", i))
	}
	to := func(addresses ...string) *composev1.Envelope { return &composev1.Envelope{To: addressed(addresses...)} }
	for name, c := range map[string]struct {
		writing *composev1.Writing
		code    connect.Code
		reason  postroom.Reason
	}{
		"nobody":                 {&composev1.Writing{Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonNoRecipient},
		"ourselves":              {&composev1.Writing{Envelope: to("support+x@shop.example"), Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonNoRecipient},
		"fifty-one":              {&composev1.Writing{Envelope: to(crowd...), Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonTooManyRecipients},
		"a crowd":                {&composev1.Writing{Envelope: to(make([]string, 201)...), Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonTooManyRecipients},
		"a name":                 {&composev1.Writing{Envelope: to("kim"), Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonBadRecipient},
		"a header":               {&composev1.Writing{Envelope: to("kim@customer.example\r\nBcc: x@y.example"), Text: "x"}, connect.CodeInvalidArgument, postroom.ReasonBadRecipient},
		"a wrong address":        {&composev1.Writing{Envelope: to("Gone@customer.example"), Text: "x"}, connect.CodeFailedPrecondition, postroom.ReasonAddressBad},
		"no text":                {&composev1.Writing{Envelope: to("kim@customer.example"), Text: " "}, connect.CodeInvalidArgument, postroom.ReasonEmptyReply},
		"HTML that says no word": {&composev1.Writing{Envelope: to("kim@customer.example"), Html: "<p><br></p><script>x</script>"}, connect.CodeInvalidArgument, postroom.ReasonEmptyReply},
		"too much HTML":          {&composev1.Writing{Envelope: to("kim@customer.example"), Html: strings.Repeat("x", 1<<20+1)}, connect.CodeFailedPrecondition, "html_too_large"},
		"another mailbox":        {&composev1.Writing{Envelope: to("kim@customer.example"), Text: "x", Mailbox: "sales"}, connect.CodeFailedPrecondition, postroom.ReasonSenderNotAllowed},
		"a time that passed":     {&composev1.Writing{Envelope: to("kim@customer.example"), Text: "x", SendAt: timestamppb.New(time.Unix(0, 0))}, connect.CodeInvalidArgument, postroom.ReasonSendTime},
		"a card as a name":       {&composev1.Writing{Envelope: &composev1.Envelope{To: []*contactv1.Address{{Name: card, Address: "kim@customer.example"}}}, Text: "x"}, connect.CodeFailedPrecondition, postroom.ReasonCardData},
		"a card as an address":   {&composev1.Writing{Envelope: to("4111111111111111@customer.example"), Text: "x"}, connect.CodeFailedPrecondition, postroom.ReasonCardData},
	} {
		draft := int64(a.Count(t, "SELECT coalesce(max(version), 0) FROM draft"))
		_, err := me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), Writing: c.writing, DraftVersion: draft})
		mustRefuse(t, name, err, c.code, c.reason)
	}
	for where, html := range map[string]string{"in HTML": "<p>We charged 4111 1111 1111 1111</p>", "through tags": "<p>We charged 4111 <b>1111</b> 1111 <i>1111</i></p>",
		"half typed": "<p>We charged 4111 1111 111</p>"} {
		draft := int64(a.Count(t, "SELECT coalesce(max(version), 0) FROM draft"))
		_, err := me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), DraftVersion: draft,
			Writing: &composev1.Writing{Envelope: to("kim@customer.example"), Text: "See below.", Html: html}})
		mustRefuse(t, "a card "+where, err, connect.CodeFailedPrecondition, postroom.ReasonCardData)
		if len(detailOf(err).GetFindings()) == 0 {
			t.Errorf("a card %s: nobody learns where", where)
		}
	}
	if n := a.Count(t, "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM message WHERE direction = 'out')"); n != 0 {
		t.Errorf("%d mails are on their way", n)
	}
	if tables := tablesWith(t, a, "4111"); tables != "" {
		t.Errorf("the number stands in %s", tables)
	}
	silent(t, "the log", a.Log.String(), "4111", "gone@", "kim@")

	// Insisted on, the wrong address is written to.
	draft := int64(a.Count(t, "SELECT coalesce(max(version), 0) FROM draft"))
	sent := got(me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), DraftVersion: draft,
		Writing: &composev1.Writing{Envelope: to("gone@customer.example"), Text: "Do you get this?", BadAddressesAnyway: true}}))(t).Contact
	if sent.Phase != contactv1.Phase_PHASE_WRAPUP || sent.ContactId != string(contact) {
		t.Errorf("sent: %v", sent)
	}
	a.MustHold(t)
}

// dot is a picture of one pixel.
const dot = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"

// R15: formatted text is sent as the composer offers it and as text, from the mailbox that its author chose, and shown to colleagues formatted.
func TestFormattedReplyIsSentInBothFormsFromTheChosenMailbox(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	server := a.ConnectMail(t)
	a.Exec(t, "UPDATE queue SET undo_seconds = 0, signature = 'Kind regards', from_mailboxes = '{sales}'")
	a.Exec(t, `INSERT INTO mailbox (id, address, name, folder, imap, smtp, on_finding, plus_addressing, told, version)
		SELECT 'sales', 'sales@shop.example', 'Shop Sales', folder, imap, smtp, on_finding, true, version, version FROM mailbox WHERE id = 'support'`)
	me, _, offer := group(t, a)
	proposed := got(me.compose.ProposeRecipients(soon(t), &composev1.ProposeRecipientsRequest{OfferId: string(offer), AnswerTo: composev1.AnswerTo_ANSWER_TO_SENDER}))(t)
	if len(proposed.Senders) != 2 || proposed.Senders[0].Mailbox != "support" || proposed.Senders[1].Mailbox != "sales" {
		t.Errorf("the senders are %v", proposed.Senders)
	}
	status, reason, picture := me.upload(t, a, offer, upload{name: "dot.png", kind: "image/png", disposition: "inline", body: strings.NewReader(dot)})
	if status != 200 && status != 201 {
		t.Fatalf("the picture: %d %s", status, reason)
	}
	shown := fmt.Sprintf(`<img src="cid:%s"/>`, picture["contentId"])
	now := got(me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), Writing: &composev1.Writing{
		Envelope: proposed.Envelope, Mailbox: "sales",
		Html: shown + `<img src="cid:another@inline.postroom">` + `<p>Dear <b>Kim</b>,</p><ul><li style="color: red">it is here</li></ul><img src="https://tracker.example/x.png"><script>alert(1)</script>`}}))(t).Contact
	mail := inbox(t, server, "kim@customer.example", 1)[0]
	if from := strings.Join(mail.Headers["From"], ""); from != `"Shop Sales" <sales@shop.example>` {
		t.Errorf("it is from %s", from)
	}
	if back := a.Keys.OpenPlus("sales@shop.example", strings.Join(mail.Headers["Reply-To"], "")); back.Thread == "" {
		t.Errorf("answers go to %v", mail.Headers["Reply-To"])
	}
	for _, part := range []string{"<b>Kim</b>", `<li style="color: red">it is here</li>`, "Kind regards", "<blockquote"} {
		if !strings.Contains(mail.HTML, part) {
			t.Errorf("the HTML lacks %s:\n%s", part, mail.HTML)
		}
	}
	silent(t, "the HTML", strings.Replace(mail.HTML, shown, "", 1), "tracker", "script", "<img")
	if !strings.Contains(mail.HTML, shown) || !strings.Contains(strings.Join(mail.Headers["Content-Type"], ""), "multipart/related") && len(mail.Attachments) != 1 {
		t.Errorf("the picture is not in the mail: %v, %d files\n%s", mail.Headers["Content-Type"], len(mail.Attachments), mail.HTML)
	}
	if !strings.HasPrefix(mail.Text, "Dear Kim,\r\n") || !strings.Contains(mail.Text, "it is here") {
		t.Errorf("the text is\n%s", mail.Text)
	}
	if last := now.Messages[len(now.Messages)-1]; !last.Formatted || !strings.HasPrefix(last.Text, "Dear Kim,") {
		t.Errorf("the desktop shows %v", last)
	}
	a.MustHold(t)
}

// R20, R22: chosen recipients change nothing of what else holds for a reply: the undo window, the schedule, and the newer mail of the customer.
func TestReplyToChosenRecipientsIsUndoneScheduledAndStaleLikeAnyOther(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.Exec(t, "UPDATE queue SET undo_seconds = 60")
	me, contact, offer := group(t, a)
	view := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	seen := view.Messages[0].MessageId
	more := a.Mail("kim@customer.example", "Re: Parcel")
	more.InReplyTo = postroom.SealText(a.Text(t, "SELECT internet_message_id FROM message"))
	if joined, err := a.Ingest(t.Context(), more); err != nil || joined.Contact != contact {
		t.Fatalf("the customer writes again: %+v, %v", joined, err)
	}
	send := func(draft int64, w *composev1.Writing, anyway bool) (*composev1.SendReplyResponse, error) {
		w.Envelope = &composev1.Envelope{To: addressed("kim@customer.example", "bob@partner.example")}
		return me.compose.SendReply(soon(t), &composev1.SendReplyRequest{RequestId: newID(), OfferId: string(offer), Writing: w, DraftVersion: draft, SeenMessageId: seen, SendAnyway: anyway})
	}
	_, err := send(0, &composev1.Writing{Text: "One"}, false)
	mustRefuse(t, "a stale reply", err, connect.CodeAborted, postroom.ReasonUnseenMessage)
	_, err = send(0, &composev1.Writing{Text: "One"}, true)
	mustRefuse(t, "an old draft", err, connect.CodeAborted, postroom.ReasonDraftMoved)
	got(send(1, &composev1.Writing{Text: "One"}, true))(t)
	undone := got(me.sending.UndoReply(soon(t), &sendingv1.UndoReplyRequest{RequestId: newID(), OfferId: string(offer)}))(t).Contact
	if undone.Phase != contactv1.Phase_PHASE_OWNED || undone.Draft.GetText() != "One" {
		t.Errorf("undone: %v", undone)
	}
	at := time.Now().Add(time.Hour)
	got(send(2, &composev1.Writing{Text: "Later", SendAt: timestamppb.New(at)}, true))(t)
	if due := a.Count(t, "SELECT count(*) FROM outbox WHERE state = 'queued' AND send_at IS NOT NULL AND cardinality(envelope_to) = 2"); due != 1 {
		t.Errorf("%d replies are scheduled", due)
	}
	a.MustHold(t)
}
