package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) reminderCommand() *cobra.Command {
	c := &cobra.Command{Use: "reminder", Short: "See what is to be remembered, and by whom"}
	var agent string
	list := &cobra.Command{
		Use:   "list",
		Short: "List the reminders that are set or have fired, by when they are due",
		Long: "List shows when reminders are due by the clock on the wall, for whom, on which contact and how far they have come, without their texts.\n" +
			"One that has fired in place of somebody who has left names those who were told.",
		Example: "  postroom reminder list\n  postroom reminder list --agent mina",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Reminder, func(_ settings.Settings, s *store.Store) error {
				reminders, err := s.OpenReminders(c.Context(), postroom.AgentID(agent))
				if err != nil {
					return err
				}
				if len(reminders) == 0 {
					fmt.Fprintln(p.stdout, "there are no reminders")
					return nil
				}
				table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "DUE\tZONE\tSTATE\tFOR\tTOLD\tCONTACT\tREMINDER")
				for _, r := range reminders {
					told := "-"
					for i, agent := range r.FiredTo {
						if i == 0 {
							told = ""
						} else {
							told += ","
						}
						told += string(agent)
					}
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Local, r.Zone, r.State, r.Assignee, told, r.Contact, r.ID)
				}
				return table.Flush()
			})
		},
	}
	list.Flags().StringVar(&agent, "agent", "", "only those of this agent")
	c.AddCommand(list)
	return c
}
