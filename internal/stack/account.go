package stack

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/postroom/postroom"
)

// passThrough is the permission that lets the group of the server's account pass through a directory.
const passThrough = 0o010

// Account is an account of the operating system.
type Account struct {
	Name     string
	UID, GID int
}

// serverAccount returns the account that runs PostgreSQL: nil, which is our own, unless we are root, as whom PostgreSQL
// refuses to run. Then it is "postgres", which the distribution's package makes, else "nobody".
func serverAccount() (*Account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(found.Uid)
		gid, gidErr := strconv.Atoi(found.Gid)
		if uidErr == nil && gidErr == nil {
			return &Account{Name: name, UID: uid, GID: gid}, nil
		}
	}
	return nil, postroom.Refused(ReasonPrerequisiteMissing,
		"PostgreSQL does not run as root, and there is neither an account \"postgres\" nor \"nobody\" to run it as")
}

func (a *Account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.UID), Gid: uint32(a.GID), Groups: []uint32{uint32(a.GID)}}
}

// own makes a directory or file that of the account, closed to all others.
func (a *Account) own(path string, mode fs.FileMode) error {
	if a != nil {
		if err := os.Chown(path, a.UID, a.GID); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}

// admit lets the account's group, and nobody else, pass through a directory of ours.
func (a *Account) admit(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(path, -1, a.GID); err != nil {
		return err
	}
	return os.Chmod(path, privateDir|passThrough)
}

// mayEnter reports whether the account can reach a directory. The kernel is asked rather than the permissions read: the
// child changes its account before it changes its directory.
func (a *Account) mayEnter(dir, program string) bool {
	if a == nil {
		return true
	}
	cmd := exec.Command(program, "--version")
	cmd.Dir = dir
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	return !errors.Is(cmd.Run(), fs.ErrPermission)
}

// firstLine returns the first line of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
