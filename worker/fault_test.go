package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/activities"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// outgoing is a centre that sends through a scripted server: the activity that sends, its rows, and the wire.
type outgoing struct {
	*testkit.Centre
	*activities.Activities
	server *scripted
	n      int
	bulk   int // lines of the next mails
}

func sendsThrough(t *testing.T) *outgoing {
	t.Helper()
	o := &outgoing{Centre: testkit.NewCentre(t, time.Hour, store.Options{}), server: script(t)}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mailbox-support"), []byte("secret"), 0o600))
	secrets, err := keyring.OpenSecrets(dir)
	must(t, err)
	t.Cleanup(func() { _ = secrets.Close() })
	blobs, err := blob.Open("mem://")
	must(t, err)
	o.Activities = &activities.Activities{Store: o.Centre.Store, Blobs: blobs, Scanner: pci.New(), Secrets: secrets, Log: testkit.Silent(), Mail: &activities.MailHealth{},
		Timeouts: activities.SendTimeouts{Dial: 10 * time.Second, Command: 10 * time.Second, Dot: 10 * time.Second}}
	o.Exec(t, "UPDATE mailbox SET smtp = jsonb_set(smtp, '{port}', to_jsonb($1::int))", o.server.port)
	o.Exec(t, "UPDATE agent_capacity SET capacity = 10")
	o.SignIn(t, "mina")
	return o
}

// impatient makes a server that says nothing a matter of milliseconds.
func (o *outgoing) impatient() {
	o.Timeouts = activities.SendTimeouts{Dial: 10 * time.Second, Command: 300 * time.Millisecond, Dot: 300 * time.Millisecond}
}

// letter is a reply on its way.
type letter struct {
	id        postroom.OutboxID
	messageID string
}

// write queues a reply, due at once, to these.
func (o *outgoing) write(t *testing.T, to ...string) letter {
	t.Helper()
	o.n++
	contact := o.Arrive(t, fmt.Sprintf("kim%d@customer.example", o.n), "Parcel")
	offer := o.Own(t, contact, "mina")
	reply := o.Render(t, offer, "mina")
	reply.Recipients = nil
	for _, address := range to {
		reply.Recipients = append(reply.Recipients, store.Recipient{Field: "to", Address: postroom.Address{Address: postroom.SealText(address)}})
	}
	reply.BlobKey = string(blob.ForOutbox(reply.Outbox))
	raw := "Message-ID: <" + reply.MessageID + ">\r\nSubject: Re: Parcel\r\n\r\nIt is on its way.\r\n" + strings.Repeat("There is a lot to say about it.\r\n", o.bulk)
	must(t, o.Blobs.Put(t.Context(), blob.Key(reply.BlobKey), postroom.SealBytes([]byte(raw))))
	_, err := o.QueueReply(t.Context(), testkit.Command("mina"), offer, reply)
	must(t, err)
	o.WrapUp(t, offer, "mina")
	return letter{reply.Outbox, reply.MessageID}
}

// send makes one attempt, as the workflow's activity.
func (o *outgoing) send(t *testing.T, id postroom.OutboxID) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(testkit.SilentTemporal())
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(o.SendReply)
	_, _ = env.ExecuteActivity(o.SendReply, id) // one that was put off is an error, which has it tried again
}

// again makes the next attempt, as if its time had come.
func (o *outgoing) again(t *testing.T, id postroom.OutboxID) {
	t.Helper()
	o.Exec(t, "UPDATE outbox SET due_at = clock_timestamp() WHERE id = $1", id)
	o.send(t, id)
}

func (o *outgoing) row(t *testing.T, id postroom.OutboxID) string {
	t.Helper()
	return o.Text(t, "SELECT concat_ws(' ', state, coalesce(reply_code, 0)) FROM outbox WHERE id = $1", id)
}

// I5, R21: every fault of a mail server at every step, from the activity to the row: a temporary one is tried again and then arrives once, a
// permanent one is shown, and one behind the dot is looked for and never sent again by itself.
func TestEveryFaultOfAMailServerEndsInOneCopyOrAVisibleFailure(t *testing.T) {
	t.Parallel()
	o := sendsThrough(t)
	patient := o.Timeouts
	for _, c := range []struct{ verb, answer, want string }{
		{"greeting", "421 4.3.2 full", "deferred 421"},
		{"greeting", "554 no mail here", "failed 554"},
		{"greeting", hangUp, "deferred 0"},
		{"greeting", silent, "deferred 0"},
		{"EHLO", "421 4.3.2 later", "deferred 421"},
		{"EHLO", "550 go away", "failed 550"},
		{"EHLO", hangUp, "deferred 0"},
		{"EHLO", silent, "deferred 0"},
		{"STARTTLS", "454 4.7.0 not now", "deferred 454"},
		{"STARTTLS", "554 5.7.0 never", "failed 554"},
		{"STARTTLS", hangUp, "deferred 0"},
		{"STARTTLS", silent, "deferred 0"},
		{"AUTH", "454 4.7.0 later", "deferred 454"},
		{"AUTH", "535 5.7.8 wrong", "deferred 535"}, // an administrator mends it, and the mail is not to blame
		{"AUTH", hangUp, "deferred 0"},
		{"AUTH", silent, "deferred 0"},
		{"MAIL", "451 4.3.0 later", "deferred 451"},
		{"MAIL", "550 5.7.1 no", "failed 550"},
		{"MAIL", hangUp, "deferred 0"},
		{"MAIL", silent, "deferred 0"},
		{"RCPT", "450 4.2.0 busy", "deferred 450"},
		{"RCPT", "550 5.1.1 nobody", "failed 550"},
		{"RCPT", hangUp, "deferred 0"},
		{"RCPT", silent, "deferred 0"},
		{"DATA", "451 4.3.0 later", "deferred 451"},
		{"DATA", "554 5.6.0 no", "failed 554"},
		{"DATA", hangUp, "deferred 0"},
		{"DATA", silent, "deferred 0"},
		{"body", hangUp, "deferred 0"},
		{"dot", "452 4.3.1 full", "deferred 452"},
		{"dot", "554 5.7.1 spam", "failed 554"},
		{"dot", hangUp, "sending 0"},
		{"dot", silent, "sending 0"},
	} {
		t.Run(c.verb+" "+c.answer, func(t *testing.T) {
			if c.verb == "STARTTLS" {
				o.Exec(t, `UPDATE mailbox SET smtp = jsonb_set(smtp, '{tls}', '"starttls"')`)
			}
			if c.answer == silent {
				o.impatient()
			}
			o.bulk = map[string]int{"body": 300_000}[c.verb] // so much that it cannot all be on its way when the connection ends
			l := o.write(t, "kim@customer.example")
			o.server.play(map[string]string{c.verb: c.answer})
			o.send(t, l.id)
			if got := o.row(t, l.id); got != c.want {
				t.Fatalf("the reply is %s, want %s", got, c.want)
			}
			if c.answer != hangUp && c.answer != silent {
				if text := o.Text(t, "SELECT server_text FROM outbox_recipient WHERE outbox_id = $1", l.id); text == "" || !strings.Contains(c.answer, text) {
					t.Errorf("the server's words are %q", text)
				}
			}
			o.server.play(nil)
			o.Timeouts = patient
			o.Exec(t, `UPDATE mailbox SET smtp = jsonb_set(smtp, '{tls}', '"none"')`)
			o.again(t, l.id)
			state, _, _ := strings.Cut(c.want, " ")
			after := map[string]string{"deferred": "sent 250", "failed": c.want, "sending": c.want}[state]
			copies := map[string]int{"deferred": 1, "failed": 0, "sending": 1}[state]
			if got := o.row(t, l.id); got != after || o.server.copies(l.messageID, "kim@customer.example") != copies {
				t.Errorf("with a server that works it is %s, in %d copies; want %s, in %d", got, o.server.copies(l.messageID, "kim@customer.example"), after, copies)
			}
			if state == "sending" && o.Count(t, "SELECT count(*) FROM outbox WHERE id = $1 AND probe_at IS NOT NULL", l.id) != 1 {
				t.Error("nobody looks for it")
			}
		})
	}
}

// I5: a mail to several, of whom a server takes some: each gets one copy or a visible refusal, and only who was put off is in the next attempt.
func TestMailToSeveralReachesEachOnceOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	o := sendsThrough(t)
	const ada, bob, cho = "ada@customer.example", "bob@customer.example", "cho@customer.example"
	l := o.write(t, ada, bob, cho)
	fate := func() string {
		return o.Text(t, "SELECT string_agg(concat_ws(' ', state, reply_code, server_text), ', ' ORDER BY position) FROM outbox_recipient WHERE outbox_id = $1", l.id)
	}
	copies := func() string {
		return fmt.Sprint(o.server.copies(l.messageID, ada), o.server.copies(l.messageID, bob), o.server.copies(l.messageID, cho))
	}
	o.server.play(map[string]string{"RCPT " + bob: "550 5.1.1 no 4111 1111 1111 1111 here", "RCPT " + cho: "450 4.2.0 busy"})
	o.send(t, l.id)
	got := fate()
	if !strings.HasPrefix(got, "sent 250 queued as 4711, failed 550 no ") || !strings.HasSuffix(got, " here, deferred 450 busy") || strings.Contains(got, "4111 1111") || copies() != "1 0 0" {
		t.Fatalf("%s; %s copies", got, copies()) // and the card number is masked (R36)
	}
	if row := o.row(t, l.id); row != "deferred 450" {
		t.Errorf("as a whole it is %s", row)
	}
	o.server.play(nil)
	o.again(t, l.id)
	if row := o.row(t, l.id); row != "failed 550" || copies() != "1 0 1" {
		t.Errorf("in the end it is %s; %s copies", row, copies())
	}
	o.again(t, l.id)
	if copies() != "1 0 1" {
		t.Errorf("settled, it was sent again: %s copies", copies())
	}

	// The answer to the dot is lost: those who were refused before it are known all the same.
	l = o.write(t, ada, bob, cho)
	o.server.play(map[string]string{"RCPT " + bob: "550 5.1.1 nobody", "RCPT " + cho: "450 4.2.0 busy", "dot": hangUp})
	o.send(t, l.id)
	if got := fate(); got != "sending 0 , failed 550 nobody, deferred 450 busy" || o.row(t, l.id) != "sending 0" {
		t.Errorf("with a lost answer: %s", got)
	}
}

// docs/decisions/0004: a sender that froze before its dot, and whose attempt was taken over, sends nothing when it wakes. In the control the token is its
// own again, as if nothing had tested it: then there are two copies.
func TestFrozenSenderWhoseAttemptWasTakenOverSendsNothing(t *testing.T) {
	t.Parallel()
	o := sendsThrough(t)
	for _, tested := range []bool{true, false} {
		l := o.write(t, "kim@customer.example")
		heard, wake := o.server.hold("DATA")
		frozen := make(chan struct{})
		go func() {
			defer close(frozen)
			o.send(t, l.id)
		}()
		<-heard
		token := o.Text(t, "SELECT attempt_token::text FROM outbox WHERE id = $1", l.id)
		o.send(t, l.id) // another worker, which believes that the first is dead
		if got := o.row(t, l.id); got != "sent 250" || o.server.copies(l.messageID, "kim@customer.example") != 1 {
			t.Fatalf("the second attempt: %s", got)
		}
		if !tested {
			o.Exec(t, "UPDATE outbox SET attempt_token = $2, state = 'sending', dot_sent_at = NULL, settled_at = NULL WHERE id = $1", l.id, token)
		}
		wake()
		<-frozen
		if copies, want := o.server.copies(l.messageID, "kim@customer.example"), map[bool]int{true: 1, false: 2}[tested]; copies != want {
			t.Errorf("token tested %t: %d copies, want %d", tested, copies, want)
		}
		if got := o.row(t, l.id); got != "sent 250" {
			t.Errorf("token tested %t: it is %s", tested, got)
		}
	}
}
