package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/visible"
)

// What we quote, in either language, we fold when it comes back, and nothing of what was written goes with it.
func TestOurQuotationsAreFoldedWhenTheyComeBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC)
	for _, c := range []struct{ quoted, zone, line, signature string }{
		{"Where is my parcel?", "", "On Sun, 22 Nov 2026 at 14:05 (UTC), Kim Ha-neul <kim@customer.example> wrote:", "Kind regards"},
		{"제 상품은 어디에 있나요?", "", "2026년 11월 22일 14:05 (UTC), Kim Ha-neul <kim@customer.example>님이 작성:", "감사합니다"},
		{"Where is my parcel?", "Asia/Seoul", "On Sun, 22 Nov 2026 at 23:05 (KST), Kim Ha-neul <kim@customer.example> wrote:", "Kind regards"},
		{"제 상품은 어디에 있나요?", "Asia/Seoul", "2026년 11월 22일 23:05 (KST), Kim Ha-neul <kim@customer.example>님이 작성:", "감사합니다"},
		{"Where is my parcel?", "America/Sao_Paulo", "On Sun, 22 Nov 2026 at 11:05 (-03), Kim Ha-neul <kim@customer.example> wrote:", "Kind regards"},
		{"제 상품은 어디에 있나요?", "Asia/Kathmandu", "2026년 11월 22일 19:50 (+0545), Kim Ha-neul <kim@customer.example>님이 작성:", "감사합니다"},
	} {
		body := bodyOf(store.ReplySource{Body: "It is on its way.", QuotedName: "Kim  Ha-neul", QuotedAddress: "kim@customer.example", QuotedAt: at, TimeZone: c.zone,
			Quoted: c.quoted, Signature: "Kind regards", SignatureKo: "감사합니다"})
		if body.Attribution != c.line || body.Signature != c.signature {
			t.Errorf("%q below %q", body.Attribution, body.Signature)
		}
		raw, err := outbound.Render(outbound.Reply{From: outbound.Address{Address: "support@shop.example"}, To: []outbound.Address{{Address: "kim@customer.example"}},
			Subject: "Re: x", Date: at, ID: "c.x.y@shop.example", Text: body.Plain(), HTML: body.HTML()})
		if err != nil {
			t.Fatal(err)
		}
		mail := email.Parse(raw)
		if seen := visible.Of(mail); strings.Contains(seen.Text, c.quoted) || strings.Contains(seen.Text, c.line) || !strings.HasPrefix(seen.Text, "It is on its way.") {
			t.Errorf("of the answer is seen\n%s", seen.Text)
		}
		if !strings.Contains(mail.Text, "> "+c.quoted) || !strings.Contains(mail.HTML, c.quoted) {
			t.Errorf("the answer quotes\n%s", mail.Text)
		}
	}
	if body := bodyOf(store.ReplySource{Body: "Hello"}); body != (outbound.Body{Text: "Hello"}) {
		t.Errorf("nothing to quote: %+v", body)
	}
	if quote := bodyOf(store.ReplySource{Quoted: strings.Repeat("line\n", 5000)}).Quote; strings.Count(quote, "\n") > 1002 {
		t.Errorf("%d lines are quoted", strings.Count(quote, "\n"))
	}
	if (postroom.DKIM{}) != (store.ReplySource{}).DKIM {
		t.Error("a mailbox signs without being told to")
	}
}

// R48: who may not be who he says is told nothing that was said before; everybody else is, which is the control.
func TestWeakIdentityGetsNoQuotedHistory(t *testing.T) {
	t.Parallel()
	for _, weak := range []bool{false, true} {
		body := bodyOf(store.ReplySource{Body: "Hello", QuotedAddress: "kim@customer.example", Quoted: "My number is 4711", Signature: "Kind regards", Weak: weak})
		if quoted := strings.Contains(body.Plain()+body.HTML(), "4711"); quoted == weak {
			t.Errorf("weak %t: quoted %t", weak, quoted)
		}
		if !strings.Contains(body.Plain(), "Kind regards") {
			t.Errorf("weak %t: the signature is gone", weak)
		}
	}
}
