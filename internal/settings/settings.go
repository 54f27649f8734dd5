package settings

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/postroom/postroom"
)

// ReasonInvalid says that settings are missing or malformed; the message lists them, one a line, as "VARIABLE: reason".
const ReasonInvalid postroom.Reason = "settings_invalid"

// Command is a command of the program that needs settings.
type Command string

// The commands.
const (
	Dev      Command = "dev"
	Worker   Command = "worker"
	API      Command = "api"
	Migrate  Command = "migrate"
	Apply    Command = "apply"
	Export   Command = "export"
	Account  Command = "account"
	Contact  Command = "contact"
	Agent    Command = "agent"
	Reminder Command = "reminder"
	Mailbox  Command = "mailbox"
	Keyring  Command = "keyring"
	Mail     Command = "mail"
	Devmail  Command = "devmail"
	Replay   Command = "replay"
)

// Commands lists every command.
func Commands() []Command {
	return []Command{Dev, Worker, API, Migrate, Apply, Export, Account, Contact, Agent, Reminder, Mailbox, Keyring, Mail, Devmail, Replay}
}

// Settings is what Load found, by what it is about. What a command does not use has its default.
type Settings struct {
	Database DatabaseSettings
	Temporal TemporalSettings
	API      APISettings
	Worker   WorkerSettings
	Files    FileSettings
	Clamd    ClamdSettings
	Log      LogSettings
	Dev      DevSettings
}

// DatabaseSettings is how to reach PostgreSQL: as the application, which may change rows, and as the owner, who may change tables.
type DatabaseSettings struct {
	URL, OwnerURL postroom.Secret
}

// TemporalSettings is how to reach Temporal.
type TemporalSettings struct {
	Address   string // host:port
	Namespace string
	TaskQueue string
}

// APISettings is how the API is reached. It listens on loopback, or with TLS (R41).
type APISettings struct {
	Listen           string   // host:port
	Certificate, Key string   // files in PEM form; both or neither
	Hosts            []string // names under which the server is known, without ports; an IPv6 address stands in brackets
}

// WorkerSettings is how the worker's health is asked for.
type WorkerSettings struct {
	Listen string // host:port
}

// FileSettings is what is in directories.
type FileSettings struct {
	Blobs   string // URL of where attachments are kept; empty: nowhere
	Secrets string // directory of secrets and of the key ring
}

// ClamdSettings is how to reach the virus scanner.
type ClamdSettings struct {
	Address string // unix:///path or tcp://host:port; empty: there is none
	MaxMB   int    // the largest file that it takes, in MiB
}

// LogSettings is what is logged, and how.
type LogSettings struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is the form of a line of the log.
type LogFormat string

// The forms.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Logger is a logger as the settings say.
func (l LogSettings) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.Level}
	if l.Format == LogJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// DevSettings is what `postroom dev` runs, all of it on loopback.
type DevSettings struct {
	StateDir       string
	TemporalBinary string // the program of deploy/embedded; empty: it is built
	Ports          DevPorts
}

// DevPorts are the ports of `postroom dev`. No two are the same.
type DevPorts struct {
	Database, Temporal, TemporalUI, API, Worker, Mail, IMAP, SMTP int
}

// Load reads the settings that a command uses. An empty variable counts as not set. The error is one *postroom.Error, Invalid, that lists
// every problem, one a line, beginning with the variable's name; no value is in it.
func Load(command Command, getenv func(string) string) (Settings, error) {
	var s Settings
	var problems []string
	for _, v := range table {
		given := ""
		if slices.Contains(v.UsedBy, command) {
			given = getenv(v.Name)
		}
		switch {
		case given == "" && slices.Contains(v.RequiredBy, command):
			problems = append(problems, fmt.Sprintf("%s: not set, and postroom %s needs it: %s", v.Name, command, v.About))
			continue
		case given == "":
			given = v.Default
		}
		if given == "" {
			continue
		}
		if flaw := v.set(&s, given); flaw != "" {
			problems = append(problems, v.Name+": "+flaw)
		}
	}
	problems = append(problems, together(command, s)...)
	if len(problems) > 0 {
		return Settings{}, postroom.Invalid(ReasonInvalid, strings.Join(problems, "\n"))
	}
	return s, nil
}

// together says what settings demand of each other.
func together(command Command, s Settings) (problems []string) {
	if (s.API.Certificate == "") != (s.API.Key == "") {
		problems = append(problems, "POSTROOM_API_TLS_CERT, POSTROOM_API_TLS_KEY: one is set without the other")
	}
	if s.API.Listen != "" && !onLoopback(s.API.Listen) && s.API.Certificate == "" {
		problems = append(problems, "POSTROOM_API_LISTEN: off loopback the API needs TLS: set POSTROOM_API_TLS_CERT and POSTROOM_API_TLS_KEY")
	}
	if command == Dev || command == Devmail {
		problems = append(problems, s.Dev.Ports.collisions()...)
	}
	return problems
}

// collisions names the ports that are not the only one of their number.
func (p DevPorts) collisions() (problems []string) {
	first := map[int]string{}
	for _, v := range table {
		if v.port == nil {
			continue
		}
		n := *v.port(&p)
		if n == 0 {
			continue // malformed, which is a problem of its own
		}
		if other, taken := first[n]; taken {
			problems = append(problems, v.Name+": the same port as "+other)
			continue
		}
		first[n] = v.Name
	}
	return problems
}

// onLoopback reports whether host:port is on loopback only.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
