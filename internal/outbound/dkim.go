package outbound

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postroom/postroom"
)

// ReasonSigningKey says that the key for signing cannot be used.
const ReasonSigningKey postroom.Reason = "signing_key"

// Signing is how mails of a domain are signed (DKIM, RFC 6376): for those who submit to a relay or to servers that do not sign themselves.
type Signing struct {
	Domain   string
	Selector string
	Key      crypto.Signer
}

// minRSA is the shortest RSA key that receivers take seriously, in bits (RFC 8301 section 3.2).
const minRSA = 1024

// SigningKey reads a private key, PEM with PKCS #8 or PKCS #1: RSA, or Ed25519 (RFC 8463). Another is Refused with reason signing_key; the error
// never holds any of it.
func SigningKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, postroom.Refused(ReasonSigningKey, "The key for signing is not PEM")
	}
	var parsed any
	var err error
	if parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, postroom.Refused(ReasonSigningKey, "The key for signing is neither PKCS #8 nor PKCS #1")
		}
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() >= minRSA {
			return key, nil
		}
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, postroom.Refused(ReasonSigningKey, "The key for signing is neither RSA of 1024 bits nor Ed25519")
}

// signed are the fields that a signature covers. From and Subject stand twice: a second one that somebody adds breaks it (RFC 6376 section 8.15).
var signed = []string{"From", "From", "To", "Cc", "Subject", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Reply-To", "MIME-Version", "Content-Type"}

// Sign puts a signature before a finished mail, whose lines end with CRLF. The mail may not be changed after that.
func Sign(mail []byte, s Signing) ([]byte, error) {
	var out bytes.Buffer
	err := dkim.Sign(&out, bytes.NewReader(mail), &dkim.SignOptions{Domain: s.Domain, Selector: s.Selector, Signer: s.Key, HeaderKeys: signed,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil {
		return nil, postroom.Internal("The reply could not be signed", err)
	}
	return out.Bytes(), nil
}
