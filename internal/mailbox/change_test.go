package mailbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/mailbox"
)

func (s *server) toldAfter(verb string) string {
	_, after, _ := strings.Cut(s.told(), verb)
	_, after, _ = strings.Cut(after, "\n")
	lines := strings.Split(after, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return line == "CAPABILITY" }), "\n") // go-imap asks when it likes
}

func TestMarkIsAKeywordWhereTheServerKeepsThemAndElseSeen(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{`\Seen \*`: "$PostroomIngested", `\Seen $postroomingested`: "$PostroomIngested", `\Seen \Deleted`: `\Seen`, "": `\Seen`} {
		s := script(t, mails(3)...)
		s.flags = flags
		session := s.open(nil)
		must(t, session.Mark(t.Context(), []uint32{1, 2, 3}))
		must(t, session.Mark(t.Context(), nil))
		if got := s.toldAfter("SELECT"); got != "UID STORE 1:3 +FLAGS.SILENT ("+want+")" {
			t.Errorf("with %s: %s", flags, got)
		}
	}
}

func TestMoveWithoutMOVECopiesFirstAndDeletesOnlyWhatWasCopied(t *testing.T) {
	t.Parallel()
	const copied, stored, expunged = "UID COPY 2:3 \"Done\"", `UID STORE 2:3 +FLAGS.SILENT (\Deleted)`, "UID EXPUNGE 2:3"
	for _, c := range []struct {
		caps, verb, answer string
		want               []string
		refused            bool
	}{
		{"MOVE UIDPLUS", "", "", []string{`UID MOVE 2:3 "Done"`}, false},
		{"UIDPLUS", "", "", []string{copied, stored, expunged}, false},
		{"", "", "", []string{copied, stored}, false},
		{"UIDPLUS", "UID COPY", "NO [OVERQUOTA] full", []string{copied}, true},
		{"UIDPLUS", "UID STORE", "NO no", []string{copied, stored}, true},
		{"UIDPLUS", "UID EXPUNGE", "NO no", []string{copied, stored, expunged}, true},
		{"MOVE", "UID MOVE", "NO no", []string{`UID MOVE 2:3 "Done"`}, true},
	} {
		s := script(t, mails(3)...)
		s.caps = "IMAP4rev1 AUTH=PLAIN " + c.caps
		if c.verb != "" {
			s.answers[c.verb] = c.answer
		}
		err := s.open(nil).Move(t.Context(), []uint32{2, 3}, "Done")
		if (err != nil) != c.refused || (c.refused && postroom.ReasonOf(err) != mailbox.ReasonCommandRefused) {
			t.Errorf("%+v: %v", c, err)
		}
		if got, want := strings.ReplaceAll(s.toldAfter("SELECT"), `"Done"`, "Done"), strings.ReplaceAll(strings.Join(c.want, "\n"), `"Done"`, "Done"); got != want {
			t.Errorf("%s %s: the server was told\n%s\nwant\n%s", c.caps, c.answer, got, want)
		}
	}
}

func TestExpungeNamesItsMailsOrIsRefused(t *testing.T) {
	t.Parallel()
	s := script(t, mails(3)...)
	must(t, s.open(nil).Expunge(t.Context(), []uint32{1, 3}))
	if got := s.toldAfter("SELECT"); got != "UID STORE 1,3 +FLAGS.SILENT (\\Deleted)\nUID EXPUNGE 1,3" {
		t.Errorf("the server was told\n%s", got)
	}
	s = script(t, mails(3)...)
	s.caps = "IMAP4rev1 AUTH=PLAIN"
	if err := s.open(nil).Expunge(t.Context(), []uint32{1}); postroom.KindOf(err) != postroom.KindRefused || s.toldAfter("SELECT") != "" {
		t.Errorf("without UIDPLUS: %v; the server was told %s", err, s.toldAfter("SELECT"))
	}
}

func TestFolderThatDoesNotExistIsMade(t *testing.T) {
	t.Parallel()
	s := script(t, mails(3)...)
	s.answers["UID MOVE"] = "NO [TRYCREATE] none"
	err := s.open(nil).Move(t.Context(), []uint32{1}, "Set aside")
	if got := s.toldAfter("SELECT"); got != "UID MOVE 1 \"Set aside\"\nCREATE \"Set aside\"\nUID MOVE 1 \"Set aside\"" {
		t.Errorf("the server was told\n%s", got)
	}
	if postroom.ReasonOf(err) != mailbox.ReasonCommandRefused {
		t.Errorf("a server that refuses still: %v", err)
	}

	// A server may refuse an APPEND before it takes the mail.
	s = script(t)
	s.answers["APPEND"] = "NO [TRYCREATE] none"
	s.onLogin = func(n int) {
		if n == 2 {
			s.set(func() { s.answers["APPEND"] = "NO [OVERQUOTA] full" })
		}
	}
	session := s.open(nil)
	err = session.Append(t.Context(), "Sent", []byte(strings.Repeat("x", 10_000)), time.Unix(0, 0))
	if postroom.ReasonOf(err) != mailbox.ReasonCommandRefused || !strings.Contains(s.told(), "CREATE") {
		t.Errorf("refused before the literal: %v; the server was told\n%s", err, s.told())
	}
}

func TestMissedLooksAtTheDayBeforeTooAndLeavesOutWhatIsKnown(t *testing.T) {
	t.Parallel()
	s := script(t, mails(6)...)
	missed, err := s.open(nil).Missed(t.Context(), time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC), []uint32{1, 2, 4, 6, 9})
	must(t, err)
	if fmt.Sprint(missed) != "[3 5]" || !strings.Contains(s.told(), `SINCE "21-Nov-2026"`) {
		t.Errorf("missed %v; the server was told\n%s", missed, s.told())
	}
}
