package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/postroom/postroom"
)

const (
	defaultGrace = 15 * time.Second
	// longestPause is where the doubling pause between restarts ends; wellAfter is how long a process must have run for the
	// pause to start anew.
	longestPause = 30 * time.Second
	wellAfter    = time.Minute
	// pipeTime is how long output is still read after a process has ended: what it left behind may hold the pipe open.
	pipeTime = time.Second
)

// ProcessSpec describes a child process.
type ProcessSpec struct {
	// Name is how messages and the prefix of output lines call it.
	Name string
	// Path and Args are the program and its arguments, without the program's name.
	Path string
	Args []string
	// Env is the whole environment; nothing is inherited.
	Env []string
	// Dir is the working directory.
	Dir string
	// Account is whose rights the process gets; nil means our own.
	Account *Account
	// Output gets standard output and error, a line per Write, each with the name as prefix. Nil drops them. A writer that
	// several processes share must be safe for concurrent use, as files are.
	Output io.Writer
	// StopSignal asks for an orderly end (SIGTERM if zero), Grace is how long that may take before SIGKILL (15 s if zero).
	StopSignal syscall.Signal
	Grace      time.Duration
	// DeathSignal is what the kernel sends when our own process ends in whatever way, SIGKILL included (SIGKILL if zero).
	// Linux only; elsewhere a child outlives a parent that was killed.
	DeathSignal syscall.Signal
	// RestartAfter is the pause before the process is started again when it ends without having been asked to. It doubles
	// up to 30 s, and starts anew after a minute of running. Zero means never.
	RestartAfter time.Duration
	// Logger hears of restarts; nil drops them.
	Logger *slog.Logger

	onLine func(line string) // instead of Output, for programs whose output is read and not shown
}

// Process is a running child, or with RestartAfter a series of them. Its methods are safe for concurrent use.
type Process struct {
	spec   ProcessSpec
	done   chan struct{} // closed when the last child has ended and no other follows
	asked  chan struct{} // closed when Stop or Kill was called
	ask    sync.Once
	output *lineWriter

	mu   sync.Mutex
	cmd  *exec.Cmd
	exit error
}

// StartProcess starts a child in a process group of its own, so that Ctrl-C at a terminal reaches only us.
func StartProcess(spec ProcessSpec) (*Process, error) {
	if spec.StopSignal == 0 {
		spec.StopSignal = syscall.SIGTERM
	}
	if spec.DeathSignal == 0 {
		spec.DeathSignal = syscall.SIGKILL
	}
	if spec.Grace == 0 {
		spec.Grace = defaultGrace
	}
	if spec.Logger == nil {
		spec.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Process{
		spec:   spec,
		done:   make(chan struct{}),
		asked:  make(chan struct{}),
		output: &lineWriter{onLine: spec.lines()},
	}
	started := make(chan error, 1)
	go p.keep(started)
	if err := <-started; err != nil {
		return nil, cannot("start "+spec.Name, err)
	}
	return p, nil
}

func (s ProcessSpec) lines() func(string) {
	switch {
	case s.onLine != nil:
		return s.onLine
	case s.Output != nil:
		return func(line string) { io.WriteString(s.Output, s.Name+" | "+line+"\n") }
	}
	return func(string) {}
}

// keep starts the child and waits for its end, again and again if need be. The kernel delivers the death signal when the
// thread that started the child ends, not the process; so one goroutine does both and keeps its thread until the child ended.
func (p *Process) keep(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)

	err := p.spawn()
	started <- err
	if err != nil {
		return
	}
	pause := p.spec.RestartAfter
	for {
		began := time.Now()
		if err == nil {
			err = p.cmd.Wait()
		}
		p.output.flush()
		p.setExit(err)
		if p.wasAsked() || p.spec.RestartAfter == 0 {
			return
		}
		if time.Since(began) > wellAfter {
			pause = p.spec.RestartAfter
		}
		p.spec.Logger.Warn("process ended and is started again", "process", p.spec.Name, "end", p.ending(), "pause", pause)
		select {
		case <-p.asked:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
		err = p.spawn()
	}
}

func (p *Process) spawn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wasAsked() {
		return errors.New("it was stopped")
	}
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env = p.spec.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would inherit
	}
	cmd.Dir = p.spec.Dir
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.WaitDelay = pipeTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.spec.Account.credential()}
	dieWithParent(cmd.SysProcAttr, p.spec.DeathSignal)
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return nil
}

// PID returns the process id of the present child, or of the last one.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// Done is closed when the process has ended and will not be started again.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says, after Done, how the process ended, with the last lines that it printed; nil if it was asked to end.
func (p *Process) Err() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	if p.wasAsked() {
		return nil
	}
	message := p.spec.Name + " ended: " + p.ending()
	if last := p.output.lastLines(); len(last) > 0 {
		message += "; its last lines were:\n" + strings.Join(last, "\n")
	}
	return postroom.Unavailable(ReasonProcessEnded, message, p.exit)
}

// Stop asks the process to end and waits. When Grace has passed or ctx is done, it is killed, which is reported as an error.
func (p *Process) Stop(ctx context.Context) error {
	p.signal(p.spec.StopSignal)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	case <-time.After(p.spec.Grace):
	}
	p.Kill()
	return postroom.Unavailable(ReasonProcessEnded, p.spec.Name+" did not stop when it was asked to, and was killed", ctx.Err())
}

// Kill sends SIGKILL to the process and its process group, and waits for the end. The process is not started again.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// finish waits for a program that is expected to end by itself, and returns nil if it ended well. When ctx is done before, the
// program is stopped.
func (p *Process) finish(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Stop(context.WithoutCancel(ctx))
		return postroom.Unavailable(ReasonProcessEnded, p.spec.Name+" was interrupted", ctx.Err())
	}
	if p.exit == nil {
		return nil
	}
	return p.Err()
}

func (p *Process) signal(signal syscall.Signal) {
	p.ask.Do(func() { close(p.asked) })
	p.mu.Lock()
	defer p.mu.Unlock()
	// os.Process knows whether the child was already waited for; only if not, the number is certainly still its own.
	if err := p.cmd.Process.Signal(signal); err == nil && signal == syscall.SIGKILL {
		syscall.Kill(-p.cmd.Process.Pid, signal)
	}
}

func (p *Process) wasAsked() bool {
	select {
	case <-p.asked:
		return true
	default:
		return false
	}
}

func (p *Process) setExit(err error) {
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, what it started holds the pipe
		err = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exit = err
}

func (p *Process) ending() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exit == nil {
		return "exit status 0"
	}
	return fmt.Sprint(p.exit)
}
