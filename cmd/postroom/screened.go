package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

func (p program) mailScreenedCommand() *cobra.Command {
	return p.listMailCommand("screened", postroom.ArrivalScreened, "List mail that was kept out of the queues, and why",
		"Screened lists automatic mail, mail of loops and of blocked senders, the newest first. `postroom mail release` brings one into its queue.")
}

func (p program) mailQuarantinedCommand() *cobra.Command {
	return p.listMailCommand("quarantined", postroom.ArrivalQuarantined, "List mail that was left in its mailbox, and why",
		"Quarantined lists mail that could not be fetched, read or inspected. Nothing of it is stored but where it is: folder, UID and size.")
}

func (p program) listMailCommand(name string, arrival postroom.Arrival, summary, long string) *cobra.Command {
	var f store.ScreenedFilter
	var mailbox string
	var form outputForm
	c := &cobra.Command{
		Use: name, Short: summary, Long: long, Args: cobra.NoArgs,
		Example: "  postroom mail " + name + " --mailbox support --json",
		RunE: func(c *cobra.Command, _ []string) error {
			f.Arrival, f.Mailbox = arrival, postroom.MailboxID(mailbox)
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				mails, err := s.Screened(c.Context(), f)
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(map[string]any{"mails": screenedJSON(mails)})
				}
				return p.table("MAIL\tAT\tMAILBOX\tREASON\tFROM\tSUBJECT\tSIZE\tRELEASED TO", func(row func(cells ...any)) {
					for _, m := range mails {
						id := string(m.Message)
						if id == "" {
							id = fmt.Sprintf("UID %d", m.UID)
						}
						row(id, m.At, string(m.Mailbox), m.Reason, m.From, short(m.Subject, 40), m.Size, string(m.Contact))
					}
				})
			})
		},
	}
	c.Flags().StringVar(&mailbox, "mailbox", "", "only this mailbox")
	c.Flags().StringVar(&f.Reason, "reason", "", "only this reason, as auto-reply, list, loop or blocked")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many mails at most")
	form.flag(c)
	return c
}

// screenedJSON are mails as --json writes them: no text of theirs.
func screenedJSON(mails []store.ScreenedMail) []map[string]any {
	all := []map[string]any{}
	for _, m := range mails {
		all = append(all, map[string]any{"message": m.Message, "at": m.At, "mailbox": m.Mailbox, "uid": m.UID, "arrival": m.Arrival, "reason": m.Reason,
			"size": m.Size, "contact": m.Contact})
	}
	return all
}

func (p program) mailReleaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "release MAIL...",
		Short:   "Bring screened mail into its queue, as if a person had written it",
		Long:    "Release has each mail join the open contact of its conversation or open one. Released again, a mail stays where it is.",
		Example: "  postroom mail release 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Contact, func(set settings.Settings, s *store.Store) error {
				for _, id := range args {
					now, err := s.ReleaseScreened(c.Context(), store.Releasing{By: operator(), Message: postroom.MessageID(id)})
					if err != nil {
						return err
					}
					fmt.Fprintln(p.stdout, describe(now))
					p.tell(c.Context(), set, s, store.Withdrawn{Contact: now.Contact, Version: now.Version})
				}
				return nil
			})
		},
	}
}

func (p program) mailBlockCommand() *cobra.Command {
	return p.blockingCommand("block", "Screen the mail of an address or a @domain from now on", (*store.Store).Block)
}

func (p program) mailUnblockCommand() *cobra.Command {
	return p.blockingCommand("unblock", "Let an address or a @domain write again", (*store.Store).Unblock)
}

func (p program) blockingCommand(name, short string, do func(*store.Store, context.Context, postroom.Command, postroom.Actor, string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " SENDER...", Short: short, Args: cobra.MinimumNArgs(1),
		Example: "  postroom mail " + name + " spam@evil.example @bad.example",
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				for _, pattern := range args {
					if err := do(s, c.Context(), postroom.Command{}, operator(), pattern); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func (p program) mailBlockedCommand() *cobra.Command {
	return &cobra.Command{
		Use: "blocked", Short: "List the senders whose mail is screened as blocked", Args: cobra.NoArgs, Example: "  postroom mail blocked",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				blocked, err := s.Blocked(c.Context())
				if err != nil {
					return err
				}
				return p.table("SENDER\tSINCE\tBY", func(row func(cells ...any)) {
					for _, b := range blocked {
						row(b.Pattern, b.At, b.Actor)
					}
				})
			})
		},
	}
}

func (p program) contactMergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "merge CONTACT INTO",
		Short:   "Make one matter of two contacts of a customer",
		Long:    "Merge moves the mails of a contact that waits or is parked into another of the same customer, and completes it as merged.",
		Example: "  postroom contact merge 0198c1f2-0000-7000-8000-000000000000 0198c1f2-0000-7000-8000-000000000001",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.MergeContacts(ctx, v, postroom.ContactID(args[1]))
			})
		},
	}
}

func (p program) contactUnmergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unmerge CONTACT",
		Short:   "Undo a merge: the mails of a merged contact become a contact of their own",
		Example: "  postroom contact unmerge 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.UndoMerge(ctx, v)
			})
		},
	}
}

func (p program) contactSplitCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "split CONTACT MAIL...",
		Short:   "Make a contact of its own of some mails of a contact",
		Example: "  postroom contact split 0198c1f2-0000-7000-8000-000000000000 0198c1f2-0000-7000-8000-000000000002",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var mails []postroom.MessageID
			for _, id := range args[1:] {
				mails = append(mails, postroom.MessageID(id))
			}
			return p.act(c.Context(), args[0], func(ctx context.Context, s *store.Store, v store.Supervision) (postroom.ContactSnapshot, error) {
				return s.SplitContact(ctx, v, mails)
			})
		},
	}
}
