package email

import (
	"strings"
)

// findings are the places that a status can be read from, from the most to the least precise.
type findings struct {
	field      string // the Status field
	diagnostic string // the Diagnostic-Code
	note       string // what the notice says about this recipient
	notice     string // all that the notice says
	subject    string
}

// settle decides about the status of a recipient, and what follows from it.
func (r *BouncedRecipient) settle(f findings) {
	said := joinNonEmpty(f.diagnostic, f.note)
	if said == "" {
		said = f.notice
	}
	r.Diagnostic = oneLine(firstNonEmpty(f.diagnostic, f.note, f.notice))
	r.ReplyCode = firstNonEmpty(replyCode(f.diagnostic), replyCode(f.note))
	if r.ReplyCode == "" && f.field == "" {
		r.ReplyCode = replyCode(f.notice)
	}
	if r.Action == "" {
		r.Action = Failed
		if saysAny(f.subject+"\n"+f.notice, delayPhrases) && !saysAny(f.notice, gaveUpPhrases) {
			r.Action = Delayed
		}
	}
	r.Status = chooseStatus(f, r.Action)
	r.StatusSource = StatusStated
	if r.Status == "" {
		r.Status = inferStatus(r.ReplyCode, said, f, r.Action)
		r.StatusSource = StatusInferred
	}
	r.Hard = r.Failed() && isHard(r.Status, said)
}

// chooseStatus picks the most telling of the statuses that a bounce states: what the remote server said goes before what the reporting
// one made of it, and a specific one before x.0.0, unless they contradict each other.
func chooseStatus(f findings, action Action) string {
	stated := first(statuses(f.field))
	said := statuses(f.diagnostic)
	if len(said) == 0 {
		said = statuses(f.note)
	}
	if stated == "" && len(said) == 0 {
		said = statuses(f.notice)
	}
	best := stated
	for _, s := range said {
		if best == "" || rank(s) > rank(best) {
			best = s
		}
	}
	return best
}

// rank is how much a status tells: x.0.0 nothing but its class, x.y.0 the subject, x.y.z all.
func rank(status string) int {
	switch {
	case strings.HasSuffix(status, ".0.0"):
		return 0
	case strings.HasSuffix(status, ".0"):
		return 1
	}
	return 2
}

// inferStatus makes a status of the reply code or the wording: its class, and what an unknown user or host and a full mailbox are.
func inferStatus(reply, said string, f findings, action Action) string {
	class := "5"
	switch {
	case action == Delayed:
		class = "4"
	case action == Delivered || action == Relayed || action == Expanded:
		return "2.0.0"
	case reply != "":
		class = reply[:1]
	case saysAny(said, permanentPhrases):
	case saysAny(said, transientPhrases):
		class = "4"
	}
	switch {
	case class == "5" && saysAny(said, unknownUserPhrases):
		return "5.1.1"
	case class == "5" && saysAny(said, unknownHostPhrases):
		return "5.1.2"
	case saysAny(said, fullPhrases):
		return class + ".2.2"
	}
	return class + ".0.0"
}

// isHard reports whether a failure is the address's: RFC 3463 sections 3.2 and 3.3 say so by number, mail systems often by words only.
func isHard(status, said string) bool {
	if !strings.HasPrefix(status, "5") || saysAny(said, fullPhrases) {
		return false
	}
	switch status {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4":
		return true
	case "5.1.0", "5.2.1", "5.0.0", "5.5.0", "5.2.0", "5.3.0", "5.4.1", "5.7.1", "5.4.310":
		return saysAny(said, unknownUserPhrases) || saysAny(said, unknownHostPhrases)
	}
	return false
}

// statuses lists the enhanced status codes in a text (RFC 3463 section 2), without those that are part of something longer, such as an
// address of a network or a version.
func statuses(s string) []string {
	var all []string
	for i := 0; i+4 < len(s); i++ {
		if s[i+1] != '.' || s[i] != '2' && s[i] != '4' && s[i] != '5' || i > 0 && (isWordByte(s[i-1]) || s[i-1] == '.' || s[i-1] == '-' && !leadsReply(s, i)) {
			continue
		}
		subject := digits(s[i+2:])
		j := i + 2 + subject
		if subject == 0 || subject > 1 || s[i+2] > '7' || j >= len(s) || s[j] != '.' {
			continue
		}
		detail := digits(s[j+1:])
		end := j + 1 + detail
		if detail == 0 || detail > 3 || end < len(s) && (isWordByte(s[end]) || s[end] == '.' && end+1 < len(s) && isDigit(s[end+1])) {
			continue
		}
		all = append(all, s[i:end])
		i = end
	}
	return all
}

// leadsReply reports whether the hyphen before position i follows a reply code, as in "550-5.7.26".
func leadsReply(s string, i int) bool {
	return i >= 4 && digits(s[i-4:i-1]) == 3
}

// replyCode finds the reply code of SMTP in a text, or "".
func replyCode(s string) string {
	for i := 0; i+3 <= len(s); i++ {
		if s[i] != '4' && s[i] != '5' || i > 0 && (isWordByte(s[i-1]) || strings.IndexByte(".-+,/", s[i-1]) >= 0) {
			continue
		}
		if digits(s[i:min(len(s), i+4)]) != 3 || i+3 < len(s) && (isWordByte(s[i+3]) || strings.IndexByte("./", s[i+3]) >= 0) {
			continue
		}
		if code := s[i : i+3]; strings.Contains(replyCodes, code) {
			return code
		}
	}
	return ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWordByte reports whether a byte belongs to a word: an ASCII letter or digit.
func isWordByte(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func firstNonEmpty(list ...string) string {
	for _, s := range list {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

func joinNonEmpty(a, b string) string {
	return strings.TrimSpace(a + "\n" + b)
}

// oneLine is a text on one line, bounded.
func oneLine(s string) string {
	return bounded(cleanLine(strings.Join(strings.Fields(bounded(s, 2*maxDiagnostic)), " ")), maxDiagnostic)
}
