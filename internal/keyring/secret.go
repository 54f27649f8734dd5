package keyring

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/postroom/postroom"
)

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
func (s *Secrets) Secret(ref string) (postroom.Secret, error) {
	if variable.MatchString(ref) {
		return sound(os.Getenv(ref))
	}
	info, err := s.root.Stat(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return postroom.Secret{}, postroom.NotFound(ReasonSecretNotFound, "resolve a secret: the reference leads to no file")
	}
	if err != nil {
		return postroom.Secret{}, malformed("the reference is neither a file below the secrets directory nor a variable POSTROOM_SECRET_…")
	}
	if !info.Mode().IsRegular() {
		return postroom.Secret{}, malformed("the reference leads to something that is not a file")
	}
	if ring, err := s.root.Stat(FileName); err == nil && os.SameFile(ring, info) {
		return postroom.Secret{}, malformed("the key ring is not a secret to refer to")
	}
	f, err := s.root.Open(ref)
	if err != nil {
		return postroom.Secret{}, failed("resolve a secret", errors.New("the file cannot be opened"))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return postroom.Secret{}, failed("resolve a secret", errors.New("the file cannot be read"))
	}
	if len(content) > maxSecret {
		return postroom.Secret{}, malformed("the file is larger than 64 KiB")
	}
	return sound(strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"))
}

func sound(value string) (postroom.Secret, error) {
	if value == "" {
		return postroom.Secret{}, postroom.NotFound(ReasonSecretNotFound, "resolve a secret: it is not set, or empty")
	}
	return postroom.NewSecret(value), nil
}

func malformed(why string) error {
	return postroom.Invalid(ReasonSecretMalformed, "resolve a secret: "+why)
}
