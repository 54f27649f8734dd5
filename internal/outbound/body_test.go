package outbound_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/outbound"
)

func TestReplyAsTextAndAsHTMLSaysTheSame(t *testing.T) {
	t.Parallel()
	b := outbound.Body{Text: "Dear <Ada> & co,\n\n  it left.\n\n", Signature: "Kind regards\nPostroom", Attribution: "On Monday, Ada <ada@x.example> wrote:",
		Quote: "> Where is it?\n>\n>> <script>alert(1)</script>\n"}
	if got, want := b.Plain(), "Dear <Ada> & co,\n\n  it left.\n\n-- \nKind regards\nPostroom\n\nOn Monday, Ada <ada@x.example> wrote:\n> Where is it?\n>\n>> <script>alert(1)</script>\n"; got != want {
		t.Errorf("text\n%s\nwant\n%s", got, want)
	}
	got := b.HTML()
	for _, part := range []string{"Dear &lt;Ada&gt; &amp; co,<br>\n<br>\n&nbsp;&nbsp;it left.</div>", "-- <br>\nKind regards<br>\nPostroom", "Ada &lt;ada@x.example&gt; wrote:",
		"<blockquote type=\"cite\"", "Where is it?<br>\n<br>\n&gt; &lt;script&gt;alert(1)&lt;/script&gt;</blockquote>"} {
		if !strings.Contains(got, part) {
			t.Errorf("the HTML lacks %q:\n%s", part, got)
		}
	}
	if strings.Contains(got, "<script") || strings.Contains(got, "<Ada") {
		t.Errorf("somebody's text is markup:\n%s", got)
	}
	if bare := (outbound.Body{Text: "Hello"}); bare.Plain() != "Hello\n" || strings.Contains(bare.HTML(), "blockquote") || strings.Contains(bare.HTML(), "-- ") {
		t.Errorf("a bare one: %q %q", bare.Plain(), bare.HTML())
	}
}

func TestReplyWithHTMLIsAMultipartOfBothThatIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	r := answer()
	body := outbound.Body{Text: "안녕하세요.\n=_ is no boundary\n", Quote: "> Hello\n", Attribution: "Ada:"}
	r.Text, r.HTML = body.Plain(), body.HTML()
	raw, err := outbound.Render(r)
	must(t, err)
	if again, err := outbound.Render(r); err != nil || !bytes.Equal(raw, again) {
		t.Errorf("rendered again it differs: %v", err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	must(t, err)
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain", r.Text}, {"text/html", r.HTML}} { // the best comes last (RFC 2046 section 5.1.4)
		part, err := parts.NextPart()
		must(t, err)
		text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		must(t, err)
		if !strings.HasPrefix(part.Header.Get("Content-Type"), want.kind) || strings.ReplaceAll(string(text), "\r\n", "\n") != want.text {
			t.Errorf("%s: %q", part.Header.Get("Content-Type"), text)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("more parts: %v", err)
	}
}

func TestSignatureVerifiesAndAnythingChangedBreaksIt(t *testing.T) {
	t.Parallel()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(&long.PublicKey)
	must(t, err)
	records := map[string]crypto.Signer{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public): key,
		"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der): long}
	raw, err := outbound.Render(answer())
	must(t, err)
	for record, key := range records {
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		read, err := outbound.SigningKey(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
		must(t, err)
		signed, err := outbound.Sign(raw, outbound.Signing{Domain: "postroom.example", Selector: "mail", Key: read})
		must(t, err)
		if !bytes.HasSuffix(signed, raw) {
			t.Error("the mail itself was changed")
		}
		verify := func(mail []byte) bool {
			found, err := dkim.VerifyWithOptions(bytes.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
				if domain != "mail._domainkey.postroom.example" {
					t.Errorf("asked for %s", domain)
				}
				return []string{record}, nil
			}})
			return err == nil && len(found) == 1 && found[0].Err == nil
		}
		if !verify(signed) {
			t.Errorf("%.20s: it does not verify", record)
		}
		for name, changed := range map[string][]byte{
			"the text":         bytes.Replace(signed, []byte("two days"), []byte("two years"), 1),
			"the subject":      bytes.Replace(signed, []byte("parcel?"), []byte("money?"), 1),
			"a second subject": bytes.Replace(signed, []byte("Subject:"), []byte("Subject: Win\r\nSubject:"), 1),
			"a second sender":  bytes.Replace(signed, []byte("From:"), []byte("From: x@evil.example\r\nFrom:"), 1),
		} {
			if verify(changed) {
				t.Errorf("%.20s: %s is not noticed", record, name)
			}
		}
	}
	for _, bad := range []string{"", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := outbound.SigningKey(bad); postroom.ReasonOf(err) != outbound.ReasonSigningKey {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
