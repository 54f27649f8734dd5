// Package keyring holds the keys of the installation, in one file outside the database (R39), and resolves the secrets that the
// configuration names.
//
// A [Ring] has keys of several purposes, never one key for two. Rotation adds a key: it signs from then on, and the older ones
// of its purpose still verify, so that the threads, bounces and digests that they made stay valid. Keys are never removed here.
//
// Keys and secrets show themselves nowhere: not in errors, not with fmt, slog or JSON.
package keyring

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postroom/postroom"
)

// Purpose is what a key is for. Its value is part of every digest.
type Purpose string

// The purposes of keys.
const (
	MessageIDs   Purpose = "message-id"   // the Message-IDs of our mails, by which replies are recognised
	ReplyTokens  Purpose = "reply-token"  // in the local part of Reply-To
	BounceTokens Purpose = "bounce-token" // in the envelope sender (VERP)
	Digests      Purpose = "mac"          // digests of bytes that were not redacted (R36)
	Vault        Purpose = "vault"        // wraps the keys of held attachments (R38)
	Credentials  Purpose = "credentials"  // seals OAuth tokens
)

// Purposes lists every purpose; a ring has a key for each.
func Purposes() []Purpose {
	return []Purpose{MessageIDs, ReplyTokens, BounceTokens, Digests, Vault, Credentials}
}

const keySize = 32

// key is one key. The secret hangs behind a pointer, so that printing a struct that holds a key prints an address.
type key struct {
	id      string // eight hexadecimal characters
	purpose Purpose
	created time.Time
	secret  *[keySize]byte
}

func newKey(p Purpose, now time.Time) key {
	var id [4]byte
	var secret [keySize]byte
	rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	rand.Read(secret[:])
	return key{id: hex.EncodeToString(id[:]), purpose: p, created: now.UTC().Truncate(time.Second), secret: &secret}
}

// Ring is a key ring in memory. It may be used by any number of goroutines.
type Ring struct {
	path string
	mu   sync.RWMutex
	keys map[Purpose][]key // the current one first
}

// MAC is the HMAC-SHA-256 (RFC 2104) of the data under the current key of p: 32 bytes. Every piece of data counts with its
// length, so that "ab", "c" and "a", "bc" differ.
func (r *Ring) MAC(p Purpose, data ...[]byte) []byte { return mac(r.current(p), data) }

// MACs gives the MAC of the data under every key of p, the current one first: a row that was stored before a rotation is found
// by one of the others.
func (r *Ring) MACs(p Purpose, data ...[]byte) [][]byte {
	var all [][]byte
	for _, k := range r.all(p) {
		all = append(all, mac(k, data))
	}
	return all
}

// Verify reports whether sum is the MAC of the data under any key of p. It takes the same time for every sum.
func (r *Ring) Verify(p Purpose, sum []byte, data ...[]byte) bool {
	ok := false
	for _, k := range r.all(p) {
		ok = hmac.Equal(sum, mac(k, data)) || ok
	}
	return ok
}

// tokenBytes is the size of a token before encoding: 80 bits, so that guessing is hopeless and sixteen characters are enough.
const tokenBytes = 10

// base32Lower is RFC 4648 section 6 in lower case, which mail systems that lower-case addresses do not change.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token proves that we chose id for purpose p: the first 80 bits of its MAC, as sixteen characters a–z and 2–7. It fits into
// the local part of an address.
func (r *Ring) Token(p Purpose, id string) string { return token(r.current(p), []byte(id)) }

// VerifyToken reports whether token is the one of id under any key of p. Letter case does not matter.
func (r *Ring) VerifyToken(p Purpose, id, given string) bool {
	return r.verifyToken(p, given, []byte(id))
}

func (r *Ring) verifyToken(p Purpose, given string, data ...[]byte) bool {
	given = strings.ToLower(given)
	ok := false
	for _, k := range r.all(p) {
		ok = hmac.Equal([]byte(given), []byte(token(k, data...))) || ok
	}
	return ok
}

// MessageID makes the Message-ID of one of our mails, c.{id}.{token}@domain, without angle brackets. The token covers id and
// domain. id is a UUID or the like: lower-case letters, digits and dashes; else, or with a malformed domain, the error is Invalid.
func (r *Ring) MessageID(id, domain string) (postroom.InternetMessageID, error) {
	domain = strings.ToLower(domain)
	if !plain(id, "-") || !plain(domain, "-.") {
		return "", postroom.Invalid(postroom.ReasonMalformed, "make a Message-ID: malformed id or domain")
	}
	return postroom.InternetMessageID("c." + id + "." + token(r.current(MessageIDs), []byte(id), []byte(domain)) + "@" + domain), nil
}

// VerifyMessageID returns the id within a Message-ID that MessageID made, with or without angle brackets, under any key. Letter
// case does not matter: some relays change it.
func (r *Ring) VerifyMessageID(m postroom.InternetMessageID) (id string, ok bool) {
	s := strings.ToLower(strings.TrimSpace(string(m)))
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	local, domain, _ := strings.Cut(s, "@")
	parts := strings.Split(local, ".")
	if len(parts) != 3 || parts[0] != "c" || !plain(parts[1], "-") || !plain(domain, "-.") {
		return "", false
	}
	if !r.verifyToken(MessageIDs, parts[2], []byte(parts[1]), []byte(domain)) {
		return "", false
	}
	return parts[1], true
}

// plain reports whether s is made of lower-case letters, digits and the characters of more, and is not empty.
func plain(s, more string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune(more, c) {
			return false
		}
	}
	return s != ""
}

func mac(k key, data [][]byte) []byte {
	h := hmac.New(sha256.New, k.secret[:])
	var size [8]byte
	for _, d := range slices.Insert(slices.Clone(data), 0, []byte(k.purpose)) {
		binary.BigEndian.PutUint64(size[:], uint64(len(d)))
		h.Write(size[:])
		h.Write(d)
	}
	return h.Sum(nil)
}

func token(k key, data ...[]byte) string {
	return base32Lower.EncodeToString(mac(k, data)[:tokenBytes])
}

// current returns the key that signs. Open made sure that there is one for each of Purposes.
func (r *Ring) current(p Purpose) key { return r.all(p)[0] }

func (r *Ring) all(p Purpose) []key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	keys := r.keys[p]
	if len(keys) == 0 {
		panic(fmt.Sprintf("keyring: %q is not one of Purposes", p))
	}
	return keys
}

// String says how many keys there are.
func (r *Ring) String() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	n := 0
	for _, keys := range r.keys {
		n += len(keys)
	}
	return fmt.Sprintf("keyring(%d)", n)
}

// GoString says how many keys there are.
func (r *Ring) GoString() string { return r.String() }

// LogValue says how many keys there are.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON refuses: keys are written to their file only.
func (r *Ring) MarshalJSON() ([]byte, error) { return nil, postroom.ErrSecret }
