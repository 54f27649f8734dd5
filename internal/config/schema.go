package config

import "github.com/postroom/postroom"

// The bounds of texts, in characters.
const (
	maxAgentName = 100
	maxUsername  = 320
	maxCondition = 200
	maxFolder    = 200
	maxBody      = 50_000
)

// sections are the whole document, in the order in which it is written.
var sections = []part{
	section[postroom.Mailbox]{"mailboxes", required, "Mailboxes that are watched by IMAP and answered from by SMTP.",
		mailboxes, func(c *postroom.Configuration) *[]postroom.Mailbox { return &c.Mailboxes }},
	section[postroom.EntryPoint]{"entry_points", required, "Addresses that lead into a queue unless a rule says otherwise. A mail to any other address of a mailbox goes " +
		"where the mailbox's first entry point leads.",
		entryPoints, func(c *postroom.Configuration) *[]postroom.EntryPoint { return &c.EntryPoints }},
	section[postroom.RoutingRule]{"rules", optional, "Rules that lead mail to a queue. They are tried in order; the first whose conditions all hold wins.",
		rules, func(c *postroom.Configuration) *[]postroom.RoutingRule { return &c.Rules }},
	section[postroom.Queue]{"queues", required, "Where contacts wait, and who serves them.",
		queues, func(c *postroom.Configuration) *[]postroom.Queue { return &c.Queues }},
	section[postroom.Team]{"teams", required, "Groups of agents that serve queues.",
		teams, func(c *postroom.Configuration) *[]postroom.Team { return &c.Teams }},
	section[postroom.Agent]{"agents", required, "People who sign in. Passwords are not part of the configuration.",
		agents, func(c *postroom.Configuration) *[]postroom.Agent { return &c.Agents }},
	section[postroom.MultimediaProfile]{"profiles", required, "How many contacts of each channel an agent may hold at once.",
		profiles, func(c *postroom.Configuration) *[]postroom.MultimediaProfile { return &c.Profiles }},
	section[postroom.IdleCodeEntry]{"idle_codes", required, "Reasons for being Idle, in the order shown.",
		idleCodes, func(c *postroom.Configuration) *[]postroom.IdleCodeEntry { return &c.IdleCodes }},
	section[postroom.WrapUpCodeEntry]{"wrap_up_codes", required, "After-contact reasons. Each queue chooses its own among them.",
		wrapUpCodes, func(c *postroom.Configuration) *[]postroom.WrapUpCodeEntry { return &c.WrapUpCodes }},
	section[postroom.Template]{"templates", optional, "Prepared texts, each in one language.",
		templates, func(c *postroom.Configuration) *[]postroom.Template { return &c.Templates }},
}

var mailboxes = object[postroom.Mailbox]{
	one:   "a mailbox",
	fresh: postroom.Mailbox{Folder: "INBOX"},
	fields: []field[postroom.Mailbox]{
		{"key", required, "Names the mailbox.", func(m *postroom.Mailbox) value { return key(mailbox, &m.ID) }},
		{"address", required, "What customers write to and what replies come from.", func(m *postroom.Mailbox) value { return address(&m.Address) }},
		{"name", required, "The display name that customers see in From.", func(m *postroom.Mailbox) value { return line(&m.Name, maxName) }},
		{"folder", optional, "The IMAP folder that is watched.", func(m *postroom.Mailbox) value { return line(&m.Folder, maxFolder) }},
		{"on_finding", required, "What happens to an original that held card data, once its redacted copy is safe: it is kept, moved to the folder " +
			"Postroom/Redacted, or expunged (R28). There is no default.",
			func(m *postroom.Mailbox) value {
				return choice(&m.OnFinding, postroom.OriginalKeep, postroom.OriginalMove, postroom.OriginalExpunge)
			}},
		{"imap", required, "Where mail is fetched.", func(m *postroom.Mailbox) value { return nested(servers, &m.IMAP) }},
		{"smtp", required, "Where replies are submitted.", func(m *postroom.Mailbox) value { return nested(servers, &m.SMTP) }},
	},
}

var servers = object[postroom.MailServer]{
	one:   "a mail server",
	fresh: postroom.MailServer{TLS: postroom.TLSImplicit},
	fields: []field[postroom.MailServer]{
		{"host", required, "The server. The certificate must be for this name. Another host needs the secret again, under a new name (R39).", func(s *postroom.MailServer) value { return host(&s.Host) }},
		{"port", required, "Commonly 993 (IMAP), 465 (SMTP) with tls; 143, 587 with starttls.",
			func(s *postroom.MailServer) value { return whole(&s.Port, 1, 65535) }},
		{"tls", optional, "How the connection is protected. none is for loopback hosts only (R41).",
			func(s *postroom.MailServer) value {
				return choice(&s.TLS, postroom.TLSImplicit, postroom.TLSStart, postroom.TLSNone)
			}},
		{"username", required, "The account on the server.", func(s *postroom.MailServer) value { return line(&s.Username, maxUsername) }},
		{"secret", required, "Names the account's password, and never is it (R39).", func(s *postroom.MailServer) value { return secret(&s.Secret) }},
	},
	check: func(r *reader, line int, s postroom.MailServer) {
		if s.TLS == postroom.TLSNone && !isLoopback(s.Host) {
			r.wrong(place{line, "tls"}, "none is for loopback hosts only: the password and all mail would cross the network unprotected")
		}
	},
}

var entryPoints = object[postroom.EntryPoint]{
	one: "an entry point",
	fields: []field[postroom.EntryPoint]{
		{"address", required, "An address whose mail arrives in the mailbox; letter case does not matter.",
			func(e *postroom.EntryPoint) value { return entryAddress(&e.Address) }},
		{"mailbox", required, "Where its mail arrives.", func(e *postroom.EntryPoint) value { return refer(mailbox, &e.Mailbox) }},
		{"queue", required, "Where its mail leads.", func(e *postroom.EntryPoint) value { return refer(queue, &e.Queue) }},
	},
}

var rules = object[postroom.RoutingRule]{
	one: "a rule",
	fields: []field[postroom.RoutingRule]{
		{"key", required, "Names the rule in what is recorded of a routing decision.", func(t *postroom.RoutingRule) value { return key(rule, &t.ID) }},
		{"recipient", optional, "An address among To and Cc.", func(t *postroom.RoutingRule) value { return addressPattern(&t.Recipient) }},
		{"sender", optional, "The customer's address.", func(t *postroom.RoutingRule) value { return addressPattern(&t.Sender) }},
		{"subject_contains", optional, "A part of the subject, in any letter case.",
			func(t *postroom.RoutingRule) value { return line(&t.SubjectContains, maxCondition) }},
		{"header", optional, "The name of a header field; goes with header_contains.",
			func(t *postroom.RoutingRule) value {
				return shaped(&t.Header, "name of a header field", fieldName.MatchString)
			}},
		{"header_contains", optional, "A part of that field, in any letter case.",
			func(t *postroom.RoutingRule) value { return line(&t.HeaderContains, maxCondition) }},
		{"queue", required, "Where mail leads for which all conditions hold.", func(t *postroom.RoutingRule) value { return refer(queue, &t.Queue) }},
	},
	check: func(r *reader, line int, t postroom.RoutingRule) {
		if (t.Header == "") != (t.HeaderContains == "") {
			r.wrong(place{line, "header"}, "header and header_contains go together")
		}
		if t.Recipient+t.Sender+t.SubjectContains+t.Header+t.HeaderContains == "" {
			r.wrong(place{line: line}, "a rule without a condition would take all mail; an entry point does that")
		}
	},
}

func addressPattern(to *string) value {
	return shaped(to, "a mail address in which * stands for any characters, as in *@shop.example", pattern.MatchString)
}

var queues = object[postroom.Queue]{
	one:   "a queue",
	fresh: postroom.Queue{Channel: postroom.ChannelEmail, RONATime: postroom.DefaultRONATime},
	fields: []field[postroom.Queue]{
		{"key", required, "Names the queue.", func(q *postroom.Queue) value { return key(queue, &q.ID) }},
		{"name", required, "What people see.", func(q *postroom.Queue) value { return name(&q.Name) }},
		{"channel", optional, "Only email is delivered.", func(q *postroom.Queue) value { return choice(&q.Channel, postroom.ChannelEmail) }},
		{"mailbox", required, "Replies are sent from here.", func(q *postroom.Queue) value { return refer(mailbox, &q.Mailbox) }},
		{"teams", required, "Who serves the queue. At least one of their agents needs capacity for its channel.",
			func(q *postroom.Queue) value { return referAll(team, &q.Teams) }},
		{"priority", optional, "Higher is served first.", func(q *postroom.Queue) value { return whole(&q.Priority, 0, maxPriority) }},
		{"rona_time", optional, "How long an offer may stay unanswered before the agent is Not Responding (R9). A change acts on later offers.",
			func(q *postroom.Queue) value { return seconds(&q.RONATime, postroom.MinRONATime, postroom.MaxRONATime) }},
		{"wrap_up_codes", required, "What agents may choose in wrap-up, in the order shown.",
			func(q *postroom.Queue) value { return referAll(wrapUpCode, &q.WrapUpCodes) }},
	},
}

// maxPriority is a queue's highest priority (R32).
const maxPriority = 9

var teams = object[postroom.Team]{
	one: "a team",
	fields: []field[postroom.Team]{
		{"key", required, "Names the team.", func(t *postroom.Team) value { return key(team, &t.ID) }},
		{"name", required, "What people see.", func(t *postroom.Team) value { return name(&t.Name) }},
		{"profile", optional, "Holds for members that have none of their own (R2).", func(t *postroom.Team) value { return refer(profile, &t.Profile) }},
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
		{"profile", optional, "In place of the team's (R2). Without either, the person is never offered anything.",
			func(a *postroom.Agent) value { return refer(profile, &a.Profile) }},
	},
	check: func(r *reader, line int, a postroom.Agent) {
		if a.Team == "" && a.Role != postroom.RoleAdministrator {
			r.wrong(place{line, "team"}, "only an administrator may be without a team")
		}
	},
}

var profiles = object[postroom.MultimediaProfile]{
	one: "a profile",
	fields: []field[postroom.MultimediaProfile]{
		{"key", required, "Names the profile.", func(p *postroom.MultimediaProfile) value { return key(profile, &p.ID) }},
		{"name", required, "What people see.", func(p *postroom.MultimediaProfile) value { return line(&p.Name, maxName) }},
		{"capacity", required, "How many contacts an agent may hold at once, by channel (R2).",
			func(p *postroom.MultimediaProfile) value { return capacity(&p.Capacity) }},
	},
}

var idleCodes = object[postroom.IdleCodeEntry]{
	one: "an idle code",
	fields: []field[postroom.IdleCodeEntry]{
		{"key", required, "Names the code. signed-in and disconnected belong to the system.",
			func(i *postroom.IdleCodeEntry) value { return key(idleCode, &i.Code) }},
		{"name", required, "What people see.", func(i *postroom.IdleCodeEntry) value { return name(&i.Name) }},
	},
	check: func(r *reader, line int, i postroom.IdleCodeEntry) {
		if i.Code == postroom.IdleSignedIn || i.Code == postroom.IdleDisconnected {
			r.wrong(place{line, "key"}, "signed-in and disconnected are set by the system and cannot be chosen")
		}
	},
}

var wrapUpCodes = object[postroom.WrapUpCodeEntry]{
	one: "a wrap-up code",
	fields: []field[postroom.WrapUpCodeEntry]{
		{"key", required, "Names the code.", func(w *postroom.WrapUpCodeEntry) value { return key(wrapUpCode, &w.Code) }},
		{"name", required, "What people see.", func(w *postroom.WrapUpCodeEntry) value { return name(&w.Name) }},
		{"note_required", optional, "Whether wrap-up with this code needs a note (R24).", func(w *postroom.WrapUpCodeEntry) value { return toggle(&w.NoteRequired) }},
	},
}

var templates = object[postroom.Template]{
	one: "a template",
	fields: []field[postroom.Template]{
		{"key", required, "Names the template; once for each language.", func(t *postroom.Template) value { return key(anything, &t.ID) }},
		{"language", required, "The language of the text.", func(t *postroom.Template) value { return choice(&t.Language, "en", "ko") }},
		{"name", required, "What agents see in the list.", func(t *postroom.Template) value { return name(&t.Name) }},
		{"body", required, "The text.", func(t *postroom.Template) value { return block(&t.Body, maxBody) }},
	},
	check: func(r *reader, line int, t postroom.Template) {
		r.define(place{line: line}, template, t.ID+"/"+t.Language)
	},
}
