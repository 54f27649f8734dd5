package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// childRole makes this test binary play a child of a test instead of running tests.
const childRole = "POSTROOM_STACK_TEST_CHILD"

func TestMain(m *testing.M) {
	switch role, argument, _ := strings.Cut(os.Getenv(childRole), ":"); role {
	case "":
		os.Exit(m.Run())
	case "parent":
		playParent()
	case "postgres-parent":
		playPostgresParent(argument)
	case "holder":
		playHolder(argument)
	case "ignore-signals":
		playDeaf()
	}
}

// asChild returns a command that runs this binary in a role.
func asChild(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	return cmd
}

func stateDir(t *testing.T) *StateDir {
	t.Helper()
	dir, err := TemporaryStateDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Remove(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// startPostgres starts a cluster for one test.
func startPostgres(t *testing.T, dir *StateDir) *Postgres {
	t.Helper()
	pg := NewPostgres(dir, PostgresOptions{Durability: Disposable})
	t.Cleanup(func() {
		if err := pg.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pg
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	err := poll(t.Context(), 30*time.Second, func(context.Context) error {
		if check() {
			return nil
		}
		return errors.New("not yet")
	})
	if err != nil {
		t.Fatalf("it never happened that %s", what)
	}
}

func wantReason(t *testing.T, err error, reason postroom.Reason, words ...string) {
	t.Helper()
	if postroom.ReasonOf(err) != reason {
		t.Fatalf("got %v, want an error with reason %s", err, reason)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error %q does not name %q", err, word)
		}
	}
}

// readAll returns the contents of all files in a directory.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n", content)
	}
	return all.String()
}
