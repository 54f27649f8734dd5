package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/stack"
)

// sampleSecret is the reference by which the sample configuration names its mailbox's password.
const sampleSecret = "mailbox-support"

func (p program) devmailCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "devmail",
		Short: "Run the mail server for trying out, with a page to write as a customer",
		Long: "Devmail is the outside world of `postroom dev`: IMAP, SMTP and the customer's page, on loopback. The account\n" +
			config.SampleAddress + " is opened with the password in the secrets directory of POSTROOM_STATE_DIR.",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.Devmail, p.getenv)
			if err != nil {
				return err
			}
			password := strings.TrimSpace(p.getenv("POSTROOM_SECRET_MAILBOX"))
			if password == "" {
				return postroom.Invalid("settings_invalid", "POSTROOM_SECRET_MAILBOX: the password of "+config.SampleAddress+" is needed")
			}
			server, err := devmail.Start(devmail.Options{
				Dir:      filepath.Join(set.Dev.StateDir, "mail"),
				IMAP:     at(set.Dev.Ports.IMAP),
				SMTP:     at(set.Dev.Ports.SMTP),
				HTTP:     at(set.Dev.Ports.Mail),
				Accounts: map[string]string{config.SampleAddress: password},
				Logger:   set.Log.Logger(p.stderr),
			})
			if err != nil {
				return err
			}
			<-c.Context().Done()
			return server.Close()
		},
	}
}

// at is a port on loopback.
func at(port int) string { return stack.Loopback + ":" + itoa(port) }
