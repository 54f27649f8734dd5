package email

import (
	"strings"

	"github.com/postroom/postroom"
)

// dissected is a report or bounce, taken apart: what it says to people, what it says to machines, and the mail that came back.
type dissected struct {
	notice   string          // for people, without the mail that came back
	returned string          // that mail, where it stands in the notice
	status   [][]Field       // message/delivery-status: groups of fields (RFC 3464 section 2.1)
	feedback [][]Field       // message/feedback-report (RFC 5965)
	receipt  [][]Field       // message/disposition-notification (RFC 8098)
	original [][]Field       // headers of the mails that came back
	senders  map[string]bool // addresses that are no recipients: whom the bounce was sent to, and who sent it
}

// dissect takes a report apart.
func dissect(m Mail) dissected {
	d := dissected{senders: map[string]bool{}}
	texts := []string{m.Text}
	for _, a := range m.Attachments {
		mediaType, _, _ := strings.Cut(a.MediaType, ";")
		switch {
		case mediaType == "message/delivery-status", mediaType == "message/global-delivery-status":
			d.status = append(d.status, fieldGroups(a.Content)...)
		case mediaType == "message/feedback-report":
			d.feedback = append(d.feedback, fieldGroups(a.Content)...)
		case strings.HasSuffix(mediaType, "disposition-notification"):
			d.receipt = append(d.receipt, fieldGroups(a.Content)...)
		case strings.HasPrefix(mediaType, "message/"), strings.HasPrefix(mediaType, "text/rfc822"):
			d.original = append(d.original, headerOf(a.Content))
		case strings.HasPrefix(mediaType, "text/"):
			texts = append(texts, string(a.Content[:min(len(a.Content), maxReport)]))
		}
	}
	text := bounded(strings.Join(texts, "\n"), maxReport)
	d.notice, d.returned = cutReturned(text)
	d.notice = bounded(d.notice, maxNotice)
	if d.returned != "" {
		d.original = append(d.original, headerOf([]byte(d.returned)))
	}
	if len(d.status) == 0 {
		d.status = embeddedStatus(text)
	}
	for _, list := range [][]Address{m.To, m.Cc, m.From, m.Sender} {
		for _, a := range list {
			d.senders[strings.ToLower(a.Address)] = true
		}
	}
	return d
}

// bounded cuts a text at so many bytes.
func bounded(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}

// headerOf reads the header of a mail that came back.
func headerOf(content []byte) []Field {
	var d defects
	if len(content) > maxNotice {
		content = content[:maxNotice]
	}
	raw, _ := splitHeader(skipEmptyLines(lines(content, &d)), &d)
	return decoded(raw)
}

func decoded(raw []rawField) []Field {
	fields := make([]Field, 0, len(raw))
	for _, f := range raw {
		fields = append(fields, Field{Name: f.name, Value: decodeText(f.value)})
	}
	return fields
}

// field returns the value of the first field of that name.
func field(fields []Field, name string) string {
	for _, f := range fields {
		if equalFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// fieldGroups reads the content of a report for machines: groups of fields with empty lines between. Groups of recipients that some
// systems run together are told apart, and those that empty lines cut in two are joined.
func fieldGroups(content []byte) [][]Field {
	var d defects
	content = lines(content[:min(len(content), maxReport)], &d)
	var groups [][]Field
	for len(content) > 0 && len(groups) <= 2*maxBounced {
		content = skipEmptyLines(content)
		raw, rest := splitHeader(content, &d)
		if len(rest) == len(content) { // a line that is no field
			rest = content[lineEnd(content, 0):]
		}
		content = rest
		for _, group := range splitRecipients(decoded(raw)) {
			if n := len(groups); n > 0 && isRecipientGroup(group) && !namesRecipient(group) && namesRecipient(groups[n-1]) && field(groups[n-1], "Status") == "" {
				groups[n-1] = append(groups[n-1], group...)
				continue
			}
			groups = append(groups, group)
		}
	}
	return groups
}

// splitRecipients tells groups apart that no empty line does: each Final-Recipient begins one.
func splitRecipients(fields []Field) [][]Field {
	var groups [][]Field
	start := 0
	named := ""
	for i, f := range fields {
		if !equalFold(f.Name, "Final-Recipient") && !equalFold(f.Name, "Original-Recipient") {
			continue
		}
		name := strings.ToLower(f.Name)
		if named == name || named == "" && i > 0 && !isRecipientGroup(fields[start:i]) {
			groups = append(groups, fields[start:i])
			start = i
			named = ""
		}
		if named == "" {
			named = name
		}
	}
	if start < len(fields) {
		groups = append(groups, fields[start:])
	}
	return groups
}

// isRecipientGroup reports whether a group is about a recipient, not about the mail.
func isRecipientGroup(fields []Field) bool {
	return namesRecipient(fields) || field(fields, "Action") != "" || field(fields, "Status") != ""
}

func namesRecipient(fields []Field) bool {
	return field(fields, "Final-Recipient") != "" || field(fields, "Original-Recipient") != ""
}

// reportedAddress is the address of a field of the form "rfc822; address" (RFC 3464 section 2.3.1).
func reportedAddress(s string) string {
	if kind, rest, found := strings.Cut(s, ";"); found && !strings.Contains(kind, "@") {
		s = rest
	}
	if i, j := strings.LastIndexByte(s, '<'), strings.LastIndexByte(s, '>'); i >= 0 && j > i {
		s = s[i+1 : j]
	}
	s = strings.Trim(strings.TrimSpace(s), "<>'\"")
	if i := strings.IndexAny(s, " \t("); i > 0 {
		s = s[:i]
	}
	return s
}

// diagnosticText is the text of a field of the form "smtp; text" (RFC 3464 section 2.3.6).
func diagnosticText(s string) string {
	if kind, rest, found := strings.Cut(s, ";"); found && isToken(strings.TrimSpace(kind)) && !strings.Contains(kind, ".") {
		return strings.TrimSpace(rest)
	}
	return strings.TrimSpace(s)
}

// embeddedStatus finds the fields of a report in a text: some systems send reports as text, others label them so.
func embeddedStatus(text string) [][]Field {
	i := indexFold(text, "Final-Recipient:")
	if i < 0 {
		if i = indexFold(text, "Original-Recipient:"); i < 0 {
			return nil
		}
	}
	// The fields before it, up to the empty line, belong to it.
	start := 0
	if j := strings.LastIndex(text[:i], "\n\n"); j >= 0 {
		start = j + 2
	}
	section := strings.TrimLeft(bounded(text[start:], maxNotice), "\n")
	var kept []string
	for line := range strings.SplitSeq(section, "\n") {
		if strings.HasPrefix(line, "--") {
			break
		}
		kept = append(kept, line)
	}
	var groups [][]Field
	for _, group := range fieldGroups([]byte(strings.Join(kept, "\n"))) {
		if namesRecipient(group) || len(groups) == 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// indexFold finds an ASCII word that begins a line.
func indexFold(text, word string) int {
	for at := 0; at < len(text); {
		line := text[at:]
		indent := len(line) - len(strings.TrimLeft(line, " \t>"))
		if len(line)-indent >= len(word) && equalFold(line[indent:indent+len(word)], word) {
			return at + indent
		}
		next := strings.IndexByte(line, '\n')
		if next < 0 {
			return -1
		}
		at += next + 1
	}
	return -1
}

// originalMessageID finds the Message-ID of the mail that came back: in its header, in the report, in the text, and at last in what
// the bounce says that it answers.
func (d dissected) originalMessageID(m Mail) postroom.InternetMessageID {
	for _, header := range d.original {
		if id := firstID(field(header, "Message-Id")); id != "" {
			return id
		}
	}
	for _, group := range d.status {
		for _, name := range []string{"X-Original-Message-ID", "Original-Message-ID", "Message-ID"} {
			if id := firstID(field(group, name)); id != "" {
				return id
			}
		}
	}
	if id := d.idInText(m); id != "" {
		return id
	}
	for _, name := range []string{"X-Original-Message-ID", "X-Message-ID"} {
		if id := firstID(m.Field(name)); id != "" {
			return id
		}
	}
	if len(m.InReplyTo) > 0 {
		return m.InReplyTo[0]
	}
	if n := len(m.References); n > 0 {
		return m.References[n-1]
	}
	return ""
}

// firstID is the first Message-ID of a field; some programs write one without brackets and domain.
func firstID(s string) postroom.InternetMessageID {
	if ids := parseIDs([]byte(s)); len(ids) > 0 {
		return ids[0]
	}
	if s = strings.TrimSpace(s); s != "" && len(s) <= maxID && !strings.ContainsAny(s, " \t<>") {
		return postroom.InternetMessageID(s)
	}
	return ""
}

// idReach is how far behind the name of the field the id begins, line end and quotation marks included.
const idReach = 40

// idInText finds a Message-ID field that stands anywhere in a text, such as a header that is quoted, indented, or within JSON.
func (d dissected) idInText(m Mail) postroom.InternetMessageID {
	texts := []string{m.Text}
	for _, a := range m.Attachments {
		if !strings.HasPrefix(a.MediaType, "image/") {
			texts = append(texts, string(a.Content[:min(len(a.Content), maxReport)]))
		}
	}
	for _, text := range texts {
		text = bounded(text, maxReport)
		for at := 0; ; {
			i := strings.IndexByte(text[at:], '-')
			if i < 0 {
				break
			}
			at += i + 1
			if at < 8 || len(text) < at+2 || !equalFold(text[at-8:at+2], "message-id") {
				continue
			}
			window := text[at+2 : min(len(text), at+2+idReach)]
			open := strings.IndexByte(window, '<')
			if open < 0 || strings.Trim(window[:open], "\":,\\ \t\r\n>'valueVALUE") != "" {
				continue
			}
			rest := text[at+2+open:]
			end := strings.IndexByte(rest[:min(len(rest), maxID)], '>')
			if end < 0 {
				continue
			}
			if id := firstID(rest[:end+1]); id != "" {
				return id
			}
		}
	}
	return ""
}

// originalRecipient is the recipient of the mail that came back.
func (d dissected) originalRecipient() string {
	for _, header := range d.original {
		for _, f := range header {
			if !equalFold(f.Name, "To") && !equalFold(f.Name, "X-Original-To") {
				continue
			}
			if list := parseAddresses([]byte(f.Value), &defects{}); len(list) > 0 {
				return list[0].Address
			}
		}
	}
	return ""
}

// succeeded reports whether a delivery report tells of successes only, as senders may ask for (RFC 3461 section 4.1).
func (d dissected) succeeded() bool {
	n := 0
	for _, group := range d.status {
		if !isRecipientGroup(group) {
			continue
		}
		n++
		switch readAction(field(group, "Action")) {
		case Delivered, Relayed, Expanded:
		default:
			return false
		}
	}
	return n > 0
}
