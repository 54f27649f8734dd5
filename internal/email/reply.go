package email

import (
	"regexp"
	"strings"

	"github.com/postroom/postroom"
)

// replyPrefix is what mail programs put before the subject of a reply, in the languages that we meet; several may follow each
// other. Forwards are not among them: a reply to a forward says so.
var replyPrefix = regexp.MustCompile(`^(?i:(?:re|aw|antw|sv|vs|ref|rif|odp|ynt|res|resp|bls|atb|vá|회신|답장|답변|返信|回复|回覆|答复)(?:\s*[\[(^]\d+[\])]?)?\s*[:：]\s*)+`)

// maxSubject bounds the subject of a reply, in characters; customers' subjects can have any length.
const maxSubject = 500

// ReplySubject is the subject of a reply: "Re: " and the subject, which loses the prefixes of earlier replies (RFC 5322 section
// 3.6.5). It is one line, and never empty.
func ReplySubject(subject string) string {
	return "Re: " + BaseSubject(subject)
}

// forwardPrefix is what mail programs put before the subject of a mail that is passed on.
var forwardPrefix = regexp.MustCompile(`^(?i:(?:fwd?|wg|tr|rv|enc|전달|転送|转发|轉寄)\s*[:：]\s*)+`)

// ForwardSubject is the subject of a mail that passes another one on: "Fwd: " and the subject, once.
func ForwardSubject(subject string) string {
	return "Fwd: " + forwardPrefix.ReplaceAllString(BaseSubject(subject), "")
}

// BaseSubject is a subject without the prefixes of replies, on one line.
func BaseSubject(subject string) string {
	base := strings.Join(strings.Fields(cleanLine(subject)), " ")
	base = replyPrefix.ReplaceAllString(base, "")
	if r := []rune(base); len(r) > maxSubject {
		base = strings.TrimSpace(string(r[:maxSubject]))
	}
	return base
}

// replyReferences bounds the References of a reply: the first, which names the thread, and the last twenty.
const replyReferences = 21

// Thread is how a reply says what it answers (RFC 5322 section 3.6.4).
type Thread struct {
	InReplyTo  postroom.InternetMessageID
	References []postroom.InternetMessageID
}

// ReplyThread makes the thread fields of a reply to m: In-Reply-To is m, and References are those of m (or its In-Reply-To, if it
// has no References and answers one mail only) and m itself. Without a Message-ID there is nothing to refer to.
func ReplyThread(m Mail) Thread {
	if m.MessageID == "" {
		return Thread{}
	}
	references := m.References
	if len(references) == 0 && len(m.InReplyTo) == 1 {
		references = m.InReplyTo
	}
	all := make([]postroom.InternetMessageID, 0, len(references)+1)
	for _, id := range references {
		if id != m.MessageID {
			all = append(all, id)
		}
	}
	return Thread{InReplyTo: m.MessageID, References: shorten(append(all, m.MessageID), replyReferences)}
}
