package email_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// maxSeed bounds the mails that fuzzing begins with: long ones make every step slow.
const maxSeed = 8 << 10

// FuzzParse looks for mails that make the parser panic, hang or break its promises. It begins with the hostile mails beside this file
// and, where they are, with the development corpora.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "\n", "Subject: x\n\nbody", "From: \"a\" <a@b>, c (d) e@f; g: h@i;\nSubject: =?euc-kr?B?vsiz5w==?=\n\nx",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b\nContent-Disposition: attachment; filename*0*=utf-8''a%2f; filename*1=b\n\nx\n--b--\n",
		"Content-Type: text/plain; charset=iso-2022-kr\nContent-Transfer-Encoding: base64\n\nGyQpQw4+SA8=", "Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb\n> c \n> d",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n--b--",
		"Content-Type: text/html; charset=utf-7\n\n+ADw-p+AD4-<pre> a\n b</pre>", "Content-Type: text/plain\n\nbegin 644 x\n#86)C\n`\nend\n",
		"Content-Type: multipart/mixed; boundary=a--\n\n--a--\nContent-Type: multipart/mixed; boundary=\"a----\"\n\n--a----\n\nb\n--a------\n",
		"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nDTSTART;TZID=Asia/Seoul:20260714T183000\nSUMMARY:x\\, y\nEND:VEVENT\nEND:VCALENDAR\n",
	} {
		f.Add([]byte(s))
	}
	for _, dir := range []string{filepath.Join("testdata", "nasty"), corpora} {
		seed(f, dir)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := email.Parse(raw)
		email.Automatic(m)
		email.ReadBounce(m)
		visible.Of(m)
		email.ReplyThread(m)
		email.Quote("x", m.Text)
		for _, a := range m.Attachments {
			email.ReadEvent(a)
		}
		checkPromises(t, m)
	})
}

// seed adds the mails below a folder, if it is there.
func seed(f *testing.F, dir string) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains([]string{".eml", ".raw"}, filepath.Ext(path)) {
			return nil
		}
		if raw, err := os.ReadFile(path); err == nil && len(raw) <= maxSeed {
			f.Add(raw)
		}
		return nil
	})
}
