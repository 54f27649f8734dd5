// Package blob stores the contents that are too large for rows: re-built mails and attachments that passed the scanner. It
// accepts nothing but [postroom.Bytes] (R36).
//
// A blob is written once under the id of the message or attachment that it belongs to, and never shared or replaced: whoever
// tries again after a failure takes a new id, and [Store.OlderThan] lets a sweep find what was left behind. When Put returns,
// the blob is on disk, so that the row that names it may be committed.
//
// The store is gocloud.dev/blob over a directory, over a bucket of S3 or of what speaks like it, or over memory for tests.
package blob

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/postroom/postroom"
)

// Why a blob cannot be had or kept.
const (
	ReasonUnknownBlob   postroom.Reason = "unknown_blob"
	ReasonBlobExists    postroom.Reason = "blob_exists"
	ReasonStoreDown     postroom.Reason = "blob_store_unavailable"
	ReasonStoreExposed  postroom.Reason = "blob_store_exposed" // others may read its directory
	ReasonMalformedName postroom.Reason = "malformed_blob_name"
)

// callTimeout bounds every call to the store.
const callTimeout = 30 * time.Second

// Store is a place for blobs. It may be used by any number of goroutines.
type Store struct {
	bucket *gocloud.Bucket
	dir    string // "" in memory
	// renaming makes "only if there is none" true within this process; fileblob looks and renames in two steps. Between
	// processes ids differ.
	renaming sync.Mutex
	// rooted are the directories whose own entry in their parent is known to be on disk.
	rooted sync.Map
}

// Open opens the store at a URL: file:///absolute/directory, which is created (0700) if need be and refused if anybody but its
// owner may enter it; s3://bucket?region=REGION, with endpoint=https://HOST for what speaks like S3 and prefix=DIRECTORY/ within the bucket; or mem:// for a
// test.
func Open(at string) (*Store, error) {
	u, err := url.Parse(at)
	if err == nil && u.Scheme == "s3" && u.User == nil && u.Fragment == "" {
		return openS3(u)
	}
	if err != nil || u.RawQuery != "" || u.Host != "" || u.User != nil {
		return nil, badURL()
	}
	switch {
	case u.Scheme == "mem" && u.Path == "":
		return &Store{bucket: memblob.OpenBucket(nil)}, nil
	case u.Scheme == "file" && filepath.IsAbs(filepath.FromSlash(u.Path)):
		return openDir(filepath.Clean(filepath.FromSlash(u.Path)))
	}
	return nil, badURL()
}

func badURL() error {
	return postroom.Invalid(postroom.ReasonMalformed, "open the blob store: the URL must be file:///directory, s3://bucket?region=REGION or mem://")
}

func openDir(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, postroom.Unavailable(ReasonStoreDown, "make the directory of the blob store", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, postroom.Unavailable(ReasonStoreDown, "open the directory of the blob store", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, postroom.Refused(ReasonStoreExposed, "open the blob store: its directory must belong to its owner only (mode 0700)")
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		DirFileMode: 0o700,
		NoTempDir:   true,                       // content is never anywhere else, and a rename needs the same file system
		Metadata:    fileblob.MetadataDontWrite, // else a second file with a plain digest beside each
	})
	if err != nil {
		return nil, postroom.Unavailable(ReasonStoreDown, "open the directory of the blob store", err)
	}
	s := &Store{bucket: bucket, dir: dir}
	if err := s.makeShards(); err != nil {
		_ = bucket.Close()
		return nil, postroom.Unavailable(ReasonStoreDown, "make the directories of the blob store", err)
	}
	return s, nil
}

// Close releases the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Put writes content under key, and returns when it would survive a crash of the machine. A blob that exists is Conflict with
// reason blob_exists, and stays as it was.
func (s *Store) Put(ctx context.Context, key Key, content postroom.Bytes) error {
	const doing = "store a blob"
	if !key.valid() {
		return badKey(doing)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var file *os.File
	w, err := s.bucket.NewWriter(ctx, string(key), &gocloud.WriterOptions{
		ContentType: "application/octet-stream", // given, so that the file is opened at once
		IfNotExist:  true,
		BeforeWrite: func(as func(any) bool) error {
			if s.dir == "" {
				return nil
			}
			if !as(&file) {
				return errors.New("the driver gives no file")
			}
			return file.Chmod(0o600)
		},
	})
	if err != nil {
		return translate(doing, err)
	}
	_, err = w.Write(content.Reveal())
	if err == nil && file != nil {
		err = file.Sync() // fileblob does not
	}
	if err != nil {
		cancel() // makes Close give up instead of renaming
		_ = w.Close()
		return translate(doing, err)
	}
	if err := s.publish(w); err != nil {
		return translate(doing, err)
	}
	return translate(doing, s.syncDirs(key))
}

// publish gives a written blob its name.
func (s *Store) publish(w *gocloud.Writer) error {
	s.renaming.Lock()
	defer s.renaming.Unlock()
	return w.Close()
}

// Read returns the blob's content, when it is no larger than limit bytes; a larger one is Refused with reason too_large. An
// unknown one is NotFound.
func (s *Store) Read(ctx context.Context, key Key, limit int64) ([]byte, error) {
	const doing = "read a blob"
	if !key.valid() {
		return nil, badKey(doing)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := s.bucket.NewReader(ctx, string(key), nil)
	if err != nil {
		return nil, translate(doing, err)
	}
	defer r.Close()
	if r.Size() > limit {
		return nil, postroom.Refused(postroom.ReasonTooLarge, "read a blob: it is larger than expected")
	}
	content := make([]byte, r.Size())
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, translate(doing, err)
	}
	return content, nil
}

// Delete removes a blob for good; one that does not exist is fine.
func (s *Store) Delete(ctx context.Context, key Key) error {
	const doing = "delete a blob"
	if !key.valid() {
		return badKey(doing)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := s.bucket.Delete(ctx, string(key)); gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	} else if err != nil {
		return translate(doing, err)
	}
	return translate(doing, s.syncDirs(key))
}

// translate makes the product's error of one of the store.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return &postroom.Error{Kind: postroom.KindNotFound, Reason: ReasonUnknownBlob, Message: doing + ": there is none of that name", Err: err}
	case gcerrors.FailedPrecondition:
		return &postroom.Error{Kind: postroom.KindConflict, Reason: ReasonBlobExists, Message: doing + ": there is one already", Err: err}
	}
	return postroom.Unavailable(ReasonStoreDown, doing+": the blob store cannot be used", err)
}

func badKey(doing string) error {
	return postroom.Invalid(ReasonMalformedName, doing+": malformed name")
}
