package postroom_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/testkit"
	"github.com/postroom/postroom/workflows"
)

// filledIn is an .env file: every variable that there is, with a value.
func filledIn() map[string]string {
	return map[string]string{"DB_SUPERUSER_PASSWORD": "su", "DB_OWNER_PASSWORD": "ow", "DB_APP_PASSWORD": "ap", "DB_TEMPORAL_PASSWORD": "te",
		"SECRETS_DIR": "/srv/secrets", "TLS_DIR": "/srv/tls", "ALLOWED_HOSTS": "localhost,desk.shop.example", "MAILBOX_PASSWORD": "ma", "IMAGE_TAG": ""}
}

// No Docker is needed for these tests, and none of them runs a container: they hold the files against the program, its settings and the
// other files, and the tests of compose_run_test.go run what they can.
func TestComposeFilesAreSound(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][]string{"production": {read(composeFile)}, "trial": {read(composeFile), read(trialFile)}} {
		for _, flaw := range flaws(texts, read(dockerfile)) {
			t.Errorf("%s: %s", name, flaw)
		}
	}
}

// Control: each of these changes is found, by the rule that is there for it.
func TestFlawsOfComposeFilesAreFound(t *testing.T) {
	t.Parallel()
	sound, recipe := read(composeFile), read(dockerfile)
	for _, change := range []struct{ old, new, flaw string }{
		{`"127.0.0.1:8443:8443"`, `"8443:8443"`, "api: port 8443:8443 is not on loopback"},
		{`"127.0.0.1:8233:8080"`, `"0.0.0.0:8233:8080"`, "temporal-ui: port 0.0.0.0:8233:8080 is not on loopback"},
		{`"127.0.0.1:8443:8443"`, `"127.0.0.1:8443:8080"`, "api: nothing listens on the published port 8080"},
		{"postgres:17.11-bookworm", "postgres:latest", "postgres: image postgres:latest is not pinned"},
		{"postgres:17.11-bookworm", "postgres", "postgres: image postgres is not pinned"},
		{"temporalio/server:1.32.1", "temporalio/server:1.31.0", "temporal: deploy/embedded has 1.32.1"},
		{"temporalio/ui:2.55.0", "temporalio/ui:2.54.1", "temporal-ui: deploy/embedded has 2.55.0"},
		{"POSTROOM_WORKER_LISTEN", "POSTROOM_WORKER_PORT", "worker: there is no setting POSTROOM_WORKER_PORT"},
		{"POSTROOM_OWNER_DATABASE_URL", "POSTROOM_DATABASE_URL", "migrate: POSTROOM_DATABASE_URL is not for migrate"},
		{"      POSTROOM_API_TLS_KEY: /etc/postroom/tls/key.pem\n", "", "api: POSTROOM_API_TLS_CERT, POSTROOM_API_TLS_KEY: one is set without the other"},
		{"      POSTROOM_API_TLS_CERT: /etc/postroom/tls/cert.pem\n      POSTROOM_API_TLS_KEY: /etc/postroom/tls/key.pem\n", "", "api: POSTROOM_API_LISTEN: off loopback"},
		{"      POSTROOM_BLOB_URL: file:///var/lib/postroom/blobs\n", "", "POSTROOM_BLOB_URL: not set"},
		{"POSTROOM_BLOB_URL: file:///var/lib/postroom/blobs", "POSTROOM_BLOB_URL: file:///var/lib/postroom/files", "nothing is mounted at /var/lib/postroom/files"},
		{"/etc/postroom/tls/cert.pem", "/etc/tls/cert.pem", "api: nothing is mounted at /etc/tls"},
		{"${DB_APP_PASSWORD:?a password for the role of worker and API}", "secret", "worker: POSTROOM_DATABASE_URL holds a password"},
		{"${DB_SUPERUSER_PASSWORD:?a password for the administrator of PostgreSQL}", "${DB_SUPERUSER_PASSWORD:-postgres}", "postgres: POSTGRES_PASSWORD holds a password"},
		{"${TLS_DIR:?the directory of cert.pem and key.pem}", "$TLS_DIR", "$TLS_DIR:/etc/postroom/tls:ro is not ${NAME:?why}"},
		{"${TLS_DIR:?", "${TLS_DIRECTORY:?", "TLS_DIRECTORY is not in deploy/compose/example.env"},
		{"command: [worker]", "command: [work]", "worker: there is no command work"},
		{"health, api]", "health, worker]", "api: its health check is"},
		{`nc, -z, 127.0.0.1, "7233"`, `nc, -z, 127.0.0.1, "7234"`, "temporal: its health check does not ask port 7233"},
		{"--port=5432", "--port=5433", "postgres: its health check does not ask port 5432"},
		{"@postgres:5432/postroom?sslmode=disable\n      POSTROOM_TEMPORAL", "@database:5432/postroom?sslmode=disable\n      POSTROOM_TEMPORAL", "database:5432 is not a service"},
		{"POSTROOM_TEMPORAL_ADDRESS: temporal:7233", "POSTROOM_TEMPORAL_ADDRESS: temporal:7234", "temporal:7234 is not a service"},
		{"read_only: true", "read_only: false", "worker: it may write to its image"},
		{"cap_drop: [ALL]", "cap_drop: [NET_RAW]", "worker: it keeps capabilities"},
		{`"no-new-privileges:true"`, `"no-new-privileges:false"`, "worker: it may gain privileges"},
		{"    mem_limit: 512m\n", "", "api: its memory has no limit"},
		{"    stop_grace_period: 30s # running activities get 15 s\n", "", "worker: it is killed"},
		{"inside: {internal: true}", "inside: {}", "the network inside has a way out"},
		{"    stop_grace_period: 60s\n    networks: [inside]\n    depends_on", "    stop_grace_period: 60s\n    networks: [inside, outside]\n    depends_on", "temporal: it is on the network outside"},
		{"  blobs: {}\n", "", "there is no volume blobs"},
		{"./deploy/compose/roles.sql", "./deploy/compose/users.sql", "./deploy/compose/users.sql does not exist"},
		{"temporal-namespace: {condition: service_completed_successfully}", "temporal-namespace: {condition: service_healthy}", "temporal-namespace has no health check"},
		{"temporal: {condition: service_healthy}", "temporal: {condition: service_completed_successfully}", "temporal does not end"},
		{"    shm_size: 256m\n", "    privileged: true\n", "privileged"},
		{"TEMPORAL_NAMESPACE: default\n      HOME", "TEMPORAL_NAMESPACE: other\n      HOME", "namespace"},
	} {
		mustFind(t, change.flaw, flaws([]string{replaced(t, sound, change.old, change.new)}, recipe))
	}
	for _, change := range []struct{ old, new, flaw string }{
		{"node:20.20.2-bookworm-slim", "node:20-bookworm-slim", "image node:20-bookworm-slim is not pinned"},
		{"golang:1.26.8-bookworm", "golang:1.25.3-bookworm", "Go 1.25.3 is older than go.mod's"},
		{"FROM scratch", "FROM gcr.io/distroless/static-debian12:nonroot", "is not pinned"},
		{"COPY go.mod go.sum ./", "COPY go.mod go.work ./", "go.work does not exist"},
		{"COPY web/ ./", "COPY web/dist/app/ ./", "web/dist/app/ is left out by .dockerignore"},
		{"--from=web", "--from=desktop", "there is no stage desktop"},
		{"USER 65532:65532\n", "", "it runs as root"},
		{"USER 65532:65532", "USER nonroot", "it runs as root"},
		{`ENTRYPOINT ["/usr/local/bin/postroom"]`, "ENTRYPOINT postroom", "its program is not at"},
		{"/out/root/usr/local/bin/postroom", "/out/root/bin/postroom", "its program is not at /usr/local/bin/postroom"},
	} {
		mustFind(t, change.flaw, flaws([]string{sound}, replaced(t, recipe, change.old, change.new)))
	}
	trial := replaced(t, read(trialFile), "127.0.0.1:17082:17182", "17082:17182")
	mustFind(t, "worker: port 17082:17182 is not on loopback", flaws([]string{sound, trial}, recipe))
	trial = replaced(t, read(trialFile), "network_mode: service:worker", "networks: [inside]")
	mustFind(t, "devmail: IMAP and SMTP without TLS are for the worker's loopback only", flaws([]string{sound, trial}, recipe))
}

func replaced(t *testing.T, text, old, with string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("control: %q is not in the file any more", old)
	}
	return strings.ReplaceAll(text, old, with)
}

func mustFind(t *testing.T, flaw string, found []string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, flaw) }) {
		t.Errorf("%q was not found; found: %q", flaw, found)
	}
}

// flaws lists what is wrong with compose files, laid on one another, and the Dockerfile of their image.
func flaws(texts []string, recipeText string) (all []string) {
	env := filledIn()
	c, err := compose(env, texts...)
	if err != nil {
		return []string{err.Error()}
	}
	recipe := readRecipe(recipeText)
	all = append(c.variableFlaws(), recipeFlaws(recipe)...)
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		s := c.Services[name]
		for _, found := range [][]string{c.imageFlaws(s), c.portFlaws(name, s), confinementFlaws(s), c.reachFlaws(name, s), c.mountFlaws(s), c.dependenceFlaws(s),
			passwordFlaws(c.values[name]), c.programFlaws(name, s, recipe)} {
			for _, flaw := range found {
				all = append(all, name+": "+flaw)
			}
		}
	}
	return append(all, c.wholeFlaws()...)
}

// wholeFlaws are those of no single service.
func (c composition) wholeFlaws() (all []string) {
	if !c.Networks["inside"].Internal {
		all = append(all, "the network inside has a way out")
	}
	for _, name := range []string{"worker", "api", "cli"} {
		if made, used := c.Services["temporal-namespace"].Environment["TEMPORAL_NAMESPACE"], c.Services[name].Environment["POSTROOM_TEMPORAL_NAMESPACE"]; made != used {
			all = append(all, fmt.Sprintf("%s uses the namespace %s, and %s is made", name, used, made))
		}
	}
	grace, err := time.ParseDuration(c.Services["worker"].Grace)
	if err != nil || grace < 25*time.Second {
		all = append(all, "worker: it is killed before running activities had their 15 s")
	}
	return all
}

// variableFlaws: whatever comes from outside is required with a reason, except the tag of the image, and is in the example.
func (c composition) variableFlaws() (all []string) {
	rest := variable.ReplaceAllString(c.text, "")
	for _, stray := range regexp.MustCompile(`\$\S*`).FindAllString(rest, -1) {
		all = append(all, stray+" is not ${NAME:?why}")
	}
	known := exampleVariables()
	for _, m := range variable.FindAllStringSubmatch(c.text, -1) {
		if !slices.Contains(known, m[1]) {
			all = append(all, m[1]+" is not in "+exampleFile)
		}
		if m[2] != "?" && m[1] != "IMAGE_TAG" || m[3] == "" {
			all = append(all, m[1]+" is not required, or not explained")
		}
	}
	return all
}

func exampleVariables() (names []string) {
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=$`).FindAllStringSubmatch(read(exampleFile), -1) {
		names = append(names, m[1])
	}
	return names
}

func TestExampleEnvironmentHoldsEveryVariableAndNoValue(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(read(composeFile)+read(trialFile), -1) {
		used[m[1]] = true
	}
	example := exampleVariables()
	slices.Sort(example)
	if want := slices.Sorted(maps.Keys(used)); !slices.Equal(example, want) {
		t.Errorf("the example has %v, the files use %v", example, want)
	}
	for line := range strings.Lines(read(exampleFile)) {
		if !strings.HasPrefix(line, "#") && strings.Contains(line, "=") && !strings.HasSuffix(line, "=\n") {
			t.Errorf("the example has a value: %s", line)
		}
	}
	if names := slices.Sorted(maps.Keys(filledIn())); !slices.Equal(names, slices.Sorted(maps.Keys(used))) {
		t.Errorf("this test fills in %v", names)
	}
}

var pinned = regexp.MustCompile(`^[a-z0-9][a-z0-9./-]*:v?[0-9]+\.[0-9]+(\.[0-9]+)*[A-Za-z0-9._-]*$`)

// imageFlaws: one that is not built here is pinned, and Temporal's are the versions that the tests run.
func (c composition) imageFlaws(s service) (all []string) {
	if c.ours(s) {
		return nil
	}
	if !pinned.MatchString(s.Image) {
		return []string{"image " + s.Image + " is not pinned"}
	}
	embedded := read("deploy/embedded/go.mod")
	for image, module := range map[string]string{"temporalio/server": "go.temporal.io/server", "temporalio/admin-tools": "go.temporal.io/server", "temporalio/ui": "github.com/temporalio/ui-server/v2"} {
		name, tag, _ := strings.Cut(s.Image, ":")
		_, rest, _ := strings.Cut(embedded, "\t"+module+" v")
		if want, _, _ := strings.Cut(rest, "\n"); name == image && want != tag {
			all = append(all, "deploy/embedded has "+want)
		}
	}
	return all
}

// ours reports whether a service runs the image that is built here.
func (c composition) ours(s service) bool {
	return s.Build != nil || s.Image != "" && s.Image == c.Services["worker"].Image
}

var published = regexp.MustCompile(`^127\.0\.0\.1:([0-9]+):([0-9]+)$`)

// portFlaws: what is published is published on loopback (R41), and something listens there.
func (c composition) portFlaws(name string, s service) (all []string) {
	for _, port := range s.Ports {
		m := published.FindStringSubmatch(port)
		if m == nil {
			all = append(all, "port "+port+" is not on loopback")
			continue
		}
		heard := slices.Contains([]string{s.Environment["POSTROOM_API_LISTEN"], s.Environment["TEMPORAL_UI_PORT"]}, m[2]) || s.Environment["POSTROOM_API_LISTEN"] == "0.0.0.0:"+m[2]
		for _, beside := range c.Services {
			heard = heard || beside.NetworkMode == "service:"+name && strings.HasPrefix(strings.Join(beside.Command, " "), "TCP-LISTEN:"+m[2]+",")
		}
		if !heard {
			all = append(all, "nothing listens on the published port "+m[2])
		}
	}
	return all
}

func confinementFlaws(s service) (all []string) {
	for flaw, found := range map[string]bool{
		"it may write to its image":                !s.ReadOnly,
		"it keeps capabilities":                    !slices.Equal(s.CapDrop, []string{"ALL"}),
		"it may gain privileges":                   !slices.Equal(s.Security, []string{"no-new-privileges:true"}),
		"its memory has no limit":                  s.Memory == "",
		"its processes have no limit":              s.PIDs == 0,
		"its log has no limit":                     s.Logging == nil || s.Logging.Options["max-size"] == "",
		"it is neither restarted nor meant to end": s.Restart != "unless-stopped" && !s.once(),
	} {
		if found {
			all = append(all, flaw)
		}
	}
	return all
}

// passwordFlaws: a password comes from outside, and nothing else will do.
func passwordFlaws(values map[string]string) (all []string) {
	required := regexp.MustCompile(`^\$\{[A-Z_]+:\?[^}]+\}$`)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		secret, is := values[key], regexp.MustCompile(`PASSWORD|_PWD$|SECRET_`).MatchString(key)
		if m := regexp.MustCompile(`^\w+://\w+:(.*)@`).FindStringSubmatch(values[key]); m != nil {
			secret, is = m[1], true
		}
		if is && !required.MatchString(secret) {
			all = append(all, key+" holds a password that does not come from outside")
		}
	}
	return all
}

// dependenceFlaws: what is waited for exists, and can come true.
func (c composition) dependenceFlaws(s service) (all []string) {
	for name, d := range s.DependsOn {
		other, exists := c.Services[name]
		switch {
		case !exists:
			all = append(all, "there is no service "+name)
		case d.Condition == "service_healthy" && other.Healthcheck == nil:
			all = append(all, name+" has no health check")
		case d.Condition == "service_completed_successfully" && !other.once():
			all = append(all, name+" does not end")
		}
	}
	return all
}

// mountFlaws: volumes are declared, files exist, and what the settings name is mounted.
func (c composition) mountFlaws(s service) (all []string) {
	var targets []string
	for _, volume := range s.Volumes {
		parts := strings.Split(volume, ":")
		targets = append(targets, parts[1])
		switch _, declared := c.Volumes[parts[0]]; {
		case strings.HasPrefix(parts[0], "/"): // of the machine, from outside
		case strings.HasPrefix(parts[0], "./"):
			if _, err := os.Stat(parts[0]); err != nil {
				all = append(all, parts[0]+" does not exist")
			}
		case !declared:
			all = append(all, "there is no volume "+parts[0])
		}
	}
	for _, key := range []string{"POSTROOM_BLOB_URL", "POSTROOM_SECRETS_DIR", "POSTROOM_API_TLS_CERT", "POSTROOM_API_TLS_KEY", "DYNAMIC_CONFIG_FILE_PATH"} {
		at := strings.TrimPrefix(s.Environment[key], "file://")
		if strings.Contains(key, "TLS") {
			at = filepath.Dir(at)
		}
		if s.Environment[key] != "" && !slices.Contains(targets, at) {
			all = append(all, "nothing is mounted at "+at)
		}
	}
	for _, word := range s.Command {
		if strings.HasPrefix(word, "/scripts/") && !slices.Contains(targets, word) {
			all = append(all, "nothing is mounted at "+word)
		}
	}
	return all
}

// reachFlaws: what a service names as host:port is a service on a network of its own that listens there, as its health check says too.
func (c composition) reachFlaws(name string, s service) (all []string) {
	listening := map[string]string{"postgres:5432": "--port=5432", "temporal:7233": "nc -z 127.0.0.1 " + c.Services["temporal"].Environment["FRONTEND_GRPC_PORT"]}
	for _, value := range s.Environment {
		if u, err := url.Parse(value); err == nil && strings.HasPrefix(u.Scheme, "postgres") && u.Host != "" {
			value = u.Host
		} else if !regexp.MustCompile(`^[a-z]+:[0-9]+$`).MatchString(value) {
			continue
		}
		host, _, _ := strings.Cut(value, ":")
		if _, known := listening[value]; !known || !slices.ContainsFunc(s.Networks, func(n string) bool { return slices.Contains(c.Services[host].Networks, n) }) {
			all = append(all, value+" is not a service that can be reached")
		}
	}
	for at, test := range listening {
		if host, port, _ := strings.Cut(at, ":"); host == name && (!strings.Contains(s.healthTest(), test) || !strings.Contains(test, port)) {
			all = append(all, "its health check does not ask port "+port)
		}
	}
	if port := s.Environment["TEMPORAL_UI_PORT"]; port != "" && !strings.Contains(s.healthTest(), "127.0.0.1:"+port+"/") {
		all = append(all, "its health check does not ask port "+port)
	}
	for _, n := range s.Networks {
		if _, declared := c.Networks[n]; !declared {
			all = append(all, "there is no network "+n)
		}
		if n != "inside" && slices.Contains([]string{"postgres", "temporal"}, name) {
			all = append(all, "it is on the network "+n)
		}
	}
	if strings.Join(s.Command, " ") == "devmail" && s.NetworkMode != "service:worker" {
		all = append(all, "IMAP and SMTP without TLS are for the worker's loopback only")
	}
	return all
}

// programFlaws: a service of ours runs a command that exists, with settings that there are and that suffice.
func (c composition) programFlaws(name string, s service, r recipe) (all []string) {
	if !c.ours(s) {
		return nil
	}
	command := settings.Command(strings.Join(s.Command, " "))
	users := []settings.Command{command}
	switch {
	case command == "version": // the service for what people do by hand
		users = []settings.Command{settings.Apply, settings.Export, settings.Account, settings.Keyring, settings.Replay}
	case !slices.Contains(settings.Commands(), command):
		return []string{"there is no command " + string(command)}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Environment)) {
		if flaw := settingFlaw(key, users); flaw != "" {
			all = append(all, flaw)
		}
	}
	for _, user := range users {
		if _, err := settings.Load(user, func(key string) string { return s.Environment[key] }); err != nil {
			all = append(all, strings.Split(strings.TrimPrefix(err.Error(), "invalid: "), "\n")...)
		}
	}
	if want := "CMD " + r.entrypoint() + " health " + string(command); slices.Contains([]string{"worker", "api"}, name) && s.healthTest() != want {
		all = append(all, "its health check is not "+want)
	}
	return all
}

func settingFlaw(key string, users []settings.Command) string {
	if key == "GOMEMLIMIT" || strings.HasPrefix(key, "POSTROOM_SECRET_") { // Go's own, and secrets that the configuration names
		return ""
	}
	i := slices.IndexFunc(settings.Table(), func(v settings.Variable) bool { return v.Name == key })
	if i < 0 {
		return "there is no setting " + key
	}
	if !slices.ContainsFunc(users, func(c settings.Command) bool { return slices.Contains(settings.Table()[i].UsedBy, c) }) {
		return fmt.Sprintf("%s is not for %s", key, users[0])
	}
	return ""
}

// The program knows every command that the files give it.
func TestCommandsOfComposeFilesExist(t *testing.T) {
	t.Parallel()
	c, err := compose(filledIn(), read(composeFile), read(trialFile))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Program(t)
	commands := [][]string{{"health"}}
	for _, s := range c.Services {
		if c.ours(s) {
			commands = append(commands, s.Command)
		}
	}
	if len(commands) != 6 {
		t.Errorf("the files have %q", commands)
	}
	for _, command := range commands {
		ran := testkit.RunProgram(t.Context(), []string{"PATH=" + os.Getenv("PATH")}, "", append(slices.Clone(command), "--help")...)
		if usage := "Usage:\n  postroom " + strings.Join(command, " ") + " "; !strings.Contains(ran.Stdout, usage) {
			t.Errorf("%v: %v\n%s%s", command, ran.Err, ran.Stdout, ran.Stderr)
		}
	}
}

// What people filter by in Temporal's pages is what workflows set, in production as in deploy/embedded.
func TestNamespaceOfProductionIsThatOfTheTests(t *testing.T) {
	t.Parallel()
	script, embedded := read(namespaceFile), read("deploy/embedded/namespace.go")
	for _, name := range []string{workflows.AttributeState.GetName(), workflows.AttributeQueue.GetName(), workflows.AttributeAgent.GetName()} {
		if !strings.Contains(script, "--name "+name+" --type Keyword") || !regexp.MustCompile(`"`+name+`":\s+enums.INDEXED_VALUE_TYPE_KEYWORD`).MatchString(embedded) {
			t.Errorf("search attribute %s is not made everywhere", name)
		}
	}
	if n := strings.Count(script, "--name "); n != 3 || strings.Count(embedded, "enums.INDEXED_VALUE_TYPE_KEYWORD") != n {
		t.Errorf("%d search attributes are made", n)
	}
	if !strings.Contains(script, "--retention 720h") || !strings.Contains(embedded, "retention = 30 * 24 * time.Hour") {
		t.Error("retention is not 30 days everywhere")
	}
}
