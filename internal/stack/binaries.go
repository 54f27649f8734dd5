package stack

import (
	"cmp"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/postroom/postroom"
)

// oldestPostgres is the first version in which an owner of a database may create the extension btree_gin, which Temporal needs.
const oldestPostgres = 13

// postgresDirectories are where distributions keep the server's programs, which they do not put on the PATH.
var postgresDirectories = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/libexec/postgresql*",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

// PostgresBinaries is one installation of the PostgreSQL server.
type PostgresBinaries struct {
	Dir   string
	Major int
}

// Postgres is the path of the server, Initdb that of the program that makes a cluster.
func (b PostgresBinaries) Postgres() string { return filepath.Join(b.Dir, "postgres") }

// Initdb is the path of the program that makes a cluster.
func (b PostgresBinaries) Initdb() string { return filepath.Join(b.Dir, "initdb") }

// FindPostgres finds the server on the PATH, else the newest one in the distribution's directories, else by pg_config.
func FindPostgres(ctx context.Context) (PostgresBinaries, error) {
	found := findAllPostgres(ctx, postgresDirectories)
	if len(found) == 0 {
		return PostgresBinaries{}, postroom.Refused(ReasonPrerequisiteMissing,
			"the PostgreSQL server (postgres, initdb; version 13 or newer) is not installed")
	}
	return found[0], nil
}

// findAllPostgres lists the usable installations, the preferred one first.
func findAllPostgres(ctx context.Context, patterns []string) []PostgresBinaries {
	var found []PostgresBinaries
	consider := func(dir string) {
		binaries := PostgresBinaries{Dir: dir}
		if _, err := exec.LookPath(binaries.Initdb()); err != nil {
			return
		}
		binaries.Major = postgresMajor(ctx, binaries.Postgres())
		if binaries.Major >= oldestPostgres && !slices.Contains(found, binaries) {
			found = append(found, binaries)
		}
	}

	if path, err := exec.LookPath("postgres"); err == nil {
		// A link on the PATH leads to the directory where the server finds its own files.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			consider(filepath.Dir(path))
		}
	}
	onPath := len(found)
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // the patterns are constants: they are well-formed
		for _, dir := range dirs {
			consider(dir)
		}
	}
	slices.SortStableFunc(found[onPath:], func(a, b PostgresBinaries) int { return cmp.Compare(b.Major, a.Major) })
	if dir, err := output(ctx, "pg_config", "--bindir"); err == nil {
		consider(firstLine(dir))
	}
	return found
}

var versionNumber = regexp.MustCompile(`[0-9]+`)

// postgresMajor returns 0 for what is not a PostgreSQL server.
func postgresMajor(ctx context.Context, program string) int {
	text, err := output(ctx, program, "--version") // "postgres (PostgreSQL) 15.18 (Debian …)"
	if err != nil {
		return 0
	}
	major, _ := strconv.Atoi(versionNumber.FindString(text))
	return major
}

// output runs a short-lived program and returns what it printed.
func output(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, program, args...).Output()
	return string(text), err
}
