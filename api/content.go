package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/store"
)

// attachment serves the content of an attachment that passed, as a download: never shown by the browser as a page of ours. It goes from the blob to the
// reader in pieces, however slowly he reads.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request) {
	id := postroom.AttachmentID(r.PathValue("id"))
	ctx, err := s.guard.admit(r.Context(), attachmentContent, r.Header, id)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	found, err := s.Store.Attachment(ctx, id)
	if err == nil {
		err = withheld(found.Verdict, found.Reason)
	}
	if err == nil {
		err = s.malwareFree(ctx, found.BlobKey, found.Malware)
	}
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	s.download(ctx, w, r, found.BlobKey, found.Filename)
}

// withheld says why a file is not to be had.
func withheld(v postroom.AttachmentVerdict, reason postroom.Reason) error {
	switch v {
	case postroom.AttachmentPassed, postroom.AttachmentUnchecked:
		return nil
	case postroom.AttachmentBlocked:
		return postroom.Refused(reason, "files of this type are not given out: "+string(reason))
	case postroom.AttachmentInfected:
		return infected()
	}
	return postroom.NotFound("attachment_withheld", "this attachment is not available")
}

func infected() *postroom.Error {
	return postroom.Refused(postroom.ReasonFileInfected, "this file holds malware and is not available")
}

// malwareFree has the virus scanner look at a stored file that it has not found clean before: when mail came in while the scanner was down, or before
// there was one (docs/decisions/0023). Without a scanner every file is.
func (s *Server) malwareFree(ctx context.Context, key string, known postroom.Malware) error {
	if s.Antivirus == nil || known == postroom.MalwareClean {
		return nil
	}
	content, err := s.Blobs.Stream(ctx, blob.Key(key))
	if err != nil {
		return lost(err)
	}
	defer content.Close()
	result := s.Antivirus.Scan(ctx, content, content.Size())
	if result.Outcome == clamd.Failed {
		return postroom.Unavailable(postroom.ReasonFileUnchecked, "the virus scanner cannot be asked about this file now; it is not given out before", result.Err)
	}
	name, _ := s.Scanner.Text("malware", result.Name.Reveal())
	checked := store.Checked{Malware: result.Outcome, Verdict: result.Verdict(), Reason: result.Reason, Name: name}
	if checked.Verdict == postroom.AttachmentInfected {
		checked.Reason = "malware"
	}
	if err := s.Store.SetChecked(ctx, key, checked); err != nil {
		return err
	}
	switch checked.Verdict {
	case postroom.AttachmentPassed:
		return nil
	case postroom.AttachmentInfected:
		return infected()
	}
	return postroom.Refused(postroom.ReasonFileUnchecked, "this file is too large for the virus scanner, and is not given out unscanned")
}

// lost is the error for content that cannot be read though its row says that it is there.
func lost(err error) error {
	if postroom.KindOf(err) == postroom.KindUnavailable {
		return err
	}
	return postroom.Internal("the content of an attachment that passed is missing", err)
}

// download sends a blob as a file of that name.
func (s *Server) download(ctx context.Context, w http.ResponseWriter, r *http.Request, key, name string) {
	content, err := s.Blobs.Stream(ctx, blob.Key(key))
	if err != nil {
		s.contentError(w, r, lost(err))
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	header.Set("Content-Length", strconv.FormatInt(content.Size(), 10))
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	if _, err := io.CopyBuffer(w, content, make([]byte, writePiece)); err != nil {
		s.Log.DebugContext(ctx, "a download broke off", "error", err)
		panic(http.ErrAbortHandler) // the reader sees that it is not the whole
	}
}

// statuses say what a Kind is in plain HTTP.
var statuses = map[connect.Code]int{
	connect.CodeInvalidArgument:    http.StatusBadRequest,
	connect.CodeUnauthenticated:    http.StatusUnauthorized,
	connect.CodePermissionDenied:   http.StatusForbidden,
	connect.CodeNotFound:           http.StatusNotFound,
	connect.CodeAborted:            http.StatusConflict,
	connect.CodeFailedPrecondition: http.StatusConflict,
	connect.CodeUnavailable:        http.StatusServiceUnavailable,
}

func (s *Server) contentError(w http.ResponseWriter, r *http.Request, err error) {
	mapped := toConnect(r.Context(), s.Log, r.Pattern, err)
	status, listed := statuses[connect.CodeOf(mapped)]
	if !listed {
		status = http.StatusInternalServerError
	}
	reason := postroom.ReasonOf(err)
	if reason == postroom.ReasonFilesTooLarge || reason == postroom.ReasonTooLarge {
		status = http.StatusRequestEntityTooLarge
	}
	if reason != "" {
		w.Header().Set("Postroom-Reason", string(reason)) // as the detail of an RPC's error: for programs
	}
	http.Error(w, mapped.Error(), status)
}
