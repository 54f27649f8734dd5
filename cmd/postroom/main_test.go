package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/testkit"
)

func TestMain(m *testing.M) { testkit.StackMain(m) }

// bare is an environment that says nothing about Postroom.
func bare() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
}

func run(t *testing.T, env []string, args ...string) testkit.Ran {
	t.Helper()
	testkit.Program(t)
	return testkit.RunProgram(t.Context(), env, "", args...)
}

// refused runs a command that must fail, with a sentence on standard error and nothing else.
func refused(t *testing.T, ran testkit.Ran, sentence string) {
	t.Helper()
	if ran.Err == nil || ran.Stdout != "" || !strings.HasPrefix(ran.Stderr, "postroom: ") || !strings.Contains(ran.Stderr, sentence) ||
		strings.Contains(ran.Stderr, "goroutine ") {
		t.Errorf("want a refusal with %q; got %v\n%s%s", sentence, ran.Err, ran.Stdout, ran.Stderr)
	}
}

var commandLine = regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`)

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	seen := explain(t, nil)
	for _, want := range []string{"dev", "worker", "api", "migrate", "apply", "export", "account password", "account revoke", "contact list", "contact show", "contact assign", "contact move",
		"contact reprioritise", "contact requeue", "contact unstick", "contact close", "contact merge", "contact unmerge", "contact split", "mail screened", "mail quarantined", "mail release", "mail block", "mail unblock",
		"mail blocked", "agent list", "agent log", "agent state", "agent sign-out", "keyring init",
		"keyring rotate", "mail parse", "mail send", "replay", "health", "version"} {
		if !seen[want] {
			t.Errorf("there is no command %q", want)
		}
	}
}

// explain reads the help of a command and of those below it.
func explain(t *testing.T, path []string) map[string]bool {
	t.Helper()
	name := strings.Join(path, " ")
	ran := run(t, bare(), append(path, "--help")...)
	about, rest, usage := strings.Cut(ran.Stdout, "Usage:")
	if ran.Err != nil || !usage || len(strings.TrimSpace(about)) < 20 || ran.Stderr != "" {
		t.Errorf("postroom %s --help: %v\n%s%s", name, ran.Err, ran.Stdout, ran.Stderr)
	}
	seen := map[string]bool{name: true}
	_, list, _ := strings.Cut(rest, "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for _, m := range commandLine.FindAllStringSubmatch(list, -1) {
		if m[1] == "help" || m[1] == "completion" {
			continue
		}
		for c := range explain(t, append(path[:len(path):len(path)], m[1])) {
			seen[c] = true
		}
	}
	return seen
}

func TestVersionNamesProgramAndSchema(t *testing.T) {
	t.Parallel()
	ran := run(t, bare(), "version")
	if !regexp.MustCompile(`^postroom \S+ \(go1\.\S+, \w+/\w+\), database schema [1-9]\d*\n$`).MatchString(ran.Stdout) {
		t.Errorf("%v %q", ran.Err, ran.Stdout)
	}
}

func TestACommandWithoutItsSettingsNamesThemAll(t *testing.T) {
	t.Parallel()
	for command, variables := range map[string][]string{
		"worker":         {"POSTROOM_DATABASE_URL: ", "POSTROOM_BLOB_URL: ", "POSTROOM_SECRETS_DIR: "},
		"api":            {"POSTROOM_DATABASE_URL: ", "POSTROOM_BLOB_URL: ", "POSTROOM_SECRETS_DIR: "},
		"migrate":        {"POSTROOM_OWNER_DATABASE_URL: "},
		"export":         {"POSTROOM_DATABASE_URL: "},
		"account revoke": {"POSTROOM_DATABASE_URL: "},
		"keyring init":   {"POSTROOM_SECRETS_DIR: "},
	} {
		args := strings.Fields(command)
		if command == "account revoke" {
			args = append(args, "mina")
		}
		ran := run(t, bare(), args...)
		for _, v := range variables {
			refused(t, ran, v)
		}
	}
	refused(t, run(t, append(bare(), "POSTROOM_STATE_DIR="+t.TempDir()), "dev", "env"), "run postroom dev")
	refused(t, run(t, append(bare(), "POSTROOM_API_LISTEN=0.0.0.0:8080"), "api"), "POSTROOM_API_LISTEN: off loopback the API needs TLS")
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	t.Parallel()
	refused(t, run(t, bare(), "devv"), `unknown command "devv"`)
	refused(t, run(t, bare(), "replay"), "name files, or a workflow with --workflow-id")
}
