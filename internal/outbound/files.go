package outbound

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/postroom/postroom"
)

// File is a file that goes with a reply. The same content must be read every time.
type File struct {
	Name      string // as people see it; any characters
	MediaType string // "type/subtype"
	// ContentID makes it part of the text: HTML names it as cid:ContentID. Empty: it is an attachment.
	ContentID string
	Size      int64 // of its content, in bytes
	Open      func() (io.ReadCloser, error)
}

// check refuses files that would break the mail.
func (f File) check() error {
	if f.Open == nil || f.Size < 0 || f.ContentID != "" && !isID(postroom.InternetMessageID(f.ContentID)) {
		return postroom.Invalid(postroom.ReasonMalformed, "A file of the reply has no content, or its Content-ID is none")
	}
	return nil
}

// writeWithFiles ends a message, whose header is written, with its texts and files: all in multipart/mixed, the texts in multipart/alternative, and pictures
// of the text beside its HTML in multipart/related (RFC 2046 section 5.1, RFC 2387). The library can nest them in one order only, which is another.
func writeWithFiles(b *bytes.Buffer, r Reply) error {
	var inline, attached []File
	for _, f := range r.Files {
		if err := f.check(); err != nil {
			return err
		}
		if f.ContentID != "" && r.HTML != "" {
			inline = append(inline, f)
			continue
		}
		attached = append(attached, f)
	}
	texts := alternative(r, inline)
	if len(attached) == 0 {
		return texts.write(b)
	}
	return multi("mixed", boundary(r.ID)+"-m", append([]entity{texts}, entities(attached)...)...).write(b)
}

// alternative are the texts of a reply.
func alternative(r Reply, inline []File) entity {
	plain := text("text/plain", r.Text, encodingFor(r.Text))
	if r.HTML == "" {
		return plain
	}
	shown := text("text/html", r.HTML, encodingFor(r.Text))
	if len(inline) > 0 {
		shown = multi("related; type=\"text/html\"", boundary(r.ID)+"-r", append([]entity{shown}, entities(inline)...)...)
	}
	return multi("alternative", boundary(r.ID)+"-a", plain, shown)
}

// entity is a part of a mail: the fields of its header in order, and its body.
type entity struct {
	fields [][2]string
	body   func(io.Writer) error
}

// write writes a whole entity.
func (e entity) write(w io.Writer) error {
	for _, f := range e.fields {
		if _, err := io.WriteString(w, f[0]+": "+f[1]+"\r\n"); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, "\r\n"); err != nil {
		return err
	}
	return e.body(w)
}

// text is a text, with lines as mail has them.
func text(kind, content string, encoding gomail.Encoding) entity {
	return entity{
		fields: [][2]string{{"Content-Type", kind + "; charset=UTF-8"}, {"Content-Transfer-Encoding", string(encoding)}},
		body: func(w io.Writer) error {
			if encoding == gomail.EncodingB64 {
				return inBase64(w, strings.NewReader(crlf(content)))
			}
			q := quotedprintable.NewWriter(w)
			if _, err := io.WriteString(q, crlf(content)); err != nil {
				return err
			}
			return q.Close()
		},
	}
}

// multi is a multipart; its boundary is in none of its parts, for nobody knew it when they were written.
func multi(kind, boundary string, parts ...entity) entity {
	return entity{
		fields: [][2]string{{"Content-Type", "multipart/" + kind + ";\r\n boundary=\"" + boundary + "\""}},
		body: func(w io.Writer) error {
			for _, p := range parts {
				if _, err := io.WriteString(w, "--"+boundary+"\r\n"); err != nil {
					return err
				}
				if err := p.write(w); err != nil {
					return err
				}
				if _, err := io.WriteString(w, "\r\n"); err != nil {
					return err
				}
			}
			_, err := io.WriteString(w, "--"+boundary+"--\r\n")
			return err
		},
	}
}

func entities(files []File) []entity {
	var all []entity
	for _, f := range files {
		all = append(all, f.entity())
	}
	return all
}

func (f File) entity() entity {
	kind := f.MediaType
	if t, _, err := mime.ParseMediaType(kind); err != nil || t != kind || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
		kind = "application/octet-stream" // a mail within a mail may not be encoded (RFC 2046 section 5.2.1)
	}
	disposition := "attachment"
	if f.ContentID != "" {
		disposition = "inline"
	}
	e := entity{fields: [][2]string{
		{"Content-Type", kind + encodedName(f.Name)},
		{"Content-Transfer-Encoding", "base64"},
		{"Content-Disposition", disposition + parameter("filename", f.Name)},
	}}
	if f.ContentID != "" {
		e.fields = append(e.fields, [2]string{"Content-ID", "<" + f.ContentID + ">"})
	}
	e.body = func(w io.Writer) error {
		content, err := f.Open()
		if err != nil {
			return err
		}
		defer content.Close()
		counted := &counter{r: content}
		if err := inBase64(w, counted); err != nil {
			return err
		}
		if counted.n != f.Size {
			return postroom.Internal("A file of the reply has another size than it was said to have", nil)
		}
		return nil
	}
	return e
}

type counter struct {
	r io.Reader
	n int64
}

// Read counts.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// lineBytes is how many bytes stand in one line of base64: 76 characters (RFC 2045 section 6.8).
const lineBytes = 57

// inBase64 writes a content in lines.
func inBase64(w io.Writer, content io.Reader) error {
	const lines = 512
	plain, encoded := make([]byte, lines*lineBytes), make([]byte, 0, lines*78)
	for {
		n, err := io.ReadFull(content, plain)
		encoded = encoded[:0]
		for chunk := range slices.Chunk(plain[:n], lineBytes) {
			encoded = append(base64.StdEncoding.AppendEncode(encoded, chunk), "\r\n"...)
		}
		if _, err := w.Write(encoded); err != nil {
			return err
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// encodedName is a name parameter as old programs read it: RFC 2047 in quotes, which no standard knows and nearly everybody does.
func encodedName(name string) string {
	name = oneLine(name)
	if name == "" {
		return ""
	}
	if isPlain(name) {
		return ";\r\n name=\"" + name + "\""
	}
	return ";\r\n name=\"" + strings.ReplaceAll(mime.BEncoding.Encode("UTF-8", name), "?= =?", "?=\r\n =?") + "\""
}

// parameterPiece is how many characters of an encoded value stand in one line.
const parameterPiece = 60

// parameter is a parameter with any value (RFC 2231): in pieces, each in a line of its own, if it is long.
func parameter(name, value string) string {
	value = oneLine(value)
	if value == "" {
		return ""
	}
	if isPlain(value) && len(value) <= parameterPiece {
		return ";\r\n " + name + "=\"" + value + "\""
	}
	var pieces []string
	var piece strings.Builder
	for _, c := range value {
		encoded := percent(c)
		if piece.Len()+len(encoded) > parameterPiece {
			pieces = append(pieces, piece.String())
			piece.Reset()
		}
		piece.WriteString(encoded)
	}
	pieces = append(pieces, piece.String())
	if len(pieces) == 1 {
		return ";\r\n " + name + "*=UTF-8''" + pieces[0]
	}
	var b strings.Builder
	for i, p := range pieces {
		charset := ""
		if i == 0 {
			charset = "UTF-8''"
		}
		fmt.Fprintf(&b, ";\r\n %s*%d*=%s%s", name, i, charset, p)
	}
	return b.String()
}

// isPlain reports whether a value needs no encoding between quotes.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}

// percent writes a character as RFC 2231 section 7 has it.
func percent(c rune) string {
	if c < utf8.RuneSelf && (c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("-._", c)) {
		return string(c)
	}
	var b strings.Builder
	for _, octet := range []byte(string(c)) {
		fmt.Fprintf(&b, "%%%02X", octet)
	}
	return b.String()
}

// encodedSize is about how long a mail with files becomes.
func encodedSize(files []File) int {
	total := 64 << 10
	for _, f := range files {
		total += int(f.Size/lineBytes+1)*78 + 1024
	}
	return total
}
