package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

const heading = `# The configuration of Postroom, as "postroom export" writes it and "postroom apply" reads it.
# docs/configuration.md explains every key. Secrets are named here, and never held.
`

// Format writes a configuration as a document that Parse reads back as the same configuration: sections and keys in a fixed order,
// lists in their own, defaults written out, so that the same configuration gives the same bytes. If Parse would refuse it, as it does
// an empty one, Format returns the document with Parse's error: somebody has to mend it, and needs to see it.
func Format(c postroom.Configuration) ([]byte, error) {
	c = settled(c)
	var b strings.Builder
	b.WriteString(heading)
	for _, s := range sections {
		if text := s.write(&c); text != "" {
			b.WriteString("\n" + text)
		}
	}
	document := b.String()
	read, err := parse("export", document)
	if err != nil {
		return []byte(document), fmt.Errorf("format the configuration: %w", err)
	}
	if !reflect.DeepEqual(read, c) {
		return []byte(document), postroom.Internal("format the configuration: the document would be read as another configuration", nil)
	}
	return []byte(document), nil
}

// settled is a copy of a configuration in the form in which Parse gives it: defaults in place, addresses of entry points in lower
// case, no lists that are empty rather than absent.
func settled(c postroom.Configuration) postroom.Configuration {
	c.Mailboxes, c.EntryPoints = slices.Clone(c.Mailboxes), slices.Clone(c.EntryPoints)
	c.Queues, c.Agents, c.Profiles = slices.Clone(c.Queues), slices.Clone(c.Agents), slices.Clone(c.Profiles)
	c.Hours, c.Sites, c.Skills = orNil(slices.Clone(c.Hours)), orNil(c.Sites), orNil(c.Skills)
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		m.Folder = cmp.Or(m.Folder, mailboxes.fresh.Folder)
		m.IMAP.TLS, m.SMTP.TLS = cmp.Or(m.IMAP.TLS, servers.fresh.TLS), cmp.Or(m.SMTP.TLS, servers.fresh.TLS)
	}
	for i := range c.EntryPoints {
		c.EntryPoints[i].Address = strings.ToLower(c.EntryPoints[i].Address)
	}
	for i := range c.Queues {
		q := &c.Queues[i]
		q.Channel, q.RONATime = cmp.Or(q.Channel, queues.fresh.Channel), cmp.Or(q.RONATime, queues.fresh.RONATime)
		q.Type, q.AgeingStep = cmp.Or(q.Type, queues.fresh.Type), cmp.Or(q.AgeingStep, queues.fresh.AgeingStep)
		q.OwnerLease = cmp.Or(q.OwnerLease, queues.fresh.OwnerLease)
		q.Skills, q.Widening = orNil(q.Skills), orNil(q.Widening)
		q.Relaxation = orNil(slices.Clone(q.Relaxation))
		for i := range q.Relaxation {
			q.Relaxation[i].Skills = orNil(q.Relaxation[i].Skills)
		}
	}
	for i := range c.Hours {
		c.Hours[i].Open, c.Hours[i].Holidays = ordered(c.Hours[i].Open), orNil(c.Hours[i].Holidays)
	}
	for i := range c.Agents {
		c.Agents[i].Role = cmp.Or(c.Agents[i].Role, agents.fresh.Role)
		if len(c.Agents[i].Skills) == 0 {
			c.Agents[i].Skills = nil
		}
	}
	for i := range c.Profiles {
		c.Profiles[i].Mode = cmp.Or(c.Profiles[i].Mode, profiles.fresh.Mode)
		all := map[postroom.Channel]int{}
		maps.Copy(all, c.Profiles[i].Capacity)
		c.Profiles[i].Capacity = all
	}
	c.Rules, c.Templates = orNil(c.Rules), orNil(c.Templates)
	c.Attachments = postroom.AttachmentRules{Allowed: orNil(c.Attachments.Allowed), Blocked: orNil(c.Attachments.Blocked)}
	return c
}

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
