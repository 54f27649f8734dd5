package postroom_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

func TestMain(m *testing.M) { testkit.StackMain(m) }

// installation is what the compose file describes, run without containers: its PostgreSQL with the very flags and roles of the file, and
// its commands with their environment, in which names and directories of containers are replaced by those of this machine.
type installation struct {
	composition
	postgresPort int
	data         string
	account      *stack.Account
	binaries     stack.PostgresBinaries
	server       *stack.Process
	replacer     *strings.Replacer
	api, worker  string // where they listen
}

// install makes the database: initdb as the image does, and roles.sql.
func install(t *testing.T) *installation {
	t.Helper()
	in := &installation{}
	dir, err := os.MkdirTemp("", "postroom-compose-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	env := filledIn()
	env["DB_APP_PASSWORD"] = "p'q\"r" // what has to be quoted in SQL; URLs get it escaped, below
	in.composition, err = compose(env, read(composeFile))
	must(t, err)
	in.binaries, err = stack.FindPostgres(t.Context())
	must(t, err)
	in.account = unprivileged(t)
	in.data = filepath.Join(dir, "data")
	in.postgresPort = freePort(t)
	in.api, in.worker = loopbackAt(freePort(t)), loopbackAt(freePort(t))
	in.replacer = strings.NewReplacer(":p'q\"r@", ":p%27q%22r@", "postgres:5432", loopbackAt(in.postgresPort), "temporal:7233", loopbackAt(freePort(t)),
		"/var/lib/postroom/", dir+"/", "/etc/postroom/", dir+"/", "0.0.0.0:8443", in.api, "127.0.0.1:8081", in.worker)
	for _, name := range []string{"blobs", "secrets", "tls"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	password := filepath.Join(dir, "password")
	must(t, os.WriteFile(password, []byte(in.Services["postgres"].Environment["POSTGRES_PASSWORD"]), 0o600))
	if in.account != nil {
		must(t, errors.Join(os.Chmod(dir, 0o711), os.Chown(password, in.account.UID, in.account.GID), os.Mkdir(in.data, 0o700), os.Chown(in.data, in.account.UID, in.account.GID)))
	}
	initdb := exec.CommandContext(t.Context(), in.binaries.Initdb(), append([]string{"--pgdata=" + in.data, "--username=postgres", "--pwfile=" + password, "--auth=scram-sha-256", "--no-sync"},
		strings.Fields(in.Services["postgres"].Environment["POSTGRES_INITDB_ARGS"])...)...)
	initdb.Dir, initdb.Env = dir, []string{"PATH=" + os.Getenv("PATH")}
	if in.account != nil {
		initdb.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(in.account.UID), Gid: uint32(in.account.GID)}}
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { in.stopPostgres(t) })
	in.startPostgres(t, in.Services["postgres"].Command[1:])
	in.psql(t, rolesFile)
	return in
}

// unprivileged is an account for PostgreSQL, which refuses to run as root; nil is our own.
func unprivileged(t *testing.T) *stack.Account {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		must(t, err)
		gid, err := strconv.Atoi(u.Gid)
		must(t, err)
		return &stack.Account{Name: name, UID: uid, GID: gid}
	}
	t.Fatal("there is no account to run PostgreSQL as")
	return nil
}

// startPostgres starts the server with flags, and three more that say where it is on this machine.
func (in *installation) startPostgres(t *testing.T, flags []string) {
	t.Helper()
	var output lines
	server, err := stack.StartProcess(stack.ProcessSpec{Name: "postgres", Path: in.binaries.Postgres(), Dir: in.data, Account: in.account, Output: &output,
		Args:       append([]string{"-D", in.data, "--fsync=off", "--unix_socket_directories=", "--port=" + strconv.Itoa(in.postgresPort)}, flags...),
		Env:        []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"},
		StopSignal: syscall.SIGINT, DeathSignal: syscall.SIGINT})
	must(t, err)
	in.server = server
	testkit.Eventually(t, "PostgreSQL", func() bool {
		select {
		case <-server.Done():
			t.Fatalf("PostgreSQL does not start with %v: %v\n%s", flags, server.Err(), output.String())
		default:
		}
		conn, err := pgx.Connect(t.Context(), in.url("postgres", in.Services["postgres"].Environment["POSTGRES_PASSWORD"], "postgres"))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
}

func (in *installation) stopPostgres(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if in.server != nil {
		must(t, in.server.Stop(ctx))
	}
}

// psql runs a file as the image's own script does on a new volume.
func (in *installation) psql(t *testing.T, file string) {
	t.Helper()
	program := filepath.Join(in.binaries.Dir, "psql")
	if _, err := os.Stat(program); err != nil {
		program = "psql"
	}
	psql := exec.CommandContext(t.Context(), program, "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "--host=127.0.0.1", "--port="+strconv.Itoa(in.postgresPort), "--username=postgres",
		"--dbname=postgres", "--file="+file)
	psql.Env = []string{"PATH=" + os.Getenv("PATH"), "PGPASSWORD=" + in.Services["postgres"].Environment["POSTGRES_PASSWORD"]}
	for key, value := range in.Services["postgres"].Environment {
		psql.Env = append(psql.Env, key+"="+value)
	}
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
}

func (in *installation) url(role, password, database string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", role, strings.NewReplacer("'", "%27", `"`, "%22").Replace(password), loopbackAt(in.postgresPort), database)
}

// environment is that of a service, on this machine.
func (in *installation) environment(service string) []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	for key, value := range in.Services[service].Environment {
		env = append(env, key+"="+in.replacer.Replace(value))
	}
	return env
}

// run carries a command out in the environment of a service.
func (in *installation) run(t *testing.T, service string, command ...string) testkit.Ran {
	t.Helper()
	return testkit.RunProgram(t.Context(), in.environment(service), "", command...)
}

// start runs the command of a service until the test ends.
func (in *installation) start(t *testing.T, service string) *lines {
	t.Helper()
	output := &lines{}
	process, err := stack.StartProcess(stack.ProcessSpec{Name: service, Path: testkit.Program(t), Args: in.Services[service].Command, Env: in.environment(service), Dir: filepath.Dir(in.data), Output: output})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		must(t, process.Stop(ctx))
	})
	return output
}

// R36: with the flags of the file the store's own check passes; control: without them it names those that PostgreSQL's defaults violate.
// R43: the application's role may only what was granted to it.
func TestPostgreSQLOfTheComposeFileLogsNoRowAndSeparatesRoles(t *testing.T) {
	t.Parallel()
	testkit.Program(t)
	in := install(t)
	for range 2 { // `docker compose up` runs it each time
		if ran := in.run(t, "migrate", in.Services["migrate"].Command...); ran.Err != nil || !strings.Contains(ran.Stdout, "the schema is at version ") {
			t.Fatalf("migrate: %v\n%s%s", ran.Err, ran.Stdout, ran.Stderr)
		}
	}
	app, owner := in.Services["postgres"].Environment["DB_APP_PASSWORD"], in.Services["postgres"].Environment["DB_OWNER_PASSWORD"]
	must(t, in.logsNoRow(t, app))
	in.askAll(t)
	for who, may := range map[[3]string]map[string]bool{
		{"postroom_app", app, "postroom"}:     {"SELECT count(*) FROM contact": true, "CREATE TABLE x ()": false, "DELETE FROM audit": false, "SET ROLE postroom_owner": false},
		{"postroom_owner", owner, "postroom"}: {"CREATE TABLE x ()": true, "CREATE ROLE x": false, "CREATE DATABASE x": false},
		{"temporal", "te", "temporal"}:        {"CREATE TABLE x ()": true, "CREATE EXTENSION btree_gin": true, "CREATE ROLE x": false},
		{"postroom_app", app, "temporal"}:     nil,
		{"temporal", "te", "postroom"}:        nil,
		{"postroom_app", "", "postroom"}:      nil,
	} {
		conn, err := pgx.Connect(t.Context(), in.url(who[0], who[1], who[2]))
		if (err == nil) != (may != nil) {
			t.Errorf("%s in %s: %v", who[0], who[2], err)
		}
		for statement, allowed := range may {
			if _, err := conn.Exec(t.Context(), statement); (err == nil) != allowed {
				t.Errorf("%s in %s: %s: %v", who[0], who[2], statement, err)
			}
		}
		if err == nil {
			must(t, conn.Close(t.Context()))
		}
	}

	in.stopPostgres(t)
	in.startPostgres(t, []string{"--max_connections=50"})
	err := in.logsNoRow(t, app)
	for _, setting := range []string{"log_min_messages=", "log_min_error_statement=", "log_error_verbosity=", "log_parameter_max_length="} {
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("without flags: %v does not name %s", err, setting)
		}
	}
}

// logsNoRow is the store's own check, on connections of its own.
func (in *installation) logsNoRow(t *testing.T, password string) error {
	t.Helper()
	s, err := store.Open(t.Context(), in.url("postroom_app", password, "postroom"), store.Options{MaxConns: 2}, testkit.Silent())
	must(t, err)
	defer s.Close()
	must(t, s.Ready(t.Context()))
	return s.LogsNoRow(t.Context())
}

// The questions of docs/operations.md are asked of the schema as it is.
func (in *installation) askAll(t *testing.T) {
	t.Helper()
	blocks := strings.Split(read("docs/operations.md"), "```sql\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("there are %d questions", len(blocks))
	}
	conn, err := pgx.Connect(t.Context(), in.url("postgres", in.Services["postgres"].Environment["POSTGRES_PASSWORD"], "postroom"))
	must(t, err)
	defer conn.Close(context.Background())
	for _, block := range blocks {
		question, _, _ := strings.Cut(block, "```")
		if _, err := conn.Exec(t.Context(), question); err != nil {
			t.Errorf("%s: %v", question, err)
		}
	}
}

// Worker and API start in the environment of the file, the API with TLS, and their health checks say what is missing: Temporal alone.
func TestWorkerAndAPIOfTheComposeFileStart(t *testing.T) {
	t.Parallel()
	testkit.Program(t)
	in := install(t)
	selfSigned(t, in.replacer.Replace("/etc/postroom/tls/cert.pem"), in.replacer.Replace("/etc/postroom/tls/key.pem"))
	if ran := in.run(t, "worker", "worker"); !strings.Contains(ran.Stderr, "there is none") {
		t.Errorf("control: a worker without a key ring: %v\n%s", ran.Err, ran.Stderr)
	}
	for _, step := range []struct{ service, stdin, command string }{
		{"migrate", "", "migrate"}, {"cli", "", "keyring init"}, {"cli", in.sample(t), "apply -f -"}, {"cli", "correct horse battery\n", "account password admin"}, {"cli", "", "export"}} {
		if ran := testkit.RunProgram(t.Context(), in.environment(step.service), step.stdin, strings.Fields(step.command)...); ran.Err != nil {
			t.Fatalf("%s: %v\n%s", step.command, ran.Err, ran.Stderr)
		}
	}
	logs := map[string]*lines{"worker": in.start(t, "worker"), "api": in.start(t, "api")}
	for service, log := range logs {
		test := in.Services[service].Healthcheck.Test // CMD, the program, its arguments
		var ran testkit.Ran
		testkit.Eventually(t, service, func() bool {
			ran = in.run(t, service, test[2:]...)
			return strings.HasPrefix(ran.Stderr, "postroom: not ready: temporal: ") && !strings.Contains(ran.Stderr, ";")
		})
		if ran.Err == nil {
			t.Errorf("%s is healthy without Temporal", service)
		}
		if text := log.String(); !strings.Contains(text, `{"time":`) {
			t.Errorf("the log of %s is not JSON:\n%s", service, text)
		}
	}
}

// sample is the sample configuration, made as docs/operations.md says for trying out. Its servers are where trial.yml has them.
func (in *installation) sample(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(read("docs/operations.md"), "\nsed ")
	command, _, found := strings.Cut(rest, " | docker compose")
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "sed "+command).CombinedOutput()
	if err != nil || !found {
		t.Fatalf("sed: %v\n%s", err, out)
	}
	trial, err := compose(filledIn(), read(composeFile), read(trialFile))
	must(t, err)
	devmail := trial.Services["devmail"].Environment
	for _, want := range []string{"port: " + devmail["POSTROOM_DEV_IMAP_PORT"], "port: " + devmail["POSTROOM_DEV_SMTP_PORT"], "address: " + config.SampleAddress,
		"secret: env:POSTROOM_SECRET_MAILBOX"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the sample for trying out has no %q", want)
		}
	}
	if regexp.MustCompile(`\{\{(address|host|imap port|smtp port|secret)\}\}`).Match(out) { // what is left are variables of templates
		t.Errorf("sed left something out:\n%s", out)
	}
	return string(out)
}

// selfSigned writes a certificate for localhost and its key.
func selfSigned(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
}

// lines is what a process printed.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write satisfies io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := testkit.FreePort()
	must(t, err)
	return port
}

func loopbackAt(port int) string { return net.JoinHostPort(stack.Loopback, strconv.Itoa(port)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
