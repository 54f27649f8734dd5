package stack

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestStateDirectoryIsPrivateAndItsSecretsStay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "state")
	dir, err := OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := dir.Sub("mail", "spool")
	if err != nil {
		t.Fatal(err)
	}
	first, err := dir.Secret("database")
	if err != nil {
		t.Fatal(err)
	}
	other, err := dir.Secret("other")
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 48 || first == other {
		t.Errorf("the secrets are %q and %q, want two of 48 digits", first, other)
	}
	for path, want := range map[string]os.FileMode{
		dir.Path(): 0o700, sub: 0o700, filepath.Join(path, secretsDir): 0o700, filepath.Join(path, secretsDir, "database"): 0o600,
		filepath.Join(path, lockFile): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v (%v), want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	if dir, err = OpenStateDir(path); err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if again, err := dir.Secret("database"); err != nil || again != first {
		t.Errorf("the secret became %q (%v), want %q as before", again, err, first)
	}
}

func TestSecondHolderOfAStateDirectoryIsToldWhoHoldsIt(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	_, err := OpenStateDir(dir.Path())
	wantReason(t, err, ReasonStateDirInUse, dir.Path(), "process "+strconv.Itoa(os.Getpid()))
}

// playHolder opens a state directory, says so and waits to be killed.
func playHolder(path string) {
	_, err := OpenStateDir(path)
	os.Stdout.WriteString(strings.TrimSpace("held "+orEmpty(err)) + "\n")
	select {}
}

func orEmpty(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestStateDirectoryIsFreeAgainWhenItsHolderWasKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	holder := asChild(t, "holder:"+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the holder said %q (%v)", line, err)
	}
	_, err = OpenStateDir(path)
	wantReason(t, err, ReasonStateDirInUse, "process "+strconv.Itoa(holder.Process.Pid))
	holder.Process.Kill()
	holder.Wait()
	dir, err := OpenStateDir(path)
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
}

func TestDirectoryThatOthersMayEnterIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := OpenStateDir(path)
	wantReason(t, err, ReasonStateDirNotPrivate, "chmod 700 "+path)
	if _, err := OpenStateDir(os.DevNull); err == nil {
		t.Error("a device was accepted as a directory")
	}
}
