package mailbox

import (
	"context"
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"

	"github.com/postroom/postroom"
)

// Sent reports whether the folder for copies of what was sent holds a mail with a Message-ID, which is given without angle brackets. folder names
// it; if it is empty, the one that the server calls \Sent is asked (RFC 6154 section 2), and without one the answer is no. It reads and
// changes nothing, over a connection of its own. Errors are those of Open.
func Sent(ctx context.Context, config Config, folder, messageID string) (bool, error) {
	config.Folder = "INBOX"
	s, err := Open(ctx, config)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if folder == "" {
		if folder, err = s.sentFolder(ctx); err != nil || folder == "" {
			return false, err
		}
	}
	var found imap.UIDSet
	err = s.guard(ctx, s.config.CommandTimeout, func() error {
		if _, err := s.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		data, err := s.client.UIDSearch(&imap.SearchCriteria{
			Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: messageID}}}, nil).Wait()
		if err != nil {
			return err
		}
		found = imap.UIDSetNum(data.AllUIDs()...)
		return nil
	})
	if err != nil {
		return false, failure(ctx, "look into the Sent folder", err)
	}
	return len(found) > 0, nil
}

// sentFolder is the folder that the server calls \Sent; empty if it calls none so.
func (s *Session) sentFolder(ctx context.Context) (string, error) {
	var name string
	err := s.guard(ctx, s.config.CommandTimeout, func() error {
		folders, err := s.client.List("", "*", nil).Collect()
		for _, f := range folders {
			if slices.Contains(f.Attrs, imap.MailboxAttrSent) {
				name = f.Mailbox
			}
		}
		return err
	})
	var refusal *imap.Error
	if errors.As(err, &refusal) {
		return "", postroom.Refused(ReasonCommandRefused, "The mail server does not list its folders")
	}
	if err != nil {
		return "", failure(ctx, "list the folders", err)
	}
	return name, nil
}
