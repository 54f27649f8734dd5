package activities

import (
	"context"
	"io"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/store"
)

// renderingAtOnce is how many bytes of files the replies may have together that one worker renders at a time: a mail with 25 MB of files takes five times
// that while it is rendered, scanned and frozen.
const renderingAtOnce = 2 * postroom.MaxFileBytes

// replyFiles are the files of a draft, as a reply is made from them.
type replyFiles struct {
	ids   []postroom.AttachmentID
	files []outbound.File
}

// filesOf are the files of a contact's draft, or those that go along with a mail that is passed on, to be read from their blobs while the mail is rendered. It
// waits while other large replies are rendered; release ends this one's turn.
func (a *Activities) filesOf(ctx context.Context, source store.ReplySource, composition postroom.CompositionID) (replyFiles, func(), error) {
	var found []store.DraftFile
	var err error
	if source.Purpose == postroom.PurposeForward {
		found, err = a.Store.CompositionFiles(ctx, composition)
	} else {
		found, err = a.Store.DraftFiles(ctx, source.Contact)
	}
	if err != nil || len(found) == 0 {
		return replyFiles{}, func() {}, err
	}
	var out replyFiles
	var size int64
	for _, f := range found {
		size += f.Size
		out.ids = append(out.ids, f.ID)
		out.files = append(out.files, outbound.File{Name: f.Filename, MediaType: f.MediaType, ContentID: f.ContentID, Size: f.Size,
			Open: func() (io.ReadCloser, error) { return a.Blobs.Stream(ctx, blob.Key(f.BlobKey)) }})
	}
	size = min(max(size, 1), renderingAtOnce)
	turns := a.rendering.of()
	if err := turns.Acquire(ctx, size); err != nil {
		return out, nil, postroom.Unavailable("busy", "too many large replies are being rendered", err)
	}
	return out, func() { turns.Release(size) }, nil
}

// turns is whose turn it is to be in memory. The zero value is ready.
type turns struct {
	once   sync.Once
	weight *semaphore.Weighted
}

func (t *turns) of() *semaphore.Weighted {
	t.once.Do(func() { t.weight = semaphore.NewWeighted(renderingAtOnce) })
	return t.weight
}
