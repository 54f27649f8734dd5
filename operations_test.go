package postroom_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// docs/operations.md says how to back up and to restore. A backup that is older than Temporal's data, and one without any of Temporal's: in
// both cases what was open is worked on, what came since is read from the mailbox again, and a reply that may have been sent is not sent.
func TestWhatIsRestoredIsWorkedOn(t *testing.T) {
	t.Parallel()
	s := testkit.NewStack(t, testkit.StackOptions{})
	const text = "Thank you, we are looking into it."
	tom := s.SignIn(t, "tom")
	tom.Available(t)
	s.WriteBySMTP(t, "lee@restore.example", "Hello", "Is anybody there?")
	card := tom.AwaitOffer(t, "lee@restore.example")
	tom.Accept(t, card.OfferId)
	s.StopMail(t)
	tom.Reply(t, card.OfferId, text)
	outbox := func() string {
		return s.Text(t, "SELECT string_agg(state, ',') FROM outbox WHERE contact_id = $1", card.ContactId)
	}
	testkit.Eventually(t, "the reply to be put off", func() bool { return outbox() == "deferred" })
	tom.WrapUp(t, card.OfferId)
	tom.Idle(t)
	s.StartMail(t)
	s.WriteBySMTP(t, "kim@restore.example", "Hello", "Is anybody there?")
	testkit.Eventually(t, "the mail", func() bool { return s.Count(t, "SELECT count(*) FROM contact WHERE phase = 'waiting'") == 1 })

	backup := filepath.Join(t.TempDir(), "postroom.dump")
	postgres(t, "pg_dump", "--dbname="+s.Postgres.URL(stack.RoleSuperuser, stack.Database), "--format=custom", "--file="+backup)
	epoch := s.Text(t, "SELECT epoch::text FROM installation")
	tom.Available(t)
	tom.Answer(t, "kim@restore.example", text)
	s.AwaitMail(t, "kim@restore.example", 1)
	tom.Idle(t)
	s.WriteBySMTP(t, "ari@restore.example", "Hello", "Is anybody there?")
	testkit.Eventually(t, "the mail since", func() bool { return s.Count(t, "SELECT count(*) FROM contact WHERE phase = 'waiting'") == 1 })

	for round, temporal := range []string{"newer", "lost"} {
		tom.Silence()
		s.StopWorker(t)
		s.StopAPI(t)
		postgres(t, "pg_restore", "--dbname="+s.Postgres.URL(stack.RoleSuperuser, "postgres"), "--clean", "--if-exists", "--create", backup)
		if temporal == "lost" {
			loseTemporal(t, s)
		}
		for _, file := range []string{"after-restore.sql", "after-temporal.sql"} {
			postgres(t, "psql", "--no-psqlrc", "--dbname="+s.Postgres.URL(stack.RoleSuperuser, stack.Database), "--file=deploy/compose/"+file)
		}
		if now := s.Text(t, "SELECT epoch::text FROM installation"); now == epoch {
			t.Error("the database leads its old life")
		}
		s.StartWorker(t)
		s.StartAPI(t)
		s.AwaitReady(t)

		tom = s.SignIn(t, "tom")
		tom.Available(t)
		stop := tom.AnswerAll(t, text)
		s.AwaitMail(t, "kim@restore.example", round+2)
		s.AwaitMail(t, "ari@restore.example", round+1)
		testkit.Eventually(t, "everything to be completed", func() bool { return s.Count(t, "SELECT count(*) FROM contact WHERE phase <> 'done'") == 0 })
		stop()
		if state := outbox(); state != "unknown" {
			t.Errorf("Temporal %s: the reply that was on its way is %s", temporal, state)
		}
		s.MustHold(t)
	}
	if mails := s.AwaitMail(t, "lee@restore.example", 0); len(mails) != 0 {
		t.Errorf("the reply that was on its way was sent %d times", len(mails))
	}
}

// loseTemporal makes Temporal's databases anew, as the program of deploy/embedded does when there are none.
func loseTemporal(t *testing.T, s *testkit.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.Temporal.Stop(ctx))
	for _, database := range []string{"temporal", "temporal_visibility"} {
		must(t, s.Postgres.DropDatabase(ctx, database))
	}
	s.StartTemporal(t)
}

// postgres runs a program of PostgreSQL's.
func postgres(t *testing.T, program string, args ...string) {
	t.Helper()
	binaries, err := stack.FindPostgres(t.Context())
	must(t, err)
	if out, err := exec.CommandContext(t.Context(), filepath.Join(binaries.Dir, program), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// What the page names is there: files, images, services, commands.
func TestOperationsPageNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	page, files := read("docs/operations.md"), read(composeFile)+read(trialFile)
	for _, image := range regexp.MustCompile(`postgres:[0-9.]+-[a-z]+`).FindAllString(page, -1) {
		if !strings.Contains(files, "image: "+image+"\n") {
			t.Errorf("the page says %s, which the compose file does not", image)
		}
	}
	for _, file := range regexp.MustCompile(`(?:deploy|internal)/[a-z/-]+\.[a-z]+`).FindAllString(page, -1) {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the page names %s: %v", file, err)
		}
	}
	c, err := compose(filledIn(), read(composeFile))
	must(t, err)
	testkit.Program(t)
	for _, m := range regexp.MustCompile("(?:--rm|-T) cli ([a-z ]+[a-z])|`cli ([a-z]+ [a-z]+)|`postroom ([a-z]+(?: worker| api)?)").FindAllStringSubmatch(page, -1) {
		command := strings.Fields(m[1] + m[2] + m[3])
		usage := "Usage:\n  postroom " + command[0]
		if ran := testkit.RunProgram(t.Context(), []string{}, "", append(command, "--help")...); !strings.Contains(ran.Stdout, usage) {
			t.Errorf("the page says %v: %v\n%s%s", command, ran.Err, ran.Stdout, ran.Stderr)
		}
	}
	services, _, _ := strings.Cut(page, "## First start")
	for name := range c.Services {
		if name != "devmail" && name != "page" && !strings.Contains(services, "`"+name+"`") {
			t.Errorf("the page does not say what %s is", name)
		}
	}
}
