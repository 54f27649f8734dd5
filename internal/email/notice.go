package email

import (
	"strings"
)

// note is what a notice says about one recipient.
type note struct {
	address string
	text    string
}

type notesOf []note

// about returns what is said about an address, under either of its names.
func (n notesOf) about(address, original string) string {
	for _, x := range n {
		if strings.EqualFold(x.address, address) || strings.EqualFold(x.address, original) {
			return x.text
		}
	}
	if len(n) == 1 {
		return n[0].text
	}
	return ""
}

// cutReturned splits a notice from the mail that came back below it: at a line that announces it, or where its header begins.
func cutReturned(text string) (notice, returned string) {
	for at := 0; at < len(text); {
		end := at + lineLength(text[at:])
		line := text[at:end]
		if announcesReturned(line) && headerFollows(text[end:]) {
			return text[:at], strings.TrimLeft(text[end:], "-=_ \t\r\n")
		}
		if beginsHeader(line) && isReturnedHeader(text[at:]) {
			return text[:at], text[at:]
		}
		at = end
	}
	return text, ""
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// announcesReturned reports whether a line says that the mail follows.
func announcesReturned(line string) bool {
	line = strings.TrimSpace(line)
	if len(line) < 10 || len(line) > 120 {
		return false
	}
	return saysAny(line, returnedPhrases)
}

// headerFollows reports whether a field of a mail's header is among the next lines that are not empty, or no line is.
func headerFollows(text string) bool {
	for n := 0; n < 3 && text != ""; {
		length := lineLength(text)
		line := strings.TrimLeft(text[:length], "> \t")
		text = text[length:]
		if strings.TrimSpace(line) == "" {
			continue
		}
		if beginsHeader(line) || isEnvelopeLine([]byte(line)) {
			return true
		}
		n++
	}
	return text == ""
}

// beginsHeader reports whether a line can be the first of a mail's header as it passed through mail systems.
func beginsHeader(line string) bool {
	name, _, found := strings.Cut(line, ":")
	return found && returnedFields[strings.ToLower(strings.TrimSpace(name))] > 0
}

// isReturnedHeader reports whether a header begins here that passed through mail systems: of the lines that follow, enough are fields of
// the kind that people do not write.
func isReturnedHeader(text string) bool {
	weight := 0
	for range 60 {
		n := lineLength(text)
		line := strings.TrimRight(text[:n], "\r\n")
		text = text[n:]
		if line == "" {
			return false
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, found := strings.Cut(line, ":")
		if !found {
			return false
		}
		if weight += returnedFields[strings.ToLower(strings.TrimSpace(name))]; weight >= 4 {
			return true
		}
	}
	return false
}

// readNotice finds the recipients that a notice names, and what it says about each: the lines from one to the next. Addresses that are
// no recipients are left out.
func readNotice(notice string, senders map[string]bool) notesOf {
	r := noticeReader{senders: senders, contacts: map[string]bool{}, current: -1}
	for line := range strings.SplitSeq(notice, "\n") {
		if len(line) > maxDiagnostic {
			line = bounded(line, maxDiagnostic)
		}
		r.line(line)
	}
	return r.finish()
}

// noticeReader reads a notice line by line.
type noticeReader struct {
	senders  map[string]bool
	contacts map[string]bool // named as somebody to turn to
	notes    notesOf
	weak     notesOf // addresses in the middle of sentences: recipients if there are no others
	current  int     // the recipient that the lines are about, -1 none yet
}

func (r *noticeReader) line(line string) {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" {
		return
	}
	if contactLine(trimmed) {
		for _, found := range addressesIn(trimmed) {
			r.contacts[strings.ToLower(found.address)] = true
		}
		return
	}
	for _, found := range addressesIn(trimmed) {
		if r.isSender(found.address) {
			continue
		}
		if i := r.notes.index(found.address); i >= 0 {
			r.current = i
			break
		}
		if leadsTo(trimmed[:found.start]) && !quotesHeader(trimmed) {
			if len(r.notes) < maxBounced {
				r.notes = append(r.notes, note{address: found.address})
				r.current = len(r.notes) - 1
			}
			break
		}
		if len(r.weak) < maxBounced && r.weak.index(found.address) < 0 {
			r.weak = append(r.weak, note{address: found.address, text: trimmed})
		}
	}
	if r.current >= 0 && len(r.notes[r.current].text) < maxDiagnostic {
		r.notes[r.current].text += trimmed + "\n"
	}
}

func (r *noticeReader) finish() notesOf {
	if len(r.notes) == 0 {
		return r.weak
	}
	// A list of recipients and one reason below: the reason is that of all.
	for i := len(r.notes) - 2; i >= 0; i-- {
		if bare(r.notes[i]) {
			r.notes[i].text = r.notes[i+1].text
		}
	}
	return r.notes
}

// bare reports whether nothing is said about a recipient but its address.
func bare(n note) bool {
	return len(strings.Trim(strings.TrimSpace(n.text), "<>\"':;,.-*()[]")) <= len(n.address)
}

func (n notesOf) index(address string) int {
	for i, x := range n {
		if strings.EqualFold(x.address, address) {
			return i
		}
	}
	return -1
}

// isSender reports whether an address is the sender's, or a postmaster to turn to.
func (r *noticeReader) isSender(address string) bool {
	address = strings.ToLower(address)
	local, _, _ := strings.Cut(address, "@")
	if local == "postmaster" || local == "mailer-daemon" {
		return true
	}
	return r.senders[address] || r.contacts[address]
}

// contactLine reports whether a line says whom to turn to, or names what was sent.
func contactLine(line string) bool {
	name, _, found := strings.Cut(line, ":")
	if found && (equalFold(name, "from") || equalFold(name, "subject") || equalFold(name, "reply-to") || equalFold(name, ">>> MAIL From")) {
		return true
	}
	return saysAny(line, contactPhrases)
}

// quotesHeader reports whether a line is a field of the mail that came back: its recipient may be another one.
func quotesHeader(line string) bool {
	name, _, found := strings.Cut(line, ":")
	return found && (equalFold(name, "to") || equalFold(name, "cc"))
}

// leadsTo reports whether what stands before an address on its line says that it is the recipient.
func leadsTo(before string) bool {
	before = strings.ToLower(strings.TrimRight(before, " \t<\"'([:=*-\\"))
	if before == "" {
		return true
	}
	if len(before) <= 20 && strings.Trim(before, "0123456789. -<>*•·[]()#") == "" { // a reply code, a list's mark
		return true
	}
	for _, s := range leadPhrases {
		if strings.HasSuffix(before, s) {
			return true
		}
	}
	return false
}

// foundAddress is an address in a line.
type foundAddress struct {
	address string
	start   int
}

// addressesIn lists what looks like an address in a line, up to eight.
func addressesIn(line string) []foundAddress {
	var all []foundAddress
	for at := 0; len(all) < 8; {
		i := strings.IndexByte(line[at:], '@')
		if i < 0 {
			return all
		}
		i += at
		start := i
		for start > at && isLocalByte(line[start-1]) {
			start--
		}
		end := i + 1
		for end < len(line) && isDomainByte(line[end]) {
			end++
		}
		domain := strings.TrimRight(line[i+1:end], ".-")
		at = end
		if start < i && strings.Contains(domain, ".") && !strings.HasPrefix(domain, ".") {
			local := strings.TrimPrefix(line[start:i], "mailto:")
			local = strings.Trim(local, "'=")
			if local != "" {
				all = append(all, foundAddress{local + "@" + domain, start})
			}
		}
	}
	return all
}

func isLocalByte(c byte) bool {
	return isWordByte(c) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0
}

func isDomainByte(c byte) bool { return isWordByte(c) || c == '-' || c == '.' || c >= 0x80 }
