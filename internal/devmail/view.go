package devmail

import (
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// view is what one session knows of its selected folder: uids[i] is the mail that the client calls i+1.
//
// Sequence numbers belong to the client: they change only when it is told (RFC 9051 section 7.5.1), so each session keeps its own list
// and is brought up to date by comparing, in place of a queue of updates that positions must be translated through (go-imap#586).
// All fields are guarded by store.mu.
type view struct {
	folder   *folder
	uids     []imap.UID
	dirty    map[imap.UID]bool // mails whose flags changed since the client was told
	shrunk   bool              // mails went since the client was told
	readOnly bool
	changed  chan struct{} // holds one token when something may have changed
}

func newView(f *folder, readOnly bool) *view {
	v := &view{folder: f, uids: uidsOf(f.mails), dirty: map[imap.UID]bool{}, readOnly: readOnly, changed: make(chan struct{}, 1)}
	f.views[v] = struct{}{}
	return v
}

func (v *view) close() { delete(v.folder.views, v) }

// wake lets every session that has f selected look again.
func (f *folder) wake() {
	for v := range f.views {
		select {
		case v.changed <- struct{}{}:
		default:
		}
	}
}

// touch notes that the flags of uid changed.
func (f *folder) touch(uid imap.UID) {
	for v := range f.views {
		v.dirty[uid] = true
	}
	f.wake()
}

// flagUpdate is a FETCH response that nobody asked for.
type flagUpdate struct {
	seq   uint32
	uid   imap.UID
	flags []imap.Flag
}

// update is what a client must be told, in this order.
type update struct {
	expunged []uint32 // sequence numbers, the highest first, so that each is right when it is read
	grown    bool
	exists   uint32
	flags    []flagUpdate
}

// catchUp brings the view up to date and says what to tell the client. Where EXPUNGE is not allowed, mails that are gone keep their
// number.
func (v *view) catchUp(allowExpunge bool) update {
	var u update
	if allowExpunge && v.shrunk {
		v.shrunk = false
		for i := len(v.uids) - 1; i >= 0; i-- {
			if v.folder.find(v.uids[i]) == nil {
				u.expunged = append(u.expunged, uint32(i+1))
				v.uids = slices.Delete(v.uids, i, i+1)
			}
		}
	}
	known := len(v.uids)
	from, _ := v.folder.position(v.last() + 1)
	for _, m := range v.folder.mails[from:] {
		v.uids = append(v.uids, m.uid)
		delete(v.dirty, m.uid) // the client has never seen its flags
	}
	u.grown, u.exists = len(v.uids) > known, uint32(len(v.uids))
	for uid, tell := range v.dirty {
		i, known := slices.BinarySearch(v.uids, uid)
		if m := v.folder.find(uid); tell && known && m != nil {
			u.flags = append(u.flags, flagUpdate{uint32(i + 1), uid, m.flags})
		}
	}
	clear(v.dirty)
	return u
}

// last is the highest UID that the client was told of. A mail that came and went unseen leaves no trace, as UIDs are never reused.
func (v *view) last() imap.UID {
	if len(v.uids) == 0 {
		return 0
	}
	return v.uids[len(v.uids)-1]
}

func (u update) write(w *imapserver.UpdateWriter) error {
	for _, seq := range u.expunged {
		if err := w.WriteExpunge(seq); err != nil {
			return err
		}
	}
	if u.grown {
		if err := w.WriteNumMessages(u.exists); err != nil {
			return err
		}
	}
	for _, f := range u.flags {
		if err := w.WriteMessageFlags(f.seq, f.uid, f.flags); err != nil {
			return err
		}
	}
	return nil
}

// numbered is a mail as it is now, together with the number that the client calls it by.
type numbered struct {
	seq uint32
	entry
}

// pick returns the mails of the client's set that still exist, ascending. "*" is the highest number that the client knows.
func (v *view) pick(set imap.NumSet) []numbered {
	var picked []numbered
	next := 0
	for _, part := range v.spans(set) {
		for i := max(next, part.from); i < part.to; i++ {
			if m := v.folder.find(v.uids[i]); m != nil {
				picked = append(picked, numbered{uint32(i + 1), *m})
			}
		}
		next = max(next, part.to)
	}
	return picked
}

// span is a part of a view's list: from ≤ position < to.
type span struct{ from, to int }

// spans returns where the mails of set are in the list, ascending. They may overlap.
func (v *view) spans(set imap.NumSet) (spans []span) {
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			low, high := bounds(r.Start, r.Stop, uint32(len(v.uids)))
			spans = append(spans, span{max(int(low), 1) - 1, min(int(high), len(v.uids))})
		}
	case imap.UIDSet:
		for _, r := range set {
			low, high := bounds(r.Start, r.Stop, v.last())
			from, _ := slices.BinarySearch(v.uids, low)
			to, found := slices.BinarySearch(v.uids, high)
			if found {
				to++
			}
			spans = append(spans, span{from, to})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	return spans
}

// matcher says which mails are in set, of sequence numbers or of UIDs. What "*" means is fixed now.
func (v *view) matcher(set imap.NumSet) func(seq uint32, uid imap.UID) bool {
	count, last := uint32(len(v.uids)), v.last()
	switch set := set.(type) {
	case imap.SeqSet:
		return func(seq uint32, _ imap.UID) bool {
			return slices.ContainsFunc(set, func(r imap.SeqRange) bool { return inRange(seq, r.Start, r.Stop, count) })
		}
	case imap.UIDSet:
		return func(_ uint32, uid imap.UID) bool {
			return slices.ContainsFunc(set, func(r imap.UIDRange) bool { return inRange(uid, r.Start, r.Stop, last) })
		}
	}
	return func(uint32, imap.UID) bool { return false }
}

// bounds returns the lowest and the highest number of start:stop, either of which may be 0 for "*". "7:*" holds the last mail even when
// it is number 5 (RFC 9051 section 6.4.9).
func bounds[N ~uint32](start, stop, last N) (low, high N) {
	if start == 0 {
		start = last
	}
	if stop == 0 {
		stop = last
	}
	return min(start, stop), max(start, stop)
}

func inRange[N ~uint32](n, start, stop, last N) bool {
	low, high := bounds(start, stop, last)
	return n != 0 && n >= low && n <= high
}
