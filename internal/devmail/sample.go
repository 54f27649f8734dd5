package devmail

// sample is a mail to start from. Its HTML and header fields are added when it is sent.
type sample struct {
	Key     string
	Name    map[string]string // by language
	from    string
	subject string
	text    string
	html    string
	headers map[string]string
}

// samples are the mails that a contact centre must get right.
var samples = []sample{
	{
		Key: "plain", Name: map[string]string{"en": "A question", "ko": "간단한 문의 (영어)"},
		from: "Ada Park <ada@customer.example>", subject: "Where is my parcel?",
		text: "Hello,\n\nI ordered a lamp last Monday (order A-20431) and have not heard anything since.\nCould you tell me when it will arrive?\n\nKind regards\nAda Park\n",
	},
	{
		Key: "korean", Name: map[string]string{"en": "A question in Korean", "ko": "한국어 문의"},
		from: "김하늘 <haneul.kim@customer.example>", subject: "주문한 상품이 아직 도착하지 않았습니다",
		text: "안녕하세요.\n\n지난주 월요일에 주문한 조명(주문번호 A-20431)이 아직 도착하지 않았습니다.\n언제쯤 받을 수 있을지 알려 주시면 감사하겠습니다.\n\n김하늘 드림\n",
	},
	{
		Key: "newsletter", Name: map[string]string{"en": "An HTML newsletter", "ko": "HTML 뉴스레터"},
		from: "Lamp Weekly <news@letters.example>", subject: "Ten lamps you will love this week",
		text:    "Ten lamps you will love. Read this letter in the browser.\n",
		html:    `<html><body style="font-family:sans-serif"><table width="600"><tr><td bgcolor="#204060"><h1 style="color:#fff">Lamp Weekly</h1></td></tr><tr><td><p>Ten lamps you will <b>love</b>.</p><p><a href="https://letters.example/1">Read more</a></p><img src="https://letters.example/open.gif" width="1" height="1" alt=""></td></tr></table></body></html>`,
		headers: map[string]string{"List-Id": "Lamp Weekly <weekly.letters.example>", "List-Unsubscribe": "<https://letters.example/leave>", "Precedence": "bulk"},
	},
	{
		Key: "absent", Name: map[string]string{"en": "An out-of-office answer", "ko": "부재중 자동 회신"},
		from: "Ada Park <ada@customer.example>", subject: "Automatic reply: out of office",
		text:    "I am out of the office until Monday and will answer your message then.\n",
		headers: map[string]string{"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"},
	},
	{
		// A number that card schemes publish for tests: it belongs to nobody.
		Key: "card", Name: map[string]string{"en": "A card number (a test number)", "ko": "카드 번호가 든 메일 (시험용 번호)"},
		from: "Ada Park <ada@customer.example>", subject: "Refund to my card",
		text: "Hello,\n\nplease refund order A-20431 to my card 4111 1111 1111 1111, valid until 12/29, CVC 123.\n\nThank you\nAda Park\n",
	},
}

// sampleOf returns the sample called key; the zero sample for none.
func sampleOf(key string) sample {
	for _, s := range samples {
		if s.Key == key {
			return s
		}
	}
	return sample{}
}
