package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/postroom/postroom"
)

const (
	sealVersion = 1 // first byte of what is sealed
	idSize      = 8 // then the id of the key; then nonce, ciphertext and tag
)

// ReasonSealBroken says that what was to be opened was not sealed by this ring, or for another use, or has been changed.
const ReasonSealBroken postroom.Reason = "seal_broken"

// Seal encrypts plaintext under the current key of p (AES-256-GCM with a random nonce; good for 2^32 seals of one key). use says
// what it is for, such as the id of its row: it is not stored, and opening takes the same.
func (r *Ring) Seal(p Purpose, plaintext []byte, use string) ([]byte, error) {
	k := r.current(p)
	aead, err := k.aead()
	if err != nil {
		return nil, postroom.Internal("seal a secret", err)
	}
	head := append([]byte{sealVersion}, k.id...)
	return aead.Seal(head, nil, plaintext, k.bound(head, use)), nil
}

// Open decrypts what Seal made, under whichever key made it. Anything else is Refused with reason seal_broken.
func (r *Ring) Open(p Purpose, sealed []byte, use string) ([]byte, error) {
	broken := postroom.Refused(ReasonSealBroken, "open a sealed secret: it does not belong here")
	if len(sealed) < 1+idSize || sealed[0] != sealVersion {
		return nil, broken
	}
	head := sealed[:1+idSize]
	for _, k := range r.all(p) {
		if k.id != string(head[1:]) {
			continue
		}
		aead, err := k.aead()
		if err != nil {
			return nil, postroom.Internal("open a sealed secret", err)
		}
		plaintext, err := aead.Open(nil, nil, sealed[len(head):], k.bound(head, use))
		if err != nil {
			return nil, broken
		}
		return plaintext, nil
	}
	return nil, broken
}

// aead makes the cipher. Its key is derived, so that no key serves two algorithms.
func (k key) aead() (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.secret[:], nil, "postroom seal", keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is the additional data: what the ciphertext belongs to.
func (k key) bound(head []byte, use string) []byte {
	return append(append(append([]byte(nil), head...), k.purpose+"\x00"...), use...)
}
