package store

import (
	"context"

	"github.com/postroom/postroom"
)

// WatchedMailbox is a mailbox's settings as its watcher needs them.
type WatchedMailbox struct {
	Mailbox postroom.Mailbox
	Active  bool
	Version int64
}

type mailboxRow struct {
	Address, Name, Folder string
	IMAP, SMTP            postroom.MailServer
	OAuth                 postroom.OAuth
	OnFinding             postroom.Original
	PlusAddressing        bool
	SentFolder            string
	AuthServIDs           []string
	SpamHeader            bool
	Active                bool
	Version               int64
}

var readMailbox = statement(`SELECT address, name, folder, imap, smtp, oauth, on_finding, plus_addressing, sent_folder, authserv_ids, spam_header, active, version FROM mailbox WHERE id = $1`)

// Mailbox reads a mailbox's settings. One that the configuration does not know is NotFound.
func (s *Store) Mailbox(ctx context.Context, id postroom.MailboxID) (WatchedMailbox, error) {
	r, found, err := one[mailboxRow](ctx, s.pool, readMailbox, id)
	if err != nil {
		return WatchedMailbox{}, translate("read a mailbox", err)
	}
	if !found {
		return WatchedMailbox{}, postroom.NotFound("unknown_mailbox", "there is no such mailbox")
	}
	w := WatchedMailbox{Active: r.Active, Version: r.Version, Mailbox: postroom.Mailbox{ID: id, Address: r.Address, Name: r.Name,
		Folder: r.Folder, IMAP: r.IMAP, SMTP: r.SMTP, OAuth: r.OAuth, OnFinding: r.OnFinding, PlusAddressing: r.PlusAddressing, SentFolder: r.SentFolder,
		AuthServIDs: r.AuthServIDs, SpamHeader: r.SpamHeader}}
	return w, nil
}

// Cursor is how far a folder has been read: every UID up to LastUID is settled.
type Cursor struct {
	UIDValidity uint32
	LastUID     uint32
}

var readCursor = statement(`SELECT uidvalidity, last_uid FROM mailbox_cursor WHERE mailbox_id = $1 AND folder = $2`)

// MailboxCursor reads how far a folder has been read; the zero Cursor if it never was.
func (s *Store) MailboxCursor(ctx context.Context, id postroom.MailboxID, folder string) (Cursor, error) {
	c, _, err := one[Cursor](ctx, s.pool, readCursor, id, folder)
	return c, translate("read a mailbox's cursor", err)
}

var moveCursor = statement(`
	INSERT INTO mailbox_cursor (mailbox_id, folder, uidvalidity, last_uid) VALUES ($1, $2, $3, $4)
	ON CONFLICT (mailbox_id, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity,
		last_uid = CASE WHEN mailbox_cursor.uidvalidity = excluded.uidvalidity
			THEN greatest(mailbox_cursor.last_uid, excluded.last_uid) ELSE excluded.last_uid END`)

// MoveCursor records that every UID of the folder up to c.LastUID is settled.
func (s *Store) MoveCursor(ctx context.Context, id postroom.MailboxID, folder string, c Cursor) error {
	_, err := s.pool.Exec(ctx, moveCursor, id, folder, int64(c.UIDValidity), int64(c.LastUID))
	return translate("move a mailbox's cursor", err)
}

var readKnown = statement(`SELECT uid FROM received WHERE mailbox_id = $1 AND folder = $2 AND uidvalidity = $3 AND uid = ANY($4)`)

// Known says which of these UIDs have been dealt with: the rest was missed.
func (s *Store) Known(ctx context.Context, id postroom.MailboxID, folder string, uidvalidity uint32, uids []uint32) (map[uint32]bool, error) {
	asked := make([]int64, len(uids))
	for i, u := range uids {
		asked[i] = int64(u)
	}
	got, err := values[int64](ctx, s.pool, readKnown, id, folder, int64(uidvalidity), asked)
	if err != nil {
		return nil, translate("read which mails are known", err)
	}
	known := make(map[uint32]bool, len(got))
	for _, u := range got {
		known[uint32(u)] = true
	}
	return known, nil
}

// PendingMail is a mail that is stored, and with which something remains to be done in its mailbox.
type PendingMail struct {
	UIDValidity uint32
	UID         uint32
	Action      string // "mark", "move" or "expunge"
	Message     postroom.MessageID
}

var readPending = statement(`
	SELECT uidvalidity, uid, pending, coalesce(message_id::text, '') FROM received
	WHERE mailbox_id = $1 AND folder = $2 AND pending <> '' ORDER BY uidvalidity, uid LIMIT 500`)

// PendingInMailbox lists what remains to be done in a folder with mail that is stored.
func (s *Store) PendingInMailbox(ctx context.Context, id postroom.MailboxID, folder string) ([]PendingMail, error) {
	pending, err := all[PendingMail](ctx, s.pool, readPending, id, folder)
	return pending, translate("read what remains to be done in a mailbox", err)
}

var settlePending = statement(`
	UPDATE received SET pending = '' WHERE mailbox_id = $1 AND folder = $2 AND uidvalidity = $3 AND uid = ANY($4)`)

// SettledInMailbox records that nothing remains to be done with these mails.
func (s *Store) SettledInMailbox(ctx context.Context, id postroom.MailboxID, folder string, uidvalidity uint32, uids ...uint32) error {
	settled := make([]int64, len(uids))
	for i, u := range uids {
		settled[i] = int64(u)
	}
	_, err := s.pool.Exec(ctx, settlePending, id, folder, int64(uidvalidity), settled)
	return translate("record what was done in a mailbox", err)
}

// RedactedMail is a stored mail as it may be put back into its mailbox in place of the original (R28).
type RedactedMail struct {
	From, Subject, Body, Headers, MessageID string
}

var readRedacted = statement(`SELECT from_address, subject, body, headers, internet_message_id FROM message WHERE id = $1`)

// Redacted reads the redacted copy of a stored mail back.
func (s *Store) Redacted(ctx context.Context, id postroom.MessageID) (RedactedMail, error) {
	m, found, err := one[RedactedMail](ctx, s.pool, readRedacted, id)
	if err == nil && !found {
		return m, postroom.NotFound("unknown_message", "there is no such message")
	}
	return m, translate("read a redacted mail", err)
}
