package email

import (
	"strings"
)

// findings are the places that a status can be read from, from the most to the least precise.
type findings struct {
	field      string // the Status field
	diagnostic string // the Diagnostic-Code
	note       string // what the notice says about this recipient
	alone      string // all that the notice says, where it is about this recipient only
	delayed    bool   // the notice tells of a delay
}

// settle decides about the status of a recipient, and what follows from it.
func (r *BouncedRecipient) settle(f findings) {
	said := joinNonEmpty(f.diagnostic, f.note)
	r.ReplyCode = firstNonEmpty(replyCode(f.diagnostic), replyCode(f.note))
	if said == "" || f.field == "" && r.ReplyCode == "" && len(statuses(said)) == 0 && !saysAny(said, unknownUserPhrases) {
		said = joinNonEmpty(said, f.alone)
		if f.field == "" {
			r.ReplyCode = replyCode(f.alone)
		}
	}
	r.Diagnostic = oneLine(firstNonEmpty(f.diagnostic, f.note, f.alone))
	r.Status = chooseStatus(f)
	if r.Action == "" {
		r.Action = inferAction(f, r.Status)
	}
	if r.Status != "" {
		r.StatusSource = StatusStated
		r.Hard = r.Failed() && isHard(r.Status, said)
		return
	}
	r.StatusSource = StatusInferred
	r.Status = inferStatus(r.ReplyCode, said, r.Action)
	r.Hard = r.Failed() && isHard(r.Class()+".0.0", said)
}

// inferAction says what became of a mail where no report does: it failed, unless the words are those of a delay.
func inferAction(f findings, status string) Action {
	if strings.HasPrefix(status, "2") {
		return Delivered
	}
	if f.delayed {
		return Delayed
	}
	return Failed
}

// tellsDelay reports whether a notice says that the mail is still being tried.
func tellsDelay(notice string) bool {
	return saysAny(notice, delayPhrases) && !saysAny(notice, gaveUpPhrases)
}

// chooseStatus picks the most telling of the statuses that a bounce states. What a server said beside a reply code goes before what
// else is said, that before the Status field, and the words to people last; but a status that tells more goes before one that tells less.
func chooseStatus(f findings) string {
	paired, said := spokenStatuses(f.diagnostic)
	candidates := append(append(paired, said...), statuses(f.field)...)
	chosen := best(candidates)
	if rank(chosen) != 0 && chosen != "" && !expired(chosen) {
		return chosen
	}
	paired, said = spokenStatuses(f.note)
	for _, s := range append(paired, said...) {
		if chosen == "" || s[0] == chosen[0] {
			candidates = append(candidates, s)
		}
	}
	if len(candidates) == 0 {
		return best(statuses(f.alone))
	}
	return best(candidates)
}

// best is the first of the statuses that tell the most.
func best(list []string) string {
	chosen := ""
	for _, s := range list {
		if chosen == "" || rank(s) > rank(chosen) {
			chosen = s
		}
	}
	return chosen
}

// expired reports whether a status says that time was up, which hides why it was needed (RFC 3463 section 3.5, X.4.7).
func expired(status string) bool { return strings.HasSuffix(status, ".4.7") }

// rank is how much a status tells: x.0.0 nothing but its class, x.y.0 the subject, x.4.7 that time was up, all others the reason.
func rank(status string) int {
	switch {
	case status == "":
		return -1
	case strings.HasSuffix(status, ".0.0"):
		return 0
	case strings.HasSuffix(status, ".0"):
		return 1
	case expired(status):
		return 2
	}
	return 3
}

// inferStatus makes a status of the reply code or the wording: its class, and what an unknown user or host and a full mailbox are.
func inferStatus(reply, said string, action Action) string {
	class := "5"
	switch {
	case action == Delivered || action == Relayed || action == Expanded:
		return "2.0.0"
	case action == Delayed:
		class = "4"
	case reply != "":
		class = reply[:1]
	}
	switch {
	case saysAny(said, fullPhrases):
		return class + ".2.2"
	case class == "5" && saysAny(said, unknownHostPhrases):
		return "5.1.2"
	case class == "5" && saysAny(said, unknownUserPhrases):
		return "5.1.1"
	}
	return class + ".0.0"
}

// isHard reports whether a failure is the address's: RFC 3463 sections 3.2 and 3.3 say so by number, mail systems often by words only.
// What a server says after it took the recipient is its filter's opinion, whatever the words.
func isHard(status, said string) bool {
	if !strings.HasPrefix(status, "5") || saysAny(said, fullPhrases) || saysAny(said, policyPhrases) {
		return false
	}
	switch status {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4":
		return true
	}
	if status == "5.1.0" {
		return !saysAny(said, senderPhrases)
	}
	if status == "5.1.7" || status == "5.1.8" || saysAny(said, afterDataPhrases) {
		return false
	}
	return saysAny(said, unknownHostPhrases) || !strings.HasPrefix(status, "5.7.") && saysAny(said, unknownUserPhrases)
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

// spokenStatuses lists the statuses in what a server said: those right behind a reply code, and the others.
func spokenStatuses(s string) (paired, others []string) {
	for i := 0; i < len(s); {
		list := statuses(s[i:])
		if len(list) == 0 {
			return paired, others
		}
		at := i + strings.Index(s[i:], list[0])
		before := strings.TrimRight(s[max(0, at-8):at], " -#([")
		if n := len(before); n >= 3 && digits(before[n-3:]) == 3 {
			paired = append(paired, list[0])
		} else {
			others = append(others, list[0])
		}
		if len(paired)+len(others) >= 20 {
			return paired, others
		}
		i = at + len(list[0])
	}
	return paired, others
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
