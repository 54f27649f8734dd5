package stack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestBuildProgressReadsAsALine(t *testing.T) {
	t.Parallel()
	for want, progress := range map[string]BuildProgress{
		"compiling packages, 420 of 1786, 1m20s":           {Phase: BuildCompiles, Done: 420, Total: 1786, Elapsed: 80*time.Second + time.Millisecond},
		"downloading modules, 17, 3s":                      {Phase: BuildDownloads, Done: 17, Elapsed: 3 * time.Second},
		"waiting for another process that builds it, 1m0s": {Phase: BuildWaits, Elapsed: time.Minute},
		"linking, 1786 of 1786, 4m0s":                      {Phase: BuildLinks, Done: 1786, Total: 1786, Elapsed: 4 * time.Minute},
	} {
		if got := progress.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// tinyRepository makes a repository whose server is a few lines, so that building it takes seconds.
func tinyRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module github.com/postroom/postroom\n")
	write(t, filepath.Join(root, "deploy/embedded/go.mod"), "module github.com/postroom/postroom/deploy/embedded\n\ngo 1.24\n")
	write(t, filepath.Join(root, "deploy/embedded/main.go"), "package main\n\nfunc main() { println(1) }\n")
	return root
}

// emptyCache gives the test a cache directory of its own, and leaves Go its own.
func emptyCache(t *testing.T) string {
	t.Helper()
	goCache, err := output(t.Context(), "go", "env", "GOCACHE")
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	t.Setenv("GOCACHE", firstLine(goCache))
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv(temporalVariable, "")
	return cache
}

// These tests change the working directory and the environment, so they are not parallel.

func TestBuildIsMadeOnceAndAgainWhenItsSourcesChange(t *testing.T) {
	root, cache := tinyRepository(t), emptyCache(t)
	t.Chdir(filepath.Join(root, "deploy"))

	var phases []BuildPhase
	ensure := func() string {
		t.Helper()
		phases = nil
		path, err := TemporalBinary(t.Context(), func(p BuildProgress) { phases = append(phases, p.Phase) })
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := ensure()
	if len(phases) == 0 {
		t.Error("the first build was silent")
	}
	if again := ensure(); again != first || len(phases) != 0 {
		t.Errorf("the second call gave %s after %v, want %s at once", again, phases, first)
	}
	write(t, filepath.Join(root, "deploy/embedded/main_test.go"), "package main\n")
	if again := ensure(); again != first {
		t.Error("a test file changed the build")
	}
	abandoned := filepath.Join(cache, "postroom", "temporal-abandoned")
	write(t, abandoned, "")
	long := time.Now().Add(-keepBuilds - time.Hour)
	if err := os.Chtimes(abandoned, long, long); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "deploy/embedded/main.go"), "package main\n\nfunc main() { println(2) }\n")
	if again := ensure(); again == first {
		t.Error("a changed source did not change the build")
	}
	if _, err := os.Stat(first); err != nil {
		t.Errorf("the earlier build, just used, is gone: %v", err)
	}
	if _, err := os.Stat(abandoned); !os.IsNotExist(err) {
		t.Error("the build that nobody used for a month is still there")
	}
}

func TestConcurrentCallersShareOneBuild(t *testing.T) {
	emptyCache(t)
	t.Chdir(tinyRepository(t))
	type result struct {
		built bool
		err   error
	}
	results := make(chan result, 4)
	for range cap(results) {
		go func() {
			var r result
			_, r.err = TemporalBinary(t.Context(), func(p BuildProgress) { r.built = r.built || p.Phase == BuildCompiles })
			results <- r
		}()
	}
	builders := 0
	for range cap(results) {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		if r.built {
			builders++
		}
	}
	if builders != 1 {
		t.Errorf("%d of 4 callers built, want 1", builders)
	}
}

func TestFailedBuildSaysWhatTheCompilerSaid(t *testing.T) {
	emptyCache(t)
	root := tinyRepository(t)
	t.Chdir(root)
	write(t, filepath.Join(root, "deploy/embedded/main.go"), "package main\n\nfunc main() { undefinedName() }\n")
	_, err := TemporalBinary(t.Context(), nil)
	wantReason(t, err, ReasonBuildFailed, "undefinedName")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := TemporalBinary(ctx, nil); err == nil {
		t.Error("a cancelled build succeeded")
	}
}

func TestMissingSourceIsExplained(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(temporalVariable, "")
	_, err := TemporalBinary(t.Context(), nil)
	wantReason(t, err, ReasonSourceMissing, "module github.com/postroom/postroom", temporalVariable)
}

func TestReadyMadeProgramIsUsedAsItIs(t *testing.T) {
	program := filepath.Join(t.TempDir(), "temporal")
	write(t, program, "#!/bin/sh\n")
	t.Setenv(temporalVariable, program)
	if path, err := TemporalBinary(t.Context(), nil); err != nil || path != program {
		t.Errorf("got %s (%v), want %s", path, err, program)
	}
	t.Setenv(temporalVariable, program+"-missing")
	_, err := TemporalBinary(t.Context(), nil)
	wantReason(t, err, ReasonSourceMissing, temporalVariable, program+"-missing")
}
