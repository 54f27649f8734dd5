package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/store"
)

// outputForm is how a command writes what it found.
type outputForm struct{ json bool }

func (o *outputForm) flag(c *cobra.Command) {
	c.Flags().BoolVar(&o.json, "json", false, "write JSON instead of a table")
}

// tellTime bounds what a command waits for Temporal.
const tellTime = 5 * time.Second

// tell tells the workflows of contacts that were changed, if Temporal can be reached; else it says who will.
func (p program) tell(ctx context.Context, set settings.Settings, s *store.Store, changed ...store.Withdrawn) {
	if len(changed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	told := 0
	if c, err := client.DialContext(ctx, temporalOptions(set)); err == nil {
		defer c.Close()
		g := gateway.New(c, set.Temporal.TaskQueue)
		for _, w := range changed {
			if g.SyncContact(ctx, w.Contact) != nil {
				break
			}
			_ = s.MarkTold(ctx, store.Untold(w)) // lost, it costs one more signal
			told++
		}
	}
	if told < len(changed) {
		fmt.Fprintf(p.stderr, "Temporal could not be reached: the worker will tell %d workflows of it\n", len(changed)-told)
	}
}

func (p program) writeJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table writes rows in columns.
func (p program) table(head string, rows func(row func(cells ...any))) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell(c))
		}
		fmt.Fprintln(w)
	})
	return w.Flush()
}

// cell is a value as a table shows it: times with their zone, nothing as "-", and no character that a terminal would obey.
func cell(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.Local().Format("2006-01-02 15:04:05 MST")
	case *time.Time:
		if v == nil {
			return "-"
		}
		return cell(*v)
	}
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, fmt.Sprint(v))
	if strings.TrimSpace(text) == "" {
		return "-"
	}
	return text
}

// short cuts a text to n characters.
func short(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

func (p program) writeBacklog(queues []store.QueueBacklog, contacts []store.OpenContact) error {
	head := "QUEUE\tWAITING\tOFFERED\tOWNED\tWRAP-UP\tPARKED\tOVERDUE\tOLDEST"
	for _, a := range store.BacklogAges {
		head += "\t<" + strings.TrimSuffix(strings.TrimSuffix(a.String(), "0s"), "0m")
	}
	if err := p.table(head+"\tOLDER", func(row func(...any)) {
		for _, q := range queues {
			cells := []any{q.Queue, q.Waiting, q.Offered, q.Owned, q.WrapUp, q.Parked, q.Overdue, q.Oldest}
			for _, n := range q.ByAge {
				cells = append(cells, n)
			}
			row(cells...)
		}
	}); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout)
	return p.table("CONTACT\tPHASE\tQUEUE\tPRIORITY\tARRIVED\tDUE\tAGENT\tWAITS FOR\tCUSTOMER\tSUBJECT", func(row func(...any)) {
		for _, c := range contacts {
			row(c.Contact, c.Phase, c.Queue, c.Priority, c.ArrivedAt, c.DueAt, c.Agent, c.Target, short(c.CustomerAddress, 40), short(c.Subject, 40))
		}
	})
}

// storyEntry is an entry of a contact's story in JSON.
type storyEntry struct {
	store.StoryEvent
	Detail json.RawMessage `json:"detail"`
}

func storyJSON(story []store.StoryEvent) []storyEntry {
	entries := make([]storyEntry, len(story))
	for i, e := range story {
		entries[i] = storyEntry{e, e.Detail}
	}
	return entries
}

func (p program) writeStory(now postroom.ContactSnapshot, story []store.StoryEvent) error {
	fmt.Fprintf(p.stdout, "%s, version %d\n\n", describe(now), now.Version)
	return p.table("AT\tEVENT\tFROM\tTO\tBY\tQUEUE\tAGENT\tDETAIL", func(row func(...any)) {
		for _, e := range story {
			row(e.At, e.Event, e.From, e.To, e.Actor, e.Queue, e.Agent, short(strings.TrimSuffix(string(e.Detail), "{}"), 100))
		}
	})
}

func stateOf(a store.AgentStatus) string {
	if a.IdleCode != "" {
		return string(a.State) + " (" + string(a.IdleCode) + ")"
	}
	return string(a.State)
}

func (p program) writeAgents(agents []store.AgentOverview) error {
	return p.table("AGENT\tNAME\tTEAM\tSTATE\tSINCE\tAFTER CONTACT\tCONNECTED\tLAST SEEN\tEMAILS\tHOLDS", func(row func(...any)) {
		for _, a := range agents {
			connected := "no"
			if a.Connected {
				connected = "yes"
			}
			var held []string
			for _, h := range a.Held {
				held = append(held, string(h.State)+" "+string(h.Contact))
			}
			row(a.Agent, a.Name, a.Team, stateOf(a.AgentStatus), a.Since, a.IdleAfterContact, connected, a.LastSeen,
				fmt.Sprintf("%d of %d", len(a.Held), a.Capacity[postroom.ChannelEmail]), strings.Join(held, ", "))
		}
	})
}

func (p program) writeLog(entries []store.LogEntry) error {
	return p.table("NUMBER\tAT\tEVENT\tFROM\tTO\tIDLE CODE\tBY\tOFFER", func(row func(...any)) {
		for _, e := range entries {
			row(e.ID, e.At, e.Event, e.From, e.To, e.IdleCode, e.Actor, e.Offer)
		}
	})
}
