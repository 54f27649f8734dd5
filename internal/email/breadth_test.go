package email_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/postroom/postroom/internal/email"
)

// encoded is a text in a character set.
func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	koreanText   = "안녕하세요, 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다."
	japaneseText = "お世話になっております。注文した商品がまだ届いていません。ご確認をお願いします。"
	chineseText  = "您好,我订购的商品还没有收到,请帮我查一下订单的情况,谢谢。"
	taiwanText   = "您好,我訂購的商品還沒有收到,請幫我查一下訂單的情況,謝謝。"
	russianText  = "Здравствуйте, мой заказ ещё не пришёл. Проверьте, пожалуйста."
	frenchText   = "Bonjour, ma commande n’est pas arrivée, où est-elle ? 5 €"
)

func TestTextIsReadInTheSetThatItNames(t *testing.T) {
	t.Parallel()
	for label, c := range map[string]struct {
		encoding encoding.Encoding
		text     string
	}{
		"euc-kr": {korean.EUCKR, koreanText}, "KS_C_5601-1987": {korean.EUCKR, koreanText}, "\"cp949\"": {korean.EUCKR, "똠방각하 펲시콜라"}, "UHC": {korean.EUCKR, koreanText}, "x-windows-949": {korean.EUCKR, koreanText},
		"iso-2022-jp": {japanese.ISO2022JP, japaneseText}, "shift_jis": {japanese.ShiftJIS, japaneseText}, "Windows-31J": {japanese.ShiftJIS, japaneseText}, "euc-jp": {japanese.EUCJP, japaneseText}, "x-euc-jp": {japanese.EUCJP, japaneseText},
		"gb2312": {simplifiedchinese.GBK, chineseText}, "GBK": {simplifiedchinese.GBK, chineseText}, "gb18030": {simplifiedchinese.GB18030, chineseText + "𠀀"}, "hz-gb-2312": {simplifiedchinese.HZGB2312, "你好"}, "cp936": {simplifiedchinese.GBK, chineseText},
		"big5": {traditionalchinese.Big5, taiwanText}, "Big5-HKSCS": {traditionalchinese.Big5, taiwanText}, "cp950": {traditionalchinese.Big5, taiwanText},
		"koi8-r": {charmap.KOI8R, russianText}, "koi8-u": {charmap.KOI8U, russianText}, "windows-1251": {charmap.Windows1251, russianText}, "cp1251": {charmap.Windows1251, russianText}, "win-1251": {charmap.Windows1251, russianText}, "cp866": {charmap.CodePage866, russianText}, "iso-8859-5": {charmap.ISO8859_5, russianText},
		"windows-1252": {charmap.Windows1252, frenchText}, "iso-8859-1": {charmap.Windows1252, frenchText}, "ISO8859-15": {charmap.ISO8859_15, "Bonjour, œuvre à 5 €"}, "iso-8859-2": {charmap.ISO8859_2, "Příliš žluťoučký kůň"}, "windows-1250": {charmap.Windows1250, "Příliš žluťoučký kůň"},
		"macintosh": {charmap.Macintosh, "déjà vu à l’été"}, "ibm850": {charmap.CodePage850, "déjà vu"}, "cp437": {charmap.CodePage437, "déjà vu"}, "windows-1253": {charmap.Windows1253, "Καλημέρα"}, "windows-1256": {charmap.Windows1256, "مرحبا"}, "windows-1255": {charmap.Windows1255, "שלום"}, "tis-620": {charmap.Windows874, "สวัสดี"},
		"utf-16": {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), koreanText}, "utf-16le": {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "hello " + koreanText}, "UTF-16BE": {unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "hello " + koreanText},
		"utf8": {unicode.UTF8, koreanText}, "UTF-8//TRANSLIT": {unicode.UTF8, koreanText}, "unknown-8bit": {unicode.UTF8, koreanText}, "x-no-such-set": {korean.EUCKR, koreanText}, "": {unicode.UTF8BOM, koreanText},
	} {
		m := email.Parse(mail("Subject: =?"+strings.Trim(label, `"`)+"?B?"+b64(encoded(t, c.encoding, c.text))+"?=", "Content-Type: text/plain; charset="+label, "Content-Transfer-Encoding: base64", "",
			b64(encoded(t, c.encoding, c.text))))
		if m.Text != c.text {
			t.Errorf("text in %s: %q", label, m.Text)
		}
		if m.Subject != c.text {
			t.Errorf("subject in %s: %q", label, m.Subject)
		}
	}
}

func TestTextIsReadAlthoughItNamesAnotherSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		label    string
		encoding encoding.Encoding
		text     string
	}{
		"Korean as Latin":             {"iso-8859-1", korean.EUCKR, koreanText},
		"Korean as ASCII":             {"us-ascii", korean.EUCKR, koreanText},
		"Korean as UTF-8":             {"utf-8", korean.EUCKR, koreanText},
		"Korean as Chinese":           {"big5", unicode.UTF8, koreanText},
		"UTF-8 as Latin":              {"windows-1252", unicode.UTF8, frenchText},
		"a little UTF-8 as Latin":     {"iso-8859-1", unicode.UTF8, "café noir"},
		"Finnish as Latin":            {"iso-8859-1", charmap.Windows1252, "Hyvää päivää, Jääskeläinen"},
		"German as Latin":             {"iso-8859-1", charmap.Windows1252, "Größe, Grüße, ÄÖÜ äöü ß"},
		"UTF-8 as Korean":             {"euc-kr", unicode.UTF8, koreanText},
		"UTF-8 as ISO 2022":           {"iso-2022-jp", unicode.UTF8, japaneseText},
		"Japanese of nothing":         {"", japanese.ShiftJIS, japaneseText},
		"Japanese, EUC, of nothing":   {"", japanese.EUCJP, japaneseText},
		"Japanese, 7 bits, as ASCII":  {"us-ascii", japanese.ISO2022JP, japaneseText},
		"Japanese as Latin":           {"iso-8859-1", japanese.ShiftJIS, japaneseText},
		"Chinese of nothing":          {"", simplifiedchinese.GBK, chineseText},
		"Chinese of Taiwan":           {"", traditionalchinese.Big5, taiwanText},
		"Russian of nothing":          {"", charmap.Windows1251, russianText},
		"Russian, KOI8, of nothing":   {"", charmap.KOI8R, russianText},
		"French of nothing":           {"", charmap.Windows1252, frenchText},
		"French as UTF-8":             {"utf-8", charmap.Windows1252, frenchText},
		"UTF-16 of nothing, with BOM": {"", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "hello " + koreanText},
		"UTF-16 of the other order":   {"utf-16le", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "hello, where is my order? " + "안녕"},
		"UTF-8 as UTF-16":             {"utf-16", unicode.UTF8, "hello"},
	} {
		m := email.Parse(mail("Content-Type: text/plain; charset="+c.label, "Content-Transfer-Encoding: base64", "", b64(encoded(t, c.encoding, c.text))))
		if m.Text != c.text {
			t.Errorf("%s: %q", name, m.Text)
		}
	}
}

func TestSwitchedSetsAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ label, raw, want string }{
		"half-width katakana":          {"iso-2022-jp", "\x1b(I6@6E\x1b(B ok", "ｶﾀｶﾅ ok"},
		"JIS of 1978":                  {"iso-2022-jp", "\x1b$@F|K\\\x1b(J", "日本"},
		"a line that is not closed":    {"iso-2022-jp", "\x1b$BF|K\\\nok", "日本\nok"},
		"Korean within Japanese":       {"iso-2022-jp-2", "\x1b$(C>H3g\x1b(B \x1b$BF|K\\\x1b(B", "안녕 日本"},
		"Chinese within Japanese":      {"iso-2022-jp-2", "\x1b$AVPND\x1b(B", "中文"},
		"Chinese":                      {"iso-2022-cn", "\x1b$)A\x0eVPND\x0f ok", "中文 ok"},
		"Korean":                       {"iso-2022-kr", "\x1b$)C\n\x0e>H3g\x0f ok\n\x0e>H3g", "\n안녕 ok\n안녕"},
		"Korean without designator":    {"iso-2022-kr", "\x0e>H3g\x0f ok", "안녕 ok"},
		"Korean of nothing":            {"", "\x1b$)C\x0e>H3g\x0f ok", "안녕 ok"},
		"an escape that means nothing": {"iso-2022-jp", "a\x1b[31mb", "a[31mb"},
		"UTF-7":                        {"utf-7", "Hi +xUixVQ- +- 1", "Hi 안녕 + 1"},
	} {
		m := email.Parse([]byte("Content-Type: text/plain; charset=" + c.label + "\n\n" + c.raw))
		if m.Text != c.want {
			t.Errorf("%s: %q, want %q", name, m.Text, c.want)
		}
	}
}

func TestEncodedWordsAreReadInTheirBrokenForms(t *testing.T) {
	t.Parallel()
	whole := b64("안녕하세요")
	for in, want := range map[string]string{
		"=?utf-8?B?" + whole[:6] + "?= =?utf-8?B?" + whole[6:] + "?=":     "안녕하세요", // split within base64
		"=?utf-8?B?" + whole[:7] + "?=\r\n =?UTF-8?B?" + whole[7:] + "?=": "안녕하세요",
		"=?utf-8?B?" + strings.TrimRight(b64("안녕"), "=") + "?=":           "안녕",
		"=?utf-8?B?" + whole:                                 "안녕하세요", // cut off
		"=?utf-8?B? " + whole + " ?=":                        "안녕하세요",
		"=?utf-8?Q?=EC=95=88?= =?utf-8?B?" + b64("녕") + "?=": "안녕",
		"=?utf-8?Q?=EC=95?= =?utf-8?Q?=88=EB=85=95?=":        "안녕",
		"=?utf-8?Q?hello world?=":                            "hello world",
		"=?utf-8?Q?what=3F_really??=":                        "what? really?",
		"\"=?utf-8?Q?caf=C3=A9?=\"":                          "\"café\"",
		"=?utf-8?Q?=3D=3Futf-8=3FB=3F" + strings.ReplaceAll(b64("안녕"), "=", "=3D") + "=3F=3D?=": "안녕", // encoded twice
		"=??B?" + b64("안녕") + "?=":                    "안녕",
		"=?us-ascii?B?" + b64("안녕") + "?=":            "안녕",
		"=?utf-8*ko?B?" + b64("안녕") + "?=":            "안녕",
		"=?iso-8859-1?Q?" + "안녕" + "?=":               "안녕", // not encoded at all
		"=?euc-kr?Q?=B3=BB?= =?euc-kr?Q?=BF=EB?= abc": "내용 abc",
		"=?x-unknown?Q?caf=C3=A9?=":                   "café",
		"price =?= 5?":                                "price =?= 5?",
		"=?utf-8?X?abc?=":                             "=?utf-8?X?abc?=",
		"re: =?utf-8?Q?a_b?=c":                        "re: a bc",
	} {
		if m := email.Parse([]byte("Subject: " + in + "\r\n\r\n")); m.Subject != want {
			t.Errorf("%q is %q, want %q", in, m.Subject, want)
		}
	}
}

func TestFileNamesAreReadInTheirBrokenForms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`filename*1=b.txt; filename*2=c`:                    "b.txtc",
		`filename=old.txt; filename*0=new; filename*1=.txt`: "new.txt",
		`filename*0=new; filename*1=.txt; filename=old.txt`: "new.txt",
		`filename*2=c.txt; filename=old.txt`:                "old.txt", // its beginning is missing
		`filename*0="=?utf-8?B?` + b64("보고서.pdf")[:8] + `"; filename*1="` + b64("보고서.pdf")[8:] + `?="`: "보고서.pdf",
		`filename*=utf-8'보고.pdf`:                                                     "보고.pdf",
		`filename*="UTF-8''%EB%B3%B4.pdf"`:                                           "보.pdf",
		`filename*=%EB%B3%B4.pdf`:                                                    "보.pdf",
		`filename*0*=iso-8859-1'es'%D1and; filename*1*=iso-8859-1'%FA.pdf`:           "Ñandú.pdf",
		`filename="=?utf-8?B?` + b64("보고") + `?=  =?utf-8?B?` + b64("서.pdf") + `?="`: "보고서.pdf",
		`filename==?utf-8?B?` + b64("보고서.pdf") + `?=`:                                "보고서.pdf",
		`filename=my report.pdf; size=3`:                                             "my report.pdf",
		`filename="a "quoted" name.pdf"`:                                             `a "quoted" name.pdf`,
		`filename="a;b.pdf"`:                                                         "a;b.pdf",
		`filename='a.pdf'`:                                                           "'a.pdf'",
		"filename=\"a.pdf\"\r\n\tsize=3":                                             "a.pdf",
		`filename="%EB%B3%B4%EA%B3%A0.pdf"`:                                          "보고.pdf",
		`filename="100%25.pdf"`:                                                      "100%25.pdf",
		"filename=\"a\r\n b.pdf\"":                                                   "a b.pdf",
	} {
		m := email.Parse(mail("Content-Type: application/octet-stream", "Content-Disposition: attachment; "+in, "", "x"))
		if len(m.Attachments) != 1 || m.Attachments[0].Filename != want {
			t.Errorf("%s is %q, want %q", in, m.Attachments[0].Filename, want)
		}
	}
}
