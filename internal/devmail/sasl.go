package devmail

import (
	"bytes"
	"crypto/rand"
	"strings"

	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/xdg-go/scram"
)

// The mechanisms beside PLAIN.
const (
	scramSHA256 = "SCRAM-SHA-256"
	scramSHA1   = "SCRAM-SHA-1"
	oauthBearer = "OAUTHBEARER"
	xoauth2     = "XOAUTH2"
)

// mechanisms are what is offered: Options.Mechanisms, or PLAIN, SCRAM and, where access tokens are known, the two of OAuth.
func (s *Server) mechanisms() []string {
	if s.options.Mechanisms != nil {
		return s.options.Mechanisms
	}
	all := []string{sasl.Plain, scramSHA256, scramSHA1}
	if s.options.Token != nil {
		all = append(all, oauthBearer, xoauth2)
	}
	return all
}

// authenticate begins an exchange that ends with the account's name in into, or with refusal. A mechanism that is not offered is unknown.
func (s *Server) authenticate(mechanism string, refusal, unknown error, into func(account string)) (sasl.Server, error) {
	offered := false
	for _, m := range s.mechanisms() {
		offered = offered || m == mechanism
	}
	if !offered {
		return nil, unknown
	}
	switch mechanism {
	case scramSHA256:
		return s.scram(scram.SHA256, refusal, into)
	case scramSHA1:
		return s.scram(scram.SHA1, refusal, into)
	case oauthBearer, xoauth2:
		return &bearerServer{server: s, refusal: refusal, into: into}, nil
	}
	return sasl.NewPlainServer(func(_, username, password string) error {
		account, _ := accountOf(username)
		if !s.knows(account, password) {
			return refusal
		}
		into(account)
		return nil
	}), nil
}

// scramServer is one SCRAM exchange (RFC 5802).
type scramServer struct {
	conversation *scram.ServerConversation
	refusal      error
	into         func(account string)
}

func (s *Server) scram(hash scram.HashGeneratorFcn, refusal error, into func(string)) (sasl.Server, error) {
	server, err := hash.NewServer(func(username string) (scram.StoredCredentials, error) {
		account, _ := accountOf(username)
		password, ok := s.passwords[account]
		if !ok {
			return scram.StoredCredentials{}, refusal
		}
		client, err := hash.NewClient(username, password, "")
		if err != nil {
			return scram.StoredCredentials{}, err
		}
		salt := make([]byte, 16)
		rand.Read(salt)
		return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: 4096})
	})
	if err != nil {
		return nil, err
	}
	return &scramServer{server.NewConversation(), refusal, into}, nil
}

// Next takes a message of the client.
func (c *scramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if c.conversation.Done() {
		if len(response) > 0 || !c.conversation.Valid() {
			return nil, true, c.refusal
		}
		account, _ := accountOf(c.conversation.Username())
		c.into(account)
		return nil, true, nil
	}
	if response == nil {
		return nil, false, nil
	}
	answer, err := c.conversation.Step(string(response))
	if err != nil {
		return nil, true, c.refusal
	}
	return []byte(answer), false, nil
}

// bearerServer is one exchange of OAUTHBEARER (RFC 7628) or XOAUTH2.
type bearerServer struct {
	server  *Server
	refusal error
	into    func(account string)
	refused bool
}

// Next takes the token, or the answer to its refusal.
func (c *bearerServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if c.refused {
		return nil, true, c.refusal
	}
	if response == nil {
		return nil, false, nil
	}
	var username, token string
	for field := range bytes.SplitSeq(response, []byte{1}) {
		s := string(field)
		if header, ok := strings.CutPrefix(s, "n,a="); ok {
			username = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(strings.TrimSuffix(header, ","))
		}
		if user, ok := strings.CutPrefix(s, "user="); ok {
			username = user
		}
		if bearer, ok := strings.CutPrefix(s, "auth=Bearer "); ok {
			token = bearer
		}
	}
	account, _ := accountOf(username)
	if _, known := c.server.passwords[account]; !known || token == "" || !c.server.options.Token(account, token) {
		c.refused = true
		return []byte(`{"status":"401","schemes":"bearer"}`), false, nil
	}
	c.into(account)
	return nil, true, nil
}

var _ imapserver.SessionSASL = (*imapSession)(nil)

// AuthenticateMechanisms lists what is offered.
func (c *imapSession) AuthenticateMechanisms() []string { return c.server.mechanisms() }

// Authenticate begins a SASL exchange.
func (c *imapSession) Authenticate(mechanism string) (sasl.Server, error) {
	return c.server.authenticate(mechanism, imapserver.ErrAuthFailed, imapserver.ErrAuthFailed, func(account string) { c.account = account })
}

var _ smtp.AuthSession = (*smtpSession)(nil)

// AuthMechanisms lists what is offered: nobody has to use it, but who does must know the password.
func (c *smtpSession) AuthMechanisms() []string { return c.server.mechanisms() }

// Auth begins a SASL exchange.
func (c *smtpSession) Auth(mechanism string) (sasl.Server, error) {
	return c.server.authenticate(mechanism, smtp.ErrAuthFailed, smtp.ErrAuthUnknownMechanism, func(string) {})
}
