package devmail_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postroom/postroom/internal/devmail"
)

func (m *mailbox) append(folder, raw string, options *imap.AppendOptions) (*imap.AppendData, error) {
	m.t.Helper()
	cmd := m.Append(folder, int64(len(raw)), options)
	if _, err := cmd.Write([]byte(raw)); err != nil {
		return nil, err
	}
	if err := cmd.Close(); err != nil {
		return nil, err
	}
	return cmd.Wait()
}

func (m *mailbox) uids() string { m.t.Helper(); return m.search(&imap.SearchCriteria{}) }

func TestFoldersAreMadeRenamedListedAndDeleted(t *testing.T) {
	t.Parallel()
	m := open(t, start(t, devmail.Options{}))
	must(t, m.Create("Done", nil).Wait())
	must(t, m.Create("Done/보관함", nil).Wait())
	m.refused(m.Create("inbox", nil).Wait(), imap.ResponseCodeAlreadyExists)
	must(t, m.Rename("Done", "Old", nil).Wait())
	m.refused(m.Rename("INBOX", "X", nil).Wait(), imap.ResponseCodeCannot)
	m.refused(m.Delete("INBOX").Wait(), imap.ResponseCodeCannot)
	m.refused(m.Delete("Done").Wait(), imap.ResponseCodeNonExistent)
	list, err := m.List("", "*", &imap.ListOptions{ReturnStatus: nil}).Collect()
	must(t, err)
	var names []string
	for _, l := range list {
		names = append(names, l.Mailbox)
		if l.Mailbox == "Sent" && !slices.Contains(l.Attrs, imap.MailboxAttrSent) {
			t.Error("Sent is not marked as such")
		}
	}
	if got, want := fmt.Sprint(names), "[INBOX Old Old/보관함 Sent]"; got != want {
		t.Errorf("folders %s, want %s", got, want)
	}
	_, err = m.append("Nowhere", letter("x"), nil)
	m.refused(err, imap.ResponseCodeTryCreate)
	_, err = m.append("Old/보관함", letter("x"), nil)
	must(t, err)
	first, err := m.Status("Old/보관함", &imap.StatusOptions{NumMessages: true, UIDValidity: true, UIDNext: true, NumUnseen: true, Size: true}).Wait()
	must(t, err)
	if *first.NumMessages != 1 || first.UIDNext != 2 || *first.NumUnseen != 1 || *first.Size != int64(len(letter("x"))) {
		t.Errorf("status %+v", first)
	}
	must(t, m.Delete("Old/보관함").Wait())
	must(t, m.Create("Old/보관함", nil).Wait())
	again, err := m.Status("Old/보관함", &imap.StatusOptions{UIDValidity: true}).Wait()
	must(t, err)
	if again.UIDValidity <= first.UIDValidity {
		t.Errorf("UIDVALIDITY went from %d to %d", first.UIDValidity, again.UIDValidity)
	}
}

func TestSearchFindsByUIDDateHeaderKeywordTextAndSize(t *testing.T) {
	t.Parallel()
	m := open(t, start(t, devmail.Options{}))
	day := func(d int) time.Time { return time.Date(2026, 11, d, 23, 30, 0, 0, time.FixedZone("", 9*3600)) }
	for i, raw := range []string{
		letter("one"),
		"Subject: =?utf-8?B?7ZWc6rWt7Ja0?=\r\nMessage-ID: <two@x.example>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n7JWI64WV7ZWY7IS47JqU\r\n",
		letter("three") + "A longer one." + strings.Repeat(".", 200) + "\r\n",
	} {
		_, err := m.append("INBOX", raw, &imap.AppendOptions{Time: day(10 + i), Flags: []imap.Flag{imap.Flag(fmt.Sprint("$Label", i))}})
		must(t, err)
	}
	for _, c := range []struct {
		want string
		imap.SearchCriteria
	}{
		{"[1 2 3]", imap.SearchCriteria{}},
		{"[3]", imap.SearchCriteria{UID: []imap.UIDSet{{{Start: 3, Stop: 0}}}}},
		{"[3]", imap.SearchCriteria{UID: []imap.UIDSet{{{Start: 9, Stop: 0}}}}}, // "9:*" holds the last mail
		{"[1 2]", imap.SearchCriteria{SeqNum: []imap.SeqSet{{{Start: 1, Stop: 2}}}}},
		{"[2 3]", imap.SearchCriteria{Since: day(11)}},
		{"[1]", imap.SearchCriteria{Before: day(11)}},
		{"[2]", imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "message-id", Value: "two@x.example"}}}},
		{"[2]", imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "한국어"}}}},
		{"[1 3]", imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "From"}}}},
		{"[2]", imap.SearchCriteria{Body: []string{"안녕"}}},
		{"[1]", imap.SearchCriteria{Text: []string{"subject: ONE"}}},
		{"[2]", imap.SearchCriteria{Flag: []imap.Flag{"$LABEL1"}}},
		{"[1 3]", imap.SearchCriteria{NotFlag: []imap.Flag{"$Label1"}}},
		{"[]", imap.SearchCriteria{Flag: []imap.Flag{imap.FlagSeen}}},
		{"[3]", imap.SearchCriteria{Larger: 300}},
		{"[2 3]", imap.SearchCriteria{Not: []imap.SearchCriteria{{Body: []string{"hello one"}}}}},
		{"[1 3]", imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{{Body: []string{"hello one"}}, {Body: []string{"longer"}}}}}},
	} {
		if got := m.search(&c.SearchCriteria); got != c.want {
			t.Errorf("%+v finds %s, want %s", c.SearchCriteria, got, c.want)
		}
	}
}

func TestMoveTakesMailsAwayAndSaysWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	m := open(t, s)
	for i := range 4 {
		_, err := m.append("INBOX", letter(fmt.Sprint(i)), &imap.AppendOptions{Flags: []imap.Flag{"$Kept"}})
		must(t, err)
	}
	must(t, m.Create("Done", nil).Wait())
	copied, err := m.Copy(imap.UIDSetNum(4), "Done").Wait()
	must(t, err)
	moved, err := m.Move(imap.UIDSetNum(2, 3), "Done").Wait()
	must(t, err)
	if got := fmt.Sprint(copied.SourceUIDs, copied.DestUIDs, moved.SourceUIDs, moved.DestUIDs); got != "4 1 2:3 2:3" {
		t.Errorf("COPYUID %s", got)
	}
	if got := m.uids(); got != "[1 4]" {
		t.Errorf("the inbox has %s", got)
	}
	m.refused(func() error { _, err := m.Move(imap.UIDSetNum(1), "Nowhere").Wait(); return err }(), imap.ResponseCodeTryCreate)
	_, err = m.Select("Done", &imap.SelectOptions{ReadOnly: true}).Wait()
	must(t, err)
	if got := m.fetch(); len(got) != 3 || fmt.Sprint(got[3].Flags) != "[$Kept]" {
		t.Errorf("Done has %d mails", len(got))
	}
	m.refused(m.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(), "")
}

func TestExpungeRemovesOnlyWhatIsDeletedAndUIDExpungeOnlyWhatIsNamed(t *testing.T) {
	t.Parallel()
	m := open(t, start(t, devmail.Options{}))
	for i := range 5 {
		_, err := m.append("INBOX", letter(fmt.Sprint(i)), nil)
		must(t, err)
	}
	must(t, m.Store(imap.UIDSetNum(1, 2, 3), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, m.UIDExpunge(imap.UIDSetNum(2, 4)).Close())
	if got := m.uids(); got != "[1 3 4 5]" {
		t.Errorf("after UID EXPUNGE 2,4: %s", got)
	}
	must(t, m.Expunge().Close())
	if got := m.uids(); got != "[4 5]" {
		t.Errorf("after EXPUNGE: %s", got)
	}
}

func TestReadingABodyWithoutPeekMarksItSeen(t *testing.T) {
	t.Parallel()
	m := open(t, start(t, devmail.Options{}))
	_, err := m.append("INBOX", letter("x"), nil)
	must(t, err)
	read := func(peek bool) string {
		_, err := m.Fetch(imap.SeqSetNum(1), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Peek: peek}}}).Collect()
		must(t, err)
		return fmt.Sprint(m.fetch()[1].Flags)
	}
	if got := read(true); got != "[]" {
		t.Errorf("after BODY.PEEK[]: %s", got)
	}
	if got := read(false); got != `[\Seen]` {
		t.Errorf("after BODY[]: %s", got)
	}
}

// Two sessions look at one folder while mails come and go. A sequence number means the same mail until the client was told otherwise.
func TestSequenceNumbersStayUntilTheClientIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	a, b := open(t, s), open(t, s)
	for i := range 3 {
		_, err := a.append("INBOX", letter(fmt.Sprint(i)), nil)
		must(t, err)
	}
	must(t, b.Noop().Wait()) // b knows 1, 2, 3
	must(t, a.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, a.Expunge().Close())
	_, err := a.append("INBOX", letter("new"), nil)
	must(t, err)

	bySeq := func(m *mailbox, n uint32) string {
		list, err := m.Fetch(imap.SeqSet{{Start: n, Stop: n}}, &imap.FetchOptions{UID: true}).Collect()
		must(t, err)
		var uids []imap.UID
		for _, buf := range list {
			uids = append(uids, buf.UID)
		}
		return fmt.Sprint(uids)
	}
	// FETCH may not tell b of the EXPUNGE: 1 is a mail that is gone, 2 is still UID 2.
	if got := bySeq(b, 1) + bySeq(b, 2) + bySeq(b, 3); got != "[][2][3]" {
		t.Errorf("b sees %s", got)
	}
	must(t, b.Noop().Wait())
	if got := bySeq(b, 1) + bySeq(b, 2) + bySeq(b, 3) + b.search(&imap.SearchCriteria{SeqNum: []imap.SeqSet{{{}}}}); got != "[2][3][4][4]" {
		t.Errorf("b sees %s after it was told", got)
	}
	if got := b.Mailbox().NumMessages; got != 3 {
		t.Errorf("b counts %d mails", got)
	}
}

func TestOtherSessionsAreToldOfFlagsAndTheOneThatAskedForSilenceIsNot(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	must(t, submit(s, letter("x"), support))
	told := make(chan string, 10)
	c, err := imapclient.DialInsecure(s.IMAPAddr(), &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Fetch: func(msg *imapclient.FetchMessageData) {
			buf, _ := msg.Collect()
			told <- fmt.Sprint(buf.UID, buf.Flags)
		}}})
	must(t, err)
	defer c.Close()
	must(t, c.Login(support, password).Wait())
	_, err = c.Select("INBOX", nil).Wait()
	must(t, err)
	must(t, c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{"$Mine"}}, nil).Close())
	must(t, open(t, s).Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{"$Theirs"}}, nil).Close())
	idle, err := c.Idle()
	must(t, err)
	select {
	case got := <-told:
		if got != "1 [$Mine $Theirs]" {
			t.Errorf("told %s", got)
		}
	case <-time.After(patience):
		t.Error("not told")
	}
	must(t, idle.Close())
}
