package mailbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postroom/postroom"
)

const (
	maxPending   = 10_000   // UIDs that are remembered of one search
	bytesASecond = 64 << 10 // the slowest line that a mail may come over

	// How often a mail alone may fail before it is suspected: a lost connection may be the network's fault.
	maxStrikes = 3
	maxLost    = 5
)

// strikes counts the failures of one mail that was asked for alone: its response could not be read; the server refused it; the
// connection was lost.
type strikes struct{ unreadable, refused, lost int }

// Next returns the mails with a UID above after, ascending: at most Config.BatchMails of them and Config.BatchBytes bytes. None at all
// means that there are no more; call Idle then. The last one's UID is the next cursor.
//
// A mail that is expunged meanwhile is left out. One that cannot be had is there, with its Problem. Next reconnects while it searches
// for a mail whose response ends the connection; errors are those of Open, and Conflict (ReasonFolderChanged).
func (s *Session) Next(ctx context.Context, after uint32) ([]Mail, error) {
	for {
		s.pending = slices.DeleteFunc(s.pending, func(uid uint32) bool { return uid <= after })
		if len(s.pending) == 0 {
			if err := s.look(ctx, after); err != nil {
				return nil, err
			}
		}
		if len(s.pending) == 0 {
			return nil, nil
		}
		asked := s.pending[:min(len(s.pending), s.config.BatchMails)]
		mails, last, err := s.batch(ctx, asked)
		if err != nil {
			return nil, err
		}
		if after = last; len(mails) > 0 {
			return mails, nil
		}
	}
}

// Fetch returns mails by UID, as Next does, and the rest of uids that did not fit into the batch. For what Missed found, and for a mail
// that is asked for again. uids ascend.
func (s *Session) Fetch(ctx context.Context, uids []uint32) (mails []Mail, rest []uint32, err error) {
	if len(uids) == 0 {
		return nil, nil, nil
	}
	mails, last, err := s.batch(ctx, uids[:min(len(uids), s.config.BatchMails)])
	if err != nil {
		return nil, nil, err
	}
	return mails, uids[slices.Index(uids, last)+1:], nil
}

// look fills pending with what is new. Some servers tell of a mail and do not find it at once: Exchange and Office 365 are brought up to
// date by a NOOP, Dovecot by the end of the search itself.
func (s *Session) look(ctx context.Context, after uint32) error {
	woken := s.woken
	s.woken = false
	s.rung() // what it was rung for so far, the search finds
	for first := true; ; first = false {
		found, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: imap.UID(after) + 1, Stop: 0}}}})
		if err != nil {
			return err
		}
		// "n:*" holds the last mail even when n is beyond it (RFC 9051 section 6.4.9).
		s.pending = slices.DeleteFunc(found, func(uid uint32) bool { return uid <= after })
		if len(s.pending) > 0 || !first {
			return nil
		}
		if woken {
			if err := s.guard(ctx, s.config.CommandTimeout, func() error { return s.client.Noop().Wait() }); err != nil {
				return failure(ctx, "look for mail", err)
			}
		}
		if !s.rung() && !woken {
			return nil
		}
	}
}

// search returns the lowest UIDs that match, at most maxPending of them, ascending.
func (s *Session) search(ctx context.Context, criteria *imap.SearchCriteria) (found []uint32, err error) {
	var options imap.SearchOptions
	options.ReturnAll = s.caps.Has(imap.CapESearch) // ranges instead of single numbers
	var data *imap.SearchData
	err = s.guard(ctx, s.config.CommandTimeout, func() (err error) {
		data, err = s.client.UIDSearch(criteria, &options).Wait()
		return err
	})
	if err != nil {
		return nil, failure(ctx, "search", err)
	}
	ranges, _ := data.All.(imap.UIDSet)
	for _, r := range ranges {
		// A range is a server's claim: "1:4294967295" must not become four billion numbers.
		for uid := r.Start; uid != 0 && uid <= r.Stop && len(found) < maxPending; uid++ {
			found = append(found, uint32(uid))
		}
	}
	return found, nil
}

// batch fetches the beginning of uids that fits into Config.BatchBytes; last is the highest UID that is dealt with.
func (s *Session) batch(ctx context.Context, uids []uint32) (mails []Mail, last uint32, err error) {
	sized, err := s.sift(ctx, uids, s.sizes)
	if err != nil {
		return nil, 0, err
	}
	known := map[uint32]Mail{}
	for _, m := range sized {
		known[m.UID] = m
	}
	var wanted []uint32
	var total int64
	for _, uid := range uids {
		m := known[uid] // of a mail without a size, nothing is known: it is asked for, and may be gone
		if m.Problem == Fetched && m.Size > s.config.MaxMail {
			m.Problem, m.UID = TooLarge, uid
		}
		if m.Problem != Fetched {
			mails, last = append(mails, m), uid
			continue
		}
		if len(wanted) > 0 && total+m.Size > s.config.BatchBytes {
			break
		}
		wanted, total, last = append(wanted, uid), total+m.Size, uid
	}
	if s.config.Room != nil && len(wanted) > 0 {
		if err := s.config.Room(ctx, total); err != nil {
			return nil, 0, failure(ctx, "wait for room", err)
		}
	}
	fetched, err := s.sift(ctx, wanted, s.bodies(known))
	if err != nil {
		return nil, 0, err
	}
	absent, err := s.absent(ctx, wanted, fetched, s.bodies(known))
	if err != nil {
		return nil, 0, err
	}
	mails = slices.Concat(mails, fetched, absent)
	slices.SortFunc(mails, func(a, b Mail) int { return cmp.Compare(a.UID, b.UID) })
	for _, m := range mails {
		delete(s.strikes, m.UID)
		if m.Problem != Fetched {
			s.config.Logger.Warn("mailbox: a mail cannot be fetched", "uidvalidity", s.folder.UIDValidity, "mail", m)
		}
	}
	return mails, last, nil
}

// sizes asks for the sizes of mails.
func (s *Session) sizes(ctx context.Context, uids []uint32) (mails []Mail, err error) {
	return s.collect(ctx, uids, s.config.CommandTimeout, &imap.FetchOptions{UID: true, RFC822Size: true})
}

// bodies asks for the bytes of mails whose sizes are known.
func (s *Session) bodies(known map[uint32]Mail) func(context.Context, []uint32) ([]Mail, error) {
	return func(ctx context.Context, uids []uint32) ([]Mail, error) {
		var total int64
		for _, uid := range uids {
			total += known[uid].Size
		}
		patience := s.config.CommandTimeout + time.Duration(total/bytesASecond)*time.Second
		mails, err := s.collect(ctx, uids, patience, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		// A mail without bytes is none: the server sent NIL, or nothing, in place of the literal.
		return slices.DeleteFunc(mails, func(m Mail) bool { return m.Problem == Fetched && len(m.Raw) == 0 }), err
	}
}

// collect runs one UID FETCH and reads what comes of it.
func (s *Session) collect(ctx context.Context, uids []uint32, patience time.Duration, options *imap.FetchOptions) (mails []Mail, err error) {
	if len(uids) == 0 {
		return nil, nil
	}
	err = s.guard(ctx, patience, func() error {
		cmd := s.client.Fetch(set(uids), options)
		for data := cmd.Next(); data != nil; data = cmd.Next() {
			m, err := s.read(data)
			if err != nil {
				return err // and nothing more is asked of cmd: it would read beside the connection's reader
			}
			if m.UID != 0 {
				mails = append(mails, m)
			}
		}
		return cmd.Close()
	})
	if err != nil {
		return nil, err
	}
	return mails, nil
}

// read reads one FETCH response. What is not of a mail that was asked for, the library has left out. An error means that the
// connection ended within the mail.
func (s *Session) read(data *imapclient.FetchMessageData) (m Mail, err error) {
	for item := data.Next(); item != nil; item = data.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			m.UID = uint32(item.UID)
		case imapclient.FetchItemDataRFC822Size:
			m.Size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			var raw bytes.Buffer
			into := io.Writer(&raw)
			if m.Size = item.Literal.Size(); m.Size > s.config.MaxMail { // whatever size was announced
				m.Problem, into = TooLarge, io.Discard
			} else {
				raw.Grow(int(m.Size))
			}
			if n, err := io.Copy(into, item.Literal); err != nil || n != m.Size {
				s.wire.hangUp()
				return Mail{}, errLost
			}
			m.Raw = raw.Bytes()
		}
	}
	return m, nil
}

func set(uids []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return set
}

// fetcher asks for some mails; one that is missing in its answer is not there, or cannot be had.
type fetcher func(ctx context.Context, uids []uint32) ([]Mail, error)

// sift runs fetch over uids. When it fails the set is halved, until the mail that is to blame stands alone; that one is given up
// after some more attempts. What fails for others too, such as a server that is down, is an error.
func (s *Session) sift(ctx context.Context, uids []uint32, fetch fetcher) ([]Mail, error) {
	for {
		mails, cause := fetch(ctx, uids)
		if cause == nil {
			return mails, nil
		}
		n, err := s.mend(ctx, cause)
		if err != nil {
			return nil, err
		}
		if len(uids) > 1 {
			low, err := s.sift(ctx, uids[:len(uids)/2], fetch)
			if err != nil {
				return nil, err
			}
			high, err := s.sift(ctx, uids[len(uids)/2:], fetch)
			return append(low, high...), err
		}
		uid := uids[0]
		n = strikes{s.strikes[uid].unreadable + n.unreadable, s.strikes[uid].refused + n.refused, s.strikes[uid].lost + n.lost}
		s.strikes[uid] = n
		switch {
		case n.unreadable >= maxStrikes: // whoever sends that is up and running
			return []Mail{{UID: uid, Problem: Unfetchable}}, nil
		case n.refused >= maxStrikes, n.lost >= maxLost:
			if err := s.blame(ctx, uid, cause); err != nil {
				return nil, err
			}
			return []Mail{{UID: uid, Problem: Unfetchable}}, nil
		}
		if err := s.backOff(ctx, n); err != nil {
			return nil, err
		}
	}
}

// mend deals with a failed FETCH: it says what kind of failure it was, and gets a connection again if it cost one. An error means
// that it makes no sense to go on.
func (s *Session) mend(ctx context.Context, err error) (kind strikes, _ error) {
	var refusal *imap.Error
	refused := errors.As(err, &refusal)
	if ctx.Err() != nil || (refused && passing(refusal)) {
		return kind, failure(ctx, "fetch", err)
	}
	switch {
	case refused:
		kind.refused = 1
	case errors.Is(err, errTooSlow), errors.Is(err, errLost):
		kind.lost = 1
	default:
		kind.unreadable = 1
	}
	if refused && s.client.State() == imap.ConnStateSelected {
		return kind, nil
	}
	s.config.Logger.Info("mailbox: the connection ended during a fetch", "uidvalidity", s.folder.UIDValidity, "cause", reduce(err).Error())
	return kind, s.reopen(ctx)
}

// backOff waits after a lost connection or a refusal, a little longer each time: it may be the server and not the mail.
func (s *Session) backOff(ctx context.Context, n strikes) error {
	if n.lost+n.refused == 0 {
		return nil
	}
	timer := time.NewTimer(min(s.config.CommandTimeout, 50*time.Millisecond<<(n.lost+n.refused)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return failure(ctx, "fetch", context.Cause(ctx))
	}
}

// blame makes sure that it is this mail which cannot be had, by asking for the header of a neighbour. If that fails too, the server
// is to blame: an error. A mail without neighbours is to blame alone.
func (s *Session) blame(ctx context.Context, uid uint32, cause error) error {
	const reach = 100
	low := imap.UID(max(uid, reach+1) - reach)
	neighbours, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: low, Stop: imap.UID(uid) + reach}}}})
	if err != nil {
		return err
	}
	neighbours = slices.DeleteFunc(neighbours, func(n uint32) bool { return s.strikes[n] != strikes{} || n == uid })
	for _, n := range neighbours[:min(len(neighbours), maxStrikes)] {
		headers, err := s.collect(ctx, []uint32{n}, s.config.CommandTimeout,
			&imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Specifier: imap.PartSpecifierHeader, Peek: true}}})
		if err == nil && len(headers) > 0 && headers[0].Size > 0 {
			return nil
		}
		if err != nil {
			if _, err := s.mend(ctx, err); err != nil {
				return err
			}
		}
	}
	if len(neighbours) == 0 {
		return nil
	}
	return postroom.Unavailable(postroom.ReasonMailServerDown, "The mail server delivers no mail", reduce(cause))
}

// absent looks after mails that were asked for and did not come, without an error: those that still exist are Unfetchable, the others
// were expunged.
func (s *Session) absent(ctx context.Context, wanted []uint32, fetched []Mail, fetch fetcher) (mails []Mail, err error) {
	missing := slices.DeleteFunc(slices.Clone(wanted), func(uid uint32) bool {
		return slices.ContainsFunc(fetched, func(m Mail) bool { return m.UID == uid })
	})
	for _, uid := range missing {
		again, err := s.sift(ctx, []uint32{uid}, fetch)
		if err != nil {
			return nil, err
		}
		if len(again) > 0 {
			mails = append(mails, again...)
			continue
		}
		found, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{set([]uint32{uid})}})
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, uid) {
			continue
		}
		s.strikes[uid] = strikes{refused: 1}
		if err := s.blame(ctx, uid, errLost); err != nil {
			return nil, err
		}
		mails = append(mails, Mail{UID: uid, Problem: Unfetchable})
	}
	return mails, nil
}
