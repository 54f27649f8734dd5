package devmail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"

	"github.com/postroom/postroom/internal/devmail"
)

// serveUntilKilled is the server in a process of its own, which prints where it listens and waits to be killed.
func serveUntilKilled(dir string) {
	s, err := devmail.Start(devmail.Options{Dir: dir, Accounts: map[string]string{support: password}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode([]string{s.SMTPAddr(), s.IMAPAddr()})
	select {}
}

func TestAcknowledgedMailSurvivesKillNine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := map[imap.UID]string{} // what the mails of each UID hold, over all the server's lives
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var validity uint32
	for life := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "DEVMAIL_TEST_SERVE="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		var addresses []string
		must(t, json.NewDecoder(out).Decode(&addresses))

		enough := make(chan struct{}, 1000)
		var senders sync.WaitGroup
		for sender := range 4 {
			senders.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("mail %d %d %d", life, sender, i)
					// Two recipients: both have the mail, or neither.
					if smtp.SendMail(addresses[0], nil, "ada@customer.example", []string{support, "copy@customer.example"}, []byte(letter(name))) != nil {
						return
					}
					mu.Lock()
					acknowledged[name] = true
					mu.Unlock()
					enough <- struct{}{}
				}
			})
		}
		for range 40 {
			<-enough
		}
		must(t, child.Process.Kill())
		_ = child.Wait() // killed
		senders.Wait()

		s := start(t, devmail.Options{Dir: dir})
		m := open(t, s)
		if validity == 0 {
			validity = m.selected.UIDValidity
		}
		if m.selected.UIDValidity != validity {
			t.Errorf("UIDVALIDITY %d, was %d", m.selected.UIDValidity, validity)
		}
		got := m.fetch()
		for uid, was := range seen {
			if got[uid] == nil || string(got[uid].BodySection[0].Bytes) != was {
				t.Errorf("UID %d means another mail after life %d", uid, life)
			}
		}
		var all bytes.Buffer
		for uid, buf := range got {
			seen[uid] = string(buf.BodySection[0].Bytes)
			all.Write(buf.BodySection[0].Bytes)
		}
		lost := 0
		for name := range acknowledged {
			if !bytes.Contains(all.Bytes(), []byte("Subject: "+name+"\r\n")) {
				lost++
			}
		}
		copies := len(s.Messages("copy@customer.example", 1<<20))
		t.Logf("life %d: %d acknowledged, %d kept, %d lost", life, len(acknowledged), len(got), lost)
		if lost > 0 || copies != len(got) {
			t.Errorf("%d acknowledged mails lost; %d mails here, %d at the second recipient", lost, len(got), copies)
		}
		must(t, s.Close())
	}
}
