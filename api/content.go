package api

import (
	"mime"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
)

// attachment serves the content of an attachment that passed the scanner, as a download: never shown by the browser as a page of ours.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request) {
	id := postroom.AttachmentID(r.PathValue("id"))
	ctx, err := s.guard.admit(r.Context(), attachmentContent, r.Header, id)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	found, err := s.Store.Attachment(ctx, id)
	if err == nil && found.Verdict != postroom.AttachmentPassed {
		err = postroom.NotFound("attachment_withheld", "this attachment is not available")
	}
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	content, err := s.Blobs.Read(ctx, blob.Key(found.BlobKey), found.Size)
	if err != nil {
		if postroom.KindOf(err) != postroom.KindUnavailable {
			err = postroom.Internal("the content of an attachment that passed is missing", err)
		}
		s.contentError(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": found.Filename}))
	header.Set("Content-Length", strconv.Itoa(len(content)))
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	_, _ = w.Write(content)
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
	http.Error(w, mapped.Error(), status)
}
