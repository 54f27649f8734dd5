package settings_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
)

var update = flag.Bool("update", false, "write the table of docs/settings.md and README.md")

// environment is what a process is given, and remembers what it was asked for.
type environment struct {
	values map[string]string
	asked  []string
}

func (e *environment) get(name string) string {
	e.asked = append(e.asked, name)
	return e.values[name]
}

func load(command settings.Command, pairs ...string) (settings.Settings, error) {
	e := environment{values: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		e.values[pairs[i]] = pairs[i+1]
	}
	return settings.Load(command, e.get)
}

// needed is what a production process cannot do without.
func needed(more ...string) []string {
	return append([]string{"POSTROOM_DATABASE_URL", "postgres://app:hunter2@db/postroom", "POSTROOM_SECRETS_DIR", "/run/secrets", "POSTROOM_BLOB_URL", "file:///var/lib/postroom/blobs"}, more...)
}

// problemsOf lists what Load says is wrong.
func problemsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	if postroom.KindOf(err) != postroom.KindInvalid || postroom.ReasonOf(err) != settings.ReasonInvalid {
		t.Fatalf("the error is %#v", err)
	}
	return strings.Split(err.(*postroom.Error).Message, "\n")
}

func TestWhatIsNotSetHasItsDefault(t *testing.T) {
	t.Parallel()
	got, err := load(settings.API, needed()...)
	if err != nil {
		t.Fatal(err)
	}
	if got.Database.URL.Reveal() != "postgres://app:hunter2@db/postroom" {
		t.Error("the database's URL is another")
	}
	got.Database = settings.DatabaseSettings{}
	want := settings.Settings{
		Temporal: settings.TemporalSettings{Address: "127.0.0.1:7233", Namespace: "default", TaskQueue: "postroom"},
		API:      settings.APISettings{Listen: "127.0.0.1:8080", Hosts: []string{"localhost", "127.0.0.1", "[::1]"}},
		Worker:   settings.WorkerSettings{Listen: "127.0.0.1:8081"},
		Files:    settings.FileSettings{Blobs: "file:///var/lib/postroom/blobs", Secrets: "/run/secrets"},
		Clamd:    settings.ClamdSettings{MaxMB: 25},
		Log:      settings.LogSettings{Level: slog.LevelInfo, Format: settings.LogText},
		Dev: settings.DevSettings{StateDir: ".postroom", Ports: settings.DevPorts{Database: 17432, Temporal: 17233, TemporalUI: 17823, API: 17080, Worker: 17081, Mail: 17082,
			IMAP: 17143, SMTP: 17025}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatIsSetCounts(t *testing.T) {
	t.Parallel()
	got, err := load(settings.API, needed("POSTROOM_TEMPORAL_ADDRESS", "temporal.internal:7233", "POSTROOM_TEMPORAL_NAMESPACE", "shop", "POSTROOM_TASK_QUEUE", "two",
		"POSTROOM_API_LISTEN", ":443", "POSTROOM_API_TLS_CERT", "/tls/cert.pem", "POSTROOM_API_TLS_KEY", "/tls/key.pem", "POSTROOM_ALLOWED_HOSTS", "Desk.Shop.Example, 10.0.0.1,[2001:DB8::1]",
		"POSTROOM_BLOB_URL", "file:///var/lib/postroom/blobs/", "POSTROOM_LOG_LEVEL", "WARN", "POSTROOM_LOG_FORMAT", "json", "POSTROOM_STATE_DIR", "of another command")...)
	if err != nil {
		t.Fatal(err)
	}
	if want := (settings.TemporalSettings{Address: "temporal.internal:7233", Namespace: "shop", TaskQueue: "two"}); got.Temporal != want {
		t.Errorf("Temporal %+v", got.Temporal)
	}
	if want := (settings.APISettings{Listen: ":443", Certificate: "/tls/cert.pem", Key: "/tls/key.pem", Hosts: []string{"desk.shop.example", "10.0.0.1", "[2001:db8::1]"}}); !reflect.DeepEqual(got.API, want) {
		t.Errorf("API %+v", got.API)
	}
	if got.Files.Blobs != "file:///var/lib/postroom/blobs" || got.Log.Level != slog.LevelWarn || got.Log.Format != settings.LogJSON || got.Dev.StateDir != ".postroom" {
		t.Errorf("%+v", got)
	}
}

func TestEachCommandNeedsWhatItNeedsAndAsksForNothingElse(t *testing.T) {
	t.Parallel()
	const database, owner, secrets, blobs = "POSTROOM_DATABASE_URL", "POSTROOM_OWNER_DATABASE_URL", "POSTROOM_SECRETS_DIR", "POSTROOM_BLOB_URL"
	for command, want := range map[settings.Command][]string{
		settings.Dev: nil, settings.Worker: {database, blobs, secrets}, settings.API: {database, blobs, secrets}, settings.Migrate: {owner}, settings.Apply: {database},
		settings.Export: {database}, settings.Account: {database}, settings.Contact: {database}, settings.Agent: {database}, settings.Reminder: {database}, settings.Mailbox: {database, secrets}, settings.Keyring: {secrets}, settings.Mail: nil, settings.Devmail: nil, settings.Replay: nil,
	} {
		e := environment{}
		_, err := settings.Load(command, e.get)
		var missing []string
		for _, p := range problemsOf(t, err) {
			name, reason, _ := strings.Cut(p, ": ")
			missing = append(missing, name)
			if !strings.HasPrefix(reason, "not set, and postroom "+string(command)+" needs it: ") {
				t.Errorf("%s: %s", command, p)
			}
		}
		if !slices.Equal(missing, want) {
			t.Errorf("%s needs %v, not %v", command, missing, want)
		}
		for _, v := range settings.Table() {
			if slices.Contains(v.UsedBy, command) != slices.Contains(e.asked, v.Name) {
				t.Errorf("%s and %s: used by %v", command, v.Name, v.UsedBy)
			}
		}
	}
	if len(settings.Commands()) != 15 {
		t.Errorf("%d commands", len(settings.Commands()))
	}
}

func TestMalformedSettingIsNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"POSTROOM_DATABASE_URL":       {"hunter2", "mysql://u:hunter2@db/x", "postgres://u:hunter2@db:port/x", "postgres:hunter2", "host=db password=hunter2", "postgres://u:hun%ter2@db"},
		"POSTROOM_TEMPORAL_ADDRESS":   {"hunter2", ":7233", "hunter2:0", "hunter2:70000", "http://hunter2:1", "hunter 2:7233", "hunter2:http"},
		"POSTROOM_TEMPORAL_NAMESPACE": {"hunter2 x", "hunter2/"},
		"POSTROOM_TASK_QUEUE":         {"hunter2\n"},
		"POSTROOM_API_LISTEN":         {"hunter2", "8080", "127.0.0.1:0", "127.0.0.1:080", "hunter2:1:2"},
		"POSTROOM_API_TLS_CERT":       {"hunter2\x00"},
		"POSTROOM_ALLOWED_HOSTS":      {"hunter2,", "*", "hunter2:80", "https://hunter2", "::1", "[hunter2]", "hunter2/"},
		"POSTROOM_BLOB_URL":           {"hunter2", "/hunter2", "file://hunter2/x", "file:hunter2", "s3://hunter2/x", "file:///x?hunter2", "file://u:hunter2@/x"},
		"POSTROOM_SECRETS_DIR":        {"hunter2\n"},
		"POSTROOM_LOG_LEVEL":          {"hunter2", "4"},
		"POSTROOM_LOG_FORMAT":         {"hunter2", "JSON"},
	} {
		for _, value := range values {
			pairs := []string{"POSTROOM_API_TLS_KEY", ""}
			if name == "POSTROOM_API_TLS_CERT" {
				pairs = nil
			}
			_, err := load(settings.API, append(needed(pairs...), name, value)...)
			got := problemsOf(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], name+": ") || strings.Contains(strings.ToLower(fmt.Sprintf("%v %+v %#v", err, got, err)), "hunter") {
				t.Errorf("%s=%q: %q", name, value, got)
			}
		}
	}
	for _, value := range []string{"0", "-1", "65536", "http", " 80", "1e3", "080"} {
		if _, err := load(settings.Dev, "POSTROOM_DEV_API_PORT", value); len(problemsOf(t, err)) != 1 {
			t.Errorf("port %q: %v", value, err)
		}
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(settings.API, "POSTROOM_LOG_LEVEL", "loud", "POSTROOM_API_LISTEN", "0.0.0.0:8080", "POSTROOM_API_TLS_KEY", "key.pem")
	var names []string
	for _, p := range problemsOf(t, err) {
		name, _, _ := strings.Cut(p, ": ")
		names = append(names, name)
	}
	want := []string{"POSTROOM_DATABASE_URL", "POSTROOM_BLOB_URL", "POSTROOM_SECRETS_DIR", "POSTROOM_LOG_LEVEL", "POSTROOM_API_TLS_CERT, POSTROOM_API_TLS_KEY", "POSTROOM_API_LISTEN"}
	if !slices.Equal(names, want) {
		t.Errorf("%q", err)
	}
}

func TestAPIListensOnLoopbackOrWithTLS(t *testing.T) {
	t.Parallel()
	for address, loopback := range map[string]bool{"127.0.0.1:8080": true, "localhost:8080": true, "[::1]:8080": true, "127.9.9.9:8080": true, ":8080": false, "0.0.0.0:8080": false,
		"[::]:8080": false, "10.0.0.1:8080": false, "desk.shop.example:8080": false, "localhost.shop.example:8080": false} {
		_, plain := load(settings.API, needed("POSTROOM_API_LISTEN", address)...)
		_, protected := load(settings.API, needed("POSTROOM_API_LISTEN", address, "POSTROOM_API_TLS_CERT", "c", "POSTROOM_API_TLS_KEY", "k")...)
		if (plain == nil) != loopback || protected != nil {
			t.Errorf("%s: without TLS %v, with TLS %v", address, plain, protected)
		}
	}
}

func TestPortsOfDevAreDifferentAndSeldomTaken(t *testing.T) {
	t.Parallel()
	_, err := load(settings.Dev, "POSTROOM_DEV_SMTP_PORT", "17080", "POSTROOM_DEV_IMAP_PORT", "17080")
	if got := problemsOf(t, err); !slices.Equal(got, []string{"POSTROOM_DEV_IMAP_PORT: the same port as POSTROOM_DEV_API_PORT", "POSTROOM_DEV_SMTP_PORT: the same port as POSTROOM_DEV_API_PORT"}) {
		t.Errorf("%q", got)
	}
	for _, v := range settings.Table() {
		if !strings.HasSuffix(v.Name, "_PORT") {
			continue
		}
		if n, err := strconv.Atoi(v.Default); err != nil || n < 17000 || n > 17999 {
			t.Errorf("%s: %s", v.Name, v.Default)
		}
	}
}

func TestSecretSettingShowsItselfNowhere(t *testing.T) {
	t.Parallel()
	got, err := load(settings.Worker, needed()...)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "settings", got, "url", got.Database.URL)
	if out := fmt.Sprintf("%v %+v %#v %s %q %x", got, got, got, got.Database, got.Database.URL, got.Database.URL) + log.String(); strings.Contains(out, "hunter2") || strings.Contains(out, "68756e74657232") {
		t.Error(out)
	}
	if _, err := json.Marshal(got); err == nil {
		t.Error("JSON takes a secret")
	}
}

func TestLogIsAsTheSettingsSay(t *testing.T) {
	t.Parallel()
	var text, lines bytes.Buffer
	settings.LogSettings{Level: slog.LevelWarn}.Logger(&text).Info("quiet")
	settings.LogSettings{Level: slog.LevelDebug, Format: settings.LogText}.Logger(&text).Debug("plain", "n", 1)
	settings.LogSettings{Format: settings.LogJSON}.Logger(&lines).Info("as json", "n", 1)
	if strings.Contains(text.String(), "quiet") || !strings.Contains(text.String(), "msg=plain n=1") || !json.Valid(lines.Bytes()) {
		t.Errorf("%s%s", &text, &lines)
	}
}

func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^POSTROOM_[A-Z]+(_[A-Z]+)*$`)
	seen := map[string]bool{}
	for _, v := range settings.Table() {
		if !name.MatchString(v.Name) || strings.HasPrefix(v.Name, "POSTROOM_SECRET_") || seen[v.Name] || v.About == "" || len(v.UsedBy) == 0 || v.Default != "" && len(v.RequiredBy) > 0 {
			t.Errorf("%+v", v)
		}
		for _, c := range v.RequiredBy {
			if !slices.Contains(v.UsedBy, c) {
				t.Errorf("%s: required by %s, which does not use it", v.Name, c)
			}
		}
		if (v.Secret == settings.HasSecret) != strings.HasSuffix(v.Name, "DATABASE_URL") {
			t.Errorf("%s: secret %q", v.Name, v.Secret)
		}
		seen[v.Name] = true
	}
}

func TestDocumentationHoldsTheTable(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
	for _, file := range []string{"../../docs/settings.md", "../../README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(text), begin)
		old, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no place for the table", file)
		}
		wanted := "\n" + settings.Markdown() + "\n"
		if old == wanted {
			continue
		}
		if !*update {
			t.Errorf("%s is out of date: go test ./internal/settings -run Documentation -update", file)
			continue
		}
		if err := os.WriteFile(file, []byte(before+begin+wanted+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
