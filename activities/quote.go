package activities

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/template"
)

// bodyOf is what a reply says: the draft, the queue's signature, and the mail that is answered, in the language of that mail.
func bodyOf(source store.ReplySource) outbound.Body {
	body := outbound.Body{Text: source.Body, Rich: source.HTML}
	language := template.LanguageOf(cmp.Or(source.Quoted, source.Body))
	body.Signature = postroom.Name{English: source.Signature, Korean: source.SignatureKo}.In(language)
	if source.Purpose == postroom.PurposeForward {
		body.Forwarded = forwarded(source, language)
		return body
	}
	if strings.TrimSpace(source.Quoted) != "" && !source.Weak { // who is not who he claims to be is told nothing that was said before (R48)
		body.Attribution = attribution(language, source.QuotedAt.In(template.Zone(source.TimeZone)), source.QuotedName, source.QuotedAddress)
		body.Quote = email.Quote("", source.Quoted)
	}
	return body
}

// attribution is the line that introduces a quotation, as mail programs write it, so that they, and we, fold what follows it. The zone in which the
// customer wrote is not known: it is that of at, and named.
func attribution(language string, at time.Time, name, address string) string {
	who := who(name, address)
	if language == "ko" {
		return fmt.Sprintf("%d년 %d월 %d일 %s, %s님이 작성:", at.Year(), at.Month(), at.Day(), at.Format("15:04 (MST)"), who)
	}
	return fmt.Sprintf("On %s, %s wrote:", at.Format("Mon, 2 Jan 2006 at 15:04 (MST)"), who)
}

// maxForwarded bounds the text of a mail that is passed on, in bytes.
const maxForwarded = 256 << 10

// forwardWords are the words above a mail that is passed on: the mark, and From, Date, Subject, To and Cc.
var forwardWords = map[string][6]string{
	"en": {"---------- Forwarded message ----------", "From", "Date", "Subject", "To", "Cc"},
	"ko": {"---------- 전달된 메시지 ----------", "보낸사람", "날짜", "제목", "받는사람", "참조"},
}

// forwarded is a mail as it is passed on: who wrote it to whom, and its text as it was scanned and is kept. Nobody in Bcc is known here.
func forwarded(source store.ReplySource, language string) string {
	words := forwardWords[language]
	named := map[string][]string{}
	for _, r := range source.QuotedTo {
		named[r.Field] = append(named[r.Field], who(r.Name, r.Address))
	}
	var out strings.Builder
	out.WriteString(words[0] + "\n")
	for i, value := range []string{who(source.QuotedName, source.QuotedAddress), source.QuotedAt.In(template.Zone(source.TimeZone)).Format(time.RFC1123Z), source.Subject,
		strings.Join(named["to"], ", "), strings.Join(named["cc"], ", ")} {
		if value = strings.Join(strings.Fields(value), " "); value != "" {
			out.WriteString(words[i+1] + ": " + value + "\n")
		}
	}
	text := source.Quoted
	if len(text) > maxForwarded {
		text = strings.ToValidUTF8(text[:maxForwarded], "") + "\n[…]"
	}
	return out.String() + "\n" + strings.TrimRight(text, "\n") + "\n"
}

func who(name, address string) string {
	return strings.TrimSpace(strings.Join(strings.Fields(name), " ") + " <" + address + ">")
}

// sign signs a finished mail as its mailbox is configured.
func (a *Activities) sign(mail []byte, how postroom.DKIM, domain string) ([]byte, error) {
	text, err := a.Secrets.Secret(how.Secret)
	if err != nil {
		return nil, err
	}
	key, err := outbound.SigningKey(text.Reveal())
	if err != nil {
		return nil, err
	}
	return outbound.Sign(mail, outbound.Signing{Domain: domain, Selector: how.Selector, Key: key})
}
