package activities

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/mailbox"
	"github.com/postroom/postroom/internal/store"
)

const (
	readersOfBatch = 4        // mails of one batch that are parsed, scanned and their files kept at once: more than cores, as disks are waited for
	maxInHand      = 64 << 20 // bytes of fetched mail in this process, over all mailboxes; a larger mail goes alone
)

// room bounds the bytes of mail in memory: whoever fetches waits until others are done with theirs.
type room struct {
	once sync.Once
	left *semaphore.Weighted
}

// take waits for room for n bytes.
func (r *room) take(ctx context.Context, n int64) (release func(), err error) {
	r.once.Do(func() { r.left = semaphore.NewWeighted(maxInHand) })
	n = min(n, maxInHand)
	if err := r.left.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	return sync.OnceFunc(func() { r.left.Release(n) }), nil
}

// holdRoom is called before mails are fetched. What was fetched before is dealt with by then.
func (w *watch) holdRoom(ctx context.Context, n int64) error {
	w.leaveRoom()
	release, err := w.room.take(ctx, n)
	w.release = release
	return err
}

func (w *watch) leaveRoom() {
	if w.release != nil {
		w.release()
		w.release = nil
	}
}

// prepared is a mail that is ready for its transaction.
type prepared struct {
	source  store.Source
	arrived store.Arrived
	reason  postroom.Reason // why only a pointer is kept
	err     error
}

// ingestAll ingests the mails of a batch. They are parsed and scanned side by side, and stored one after the other, in their order; settled hears of
// each. Contacts' workflows are told beside it. The bytes of each mail are let go as soon as it is read.
func (w *watch) ingestAll(ctx context.Context, mails []mailbox.Mail, settled func(uid uint32)) error {
	defer w.leaveRoom()
	rules, err := w.Store.AttachmentRules(ctx)
	if err != nil {
		return err
	}
	preparing, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	ready := make([]chan prepared, len(mails))
	for i := range ready {
		ready[i] = make(chan prepared, 1)
	}
	var next atomic.Int64
	for range min(readersOfBatch, len(mails)) {
		working.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(mails) && preparing.Err() == nil; i = int(next.Add(1)) - 1 {
				ready[i] <- w.prepare(preparing, mails[i], rules)
				mails[i].Raw = nil
			}
		})
	}
	for i := 0; i < len(mails) && err == nil; i++ {
		select {
		case p := <-ready[i]:
			if err = w.store(ctx, p); err == nil {
				settled(mails[i].UID)
			}
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return err
}

// prepare parses and scans a mail, and keeps its files: a file that no row names later is swept.
func (w *watch) prepare(ctx context.Context, m mailbox.Mail, rules postroom.AttachmentRules) (p prepared) {
	p.source = store.Source{Mailbox: w.mailbox.ID, Folder: w.mailbox.Folder, UIDValidity: w.cursor.UIDValidity, UID: m.UID, Size: m.Size}
	if m.Problem != mailbox.Fetched {
		p.reason = postroom.Reason(m.Problem)
		return p
	}
	digests := w.Keys.MACs(keyring.Digests, m.Raw)
	p.source.Digest, p.source.OldDigests = digests[0], digests[1:]
	var blobs map[blob.Key]postroom.Bytes
	if p.arrived, blobs, p.reason = w.read(p.source, m.Raw, rules); p.reason != "" {
		return p
	}
	w.checkForMalware(ctx, p.arrived.Attachments, blobs)
	for key, content := range blobs {
		if p.err = w.Blobs.Put(ctx, key, content); p.err != nil {
			return p
		}
	}
	return p
}

// store stores a mail that is ready, once.
func (w *watch) store(ctx context.Context, p prepared) error {
	w.fetched++
	if p.err != nil {
		return p.err
	}
	if p.reason != "" {
		return w.quarantine(ctx, p.source, p.reason)
	}
	p.arrived.Backlog = w.telling.backlog.Load()
	got, err := w.Store.Ingest(ctx, p.arrived)
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "ingested a mail", "uid", p.source.UID, "size", p.source.Size, "arrival", got.Arrival, "contact", got.Contact,
		"findings", len(p.arrived.Findings))
	w.telling.say(ctx, got)
	return nil
}
