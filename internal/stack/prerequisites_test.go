package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeSystem is a PATH that holds nothing but what a test puts there, with the real shell to run it.
type fakeSystem struct {
	bin, conf string
}

func newFakeSystem(t *testing.T) fakeSystem {
	t.Helper()
	sys := fakeSystem{bin: t.TempDir(), conf: filepath.Join(t.TempDir(), "postgresql-common")}
	t.Setenv("PATH", sys.bin)
	t.Setenv("POSTROOM_CHROMIUM", "")
	return sys
}

func (s fakeSystem) program(t *testing.T, name, script string) {
	t.Helper()
	write(t, filepath.Join(s.bin, name), "#!/bin/sh\n"+script+"\n")
}

func (s fakeSystem) installer(out *shared) Installer {
	return Installer{Output: out, patterns: []string{filepath.Join(s.bin, "none", "*")}, confDir: s.conf}
}

// writing returns a script line that makes a program which prints something.
func (s fakeSystem) writing(name, prints string) string {
	path := filepath.Join(s.bin, name)
	return fmt.Sprintf("printf '#!/bin/sh\\necho \"%s\"\\n' > %s; /bin/chmod +x %s", prints, path, path)
}

func TestNothingIsInstalledWhenEverythingIsThere(t *testing.T) {
	sys := newFakeSystem(t)
	sys.program(t, "postgres", `echo "postgres (PostgreSQL) 16.3"`)
	sys.program(t, "initdb", "")
	sys.program(t, "node", "echo v22.1.0")
	sys.program(t, "npm", "")
	sys.program(t, "chromium", "")
	var out shared
	sys.program(t, "apt-get", "exit 1")
	if err := sys.installer(&out).Ensure(t.Context(), NeedPostgres, NeedNode, NeedChromium); err != nil {
		t.Fatal(err)
	}
	if out.String() != "" {
		t.Errorf("the package manager was run: %s", out.String())
	}
}

func TestMissingProgramsAreInstalledWithoutASystemCluster(t *testing.T) {
	if os.Geteuid() != 0 {
		sys := newFakeSystem(t)
		sys.program(t, "apt-get", "")
		err := sys.installer(nil).Ensure(t.Context(), NeedPostgres)
		wantReason(t, err, ReasonPrerequisiteMissing, "run: sudo apt-get install -y --no-install-recommends postgresql postgresql-contrib")
		return
	}
	sys := newFakeSystem(t)
	log := filepath.Join(sys.bin, "log")
	sys.program(t, "apt-get", "echo \"$DEBIAN_FRONTEND: $*\" >> "+log+"\n"+
		sys.writing("postgres", "postgres (PostgreSQL) 15.1")+"\n"+sys.writing("initdb", "")+"\n"+sys.writing("chromium", ""))
	var out shared
	if err := sys.installer(&out).Ensure(t.Context(), NeedPostgres, NeedChromium); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want := "noninteractive: -o DPkg::Lock::Timeout=600 update\n" +
		"noninteractive: -o DPkg::Lock::Timeout=600 install -y --no-install-recommends postgresql postgresql-contrib chromium\n"
	if string(got) != want {
		t.Errorf("apt-get was run as\n%swant\n%s", got, want)
	}
	conf, err := os.ReadFile(filepath.Join(sys.conf, "createcluster.conf"))
	if err != nil || string(conf) != "create_main_cluster = false\n" {
		t.Errorf("createcluster.conf holds %q (%v)", conf, err)
	}

	// An administrator's own file stays.
	write(t, filepath.Join(sys.conf, "createcluster.conf"), "create_main_cluster = true\n")
	os.Remove(filepath.Join(sys.bin, "postgres"))
	if err := sys.installer(&out).Ensure(t.Context(), NeedPostgres); err != nil {
		t.Fatal(err)
	}
	if conf, _ := os.ReadFile(filepath.Join(sys.conf, "createcluster.conf")); string(conf) != "create_main_cluster = true\n" {
		t.Errorf("createcluster.conf was changed to %q", conf)
	}
}

func TestMissingProgramsThatCannotBeInstalledAreNamedWithWhatToDo(t *testing.T) {
	sys := newFakeSystem(t)
	sys.program(t, "node", "echo v18.20.4")
	sys.program(t, "npm", "")
	err := sys.installer(nil).Ensure(t.Context(), NeedPostgres, NeedNode)
	wantReason(t, err, ReasonPrerequisiteMissing, string(NeedPostgres), string(NeedNode), "https://nodejs.org")
	if os.Geteuid() != 0 {
		return
	}
	sys.program(t, "apt-get", "echo no network; exit 100")
	var out shared
	err = sys.installer(&out).Ensure(t.Context(), NeedNode)
	wantReason(t, err, ReasonPrerequisiteMissing, string(NeedNode), "apt-get update", "failed")
	if !strings.Contains(out.String(), "no network") {
		t.Errorf("the package manager's output is lost: %q", out.String())
	}
	sys.program(t, "apt-get", "") // installs a Node that is as old as before
	err = sys.installer(&out).Ensure(t.Context(), NeedNode)
	wantReason(t, err, ReasonPrerequisiteMissing, "packages of this system", "https://nodejs.org")
}

func TestNodeVersionsAreCompared(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"v20.19.0\n": true, "v20.20.2": true, "v22.0.0": true, "v20.18.9": false, "v18.20.4": false, "v9.99.9": false, "": false, "node": false,
	} {
		if got := nodeIsNewEnough(version); got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}

func TestPostgresOnThePathComesBeforeTheNewestOfTheDistribution(t *testing.T) {
	sys := newFakeSystem(t)
	installed := t.TempDir()
	for _, version := range []string{"9", "12", "14", "17"} {
		dir := filepath.Join(installed, version, "bin")
		write(t, filepath.Join(dir, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) "+version+".1'\n")
		write(t, filepath.Join(dir, "initdb"), "#!/bin/sh\n")
	}
	patterns := []string{filepath.Join(installed, "*", "bin")}
	var majors []int
	for _, found := range findAllPostgres(t.Context(), patterns) {
		majors = append(majors, found.Major)
	}
	if fmt.Sprint(majors) != "[17 14]" {
		t.Errorf("found %v, want 17 before 14 and none older than 13", majors)
	}
	if err := os.Symlink(filepath.Join(installed, "14", "bin", "postgres"), filepath.Join(sys.bin, "postgres")); err != nil {
		t.Fatal(err)
	}
	found := findAllPostgres(t.Context(), patterns)
	if len(found) != 2 || found[0].Dir != filepath.Join(installed, "14", "bin") {
		t.Errorf("found %v, want the one on the PATH first", found)
	}
	os.Remove(filepath.Join(sys.bin, "postgres"))
	sys.program(t, "pg_config", "echo "+filepath.Join(installed, "17", "bin"))
	if found := findAllPostgres(t.Context(), nil); len(found) != 1 || found[0].Major != 17 {
		t.Errorf("found %v, want the one that pg_config names", found)
	}
}

func TestChromiumOfTheEnvironmentComesFirst(t *testing.T) {
	sys := newFakeSystem(t)
	_, err := FindChromium()
	wantReason(t, err, ReasonPrerequisiteMissing, string(NeedChromium))
	sys.program(t, "google-chrome", "")
	if path, err := FindChromium(); err != nil || filepath.Base(path) != "google-chrome" {
		t.Errorf("got %s (%v), want google-chrome", path, err)
	}
	own := filepath.Join(t.TempDir(), "own")
	write(t, own, "#!/bin/sh\n")
	t.Setenv("POSTROOM_CHROMIUM", own)
	if path, err := FindChromium(); err != nil || path != own {
		t.Errorf("got %s (%v), want %s", path, err, own)
	}
	t.Setenv("POSTROOM_CHROMIUM", filepath.Join(sys.bin, "none"))
	_, err = FindChromium()
	wantReason(t, err, ReasonPrerequisiteMissing, "POSTROOM_CHROMIUM")
}
