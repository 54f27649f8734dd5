package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	attachmentv1 "github.com/postroom/postroom/internal/gen/postroom/attachment/v1"
	"github.com/postroom/postroom/internal/gen/postroom/attachment/v1/attachmentv1connect"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/internal/testkit/fakeclamd"
)

// inWork gives mina a contact.
func inWork(t *testing.T, a *testkit.API) (postroom.ContactID, postroom.OfferID) {
	t.Helper()
	contact := got(a.Ingest(t.Context(), a.Mail(testkit.NewID()+"@customer.example", "Please send it")))(t).Contact
	got(a.RouteContact(t.Context(), contact, "general", nil))(t)
	return contact, a.Own(t, contact, "mina")
}

type upload struct {
	id, name, kind, disposition string
	body                        io.Reader
	header                      map[string]string
}

// upload uploads a file, and returns status, reason and what came back.
func (d desk) upload(t testing.TB, a *testkit.API, offer postroom.OfferID, u upload) (int, string, map[string]any) {
	t.Helper()
	if u.id == "" {
		u.id = testkit.NewID()
	}
	if u.disposition == "" {
		u.disposition = "attachment"
	}
	header := map[string]string{"Content-Disposition": mime.FormatMediaType(u.disposition, map[string]string{"filename": u.name}), "Content-Type": u.kind}
	for k, v := range u.header {
		header[k] = v
	}
	response, body := d.ask(t, a.URL, asked{method: http.MethodPut, path: uploadURL + string(offer) + "/" + u.id, header: header, body: u.body})
	var file map[string]any
	if response.StatusCode < 300 {
		if err := json.Unmarshal([]byte(body), &file); err != nil {
			t.Fatal(err)
		}
	} else if strings.Contains(body, "4111") {
		t.Errorf("an answer quotes the file: %q", body)
	}
	return response.StatusCode, response.Header.Get("Postroom-Reason"), file
}

func (d desk) files(t *testing.T, a *testkit.API, offer postroom.OfferID) []*attachmentv1.File {
	t.Helper()
	return got(attachments(d, a).ListFiles(soon(t), &attachmentv1.ListFilesRequest{OfferId: string(offer)}))(t).Files
}

func attachments(d desk, a *testkit.API) attachmentv1connect.AttachmentServiceClient {
	return attachmentv1connect.NewAttachmentServiceClient(d.http(), a.URL)
}

// blobs counts the blobs of attachments.
func blobs(t *testing.T, a *testkit.API) int {
	t.Helper()
	n := 0
	for key, err := range a.Blobs.OlderThan(t.Context(), time.Now().Add(time.Hour)) {
		must(t, err)
		if strings.HasPrefix(string(key), "attachment/") {
			n++
		}
	}
	return n
}

// R16: a file goes into the draft as it is, announced or in pieces, and comes back as it went.
func TestR16UploadedFileIsInTheDraft(t *testing.T) {
	t.Parallel()
	a, _ := scanning(t)
	me := as(t, a, "mina")
	contact, offer := inWork(t, a)
	large := bytes.Repeat([]byte("a line of text\n"), 3<<20/15)
	for name, body := range map[string]io.Reader{"영수증 3월.csv": bytes.NewReader(large), "pieces.csv": io.MultiReader(bytes.NewReader(large))} {
		status, reason, file := me.upload(t, a, offer, upload{name: name, kind: "application/vnd.ms-excel", body: body})
		if status != http.StatusCreated || file["filename"] != name || file["mediaType"] != "text/csv" || file["size"] != fmt.Sprint(len(large)) {
			t.Fatalf("%s: %d %s %v", name, status, reason, file)
		}
		response, content := me.ask(t, a.URL, asked{method: http.MethodGet, path: fileURL + file["fileId"].(string)})
		if content != string(large) || response.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(response.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %s, %d bytes", name, response.Status, len(content))
		}
	}
	files := me.files(t, a, offer)
	if len(files) != 2 || a.Count(t, "SELECT count(*) FROM draft_attachment WHERE contact_id = $1 AND malware = 'clean'", contact) != 2 {
		t.Fatalf("%v", files)
	}
	for range 2 {
		got(attachments(me, a).RemoveFile(soon(t), &attachmentv1.RemoveFileRequest{RequestId: testkit.NewID(), OfferId: string(offer), FileId: files[0].FileId}))(t)
	}
	if left := me.files(t, a, offer); len(left) != 1 || left[0].FileId != files[1].FileId {
		t.Errorf("left are %v", left)
	}
}

// R26, R37: card data in a file or in its name is not stored, and neither is anything else that may not be sent; each says why.
func TestR26FileThatMayNotBeSentIsRefusedAndForgotten(t *testing.T) {
	t.Parallel()
	a, daemon := scanning(t)
	me := as(t, a, "mina")
	_, offer := inWork(t, a)
	c, _, err := a.Configuration(t.Context())
	must(t, err)
	c.Attachments = postroom.AttachmentRules{Blocked: []string{"application/json"}}
	got(a.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("no JSON")))(t)
	for _, u := range []struct {
		name, kind, content, disposition, want string
	}{
		{"a.txt", "text/plain", "the card is 4111 1111 1111 1111", "", "card_data"},
		{"4111111111111111.txt", "text/plain", "hello", "", "card_data"},
		{"a.txt", "text/plain", fakeclamd.Malware, "", "file_infected"},
		{"a.exe", "image/png", "hello", "", "active_program"},
		{"a.html", "text/html", "<html><script>1</script>", "", "active_markup"},
		{"a.txt", "text/plain", "#!/bin/sh\nrm", "", "active_script"},
		{"a.json", "text/plain", `{"a": 1}`, "", "type_not_allowed"},
		{"a.zip", "application/zip", "PK\x03\x04 and so on", "", "not_inspectable"},
		{"a.txt", "text/plain", "no picture", "inline", "type_not_allowed"},
	} {
		if status, reason, _ := me.upload(t, a, offer, upload{name: u.name, kind: u.kind, disposition: u.disposition, body: strings.NewReader(u.content)}); status != http.StatusConflict || reason != u.want {
			t.Errorf("%s, %.20q: %d %s, want %s", u.name, u.content, status, reason, u.want)
		}
	}
	daemon.Answer("stream: it broke ERROR\x00")
	if status, reason, _ := me.upload(t, a, offer, upload{name: "a.txt", body: strings.NewReader("hello")}); status != http.StatusServiceUnavailable || reason != "file_unchecked" {
		t.Errorf("while the virus scanner is down: %d %s", status, reason)
	}
	if n := blobs(t, a); n != 0 || len(me.files(t, a, offer)) != 0 {
		t.Errorf("%d blobs were stored", n)
	}
	if strings.Contains(a.Log.String(), "4111") || strings.Contains(a.Log.String(), fakeclamd.Malware) {
		t.Error("the log quotes an upload")
	}
}

// R16: ten files and 25 MB, counted while they come, whoever announces what.
func TestR16LimitsHoldWhileFilesCome(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	_, offer := inWork(t, a)
	text := func(size int) []byte { return bytes.Repeat([]byte("0 text\n"), size/7+1)[:size] }
	if status, reason, _ := me.upload(t, a, offer, upload{name: "a.txt", body: bytes.NewReader(text(24 << 20))}); status != http.StatusCreated {
		t.Fatalf("24 MB: %d %s", status, reason)
	}
	announced := &endless{}
	request, err := http.NewRequestWithContext(soon(t), http.MethodPut, a.URL+uploadURL+string(offer)+"/"+testkit.NewID(), announced)
	must(t, err)
	request.ContentLength = 2 << 20
	request.Header.Set("Authorization", "Bearer "+me.token.Reveal())
	request.Header.Set("Expect", "100-continue")
	response, err := (&http.Transport{ExpectContinueTimeout: 20 * time.Second}).RoundTrip(request)
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge || announced.read != 0 {
		t.Errorf("2 MB announced: %s after %d bytes", response.Status, announced.read)
	}
	pieces := io.MultiReader(bytes.NewReader(text(2 << 20)))
	if status, reason, _ := me.upload(t, a, offer, upload{name: "b.txt", body: pieces}); status != http.StatusRequestEntityTooLarge || reason != "files_too_large" {
		t.Errorf("2 MB in pieces: %d %s", status, reason)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for i := range 14 { // at once: nine more fit
		wait.Go(func() {
			status, reason, _ := me.upload(t, a, offer, upload{name: fmt.Sprint(i, ".txt"), body: bytes.NewReader(text(1000))})
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(status, reason)]++
		})
	}
	wait.Wait()
	if outcomes["201"] != 9 || outcomes["409too_many_files"] != 5 {
		t.Errorf("%v", outcomes)
	}
	if n := blobs(t, a); n != 10 {
		t.Errorf("%d blobs for 10 files", n)
	}
}

// endless is a body that has no end, and counts.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

// The same upload again is the same file, and another content under its id is refused; so is an upload beside the contact's work.
func TestUploadIsIdempotentAndOnlyForWorkInHand(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	a.SignIn(t, "tom")
	me := as(t, a, "mina")
	contact, offer := inWork(t, a)
	id := testkit.NewID()
	var first map[string]any
	for i := range 3 {
		status, reason, file := me.upload(t, a, offer, upload{id: id, name: "a.txt", body: strings.NewReader("hello")})
		if want := map[bool]int{true: http.StatusCreated, false: http.StatusOK}[i == 0]; status != want {
			t.Errorf("upload %d: %d %s", i, status, reason)
		}
		if first == nil {
			first = file
		}
		if fmt.Sprint(file) != fmt.Sprint(first) {
			t.Errorf("upload %d: %v, the first was %v", i, file, first)
		}
	}
	if status, reason, _ := me.upload(t, a, offer, upload{id: id, name: "a.txt", body: strings.NewReader("other")}); status != http.StatusBadRequest || reason != "upload_reused" {
		t.Errorf("another content: %d %s", status, reason)
	}
	if n := blobs(t, a); n != 1 {
		t.Errorf("%d blobs", n)
	}
	if status, reason, _ := as(t, a, "tom").upload(t, a, offer, upload{name: "a.txt", body: strings.NewReader("x")}); status != http.StatusNotFound || reason != "unknown_offer" {
		t.Errorf("a colleague: %d %s", status, reason)
	}
	if status, reason, _ := me.upload(t, a, offer, upload{name: "a.txt", body: strings.NewReader("x"), header: map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}}); status != http.StatusForbidden {
		t.Errorf("another site: %d %s", status, reason)
	}
	got(a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer))(t)
	if status, reason, _ := me.upload(t, a, offer, upload{name: "a.txt", body: strings.NewReader("x")}); status != http.StatusConflict || reason != "already_handled" {
		t.Errorf("after the contact was closed: %d %s", status, reason)
	}
	a.WrapUp(t, offer, "mina")
	later := a.Open(t, store.Options{Shift: 25 * time.Hour})
	if swept := got(later.SweepDraftFiles(t.Context(), 24*time.Hour))(t); swept != 1 || a.Count(t, "SELECT count(*) FROM draft_attachment WHERE contact_id = $1", contact) != 0 {
		t.Errorf("%d files that were never sent were swept", swept)
	}
}

// Who breaks off, or sends too slowly, has uploaded nothing, and what he took up is free again.
func TestUploadThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	_, offer := inWork(t, a)
	var wait sync.WaitGroup
	for range 12 { // together more than the room of the process
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			body, writer := io.Pipe()
			go func() {
				_, _ = writer.Write(make([]byte, 1<<20))
				<-ctx.Done()
				_ = writer.CloseWithError(ctx.Err())
			}()
			request, err := http.NewRequestWithContext(ctx, http.MethodPut, a.URL+uploadURL+string(offer)+"/"+testkit.NewID(), body)
			if err != nil {
				t.Error(err)
				return
			}
			request.ContentLength = 20 << 20
			request.Header.Set("Authorization", "Bearer "+me.token.Reveal())
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
		})
	}
	wait.Wait()
	if status, reason, _ := me.upload(t, a, offer, upload{name: "a.txt", body: bytes.NewReader(bytes.Repeat([]byte("fits\n"), 1<<20))}); status != http.StatusCreated {
		t.Errorf("afterwards: %d %s", status, reason)
	}
	if n := blobs(t, a); n != 1 || len(me.files(t, a, offer)) != 1 {
		t.Errorf("%d blobs", n)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://")) // half a request, and gone
	must(t, err)
	fmt.Fprintf(conn, "PUT %s%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\nhalf", uploadURL, offer, testkit.NewID(), me.token.Reveal())
	must(t, conn.Close())
}

// Files of a mail go along without another upload, those that passed; a blob that several rows name is swept when none does.
func TestFilesOfAMailAreTakenAlong(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	mail := a.Mail("kim@customer.example", "Three files")
	for i, verdict := range []postroom.AttachmentVerdict{postroom.AttachmentPassed, postroom.AttachmentBlocked, postroom.AttachmentPassed} {
		f := store.ArrivedAttachment{ID: postroom.AttachmentID(testkit.NewID()), Filename: postroom.SealText(fmt.Sprint(i, ".txt")), MediaType: postroom.SealText("text/plain"), Size: 5, Verdict: verdict}
		if verdict == postroom.AttachmentPassed {
			f.BlobKey = string(blob.ForAttachment(f.ID))
			must(t, a.Blobs.Put(t.Context(), blob.Key(f.BlobKey), postroom.SealBytes([]byte("hello"))))
		}
		mail.Attachments = append(mail.Attachments, f)
	}
	contact := got(a.Ingest(t.Context(), mail))(t).Contact
	got(a.RouteContact(t.Context(), contact, "general", nil))(t)
	offer := a.Own(t, contact, "mina")
	take := func(ids ...string) ([]*attachmentv1.File, error) {
		r, err := attachments(me, a).TakeFiles(soon(t), &attachmentv1.TakeFilesRequest{RequestId: testkit.NewID(), OfferId: string(offer), MessageId: string(mail.ID), AttachmentIds: ids})
		return r.GetFiles(), err
	}
	if files := got(take(string(mail.Attachments[2].ID)))(t); len(files) != 1 || files[0].Filename != "2.txt" {
		t.Errorf("one: %v", files)
	}
	if files := got(take())(t); len(files) != 2 {
		t.Errorf("all: %v", files)
	}
	other, _ := inWork(t, a)
	foreign := a.Text(t, "SELECT id::text FROM message WHERE contact_id = $1", other)
	if r, err := attachments(me, a).TakeFiles(soon(t), &attachmentv1.TakeFilesRequest{RequestId: testkit.NewID(), OfferId: string(offer), MessageId: foreign}); err != nil || len(r.Files) != 2 {
		t.Errorf("of another contact: %v %v", r, err)
	}
}
