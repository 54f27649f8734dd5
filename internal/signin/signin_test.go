package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"github.com/postroom/postroom"
)

func TestBestMechanismInCommonIsChosenAndSecretsGoOverPrivateConnectionsOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		offered string
		oauth   bool
		public  bool
		only    Mechanism
		want    Mechanism
	}{
		{offered: "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2", want: ScramSHA256},
		{offered: "PLAIN LOGIN SCRAM-SHA-1", want: ScramSHA1},
		{offered: "LOGIN PLAIN", want: Plain},
		{offered: "LOGIN", want: Login},
		{offered: "GSSAPI"},
		{offered: "PLAIN LOGIN SCRAM-SHA-256", public: true, want: ScramSHA256},
		{offered: "PLAIN LOGIN", public: true},
		{offered: "PLAIN XOAUTH2 OAUTHBEARER", oauth: true, want: OAuthBearer},
		{offered: "PLAIN XOAUTH2", oauth: true, want: XOAuth2},
		{offered: "PLAIN SCRAM-SHA-256", oauth: true},
		{offered: "XOAUTH2 OAUTHBEARER", oauth: true, public: true},
		{offered: "XOAUTH2 OAUTHBEARER", oauth: true, only: XOAuth2, want: XOAuth2},
		{offered: "OAUTHBEARER", oauth: true, only: XOAuth2},
		{offered: "PLAIN", only: OAuthBearer},
	} {
		creds := Credentials{Username: "u", Password: "p", Mechanism: c.only}
		if c.oauth {
			creds.Tokens = &tokens{}
		}
		got, ok := creds.Choose(Server{Private: !c.public, Offers: func(m Mechanism) bool { return slices.Contains(strings.Fields(c.offered), string(m)) }})
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%+v: chose %q", c, got)
		}
	}
}

// The examples of RFC 5802 section 5 and RFC 7677 section 3.
func TestScramSpeaksAsTheStandardsSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mechanism                         Mechanism
		nonce, first, challenge, proof, v string
	}{
		{ScramSHA1, "fyko+d2lbbFgONRv9qkxdawL", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
		{ScramSHA256, "rOprNGfwEbeRWgbNEkqO", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
	} {
		hash := scram.SHA256
		if c.mechanism == ScramSHA1 {
			hash = scram.SHA1
		}
		library, err := hash.NewClient("user", "pencil", "")
		if err != nil {
			t.Fatal(err)
		}
		begin := func() *scramClient {
			library.WithNonceGenerator(func() string { return c.nonce })
			return &scramClient{c.mechanism, library.WithMinIterations(minIterations).NewConversation()}
		}
		client := begin()
		name, first, err := client.Start()
		if err != nil || name != string(c.mechanism) || string(first) != c.first {
			t.Fatalf("%s: begins %q, %v", name, first, err)
		}
		proof, err := client.Next([]byte(c.challenge))
		if err != nil || string(proof) != c.proof || client.proved() {
			t.Fatalf("%s: proves %q, %v", name, proof, err)
		}
		if last, err := client.Next([]byte(c.v)); err != nil || len(last) != 0 || last == nil || !client.proved() {
			t.Fatalf("%s: ends %q, %v", name, last, err)
		}
		for what, messages := range map[string][]string{
			"few iterations": {strings.Replace(c.challenge, "i=4096", "i=100", 1)}, "endless iterations": {strings.Replace(c.challenge, "i=4096", "i=2000000000", 1)},
			"another nonce": {strings.Replace(c.challenge, "r=", "r=x", 1)}, "a wrong proof": {c.challenge, "v=AAAA"}, "an error": {c.challenge, "e=other-error"},
		} {
			client := begin()
			_, _, _ = client.Start()
			var err error
			for _, m := range messages {
				_, err = client.Next([]byte(m))
			}
			if err == nil || client.proved() {
				t.Errorf("%s takes %s", name, what)
			}
		}
	}
}

func TestServerThatSaysYesBeforeItProvesThatItKnowsThePasswordIsRefused(t *testing.T) {
	t.Parallel()
	c := Credentials{Username: "user", Password: "pencil"}
	err := c.Do(t.Context(), offering(ScramSHA256), func(client sasl.Client) error {
		_, _, err := client.Start()
		return err
	}, never)
	if postroom.ReasonOf(err) != ReasonServerUnproved {
		t.Errorf("got %v", err)
	}
}

func TestTokensAreSpokenAsTheStandardSays(t *testing.T) {
	t.Parallel()
	for m, want := range map[Mechanism]string{
		OAuthBearer: "n,a=user=3D1=2C2@shop.example,\x01host=imap.shop.example\x01port=143\x01auth=Bearer a-token\x01\x01",
		XOAuth2:     "user=user=1,2@shop.example\x01auth=Bearer a-token\x01\x01",
	} {
		b := &bearer{mechanism: m, username: "user=1,2@shop.example", token: "a-token", host: "imap.shop.example", port: 143}
		name, first, err := b.Start()
		if err != nil || name != string(m) || string(first) != want {
			t.Errorf("%s begins %q, %v", name, first, err)
		}
		if answer, err := b.Next([]byte(`{"status":"invalid_token"}`)); err != nil || answer == nil || len(answer) > 1 {
			t.Errorf("%s answers a refusal with %q, %v", name, answer, err)
		}
		if _, err := b.Next(nil); err == nil {
			t.Errorf("%s goes on for ever", name)
		}
	}
	if _, _, err := (&bearer{mechanism: XOAuth2, token: "a\x01b"}).Start(); err == nil {
		t.Error("a token can say more than itself")
	}
}

var errNo = errors.New("no")

func never(error) bool { return false }

func offering(m Mechanism) Server {
	return Server{Private: true, Offers: func(o Mechanism) bool { return o == m }}
}

// tokens are t1, t2 and so on; a new one after each Reject.
type tokens struct{ rejected int }

func (t *tokens) Token(context.Context) (string, error) { return fmt.Sprint("t", t.rejected+1), nil }
func (t *tokens) Reject(string)                         { t.rejected++ }

func TestTokenThatIsRefusedIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		takes string
		tried string
		err   error
	}{{"t1", "t1", nil}, {"t2", "t1 t2", nil}, {"t3", "t1 t2", errNo}} {
		var tried []string
		err := Credentials{Username: "u", Tokens: &tokens{}}.Do(t.Context(), offering(XOAuth2), func(client sasl.Client) error {
			token := client.(*bearer).token
			tried = append(tried, token)
			if token != c.takes {
				return errNo
			}
			return nil
		}, func(err error) bool { return errors.Is(err, errNo) })
		if strings.Join(tried, " ") != c.tried || !errors.Is(err, c.err) {
			t.Errorf("a server that takes %s was shown %v: %v", c.takes, tried, err)
		}
	}
	var tried int
	_ = Credentials{Tokens: &tokens{}}.Do(t.Context(), offering(XOAuth2), func(sasl.Client) error { tried++; return errNo }, never)
	if tried != 1 {
		t.Errorf("after an error that is no refusal the server was tried %d times", tried)
	}
}

func TestCredentialsDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	c := Credentials{Username: "user", Password: "pencil"}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %q", c, c, c)} {
		if strings.Contains(s, "pencil") {
			t.Error(s)
		}
	}
}
