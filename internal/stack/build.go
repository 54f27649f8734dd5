package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postroom/postroom"
)

const (
	// temporalVariable names the environment variable with a ready-made program, which is then used as it is.
	temporalVariable = "POSTROOM_TEMPORAL_BINARY"
	// sourceDir is where the program's module is, below the root of this one.
	sourceDir  = "deploy/embedded"
	modulePath = "github.com/postroom/postroom"
	binaryName = "temporal-"
	// keepBuilds is how long a build of other sources is kept after its last use.
	keepBuilds = 30 * 24 * time.Hour
	// buildTime bounds one build, the download of its modules included.
	buildTime = time.Hour
)

// buildFlags make the program the same wherever it is built, and a third smaller.
var buildFlags = []string{"-trimpath", "-ldflags=-s -w"}

// BuildPhase is what a build is doing.
type BuildPhase string

// The phases of a build, in their order. The first is left out when nobody else builds, the second when nothing is missing.
const (
	BuildWaits     BuildPhase = "waiting for another process that builds it"
	BuildDownloads BuildPhase = "downloading modules"
	BuildCompiles  BuildPhase = "compiling packages"
	BuildLinks     BuildPhase = "linking"
)

// BuildProgress is how far the build of the Temporal server has come. Total is known for BuildCompiles only.
type BuildProgress struct {
	Phase       BuildPhase
	Done, Total int
	Elapsed     time.Duration
}

// String is a line for people: "compiling packages, 420 of 1786, 1m20s".
func (b BuildProgress) String() string {
	text := string(b.Phase)
	switch {
	case b.Total > 0:
		text += fmt.Sprintf(", %d of %d", b.Done, b.Total)
	case b.Done > 0:
		text += fmt.Sprintf(", %d", b.Done)
	}
	return fmt.Sprintf("%s, %v", text, b.Elapsed.Round(time.Second))
}

// TemporalBinary returns the path of the Temporal server's program (module deploy/embedded), which it builds first unless
// the user's cache directory has it: some minutes the first time, nothing afterwards. The environment variable
// POSTROOM_TEMPORAL_BINARY names one to use instead. The build is keyed by its sources, their dependencies and the Go version;
// several processes may call this at once, one of them builds. Builds of other sources go when nobody used them for 30 days.
//
// progress is called from another goroutine, about once a second; nil is allowed.
func TemporalBinary(ctx context.Context, progress func(BuildProgress)) (string, error) {
	if path := os.Getenv(temporalVariable); path != "" {
		found, err := exec.LookPath(path)
		if err == nil {
			found, err = filepath.Abs(found)
		}
		if err != nil {
			return "", postroom.Refused(ReasonSourceMissing, temporalVariable+" names no program: "+path)
		}
		return found, nil
	}
	source, err := findSource()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", cannot("find the cache directory of this account (set XDG_CACHE_HOME, or "+temporalVariable+")", err)
	}
	b := build{source: source, cache: filepath.Join(cache, "postroom"), began: time.Now(), progress: progress}
	return b.ensure(ctx)
}

// findSource looks for this module's root from the working directory upwards.
func findSource() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", cannot("find the working directory", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		file, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && firstLine(string(file)) == "module "+modulePath {
			source := filepath.Join(dir, filepath.FromSlash(sourceDir))
			if _, err := os.Stat(filepath.Join(source, "go.mod")); err != nil {
				return "", cannot("find the source of the Temporal server", err)
			}
			return source, nil
		}
		if dir == filepath.Dir(dir) {
			return "", postroom.Refused(ReasonSourceMissing, fmt.Sprintf(
				"the source of the Temporal server is not here: neither %s nor a directory above it is the root of module %s; "+
					"run this inside the repository, or set %s to a built program", start, modulePath, temporalVariable))
		}
	}
}

// build is one call of TemporalBinary.
type build struct {
	source, cache string
	began         time.Time
	progress      func(BuildProgress)
	last          BuildProgress
	reported      time.Time
}

func (b *build) ensure(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	hash, err := b.hash(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.cache, binaryName+hash)
	if present(path) {
		return path, nil
	}
	if err := os.MkdirAll(b.cache, privateDir); err != nil {
		return "", cannot("create "+b.cache, err)
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	if present(path) { // built while we waited
		return path, nil
	}
	if err := b.run(ctx, path); err != nil {
		return "", err
	}
	return path, b.prune(path)
}

// present reports whether the build is there, and notes that it was used.
func present(path string) bool {
	now := time.Now()
	return os.Chtimes(path, now, now) == nil
}

// hash identifies what the build depends on: the module's files, of which go.sum pins everything that is imported, the
// version of Go, and the platform.
func (b *build) hash(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	cmd.Dir = b.source
	goVersion, err := cmd.Output()
	if err != nil {
		return "", postroom.Refused(ReasonPrerequisiteMissing,
			"the go command, which builds the Temporal server, does not run: install Go, or set "+temporalVariable+" to a built program")
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s%q\n", goVersion, buildFlags)
	entries, err := os.ReadDir(b.source) // sorted by name
	if err != nil {
		return "", cannot("read "+b.source, err)
	}
	for _, entry := range entries {
		name := entry.Name()
		isSource := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
		if !isSource && name != "go.mod" && name != "go.sum" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(b.source, name))
		if err != nil {
			return "", cannot("read the source of the Temporal server", err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// lock lets one process build at a time.
func (b *build) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Join(b.cache, "build.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, cannot("open "+path, err)
	}
	err = poll(ctx, buildTime, func(context.Context) error {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			b.report(BuildProgress{Phase: BuildWaits})
			return err
		}
		if err != nil {
			return final{err}
		}
		return nil
	})
	if err != nil {
		file.Close()
		return nil, cannot("lock "+path, err)
	}
	return func() { file.Close() }, nil
}

// run builds the program under another name and renames it, so that it is there whole or not at all.
func (b *build) run(ctx context.Context, path string) error {
	total := 0
	// A package is stale when its compiled form is not in Go's own cache.
	list := append([]string{"list", "-deps", "-f", "{{if .Stale}}stale{{end}}"}, append(buildFlags, ".")...)
	err := b.command(ctx, list, func(line string) {
		switch {
		case strings.HasPrefix(line, "go: downloading"):
			b.report(BuildProgress{Phase: BuildDownloads, Done: b.last.Done + 1})
		case line == "stale":
			total++
		}
	})
	if err != nil {
		return err
	}
	b.report(BuildProgress{Phase: BuildCompiles, Total: total})
	unfinished := path + ".unfinished"
	defer os.Remove(unfinished)
	compile := append([]string{"build", "-v", "-o", unfinished}, append(buildFlags, ".")...)
	err = b.command(ctx, compile, func(line string) {
		if strings.ContainsAny(line, " #") { // not the name of a package
			return
		}
		done := b.last.Done + 1
		phase := BuildCompiles
		if done >= total {
			phase = BuildLinks
		}
		b.report(BuildProgress{Phase: phase, Done: done, Total: total})
	})
	if err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return cannot("put the Temporal server into "+path, err)
	}
	return nil
}

// command runs the go command. Its output is read by one goroutine, and by nobody after it has returned.
func (b *build) command(ctx context.Context, args []string, onLine func(string)) error {
	process, err := StartProcess(ProcessSpec{
		Name: "go " + args[0], Path: "go", Args: args, Dir: b.source, Env: os.Environ(),
		StopSignal: syscall.SIGKILL, // together with the compilers that it started
		onLine:     onLine,
	})
	if err != nil {
		return err
	}
	if err := process.finish(ctx); err != nil {
		return postroom.Unavailable(ReasonBuildFailed, "the Temporal server could not be built: "+message(err), err)
	}
	return nil
}

// report passes progress on, about once a second and at each new phase.
func (b *build) report(now BuildProgress) {
	newPhase := now.Phase != b.last.Phase
	b.last = now
	if b.progress == nil || !newPhase && time.Since(b.reported) < time.Second {
		return
	}
	b.reported = time.Now()
	now.Elapsed = time.Since(b.began)
	b.progress(now)
}

// prune removes builds of other sources that nobody used for long.
func (b *build) prune(path string) error {
	builds, err := filepath.Glob(filepath.Join(b.cache, binaryName+"*"))
	if err != nil {
		return cannot("list "+b.cache, err)
	}
	for _, other := range builds {
		info, err := os.Stat(other)
		if err != nil || other == path || time.Since(info.ModTime()) < keepBuilds {
			continue
		}
		if err := os.Remove(other); err != nil {
			return cannot("remove an old build", err)
		}
	}
	return nil
}

// message returns the sentence of an error of this package.
func message(err error) string {
	var e *postroom.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
