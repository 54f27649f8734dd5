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
	checkOverflow(r, c)
	checkAcknowledgements(r, c)
	for i, q := range c.Queues {
		at := r.objects["queues"][i]
		if _, defined := r.lines[queue][string(q.ID)]; !defined {
			continue
		}
		if reason := unserved(r, c, q); reason != "" {
			r.wrong(at.of("teams"), "nobody can serve the queue %s: %s", quoted(string(q.ID)), reason)
		}
		for _, w := range c.WrapUpCodes {
			if w.Code == q.WrapUp.Default && w.NoteRequired {
				r.wrong(at.of("wrap_up"), "the default %s requires a note, which nobody writes", quoted(string(w.Code)))
			}
		}
	}
}

// checkOverflow finds queues that overflow into each other in a circle, in which contacts would go round for ever. Each circle is one mistake.
func checkOverflow(r *reader, c postroom.Configuration) {
	into := map[postroom.QueueID]postroom.QueueID{}
	for _, q := range c.Queues {
		into[q.ID] = q.Overflow
	}
	told := map[postroom.QueueID]bool{}
	for i, q := range c.Queues {
		way := []string{string(q.ID)}
		for next := into[q.ID]; next != "" && next != unreadable && !told[q.ID] && len(way) <= len(c.Queues); next = into[next] {
			way = append(way, string(next))
			if next != q.ID {
				continue
			}
			for _, k := range way {
				told[postroom.QueueID(k)] = true
			}
			if len(way) > 2 { // a queue that overflows into itself is found where it is read
				r.wrong(r.objects["queues"][i].of("overflow"), "contacts would go round in a circle: %s", strings.Join(way, " → "))
			}
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

// unserved says why nobody can ever serve a queue, not even when all that time allows has come; "" if somebody can.
func unserved(r *reader, c postroom.Configuration, q postroom.Queue) string {
	if len(c.Agents) == 0 { // which is a mistake of its own
		return ""
	}
	steps := q.Steps()
	last := steps[len(steps)-1]
	members, able := 0, 0
	for _, a := range c.Agents {
		if !mayBeIn(r, a, last.Teams) {
			continue
		}
		members++
		if !mayHold(r, c, a, q.Channel) {
			continue
		}
		able++
		if hasSkills(r, a, last.Skills) {
			return ""
		}
	}
	switch {
	case members == 0:
		return "its teams have no agents"
	case able == 0:
		return fmt.Sprintf("no agent of its teams has capacity for %s, by his own profile, his team's or his site's", q.Channel)
	}
	return "no agent of its teams with capacity has the skills that it requires in the end"
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

// mayHold reports whether an agent's profile, the most specific of his own, his team's and his site's (R2), has capacity for a channel, or
// may have once a mistake is mended.
func mayHold(r *reader, c postroom.Configuration, a postroom.Agent, channel postroom.Channel) bool {
	if a.Profile == "" && a.Team != "" && !r.defined(team, string(a.Team)) {
		return true
	}
	of := a.Profile
	for _, t := range c.Teams {
		if of != "" || t.ID != a.Team {
			continue
		}
		of = t.Profile
		for _, s := range c.Sites {
			if of == "" && s.ID == t.Site {
				of = s.Profile
			}
		}
		if of == "" && t.Site != "" && !r.defined(site, string(t.Site)) {
			return true
		}
	}
	if of == "" {
		return false
	}
	for _, p := range c.Profiles {
		if p.ID == of {
			return p.Capacity == nil || p.Capacity[channel] > 0 // nil: it could not be read
		}
	}
	return true
}

// hasSkills reports whether an agent has skills, or may have once a mistake is mended.
func hasSkills(r *reader, a postroom.Agent, required []postroom.SkillRequirement) bool {
	if _, wrong := a.Skills[unreadable]; wrong {
		return true
	}
	for _, s := range required {
		if r.defined(skill, string(s.Skill)) && a.Skills[s.Skill] < s.Level {
			return false
		}
	}
	return true
}

// defined reports whether the document defines an object of this key.
func (r *reader) defined(k kind, key string) bool {
	_, ok := r.lines[k][key]
	return ok
}
