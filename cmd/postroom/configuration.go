package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

// operator is who is at the command line, as the audit names him.
func operator() postroom.Actor {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return postroom.Actor{Kind: postroom.ActorCommand, ID: name}
}

// withStore opens a store for one command, and tests that its schema fits.
func (p program) withStore(ctx context.Context, command settings.Command, do func(settings.Settings, *store.Store) error) error {
	set, err := settings.Load(command, p.getenv)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, set.Database.URL.Reveal(), store.Options{}, set.Log.Logger(p.stderr))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Ready(ctx); err != nil {
		return err
	}
	return do(set, s)
}

func (p program) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database schema to this version",
		Long:  "Migrate changes the schema as the role of POSTROOM_OWNER_DATABASE_URL. The role postroom_app must exist; it is granted what the application needs.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := settings.Load(settings.Migrate, p.getenv)
			if err != nil {
				return err
			}
			v, err := store.Migrate(c.Context(), set.Database.OwnerURL.Reveal(), "", set.Log.Logger(p.stderr))
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "the schema is at version %d\n", v)
			return nil
		},
	}
}

func (p program) applyCommand() *cobra.Command {
	var file string
	var dryRun bool
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make a configuration file the present configuration",
		Long: "Apply reads mailboxes, entry points, rules, queues, business hours, sites, teams, skills, agents, profiles, codes and templates from a YAML\n" +
			"file (docs/configuration.md) and makes them the present configuration, as a whole or not at all. What the file does not name any more is\n" +
			"retired. With --dry-run it only says what would change, and why the file would be refused.",
		Example: "  postroom apply -f postroom.yaml\n  postroom apply -f postroom.yaml --dry-run\n  postroom export | postroom apply -f -",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			document, err := p.readDocument(file)
			if err != nil {
				return err
			}
			return p.withStore(c.Context(), settings.Apply, func(_ settings.Settings, s *store.Store) error {
				door := api.Apply
				if dryRun {
					door = api.Preview
				}
				applied, err := door(c.Context(), s, pci.New(), api.Application{Actor: operator(), File: filepath.Base(file), Document: document})
				if err != nil {
					return err
				}
				for _, change := range applied.Changes {
					fmt.Fprintf(p.stdout, "%s %s %s\n", change.Action, change.Kind, change.Key)
				}
				if len(applied.Changes) == 0 {
					fmt.Fprintln(p.stdout, "nothing changed")
				}
				if dryRun {
					fmt.Fprintln(p.stdout, "a dry run: nothing of this was done")
				}
				fmt.Fprintf(p.stdout, "the configuration is at version %d\n", applied.Version)
				return nil
			})
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the file; - reads standard input")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would change")
	_ = c.MarkFlagRequired("file")
	return c
}

// readDocument reads a configuration file, no more of it than a configuration may have.
func (p program) readDocument(file string) (string, error) {
	var r io.Reader = p.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, config.MaxDocument+1))
	return string(b), err
}

func (p program) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write the present configuration as a file",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Export, func(_ settings.Settings, s *store.Store) error {
				document, _, err := api.Export(c.Context(), s)
				if err != nil {
					return err
				}
				_, err = io.WriteString(p.stdout, document)
				return err
			})
		},
	}
}
