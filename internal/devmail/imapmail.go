package devmail

import (
	"bufio"
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// Fetch sends what was asked of each mail in set. Mails are read and sent outside of the mutex: a slow client holds up nobody.
func (c *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	var picked []numbered
	err := c.locked(func(map[string]*folder) error {
		picked = c.view.pick(set)
		if c.view.readOnly || !slices.ContainsFunc(options.BodySection, func(s *imap.FetchItemBodySection) bool { return !s.Peek }) {
			return nil
		}
		return c.store(picked, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}})
	})
	if err != nil {
		return err
	}
	for _, m := range picked {
		if err := c.fetchOne(w, m, options); err != nil {
			return err
		}
	}
	return nil
}

// fetchOne sends one mail. What the bytes are needed for, they are sent as they came: the library's section reader would send nothing
// of a mail whose header it cannot parse.
func (c *imapSession) fetchOne(w *imapserver.FetchWriter, m numbered, options *imap.FetchOptions) error {
	var raw []byte
	if options.Envelope || options.BodyStructure != nil || len(options.BodySection)+len(options.BinarySection)+len(options.BinarySectionSize) > 0 {
		var err error
		if raw, err = c.server.store.read(m.file); err != nil {
			c.server.logger.Warn("devmail: a mail could not be read", "file", m.file)
			return nil // expunged meanwhile by another session
		}
	}
	r := w.CreateMessage(m.seq)
	if options.UID {
		r.WriteUID(m.uid)
	}
	if options.Flags {
		r.WriteFlags(m.flags)
	}
	if options.InternalDate {
		r.WriteInternalDate(m.date)
	}
	if options.RFC822Size {
		r.WriteRFC822Size(m.size)
	}
	if options.Envelope {
		r.WriteEnvelope(envelopeOf(raw))
	}
	if options.BodyStructure != nil {
		r.WriteBodyStructure(structureOf(raw))
	}
	for _, s := range options.BodySection {
		part := section(raw, s)
		body := r.WriteBodySection(s, int64(len(part)))
		if _, err := body.Write(part); err != nil {
			return err
		}
		if err := body.Close(); err != nil {
			return err
		}
	}
	for _, s := range options.BinarySection {
		part := imapserver.ExtractBinarySection(bytes.NewReader(raw), s)
		body := r.WriteBinarySection(s, int64(len(part)))
		if _, err := body.Write(part); err != nil {
			return err
		}
		if err := body.Close(); err != nil {
			return err
		}
	}
	for _, s := range options.BinarySectionSize {
		r.WriteBinarySectionSize(s, imapserver.ExtractBinarySectionSize(bytes.NewReader(raw), s))
	}
	return r.Close()
}

// section returns the bytes of one BODY[…].
func section(raw []byte, s *imap.FetchItemBodySection) []byte {
	head, body := splitMail(raw)
	whole := raw
	switch {
	case len(s.Part) > 0 || len(s.HeaderFields) > 0 || len(s.HeaderFieldsNot) > 0 || s.Specifier == imap.PartSpecifierMIME:
		return imapserver.ExtractBodySection(bytes.NewReader(raw), s)
	case s.Specifier == imap.PartSpecifierHeader:
		whole = head
	case s.Specifier == imap.PartSpecifierText:
		whole = body
	}
	if s.Partial == nil {
		return whole
	}
	from := min(s.Partial.Offset, int64(len(whole)))
	return whole[from:min(from+s.Partial.Size, int64(len(whole)))]
}

// splitMail cuts a mail after the empty line that ends its header.
func splitMail(raw []byte) (head, body []byte) {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(end)); i >= 0 {
			return raw[:i+len(end)], raw[i+len(end):]
		}
	}
	return raw, nil
}

// headerOf parses the header of a mail as far as it can be parsed.
func headerOf(raw []byte) textproto.Header {
	h, _ := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw)))
	return h
}

func envelopeOf(raw []byte) *imap.Envelope { return imapserver.ExtractEnvelope(headerOf(raw)) }

// structureOf describes the parts of a mail. A mail that calls itself multipart and has no part is described as one text: the library
// panics otherwise.
func structureOf(raw []byte) imap.BodyStructure {
	structure := imapserver.ExtractBodyStructure(bytes.NewReader(raw))
	childless := false
	structure.Walk(func(_ []int, part imap.BodyStructure) bool {
		if p, ok := part.(*imap.BodyStructureMultiPart); ok && len(p.Children) == 0 {
			childless = true
		}
		return !childless
	})
	if !childless {
		return structure
	}
	_, body := splitMail(raw)
	return &imap.BodyStructureSinglePart{Type: "text", Subtype: "plain", Size: uint32(len(body)),
		Text:     &imap.BodyStructureText{NumLines: int64(bytes.Count(body, []byte("\n")))},
		Extended: &imap.BodyStructureSinglePartExt{}}
}

// Store changes flags.
func (c *imapSession) Store(_ *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	return c.locked(func(map[string]*folder) error {
		if c.view.readOnly {
			return errReadOnly
		}
		picked := c.view.pick(set)
		if err := c.store(picked, flags); err != nil {
			return err
		}
		for _, m := range picked {
			c.view.dirty[m.uid] = !flags.Silent // the Poll that follows answers
		}
		return nil
	})
}

// store changes the flags of mails in one transaction, and in picked too. store.mu is held.
func (c *imapSession) store(picked []numbered, by *imap.StoreFlags) error {
	var changes []change
	for i, m := range picked {
		var flags []imap.Flag
		switch by.Op {
		case imap.StoreFlagsAdd:
			flags = withFlags(m.flags, by.Flags)
		case imap.StoreFlagsDel:
			flags = withoutFlags(m.flags, by.Flags)
		default:
			flags = withFlags(nil, by.Flags)
		}
		picked[i].flags = flags
		if len(flags) != len(m.flags) || len(withoutFlags(flags, m.flags)) > 0 {
			changes = append(changes, change{Op: opFlags, Folder: c.view.folder.id, UID: m.uid, Flags: flags})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return c.server.store.commit(changes...)
}

// Expunge removes what is flagged \Deleted, of uids only if they are given (RFC 4315). The client hears of it by the Poll that follows.
func (c *imapSession) Expunge(_ *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	return c.locked(func(map[string]*folder) error {
		if c.view.readOnly {
			return errReadOnly
		}
		all := imap.UIDSet{{Start: 1, Stop: 0}}
		if uids != nil {
			all = *uids
		}
		var gone []imap.UID
		for _, m := range c.view.pick(all) {
			if hasFlag(m.flags, imap.FlagDeleted) {
				gone = append(gone, m.uid)
			}
		}
		if len(gone) == 0 {
			return nil
		}
		return c.server.store.commit(change{Op: opGone, Folder: c.view.folder.id, UIDs: gone})
	})
}

// Copy copies mails to another folder.
func (c *imapSession) Copy(set imap.NumSet, dest string) (data *imap.CopyData, err error) {
	err = c.locked(func(folders map[string]*folder) error {
		var changes []change
		data, changes, err = c.copies(folders, set, dest)
		if err != nil || len(changes) == 0 {
			return err
		}
		return c.server.store.commit(changes...)
	})
	return data, err
}

// Move moves mails to another folder, in one transaction (RFC 6851).
func (c *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	var data *imap.CopyData
	err := c.locked(func(folders map[string]*folder) (err error) {
		if c.view.readOnly {
			return errReadOnly
		}
		var changes []change
		data, changes, err = c.copies(folders, set, dest)
		if err != nil || len(changes) == 0 {
			return err
		}
		moved, _ := data.SourceUIDs.Nums()
		return c.server.store.commit(append(changes, change{Op: opGone, Folder: c.view.folder.id, UIDs: moved})...)
	})
	if err != nil || data == nil {
		return err
	}
	return w.WriteCopyData(data)
}

// copies says what a copy of set in dest would be. data is nil if set is empty. store.mu is held.
func (c *imapSession) copies(folders map[string]*folder, set imap.NumSet, dest string) (data *imap.CopyData, changes []change, err error) {
	to := folders[canonical(dest)]
	if to == nil {
		return nil, nil, errNoTarget
	}
	picked := c.view.pick(set)
	if len(picked) == 0 {
		return nil, nil, nil
	}
	data = &imap.CopyData{UIDValidity: to.uidValidity}
	for i, m := range picked {
		uid := to.uidNext + imap.UID(i)
		data.SourceUIDs.AddNum(m.uid)
		data.DestUIDs.AddNum(uid)
		changes = append(changes, change{Op: opAdd, Folder: to.id, UID: uid, File: m.file, Size: m.size, Date: m.date, Flags: m.flags})
	}
	return data, changes, nil
}

// Search finds mails in the client's view of the selected folder.
func (c *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, _ *imap.SearchOptions) (*imap.SearchData, error) {
	var candidates []numbered
	var q query
	err := c.locked(func(map[string]*folder) error {
		among := imap.UIDSet{{Start: 1, Stop: 0}}
		if len(criteria.UID) > 0 {
			among = criteria.UID[0]
		}
		candidates = c.view.pick(among)
		q = c.compile(criteria)
		return nil
	})
	if err != nil {
		return nil, err
	}
	data := &imap.SearchData{}
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, m := range candidates {
		if !q.matches(&sought{numbered: m, store: c.server.store}) {
			continue
		}
		seqs.AddNum(m.seq)
		uids.AddNum(m.uid)
		n := m.seq
		if kind == imapserver.NumKindUID {
			n = uint32(m.uid)
		}
		data.Min = cmp.Or(data.Min, n)
		data.Max = n
		data.Count++
	}
	data.All = imap.NumSet(seqs)
	if kind == imapserver.NumKindUID {
		data.All = uids
	}
	return data, nil
}

// query is a SEARCH whose sets mean fixed mails.
type query struct {
	*imap.SearchCriteria
	sets []func(seq uint32, uid imap.UID) bool
	not  []query
	or   [][2]query
}

// compile fixes what "*" means in a search. store.mu is held.
func (c *imapSession) compile(criteria *imap.SearchCriteria) query {
	q := query{SearchCriteria: criteria}
	for _, set := range criteria.SeqNum {
		q.sets = append(q.sets, c.view.matcher(set))
	}
	for _, set := range criteria.UID {
		q.sets = append(q.sets, c.view.matcher(set))
	}
	for i := range criteria.Not {
		q.not = append(q.not, c.compile(&criteria.Not[i]))
	}
	for i := range criteria.Or {
		q.or = append(q.or, [2]query{c.compile(&criteria.Or[i][0]), c.compile(&criteria.Or[i][1])})
	}
	return q
}

// sought is a mail during a search: its file is read when a criterion needs it, once.
type sought struct {
	numbered
	store *store
	raw   []byte
	text  *string
}

func (m *sought) bytes() []byte {
	if m.raw == nil {
		m.raw, _ = m.store.read(m.file) // expunged meanwhile: matches nothing
	}
	return m.raw
}

func (m *sought) body() string {
	if m.text == nil {
		text := strings.ToLower(readMessage(m.bytes()).allText())
		m.text = &text
	}
	return *m.text
}

func (q query) matches(m *sought) bool {
	all := func(fs ...bool) bool { return !slices.Contains(fs, false) }
	if !all(
		!slices.ContainsFunc(q.sets, func(in func(uint32, imap.UID) bool) bool { return !in(m.seq, m.uid) }),
		onDay(m.date, q.Since, q.Before),
		!slices.ContainsFunc(q.Flag, func(f imap.Flag) bool { return !hasFlag(m.flags, f) }),
		!slices.ContainsFunc(q.NotFlag, func(f imap.Flag) bool { return hasFlag(m.flags, f) }),
		q.Larger == 0 || m.size > q.Larger,
		q.Smaller == 0 || m.size < q.Smaller,
	) {
		return false
	}
	for _, f := range q.Header {
		if !headerContains(m.bytes(), f.Key, f.Value) {
			return false
		}
	}
	if !q.SentSince.IsZero() || !q.SentBefore.IsZero() {
		if sent := envelopeOf(m.bytes()).Date; sent.IsZero() || !onDay(sent, q.SentSince, q.SentBefore) {
			return false
		}
	}
	for _, text := range q.Body {
		if !strings.Contains(m.body(), strings.ToLower(text)) {
			return false
		}
	}
	for _, text := range q.Text {
		head, _ := splitMail(m.bytes())
		if text = strings.ToLower(text); !strings.Contains(m.body(), text) && !strings.Contains(strings.ToLower(string(head)), text) {
			return false
		}
	}
	return !slices.ContainsFunc(q.not, func(n query) bool { return n.matches(m) }) &&
		!slices.ContainsFunc(q.or, func(o [2]query) bool { return !o[0].matches(m) && !o[1].matches(m) })
}

// onDay compares days as they are written, whatever the zone (RFC 9051 section 6.4.4).
func onDay(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

// headerContains reports whether a field called key holds value, ignoring case; an empty value asks whether the field is there.
func headerContains(raw []byte, key, value string) bool {
	h := headerOf(raw)
	for fields := h.FieldsByKey(key); fields.Next(); {
		decoded := decodeWords(fields.Value())
		if strings.Contains(strings.ToLower(decoded), strings.ToLower(value)) {
			return true
		}
	}
	return false
}
