package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// Prerequisite is a program of the system that something in this repository needs.
type Prerequisite string

// The prerequisites.
const (
	// NeedPostgres: the server's programs, version 13 or newer, with the contrib extensions.
	NeedPostgres Prerequisite = "PostgreSQL 13 or newer"
	// NeedNode: Node 20.19 or newer with npm, to build the desktop.
	NeedNode Prerequisite = "Node 20.19 or newer with npm"
	// NeedChromium: a Chromium or Chrome, for the tests of the desktop.
	NeedChromium Prerequisite = "Chromium"
	// NeedCurl: curl, for the test of the API's guide.
	NeedCurl Prerequisite = "curl"
	// NeedDovecot: the IMAP server 2.3 with LMTP, for tests against a real one and for measurements.
	NeedDovecot Prerequisite = "Dovecot 2.3"
	// NeedPostfix: the SMTP server, for tests against a real one.
	NeedPostfix Prerequisite = "Postfix"
)

// installTime bounds one run of the package manager, waiting for another one included.
const installTime = 20 * time.Minute

// packages are what Debian and its descendants call them.
var packages = map[Prerequisite][]string{
	NeedPostgres: {"postgresql", "postgresql-contrib"},
	NeedNode:     {"nodejs", "npm"},
	NeedChromium: {"chromium"},
	NeedCurl:     {"curl"},
	NeedDovecot:  {"dovecot-imapd", "dovecot-lmtpd"},
	NeedPostfix:  {"postfix"},
}

// otherSource says where to get what a distribution's packages may lack or have too old.
var otherSource = map[Prerequisite]string{
	NeedPostgres: "install it with the package manager of your system, or from https://www.postgresql.org/download/",
	NeedNode:     "install it from https://nodejs.org/en/download",
	NeedChromium: "install Chromium or Google Chrome with the package manager of your system",
	NeedCurl:     "install it with the package manager of your system",
	NeedDovecot:  "install it with the package manager of your system",
	NeedPostfix:  "install it with the package manager of your system",
}

// Installer finds prerequisites and installs missing ones. The zero value is ready for use.
type Installer struct {
	// Output gets what the package manager prints; nil drops it.
	Output io.Writer

	patterns []string // instead of postgresDirectories, in tests
	confDir  string   // instead of /etc/postgresql-common, in tests
	usr      string   // instead of /usr, in tests
}

// Ensure returns nil when all of the needed programs are there. What is missing it installs with apt-get if that exists and
// we are root; else the error says exactly what to run or where to get it. A failed installation is an error as well.
func (i Installer) Ensure(ctx context.Context, needed ...Prerequisite) error {
	missing := i.missing(ctx, needed)
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return missingError(missing, advice(missing))
	}
	install := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, packagesOf(missing)...)
	if os.Geteuid() != 0 {
		return missingError(missing, "run: sudo "+strings.Join(install, " "))
	}
	if err := i.install(ctx, missing, install); err != nil {
		return err
	}
	if still := i.missing(ctx, missing); len(still) > 0 {
		return missingError(still, "the packages of this system do not provide it; "+advice(still))
	}
	return nil
}

func (i Installer) missing(ctx context.Context, needed []Prerequisite) []Prerequisite {
	var missing []Prerequisite
	for _, need := range needed {
		if !i.present(ctx, need) {
			missing = append(missing, need)
		}
	}
	return missing
}

func (i Installer) present(ctx context.Context, need Prerequisite) bool {
	switch need {
	case NeedPostgres:
		patterns := i.patterns
		if patterns == nil {
			patterns = postgresDirectories
		}
		return len(findAllPostgres(ctx, patterns)) > 0
	case NeedNode:
		version, err := output(ctx, "node", "--version")
		_, npmErr := exec.LookPath("npm")
		return err == nil && npmErr == nil && nodeIsNewEnough(version)
	case NeedChromium:
		_, err := FindChromium()
		return err == nil
	case NeedCurl:
		_, err := exec.LookPath("curl")
		return err == nil
	case NeedDovecot:
		return i.installed("sbin/dovecot", "lib/dovecot/imap", "lib/dovecot/lmtp")
	case NeedPostfix:
		return i.installed("sbin/postfix")
	}
	return false
}

// installed reports whether files are below /usr: servers are not on everybody's PATH.
func (i Installer) installed(files ...string) bool {
	root := i.usr
	if root == "" {
		root = "/usr"
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return false
		}
	}
	return true
}

// nodeIsNewEnough compares "v20.19.1" with 20.19.
func nodeIsNewEnough(version string) bool {
	major, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(version), "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a > 20 || a == 20 && b >= 19)
}

// FindChromium returns the path of a Chromium or Chrome: the one that the environment variable POSTROOM_CHROMIUM names, else
// the first on the PATH.
func FindChromium() (string, error) {
	if path := os.Getenv("POSTROOM_CHROMIUM"); path != "" {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
		return "", postroom.Refused(ReasonPrerequisiteMissing, "POSTROOM_CHROMIUM names no program: "+path)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", missingError([]Prerequisite{NeedChromium}, advice([]Prerequisite{NeedChromium}))
}

// install runs apt-get. Another package manager that is at work is waited for.
func (i Installer) install(ctx context.Context, missing []Prerequisite, command []string) error {
	steps := [][]string{{"apt-get", "update"}}
	for _, need := range missing {
		switch need {
		case NeedPostgres:
			if err := i.preventSystemCluster(); err != nil {
				return err
			}
		case NeedPostfix: // without a configuration it does not begin to take mail on port 25 of this machine
			steps = append(steps, []string{"sh", "-c", "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections"})
		}
	}
	for _, args := range append(steps, command) {
		if err := i.run(ctx, args); err != nil {
			return postroom.Unavailable(ReasonPrerequisiteMissing, fmt.Sprintf(
				"%s could not be installed: %q failed; see its output", names(missing), strings.Join(args, " ")), err)
		}
	}
	return nil
}

func (i Installer) run(ctx context.Context, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	process, err := StartProcess(ProcessSpec{
		Name: args[0],
		Path: args[0],
		Args: options(args),
		Env:  append(os.Environ(), "DEBIAN_FRONTEND=noninteractive"),
		// A package manager that is cut short leaves half-installed packages: it is asked to end, also when we die.
		DeathSignal: syscall.SIGTERM,
		Output:      i.Output,
	})
	if err != nil {
		return err
	}
	return process.finish(ctx)
}

// options are the arguments of a step: the package manager waits for another one that is at work.
func options(args []string) []string {
	if args[0] != "apt-get" {
		return args[1:]
	}
	return append([]string{"-o", "DPkg::Lock::Timeout=600"}, args[1:]...)
}

// preventSystemCluster keeps Debian's package from making and starting a cluster of its own, on the port that people expect
// theirs on. An administrator's own file stays as it is.
func (i Installer) preventSystemCluster() error {
	dir := i.confDir
	if dir == "" {
		dir = "/etc/postgresql-common"
	}
	path := filepath.Join(dir, "createcluster.conf")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return cannot("create "+dir, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return cannot("write "+path, err)
	}
	_, err = file.WriteString("create_main_cluster = false\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return cannot("write "+path, err)
	}
	return nil
}

func missingError(missing []Prerequisite, what string) error {
	return postroom.Refused(ReasonPrerequisiteMissing, fmt.Sprintf("%s is needed and was not found; %s", names(missing), what))
}

func names(needs []Prerequisite) string {
	var list []string
	for _, need := range needs {
		list = append(list, string(need))
	}
	return strings.Join(list, ", ")
}

func advice(needs []Prerequisite) string {
	var list []string
	for _, need := range needs {
		list = append(list, otherSource[need])
	}
	return strings.Join(list, "; ")
}

func packagesOf(needs []Prerequisite) []string {
	var list []string
	for _, need := range needs {
		list = append(list, packages[need]...)
	}
	return list
}
