package api_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// write has the customer answer the last mail of ours in the contact's thread, and returns the mail's id.
func write(t *testing.T, a *testkit.API, contact postroom.ContactID) string {
	t.Helper()
	answer := a.Text(t, `SELECT internet_message_id FROM message WHERE direction = 'out' AND thread_id = (SELECT thread_id FROM contact WHERE id = $1)
		ORDER BY received_at DESC LIMIT 1`, contact)
	mail := a.FollowUp("kim@customer.example", answer)
	in := got(a.Ingest(t.Context(), mail))(t)
	must(t, a.Gateway.SyncContact(soon(t), in.Contact))
	return string(mail.ID)
}

// R23: transferred with a note, the contact is offered to the agent with its draft, while the segment is wrapped up.
func TestTransferTakesDraftAndNoteAlongWhileTheSegmentIsWrappedUp(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	a.Ready(t, "jiwoo")
	got(me.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), Text: "Dear Kim"}))(t)
	_, err := me.contact.TransferContact(soon(t), &contactv1.TransferContactRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "to nowhere", err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	_, err = me.contact.TransferContact(soon(t), &contactv1.TransferContactRequest{RequestId: newID(), OfferId: string(offer), Agent: "tom", Note: "For you"})
	mustRefuse(t, "to somebody who is not there", err, connect.CodeFailedPrecondition, postroom.ReasonNotSignedIn)
	_, err = me.contact.TransferContact(soon(t), &contactv1.TransferContactRequest{RequestId: newID(), OfferId: string(offer), Agent: "jiwoo", Note: strings.Repeat("한", 4001)})
	mustRefuse(t, "with a long note", err, connect.CodeInvalidArgument, postroom.ReasonTooLarge)
	if n := a.Count(t, "SELECT count(*) FROM note"); n != 0 {
		t.Errorf("refused transfers left %d notes", n)
	}
	transfer := &contactv1.TransferContactRequest{RequestId: newID(), OfferId: string(offer), Agent: "jiwoo", Note: "He paid with " + card}
	for range 2 {
		answer := got(me.contact.TransferContact(soon(t), transfer))(t)
		if len(answer.Findings) != 1 || answer.Findings[0].Place != "note" {
			t.Errorf("findings: %v", answer.Findings)
		}
	}
	other := as(t, a, "jiwoo")
	second := a.AwaitOffer(t, "jiwoo", contact)
	now := got(other.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(second)}))(t).Contact
	if now.Draft.GetText() != "Dear Kim" {
		t.Errorf("the draft is %v", now.Draft)
	}
	_, err = me.contact.TransferContact(soon(t), &contactv1.TransferContactRequest{RequestId: newID(), OfferId: string(offer), Queue: "general", Note: "Once more"})
	mustRefuse(t, "of what was passed on", err, connect.CodeAborted, "already_handled")
	notes := got(other.contact.ListNotes(soon(t), &contactv1.ListNotesRequest{ContactId: string(contact)}))(t).Notes
	if len(notes) != 1 || notes[0].Author != "mina" || notes[0].AuthorName != "김미나" || strings.Contains(notes[0].Text, "4111") || notes[0].At == nil {
		t.Errorf("the notes are %v", notes)
	}
	cards := got(me.contact.ListActiveContacts(soon(t), &contactv1.ListActiveContactsRequest{}))(t).Contacts
	if len(cards) != 1 || !cards[0].PassedOn || cards[0].State != contactv1.OfferState_OFFER_STATE_WRAPUP || cards[0].OfferId != string(offer) {
		t.Errorf("mina has %v", cards)
	}
	_, err = me.contact.ReturnToContact(soon(t), &contactv1.ReturnToContactRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "back to what was passed on", err, connect.CodeAborted, postroom.ReasonPassedOn)
	got(other.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(second)}))(t)
	got(other.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: string(second), Code: "solved"}))(t)
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: string(offer), Code: "solved"}))(t)
	if end := a.AwaitEnd(t, contact); end.Phase != postroom.ContactDone {
		t.Errorf("it ended as %+v", end)
	}
	silent(t, "the log", a.Log.String(), "4111", "Dear Kim", "He paid")
	if where := tablesWith(t, a, "4111 1111"); where != "" {
		t.Errorf("the number is in %s", where)
	}
	a.MustHold(t)
}

// R45: parked for a moment, the contact comes back by itself, first to whoever parked it.
func TestParkedContactComesBackByItself(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	_, err := me.contact.ParkContact(soon(t), &contactv1.ParkContactRequest{RequestId: newID(), OfferId: string(offer), Until: timestamppb.New(time.Now().Add(-time.Minute))})
	mustRefuse(t, "a time that has passed", err, connect.CodeInvalidArgument, postroom.ReasonParkTime)
	_, err = me.contact.ParkContact(soon(t), &contactv1.ParkContactRequest{RequestId: newID(), OfferId: string(offer), Until: &timestamppb.Timestamp{Nanos: -1}})
	mustRefuse(t, "no time at all", err, connect.CodeInvalidArgument, postroom.ReasonParkTime)
	got(me.contact.ParkContact(soon(t), &contactv1.ParkContactRequest{RequestId: newID(), OfferId: string(offer), Until: timestamppb.New(time.Now().Add(2 * time.Second))}))(t)
	if cards := got(me.contact.ListActiveContacts(soon(t), &contactv1.ListActiveContactsRequest{}))(t).Contacts; len(cards) != 0 {
		t.Errorf("mina has %v", cards)
	}
	parked := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	if parked.Phase != contactv1.Phase_PHASE_PARKED {
		t.Errorf("it is %s", parked.Phase)
	}
	if again := a.AwaitOffer(t, "mina", contact); again == offer {
		t.Error("it came back by the old offer")
	}
	a.MustHold(t)
}

// R22, R45: the customer's mail ends the parking; a reply that overtakes a mail is refused with a way on; wrap-up leads back to work.
func TestACustomerWhoWritesAgainIsNotOverlooked(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	first := a.Text(t, "SELECT id FROM message")
	got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "It is on its way.", SeenMessageId: first}))(t)
	second := write(t, a, contact)
	complete := &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: string(offer), Code: "solved", SeenMessageId: first}
	_, err := me.contact.CompleteWrapUp(soon(t), complete)
	mustRefuse(t, "a wrap-up over an unseen mail", err, connect.CodeAborted, postroom.ReasonUnseenMessage)
	back := got(me.contact.ReturnToContact(soon(t), &contactv1.ReturnToContactRequest{RequestId: newID(), OfferId: string(offer)}))(t).Contact
	if back.Phase != contactv1.Phase_PHASE_OWNED || len(back.Messages) != 3 || back.Messages[2].MessageId != second {
		t.Fatalf("back at work on %v", back)
	}
	_, err = me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer), SeenMessageId: first})
	mustRefuse(t, "a close over an unseen mail", err, connect.CodeAborted, postroom.ReasonUnseenMessage)
	reply := &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "As I said.", DraftVersion: 1, SeenMessageId: first}
	_, err = me.contact.QuickReply(soon(t), reply)
	mustRefuse(t, "a reply over an unseen mail", err, connect.CodeAborted, postroom.ReasonUnseenMessage)
	_, err = me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "As I said.", DraftVersion: 2, SeenMessageId: "x"})
	mustRefuse(t, "a message that is none", err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	reply.RequestId, reply.DraftVersion, reply.SendAnyway = newID(), int64(a.Count(t, "SELECT version FROM draft WHERE contact_id = $1", contact)), true
	got(me.contact.QuickReply(soon(t), reply))(t)
	third := write(t, a, contact)
	complete.RequestId, complete.SeenMessageId, complete.CompleteAnyway = newID(), second, true
	got(me.contact.CompleteWrapUp(soon(t), complete))(t)
	if phase := a.Text(t, "SELECT phase FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.id = $1", third); phase == "done" {
		t.Error("the last mail is buried in the completed contact")
	}
	a.MustHold(t)
}

// R46: reply from history: the completed contact is taken up again and answered, and its workflow runs.
func TestReopenedContactIsAnsweredAndWrappedUpLikeAnyOther(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.ConnectMail(t)
	me, contact, offer := owned(t, a)
	_, err := me.contact.ReopenContact(soon(t), &contactv1.ReopenContactRequest{RequestId: newID(), ContactId: string(contact)})
	mustRefuse(t, "what is open", err, connect.CodeFailedPrecondition, postroom.ReasonThreadOpen)
	got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer)}))(t)
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: string(offer), Code: "solved"}))(t)
	reopen := &contactv1.ReopenContactRequest{RequestId: newID(), ContactId: string(contact)}
	now := got(me.contact.ReopenContact(soon(t), reopen))(t).Contact
	if again := got(me.contact.ReopenContact(soon(t), reopen))(t).Contact; again.ContactId != now.ContactId {
		t.Errorf("reopened twice: %s and %s", now.ContactId, again.ContactId)
	}
	if now.Phase != contactv1.Phase_PHASE_OWNED || now.BegunFrom != string(contact) || len(now.Messages) != 1 || now.OfferId == "" {
		t.Fatalf("reopened: %v", now)
	}
	got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: now.OfferId, Text: "One thing more.", SeenMessageId: now.Messages[0].MessageId}))(t)
	got(me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: newID(), OfferId: now.OfferId, Code: "solved"}))(t)
	if end := a.AwaitEnd(t, postroom.ContactID(now.ContactId)); end.Phase != postroom.ContactDone {
		t.Errorf("it ended as %+v", end)
	}
	a.MustHold(t)
}

// R47: a colleague whose team serves the queue reads along, and every look is in the story; he cannot edit what he reads.
func TestAColleagueLooksAndLeavesANoteAndTheLookIsRecorded(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	got(me.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), Text: "Not yet"}))(t)
	a.SignIn(t, "tom")
	colleague := as(t, a, "tom")
	_, err := colleague.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)})
	mustRefuse(t, "reading it as one's own", err, connect.CodeNotFound, postroom.ReasonUnknownContact)
	_, err = colleague.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), BaseVersion: 1, Text: "Mine"})
	mustRefuse(t, "writing its draft", err, connect.CodeNotFound, postroom.ReasonUnknownOffer)
	_, err = colleague.contact.AddNote(soon(t), &contactv1.AddNoteRequest{RequestId: newID(), ContactId: string(contact), Text: " \n"})
	mustRefuse(t, "an empty note", err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	add := &contactv1.AddNoteRequest{RequestId: newID(), ContactId: string(contact), Text: "His card is " + card}
	for range 2 {
		added := got(colleague.contact.AddNote(soon(t), add))(t)
		if len(added.Findings) != 1 || added.Note.Author != "tom" || strings.Contains(added.Note.Text, "4111") {
			t.Errorf("added: %v", added)
		}
	}
	look := got(colleague.contact.LookAtContact(soon(t), &contactv1.LookAtContactRequest{ContactId: string(contact)}))(t)
	if len(look.Contact.GetMessages()) != 1 || look.Contact.Draft != nil || len(look.Notes) != 1 {
		t.Errorf("he sees %v", look)
	}
	var looks int
	for _, e := range got(me.contact.ListContactEvents(soon(t), &contactv1.ListContactEventsRequest{ContactId: string(contact)}))(t).Events {
		if e.Event == "looked at" && e.Actor == "agent:tom" && e.At != nil {
			looks++
		}
	}
	if looks != 1 {
		t.Errorf("%d looks are recorded", looks)
	}
	silent(t, "the log", a.Log.String(), "4111", "His card")
	a.MustHold(t)
}
