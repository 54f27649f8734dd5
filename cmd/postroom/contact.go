package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) contactCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "contact",
		Short: "See contacts, and take them in hand: assign, move, requeue, unstick, close",
		Long: "Contact works on the database directly, also when workers, API or Temporal are down, and is recorded as yours in each contact's story.\n" +
			"The contact's workflow is told when Temporal can be reached; else the worker tells it within seconds of its return.",
	}
	c.AddCommand(p.contactListCommand(), p.contactShowCommand(), p.contactWhyCommand(), p.contactAssignCommand(), p.contactMoveCommand(), p.contactReprioritiseCommand(),
		p.contactRequeueCommand(), p.contactUnstickCommand(), p.contactCloseCommand(), p.contactMergeCommand(), p.contactUnmergeCommand(), p.contactSplitCommand())
	return c
}

func (p program) contactListCommand() *cobra.Command {
	var queue, phase string
	var older time.Duration
	var limit int
	var form outputForm
	c := &cobra.Command{
		Use:     "list",
		Short:   "List open contacts, the oldest first, and what is open by queue",
		Example: "  postroom contact list --queue billing --older 4h\n  postroom contact list --phase wrapup --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				queues, err := s.Backlog(c.Context(), "", postroom.QueueID(queue))
				if err != nil {
					return err
				}
				contacts, err := s.OpenContacts(c.Context(), store.OpenFilter{Queue: postroom.QueueID(queue), Phase: postroom.ContactPhase(phase), Older: older, Limit: limit})
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(map[string]any{"queues": queues, "contacts": contacts})
				}
				return p.writeBacklog(queues, contacts)
			})
		},
	}
	c.Flags().StringVar(&queue, "queue", "", "only this queue")
	c.Flags().StringVar(&phase, "phase", "", "only this phase: new, waiting, offered, owned, parked or wrapup")
	c.Flags().DurationVar(&older, "older", 0, "only contacts that arrived longer ago, as 30m or 4h")
	c.Flags().IntVar(&limit, "limit", 50, "how many contacts at most")
	form.flag(c)
	return c
}

func (p program) contactShowCommand() *cobra.Command {
	var form outputForm
	c := &cobra.Command{
		Use:     "show CONTACT",
		Short:   "Show where a contact is, and its story",
		Long:    "Show says where a contact is and what happened to it: ids, states and times, no text of a mail.",
		Example: "  postroom contact show 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				id := postroom.ContactID(args[0])
				now, err := s.LoadContact(c.Context(), id)
				if err != nil {
					return err
				}
				story, err := s.Story(c.Context(), id)
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(map[string]any{"contact": now, "story": storyJSON(story)})
				}
				return p.writeStory(now, story)
			})
		},
	}
	form.flag(c)
	return c
}

// act is one change of a contact by the command line.
func (p program) act(ctx context.Context, id string, do func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error)) error {
	return p.withStore(ctx, settings.Contact, func(set settings.Settings, s *store.Store) error {
		before, err := s.LoadContact(ctx, postroom.ContactID(id))
		if err != nil {
			return err
		}
		now, err := do(ctx, s, store.Supervision{By: operator(), Contact: before.Contact, Seen: before.Version})
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, describe(now))
		p.tell(ctx, set, s, store.Withdrawn{Contact: now.Contact, Version: now.Version})
		return nil
	})
}

func describe(now postroom.ContactSnapshot) string {
	line := fmt.Sprintf("%s is %s", now.Contact, now.Phase)
	if now.Queue != "" {
		line += " in queue " + string(now.Queue)
	}
	if now.Agent != "" {
		line += ", with " + string(now.Agent)
	}
	return line
}

func (p program) contactAssignCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "assign CONTACT AGENT",
		Short:   "Make an agent the owner of a contact that waits, is offered or is parked",
		Long:    "Assign makes an agent the owner without an offer. He must be signed in, not RONA, and have room; Idle he may be.",
		Example: "  postroom contact assign 0198c1f2-0000-7000-8000-000000000000 mina",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.AssignContact(ctx, v, postroom.AgentID(args[1]))
			})
		},
	}
}

func (p program) contactMoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "move CONTACT QUEUE",
		Short:   "Put a contact that waits, is offered, owned or parked into another queue",
		Example: "  postroom contact move 0198c1f2-0000-7000-8000-000000000000 billing",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.MoveContact(ctx, v, postroom.QueueID(args[1]))
			})
		},
	}
}

func (p program) contactReprioritiseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "reprioritise CONTACT PRIORITY",
		Short:   "Give a contact a priority from 0 to 9, or its own again",
		Example: "  postroom contact reprioritise 0198c1f2-0000-7000-8000-000000000000 9\n  postroom contact reprioritise 0198c1f2-0000-7000-8000-000000000000 own",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var priority *int
			if args[1] != "own" {
				n, err := strconv.Atoi(args[1])
				if err != nil {
					return postroom.Invalid(postroom.ReasonMalformed, "a priority is a number from 0 to 9, or \"own\"")
				}
				priority = &n
			}
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.ReprioritiseContact(ctx, v, priority)
			})
		},
	}
}

func (p program) contactRequeueCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "requeue CONTACT",
		Short:   "Put a contact that is offered, owned or parked back into its queue, with its draft",
		Example: "  postroom contact requeue 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.RequeueContact(ctx, v)
			})
		},
	}
}

func (p program) contactUnstickCommand() *cobra.Command {
	var queue string
	c := &cobra.Command{
		Use:   "unstick CONTACT",
		Short: "Take a contact from any state but done back to a queue, also when its workflow is dead",
		Long: "Unstick withdraws an offer, releases an owner or a wrap-up, and lets the contact wait in its queue, or in another one. Its history and its draft\n" +
			"stay, and a reply that is on its way goes out once. If its workflow was terminated, another one starts from the row.",
		Example: "  postroom contact unstick 0198c1f2-0000-7000-8000-000000000000\n  postroom contact unstick 0198c1f2-0000-7000-8000-000000000000 --queue billing",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.UnstickContact(ctx, v, postroom.QueueID(queue))
			})
		},
	}
	c.Flags().StringVar(&queue, "queue", "", "let it wait in this queue instead of its own")
	return c
}

func (p program) contactCloseCommand() *cobra.Command {
	var code, agent, note string
	c := &cobra.Command{
		Use:   "close CONTACT...",
		Short: "Close contacts that wait, without reply, with a wrap-up",
		Long: "Close closes contacts that wait; nothing is sent to their customers. The wrap-up needs a person in whose name it is recorded. Card numbers in the\n" +
			"note are masked. One that cannot be closed does not keep the others from it; the command fails then.",
		Example: "  postroom contact close --code spam --as sora 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if utf8.RuneCountInString(note) > postroom.MaxNote {
				return postroom.Invalid(postroom.ReasonTooLarge, "a note may have at most 1,000 characters")
			}
			text, findings := pci.New().Draft(pci.PlaceNote, note)
			failed := 0
			for _, id := range args {
				err := p.act(c.Context(), id, func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
					return s.CloseWaiting(ctx, store.Closing{Supervision: v, Agent: postroom.AgentID(agent), Code: postroom.WrapUpCode(code), Note: text, Findings: findings})
				})
				switch {
				case err != nil && len(args) == 1:
					return err
				case err != nil:
					failed++
					fmt.Fprintf(p.stderr, "%s: %s\n", id, sentence(err))
				}
			}
			if failed > 0 {
				return postroom.Refused("not_all_closed", fmt.Sprintf("%d of %d contacts were not closed", failed, len(args)))
			}
			return nil
		},
	}
	c.Flags().StringVar(&code, "code", "", "a wrap-up code of the contacts' queues")
	c.Flags().StringVar(&agent, "as", "", "the agent or supervisor in whose name the wrap-up is recorded")
	c.Flags().StringVar(&note, "note", "", "a note for the wrap-up")
	_ = c.MarkFlagRequired("code")
	_ = c.MarkFlagRequired("as")
	return c
}
