package blob

import (
	"context"
	"io"
	"iter"
	"time"

	gocloud "gocloud.dev/blob"
)

// pageSize is how many names are asked for at a time. fileblob walks the directory anew for each page: with the blobs spread
// over directories, a page or two cover each.
const pageSize = 5000

// OlderThan yields the key of every blob that was written before t, in no order that means anything, among them what a crash left
// half written. A sweep deletes those that no row names; t is to lie so far back that no attempt is still under way. It stops
// at the first error.
func (s *Store) OlderThan(ctx context.Context, t time.Time) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		for _, kind := range kinds {
			for shard, err := range s.list(ctx, &gocloud.ListOptions{Prefix: kind + "/", Delimiter: "/"}) {
				if err != nil {
					yield("", err)
					return
				}
				for object, err := range s.list(ctx, &gocloud.ListOptions{Prefix: shard.Key}) {
					if err != nil {
						yield("", err)
						return
					}
					key := Key(object.Key)
					if object.ModTime.Before(t) && key.valid() && !yield(key, nil) {
						return
					}
				}
			}
		}
	}
}

// list yields what is below a prefix.
func (s *Store) list(ctx context.Context, opts *gocloud.ListOptions) iter.Seq2[*gocloud.ListObject, error] {
	return func(yield func(*gocloud.ListObject, error) bool) {
		for token := gocloud.FirstPageToken; len(token) != 0; {
			objects, next, err := s.page(ctx, token, opts)
			if err != nil && err != io.EOF {
				yield(nil, translate("list blobs", err))
				return
			}
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
			}
			token = next
		}
	}
}

func (s *Store) page(ctx context.Context, token []byte, opts *gocloud.ListOptions) ([]*gocloud.ListObject, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, nil, err // fileblob does not look
	}
	return s.bucket.ListPage(ctx, token, pageSize, opts)
}
