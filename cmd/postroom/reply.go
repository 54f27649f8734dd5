package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) replyCommand() *cobra.Command {
	c := &cobra.Command{Use: "reply", Short: "See the replies that are on their way"}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the replies that are not sent yet, and those of which nobody knows whether they were",
		Long: "List shows each reply that waits, is being sent, is put off or is looked for, and each whose fate is unknown, by when it is due; without its\n" +
			"text. A held one waits for a person, because the customer has written since; an unknown one is sent again by a person only, in the desktop.",
		Example: "  postroom reply list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				sends, err := s.OpenSends(c.Context())
				if err != nil {
					return err
				}
				if len(sends) == 0 {
					fmt.Fprintln(p.stdout, "there are no replies on their way")
					return nil
				}
				table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "DUE\tSTATE\tATTEMPTS\tAGENT\tCONTACT\tREPLY")
				for _, x := range sends {
					state := string(x.Delivery)
					switch {
					case x.HeldAt != nil:
						state = "held"
					case x.ProbeAt != nil:
						state = "looked for"
					case x.SendAt != nil && x.Attempts == 0:
						state = "scheduled"
					}
					fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\n", x.Due.UTC().Format(time.DateTime), state, x.Attempts, x.Agent, x.Contact, x.Outbox)
				}
				return table.Flush()
			})
		},
	})
	return c
}
