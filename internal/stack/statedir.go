package stack

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/postroom/postroom"
)

const (
	lockFile       = "lock"
	elsewhereFile  = "elsewhere" // names a directory outside that belongs to this state directory
	secretsDir     = "secrets"
	secretBytes    = 24
	privateDir     = 0o700
	privateFile    = 0o600
	othersAreLetIn = 0o077
)

// StateDir is a directory that holds everything that a stack keeps, held by one process at a time. The directory and what is
// in it belong to the account that runs the stack and are closed to all others; where PostgreSQL runs as another account,
// that account's group may pass through it (0710) and see nothing else.
type StateDir struct {
	path string
	lock *os.File
}

// OpenStateDir opens the directory, creates it if need be, and locks it until Close or the end of the process. It refuses a
// directory that another process holds, and one that others may enter: to close somebody's directory without being asked
// could lock people out of it.
func OpenStateDir(path string) (*StateDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, postroom.Internal("the path of the state directory cannot be resolved", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, cannot("create the directory above the state directory "+path, err)
	}
	if err := os.Mkdir(path, privateDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, cannot("create the state directory "+path, err)
	}
	if err := checkPrivate(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, cannot("open the lock of the state directory "+path, err)
	}
	dir := &StateDir{path: path, lock: lock}
	if err := dir.acquire(); err != nil {
		lock.Close()
		return nil, err
	}
	return dir, nil
}

// TemporaryStateDir opens a new state directory below the system's directory for temporary files. Remove deletes it.
func TemporaryStateDir() (*StateDir, error) {
	path, err := os.MkdirTemp("", "postroom-")
	if err != nil {
		return nil, cannot("create a temporary state directory", err)
	}
	return OpenStateDir(path)
}

// checkPrivate accepts group access as far as Postgres grants it: to pass through, not to list or write.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return cannot("read the state directory "+path, err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return postroom.Invalid(ReasonStateDirNotPrivate, path+" is not a directory")
	case ok && int(owner.Uid) != os.Geteuid():
		return postroom.Refused(ReasonStateDirNotPrivate,
			fmt.Sprintf("the state directory %s belongs to another account (uid %d); use one of your own", path, owner.Uid))
	case info.Mode().Perm()&othersAreLetIn&^passThrough != 0:
		return postroom.Refused(ReasonStateDirNotPrivate,
			fmt.Sprintf("others may enter the state directory %s; close it with: chmod 700 %s", path, path))
	}
	return nil
}

// acquire takes the lock, which the kernel drops when the process ends however it ends; the process id in the file is only
// there to be named to a second holder.
func (d *StateDir) acquire() error {
	err := syscall.Flock(int(d.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(d.lock.Name())
		return postroom.Refused(ReasonStateDirInUse, fmt.Sprintf(
			"the state directory %s is in use by process %s; stop that one or choose another directory",
			d.path, orUnknown(strings.TrimSpace(string(holder)))))
	}
	if err != nil {
		return cannot("lock the state directory "+d.path, err)
	}
	if err := d.lock.Truncate(0); err != nil {
		return cannot("write the lock of the state directory "+d.path, err)
	}
	if _, err := d.lock.WriteAt(fmt.Appendln(nil, os.Getpid()), 0); err != nil {
		return cannot("write the lock of the state directory "+d.path, err)
	}
	return nil
}

func orUnknown(pid string) string {
	if pid == "" {
		return "(unknown)"
	}
	return pid
}

// Path returns the absolute path of the directory.
func (d *StateDir) Path() string { return d.path }

// Sub returns the path of a directory below the state directory, creating it, and those above it, closed to others.
func (d *StateDir) Sub(names ...string) (string, error) {
	path := filepath.Join(append([]string{d.path}, names...)...)
	if err := os.MkdirAll(path, privateDir); err != nil {
		return "", cannot("create "+path, err)
	}
	return path, nil
}

// Secret returns the secret of that name: 48 hexadecimal digits of randomness, made at the first call and kept in a file
// that only this account may read. Deleting the file makes a new secret.
func (d *StateDir) Secret(name string) (string, error) {
	dir, err := d.Sub(secretsDir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", cannot("read the secret "+path, err)
	}
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	text := hex.EncodeToString(secret)
	if err := writeWhole(path, text+"\n"); err != nil {
		return "", cannot("write the secret "+path, err)
	}
	return text, nil
}

// KeptSecret reads a secret from a state directory that another process may hold. One that was never made is NotFound.
func KeptSecret(dir, name string) (string, error) {
	path := filepath.Join(dir, secretsDir, name)
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", postroom.NotFound("no_state", "nothing was started in "+dir+" yet: run postroom dev")
	}
	if err != nil {
		return "", cannot("read the secret "+path, err)
	}
	return strings.TrimSpace(string(kept)), nil
}

// writeWhole writes a private file that exists either whole or not at all.
func writeWhole(path, content string) error {
	unfinished, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	defer os.Remove(unfinished.Name())
	if _, err := unfinished.WriteString(content); err != nil {
		unfinished.Close()
		return err
	}
	if err := errors.Join(unfinished.Sync(), unfinished.Close()); err != nil {
		return err
	}
	return os.Rename(unfinished.Name(), path)
}

// Close gives the lock back. What is in the directory stays. Closing it twice is no error.
func (d *StateDir) Close() error {
	if err := d.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return cannot("unlock the state directory "+d.path, err)
	}
	return nil
}

// Remove deletes the directory, with the data that had to be kept outside it (see Postgres), and gives the lock back. The
// processes that use it must have been stopped before.
func (d *StateDir) Remove() error {
	if elsewhere, err := os.ReadFile(filepath.Join(d.path, elsewhereFile)); err == nil {
		if err := removeElsewhere(strings.TrimSpace(string(elsewhere)), d.path); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(d.path); err != nil {
		return cannot("delete the state directory "+d.path, err)
	}
	return d.Close()
}

// cannot is an operating system's refusal: the cause goes into the message, because the person at the terminal has to mend it.
func cannot(do string, err error) *postroom.Error {
	return &postroom.Error{Kind: postroom.KindUnavailable, Reason: "operating_system",
		Message: fmt.Sprintf("cannot %s: %v", do, err), Err: err}
}
