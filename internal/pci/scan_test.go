package pci_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/pci"
)

func TestCardsAreMaskedInPlaceAndKeepTheirLastFourDigits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"plain":                                {"4111111111111111", "************1111"},
		"spaces":                               {"4111 1111 1111 1111", "**** **** **** 1111"},
		"dashes":                               {"4111-1111-1111-1111", "****-****-****-1111"},
		"dots":                                 {"4111.1111.1111.1111", "****.****.****.1111"},
		"slashes":                              {"4111/1111/1111/1111", "****/****/****/1111"},
		"stars":                                {"4111*1111*1111*1111", "***************1111"},
		"no-break spaces":                      {"4111\u00a01111\u00a01111\u00a01111", "****\u00a0****\u00a0****\u00a01111"},
		"thin spaces":                          {"4111\u20091111\u20091111\u20091111", "****\u2009****\u2009****\u20091111"},
		"en dashes with spaces":                {"4111 – 1111 – 1111 – 1111", "**** – **** – **** – 1111"},
		"quoted and wrapped":                   {"> my card 41111111\n> 11111111\nok", "> my card ********\n> ****1111\nok"},
		"wrapped twice quoted":                 {"카드 4111 1111\r\n> > 1111 1111", "카드 **** ****\r\n> > **** 1111"},
		"glued to Hangul":                      {"카드번호4111111111111111입니다", "카드번호************1111입니다"},
		"glued to a word":                      {"card4111111111111111", "card************1111"},
		"fullwidth":                            {"４１１１ １１１１ １１１１ １１１１", "**** **** **** １１１１"},
		"Arabic":                               {"٤١١١١١١١١١١١١١١١", "************١١١١"},
		"mathematical":                         {"𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "************𝟏𝟏𝟏𝟏"},
		"circled":                              {"④①①①①①①①①①①①①①①①", "************①①①①"},
		"zero-width":                           {"4111\u200b1111\u200b1111\u200b1111", "****\u200b****\u200b****\u200b1111"},
		"soft hyphen":                          {"4111\u00ad1111\u00ad1111\u00ad1111", "****\u00ad****\u00ad****\u00ad1111"},
		"keycaps":                              {strings.Repeat("4\ufe0f\u20e3", 1) + strings.Repeat("1\ufe0f\u20e3", 15), "*\ufe0f\u20e3" + strings.Repeat("*\ufe0f\u20e3", 11) + strings.Repeat("1\ufe0f\u20e3", 4)},
		"NUL inside":                           {"41111111\x0011111111", "********\ufffd****1111"},
		"bytes that are no text":               {"41111111\xff11111111", "********\ufffd****1111"},
		"Amex":                                 {"3782 822463 10005", "**** ****** *0005"},
		"Diners":                               {"3852 000002 3237", "**** ****** 3237"},
		"UnionPay of 19":                       {"6200 0000 0000 0000 000", "**** **** **** ***0 000"},
		"Korean domestic":                      {"9490 9912 3456 7897", "**** **** **** 7897"},
		"Korean domestic, other":               {"9000 1234 5678 9016", "**** **** **** 9016"},
		"two in a row":                         {"4111111111111111 5555555555554444", "************1111 ************4444"},
		"card and expiry":                      {"4111 1111 1111 1111 12/27", "**** **** **** 1111 12/27"},
		"in an address":                        {"https://pay.example.com/?cc=4111111111111111&x=1", "https://pay.example.com/?cc=************1111&x=1"},
		"single digits":                        {"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "* * * * * * * * * * * * 1 1 1 1"},
		"a number by itself in unusual groups": {"411111 1111111111", "****** ******1111"},
	} {
		got, found := pci.New().Text(pci.PlaceText, c.in)
		if got.Reveal() != c.want {
			t.Errorf("%s: %q, want %q", name, got.Reveal(), c.want)
		}
		if len(found) == 0 {
			t.Errorf("%s: no finding", name)
		}
	}
}

func TestNumbersThatAreNoCardsStay(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"wrong check digit":              "4111111111111112",
		"telephone numbers":              "010-4123-4567, 02-765-4321, +82-10-4123-4567, 1-800-555-0199",
		"one number per line":            "4111\n1111\n1111\n1111\n2222\n3333",
		"longer than any card":           "41111111111111111111",
		"much longer than any card":      strings.Repeat("1", 1000) + "4111111111111111",
		"within a hash":                  "b7c4111111111111111c9",
		"within a tracking number":       "1Z4111111111111111",
		"part of a name of a program":    "by 10.84.232.76 with SMTP id f12mr996194pln.269.1510160527592;",
		"decimals":                       "37.4111111111111111",
		"all-digit UUID":                 "17044289-5927-4466-8728-730012294600",
		"Korean number without grouping": "9000123456789016",
		"order number":                   "주문번호 20260714000123",
		"article number":                 "4006381333931",
		"masked already":                 "**** **** **** 1111",
		"time and date":                  "2026-07-14 11:57:30.601948",
		"list with commas":               "3996, 4132, 3779, 5474",
	} {
		got, found := pci.New().Text(pci.PlaceText, in)
		if got.Reveal() != in || found != nil {
			t.Errorf("%s: %q became %q", name, in, got.Reveal())
		}
	}
}

func TestWordForCardLetsWeakEvidenceCount(t *testing.T) {
	t.Parallel()
	const number = "9000123456789016" // a Korean domestic number without grouping
	for _, in := range []string{"카드번호는 " + number, "Card: " + number, "credit cards " + number, "カード番号 " + number} {
		if len(pci.New().Find(pci.PlaceText, in)) != 1 {
			t.Errorf("%q was not found", in)
		}
	}
	for _, in := range []string{"discard " + number, "company " + number, "주문 " + number, "card" + strings.Repeat(" 가나다", 30) + " " + number} {
		if len(pci.New().Find(pci.PlaceText, in)) != 0 {
			t.Errorf("%q was found", in)
		}
	}
}

func TestFindingSaysWhatAndWhereAndNeverTheNumber(t *testing.T) {
	t.Parallel()
	_, found := pci.New().Text("header:x-note", "Visa 4111 1111 1111 1111 and ５５５５ ５５５５ ５５５５ ４４４４")
	want := []postroom.Finding{
		{Kind: postroom.FindingPAN, Place: "header:x-note", Brand: "Visa", Last4: "1111", Detector: pci.Detector},
		{Kind: postroom.FindingPAN, Place: "header:x-note", Brand: "Mastercard", Last4: "4444", Detector: pci.Detector},
	}
	if len(found) != 2 || found[0] != want[0] || found[1] != want[1] {
		t.Errorf("got %+v, want %+v", found, want)
	}
}

// A number of 16 digits with a verification value behind it may pass for one of 19: the three digits must not stay visible.
func TestNumberThatMayEndInAVerificationValueShowsNoDigit(t *testing.T) {
	t.Parallel()
	base := "4111 1111 1111 1111 "
	for v := range 1000 {
		in := base + string([]byte{byte('0' + v/100), byte('0' + v/10%10), byte('0' + v%10)})
		got, _ := pci.New().Text(pci.PlaceText, in)
		if masked := got.Reveal(); masked != "**** **** **** 1111 "+in[len(base):] && masked != "**** **** **** **** ***" {
			t.Fatalf("%q became %q", in, masked)
		}
	}
}

func TestDraftCatchesACardBeforeItIsComplete(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"4111111111":            "4111111111", // ten digits
		"41111111111":           "*******1111",
		"4111 1111 111":         "**** ***1 111",
		"카드 3782 822463 1":      "카드 **** ***463 1",
		"4111111111111112":      "************1112", // mistyped
		"4111 1111 1111 1111":   "**** **** **** 1111",
		"+82 10 4123 4567":      "+82 10 4123 4567",
		"821041234567":          "821041234567",
		"010-4123-4567":         "010-4123-4567",
		"010-4123-4567 / 4층":    "010-4123-4567 / 4층",
		"연락처 010-4123-4567 123": "연락처 010-4123-4567 123",
		"20260714123456":        "20260714123456",
		"계좌 110-123-456789":     "계좌 110-123-456789",
	} {
		got, found := pci.New().Draft(pci.PlaceDraft, in)
		if got.Reveal() != want || (in != want) != (found != nil) {
			t.Errorf("%q became %q (%v), want %q", in, got.Reveal(), found, want)
		}
	}
}

func TestOversizedTextIsCut(t *testing.T) {
	t.Parallel()
	got, _ := pci.New().Text(pci.PlaceText, strings.Repeat("가나다 ", pci.MaxText/8))
	if out := got.Reveal(); len(out) > pci.MaxText || !utf8.ValidString(out) || !strings.HasSuffix(out, "[…]") {
		t.Errorf("%d bytes", len(out))
	}
}

func TestSealPassesOnlyBytesInWhichNothingIsFound(t *testing.T) {
	t.Parallel()
	s := pci.New()
	clean := pci.Part{Place: pci.PlaceText, Text: "hello"}
	sealed, found, err := s.Seal([]byte("Subject: x\r\n\r\nhello"), clean)
	if err != nil || found != nil || string(sealed.Reveal()) != "Subject: x\r\n\r\nhello" {
		t.Errorf("clean mail: %v %v %v", sealed, found, err)
	}
	sealed, found, err = s.Seal([]byte("NDExMTExMTExMTExMTExMQ=="), clean, pci.Part{Place: pci.PlaceHTML, Text: "4111111111111111"})
	if postroom.ReasonOf(err) != postroom.ReasonCardData || sealed.Len() != 0 || len(found) != 1 || found[0].Place != pci.PlaceHTML {
		t.Errorf("card in a decoded part: %v %v %v", sealed, found, err)
	}
	sealed, found, err = s.Seal([]byte("X-Note: 4111111111111111\r\n\r\nhello"), clean)
	if postroom.ReasonOf(err) != postroom.ReasonCardData || sealed.Len() != 0 || len(found) != 1 || found[0].Place != pci.PlaceSource {
		t.Errorf("card in the bytes only: %v %v %v", sealed, found, err)
	}
	if _, _, err = s.Seal([]byte("hello")); postroom.KindOf(err) != postroom.KindInvalid {
		t.Errorf("nothing inspected: %v", err)
	}
}

func TestHTMLIsMaskedOrLeftOut(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<p>hello</p>":                              "<p>hello</p>",
		"<p>4111 1111 1111 1111</p>":                "<p>**** **** **** 1111</p>",
		"<a href='?cc=4111111111111111'>x</a>":      "<a href='?cc=************1111'>x</a>",
		"<p>4111<b>1111</b>11111111</p>":            "",
		"<p>&#52;111111111111111</p>":               "",
		"<p>4111<!-- x -->1111<!-- -->11111111</p>": "",
		"4111<br>1111<br>1111<br>1111":              "",
		"<td>3996</td><td>4132</td><td>37</td>":     "<td>3996</td><td>4132</td><td>37</td>",
	} {
		got, found := pci.New().HTML(in)
		if got.Reveal() != want || (in != want) != (found != nil) {
			t.Errorf("%q became %q (%v), want %q", in, got.Reveal(), found, want)
		}
	}
	_, _, err := pci.New().Seal([]byte("x"), pci.Part{Place: pci.PlaceHTML, Text: "4111<b>1111</b>11111111"})
	if postroom.ReasonOf(err) != postroom.ReasonCardData {
		t.Errorf("a number that tags run through is sealed: %v", err)
	}
}

func TestPrintedInputSaysNothing(t *testing.T) {
	t.Parallel()
	a := pci.Attachment{Filename: "secret", MediaType: "secret", Content: []byte("secret")}
	p := pci.Part{Place: pci.PlaceText, Text: "secret"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "attachment", a, "part", p)
	fmt.Fprintf(&log, "%v %+v %#v %v %+v %#v", a, a, a, p, p, p)
	if strings.Contains(log.String(), "secret") {
		t.Errorf("printed: %s", log.String())
	}
}

// text draws what a mail may hold: cards, pieces of cards and other numbers, in several scripts, with all that may stand between.
var text = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "9490991234567897", "6759649826438453",
			"４１１１１１１１１１１１１１１１", "411111", "1111", "1234 5678", "010-4123-4567", "4\u200b1\u200b1", "6304", "12/27", "123",
		}),
		rapid.SampledFrom([]string{" ", "-", ".", "/", "\n", "\n> ", ", ", "\u00a0", "\u200b", "\u00ad", "*", "**** ", "", "카드", "card ", "x", "입니다", "\x00"}),
		rapid.StringMatching(`[0-9]{1,20}`),
		rapid.StringMatching(`[0-9 *.-]{1,24}`),
	)
	return strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
})

func TestWhatWasMaskedIsNeverFoundAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { checkMasked(t, text.Draw(t, "text")) })
}

func FuzzMasking(f *testing.F) {
	for _, s := range []string{
		"", "4111 1111 1111 1111", "카드번호4111111111111111입니다", "４１１１１１１１１１１１１１１１", "4\u200b111111111111111",
		"> 41111111\n> 11111111", "4111111111111111 5555555555554444 1234", "\xff4111\x001111\xc0111111111", "+82 10 4123 4567", "4111,1111,1111,1111 card",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkMasked(t, s) })
}

type reporter interface {
	Fatalf(format string, args ...any)
}

// checkMasked holds the gate's promises for both modes: nothing is found a second time, every character keeps its place, and
// only digits have changed, into stars.
func checkMasked(t reporter, s string) {
	for _, gate := range []func(string, string) (postroom.Text, []postroom.Finding){pci.New().Text, pci.New().Draft} {
		got, found := gate(pci.PlaceText, s)
		out := got.Reveal()
		if _, again := gate(pci.PlaceText, out); again != nil {
			t.Fatalf("%q became %q, in which %v is found", s, out, again)
		}
		if !utf8.ValidString(out) || strings.Contains(out, "\x00") {
			t.Fatalf("%q became %q, which cannot be stored", s, out)
		}
		if !utf8.ValidString(s) {
			continue
		}
		before, after := []rune(strings.ReplaceAll(s, "\x00", "\ufffd")), []rune(out)
		if len(before) != len(after) {
			t.Fatalf("%q has %d characters, %q has %d", s, len(before), out, len(after))
		}
		for i := range before {
			if before[i] != after[i] && (after[i] != '*' || !unicode.In(before[i], unicode.Nd, unicode.No, unicode.Nl)) {
				t.Fatalf("%q became %q: character %d changed", s, out, i)
			}
		}
		if (found == nil) != (string(before) == string(after)) {
			t.Fatalf("%q became %q with findings %v", s, out, found)
		}
	}
}
