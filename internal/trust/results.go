package trust

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"

	"github.com/postroom/postroom/internal/email"
)

// statement is one Authentication-Results field.
type statement struct {
	id     string // the authserv-id in lower case; "" if the field has none
	checks []check
}

// check is one result of it.
type check struct {
	method string // spf, dkim or dmarc
	result Result
	domain string // of the signature; that DMARC was judged of
}

// maxChecks bounds how many results of one field are read.
const maxChecks = 100

// parse reads a field. What of it is malformed is passed over: a server's word on one check is none the worse for the others.
func parse(value string) statement {
	var s statement
	parts := strings.Split(plain(value), ";")
	first := strings.Fields(parts[0])
	switch {
	case len(first) == 0:
	case strings.Contains(first[0], "="): // Microsoft 365 begins with a result
		parts = append([]string{""}, parts...)
	case len(first) == 1, first[1] == "1": // of another version nothing is known (RFC 8601 section 2.2)
		s.id = strings.ToLower(first[0])
	default:
		return statement{id: "?"}
	}
	for _, part := range parts[1:min(len(parts), maxChecks)] {
		_, results, err := authres.Parse("id; " + part)
		if err != nil {
			continue
		}
		for _, r := range results {
			if c, ok := checkOf(r); ok {
				s.checks = append(s.checks, c)
			}
		}
	}
	return s
}

func checkOf(r authres.Result) (check, bool) {
	switch r := r.(type) {
	case *authres.SPFResult:
		return check{"spf", resultOf(r.Value), ""}, true
	case *authres.DKIMResult:
		domain := r.Domain
		if domain == "" {
			domain = r.Identifier[strings.LastIndexByte(r.Identifier, '@')+1:]
		}
		return check{"dkim", resultOf(r.Value), domainIn(domain)}, true
	case *authres.DMARCResult:
		return check{"dmarc", resultOf(r.Value), domainIn(r.From[strings.LastIndexByte(r.From, '@')+1:])}, true
	}
	return check{}, false
}

// domainIn is a domain as a field names it; "" if it is none.
func domainIn(s string) string {
	if len(s) > 253 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"()<>@,:;\\[]", r) }) {
		return ""
	}
	return strings.ToLower(s)
}

func resultOf(value authres.ResultValue) Result {
	switch value {
	case authres.ResultPass:
		return Pass
	case authres.ResultFail, authres.ResultHardFail:
		return Fail
	case authres.ResultSoftFail:
		return SoftFail
	case authres.ResultNeutral, authres.ResultPolicy:
		return Neutral
	case authres.ResultNone, "bestguesspass": // Microsoft's guess for domains that publish nothing
		return None
	}
	return Unknown
}

// plain is a structured value without comments (RFC 5322 section 3.2.2) and quotations: what others may have written within them looks like nothing
// any more. A comment or a quotation that does not end takes the rest with it.
func plain(value string) string {
	var b strings.Builder
	depth, quoted := 0, notQuoted
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && (depth > 0 || quoted == inQuotes):
			i++
			if depth == 0 {
				b.WriteByte('_')
			}
		case quoted == inQuotes:
			if c == '"' {
				quoted = notQuoted
				continue
			}
			b.WriteByte(harmless(c))
		case c == '(':
			depth++
			b.WriteByte(' ')
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c == '"':
			quoted = inQuotes
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return closeUp(b.String())
}

// quotation says whether a quoted string is being read.
type quotation uint8

const (
	notQuoted quotation = iota
	inQuotes
)

// harmless is a character of a quoted string, or what stands for it where it would say something outside.
func harmless(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '@', c == '+':
		return c
	}
	return '_'
}

// closeUp drops white space around equals signs, and the version behind a method (RFC 8601 section 2.2): what the parser below does not know.
func closeUp(s string) string {
	if !strings.Contains(s, "=") {
		return s
	}
	parts := strings.Split(s, "=")
	for i, p := range parts {
		if i > 0 {
			p = strings.TrimLeft(p, " \t")
		}
		if i < len(parts)-1 {
			p = strings.TrimRight(p, " \t")
			if slash := strings.LastIndexByte(p, '/'); slash > 0 && p[slash:] == "/1" {
				p = p[:slash]
			}
		}
		parts[i] = p
	}
	return strings.Join(parts, "=")
}

// spamFields are what filters write about spam.
var spamFields = []string{"X-Spam-Flag", "X-Spam-Status", "X-Spam", "X-Rspamd-Action", "X-MS-Exchange-Organization-SCL"}

// saysSpam reports whether a field says that a mail is spam. Microsoft's confidence level says so from 5 on.
func saysSpam(f email.Field) bool {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(f.Value)), ",")
	word = strings.TrimSpace(word)
	switch f.Name {
	case "X-Spam-Flag", "X-Spam-Status", "X-Spam":
		return word == "yes" || strings.HasPrefix(word, "yes ")
	case "X-Rspamd-Action":
		return word == "add header" || word == "rewrite subject" || word == "reject"
	case "X-MS-Exchange-Organization-SCL":
		return len(word) == 1 && word >= "5" && word <= "9"
	}
	return false
}
