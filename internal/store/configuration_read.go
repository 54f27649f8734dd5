package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postroom/postroom"
)

type profileRow struct {
	ID       postroom.ProfileID
	Name     string
	Mode     postroom.Mode
	Capacity map[postroom.Channel]int
}

type hoursRow struct {
	ID                     postroom.HoursID
	Name, Korean, TimeZone string
	Open                   []postroom.OpenTime
	Holidays               []postroom.Holiday
}

type siteRow struct {
	ID           postroom.SiteID
	Name, Korean string
	Profile      postroom.ProfileID
}

type skillRow struct {
	ID           postroom.SkillID
	Name, Korean string
}

type agentConfigRow struct {
	ID             postroom.AgentID
	Name, Email    string
	Role           postroom.Role
	Team           postroom.TeamID
	Profile        postroom.ProfileID
	Skills         map[postroom.SkillID]int
	MayForceStates bool
}

type queueRow struct {
	ID              postroom.QueueID
	Name, Korean    string
	Channel         postroom.Channel
	Mailbox         postroom.MailboxID
	Priority, RONA  int
	Teams, WrapUpBy []string
	Rules           postroom.QueueRules
	Auto, Extend    int
	Default         postroom.WrapUpCode
	Guide, GuideKo  string
	Undo            int
	Sign, SignKo    string
	From            []string
	Acknowledgement string
}

type mailboxConfigRow struct {
	ID                    postroom.MailboxID
	Address, Name, Folder string
	IMAP, SMTP            postroom.MailServer
	OnFinding             postroom.Original
	PlusAddressing        bool
	SentFolder            string
	DKIM                  postroom.DKIM
	AuthServIDs           []string
	SpamHeader            bool
	OAuth                 postroom.OAuth
}

type teamRow struct {
	ID           postroom.TeamID
	Name, Korean string
	Site         postroom.SiteID
	Profile      postroom.ProfileID
}

type codeEntryRow struct {
	ID, Name, Korean string
	NoteRequired     bool
}

type templateRow struct{ ID, Language, Name, Korean, Body string }

var selectProfiles = statement(`
	SELECT id, name, mode, coalesce((SELECT jsonb_object_agg(channel, capacity) FROM profile_capacity k WHERE k.profile_id = p.id), '{}')
	FROM profile p WHERE active ORDER BY id`)
var selectHours = statement(`SELECT id, name, name_ko, time_zone, open, holidays FROM business_hours WHERE active ORDER BY id`)
var selectSites = statement(`SELECT id, name, name_ko, coalesce(profile_id, '') FROM site WHERE active ORDER BY id`)
var selectTeams = statement(`SELECT id, name, name_ko, coalesce(site_id, ''), coalesce(profile_id, '') FROM team WHERE active ORDER BY id`)
var selectSkills = statement(`SELECT id, name, name_ko FROM skill WHERE active ORDER BY position, id`)
var selectAgents = statement(`
	SELECT id, name, email, role, coalesce(team_id, ''), coalesce(profile_id, ''),
	       (SELECT jsonb_object_agg(skill_id, level) FROM agent_skill k WHERE k.agent_id = a.id), may_force_states
	FROM agent a WHERE active ORDER BY id`)
var selectIdleCodes = statement(`SELECT id, name, name_ko, false FROM idle_code WHERE active ORDER BY position, id`)
var selectWrapUpCodes = statement(`SELECT id, name, name_ko, note_required FROM wrapup_code WHERE active ORDER BY position, id`)
var selectMailboxes = statement(`SELECT id, address, name, folder, imap, smtp, on_finding, plus_addressing, sent_folder, dkim,
	nullif(authserv_ids, '{}'), spam_header, oauth FROM mailbox WHERE active ORDER BY id`)
var selectQueues = statement(`
	SELECT id, name, name_ko, channel, mailbox_id, priority::int, rona_seconds,
	       coalesce((SELECT array_agg(team_id ORDER BY team_id) FROM queue_team t WHERE t.queue_id = q.id), '{}'),
	       coalesce((SELECT array_agg(code ORDER BY position) FROM queue_wrapup_code w WHERE w.queue_id = q.id), '{}'),
	       rules, auto_wrapup_seconds, wrapup_extensions::int, coalesce(default_wrapup_code, ''),
	       wrapup_guidance, wrapup_guidance_ko, undo_seconds::int, signature, signature_ko, from_mailboxes, acknowledgement
	FROM queue q WHERE active ORDER BY id`)
var selectEntryPoints = statement(`SELECT address, mailbox_id, queue_id FROM entry_point WHERE active ORDER BY address`)
var selectRules = statement(`SELECT conditions FROM routing_rule ORDER BY position`)
var selectTemplates = statement(`SELECT id, language, name, name_ko, body FROM template WHERE active ORDER BY id, language`)

// rowsInto reads rows and turns each into what the configuration calls it.
func rowsInto[R, T any](ctx context.Context, d db, into *[]T, sql string, turn func(R) T) error {
	rows, err := all[R](ctx, d, sql)
	for _, r := range rows {
		*into = append(*into, turn(r))
	}
	return err
}

// readConfiguration reads the present configuration in a fixed order, so that two readings of the same one compare equal.
func readConfiguration(ctx context.Context, tx *txn) (postroom.Configuration, error) {
	var c postroom.Configuration
	readers := []func() error{
		func() error {
			return rowsInto(ctx, tx, &c.Profiles, selectProfiles, func(r profileRow) postroom.MultimediaProfile {
				return postroom.MultimediaProfile(r)
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Hours, selectHours, func(r hoursRow) postroom.BusinessHours {
				return postroom.BusinessHours{ID: r.ID, Name: postroom.Name{English: r.Name, Korean: r.Korean}, TimeZone: r.TimeZone,
					Open: r.Open, Holidays: r.Holidays}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Sites, selectSites, func(r siteRow) postroom.Site {
				return postroom.Site{ID: r.ID, Name: postroom.Name{English: r.Name, Korean: r.Korean}, Profile: r.Profile}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Skills, selectSkills, func(r skillRow) postroom.Skill {
				return postroom.Skill{ID: r.ID, Name: postroom.Name{English: r.Name, Korean: r.Korean}}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Teams, selectTeams, func(r teamRow) postroom.Team {
				return postroom.Team{ID: r.ID, Name: postroom.Name{English: r.Name, Korean: r.Korean}, Site: r.Site, Profile: r.Profile}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Agents, selectAgents, func(r agentConfigRow) postroom.Agent { return postroom.Agent(r) })
		},
		func() error {
			return rowsInto(ctx, tx, &c.IdleCodes, selectIdleCodes, func(r codeEntryRow) postroom.IdleCodeEntry {
				return postroom.IdleCodeEntry{Code: postroom.IdleCode(r.ID), Name: postroom.Name{English: r.Name, Korean: r.Korean}}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.WrapUpCodes, selectWrapUpCodes, func(r codeEntryRow) postroom.WrapUpCodeEntry {
				return postroom.WrapUpCodeEntry{Code: postroom.WrapUpCode(r.ID), Name: postroom.Name{English: r.Name, Korean: r.Korean},
					NoteRequired: r.NoteRequired}
			})
		},
		func() error {
			return rowsInto(ctx, tx, &c.Mailboxes, selectMailboxes, func(r mailboxConfigRow) postroom.Mailbox { return postroom.Mailbox(r) })
		},
		func() error { return rowsInto(ctx, tx, &c.Queues, selectQueues, queueRow.queue) },
		func() error {
			return rowsInto(ctx, tx, &c.EntryPoints, selectEntryPoints, func(e postroom.EntryPoint) postroom.EntryPoint { return e })
		},
		func() error { return readRules(ctx, tx, &c.Rules) },
		func() error { return rowsInto(ctx, tx, &c.Templates, selectTemplates, templateRow.template) },
		func() error { return readAttachmentRules(ctx, tx, &c.Attachments) },
	}
	for _, read := range readers {
		if err := read(); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (r queueRow) queue() postroom.Queue {
	q := postroom.Queue{ID: r.ID, Name: postroom.Name{English: r.Name, Korean: r.Korean}, Channel: r.Channel, Mailbox: r.Mailbox,
		Priority: r.Priority, RONATime: time.Duration(r.RONA) * time.Second, QueueRules: r.Rules,
		WrapUp:         postroom.WrapUpRules{Auto: time.Duration(r.Auto) * time.Second, Extensions: r.Extend, Default: r.Default},
		WrapUpGuidance: postroom.Name{English: r.Guide, Korean: r.GuideKo}, Undo: time.Duration(r.Undo) * time.Second,
		Signature: postroom.Name{English: r.Sign, Korean: r.SignKo}, Acknowledgement: r.Acknowledgement}
	for _, m := range r.From {
		q.From = append(q.From, postroom.MailboxID(m))
	}
	for _, t := range r.Teams {
		q.Teams = append(q.Teams, postroom.TeamID(t))
	}
	for _, code := range r.WrapUpBy {
		q.WrapUpCodes = append(q.WrapUpCodes, postroom.WrapUpCode(code))
	}
	return q
}

func readRules(ctx context.Context, d db, rules *[]postroom.RoutingRule) error {
	conditions, err := values[[]byte](ctx, d, selectRules)
	if err != nil {
		return err
	}
	for _, b := range conditions {
		var r postroom.RoutingRule
		if err := json.Unmarshal(b, &r); err != nil {
			return err
		}
		*rules = append(*rules, r)
	}
	return nil
}
