package flows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// ErrSecretRejected says that the other side refused every value the secret has:
// the current one, the refreshed one and the previous one. Callers fail closed.
var ErrSecretRejected = errors.New("the secret was rejected; its current and its previous value are both refused")

// SecretReader reads one secret at its source. Integrations implement it
// (environment, file, AWS Secrets Manager).
type SecretReader interface {
	// Value returns the value of the given age: SecretCached may come from memory,
	// SecretFresh is read again now, SecretPrevious is the one before the last
	// rotation (ErrNoSuchVersion where the source keeps none).
	Value(ctx context.Context, which SecretVersion) (string, error)
}

// SecretVersion says which value of a secret is wanted.
type SecretVersion int

// The versions, in the order in which Secret.Try goes through them.
const (
	SecretCached SecretVersion = iota
	SecretFresh
	SecretPrevious
)

// ErrNoSuchVersion says that the source keeps no such version.
var ErrNoSuchVersion = errors.New("the source keeps no such version of the secret")

// Secret is a handle: it is fetched when used, rotates without a restart, and
// prints as its name only. The zero value is an error when used.
type Secret struct {
	name   string
	reader SecretReader
}

// NewSecret ties a name to where its value is read.
func NewSecret(name string, reader SecretReader) Secret { return Secret{name: name, reader: reader} }

// Name is how the configuration calls it.
func (s Secret) Name() string { return s.name }

// IsZero reports whether there is no secret behind the handle.
func (s Secret) IsZero() bool { return s.reader == nil }

// String prints the name, never the value.
func (s Secret) String() string { return "secret(" + s.name + ")" }

// GoString does the same for %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue does the same for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText does the same for encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal fetches the current value. The caller must not keep, print or store it.
func (s Secret) Reveal(ctx context.Context) (string, error) {
	if s.reader == nil {
		return "", errors.New("no secret is configured here")
	}
	v, err := s.reader.Value(ctx, SecretCached)
	if err != nil {
		return "", fmt.Errorf("read secret %q: %w", s.name, err)
	}
	return v, nil
}

// Try calls use with the cached value; where use reports that it was rejected (an
// HTTP 401), once more with a value read fresh, then once with the previous one,
// each only if it differs from those tried. It ends with ErrSecretRejected.
func (s Secret) Try(ctx context.Context, use func(value string) (rejected bool, err error)) error {
	if s.reader == nil {
		return errors.New("no secret is configured here")
	}
	tried := map[string]bool{}
	for _, which := range []SecretVersion{SecretCached, SecretFresh, SecretPrevious} {
		v, err := s.reader.Value(ctx, which)
		if errors.Is(err, ErrNoSuchVersion) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read secret %q: %w", s.name, err)
		}
		if tried[v] {
			continue
		}
		tried[v] = true
		rejected, err := use(v)
		if !rejected {
			return err
		}
	}
	return fmt.Errorf("secret %q: %w", s.name, ErrSecretRejected)
}
