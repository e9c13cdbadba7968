package oidc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"breakglass/flows"
)

// Attempt is one try to sign in. Its secret lies in a cookie of the browser that began
// it, and nowhere else; state, nonce and PKCE verifier are derived from it for one
// provider, so that an answer fits one browser and one provider only.
type Attempt struct {
	provider flows.SignInProvider
	secret   string
}

// MinSecret is the least length of an attempt's secret: 32 random bytes in base64.
const MinSecret = 43

// NewAttempt derives an attempt.
func NewAttempt(provider flows.SignInProvider, secret string) Attempt {
	return Attempt{provider: provider, secret: secret}
}

func (a Attempt) derive(what string) string {
	sum := sha256.Sum256([]byte("breakglass sign-in v1\n" + what + "\n" + string(a.provider) + "\n" + a.secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (a Attempt) state() string    { return a.derive("state") }
func (a Attempt) nonce() string    { return a.derive("nonce") }
func (a Attempt) verifier() string { return a.derive("verifier") }

// fits reports whether the state that came back is the attempt's.
func (a Attempt) fits(state string) bool {
	return len(a.secret) >= MinSecret && subtle.ConstantTimeCompare([]byte(state), []byte(a.state())) == 1
}
