package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// root is the repository's, where a reader of the guides stands.
var root = filepath.Join("..", "..")

// guideTime bounds a guide on a busy machine.
const guideTime = 3 * time.Minute

// Both guides promise that they work as they are written. Each begins as its reader does: with a fresh system.
func TestGuidesWorkAsWritten(t *testing.T) {
	t.Parallel()
	s := testkit.NewStack(t, testkit.StackOptions{})
	t.Run("docs/api.md", func(t *testing.T) { followAPIGuide(t, s) })
	t.Run("README.md", func(t *testing.T) { followBrowserGuide(t, s) })
}

// followBrowserGuide does what README says, word by word, in a browser; then it replays the workflow whose id it read in the Temporal UI.
func followBrowserGuide(t *testing.T, s *testkit.Stack) {
	ctx, cancel := context.WithTimeout(t.Context(), guideTime)
	defer cancel()
	chromium, err := stack.FindChromium()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(ctx, "node", "e2e/first-contact.mjs")
	run.Dir = filepath.Join(root, "web")
	run.Env = append(os.Environ(), "POSTROOM_E2E_API="+s.APIURL(), "POSTROOM_E2E_MAIL="+s.Mail.URL(), "POSTROOM_E2E_TEMPORAL="+s.Temporal.UIURL(),
		"POSTROOM_E2E_AGENT=mina", "POSTROOM_E2E_PASSWORD="+s.Password("mina"), "POSTROOM_E2E_CHROMIUM="+chromium,
		"POSTROOM_E2E_SCREENSHOTS="+os.Getenv("POSTROOM_E2E_SCREENSHOTS"))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`(?s)^(replay --workflow-id) (contact/\S+)\nsays (.+)\n$`).FindStringSubmatch(string(out))
	if found == nil {
		t.Fatalf("the guide ended with %q", out)
	}
	if !strings.Contains(read(t, "README.md"), ".cache/bin/postroom "+found[1]+" contact/…") {
		t.Errorf("README does not say how to %s", found[1])
	}
	if said := s.Run(t, "", append(strings.Fields(found[1]), found[2])...); !strings.Contains(said, found[3]) {
		t.Errorf("replay says %q, and not %q", said, found[3])
	}
}

// A block of docs/api.md is what a reader types, and what he is answered: JSON or text, if it is shown.
var block = regexp.MustCompile("(?s)```sh\n(.*?)```\n(?:```(json|text)\n(.*?)```\n)?")

// followAPIGuide runs docs/api.md in one shell; only the first block, which says where everything is, is ours.
func followAPIGuide(t *testing.T, s *testkit.Stack) {
	for _, program := range []string{"bash", "curl", "perl", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("docs/api.md needs %s: install it", program)
		}
	}
	blocks := block.FindAllStringSubmatch(read(t, filepath.Join("docs", "api.md")), -1)
	if len(blocks) < 10 || !strings.HasPrefix(blocks[0][1], "API=http://localhost:17080 MAIL=http://localhost:17082 PASSWORD=") {
		t.Fatalf("%d blocks, the first %q", len(blocks), blocks[0][1])
	}
	dir := t.TempDir()
	script := fmt.Sprintf("set -e\nAPI=%s MAIL=%s PASSWORD=%s\n", s.APIURL(), s.Mail.URL(), s.Password("mina"))
	for i, b := range blocks[1:] {
		script += fmt.Sprintf("exec >%s/%d\n%s", dir, i+1, b[1])
	}
	shell(t, script)
	for i, b := range blocks {
		if i == 0 || b[2] == "" {
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		if !says(t, b[2], b[3], string(got)) {
			t.Errorf("%sanswers\n%s\nand docs/api.md shows\n%s", b[1], got, b[3])
		}
	}
}

// shell runs a script in the root of the repository, and ends whatever it left running.
func shell(t *testing.T, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), guideTime)
	defer cancel()
	printed, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	bash := exec.CommandContext(ctx, "bash", "-c", script)
	bash.Dir, bash.Stderr = root, printed
	bash.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	bash.Cancel = func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }
	err = bash.Run()
	if bash.Process != nil {
		_ = syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) // what runs in the background ends with the session, some seconds later
	}
	if err != nil {
		said, _ := os.ReadFile(printed.Name())
		t.Fatalf("%v\n%s", err, said)
	}
}

// says reports whether an answer is the one that is shown; … stands for anything within a text.
func says(t *testing.T, kind, shown, got string) bool {
	t.Helper()
	if kind == "text" {
		return strings.TrimSpace(shown) == strings.TrimSpace(got)
	}
	var want, have any
	if err := json.Unmarshal([]byte(shown), &want); err != nil {
		t.Fatalf("docs/api.md shows no JSON: %v\n%s", err, shown)
	}
	return json.Unmarshal([]byte(got), &have) == nil && alike(want, have)
}

func alike(want, have any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := have.(map[string]any)
		if !ok || len(object) != len(want) {
			return false
		}
		for key, value := range want {
			if found, ok := object[key]; !ok || !alike(value, found) {
				return false
			}
		}
		return true
	case []any:
		list, ok := have.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i, value := range want {
			if !alike(value, list[i]) {
				return false
			}
		}
		return true
	case string:
		text, ok := have.(string)
		pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$"
		return ok && regexp.MustCompile(pattern).MatchString(text)
	}
	return want == have
}

func TestGuidesNameThePortsThatAreOpened(t *testing.T) {
	t.Parallel()
	set, err := settings.Load(settings.Dev, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	readme, api := read(t, "README.md"), read(t, filepath.Join("docs", "api.md"))
	for _, c := range []struct {
		page, address string
		port          int
	}{
		{readme, "http://localhost:%d", set.Dev.Ports.API}, {readme, "http://localhost:%d", set.Dev.Ports.Mail},
		{readme, "http://localhost:%d", set.Dev.Ports.TemporalUI}, {readme, "POSTROOM_TEMPORAL_ADDRESS=localhost:%d", set.Dev.Ports.Temporal},
		{api, "API=http://localhost:%d", set.Dev.Ports.API}, {api, "MAIL=http://localhost:%d", set.Dev.Ports.Mail},
	} {
		if address := fmt.Sprintf(c.address, c.port); !strings.Contains(c.page, address) {
			t.Errorf("a guide does not say %s", address)
		}
	}
}

var link = regexp.MustCompile(`(?:\]\(|src=")([^)"#]+)`)

func TestLinksOfTheDocumentationLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(filepath.Join(root, "docs", "decisions", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(append(pages, decisions...), filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), l[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, l[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were found", checked)
	}
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
