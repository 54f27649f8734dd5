package mailbox_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/postroom/postroom/internal/mailbox"
)

const patience = 20 * time.Second

// Ways in which the scripted server delivers a mail.
const (
	badSize    = "negative size"
	badAnswer  = "an answer that cannot be read"
	badItem    = "an item nobody asked for"
	refuse     = "NO"
	drop       = "hang up"
	mute       = "say nothing"
	nilBody    = "NIL"
	emptyBody  = "empty literal"
	noUID      = "no UID in the answer"
	noAnswer   = "OK without an answer"
	liesOfSize = "a literal of another size"
)

// server is an IMAP server that does as it is told.
type server struct {
	t    *testing.T
	host string
	port int

	mu       sync.Mutex
	caps     string
	flags    string // PERMANENTFLAGS
	validity uint32
	mails    map[uint32]string
	manner   map[uint32]string // how each mail is delivered
	answers  map[string]string // tagged answer by command, without the tag; "" closes, mute is silent
	untagged map[string]string // sent before the tagged answer
	lines    []string          // what it was told, without tags
	heard    chan string
	logins   int
	conns    []net.Conn
	onLogin  func(n int)
	onNoop   func()
	late     map[uint32]string // mails that the session learns of when a search has ended
	begin    func()
}

func script(t *testing.T, mails ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &server{t: t, host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port, validity: 7, flags: `\Seen \*`,
		caps: "IMAP4rev1 IDLE UIDPLUS MOVE ESEARCH SASL-IR AUTH=PLAIN", heard: make(chan string, 10_000),
		mails: map[uint32]string{}, manner: map[uint32]string{}, answers: map[string]string{}, untagged: map[string]string{}}
	for i, raw := range mails {
		s.mails[uint32(i+1)] = raw
	}
	stopped := make(chan struct{})
	var serving sync.WaitGroup
	// What the test does before it first connects needs no lock: the server's goroutine begins after it.
	s.begin = sync.OnceFunc(func() {
		serving.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				s.mu.Lock()
				s.conns = append(s.conns, conn)
				s.mu.Unlock()
				serving.Go(func() { s.serve(conn, stopped) })
			}
		})
	})
	t.Cleanup(func() {
		close(stopped)
		_ = l.Close()
		s.cut()
		serving.Wait()
	})
	return s
}

// cut closes every connection.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// say sends something that nobody asked for, on the last connection.
func (s *server) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.conns[len(s.conns)-1], "%s\r\n", line)
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *server) serve(conn net.Conn, stopped <-chan struct{}) {
	defer conn.Close()
	s.mu.Lock()
	greeting := fmt.Sprintf("* OK [CAPABILITY %s] script\r\n", strings.TrimSpace(s.caps))
	silent := s.answers["greeting"] == mute
	s.mu.Unlock()
	if silent {
		<-stopped
		return
	}
	fmt.Fprint(conn, greeting)
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		verb := command
		for _, known := range []string{"UID FETCH", "UID SEARCH", "UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE"} {
			if strings.HasPrefix(command, known) {
				verb = known
			}
		}
		if verb == command {
			verb, _, _ = strings.Cut(command, " ")
		}
		if verb == "LOGIN" || verb == "AUTHENTICATE" {
			s.set(func() { s.logins++ })
			if s.onLogin != nil {
				s.onLogin(s.logins)
			}
		}
		s.mu.Lock()
		if verb != "AUTHENTICATE" {
			s.lines = append(s.lines, command)
		}
		answer, scripted := s.answers[verb]
		untagged := s.untagged[verb]
		s.mu.Unlock()
		s.heard <- verb
		switch {
		case answer == mute:
			<-stopped
			return
		case scripted && answer == "":
			return
		case scripted:
			fmt.Fprintf(conn, "%s%s %s\r\n", untagged, tag, answer)
			continue
		}
		fmt.Fprint(conn, untagged)
		if !s.do(conn, r, tag, verb, command) {
			if verb == "UID FETCH" && strings.Contains(s.lastManner(command), mute) {
				<-stopped
			}
			return
		}
	}
}

func (s *server) lastManner(command string) (all string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, uid := range s.pick(strings.Fields(command)[2]) {
		all += s.manner[uid] + ";"
	}
	return all
}

func (s *server) do(conn net.Conn, r *bufio.Reader, tag, verb, command string) (goOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch verb {
	case "CAPABILITY":
		fmt.Fprintf(conn, "* CAPABILITY %s\r\n", strings.TrimSpace(s.caps))
	case "SELECT":
		fmt.Fprintf(conn, "* %d EXISTS\r\n* OK [UIDVALIDITY %d] v\r\n* OK [PERMANENTFLAGS (%s)] f\r\n", len(s.mails), s.validity, s.flags)
	case "UID SEARCH":
		uids := s.uids()
		if _, rest, ok := strings.Cut(command, " UID "); ok {
			uids = s.pick(strings.Fields(rest)[0])
		} else {
			_, rest, _ = strings.Cut(command, "SEARCH")
			if _, after, ok := strings.Cut(rest, "UID "); ok {
				uids = s.pick(after)
			}
		}
		var list imap.UIDSet
		for _, uid := range uids {
			list.AddNum(imap.UID(uid))
		}
		if strings.Contains(command, "RETURN") && len(uids) > 0 {
			fmt.Fprintf(conn, "* ESEARCH (TAG %q) UID ALL %s\r\n", tag, list)
		} else {
			fmt.Fprintln(conn, strings.TrimRight("* SEARCH "+strings.Trim(fmt.Sprint(uids), "[]"), " ")+"\r")
		}
		for uid, raw := range s.late {
			s.mails[uid] = raw
			fmt.Fprintf(conn, "* %d EXISTS\r\n", len(s.mails))
		}
		s.late = nil
	case "UID FETCH":
		fields := strings.Fields(command)
		for _, uid := range s.pick(fields[2]) {
			if done, answer := s.deliver(conn, uid, command); done {
				if answer == "" {
					return false
				}
				fmt.Fprintf(conn, "%s %s\r\n", tag, answer)
				return true
			}
		}
	case "IDLE":
		fmt.Fprint(conn, "+ idling\r\n")
		s.mu.Unlock()
		line, err := r.ReadString('\n')
		s.mu.Lock()
		if err != nil || line != "DONE\r\n" || s.answers["DONE"] == mute {
			return err == nil && s.answers["DONE"] == mute
		}
	case "NOOP":
		if s.onNoop != nil {
			s.onNoop()
		}
	case "LOGOUT":
		fmt.Fprint(conn, "* BYE\r\n")
	}
	fmt.Fprintf(conn, "%s OK done\r\n", tag)
	return true
}

func (s *server) uids() (uids []uint32) {
	for uid := range s.mails {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids
}

// pick returns the mails of a set such as "1:3,7" or "5:*".
func (s *server) pick(set string) (uids []uint32) {
	all := s.uids()
	for _, part := range strings.Split(set, ",") {
		low, high, isRange := strings.Cut(part, ":")
		from, _ := strconv.Atoi(low)
		to := from
		if isRange {
			if to, _ = strconv.Atoi(high); high == "*" && len(all) > 0 {
				to = int(all[len(all)-1])
			}
		}
		for _, uid := range all {
			if int(uid) >= min(from, to) && int(uid) <= max(from, to) {
				uids = append(uids, uid)
			}
		}
	}
	return uids
}

// deliver answers one FETCH for one mail. done ends the command, with a tagged answer or, if that is empty, with the connection.
func (s *server) deliver(conn net.Conn, uid uint32, command string) (done bool, answer string) {
	raw, manner := s.mails[uid], s.manner[uid]
	if strings.Contains(command, "RFC822.SIZE") {
		size := len(raw)
		if manner == badSize {
			size = -1
		}
		fmt.Fprintf(conn, "* %d FETCH (UID %d RFC822.SIZE %d)\r\n", uid, uid, size)
		return false, ""
	}
	section := "BODY[]"
	if strings.Contains(command, "HEADER") {
		section, raw = "BODY[HEADER]", "Subject: x\r\n\r\n"
	}
	switch manner {
	case badAnswer:
		fmt.Fprintf(conn, "* %d FETCH (UID %d BODY \"\"\"\" %s {3}\r\nabc)\r\n", uid, uid, section)
	case badItem:
		fmt.Fprintf(conn, "* %d FETCH (UID %d X-GM-MSGID 12 %s {3}\r\nabc)\r\n", uid, uid, section)
	case refuse:
		return true, "NO no such luck for ada@customer.example"
	case drop, mute:
		return true, ""
	case nilBody:
		fmt.Fprintf(conn, "* %d FETCH (UID %d %s NIL)\r\n", uid, uid, section)
	case emptyBody:
		fmt.Fprintf(conn, "* %d FETCH (UID %d %s {0}\r\n)\r\n", uid, uid, section)
	case noUID:
		fmt.Fprintf(conn, "* %d FETCH (%s {3}\r\nabc)\r\n", uid, section)
	case noAnswer:
	case liesOfSize:
		fmt.Fprintf(conn, "* %d FETCH (UID %d %s {%d}\r\n%s)\r\n", uid, uid, section, 5<<20, strings.Repeat("x", 5<<20))
	default:
		fmt.Fprintf(conn, "* %d FETCH (UID %d %s {%d}\r\n%s)\r\n", uid, uid, section, len(raw), raw)
	}
	return false, ""
}

// await waits until the server has heard a command.
func (s *server) await(verb string) {
	s.t.Helper()
	late := time.After(patience)
	for {
		select {
		case heard := <-s.heard:
			if heard == verb {
				return
			}
		case <-late:
			s.t.Fatalf("%s never came", verb)
		}
	}
}

func (s *server) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func (s *server) config() mailbox.Config {
	s.begin()
	return mailbox.Config{Host: s.host, Port: s.port, Security: mailbox.SecurityNone, Username: "support@postroom.example", Password: "secret",
		DialTimeout: patience, CommandTimeout: patience, IdleCycle: patience}
}

func (s *server) open(change func(*mailbox.Config)) *mailbox.Session {
	s.t.Helper()
	config := s.config()
	if change != nil {
		change(&config)
	}
	session, err := mailbox.Open(s.t.Context(), config)
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, session.Close()) })
	return session
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
