package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// office is a contact centre that is supervised from the command line, while Temporal is down.
type office struct {
	*testkit.Centre
	env []string
}

func newOffice(t *testing.T) office {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	return office{c, append(bare(), "POSTROOM_DATABASE_URL="+c.AppURL+"&search_path="+c.Schema, "POSTROOM_TEMPORAL_ADDRESS=127.0.0.1:1", "TZ=Asia/Seoul")}
}

// does runs a command that must succeed.
func (o office) does(t *testing.T, args ...string) testkit.Ran {
	t.Helper()
	ran := run(t, o.env, args...)
	if ran.Err != nil {
		t.Fatalf("postroom %s: %v\n%s", strings.Join(args, " "), ran.Err, ran.Stderr)
	}
	return ran
}

// R33: everything that a supervisor does to contacts can be done from the command line, also while Temporal is down; it is told who did it.
func TestContactsAreTakenInHandFromTheCommandLineWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.SignIn(t, "mina")
	contact := o.Arrive(t, "kim@customer.example", "My \x1b[31mparcel")
	id := string(contact)
	for _, step := range []struct{ args, says string }{
		{"contact assign " + id + " mina", id + " is owned in queue general, with mina\n"},
		{"contact requeue " + id, id + " is waiting in queue general\n"},
		{"contact reprioritise " + id + " 7", id + " is waiting in queue general\n"},
		{"contact assign " + id + " mina", id + " is owned in queue general, with mina\n"},
		{"contact unstick " + id, id + " is waiting in queue general\n"},
		{"contact reprioritise " + id + " own", id + " is waiting in queue general\n"},
	} {
		ran := o.does(t, strings.Fields(step.args)...)
		if ran.Stdout != step.says || !strings.Contains(ran.Stderr, "the worker will tell 1 workflow") {
			t.Errorf("postroom %s says %q and %q", step.args, ran.Stdout, ran.Stderr)
		}
	}
	list := o.does(t, "contact", "list").Stdout
	if !strings.Contains(list, id) || !strings.Contains(list, "kim@customer.example") || !strings.Contains(list, " KST") || strings.Contains(list, "\x1b") {
		t.Errorf("the list is\n%s", list)
	}
	var open struct {
		Queues   []store.QueueBacklog `json:"queues"`
		Contacts []store.OpenContact  `json:"contacts"`
	}
	if err := json.Unmarshal([]byte(o.does(t, "contact", "list", "--json", "--phase", "waiting").Stdout), &open); err != nil {
		t.Fatal(err)
	}
	if len(open.Contacts) != 1 || open.Contacts[0].Contact != contact || len(open.Queues) != 1 || open.Queues[0].Waiting != 1 {
		t.Errorf("in JSON %+v", open)
	}
	show := o.does(t, "contact", "show", id).Stdout
	for _, event := range []string{"routed", "assigned", "requeued", "reprioritised", "unstuck"} {
		if !regexp.MustCompile(event + `\s+\w+\s+\w+\s+(command|system):`).MatchString(show) {
			t.Errorf("the story does not tell who %s:\n%s", event, show)
		}
	}
	if strings.Contains(show, "parcel") || strings.Contains(show, "kim@") {
		t.Errorf("the story shows text of the mail:\n%s", show)
	}
	refused(t, run(t, o.env, "contact", "requeue", id), "waits in its queue already")
	refused(t, run(t, o.env, "contact", "move", id, "nowhere"), "no such queue")
	refused(t, run(t, o.env, "contact", "assign", id, "tom"), "not signed in")
	refused(t, run(t, o.env, "contact", "reprioritise", id, "high"), "from 0 to 9")
	refused(t, run(t, o.env, "contact", "show", testkit.NewID()), "no such contact")

	owned := o.Arrive(t, "lee@customer.example", "Owned")
	o.Own(t, owned, "mina")
	ran := run(t, o.env, "contact", "close", "--code", "other", "--as", "sora", "--note", "a wave of 4111 1111 1111 1111", id, string(owned))
	if ran.Err == nil || !strings.Contains(ran.Stdout, id+" is done") || !strings.Contains(ran.Stderr, string(owned)+": the contact does not wait") ||
		!strings.Contains(ran.Stderr, "1 of 2 contacts were not closed") {
		t.Errorf("close: %v\n%s%s", ran.Err, ran.Stdout, ran.Stderr)
	}
	if got := o.Text(t, "SELECT w.agent_id || ' ' || w.note FROM wrapup w"); strings.Contains(got, "4111 1111") || !strings.HasPrefix(got, "sora a wave of") {
		t.Errorf("the wrap-up is %q", got)
	}
	if n := o.Count(t, "SELECT count(*) FROM contact WHERE told < version"); n != 2 {
		t.Errorf("%d contacts are left to be told", n)
	}
	o.MustHold(t)
}

// R33, R12: agents are seen, given a state and signed out from the command line, with work in hand too; RONA is not ended (R10).
func TestAgentsAreSeenAndSignedOutFromTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.SignIn(t, "mina")
	contact := o.Arrive(t, "kim@customer.example", "Hello")
	o.Own(t, contact, "mina")
	if got := o.does(t, "agent", "state", "mina", "idle", "--code", "lunch").Stdout; !strings.HasPrefix(got, "mina is idle (lunch)") {
		t.Errorf("state says %q", got)
	}
	list := o.does(t, "agent", "list", "--team", "front").Stdout
	if !regexp.MustCompile(`mina +김미나 +front +idle \(lunch\) +\S+ \S+ KST .*1 of 2 +accepted ` + string(contact)).MatchString(list) {
		t.Errorf("the list is\n%s", list)
	}
	refused(t, run(t, o.env, "agent", "state", "mina", "rona"), "available")
	refused(t, run(t, o.env, "agent", "state", "mina", "idle", "--code", "nonsense"), "no such idle code")
	refused(t, run(t, o.env, "agent", "state", "tom", "available"), "not signed in")
	refused(t, run(t, o.env, "agent", "log", "nobody"), "no such agent")
	if got := o.does(t, "agent", "sign-out", "mina").Stdout; !strings.HasPrefix(got, "mina is logged_out; 1 contacts") {
		t.Errorf("sign-out says %q", got)
	}
	if now, err := o.LoadContact(t.Context(), contact); err != nil || now.Phase != postroom.ContactWaiting {
		t.Errorf("the contact is %+v, %v", now, err)
	}
	var entries []store.LogEntry
	if err := json.Unmarshal([]byte(o.does(t, "agent", "log", "mina", "--json", "--limit", "2").Stdout), &entries); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].To != postroom.AgentLoggedOut || !strings.HasPrefix(entries[0].Actor, "command:") || entries[1].IdleCode != "lunch" {
		t.Errorf("the log is %+v", entries)
	}
	if log := o.does(t, "agent", "log", "mina").Stdout; strings.Count(log, "\n") != 5 || !strings.Contains(log, "chooses Available") || !strings.Contains(log, " KST ") {
		t.Errorf("the log is\n%s", log)
	}
	if n := o.Count(t, "SELECT count(*) FROM audit WHERE actor LIKE 'command:%' AND action = 'force state'"); n != 2 {
		t.Errorf("%d entries in the audit", n)
	}
	o.MustHold(t)
}
