package email

import (
	"strings"
)

// Kind says what kind of machine wrote a mail; "" is none that we can tell, so a person.
type Kind string

// The kinds of automatic mail. None opens a contact as a customer's request (R34).
const (
	FeedbackReport Kind = "feedback-report" // a recipient called our mail spam, or wants no more of it (RFC 5965)
	Bounce         Kind = "bounce"          // our mail was not, or not yet, delivered (RFC 3464)
	Receipt        Kind = "receipt"         // our mail was displayed (RFC 8098) or delivered (RFC 3464), as somebody asked to be told
	Loop           Kind = "loop"            // the mail was here before
	AutoReply      Kind = "auto-reply"      // vacation notices and everything else that RFC 3834 means
	List           Kind = "list"            // mailing lists, newsletters
)

// Automatic says what kind of machine wrote a mail. The order matters: bounces carry the marks of automatic replies too. A [Loop] is found
// here only by what other programs marked; [AutomaticFor] knows our own marks.
func Automatic(m Mail) Kind { return AutomaticFor(m, Marks{}) }

// AutomaticFor is [Automatic] for a product with the given marks.
func AutomaticFor(m Mail, ours Marks) Kind {
	switch {
	case m.reports("feedback-report") || m.isComplaint():
		return FeedbackReport
	case m.reports("delivery-status") && dissect(m).succeeded():
		return Receipt
	case m.reports("delivery-status") || m.HasField("X-Failed-Recipients") || m.isPlainBounce():
		return Bounce
	case m.reports("disposition-notification"):
		return Receipt
	case ours.on(m) || m.isLoop():
		return Loop
	case m.isAutoReply():
		return AutoReply
	case m.isList():
		return List
	case m.fromNobody():
		return AutoReply
	}
	return ""
}

// MayAutoReply reports whether an automatic reply, such as an acknowledgement, may answer a mail (RFC 3834 section 2; R34): a person wrote it,
// and nothing in it asks for silence.
func MayAutoReply(m Mail, ours Marks) bool {
	if AutomaticFor(m, ours) != "" || m.fromDaemon() || len(m.From) == 0 {
		return false
	}
	for _, s := range strings.FieldsFunc(strings.ToLower(m.Field("X-Auto-Response-Suppress")), isComma) {
		switch strings.TrimSpace(s) {
		case "all", "autoreply", "oof":
			return false
		}
	}
	to := m.From
	if len(m.ReplyTo) > 0 {
		to = m.ReplyTo
	}
	return !isNobody(to[0].Address)
}

func isComma(r rune) bool { return r == ',' || r == ';' }

// reports reports whether a mail is a report of that type (RFC 6522): it says so, or it has the part that says so for machines.
// Reports that are attached to somebody's mail do not count: a person sent those; complaints count, for people do not have them.
func (m Mail) reports(kind string) bool {
	if len(m.parts) == 0 {
		return false
	}
	root := m.parts[0]
	if root.mediaType == "message/"+kind || root.mediaType == "multipart/report" && root.reportType == kind {
		return true
	}
	if !strings.HasPrefix(root.mediaType, "multipart/") || root.mediaType == "multipart/mixed" && kind != "feedback-report" && !m.fromDaemon() {
		return false
	}
	for _, p := range m.parts[1:] {
		if p.mediaType == "message/"+kind {
			return true
		}
	}
	return false
}

// isComplaint recognises complaints that are no reports: those of Hotmail, and the wish of Apple Mail's users to hear no more.
func (m Mail) isComplaint() bool {
	if m.HasField("X-Apple-Unsubscribe") {
		return true
	}
	if !strings.HasPrefix(strings.ToLower(m.Subject), "complaint about message from ") {
		return false
	}
	for _, p := range m.parts {
		if p.mediaType == "message/rfc822" {
			return true
		}
	}
	return false
}

// isPlainBounce recognises bounces that are no reports, as about half are: a mail system's own sender or no return path, and a subject
// that says so, or a text that quotes the talk of mail systems.
func (m Mail) isPlainBounce() bool {
	bounces := saysAny(m.Subject, bounceSubjects)
	switch {
	case m.fromDaemon():
		return m.nullSender() || bounces || saysAny(m.From[0].Address, daemons[:1]) || m.quotesServers()
	case m.nullSender():
		return bounces && !m.saysAutoReply() || m.quotesServers() && !strings.EqualFold(firstWord(m.Field("Auto-Submitted")), "auto-replied")
	case m.fromListServer():
		return m.returnsMail()
	}
	return m.fromNobody() && (bounces && (m.quotesServers() || m.returnsMail()) || saysAny(bounded(m.Text, maxNotice), robotBounces))
}

// quotesServers reports whether the text quotes what mail servers say to each other.
func (m Mail) quotesServers() bool {
	notice, _ := cutReturned(bounded(m.Text, maxNotice))
	return (replyCode(notice) != "" || len(statuses(notice)) > 0) && (saysAny(notice, serverTalk) || saysAny(notice, unknownUserPhrases))
}

// returnsMail reports whether the text ends in a mail that came back.
func (m Mail) returnsMail() bool {
	_, returned := cutReturned(bounded(m.Text, maxNotice))
	return returned != ""
}

// nullSender reports whether the envelope had no sender, as those of all automatic answers (RFC 5321 section 4.5.5).
func (m Mail) nullSender() bool {
	path, found := m.lookup("Return-Path")
	return found && strings.TrimSpace(path) == "<>"
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

// fromListServer reports whether a program that runs mailing lists wrote the mail, by its own name.
func (m Mail) fromListServer() bool {
	if m.HasField("X-MLServer") {
		return true
	}
	for _, from := range m.From {
		local, _, _ := strings.Cut(strings.ToLower(from.Address), "@")
		if saysAny(local, listServers) {
			return true
		}
	}
	return false
}

// fromNobody reports whether the sender says that no answer is read, and names nobody else to answer: what a web form sends for a
// customer has a Reply-To.
func (m Mail) fromNobody() bool {
	if len(m.From) == 0 || !isNobody(m.From[0].Address) {
		return false
	}
	for _, a := range m.ReplyTo {
		if strings.Contains(a.Address, "@") && !isNobody(a.Address) {
			return false
		}
	}
	return true
}

// isNobody reports whether nobody reads an address, by its name.
func isNobody(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	return saysAny(strings.NewReplacer("-", "", "_", "", ".", "").Replace(local), []string{"noreply", "donotreply", "dontreply", "norespond", "noresponse", "noanswer"})
}

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
	for _, name := range autoReplyFields {
		if m.HasField(name) && !strings.EqualFold(m.Field(name), "no") {
			return true
		}
	}
	for _, name := range []string{"Precedence", "X-Precedence"} {
		if p := strings.ToLower(m.Field(name)); p == "auto_reply" || p == "auto-reply" || p == "autoreply" {
			return true
		}
	}
	return m.nullSender() || m.saysAutoReply() || m.isLoopMarked()
}

// saysAutoReply reports whether the subject is that of an automatic reply: it begins with the words of mail programs, or has such words
// in a mail that asks for no automatic answer itself.
func (m Mail) saysAutoReply() bool {
	subject := strings.ToLower(strings.TrimLeft(m.Subject, "[( "))
	for _, s := range autoReplyPrefixes {
		if rest, found := strings.CutPrefix(subject, s); found && strings.IndexAny(strings.TrimLeft(rest, " "), ":])：") == 0 {
			return true
		}
	}
	return m.HasField("X-Auto-Response-Suppress") && saysAny(m.Subject, autoReplySubjects)
}

// isList follows RFC 2919 and RFC 2369, and the fields that programs used before them. An address that is a group and forwards what
// customers write adds these fields as well: whoever configures such an entry point has to say so there.
func (m Mail) isList() bool {
	for _, f := range m.Fields {
		if len(f.Name) > 5 && equalFold(f.Name[:5], "List-") {
			return true
		}
		for _, name := range listFields {
			if equalFold(f.Name, name) {
				return true
			}
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
