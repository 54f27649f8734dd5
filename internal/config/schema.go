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
		"where the mailbox's own address leads, or else its first entry point by address.",
		entryPoints, func(c *postroom.Configuration) *[]postroom.EntryPoint { return &c.EntryPoints }},
	section[postroom.RoutingRule]{"rules", optional, "Rules that lead mail to a queue. They are tried in order; the first whose conditions all hold wins.",
		rules, func(c *postroom.Configuration) *[]postroom.RoutingRule { return &c.Rules }},
	section[postroom.Queue]{"queues", required, "Where contacts wait, and who serves them.",
		queues, func(c *postroom.Configuration) *[]postroom.Queue { return &c.Queues }},
	section[postroom.BusinessHours]{"business_hours", optional, "When queues are open. Waiting for a threshold, and a service level, count open time only.",
		businessHours, func(c *postroom.Configuration) *[]postroom.BusinessHours { return &c.Hours }},
	section[postroom.Site]{"sites", optional, "Places at which teams work.",
		sites, func(c *postroom.Configuration) *[]postroom.Site { return &c.Sites }},
	section[postroom.Team]{"teams", required, "Groups of agents that serve queues.",
		teams, func(c *postroom.Configuration) *[]postroom.Team { return &c.Teams }},
	section[postroom.Skill]{"skills", optional, "What agents can do more or less well: languages, products.",
		skills, func(c *postroom.Configuration) *[]postroom.Skill { return &c.Skills }},
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
	attachments,
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
		{"plus_addressing", optional, "Whether mail to NAME+anything@DOMAIN arrives in this mailbox too. Replies then carry tokens by which answers and " +
			"bounces find their way back (R22, R34).", func(m *postroom.Mailbox) value { return toggle(&m.PlusAddressing) }},
		{"sent_folder", optional, "The IMAP folder that holds copies of what was sent. Without it: the one that the server calls \\Sent. There a reply is " +
			"looked for whose fate is unknown (R21).", func(m *postroom.Mailbox) value { return line(&m.SentFolder, maxFolder) }},
		{"dkim", optional, "How replies are signed (RFC 6376), where the mail server does not do it. Without it they are not.", func(m *postroom.Mailbox) value { return signing(&m.DKIM) }},
		{"oauth", optional, "How we sign in with OAuth 2 where imap or smtp has no secret. Then `postroom mailbox authorize` hands in the refresh token.",
			func(m *postroom.Mailbox) value { return authorizing(&m.OAuth) }},
		{"imap", required, "Where mail is fetched.", func(m *postroom.Mailbox) value { return nested(servers, &m.IMAP) }},
		{"smtp", required, "Where replies are submitted.", func(m *postroom.Mailbox) value { return nested(servers, &m.SMTP) }},
		{"authserv_id", optional, "Under which names the mail server of this mailbox writes Authentication-Results (RFC 8601). What they say of a sender " +
			"is shown, and nobody else's; without it nothing is (R48). For Microsoft 365: outlook.com and office365.com.",
			func(m *postroom.Mailbox) value { return names(&m.AuthServIDs) }},
		{"spam_header", optional, "Whether mail is screened that this server marks as spam (X-Spam-Flag, X-Spam-Status, X-Spam, X-Rspamd-Action, " +
			"X-MS-Exchange-Organization-SCL). Goes with authserv_id.", func(m *postroom.Mailbox) value { return toggle(&m.SpamHeader) }},
	},
	check: func(r *reader, at spots, m postroom.Mailbox) {
		if m.SpamHeader && len(m.AuthServIDs) == 0 {
			r.wrong(at.of("spam_header"), "goes with authserv_id: else anybody's word would be believed")
		}
		checkSignIn(r, at, m)
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
		{"secret", optional, "Names the account's password, and never is it (R39). Required, unless the mailbox has oauth.", func(s *postroom.MailServer) value { return secret(&s.Secret) }},
	},
	check: func(r *reader, at spots, s postroom.MailServer) {
		if s.TLS == postroom.TLSNone && !isLoopback(s.Host) {
			r.wrong(at.of("tls"), "none is for loopback hosts only: the password and all mail would cross the network unprotected")
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
	check: func(r *reader, at spots, t postroom.RoutingRule) {
		if (t.Header == "") != (t.HeaderContains == "") {
			r.wrong(at.of("header"), "header and header_contains go together")
		}
		if t.Recipient+t.Sender+t.SubjectContains+t.Header+t.HeaderContains == "" {
			r.wrong(place{line: at.line}, "a rule without a condition would take all mail; an entry point does that")
		}
	},
}

func addressPattern(to *string) value {
	return shaped(to, "a mail address in which * stands for any characters, as in *@shop.example", pattern.MatchString)
}

var idleCodes = object[postroom.IdleCodeEntry]{
	one: "an idle code",
	fields: []field[postroom.IdleCodeEntry]{
		{"key", required, "Names the code. signed-in and disconnected belong to the system.",
			func(i *postroom.IdleCodeEntry) value { return key(idleCode, &i.Code) }},
		{"name", required, "What people see.", func(i *postroom.IdleCodeEntry) value { return name(&i.Name) }},
	},
	check: func(r *reader, at spots, i postroom.IdleCodeEntry) {
		if i.Code == postroom.IdleSignedIn || i.Code == postroom.IdleDisconnected {
			r.wrong(at.of("key"), "signed-in and disconnected are set by the system and cannot be chosen")
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
