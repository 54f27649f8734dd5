package worker_test

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// withWork gives mina an accepted contact of kim.
func withWork(t *testing.T) (*testkit.Working, *devmail.Server, postroom.ContactID, postroom.OfferID) {
	t.Helper()
	w := testkit.NewWorking(t, testkit.NewCentre(t, time.Minute, store.Options{}), testkit.NewTemporal(t))
	mail := w.ConnectMail(t)
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Please send it")
	offer := w.AwaitOffer(t, "mina", contact)
	testkit.Done(w.Gateway.Accept(t.Context(), testkit.On("mina", contact, offer)))(t)
	return w, mail, contact, offer
}

// addFile adds a file to the draft, as an upload does.
func addFile(t *testing.T, w *testkit.Working, offer postroom.OfferID, name string, content []byte) store.DraftFile {
	t.Helper()
	id := postroom.AttachmentID(testkit.NewID())
	if err := w.Blobs.Put(t.Context(), blob.ForAttachment(id), postroom.SealBytes(content)); err != nil {
		t.Fatal(err)
	}
	file, added, err := w.AddFile(t.Context(), "mina", offer, store.NewFile{ID: id, Upload: testkit.NewID(), Filename: postroom.SealText(name), MediaType: postroom.SealText("text/plain"),
		Size: int64(len(content)), Digest: []byte(name), Malware: postroom.MalwareClean, BlobKey: string(blob.ForAttachment(id))})
	if err != nil || !added {
		t.Fatal(err)
	}
	return file
}

func reply(t *testing.T, w *testkit.Working, contact postroom.ContactID, offer postroom.OfferID) {
	t.Helper()
	source, err := w.ReplySource(t.Context(), offer, "")
	if err != nil {
		t.Fatal(err)
	}
	draft, err := w.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Base: source.Version, Body: postroom.SealText("Here it is.")})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Done(w.Gateway.Reply(t.Context(), workflows.ReplyCommand{OfferCommand: testkit.On("mina", contact, offer), DraftVersion: draft.Version}))(t)
}

// R16, R20: the reply takes the files of the draft, undoing it brings them back, and what is sent is what was uploaded.
func TestR16FilesGoWithTheReplyAndComeBackWhenItIsUndone(t *testing.T) {
	t.Parallel()
	w, mail, contact, offer := withWork(t)
	w.Exec(t, "UPDATE queue SET undo_seconds = 60")
	addFile(t, w, offer, "영수증.csv", []byte("a,b\r\n"))
	addFile(t, w, offer, "notes.txt", []byte("hello"))
	drafted := func() int {
		return w.Count(t, "SELECT count(*) FROM draft_attachment WHERE contact_id = $1", contact)
	}
	for range 2 { // sent and undone, twice
		reply(t, w, contact, offer)
		if n, sent := drafted(), w.Count(t, `SELECT count(*) FROM attachment a JOIN outbox x ON x.message_id = a.message_id WHERE x.state = 'queued' AND a.verdict = 'passed'`); n != 0 || sent != 2 {
			t.Fatalf("%d files in the draft and %d with the reply", n, sent)
		}
		testkit.Done(w.Gateway.Undo(t.Context(), testkit.On("mina", contact, offer)))(t)
		if n := drafted(); n != 2 {
			t.Fatalf("%d files came back", n)
		}
	}
	reply(t, w, contact, offer)
	complete(t, w, "mina", contact, offer)
	got := received(t, mail, 1)[0]
	if len(got.Attachments) != 2 || got.Attachments[0].Name != "영수증.csv" || got.Attachments[1].Name != "notes.txt" {
		t.Fatalf("the customer has %+v", got.Attachments)
	}
	_, messages, _, err := w.ContactView(t.Context(), contact)
	if err != nil {
		t.Fatal(err)
	}
	if last := messages[len(messages)-1]; len(last.Attachments) != 2 || last.Attachments[0].Filename != "영수증.csv" {
		t.Errorf("the contact shows %+v", last.Attachments)
	}
}

// A file that is added between rendering and queueing is not left behind silently: the reply is refused, and made again.
func TestReplyIsMadeOfTheFilesThatTheDraftHas(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Please send it")
	offer := c.Own(t, contact, "mina")
	made := c.Render(t, offer, "mina")
	made.Files = []postroom.AttachmentID{postroom.AttachmentID(testkit.NewID())}
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, made); postroom.ReasonOf(err) != postroom.ReasonFilesChanged {
		t.Errorf("a file that is gone: %v", err)
	}
	made.Files = nil
	if _, err := c.QueueReply(t.Context(), testkit.Command("mina"), offer, made); err != nil {
		t.Errorf("no files: %v", err)
	}
}

// R16: 25 MB go out within a bounded memory.
func TestLargestReplyIsSentWithinBounds(t *testing.T) {
	w, mail, contact, offer := withWork(t)
	w.Exec(t, "UPDATE queue SET undo_seconds = 0")
	line := []byte("a line of ordinary text, and its number\r\n")
	addFile(t, w, offer, "large.txt", bytes.Repeat(line, postroom.MaxFileBytes/len(line)))
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				runtime.ReadMemStats(&now)
				peak.Store(max(peak.Load(), now.HeapAlloc))
			}
		}
	}()
	began := time.Now()
	reply(t, w, contact, offer)
	queued := time.Since(began)
	got := received(t, mail, 1)[0]
	close(stop)
	<-stopped
	if len(got.Attachments) != 1 {
		t.Fatalf("the customer has %d files", len(got.Attachments))
	}
	if above := (peak.Load() - before.HeapAlloc) >> 20; above > 450 { // with the mail server, and both copies in the blob store, which are in this process too
		t.Errorf("it took %d MB", above)
	}
	t.Logf("queued after %v, received after %v, heap %d MB above %d MB", queued, time.Since(began), (peak.Load()-before.HeapAlloc)>>20, before.HeapAlloc>>20)
}
