package realmail_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/realmail"
	"github.com/postroom/postroom/internal/testkit"
)

// Servers that are stopped leave no process behind: Postfix's own script would.
func TestServersStartAndStop(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the servers are other accounts
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	s, err := realmail.Start(t.Context(), realmail.Options{Postfix: true})
	if postroom.ReasonOf(err) == realmail.ReasonNotHere {
		t.Skip("real mail servers cannot run here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Dovecot and one of its services, Postfix's master and one of its: what is looked for below is there.
	testkit.Eventually(t, "the servers to work", func() bool { return len(processesOf(dir)) >= 4 })
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "their processes to end", func() bool { return len(processesOf(dir)) == 0 })
}

// processesOf are the processes, but this one, that a directory is named to, or that work in it.
func processesOf(dir string) (names []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range all {
		if own, _ := os.Readlink("/proc/self"); filepath.Base(process) == own {
			continue
		}
		working, _ := os.Readlink(filepath.Join(process, "cwd"))
		arguments, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		if bytes.Contains(bytes.Join([][]byte{[]byte(working), arguments, environment}, nil), []byte(dir)) {
			names = append(names, process)
		}
	}
	return names
}
