package mailbox_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
)

func mails(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("Subject: mail %d\r\n\r\nHello\r\n", i+1))
	}
	return list
}

// show writes UIDs as they come, with the problem of those that have one.
func show(list []mailbox.Mail) string {
	var b []string
	for _, m := range list {
		text := fmt.Sprint(m.UID)
		if m.Problem != mailbox.Fetched {
			text += ":" + string(m.Problem)
		}
		b = append(b, text)
	}
	return strings.Join(b, " ")
}

func TestNextReturnsBatchesThatEndAtTheirLimits(t *testing.T) {
	t.Parallel()
	s := script(t, mails(7)...)
	s.mails[3] = "Subject: big\r\n\r\n" + strings.Repeat("x", 1000)
	s.mails[5] = "Subject: too big\r\n\r\n" + strings.Repeat("x", 3000)
	session := s.open(func(c *mailbox.Config) { c.BatchMails, c.BatchBytes, c.MaxMail = 3, 1020, 2000 })
	var got []string
	cursor := uint32(0)
	for {
		list, err := session.Next(t.Context(), cursor)
		must(t, err)
		if len(list) == 0 {
			break
		}
		got = append(got, show(list))
		for _, m := range list {
			if m.Problem == mailbox.Fetched && (string(m.Raw) != s.mails[m.UID] || m.Size != int64(len(m.Raw))) {
				t.Errorf("mail %d is not what the server has", m.UID)
			}
		}
		cursor = list[len(list)-1].UID
	}
	if want := "1 2|3|4 5:too_large 6|7"; strings.Join(got, "|") != want {
		t.Errorf("batches %s, want %s", strings.Join(got, "|"), want)
	}
	for line := range strings.SplitSeq(s.told(), "\n") {
		if strings.HasPrefix(line, "UID FETCH") && strings.Contains(line, "BODY") && strings.Contains(line, " 5 ") {
			t.Errorf("the mail that is too large was fetched: %s", line)
		}
		for _, never := range []string{"ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "FLAGS", "BODY[", "EXPUNGE"} {
			if strings.Contains(line, never) {
				t.Errorf("the server was told %s", line)
			}
		}
	}
}

func TestNextReturnsNothingTwiceAlthoughTheServerAnswersWithTheLastMail(t *testing.T) {
	t.Parallel()
	s := script(t, mails(3)...)
	for _, caps := range []string{s.caps, strings.ReplaceAll(s.caps, "ESEARCH ", "")} {
		s.set(func() { s.caps = caps })
		session := s.open(nil)
		if list, err := session.Next(t.Context(), 2); err != nil || show(list) != "3" {
			t.Errorf("after 2: %s, %v", show(list), err)
		}
		if list, err := session.Next(t.Context(), 3); err != nil || len(list) > 0 {
			t.Errorf("after 3: %s, %v", show(list), err)
		}
	}
}

func TestOnePoisonMailIsReportedAndTheOthersAreFetched(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{badSize, badAnswer, badItem, refuse, drop, mute, nilBody, emptyBody, noUID, noAnswer} {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			s := script(t, mails(9)...)
			s.manner[6] = manner
			session := s.open(func(c *mailbox.Config) {
				c.BatchMails = 6
				if manner == mute {
					c.CommandTimeout = 60 * time.Millisecond
				}
			})
			var all []mailbox.Mail
			for cursor := uint32(0); ; cursor = all[len(all)-1].UID {
				list, err := session.Next(t.Context(), cursor)
				must(t, err)
				if len(list) == 0 {
					break
				}
				all = append(all, list...)
			}
			if want := "1 2 3 4 5 6:unfetchable 7 8 9"; show(all) != want {
				t.Errorf("got %s, want %s", show(all), want)
			}
			// It can be asked for again, once somebody has mended it.
			s.set(func() { delete(s.manner, 6) })
			again, rest, err := session.Fetch(t.Context(), []uint32{6})
			if err != nil || show(again) != "6" || len(rest) > 0 {
				t.Errorf("asked again: %s, %v", show(again), err)
			}
		})
	}
}

func TestSeveralPoisonMailsAndOneThatLiesAboutItsSize(t *testing.T) {
	t.Parallel()
	s := script(t, mails(12)...)
	for uid, manner := range map[uint32]string{1: badAnswer, 4: refuse, 5: drop, 9: badSize, 10: liesOfSize, 12: nilBody} {
		s.manner[uid] = manner
	}
	session := s.open(func(c *mailbox.Config) { c.MaxMail = 1 << 20 })
	list, err := session.Next(t.Context(), 0)
	must(t, err)
	if want := "1:unfetchable 2 3 4:unfetchable 5:unfetchable 6 7 8 9:unfetchable 10:too_large 11 12:unfetchable"; show(list) != want {
		t.Errorf("got %s, want %s", show(list), want)
	}
}

func TestServerThatDeliversNothingIsDownAndNoMailIsBlamed(t *testing.T) {
	t.Parallel()
	for _, manner := range []string{refuse, drop, noAnswer} {
		t.Run(manner, func(t *testing.T) {
			t.Parallel()
			s := script(t, mails(4)...)
			for uid := range s.mails {
				s.manner[uid] = manner
			}
			list, err := s.open(func(c *mailbox.Config) { c.BatchMails = 1 }).Next(t.Context(), 0)
			if postroom.ReasonOf(err) != postroom.ReasonMailServerDown || len(list) > 0 {
				t.Errorf("got %s, %v", show(list), err)
			}
		})
	}
}

func TestLostConnectionsDoNotMakeAMailUnfetchable(t *testing.T) {
	t.Parallel()
	s := script(t, mails(8)...)
	s.manner[3] = drop
	s.onLogin = func(n int) {
		if n == 6 { // the network is well again
			s.set(func() { delete(s.manner, 3) })
		}
	}
	list, err := s.open(nil).Next(t.Context(), 0)
	if err != nil || show(list) != "1 2 3 4 5 6 7 8" {
		t.Errorf("got %s, %v", show(list), err)
	}
}

func TestFolderThatWasMadeAnewMeanwhileIsAConflict(t *testing.T) {
	t.Parallel()
	s := script(t, mails(3)...)
	s.manner[2] = badAnswer
	s.onLogin = func(n int) {
		if n == 2 {
			s.set(func() { s.validity, s.manner = 8, map[uint32]string{} })
		}
	}
	session := s.open(nil)
	_, err := session.Next(t.Context(), 0)
	if postroom.KindOf(err) != postroom.KindConflict || postroom.ReasonOf(err) != mailbox.ReasonFolderChanged {
		t.Errorf("got %v", err)
	}
	if list, err := session.Next(t.Context(), 0); err != nil || show(list) != "1 2 3" || session.Folder().UIDValidity != 8 {
		t.Errorf("begun anew: %s, %v", show(list), err)
	}
}

func TestMailThatIsExpungedMeanwhileIsLeftOutAndTheNextOnesAreFound(t *testing.T) {
	t.Parallel()
	s := script(t, mails(6)...)
	session := s.open(func(c *mailbox.Config) { c.BatchMails = 2 })
	if list, err := session.Next(t.Context(), 0); err != nil || show(list) != "1 2" {
		t.Fatalf("got %s, %v", show(list), err)
	}
	s.set(func() { delete(s.mails, 3); delete(s.mails, 4); delete(s.mails, 5) })
	if list, err := session.Next(t.Context(), 2); err != nil || show(list) != "6" {
		t.Errorf("got %s, %v", show(list), err)
	}
}

func TestSearchThatClaimsBillionsOfMailsIsTakenInPieces(t *testing.T) {
	t.Parallel()
	s := script(t, mails(2)...)
	s.untagged["UID SEARCH"] = "* ESEARCH (TAG \"\") UID ALL 1:4294967295\r\n"
	s.answers["UID SEARCH"] = "OK done"
	list, err := s.open(nil).Next(t.Context(), 0)
	// Mail 3 and the others of the batch do not come, and yet the search says that they exist.
	if err != nil || len(list) != 50 || show(list[:3]) != "1 2 3:unfetchable" {
		t.Errorf("got %d: %s, %v", len(list), show(list[:min(3, len(list))]), err)
	}
}

func TestSilentServerFailsEveryCallInTime(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"greeting", "AUTHENTICATE", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE", "UID MOVE", "UID EXPUNGE", "APPEND", "IDLE", "DONE"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			s := script(t, mails(2)...)
			s.answers[verb] = mute
			config := s.config()
			config.CommandTimeout, config.IdleCycle = 50*time.Millisecond, 20*time.Millisecond
			began := time.Now()
			session, err := mailbox.Open(t.Context(), config)
			if err == nil {
				switch verb {
				case "UID STORE":
					err = session.Mark(t.Context(), []uint32{1})
				case "UID MOVE":
					err = session.Move(t.Context(), []uint32{1}, "Done")
				case "UID EXPUNGE":
					err = session.Expunge(t.Context(), []uint32{1})
				case "APPEND":
					err = session.Append(t.Context(), "Sent", []byte("x"), time.Now())
				case "IDLE", "DONE":
					_, err = session.Idle(t.Context())
				default:
					_, err = session.Next(t.Context(), 0)
				}
				must(t, session.Close())
			}
			if postroom.ReasonOf(err) != postroom.ReasonMailServerDown || postroom.KindOf(err) != postroom.KindUnavailable {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestMailAndErrorsShowNothingOfWhatTheServerSent(t *testing.T) {
	t.Parallel()
	s := script(t, "Subject: secret of ada@customer.example\r\n\r\n4111 1111 1111 1111\r\n")
	session := s.open(nil)
	list, err := session.Next(t.Context(), 0)
	must(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("fetched", "mail", list[0])
	shown := []string{fmt.Sprintf("%v %+v %#v", list, list, list), log.String()}
	if _, err := json.Marshal(list); err == nil {
		t.Error("a mail can be put into a payload")
	}
	for _, answer := range []string{"NO [X-ADA ada@customer.example] ada@customer.example", "BAD ada@customer.example", "NO [TRYCREATE] ada@customer.example", "OK [UNCLOSED ada@customer.example"} {
		s.set(func() { s.answers["UID STORE"] = answer })
		err := s.open(func(c *mailbox.Config) { c.CommandTimeout = 100 * time.Millisecond }).Mark(t.Context(), []uint32{1})
		for ; err != nil; err = unwrap(err) {
			shown = append(shown, err.Error())
		}
	}
	if i := slices.IndexFunc(shown, func(text string) bool {
		return strings.Contains(strings.ToLower(text), "ada") || strings.Contains(text, "4111 1111") || strings.Contains(text, "secret")
	}); i >= 0 {
		t.Errorf("shown: %s", shown[i])
	}
	if len(shown) < 6 {
		t.Errorf("only %d texts", len(shown))
	}
}

func unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return u.Unwrap()
	}
	return nil
}
