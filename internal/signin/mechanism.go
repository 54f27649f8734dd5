package signin

import (
	"errors"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// bearer is OAUTHBEARER or XOAUTH2: the access token is the initial response.
type bearer struct {
	mechanism       Mechanism
	username, token string
	host            string
	port            int
	refused         bool
}

// Start gives the token.
func (b *bearer) Start() (mechanism string, response []byte, err error) {
	if strings.ContainsAny(b.username+b.token, "\x00\x01\r\n") {
		return "", nil, errors.New("signin: a user name or token with control characters")
	}
	if b.mechanism == XOAuth2 {
		return string(XOAuth2), []byte("user=" + b.username + "\x01auth=Bearer " + b.token + "\x01\x01"), nil
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.username) // saslname, RFC 5801 section 4
	return string(OAuthBearer), []byte("n,a=" + name + ",\x01host=" + b.host + "\x01port=" + strconv.Itoa(b.port) + "\x01auth=Bearer " + b.token + "\x01\x01"), nil
}

// Next answers the error that a server sends as a challenge (RFC 7628 section 3.2.3), so that it can refuse in order. What it says is not looked
// at: it may repeat the token.
func (b *bearer) Next([]byte) ([]byte, error) {
	if b.refused {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	b.refused = true
	if b.mechanism == XOAuth2 {
		return []byte{}, nil
	}
	return []byte{1}, nil
}

// login is LOGIN, which has no standard: two questions, whatever their words, for user name and password.
type login struct{ answers []string }

// Start begins without an initial response, which not every server takes.
func (l *login) Start() (mechanism string, response []byte, err error) {
	return string(Login), nil, nil
}

// Next answers a question.
func (l *login) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}

// Iterations that a server may ask for: fewer make the password guessable by who listens (RFC 7677 section 4 asks for 4096), more would
// keep us busy for a server's pleasure.
const (
	minIterations = 4096
	maxIterations = 2_000_000
)

// scramClient is one SCRAM exchange.
type scramClient struct {
	mechanism    Mechanism
	conversation *scram.ClientConversation
}

func newScram(m Mechanism, username, password string) (*scramClient, error) {
	hash := scram.SHA256
	if m == ScramSHA1 {
		hash = scram.SHA1
	}
	client, err := hash.NewClient(username, password, "")
	if err != nil { // SASLprep (RFC 4013) knows no such characters: as they are, which is what servers store then
		if client, err = hash.NewClientUnprepped(username, password, ""); err != nil {
			return nil, errors.New("signin: SCRAM cannot carry the user name or password")
		}
	}
	return &scramClient{m, client.WithMinIterations(minIterations).NewConversation()}, nil
}

// Start gives the client's first message.
func (c *scramClient) Start() (mechanism string, response []byte, err error) {
	first, err := c.conversation.Step("")
	return string(c.mechanism), []byte(first), err
}

// Next answers the server's first message with the proof, and its final one, once it is verified, with nothing.
func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	if c.conversation.Done() {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	for _, field := range strings.Split(string(challenge), ",") {
		if n, ok := strings.CutPrefix(field, "i="); ok {
			if i, err := strconv.Atoi(n); err != nil || i > maxIterations {
				return nil, errors.New("signin: the server asks for too many iterations")
			}
		}
	}
	answer, err := c.conversation.Step(string(challenge))
	if err != nil {
		return nil, errors.New("signin: the server's SCRAM message is not right") // without its words
	}
	return []byte(answer), nil
}

// proved reports whether the server has shown that it knows the password.
func (c *scramClient) proved() bool { return c.conversation.Valid() }

// EndsWithNothing reports whether a client's last response is empty: some libraries write it as "=", which servers refuse in the middle of
// an exchange (RFC 4954 section 4, RFC 9051 section 6.2.2 know "=" for an initial response only).
func EndsWithNothing(client sasl.Client) bool {
	_, ok := client.(*scramClient)
	return ok
}
