package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

// resolve looks up what the document refers to.
func resolve(r *reader) {
	for _, ref := range r.references {
		if r.defined(ref.kind, ref.key) {
			continue
		}
		r.wrong(ref.at, "there is no %s %s%s", ref.kind, quoted(ref.key), namedOf(r.lines[ref.kind]))
	}
}

// namedOf lists the keys that there are, if they are few.
func namedOf(known map[string]int) string {
	if len(known) == 0 || len(known) > 10 {
		return ""
	}
	return "; there are " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// check looks at the configuration as a whole. It may be one with mistakes: what refers to nothing is given the benefit of the doubt.
func check(r *reader, c postroom.Configuration) {
	checkMailboxes(r, c)
	for _, q := range c.Queues {
		line, defined := r.lines[queue][string(q.ID)]
		if !defined {
			continue
		}
		if reason := unserved(r, c, q); reason != "" {
			r.wrong(place{line, "teams"}, "nobody can serve the queue %s: %s", quoted(string(q.ID)), reason)
		}
	}
}

func checkMailboxes(r *reader, c postroom.Configuration) {
	addresses, accounts := map[string]int{}, map[string]int{}
	for _, m := range c.Mailboxes {
		line, defined := r.lines[mailbox][string(m.ID)]
		if !defined {
			continue
		}
		at := place{line: line}
		if first, again := addresses[strings.ToLower(m.Address)]; again && m.Address != unreadable && m.Address != "" {
			r.wrong(at, "its address is that of another mailbox, in line %d", first)
		}
		addresses[strings.ToLower(m.Address)] = line
		account := fmt.Sprintf("%s %d %s %s", strings.ToLower(m.IMAP.Host), m.IMAP.Port, m.IMAP.Username, m.Folder)
		if first, again := accounts[account]; again && m.IMAP.Port != 0 {
			r.wrong(at, "its folder is watched already, by the mailbox in line %d: each mail would arrive twice", first)
		}
		accounts[account] = line
		if !entered(r, c, m.ID) {
			r.wrong(at, "no entry point leads from the mailbox %s", quoted(string(m.ID)))
		}
	}
}

// entered reports whether an entry point leads from the mailbox, or may once its mistake is mended.
func entered(r *reader, c postroom.Configuration, id postroom.MailboxID) bool {
	return len(c.EntryPoints) == 0 || slices.ContainsFunc(c.EntryPoints, func(e postroom.EntryPoint) bool {
		return e.Mailbox == id || !r.defined(mailbox, string(e.Mailbox))
	})
}

// unserved says why nobody can serve a queue; "" if somebody can.
func unserved(r *reader, c postroom.Configuration, q postroom.Queue) string {
	if len(c.Agents) == 0 { // which is a mistake of its own
		return ""
	}
	if !slices.ContainsFunc(c.Agents, func(a postroom.Agent) bool { return mayBeIn(r, a, q.Teams) }) {
		return "its teams have no agents"
	}
	teams := map[postroom.TeamID]postroom.Team{}
	for _, t := range c.Teams {
		teams[t.ID] = t
	}
	capacities := map[postroom.ProfileID]map[postroom.Channel]int{}
	for _, p := range c.Profiles {
		capacities[p.ID] = p.Capacity
	}
	for _, a := range c.Agents {
		if !mayBeIn(r, a, q.Teams) {
			continue
		}
		of := a.Profile
		if of == "" {
			of = teams[a.Team].Profile
		}
		if of == "" && r.defined(team, string(a.Team)) {
			continue
		}
		capacity := capacities[of]
		if capacity == nil || capacity[q.Channel] > 0 { // nil: unknown, because of a mistake noted elsewhere
			return ""
		}
	}
	return fmt.Sprintf("no agent of its teams has capacity for %s, by his own profile or his team's", q.Channel)
}

// mayBeIn reports whether an agent is in one of the teams, or may be once a mistake is mended.
func mayBeIn(r *reader, a postroom.Agent, teams []postroom.TeamID) bool {
	if slices.Contains(teams, a.Team) {
		return true
	}
	if a.Team != "" && !r.defined(team, string(a.Team)) {
		return true
	}
	return slices.ContainsFunc(teams, func(t postroom.TeamID) bool { return !r.defined(team, string(t)) })
}

// defined reports whether the document defines an object of this key.
func (r *reader) defined(k kind, key string) bool {
	_, ok := r.lines[k][key]
	return ok
}
