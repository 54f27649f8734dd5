package visible_test

import (
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

// page is a mail of HTML only.
func page(subject, source string) email.Mail {
	return email.Parse(mail("From: Kim <kim@example.kr>", "Subject: "+subject, "Content-Type: text/html; charset=utf-8", "", source))
}

func TestStructureOfHTMLTellsQuotations(t *testing.T) {
	t.Parallel()
	const outlook = `<b>From:</b> Desk &lt;desk@example.com&gt;<br><b>Sent:</b> Tuesday, January 2, 2024 3:04 PM<br><b>To:</b> Kim<br><b>Subject:</b> Order`
	for name, c := range map[string]struct{ source, want string }{
		"Gmail":                        {`<div dir="ltr">Answer.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">2024년 1월 2일 (화) 오후 3:04, 고객센터 &lt;<a>desk@example.com</a>&gt;님이 작성:<br></div><blockquote class="gmail_quote" style="margin:0"><div>Question?</div></blockquote></div>`, "Answer."},
		"Gmail, a language unknown":    {`<div>Answer.</div><div class="gmail_quote"><div class="gmail_attr">xx 2024 yyy Desk zzz<br></div><blockquote class="gmail_quote">Question?</blockquote></div>`, "Answer."},
		"Gmail, answered below":        {`<div class="gmail_quote"><div class="gmail_attr">On Jan 2, 2024 at 3:04 PM Desk &lt;desk@example.com&gt; wrote:<br></div><blockquote class="gmail_quote">Question?</blockquote><div>Answer.</div></div>`, "Answer."},
		"Gmail, answered between":      {`<div class="gmail_quote"><div class="gmail_attr">On Jan 2, 2024 at 3:04 PM Desk &lt;desk@example.com&gt; wrote:<br></div><blockquote class="gmail_quote">One?</blockquote></div><div>Yes.</div><blockquote class="gmail_quote">Two?</blockquote><div>No.</div>`, "Yes. No."},
		"Gmail, quoted by Outlook":     {`<p>Answer.</p><blockquote class="x_gmail_quote">Question?</blockquote>`, "Answer."},
		"Outlook for the web":          {`<div>Answer.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr">` + outlook + `<div>&nbsp;</div></div><div>Question?</div>`, "Answer."},
		"Outlook, quoted again":        {`<div>Answer.</div><div id="x_x_divRplyFwdMsg">whatever</div><div>Question?</div>`, "Answer."},
		"Outlook for Windows":          {`<div class=WordSection1><p class=MsoNormal>Answer.<o:p></o:p></p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>` + outlook + `<o:p></o:p></p></div></div><p class=MsoNormal>Question?</p></div>`, "Answer."},
		"Outlook in Korean":            {`<p>답변입니다.</p><div><p><b>보낸 사람:</b> 고객센터 &lt;desk@example.com&gt;<br><b>보낸 날짜:</b> 2024년 1월 2일 화요일 오후 3:04<br><b>받는 사람:</b> 김민수<br><b>제목:</b> 주문</p></div><p>질문?</p>`, "답변입니다."},
		"Outlook for Mac":              {`<div>Answer.</div><span id="OLK_SRC_BODY_SECTION"><div>Question?</div></span>`, "Answer."},
		"an old Outlook":               {`<p>Answer.</p><div class=OutlookMessageHeader dir=ltr>whatever</div><p>Question?</p>`, "Answer."},
		"Outlook for telephones":       {`<div>Answer.</div><div id="mail-editor-reference-message-container"><div>whatever</div><div>Question?</div></div>`, "Answer."},
		"Thunderbird":                  {`<p>Answer.</p><div class="moz-cite-prefix">xx 2024 yyy:<br></div><blockquote type="cite" cite="mid:x">Question?</blockquote>`, "Answer."},
		"Thunderbird, answered below":  {`<div class="moz-cite-prefix">On 1/2/24 3:04 PM, Desk wrote:<br></div><blockquote type="cite">Question?</blockquote><p>Answer.</p>`, "Answer."},
		"Apple Mail":                   {`<div>Answer.<br><div><br><blockquote type="cite"><div>On Jan 2, 2024, at 3:04 PM, Desk wrote:</div><br><div>Question?</div></blockquote></div></div>`, "Answer."},
		"Yahoo":                        {`<div class="ydp1yahoo-style-wrap"><div>Answer.</div></div><div id="ydp2yahoo_quoted_1" class="ydp2yahoo_quoted"><div>On Tuesday, Desk wrote:</div><div>Question?</div></div>`, "Answer."},
		"Proton":                       {`<div>Answer.</div><div class="protonmail_quote">On Tuesday, Desk wrote:<br><blockquote type="cite">Question?</blockquote></div>`, "Answer."},
		"Zimbra":                       {`<div>Answer.<br><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">whatever</div><div data-marker="__QUOTED_TEXT__">Question?</div></div>`, "Answer."},
		"Naver":                        {`<div>답변입니다.</div><p>-----Original Message-----<br><b>From:</b> "고객센터"&lt;desk@example.com&gt;<br><b>To:</b> kim<br><b>Sent:</b> 2024-01-02 (화) 15:04:05<br><b>Subject:</b> 주문</p><div>질문?</div>`, "답변입니다."},
		"Daum":                         {`<p>답변입니다.</p><div>--------- 원본 메일 ---------</div><blockquote style="border-left:2px solid"><b>보낸사람</b>: 고객센터<br>질문?</blockquote>`, "답변입니다."},
		"QQ":                           {`<div>回答。</div><div>------------------&nbsp;原始邮件&nbsp;------------------</div><div><b>发件人:</b> 客服;</div><div>问题？</div>`, "回答。"},
		"NetEase":                      {`<div>回答。</div><div id="isReplyContent"><br>在 2024-01-02，客服 写道：<br><blockquote>问题？</blockquote></div>`, "回答。"},
		"a border":                     {`<p>Answer.</p><blockquote style="margin:0;border-left:1px solid #ccc">Question?</blockquote>`, "Answer."},
		"an indent below its author":   {`<p>Answer.</p><p>On Jan 2, 2024 at 3:04 PM Desk wrote:</p><blockquote>Question?</blockquote>`, "Answer."},
		"an indent of the writer's":    {`<p>I read on your site:</p><blockquote style="margin:0 0 0 40px;border:none">Free returns</blockquote><p>Is it true?</p>`, "I read on your site: Free returns Is it true?"},
		"marks within HTML":            {`<div>Answer.<br>&gt; Question?<br>&gt; More.</div>`, "Answer."},
		"elements that are not closed": {`<div>Answer.<blockquote type=cite><p>Question?<div>More.`, "Answer."},
		"end tags astray":              {`</div></blockquote><div>Answer.</b></div><blockquote type="cite"><b>Question?</blockquote></b>PS.`, "Answer. PS."},
		"scripts and styles":           {`<style>blockquote{}</style><script>x</script><p>Answer.</p><blockquote type="cite"><style>x</style>Question?</blockquote>`, "Answer."},
		"a quotation only":             {`<blockquote type="cite">Question?</blockquote>`, "Question?"},
		"pictures":                     {`<p>Answer. <img alt="smile" src="cid:1"></p><blockquote type="cite"><img alt="logo"></blockquote>`, "Answer. smile"},
	} {
		got := visible.Of(page("Re: order", c.source))
		if squeezed(got.Text) != squeezed(c.want) {
			t.Errorf("%s: %q, want %q", name, got.Text, c.want)
		}
		checkFolded(t, name, got)
	}
}

func TestForwardedHTMLIsWhatTheSenderSays(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]email.Mail{
		"Gmail":   page("Fwd: order", `<div>See below.</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: Shop<br>Subject: order<br></div><div>Your order.</div></div>`),
		"Outlook": page("FW: order", `<div>See below.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Shop<br><b>Sent:</b> x<br><b>Subject:</b> order</div><div>Your order.</div>`),
		"Apple":   page("Fwd: order", `<div>See below.</div><div>Begin forwarded message:</div><blockquote type="cite">From: Shop<br>Your order.</blockquote>`),
	} {
		if got := visible.Of(m); !strings.Contains(got.Text, "Your order.") || !strings.HasPrefix(got.Text, "See below.") {
			t.Errorf("%s: %q", name, got.Text)
		}
	}
}

// alternatives is a mail that says the same twice, as text and as HTML.
func alternatives(text, source string) visible.Reply {
	return visible.Of(email.Parse(mail("From: kim@example.kr", "Content-Type: multipart/alternative; boundary=b", "", "--b", "Content-Type: text/plain; charset=utf-8", "", text, "--b", "Content-Type: text/html; charset=utf-8", "", source, "--b--")))
}

func TestPlainTextGoesBeforeHTMLUnlessItHidesTheQuotation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, source, want string }{
		"both tell":          {"Answer in text.\r\n\r\n> Question?", `<p>Answer in HTML.</p><blockquote type="cite">Question?</blockquote>`, "Answer in text."},
		"only HTML tells":    {"Answer in text.\r\n\r\nQuestion?", `<p>Answer in HTML.</p><blockquote type="cite">Question?</blockquote>`, "Answer in HTML."},
		"neither tells":      {"Answer in text.", `<p>Answer in HTML.</p>`, "Answer in text."},
		"there is no text":   {" \r\n", `<p>Answer in HTML.</p><blockquote type="cite">Question?</blockquote>`, "Answer in HTML."},
		"HTML says nothing":  {"Answer in text.", `<img src="cid:1">`, "Answer in text."},
		"a writer's indent":  {"As you say: free returns. True?", `<p>As you say:</p><blockquote>free returns</blockquote><p>True?</p>`, "As you say: free returns. True?"},
		"nothing says a lot": {"", "", ""},
	} {
		if got := alternatives(c.text, c.source); got.Text != c.want {
			t.Errorf("%s: %q, want %q", name, got.Text, c.want)
		}
	}
}

func TestSignaturesAreFoundAndStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, signature string }{
		"the separator":               {"Hello.\n\n-- \nKim Minsu\nExample Ltd.", "-- \nKim Minsu\nExample Ltd."},
		"the separator, no space":     {"Hello.\n\n--\nAnybody", "--\nAnybody"},
		"a separator in a line":       {"Hello -- this is no signature.", ""},
		"an iPhone":                   {"Hello.\n\nSent from my iPhone", "Sent from my iPhone"},
		"a telephone, above a quote":  {"Hello.\n\nSent from my iPhone\n\nOn Jan 2, 2024, at 3:04 PM, Desk wrote:\n\n> x", "Sent from my iPhone"},
		"a Korean iPhone":             {"안녕하세요.\n\n나의 iPhone에서 보냄", "나의 iPhone에서 보냄"},
		"a Korean Galaxy":             {"안녕하세요.\n\nGalaxy에서 보냄", "Galaxy에서 보냄"},
		"a Korean iPhone, quoting":    {"네.\n\n나의 iPhone에서 보냄\n\n2024. 1. 2. 오후 3:04, 고객센터 <desk@example.com> 작성:\n\n> 질문?", "나의 iPhone에서 보냄"},
		"a Japanese iPhone":           {"はい。\n\niPhoneから送信", "iPhoneから送信"},
		"a Chinese iPhone":            {"好的。\n\n发自我的 iPhone", "发自我的 iPhone"},
		"a German iPhone":             {"Ja.\n\nVon meinem iPhone gesendet", "Von meinem iPhone gesendet"},
		"a French iPhone":             {"Oui.\n\nEnvoyé de mon iPhone", "Envoyé de mon iPhone"},
		"a Spanish iPhone":            {"Sí.\n\nEnviado desde mi iPhone", "Enviado desde mi iPhone"},
		"an Italian iPhone":           {"Sì.\n\nInviato da iPhone", "Inviato da iPhone"},
		"a Dutch iPhone":              {"Ja.\n\nVerstuurd vanaf mijn iPhone", "Verstuurd vanaf mijn iPhone"},
		"a Russian iPhone":            {"Да.\n\nОтправлено с iPhone", "Отправлено с iPhone"},
		"Outlook for iOS":             {"Hello.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>", "Get Outlook for iOS<https://aka.ms/o0ukef>"},
		"a closing formula":           {"It broke.\n\nBest regards,\nA. Nother", "Best regards,\nA. Nother"},
		"a Korean closing":            {"고장났습니다.\n\n감사합니다.\n홍길동 드림", "감사합니다.\n홍길동 드림"},
		"a German closing":            {"Kaputt.\n\nMit freundlichen Grüßen\nMax Muster", "Mit freundlichen Grüßen\nMax Muster"},
		"a closing without a name":    {"It broke.\n\nThanks", ""},
		"the sender's name":           {"It broke yesterday.\n\nMinsu Kim\n010-1234-5678", "Minsu Kim\n010-1234-5678"},
		"the sender's name, a rule":   {"It broke.\n\n----------------\nExample Ltd.\nkim@example.kr", "----------------\nExample Ltd.\nkim@example.kr"},
		"the name within a sentence":  {"My name is Kim and it broke.", ""},
		"the name at the start":       {"Kim here.\n\nIt broke, and I do not know what to do about it now.", ""},
		"a mail that is a signature":  {"Kim Minsu", ""},
		"a separator at the very top": {"--\nKim", ""},
	} {
		got := folded(c.text)
		signature := ""
		if got.SignatureAt >= 0 {
			signature = got.Text[got.SignatureAt:]
		}
		if signature != c.signature {
			t.Errorf("%s: %q, want %q", name, signature, c.signature)
		}
		if !strings.HasSuffix(got.Text, c.signature) {
			t.Errorf("%s: %q lacks its signature", name, got.Text)
		}
	}
}

func TestSignaturesThatHTMLMarksAreFound(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"Gmail":                  `<div>Hello.</div><br><span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Anybody<br>Example Ltd.</div>`,
		"Outlook on the web":     `<div>Hello.</div><div id="Signature"><p>Anybody</p><p>Example Ltd.</p></div><div id="appendonsend"></div><div>Question?</div>`,
		"Outlook for telephones": `<div>Hello.</div><div id="ms-outlook-mobile-signature">Anybody<br>Example Ltd.</div>`,
		"Thunderbird":            `<p>Hello.</p><div class="moz-signature">Anybody<br>Example Ltd.</div><div class="moz-cite-prefix">x:</div><blockquote type="cite">y</blockquote>`,
		"Samsung":                `<div><br></div><div>Hello.</div><div id="composer_signature">Anybody<br>Example Ltd.</div>`,
		"Windows Mail":           `<div>Hello.</div><div data-signatureblock="true"><div>Anybody</div><div>Example Ltd.</div></div>`,
	} {
		got := visible.Of(page("x", source))
		if got.SignatureAt < 0 || !strings.HasSuffix(got.Text[got.SignatureAt:], "Anybody\nExample Ltd.") && !strings.HasSuffix(got.Text[got.SignatureAt:], "Anybody\n\nExample Ltd.") || !strings.HasPrefix(got.Text, "Hello.") || strings.Contains(got.Text[got.SignatureAt:], "Hello") {
			t.Errorf("%s: %q, signature at %d", name, got.Text, got.SignatureAt)
		}
		checkFolded(t, name, got)
	}
	if got := visible.Of(page("x", `<div id="Signature">Anybody</div>`)); got.Text != "Anybody" || got.SignatureAt != -1 {
		t.Errorf("a signature only: %q, %d", got.Text, got.SignatureAt)
	}
}
