package activities

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/clamd"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit/fakeclamd"
)

type part struct {
	name, kind string
	content    []byte
}

// withFiles is a mail with files.
func withFiles(files ...part) []byte {
	var b bytes.Buffer
	b.WriteString("From: kim@customer.example\r\nSubject: Files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHello\r\n")
	for _, f := range files {
		fmt.Fprintf(&b, "--x\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=%q\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
			f.kind, f.name, base64.StdEncoding.EncodeToString(f.content))
	}
	b.WriteString("--x--\r\n")
	return b.Bytes()
}

// arrive reads a mail as the watch does, and tells what became of each file and which blobs would be kept.
func (w *watch) arrive(t *testing.T, rules postroom.AttachmentRules, files ...part) (map[string]store.ArrivedAttachment, map[blob.Key]postroom.Bytes) {
	t.Helper()
	mail, blobs, reason := w.read(store.Source{}, withFiles(files...), rules)
	if reason != "" {
		t.Fatal(reason)
	}
	w.checkForMalware(t.Context(), mail.Attachments, blobs)
	became := map[string]store.ArrivedAttachment{}
	for i, a := range mail.Attachments {
		became[files[i].name] = a
		if (a.BlobKey != "") != (a.Verdict == postroom.AttachmentPassed || a.Verdict == postroom.AttachmentUnchecked) || a.BlobKey != "" && blobs[blob.Key(a.BlobKey)].Len() != len(files[i].content) {
			t.Errorf("%s: %s with blob %q", files[i].name, a.Verdict, a.BlobKey)
		}
	}
	return became, blobs
}

// R16, R26, R29: what may not pass is shown with its reason, and not kept.
func TestR16FileThatMayNotPassIsLabelledAndNotKept(t *testing.T) {
	t.Parallel()
	daemon := fakeclamd.Start(t, "tcp")
	w := newWatch(t)
	w.log = slog.New(slog.DiscardHandler)
	var err error
	if w.Antivirus, err = clamd.New(clamd.Config{Address: daemon.Address}); err != nil {
		t.Fatal(err)
	}
	became, blobs := w.arrive(t, postroom.AttachmentRules{Blocked: []string{".log"}},
		part{"fine.txt", "text/plain", []byte("fine")},
		part{"evil.txt", "text/plain", []byte("a " + fakeclamd.Malware)},
		part{"run.exe", "image/png", []byte("MZ\x90\x00\x03\x00\x00\x00")},
		part{"page.html", "text/html", []byte("<html><script>1</script>")},
		part{"a.log", "text/plain", []byte("fine, but not here")},
		part{"card.js", "text/plain", []byte("4111 1111 1111 1111")},
		part{"scan.pdf", "application/pdf", []byte("%PDF-1.7\n")},
	)
	for name, want := range map[string]string{"fine.txt": "passed  clean", "evil.txt": "infected malware infected", "run.exe": "blocked active_program ",
		"page.html": "blocked active_markup ", "a.log": "blocked type_not_allowed ", "card.js": "destroyed card_data ", "scan.pdf": "withheld not_inspectable "} {
		if got := fmt.Sprintf("%s %s %s", became[name].Verdict, became[name].Reason, became[name].Malware); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(blobs) != 1 || became["evil.txt"].Name.Reveal() != fakeclamd.Name {
		t.Errorf("%d blobs; malware is called %q", len(blobs), became["evil.txt"].Name.Reveal())
	}
	if daemon.Scans() != 2 {
		t.Errorf("the scanner was asked about %d files: only what passed the card scanner leaves the process", daemon.Scans())
	}
}

// While the scanner is down mail goes on coming in, and files are held: kept, and passed to nobody. One mail finds that out for those that follow.
func TestFilesAreHeldWhileTheVirusScannerIsDown(t *testing.T) {
	t.Parallel()
	daemon := fakeclamd.Start(t, "tcp")
	daemon.Answer(fakeclamd.Silence)
	w := newWatch(t)
	w.log = slog.New(slog.DiscardHandler)
	var err error
	if w.Antivirus, err = clamd.New(clamd.Config{Address: daemon.Address, ReplyTimeout: 50 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	var files []part
	for i := range 50 {
		files = append(files, part{fmt.Sprint(i, ".txt"), "text/plain", []byte(strings.Repeat("x", i+1))})
	}
	became, blobs := w.arrive(t, postroom.AttachmentRules{}, files...)
	for name, a := range became {
		if a.Verdict != postroom.AttachmentUnchecked || a.Malware != postroom.MalwareFailed || a.Reason != string(clamd.ReasonDown) {
			t.Errorf("%s: %s %s %s", name, a.Verdict, a.Malware, a.Reason)
		}
	}
	if len(blobs) != 50 || daemon.Scans() != 1 {
		t.Errorf("%d blobs, %d questions", len(blobs), daemon.Scans())
	}
	daemon.Judge()
	w.scannerAfter.Store(0) // the pause is over
	became, _ = w.arrive(t, postroom.AttachmentRules{}, files[0])
	if a := became["0.txt"]; a.Verdict != postroom.AttachmentPassed || a.Malware != postroom.MalwareClean {
		t.Errorf("afterwards: %s %s", a.Verdict, a.Malware)
	}
}

// Without a scanner files pass as before, and are known to be unscanned; what is too large for one is held.
func TestUnscannedFilesPassOnlyWhereThereIsNoScanner(t *testing.T) {
	t.Parallel()
	w := newWatch(t)
	w.log = slog.New(slog.DiscardHandler)
	became, _ := w.arrive(t, postroom.AttachmentRules{}, part{"a.txt", "text/plain", []byte("hello")})
	if a := became["a.txt"]; a.Verdict != postroom.AttachmentPassed || a.Malware != postroom.MalwareUnscanned {
		t.Errorf("without a scanner: %s %s", a.Verdict, a.Malware)
	}
	var err error
	if w.Antivirus, err = clamd.New(clamd.Config{Address: fakeclamd.Start(t, "tcp").Address, MaxSize: 4}); err != nil {
		t.Fatal(err)
	}
	became, _ = w.arrive(t, postroom.AttachmentRules{}, part{"a.txt", "text/plain", []byte("hello")})
	if a := became["a.txt"]; a.Verdict != postroom.AttachmentUnchecked || a.Reason != string(clamd.ReasonTooLarge) {
		t.Errorf("too large: %s %s %s", a.Verdict, a.Malware, a.Reason)
	}
}
