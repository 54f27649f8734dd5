package api_test

import (
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// attach gives mina a contact whose mail has an attachment of that name and verdict.
func attach(t *testing.T, a *testkit.API, name string, verdict postroom.AttachmentVerdict, content string) store.ArrivedAttachment {
	t.Helper()
	file := store.ArrivedAttachment{ID: postroom.AttachmentID(testkit.NewID()), Filename: postroom.SealText(name),
		MediaType: postroom.SealText("text/html"), Size: int64(len(content)), Verdict: verdict}
	if verdict == postroom.AttachmentPassed {
		file.BlobKey = string(blob.ForAttachment(file.ID))
		must(t, a.Blobs.Put(t.Context(), blob.Key(file.BlobKey), postroom.SealBytes([]byte(content))))
	}
	mail := a.Mail(testkit.NewID()+"@customer.example", "With a file")
	mail.Attachments = []store.ArrivedAttachment{file}
	contact := got(a.Ingest(t.Context(), mail))(t).Contact
	got(a.RouteContact(t.Context(), contact, "general", nil))(t)
	offer := a.Own(t, contact, "mina")
	got(a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer))(t)
	a.WrapUp(t, offer, "mina") // so that she has a hand free for the next
	return file
}

// download asks for the content of an attachment.
func (d desk) download(t testing.TB, url string, id postroom.AttachmentID) (*http.Response, string) {
	t.Helper()
	return d.ask(t, url, asked{method: http.MethodGet, path: contentURL + string(id)})
}

// R40: content is a download, and never a page of ours.
func TestAttachmentIsADownloadWithItsName(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	const page = "<script>alert(document.cookie)</script>"
	for _, name := range []string{"receipt.html", "", "영수증 2024.html", `a"b\c;d.html`, "line\r\nSet-Cookie: x=y", "../../etc/passwd", "100%.txt",
		strings.Repeat("긴", 200) + ".html", "\u202egpj.exe", "a\x00b"} {
		stored := strings.ReplaceAll(name, "\x00", "\ufffd") // as the scanner leaves it
		file := attach(t, a, stored, postroom.AttachmentPassed, page)
		response, body := me.download(t, a.URL, file.ID)
		if response.StatusCode != http.StatusOK || body != page || response.ContentLength != int64(len(page)) {
			t.Errorf("%q: %s, %d bytes: %q", name, response.Status, response.ContentLength, body)
		}
		for header, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store", "Set-Cookie": "", "Referrer-Policy": "no-referrer"} {
			if got := strings.Join(response.Header.Values(header), "|"); got != want {
				t.Errorf("%q: %s is %q, want %q", name, header, got, want)
			}
		}
		disposition, params, err := mime.ParseMediaType(response.Header.Get("Content-Disposition"))
		if err != nil || disposition != "attachment" || params["filename"] != stored {
			t.Errorf("%q: Content-Disposition %q (%v)", name, response.Header.Get("Content-Disposition"), err)
		}
	}
}

// R26, R29: what was destroyed or withheld is not served; the agent sees that it was there, and why.
func TestAttachmentThatDidNotPassIsNotServed(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	for _, verdict := range []postroom.AttachmentVerdict{postroom.AttachmentDestroyed, postroom.AttachmentWithheld} {
		file := attach(t, a, "card.txt", verdict, "")
		if response, body := me.download(t, a.URL, file.ID); response.StatusCode != http.StatusNotFound ||
			strings.TrimSpace(body) != "not_found: this attachment is not available" {
			t.Errorf("%s: %s %q", verdict, response.Status, body)
		}
		contact := a.Text(t, "SELECT contact_id::text FROM message m JOIN attachment t ON t.message_id = m.id WHERE t.id = $1", file.ID)
		view := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: contact}))(t).Contact
		if shown := view.Messages[0].Attachments; len(shown) != 1 || shown[0].Verdict != string(verdict) || shown[0].AttachmentId != string(file.ID) {
			t.Errorf("%s: the agent sees %v", verdict, shown)
		}
	}
}

// The content of what passed must be there: that it is not is a defect of ours, and is said and logged as one.
func TestLostContentIsADefect(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	file := attach(t, a, "receipt.html", postroom.AttachmentPassed, "content")
	must(t, a.Blobs.Delete(t.Context(), blob.Key(file.BlobKey)))
	response, body := as(t, a, "mina").download(t, a.URL, file.ID)
	_, reference, found := strings.Cut(strings.TrimSpace(body), "reference ")
	if response.StatusCode != http.StatusInternalServerError || !found || !strings.Contains(a.Log.String(), reference) {
		t.Errorf("%s %q", response.Status, body)
	}
}

// Automatic mail is in no contact: nobody is served by it, and its files are nobody's.
func TestAttachmentOfScreenedMailIsUnknown(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	mail := a.Mail("robot@customer.example", "Out of office")
	mail.Automatic = "auto-replied"
	file := store.ArrivedAttachment{ID: postroom.AttachmentID(testkit.NewID()), Filename: postroom.SealText("a.txt"), MediaType: postroom.SealText("text/plain"),
		Size: 5, Verdict: postroom.AttachmentPassed}
	file.BlobKey = string(blob.ForAttachment(file.ID))
	mail.Attachments = []store.ArrivedAttachment{file}
	got(a.Ingest(t.Context(), mail))(t)
	for _, person := range []postroom.AgentID{"mina", "sora"} {
		if response, body := as(t, a, person).download(t, a.URL, file.ID); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s %s", person, response.Status, body)
		}
	}
}
