package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom/internal/devmail"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// I6, R26, R36, R37: wherever a card number comes in, it is written nowhere.
func TestNoCardNumberIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	const customer = "kim@card.example"
	mina := s.SignIn(t, "mina")
	mina.Available(t)
	var cards []string
	card := func() string {
		cards = append(cards, newCard([]string{"453957", "542523", "601142", "356612"}[len(cards)%4]))
		return cards[len(cards)-1]
	}

	split := card()
	s.Write(t, devmail.Letter{From: "Card " + card() + " <" + customer + ">", Subject: "My card " + spelled(card(), " "),
		Text:       "It is " + spelled(card(), "-") + ", or " + fullWidth(card()) + ".\nOnce more: " + spelled(card(), "\n"),
		HTML:       "<p>It is " + card() + " or " + split[:4] + "<b>" + split[4:8] + "</b>&#x20;" + split[8:12] + "<!-- -->" + split[12:] + "</p>",
		Headers:    map[string]string{"X-Note": "card " + card()},
		References: []string{card() + "@customer.example"},
		Attachments: []devmail.File{
			{Name: "card-" + card() + ".txt", Type: "text/plain", Content: []byte("nothing")},
			{Name: "card.txt", Type: "text/plain", Content: []byte("It is " + spelled(card(), " "))},
			{Name: "cards.csv", Type: "text/csv; charset=utf-16le", Content: utf16("name;card\nKim;" + card() + "\n")},
			{Name: "cards.zip", Type: "application/zip", Content: zipped(t, "card.txt", card())},
			{Name: "card.bin", Type: "application/octet-stream", Content: []byte("\x00\x01" + card() + "\xff")},
		}})
	offer := mina.AwaitOffer(t, customer)
	contact := mina.Accept(t, offer.OfferId)
	for _, c := range cards {
		if strings.Contains(contact.String(), c) {
			t.Error("the agent sees a card number")
		}
	}
	if !contact.Messages[0].Masked {
		t.Error("the message is not marked as masked")
	}
	typeCards(t, mina, offer.OfferId, card)
	mina.WrapUp(t, offer.OfferId)
	s.AwaitMail(t, customer, 1)
	awaitCompleted(t, s, offer.ContactId)
	if ran := s.Try(t, s.Sample(0)+"\n# "+card()+"\n", "apply", "-f", "-"); ran.Err == nil || len(newSearcher(cards...).in([]byte(ran.Stdout+ran.Stderr))) > 0 {
		t.Errorf("a configuration with a card number: %v", ran)
	}
	testkit.Eventually(t, "the original to be expunged", func() bool {
		return s.Count(t, "SELECT count(*) FROM received r JOIN message m ON m.id = r.message_id WHERE m.contact_id = $1 AND r.pending = ''", offer.ContactId) == 1
	})

	// Everything that was kept in memory only has had its chance to reach a disk.
	planted, plantedIn := plant(t, s, offer.ContactId)
	search := newSearcher(append(slices.Clone(cards), planted...)...)
	for place, content := range places(t, s, customer, plantedFor) {
		found := search.in(content)
		t.Logf("%s: %d bytes searched", place, len(content))
		for _, c := range found {
			if slices.Contains(cards, c) {
				t.Errorf("%s: card number %d of %d is there", place, slices.Index(cards, c)+1, len(cards))
			}
		}
		// Control: what was planted past the scanner is found by the same search.
		if want := plantedIn[place]; want != "" && !slices.Contains(found, want) {
			t.Errorf("%s: the search does not find what was planted there", place)
		}
	}
	inbox := newSearcher(cards...)
	for _, m := range s.Mail.Messages(testkit.Support, 1000) {
		if found := inbox.in([]byte(m.Subject + m.Text + m.HTML)); len(found) > 0 {
			t.Errorf("the mailbox still holds the original of %d card numbers", len(found))
		}
	}
	settled(t, s)
}

// typeCards types card numbers wherever an agent can type: they are masked in the draft, keep a reply from being sent, and are masked in
// the note.
func typeCards(t *testing.T, d *testkit.Desktop, offer string, card func() string) {
	t.Helper()
	typed := card()
	draft, err := d.Contacts.SaveDraft(t.Context(), &contactv1.SaveDraftRequest{RequestId: uuid.NewString(), OfferId: offer, Text: "Is it " + typed + "?"})
	if err != nil || len(draft.Findings) != 1 || strings.Contains(draft.Draft.Text, typed) {
		t.Fatalf("a draft with a card number: %d findings, %v", len(draft.GetFindings()), err)
	}
	_, err = d.Contacts.QuickReply(t.Context(), &contactv1.QuickReplyRequest{RequestId: uuid.NewString(), OfferId: offer,
		Text: "Is it " + spelled(card(), " ") + "?", DraftVersion: draft.Draft.Version})
	if testkit.ReasonOf(err) != "card_data" {
		t.Fatalf("a reply with a card number: %v", err)
	}
	masked, err := d.Contacts.GetContact(t.Context(), &contactv1.GetContactRequest{ContactId: contactOf(t, d, offer)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Contacts.QuickReply(t.Context(), &contactv1.QuickReplyRequest{RequestId: uuid.NewString(), OfferId: offer,
		Text: masked.Contact.Draft.Text, DraftVersion: masked.Contact.Draft.Version}); err != nil {
		t.Fatalf("the masked reply: %v", err)
	}
	noted, err := d.Contacts.CompleteWrapUp(t.Context(), &contactv1.CompleteWrapUpRequest{RequestId: uuid.NewString(), OfferId: offer, Code: "no such code",
		Note: "He said " + card()})
	if err == nil {
		t.Fatalf("an unknown code was taken: %v", noted)
	}
}

func contactOf(t *testing.T, d *testkit.Desktop, offer string) string {
	t.Helper()
	for _, c := range d.Cards() {
		if c.OfferId == offer {
			return c.ContactId
		}
	}
	t.Fatal("the offer has no card")
	return ""
}

// plantedFor is the customer who receives a card number past the product.
const plantedFor = "planted@card.example"

// plant puts card numbers into the places that are searched, past the scanner, and says which is where.
func plant(t *testing.T, s *testkit.Stack, contact string) (planted []string, in map[string]string) {
	t.Helper()
	one := func() string {
		planted = append(planted, newCard("411122"))
		return planted[len(planted)-1]
	}
	row := one()
	s.Exec(t, "UPDATE message SET body = body || $2 WHERE contact_id = $1", contact, " planted: "+spelled(row, " "))
	superuser(t, s, "CHECKPOINT", nil) // into the data files
	blob, logged, key, spooled := one(), one(), one(), one()
	for path, content := range map[string]string{
		filepath.Join(s.Blob, "planted"):       "subject: " + base64.StdEncoding.EncodeToString([]byte(blob)),
		filepath.Join(s.LogDir, "planted.log"): "row: " + fullWidth(logged),
		filepath.Join(s.Secrets, "planted"):    spelled(key, "-"),
		filepath.Join(s.Tmp, "planted"):        "\x00" + spooled,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(path) })
	}
	line := one()
	log, err := os.OpenFile(s.LogFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.WriteString("planted | " + spelled(line, " ") + "\n"); err != nil {
		t.Fatal(err)
	}
	signal, sent := one(), one()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := testkit.Dial(t, s.Temporal.Address())
	if err := c.SignalWorkflow(ctx, "mailbox/support", "", "planted", "card "+signal); err != nil {
		t.Fatal(err)
	}
	attribute := plantWorkflow(t, c, one())
	if _, err := s.Mail.Send(devmail.Letter{From: testkit.Support, To: []string{plantedFor}, Subject: "Planted", Text: spelled(sent, " ")}); err != nil {
		t.Fatal(err)
	}
	return planted, map[string]string{
		"rows of the product": row, "write-ahead log": row, "data files": row, "rows of Temporal": signal, "histories": signal,
		"visibility of Temporal": attribute, "attachments and replies": blob, "log of PostgreSQL": logged, "keys and secrets": key, "temporary files": spooled, "log of the product": line, "mails to customers": sent,
	}
}

// plantWorkflow starts a workflow that nobody works on, with a card number as search attribute, and waits until it is listed.
func plantWorkflow(t *testing.T, c client.Client, card string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	id := "planted-" + uuid.NewString()
	if _, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "nobody",
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.AttributeQueue.ValueSet(card))}, "planted"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the planted workflow to be listed", func() bool {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: stack.Namespace, Query: "WorkflowId = '" + id + "'"})
		return err == nil && len(list.Executions) == 1
	})
	if err := c.TerminateWorkflow(ctx, id, "", "planted"); err != nil {
		t.Fatal(err)
	}
	return card
}

func zipped(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(strings.Repeat(content+"\n", 20))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// utf16 is text as some spreadsheets write it.
func utf16(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, r := range s {
		b = append(b, byte(r), byte(r>>8))
	}
	return b
}
