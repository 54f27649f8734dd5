package auth

import (
	"fmt"
	"strings"
	"testing"
)

func TestAPasswordIsKnownByItsHashOnly(t *testing.T) {
	t.Parallel()
	hash, err := HashPassword("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	again, err := HashPassword("correct horse battery")
	if err != nil || hash == again {
		t.Fatal("two hashes of one password are equal: the salt is missing")
	}
	if !VerifyPassword(hash, "correct horse battery") || VerifyPassword(hash, "correct horse batterY") || VerifyPassword(hash, "") {
		t.Fatal("the hash does not tell passwords apart")
	}
	for _, broken := range []string{"", "x", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "m=19456", "m=99999999", 1),
		hash[:len(hash)-2] + "!!"} {
		if VerifyPassword(broken, "correct horse battery") {
			t.Errorf("verified against %q", broken)
		}
	}
}

func TestPasswordsOutOfBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"", "한글비밀번호열한자리요", strings.Repeat("x", MaxPassword+1)} {
		if _, err := HashPassword(password); err == nil {
			t.Errorf("hashed a password of %d bytes", len(password))
		}
	}
	if _, err := HashPassword("열두글자짜리한글비밀번호"); err != nil {
		t.Errorf("twelve Korean characters: %v", err)
	}
}

func TestTokensDifferAndDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	a, b := NewToken(), NewToken()
	if a == b || len(a.Hash()) != 32 || string(a.Hash()) == string(b.Hash()) {
		t.Fatal("tokens are not random")
	}
	if strings.Contains(fmt.Sprintf("%v %s %+v", a, a, struct{ T Token }{a}), a.Reveal()) {
		t.Fatal("a token printed itself")
	}
}
