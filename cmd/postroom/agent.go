package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) agentCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "agent",
		Short: "See agents, what they hold and their activity log, and give them a state",
		Long:  "Agent works on the database directly. What it changes is recorded as yours in the agent's log and in the audit.",
	}
	c.AddCommand(p.agentListCommand(), p.agentLogCommand(), p.agentStateCommand(), p.agentSignOutCommand())
	return c
}

func (p program) agentListCommand() *cobra.Command {
	var team string
	var form outputForm
	c := &cobra.Command{
		Use:     "list",
		Short:   "List agents with their states and what they hold",
		Example: "  postroom agent list\n  postroom agent list --team front --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Agent, func(_ settings.Settings, s *store.Store) error {
				agents, err := s.Agents(c.Context(), postroom.TeamID(team))
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(agents)
				}
				return p.writeAgents(agents)
			})
		},
	}
	c.Flags().StringVar(&team, "team", "", "only this team")
	form.flag(c)
	return c
}

func (p program) agentLogCommand() *cobra.Command {
	var before int64
	var limit int
	var form outputForm
	c := &cobra.Command{
		Use:     "log AGENT",
		Short:   "List the changes of an agent's state, newest first",
		Example: "  postroom agent log mina\n  postroom agent log mina --before 1234 --limit 20",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Agent, func(_ settings.Settings, s *store.Store) error {
				if _, err := s.AgentStatus(c.Context(), postroom.AgentID(args[0])); err != nil {
					return err
				}
				entries, err := s.AgentLog(c.Context(), postroom.AgentID(args[0]), before, limit)
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(entries)
				}
				return p.writeLog(entries)
			})
		},
	}
	c.Flags().Int64Var(&before, "before", 0, "only entries before the one of this number")
	c.Flags().IntVar(&limit, "limit", 50, "how many entries at most")
	form.flag(c)
	return c
}

func (p program) agentStateCommand() *cobra.Command {
	var code string
	c := &cobra.Command{
		Use:   "state AGENT available|idle",
		Short: "Make an agent who is signed in Available or Idle",
		Long: "State gives an agent a state as he himself would choose it; Idle needs a code of the configuration and withdraws his offers. It never ends RONA:\n" +
			"only the agent himself does.",
		Example:   "  postroom agent state mina idle --code lunch\n  postroom agent state mina available",
		Args:      cobra.ExactArgs(2),
		ValidArgs: []string{string(postroom.AgentAvailable), string(postroom.AgentIdle)},
		RunE: func(c *cobra.Command, args []string) error {
			to := postroom.AgentState(args[1])
			if to != postroom.AgentAvailable && to != postroom.AgentIdle {
				return postroom.Invalid(postroom.ReasonMalformed, "a state is \"available\" or \"idle\"")
			}
			return p.force(c, store.AgentChange{Agent: postroom.AgentID(args[0]), To: to, Code: postroom.IdleCode(code)})
		},
	}
	c.Flags().StringVar(&code, "code", "", "the idle code, for idle")
	return c
}

func (p program) agentSignOutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sign-out AGENT",
		Short: "Sign an agent out, with work in hand too",
		Long: "Sign-out ends an agent's sessions and takes everything from him: offers are withdrawn, what he owns goes back to its queues with its drafts,\n" +
			"wrap-ups are completed with their queue's default code. Where a queue has none they stay, until he or `postroom contact unstick` ends them.",
		Example: "  postroom agent sign-out mina",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.force(c, store.AgentChange{Agent: postroom.AgentID(args[0]), To: postroom.AgentLoggedOut})
		},
	}
}

// force gives an agent a state, on what is seen now.
func (p program) force(c *cobra.Command, change store.AgentChange) error {
	ctx := c.Context()
	return p.withStore(ctx, settings.Agent, func(set settings.Settings, s *store.Store) error {
		before, err := s.AgentStatus(ctx, change.Agent)
		if err != nil {
			return err
		}
		change.Seen = before.Version
		now, changed, err := s.ForceAgentState(ctx, store.Forcing{By: operator(), Change: change})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s is %s; %d contacts went on without him\n", now.Agent, stateOf(now), len(changed))
		p.tell(ctx, set, s, changed...)
		return nil
	})
}
