package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// StackMain runs the tests of a package that runs the whole product, and stops and removes what they shared: func TestMain(m *testing.M) {
// testkit.StackMain(m) }.
func StackMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(sharedStack.stop(), stopTemporal(), shared.stop(), built.remove()); err != nil {
		fmt.Fprintln(os.Stderr, "stop what the tests shared:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// built is the program as it ships: the tests' own binary may carry the race detector, and is no child that can be killed.
var built program

type program struct {
	once sync.Once
	dir  string
	err  error
}

// Program returns the path of the built program. It is built once per test process.
func Program(t testing.TB) string {
	t.Helper()
	path, err := built.path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *program) path() (string, error) {
	p.once.Do(p.build)
	return filepath.Join(p.dir, "postroom"), p.err
}

// buildTime is for a machine that compiles the product for the first time.
const buildTime = 15 * time.Minute

func (p *program) build() {
	if p.dir, p.err = os.MkdirTemp("", "postroom-program-"); p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	// Without the version of the repository: asking git would make two builds at once wait for each other.
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", p.dir, "github.com/postroom/postroom/cmd/postroom")
	if text, err := cmd.CombinedOutput(); err != nil {
		p.err = fmt.Errorf("build the program: %w\n%s", err, text)
	}
}

func (p *program) remove() error {
	if p.dir == "" {
		return nil
	}
	return os.RemoveAll(p.dir)
}

// Ran is what became of a command of the program.
type Ran struct {
	Stdout, Stderr string
	Err            error // nil if it ended with 0
}

// runTime is how long one command may take.
const runTime = time.Minute

// RunProgram runs one command of the program to its end, with this environment and nothing else.
func RunProgram(ctx context.Context, env []string, stdin string, args ...string) Ran {
	path, err := built.path()
	if err != nil {
		return Ran{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, bytes.NewBufferString(stdin), &stdout, &stderr
	err = cmd.Run()
	return Ran{Stdout: stdout.String(), Stderr: stderr.String(), Err: err}
}

// must is the error of a command that had to succeed, with what it said.
func (r Ran) must(args ...string) error {
	if r.Err == nil {
		return nil
	}
	return fmt.Errorf("postroom %v: %w\n%s%s", args, r.Err, r.Stdout, r.Stderr)
}
