package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/filetype"
	attachmentv1 "github.com/postroom/postroom/internal/gen/postroom/attachment/v1"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// The table's names for PUT /content/uploads/OFFER/ID and GET /content/files/ID.
const (
	uploadContent = "/content/uploads/"
	fileContent   = "/content/files/"
)

// The bounds of uploads.
const (
	uploadsInMemory = 5 * postroom.MaxFileBytes // bytes of all uploads that one process has in memory at a time
	inspectedAtOnce = 2                         // uploads that the card scanner reads at a time: it takes some times their size
	uploadWait      = 10 * time.Second          // for room in memory
	uploadPiece     = 64 << 10
	uploadPieceTime = 15 * time.Second // for each piece: who sends slower is dropped
	uploadTime      = 10 * time.Minute // for the whole
)

// uploads is the room that uploads have in this process.
type uploads struct {
	memory     *semaphore.Weighted
	inspecting chan struct{}
}

func newUploads() uploads {
	return uploads{semaphore.NewWeighted(uploadsInMemory), make(chan struct{}, inspectedAtOnce)}
}

// offerNamed is the request of an upload, for the permission table.
type offerNamed postroom.OfferID

// GetOfferId names the offer.
func (o offerNamed) GetOfferId() string { return string(o) }

// upload takes a file for the draft of a contact that the caller has in work. The file is in memory, and nowhere else, until the card scanner has passed it, its type
// may be sent, and the virus scanner found it clean; what does not pass is refused with the reason, and forgotten (R16, R26, R37). Its name stands in
// Content-Disposition; "inline" there makes it a picture of the text. The same upload id again is the same file.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	offer := postroom.OfferID(r.PathValue("offer"))
	ctx, err := s.guard.admit(r.Context(), uploadContent, r.Header, offerNamed(offer))
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	file, added, err := s.uploaded(ctx, w, r, offer)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	body, err := protojson.Marshal(fileToProto(file))
	if err != nil {
		s.contentError(w, r, postroom.Internal("an upload could not be answered", err))
		return
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, body) // protojson's spaces differ from run to run
	w.Header().Set("Content-Type", "application/json")
	if added {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(compact.Bytes())
}

func (s *Server) uploaded(ctx context.Context, w http.ResponseWriter, r *http.Request, offer postroom.OfferID) (store.DraftFile, bool, error) {
	id := r.PathValue("id")
	if err := wellFormedID(id); err != nil {
		return store.DraftFile{}, false, err
	}
	me := principalOf(ctx)
	others, err := s.Store.MayUpload(ctx, me.Agent, offer)
	if err != nil {
		return store.DraftFile{}, false, err
	}
	others = slices.DeleteFunc(others, func(f store.DraftFile) bool { return f.Upload == id })
	if err := store.Fits(others, max(r.ContentLength, 0)); err != nil {
		return store.DraftFile{}, false, err
	}
	room := int64(postroom.MaxFileBytes)
	for _, f := range others {
		room -= f.Size
	}
	weight := max(2*room, 1) // what grows is copied
	if r.ContentLength >= 0 {
		weight = max(r.ContentLength, 1)
	}
	waiting, cancel := context.WithTimeout(ctx, uploadWait)
	defer cancel()
	if err := s.uploads.memory.Acquire(waiting, weight); err != nil {
		return store.DraftFile{}, false, postroom.Unavailable(postroom.ReasonUploadsBusy, "too many files are being uploaded; try again in a moment", err)
	}
	defer s.uploads.memory.Release(weight)
	content, err := receive(ctx, w, r, room)
	if err != nil {
		return store.DraftFile{}, false, err
	}
	return s.keepUpload(ctx, offer, id, received{name: nameOf(r), declared: r.Header.Get("Content-Type"), inline: isInline(r), content: content})
}

// receive reads the body of an upload, up to room bytes. One who breaks off, or sends too slowly, has uploaded nothing.
func receive(ctx context.Context, w http.ResponseWriter, r *http.Request, room int64) ([]byte, error) {
	control := http.NewResponseController(w)
	ends := time.Now().Add(uploadTime)
	var content bytes.Buffer
	if r.ContentLength > 0 {
		content.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	piece := make([]byte, uploadPiece)
	for {
		deadline := time.Now().Add(uploadPieceTime)
		if deadline.After(ends) {
			deadline = ends
		}
		if err := control.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, cutOff(err)
		}
		n, err := r.Body.Read(piece)
		if int64(content.Len()+n) > room {
			return nil, postroom.Refused(postroom.ReasonFilesTooLarge, "the files of a reply may have at most 25 MB together")
		}
		content.Write(piece[:n])
		if err == io.EOF {
			_ = control.SetReadDeadline(time.Time{})
			return content.Bytes(), ctx.Err()
		}
		if err != nil {
			return nil, cutOff(err)
		}
	}
}

func cutOff(err error) error {
	return postroom.Unavailable(postroom.ReasonUploadCutOff, "the upload broke off; nothing of it was kept", err)
}

// received is an upload as it came.
type received struct {
	name, declared string
	inline         bool
	content        []byte
}

// pictureTypes are what a text may show within itself.
var pictureTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// keepUpload looks at an upload, and adds it to the draft if nothing speaks against it.
func (s *Server) keepUpload(ctx context.Context, offer postroom.OfferID, upload string, in received) (store.DraftFile, bool, error) {
	digest := s.Keys.MAC(keyring.Digests, in.content)
	size := int64(len(in.content))
	passed, kind, err := s.inspected(ctx, in)
	if err != nil {
		return store.DraftFile{}, false, err
	}
	checked := s.Antivirus.ScanBytes(ctx, passed.Content.Reveal())
	switch checked.Verdict() {
	case postroom.AttachmentInfected:
		return store.DraftFile{}, false, postroom.Refused(postroom.ReasonFileInfected, "the file holds malware, and was not kept")
	case postroom.AttachmentUnchecked:
		if checked.Reason == clamd.ReasonTooLarge {
			return store.DraftFile{}, false, postroom.Refused(postroom.ReasonFileUnchecked, "the file is too large for the virus scanner, and was not kept")
		}
		return store.DraftFile{}, false, postroom.Unavailable(postroom.ReasonFileUnchecked, "the virus scanner cannot be asked about the file now, and it was not kept; try again later", checked.Err)
	}
	id := postroom.AttachmentID(uuid.Must(uuid.NewV7()).String())
	file := store.NewFile{ID: id, Upload: upload, Filename: passed.Filename, MediaType: s.sealed(kind), Size: size, Digest: digest, Malware: checked.Outcome,
		BlobKey: string(blob.ForAttachment(id))}
	if in.inline {
		file.ContentID = s.sealed("file." + string(id) + "@inline.postroom")
	}
	if err := s.Blobs.Put(ctx, blob.Key(file.BlobKey), passed.Content); err != nil {
		return store.DraftFile{}, false, err
	}
	kept, added, err := s.Store.AddFile(ctx, principalOf(ctx).Agent, offer, file)
	if err != nil || !added { // no row names the blob; if we end here, the sweep finds it
		if err := s.Blobs.Delete(context.WithoutCancel(ctx), blob.Key(file.BlobKey)); err != nil {
			s.Log.WarnContext(ctx, "a blob that no row names was left for the sweep", "error", err)
		}
	}
	return kept, added, err
}

// inspected has the card scanner and the rules for types look at an upload.
func (s *Server) inspected(ctx context.Context, in received) (pci.Inspected, string, error) {
	rules, err := s.Store.AttachmentRules(ctx)
	if err != nil {
		return pci.Inspected{}, "", err
	}
	select {
	case s.uploads.inspecting <- struct{}{}:
		defer func() { <-s.uploads.inspecting }()
	case <-ctx.Done():
		return pci.Inspected{}, "", ctx.Err()
	}
	file := filetype.Judge(filetype.File{Name: in.name, Declared: in.declared, Content: in.content}, rules)
	if file.Reason == "" && in.inline && !slices.Contains(pictureTypes, file.Type) {
		file.Reason = filetype.ReasonNotAllowed
	}
	seen := s.Scanner.Attachment(pci.Attachment{Filename: in.name, MediaType: in.declared, Inline: in.inline, Content: in.content})
	switch {
	case len(seen.Findings) > 0:
		return seen, "", &postroom.Error{Kind: postroom.KindRefused, Reason: postroom.ReasonCardData, Findings: seen.Findings,
			Message: "the file, or its name, holds a payment card number; it was not kept and cannot be sent"}
	case file.Reason != "":
		return seen, "", postroom.Refused(file.Reason, "files of this type are not sent: "+string(file.Reason))
	case seen.Verdict != postroom.AttachmentPassed:
		return seen, "", postroom.Refused(seen.Reason, "the file cannot be inspected for card numbers, and was not kept: "+string(seen.Reason))
	}
	return seen, file.Type, nil
}

// sealed passes a text that we made ourselves.
func (s *Server) sealed(text string) postroom.Text {
	t, _ := s.Scanner.Text("file", text)
	return t
}

// nameOf is the name of an uploaded file (RFC 6266).
func nameOf(r *http.Request) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "file"
	}
	if name := email.Filename(params["filename"]); name != "" {
		return name
	}
	return "file"
}

func isInline(r *http.Request) bool {
	disposition, _, _ := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	return strings.EqualFold(disposition, "inline")
}

// file serves a file of a draft to whoever works on it.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	id := postroom.AttachmentID(r.PathValue("id"))
	ctx, err := s.guard.admit(r.Context(), fileContent, r.Header, id)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	found, err := s.Store.DraftFile(ctx, id)
	if err == nil {
		err = s.malwareFree(ctx, found.BlobKey, found.Malware)
	}
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	s.download(ctx, w, r, found.BlobKey, found.Filename)
}

func fileToProto(f store.DraftFile) *attachmentv1.File {
	return &attachmentv1.File{FileId: string(f.ID), UploadId: f.Upload, Filename: f.Filename, MediaType: f.MediaType, Size: f.Size, Inline: f.Inline,
		ContentId: f.ContentID, AddedAt: timestamppb.New(f.At)}
}
