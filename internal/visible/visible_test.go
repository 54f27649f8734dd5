package visible_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// folded is what stays of a plain text from Kim.
func folded(text string) visible.Reply {
	return visible.Of(email.Parse(mail("From: Kim Minsu <kim@example.kr>", "Content-Type: text/plain; charset=utf-8", "", strings.ReplaceAll(text, "\n", "\r\n"))))
}

// The lines that mail programs write above quotations, by language. Each is tried above a marked quotation and, where it tells enough
// by itself, above text without marks.
func TestAttributionsOfManyLanguagesAreFolded(t *testing.T) {
	t.Parallel()
	for name, attribution := range map[string]string{
		"English, Gmail":        "On Mon, Jan 2, 2024 at 3:04 PM Desk <desk@example.com> wrote:",
		"English, wrapped":      "On Mon, Jan 2, 2024 at 3:04 PM Help Desk of the Company\n<desk@example.com> wrote:",
		"English, in three":     "On Mon, Jan 2, 2024 at 3:04 PM Help Desk\n<desk@example.com>\nwrote:",
		"English, Apple":        "On Jan 2, 2024, at 3:04 PM, Desk <desk@example.com> wrote:",
		"English, Thunderbird":  "On 1/2/24 3:04 PM, Desk wrote:",
		"English, Yahoo":        "--- On Tue, 1/2/24, desk@example.com <desk@example.com> wrote:",
		"English, Zoho":         "---- On Tue, 02 Jan 2024 15:04:05 +0900 Desk <desk@example.com> wrote ----",
		"English, name first":   "Desk <desk@example.com> wrote on Jan 2, 2024 at 15:04:",
		"Korean, Gmail":         "2024년 1월 2일 (화) 오후 3:04, 고객센터 <desk@example.com>님이 작성:",
		"Korean, wrapped":       "2024년 1월 2일 (화) 오후 3:04, 고객센터 상담팀\n<desk@example.com>님이 작성:",
		"Korean, Apple":         "2024. 1. 2. 오후 3:04, 고객센터 <desk@example.com> 작성:",
		"Korean, Apple, newer":  "고객센터 <desk@example.com>님이 2024. 1. 2. 오후 3:04에 작성:",
		"Korean, Thunderbird":   "2024-01-02 오후 3:04에 고객센터 이(가) 쓴 글:",
		"Japanese, Gmail":       "2024年1月2日(火) 15:04 サポート <desk@example.com>:",
		"Japanese, Apple":       "2024/01/02 15:04、サポート <desk@example.com>のメール:",
		"Japanese, Thunderbird": "2024/01/02 15:04, サポート さんは書きました:",
		"Chinese, Gmail":        "客服 <desk@example.com> 于2024年1月2日周二 15:04写道：",
		"Chinese, 163":          "在 2024-01-02 15:04:05，\"客服\" <desk@example.com> 写道：",
		"Chinese, traditional":  "客服 <desk@example.com> 於 2024年1月2日 週二 下午3:04寫道：",
		"German, Gmail":         "Am Di., 2. Jan. 2024 um 15:04 Uhr schrieb Kundendienst <desk@example.com>:",
		"German, Thunderbird":   "Am 02.01.2024 um 15:04 schrieb Kundendienst:",
		"German, have written":  "Am 02.01.2024 um 15:04 hat Desk <desk@example.com> geschrieben:",
		"French, Gmail":         "Le mar. 2 janv. 2024 à 15:04, Service <desk@example.com> a écrit\u00a0:",
		"French, Thunderbird":   "Le 02/01/2024 à 15:04, Service a écrit :",
		"Spanish, Gmail":        "El mar, 2 ene 2024 a las 15:04, Atención (<desk@example.com>) escribió:",
		"Italian, Gmail":        "Il giorno mar 2 gen 2024 alle ore 15:04 Assistenza <desk@example.com> ha scritto:",
		"Portuguese, Gmail":     "Em ter., 2 de jan. de 2024 às 15:04, Suporte <desk@example.com> escreveu:",
		"Dutch, Gmail":          "Op di 2 jan 2024 om 15:04 schreef Klantenservice <desk@example.com>:",
		"Dutch, Apple":          "Op 2 jan. 2024, om 15:04 heeft Desk <desk@example.com> het volgende geschreven:",
		"Polish, Gmail":         "wt., 2 sty 2024 o 15:04 Obsługa <desk@example.com> napisał(a):",
		"Polish, Thunderbird":   "W dniu 2.01.2024 o 15:04, Obsługa pisze:",
		"Russian, Gmail":        "вт, 2 янв. 2024 г. в 15:04, Поддержка <desk@example.com>:",
		"Russian, Mail.ru":      "Вторник, 2 января 2024, 15:04 +03:00 от Поддержка <desk@example.com>:",
		"Russian, Yandex":       "02.01.2024, 15:04, \"Поддержка\" <desk@example.com>:",
		"Russian, Thunderbird":  "02.01.2024 15:04, Поддержка пишет:",
		"Ukrainian, Gmail":      "вт, 2 січ. 2024 р. о 15:04 Підтримка <desk@example.com> пише:",
		"Swedish, Gmail":        "Den tis 2 jan. 2024 kl 15:04 skrev Kundtjänst <desk@example.com>:",
		"Danish, Gmail":         "Den tir. 2. jan. 2024 kl. 15.04 skrev Support <desk@example.com>:",
		"Norwegian, Gmail":      "tir. 2. jan. 2024 kl. 15:04 skrev Support <desk@example.com>:",
		"Finnish, Gmail":        "ti 2. tammik. 2024 klo 15.04 Tuki <desk@example.com> kirjoitti:",
		"Czech, Gmail":          "út 2. 1. 2024 v 15:04 odesílatel Podpora <desk@example.com> napsal:",
		"Slovak":                "ut 2. 1. 2024 o 15:04 Podpora <desk@example.com> napísal(a):",
		"Turkish, Gmail":        "Destek <desk@example.com>, 2 Oca 2024 Sal, 15:04 tarihinde şunu yazdı:",
		"Vietnamese, Gmail":     "Vào Th 3, 2 thg 1, 2024 vào lúc 15:04 Hỗ trợ <desk@example.com> đã viết:",
		"Romanian, Gmail":       "În mar., 2 ian. 2024 la 15:04, Suport <desk@example.com> a scris:",
		"Hungarian, Gmail":      "Ügyfélszolgálat <desk@example.com> ezt írta (időpont: 2024. jan. 2., K, 15:04):",
		"Greek, Gmail":          "Στις Τρί 2 Ιαν 2024 στις 3:04 μ.μ., ο/η Desk <desk@example.com> έγραψε:",
		"Indonesian, Gmail":     "Pada tanggal Sel, 2 Jan 2024 pukul 15.04 Desk <desk@example.com> menulis:",
		"Hebrew, Gmail":         "\u202bבתאריך יום ג׳, 2 בינו׳ 2024 ב-15:04 מאת \u202aDesk\u202c\u200f <\u202adesk@example.com\u202c\u200f>:\u202c",
		"Thai, Gmail":           "ในวันที่ อ. 2 ม.ค. 2024 เวลา 15:04 Desk <desk@example.com> เขียนว่า:",
		"Hindi, Gmail":          "मंगल, 2 जन॰ 2024 को 3:04 pm बजे को Desk <desk@example.com> ने लिखा:",
		"Croatian, Gmail":       "uto, 2. sij 2024. u 15:04 Desk <desk@example.com> napisao je:",
		"Estonian, Gmail":       "Desk (<desk@example.com>) kirjutas kuupäeval T, 2. jaanuar 2024 kell 15:04:",
		"Catalan, Gmail":        "Missatge de Desk <desk@example.com> del dia dt., 2 de gen. 2024 a les 15:04:",
		"mutt":                  "* Desk <desk@example.com> [2024-01-02 15:04]:",
	} {
		wrapped := attribution
		if long := []rune(attribution); len(long) > 40 {
			if i := slices.Index(long[40:], ' '); i >= 0 {
				wrapped = string(long[:40+i]) + "\n" + string(long[40+i+1:])
			}
		}
		for form, text := range map[string]string{
			"wrapped":                       "Answer.\n\n" + wrapped + "\n\n> Question?",
			"marked":                        "Answer.\n\n" + attribution + "\n\n> Question?\n> More.",
			"marked at once":                "Answer.\n\n" + attribution + "\n> Question?",
			"unmarked":                      "Answer.\n\n" + attribution + "\n\nQuestion?\n\nMore.",
			"bottom":                        attribution + "\n\n> Question?\n\nAnswer.",
			"after a line that goes before": "Answer.\n" + attribution + "\n> Question?",
		} {
			if got := folded(text); got.Text != "Answer." {
				t.Errorf("%s, %s: %q", name, form, got.Text)
			}
		}
	}
}

// What names a date, a time and an address above marked lines says who wrote them, in whatever words; without the marks it may be the writer's own.
func TestUnknownAttributionIsFoldedAboveMarkedLinesOnly(t *testing.T) {
	t.Parallel()
	const attribution = "Desk <desk@example.com> ameandika 2/1/2024 saa 15:04 hivi:"
	if got := folded("Answer.\n\n" + attribution + "\n\n> Question?"); got.Text != "Answer." {
		t.Errorf("marked: %q", got.Text)
	}
	if all := "Answer.\n\n" + attribution + "\n\nMore."; folded(all).Text != all {
		t.Errorf("unmarked: %q", folded(all).Text)
	}
}

// The headers that mail programs copy above quotations, by language.
func TestHeadersOfManyLanguagesAreFolded(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"Outlook":           "From: Desk <desk@example.com>\nSent: Tuesday, January 2, 2024 3:04 PM\nTo: Kim <kim@example.kr>\nSubject: Order",
		"Outlook, ruled":    "________________________________\nFrom: Desk <desk@example.com>\nSent: Tuesday, January 2, 2024 3:04 PM\nTo: Kim <kim@example.kr>\nCc: a@example.kr;\n b@example.kr\nSubject: Order",
		"Outlook, bold":     "*From:* Desk <desk@example.com>\n*Sent:* Tuesday, January 2, 2024 3:04 PM\n*To:* Kim\n*Subject:* Order",
		"Outlook Express":   "----- Original Message -----\nFrom: Desk\nTo: kim@example.kr\nSent: Tuesday, January 02, 2024 3:04 PM\nSubject: Order",
		"Hotmail":           "Date: Tue, 2 Jan 2024 15:04:05 +0900\nSubject: Order\nFrom: desk@example.com\nTo: kim@example.kr",
		"Windows Mail":      "Von: Desk\nGesendet: \u200eDienstag\u200e, \u200e2\u200e. \u200eJanuar\u200e \u200e2024 \u200e15\u200e:\u200e04\nAn: Kim",
		"Korean":            "보낸 사람: 고객센터 <desk@example.com>\n보낸 날짜: 2024년 1월 2일 화요일 오후 3:04\n받는 사람: 김민수 <kim@example.kr>\n제목: 주문",
		"Korean, no spaces": "보낸사람 : 고객센터 <desk@example.com>\n받는사람 : kim@example.kr\n날짜 : 2024년 1월 2일\n제목 : 주문",
		"Korean, Daum":      "--------- 원본 메일 ---------\n보낸사람 : 고객센터 <desk@example.com>\n받는사람 : 김민수 <kim@example.kr>\n날짜 : 2024년 1월 2일(화) 15:04:05\n제목 : 주문",
		"Korean, Naver":     "-----Original Message-----\nFrom: \"고객센터\"<desk@example.com>\nTo: <kim@example.kr>;\nCc:\nSent: 2024-01-02 (화) 15:04:05 (GMT+09:00)\nSubject: 주문",
		"Korean, Samsung":   "-------- 원본 이메일 --------\n발신: 고객센터 <desk@example.com>\n날짜: 24/1/2 오후 3:04 (GMT+09:00)\n받은 사람: kim@example.kr\n제목: 주문",
		"Korean, wide":      "발신：고객센터 <desk@example.com>\n일시：2024년 1월 2일\n수신：kim@example.kr\n제목：주문",
		"Japanese":          "差出人: サポート <desk@example.com>\n送信日時: 2024年1月2日 15:04\n宛先: kim@example.kr\n件名: 注文",
		"Chinese":           "发件人: 客服 <desk@example.com>\n发送时间: 2024年1月2日 15:04\n收件人: kim@example.kr\n主题: 订单",
		"Chinese, QQ":       "------------------ 原始邮件 ------------------\n发件人: \"客服\" <desk@example.com>;\n发送时间: 2024年1月2日(星期二) 下午3:04\n收件人: \"Kim\"<kim@example.kr>;\n主题: 订单",
		"Chinese, Taiwan":   "寄件者: 客服 <desk@example.com>\n寄件日期: 2024年1月2日 下午 03:04\n收件者: kim@example.kr\n主旨: 訂單",
		"German":            "Von: Desk <desk@example.com>\nGesendet: Dienstag, 2. Januar 2024 15:04\nAn: kim@example.kr\nBetreff: Bestellung",
		"German, older":     "-----Ursprüngliche Nachricht-----\nVon: Desk\nGesendet: Dienstag, 2. Januar 2024\nAn: Kim\nBetreff: Bestellung",
		"French":            "De : Service <desk@example.com>\nEnvoyé : mardi 2 janvier 2024 15:04\nÀ : kim@example.kr\nObjet : Commande",
		"Spanish":           "De: Atención <desk@example.com>\nEnviado: martes, 2 de enero de 2024 15:04\nPara: kim@example.kr\nAsunto: Pedido",
		"Italian":           "Da: Assistenza <desk@example.com>\nInviato: martedì 2 gennaio 2024 15:04\nA: kim@example.kr\nOggetto: Ordine",
		"Portuguese":        "De: Suporte <desk@example.com>\nEnviada em: terça-feira, 2 de janeiro de 2024 15:04\nPara: kim@example.kr\nAssunto: Pedido",
		"Dutch":             "Van: Klantenservice <desk@example.com>\nVerzonden: dinsdag 2 januari 2024 15:04\nAan: kim@example.kr\nOnderwerp: Bestelling",
		"Polish":            "Od: Obsługa <desk@example.com>\nWysłano: wtorek, 2 stycznia 2024 15:04\nDo: kim@example.kr\nTemat: Zamówienie",
		"Russian":           "От: Поддержка <desk@example.com>\nОтправлено: 2 января 2024 г. 15:04\nКому: kim@example.kr\nТема: Заказ",
		"Swedish":           "Från: Kundtjänst <desk@example.com>\nSkickat: den 2 januari 2024 15:04\nTill: kim@example.kr\nÄmne: Order",
		"Danish":            "Fra: Support <desk@example.com>\nSendt: 2. januar 2024 15:04\nTil: kim@example.kr\nEmne: Ordre",
		"Finnish":           "Lähettäjä: Tuki <desk@example.com>\nLähetetty: tiistai 2. tammikuuta 2024 15.04\nVastaanottaja: kim@example.kr\nAihe: Tilaus",
		"Czech":             "Od: Podpora <desk@example.com>\nOdesláno: úterý 2. ledna 2024 15:04\nKomu: kim@example.kr\nPředmět: Objednávka",
		"Turkish":           "Gönderen: Destek <desk@example.com>\nGönderildi: 2 Ocak 2024 Salı 15:04\nKime: kim@example.kr\nKonu: Sipariş",
		"Vietnamese":        "Từ: Hỗ trợ <desk@example.com>\nĐã gửi: Thứ Ba, 2 tháng 1, 2024 15:04\nĐến: kim@example.kr\nChủ đề: Đơn hàng",
		"a mark alone":      "-----Original Message-----",
		"a mark of dashes":  "---------- Messaggio originale ----------",
		"a desk's own mark": "##- Please type your reply above this line -##",
	} {
		if got := folded("Answer.\n\n" + header + "\n\nQuestion?\n\nMore."); got.Text != "Answer." {
			t.Errorf("%s: %q", name, got.Text)
		}
		if got := folded("Answer.\n\n" + header + "\n\n> Question?\n\nPS."); got.Text != "Answer.\n\nPS." {
			t.Errorf("%s, marked: %q", name, got.Text)
		}
	}
}

func TestWhatPeopleWriteStaysVisible(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing quoted":                 {"Hello.\n\nBye.", "Hello.\n\nBye."},
		"between quotations":             {"On Jan 2, 2024, at 3:04 PM, Desk wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.\n\n> Three?", "Yes.\n\nNo."},
		"right below a quotation":        {"> One?\nYes.\n> Two?\nNo.", "Yes.\nNo."},
		"above and below":                {"Hi,\n\nOn Jan 2, 2024, at 3:04 PM, Desk wrote:\n> One?\n\nYes.", "Hi,\n\nYes."},
		"a sentence with wrote":          {"As I wrote:\n\nthe order is late.", "As I wrote:\n\nthe order is late."},
		"a sentence that begins with On": {"On Monday 2 January I ordered this:\n\n1. a lamp\n2. a table", "On Monday 2 January I ordered this:\n\n1. a lamp\n2. a table"},
		"an itinerary":                   {"Please book:\n\nFrom: Seoul\nTo: Busan\nDate: 2024-05-05 15:00\n\nThanks", "Please book:\n\nFrom: Seoul\nTo: Busan\nDate: 2024-05-05 15:00\n\nThanks"},
		"a form":                         {"New request\n\nFrom: Kim\nSubject: refund\nMessage: where is my money?", "New request\n\nFrom: Kim\nSubject: refund\nMessage: where is my money?"},
		"a Korean form":                  {"문의 드립니다.\n\n제목: 환불\n날짜: 2024-01-02\n내용: 환불해 주세요.", "문의 드립니다.\n\n제목: 환불\n날짜: 2024-01-02\n내용: 환불해 주세요."},
		"a line above a short author":    {"1 more thing\nDesk wrote:\n> x", "1 more thing"},
		"On, above a short author":       {"On 5 items I ask\nDesk wrote:\n> x", "On 5 items I ask"},
		"a rule":                         {"One\n----------\nTwo", "One\n----------\nTwo"},
		"a mail address and a colon":     {"Please change the address on file since 2024-01-02, kim@example.kr, to:\n\nlee@example.kr", "Please change the address on file since 2024-01-02, kim@example.kr, to:\n\nlee@example.kr"},
		"a forwarded mail":               {"See below.\n\n---------- Forwarded message ---------\nFrom: Shop <shop@example.com>\nDate: Tue, Jan 2, 2024 at 3:04 PM\nSubject: Order\nTo: Kim\n\nYour order.\n> quoted", "See below.\n\n---------- Forwarded message ---------\nFrom: Shop <shop@example.com>\nDate: Tue, Jan 2, 2024 at 3:04 PM\nSubject: Order\nTo: Kim\n\nYour order.\n> quoted"},
		"a mail forwarded by Apple":      {"See below.\n\nBegin forwarded message:\n\n> From: Shop <shop@example.com>\n> Subject: Order\n>\n> Your order.", "See below.\n\nBegin forwarded message:\n\n> From: Shop <shop@example.com>\n> Subject: Order\n>\n> Your order."},
		"a Korean forwarded mail":        {"확인 바랍니다.\n\n---------- 전달된 메일 ----------\n보낸사람: 상점\n제목: 주문", "확인 바랍니다.\n\n---------- 전달된 메일 ----------\n보낸사람: 상점\n제목: 주문"},
		"a quotation only":               {"> Question?\n> More.", "> Question?\n> More."},
		"a header only":                  {"From: Desk <desk@example.com>\nSent: Tuesday, January 2, 2024 3:04 PM\nTo: Kim\nSubject: Order\n\nQuestion?", "From: Desk <desk@example.com>\nSent: Tuesday, January 2, 2024 3:04 PM\nTo: Kim\nSubject: Order\n\nQuestion?"},
		"an attribution only":            {"On Jan 2, 2024, at 3:04 PM, Desk <desk@example.com> wrote:\n\nQuestion?", "On Jan 2, 2024, at 3:04 PM, Desk <desk@example.com> wrote:\n\nQuestion?"},
		"a signature and a quotation":    {"-- \nKim\n\n> Question?", "-- \nKim"},
		"white space":                    {" \n\n\t", ""},
		"code with an arrow":             {"a -> b\n-> c", "a -> b\n-> c"},
		"a quotation without a header":   {"Yes.\n\n> Question?", "Yes."},
		"wide marks":                     {"Yes.\n\n＞ Question?", "Yes."},
		"two quotations in a row":        {"Yes.\n\n2024년 1월 2일 (화) 오후 3:04, 고객센터 <desk@example.com>님이 작성:\n> One\n>\n> On Jan 1, 2024, at 3:04 PM, Kim wrote:\n>> Two", "Yes."},
	} {
		got := folded(c.text)
		if got.Text != c.want {
			t.Errorf("%s: %q, want %q", name, got.Text, c.want)
		}
		checkFolded(t, name, got)
	}
}

// checkFolded holds the promises of Reply: what is visible is what is not folded.
func checkFolded(t *testing.T, name string, r visible.Reply) {
	t.Helper()
	var kept strings.Builder
	at := 0
	for _, s := range r.Folded {
		if s.Start < at || s.End <= s.Start && s.End != len(r.Source) || s.End > len(r.Source) {
			t.Errorf("%s: spans %v of %d", name, r.Folded, len(r.Source))
			return
		}
		kept.WriteString(r.Source[at:s.Start])
		at = s.End
	}
	kept.WriteString(r.Source[at:])
	if squeezed(kept.String()) != squeezed(r.Text) {
		t.Errorf("%s: %q stays, and %q is shown", name, kept.String(), r.Text)
	}
	if strings.TrimSpace(r.Source) != "" && strings.TrimSpace(r.Text) == "" {
		t.Errorf("%s: nothing is shown of %q", name, r.Source)
	}
	if r.SignatureAt < -1 || r.SignatureAt > 0 && r.SignatureAt >= len(r.Text) || r.SignatureAt == 0 || r.SignatureAt > 0 && r.Text[r.SignatureAt-1] != '\n' {
		t.Errorf("%s: signature at %d of %q", name, r.SignatureAt, r.Text)
	}
}

func TestForwardedMailIsWhatTheSenderSays(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"FW: order", "Fwd: order", "WG: Bestellung", "TR: commande", "전달: 주문", "転送: 注文", "转发：订单"} {
		raw := mail("From: kim@example.kr", "Subject: "+subject, "Content-Type: text/plain; charset=utf-8", "", "See below.", "", "From: Shop <shop@example.com>", "Sent: Tuesday, January 2, 2024 3:04 PM", "To: Kim", "Subject: order", "", "Your order.")
		if got := visible.Of(email.Parse(raw)); !strings.Contains(got.Text, "Your order.") {
			t.Errorf("%s: %q", subject, got.Text)
		}
	}
}

// A first mail has nothing to quote: what stands behind ">" is the sender's own list, unless the mail says whose words it is, or it stands
// apart at the end.
func TestFirstMailQuotesNothing(t *testing.T) {
	t.Parallel()
	const list = "문의 드립니다.\r\n> 주문번호: 1234\r\n> 성함: 김민수\r\n감사합니다."
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"a first mail":         {[]string{"Subject: 주문 문의"}, list},
		"an answer by subject": {[]string{"Subject: Re: 주문 문의"}, "문의 드립니다.\n감사합니다."},
		"an answer by header":  {[]string{"Subject: 주문 문의", "In-Reply-To: <a@b>"}, "문의 드립니다.\n감사합니다."},
		"without a subject":    {nil, "문의 드립니다.\n감사합니다."},
	} {
		raw := mail(append(c.header, "From: kim@example.kr", "Content-Type: text/plain; charset=utf-8", "", list)...)
		if got := visible.Of(email.Parse(raw)); got.Text != strings.ReplaceAll(c.want, "\r", "") {
			t.Errorf("%s: %q", name, got.Text)
		}
	}
	raw := mail("Subject: order", "From: kim@example.kr", "", "Answer.", "", "> Question?", ">", "> More.", "")
	if got := visible.Of(email.Parse(raw)); got.Text != "Answer." {
		t.Errorf("at the end: %q", got.Text)
	}
	raw = mail("Subject: order", "From: kim@example.kr", "", "They say:", "", "On Jan 2, 2024, at 3:04 PM, Desk <desk@example.com> wrote:", "> No.", "", "Really?")
	if got := visible.Of(email.Parse(raw)); got.Text != "They say:\n\nReally?" {
		t.Errorf("quoted all the same: %q", got.Text)
	}
}
