package keyring

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/postroom/postroom"
)

// Secret is a password, a token or the like. It never shows itself; Reveal is the only way to it.
type Secret struct {
	value *string // behind a pointer, so that printing a struct that holds a Secret prints an address
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String says only that it is a secret.
func (s Secret) String() string { return "secret" }

// GoString says only that it is a secret.
func (s Secret) GoString() string { return "secret" }

// LogValue says only that it is a secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue("secret") }

// MarshalText refuses, and JSON with it.
func (s Secret) MarshalText() ([]byte, error) { return nil, errSecret }

var errSecret = errors.New("a secret is not written anywhere")

// maxSecret is the largest secret, in bytes: a private key with its chain fits.
const maxSecret = 64 << 10

// Why a secret cannot be had.
const (
	ReasonSecretMalformed postroom.Reason = "secret_malformed" // the reference, or the secret's content
	ReasonSecretNotFound  postroom.Reason = "secret_not_found"
)

// variable is the form of references to the environment.
var variable = regexp.MustCompile(`^POSTROOM_SECRET_[A-Z0-9_]+$`)

// Secrets resolves the references to secrets that the configuration holds in place of values (R39).
type Secrets struct {
	root *os.Root
}

// OpenSecrets opens the secrets directory. Close it when done.
func OpenSecrets(dir string) (*Secrets, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, failed("open the secrets directory", err)
	}
	return &Secrets{root: root}, nil
}

// Close releases the directory.
func (s *Secrets) Close() error { return s.root.Close() }

// Secret resolves ref: the name of a variable POSTROOM_SECRET_…, or the path of a file below the secrets directory, whose last
// line end does not count. Neither ".." nor a symbolic link leads out of the directory, and the key ring is no secret. Errors are
// Invalid or NotFound and name neither ref nor value: people do write a password where a reference belongs.
func (s *Secrets) Secret(ref string) (Secret, error) {
	if variable.MatchString(ref) {
		return sound(os.Getenv(ref))
	}
	info, err := s.root.Stat(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return Secret{}, postroom.NotFound(ReasonSecretNotFound, "resolve a secret: the reference leads to no file")
	}
	if err != nil {
		return Secret{}, malformed("the reference is neither a file below the secrets directory nor a variable POSTROOM_SECRET_…")
	}
	if !info.Mode().IsRegular() {
		return Secret{}, malformed("the reference leads to something that is not a file")
	}
	if ring, err := s.root.Stat(FileName); err == nil && os.SameFile(ring, info) {
		return Secret{}, malformed("the key ring is not a secret to refer to")
	}
	f, err := s.root.Open(ref)
	if err != nil {
		return Secret{}, failed("resolve a secret", errors.New("the file cannot be opened"))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return Secret{}, failed("resolve a secret", errors.New("the file cannot be read"))
	}
	if len(content) > maxSecret {
		return Secret{}, malformed("the file is larger than 64 KiB")
	}
	return sound(strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"))
}

func sound(value string) (Secret, error) {
	if value == "" {
		return Secret{}, postroom.NotFound(ReasonSecretNotFound, "resolve a secret: it is not set, or empty")
	}
	return Secret{&value}, nil
}

func malformed(why string) error {
	return postroom.Invalid(ReasonSecretMalformed, "resolve a secret: "+why)
}
