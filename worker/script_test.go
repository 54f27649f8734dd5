package worker_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// What a scripted server does in place of an answer.
const (
	hangUp = "(hang up)"
	silent = "(say nothing)"
)

// scripted is an SMTP server that answers by a script: by verb, "greeting", "body" (the mail, before its dot) and "dot" included, and RCPT by
// "RCPT address". What the script does not say is answered well. It counts what it took.
type scripted struct {
	port int

	mu      sync.Mutex
	answers map[string]string
	gates   map[string]chan struct{} // a verb is answered when its gate opens
	heard   map[string]chan struct{} // closed when a verb has come
	taken   map[string]int           // by Message-ID and recipient: a mail whose dot was read, unless it was refused
	conns   map[net.Conn]struct{}
}

func script(t *testing.T) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &scripted{port: l.Addr().(*net.TCPAddr).Port, taken: map[string]int{}, conns: map[net.Conn]struct{}{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = struct{}{}
			s.mu.Unlock()
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.play(nil)
		serving.Wait()
	})
	return s
}

// play changes the script, and ends all connections.
func (s *scripted) play(answers map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = map[net.Conn]struct{}{}
}

// hold has the next answer to a verb wait until open is called; heard is closed when the verb has come.
func (s *scripted) hold(verb string) (heard <-chan struct{}, open func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate, came := make(chan struct{}), make(chan struct{})
	s.gates, s.heard = map[string]chan struct{}{verb: gate}, map[string]chan struct{}{verb: came}
	return came, func() { close(gate) }
}

// copies says how often a mail was taken for a recipient.
func (s *scripted) copies(id, to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[id+" "+to]
}

func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	say := func(verb, usual string) (goOn bool) {
		s.mu.Lock()
		answer, scripted := s.answers[verb]
		gate, came := s.gates[verb], s.heard[verb]
		delete(s.gates, verb)
		delete(s.heard, verb)
		s.mu.Unlock()
		if gate != nil {
			close(came)
			<-gate
		}
		if !scripted {
			answer = usual
		}
		switch answer {
		case hangUp:
			return false
		case silent:
			_, _ = r.ReadString(0) // until the connection ends
			return false
		}
		_, err := fmt.Fprint(conn, strings.ReplaceAll(answer, "\n", "\r\n")+"\r\n")
		return err == nil
	}
	if !say("greeting", "220 script") {
		return
	}
	var to []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(strings.ToUpper(line), " ")
		goOn := true
		switch verb {
		case "EHLO":
			goOn = say(verb, "250-script\n250-8BITMIME\n250-AUTH PLAIN\n250-STARTTLS\n250 DSN")
		case "MAIL":
			to = nil
			goOn = say(verb, "250 2.1.0 ok")
		case "RCPT":
			address := strings.ToLower(rest[strings.Index(rest, "<")+1 : strings.Index(rest, ">")])
			s.mu.Lock()
			answer, special := s.answers["RCPT "+address]
			all := s.answers["RCPT"]
			s.mu.Unlock()
			if !special {
				answer = "250 2.1.5 ok"
			}
			if strings.HasPrefix(answer, "250") && (all == "" || strings.HasPrefix(all, "250")) {
				to = append(to, address)
			}
			goOn = say(verb, answer)
		case "DATA":
			s.mu.Lock()
			answer, body := s.answers[verb], s.answers["body"]
			s.mu.Unlock()
			if goOn = say(verb, "354 go on"); !goOn || answer != "" || body == hangUp {
				goOn = goOn && body != hangUp
				break
			}
			goOn = s.read(r, to, say)
		case "QUIT":
			say(verb, "221 2.0.0 bye")
			return
		case "AUTH":
			goOn = say(verb, "235 2.7.0 welcome")
		default:
			goOn = say(verb, "250 2.0.0 ok")
		}
		if !goOn {
			return
		}
	}
}

// read reads a mail up to its dot, and counts it unless it refuses it.
func (s *scripted) read(r *bufio.Reader, to []string, say func(verb, usual string) bool) bool {
	id := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if rest, is := strings.CutPrefix(strings.ToLower(line), "message-id:"); is && id == "" {
			id = strings.Trim(strings.TrimSpace(rest), "<>")
		}
		if line == ".\r\n" {
			break
		}
	}
	s.mu.Lock()
	if refusal := s.answers["dot"]; !strings.HasPrefix(refusal, "4") && !strings.HasPrefix(refusal, "5") {
		for _, address := range to {
			s.taken[id+" "+address]++
		}
	}
	s.mu.Unlock()
	return say("dot", "250 2.0.0 queued as 4711")
}
