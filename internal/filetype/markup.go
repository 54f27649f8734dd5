package filetype

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/net/html"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"

	"github.com/postroom/postroom"

	utf "golang.org/x/text/encoding/unicode"
)

// markupNames are the extensions of files that a browser reads as a page or a drawing.
var markupNames = []string{".html", ".htm", ".xhtml", ".xht", ".shtml", ".svg", ".xml"}

// readable is the text of a content that is text, in whichever Unicode form.
func readable(content []byte, found *mimetype.MIME, extension string) ([]byte, bool) {
	for _, form := range []struct {
		mark    string
		decoder transform.Transformer
	}{
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM).NewDecoder()},
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM).NewDecoder()},
		{"\xfe\xff", utf.UTF16(utf.BigEndian, utf.ExpectBOM).NewDecoder()},
		{"\xff\xfe", utf.UTF16(utf.LittleEndian, utf.ExpectBOM).NewDecoder()},
	} {
		if bytes.HasPrefix(content, []byte(form.mark)) {
			text, _, err := transform.Bytes(form.decoder, content)
			return text, err == nil
		}
	}
	return content, under(found, "text/plain") || slices.Contains(markupNames, extension) || found.Is(Unknown)
}

// activeText looks for what is active in a text.
func activeText(text []byte, found *mimetype.MIME, extension string) postroom.Reason {
	head := strings.ToLower(strings.TrimLeft(string(bytes.TrimPrefix(text[:min(len(text), 512)], []byte("\xef\xbb\xbf"))), " \t\r\n"))
	for _, s := range shortcuts {
		if strings.HasPrefix(head, s) {
			return ReasonShortcut
		}
	}
	named := slices.Contains(markupNames, extension)
	if named && bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		return ReasonMarkup // packed, and unpacked by the browser
	}
	if !named && !markupByContent(found) && !strings.HasPrefix(head, "<") {
		return ""
	}
	if named && bytes.IndexByte(text, 0) >= 0 {
		return ReasonMarkup // a page in no form that we read, and perhaps in one that a browser does
	}
	if activeMarkup(text) {
		return ReasonMarkup
	}
	return ""
}

func markupByContent(found *mimetype.MIME) bool {
	return under(found, "text/html") || under(found, "text/xml") || under(found, "image/svg+xml")
}

// activeElements bring code with them, or load it.
var activeElements = []string{"script", "iframe", "frame", "object", "embed", "applet", "handler", "listener", "foreignobject"}

// activeMarkup reports whether markup holds a script, by any reading: HTML takes the content of some elements as text that XML does not.
func activeMarkup(text []byte) bool {
	z := html.NewTokenizer(bytes.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.CommentToken:
			if comment := string(z.Text()); strings.Contains(strings.ToLower(comment), "<script") || strings.HasPrefix(comment, "?") && leadsToCode(comment) {
				return true // conditional comments are code for some programs, and a style sheet can be
			}
		case html.DoctypeToken:
			if bytes.Contains(bytes.ToUpper(z.Text()), []byte("<!ENTITY")) {
				return true
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if activeElement(string(name), z, more) {
				return true
			}
			z.NextIsNotRawText()
		}
	}
}

func activeElement(name string, z *html.Tokenizer, more bool) bool {
	_, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		local = name
	}
	if slices.Contains(activeElements, local) || strings.HasPrefix(name, "hta:") {
		return true
	}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		k := string(key)
		if strings.HasPrefix(k, "on") && len(k) > 2 || k == "srcdoc" {
			return true
		}
		if local == "meta" && k == "http-equiv" && strings.EqualFold(strings.TrimSpace(string(value)), "refresh") {
			return true
		}
		if leadsToCode(string(value)) {
			return true
		}
	}
	return false
}

// leadsToCode reports whether a value is an address that runs something, as browsers read it: blanks and control characters do not count.
func leadsToCode(value string) bool {
	address := strings.ToLower(strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			return -1
		}
		return c
	}, value))
	for _, scheme := range []string{"javascript:", "vbscript:", "data:text/html", "data:image/svg", "data:text/xml", "data:application/x", "mhtml:", "ms-its:"} {
		if strings.Contains(address, scheme) {
			return true
		}
	}
	return false
}
