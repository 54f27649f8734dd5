package pci_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/pci"
)

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

func encode(t *testing.T, s string, e interface {
	Bytes([]byte) ([]byte, error)
}) string {
	t.Helper()
	out, err := e.Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAttachmentIsPassedDestroyedOrWithheld(t *testing.T) {
	t.Parallel()
	const passed, destroyed, withheld = postroom.AttachmentPassed, postroom.AttachmentDestroyed, postroom.AttachmentWithheld
	eucKR, shiftJIS := korean.EUCKR.NewEncoder(), japanese.ShiftJIS.NewEncoder()
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()
	utf16NoMark := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder()
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("card 4111111111111111 and more text\n", 12)))
	for name, c := range map[string]struct {
		mediaType, content string
		inline             bool
		verdict            postroom.AttachmentVerdict
		reason             postroom.Reason
	}{
		"text":                        {"text/plain", "nothing here", false, passed, ""},
		"empty":                       {"text/plain", "", false, passed, ""},
		"text with a card":            {"text/plain", "card 4111 1111 1111 1111", false, destroyed, postroom.ReasonCardData},
		"csv":                         {"text/csv", "a,b\n4111111111111111,12/27\n", false, destroyed, postroom.ReasonCardData},
		"json":                        {"application/json", `{"pan":"4111111111111111"}`, false, destroyed, postroom.ReasonCardData},
		"xml":                         {"application/xml", "<a><b>4111</b><b>111111111111</b></a>", false, destroyed, postroom.ReasonCardData},
		"xml entities":                {"application/xml", "<a>&#52;&#x31;11 1111 1111 1111</a>", false, destroyed, postroom.ReasonCardData},
		"html split by tags":          {"text/html", "<p>4111<b>1111</b><i>11111111</i></p>", false, destroyed, postroom.ReasonCardData},
		"html attribute":              {"text/html", `<a href="?cc=4111&#49;11111111111">x</a>`, false, destroyed, postroom.ReasonCardData},
		"html":                        {"text/html", "<p>hello</p>", false, passed, ""},
		"unnamed text":                {"", "nothing here", false, passed, ""},
		"text as octet-stream":        {"application/octet-stream", "nothing here", false, passed, ""},
		"EUC-KR":                      {"text/plain; charset=euc-kr", encode(t, "주문 문의", eucKR), false, passed, ""},
		"EUC-KR, undeclared":          {"text/plain", encode(t, "카드 ４１１１１１１１１１１１１１１１", eucKR), false, destroyed, postroom.ReasonCardData},
		"CP949":                       {"text/plain; charset=cp949", encode(t, "똠방각하 ４１１１１１１１１１１１１１１１", eucKR), false, destroyed, postroom.ReasonCardData},
		"Shift_JIS":                   {"text/plain; charset=shift_jis", encode(t, "カード ４１１１１１１１１１１１１１１１", shiftJIS), false, destroyed, postroom.ReasonCardData},
		"UTF-16":                      {"text/plain", encode(t, "카드 4111111111111111", utf16), false, destroyed, postroom.ReasonCardData},
		"UTF-16, clean":               {"text/plain", encode(t, "hello there", utf16), false, passed, ""},
		"UTF-16 without a mark":       {"text/plain", encode(t, "hello there", utf16NoMark), false, passed, ""},
		"ISO-2022-JP":                 {"text/plain; charset=iso-2022-jp", encode(t, "カード ４１１１１１１１１１１１１１１１", japanese.ISO2022JP.NewEncoder()), false, destroyed, postroom.ReasonCardData},
		"ISO-2022-JP, undeclared":     {"text/plain", encode(t, "カード ４１１１１１１１１１１１１１１１", japanese.ISO2022JP.NewEncoder()), false, withheld, pci.ReasonUndecodable},
		"HZ":                          {"text/plain; charset=hz-gb-2312", "~{<:Ky2;~}", false, withheld, pci.ReasonUndecodable},
		"UTF-7":                       {"text/plain; charset=utf-7", "+ADQAMQAx-", false, withheld, pci.ReasonUndecodable},
		"binary":                      {"text/plain", "a\x00\x01\x02b", false, withheld, pci.ReasonUndecodable},
		"unknown":                     {"application/x-thing", "\x00\x01\x02\x03", false, withheld, pci.ReasonNotInspectable},
		"pdf":                         {"application/pdf", "%PDF-1.7\n...", false, withheld, pci.ReasonNotInspectable},
		"pdf that calls itself text":  {"text/plain", "junk\n%PDF-1.7\n...", false, withheld, pci.ReasonNotInspectable},
		"pdf with plain digits":       {"application/pdf", "%PDF-1.7\n(4111 1111 1111 1111) Tj", false, destroyed, postroom.ReasonCardData},
		"zip":                         {"application/zip", "PK\x03\x04...", false, withheld, pci.ReasonNotInspectable},
		"rtf":                         {"text/rtf", `{\rtf1 4111{\b 1111}}`, false, withheld, pci.ReasonNotInspectable},
		"mail":                        {"message/rfc822", "From: a\nMIME-Version: 1.0\n\nhello", false, withheld, pci.ReasonNotInspectable},
		"pgp":                         {"text/plain", "-----BEGIN PGP MESSAGE-----\n", false, withheld, pci.ReasonEncrypted},
		"uuencode":                    {"text/plain", "see:\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\n", false, withheld, pci.ReasonEmbedded},
		"prose about beginning":       {"text/plain", "begin 6 months ago\nbegin 644", false, passed, ""},
		"base64 in text":              {"text/plain", "data:" + encoded, false, withheld, pci.ReasonEmbedded},
		"long lines of equals signs":  {"text/plain", strings.Repeat(strings.Repeat("=", 80)+"\n", 10), false, passed, ""},
		"small inline image":          {"image/png", png, true, passed, ""},
		"image that is attached":      {"image/png", png, false, withheld, pci.ReasonImage},
		"image with a card in it":     {"image/png", png + "tEXt4111111111111111", true, destroyed, postroom.ReasonCardData},
		"large inline image":          {"image/png", png + strings.Repeat("\x01", pci.MaxInlineImage), true, withheld, pci.ReasonImage},
		"text that calls itself png":  {"image/png", "nothing here", true, passed, ""},
		"svg is text":                 {"image/svg+xml", "<svg><text>4111</text><text> 1111 1111 1111</text></svg>", true, destroyed, postroom.ReasonCardData},
		"too large":                   {"text/plain", strings.Repeat("a ", pci.MaxAttachment/2+1), false, withheld, postroom.ReasonTooLarge},
		"binary that calls itself it": {"image/png", "\x00\x01\x02\x03", true, withheld, pci.ReasonNotInspectable},
	} {
		got := pci.New().Attachment(pci.Attachment{Ordinal: 3, Filename: "a.bin", MediaType: c.mediaType, Inline: c.inline, Content: []byte(c.content)})
		if got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: %s %s, want %s %s", name, got.Verdict, got.Reason, c.verdict, c.reason)
		}
		want := ""
		if c.verdict == passed {
			want = c.content
		}
		if string(got.Content.Reveal()) != want {
			t.Errorf("%s: %d bytes came through", name, got.Content.Len())
		}
		if (c.verdict == destroyed) != (len(got.Findings) != 0) || len(got.Findings) != 0 && got.Findings[0].Place != "attachment:3" {
			t.Errorf("%s: findings %v", name, got.Findings)
		}
	}
}

func TestFileNameIsMaskedWhateverBecomesOfTheFile(t *testing.T) {
	t.Parallel()
	got := pci.New().Attachment(pci.Attachment{Ordinal: 1, Filename: "card_4111111111111111.txt", MediaType: "text/plain", Content: []byte("hello")})
	if got.Filename.Reveal() != "card_************1111.txt" || got.Verdict != postroom.AttachmentPassed {
		t.Errorf("%q %s", got.Filename.Reveal(), got.Verdict)
	}
	if len(got.Findings) != 1 || got.Findings[0].Place != "filename:1" {
		t.Errorf("findings %v", got.Findings)
	}
}

func TestDeclaredTypeIsReducedToAName(t *testing.T) {
	t.Parallel()
	for declared, want := range map[string]string{
		"Text/Plain; charset=x; name=\"4111111111111111\"": "text/plain",
		"":                                  "application/octet-stream",
		"text":                              "application/octet-stream",
		"application/4111111111111111":      "application/octet-stream",
		"text/" + strings.Repeat("x", 200):  "application/octet-stream",
		"application/pdf; broken=;;":        "application/pdf",
		"<script>alert(1)</script>/<html x": "application/octet-stream",
	} {
		if got := pci.New().Attachment(pci.Attachment{MediaType: declared}).MediaType; got != want {
			t.Errorf("%q became %q, want %q", declared, got, want)
		}
	}
}

func FuzzAttachment(f *testing.F) {
	for _, s := range []string{"", png, "<p>4111<b>1111</b>11111111", "\xff\xfe4\x001\x00", "&#52;111111111111111", "%PDF-", "<![CDATA[4111", "<!-- 4111"} {
		f.Add("text/html; charset=euc-kr", []byte(s))
	}
	f.Fuzz(func(t *testing.T, mediaType string, content []byte) {
		got := pci.New().Attachment(pci.Attachment{MediaType: mediaType, Inline: true, Content: content})
		if (got.Verdict == postroom.AttachmentPassed) != (got.Reason == "") || got.Verdict != postroom.AttachmentPassed && got.Content.Len() != 0 {
			t.Fatalf("%+v", got)
		}
	})
}
