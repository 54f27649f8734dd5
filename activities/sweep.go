package activities

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom/internal/blob"
)

// BlobsKept is how long a blob may lie without a row that names it: a blob is written before the commit that names it, and no attempt
// takes a day.
const BlobsKept = 24 * time.Hour

// sweepPage is how many blobs are asked for at a time.
const sweepPage = 500

// SweepBlobs deletes the blobs that were written before t and that no row names: what a crash or a lost transaction left behind. It says
// how many.
func (a *Activities) SweepBlobs(ctx context.Context, t time.Time) (deleted int, err error) {
	page := map[uuid.UUID]blob.Key{}
	sweep := func() error {
		unnamed, err := a.Store.Unnamed(ctx, slices.Collect(maps.Keys(page)))
		if err != nil {
			return err
		}
		for _, id := range unnamed {
			if err := a.Blobs.Delete(ctx, page[id]); err != nil {
				return err
			}
			deleted++
		}
		clear(page)
		return nil
	}
	for key, err := range a.Blobs.OlderThan(ctx, t) {
		if err != nil {
			return deleted, err
		}
		name := string(key[strings.LastIndexByte(string(key), '/')+1:])
		id, err := uuid.Parse(name)
		if err != nil { // half written: it never got its name
			if err := a.Blobs.Delete(ctx, key); err != nil {
				return deleted, err
			}
			deleted++
			continue
		}
		if page[id] = key; len(page) == sweepPage {
			if err := sweep(); err != nil {
				return deleted, err
			}
		}
	}
	return deleted, sweep()
}
