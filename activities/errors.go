package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
)

// final are the kinds of error that trying again cannot change: the second of the three translation tables. A refusal carries its kind
// as detail, so that the API can tell it to the agent.
var final = map[postroom.Kind]bool{
	postroom.KindInvalid:   true,
	postroom.KindNotFound:  true,
	postroom.KindConflict:  true,
	postroom.KindRefused:   true,
	postroom.KindForbidden: true,
}

// failure turns an error into what Temporal records. Messages of *postroom.Error hold no customer text, so they may stand in a history;
// the text of any other error stays here.
func failure(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var known *postroom.Error
	if !errors.As(err, &known) {
		known = postroom.Internal("an unexpected error", err)
	}
	if final[known.Kind] {
		return temporal.NewNonRetryableApplicationError(known.Message, string(known.Reason), nil, known.Kind)
	}
	return temporal.NewApplicationError(known.Message, string(known.Reason), known.Kind)
}

// later is a failure that is tried again after d.
func later(reason postroom.Reason, message string, d time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, string(reason), temporal.ApplicationErrorOptions{NextRetryDelay: d})
}
