package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/postroom/postroom"
)

const (
	// outsideDir is where clusters live whose state directory the server's account cannot enter.
	outsideDir = "/var/lib/postroom"
	// markFile, in a place outside, says which state directory it belongs to: its path, and a secret of it.
	markFile = "belongs-to"
	// identity is the secret that tells a state directory from an earlier one of the same path.
	identity = "cluster"

	initdbTime = 2 * time.Minute
)

// cluster is the directory of one PostgreSQL cluster and what it takes to make it and to describe it to the server.
type cluster struct {
	place    string // holds data and log
	account  *Account
	binaries PostgresBinaries
}

func (c cluster) data() string { return filepath.Join(c.place, "data") }

func (c cluster) log() string { return filepath.Join(c.place, "log") }

// openCluster finds the place of the state directory's cluster, or makes it, with the installation that fits the data.
func openCluster(ctx context.Context, dir *StateDir) (cluster, error) {
	found := findAllPostgres(ctx, postgresDirectories)
	if len(found) == 0 {
		_, err := FindPostgres(ctx)
		return cluster{}, err
	}
	account, err := serverAccount()
	if err != nil {
		return cluster{}, err
	}
	c := cluster{account: account, binaries: found[0]}
	if c.place, err = findPlace(dir, account, c.binaries); err != nil {
		return cluster{}, err
	}
	version, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return cluster{}, cannot("read the version of the PostgreSQL data", err)
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(version)))
	for _, binaries := range found {
		if binaries.Major == major {
			c.binaries = binaries
			return c, nil
		}
	}
	return cluster{}, postroom.Refused(ReasonPrerequisiteMissing, fmt.Sprintf(
		"the data in %s need PostgreSQL %d, and the installed one is %d; install the other or use a new state directory",
		c.place, major, found[0].Major))
}

// findPlace returns the directory for data and log: "postgres" below the state directory. When the server runs as another
// account that cannot get there, because a directory above is closed to it, the place is outsideDir/<hash of the path>.
func findPlace(dir *StateDir, account *Account, binaries PostgresBinaries) (string, error) {
	if outside, err := os.ReadFile(filepath.Join(dir.path, elsewhereFile)); err == nil {
		return prepareOutside(dir, account, strings.TrimSpace(string(outside)))
	}
	inside, err := dir.Sub("postgres")
	if err != nil {
		return "", err
	}
	if err := errors.Join(account.admit(dir.path), account.own(inside, privateDir)); err != nil {
		return "", cannot("give "+inside+" to the account that runs PostgreSQL", err)
	}
	if account.mayEnter(inside, binaries.Postgres()) {
		return inside, nil
	}
	if _, err := os.Stat(filepath.Join(inside, "data")); err == nil {
		return "", postroom.Refused(ReasonStateDirNotPrivate, fmt.Sprintf(
			"account %s, which runs PostgreSQL, can no longer reach its data in %s; open the directories above it to that account",
			account.Name, inside))
	}
	hash := sha256.Sum256([]byte(dir.path))
	return prepareOutside(dir, account, filepath.Join(outsideDir, hex.EncodeToString(hash[:8])))
}

// prepareOutside makes the place outside and ties it to the state directory in both directions. A cluster of an earlier
// state directory of the same path is deleted: its passwords are gone with that directory.
func prepareOutside(dir *StateDir, account *Account, place string) (string, error) {
	secret, err := dir.Secret(identity)
	if err != nil {
		return "", err
	}
	mark := dir.path + "\n" + secret + "\n"
	kept, err := os.ReadFile(filepath.Join(place, markFile))
	if err == nil && string(kept) == mark {
		return place, nil
	}
	if err == nil {
		if err := removeElsewhere(place, dir.path); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return "", cannot("create "+filepath.Dir(place), err)
	}
	if err := os.Mkdir(place, privateDir); err != nil {
		return "", cannot("create "+place, err)
	}
	err = errors.Join(
		writeWhole(filepath.Join(place, markFile), mark),
		writeWhole(filepath.Join(dir.path, elsewhereFile), place+"\n"),
		account.own(place, privateDir),
	)
	if err != nil {
		return "", cannot("prepare "+place, err)
	}
	return place, nil
}

// removeElsewhere deletes a place outside, and only one that was made for that state directory.
func removeElsewhere(place, statePath string) error {
	mark, err := os.ReadFile(filepath.Join(place, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cannot("read "+filepath.Join(place, markFile), err)
	}
	if filepath.Dir(place) != outsideDir || firstLine(string(mark)) != statePath {
		return postroom.Refused(ReasonStateDirNotPrivate, place+" belongs to another state directory and is left alone")
	}
	if err := os.RemoveAll(place); err != nil {
		return cannot("delete "+place, err)
	}
	return nil
}

// initialise makes the cluster if there is none. It is made under another name, so that it exists whole or not at all.
func (c cluster) initialise(ctx context.Context, superPassword string, durability Durability) error {
	if _, err := os.Stat(c.data()); err == nil {
		return nil
	}
	if err := os.MkdirAll(c.log(), privateDir); err != nil {
		return cannot("create "+c.log(), err)
	}
	password := filepath.Join(c.place, "initdb-password")
	defer os.Remove(password)
	err := errors.Join(c.account.own(c.log(), privateDir), writeWhole(password, superPassword+"\n"), c.account.own(password, privateFile))
	if err != nil {
		return cannot("prepare "+c.place, err)
	}
	var text []byte
	// C.UTF-8 exists on current systems with glibc and musl; C differs from it only in the case of letters beyond ASCII.
	for _, locale := range []string{"C.UTF-8", "C"} {
		if text, err = c.initdb(ctx, locale, password, durability); err == nil {
			return nil
		}
	}
	return postroom.Unavailable(ReasonProcessEnded, "initdb failed: "+strings.TrimSpace(string(text)), err)
}

func (c cluster) initdb(ctx context.Context, locale, password string, durability Durability) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, initdbTime)
	defer cancel()
	unfinished := c.data() + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return nil, err
	}
	args := []string{"--pgdata=" + unfinished, "--username=" + string(RoleSuperuser), "--pwfile=" + password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=" + locale, "--data-checksums", "--no-instructions"}
	if durability == Disposable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, c.binaries.Initdb(), args...)
	cmd.Dir = c.place
	cmd.Env = serverEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.account.credential()}
	text, err := cmd.CombinedOutput()
	if err != nil {
		return text, err
	}
	return nil, os.Rename(unfinished, c.data())
}

// serverEnvironment is all that PostgreSQL's programs inherit.
func serverEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

// configure writes the server's whole configuration, at each start, so that a new version of it takes effect.
//
// The log must hold no row of a table (R36). Terse verbosity leaves out DETAIL, which quotes keys, and CONTEXT; statements
// and parameters are never logged; and as the primary message of an error may quote a value too ("invalid input syntax for
// type uuid: …"), errors are not logged at all: they reach the client, which knows what it may say.
func (c cluster) configure(port int, durability Durability) error {
	settings := []string{
		"listen_addresses = '" + Loopback + "'",
		"port = " + strconv.Itoa(port),
		"unix_socket_directories = ''",
		"max_connections = 200",
		"password_encryption = 'scram-sha-256'",

		"log_min_messages = log",
		"log_error_verbosity = terse",
		"log_min_error_statement = panic",
		"log_statement = none",
		"log_min_duration_statement = -1",
		"log_parameter_max_length = 0",
		"log_parameter_max_length_on_error = 0",
		"log_lock_waits = off",
		"log_temp_files = -1",

		"logging_collector = on",
		"log_directory = '" + strings.ReplaceAll(c.log(), "'", "''") + "'",
		"log_filename = 'postgresql-%a.log'", // a week's files, each begun anew a week later
		"log_rotation_age = 1d",
		"log_rotation_size = 0",
		"log_truncate_on_rotation = on",
		"log_file_mode = 0600",
		"log_line_prefix = '%m [%p] %u@%d '",
	}
	if durability == Disposable {
		settings = append(settings,
			"fsync = off", "full_page_writes = off", // not synchronous_commit: a killed server must not lose what it confirmed
			"shared_buffers = 32MB", "max_wal_size = 256MB", "wal_level = minimal", "max_wal_senders = 0")
	}
	access := "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"
	for name, content := range map[string]string{
		"postgresql.conf": strings.Join(settings, "\n") + "\n",
		"pg_hba.conf":     access,
	} {
		path := filepath.Join(c.data(), name)
		if err := errors.Join(writeWhole(path, content), c.account.own(path, privateFile)); err != nil {
			return cannot("write "+path, err)
		}
	}
	return nil
}

// endPrevious ends a server that still runs on the data: the parent of that one was killed, and it has not finished its own
// shutdown. A number in the pid file that now belongs to another program is removed, as it would keep PostgreSQL from starting.
func (c cluster) endPrevious(ctx context.Context) error {
	path := filepath.Join(c.data(), "postmaster.pid")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cannot("read "+path, err)
	}
	pid, err := strconv.Atoi(firstLine(string(content)))
	if err != nil || pid <= 1 {
		return nil
	}
	data, err := filepath.EvalSymlinks(c.data())
	if err != nil {
		return cannot("resolve "+c.data(), err)
	}
	switch workingDir(pid) {
	case "": // it has ended, or this system does not let us look: PostgreSQL itself has to decide
		return nil
	case data: // the server works in its data directory
	default:
		if err := os.Remove(path); err != nil {
			return cannot("remove "+path, err)
		}
		return nil
	}
	syscall.Kill(pid, syscall.SIGINT)
	err = poll(ctx, 30*time.Second, func(context.Context) error {
		if workingDir(pid) == data {
			return errors.New("it still runs")
		}
		return nil
	})
	if err != nil {
		return postroom.Unavailable(ReasonProcessEnded,
			fmt.Sprintf("an earlier PostgreSQL, process %d, still uses %s and does not end", pid, c.data()), err)
	}
	return nil
}

// workingDir returns the working directory of a process, and "" if there is no such process, if it has ended and only waits
// to be collected, or on a system other than Linux.
func workingDir(pid int) string {
	dir, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return ""
	}
	return dir
}
