package keyring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
)

func openSecrets(t *testing.T, dir string) *keyring.Secrets {
	t.Helper()
	s, err := keyring.OpenSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecretComesFromItsFileOrItsVariable(t *testing.T) {
	t.Setenv("POSTROOM_SECRET_SMTP", "from the environment")
	_, dir := newRing(t)
	put(t, filepath.Join(dir, "mail", "imap"), "hunter2\n")
	put(t, filepath.Join(dir, "crlf"), " two words \r\n")
	if err := os.Symlink("mail/imap", filepath.Join(dir, "inside")); err != nil {
		t.Fatal(err)
	}
	s := openSecrets(t, dir)
	for ref, want := range map[string]string{
		"mail/imap": "hunter2", "./mail/../mail/imap": "hunter2", "inside": "hunter2", "crlf": " two words ",
		"POSTROOM_SECRET_SMTP": "from the environment",
	} {
		if got, err := s.Secret(ref); err != nil || got.Reveal() != want {
			t.Errorf("%q: %q %v", ref, got.Reveal(), err)
		}
	}
}

func TestReferenceNeverLeadsOutOfTheSecretsDirectory(t *testing.T) {
	t.Setenv("OTHER", "x")
	t.Setenv("POSTROOM_SECRET_EMPTY", "")
	_, dir := newRing(t)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	put(t, outside, "hunter2")
	put(t, filepath.Join(dir, "empty"), "\n")
	put(t, filepath.Join(dir, "large"), strings.Repeat("x", 65<<10))
	for link, target := range map[string]string{"absolute": outside, "relative": "../outside", "ring": keyring.FileName, "folder": "..", "nowhere": "gone"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := openSecrets(t, dir)
	for _, ref := range []string{
		"", ".", "..", "/", outside, "../outside", "x/../../outside", "absolute", "relative", "folder/outside", "nowhere",
		keyring.FileName, "./" + keyring.FileName, "ring", "empty", "large", "hunter2",
		"OTHER", "POSTROOM_SECRET_", "POSTROOM_SECRET_EMPTY", "POSTROOM_SECRET_ABSENT", "postroom_secret_x", "a\x00b",
	} {
		got, err := s.Secret(ref)
		if kind := postroom.KindOf(err); kind != postroom.KindInvalid && kind != postroom.KindNotFound || got.Reveal() != "" {
			t.Errorf("%q: %q %v", ref, got.Reveal(), err)
		}
		if ref == "hunter2" && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), ref) {
			t.Errorf("the error quotes the reference: %#v", err)
		}
	}
}

func TestSecretShowsItselfNowhere(t *testing.T) {
	t.Parallel()
	_, dir := newRing(t)
	put(t, filepath.Join(dir, "imap"), "hunter2")
	secret, err := openSecrets(t, dir).Secret("imap")
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		s postroom.Secret
		S *postroom.Secret
	}{secret, &secret}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "holder", holder)
	if _, err := json.Marshal(secret); err == nil {
		t.Error("JSON takes a secret")
	}
	if out := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", secret, secret, secret, secret, secret, secret, holder, holder, holder) + log.String(); strings.Contains(out, "hunter2") || strings.Contains(out, "68756e74657232") {
		t.Errorf("the secret shows in %s", out)
	}
	if (postroom.Secret{}).Reveal() != "" {
		t.Error("the zero Secret is not empty")
	}
}
