package config

import "github.com/postroom/postroom"

var sites = object[postroom.Site]{
	one: "a site",
	fields: []field[postroom.Site]{
		{"key", required, "Names the site.", func(s *postroom.Site) value { return key(site, &s.ID) }},
		{"name", required, "What people see.", func(s *postroom.Site) value { return name(&s.Name) }},
		{"profile", optional, "Holds for agents of its teams for whom neither their own nor their team's says otherwise (R2).",
			func(s *postroom.Site) value { return refer(profile, &s.Profile) }},
	},
}

var teams = object[postroom.Team]{
	one: "a team",
	fields: []field[postroom.Team]{
		{"key", required, "Names the team.", func(t *postroom.Team) value { return key(team, &t.ID) }},
		{"name", required, "What people see.", func(t *postroom.Team) value { return name(&t.Name) }},
		{"site", optional, "Where it works.", func(t *postroom.Team) value { return refer(site, &t.Site) }},
		{"profile", optional, "Holds for members that have none of their own, in place of the site's (R2).",
			func(t *postroom.Team) value { return refer(profile, &t.Profile) }},
	},
}

var skills = object[postroom.Skill]{
	one: "a skill",
	fields: []field[postroom.Skill]{
		{"key", required, "Names the skill.", func(s *postroom.Skill) value { return key(skill, &s.ID) }},
		{"name", required, "What people see.", func(s *postroom.Skill) value { return name(&s.Name) }},
	},
}

var agents = object[postroom.Agent]{
	one:   "an agent",
	fresh: postroom.Agent{Role: postroom.RoleAgent},
	fields: []field[postroom.Agent]{
		{"key", required, "The name to sign in with.", func(a *postroom.Agent) value { return key(agent, &a.ID) }},
		{"name", required, "What people see.", func(a *postroom.Agent) value { return line(&a.Name, maxAgentName) }},
		{"email", required, "The person's own address.", func(a *postroom.Agent) value { return address(&a.Email) }},
		{"role", optional, "What the person may do (R40).", func(a *postroom.Agent) value { return choice(&a.Role, postroom.Roles()...) }},
		{"team", optional, "The person's team. Only an administrator may be without one.", func(a *postroom.Agent) value { return refer(team, &a.Team) }},
		{"profile", optional, "In place of the team's and the site's (R2). Without any, the person is never offered anything.",
			func(a *postroom.Agent) value { return refer(profile, &a.Profile) }},
		{"skills", optional, "What the person can do, and how well.", func(a *postroom.Agent) value { return levels(&a.Skills) }},
		{"may_force_states", optional, "Whether a supervisor may change the state of his agents (R33).",
			func(a *postroom.Agent) value { return toggle(&a.MayForceStates) }},
	},
	check: func(r *reader, at spots, a postroom.Agent) {
		if a.Team == "" && a.Role != postroom.RoleAdministrator {
			r.wrong(at.of("team"), "only an administrator may be without a team")
		}
		if a.MayForceStates && a.Role != postroom.RoleSupervisor {
			r.wrong(at.of("may_force_states"), "only a supervisor may")
		}
	},
}

var profiles = object[postroom.MultimediaProfile]{
	one:   "a profile",
	fresh: postroom.MultimediaProfile{Mode: postroom.ModeBlended},
	fields: []field[postroom.MultimediaProfile]{
		{"key", required, "Names the profile.", func(p *postroom.MultimediaProfile) value { return key(profile, &p.ID) }},
		{"name", required, "What people see.", func(p *postroom.MultimediaProfile) value { return line(&p.Name, maxName) }},
		{"mode", optional, "What may be held together: contacts of all channels; of voice and chat one channel at a time; or one contact in all (R2).",
			func(p *postroom.MultimediaProfile) value { return choice(&p.Mode, postroom.Modes()...) }},
		{"capacity", required, "How many contacts an agent may hold at once, by channel (R2).",
			func(p *postroom.MultimediaProfile) value { return capacity(&p.Capacity) }},
	},
}
