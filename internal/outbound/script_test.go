package outbound_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// Answers that are no answers.
const (
	hangUp = "(hang up)"
	silent = "(silent)"
	stall  = "(stop reading)"
)

// server is an SMTP server that answers by a script: by verb, "greeting" and "dot" included; RCPT by position. What the script does
// not say is answered well.
type server struct {
	t       *testing.T
	host    string
	port    int
	answers map[string]string
	rcpts   []string
	ehlo    string      // what it offers, lines separated by spaces
	heard   chan string // each verb, and "dot", as it comes

	mu    sync.Mutex
	next  map[string]string // what is answered once, before anything else
	lines []string          // what it was told, without the mail
	mail  string            // what came after DATA, up to the dot if there was one
	dot   bool
}

func script(t *testing.T, answers map[string]string, rcpts ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	s := &server{t: t, host: "127.0.0.1", port: addr.Port, answers: answers, rcpts: rcpts, ehlo: "8BITMIME DSN AUTH_PLAIN_LOGIN SIZE", heard: make(chan string, 100)}
	stopped := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(conn, stopped) })
		}
	})
	t.Cleanup(func() {
		close(stopped)
		_ = l.Close()
		serving.Wait()
	})
	return s
}

func (s *server) serve(conn net.Conn, stopped <-chan struct{}) {
	defer conn.Close()
	say := func(verb, usual string) (goOn bool) {
		answer := usual
		if a, ok := s.answers[verb]; ok {
			answer = a
		}
		s.mu.Lock()
		if a, ok := s.next[verb]; ok {
			answer = a
			delete(s.next, verb)
		}
		s.mu.Unlock()
		switch answer {
		case hangUp:
			return false
		case silent, stall:
			<-stopped
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", strings.ReplaceAll(answer, "\n", "\r\n"))
		return err == nil
	}
	if !say("greeting", "220 script") {
		return
	}
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		s.hear(verb)
		goOn := true
		switch verb {
		case "EHLO":
			lines := append([]string{"script"}, strings.Fields(s.ehlo)...)
			var b strings.Builder
			for i, l := range lines {
				sep := "-"
				if i == len(lines)-1 {
					sep = " "
				}
				fmt.Fprintf(&b, "250%s%s\n", sep, strings.ReplaceAll(l, "_", " "))
			}
			goOn = say(verb, strings.TrimSuffix(b.String(), "\n"))
		case "AUTH":
			goOn = s.auth(conn, r, line, say)
		case "RCPT":
			usual := "250 2.1.5 ok"
			if len(s.rcpts) > 0 {
				usual, s.rcpts = s.rcpts[0], s.rcpts[1:]
			}
			if usual == hangUp {
				return
			}
			goOn = say(verb, usual)
		case "DATA":
			if a := s.answers["DATA"]; a == stall {
				fmt.Fprint(conn, "354 go on\r\n")
				<-stopped
				return
			}
			if goOn = say(verb, "354 go on"); !goOn || !strings.HasPrefix(s.answers["DATA"]+"354", "354") {
				break
			}
			if a := s.answers["body"]; a == hangUp {
				return
			}
			if !s.read(r) {
				return
			}
			goOn = say("dot", "250 2.0.0 queued as 4711")
		case "QUIT":
			say(verb, "221 2.0.0 bye")
			return
		default:
			goOn = say(verb, "250 2.0.0 ok")
		}
		if !goOn {
			return
		}
	}
}

func (s *server) auth(conn net.Conn, r *bufio.Reader, line string, say func(verb, usual string) bool) bool {
	if strings.HasPrefix(line, "AUTH LOGIN") {
		for _, question := range []string{"VXNlcm5hbWU6", "cGFzc3dvcmQ6"} { // "Username:", "password:"
			fmt.Fprintf(conn, "334 %s\r\n", question)
			answer, err := r.ReadString('\n')
			if err != nil {
				return false
			}
			s.mu.Lock()
			s.lines = append(s.lines, strings.TrimSpace(answer))
			s.mu.Unlock()
		}
	}
	return say("AUTH", "235 2.7.0 welcome")
}

// read reads a mail up to the dot, and reports whether there was one.
func (s *server) read(r *bufio.Reader) bool {
	var mail strings.Builder
	defer func() {
		s.mu.Lock()
		s.mail = mail.String()
		s.mu.Unlock()
	}()
	for {
		line, err := r.ReadString('\n')
		if err == nil && line == ".\r\n" {
			s.mu.Lock()
			s.dot = true
			s.mu.Unlock()
			s.hear("dot")
			return true
		}
		mail.WriteString(strings.TrimPrefix(line, "."))
		if err != nil {
			return false
		}
	}
}

// second has the server answer a verb once in another way.
func (s *server) second(verb, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = map[string]string{verb: answer}
}

func (s *server) hear(verb string) {
	if s.heard != nil {
		s.heard <- verb
	}
}

func (s *server) told(verb string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		if strings.HasPrefix(line, verb) {
			return true
		}
	}
	return false
}

// await waits until the server has heard verb.
func (s *server) await(verb string) {
	late := time.After(patience)
	for {
		select {
		case heard := <-s.heard:
			if heard == verb {
				return
			}
		case <-late:
			s.t.Errorf("%s never came", verb)
			return
		}
	}
}

func (s *server) sawDot() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dot
}
