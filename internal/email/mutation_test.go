package email_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

var executions = flag.Int("executions", 20_000, "how many changed mails TestChangedMailsKeepThePromises reads")

// words are put into mails: what the parser looks for.
var words = []string{"\r\n\r\n", "\n\n", "\n ", "\r", "\x00", "--", "--b", "--b--", "\n--b\n", "=?", "?=", "=?utf-8?B?", "=?euc-kr?Q?=B0", "<", ">", "@", "<a@b>", ",", ";", ":", "(", ")", "\"", "\\", "=", "==", "=\n",
	"Content-Type: ", "multipart/mixed; boundary=b", "message/rfc822", "text/html", "Content-Transfer-Encoding: base64\n", "Content-Disposition: attachment; filename*0*=utf-8''%EB", "charset=iso-2022-kr", "charset=utf-16", "charset=utf-7",
	"format=flowed; delsp=yes", "\x1b$)C", "\x0e", "\x0f", "\x1b$B", "\x1b(B", "\xff\xfe", "\xb0\xa1", "\xef\xbb\xbf", "\xed\xa0\x80", "+ADw-", "begin 644 x\n", "M", "`\nend\n", "> ", "\n> ", "From ", "-- \n", "On Monday Kim wrote:\n",
	"<blockquote>", "</div>", "<!--", "&#x110000;", "<pre>", "Final-Recipient: rfc822; ", "Status: 5.1.1\n", "Message-ID: <", "BEGIN:VEVENT\n", "\u202e", "\u2028"}

// TestChangedMailsKeepThePromises reads mails of the corpora that were changed at random in a few places: no panic, and every promise of
// Parse kept. Each is made of its number alone, so that a failure can be had again. It is quicker than FuzzParse, and blind where that
// looks for new ways:
//
//	go test ./internal/email -run TestChangedMailsKeepThePromises -timeout 3h -args -executions=10000000
func TestChangedMailsKeepThePromises(t *testing.T) {
	t.Parallel()
	seeds := [][]byte{[]byte("Subject: x\n\nbody")}
	for _, dir := range []string{filepath.Join("testdata", "nasty"), corpora} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !slices.Contains([]string{".eml", ".raw"}, filepath.Ext(path)) {
				return nil
			}
			if raw, err := os.ReadFile(path); err == nil && len(raw) <= 4<<10 {
				seeds = append(seeds, raw)
			}
			return nil
		})
	}
	began, slowest := time.Now(), time.Duration(0)
	for n := range *executions {
		raw := changed(seeds, uint64(n))
		started := time.Now()
		readAll(t, n, raw)
		slowest = max(slowest, time.Since(started))
		if t.Failed() {
			t.Fatalf("execution %d: %.2000q", n, raw)
		}
		if n%1_000_000 == 0 && n > 0 {
			fmt.Fprintf(os.Stderr, "%d changed mails in %v\n", n, time.Since(began).Round(time.Second))
		}
	}
	t.Logf("%d changed mails, made of %d, in %v; the slowest took %v", *executions, len(seeds), time.Since(began).Round(time.Second), slowest)
}

// readAll parses a mail, and does with every tenth all that is done with mails: what does it has fuzz tests of its own.
func readAll(t *testing.T, n int, raw []byte) {
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("execution %d: %v\n%.2000q", n, p, raw)
		}
	}()
	m := email.Parse(raw)
	checkPromises(t, m)
	if n%10 != 0 {
		return
	}
	email.Automatic(m)
	email.ReadBounce(m)
	visible.Of(m)
	email.ReplyThread(m)
	for _, a := range m.Attachments {
		email.ReadEvent(a)
	}
}

// changed is a mail with one to eight changes.
func changed(seeds [][]byte, n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 2047))
	raw := bytes.Clone(seeds[r.IntN(len(seeds))])
	for range 1 + r.IntN(8) {
		at := r.IntN(len(raw) + 1)
		end := min(len(raw), at+r.IntN(1+r.IntN(200)))
		switch r.IntN(7) {
		case 0: // another byte
			if at < len(raw) {
				raw[at] = byte(r.IntN(256))
			}
		case 1: // nothing
			raw = slices.Delete(raw, at, end)
		case 2: // twice
			raw = slices.Insert(raw, at, bytes.Clone(raw[at:end])...)
		case 3, 4: // a word
			raw = slices.Insert(raw, at, []byte(words[r.IntN(len(words))])...)
		case 5: // a piece of another mail
			other := seeds[r.IntN(len(seeds))]
			from := r.IntN(len(other) + 1)
			raw = slices.Insert(raw, at, other[from:min(len(other), from+r.IntN(500))]...)
		default: // cut off
			if r.IntN(4) == 0 {
				raw = raw[:at]
			}
		}
	}
	return raw
}
