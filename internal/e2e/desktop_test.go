package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// desktopTime bounds all scenarios in both languages on a busy machine.
const desktopTime = 12 * time.Minute

// TestAgentsWorkInTheDesktop plays the scenarios of web/e2e in Chromium, in English and Korean, against the whole product: the story from the
// customer's page to his mailbox, RONA and back, two tabs, reload, the API killed, the lock, and axe on every screen. What it measures is
// printed, and not judged here.
func TestAgentsWorkInTheDesktop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), desktopTime)
	defer cancel()
	chromium, err := stack.FindChromium()
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.NewStack(t, testkit.StackOptions{})
	acts := outside(t, s)
	web := filepath.Join("..", "..", "web")
	environment := append(os.Environ(),
		"POSTROOM_E2E_API="+s.APIURL(), "POSTROOM_E2E_MAIL="+s.Mail.URL(),
		"POSTROOM_E2E_AGENT=mina", "POSTROOM_E2E_PASSWORD="+s.Password("mina"),
		"POSTROOM_E2E_ADMIN=admin", "POSTROOM_E2E_ADMIN_PASSWORD="+s.Password("admin"),
		"POSTROOM_E2E_CHROMIUM="+chromium,
		"POSTROOM_E2E_KILL_API="+act(acts+"/kill-api"), "POSTROOM_E2E_LOCK_SESSIONS="+act(acts+"/lock-sessions"),
		"POSTROOM_E2E_SCREENSHOTS="+os.Getenv("POSTROOM_E2E_SCREENSHOTS"))
	// Everything in English; in Korean the story, RONA, and every screen.
	for _, scenarios := range [][]string{{"en"}, {"story", "card", "rona", "screens", "ko"}} {
		run := exec.CommandContext(ctx, "node", append([]string{"e2e/run.mjs"}, scenarios...)...)
		run.Dir, run.Env = web, environment
		out, err := run.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatalf("the scenarios %v: %v", scenarios, err)
		}
	}
}

// supervisorPause is how long whatever supervises the API takes to start it again: long enough for a page to notice.
const supervisorPause = 2 * time.Second

// act is a command for a shell that has something done to the stack, with nothing but Node.
func act(url string) string {
	return `node -e 'fetch("` + url + `",{method:"POST"}).then(r=>process.exit(r.ok?0:1))'`
}

// outside does to the stack what a scenario cannot: it kills the API, which comes back a moment later, and lets half an hour pass.
func outside(t *testing.T, s *testkit.Stack) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kill-api", func(http.ResponseWriter, *http.Request) {
		s.KillAPI()
		time.AfterFunc(supervisorPause, func() { s.StartAPI(t) })
	})
	mux.HandleFunc("POST /lock-sessions", func(http.ResponseWriter, *http.Request) {
		s.Exec(t, "UPDATE session SET last_used_at = last_used_at - interval '31 minutes'")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}
