package api

import (
	"context"

	"github.com/postroom/postroom"
	attachmentv1 "github.com/postroom/postroom/internal/gen/postroom/attachment/v1"
	"github.com/postroom/postroom/internal/gen/postroom/attachment/v1/attachmentv1connect"
	"github.com/postroom/postroom/internal/store"
)

// attachmentService implements postroom.attachment.v1.AttachmentService (R16).
type attachmentService struct{ *Server }

// ListFiles reads the files of a draft, and the limits.
func (s attachmentService) ListFiles(ctx context.Context, r *attachmentv1.ListFilesRequest) (*attachmentv1.ListFilesResponse, error) {
	files, err := s.Store.FilesOfOffer(ctx, principalOf(ctx).Agent, postroom.OfferID(r.OfferId))
	if err != nil {
		return nil, err
	}
	rules, err := s.Store.AttachmentRules(ctx)
	return &attachmentv1.ListFilesResponse{Files: filesToProto(files), MaxFiles: postroom.MaxFiles, MaxBytes: postroom.MaxFileBytes,
		Allowed: rules.Allowed, Blocked: rules.Blocked}, err
}

// RemoveFile removes a file from a draft.
func (s attachmentService) RemoveFile(ctx context.Context, r *attachmentv1.RemoveFileRequest) (*attachmentv1.RemoveFileResponse, error) {
	c, err := s.command(ctx, attachmentv1connect.AttachmentServiceRemoveFileProcedure, r)
	if err != nil {
		return nil, err
	}
	if err := wellFormedID(r.FileId); err != nil {
		return nil, err
	}
	return &attachmentv1.RemoveFileResponse{}, s.Store.RemoveFile(ctx, c, postroom.OfferID(r.OfferId), postroom.AttachmentID(r.FileId))
}

// TakeFiles adds files of a mail to a draft.
func (s attachmentService) TakeFiles(ctx context.Context, r *attachmentv1.TakeFilesRequest) (*attachmentv1.TakeFilesResponse, error) {
	c, err := s.command(ctx, attachmentv1connect.AttachmentServiceTakeFilesProcedure, r)
	if err != nil {
		return nil, err
	}
	ids := make([]postroom.AttachmentID, len(r.AttachmentIds))
	for i, id := range append([]string{r.MessageId}, r.AttachmentIds...) {
		if err := wellFormedID(id); err != nil {
			return nil, err
		}
		if i > 0 {
			ids[i-1] = postroom.AttachmentID(id)
		}
	}
	files, err := s.Store.TakeFiles(ctx, c, postroom.OfferID(r.OfferId), postroom.MessageID(r.MessageId), ids)
	return &attachmentv1.TakeFilesResponse{Files: filesToProto(files)}, err
}

func filesToProto(files []store.DraftFile) []*attachmentv1.File {
	var out []*attachmentv1.File
	for _, f := range files {
		out = append(out, fileToProto(f))
	}
	return out
}
