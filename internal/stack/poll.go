package stack

import (
	"context"
	"errors"
	"time"
)

const pollPause = 25 * time.Millisecond

// final marks an error that trying again cannot mend.
type final struct{ error }

// poll calls check until it succeeds or returns a final error, at most for limit, and returns its last error.
func poll(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if last := (final{}); errors.As(err, &last) {
			return last.error
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollPause):
		}
	}
}
