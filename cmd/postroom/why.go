package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

// explained is how many agents the explanation of a wait names in a table: who lacks nothing, then who lacks least.
const explained = 25

func (p program) contactWhyCommand() *cobra.Command {
	var form outputForm
	c := &cobra.Command{
		Use:   "why CONTACT",
		Short: "Say why a contact's offers went to whom they did, and why it still waits",
		Long: "Why shows what routing wrote with each offer: the rule, its version, how many could have taken the contact. Of one that waits it says what\n" +
			"each agent lacks to be offered it now, and when time alone ends that: team, skill, state, idle_next (Idle after the present contacts),\n" +
			"room, refused (did not take it lately), target (it waits for somebody else alone), hours (the queue is closed).",
		Example: "  postroom contact why 0198c1f2-0000-7000-8000-000000000000\n  postroom contact why --json 0198c1f2-0000-7000-8000-000000000000",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), settings.Contact, func(_ settings.Settings, s *store.Store) error {
				id := postroom.ContactID(args[0])
				now, err := s.LoadContact(c.Context(), id)
				if err != nil {
					return err
				}
				offers, err := s.OfferReasons(c.Context(), id)
				if err != nil {
					return err
				}
				why, waiting, err := api.WhyWaiting(c.Context(), s, id)
				if err != nil {
					return err
				}
				if form.json {
					return p.writeJSON(whyJSON(offers, why, waiting))
				}
				return p.writeWhy(now, offers, why, waiting)
			})
		},
	}
	form.flag(c)
	return c
}

func whyJSON(offers []store.OfferReason, why routing.Explanation, waiting bool) map[string]any {
	list := []any{}
	for _, o := range offers {
		list = append(list, map[string]any{"offer": o.Offer, "agent": o.Agent, "queue": o.Queue, "state": o.State, "offered_at": o.OfferedAt, "reason": o.Reason})
	}
	found := map[string]any{"offers": list}
	if waiting {
		found["wait"] = why
	}
	return found
}

func (p program) writeWhy(now postroom.ContactSnapshot, offers []store.OfferReason, why routing.Explanation, waiting bool) error {
	if len(offers) > 0 {
		if err := p.table("OFFERED\tAGENT\tQUEUE\tSTATE\tRULE\tLOOKED\tSTAGE\tCANDIDATES\tSET ASIDE\tVERSION", func(row func(...any)) {
			for _, o := range offers {
				var r routing.Reason
				_ = json.Unmarshal(o.Reason, &r) // what a person did has no rule
				row(o.OfferedAt, o.Agent, o.Queue, o.State, r.Rule, r.Trigger, r.Step, r.Candidates, r.SetAside, r.Configuration)
			}
		}); err != nil {
			return err
		}
		fmt.Fprintln(p.stdout)
	}
	if !waiting {
		fmt.Fprintf(p.stdout, "%s is %s: it waits for nobody\n", now.Contact, now.Phase)
		return nil
	}
	fmt.Fprintf(p.stdout, "%s waits in queue %s at stage %d for %s (%s); %d of %d agents lack nothing\n", now.Contact, why.Queue, why.Step,
		why.Waited.Round(time.Second), why.Rule, why.Eligible, len(why.Agents))
	if why.NextAgent != "" {
		fmt.Fprintf(p.stdout, "time alone makes %s eligible at %s\n", why.NextAgent, cell(why.NextAt))
	}
	return p.table("AGENT\tSCORE\tLACKS", func(row func(...any)) {
		for _, a := range why.Agents[:min(len(why.Agents), explained)] {
			row(a.Agent, a.Score, inWords(a.Missing))
		}
	})
}

// inWords is what an agent lacks, in words.
func inWords(missing []routing.Missing) string {
	words := make([]string, len(missing))
	for i, m := range missing {
		words[i] = string(m.What)
		for _, more := range []string{string(m.Skill), string(m.State), string(m.IdleCode), string(m.Agent)} {
			if more != "" {
				words[i] += " " + more
			}
		}
		if m.Level > 0 {
			words[i] += fmt.Sprintf(" %d of %d", m.Has, m.Level)
		}
		if !m.Until.IsZero() {
			words[i] += " until " + cell(m.Until)
		}
	}
	return strings.Join(words, "; ")
}
