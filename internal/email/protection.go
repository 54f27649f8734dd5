package email

import "strings"

// Protection says that a mail is signed or encrypted, and by which standard. We neither verify nor decrypt: the parts are attachments.
type Protection string

// The protections.
const (
	SMIMESigned    Protection = "smime-signed"    // RFC 8551 section 3.5
	SMIMEEncrypted Protection = "smime-encrypted" // RFC 8551 section 3.3
	PGPSigned      Protection = "pgp-signed"      // RFC 3156 section 5, or within the text
	PGPEncrypted   Protection = "pgp-encrypted"   // RFC 3156 section 4, or within the text
)

// protection looks at the outermost part, which is protected as a whole, and at the beginning of the text.
func protection(root *part, text string) Protection {
	protocol := strings.ToLower(root.parameters["protocol"])
	switch root.mediaType {
	case "multipart/signed":
		if strings.Contains(protocol, "pgp") {
			return PGPSigned
		}
		return SMIMESigned
	case "multipart/encrypted":
		return PGPEncrypted
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		if strings.HasPrefix(strings.ToLower(root.parameters["smime-type"]), "signed") {
			return SMIMESigned
		}
		return SMIMEEncrypted
	}
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "-----BEGIN PGP MESSAGE-----"):
		return PGPEncrypted
	case strings.HasPrefix(text, "-----BEGIN PGP SIGNED MESSAGE-----"):
		return PGPSigned
	}
	return ""
}
