package email_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/testkit/cpu"
)

// TestBouncesOfTheCorpusAreRecognised counts over the real bounces, complaints and vacation notices of some sixty mail systems,
// and holds what was reached. The file in not/ is a person's.
func TestBouncesOfTheCorpusAreRecognised(t *testing.T) {
	needCorpora(t)
	t.Parallel()
	var labels map[string][]struct{ Reason string }
	readJSON(t, &labels, corpora, "sisimai", "expected.json")
	want := map[string]email.Kind{"vacation": email.AutoReply, "feedback": email.FeedbackReport, "delivered": email.Receipt}
	right, all := 0, 0
	for _, folder := range []string{"bsd", "dos", "mac", "not"} {
		files, err := filepath.Glob(filepath.Join(corpora, "sisimai", folder, "*.eml"))
		if err != nil || len(files) == 0 {
			t.Fatal("no mails", err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			kind := email.Bounce
			if label := labels[name]; folder == "not" {
				kind = ""
			} else if len(label) > 0 && want[label[0].Reason] != "" {
				kind = want[label[0].Reason]
			} else if strings.HasPrefix(name, "rfc3834-") {
				kind = email.AutoReply
			} else if strings.HasPrefix(name, "arf-") {
				kind = email.FeedbackReport
			}
			m := email.Parse(read(t, file))
			got := email.Automatic(m)
			if all++; got == kind {
				right++
				continue
			}
			t.Logf("%s/%s: %q, want %q (from %v, subject %q)", folder, name, got, kind, plain(m.From), m.Subject)
		}
	}
	t.Logf("%d of %d", right, all)
	if all-right > 1 {
		t.Errorf("%d are taken for something else", all-right)
	}
}

func BenchmarkParse(b *testing.B) {
	files, _ := filepath.Glob(filepath.Join(corpora, "sisimai", "bsd", "*.eml"))
	var mails [][]byte
	size := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		mails, size = append(mails, raw), size+len(raw)
	}
	if size == 0 {
		b.Skip("the development corpora are not here: ", corpora)
	}
	b.SetBytes(int64(size))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := cpu.Thread()
	for b.Loop() {
		for _, raw := range mails {
			email.Parse(raw)
		}
	}
	// Of this thread's time: other things run beside a benchmark. What the collector does on other threads is not in it.
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpu.Thread()-began).Seconds(), "MB/cpu-s")
	b.ReportMetric(float64(len(mails)), "mails/op")
}
