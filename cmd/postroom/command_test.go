package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/testkit"
)

func TestWhatIsExportedCanBeApplied(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	exported := s.Run(t, "", "export")
	if strings.Contains(exported, s.MailboxPassword()) {
		t.Error("the export shows a password")
	}
	if got := s.Run(t, exported, "apply", "-f", "-"); !strings.Contains(got, "nothing changed") {
		t.Errorf("the same configuration: %s", got)
	}
	file := filepath.Join(t.TempDir(), "changed.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(exported, "rona_time: 90s", "rona_time: 91s", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.Run(t, "", "apply", "-f", file, "--dry-run"); !strings.Contains(got, "change queue billing\n") || !strings.Contains(got, "nothing of this was done") {
		t.Errorf("a dry run with a changed queue: %s", got)
	}
	if again := s.Run(t, "", "export"); again != exported {
		t.Error("a dry run has changed the configuration")
	}
	if got := s.Run(t, "", "apply", "-f", file); !strings.Contains(got, "change queue billing\n") {
		t.Errorf("a changed queue: %s", got)
	}
	if again := s.Run(t, "", "export"); !strings.Contains(again, "rona_time: 91s") {
		t.Error("the change is not exported")
	}
	s.Run(t, exported, "apply", "-f", "-")
	if n := s.Count(t, "SELECT count(*) FROM audit WHERE actor LIKE 'command:%' AND object LIKE '%billing%'"); n < 2 {
		t.Errorf("%d entries in the audit", n)
	}
}

func TestABadConfigurationIsRefusedWithFileAndLineAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	exported := s.Run(t, "", "export")
	version := s.Count(t, "SELECT max(version) FROM configuration")
	file := filepath.Join(t.TempDir(), "bad.yaml")
	bad := strings.Replace(exported, "queues:\n", "queues:\n  - key: broken\n    name: Broken\n    mailbox: nowhere\n    teams: [front]\n    rona_time: 2h\n    wrap_up_codes: [resolved]\n", 1)
	if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	line := func(text string) string {
		return itoa(1 + strings.Count(bad[:strings.Index(bad, text)], "\n"))
	}
	ran := s.Try(t, "", "apply", "-f", file)
	refused(t, ran, "bad.yaml:"+line("mailbox: nowhere")+": ")
	refused(t, ran, "bad.yaml:"+line("rona_time: 2h")+": ")
	refused(t, s.Try(t, "", "apply", "-f", file+".missing"), "no such file")
	if got := s.Count(t, "SELECT max(version) FROM configuration"); got != version {
		t.Errorf("the configuration was at version %d and is at %d", version, got)
	}
}

func TestAPasswordIsSetFromStandardInputAndEndsSessions(t *testing.T) {
	t.Parallel()
	s := testkit.SharedStack(t)
	const agent, password = "jiwoo", "correct horse battery"
	before := s.SignIn(t, agent)
	if s.CanSignIn(t, agent, password) {
		t.Fatal("control: the new password is the old one")
	}
	refused(t, s.Try(t, "short\n", "account", "password", agent), "12")
	refused(t, s.Try(t, password+"\n", "account", "password", "nobody"), "")
	if !s.CanSignIn(t, agent, s.Password(agent)) {
		t.Error("a refused password has changed something")
	}
	s.Run(t, password+"\n", "account", "password", agent)
	testkit.Eventually(t, "the session to end", func() bool { return !signedIn(t, before) })
	if !s.CanSignIn(t, agent, password) || s.CanSignIn(t, agent, s.Password(agent)) {
		t.Error("the new password does not count, or the old one still does")
	}
	s.Run(t, s.Password(agent)+"\n", "account", "password", agent)

	again := s.SignIn(t, agent)
	if !signedIn(t, again) {
		t.Error("control: a fresh session is not open")
	}
	s.Run(t, "", "account", "revoke", agent)
	testkit.Eventually(t, "the session to be revoked", func() bool { return !signedIn(t, again) })
}

func signedIn(t *testing.T, d *testkit.Desktop) bool {
	t.Helper()
	return testkit.ReasonOf(d.TryBeat(t.Context())) != postroom.ReasonSessionEnded
}

func TestAKeyRingIsMadeOnceAndRotatedByPurpose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	env := append(bare(), "POSTROOM_SECRETS_DIR="+dir)
	content := func() string {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v in the directory, %v", files, err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if ran := run(t, env, "keyring", "rotate", "mac"); ran.Err == nil {
		t.Error("a ring that does not exist was rotated")
	}
	for _, args := range [][]string{{"init"}, {"init"}} {
		if ran := run(t, env, append([]string{"keyring"}, args...)...); ran.Err != nil {
			t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
		}
	}
	made := content()
	if ran := run(t, env, "keyring", "init"); ran.Err != nil || content() != made {
		t.Errorf("a second init made other keys: %v", ran.Err)
	}
	ran := run(t, env, "keyring", "rotate", "mac")
	rotated := content()
	if ran.Err != nil || rotated == made || len(rotated) <= len(made) {
		t.Errorf("rotation: %v", ran.Err)
	}
	refused(t, run(t, env, "keyring", "rotate", "nothing"), "")
	if content() != rotated {
		t.Error("a refused rotation has changed the ring")
	}
}
