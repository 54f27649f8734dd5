package stack

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shared is a writer that several goroutines use.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func shell(script string) ProcessSpec {
	return ProcessSpec{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func start(t *testing.T, spec ProcessSpec) *Process {
	t.Helper()
	process, err := StartProcess(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return process
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestOutputComesInWholeLinesWithTheNameInFront(t *testing.T) {
	t.Parallel()
	var out shared
	spec := shell("printf 'one\\ntw'; printf 'o\\nthree'; echo four >&2; printf five")
	spec.Output = &out
	process := start(t, spec)
	<-process.Done()
	if want := "script | one\nscript | two\nscript | threefour\nscript | five\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestLineWithoutAnEndIsPassedOnInPieces(t *testing.T) {
	t.Parallel()
	var lines []string
	w := &lineWriter{onLine: func(line string) { lines = append(lines, line) }}
	w.Write(bytes.Repeat([]byte("x"), longestLine+10))
	w.Write([]byte("y\n\nz"))
	w.flush()
	if len(lines) != 4 || lines[1] != "y" || lines[2] != "" || lines[3] != "z" {
		t.Errorf("got %d lines, the last ones %q", len(lines), lines[1:])
	}
	for i := range 2 * keptLines {
		fmt.Fprintln(w, i)
	}
	if last := w.lastLines(); len(last) != keptLines || last[0] != strconv.Itoa(keptLines) {
		t.Errorf("it remembers %q, want the last %d", last, keptLines)
	}
}

func TestUnexpectedEndIsReportedWithTheLastLines(t *testing.T) {
	t.Parallel()
	process := start(t, shell("echo the reason; exit 3"))
	<-process.Done()
	wantReason(t, process.Err(), ReasonProcessEnded, "script", "exit status 3", "the reason")
}

func TestStoppedProcessEndsInOrder(t *testing.T) {
	t.Parallel()
	var out shared
	spec := shell("trap 'echo in order; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
	spec.Output = &out
	process := start(t, spec)
	eventually(t, "the script is ready", func() bool { return strings.Contains(out.String(), "ready") })
	if err := process.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "in order") || process.Err() != nil {
		t.Errorf("it said %q and ended with %v, want an orderly end", out.String(), process.Err())
	}
	if err := process.Stop(t.Context()); err != nil {
		t.Errorf("stopping it twice: %v", err)
	}
}

// playDeaf ignores every signal that can be ignored.
func playDeaf() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	fmt.Println("deaf")
	select {}
}

func TestProcessThatIgnoresTheRequestIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	var out shared
	program := asChild(t, "ignore-signals")
	process := start(t, ProcessSpec{Name: "deaf", Path: program.Path, Env: program.Env, Dir: "/", Output: &out, Grace: 50 * time.Millisecond})
	eventually(t, "the child is deaf", func() bool { return strings.Contains(out.String(), "deaf | deaf") })
	wantReason(t, process.Stop(t.Context()), ReasonProcessEnded, "deaf", "killed")
	if alive(process.PID()) {
		t.Error("it still runs")
	}
}

func TestKillReachesTheWholeProcessGroup(t *testing.T) {
	t.Parallel()
	var out shared
	spec := shell("sleep 600 & echo $!; wait")
	spec.Output = &out
	process := start(t, spec)
	eventually(t, "the script names its child", func() bool { return strings.HasSuffix(out.String(), "\n") })
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(out.String(), "script | ")))
	if err != nil {
		t.Fatal(err)
	}
	process.Kill()
	eventually(t, "the child of the killed process ends", func() bool { return !running(child) })
}

// running is alive for a process that is not our child: one that has ended may wait for its new parent to collect it.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestProcessIsStartedAgainWithGrowingPausesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	var out, log shared
	spec := shell("echo run; exit 1")
	spec.Output, spec.RestartAfter = &out, 5*time.Millisecond
	spec.Logger = slog.New(slog.NewTextHandler(&log, nil))
	process := start(t, spec)
	eventually(t, "it ran four times", func() bool { return strings.Count(out.String(), "run") >= 4 })
	if err := process.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"process=script", "exit status 1", "pause=5ms", "pause=10ms", "pause=20ms"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

func TestKilledSupervisedProcessComesBackWithAnotherNumber(t *testing.T) {
	t.Parallel()
	spec := shell("exec sleep 600")
	spec.RestartAfter = time.Millisecond
	process := start(t, spec)
	first := process.PID()
	syscall.Kill(first, syscall.SIGKILL)
	eventually(t, "another process runs", func() bool { return process.PID() != first })
	process.Kill()
	select {
	case <-process.Done():
	default:
		t.Error("Kill returned before the end")
	}
}

// playParent starts a child that ignores what it can, names it, and waits to be killed.
func playParent() {
	program, err := os.Executable()
	if err != nil {
		fmt.Println(err)
		return
	}
	process, err := StartProcess(ProcessSpec{Name: "child", Path: program, Env: []string{childRole + "=ignore-signals"}, Dir: "/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.PID())
	select {}
}

func TestChildDiesWhenItsParentIsKilled(t *testing.T) {
	t.Parallel()
	parent := asChild(t, "parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	child, numberErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || numberErr != nil || !running(child) {
		t.Fatalf("the parent said %q (%v)", line, err)
	}
	parent.Process.Kill()
	parent.Wait()
	eventually(t, "the child of the killed parent ends", func() bool { return !running(child) })
}

func TestProgramThatCannotBeStartedIsNamed(t *testing.T) {
	t.Parallel()
	_, err := StartProcess(ProcessSpec{Name: "nothing", Path: "/no/such/program", Dir: "/"})
	if err == nil || !strings.Contains(err.Error(), "start nothing") {
		t.Errorf("got %v, want an error that names it", err)
	}
}

func TestChildInheritsNoEnvironment(t *testing.T) {
	t.Parallel()
	var out shared
	path, err := exec.LookPath("env")
	if err != nil {
		t.Fatal(err)
	}
	process := start(t, ProcessSpec{Name: "env", Path: path, Dir: "/", Output: &out})
	<-process.Done()
	if out.String() != "" {
		t.Errorf("it inherited:\n%s", out.String())
	}
}
