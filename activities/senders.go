package activities

import (
	"sync"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/outbound"
	"github.com/postroom/postroom/internal/signin"
)

// keepConnection is how long a connection to a mail server is kept for the next reply: less than servers grant (RFC 5321 section 4.5.3.2.7 asks for
// five minutes, and few keep to it).
const keepConnection = 20 * time.Second

// smtpServer says how replies of a mailbox are submitted.
type smtpServer struct {
	Host               string
	Port               int
	Security           outbound.Security
	Username, Password string
	Tokens             signin.Tokens
	Mechanism          signin.Mechanism
	Timeouts           SendTimeouts
}

// SendTimeouts bound the steps of handing a mail to a server; see outbound.Config.
type SendTimeouts struct{ Dial, Command, Dot time.Duration }

// senders are one for each mailbox, so that a connection serves more than one reply.
type senders struct {
	mu sync.Mutex
	by map[postroom.MailboxID]sender
}

type sender struct {
	server smtpServer
	*outbound.Sender
}

// of gives a mailbox's sender; a new one when its settings have changed.
func (s *senders) of(id postroom.MailboxID, server smtpServer) (*outbound.Sender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, known := s.by[id]
	if known && have.server == server {
		return have.Sender, nil
	}
	made, err := outbound.New(outbound.Config{Host: server.Host, Port: server.Port, Security: server.Security, Username: server.Username,
		Password: server.Password, Tokens: server.Tokens, Mechanism: server.Mechanism, IdleTime: keepConnection,
		DialTimeout: server.Timeouts.Dial, CommandTimeout: server.Timeouts.Command, DotTimeout: server.Timeouts.Dot})
	if err != nil {
		return nil, err
	}
	if known {
		have.Close()
	}
	if s.by == nil {
		s.by = map[postroom.MailboxID]sender{}
	}
	s.by[id] = sender{server, made}
	return made, nil
}
