package postroom

import (
	"errors"
	"log/slog"
)

// Secret is a password, a token, or a URL that may hold one. It never shows itself; Reveal is the only way to it (R39).
type Secret struct {
	value *string // behind a pointer, so that printing a struct that holds a Secret prints an address
}

// NewSecret keeps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the secret itself; the zero Secret is "".
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
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// ErrSecret is why something that holds secrets is not marshalled.
var ErrSecret = errors.New("a secret is not written anywhere")
