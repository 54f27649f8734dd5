package outbound_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/outbound"
)

func file(name, kind, cid string, content []byte) outbound.File {
	return outbound.File{Name: name, MediaType: kind, ContentID: cid, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func withFiles(files ...outbound.File) outbound.Reply {
	return outbound.Reply{From: outbound.Address{Name: "Shop", Address: "support@shop.example"}, To: []outbound.Address{{Address: "kim@customer.example"}},
		Subject: "영수증", Date: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), ID: "c.1.2@shop.example", Text: "Here it is.\n-- \nShop",
		HTML: `<html><body><p>Here it is. <img src="cid:logo@shop.example"></p></body></html>`, Files: files}
}

// R16: what the customer opens is what the agent chose, under its name, in any script.
func TestFilesArriveAsTheyWereAndUnderTheirNames(t *testing.T) {
	t.Parallel()
	binary := make([]byte, 100_000)
	for i := range binary {
		binary[i] = byte(i * 7)
	}
	names := []string{"receipt.txt", "영수증 2026년 3월.pdf", strings.Repeat("긴 이름 ", 20) + ".csv", `a"b\c;d'e%20.txt`, "line\r\nBcc: x@y.example", "", "naïve.txt", strings.Repeat("x", 200) + ".pdf"}
	var files []outbound.File
	for i, name := range names {
		files = append(files, file(name, "application/pdf", "", binary[:i*5000]))
	}
	raw, err := outbound.Render(withFiles(files...))
	if err != nil {
		t.Fatal(err)
	}
	m := email.Parse(raw)
	if len(m.Defects) != 0 || len(m.Attachments) != len(names) || m.Text != "Here it is.\n-- \nShop\n" {
		t.Fatalf("defects %v, %d files, text %q", m.Defects, len(m.Attachments), m.Text)
	}
	for i, a := range m.Attachments {
		want := strings.ReplaceAll(strings.ReplaceAll(names[i], "\r\n", " "), `\`, `/`)
		want = strings.Join(strings.Fields(want[strings.LastIndexByte(want, '/')+1:]), " ")
		if a.Filename != want || !bytes.Equal(a.Content, binary[:i*5000]) || a.Inline {
			t.Errorf("%q came as %q with %d bytes", names[i], a.Filename, len(a.Content))
		}
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 300 || bytes.ContainsAny(line, "\r\n") || bytes.ContainsFunc(line, func(c rune) bool { return c > 0x7e }) {
			t.Errorf("a line of %d bytes: %.100q", len(line), line)
		}
	}
	if header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n")); bytes.Contains(header, []byte("Bcc")) {
		t.Error("a name has made a field")
	}
}

// Pictures of the text stand beside the HTML, in multipart/related within multipart/alternative, and files in multipart/mixed around both (RFC 2387).
func TestPicturesBelongToTheHTMLAndFilesToTheMail(t *testing.T) {
	t.Parallel()
	png := []byte("\x89PNG\r\n\x1a\n and so on")
	logo, list := file("logo.png", "image/png", "logo@shop.example", png), file("list.csv", "text/csv", "", []byte("a,b\r\n"))
	for _, c := range []struct {
		files []outbound.File
		html  bool
		want  string
	}{
		{[]outbound.File{logo, list}, true, "mixed(alternative(text/plain related(text/html image/png)) text/csv)"},
		{[]outbound.File{logo}, true, "alternative(text/plain related(text/html image/png))"},
		{[]outbound.File{list}, true, "mixed(alternative(text/plain text/html) text/csv)"},
		{[]outbound.File{logo, list}, false, "mixed(text/plain image/png text/csv)"},
	} {
		r := withFiles(c.files...)
		if !c.html {
			r.HTML = ""
		}
		raw, err := outbound.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := structure(t, m.Header.Get("Content-Type"), m.Body); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		again, err := outbound.Render(r)
		if err != nil || !bytes.Equal(raw, again) {
			t.Errorf("rendered again it is another mail: %v", err)
		}
	}
	raw, _ := outbound.Render(withFiles(logo))
	m := email.Parse(raw)
	if len(m.Attachments) != 1 || m.Attachments[0].ContentID != "logo@shop.example" || !m.Attachments[0].Inline || !strings.Contains(m.HTML, "cid:logo@shop.example") {
		t.Errorf("the picture came as %+v", m.Attachments)
	}
}

// structure tells how a mail is nested, as the standard library reads it.
func structure(t *testing.T, contentType string, body io.Reader) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	family, ok := strings.CutPrefix(kind, "multipart/")
	if !ok {
		return kind
	}
	var parts []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return family + "(" + strings.Join(parts, " ") + ")"
		}
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, structure(t, p.Header.Get("Content-Type"), p))
	}
}

// A file that cannot be read whole stops the mail: nobody gets half of it.
func TestFileThatIsNotWholeStopsTheMail(t *testing.T) {
	t.Parallel()
	short := file("a", "text/plain", "", []byte("hello"))
	short.Size = 6
	broken := outbound.File{Name: "a", Size: 9, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(errors.New("gone")))), nil
	}}
	gone := outbound.File{Name: "a", Open: func() (io.ReadCloser, error) { return nil, errors.New("gone") }}
	for name, f := range map[string]outbound.File{"short": short, "broken": broken, "gone": gone, "none": {}, "no id": file("a", "image/png", "a b", nil)} {
		if raw, err := outbound.Render(withFiles(f)); err == nil {
			t.Errorf("%s: %d bytes", name, len(raw))
		}
	}
	if raw, err := outbound.Render(withFiles(file("forwarded.eml", "message/rfc822", "", []byte("Subject: x\r\n\r\nx")))); err != nil || bytes.Contains(raw, []byte("message/rfc822")) {
		t.Errorf("a mail in base64: %v", err)
	}
}

// 25 MB of files make a mail of 34 MB, and little more than that is allocated.
func TestLargeFilesAreNotHeldTwice(t *testing.T) {
	const size = 25 << 20
	r := withFiles(outbound.File{Name: "large", MediaType: "application/pdf", Size: size, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, size)), nil
	}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	raw, err := outbound.Render(r)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(len(raw))+2<<20 {
		t.Errorf("a mail of %d bytes took %d", len(raw), used)
	}
	if len(raw) < size*4/3 || len(raw) > postroom.MaxFileBytes*14/10 {
		t.Errorf("%d bytes", len(raw))
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
