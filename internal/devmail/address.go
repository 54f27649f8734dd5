package devmail

import (
	"strings"

	"github.com/emersion/go-smtp"
)

// manner is how an address answers, chosen by the beginning of its local part.
type manner struct {
	prefix string
	refuse *smtp.SMTPError // at RCPT; nil: accepted
	report string          // the Action (RFC 3464 section 2.3.3) of the report that follows; "": none
	status string          // the Status of that report (RFC 3463)
	reason string          // the Diagnostic-Code of that report
}

// manners is the table in the package comment.
var manners = []manner{
	{prefix: "reject-", refuse: &smtp.SMTPError{
		Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}},
	{prefix: "defer-", refuse: &smtp.SMTPError{
		Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Mailbox is busy, try again later"}},
	{prefix: "bounce-", report: actionFailed, status: "5.1.1", reason: "smtp; 550 5.1.1 No such mailbox here"},
	{prefix: "delay-", report: actionDelayed, status: "4.4.1", reason: "smtp; 451 4.4.1 The next server does not answer"},
}

// mannerOf returns the manner of address; the zero manner is an ordinary mailbox.
func mannerOf(address string) manner {
	for _, m := range manners {
		if strings.HasPrefix(strings.ToLower(address), m.prefix) {
			return m
		}
	}
	return manner{}
}

// accountOf returns the account that mail for address is kept under: lower case, without the "+tag" of the local part. ok is false
// if address is not local@domain, or holds what no mail address holds.
func accountOf(address string) (account string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 || len(address) > 254 || strings.ContainsAny(address, "\r\n\x00<>") {
		return "", false
	}
	local, _, _ := strings.Cut(address[:at], "+")
	if local == "" {
		return "", false
	}
	return strings.ToLower(local + address[at:]), true
}
