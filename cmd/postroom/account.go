package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) accountCommand() *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Set passwords and end sessions"}
	c.AddCommand(&cobra.Command{
		Use:     "password AGENT",
		Short:   "Set an agent's password, read from standard input, and end his sessions",
		Example: "  postroom account password mina < password.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := p.readPassword()
			if err != nil {
				return err
			}
			hash, err := auth.HashPassword(password)
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), settings.Account, func(_ settings.Settings, s *store.Store) error {
				return s.SetPassword(c.Context(), postroom.Command{}, operator(), store.Password{Agent: postroom.AgentID(args[0]), Hash: hash})
			})
		},
	}, &cobra.Command{
		Use:   "revoke AGENT",
		Short: "End all sessions of an agent",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Account, func(_ settings.Settings, s *store.Store) error {
				return s.RevokeSessions(c.Context(), postroom.Command{}, operator(), postroom.AgentID(args[0]))
			})
		},
	})
	return c
}

// readPassword reads one line. A password is never an argument: arguments are seen by everybody on the machine.
func (p program) readPassword() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(p.stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (p program) keyringCommand() *cobra.Command {
	c := &cobra.Command{Use: "keyring", Short: "Make and rotate the keys that are kept outside the database"}
	c.AddCommand(&cobra.Command{
		Use:   "init",
		Short: "Make the key ring in POSTROOM_SECRETS_DIR, if there is none",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := settings.Load(settings.Keyring, p.getenv)
			if err != nil {
				return err
			}
			_, err = keyring.Init(set.Files.Secrets, time.Now())
			return err
		},
	}, &cobra.Command{
		Use:       "rotate PURPOSE",
		Short:     "Make a new key for a purpose; the old ones still verify",
		Long:      "Rotate makes a new key. Workers and APIs use it after a restart; what was signed with the old one still counts. Purposes: " + purposes() + ".",
		Args:      cobra.ExactArgs(1),
		ValidArgs: strings.Split(purposes(), ", "),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := settings.Load(settings.Keyring, p.getenv)
			if err != nil {
				return err
			}
			ring, err := keyring.Open(set.Files.Secrets)
			if err != nil {
				return err
			}
			if err := ring.Rotate(keyring.Purpose(args[0]), time.Now()); err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, "there is a new key; restart workers and APIs")
			return nil
		},
	})
	return c
}

func purposes() string {
	var names []string
	for _, purpose := range keyring.Purposes() {
		names = append(names, string(purpose))
	}
	return strings.Join(names, ", ")
}
