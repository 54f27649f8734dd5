package email

import (
	"bytes"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postroom/postroom/internal/htmltext"
)

// bodies are the parts that are shown, and those that are attached, in the order in which they are.
type bodies struct {
	text, html []*part
	attached   map[*part]bool
}

// choose sorts the parts of a mail into text, HTML and attachments by the algorithm of JMAP (RFC 8621 section 4.1.4), which says
// what people see in a mail, and decodes them.
func (t *tree) choose(root *part, m *Mail) {
	b := bodies{attached: map[*part]bool{}}
	b.sort([]*part{root}, "mixed", false, &b.text, &b.html)
	m.Text = t.plainText(b.text)
	m.HTML = t.htmlSource(b.html)
	m.PlainText = m.Text
	if slices.ContainsFunc(b.text, func(p *part) bool { return displayKind(p) == "html" }) {
		if plain := t.join(b.text, t.plain, "plain"); strings.TrimSpace(plain) != "" {
			m.PlainText = plain
		}
	}
	m.HasPlain = hasPlain(b.text) && strings.TrimSpace(m.Text) != ""
	if strings.TrimSpace(m.Text) == "" && m.HTML != "" {
		m.Text = t.bound(htmltext.Of(m.HTML))
		m.PlainText = m.Text
	}
	t.attach(root, &b, m)
	if strings.TrimSpace(m.Text) == "" && m.HTML == "" && len(m.Attachments) == 0 && root.children != nil && len(bytes.TrimSpace(root.body)) > 0 {
		// Nothing was found in it, but something is there: nothing is lost.
		m.Attachments = []Attachment{{MediaType: "text/plain", Content: root.body}}
	}
}

// hasPlain reports whether one of the parts is plain text.
func hasPlain(parts []*part) bool {
	for _, p := range parts {
		if displayKind(p) == "plain" {
			return true
		}
	}
	return false
}

// sort is parseStructure of RFC 8621. text or html is nil where only the other kind is wanted.
func (b *bodies) sort(parts []*part, in string, alternative bool, text, html *[]*part) {
	before := [2]int{length(text), length(html)}
	for i, p := range parts {
		kind := displayKind(p)
		shown := p.disposition != "attachment" && kind != "" &&
			(i == 0 || in != "related" && (kind == "media" || p.filename == ""))
		switch {
		case p.children != nil:
			sub := strings.TrimPrefix(p.mediaType, "multipart/")
			b.sort(p.children, sub, alternative || sub == "alternative", text, html)
		case !shown:
			b.attached[p] = true
		case in == "alternative":
			switch {
			case kind == "plain" && text != nil:
				*text = append(*text, p)
			case kind == "html" && html != nil:
				*html = append(*html, p)
			default:
				b.attached[p] = true
			}
		default:
			if alternative && kind == "plain" {
				html = nil
			}
			if alternative && kind == "html" {
				text = nil
			}
			if text != nil {
				*text = append(*text, p)
			}
			if html != nil {
				*html = append(*html, p)
			}
			if kind == "media" {
				b.attached[p] = true // it is shown, and it is a file
			}
		}
	}
	if in != "alternative" || text == nil || html == nil {
		return
	}
	// Only one of the two was offered: it serves as the other.
	switch {
	case before[0] == len(*text) && before[1] != len(*html):
		*text = append(*text, (*html)[before[1]:]...)
	case before[1] == len(*html) && before[0] != len(*text):
		*html = append(*html, (*text)[before[0]:]...)
	}
}

func length(list *[]*part) int {
	if list == nil {
		return 0
	}
	return len(*list)
}

// displayKind says how a part can be shown within the text: "plain", "html", "media", or "" for not at all.
func displayKind(p *part) string {
	switch main, _, _ := strings.Cut(p.mediaType, "/"); {
	case p.mediaType == "text/plain":
		return "plain"
	case p.mediaType == "text/html":
		return "html"
	case main == "image" || main == "audio" || main == "video":
		return "media"
	}
	return ""
}

// plainText is the text of the body: plain parts as they are, but for files that are written into them, and HTML parts as what they
// say.
func (t *tree) plainText(parts []*part) string {
	return t.join(parts, func(p *part) string {
		if displayKind(p) == "html" {
			return htmltext.Of(t.decode(p))
		}
		return t.plain(p)
	}, "plain", "html")
}

// plain is what a plain part says.
func (t *tree) plain(p *part) string {
	if strings.EqualFold(p.parameters["format"], "flowed") {
		return unflow(t.decode(p), joint(p.parameters["delsp"]))
	}
	return t.decode(p)
}

func (t *tree) htmlSource(parts []*part) string {
	return t.join(parts, t.decode, "html")
}

// join joins what parts of those kinds say, up to MaxText.
func (t *tree) join(parts []*part, say func(*part) string, kinds ...string) string {
	var said []string
	size := 0
	for _, p := range parts {
		if size <= MaxText && slices.Contains(kinds, displayKind(p)) {
			text := say(p)
			said = append(said, text)
			size += len(text) + 1
		}
	}
	return t.bound(strings.Join(said, "\n"))
}

// decode gives a text part as UTF-8, without NUL, lines ending in \n. What is beyond MaxText is not decoded.
func (t *tree) decode(p *part) string {
	if p.text == nil {
		text := t.decodeText(p)
		p.text = &text
	}
	return *p.text
}

func (t *tree) decodeText(p *part) string {
	content := decodeUpTo(maxEncoded+1, p.body, p.encoding, t.defects)
	if displayKind(p) == "plain" {
		p.files, content = cutUU(content)
	}
	text, ok := t.inCharset(p, content)
	if isBase64Encoding(p.encoding) && (!ok || text == "" || hasControls(text)) && notBase64(p.body) {
		t.defects.add(DefectBase64)
		p.damage = unreadable
		text, ok = t.inCharset(p, p.body)
	}
	if !ok {
		t.defects.add(DefectCharset)
	}
	return normalLines(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", ""))
}

// inCharset decodes the content of a text part. ok says that it is in the set that it names.
func (t *tree) inCharset(p *part, content []byte) (text string, ok bool) {
	if len(content) > maxEncoded {
		t.defects.add(DefectText)
		content = content[:maxEncoded]
	}
	charset := p.charset
	if charset == "" && displayKind(p) == "html" {
		charset = metaCharset(content)
	}
	return decodeCharset(content, charset)
}

// maxEncoded is how much of a text is decoded: UTF-16 takes two bytes for a character that is one byte here.
const maxEncoded = 2 * MaxText

// hasControls reports whether a text holds control characters that no text has.
func hasControls(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f\x1b\x00", r) })
}

// bound cuts a text at MaxText.
func (t *tree) bound(s string) string {
	if len(s) <= MaxText {
		return s
	}
	t.defects.add(DefectText)
	cut := MaxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// attach lists the attachments below p, in the order of the mail.
func (t *tree) attach(p *part, b *bodies, m *Mail) {
	if b.attached[p] || p.damage != sound {
		content := decodeTransfer(p.body, p.encoding, t.defects)
		m.Attachments = append(m.Attachments, Attachment{
			Ordinal:   len(m.Attachments),
			Filename:  p.filename,
			MediaType: label(p.declared(), content),
			Content:   content,
			Inline:    p.disposition == "inline" || p.disposition == "" && p.contentID != "",
			ContentID: p.contentID,
		})
	}
	for _, f := range p.files {
		m.Attachments = append(m.Attachments, Attachment{Ordinal: len(m.Attachments), Filename: f.name, MediaType: "application/octet-stream", Content: f.content})
	}
	for _, child := range p.children {
		t.attach(child, b, m)
	}
}

// declared is the media type with the parameter that matters to whoever reads the content.
func (p *part) declared() string {
	if p.charset == "" {
		return p.mediaType
	}
	if s := mime.FormatMediaType(p.mediaType, map[string]string{"charset": p.charset}); s != "" {
		return s
	}
	return p.mediaType
}

// normalLines makes every line end \n.
func normalLines(s string) string {
	at := strings.IndexByte(s, '\r')
	if at < 0 {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	for at >= 0 {
		out.WriteString(s[:at])
		s = s[at+1:]
		if strings.HasPrefix(s, "\r\n") { // \r\r\n
			s = s[1:]
		}
		if !strings.HasPrefix(s, "\n") {
			out.WriteByte('\n')
		}
		at = strings.IndexByte(s, '\r')
	}
	out.WriteString(s)
	return out.String()
}

// unflow joins the lines of format=flowed (RFC 3676): a line that ends in a space goes on in the next one of the same quote
// depth, with joint in place of that space. "-- " is the signature's separator and never goes on.
func unflow(s string, joint string) string {
	var out strings.Builder
	depth, open := -1, false
	for line := range strings.SplitSeq(s, "\n") {
		quotes := len(line) - len(strings.TrimLeft(line, ">"))
		text := strings.TrimPrefix(line[quotes:], " ") // space-stuffed
		switch {
		case depth < 0:
			out.WriteString(quoteMark(quotes))
		case !open || quotes != depth || text == "-- ":
			out.WriteByte('\n')
			out.WriteString(quoteMark(quotes))
		}
		depth = quotes
		open = strings.HasSuffix(text, " ") && text != "-- "
		if open {
			text = text[:len(text)-1] + joint
		}
		out.WriteString(text)
	}
	return out.String()
}

// joint is what a flowed line is joined to the next with: with DelSp=yes the space only marks the line and is no part of the text.
func joint(delsp string) string {
	if strings.EqualFold(delsp, "yes") {
		return ""
	}
	return " "
}

func quoteMark(depth int) string {
	if depth == 0 {
		return ""
	}
	return strings.Repeat(">", depth) + " "
}
