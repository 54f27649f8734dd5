package main

import (
	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) mailboxCommand() *cobra.Command {
	c := &cobra.Command{Use: "mailbox", Short: "See how mailboxes are signed in to, and hand in refresh tokens"}
	c.AddCommand(p.mailboxListCommand(), p.mailboxAuthorizeCommand())
	return c
}

func (p program) mailboxListCommand() *cobra.Command {
	var form outputForm
	c := &cobra.Command{
		Use: "list", Short: "List the mailboxes, and whether their authorization holds", Args: cobra.NoArgs, Example: "  postroom mailbox list --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Mailbox, func(_ settings.Settings, s *store.Store) error {
				states, err := s.MailboxStates(c.Context())
				if err != nil {
					return err
				}
				if form.json {
					all := []map[string]any{}
					for _, m := range states {
						all = append(all, map[string]any{"mailbox": m.Mailbox, "address": m.Address, "sign_in": signInOf(m), "authorized": m.Authorized,
							"renewed": m.Renewed, "problem": m.Problem})
					}
					return p.writeJSON(map[string]any{"mailboxes": all})
				}
				return p.table("MAILBOX\tADDRESS\tSIGN-IN\tAUTHORIZED\tRENEWED\tPROBLEM", func(row func(cells ...any)) {
					for _, m := range states {
						row(string(m.Mailbox), m.Address, signInOf(m), m.Authorized, m.Renewed, problemOf(m))
					}
				})
			})
		},
	}
	form.flag(c)
	return c
}

func signInOf(m store.MailboxState) string {
	if m.OAuth {
		return "oauth"
	}
	return "password"
}

func problemOf(m store.MailboxState) string {
	if m.OAuth && m.Authorized == nil {
		return "no refresh token yet"
	}
	return m.Problem
}

func (p program) mailboxAuthorizeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "authorize MAILBOX",
		Short: "Hand in the OAuth refresh token of a mailbox, read from standard input",
		Long: "Authorize keeps a refresh token, encrypted by the key ring, and has the watch over the mailbox begin anew. It holds for the client, the token\n" +
			"endpoint and the mail servers that the configuration names now. How to come by one, the provider says; docs/operations.md has an example.",
		Example: "  postroom mailbox authorize support < refresh-token.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			token, err := p.readPassword()
			if err != nil {
				return err
			}
			if token == "" {
				return postroom.Invalid(postroom.ReasonMalformed, "there is no refresh token on standard input")
			}
			return p.withStore(c.Context(), settings.Mailbox, func(set settings.Settings, s *store.Store) error {
				keys, err := keyring.Open(set.Files.Secrets)
				if err != nil {
					return err
				}
				watched, err := s.Mailbox(c.Context(), postroom.MailboxID(args[0]))
				if err != nil {
					return err
				}
				if watched.Mailbox.OAuth == (postroom.OAuth{}) {
					return postroom.Refused("no_oauth", "the configuration of this mailbox has no oauth: it is signed in to with a password")
				}
				sealed, err := keys.SealRefreshToken(watched.Mailbox, token)
				if err != nil {
					return err
				}
				return s.Authorize(c.Context(), operator(), watched.Mailbox.ID, sealed)
			})
		},
	}
}
