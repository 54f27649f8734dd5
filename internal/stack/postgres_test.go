package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func wantCode(t *testing.T, conn *pgx.Conn, code, statement string, args ...any) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement, args...)
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("%s: got %v, want SQLSTATE %s", statement, err, code)
	}
}

func TestPostgresRunsAsAnotherAccountWhenWeAreRoot(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	account, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join("/proc", strconv.Itoa(pg.PID())), pg.DataDir(), pg.LogDir()} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		want := os.Geteuid()
		if account != nil {
			want = account.UID
		}
		if got := int(info.Sys().(*syscall.Stat_t).Uid); got != want {
			t.Errorf("%s belongs to uid %d, want %d", path, got, want)
		}
	}
}

func TestPostgresListensOnLoopbackOnlyAndAsksForThePassword(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	conn := connect(t, pg.URL(RoleApp, Database))
	wrong := strings.Replace(pg.URL(RoleApp, Database), pg.Password(RoleApp), "wrong", 1)
	if _, err := pgx.Connect(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password gave %v, want SQLSTATE 28P01", err)
	}
	settings := map[string]string{
		"listen_addresses": Loopback, "unix_socket_directories": "", "data_checksums": "on", "server_encoding": "UTF8",
		"log_statement": "none", "log_error_verbosity": "terse", "log_min_error_statement": "panic", "log_min_messages": "log",
		"log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0", "fsync": "off",
	}
	for name, want := range settings {
		var got string
		err := connect(t, pg.URL(RoleSuperuser, Database)).QueryRow(t.Context(), "select current_setting($1)", name).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	conn.Close(t.Context())
}

func TestRolesMayDoWhatTheyAreForAndNoMore(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	owner := connect(t, pg.URL(RoleOwner, Database))
	app := connect(t, pg.URL(RoleApp, Database))
	temporal := connect(t, pg.URL(RoleTemporal, maintenanceDatabase))
	const forbidden = "42501"

	execute(t, owner, "create table granted (n int); create table hidden (n int)")
	execute(t, owner, fmt.Sprintf("grant select on granted to %s", RoleApp))
	execute(t, app, "select * from granted")
	wantCode(t, app, forbidden, "select * from hidden")
	wantCode(t, app, forbidden, "create table mine (n int)")
	wantCode(t, app, forbidden, "create temporary table mine (n int)")
	wantCode(t, app, forbidden, "create database mine")
	wantCode(t, owner, forbidden, "create database mine")

	execute(t, temporal, "create database temporal_made")
	execute(t, connect(t, pg.URL(RoleTemporal, "temporal_made")), "create extension btree_gin")
	if _, err := pgx.Connect(t.Context(), pg.URL(RoleTemporal, Database)); err == nil || !strings.Contains(err.Error(), forbidden) {
		t.Errorf("role temporal in the product's database gave %v, want SQLSTATE %s", err, forbidden)
	}
}

func TestDatabasesAreMadeAndDroppedOnRequest(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	for range 2 {
		if err := pg.CreateDatabase(t.Context(), "one_test"); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, connect(t, pg.URL(RoleOwner, "one_test")), "create table t (n int)")
	if err := pg.DropDatabase(t.Context(), "one_test"); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), pg.URL(RoleOwner, "one_test")); err == nil {
		t.Error("the dropped database takes connections")
	}
	if err := pg.CreateDatabase(t.Context(), `x"; drop`); err == nil {
		t.Error("a name that needs quoting was accepted")
	}
}

func TestLogHoldsNoRowWhenStatementsFail(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	conn := connect(t, pg.URL(RoleOwner, Database))
	const canary = "canary-4929-1337"
	execute(t, conn, "create table person (name text unique, checked text check (length(checked) < 5))")
	execute(t, conn, "insert into person (name) values ($1)", canary)
	wantCode(t, conn, "23505", "insert into person (name) values ($1)", canary)
	wantCode(t, conn, "23505", "insert into person (name) values ('"+canary+"')")
	wantCode(t, conn, "23514", "insert into person (checked) values ($1)", canary)
	wantCode(t, conn, "22P02", "select '"+canary+"'::uuid")
	wantCode(t, conn, "P0001", "do $$ begin raise exception '"+canary+"'; end $$")
	execute(t, conn, "do $$ begin raise warning '"+canary+"'; end $$")
	wantCode(t, conn, "42601", "selekt '"+canary+"'")

	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := readAll(t, pg.LogDir())
	if !strings.Contains(log, "database system is shut down") {
		t.Fatalf("the log is not what this test should search:\n%s", log)
	}
	if strings.Contains(log, canary) {
		t.Errorf("the log quotes a row:\n%s", log)
	}
}

func TestPostgresKilledAndStartedAgainHasItsDataAndPort(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	pg := startPostgres(t, dir)
	port := pg.Port()
	conn := connect(t, pg.URL(RoleOwner, Database))
	execute(t, conn, "create table kept (n int); insert into kept values (42)")

	pg.Kill()
	if err := conn.Ping(t.Context()); err == nil {
		t.Fatal("the killed server answers")
	}
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pg.Port() != port {
		t.Errorf("the port is %d, want the same as before, %d", pg.Port(), port)
	}
	var kept int
	if err := connect(t, pg.URL(RoleOwner, Database)).QueryRow(t.Context(), "select n from kept").Scan(&kept); err != nil || kept != 42 {
		t.Errorf("got %d (%v), want the row from before the kill", kept, err)
	}

	// The same directory, as a next run of the program finds it.
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := startPostgres(t, dir)
	if err := connect(t, again.URL(RoleOwner, Database)).QueryRow(t.Context(), "select n from kept").Scan(&kept); err != nil || kept != 42 {
		t.Errorf("got %d (%v), want the row from the run before", kept, err)
	}
}

func TestSupervisedPostgresComesBackByItself(t *testing.T) {
	t.Parallel()
	pg := NewPostgres(stateDir(t), PostgresOptions{Durability: Disposable, RestartAfter: 20 * time.Millisecond})
	t.Cleanup(pg.Kill)
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := pg.PID()
	conn := connect(t, pg.URL(RoleOwner, Database))
	execute(t, conn, "create table kept (n int)")
	syscall.Kill(first, syscall.SIGKILL)
	eventually(t, "the next server takes connections", func() bool {
		conn, err := pgx.Connect(t.Context(), pg.URL(RoleOwner, Database))
		if err != nil {
			return false
		}
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), "select * from kept")
		return err == nil && pg.PID() != first
	})
}

func TestForeignProcessNumberInThePidFileDoesNotKeepPostgresFromStarting(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t, stateDir(t))
	pg.Kill()
	account, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	// A live process of the server's account: PostgreSQL by itself would take it for a server and refuse to start.
	other := exec.Command("sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: account.credential()}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	path := filepath.Join(pg.DataDir(), "postmaster.pid")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "\n")
	if err := os.WriteFile(path, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(other.Process.Pid, 0) != nil {
		t.Error("the other process was ended")
	}
}

func TestDataLiveOutsideAStateDirectoryThatTheAccountCannotReach(t *testing.T) {
	t.Parallel()
	account, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	closed := t.TempDir() // its parent is closed to other accounts
	dir, err := OpenStateDir(filepath.Join(closed, "state"))
	if err != nil {
		t.Fatal(err)
	}
	pg := startPostgres(t, dir)
	outside := strings.HasPrefix(pg.DataDir(), outsideDir)
	if outside != (account != nil) {
		t.Fatalf("the data are in %s, with server account %v", pg.DataDir(), account)
	}
	execute(t, connect(t, pg.URL(RoleOwner, Database)), "create table kept (n int)")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, connect(t, pg.URL(RoleOwner, Database)), "select * from kept")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Deleting the state directory by hand takes the passwords away; a new one of the same path starts afresh.
	dir.Close()
	if err := os.RemoveAll(dir.Path()); err != nil {
		t.Fatal(err)
	}
	if dir, err = OpenStateDir(dir.Path()); err != nil {
		t.Fatal(err)
	}
	pg = startPostgres(t, dir)
	wantCode(t, connect(t, pg.URL(RoleOwner, Database)), "42P01", "select * from kept")
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := dir.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pg.DataDir()); !os.IsNotExist(err) {
		t.Errorf("%s outlives its state directory", pg.DataDir())
	}
}

func TestPostgresOnATakenPortIsRefusedByName(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", address(0))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	pg := NewPostgres(stateDir(t), PostgresOptions{Durability: Disposable, Port: port})
	wantReason(t, pg.Start(t.Context()), ReasonPortTaken, strconv.Itoa(port), "PostgreSQL")
}

// playPostgresParent starts a cluster, says where it is, and waits to be killed.
func playPostgresParent(path string) {
	dir, err := OpenStateDir(path)
	if err == nil {
		pg := NewPostgres(dir, PostgresOptions{Durability: Disposable})
		if err = pg.Start(context.Background()); err == nil {
			fmt.Println(pg.PID())
			select {}
		}
	}
	fmt.Println(err)
}

func TestNextRunTakesOverAfterTheWholeProgramWasKilled(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	path := dir.Path()
	dir.Close()
	parent := asChild(t, "postgres-parent:"+path)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	parent.Process.Kill()
	parent.Wait()
	if err != nil {
		t.Fatalf("the first program said %q", line)
	}
	if dir, err = OpenStateDir(path); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	pg := startPostgres(t, dir) // does not wait for the old server by itself
	if err := connect(t, pg.URL(RoleApp, Database)).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if running(pid) {
		t.Errorf("the first server, process %d, still runs", pid)
	}
}
