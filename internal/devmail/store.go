package devmail

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

const inbox = "INBOX"

var errClosed = errors.New("devmail: the server is closed")

// entry is one mail in one folder. A copy in another folder is another mail with the same file.
type entry struct {
	uid   imap.UID
	file  uint64
	size  int64
	date  time.Time
	flags []imap.Flag
}

// folder is a mailbox in the sense of IMAP: mails in ascending order of UID.
type folder struct {
	id          uint64
	account     string
	name        string
	uidValidity uint32
	uidNext     imap.UID
	mails       []*entry
	views       map[*view]struct{} // the sessions that have it selected
}

// position returns where the mail with uid is, or would be.
func (f *folder) position(uid imap.UID) (at int, found bool) {
	return slices.BinarySearchFunc(f.mails, uid, func(m *entry, uid imap.UID) int { return cmp.Compare(m.uid, uid) })
}

// find returns the mail with uid, or nil.
func (f *folder) find(uid imap.UID) *entry {
	at, found := f.position(uid)
	if !found {
		return nil
	}
	return f.mails[at]
}

// parcel is one mail for one account; a parcel with a report is no delivery yet, but what the report will be about.
type parcel struct {
	account string
	raw     []byte
	report  *report
}

// store holds every account. One mutex guards everything in memory and the journal; the files of mails are written and read outside
// of it.
type store struct {
	dir    string
	logger *slog.Logger
	now    func() time.Time

	mu         sync.Mutex
	journal    *journal
	closed     bool
	folders    map[uint64]*folder
	accounts   map[string]map[string]*folder // by address, by name
	reports    map[uint64]*report            // owed
	users      map[uint64]int                // how many mails and reports need each file
	nextFolder uint64
	nextFile   uint64
	nextReport uint64
	validity   uint32        // the highest UIDVALIDITY that was ever given
	clean      bool          // the last thing in the journal is that the server stopped in order
	changed    chan struct{} // closed and replaced at each change
	release    func() error  // gives up the directory
}

// openStore opens the store in dir, which is made if it does not exist, and drops what was never acknowledged.
func openStore(dir string, logger *slog.Logger, now func() time.Time) (*store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "mail"), 0o700); err != nil {
		return nil, fmt.Errorf("devmail: make the directory: %w", err)
	}
	release, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &store{
		dir: dir, logger: logger, now: now, release: release,
		folders: map[uint64]*folder{}, accounts: map[string]map[string]*folder{}, reports: map[uint64]*report{}, users: map[uint64]int{},
		nextFolder: 1, nextFile: 1, nextReport: 1, changed: make(chan struct{}),
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, release())
	}
	return s, nil
}

func (s *store) load() error {
	path := filepath.Join(s.dir, "journal")
	if err := replay(path, s.apply); err != nil {
		return err
	}
	if !s.clean {
		s.recover()
	}
	if err := s.dropUnnamedFiles(); err != nil {
		return err
	}
	var err error
	s.journal, err = rewrite(path, s.snapshot())
	return err
}

// skippedUIDs is more mails than can have come in the time that a system keeps written data to itself, about half a minute.
const skippedUIDs = 100_000

// recover mends what a power cut may have done: a mail whose file did not reach the disk is dropped, and UIDs are skipped that the lost
// end of the journal may have given away (RFC 9051 section 2.3.1.1: never a UID twice, gaps are allowed). After kill -9 nothing is
// amiss and only the gap shows.
func (s *store) recover() {
	for _, f := range s.folders {
		var lost []imap.UID
		for _, m := range f.mails {
			if info, err := os.Stat(s.path(m.file)); err != nil || info.Size() != m.size {
				lost = append(lost, m.uid)
			}
		}
		if len(lost) > 0 {
			s.logger.Warn("devmail: mails were lost in a power cut", "mails", len(lost))
			s.apply([]change{{Op: opGone, Folder: f.id, UIDs: lost}})
		}
		f.uidNext += skippedUIDs
	}
}

// dropUnnamedFiles removes the files of mails that were never acknowledged, or are gone.
func (s *store) dropUnnamedFiles() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "mail"))
	if err != nil {
		return fmt.Errorf("devmail: list the mails: %w", err)
	}
	for _, e := range entries {
		id, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), ".eml"), 10, 64)
		if err == nil && s.users[id] > 0 {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, "mail", e.Name())); err != nil {
			return fmt.Errorf("devmail: remove a mail that nothing names: %w", err)
		}
	}
	return nil
}

// snapshot is the shortest journal that leads to the present state.
func (s *store) snapshot() [][]change {
	transactions := [][]change{{{Op: opValidity, UIDValidity: s.validity}}}
	for _, id := range slices.Sorted(maps.Keys(s.folders)) {
		f := s.folders[id]
		transactions = append(transactions, []change{{
			Op: opFolder, Folder: id, Account: f.account, Name: f.name, UIDValidity: f.uidValidity, UIDNext: f.uidNext}})
		for chunk := range slices.Chunk(f.mails, 500) {
			var adds []change
			for _, m := range chunk {
				adds = append(adds, change{Op: opAdd, Folder: id, UID: m.uid, File: m.file, Size: m.size, Date: m.date, Flags: m.flags})
			}
			transactions = append(transactions, adds)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.reports)) {
		transactions = append(transactions, []change{{Op: opReport, ID: id, File: s.reports[id].file, Report: s.reports[id]}})
	}
	return transactions
}

// close stops all further changes and gives up the directory.
func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	err := errors.Join(s.commit(change{Op: opClosed}), s.journal.file.Sync())
	s.closed = true
	return errors.Join(err, s.journal.file.Close(), s.release())
}

// commit writes changes as one transaction and applies them. s.mu is held.
func (s *store) commit(changes ...change) error {
	if s.closed {
		return errClosed
	}
	if err := s.journal.append(changes); err != nil {
		return err
	}
	s.apply(changes)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// apply changes what is in memory: the one place that does, for a commit as for a replay. s.mu is held, or nobody else knows s.
func (s *store) apply(changes []change) {
	for _, c := range changes {
		f := s.folders[c.Folder]
		s.clean = c.Op == opClosed
		switch c.Op {
		case opValidity:
			s.validity = max(s.validity, c.UIDValidity)
		case opFolder:
			f = &folder{id: c.Folder, account: c.Account, name: c.Name, uidValidity: c.UIDValidity, uidNext: c.UIDNext,
				views: map[*view]struct{}{}}
			s.folders[c.Folder] = f
			if s.accounts[c.Account] == nil {
				s.accounts[c.Account] = map[string]*folder{}
			}
			s.accounts[c.Account][c.Name] = f
			s.nextFolder = max(s.nextFolder, c.Folder+1)
			s.validity = max(s.validity, c.UIDValidity)
		case opRename:
			delete(s.accounts[f.account], f.name)
			f.name = c.Name
			s.accounts[f.account][f.name] = f
		case opDrop:
			s.remove(f, uidsOf(f.mails))
			delete(s.accounts[f.account], f.name)
			delete(s.folders, f.id)
		case opAdd:
			f.mails = append(f.mails, &entry{uid: c.UID, file: c.File, size: c.Size, date: c.Date, flags: c.Flags})
			f.uidNext = max(f.uidNext, c.UID+1)
			s.use(c.File)
			f.wake()
		case opFlags:
			if m := f.find(c.UID); m != nil {
				m.flags = c.Flags
				f.touch(c.UID)
			}
		case opGone:
			s.remove(f, c.UIDs)
		case opReport:
			c.Report.id, c.Report.file = c.ID, c.File
			s.reports[c.ID] = c.Report
			s.nextReport = max(s.nextReport, c.ID+1)
			s.use(c.File)
		case opReported:
			if r := s.reports[c.ID]; r != nil {
				delete(s.reports, c.ID)
				s.disuse(r.file)
			}
		}
	}
}

func (s *store) remove(f *folder, uids []imap.UID) {
	gone := make(map[imap.UID]bool, len(uids))
	for _, uid := range uids {
		gone[uid] = true
	}
	kept := make([]*entry, 0, len(f.mails))
	for _, m := range f.mails {
		if !gone[m.uid] {
			kept = append(kept, m)
			continue
		}
		s.disuse(m.file)
	}
	f.mails = kept
	for v := range f.views {
		v.shrunk = true
	}
	f.wake()
}

func (s *store) use(file uint64) {
	s.users[file]++
	s.nextFile = max(s.nextFile, file+1)
}

// disuse removes a file that nothing needs any more. During a replay there is no journal yet: such files go when all is replayed,
// for a later line may need them.
func (s *store) disuse(file uint64) {
	s.users[file]--
	if s.users[file] > 0 {
		return
	}
	delete(s.users, file)
	if s.journal != nil {
		s.removeFile(file)
	}
}

func (s *store) removeFile(file uint64) {
	if err := os.Remove(s.path(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.logger.Warn("devmail: a mail's file could not be removed", "file", file, "error", err)
	}
}

func (s *store) path(file uint64) string {
	return filepath.Join(s.dir, "mail", strconv.FormatUint(file, 10)+".eml")
}

// read returns the bytes of a file.
func (s *store) read(file uint64) ([]byte, error) {
	raw, err := os.ReadFile(s.path(file))
	if err != nil {
		return nil, fmt.Errorf("devmail: read a mail: %w", err)
	}
	return raw, nil
}

// keep writes raw to a new file. Nothing knows the file until a transaction names it.
func (s *store) keep(raw []byte) (uint64, error) {
	s.mu.Lock()
	file := s.nextFile
	s.nextFile++
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return 0, errClosed
	}
	f, err := os.OpenFile(s.path(file), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("devmail: make a mail's file: %w", err)
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err != nil {
		s.removeFile(file)
		return 0, fmt.Errorf("devmail: write a mail's file: %w", err)
	}
	return file, nil
}

// deliver puts every parcel into the inbox of its account, or none of them; settled names reports that are thereby done. The mails
// survive the process when it returns.
func (s *store) deliver(parcels []parcel, settled ...uint64) (err error) {
	files := make([]uint64, 0, len(parcels))
	defer func() {
		if err != nil {
			for _, file := range files {
				s.removeFile(file)
			}
		}
	}()
	for _, p := range parcels {
		file, err := s.keep(p.raw)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var changes []change
	next := map[*folder]imap.UID{}
	for i, p := range parcels {
		if p.report != nil {
			changes = append(changes, change{Op: opReport, ID: s.nextReport + uint64(i), File: files[i], Report: p.report})
			continue
		}
		f, err := s.folder(p.account, inbox)
		if err != nil {
			return err
		}
		uid := max(next[f], f.uidNext)
		next[f] = uid + 1
		changes = append(changes, change{Op: opAdd, Folder: f.id, UID: uid, File: files[i], Size: int64(len(p.raw)), Date: s.now()})
	}
	for _, id := range settled {
		changes = append(changes, change{Op: opReported, ID: id})
	}
	return s.commit(changes...)
}

// folder returns the folder name of account, and makes it if it does not exist. s.mu is held.
func (s *store) folder(account, name string) (*folder, error) {
	if f := s.accounts[account][name]; f != nil {
		return f, nil
	}
	// RFC 9051 section 2.3.1.1 asks for a value that only grows, also when a state directory was thrown away in between: so the time.
	validity := max(s.validity+1, uint32(s.now().Unix()))
	err := s.commit(change{Op: opFolder, Folder: s.nextFolder, Account: account, Name: name, UIDValidity: validity, UIDNext: 1})
	if err != nil {
		return nil, err
	}
	return s.accounts[account][name], nil
}

func uidsOf(mails []*entry) []imap.UID {
	uids := make([]imap.UID, len(mails))
	for i, m := range mails {
		uids[i] = m.uid
	}
	return uids
}
