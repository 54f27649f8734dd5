package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/visible"
)

func (p program) mailParseCommand() *cobra.Command {
	var inJSON bool
	c := &cobra.Command{
		Use:   "parse FILE…",
		Short: "Say what Postroom reads in a mail",
		Long: "Parse reads finished mails (.eml) as the worker does and says what it found: for people who ask why a mail looks as it does. - reads\n" +
			"standard input. Nothing is stored and nothing is scanned: what is printed may hold card numbers. A file that cannot be read is named on\n" +
			"standard error, the others are printed, and the exit code is 1.\n\n" +
			"With --json each file is one line, an object with these members; lists may be empty and are never null:\n" +
			"  file         the argument\n" +
			"  subject, text, html, messageId\n" +
			"  from, to, cc, replyTo   [{name, address}]\n" +
			"  date         RFC 3339 with the sender's zone, or \"\"\n" +
			"  inReplyTo, references   Message-IDs without angle brackets, oldest first\n" +
			"  visibleText  the newest text, without quotations; the signature stays\n" +
			"  signatureAt  where the signature begins in visibleText, in Unicode code points; null if there is none\n" +
			"  attachments  [{name, contentType, size, sha256, inline, contentId}]; size and sha256 are of the decoded content\n" +
			"  automatic    \"\" for a person's mail, or auto-reply, bounce, feedback-report, list, loop, receipt\n" +
			"  bounce       {recipients: [{address, status, class, action, diagnostic}], originalMessageId}\n" +
			"  defects      what was wrong with the mail; docs/mail.md explains each",
		Example: "  postroom mail parse odd.eml\n  postroom mail parse --json *.eml | jq -c '{file, defects}'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			write := p.writeReading
			if inJSON {
				write = p.writeReadingJSON
			}
			return p.parseMails(files, write)
		},
	}
	c.Flags().BoolVar(&inJSON, "json", false, "write one JSON object per line and file")
	return c
}

// parseMails reads each file and writes what is in it. One that cannot be read does not keep the others back.
func (p program) parseMails(files []string, write func(reading) error) error {
	failed := 0
	for _, file := range files {
		found, err := p.readMail(file)
		if err != nil {
			fmt.Fprintf(p.stderr, "postroom: %v\n", err)
			failed++
			continue
		}
		if err := write(found); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files were not read", failed, len(files))
	}
	return nil
}

// readMail reads one file, up to a byte more than the parser looks at, so that it can tell that there is more. A panic of ours on
// one mail is that mail's problem, as it is when mail arrives.
func (p program) readMail(file string) (found reading, err error) {
	var raw bytes.Buffer
	in := p.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return reading{}, err
		}
		defer f.Close()
		if about, err := f.Stat(); err == nil {
			raw.Grow(int(min(about.Size(), email.MaxSize)) + bytes.MinRead + 1)
		}
		in = f
	}
	if _, err := raw.ReadFrom(io.LimitReader(in, email.MaxSize+1)); err != nil {
		return reading{}, fmt.Errorf("read %s: %w", file, err)
	}
	defer func() {
		if recover() != nil { // the panic's value may quote the mail
			err = fmt.Errorf("%s: this mail makes the parser fail; please report it", file)
		}
	}()
	return newReading(file, raw.Bytes()), nil
}

// reading is what is read of a mail, as --json writes it. Its members are a promise: they are added to, and not changed.
type reading struct {
	File        string                       `json:"file"`
	Subject     string                       `json:"subject"`
	From        []readAddress                `json:"from"`
	To          []readAddress                `json:"to"`
	Cc          []readAddress                `json:"cc"`
	ReplyTo     []readAddress                `json:"replyTo"`
	Date        string                       `json:"date"`
	MessageID   postroom.InternetMessageID   `json:"messageId"`
	InReplyTo   []postroom.InternetMessageID `json:"inReplyTo"`
	References  []postroom.InternetMessageID `json:"references"`
	Text        string                       `json:"text"`
	HTML        string                       `json:"html"`
	VisibleText string                       `json:"visibleText"`
	SignatureAt *int                         `json:"signatureAt"`
	Attachments []readAttachment             `json:"attachments"`
	Automatic   email.Kind                   `json:"automatic"`
	Bounce      readBounce                   `json:"bounce"`
	Defects     []email.Defect               `json:"defects"`

	// For people only.
	protection email.Protection
	events     []email.Event
}

type readAddress struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

type readAttachment struct {
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	Size        int    `json:"size"`
	SHA256      string `json:"sha256"`
	Inline      bool   `json:"inline"`
	ContentID   string `json:"contentId"`
}

type readBounce struct {
	Recipients        []readRecipient            `json:"recipients"`
	OriginalMessageID postroom.InternetMessageID `json:"originalMessageId"`
}

type readRecipient struct {
	Address    string `json:"address"`
	Status     string `json:"status"`
	Class      string `json:"class"`
	Action     string `json:"action"`
	Diagnostic string `json:"diagnostic"`
}

func newReading(file string, raw []byte) reading {
	m := email.Parse(raw)
	found := reading{
		File: file, Subject: m.Subject, From: readAddresses(m.From), To: readAddresses(m.To), Cc: readAddresses(m.Cc), ReplyTo: readAddresses(m.ReplyTo),
		MessageID: m.MessageID, InReplyTo: notNil(m.InReplyTo), References: notNil(m.References), Text: m.PlainText, HTML: m.HTML,
		Attachments: []readAttachment{}, Automatic: email.Automatic(m), Bounce: readBounce{Recipients: []readRecipient{}}, Defects: notNil(m.Defects),
	}
	if found.Automatic != "" && found.Automatic != email.List {
		found.Bounce = newReadBounce(email.ReadBounce(m))
	}
	if found.Automatic != email.Bounce { // what a complaint or a receipt is about has a Message-ID, and no recipient failed
		found.Bounce.Recipients = []readRecipient{}
	}
	visible := visible.Of(m)
	found.VisibleText = visible.Text
	if visible.SignatureAt >= 0 {
		at := utf8.RuneCountInString(visible.Text[:visible.SignatureAt])
		found.SignatureAt = &at
	}
	if !m.Date.IsZero() {
		found.Date = m.Date.Format(time.RFC3339)
	}
	for _, a := range m.Attachments {
		found.Attachments = append(found.Attachments, newReadAttachment(a))
		if event, ok := email.ReadEvent(a); ok {
			found.events = append(found.events, event)
		}
	}
	found.protection = m.Protection
	return found
}

func newReadAttachment(a email.Attachment) readAttachment {
	sum := sha256.Sum256(a.Content)
	contentType, _, err := mime.ParseMediaType(a.MediaType)
	if err != nil {
		contentType, _, _ = strings.Cut(a.MediaType, ";")
	}
	return readAttachment{Name: a.Filename, ContentType: contentType, Size: len(a.Content), SHA256: hex.EncodeToString(sum[:]), Inline: a.Inline, ContentID: a.ContentID}
}

func newReadBounce(b email.Bounced) readBounce {
	found := readBounce{Recipients: []readRecipient{}, OriginalMessageID: b.OriginalMessageID}
	for _, r := range b.Recipients {
		found.Recipients = append(found.Recipients, readRecipient{Address: cmp.Or(r.Address, r.Original), Status: r.Status, Class: r.Class(), Action: string(r.Action), Diagnostic: r.Diagnostic})
	}
	return found
}

func readAddresses(list []email.Address) []readAddress {
	found := make([]readAddress, len(list))
	for i, a := range list {
		found[i] = readAddress{a.Name, a.Address}
	}
	return found
}

// notNil makes a list that JSON writes as [].
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (p program) writeReadingJSON(r reading) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// writeReading writes a reading for people: what is empty is left out, and no character that a terminal would obey is in it.
func (p program) writeReading(r reading) error {
	var errs []error
	line := func(label string, v any) {
		if text := cell(v); text != "-" {
			_, err := fmt.Fprintf(p.stdout, "%-11s %s\n", label, text)
			errs = append(errs, err)
		}
	}
	line("file", r.File)
	line("subject", r.Subject)
	line("from", inWriting(r.From))
	line("to", inWriting(r.To))
	line("cc", inWriting(r.Cc))
	line("reply to", inWriting(r.ReplyTo))
	line("date", r.Date)
	line("id", r.MessageID)
	for _, id := range r.InReplyTo {
		line("answers", id)
	}
	line("automatic", r.Automatic)
	for _, to := range r.Bounce.Recipients {
		line("undelivered", strings.Join([]string{to.Address, to.Status, to.Class, to.Action, to.Diagnostic}, " "))
	}
	line("of mail", r.Bounce.OriginalMessageID)
	line("protected", r.protection)
	for _, e := range r.events {
		line("calendar", strings.Join([]string{e.Method, e.Start.Time.Format("2006-01-02 15:04"), e.Start.Zone, e.Summary}, " "))
	}
	for _, a := range r.Attachments {
		place := "attachment"
		if a.Inline {
			place = "inline"
		}
		line(place, fmt.Sprintf("%s (%s, %d bytes)", cmp.Or(a.Name, "without a name"), a.ContentType, a.Size))
	}
	for _, d := range r.Defects {
		line("defect", d)
	}
	for text := range strings.SplitSeq(strings.TrimRight(r.VisibleText, "\n"), "\n") {
		_, err := fmt.Fprintln(p.stdout, " ", printable(text))
		errs = append(errs, err)
	}
	_, err := fmt.Fprintln(p.stdout)
	return errors.Join(append(errs, err)...)
}

// printable is a line without characters that a terminal would obey.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line)
}

// inWriting is a list of addresses as a header shows it.
func inWriting(list []readAddress) string {
	written := make([]string, len(list))
	for i, a := range list {
		written[i] = strings.TrimSpace(a.Name + " <" + a.Address + ">")
	}
	return strings.Join(written, ", ")
}
