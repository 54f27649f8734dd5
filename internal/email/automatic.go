package email

import (
	"strings"
)

// Kind says what kind of machine wrote a mail; "" is none that we can tell, so a person.
type Kind string

// The kinds of automatic mail. None opens a contact as a customer's request (R34).
const (
	FeedbackReport Kind = "feedback-report" // a recipient called our mail spam (RFC 5965)
	Bounce         Kind = "bounce"          // our mail was not, or not yet, delivered (RFC 3464)
	Receipt        Kind = "receipt"         // our mail was displayed (RFC 8098)
	AutoReply      Kind = "auto-reply"      // vacation notices and everything else that RFC 3834 means
	List           Kind = "list"            // mailing lists, newsletters
)

// Automatic says what kind of machine wrote a mail. The order matters: bounces carry the marks of automatic replies too.
func Automatic(m Mail) Kind {
	switch {
	case m.reports("feedback-report"):
		return FeedbackReport
	case m.reports("delivery-status") || m.HasField("X-Failed-Recipients") || m.isPlainBounce():
		return Bounce
	case m.reports("disposition-notification"):
		return Receipt
	case m.isAutoReply():
		return AutoReply
	case m.isList():
		return List
	}
	return ""
}

// reports reports whether a mail is a report of that type (RFC 6522): it says so, or it has the part that says so for machines.
// Reports that are attached to somebody's mail do not count: a person sent those.
func (m Mail) reports(kind string) bool {
	if len(m.parts) == 0 {
		return false
	}
	root := m.parts[0]
	if root.mediaType == "message/"+kind || root.mediaType == "multipart/report" && root.reportType == kind {
		return true
	}
	if !strings.HasPrefix(root.mediaType, "multipart/") || root.mediaType == "multipart/mixed" && !m.fromDaemon() {
		return false
	}
	for _, p := range m.parts[1:] {
		if p.mediaType == "message/"+kind {
			return true
		}
	}
	return false
}

// isPlainBounce recognises bounces that are no reports, as about half are: a mail system's own sender, or no return path, and a
// subject that says so.
func (m Mail) isPlainBounce() bool {
	if m.fromDaemon() {
		return m.nullSender() || saysAny(m.Subject, bounceSubjects) || saysAny(m.From[0].Address, daemons[:1])
	}
	return m.nullSender() && saysAny(m.Subject, bounceSubjects)
}

// nullSender reports whether the envelope had no sender, as those of all automatic answers (RFC 5321 section 4.5.5).
func (m Mail) nullSender() bool {
	for _, path := range m.FieldValues("Return-Path") {
		return strings.TrimSpace(path) == "<>"
	}
	return false
}

// fromDaemon reports whether the sender is a mail system by its name.
func (m Mail) fromDaemon() bool {
	for _, from := range m.From {
		local, _, _ := strings.Cut(strings.ToLower(from.Address), "@")
		if saysAny(local, daemons) || saysAny(from.Name, daemonNames) {
			return true
		}
	}
	return false
}

var (
	daemons     = []string{"mailer-daemon", "mailer_daemon", "mailerdaemon", "postmaster", "mail-daemon", "maildaemon", "mmdf", "majordomo"}
	daemonNames = []string{"mail delivery", "mailer-daemon", "mail daemon", "mail administrator", "postmaster"}

	bounceSubjects = []string{
		"undeliver", "undelivered", "not deliver", "could not be delivered", "cannot be delivered", "delivery status", "delivery failure",
		"delivery failed", "delivery report", "delivery notification", "delivery error", "delivery problem", "delivery has failed", "delivery unsuccessful",
		"delivery delayed", "delivery attempt", "mail delivery", "returned mail", "failure notice", "failure notification", "mail failed", "mail error", "mail system error", "delayed mail",
		"nondeliverable", "non-deliver", "nondelivery", "notification d'état", "non remis", "unzustellbar", "rejected", "mail failure",
		"message status", "warning: message", "bounce", "returned to sender", "wurde nicht", "konnte nicht", "エラーメール", "配信", "退信", "无法投递",
		"반송", "전송 실패", "전송실패", "발송 실패", "배달 실패", "배달되지", "전달되지", "전달 실패",
	}
	autoReplySubjects = []string{
		"out of office", "out of the office", "automatic reply", "autoreply", "auto-reply", "auto reply", "autoresponse", "auto response", "vacation",
		"abwesenheit", "automatische antwort", "réponse automatique", "respuesta automática", "자동 회신", "자동회신", "자동 응답", "자동응답", "부재중", "부재 중",
		"自動返信", "自动回复", "自動回覆",
	}
)

func saysAny(s string, words []string) bool {
	s = strings.ToLower(s)
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// isAutoReply follows RFC 3834 section 5, and the fields that programs used before it.
func (m Mail) isAutoReply() bool {
	if submitted := m.Field("Auto-Submitted"); submitted != "" && !strings.EqualFold(firstWord(submitted), "no") {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Auto-Reply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply-From", "X-Mail-Autoreply"} {
		if m.HasField(name) && !strings.EqualFold(m.Field(name), "no") {
			return true
		}
	}
	if strings.EqualFold(m.Field("Precedence"), "auto_reply") || strings.EqualFold(m.Field("X-Precedence"), "auto_reply") {
		return true
	}
	return m.nullSender() || saysAny(m.Subject, autoReplySubjects) && m.HasField("X-Auto-Response-Suppress")
}

// isList follows RFC 2919 and RFC 2369. An address that is a group and forwards what customers write adds these fields as
// well: whoever configures such an entry point has to say so there.
func (m Mail) isList() bool {
	for _, f := range m.Fields {
		if len(f.Name) > 5 && equalFold(f.Name[:5], "List-") || equalFold(f.Name, "Mailing-List") {
			return true
		}
	}
	switch strings.ToLower(m.Field("Precedence")) {
	case "bulk", "list", "junk":
		return true
	}
	return false
}

// firstWord returns what stands before the first space, semicolon or comment.
func firstWord(s string) string {
	if i := strings.IndexAny(s, " ;("); i >= 0 {
		return s[:i]
	}
	return s
}
