package api

import (
	"context"
	"errors"
	"log/slog"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	"github.com/postroom/postroom"
	errorv1 "github.com/postroom/postroom/internal/gen/postroom/error/v1"
)

// codes is the third of the three translation tables: Kind → Connect code.
var codes = map[postroom.Kind]connect.Code{
	postroom.KindInvalid:         connect.CodeInvalidArgument,
	postroom.KindUnauthenticated: connect.CodeUnauthenticated,
	postroom.KindForbidden:       connect.CodePermissionDenied,
	postroom.KindNotFound:        connect.CodeNotFound,
	postroom.KindConflict:        connect.CodeAborted,
	postroom.KindRefused:         connect.CodeFailedPrecondition,
	postroom.KindUnavailable:     connect.CodeUnavailable,
	postroom.KindInternal:        connect.CodeInternal,
}

// toConnect turns an error into what a client sees: a code, a stable reason, and a sentence. Internal errors leave as a reference
// under which the log has their cause.
func toConnect(ctx context.Context, log *slog.Logger, procedure string, err error) error {
	if err == nil {
		return nil
	}
	var done *connect.Error
	if errors.As(err, &done) {
		return err
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return connect.NewError(connect.CodeCanceled, errors.New("the request was cancelled"))
	}
	var known *postroom.Error
	if !errors.As(err, &known) {
		known = postroom.Internal("an unexpected error", err)
	}
	detail := &errorv1.ErrorDetail{Reason: string(known.Reason), Findings: findingsToProto(known.Findings)}
	for _, c := range known.Contacts {
		detail.Contacts = append(detail.Contacts, string(c))
	}
	message := known.Message
	switch known.Kind {
	case postroom.KindInternal:
		detail.Reference = uuid.NewString()
		message = "something went wrong on our side; reference " + detail.Reference
		log.ErrorContext(ctx, "internal error", "procedure", procedure, "reference", detail.Reference, "error", known, "cause", known.Err)
	case postroom.KindUnavailable:
		level := slog.LevelWarn
		if known.Reason == postroom.ReasonDatabaseDown { // every call of every desktop meets it; the process says it once
			level = slog.LevelDebug
		}
		log.Log(ctx, level, "not available", "procedure", procedure, "reason", known.Reason, "cause", known.Err)
	}
	out := connect.NewError(codes[known.Kind], errors.New(message))
	if d, err := connect.NewErrorDetail(detail); err == nil {
		out.AddDetail(d)
	}
	return out
}

func findingsToProto(findings []postroom.Finding) []*errorv1.Finding {
	var out []*errorv1.Finding
	for _, f := range findings {
		out = append(out, &errorv1.Finding{Kind: string(f.Kind), Place: f.Place, Brand: f.Brand, Last4: f.Last4})
	}
	return out
}

func wellFormedID(id string) error {
	if len(id) != 36 || uuid.Validate(id) != nil {
		return postroom.Invalid(postroom.ReasonMalformed, "an id must be a UUID")
	}
	return nil
}
