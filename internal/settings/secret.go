package settings

import (
	"errors"
	"log/slog"
)

// Secret is a setting that may hold a password. It never shows itself; Reveal is the only way to it.
type Secret struct {
	value *string // behind a pointer, so that printing a struct that holds a Secret prints an address
}

// Reveal returns the setting itself, "" if it is not set.
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
