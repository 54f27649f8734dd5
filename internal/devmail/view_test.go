package devmail

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"pgregory.net/rapid"
)

func emptyStore() *store {
	return &store{folders: map[uint64]*folder{}, accounts: map[string]map[string]*folder{}, reports: map[uint64]*report{}, users: map[uint64]int{}}
}

// client keeps what a real client keeps: the list that EXISTS and EXPUNGE lead to, and nothing else. A mail that it has not asked for
// yet is 0.
type client struct {
	view *view
	list []imap.UID
}

func (c *client) poll(allowExpunge bool) error {
	u := c.view.catchUp(allowExpunge)
	if !allowExpunge && len(u.expunged) > 0 {
		return fmt.Errorf("EXPUNGE where it is not allowed")
	}
	for _, seq := range u.expunged {
		if int(seq) > len(c.list) {
			return fmt.Errorf("EXPUNGE %d of %d", seq, len(c.list))
		}
		c.list = slices.Delete(c.list, int(seq)-1, int(seq))
	}
	if u.grown {
		if int(u.exists) < len(c.list) {
			return fmt.Errorf("EXISTS %d, had %d", u.exists, len(c.list))
		}
		for len(c.list) < int(u.exists) {
			c.list = append(c.list, 0)
		}
	}
	for _, f := range u.flags {
		if known := c.list[f.seq-1]; known != 0 && known != f.uid {
			return fmt.Errorf("flags of %d under the number of %d", f.uid, known)
		}
	}
	return nil
}

// check asks for every number and compares with what it meant before.
func (c *client) check() error {
	for i, known := range c.list {
		picked := c.view.pick(imap.SeqSetNum(uint32(i + 1)))
		if len(picked) == 0 {
			continue // gone, and the client was not told yet
		}
		if known != 0 && known != picked[0].uid {
			return fmt.Errorf("number %d was %d and is %d", i+1, known, picked[0].uid)
		}
		c.list[i] = picked[0].uid
	}
	last := c.view.pick(imap.SeqSet{{Start: 0, Stop: 0}})
	if n := len(c.list); n > 0 && len(last) > 0 && last[0].uid != c.list[n-1] {
		return fmt.Errorf("* is %d, want %d", last[0].uid, c.list[n-1])
	}
	return nil
}

func TestANumberMeansOneMailUntilTheClientIsToldAndAReplayLeadsToTheSameState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := emptyStore()
		s.apply([]change{{Op: opFolder, Folder: 1, Account: "a@x.example", Name: inbox, UIDValidity: 7, UIDNext: 1}})
		f := s.folders[1]
		clients := []*client{{view: newView(f, false)}, {view: newView(f, false)}}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c := clients[rapid.IntRange(0, 1).Draw(t, "client")]
			var err error
			switch rapid.SampledFrom([]string{"add", "gone", "flags", "poll", "command", "report"}).Draw(t, "step") {
			case "add":
				s.apply([]change{{Op: opAdd, Folder: 1, UID: f.uidNext, File: s.nextFile + 1, Date: time.Unix(1, 0).UTC()}})
			case "gone":
				uids := slices.DeleteFunc(uidsOf(f.mails), func(imap.UID) bool { return rapid.Bool().Draw(t, "keep") })
				s.apply([]change{{Op: opGone, Folder: 1, UIDs: uids}})
			case "flags":
				if len(f.mails) > 0 {
					s.apply([]change{{Op: opFlags, Folder: 1, UID: rapid.SampledFrom(uidsOf(f.mails)).Draw(t, "uid"), Flags: []imap.Flag{imap.FlagSeen}}})
				}
			case "report":
				s.apply([]change{{Op: opReport, ID: s.nextReport + 1, File: s.nextFile + 1, Report: &report{}}})
			case "poll":
				err = c.poll(true)
				if err == nil && len(c.list) != len(f.mails) {
					err = fmt.Errorf("the client counts %d mails of %d", len(c.list), len(f.mails))
				}
			case "command":
				err = c.poll(false)
			}
			for _, c := range clients {
				if err == nil {
					err = c.check()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		replayed := emptyStore()
		for _, changes := range s.snapshot() {
			replayed.apply(changes)
		}
		if got, want := describe(t, replayed), describe(t, s); got != want {
			t.Fatalf("a replay of the snapshot leads to\n%s\nwant\n%s", got, want)
		}
	})
}

func describe(t *rapid.T, s *store) string {
	text, err := json.Marshal(s.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(string(text), s.users, s.nextFolder, s.validity)
}

func FuzzReadMessageNeverFails(f *testing.F) {
	f.Add([]byte("Subject: =?euc-kr?B?x9GxxQ==?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: text/html\r\n\r\n<p>a<"))
	f.Add([]byte("\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := readMessage(raw)
		_ = m.allText()
		structureOf(raw)
		envelopeOf(raw)
	})
}
