package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/stack"
	"github.com/postroom/postroom/internal/testkit"
)

// What `postroom dev` promises about its own life (design: Embedded default), on one state directory from the first start to the last.
func TestDevRunsEverythingSurvivesKillsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDev(t)
	d.start(t)
	d.mustAnswer(t)
	passwords := d.passwords(t)
	mina := testkit.SignIn(t, d.url(d.ports["API"]), "mina", passwords["mina"])
	mina.Available(t)
	const customer = "kim@dev.example"
	d.write(t, customer)
	card := mina.AwaitOffer(t, customer)

	t.Run("a second one on the same state directory is refused", func(t *testing.T) {
		other := newEnv(t, d.dir)
		refusedAfter(t, run(t, other.env, "dev"), "the state directory "+d.dir+" is in use by process "+strconv.Itoa(d.cmd.Process.Pid))
	})
	t.Run("it tells other commands how to reach it", func(t *testing.T) {
		told := run(t, d.env, "dev", "env")
		env := append(bare(), strings.Split(strings.NewReplacer("export ", "", "'", "").Replace(strings.TrimSpace(told.Stdout)), "\n")...)
		if listed := run(t, env, "contact", "list"); listed.Err != nil || !strings.Contains(listed.Stdout, card.ContactId) {
			t.Errorf("%v: %s\n%s", listed.Err, listed.Stdout, listed.Stderr)
		}
	})
	t.Run("a taken port is named with its variable", func(t *testing.T) {
		other := newDev(t)
		taken, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(other.ports["MAIL"]))
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		refusedAfter(t, run(t, other.env, "dev"), "port "+strconv.Itoa(other.ports["MAIL"])+", meant for the customer's page, is in use by another program; "+
			"stop that one, or change POSTROOM_DEV_MAIL_PORT")
	})
	t.Run("a child that was killed is started again", func(t *testing.T) {
		for _, name := range []string{"worker", "api", "devmail"} {
			pid := d.child(t, name)
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, "another "+name, func() bool { now := d.child(t, name); return now != 0 && now != pid })
		}
		d.mustAnswer(t)
	})

	// kill -9 leaves no orphan, and the next start resumes.
	family := d.family(t)
	if len(family) < 6 {
		t.Fatalf("only %d processes: %v", len(family), family)
	}
	d.kill(t)
	awaitGone(t, family)
	d.start(t)
	d.mustAnswer(t)
	if got := d.passwords(t); !mapsEqual(got, passwords) {
		t.Errorf("the accounts were %v and are %v", passwords, got)
	}
	mina = testkit.SignIn(t, d.url(d.ports["API"]), "mina", passwords["mina"])
	if again := mina.AwaitCard(t, customer, contactv1.OfferState_OFFER_STATE_LIVE); again.ContactId != card.ContactId {
		t.Errorf("the contact was %s and is %s", card.ContactId, again.ContactId)
	}

	// Ctrl-C stops everything in order.
	family = d.family(t)
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := d.await(t); err != nil {
		t.Errorf("stopped by Ctrl-C it ended with %v", err)
	}
	if !strings.HasSuffix(d.output.String(), "stopping …\n") {
		t.Errorf("its last words are %q", lastLine(d.output.String()))
	}
	awaitGone(t, family)
	if log := d.postgresLog(t); !strings.HasSuffix(strings.TrimSpace(log), "database system is shut down") {
		t.Errorf("PostgreSQL was not shut down in order: %s", lastLine(log))
	}
}

// refusedAfter is refused for a command that may have said before what it does.
func refusedAfter(t *testing.T, ran testkit.Ran, sentence string) {
	t.Helper()
	if ran.Err == nil || !strings.HasPrefix(ran.Stderr, "postroom: ") || !strings.Contains(ran.Stderr, sentence) {
		t.Errorf("want a refusal with %q; got %v\n%s%s", sentence, ran.Err, ran.Stdout, ran.Stderr)
	}
}

// devEnv is a state directory and free ports.
type devEnv struct {
	dir   string
	env   []string
	ports map[string]int
}

type devRun struct {
	devEnv
	cmd    *exec.Cmd
	output *transcript
	ended  chan error
}

// transcript is what a process printed so far.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write satisfies io.Writer.
func (p *transcript) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *transcript) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func newEnv(t *testing.T, dir string) devEnv {
	t.Helper()
	e := devEnv{dir: dir, env: append(bare(), "POSTROOM_STATE_DIR="+dir), ports: map[string]int{}}
	for _, name := range []string{"DATABASE", "TEMPORAL", "TEMPORAL_UI", "API", "WORKER", "MAIL", "IMAP", "SMTP"} {
		port, err := testkit.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		e.ports[name] = port
		e.env = append(e.env, "POSTROOM_DEV_"+name+"_PORT="+strconv.Itoa(port))
	}
	return e
}

// newDev makes a state directory, which is removed with what belongs to it when the test ends.
func newDev(t *testing.T) *devRun {
	t.Helper()
	dir, err := stack.TemporaryStateDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	d := &devRun{devEnv: newEnv(t, dir.Path())}
	t.Cleanup(func() {
		if d.cmd != nil && d.cmd.ProcessState == nil {
			d.kill(t)
		}
		testkit.Eventually(cleaner{t}, "the state directory to be free", func() bool {
			held, err := stack.OpenStateDir(d.dir)
			if err != nil {
				return false
			}
			return held.Remove() == nil
		})
	})
	return d
}

// cleaner lets a condition be waited for when the test's own context has ended.
type cleaner struct{ *testing.T }

// Context never ends.
func (cleaner) Context() context.Context { return context.Background() }

// start starts `postroom dev` and waits until it says that it runs.
func (d *devRun) start(t *testing.T) {
	t.Helper()
	d.output, d.ended = &transcript{}, make(chan error, 1)
	d.cmd = exec.Command(testkit.Program(t), "dev")
	d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = d.env, d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C at the terminal of the tests is not for it
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	deadline := time.After(3 * time.Minute)
	for !strings.Contains(d.output.String(), "Ctrl-C stops everything.\n") {
		select {
		case err := <-d.ended:
			t.Fatalf("dev ended: %v\n%s", err, d.output)
		case <-deadline:
			t.Fatalf("dev does not come up\n%s", d.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// await waits for its end.
func (d *devRun) await(t *testing.T) error {
	t.Helper()
	select {
	case err := <-d.ended:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatalf("dev does not end\n%s", d.output)
		return nil
	}
}

func (d *devRun) kill(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.await(t)
}

func (d *devRun) url(port int) string { return "http://localhost:" + strconv.Itoa(port) }

// mustAnswer tests that every address that it printed answers.
func (d *devRun) mustAnswer(t *testing.T) {
	t.Helper()
	said := d.output.String()
	for _, address := range []string{d.url(d.ports["API"]) + "/readyz", d.url(d.ports["WORKER"]) + "/readyz", d.url(d.ports["MAIL"]), d.url(d.ports["TEMPORAL_UI"])} {
		if !strings.Contains(said, address) {
			t.Errorf("%s was not printed:\n%s", address, said)
		}
		testkit.Eventually(t, address+" to answer", func() bool {
			response, err := http.Get(address)
			if err != nil {
				return false
			}
			defer response.Body.Close()
			return response.StatusCode == http.StatusOK
		})
	}
}

var accountLine = regexp.MustCompile(`(?m)^  (mina|jiwoo|tom|sora|admin) +(\S{16,}) +(agent|supervisor|administrator)$`)

// passwords are the accounts that it printed.
func (d *devRun) passwords(t *testing.T) map[postroom.AgentID]string {
	t.Helper()
	all := map[postroom.AgentID]string{}
	for _, m := range accountLine.FindAllStringSubmatch(d.output.String(), -1) {
		all[postroom.AgentID(m[1])] = m[2]
	}
	if len(all) != 5 {
		t.Fatalf("accounts %v in\n%s", all, d.output)
	}
	return all
}

func mapsEqual(a, b map[postroom.AgentID]string) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

// write writes as a customer with the command line, to the mail server of this dev.
func (d *devRun) write(t *testing.T, customer string) {
	t.Helper()
	if ran := run(t, d.env, "mail", "send", "--from", customer, "--to", testkit.Support, "--subject", "Hello", "--text", "Is anybody there?"); ran.Err != nil {
		t.Fatalf("%v\n%s", ran.Err, ran.Stderr)
	}
}

// member is a process with its place in the family.
type member struct {
	pid, parent int
	command     string
}

// family are the processes that dev has started, and those that they have.
func (d *devRun) family(t *testing.T) []member {
	t.Helper()
	all := processes(t)
	family := []member{{pid: d.cmd.Process.Pid}}
	for i := 0; i < len(family); i++ {
		for _, p := range all {
			if p.parent == family[i].pid {
				family = append(family, p)
			}
		}
	}
	return family
}

// child is the process id of one of dev's own children by its command, 0 if there is none now.
func (d *devRun) child(t *testing.T, command string) int {
	t.Helper()
	for _, p := range processes(t) {
		if p.parent == d.cmd.Process.Pid && strings.HasSuffix(p.command, " "+command) {
			return p.pid
		}
	}
	return 0
}

// processes reads the machine's process table. A process that ends meanwhile is left out, and so is one that only waits to be collected.
func processes(t *testing.T) []member {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var all []member
	for _, file := range stats {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		at := bytes.LastIndexByte(content, ')') // the name before it may hold anything
		fields := strings.Fields(string(content[at+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(fields[1])
		all = append(all, member{pid, parent, strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))})
	}
	return all
}

// awaitGone waits until none of these processes runs any more.
func awaitGone(t *testing.T, family []member) {
	t.Helper()
	testkit.Eventually(t, "every process to end", func() bool {
		now := processes(t)
		return !slices.ContainsFunc(family, func(m member) bool {
			return slices.ContainsFunc(now, func(p member) bool { return p.pid == m.pid && (m.command == "" || p.command == m.command) })
		})
	})
}

// postgresLog is the end of what PostgreSQL wrote, wherever its directory had to be.
func (d *devRun) postgresLog(t *testing.T) string {
	t.Helper()
	place := filepath.Join(d.dir, "postgres")
	if outside, err := os.ReadFile(filepath.Join(d.dir, "elsewhere")); err == nil {
		place = strings.TrimSpace(string(outside))
	}
	logs, err := filepath.Glob(filepath.Join(place, "log", "*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("PostgreSQL has no log: %v", err)
	}
	content, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
