package routing

import (
	"path"
	"strings"

	"github.com/postroom/postroom"
)

// Facts are what rules may look at: the first mail of a contact.
type Facts struct {
	Recipients []string // addresses that the mail was sent to, the mailbox's own included
	Sender     string
	Subject    string
	Headers    map[string][]string // values by lower-case name
	Mailbox    postroom.MailboxID
	Own        string // the mailbox's own address
}

// QueueDecision says which queue a mail leads to, and why. It is stored with the contact.
type QueueDecision struct {
	Queue postroom.QueueID `json:"queue"`
	// Rule is the rule that matched, "" if an entry point decided.
	Rule       string `json:"rule,omitzero"`
	EntryPoint string `json:"entry_point,omitzero"`
	// Why is "rule", "entry_point", or "mailbox" when the mail came to an address that is no entry point of its own.
	Why string `json:"why"`
}

// ChooseQueue applies the rules in order, then the entry points (R31). A mail to an address that is no entry point goes where
// that of the mailbox's own address leads, or else the mailbox's first. ok is false if nothing leads anywhere, which a valid configuration rules out.
func ChooseQueue(f Facts, rules []postroom.RoutingRule, entryPoints []postroom.EntryPoint) (d QueueDecision, ok bool) {
	for _, r := range rules {
		if matches(r, f) {
			return QueueDecision{Queue: r.Queue, Rule: r.ID, Why: "rule"}, true
		}
	}
	for _, e := range entryPoints {
		if e.Mailbox == f.Mailbox && containsFold(f.Recipients, e.Address) {
			return QueueDecision{Queue: e.Queue, EntryPoint: e.Address, Why: "entry_point"}, true
		}
	}
	for _, e := range entryPoints {
		if e.Mailbox == f.Mailbox && (!ok || strings.EqualFold(e.Address, f.Own)) {
			d, ok = QueueDecision{Queue: e.Queue, EntryPoint: e.Address, Why: "mailbox"}, true
		}
	}
	return d, ok
}

// matches reports whether every condition that the rule has holds.
func matches(r postroom.RoutingRule, f Facts) bool {
	any := false
	for _, c := range []struct {
		given bool
		holds func() bool
	}{
		{r.Recipient != "", func() bool { return anyLike(f.Recipients, r.Recipient) }},
		{r.Sender != "", func() bool { return like(f.Sender, r.Sender) }},
		{r.SubjectContains != "", func() bool { return contains(f.Subject, r.SubjectContains) }},
		{r.Header != "", func() bool { return headerContains(f.Headers[strings.ToLower(r.Header)], r.HeaderContains) }},
	} {
		if !c.given {
			continue
		}
		if !c.holds() {
			return false
		}
		any = true
	}
	return any
}

// like compares without regard to case; "*" in pattern stands for any run of characters.
func like(s, pattern string) bool {
	escaped := strings.NewReplacer("?", "\\?", "[", "\\[", "\\", "\\\\").Replace(strings.ToLower(pattern))
	// path.Match stops "*" at a slash, which addresses may contain.
	ok, err := path.Match(strings.ReplaceAll(escaped, "/", "\x00"), strings.ReplaceAll(strings.ToLower(s), "/", "\x00"))
	return err == nil && ok
}

func anyLike(values []string, pattern string) bool {
	for _, v := range values {
		if like(v, pattern) {
			return true
		}
	}
	return false
}

func contains(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func headerContains(values []string, part string) bool {
	for _, v := range values {
		if contains(v, part) {
			return true
		}
	}
	return false
}

func containsFold(values []string, want string) bool {
	for _, v := range values {
		if strings.EqualFold(v, want) {
			return true
		}
	}
	return false
}
