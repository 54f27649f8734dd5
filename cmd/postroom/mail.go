package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/settings"
)

// letter is what `postroom mail send` is asked to send.
type letter struct {
	from, to, subject, text, file, server, inReplyTo string
	content                                          []byte // of the file
}

func (p program) mailCommand() *cobra.Command {
	c := &cobra.Command{Use: "mail", Short: "Write mail as a customer, see how mail is read, and what was screened"}
	var l letter
	send := &cobra.Command{
		Use:   "send",
		Short: "Send a mail as a customer, by SMTP",
		Long: "Send writes a mail to a contact centre as a customer would, through the mail server of `postroom dev` or the one that --server names.\n" +
			"With --file it sends a finished mail (.eml) as it is, from and to whom its header says, unless --from and --to say otherwise.",
		Example: `  postroom mail send --from "Kim <kim@customer.example>" --to support@postroom.example --subject "Where is my parcel?" --text "It is late."` + "\n" +
			"  postroom mail send --to support@postroom.example --file broken.eml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.Mail, p.getenv)
			if err != nil {
				return err
			}
			if l.server == "" {
				l.server = net.JoinHostPort("127.0.0.1", strconv.Itoa(set.Dev.Ports.SMTP))
			}
			return p.send(c.Context(), l)
		},
	}
	send.Flags().StringVar(&l.from, "from", "", "who writes: an address, or Name <address>")
	send.Flags().StringVar(&l.to, "to", "", "to whom: an address, or several with commas")
	send.Flags().StringVar(&l.subject, "subject", "", "the subject")
	send.Flags().StringVar(&l.text, "text", "", "the text; - reads standard input")
	send.Flags().StringVar(&l.file, "file", "", "send this finished mail instead")
	send.Flags().StringVar(&l.inReplyTo, "in-reply-to", "", "the Message-ID that this answers")
	send.Flags().StringVar(&l.server, "server", "", "host:port of the mail server (the one of `postroom dev`)")
	send.MarkFlagsMutuallyExclusive("file", "text")
	send.MarkFlagsMutuallyExclusive("file", "subject")
	c.AddCommand(send, p.mailParseCommand(), p.mailScreenedCommand(), p.mailQuarantinedCommand(), p.mailReleaseCommand(), p.mailBlockCommand(),
		p.mailUnblockCommand(), p.mailBlockedCommand())
	return c
}

func (p program) send(ctx context.Context, l letter) error {
	if l.file != "" {
		content, err := os.ReadFile(l.file)
		if err != nil {
			return err
		}
		l.addressFrom(email.Parse(content))
		l.content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	}
	if l.from == "" || l.to == "" {
		return errors.New("say who writes and to whom, with --from and --to: no file says it")
	}
	from, err := mail.ParseAddress(l.from)
	if err != nil {
		return fmt.Errorf("--from is not a mail address: %w", err)
	}
	to, err := mail.ParseAddressList(l.to)
	if err != nil {
		return fmt.Errorf("--to is not a list of mail addresses: %w", err)
	}
	content, err := p.compose(l, from, to)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(l.server)
	if err != nil {
		return fmt.Errorf("--server is not host:port: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return errors.New("--server has no port number")
	}
	sender, err := outbound.New(outbound.Config{Host: host, Port: number, Security: outbound.SecurityNone})
	if err != nil {
		return err
	}
	envelope := outbound.Submission{From: from.Address, Mail: content}
	for _, a := range to {
		envelope.To = append(envelope.To, a.Address)
	}
	result, err := sender.Send(ctx, envelope, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	if result.Outcome != outbound.OutcomeAccepted {
		return fmt.Errorf("the mail server did not take it (%s at %s): %d %s", result.Outcome, result.Stage, result.Code, result.Text.Reveal())
	}
	fmt.Fprintln(p.stdout, "sent")
	return nil
}

// addressFrom takes from a mail's own header what no flag says.
func (l *letter) addressFrom(m email.Mail) {
	if l.from == "" && len(m.From) > 0 {
		l.from = m.From[0].Address
	}
	if l.to == "" {
		var to []string
		for _, a := range slices.Concat(m.To, m.Cc) {
			if a.Address != "" {
				to = append(to, a.Address)
			}
		}
		l.to = strings.Join(to, ", ")
	}
}

func (p program) compose(l letter, from *mail.Address, to []*mail.Address) ([]byte, error) {
	if l.content != nil {
		return l.content, nil
	}
	if l.text == "-" {
		b, err := io.ReadAll(io.LimitReader(p.stdin, 32<<20))
		if err != nil {
			return nil, err
		}
		l.text = string(b)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	r := outbound.Reply{From: outbound.Address{Name: from.Name, Address: from.Address}, Subject: l.subject, Date: time.Now(), Text: l.text,
		ID: postroom.InternetMessageID(uuid.NewString() + "@" + domain), InReplyTo: postroom.InternetMessageID(strings.Trim(l.inReplyTo, "<>"))}
	for _, a := range to {
		r.To = append(r.To, outbound.Address{Name: a.Name, Address: a.Address})
	}
	return outbound.Render(r)
}
