package api_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// owned is a contact that mina has accepted over the API.
func owned(t *testing.T, a *testkit.API) (me desk, contact postroom.ContactID, offer postroom.OfferID) {
	t.Helper()
	a.SignIn(t, "mina")
	me = as(t, a, "mina")
	contact = a.Begin(t, "kim@customer.example", "Parcel")
	offer = a.AwaitOffer(t, "mina", contact)
	answer := got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)}))(t)
	if now := answer.Contact; now.Phase != contactv1.Phase_PHASE_OWNED || now.OfferId != string(offer) || len(now.Messages) != 1 || now.Draft != nil {
		t.Fatalf("accepted: %v", now)
	}
	return me, contact, offer
}

// R28, R37: a reply with a card number is not sent; the agent is told where it stands, finds it masked in the draft, and can send that.
func TestReplyWithACardNumberStaysHereAndCanBeSentMasked(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	reply := &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "We charged " + card + " for it."}
	for range 2 { // asked again, it is answered alike
		_, err := me.contact.QuickReply(soon(t), reply)
		mustRefuse(t, "a reply with a card number", err, connect.CodeFailedPrecondition, postroom.ReasonCardData)
		found := detailOf(err).GetFindings()
		if len(found) != 1 || found[0].Kind != "pan" || found[0].Place != "draft" || found[0].Last4 != "1111" || found[0].Brand == "" {
			t.Errorf("findings: %v", found)
		}
		silent(t, "the refusal", err.Error(), "4111")
	}
	now := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	if now.Phase != contactv1.Phase_PHASE_OWNED || now.Draft.GetVersion() != 1 || !strings.HasSuffix(now.Draft.GetText(), "1111 for it.") {
		t.Fatalf("the contact is %v", now)
	}
	silent(t, "the draft", now.Draft.Text, "4111", "1111 1111")
	if n := a.Count(t, "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM finding) * 10"); n != 10 {
		t.Errorf("%d replies are on their way, and %d findings are recorded", n%10, n/10)
	}

	sent := got(me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: now.Draft.Text,
		DraftVersion: now.Draft.Version}))(t).Contact
	if sent.Phase != contactv1.Phase_PHASE_WRAPUP || len(sent.Messages) != 2 || !sent.Messages[1].Outbound || sent.Messages[1].Text != now.Draft.Text {
		t.Errorf("the masked reply: %v", sent)
	}
	silent(t, "the log", a.Log.String(), "4111")
	a.MustHold(t)
}

func TestDraftIsMaskedAndKeptByVersion(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	save := func(base int64, text string) (*contactv1.SaveDraftResponse, error) {
		return me.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), BaseVersion: base, Text: text})
	}
	if one := got(save(0, "Dear Kim"))(t); one.Draft.Version != 1 || one.Draft.Text != "Dear Kim" || one.Draft.Author != "mina" || len(one.Findings) != 0 {
		t.Errorf("first: %v", one)
	}
	_, err := save(0, "In another window")
	mustRefuse(t, "a draft on no draft", err, connect.CodeAborted, postroom.ReasonDraftMoved)
	_, err = save(2, "Of the future")
	mustRefuse(t, "a draft on one that is not there", err, connect.CodeAborted, postroom.ReasonDraftMoved)
	_, err = me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "Old", DraftVersion: 0})
	mustRefuse(t, "a reply on no draft", err, connect.CodeAborted, postroom.ReasonDraftMoved)
	half := got(save(1, "Is it 4111 1111 111"))(t) // eleven digits of a card that is being typed
	if half.Draft.Version != 2 || len(half.Findings) != 1 {
		t.Errorf("half a number: %v", half)
	}
	silent(t, "the draft", half.Draft.Text, "4111")
	odd := got(save(2, "one\x00two\u202e\r\n"))(t)
	if odd.Draft.Text != "one\ufffdtwo\u202e\r\n" {
		t.Errorf("NUL and others became %q", odd.Draft.Text)
	}
	long := got(save(3, strings.Repeat("한", 200_000)))(t)
	if long.Draft.Version != 4 {
		t.Errorf("the longest draft: version %d", long.Draft.Version)
	}
	for what, call := range map[string]func(text string) error{
		"a draft": func(text string) error { _, err := save(4, text); return err },
		"a reply": func(text string) error {
			_, err := me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: text, DraftVersion: 4})
			return err
		},
	} {
		mustRefuse(t, what+" that is too long", call(strings.Repeat("한", 200_001)), connect.CodeInvalidArgument, postroom.ReasonTooLarge)
	}
	for _, empty := range []string{"", " \r\n\t", "\u00a0\u3000"} {
		_, err := me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: empty, DraftVersion: 4})
		mustRefuse(t, "an empty reply", err, connect.CodeInvalidArgument, postroom.ReasonEmptyReply)
	}
	now := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	if now.Draft.Version != 4 || now.Phase != contactv1.Phase_PHASE_OWNED {
		t.Errorf("refusals changed the contact: draft %d, %s", now.Draft.Version, now.Phase)
	}
}

// R24: a wrap-up takes a code of the queue, and a note where the code asks for one; what is typed into the note is masked, and reported.
func TestWrapUpTakesACodeOfTheQueueAndItsNote(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	me, contact, offer := owned(t, a)
	complete := func(w *contactv1.CompleteWrapUpRequest) (*contactv1.CompleteWrapUpResponse, error) {
		w.RequestId, w.OfferId = newID(), string(offer)
		return me.contact.CompleteWrapUp(soon(t), w)
	}
	_, err := complete(&contactv1.CompleteWrapUpRequest{Code: "solved"})
	mustRefuse(t, "before the reply", err, connect.CodeFailedPrecondition, "not_in_wrapup")
	got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer)}))(t)
	_, err = me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "closing it again", err, connect.CodeAborted, "already_handled")
	codes := got(me.contact.ListWrapUpCodes(soon(t), &contactv1.ListWrapUpCodesRequest{ContactId: string(contact)}))(t).Codes
	if len(codes) != 2 || codes[0].Code != "solved" || codes[0].Name.Ko != "해결" || codes[0].NoteRequired || codes[1].Code != "other" || !codes[1].NoteRequired {
		t.Errorf("codes: %v", codes)
	}
	for what, w := range map[string]struct {
		request *contactv1.CompleteWrapUpRequest
		want    refusal
	}{
		"no code":          {&contactv1.CompleteWrapUpRequest{}, refusal{connect.CodeInvalidArgument, postroom.ReasonUnknownCode}},
		"an unknown code":  {&contactv1.CompleteWrapUpRequest{Code: "refund"}, refusal{connect.CodeInvalidArgument, postroom.ReasonUnknownCode}},
		"no note":          {&contactv1.CompleteWrapUpRequest{Code: "other"}, refusal{connect.CodeFailedPrecondition, postroom.ReasonNoteRequired}},
		"an odd status":    {&contactv1.CompleteWrapUpRequest{Code: "solved", Status: "closed"}, refusal{connect.CodeInvalidArgument, postroom.ReasonMalformed}},
		"an odd sentiment": {&contactv1.CompleteWrapUpRequest{Code: "solved", Sentiment: "angry"}, refusal{connect.CodeInvalidArgument, postroom.ReasonMalformed}},
		"a long note": {&contactv1.CompleteWrapUpRequest{Code: "other", Note: strings.Repeat("한", 1001)},
			refusal{connect.CodeInvalidArgument, postroom.ReasonTooLarge}},
	} {
		_, err := complete(w.request)
		mustRefuse(t, what, err, w.want.code, w.want.reason)
	}
	done := got(complete(&contactv1.CompleteWrapUpRequest{Code: "other", Status: "resolved", Sentiment: "positive", Note: "Refunded " + card}))(t)
	if len(done.Findings) != 1 || done.Findings[0].Place != "note" || done.Findings[0].Last4 != "1111" {
		t.Errorf("findings: %v", done.Findings)
	}
	if note := a.Text(t, "SELECT code || ' ' || status || ' ' || sentiment || ' ' || note FROM wrapup"); strings.Contains(note, "4111") ||
		!strings.HasPrefix(note, "other resolved positive Refunded ") {
		t.Errorf("the wrap-up says %q", note)
	}
	now := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)}))(t).Contact
	if now.Phase != contactv1.Phase_PHASE_DONE || now.Outcome != "closed_without_reply" || now.CompletedAt == nil || now.OfferId != "" {
		t.Errorf("the contact is %v", now)
	}
	story := got(me.contact.ListContactEvents(soon(t), &contactv1.ListContactEventsRequest{ContactId: string(contact)}))(t).Events
	var events []string
	for _, e := range story {
		events = append(events, e.Event)
	}
	if s := strings.Join(events, ", "); s != "opened, routed, offered, accepted, closed, completed" {
		t.Errorf("the story is %s", s)
	}
	a.AwaitEnd(t, contact)
	a.MustHold(t)
}

// R8: a late Accept loses; nobody can act on an offer of somebody else, and nobody learns that there is one.
func TestLateAndForeignOffersAreRefused(t *testing.T) {
	t.Parallel()
	a := working(t, time.Second)
	a.SignIn(t, "mina")
	contact := a.Begin(t, "kim@customer.example", "Parcel")
	offer := a.AwaitOffer(t, "mina", contact)
	me, other := as(t, a, "mina"), as(t, a, "tom")
	_, err := other.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "a colleague's accept", err, connect.CodeNotFound, postroom.ReasonUnknownOffer)
	a.AwaitPhase(t, contact, postroom.ContactWaiting)
	_, err = me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "a late accept", err, connect.CodeAborted, postroom.ReasonOfferExpired)
	_, err = me.contact.DeclineOffer(soon(t), &contactv1.DeclineOfferRequest{RequestId: newID(), OfferId: string(offer)})
	mustRefuse(t, "a late decline", err, connect.CodeAborted, postroom.ReasonOfferExpired)
	_, err = me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "Hello"})
	mustRefuse(t, "a reply on it", err, connect.CodeAborted, postroom.ReasonOfferEnded)
	_, err = me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: string(contact)})
	mustRefuse(t, "reading what is not offered any more", err, connect.CodeNotFound, postroom.ReasonUnknownContact)
	got(me.contact.MarkOfferShown(soon(t), &contactv1.MarkOfferShownRequest{OfferId: string(offer)}))(t) // late: nothing happens
	if state := a.Text(t, "SELECT state || ' ' || end_cause FROM offer WHERE id = $1", offer); state != "expired rona" {
		t.Errorf("the offer is %s", state)
	}
	a.MustHold(t)
}

func TestReplyOnAnOfferThatIsNotAcceptedIsRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	offer := a.Claim(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	_, err := me.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: string(offer), Text: "Hello"})
	mustRefuse(t, "a reply before the accept", err, connect.CodeFailedPrecondition, "not_accepted")
	_, err = me.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(offer), Text: "Hello"})
	mustRefuse(t, "a draft before the accept", err, connect.CodeFailedPrecondition, "not_accepted")
}
