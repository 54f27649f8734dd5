package mailbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/postroom/postroom"
)

// Missed returns the UIDs of mails that came on or after the day of since and are not in known: what Next should have found. It is
// called now and then and after a reconnect, as servers forget to tell of mails (RFC 9051 section 6.4.4 compares days only, without
// zones: so the day before since counts too). Pass what it returns to Fetch.
func (s *Session) Missed(ctx context.Context, since time.Time, known []uint32) ([]uint32, error) {
	found, err := s.search(ctx, &imap.SearchCriteria{Since: since.AddDate(0, 0, -1)})
	if err != nil {
		return nil, err
	}
	have := make(map[uint32]bool, len(known))
	for _, uid := range known {
		have[uid] = true
	}
	return slices.DeleteFunc(found, func(uid uint32) bool { return have[uid] }), nil
}

// Find returns the UIDs of the mails in the open folder with this Message-ID: how an ambiguous outcome is probed (R21), in a session
// on the folder of sent mail.
func (s *Session) Find(ctx context.Context, id postroom.InternetMessageID) ([]uint32, error) {
	if err := s.guard(ctx, s.config.CommandTimeout, func() error { return s.client.Noop().Wait() }); err != nil {
		return nil, failure(ctx, "search", err)
	}
	return s.search(ctx, &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: "<" + string(id) + ">"}}})
}

// Mark marks mails as ingested, for people who look into the mailbox: with Keyword where the server keeps keywords, else with \Seen.
func (s *Session) Mark(ctx context.Context, uids []uint32) error {
	flag := imap.FlagSeen
	if s.folder.Keywords {
		flag = Keyword
	}
	return s.flag(ctx, "mark mails", uids, flag)
}

func (s *Session) flag(ctx context.Context, doing string, uids []uint32, flag imap.Flag) error {
	if len(uids) == 0 {
		return nil
	}
	err := s.guard(ctx, s.config.CommandTimeout, func() error {
		return s.client.Store(set(uids), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	})
	if err != nil {
		return failure(ctx, doing, err)
	}
	return nil
}

// Move moves mails to another folder of the account, which is made if it does not exist.
//
// Without MOVE (RFC 6851) it copies, and deletes only what was copied: one command after the other, each answered before the next is
// sent. Without UIDPLUS the originals stay, flagged \Deleted: a plain EXPUNGE would remove what others have flagged.
func (s *Session) Move(ctx context.Context, uids []uint32, folder string) error {
	if len(uids) == 0 {
		return nil
	}
	move := s.caps.Has(imap.CapMove)
	err := s.inFolder(ctx, folder, func() error {
		return s.guard(ctx, s.config.CommandTimeout, func() error {
			if move {
				_, err := s.client.Move(set(uids), folder).Wait()
				return err
			}
			_, err := s.client.Copy(set(uids), folder).Wait()
			return err
		})
	})
	if err != nil {
		return failure(ctx, "move mails", err)
	}
	if move {
		return nil
	}
	if err := s.flag(ctx, "move mails", uids, imap.FlagDeleted); err != nil {
		return err
	}
	if !s.caps.Has(imap.CapUIDPlus) {
		return nil
	}
	return s.expunge(ctx, uids)
}

// Expunge removes mails for good, and no others: it needs UIDPLUS (RFC 4315), and is Refused without.
func (s *Session) Expunge(ctx context.Context, uids []uint32) error {
	if len(uids) == 0 {
		return nil
	}
	if !s.caps.Has(imap.CapUIDPlus) {
		return postroom.Refused(ReasonCommandRefused, "The mail server cannot expunge single mails")
	}
	if err := s.flag(ctx, "expunge mails", uids, imap.FlagDeleted); err != nil {
		return err
	}
	return s.expunge(ctx, uids)
}

func (s *Session) expunge(ctx context.Context, uids []uint32) error {
	err := s.guard(ctx, s.config.CommandTimeout, func() error { return s.client.UIDExpunge(set(uids)).Close() })
	if err != nil {
		return failure(ctx, "expunge mails", err)
	}
	return nil
}

// Append puts a mail into a folder of the account, marked as read; the folder is made if it does not exist. For our own copies of sent
// mail, where the provider makes none.
func (s *Session) Append(ctx context.Context, folder string, mail []byte, at time.Time) error {
	patience := s.config.CommandTimeout + time.Duration(len(mail)/bytesASecond)*time.Second
	err := s.inFolder(ctx, folder, func() error {
		return s.guard(ctx, patience, func() error {
			cmd := s.client.Append(folder, int64(len(mail)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
			_, writeErr := cmd.Write(mail)
			closeErr := cmd.Close()
			if _, err := cmd.Wait(); err != nil {
				return err // what the server says comes before what happened to the command meanwhile
			}
			return errors.Join(writeErr, closeErr)
		})
	})
	if err != nil {
		return failure(ctx, "append a mail", err)
	}
	return nil
}

// inFolder runs a command that names a folder, and once more after making the folder if that is what the server asks for
// (RFC 9051 section 6.3.12). A refused APPEND costs the connection: the library has announced a literal that it cannot take back.
func (s *Session) inFolder(ctx context.Context, folder string, command func() error) error {
	err := command()
	var refusal *imap.Error
	if !errors.As(err, &refusal) || (refusal.Code != imap.ResponseCodeTryCreate && refusal.Code != imap.ResponseCodeNonExistent) {
		return err
	}
	if s.client.State() == imap.ConnStateLogout {
		if err := s.reopen(ctx); err != nil {
			return err
		}
	}
	err = s.guard(ctx, s.config.CommandTimeout, func() error { return s.client.Create(folder, nil).Wait() })
	if errors.As(err, &refusal) && refusal.Code == imap.ResponseCodeAlreadyExists {
		err = nil
	}
	if err != nil {
		return err
	}
	return command()
}
