package devmail

import (
	"net/http"
	"strings"
)

// words are the texts of the page, by language. English is complete; what Korean lacks falls back to it.
var words = map[string]map[string]string{
	"en": {
		"title":       "Customer's mail",
		"intro":       "The outside world of this installation. Write to your contact centre as a customer, and read what the customer received.",
		"write":       "Write as a customer",
		"samples":     "Start from a sample",
		"name":        "Name",
		"from":        "From",
		"to":          "To",
		"subject":     "Subject",
		"text":        "Text",
		"files":       "Attachments (25 MB together)",
		"send":        "Send",
		"sent":        "The mail was sent.",
		"received":    "What customers received",
		"open":        "Open an address",
		"show":        "Show",
		"nothing":     "Nothing yet.",
		"mails":       "mails",
		"delete":      "Delete all",
		"deleted":     "Everything that customers received is deleted.",
		"reply":       "Reply as this customer",
		"replying":    "A reply: In-Reply-To and References are set.",
		"date":        "Date",
		"attachments": "Attachments",
		"html":        "HTML part",
		"source":      "Source",
		"headers":     "Header",
		"back":        "Back",
		"no_subject":  "(no subject)",
		"manners":     "Addresses that misbehave: reject-…@ and defer-…@ refuse, bounce-…@ and delay-…@ accept and report later.",
		"refused":     "A recipient refuses mail.",
		"malformed":   "That is not a mail that can be sent. Check the addresses.",
		"too_large":   "The attachments are larger than 25 MB together.",
		"failed":      "The mail could not be kept. Try again.",
		"missing":     "There is no such mail.",
	},
	"ko": {
		"title":       "고객의 메일",
		"intro":       "이 설치 환경의 바깥세상입니다. 고객이 되어 컨택 센터에 메일을 쓰고, 고객이 받은 메일을 읽습니다.",
		"write":       "고객으로 메일 쓰기",
		"samples":     "예문으로 시작",
		"name":        "이름",
		"from":        "보낸 사람",
		"to":          "받는 사람",
		"subject":     "제목",
		"text":        "본문",
		"files":       "첨부 파일 (모두 합쳐 25 MB)",
		"send":        "보내기",
		"sent":        "메일을 보냈습니다.",
		"received":    "고객이 받은 메일",
		"open":        "주소 열기",
		"show":        "보기",
		"nothing":     "아직 없습니다.",
		"mails":       "통",
		"delete":      "모두 삭제",
		"deleted":     "고객이 받은 메일을 모두 삭제했습니다.",
		"reply":       "이 고객으로 회신",
		"replying":    "회신입니다. In-Reply-To와 References가 설정됩니다.",
		"date":        "날짜",
		"attachments": "첨부 파일",
		"html":        "HTML 부분",
		"source":      "원본",
		"headers":     "헤더",
		"back":        "뒤로",
		"no_subject":  "(제목 없음)",
		"manners":     "다르게 동작하는 주소: reject-…@와 defer-…@는 거부하고, bounce-…@와 delay-…@는 받은 뒤에 보고를 보냅니다.",
		"refused":     "받는 사람 중 메일을 거부하는 주소가 있습니다.",
		"malformed":   "보낼 수 없는 메일입니다. 주소를 확인하십시오.",
		"too_large":   "첨부 파일이 모두 합쳐 25 MB보다 큽니다.",
		"failed":      "메일을 저장하지 못했습니다. 다시 시도하십시오.",
		"missing":     "그런 메일이 없습니다.",
	},
}

// language chooses the page's language: ?lang, which is remembered, else what was remembered, else the browser's first that we have.
func language(w http.ResponseWriter, r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); words[lang] != nil {
		http.SetCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		return lang
	}
	if c, err := r.Cookie("lang"); err == nil && words[c.Value] != nil {
		return c.Value
	}
	for choice := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(choice), ";")
		if lang, _, _ := strings.Cut(strings.ToLower(tag), "-"); words[lang] != nil {
			return lang
		}
	}
	return "en"
}

// word returns the text called key in lang.
func word(lang, key string) string {
	if text := words[lang][key]; text != "" {
		return text
	}
	return words["en"][key]
}
