package blob

import (
	"context"
	"io"

	gocloud "gocloud.dev/blob"

	"github.com/postroom/postroom"
)

// Stream is a blob that is being read, in pieces. Close it.
type Stream struct {
	r    *gocloud.Reader
	stop context.CancelFunc
}

// Stream opens a blob for reading in pieces, for what is too large to be in memory for somebody who reads slowly. It is read until ctx ends; an
// unknown blob is NotFound.
func (s *Store) Stream(ctx context.Context, key Key) (*Stream, error) {
	const doing = "read a blob"
	if !key.valid() {
		return nil, badKey(doing)
	}
	ctx, stop := context.WithCancel(ctx)
	r, err := s.bucket.NewReader(ctx, string(key), nil)
	if err != nil {
		stop()
		return nil, translate(doing, err)
	}
	return &Stream{r, stop}, nil
}

// Size is the blob's size in bytes.
func (s *Stream) Size() int64 { return s.r.Size() }

// Read reads the next piece.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		err = postroom.Unavailable(ReasonStoreDown, "read a blob: the blob store cannot be used", err)
	}
	return n, err
}

// Close ends the reading.
func (s *Stream) Close() error {
	defer s.stop()
	return s.r.Close()
}
