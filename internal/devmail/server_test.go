package devmail_test

import (
	"bytes"
	"context"
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/postroom/postroom/internal/devmail"
)

const (
	support  = "support@postroom.example"
	password = "not a secret"
	patience = 20 * time.Second
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("DEVMAIL_TEST_SERVE"); dir != "" {
		serveUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T, options devmail.Options) *devmail.Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	if options.Accounts == nil {
		options.Accounts = map[string]string{support: password}
	}
	s, err := devmail.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func letter(subject string) string {
	return "From: Ada <ada@customer.example>\r\nTo: " + support + "\r\nSubject: " + subject +
		"\r\nMessage-ID: <" + strings.ReplaceAll(subject, " ", ".") + "@customer.example>\r\n\r\nHello " + subject + "\r\n"
}

func submit(s *devmail.Server, raw string, to ...string) error {
	return smtp.SendMail(s.SMTPAddr(), nil, "ada@customer.example", to, []byte(raw))
}

// mailbox is an IMAP client of the library that has INBOX selected; exists receives the number of mails when it is told of one.
type mailbox struct {
	*imapclient.Client
	t        *testing.T
	selected *imap.SelectData
	exists   chan uint32
}

func open(t *testing.T, s *devmail.Server) *mailbox {
	t.Helper()
	m := &mailbox{t: t, exists: make(chan uint32, 100)}
	c, err := imapclient.DialInsecure(s.IMAPAddr(), &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				m.exists <- *data.NumMessages
			}
		}}})
	must(t, err)
	m.Client = c
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.Login(support, password).Wait())
	m.selected, err = c.Select("INBOX", nil).Wait()
	must(t, err)
	return m
}

// fetch returns what the server has of every mail, by UID, bytes included.
func (m *mailbox) fetch() map[imap.UID]*imapclient.FetchMessageBuffer {
	m.t.Helper()
	all := imap.UIDSet{{Start: 1, Stop: 0}}
	list, err := m.Fetch(all, &imap.FetchOptions{Flags: true, RFC822Size: true, InternalDate: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
	must(m.t, err)
	mails := map[imap.UID]*imapclient.FetchMessageBuffer{}
	for _, buf := range list {
		mails[buf.UID] = buf
	}
	return mails
}

func (m *mailbox) search(criteria *imap.SearchCriteria) string {
	m.t.Helper()
	data, err := m.UIDSearch(criteria, nil).Wait()
	must(m.t, err)
	return fmt.Sprint(data.AllUIDs())
}

func (m *mailbox) refused(err error, code imap.ResponseCode) {
	m.t.Helper()
	imapErr, ok := err.(*imap.Error)
	if !ok || imapErr.Type != imap.StatusResponseTypeNo || (code != "" && imapErr.Code != code) {
		m.t.Fatalf("got %v, want NO [%s]", err, code)
	}
}

func TestMailForATaggedAddressIsKeptForItsAccountWithTheTagInDeliveredTo(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	must(t, submit(s, letter("tag"), "Support+Token.K7@Postroom.Example"))
	got := open(t, s).fetch()[1]
	if got == nil {
		t.Fatal("no mail")
	}
	raw := string(got.BodySection[0].Bytes)
	for _, want := range []string{"Return-Path: <ada@customer.example>\r\n", "Delivered-To: Support+Token.K7@Postroom.Example\r\n",
		"for <Support+Token.K7@Postroom.Example>;", letter("tag")} {
		if !strings.Contains(raw, want) {
			t.Errorf("the mail lacks %q", want)
		}
	}
	if int64(len(raw)) != got.RFC822Size {
		t.Errorf("RFC822.SIZE %d, %d bytes", got.RFC822Size, len(raw))
	}
}

func TestAccountNeedsItsPassword(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	must(t, submit(s, letter("x"), "customer@customer.example"))
	for _, try := range [][2]string{{support, "wrong"}, {support, ""}, {"customer@customer.example", ""}, {"nobody@x.example", "x"}} {
		c, err := imapclient.DialInsecure(s.IMAPAddr(), nil)
		must(t, err)
		if err := c.Login(try[0], try[1]).Wait(); err == nil {
			t.Errorf("%s signed in with %q", try[0], try[1])
		}
		must(t, c.Close())
		if err := smtp.SendMail(s.SMTPAddr(), smtp.PlainAuth("", try[0], try[1], "127.0.0.1"), "a@x.example", []string{"b@x.example"}, nil); err == nil {
			t.Errorf("AUTH took %q for %s", try[1], try[0])
		}
	}
	must(t, smtp.SendMail(s.SMTPAddr(), smtp.PlainAuth("", support, password, "127.0.0.1"), support, []string{"b@x.example"}, []byte(letter("x"))))
}

func TestIdlingClientHearsOfADelivery(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	m := open(t, s)
	idle, err := m.Idle()
	must(t, err)
	const n = 20
	var worst, sum time.Duration
	for i := range n {
		at := time.Now()
		must(t, submit(s, letter("x"), support))
		select {
		case got := <-m.exists:
			if got != uint32(i+1) {
				t.Fatalf("told of %d mails, want %d", got, i+1)
			}
		case <-time.After(patience):
			t.Fatal("not told")
		}
		took := time.Since(at)
		sum, worst = sum+took, max(worst, took)
	}
	t.Logf("SMTP connect to EXISTS: mean %v, worst %v of %d", sum/n, worst, n)
	must(t, idle.Close())
	must(t, idle.Wait())
}

func TestDeliveryBetweenSelectAndIdleWakesTheIdle(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	m := open(t, s)
	must(t, submit(s, letter("x"), support))
	idle, err := m.Idle()
	must(t, err)
	select {
	case <-m.exists:
	case <-time.After(patience):
		t.Fatal("not told of the mail that came before IDLE")
	}
	must(t, idle.Close())
}

func TestRestartKeepsUIDValidityUIDsFlagsAndKeywords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, devmail.Options{Dir: dir})
	for i := range 4 {
		must(t, submit(s, letter(fmt.Sprint("mail ", i)), support))
	}
	m := open(t, s)
	must(t, m.Store(imap.UIDSetNum(2), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen, "$PostroomIngested"}}, nil).Close())
	must(t, m.Store(imap.UIDSetNum(1, 4), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, m.UIDExpunge(imap.UIDSetNum(1, 4)).Close())
	before := m.fetch()
	validity := m.selected.UIDValidity
	for range 2 {
		must(t, s.Close())
		s = start(t, devmail.Options{Dir: dir})
		m = open(t, s)
		if m.selected.UIDValidity != validity || m.selected.UIDNext != 5 {
			t.Fatalf("UIDVALIDITY %d, UIDNEXT %d; want %d and 5", m.selected.UIDValidity, m.selected.UIDNext, validity)
		}
		after := m.fetch()
		if len(after) != 2 {
			t.Fatalf("%d mails, want 2", len(after))
		}
		for uid, want := range before {
			got := after[uid]
			if got == nil || !bytes.Equal(got.BodySection[0].Bytes, want.BodySection[0].Bytes) || fmt.Sprint(got.Flags) != fmt.Sprint(want.Flags) ||
				!got.InternalDate.Equal(want.InternalDate) {
				t.Errorf("mail %d changed: %v %v", uid, got.Flags, want.Flags)
			}
		}
	}
	if got := m.search(&imap.SearchCriteria{Flag: []imap.Flag{"$postroomingested"}}); got != "[2]" {
		t.Errorf("KEYWORD finds %s, want [2]", got)
	}
}

func TestTwoServersDoNotShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, devmail.Options{Dir: dir})
	if s, err := devmail.Start(devmail.Options{Dir: dir}); err == nil {
		t.Error("a second server started", s.Close())
	}
}

func TestTornLastLineIsDroppedAndDamageBeforeItIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, devmail.Options{Dir: dir})
	must(t, submit(s, letter("whole"), support))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "mail", "99.eml"), []byte("never acknowledged"), 0o600))
	journal := filepath.Join(dir, "journal")
	whole, err := os.ReadFile(journal)
	must(t, err)
	must(t, os.WriteFile(journal, append(bytes.Clone(whole), `[{"op":"add","folder":1,"uid":2,"fi`...), 0o600))
	s = start(t, devmail.Options{Dir: dir})
	if got := open(t, s).fetch(); len(got) != 1 || got[1] == nil {
		t.Errorf("%d mails after a torn line, want the acknowledged one", len(got))
	}
	if _, err := os.Stat(filepath.Join(dir, "mail", "99.eml")); !os.IsNotExist(err) {
		t.Error("a file that nothing names is still there")
	}
	must(t, s.Close())
	must(t, os.WriteFile(journal, append([]byte("[{\"op\":\n"), whole...), 0o600))
	if s, err := devmail.Start(devmail.Options{Dir: dir}); err == nil {
		t.Error("a damaged journal was taken", s.Close())
	}
}

func TestPowerCutNeverMakesAUIDMeanAnotherMail(t *testing.T) {
	t.Parallel()
	dir, after := t.TempDir(), t.TempDir()
	s := start(t, devmail.Options{Dir: dir})
	for i := range 3 {
		must(t, submit(s, letter(fmt.Sprint("mail ", i)), support))
	}
	validity := open(t, s).selected.UIDValidity
	// What a power cut may leave: the state of a running server, less the end of the journal, less what a file holds.
	must(t, os.CopyFS(after, os.DirFS(dir)))
	journal := filepath.Join(after, "journal")
	lines, err := os.ReadFile(journal)
	must(t, err)
	must(t, os.WriteFile(journal, lines[:bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1], 0o600))
	must(t, os.Truncate(filepath.Join(after, "mail", "1.eml"), 0))
	s = start(t, devmail.Options{Dir: after})
	must(t, submit(s, letter("new"), support))
	m := open(t, s)
	got := m.fetch()
	if len(got) != 2 || got[2] == nil || got[3] != nil || m.selected.UIDNext < 1000 || m.selected.UIDValidity != validity {
		t.Errorf("%d mails, UIDNEXT %d", len(got), m.selected.UIDNext)
	}
}

func TestEveryByteOfAMalformedMailIsServedAsItCame(t *testing.T) {
	t.Parallel()
	s := start(t, devmail.Options{})
	files, err := filepath.Glob("../../../shared/corpora/nasty/*.eml")
	must(t, err)
	if len(files) == 0 {
		t.Skip("the corpora are not here: ../shared/corpora/nasty")
	}
	m := open(t, s)
	want := map[imap.UID][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		cmd := m.Append("INBOX", int64(len(raw)), nil)
		_, err = cmd.Write(raw)
		must(t, err)
		must(t, cmd.Close())
		data, err := cmd.Wait()
		must(t, err)
		want[data.UID] = raw
	}
	got := m.fetch()
	for uid, raw := range want {
		if got[uid] == nil || !bytes.Equal(got[uid].BodySection[0].Bytes, raw) {
			t.Errorf("mail %d differs", uid)
		}
	}
	// What the server derives from such mails may be poor, but it never ends a session. The very large ones take the library seconds.
	var small imap.UIDSet
	for uid, raw := range want {
		if len(raw) < 256<<10 {
			small.AddNum(uid)
		}
	}
	for _, options := range []*imap.FetchOptions{{Envelope: true}, {BodyStructure: &imap.FetchItemBodyStructure{Extended: true}},
		{BodySection: []*imap.FetchItemBodySection{{Specifier: imap.PartSpecifierHeader, Peek: true}, {Specifier: imap.PartSpecifierText, Peek: true}, {Part: []int{1}, Peek: true}}}} {
		reader := open(t, s)
		if _, err := reader.Fetch(small, options).Collect(); err != nil {
			t.Logf("the client library cannot read %+v: %v", options, err)
		}
	}
	must(t, m.Noop().Wait())
}
