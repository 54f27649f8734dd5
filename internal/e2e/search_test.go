package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// newCard makes a card number of 16 digits with a right check digit. Its digits are random: a number such as 4111 1111 1111 1111 is found by
// chance among other digits.
func newCard(prefix string) string {
	digits := []byte(prefix)
	for len(digits) < 15 {
		digits = append(digits, byte('0'+rand.IntN(10)))
	}
	sum := 0
	for i, d := range digits {
		n := int(d - '0')
		if i%2 == 0 { // every second from the right, the check digit not counted
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return string(append(digits, byte('0'+(10-sum%10)%10)))
}

// spelled writes a number in groups of four.
func spelled(card, separator string) string {
	return strings.Join([]string{card[:4], card[4:8], card[8:12], card[12:]}, separator)
}

// fullWidth writes a number in the digits of East Asian keyboards.
func fullWidth(card string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '０' }, card)
}

// searcher looks for card numbers in bytes, however they are written: with anything but digits between the digits, in any script, in
// UTF-16, in the hexadecimal of a dump, in base64.
type searcher struct {
	cards   []string
	encoded map[string]string // part of a base64 text → the card in it
}

func newSearcher(cards ...string) searcher {
	s := searcher{cards: cards, encoded: map[string]string{}}
	for _, card := range cards {
		for _, text := range []string{card, spelled(card, " "), spelled(card, "-")} {
			for before := range 3 { // how far into a group of three bytes it begins
				b := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
				b = strings.TrimRight(b, "=")
				s.encoded[b[4:len(b)-1]] = card // without the ends, which depend on what is around
			}
		}
	}
	return s
}

var hexadecimal = regexp.MustCompile(`\\x[0-9a-f]{2,}`)

// in lists the cards that are in content.
func (s searcher) in(content []byte) []string {
	found := s.plainly(content)
	for _, run := range hexadecimal.FindAll(content, -1) {
		decoded := make([]byte, hex.DecodedLen(len(run)-2))
		n, _ := hex.Decode(decoded, run[2:])
		found = append(found, s.plainly(decoded[:n])...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (s searcher) plainly(content []byte) (found []string) {
	digits := onlyDigits(content)
	for _, card := range s.cards {
		if bytes.Contains(digits, []byte(card)) {
			found = append(found, card)
		}
	}
	for part, card := range s.encoded {
		if bytes.Contains(content, []byte(part)) {
			found = append(found, card)
		}
	}
	return found
}

// onlyDigits keeps the decimal digits of every script, as ASCII.
func onlyDigits(content []byte) []byte {
	digits := make([]byte, 0, len(content)/4)
	for i := 0; i < len(content); {
		if c := content[i]; c < utf8.RuneSelf {
			if '0' <= c && c <= '9' {
				digits = append(digits, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(content[i:])
		if unicode.Is(unicode.Nd, r) {
			zero := r
			for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
				zero--
			}
			digits = append(digits, byte('0'+(r-zero)%10))
		}
		i += size
	}
	return digits
}

// places reads everything that the product has written, by where it stands. The mail server's own store is the outside world and left out;
// what customers received is not.
func places(t *testing.T, s *testkit.Stack, customers ...string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"rows of the product":     dump(t, s, stack.Database),
		"rows of Temporal":        dump(t, s, "temporal"),
		"visibility of Temporal":  dump(t, s, "temporal_visibility"),
		"write-ahead log":         files(t, filepath.Join(s.Postgres.DataDir(), "pg_wal")),
		"data files":              files(t, filepath.Join(s.Postgres.DataDir(), "base")),
		"attachments and replies": files(t, s.Blob),
		"keys and secrets":        files(t, s.Secrets),
		"temporary files":         files(t, s.Tmp),
		"log of PostgreSQL":       files(t, s.LogDir),
		"log of the product":      files(t, s.LogFile),
		"histories":               histories(t, s),
	}
	var received bytes.Buffer
	for _, c := range customers {
		for _, m := range s.Mail.Messages(c, 100) {
			if err := json.NewEncoder(&received).Encode(m); err != nil {
				t.Fatal(err)
			}
			for _, a := range m.Attachments {
				received.Write(a.Content)
			}
		}
	}
	all["mails to customers"] = received.Bytes()
	return all
}

// dump is a whole database as text.
func dump(t *testing.T, s *testkit.Stack, database string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	binaries, err := stack.FindPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(ctx, filepath.Join(binaries.Dir, "pg_dump"), "--dbname", s.Postgres.URL(stack.RoleSuperuser, database)).Output()
	if err != nil {
		t.Fatalf("dump %s: %v", database, err)
	}
	return text
}

// files is everything below a path, one after the other. A file that goes while it is read was temporary.
func files(t *testing.T, root string) []byte {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		all.Write(content)
		all.WriteString("x") // no number across two files
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// histories is every event of every workflow that the server knows, payloads as they are.
func histories(t *testing.T, s *testkit.Stack) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := testkit.Dial(t, s.Temporal.Address())
	list, err := client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: stack.Namespace, PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, e := range list.Executions {
		history := &historypb.History{}
		events := client.GetWorkflowHistory(ctx, e.Execution.WorkflowId, e.Execution.RunId, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			history.Events = append(history.Events, event)
		}
		raw, err := proto.Marshal(history)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.Bytes()
}
