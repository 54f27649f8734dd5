package settings

import (
	"slices"
	"strings"
)

// Variable is one environment variable.
type Variable struct {
	Name       string
	Default    string // what holds without it; empty: nothing
	About      string
	UsedBy     []Command
	RequiredBy []Command
	// Secret says that the value may hold a password: keep it out of files that others read.
	Secret SecretKind

	set  func(*Settings, string) (flaw string)
	port func(*DevPorts) *int // of ports of `postroom dev`
}

// SecretKind says whether a variable holds a secret.
type SecretKind string

// The kinds.
const (
	NoSecret  SecretKind = ""
	HasSecret SecretKind = "secret"
)

// Table lists every variable that the program reads, in the order in which people read about them. (Secrets that the configuration
// names as env:POSTROOM_SECRET_… are variables of their own.)
func Table() []Variable { return slices.Clone(table) }

// Markdown is the table for people, as docs/settings.md holds it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| variable | default | used by | meaning |\n|---|---|---|---|\n")
	for _, v := range table {
		standard := ""
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		var users []string
		for _, c := range v.UsedBy {
			user := string(c)
			if slices.Contains(v.RequiredBy, c) {
				user = "**" + user + "**"
			}
			users = append(users, user)
		}
		used := strings.Join(users, ", ")
		if len(users) == len(Commands()) {
			used = "all"
		}
		about := v.About
		if v.Secret == HasSecret {
			about += " A secret."
		}
		b.WriteString("| `" + v.Name + "` | " + standard + " | " + used + " | " + about + " |\n")
	}
	return b.String()
}

var table = []Variable{
	{Name: "POSTROOM_DATABASE_URL", About: "PostgreSQL, as the application's role: `postgres://…`.", Secret: HasSecret,
		UsedBy: []Command{Worker, API, Apply, Export, Account, Contact, Agent, Reminder, Mailbox}, RequiredBy: []Command{Worker, API, Apply, Export, Account, Contact, Agent, Reminder, Mailbox},
		set: func(s *Settings, v string) string { return postgresURL(&s.Database.URL, v) }},
	{Name: "POSTROOM_OWNER_DATABASE_URL", About: "PostgreSQL, as the role that owns the tables: `postgres://…`.", Secret: HasSecret,
		UsedBy: []Command{Migrate}, RequiredBy: []Command{Migrate},
		set: func(s *Settings, v string) string { return postgresURL(&s.Database.OwnerURL, v) }},
	{Name: "POSTROOM_TEMPORAL_ADDRESS", Default: "127.0.0.1:7233", About: "The Temporal server, host:port.", UsedBy: []Command{Worker, API, Contact, Agent, Replay},
		set: func(s *Settings, v string) string { return hostAndPort(&s.Temporal.Address, v) }},
	{Name: "POSTROOM_TEMPORAL_NAMESPACE", Default: "default", About: "The namespace on it.", UsedBy: []Command{Worker, API, Contact, Agent, Replay},
		set: func(s *Settings, v string) string { return word(&s.Temporal.Namespace, v) }},
	{Name: "POSTROOM_TASK_QUEUE", Default: "postroom", About: "The task queue that workers serve and the API starts workflows on.", UsedBy: []Command{Worker, API, Contact, Agent},
		set: func(s *Settings, v string) string { return word(&s.Temporal.TaskQueue, v) }},
	{Name: "POSTROOM_API_LISTEN", Default: "127.0.0.1:8080", About: "Where the API and the Agent Desktop are served. Off loopback TLS is needed.", UsedBy: []Command{API},
		set: func(s *Settings, v string) string { return listenAddress(&s.API.Listen, v) }},
	{Name: "POSTROOM_API_TLS_CERT", About: "File with the certificate and its chain, PEM.", UsedBy: []Command{API},
		set: func(s *Settings, v string) string { return path(&s.API.Certificate, v) }},
	{Name: "POSTROOM_API_TLS_KEY", About: "File with the certificate's key, PEM.", UsedBy: []Command{API},
		set: func(s *Settings, v string) string { return path(&s.API.Key, v) }},
	{Name: "POSTROOM_ALLOWED_HOSTS", Default: "localhost,127.0.0.1,[::1]", About: "Names under which the API may be asked for, without ports, separated by commas; all others are refused.",
		UsedBy: []Command{API}, set: func(s *Settings, v string) string { return hostNames(&s.API.Hosts, v) }},
	{Name: "POSTROOM_WORKER_LISTEN", Default: "127.0.0.1:8081", About: "Where the worker says how it is: `/healthz`, `/readyz`.", UsedBy: []Command{Worker},
		set: func(s *Settings, v string) string { return listenAddress(&s.Worker.Listen, v) }},
	{Name: "POSTROOM_BLOB_URL", About: "Where attachments and the frozen bytes of replies are kept: `file:///` and an absolute path, or `s3://BUCKET?region=REGION`; docs/operations.md says more.", UsedBy: []Command{Worker, API}, RequiredBy: []Command{Worker, API},
		set: func(s *Settings, v string) string { return blobURL(&s.Files.Blobs, v) }},
	{Name: "POSTROOM_SECRETS_DIR", About: "Directory of the secrets that the configuration names, and of the key ring.",
		UsedBy: []Command{Worker, API, Keyring, Mailbox}, RequiredBy: []Command{Worker, API, Keyring, Mailbox},
		set: func(s *Settings, v string) string { return path(&s.Files.Secrets, v) }},
	{Name: "POSTROOM_CLAMD_ADDRESS", About: "The virus scanner, clamd: `unix:///path` of its socket, or `tcp://host:port` on a private network. Without it files are not scanned for malware.",
		UsedBy: []Command{Worker, API}, set: func(s *Settings, v string) string { return clamdAddress(&s.Clamd.Address, v) }},
	{Name: "POSTROOM_CLAMD_MAX_MB", Default: "25", About: "The largest file that clamd takes, in MiB: no more than its `StreamMaxLength`. Larger ones are held.",
		UsedBy: []Command{Worker, API}, set: func(s *Settings, v string) string { return megabytes(&s.Clamd.MaxMB, v) }},
	{Name: "POSTROOM_LOG_LEVEL", Default: "info", About: "The least that is logged: `debug`, `info`, `warn` or `error`.", UsedBy: Commands(),
		set: func(s *Settings, v string) string { return logLevel(&s.Log.Level, v) }},
	{Name: "POSTROOM_LOG_FORMAT", Default: "text", About: "The form of the log: `text` or `json`.", UsedBy: Commands(),
		set: func(s *Settings, v string) string { return logFormat(&s.Log.Format, v) }},
	{Name: "POSTROOM_STATE_DIR", Default: ".postroom", About: "Directory of everything that `postroom dev` keeps.", UsedBy: []Command{Dev, Devmail},
		set: func(s *Settings, v string) string { return path(&s.Dev.StateDir, v) }},
	{Name: "POSTROOM_TEMPORAL_BINARY", About: "The program built from `deploy/embedded`; without it, it is built.", UsedBy: []Command{Dev},
		set: func(s *Settings, v string) string { return path(&s.Dev.TemporalBinary, v) }},
	port("POSTROOM_DEV_DATABASE_PORT", "17432", "PostgreSQL.", func(p *DevPorts) *int { return &p.Database }, Dev),
	port("POSTROOM_DEV_TEMPORAL_PORT", "17233", "Temporal.", func(p *DevPorts) *int { return &p.Temporal }, Dev),
	port("POSTROOM_DEV_TEMPORAL_UI_PORT", "17823", "Temporal's pages.", func(p *DevPorts) *int { return &p.TemporalUI }, Dev),
	port("POSTROOM_DEV_API_PORT", "17080", "The API and the Agent Desktop.", func(p *DevPorts) *int { return &p.API }, Dev),
	port("POSTROOM_DEV_WORKER_PORT", "17081", "The worker's health.", func(p *DevPorts) *int { return &p.Worker }, Dev),
	port("POSTROOM_DEV_MAIL_PORT", "17082", "The customer's mail page.", func(p *DevPorts) *int { return &p.Mail }, Dev, Devmail, Mail),
	port("POSTROOM_DEV_IMAP_PORT", "17143", "IMAP.", func(p *DevPorts) *int { return &p.IMAP }, Dev, Devmail),
	port("POSTROOM_DEV_SMTP_PORT", "17025", "SMTP.", func(p *DevPorts) *int { return &p.SMTP }, Dev, Devmail, Mail),
}

// port is a port on loopback. The defaults begin with 17, and most end as the usual port does: no service that is often met has them,
// they are below the range (32768 and up) from which Linux gives ports to outgoing connections, and outside the one in which tests
// look for free ones.
func port(name, standard, what string, of func(*DevPorts) *int, usedBy ...Command) Variable {
	return Variable{Name: name, Default: standard, About: "Port on loopback: " + what, UsedBy: usedBy, port: of,
		set: func(s *Settings, v string) string { return portNumber(of(&s.Dev.Ports), v) }}
}
