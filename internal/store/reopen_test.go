package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R46: a completed matter is taken up again as a new contact of the same thread, owned by whoever took it up; the old one stays as it was.
func TestReopenedContactIsANewOneOfTheThreadAndCanBeAnswered(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	c.Reply(t, offer, "mina")
	c.WrapUp(t, offer, "mina")
	before := fact(t, c, contact, "phase, version, completed_at")
	command := testkit.Command("jiwoo")
	var again postroom.ContactSnapshot
	for n := range 2 { // asked again, it is answered alike
		now, err := c.ReopenContact(t.Context(), command, contact)
		if err != nil || now.Phase != postroom.ContactOwned || now.Agent != "jiwoo" || now.Queue != "general" || now.Contact == contact {
			t.Fatalf("reopened: %+v, %v", now, err)
		}
		if n == 1 && (now.Contact != again.Contact || now.Version != again.Version) {
			t.Errorf("reopened twice: %+v and %+v", again, now)
		}
		again = now
	}
	if fact(t, c, contact, "phase, version, completed_at") != before {
		t.Error("the completed contact has changed")
	}
	if got := fact(t, c, again.Contact, "phase, begun_from, thread_id = (SELECT thread_id FROM contact WHERE id = '"+string(contact)+"'), told"); got != "owned "+string(contact)+" t 0" {
		t.Errorf("the new contact is %s", got)
	}
	c.MustHold(t)

	view, messages, _, err := c.ContactView(t.Context(), again.Contact)
	if err != nil || view.BegunFrom != string(contact) || len(messages) != 2 {
		t.Errorf("it shows %d messages (%+v), %v", len(messages), view, err)
	}
	card, found, err := c.ActiveContact(t.Context(), "jiwoo", again.Contact)
	if err != nil || !found || card.CustomerAddress != "kim@customer.example" || card.State != postroom.OfferAccepted {
		t.Errorf("the card: %+v, %t, %v", card, found, err)
	}
	source, err := c.ReplySource(t.Context(), again.Offer, "")
	if err != nil || source.To != "kim@customer.example" || source.MessageID == "" {
		t.Errorf("it is answered to %+v, %v", source, err)
	}
	answer := c.Reply(t, again.Offer, "jiwoo")
	mail := c.FollowUp("kim@customer.example", answer)
	if in, err := c.Ingest(t.Context(), mail); err != nil || in.Contact != again.Contact {
		t.Errorf("the customer's answer: %+v, %v", in, err)
	}
	c.MustHold(t)
}

// R46: a thread has one open contact at most, and who reopens needs room as for any other.
func TestReopeningIsRefusedWhereAContactIsOpenOrTheAgentHasNoRoom(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	reopen := func(agent postroom.AgentID, from postroom.ContactID) error {
		_, err := c.ReopenContact(t.Context(), testkit.Command(agent), from)
		return err
	}
	wantReason(t, "what is open", reopen("jiwoo", contact), postroom.KindRefused, postroom.ReasonThreadOpen)
	wantReason(t, "what nobody knows", reopen("jiwoo", postroom.ContactID(testkit.NewID())), postroom.KindNotFound, postroom.ReasonUnknownContact)
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	c.WrapUp(t, offer, "mina")
	for _, subject := range []string{"one", "two"} {
		c.Own(t, c.Arrive(t, subject+"@customer.example", subject), "mina")
	}
	wantReason(t, "with both hands full", reopen("mina", contact), postroom.KindRefused, postroom.ReasonNoCapacity)
	missed := c.Claim(t, c.Arrive(t, "three@customer.example", "three"), "tom")
	must(t, c.OfferShown(t.Context(), "tom", missed))
	c.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() WHERE id = $1", missed)
	_, err = c.ExpireOffer(t.Context(), missed)
	must(t, err)
	wantReason(t, "in RONA", reopen("tom", contact), postroom.KindRefused, postroom.ReasonInRONA)
	wantReason(t, "signed out", reopen("sora", contact), postroom.KindRefused, postroom.ReasonNotSignedIn)
	c.Choose(t, "jiwoo", postroom.AgentIdle, "lunch")
	must(t, reopen("jiwoo", contact)) // Idle he may be
	wantReason(t, "what is reopened already", reopen("jiwoo", contact), postroom.KindRefused, postroom.ReasonThreadOpen)
	c.MustHold(t)
}

// R46, I1: of many who reopen at once, one does.
func TestOfManyWhoReopenAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	c.WrapUp(t, offer, "mina")
	agents := []postroom.AgentID{"mina", "jiwoo", "tom"}
	var won int
	for _, err := range testkit.Together(9, func(i int) error {
		_, err := c.ReopenContact(t.Context(), testkit.Command(agents[i%3]), contact)
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		wantReason(t, "the others", err, postroom.KindRefused, postroom.ReasonThreadOpen)
	}
	if won != 1 {
		t.Errorf("%d reopened it", won)
	}
	c.MustHold(t)
}

// R47: notes are appended, in order, with author and time; they change nothing else.
func TestNotesAreAppendedAndShownWithAuthorAndTime(t *testing.T) {
	t.Parallel()
	c, contact, offer := newLife(t)
	version := fact(t, c, contact, "version")
	first := testkit.Command("jiwoo")
	for range 2 {
		note, err := c.AddNote(t.Context(), first, contact, postroom.SealText("He called, too."), []postroom.Finding{{Kind: postroom.FindingPAN, Place: "note", Detector: "test"}})
		if err != nil || note.Author != "jiwoo" || note.Name != "박지우" || note.Body != "He called, too." || time.Since(note.At) > time.Minute {
			t.Fatalf("the note: %+v, %v", note, err)
		}
	}
	_, err := c.AddNote(t.Context(), testkit.Command("mina"), contact, postroom.SealText("Thanks."), nil)
	must(t, err)
	notes, err := c.Notes(t.Context(), contact)
	if err != nil || len(notes) != 2 || notes[0].Body != "He called, too." || notes[1].Author != "mina" {
		t.Errorf("notes: %+v, %v", notes, err)
	}
	if fact(t, c, contact, "version") != version || c.Count(t, "SELECT count(*) FROM finding WHERE contact_id = $1", contact) != 1 {
		t.Error("a note changed the contact, or its finding was not recorded")
	}
	if told := c.Count(t, "SELECT count(*) FROM event WHERE stream_id = 'agent/mina' AND contact_id = $1 AND offer_id IS NULL", contact); told != 1 {
		t.Errorf("mina, who holds it, was told %d times", told)
	}
	_, err = c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	c.WrapUp(t, offer, "mina")
	_, err = c.AddNote(t.Context(), testkit.Command("tom"), contact, postroom.SealText("For the record."), nil)
	must(t, err)
	if code, _ := attempt(t, c.Connect(t), "UPDATE note SET body = 'x'"); code != forbidden {
		t.Errorf("a note can be changed: %q", code)
	}
	if code, _ := attempt(t, c.Connect(t), "DELETE FROM note"); code != forbidden {
		t.Errorf("a note can be removed: %q", code)
	}
	c.MustHold(t)
}

// R47: a colleague's look is recorded, and refuses nobody's decision.
func TestALookIsRecordedAndChangesNothing(t *testing.T) {
	t.Parallel()
	c, contact, _ := newLife(t)
	version := fact(t, c, contact, "version, told, tell_at")
	must(t, c.RecordLook(t.Context(), "tom", contact))
	if now := fact(t, c, contact, "version, told, tell_at"); now != version {
		t.Errorf("the contact was %s and is %s", version, now)
	}
	story, err := c.Story(t.Context(), contact)
	must(t, err)
	if !slices.ContainsFunc(story, func(e store.StoryEvent) bool { return e.Event == store.EventLookedAt && e.Actor == "agent:tom" }) {
		t.Errorf("the story has no look: %+v", story)
	}
	c.MustHold(t)
}
