// Package auth makes and checks passwords and session tokens. It holds no state and no policy: who may do what is api's permission
// table, when a session ends is internal/store's.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/postroom/postroom"
)

// The cost of a password's hash: argon2id with 19 MiB, 2 passes, 1 lane (OWASP's second choice of parameters, about 30 ms here). A
// hash says its own cost, so that a change acts on new passwords only.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	lanes     = 1
	saltBytes = 16
	keyBytes  = 32
)

// The bounds of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 256
)

// HashPassword hashes a password for storage, in the PHC string format. One that is too short or too long is Invalid.
func HashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword {
		return "", postroom.Invalid("password_length", fmt.Sprintf("a password has %d to %d characters", MinPassword, MaxPassword))
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, keyBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes, b64(salt), b64(key)), nil
}

// VerifyPassword reports whether a password has this hash. It takes as long for a hash that cannot be read, or for "", as for a
// real one, so that names without an account cannot be told apart by time.
func VerifyPassword(hash, password string) bool {
	h, ok := parse(hash)
	if !ok {
		h = phc{memory: memoryKiB, passes: passes, lanes: lanes, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	}
	if utf8.RuneCountInString(password) > MaxPassword {
		return false
	}
	key := argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1 && ok
}

type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// parse reads a PHC string of our own making; costs far above ours are refused, as they would be a way to stall us.
func parse(hash string) (h phc, ok bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, false
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return h, false
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return h, false
	}
	sane := h.memory > 0 && h.memory <= 1<<20 && h.passes > 0 && h.passes <= 10 && h.lanes > 0 && len(h.salt) >= 8 && len(h.key) >= 16
	return h, sane
}

// Token is the secret that a session is known by: 256 random bits, in base64 for URLs. It is never stored; its Hash is.
type Token string

// NewToken makes a token.
func NewToken() Token {
	b := make([]byte, 32)
	rand.Read(b)
	return Token(base64.RawURLEncoding.EncodeToString(b))
}

// Hash is the SHA-256 of the token: enough for a secret of 256 random bits, and quick enough for every request (R40).
func (t Token) Hash() []byte {
	sum := sha256.Sum256([]byte(t))
	return sum[:]
}

// String hides the token.
func (t Token) String() string { return "token" }

// Reveal gives the token, for the one answer that carries it.
func (t Token) Reveal() string { return string(t) }
