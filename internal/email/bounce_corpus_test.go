package email_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// bounceLabel is what is known about one recipient of a bounce of the corpus.
type bounceLabel struct {
	Status     string `json:"status"`
	ReplyCode  string `json:"reply_code"`
	Reason     string `json:"reason"`
	HardBounce bool   `json:"hard_bounce"`
}

// inferredLabel are the codes that the labels' makers invented where a mail states none.
var inferredLabel = regexp.MustCompile(`^[45]\.0\.9\d\d$`)

// tally counts right answers.
type tally struct{ right, all int }

func (c *tally) add(right bool) bool {
	c.all++
	if right {
		c.right++
	}
	return right
}

func (c tally) share() float64 { return 100 * float64(c.right) / float64(max(c.all, 1)) }

var idInBody = regexp.MustCompile(`(?im)^[ \t>]*message-id:[ \t\r\n]*<?[^\s<>]+@?[^\s<>]*>?`)

// TestBouncesOfTheCorpusAreRead compares what is read from the real bounces with the corpus's labels, and holds what was reached.
func TestBouncesOfTheCorpusAreRead(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	var labels map[string][]bounceLabel
	readJSON(t, &labels, corpora, "sisimai", "expected.json")
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	var recipients, class, status, reply, hard, ids tally
	for _, name := range names {
		raw := read(t, corpora, "sisimai", "bsd", name)
		m := email.Parse(raw)
		b := email.ReadBounce(m)
		if idInBody.Match(bodyOf(raw)) {
			if !ids.add(b.OriginalMessageID != "" && bytes.Contains(bodyOf(raw), []byte(b.OriginalMessageID))) {
				t.Logf("%s: no Message-ID", name)
			}
		}
		if reason := labels[name][0].Reason; reason == "feedback" || reason == "vacation" {
			continue
		}
		if !recipients.add(len(b.Recipients) == len(labels[name])) {
			t.Logf("%s: %d recipients, want %d", name, len(b.Recipients), len(labels[name]))
		}
		for i, want := range labels[name] {
			var got email.BouncedRecipient
			if i < len(b.Recipients) {
				got = b.Recipients[i]
			}
			if !class.add(got.Class() == want.Status[:1]) {
				t.Logf("%s[%d]: class of %q (%s), want %q; %s %s: %.200s", name, i, got.Status, got.StatusSource, want.Status, got.Action, want.Reason, got.Diagnostic)
			}
			if !inferredLabel.MatchString(want.Status) {
				if !status.add(got.Status == want.Status) {
					t.Logf("%s[%d]: status %q (%s), want %q: %s: %.200s", name, i, got.Status, got.StatusSource, want.Status, want.Reason, got.Diagnostic)
				}
			}
			if want.ReplyCode != "" {
				reply.add(got.ReplyCode == want.ReplyCode)
			}
			if !hard.add(got.Hard == want.HardBounce) {
				t.Logf("%s[%d]: hard %v, %s %s: %.200s", name, i, got.Hard, got.Status, want.Reason, got.Diagnostic)
			}
		}
	}
	for what, c := range map[string]struct {
		tally
		floor float64
	}{
		"recipients counted": {recipients, 98}, "class": {class, 97}, "exact status": {status, 98}, "reply code": {reply, 93}, "hard": {hard, 90}, "Message-ID": {ids, 100},
	} {
		t.Logf("%s: %d of %d, %.1f %%", what, c.right, c.all, c.share())
		if c.share() < c.floor {
			t.Errorf("%s: below %.1f %%", what, c.floor)
		}
	}
}

// TestLineEndsChangeNothing compares mails whose lines end in CRLF or CR with their twins.
func TestLineEndsChangeNothing(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	twins := 0
	for _, folder := range []string{"dos", "mac"} {
		files, _ := filepath.Glob(filepath.Join(corpora, "sisimai", folder, "*.eml"))
		for _, file := range files {
			raw, err := os.ReadFile(filepath.Join(corpora, "sisimai", "bsd", filepath.Base(file)))
			if err != nil {
				continue // it has none
			}
			twins++
			a, b := email.Parse(raw), email.Parse(read(t, file))
			if email.Automatic(a) != email.Automatic(b) || !reflect.DeepEqual(email.ReadBounce(a), email.ReadBounce(b)) || visible.Of(a).Text != visible.Of(b).Text {
				t.Errorf("%s/%s is read as %q %+v, its twin as %q %+v", folder, filepath.Base(file), email.Automatic(b), email.ReadBounce(b), email.Automatic(a), email.ReadBounce(a))
			}
		}
	}
	t.Logf("%d twins", twins)
	if twins < 20 {
		t.Error("too few")
	}
}

// bodyOf is what follows the first empty line.
func bodyOf(raw []byte) []byte {
	if i := regexp.MustCompile(`\r?\n\r?\n`).FindIndex(raw); i != nil {
		return raw[i[1]:]
	}
	return nil
}
