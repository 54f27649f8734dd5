package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

var upsertProfile = statement(`
	INSERT INTO profile (id, name, mode) VALUES ($1, $2, $3)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, mode = excluded.mode, active = true`)
var clearProfileCapacity = statement(`DELETE FROM profile_capacity WHERE profile_id = $1`)
var insertProfileCapacity = statement(`INSERT INTO profile_capacity (profile_id, channel, capacity) VALUES ($1, $2, $3)`)
var upsertHours = statement(`
	INSERT INTO business_hours (id, name, name_ko, time_zone, open, holidays) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, time_zone = excluded.time_zone, open = excluded.open,
		holidays = excluded.holidays, active = true`)
var upsertSite = statement(`
	INSERT INTO site (id, name, name_ko, profile_id) VALUES ($1, $2, $3, nullif($4, ''))
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, profile_id = excluded.profile_id, active = true`)
var upsertTeam = statement(`
	INSERT INTO team (id, name, name_ko, site_id, profile_id) VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''))
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, site_id = excluded.site_id,
		profile_id = excluded.profile_id, active = true`)
var upsertSkill = statement(`
	INSERT INTO skill (id, name, name_ko, position) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, position = excluded.position, active = true`)
var upsertAgent = statement(`
	INSERT INTO agent (id, name, email, role, team_id, profile_id, may_force_states) VALUES ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), $7)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, role = excluded.role, team_id = excluded.team_id,
		profile_id = excluded.profile_id, may_force_states = excluded.may_force_states, active = true`)
var clearAgentSkills = statement(`DELETE FROM agent_skill WHERE agent_id = $1`)
var insertAgentSkill = statement(`INSERT INTO agent_skill (agent_id, skill_id, level) VALUES ($1, $2, $3)`)
var ensureAgentState = statement(`INSERT INTO agent_state (agent_id) VALUES ($1) ON CONFLICT DO NOTHING`)
var ensureStream = statement(`INSERT INTO stream (id) VALUES ($1) ON CONFLICT DO NOTHING`)
var upsertIdleCode = statement(`
	INSERT INTO idle_code (id, name, name_ko, position) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, position = excluded.position, active = true`)
var upsertWrapUpCode = statement(`
	INSERT INTO wrapup_code (id, name, name_ko, note_required, position) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, note_required = excluded.note_required,
		position = excluded.position, active = true`)
var upsertMailbox = statement(`
	INSERT INTO mailbox (id, address, name, folder, imap, smtp, on_finding, plus_addressing, sent_folder, dkim, authserv_ids, spam_header, oauth)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
	ON CONFLICT (id) DO UPDATE SET address = excluded.address, name = excluded.name, folder = excluded.folder, imap = excluded.imap,
		smtp = excluded.smtp, on_finding = excluded.on_finding, plus_addressing = excluded.plus_addressing,
		sent_folder = excluded.sent_folder, dkim = excluded.dkim, authserv_ids = excluded.authserv_ids, spam_header = excluded.spam_header,
		oauth = excluded.oauth, active = true, version = mailbox.version + 1, tell_at = NULL`)
var upsertQueue = statement(`
	INSERT INTO queue (id, name, name_ko, channel, mailbox_id, priority, rona_seconds, rules, hours_id, ageing_seconds, owner_lease_seconds,
		auto_wrapup_seconds, wrapup_extensions, default_wrapup_code, wrapup_guidance, wrapup_guidance_ko, undo_seconds, signature, signature_ko,
		from_mailboxes, acknowledgement)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $12, $13, nullif($14, ''), $15, $16, $17, $18, $19, $20, $21)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, channel = excluded.channel,
		mailbox_id = excluded.mailbox_id, priority = excluded.priority, rona_seconds = excluded.rona_seconds, rules = excluded.rules,
		hours_id = excluded.hours_id, ageing_seconds = excluded.ageing_seconds, owner_lease_seconds = excluded.owner_lease_seconds,
		auto_wrapup_seconds = excluded.auto_wrapup_seconds, wrapup_extensions = excluded.wrapup_extensions,
		default_wrapup_code = excluded.default_wrapup_code,
		wrapup_guidance = excluded.wrapup_guidance, wrapup_guidance_ko = excluded.wrapup_guidance_ko, undo_seconds = excluded.undo_seconds,
		signature = excluded.signature, signature_ko = excluded.signature_ko, from_mailboxes = excluded.from_mailboxes,
		acknowledgement = excluded.acknowledgement,
		open_from = CASE WHEN queue.hours_id IS DISTINCT FROM excluded.hours_id THEN NULL ELSE queue.open_from END,
		open_until = CASE WHEN queue.hours_id IS DISTINCT FROM excluded.hours_id THEN NULL ELSE queue.open_until END,
		opened_for = CASE WHEN queue.hours_id IS DISTINCT FROM excluded.hours_id THEN NULL ELSE queue.opened_for END, active = true`)
var clearQueueTeams = statement(`DELETE FROM queue_team WHERE queue_id = $1`)
var insertQueueTeam = statement(`INSERT INTO queue_team (queue_id, team_id) VALUES ($1, $2)`)
var clearQueueCodes = statement(`DELETE FROM queue_wrapup_code WHERE queue_id = $1`)
var insertQueueCode = statement(`INSERT INTO queue_wrapup_code (queue_id, code, position) VALUES ($1, $2, $3)`)
var upsertEntryPoint = statement(`
	INSERT INTO entry_point (address, mailbox_id, queue_id) VALUES (lower($1), $2, $3)
	ON CONFLICT (address) DO UPDATE SET mailbox_id = excluded.mailbox_id, queue_id = excluded.queue_id, active = true`)
var clearRules = statement(`DELETE FROM routing_rule`)
var insertRule = statement(`INSERT INTO routing_rule (position, conditions, queue_id) VALUES ($1, $2, $3)`)
var upsertTemplate = statement(`
	INSERT INTO template (id, language, name, name_ko, body) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (id, language) DO UPDATE SET name = excluded.name, name_ko = excluded.name_ko, body = excluded.body, active = true`)

// batch runs statements one after the other until one fails.
func batch(ctx context.Context, tx *txn, steps ...[]any) error {
	for _, s := range steps {
		if _, err := tx.Exec(ctx, s[0].(string), s[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// objectsOf lists the objects of a configuration in an order in which references exist before they are used. The order that the
// administrator chose for codes is part of their value.
func objectsOf(c postroom.Configuration) []object {
	var objects []object
	add := func(kind, key string, value any, steps ...[]any) {
		objects = append(objects, object{kind, key, value, func(ctx context.Context, tx *txn) error { return batch(ctx, tx, steps...) }})
	}
	for _, p := range c.Profiles {
		p.Mode = cmp.Or(p.Mode, postroom.ModeBlended)
		steps := [][]any{{upsertProfile, p.ID, p.Name, string(p.Mode)}, {clearProfileCapacity, p.ID}}
		for _, channel := range postroom.Channels() {
			if n, given := p.Capacity[channel]; given {
				steps = append(steps, []any{insertProfileCapacity, p.ID, string(channel), n})
			}
		}
		add("profile", string(p.ID), p, steps...)
	}
	for _, h := range c.Hours {
		h = settledHours(h)
		add("hours", string(h.ID), h, []any{upsertHours, h.ID, h.Name.English, h.Name.Korean, h.TimeZone, marshal(h.Open), marshal(h.Holidays)})
	}
	for _, s := range c.Sites {
		add("site", string(s.ID), s, []any{upsertSite, s.ID, s.Name.English, s.Name.Korean, string(s.Profile)})
	}
	for _, t := range c.Teams {
		add("team", string(t.ID), t, []any{upsertTeam, t.ID, t.Name.English, t.Name.Korean, string(t.Site), string(t.Profile)})
	}
	for i, s := range c.Skills {
		add("skill", string(s.ID), ordered[postroom.Skill]{i, s}, []any{upsertSkill, s.ID, s.Name.English, s.Name.Korean, i})
	}
	for _, a := range c.Agents {
		if len(a.Skills) == 0 {
			a.Skills = nil
		}
		steps := [][]any{{upsertAgent, a.ID, a.Name, a.Email, string(a.Role), string(a.Team), string(a.Profile), a.MayForceStates},
			{ensureAgentState, a.ID}, {ensureStream, AgentStream(a.ID)}, {clearAgentSkills, a.ID}}
		for _, skill := range slices.Sorted(maps.Keys(a.Skills)) {
			steps = append(steps, []any{insertAgentSkill, a.ID, skill, a.Skills[skill]})
		}
		add("agent", string(a.ID), a, steps...)
	}
	for i, code := range c.IdleCodes {
		add("idle_code", string(code.Code), ordered[postroom.IdleCodeEntry]{i, code},
			[]any{upsertIdleCode, string(code.Code), code.Name.English, code.Name.Korean, i})
	}
	for i, code := range c.WrapUpCodes {
		add("wrapup_code", string(code.Code), ordered[postroom.WrapUpCodeEntry]{i, code},
			[]any{upsertWrapUpCode, string(code.Code), code.Name.English, code.Name.Korean, code.NoteRequired, i})
	}
	for _, m := range c.Mailboxes {
		add("mailbox", string(m.ID), m, []any{upsertMailbox, m.ID, m.Address, m.Name, m.Folder, marshal(m.IMAP), marshal(m.SMTP), string(m.OnFinding),
			m.PlusAddressing, m.SentFolder, marshal(m.DKIM), append([]string{}, m.AuthServIDs...), m.SpamHeader, marshal(m.OAuth)})
	}
	for _, q := range c.Queues {
		q.Teams = slices.Sorted(slices.Values(q.Teams)) // a set: its order means nothing
		q.QueueRules = settledRules(q.QueueRules)
		add("queue", string(q.ID), q, queueSteps(q)...)
	}
	for _, e := range c.EntryPoints {
		e.Address = strings.ToLower(e.Address)
		add("entry_point", e.Address, e, []any{upsertEntryPoint, e.Address, e.Mailbox, e.Queue})
	}
	if len(c.Rules) > 0 { // their order is their meaning, so they are one object
		steps := [][]any{{clearRules}}
		for i, r := range c.Rules {
			steps = append(steps, []any{insertRule, i, marshal(r), r.Queue})
		}
		add("rules", "all", c.Rules, steps...)
	}
	for _, t := range c.Templates {
		add("template", t.ID+"/"+t.Language, t, []any{upsertTemplate, t.ID, t.Language, t.Name.English, t.Name.Korean, t.Body})
	}
	if !c.Attachments.Empty() {
		add("attachments", "all", listed(c.Attachments), []any{upsertAttachmentRules, listed(c.Attachments).Allowed, listed(c.Attachments).Blocked})
	}
	return objects
}

// ordered is a value whose place in its list matters.
type ordered[T any] struct {
	Position int
	Value    T
}

// settledHours has lists in place of nothing, as the database gives them back.
func settledHours(h postroom.BusinessHours) postroom.BusinessHours {
	h.Open, h.Holidays = append([]postroom.OpenTime{}, h.Open...), append([]postroom.Holiday{}, h.Holidays...)
	return h
}

// settledRules makes two ways to say the same of a queue's rules compare equal.
func settledRules(r postroom.QueueRules) postroom.QueueRules {
	r = r.WithDefaults()
	r.Skills, r.Relaxation, r.Widening = bySkill(r.Skills), slices.Clone(r.Relaxation), slices.Clone(r.Widening)
	for i := range r.Relaxation {
		r.Relaxation[i].Skills = bySkill(r.Relaxation[i].Skills)
	}
	for i := range r.Widening {
		r.Widening[i].Teams = slices.Sorted(slices.Values(r.Widening[i].Teams))
	}
	return r
}

// bySkill sorts what is required: it is a set, its order means nothing.
func bySkill(required []postroom.SkillRequirement) []postroom.SkillRequirement {
	return slices.SortedFunc(slices.Values(required), func(a, b postroom.SkillRequirement) int { return cmp.Compare(a.Skill, b.Skill) })
}

func queueSteps(q postroom.Queue) [][]any {
	steps := [][]any{
		{upsertQueue, q.ID, q.Name.English, q.Name.Korean, string(q.Channel), q.Mailbox, q.Priority, int(q.RONATime.Seconds()),
			marshal(q.QueueRules), string(q.Hours), int(q.AgeingStep.Seconds()), int(q.OwnerLease.Seconds()), int(q.WrapUp.Auto.Seconds()),
			q.WrapUp.Extensions, string(q.WrapUp.Default), q.WrapUpGuidance.English, q.WrapUpGuidance.Korean, int(q.Undo.Seconds()),
			q.Signature.English, q.Signature.Korean, texts(q.From), q.Acknowledgement},
		{clearQueueTeams, q.ID}, {clearQueueCodes, q.ID},
	}
	for _, t := range q.Teams {
		steps = append(steps, []any{insertQueueTeam, q.ID, t})
	}
	for i, code := range q.WrapUpCodes {
		steps = append(steps, []any{insertQueueCode, q.ID, string(code), i})
	}
	return steps
}
