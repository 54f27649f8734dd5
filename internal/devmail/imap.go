package devmail

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

const delimiter = '/'

// sent is the folder that every account with a password has beside its inbox.
const sent = "Sent"

// systemFlags are those of RFC 9051 section 2.3.2, as they are written.
var systemFlags = []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}

var (
	errNoFolder = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNonExistent, Text: "No such mailbox"}
	errNoTarget = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTryCreate, Text: "No such mailbox"}
	errExists   = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAlreadyExists, Text: "Mailbox exists already"}
	errInbox    = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeCannot, Text: "INBOX cannot be renamed or deleted"}
	errReadOnly = &imap.Error{Type: imap.StatusResponseTypeNo, Text: "Mailbox is open read-only"}
)

// imapSession is one IMAP connection. The server calls one method at a time, except that Idle may still run when Close is called.
type imapSession struct {
	server  *Server
	conn    *imapserver.Conn
	account string
	view    *view // nil: nothing selected; guarded by store.mu
}

var (
	_ imapserver.SessionNamespace   = (*imapSession)(nil)
	_ imapserver.SessionMove        = (*imapSession)(nil)
	_ imapserver.SessionAppendLimit = (*imapSession)(nil)
)

// imapCaps is what we offer beyond what the library adds itself (IDLE, SASL-IR, UNSELECT, ENABLE, LITERAL-).
func imapCaps() imap.CapSet {
	caps := imap.CapSet{}
	for _, c := range []imap.Cap{imap.CapIMAP4rev1, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapMove,
		imap.CapStatusSize, imap.CapSpecialUse, imap.CapLiteralPlus} {
		caps[c] = struct{}{}
	}
	return caps
}

// Close ends the session.
func (c *imapSession) Close() error {
	c.server.store.mu.Lock()
	c.deselect()
	c.server.store.mu.Unlock()
	c.server.forget(c)
	return nil
}

// deselect leaves the selected folder, if any. store.mu is held.
func (c *imapSession) deselect() {
	if c.view != nil {
		c.view.close()
		c.view = nil
	}
}

// Login accepts an account that has a password.
func (c *imapSession) Login(username, password string) error {
	account, _ := accountOf(username)
	if !c.server.knows(account, password) {
		return imapserver.ErrAuthFailed
	}
	c.account = account
	return nil
}

// knows reports whether account has this password.
func (s *Server) knows(account, password string) bool {
	want, ok := s.passwords[account]
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
}

// canonical returns the name of a folder as we keep it: INBOX is the only one whose case does not matter.
func canonical(name string) string {
	name = strings.TrimRight(name, string(delimiter))
	if strings.EqualFold(name, inbox) {
		return inbox
	}
	return name
}

// locked runs f with the account's folders, under the store's mutex.
func (c *imapSession) locked(f func(folders map[string]*folder) error) error {
	c.server.store.mu.Lock()
	defer c.server.store.mu.Unlock()
	return imapError(f(c.server.store.accounts[c.account]))
}

// imapError lets a refusal pass, and hides anything else: the library would send its text to the client.
func imapError(err error) error {
	var refusal *imap.Error
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable, Text: "The server cannot do this now"}
}

// Select opens a folder, and Examine opens it read-only.
func (c *imapSession) Select(name string, options *imap.SelectOptions) (data *imap.SelectData, err error) {
	err = c.locked(func(folders map[string]*folder) error {
		c.deselect()
		f := folders[canonical(name)]
		if f == nil {
			return errNoFolder
		}
		c.view = newView(f, options.ReadOnly)
		flags := f.flagsInUse()
		data = &imap.SelectData{Flags: flags, NumMessages: uint32(len(f.mails)), UIDNext: f.uidNext, UIDValidity: f.uidValidity}
		if !options.ReadOnly {
			data.PermanentFlags = append(slices.Clone(flags), imap.FlagWildcard)
		}
		if i := slices.IndexFunc(f.mails, func(m *entry) bool { return !hasFlag(m.flags, imap.FlagSeen) }); i >= 0 {
			data.FirstUnseenSeqNum = uint32(i + 1)
		}
		return nil
	})
	return data, err
}

// flagsInUse lists the system flags and every keyword that a mail of the folder has.
func (f *folder) flagsInUse() []imap.Flag {
	flags := slices.Clone(systemFlags)
	for _, m := range f.mails {
		for _, flag := range m.flags {
			if !hasFlag(flags, flag) {
				flags = append(flags, flag)
			}
		}
	}
	return flags
}

// Unselect leaves the selected folder.
func (c *imapSession) Unselect() error {
	return c.locked(func(map[string]*folder) error {
		c.deselect()
		return nil
	})
}

// Create makes a folder.
func (c *imapSession) Create(name string, _ *imap.CreateOptions) error {
	return c.locked(func(folders map[string]*folder) error {
		name := canonical(name)
		if name == "" {
			return errNoFolder
		}
		if folders[name] != nil {
			return errExists
		}
		_, err := c.server.store.folder(c.account, name)
		return err
	})
}

// Delete removes a folder with its mails.
func (c *imapSession) Delete(name string) error {
	return c.locked(func(folders map[string]*folder) error {
		f := folders[canonical(name)]
		if f == nil {
			return errNoFolder
		}
		if f.name == inbox {
			return errInbox
		}
		return c.server.store.commit(change{Op: opDrop, Folder: f.id})
	})
}

// Rename renames a folder and those below it.
func (c *imapSession) Rename(name, newName string, _ *imap.RenameOptions) error {
	return c.locked(func(folders map[string]*folder) error {
		name, newName := canonical(name), canonical(newName)
		if folders[name] == nil {
			return errNoFolder
		}
		if name == inbox {
			return errInbox
		}
		if newName == "" || folders[newName] != nil {
			return errExists
		}
		changes := []change{{Op: opRename, Folder: folders[name].id, Name: newName}}
		for below, f := range folders {
			if rest, ok := strings.CutPrefix(below, name+string(delimiter)); ok {
				changes = append(changes, change{Op: opRename, Folder: f.id, Name: newName + string(delimiter) + rest})
			}
		}
		return c.server.store.commit(changes...)
	})
}

// Subscribe has nothing to do: every folder counts as subscribed.
func (c *imapSession) Subscribe(name string) error {
	return c.locked(func(folders map[string]*folder) error {
		if folders[canonical(name)] == nil {
			return errNoFolder
		}
		return nil
	})
}

// Unsubscribe has nothing to do either.
func (c *imapSession) Unsubscribe(name string) error { return c.Subscribe(name) }

// Namespace says that there is one, the account's own (RFC 2342).
func (c *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

// List lists the folders whose name matches a pattern.
func (c *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	var list []imap.ListData
	err := c.locked(func(folders map[string]*folder) error {
		for name, f := range folders {
			if !slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(name, delimiter, ref, p) }) {
				continue
			}
			data := imap.ListData{Mailbox: name, Delim: delimiter}
			if name == sent {
				data.Attrs = append(data.Attrs, imap.MailboxAttrSent)
			} else if options.SelectSpecialUse {
				continue
			}
			if options.ReturnStatus != nil {
				data.Status = f.status(options.ReturnStatus)
			}
			list = append(list, data)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b imap.ListData) int { return strings.Compare(a.Mailbox, b.Mailbox) })
	for _, data := range list {
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

// Status describes a folder without opening it.
func (c *imapSession) Status(name string, options *imap.StatusOptions) (data *imap.StatusData, err error) {
	err = c.locked(func(folders map[string]*folder) error {
		f := folders[canonical(name)]
		if f == nil {
			return errNoFolder
		}
		data = f.status(options)
		return nil
	})
	return data, err
}

func (f *folder) status(options *imap.StatusOptions) *imap.StatusData {
	var total, unseen, deleted, recent uint32
	var size int64
	for _, m := range f.mails {
		total++
		size += m.size
		if !hasFlag(m.flags, imap.FlagSeen) {
			unseen++
		}
		if hasFlag(m.flags, imap.FlagDeleted) {
			deleted++
		}
	}
	limit := uint32(maxMail)
	return &imap.StatusData{Mailbox: f.name, NumMessages: &total, NumRecent: &recent, UIDNext: f.uidNext, UIDValidity: f.uidValidity,
		NumUnseen: &unseen, NumDeleted: &deleted, Size: &size, AppendLimit: &limit, DeletedStorage: new(int64)}
}

// AppendLimit is the largest mail that APPEND takes (RFC 7889).
func (c *imapSession) AppendLimit() uint32 { return maxMail }

// Append stores a mail in a folder.
func (c *imapSession) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (data *imap.AppendData, err error) {
	var raw bytes.Buffer
	raw.Grow(int(min(r.Size(), maxMail)))
	if _, err := io.Copy(&raw, r); err != nil {
		return nil, fmt.Errorf("devmail: read the appended mail: %w", err)
	}
	if err := c.locked(func(folders map[string]*folder) error {
		if folders[canonical(name)] == nil {
			return errNoTarget
		}
		return nil
	}); err != nil {
		return nil, err
	}
	s := c.server.store
	file, err := s.keep(raw.Bytes())
	if err != nil {
		return nil, imapError(err)
	}
	date := options.Time
	if date.IsZero() {
		date = s.now()
	}
	err = c.locked(func(folders map[string]*folder) error {
		f := folders[canonical(name)]
		if f == nil {
			return errNoTarget
		}
		data = &imap.AppendData{UID: f.uidNext, UIDValidity: f.uidValidity}
		return s.commit(change{Op: opAdd, Folder: f.id, UID: f.uidNext, File: file, Size: int64(raw.Len()), Date: date,
			Flags: withFlags(nil, options.Flags)})
	})
	if err != nil {
		s.removeFile(file)
		return nil, err
	}
	return data, nil
}

// Poll tells the client what changed in the selected folder.
func (c *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	c.server.store.mu.Lock()
	var u update
	if c.view != nil {
		u = c.view.catchUp(allowExpunge)
	}
	c.server.store.mu.Unlock()
	return u.write(w)
}

// Idle tells the client of changes as they happen, until stop is closed. It looks before it waits: a change between the last command
// and IDLE has left its token.
func (c *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	c.server.store.mu.Lock()
	v := c.view
	c.server.store.mu.Unlock()
	if v == nil {
		<-stop
		return nil
	}
	for {
		c.server.store.mu.Lock()
		u := v.catchUp(true)
		c.server.store.mu.Unlock()
		if err := u.write(w); err != nil {
			return err
		}
		select {
		case <-v.changed:
		case <-stop:
			return nil
		}
	}
}

// hasFlag reports whether flag is among flags; case does not matter (RFC 9051 section 2.3.2).
func hasFlag(flags []imap.Flag, flag imap.Flag) bool {
	return slices.ContainsFunc(flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) })
}

// withFlags returns flags and those of more that it lacks. \Recent is the server's to give, and we give none.
func withFlags(flags, more []imap.Flag) []imap.Flag {
	flags = slices.Clone(flags)
	for _, flag := range more {
		if !hasFlag(flags, flag) && !strings.EqualFold(string(flag), `\Recent`) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// withoutFlags returns flags less those of fewer.
func withoutFlags(flags, fewer []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return hasFlag(fewer, f) })
}
