package keyring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func newRing(t *testing.T) (*keyring.Ring, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	r, err := keyring.Init(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func TestKeyRingIsMadeOnceAndReadableByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	r, dir := newRing(t)
	for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, keyring.FileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, error %v", path, info.Mode().Perm(), err)
		}
	}
	again, err := keyring.Init(dir, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.MAC(keyring.Digests, []byte("x")), again.MAC(keyring.Digests, []byte("x"))) {
		t.Error("a second Init changed a key")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the secrets directory holds %v", left)
	}
}

func TestKeyRingIsNeverMadeByAccident(t *testing.T) {
	t.Parallel()
	_, err := keyring.Open(t.TempDir())
	if postroom.KindOf(err) != postroom.KindNotFound || postroom.ReasonOf(err) != keyring.ReasonNoKeyRing {
		t.Errorf("got %v", err)
	}
}

func TestExposedOrDamagedKeyRingIsRefused(t *testing.T) {
	t.Parallel()
	_, dir := newRing(t)
	path := filepath.Join(dir, keyring.FileName)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(dir); postroom.ReasonOf(err) != keyring.ReasonKeyRingExposed {
		t.Errorf("mode 0640: %v", err)
	}
	for _, content := range []string{"", "{", `{"format":2,"keys":[]}`, `{"format":1,"keys":[{"id":"01234567","purpose":"mac","secret":"c2hvcnQ="}]}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(dir); postroom.ReasonOf(err) != keyring.ReasonKeyRingDamaged || strings.Contains(fmt.Sprintf("%+v", err), "c2hv") {
			t.Errorf("%q: %v", content, err)
		}
		if _, err := keyring.Init(dir, now); err == nil {
			t.Errorf("%q: Init replaced a damaged ring", content)
		}
	}
}

func TestNewPurposeGetsAKeyAndOldKeysStay(t *testing.T) {
	t.Parallel()
	r, dir := newRing(t)
	path := filepath.Join(dir, keyring.FileName)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	file["keys"] = slices.DeleteFunc(file["keys"].([]any), func(k any) bool { return k.(map[string]any)["purpose"] == string(keyring.Vault) })
	content, _ = json.Marshal(file)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(dir); postroom.ReasonOf(err) != keyring.ReasonNoKeyRing {
		t.Errorf("a ring without a purpose: %v", err)
	}
	again, err := keyring.Init(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Verify(keyring.Digests, r.MAC(keyring.Digests, []byte("x")), []byte("x")) {
		t.Error("an old key is gone")
	}
}

func TestRotationMakesANewKeyAndOldOnesStillVerify(t *testing.T) {
	t.Parallel()
	r, dir := newRing(t)
	other, err := keyring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("x")
	sum, token := r.MAC(keyring.Digests, data), r.Token(keyring.Digests, "x")
	sealed, err := r.Seal(keyring.Digests, data, "row 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(keyring.Digests, now); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(sum, r.MAC(keyring.Digests, data)) || token == r.Token(keyring.Digests, "x") {
		t.Error("the old key still signs")
	}
	if !r.Verify(keyring.Digests, sum, data) || !r.VerifyToken(keyring.Digests, "x", token) {
		t.Error("the old key does not verify")
	}
	if all := r.MACs(keyring.Digests, data); len(all) != 2 || !bytes.Equal(all[0], r.MAC(keyring.Digests, data)) || !bytes.Equal(all[1], sum) {
		t.Error("MACs are not those of the new and the old key, in this order")
	}
	if opened, err := r.Open(keyring.Digests, sealed, "row 1"); err != nil || !bytes.Equal(opened, data) {
		t.Errorf("what the old key sealed: %q %v", opened, err)
	}
	if other.Verify(keyring.Digests, r.MAC(keyring.Digests, data), data) {
		t.Error("another process knows the new key before it reloads")
	}
	if err := other.Reload(); err != nil || !other.Verify(keyring.Digests, r.MAC(keyring.Digests, data), data) {
		t.Errorf("another process does not know the new key after it reloaded: %v", err)
	}
	if err := r.Rotate("unknown", now); postroom.KindOf(err) != postroom.KindInvalid {
		t.Errorf("unknown purpose: %v", err)
	}
}

func TestPurposesDoNotShareDigests(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	seen := map[string]keyring.Purpose{}
	for _, p := range keyring.Purposes() {
		sum := string(r.MAC(p, []byte("x")))
		if before, ok := seen[sum]; ok {
			t.Errorf("%s and %s agree", before, p)
		}
		seen[sum] = p
	}
	if r.Verify(keyring.Vault, r.MAC(keyring.Digests, []byte("x")), []byte("x")) {
		t.Error("a digest of one purpose verifies for another")
	}
}

func TestPiecesOfDataAreKeptApart(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	a, b := r.MAC(keyring.Digests, []byte("ab"), []byte("c")), r.MAC(keyring.Digests, []byte("a"), []byte("bc"))
	if bytes.Equal(a, b) || bytes.Equal(a, r.MAC(keyring.Digests, []byte("abc"))) || len(a) != 32 {
		t.Error("the pieces run into each other")
	}
}

func TestTokenSurvivesLowerCasingAndFitsAnAddress(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	token := r.Token(keyring.ReplyTokens, "019a0f2e-0000-7000-8000-000000000001")
	if len(token) != 16 || token != strings.ToLower(token) || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("token %q", token)
	}
	if !r.VerifyToken(keyring.ReplyTokens, "019a0f2e-0000-7000-8000-000000000001", strings.ToUpper(token)) {
		t.Error("an upper-case token does not verify")
	}
	for _, wrong := range []string{"", token[:15], token + "a", "a" + token[1:] + "b"} {
		if r.VerifyToken(keyring.ReplyTokens, "019a0f2e-0000-7000-8000-000000000001", wrong) {
			t.Errorf("%q verifies", wrong)
		}
	}
	if r.VerifyToken(keyring.ReplyTokens, "019a0f2e-0000-7000-8000-000000000002", token) {
		t.Error("the token of another id verifies")
	}
}

func TestOurMessageIDsAreRecognisedAndForgeriesAreNot(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	const id = "019a0f2e-0000-7000-8000-000000000001"
	m, err := r.MessageID(id, "Example.COM")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(keyring.MessageIDs, now); err != nil {
		t.Fatal(err)
	}
	for _, same := range []postroom.InternetMessageID{m, "<" + m + ">", postroom.InternetMessageID(strings.ToUpper(string(m))), " <" + m + "> "} {
		if got, ok := r.VerifyMessageID(same); !ok || got != id {
			t.Errorf("%q: %q %v", same, got, ok)
		}
	}
	for _, other := range []string{
		"", "c", "c..@example.com", "<>", "x@example.com",
		strings.Replace(string(m), "example.com", "example.org", 1),
		strings.Replace(string(m), "0001", "0002", 1),
		strings.Replace(string(m), "c.", "d.", 1),
		string(m) + ".evil",
	} {
		if _, ok := r.VerifyMessageID(postroom.InternetMessageID(other)); ok {
			t.Errorf("%q is taken for ours", other)
		}
	}
	for _, bad := range [][2]string{{"", "example.com"}, {"a b", "example.com"}, {"a>b", "example.com"}, {"a.b", "example.com"}, {"a", ""}, {"a", "x\r\ny"}} {
		if _, err := r.MessageID(bad[0], bad[1]); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSealedSecretOpensForItsUseOnly(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	other, _ := newRing(t)
	sealed, err := r.Seal(keyring.Credentials, []byte("token"), "mailbox a")
	if err != nil || bytes.Contains(sealed, []byte("token")) {
		t.Fatal(sealed, err)
	}
	if got, err := r.Open(keyring.Credentials, sealed, "mailbox a"); err != nil || string(got) != "token" {
		t.Errorf("%q %v", got, err)
	}
	changed := slices.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another use":     func() ([]byte, error) { return r.Open(keyring.Credentials, sealed, "mailbox b") },
		"another purpose": func() ([]byte, error) { return r.Open(keyring.Vault, sealed, "mailbox a") },
		"another ring":    func() ([]byte, error) { return other.Open(keyring.Credentials, sealed, "mailbox a") },
		"changed":         func() ([]byte, error) { return r.Open(keyring.Credentials, changed, "mailbox a") },
		"cut":             func() ([]byte, error) { return r.Open(keyring.Credentials, sealed[:12], "mailbox a") },
		"empty":           func() ([]byte, error) { return r.Open(keyring.Credentials, nil, "mailbox a") },
	} {
		if got, err := open(); postroom.ReasonOf(err) != keyring.ReasonSealBroken || got != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestKeysShowThemselvesNowhere(t *testing.T) {
	t.Parallel()
	r, dir := newRing(t)
	content, err := os.ReadFile(filepath.Join(dir, keyring.FileName))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Keys []struct{ Secret []byte } }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	holder := struct{ r *keyring.Ring }{r}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "ring", r, "holder", holder)
	asJSON, err := json.Marshal(r)
	if err == nil {
		t.Error("JSON takes a key ring")
	}
	out := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", r, r, r, r, holder, holder, holder) + log.String() + string(asJSON)
	for _, k := range file.Keys {
		for _, form := range []string{string(k.Secret), fmt.Sprint(k.Secret), fmt.Sprintf("%x", k.Secret), fmt.Sprintf("%#v", k.Secret)[6:20]} {
			if strings.Contains(out, form) {
				t.Fatalf("a key shows in %s", out)
			}
		}
	}
}
