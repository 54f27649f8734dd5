package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/stack"
)

func (p program) devEnvCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the variables with which other commands reach what `postroom dev` runs",
		Long: "Env prints lines for a shell. Passwords are in them: they are read from the state directory, and whoever may read that may print them.\n" +
			"Postroom dev must have been started there before.",
		Example: `  eval "$(postroom dev env)"` + "\n" +
			"  postroom contact list",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := settings.Load(settings.Dev, p.getenv)
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(set.Dev.StateDir)
			if err != nil {
				return err
			}
			password, err := stack.KeptSecret(dir, stack.RoleApp.SecretName())
			if err != nil {
				return err
			}
			for _, v := range []struct{ name, value string }{
				{"POSTROOM_DATABASE_URL", stack.LoopbackURL(stack.RoleApp, password, set.Dev.Ports.Database, stack.Database)},
				{"POSTROOM_TEMPORAL_ADDRESS", at(set.Dev.Ports.Temporal)},
				{"POSTROOM_TEMPORAL_NAMESPACE", stack.Namespace},
			} {
				fmt.Fprintf(p.stdout, "export %s=%s\n", v.name, quoteForShell(v.value))
			}
			return nil
		},
	}
}

// quoteForShell is a word of a POSIX shell.
func quoteForShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
